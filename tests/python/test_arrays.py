"""Values that are computed at once: every row, NumPy's functions, operators and methods, and how they go with tensors and contexts."""

import copy
import itertools
import math
import operator
import pickle
import re
import threading
import warnings

import numpy as np
import pytest
import scipy.special

import scirs2_autograd as ag
from messages import refused
from rows import ROWS, applied, attributes
from samples import draw
from scirs2_autograd import _lib, arrays
from scirs2_autograd import tensor_ops as T
from test_numpy_calls import ARRAYS, CALLS, FUNCTIONS, REGULAR, A, B, alike, flat
from test_reference import LAYOUTS, bad, cases, compare


def is_value(y):
    """An array that never changes, or a scalar of NumPy's."""
    if isinstance(y, np.generic):
        return True
    return type(y) is ag.Array and y.ndim > 0 and not y.flags.writeable


# Rows


@pytest.mark.parametrize(("index", "case"), list(cases()))
def test_a_row_at_once(index, case):
    """NumPy's value in both dtypes, twice: the second time by the graph that is kept, and from another layout."""
    row = ROWS[index]
    inputs, texts = case
    attrs = attributes(row, texts)
    for dtype in ("float64", "float32"):
        rng = np.random.default_rng(index)
        base = [draw(rng, domain, shape, dtype) for domain, shape in inputs]
        for layout in (LAYOUTS[0], LAYOUTS[1 + (index + len(dtype) + len(texts)) % (len(LAYOUTS) - 1)]):
            xs = [x if x is None else layout(x, domain[0]) for x, (domain, _) in zip(base, inputs, strict=True)]
            got = applied(index, xs, attrs)
            assert all(map(is_value, got))
            compare(row, got, xs, attrs, dtype)


@pytest.mark.parametrize(("index", "inputs", "texts", "message"), list(bad()))
def test_bad_input_at_once(index, inputs, texts, message):
    """The message is that of the graph, without a place: the traceback ends where it was called."""
    xs = [np.zeros([3 if n is None else n for n in shape], dtype) for dtype, shape in inputs]
    with pytest.raises((ag.AutogradError, ValueError)) as e:
        applied(index, xs, attributes(ROWS[index], texts))
    assert str(e.value) == message
    assert not getattr(e.value, "__notes__", [])


# Operators, numbers, promotion

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.and_,
    operator.or_, operator.xor, operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge, divmod,
]  # fmt: skip
DTYPES = ["bool", "int32", "int64", "float32", "float64"]
NUMBERS = [True, 0, 1, -1, 2, 3, 7, 100, 2**40, 0.0, 1.0, -1.0, 0.5, 2.0, 2.5, -7.25, 1e10, float("inf"), float("nan")]


def outcome(f, a, b):
    """The results, each as an array, or the kind of the error."""
    with np.errstate(all="ignore"):
        try:
            y = f(a, b)
        except (TypeError, ValueError, OverflowError) as e:
            return TypeError if isinstance(e, TypeError) else ValueError if isinstance(e, ValueError) else OverflowError
    return [np.asarray(x) for x in (y if isinstance(y, tuple) else (y,))]


def same(f, a, b, own_a, own_b):
    want, got = outcome(f, a, b), outcome(f, own_a, own_b)
    if isinstance(want, type) or isinstance(got, type):
        assert got is want, (f, a, b)
        return
    for y, w in zip(got, want, strict=True):
        assert (y.shape, y.dtype) == (w.shape, w.dtype), (f, a, b)
        np.testing.assert_allclose(y, w, rtol=4e-7 if w.dtype == "f4" else 1e-15, err_msg=f"{f} {a!r} {b!r}")


@pytest.mark.parametrize("f", OPERATORS)
def test_operators_are_numpys(f):
    """Values and dtypes, with an array of each dtype, and a number of Python's, on either side."""
    rng = np.random.default_rng(0)
    made = {d: rng.integers(1, 4, (2, 3)).astype(d) for d in DTYPES}
    for a, b in itertools.product(DTYPES, DTYPES):
        x, y = made[a], made[b][::-1]
        same(f, x, y, ag.array(x), ag.array(y))
        same(f, x, y, ag.array(x), y)
        same(f, x, y, x, ag.array(y))
        same(f, x, y[0, 0], ag.array(x), y[0, 0])
        same(f, y[0, 0], x, y[0, 0], ag.array(x))


#: Where NumPy's conventions for integers are another matter than promotion: by zero it warns and gives 0, and it refuses powers that we
#: compute, or the other way about.
INTEGERS = {operator.floordiv, operator.mod, divmod, operator.pow}


@pytest.mark.parametrize("f", OPERATORS)
def test_numbers_take_the_dtype_beside_them(f):
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        if f in INTEGERS and isinstance(number, int) and np.dtype(dtype).kind in "bi":
            continue
        x = np.array([[1, 2, 3], [3, 1, 2]]).astype(dtype)
        same(f, x, number, ag.array(x), number)
        same(f, number, x, number, ag.array(x))


def test_unary_operators():
    for dtype in DTYPES:
        x = np.array([[0, 1, 2]]).astype(dtype)
        for f in (operator.neg, operator.abs, operator.invert, operator.pos):
            same(lambda a, _, f=f: f(a), x, None, ag.array(x), None)


def test_a_number_is_no_part_of_the_graph():
    """A loop over other numbers compiles nothing; what overflows the dtype beside it is NumPy's infinity by an operator, an error by T."""
    x = ag.array(np.ones(3, "float32"))
    with np.errstate(over="ignore"):
        assert np.isinf(np.asarray(x * 1e300)).all()
    refused_text = "constant: the number does not fit"
    with pytest.raises(ag.DTypeError, match=re.escape(refused_text)):
        T.mul(x, 1e300)
    for k in range(5, 8):
        x = x * (k + 0.25) + k
    before = _lib._compilations()
    for k in range(9, 200):
        want = np.asarray(x) * np.float32(k + 0.125) + k
        x = x * (k + 0.125) + k
        np.testing.assert_allclose(np.asarray(x), want, rtol=1e-6)
        x = x / np.float32(np.max(np.asarray(x)))
    assert _lib._compilations() - before <= 1


def test_many_operations_are_forgotten_and_made_again():
    for n in [*range(1, 1300), *range(1, 30)]:
        assert T.sum(np.ones(n)) == n
    ag.trim()
    assert T.sum(np.ones(7)) == 7.0


def test_threads():
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(200):
            n = int(rng.integers(1, 20))
            a = rng.standard_normal(n)
            y = np.tanh(ag.array(a)) * 2.5 + a
            if not np.allclose(y, np.tanh(a) * 2.5 + a):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# Contexts and tensors


def test_one_rule(ctx):
    """A tensor among the operands builds graph; NumPy's functions, operators and methods of values do not; T builds in a context."""
    x, t = ag.array([1.0, 4.0]), ctx.constant([2.0, 3.0])
    for y in (
        x + t,
        t + x,
        np.add(x, t),
        T.add(x, t),
        x @ t,
        np.where(t > 2.5, x, 0.0),
        T.sqrt(x),
        np.concatenate([x, t]),
        x.at[0].set(t[0]),
    ):
        assert type(y) is ag.Tensor, y
    for y in (x + x, np.sqrt(x), x.sum(), np.concatenate([x, x]), x * 2.5, np.add.reduce(x), x.at[0].set(1.0), x.median(), x[1:]):
        assert is_value(y) or y.base is not None, y
    np.testing.assert_array_equal((x @ t).eval(), 14.0)
    np.testing.assert_array_equal(x.at[0].set(t[0]).eval(), [2.0, 4.0])
    y = x
    y += t
    assert type(y) is ag.Tensor
    # What calls functions of T on the way does not leave the context.
    assert ag.current_context() is ctx
    np.testing.assert_array_equal(x, [1.0, 4.0])


def test_a_failure_leaves_the_context(ctx):
    with pytest.raises(ValueError, match="broadcast"):
        np.add(ag.array([1.0, 2.0]), ag.array([1.0, 2.0, 3.0]))
    assert ag.current_context() is ctx
    assert type(T.sqrt(4.0)) is ag.Tensor


def test_a_function_computes_or_builds():
    """The same code on an array of NumPy's, a value and a tensor."""

    def f(x):
        y = T.softmax(x * 2.5) + np.tanh(x)
        y = y.at[0].add(x[-1])
        y += T.cond(T.sum(y) > 0, lambda: T.mean(y), lambda: -T.mean(y))
        return np.sum(y * T.arange(3)) + T.eye(3)[0, 0] + T.sum(T.linspace(0.0, 1.0, 3)) + T.sum(T.zeros(3) + x)

    a = np.array([0.5, -1.0, 2.0])
    want = ag.jit(f)(a)
    for x in (a, ag.array(a)):
        got = f(x)
        assert isinstance(got, np.float64)
        np.testing.assert_allclose(got, want, rtol=1e-15)
    for x in (a, ag.array(a)):
        np.testing.assert_allclose(ag.grad(f)(x), ag.grad(lambda x: f(x))(a))
        value, gradient = ag.jit(ag.value_and_grad(f))(x)
        np.testing.assert_allclose(value, want)
        assert ag.gradcheck(f, [a]) is None
        assert type(gradient) is np.ndarray
    # `f` of a value, inside a function that is differentiated.
    inner = ag.grad(lambda w: np.sum(w * f(ag.array(a))))(np.ones(2))
    np.testing.assert_allclose(inner, [want, want])


def test_jit_takes_values_without_a_detour():
    f = ag.jit(lambda x: np.sum(x * 2.0))
    x = ag.array([1.0, 2.0])
    assert [f(x), f(x), f(np.array([1.0, 2.0]))] == [6.0, 6.0, 6.0]
    assert f.traces == 1


# The class


def test_what_never_changes():
    x = ag.array([1.0, 2.0, 3.0])
    y = x
    y += 1.0
    y *= x
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y, [2.0, 6.0, 12.0])
    refused(
        lambda: x.__setitem__(0, 5.0), TypeError, "setitem: an array of this package never changes. Got x[0] = 5.0; ", "x.at[index].set"
    )
    refused(lambda: np.sqrt(x).__setitem__(0, 5.0), TypeError, "setitem: ")
    for f in (
        lambda: np.add(x, 1.0, out=x),
        lambda: np.put(x, [0], 1.0),
        x.sort,
        lambda: np.copyto(x, 1.0),
    ):
        with pytest.raises(ValueError, match=r"read-only|read only"):
            f()
    refused(lambda: np.add.at(x, [0], 1.0), TypeError, "np.add.at: an array of this package never changes. Got <ndarray", "x.at[index].set")
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])
    np.add.at(z := np.zeros(3), [0, 0, 1], x)
    np.testing.assert_array_equal(z, [3.0, 3.0, 0.0])
    z = np.array(x)
    z[0] = 5.0
    assert type(z) is np.ndarray
    assert x[0] == 1.0
    # An array of NumPy's is written in place, as ever.
    a = b = np.zeros(3)
    a += x
    np.testing.assert_array_equal(b, x)
    assert type(a) is np.ndarray


def test_a_copy_of_what_it_was_made_of():
    a = np.array([1.0, 2.0])
    x = ag.array(a)
    a[0] = 9.0
    np.testing.assert_array_equal(x, [1.0, 2.0])
    y = x.copy()
    y[0] = 9.0
    assert x[0] == 1.0


def test_copies_and_pickles():
    x = ag.array([[1.0, 2.0]])
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize(
    ("x", "dtype"),
    [(1, "int64"), (True, "bool"), (1.5, "float64"), ([1, 2], "int64"), ([[1.0], [2.0]], "float64"), (np.float16([1.5]), "float32"),
     (np.int8([3]), "int32"), (np.uint8(3), "int32"), ([], "float64"), (np.zeros((0, 3), "f4"), "float32"), (np.arange(4)[::-2], "int64"),
     (np.arange(3.0).astype(">f8"), "float64")],
)  # fmt: skip
def test_what_becomes_a_value(x, dtype):
    y = ag.array(x)
    assert type(y) is ag.Array
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, x)
    assert not y.flags.writeable
    assert ag.array(x, "float32").dtype == "float32"
    assert type(ag.array(x, "float32")) is ag.Array


def test_what_becomes_none(ctx):
    t = ctx.constant([1.0, 2.0])
    assert ag.array(t) is t
    assert ag.array(t, "float32").dtype == "float32"
    for x in ("text", [1.0, "a"], None, np.array([1j]), [[1.0], [2.0, 3.0]], np.ma.masked_array([1.0, 2.0], [True, False])):
        with pytest.raises((ag.DTypeError, ValueError)):
            ag.array(x)


def test_methods_and_attributes():
    a = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
    x = ag.array(a)
    for name in (*arrays.METHODS, "ravel", "flatten", "tolist", "nonzero", "conj", "squeeze", "item"):
        args = {"clip": (-1.0, 1.0), "repeat": (2,), "take": ([0, 2],), "dot": (a.T,), "item": (3,)}.get(name, ())
        got, want = getattr(x, name)(*args), getattr(a, name)(*args)
        if isinstance(want, list) or type(want) is float:
            assert got == want
            continue
        for y, w in zip(got if isinstance(got, tuple) else (got,), want if isinstance(want, tuple) else (want,), strict=True):
            np.testing.assert_allclose(y, w, rtol=1e-15, err_msg=name)
            assert np.asarray(y).dtype == np.asarray(w).dtype
    np.testing.assert_array_equal(x.sum(axis=0, keepdims=True), a.sum(axis=0, keepdims=True))
    np.testing.assert_array_equal(x.sum(0, "float32"), a.sum(0, "float32"))
    np.testing.assert_array_equal(x.mean(axis=1, where=a > 0), a.mean(axis=1, where=a > 0))
    out = np.zeros(3)
    assert x.sum(axis=0, out=out) is out
    np.testing.assert_array_equal(out, a.sum(axis=0))
    # What tensors have beside.
    np.testing.assert_allclose(x.median(axis=1), np.median(a, axis=1))
    np.testing.assert_allclose(x.exp(), np.exp(a), rtol=1e-15)
    np.testing.assert_array_equal(x.expand_dims(0), a[None])
    assert repr(ag.array([1.0, 2.0])) == "Array([1., 2.])"
    assert (float(ag.array(2.5)), int(ag.array(2)), bool(ag.array(0.0)), len(x), 4.0 in x) == (2.5, 2, False, 2, True)
    assert [type(row) for row in x] == [ag.Array] * 2
    assert f"{x.sum():.1f}" == "5.5"
    assert x.astype(complex).dtype == complex
    assert type(x.astype("float32")) is ag.Array
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    for f in (round, lambda x: round(x, 0), math.floor, math.ceil, math.trunc):
        assert type(f(x)) is ag.Array
    np.testing.assert_array_equal(round(x / 8.0, 2), np.round(a / 8.0, 2))
    np.testing.assert_array_equal(
        [math.floor(x / 2.0), math.ceil(x / 2.0), math.trunc(x / 2.0)], [f(a / 2) for f in (np.floor, np.ceil, np.trunc)]
    )
    refused(lambda: ag.Array([2, 3]), TypeError, "Array: it is not called. Got [2, 3]; ", "`ag.array(x)`")
    refused(lambda: x.eval(), AttributeError, 'array: a value remembers nothing. Got "eval"', "it is evaluated already")
    refused(lambda: x.grad, AttributeError, 'array: a value remembers nothing. Got "grad"', "`ag.grad(f)(x)`")
    assert not hasattr(x, "no_such_name")


@pytest.mark.parametrize("f", sorted(arrays.ROWS, key=lambda f: f.__name__))
def test_universal_functions(f):
    """NumPy's values and dtypes, or its error."""
    for dtype in ("int32", "int64", "float32", "float64"):
        x = np.array([[0.25, 0.5, 0.75], [0.125, 0.9, 0.1], [0.3, 0.2, 0.6]]) if dtype[0] == "f" else np.array([[1, 0, 1]] * 3)
        x = x.astype(dtype)
        if f is np.reciprocal and x.dtype.kind == "i":
            # A quotient of integers is floating.
            np.testing.assert_array_equal(f(ag.array(x[:, :1])), np.ones((3, 1)))
        elif f.nin == 1:
            same(lambda a, _: f(a), x, None, ag.array(x), None)
        else:
            same(f, x, x.T, ag.array(x), ag.array(x.T))
            same(f, x, x[1], ag.array(x), x[1])
            same(f, x[1:2], x, x[1:2], ag.array(x))


@pytest.mark.parametrize("f", sorted(arrays.VIEWS, key=lambda f: f.__name__))
def test_views_stay_views(f):
    a = ag.array(np.arange(9.0).reshape(3, 3))
    args = {
        "broadcast_to": ((2, 3, 3),), "expand_dims": (0,), "moveaxis": (0, 1), "reshape": ((9, 1),), "split": (3,), "array_split": (2,),
        "hsplit": (3,), "vsplit": (3,), "swapaxes": (0, 1),
    }.get(f.__name__, ())  # fmt: skip
    y = f(a, *args)
    for part in y if isinstance(y, (tuple, list)) else [y]:
        assert type(part) is ag.Array
        assert np.shares_memory(part, a)


def test_what_numpy_computes():
    """Functions without a row, operands that tensors cannot be."""
    a = np.array([1.0, 4.0, 9.0])
    x = ag.array(a)
    for f in (
        np.fft.fft, np.isclose, np.gradient, np.around, lambda x: np.percentile(x, 30), lambda x: np.append(x, 1.0), np.cov, np.spacing,
        lambda x: x * 1j, lambda x: 1j - x, lambda x: np.multiply(x, 1j), lambda x: np.add.reduceat(x, [0, 2]), np.float_power.outer,
        lambda x: np.sum(x, where=a > 1), lambda x: np.sin(x, where=a > 1, out=np.zeros(3)), lambda x: np.linalg.eigvalsh(np.diag(x)),
        lambda x: np.linalg.svd(np.outer(x, x))[1], lambda x: np.array([x, x]), lambda x: x << 1 if x.dtype.kind == "i" else x,
        lambda x: np.histogram(x, 3), lambda x: np.apply_along_axis(np.sum, 0, x), lambda x: np.average(x, returned=True),
    ):  # fmt: skip
        try:
            want = f(a) if f is not np.isclose and f is not np.float_power.outer else f(a, a)
        except TypeError:
            continue
        got = f(x) if f is not np.isclose and f is not np.float_power.outer else f(x, x)
        assert len(got) == len(want) if isinstance(want, (tuple, list)) else True
        for y, w in zip(got if isinstance(want, tuple) else [got], want if isinstance(want, tuple) else [want], strict=True):
            np.testing.assert_allclose(np.asarray(y), np.asarray(w), rtol=1e-14, atol=1e-14)
            assert np.asarray(y).dtype == np.asarray(w).dtype
    assert type(np.append(x, 1.0)) is ag.Array
    assert type(np.fft.fft(x)) is np.ndarray
    assert type(np.linalg.eigh(np.outer(x, x))).__name__ == "EighResult"
    assert x != "text"
    assert (x == None) is False  # noqa: E711
    with pytest.raises(TypeError):
        x + None


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_numpys_on_values(call):
    """It is computed at once: value, shape, dtype and class of the result are NumPy's."""
    names = {"np": np, "scipy": scipy, "a": B, "w": A > 1}
    want = eval(call, {**names, **ARRAYS})
    got = eval(call, {**names, **{n: ag.array(a) for n, a in ARRAYS.items()}})
    assert isinstance(got, type(want)) or np.ndim(want) == 0
    for y, v in zip(flat(got), flat(want), strict=True):
        assert isinstance(y, type(v)) or v.ndim == 0
        if isinstance(v, (np.ndarray, np.generic)):
            assert (y.shape, y.dtype) == (v.shape, v.dtype)
            np.testing.assert_allclose(y, v, rtol=1e-6 if v.dtype == "f4" else 1e-13)
        else:
            assert y == v


#: Functions that change an argument, with numbers of arguments.
WRITING = {
    ("np.put", 3),
    ("np.copyto", 2),
    ("np.fill_diagonal", 2),
    ("np.fill_diagonal", 3),
    ("np.isposinf", 2),
    ("np.isneginf", 2),
    ("np.fix", 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_numpys_on_values(name):
    """It gives what it gives for an array of NumPy's, or refuses as it does."""
    a = REGULAR if "linalg" in name else np.arange(1.0, 10.0).reshape(3, 3)
    for args in [(a,), (a, a), ([a, a],), (a, 1), (a, (0, 1)), (a, [0, 1], 0)]:
        outcomes = []
        for make in (np.array, ag.array):
            given = [[make(y) for y in x] if isinstance(x, list) and x[0] is a else make(x) if x is a else x for x in args]
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    outcomes.append(FUNCTIONS[name](*given))
                except Exception as e:
                    outcomes.append(e)
        want, got = outcomes
        if isinstance(want, Exception):
            # `np.clip(a, low)` is what we have beside, and batches.
            assert isinstance(got, Exception) or name in ("np.clip", "np.vander", "np.linalg.pinv"), (name, args)
            continue
        if isinstance(got, ValueError) and "read-only" in str(got):
            # It would write into what never changes.
            assert (name, len(args)) in WRITING, (name, args)
            continue
        assert isinstance(got, type(want)) or np.ndim(want) == 0, (name, args, got)
        for y, v in zip(*alike(name, flat(got), flat(want)), strict=True):
            if isinstance(v, (np.ndarray, np.generic)) and v.dtype.kind in "biufc":
                assert (np.shape(y), y.dtype) == (v.shape, v.dtype)
                if name == "np.empty_like":
                    continue
                np.testing.assert_allclose(y, v, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("how", ["set", "add", "mul", "multiply", "min", "max"])
@pytest.mark.parametrize(
    "index", [0, -1, slice(1, None), slice(None, None, -2), [0, 2, 0], np.array([[1, 2]]), [True, False, True, False], ..., (None, 1)]
)
@pytest.mark.parametrize("values", [2.5, 2, np.float32(0.5), np.array(7)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_changed_copies(ctx, how, index, values, dtype):
    """As those of a tensor."""
    a = np.arange(1, 5).astype(dtype)
    got = getattr(ag.array(a).at[index], how)(values)
    want = getattr(ctx.constant(a).at[index], how)(values).eval()
    assert is_value(got)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


# Functions that make tensors of nothing, and those that need a graph


def test_creation_at_once():
    assert not isinstance(T.zeros([2]), ag.Tensor)
    for got, want in [
        (T.constant([1, 2]), np.array([1, 2])), (T.constant(1.5, "float32"), np.float32(1.5)), (T.arange(5, 0, -2), np.arange(5, 0, -2)),
        (T.arange(0.0, 1.0, 0.25, "float32"), np.arange(0.0, 1.0, 0.25, "float32")), (T.eye(2, 3, 1), np.eye(2, 3, 1)),
        (T.eye(2, dtype="int32"), np.eye(2, dtype="int32")), (T.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 5)),
        (T.linspace(0, [2, 4], 3, dtype=int), np.linspace(0, [2, 4], 3, dtype=int)), (T.zeros([2], "float32"), np.zeros(2, "float32")),
        (T.ones([2], "bool"), np.ones(2, bool)), (T.full([2], 7, "int32"), np.full(2, 7, "int32")), (T.ones([2]) * 1, np.ones(2)),
        (T.one_hot([0, 2], 3), np.eye(3)[[0, 2]]), (T.zeros_like([1, 2]), np.zeros(2, int)),
        (T.slice([1.0, 2.0, 3.0], [1], [3]), [2.0, 3.0]),
        (T.einsum("i,i", [1.0, 2.0], [3.0, 4.0]), 11.0), (T.tensordot([1.0, 2.0], [3.0, 4.0], 1), 11.0),
        (T.polygamma(1, 1.0), np.pi**2 / 6),
    ]:  # fmt: skip
        assert not isinstance(got, ag.Tensor)
        np.testing.assert_allclose(got, want, rtol=1e-15)
        assert np.asarray(got).dtype == np.asarray(want).dtype
    with pytest.raises(ag.DTypeError):
        T.full([2], 0.5, "int32")


def test_a_shape_full_of_a_number():
    """It takes the dtype beside it, and is an array of float64 for everything else."""
    z = T.full([3], 0.5)
    narrow = np.ones(3, "float32")
    for y in (z + narrow, narrow + z, ag.array(narrow) * z, T.add(z, narrow), np.add(z, narrow), np.add(narrow, z), z - ag.array(narrow)):
        assert y.dtype == "float32", y
        assert is_value(y)
    for y in (z + 1.0, -z, np.exp(z), T.exp(z), z[1:], z.reshape(3, 1), np.asarray(z), z * z, abs(z), z.astype("float64")):
        assert y.dtype == "float64"
    np.testing.assert_array_equal(np.asarray(z), [0.5] * 3)
    np.testing.assert_array_equal(z == 0.5, [True] * 3)
    assert (len(z), z.sum(), list(z), z.ndim, z.size, float(T.ones([]))) == (3, 1.5, [0.5] * 3, 1, 3, 1.0)
    assert not hasattr(z, "no_such_name")
    refused_copy = r"array: a shape full of a number has no memory of its own\. Got copy=False for "
    with pytest.raises(ValueError, match=refused_copy):
        np.array(z, copy=False)
    # Nothing is made of a large one before it is asked for.
    assert not hasattr(ag.Filled([2**50, 8], 0.0), "__array_interface__")


def test_draws_at_once():
    """Each is another one, of a seed of the system's."""
    draws = [T.standard_normal([1000]), T.standard_normal([1000]), T.uniform_like(np.zeros(1000)), T.normal_like(ag.array(np.zeros(1000)))]
    for a, b in itertools.combinations(draws, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.2
    assert all(map(is_value, draws))
    assert T.standard_uniform([2], "float32").dtype == "float32"
    kept = T.dropout(np.ones(1000), 0.5)
    assert 350 < np.count_nonzero(kept) < 650
    assert not np.array_equal(kept, T.dropout(np.ones(1000), 0.5))
    assert 350 < T.bernoulli([1000], 0.5).sum() < 650
    with pytest.raises(ValueError, match=r"NaN|p"):
        T.bernoulli([3], float("nan"))
    assert abs(T.random_normal([1000], 5.0, 0.1).mean() - 5.0) < 0.1


def test_control_and_hooks(capsys):
    seen = []
    assert T.cond(True, lambda: 1.0, lambda: 1 / 0) == 1.0
    assert T.cond(ag.array([2.0]).sum() < 0, lambda: 1 / 0, lambda: [1.0, 2.0]) == (1.0, 2.0)
    with pytest.raises(ag.ShapeError, match=r"cond: the condition has axes. Got shape \(2,\)"):
        T.cond(ag.array([True, False]), lambda: 1, lambda: 2)
    x = ag.array([1.0, 2.0])
    assert T.show(x, "x = ") is x
    assert x.register_hook(seen.append) is x
    assert x.show() is x
    assert capsys.readouterr().out == "x = [1. 2.]\n[1. 2.]\n"
    np.testing.assert_array_equal(seen, [[1.0, 2.0]])
    assert type(seen[0]) is np.ndarray


def test_an_operation_of_ones_own():
    cube = ag.custom_op(lambda x: x**3, lambda g, y, x: g * 3.0 * x * x)
    y = cube([1.0, 2.0])
    assert is_value(y)
    np.testing.assert_array_equal(y, [1.0, 8.0])
    pair = ag.custom_op(lambda x: (x, x[:1]), infer=lambda x: [x, ((1,), "float64")])
    a, b = pair(ag.array([1.0, 2.0]))
    np.testing.assert_array_equal(a, [1.0, 2.0])
    np.testing.assert_array_equal(b, [1.0])


@pytest.mark.parametrize(
    ("f", "kind", "start", "word"),
    [
        (lambda x: T.grad([x], [x]), ag.GraphError, "grad: there is no tensor. Got values alone; ", "`ag.grad(f)(x)`"),
        (lambda x: T.jacobians(x, [x]), ag.GraphError, "jacobians: there is no tensor. ", "`ag.grad(f)(x)`"),
        (lambda x: T._hessian_vector_product([x], [x], [x]), ag.GraphError, "_hessian_vector_product: there is no tensor. ", "`ag.grad"),
        (lambda _: ag.current_context(), ag.GraphError, "context: there is no current context. ", "open one"),
    ],
)
def test_what_needs_a_graph(f, kind, start, word):
    refused(lambda: f(ag.array([1.0, 2.0])), kind, start, word)
