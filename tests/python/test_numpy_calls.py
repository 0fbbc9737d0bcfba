"""What NumPy hands over: its operators with an array or a scalar on the left are the tensor's own, its functions are refused."""

import itertools
import re
import warnings

import numpy as np
import pytest
import scipy.special

import scirs2_autograd as ag
from messages import FORM, refused


def dispatched():
    """NumPy's functions that ask their arguments what to do, by name."""
    for label, module in ("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft):
        for name in dir(module):
            f = getattr(module, name)
            if hasattr(f, "_implementation") and not name.startswith("_"):
                yield f"{label}.{name}", f


FUNCTIONS = dict(dispatched())
UFUNCS = {f"np.{n}": f for n, f in vars(np).items() if isinstance(f, np.ufunc)}
SPECIAL = {n: f for n, f in vars(scipy.special).items() if isinstance(f, np.ufunc)}
#: The universal functions of operators.
OPERATORS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "**": np.power, "@": np.matmul, "&": np.bitwise_and,
    "|": np.bitwise_or, "^": np.bitwise_xor, "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
    ">": np.greater, ">=": np.greater_equal, "//": np.floor_divide, "%": np.remainder,
}  # fmt: skip


def test_named_functions_say_the_nearest(ctx):
    x, m = ctx.placeholder("x", [3]), ctx.placeholder("m", [3, 3])
    for f, start, word in (
        (lambda: np.sin(x), "np.sin: NumPy's functions do not take tensors. Got <Tensor", "write `T.sin`"),
        (lambda: np.sum(x), "np.sum: ", "write `T.sum`"),
        (lambda: np.concatenate([x, x]), "np.concatenate: ", "write `T.concatenate`"),
        (lambda: np.where(x > 0, x, 0.0), "np.where: ", "write `T.where`"),
        (lambda: np.std(x), "np.std: ", "write `T.std`"),
        (lambda: np.absolute(x), "np.absolute: ", "write `T.abs(x)`"),
        (lambda: np.linalg.norm(x), "np.linalg.norm: ", "write `T.norm`"),
        (lambda: np.linalg.cholesky(m), "np.linalg.cholesky: ", "write `T.cholesky`"),
        (lambda: np.linalg.cond(m), "np.linalg.cond: ", "`ag.custom_op(np.linalg.cond, vjp)`"),
        (lambda: np.linalg.eigh(m), "np.linalg.eigh: ", "`ag.custom_op(np.linalg.eigh, vjp)`"),
        (lambda: np.einsum("ij,j", m, x), "np.einsum: ", "write `T.einsum`"),
        (lambda: np.spacing(x), "np.spacing: ", "`ag.custom_op(np.spacing, vjp)`"),
        (lambda: np.floor(x), "np.floor: ", "write `T.floor`"),
        (lambda: np.add.reduce(x), "np.add.reduce: ", "write `T.sum`"),
        (lambda: np.multiply.outer(x, x), "np.multiply.outer: ", "write `T.outer`"),
        (lambda: np.add(x, x, dtype="f4"), "np.add: ", "write `T.add`"),
        (lambda: np.left_shift(x, 2), "left_shift: ", "a * 2**b"),
        (lambda: scipy.special.expit(x), "expit: ", "write `T.sigmoid(x)`"),
        (lambda: scipy.special.erf(x), "erf: ", "write `T.erf`"),
        (lambda: scipy.special.gamma(x), "gamma: ", "`ag.custom_op(gamma, vjp)`"),
    ):
        refused(f, TypeError, start, word)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_numpys(ctx, name):
    """It refuses in our words, or gives what it gives for an array of the same shape and dtype."""
    a = np.arange(9.0).reshape(3, 3)
    x = ctx.placeholder("x", [3, 3])
    ours = 0
    einsum = [("ij,jk", x, x)] if "einsum" in name else []
    for args in (x,), (x, x), ([x, x],), (x, 0), (x, 0, 1), (x, x, x), (x, 0, 1, 2), *einsum:
        try:
            got = FUNCTIONS[name](*args)
        except Exception as e:
            # NumPy itself may refuse the number of the arguments.
            ours += re.fullmatch(FORM, str(e), re.DOTALL) is not None
            continue
        arrays = [a if t is x else [a] * len(t) if isinstance(t, list) else t for t in args]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Where a dtype is expected, a tensor is asked for its own.
            want = FUNCTIONS[name](*(t.dtype if name == "np.can_cast" and t is a else t for t in arrays))
        for g, w in zip(*(v if isinstance(v, (tuple, list)) else [v] for v in (got, want)), strict=True):
            np.testing.assert_array_equal(g.eval({x: a}) if isinstance(g, ag.Tensor) else g, w)
        ours += 1
    assert ours


@pytest.mark.parametrize("name", [n for n, f in UFUNCS.items() if f not in (*OPERATORS.values(), np.divmod)])
def test_a_universal_function_of_numpys(ctx, name):
    f = UFUNCS[name]
    x = ctx.placeholder("x", [3])
    for places in itertools.product([x, np.ones(3)], repeat=f.nin):
        if any(p is x for p in places):
            refused(lambda places=places: f(*places), TypeError, f.__name__ if f.__name__ in MISSING_NAMES else f"np.{f.__name__}: ")


MISSING_NAMES = {"left_shift", "right_shift"}


def test_universal_functions_of_scipys(ctx):
    x = ctx.placeholder("x", [3])
    for f in SPECIAL.values():
        refused(lambda f=f: f(*[x] * f.nin), TypeError, f"{f.__name__}: ")
    assert len(SPECIAL) > 100


def test_functions_that_only_look_or_index(ctx):
    a = np.arange(6.0).reshape(2, 3)
    x = ctx.placeholder("x", [2, 3])
    assert (np.shape(x), np.ndim(x), np.size(x), np.iscomplexobj(x), np.result_type(x, np.float32)) == ((2, 3), 2, 6, False, np.float64)
    for f in np.transpose, np.squeeze, np.flip, lambda t: np.moveaxis(t, 0, 1), lambda t: np.unstack(t)[1]:
        np.testing.assert_array_equal(f(x).eval({x: a}), f(a))


# Operators with NumPy's arrays and scalars on the left

LEFT = {
    "array": np.array([1.5, 0.5, 2.0]),
    "array f4": np.array([1.5, 0.5, 2.0], "f4"),
    "array i8": np.array([3, 1, 2]),
    "array bool": np.array([True, False, True]),
    "0-d": np.array(2.5),
    "0-d i4": np.array(2, "i4"),
    "float64": np.float64(2.5),
    "float32": np.float32(2.5),
    "float16": np.float16(2.5),
    "int64": np.int64(2),
    "uint8": np.uint8(2),
    "bool": np.True_,
    "matrix of rows": np.arange(6.0).reshape(2, 3) + 1.0,
    "not contiguous": np.arange(6.0)[::2] + 1.0,
    "subclass": np.array([1.5, 0.5, 2.0]).view(type("Sub", (np.ndarray,), {})),
}
RIGHT = {
    "f8": np.array([0.5, 1.5, 2.0]),
    "f4": np.array([0.5, 1.5, 2.0], "f4"),
    "i8": np.array([1, 3, 2]),
    "?": np.array([True, True, False]),
}


APPLY = {sign: eval(f"lambda a, b: a {sign} b") for sign in OPERATORS}
#: The comparison that Python asks the right side for.
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("dtype", RIGHT)
def test_numpy_on_the_left(ctx, left, dtype, sign):
    """Value and dtype are NumPy's, and so is what the universal function gives; what NumPy refuses is refused."""
    a, b = LEFT[left], RIGHT[dtype]
    f = APPLY[sign]
    t, c = ctx.placeholder("t", b.shape, dtype), ctx.constant(a)
    # What the engine has no dtype for is widened.
    wide = a.astype(c.dtype)
    with np.errstate(all="ignore"):
        try:
            want = f(wide, b)
        except (TypeError, ValueError):
            want = None
    try:
        y = f(a, t)
    except (TypeError, ValueError) as e:
        # Bools are no numbers here.
        assert want is None or dtype == c.dtype == "bool"
        with pytest.raises(type(e)):
            f(c, t)
        return
    assert type(y) is ag.Tensor
    others = [f(c, t), OPERATORS[sign](a, t)]
    if sign in MIRRORED:
        others.append(APPLY[MIRRORED[sign]](t, a))
    got, *others = ctx.eval([y, *others], {t: b})
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(got, want, rtol=1e-6 if got.dtype == "f4" else 1e-14)
    for other in others:
        assert other.dtype == got.dtype
        np.testing.assert_array_equal(other, got)


@pytest.mark.parametrize("sign", OPERATORS)
def test_universal_functions_of_operators(ctx, sign):
    """They are the operators, with tensors on each side."""
    dtype = "int64" if sign in "&|^" else "float64"
    a, b = np.arange(1, 10).reshape(3, 3).astype(dtype), np.arange(9, 0, -1).reshape(3, 3).astype(dtype)
    x, y = ctx.placeholder("x", a.shape, dtype), ctx.placeholder("y", b.shape, dtype)
    f = OPERATORS[sign]
    for t in f(x, y), f(x, b), f(a, y):
        np.testing.assert_allclose(t.eval({x: a, y: b}), f(a, b), rtol=1e-14)
    np.testing.assert_allclose(f(x, 2 if sign != "@" else b).eval({x: a}), f(a, 2 if sign != "@" else b), rtol=1e-14)


def test_gradients_with_numpy_on_the_left(ctx):
    a = np.array([1.5, 0.5])
    for f in (lambda x: (a + x) * (np.float64(2) / x) - a**x, lambda x: a @ x * x, lambda x: np.float32(2) * (np.array(3.0) - x)):
        ag.gradcheck(f, [0.7, 1.3])
