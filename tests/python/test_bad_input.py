"""What a user may get wrong: each mistake has its exception and its message, or is accepted and means what NumPy means."""

import re
import sys
import types

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def fails(kind, message, f):
    """`f` raises exactly this; returns the exception."""
    with pytest.raises(kind) as e:
        f()
    assert str(e.value) == message
    assert type(e.value) is kind
    return e.value


# Building


def test_shapes(ctx):
    x = ctx.placeholder("x", [2, 3])
    fails(
        ag.ShapeError,
        "matmul: inner dimensions differ. Got (2, 3) and (2, 3); expected a.shape[-1] == b.shape[-2].",
        lambda: T.matmul(x, np.ones((2, 3))),
    )
    broadcast = "shapes do not broadcast. Got (2, 3) and (2,); expected equal lengths, or 1, on each axis counted from the last."
    fails(ag.ShapeError, f"add: {broadcast}", lambda: x + np.ones(2))
    fails(ag.ShapeError, f"where: {broadcast}", lambda: T.where(x > 0, x, np.ones(2)))
    fails(ag.ShapeError, "batch_matmul: matrices have two axes or more. Got (2, 3) and (3,); expected shapes (..., m, k) and (..., k, n).",
          lambda: T.batch_matmul(x, np.ones(3)))  # fmt: skip
    fails(ag.ShapeError, "reduce_sum: axis is out of range. Got axis=2 for 2 dimensions; expected -2 <= axis < 2.", lambda: x.sum(axis=2))
    fails(ag.ShapeError, "reduce_sum: an axis is named twice. Got (0, 0); expected distinct axes.", lambda: x.sum(axis=(0, 0)))
    fails(ag.ShapeError, "reshape: the number of elements does not divide. Got (4, -1) for an array of shape (2, 3); "
          "expected a divisor of 6 elements.", lambda: x.reshape(4, -1))  # fmt: skip
    fails(ag.ShapeError, "transpose: axes is not a permutation. Got (0, 0); expected each of the 2 axes once.", lambda: x.transpose(0, 0))
    fails(ag.ShapeError, "concat: there is nothing to join. Got no array; expected at least one array.", lambda: T.concat([]))
    fails(ag.ShapeError, "slice: the bounds do not pair. Got 1 starts and 2 stops; expected as many stops as starts.",
          lambda: T.slice(x, [0], [1, 1]))  # fmt: skip


def test_a_length_that_contradicts_another_only_when_fed(ctx):
    a, b = ctx.placeholder("a", [-1]), ctx.placeholder("b", [-1])
    y = a + b
    assert y.eval({a: np.ones(3), b: np.ones(1)}).shape == (3,)
    with pytest.raises(ag.ShapeError, match=r"^add: shapes do not broadcast\. Got \(3,\) and \(2,\)"):
        y.eval({a: np.ones(3), b: np.ones(2)})


def test_attributes_of_the_wrong_type(ctx):
    x = ctx.placeholder("x", [2, 3])
    axes = "expected None, an integer or a tuple of integers."
    fails(ag.DTypeError, f"reduce_sum: axis has the wrong type. Got 'a'; {axes}", lambda: x.sum(axis="a"))
    fails(ag.DTypeError, f"reduce_sum: axis has the wrong type. Got 1.0; {axes}", lambda: x.sum(axis=1.0))
    fails(ag.DTypeError, f"reduce_sum: axis has the wrong type. Got True; {axes}", lambda: x.sum(axis=True))
    fails(ag.DTypeError, "softmax: axis has the wrong type. Got None; expected an integer.", lambda: T.softmax(x, axis=None))
    fails(ag.DTypeError, "reduce_sum: keepdims has the wrong type. Got 'yes'; expected a bool.", lambda: x.sum(keepdims="yes"))
    fails(ag.DTypeError, "reshape: shape has the wrong type. Got 'a'; expected an integer or a tuple of integers.", lambda: x.reshape("a"))
    for dtype, name in ("complex128", "complex128"), ("flaot32", "flaot32"), (np.float16, "<class 'numpy.float16'>"):
        message = f"dtype: the dtype is not supported. Got {name}; expected bool, int32, int64, float32 or float64."
        fails(ag.DTypeError, message, lambda d=dtype: x.astype(d))
    fails(TypeError, "one_hot() missing 1 required positional argument: 'classes'", lambda: T.one_hot([1]))
    # What NumPy's integers and bools stand for is accepted.
    assert x.sum(axis=np.int64(1), keepdims=np.bool_(True)).shape == (2, 1)
    assert x.sum(axis=[0, 1]).shape == ()


def test_shapes_of_the_wrong_type(ctx):
    known = "expected a length or a sequence of lengths."
    free = "expected a length, or a sequence of lengths and of -1 or None for any length."
    fails(ag.DTypeError, f"placeholder: the shape has the wrong type. Got 'ab'; {free}", lambda: ctx.placeholder("n", "ab"))
    fails(ag.DTypeError, f"placeholder: the shape has the wrong type. Got [1.5]; {free}", lambda: ctx.placeholder("n", [1.5]))
    fails(ag.DTypeError, f"placeholder: the shape has the wrong type. Got 1.5; {free}", lambda: ctx.placeholder("n", 1.5))
    fails(ag.ShapeError, "placeholder: a length is negative. Got [-2]; expected -1 (any length) or lengths >= 0.",
          lambda: ctx.placeholder("n", [-2]))  # fmt: skip
    fails(ag.DTypeError, f"full: the shape has the wrong type. Got (2, 'a'); {known}", lambda: T.zeros((2, "a")))
    fails(ag.ShapeError, "full: a length is negative. Got [-1]; expected lengths >= 0.", lambda: T.zeros([-1]))
    fails(ag.ShapeError, "random: a length is negative. Got [-1]; expected lengths >= 0.", lambda: T.standard_normal([-1]))
    fails(ag.ShapeError, "random: a length is negative. Got [-1]; expected lengths >= 0.", lambda: ag.ArrayRng(0).standard_normal([-1]))
    fails(ag.DTypeError, f"random: the shape has the wrong type. Got None; {known}", lambda: ag.ArrayRng(0).standard_normal(None))
    fails(ag.ShapeError, "random: the array is too large. Got (4611686018427387904, 8); expected a size that fits in memory.",
          lambda: ag.ArrayRng(0).standard_normal([2**62, 8]))  # fmt: skip
    ctx.placeholder("x", [2, 3])
    fails(ag.ShapeError, 'placeholder: "x" exists with another shape or dtype. Got float64 (7,); expected float64 (2, 3).',
          lambda: ctx.placeholder("x", [7]))  # fmt: skip
    # Nothing is allocated before a run.
    huge = T.zeros([2**40, 2**20])
    assert huge.shape == (2**40, 2**20)
    with pytest.raises((MemoryError, OSError)):
        huge.eval()


def test_indices(ctx):
    x = ctx.placeholder("x", [2, 3])
    fails(
        ag.ShapeError, "index: the index is out of range. Got 5 for axis 0 of length 2; expected -length <= index < length.", lambda: x[5]
    )
    fails(ag.ShapeError, "index: too many indices. Got 3 for an array of shape (2, 3); expected at most one an axis.", lambda: x[0, 0, 0])
    fails(ag.ShapeError, "strided_slice: a step is 0. Got step 0; expected a step other than 0.", lambda: x[::0])
    fails(ag.ShapeError, "index: the index is ambiguous. Got 2 times `...`; expected at most one `...`.", lambda: x[..., ...])
    for wrong in "a", 1.5, np.array([0.5]), [0.0, 1.0], np.array(1.0):
        fails(ag.DTypeError, f"index: the index has the wrong type. Got {wrong!r}; "
              "expected integers, slices, `...`, None, and arrays of integers or bools.", lambda i=wrong: x[i])  # fmt: skip
    mask = ("index: the result of a mask that a run computes has a shape that depends on its values. Got a tensor of bools; "
            "expected an array of bools, integers or slices.\nhelp: use `T.where(mask, x, 0)` to keep the shape")  # fmt: skip
    for given in x > 0, x[:, 0] > 0, x == 1.0:
        fails(ag.DTypeError, mask, lambda m=given: x[m])
    fails(ag.ShapeError, "index: the mask does not fit. Got a mask of length 3 for axis 0 of length 2; expected equal lengths.",
          lambda: x[[True, False, True]])  # fmt: skip
    free = ctx.placeholder("free", [None, 3])
    fails(ag.ShapeError, "index: the length of a masked axis is known only at run time. Got a mask of length 2 for axis 0; "
          "expected a known length.\nhelp: give the placeholder this length, or index with `np.nonzero(mask)[0]`",
          lambda: free[[True, False]])  # fmt: skip
    fails(ag.ShapeError, "index: shapes do not broadcast. Got (2,) and (3,); "
          "expected equal lengths, or 1, on each axis counted from the last.", lambda: x[[0, 1], [0, 1, 2]])  # fmt: skip
    fails(ag.ShapeError, "index: the index is out of range. Got 3 for an axis of length 3; expected -length <= index < length.",
          lambda: x[[0, 1], [0, 3]])  # fmt: skip
    e = fails(ValueError, "index: index is out of range. Got 3 at position 1 for an axis of length 3; expected -3 <= index < 3.",
              lambda: x[[0, 1], ctx.constant([0, 0]) + np.array([0, 3])].eval({x: np.ones((2, 3))}))  # fmt: skip
    assert __file__ in e.__notes__[0]
    with pytest.raises(TypeError):
        x[1.5:]
    e = fails(ValueError, "take: index is out of range. Got 7 at position 0 for an axis of length 2; expected -2 <= index < 2.",
              lambda: x[[7]].eval({x: np.ones((2, 3))}))  # fmt: skip
    assert __file__ in e.__notes__[0]


def test_operands(ctx):
    x = ctx.placeholder("x", [3])
    for other, name in ("a", "str"), (None, "NoneType"), ({}, "dict"), (object(), "object"), (b"a", "bytes"):
        with pytest.raises(TypeError, match=rf"unsupported operand type\(s\) for \+: .*Tensor' and '{name}'"):
            x + other
        with pytest.raises(TypeError, match=name):
            other + x
    fails(ag.DTypeError, "constant: the integer does not fit. Got 1180591620717411303424; expected an integer of 64 bits.",
          lambda: x + 2**70)  # fmt: skip
    with pytest.raises(ag.DTypeError, match=r"^array: the dtype is not supported\. Got complex128; expected bool, integers, float16"):
        x + 1j
    with pytest.raises(TypeError, match=r"^pow: a modulus is not supported$"):
        pow(x, 2, 3)

    class Meets:
        def __radd__(self, t):
            return "met"

        __rmul__ = __rsub__ = __radd__

    assert x + Meets() == x * Meets() == x - Meets() == "met"


def test_lengths(ctx):
    v = ctx.placeholder("v", [-1])
    fails(ag.ShapeError, 'len: the length is known only at run time. Got <Tensor placeholder "v" shape=(None,) dtype=float64>; '
          "expected a known first dimension.", lambda: list(v))  # fmt: skip
    fails(TypeError, "len: a 0-d tensor has no length", lambda: len(ctx.placeholder("s", [])))


def test_two_graphs(ctx):
    x = ctx.placeholder("x", [3])
    with ag.Context() as other:
        y = other.constant(np.ones(3))
        mixed = ("apply: tensors of two graphs are mixed. Got operands of two contexts; expected all operands from one context.\n"
                 "help: evaluate the one, and bring its value in as a constant or a feed")  # fmt: skip
        fails(ag.GraphError, mixed, lambda: x + y)
        fails(ag.GraphError, mixed, lambda: T.concat([x, y]))
        fails(ag.GraphError, mixed, lambda: T.grad([y], [x]))
        fails(ag.GraphError, mixed, lambda: ctx.eval([x, y]))
        fails(ag.GraphError, mixed.replace("apply", "index").split("\nhelp")[0],
              lambda: x[other.constant([1])])  # fmt: skip
        z = other.placeholder("z", [])
        fails(ag.GraphError, "feed: the placeholder belongs to another context. Got a tensor of another context; "
              "expected a placeholder of this context.", lambda: x.eval({z: 1.0, x: np.ones(3)}))  # fmt: skip
        fails(ag.GraphError, mixed, lambda: x == y)
        fails(ag.GraphError, f"eval: the tensor belongs to another context. Got {y!r}; expected a tensor of this context.",
              lambda: ctx.evaluator().push(y))  # fmt: skip


def test_a_closed_context():
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [3])
        y = x + 1.0
    closed = ("context: it is closed. Got a call after its end; expected a call while it is open.\n"
              "help: evaluate inside the `with` block, or keep the context open")  # fmt: skip
    for f in (
        lambda: x + y,
        lambda: y.eval({x: np.ones(3)}),
        lambda: ctx.placeholder("y", []),
        lambda: ctx.constant(np.ones(3)),
        lambda: T.grad([y], [x]),
        lambda: x[0],
        lambda: T.relu(y),
        lambda: ctx.eval([]),
        lambda: ctx.evaluator().push(y).feed(x, np.ones(3)).run(),
    ):
        fails(ag.GraphError, closed, f)
    assert y.shape == (3,)
    assert repr(y) == "<Tensor add shape=(3,) dtype=float64>"
    fails(ag.GraphError, closed, ag.run(lambda ctx: ctx.constant(1.0)).eval)
    fails(ag.GraphError, "context: there is no current context. Got a call outside of a context; expected a call inside `ag.run` or "
          "`with ag.Context()`.\nhelp: open one, or give a tensor as an operand", ag.current_context)  # fmt: skip


# Feeds


def test_feeds_that_are_refused(ctx):
    x = ctx.placeholder("x", [2, 3])
    i = ctx.placeholder("labels", [3], dtype="int32")
    e = fails(ag.FeedError, 'run: a placeholder is not fed. Got no value for "x" of shape (2, 3); expected a feed for each placeholder '
              "that the result depends on.\nhelp: add `.feed(placeholder, array)`, or pass it in the feeds of `eval`",
              lambda: (x + i).eval({i: np.arange(3)}))  # fmt: skip
    assert re.fullmatch(rf"the tensor was built at {re.escape(__file__)}:\d+", e.__notes__[0])
    fails(ag.FeedError, 'feed: the shape contradicts the placeholder. Got shape (3, 2) for "x"; expected shape (2, 3).',
          lambda: x.eval({x: np.ones((3, 2))}))  # fmt: skip
    fails(ag.FeedError, 'feed: the shape contradicts the placeholder. Got shape (3,) for "x"; expected shape (2, 3).',
          lambda: x.eval({x: np.ones(3)}))  # fmt: skip
    fails(ag.FeedError, 'feed: the shape contradicts the placeholder. Got shape () for "x"; expected shape (2, 3).',
          lambda: x.eval({x: 1.0}))  # fmt: skip
    with pytest.raises(
        ag.FeedError, match=r'^feed: there is no such placeholder\. Got "lables"; expected one of x, labels\.\nhelp: .* "labels"\?$'
    ):
        i.eval({"lables": 1})
    with pytest.raises(ag.FeedError, match=r"^feed: only placeholders are fed\. Got .*; expected a tensor from `ctx\.placeholder`\.$"):
        x.eval({x + 1.0: np.ones((2, 3))})
    fails(ag.DTypeError, "feed: the key has the wrong type. Got 3; expected a tensor from `ctx.placeholder`, or its name.",
          lambda: x.eval({3: 1.0}))  # fmt: skip
    fails(ag.DTypeError, "eval: the feeds are not a mapping. Got list; expected {placeholder: array}.", lambda: x.eval([1.0]))
    fails(ag.DTypeError, 'feed: the dtype cannot be cast. Got float64 for "labels"; expected a dtype that casts to int32 under NumPy\'s '
          "same_kind rule.\nhelp: convert the array before it is fed", lambda: i.eval({i: np.ones(3)}))  # fmt: skip
    for bad, n in (np.array([1, 2**40, 3]), 2**40), (np.array([2**32 - 1, 1, 2], "u4"), 2**32 - 1), ([0, -(2**31) - 1, 0], -(2**31) - 1):
        fails(ag.DTypeError, f'feed: an integer does not fit. Got {n} for "labels"; expected values in the range of int32.',
              lambda a=bad: i.eval({i: a}))  # fmt: skip
    fails(ag.DTypeError, "array: an integer does not fit. Got 9223372036854775808; expected values in the range of int64.",
          lambda: i.eval({i: np.array([2**63, 1, 2], "u8")}))  # fmt: skip
    with pytest.raises(ag.GraphError, match=r"^array: a tensor has no value"):
        x.eval({x: x})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (np.array([1j]), "complex128"),
        (np.array([1, None], object), "object"),
        (np.array(["a"]), "<U1"),
        ("abc", "<U3"),
        (None, "object"),
        ([2**70], "object"),
        (np.zeros(2, "M8[D]"), "datetime64[D]"),
        (np.zeros(2, [("a", "f8")]), "[('a', '<f8')]"),
        (np.zeros(2, np.longdouble), np.dtype(np.longdouble).name),
    ],
)
def test_dtypes_that_are_refused(ctx, given, name):
    v = ctx.placeholder("v", [-1])
    message = (f"array: the dtype is not supported. Got {name}; expected bool, integers, float16, float32 or float64.\n"
               "help: convert it with `astype`; object arrays often come from rows of different lengths")  # fmt: skip
    fails(ag.DTypeError, message, lambda: v.eval({v: given}))
    fails(ag.DTypeError, message, lambda: ctx.constant(given))
    fails(ag.DTypeError, message, lambda: ag.VariableEnvironment().set(given))


def test_masked_arrays(ctx):
    """What a mask hides has no value; a mask that hides nothing is none."""
    x = ctx.placeholder("x", [3])
    hides, none = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]), np.ma.array([1.0, 2.0, 3.0])
    message = ("array: elements are masked. Got MaskedArray; expected an array of values.\n"
               "help: give them values with `a.filled(value)`, and leave them out with `T.where(a.mask, 0.0, t)`")  # fmt: skip
    for f in lambda a: x * a, lambda a: x.eval({x: a}), ctx.constant, ag.VariableEnvironment().set, lambda a: T.add(a, 1.0):
        fails(ag.DTypeError, message, lambda f=f: f(hides))
        f(none)
        f(np.ma.array([1.0, 2.0, 3.0], mask=[False] * 3))
    y = T.where(hides.mask, 0.0, x * hides.filled(0.0))
    assert y.eval({x: np.ones(3)}).tolist() == [1.0, 0.0, 3.0]


def test_rows_of_different_lengths(ctx):
    with pytest.raises(ValueError, match="inhomogeneous shape"):
        ctx.constant([[1, 2], [3]])


class Sub(np.ndarray):
    pass


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(6.0).reshape(2, 3)


A = np.arange(6.0).reshape(2, 3)
ACCEPTED = {
    "list": [[0, 1, 2], [3, 4, 5]],
    "tuple of arrays": (np.arange(3), np.arange(3, 6)),
    "fortran": np.asfortranarray(A),
    "sliced": np.repeat(A, 2, axis=1)[:, ::2],
    "backwards": A[::-1, ::-1].copy()[::-1, ::-1],
    "transposed": A.T.copy().T,
    "swapped bytes": A.astype(">f8"),
    "swapped integers": A.astype(">i2"),
    "unaligned": np.frombuffer(b"\0" + A.tobytes(), "u1")[1:].view("f8").reshape(2, 3),
    "odd strides": np.rec.fromarrays([A, A.astype("i1")], dtype=[("a", "f8"), ("b", "i1")]).a,
    "read-only": np.broadcast_to(A, (2, 3)),
    "float16": A.astype("f2"),
    "float32": A.astype("f4"),
    "uint8": A.astype("u1"),
    "int16": A.astype("i2"),
    "uint32": A.astype("u4"),
    "uint64": A.astype("u8"),
    "matrix": A.view(np.matrix),
    "subclass": A.view(Sub),
    "__array__": HasArray(),
    "memoryview": memoryview(A),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_arrays_that_are_accepted(ctx, name):
    given = ACCEPTED[name]
    x = ctx.placeholder("x", [2, -1])
    env = ag.VariableEnvironment()
    id_ = env.set(given)
    for got in (x + 0.0).eval({x: given}), x.eval({"x": given}), ctx.constant(given, "float64").eval(), env.get(id_).astype("f8"):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, A)
    assert (ctx.zeros([2, 3]) + (given if not isinstance(given, memoryview) else A)).dtype == "float64"


def test_bools_and_integers_keep_their_kind(ctx):
    b = ctx.placeholder("b", [-1], dtype=bool)
    i = ctx.placeholder("i", [-1], dtype=np.int32)
    f = ctx.placeholder("f", [-1], dtype="float32")
    assert b.eval({b: [True, False]}).tolist() == [True, False]
    assert i.eval({i: np.array([1, 0], "i8")}).dtype == "int32"
    assert f.eval({f: [1.0, 2.5]}).dtype == "float32"
    with pytest.raises(ag.DTypeError, match=r"^feed: the dtype cannot be cast\. Got int64 for \"b\""):
        b.eval({b: [0, 1]})
    for dtype in "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", "f4", "f8":
        assert np.can_cast(dtype, "f4", "same_kind")
        assert f.eval({f: np.ones(2, dtype)}).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), ()])
def test_sizes_0_and_1(ctx, shape):
    x = ctx.placeholder("x", shape)
    a = np.full(shape, 2.0)
    (g,) = T.grad([T.reduce_sum(x * x)], [x])
    y, s, dx = ctx.eval([T.exp(x), T.reduce_sum(x), g], {x: a})
    np.testing.assert_allclose(y, np.exp(a), rtol=1e-15)
    assert s == a.sum()
    np.testing.assert_array_equal(dx, 2 * a)
    assert ctx.constant(a).eval().shape == shape
    assert ag.VariableEnvironment().set(a) is not None


def test_reductions_over_nothing(ctx):
    x = ctx.placeholder("x", [0, 3])
    assert x.sum(axis=0).eval({x: np.ones((0, 3))}).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"^reduce_max: "):
        x.max(axis=0).eval({x: np.ones((0, 3))})
    assert x.max(axis=1).eval({x: np.ones((0, 3))}).shape == (0,)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([np.nan, 0.0], r"label is not a whole number\. Got NaN at position "),
        ([0.5, 0.0], r"label is not a whole number\. Got 0\.5 at position "),
        ([0.0, np.inf], r"label is .*\. Got inf at position "),
        ([0, 3], r"label is out of range\. Got 3 at position "),
        ([-1, 0], r"label is out of range\. Got -1 at position "),
    ],
)
def test_labels(ctx, labels, what):
    x = ctx.placeholder("x", [-1, 3])
    y = ctx.placeholder("y", [-1], dtype=np.asarray(labels).dtype)
    loss = T.sparse_softmax_cross_entropy(x, y)
    here = sys._getframe().f_lineno - 1
    (g,) = T.grad([loss], [x])
    for t in loss, g:
        with pytest.raises(ValueError, match=what) as e:
            t.eval({x: np.ones((2, 3)), y: labels})
        assert str(e.value).startswith("sparse_softmax_cross_entropy: ")
        assert str(e.value).endswith("; expected 0 <= label < 3.")
        assert e.value.__notes__ == [f"the tensor was built at {__file__}:{here}"]


# Gradients and functions


def test_gradients_that_do_not_exist(ctx):
    x, i = ctx.placeholder("x", [3]), ctx.placeholder("i", [3], dtype=int)
    message = ('grad: not a floating tensor. Got Tensor(placeholder "i": int64[3]); expected float32 or float64.\n'
               "help: cast it to a floating dtype before it is used")  # fmt: skip
    fails(ag.NotDifferentiableError, message, lambda: T.grad([x.sum()], [i]))
    fails(ag.NotDifferentiableError, message, lambda: T.grad([i], [x]))
    fails(ag.GraphError, "grad: there is no tensor. Got values alone; expected tensors of one context.\nhelp: a value does not know "
          "what it was computed from: write `ag.grad(f)(x)` for a function `f`",
          lambda: T.grad([x], ["a"]))  # fmt: skip
    stands = ("apply: a tensor stands where a sequence of tensors is expected. Got {}; expected a list of tensors.\n"
              "help: write `[t]` for `t`")  # fmt: skip
    fails(ag.DTypeError, stands.format(repr(x)), lambda: ctx.eval(x))
    fails(ag.DTypeError, stands.format(repr(x)), lambda: T.grad_with_default(x, [x], [x]))
    fails(ag.DTypeError, stands.format(repr(x)), lambda: ctx.evaluator().extend(x))


class OwnError(Exception):
    pass


def test_what_users_code_raises_comes_out_unchanged(ctx):
    own = OwnError("mine", 7)

    def bad(*_):
        raise own

    x = ctx.placeholder("x", [2])
    a = {x: np.ones(2)}
    for f in (
        lambda: x.register_hook(bad).eval(a),
        lambda: ag.custom_op(bad)(x).eval(a),
        lambda: T.grad([ag.custom_op(lambda a: a, bad)(x)], [x]),
        lambda: ag.custom_op(lambda a: a, infer=bad)(x),
        lambda: T.cond(x[0] > 0, bad, bad),
        lambda: T.cond(x[0] > 0, lambda: x, bad),
        lambda: ag.run(bad),
        lambda: ag.value_and_grad(bad)(np.ones(2)),
        lambda: ag.VariableEnvironment().run(bad),
    ):
        with pytest.raises(OwnError) as e:
            f()
        assert e.value is own
    # The context can be used as before, and none is left open.
    assert x.eval(a).tolist() == [1.0, 1.0]
    assert ag.current_context().constant(1.0).context is not None


def test_custom_ops_that_keep_no_promise(ctx):
    x = ctx.placeholder("x", [2, 3])
    a = {x: np.ones((2, 3))}

    def run(forward, **options):
        return lambda: ag.custom_op(forward, name="mine", **options)(x).eval(a)

    fails(ag.DTypeError, "mine: the function returned nothing. Got None; expected an array, or a tuple of arrays.", run(lambda a: None))
    promised = "mine: the output is not what `infer` promised. Got {}; expected float64 of shape (2, 3), as `infer` said."
    for forward, got in (
        (lambda a: a[0], "float64 of shape (3,)"),
        (lambda a: a > 0, "bool of shape (2, 3)"),
        (lambda a: a.astype("f4"), "float32 of shape (2, 3)"),
    ):
        with pytest.raises(ag.GraphError, match=re.escape(promised.format(got))):
            run(forward)()
    with pytest.raises(ag.GraphError, match=r"^mine: too many outputs\. Got 2; expected 1\."):
        run(lambda a: (a, a))()
    with pytest.raises(ag.GraphError, match=r"^mine: .*outputs"):
        ctx.eval(ag.custom_op(lambda a: a, infer=lambda a: [a, a], name="mine")(x), a)
    rule = "expected a pair (shape, dtype), or a list of such pairs."
    fails(ag.DTypeError, f"mine: `infer` returned something else. Got 3; {rule}", run(lambda a: a, infer=lambda a: 3))
    fails(ag.DTypeError, "dtype: the dtype is not supported. Got c16; expected bool, int32, int64, float32 or float64.",
          run(lambda a: a, infer=lambda a: ((2, 3), "c16")))  # fmt: skip
    fails(ag.NotDifferentiableError, "mine: there is no gradient. Got no vjp; expected a vjp given to `custom_op`.",
          lambda: T.grad([ag.custom_op(lambda a: a, name="mine")(x)], [x]))  # fmt: skip
    fails(ag.ShapeError, "mine: the vjp returned another number of cotangents. Got 2; expected 1 (None for inputs without one).",
          lambda: T.grad([ag.custom_op(lambda a: a, lambda g, y, x: (g, g), name="mine")(x)], [x]))  # fmt: skip
    fails(TypeError, "custom_op: not a function. Got 3; expected a function of arrays.", lambda: ag.custom_op(3))
    fails(TypeError, "register_hook: not a function. Got 3; expected a function of an array.", lambda: x.register_hook(3))


def test_cond(ctx):
    s, v = ctx.placeholder("s", []), ctx.placeholder("v", [2])
    fails(ag.ShapeError, "cond: the condition is not a single value. Got shape (2,); expected a 0-d tensor.",
          lambda: T.cond(v > 0, lambda: s, lambda: s))  # fmt: skip
    fails(ag.ShapeError, "cond: the bodies' results differ. Got float64 () and float64 (2,); expected equal dtypes and shapes.",
          lambda: T.cond(s > 0, lambda: s, lambda: v))  # fmt: skip
    fails(ag.DTypeError, "cond: a body returned nothing. Got None; expected a tensor, or a sequence of tensors.",
          lambda: T.cond(s > 0, lambda: None, lambda: s))  # fmt: skip


# Variables, optimizers, environments


def test_variables():
    env = ag.VariableEnvironment()
    env.name("weight").set(np.ones((2, 2)))
    env.namespace("layer").slot().name("bias").set(np.zeros(2))
    with ag.Context(env) as ctx:
        message = 'variable: unknown variable. Got "wieght"; expected one of weight.\nhelp: did you mean "weight"?'
        fails(ag.VariableError, message, lambda: ctx.variable("wieght"))
        fails(ag.VariableError, message, lambda: env.get("wieght"))
        fails(ag.VariableError, 'variable: unknown variable. Got "bais" in namespace "layer"; expected one of bias.\n'
              'help: did you mean "bias"?', lambda: ctx.variable(("layer", "bais")))  # fmt: skip
        wrong = "variable: the key has the wrong type. Got 3; expected a name, a pair (namespace, name), or a VariableID."
        fails(ag.DTypeError, wrong, lambda: ctx.variable(3))
        fails(ag.DTypeError, wrong, lambda: env.get(3))
        w = ctx.variable("weight")
        fails(ag.ShapeError, "assign: the value does not fit the variable. Got (5,) for (2, 2); expected equal shapes.",
              lambda: T.assign(w, np.ones(5)))  # fmt: skip
        x = ctx.placeholder("x", [2])
        fails(ag.VariableError, f"assign: the target is not a variable. Got {x!r}; expected a tensor from `ctx.variable`.",
              lambda: T.assign(x, x))  # fmt: skip
        with pytest.raises(ag.GraphError, match=r"^array: a tensor has no value"):
            env.name("x").set(x)
        sgd = ag.optimizers.SGD(0.1)
        fails(ag.ShapeError, "update: variables and gradients do not pair. Got 1 and 0; expected one gradient a variable.",
              lambda: sgd.update([w], [], ctx))  # fmt: skip
        with pytest.raises(ag.VariableError, match=r"^update: not a variable\. Got .*; expected a tensor from `ctx\.variable`\.$"):
            sgd.update([x], [x], ctx)
        env.name("weight").set(np.ones(3))
        with pytest.raises(ag.VariableError, match=r'^run: variable "weight" has changed its shape or dtype\. .*\nhelp: ask the context'):
            w.eval()
        assert ctx.variable("weight").eval().shape == (3,)
    assert env.get("weight").tolist() == [1.0, 1.0, 1.0]


def test_wrong_kinds_of_arguments():
    env = ag.VariableEnvironment()
    for f in (
        lambda: ag.Context("float32"),
        lambda: ag.optimizers.SGD("a"),
        lambda: ag.optimizers.Adam.default("a", [3], env),
        lambda: ag.optimizers.Adam.default("a", "w", env),
        lambda: ag.optimizers.Adam.default("a", [], None),
        lambda: ag.run(3),
        lambda: ag.run(lambda ctx: ctx.evaluator().push(3)),
        lambda: ag.Feeder().push(3, 3),
        lambda: ag.ArrayRng(0, dtype="int32"),
        lambda: ag.Context(dtype="int64"),
        lambda: ag.Tensor(),
        lambda: ag.VariableEnvironment.load(3),
        lambda: env.name(3),
        lambda: env.run(lambda ctx: T.cond("yes", lambda: 1, lambda: 2)),
    ):
        with pytest.raises(TypeError):
            f()
    with pytest.raises(OverflowError):
        ag.Context(seed=-1)


def test_files_that_are_not_there(tmp_path):
    env = ag.VariableEnvironment()
    with pytest.raises(OSError, match=r"^load: the file cannot be read\. Got .*missing"):
        ag.VariableEnvironment.load(tmp_path / "missing")
    with pytest.raises(OSError, match=r"^save: the file cannot be written\."):
        env.save(tmp_path / "no folder" / "file")
    assert not list(tmp_path.iterdir())


def test_each_exception_is_one_that_programs_catch():
    kinds = {
        ag.ShapeError: ValueError,
        ag.DTypeError: TypeError,
        ag.FeedError: KeyError,
        ag.VariableError: KeyError,
        ag.GraphError: RuntimeError,
        ag.FormatError: ValueError,
        ag.exceptions.FileError: OSError,
        ag.NotDifferentiableError: TypeError,
        ag.LinAlgError: np.linalg.LinAlgError,
    }
    for kind, known in kinds.items():
        assert issubclass(kind, known)
        assert issubclass(kind, ag.AutogradError)
        assert str(kind("a 'quoted' text")) == "a 'quoted' text"
    with ag.Context(), pytest.raises(ag.LinAlgError, match=r"^cholesky: matrix is not positive definite\."):
        T.cholesky(-np.eye(2)).eval()


def test_feeds_may_be_any_mapping(ctx):
    x = ctx.placeholder("x", [])
    assert x.eval(types.MappingProxyType({x: 2.0})) == 2.0
