"""`==` and `!=` compare elements, as NumPy's; a tensor as a key of a dict or a member of a set is itself."""

import gc
import itertools
import operator

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

EQUALITY = {"==": operator.eq, "!=": operator.ne}
VALUES = {
    "float64": np.array([[0.0, -0.0, np.nan], [np.inf, 2.0, -1.5]]),
    "float32": np.array([[0.0, 1.5, np.nan], [np.inf, 2.0, 16777216.0]], "f4"),
    "int64": np.array([[0, 1, 2], [-1, 2**40, 3]]),
    "int32": np.array([[0, 1, 2], [-1, 2**30, 3]], "i4"),
    "bool": np.array([[True, False, True], [False, True, False]]),
}


@pytest.mark.parametrize("op", EQUALITY)
@pytest.mark.parametrize(("a", "b"), list(itertools.product(VALUES, VALUES)))
def test_elements_of_two_arrays(ctx, op, a, b):
    f, a, b = EQUALITY[op], VALUES[a], VALUES[b]
    x, y = ctx.placeholder("x", a.shape, dtype=a.dtype), ctx.placeholder("y", [None, 3], dtype=b.dtype)
    for t in f(x, y), f(x, b), f(a, y), f(x, b.tolist()), f(a.tolist(), y):
        assert type(t) is ag.Tensor
        got = t.eval({x: a, y: b})
        assert got.dtype == bool
        np.testing.assert_array_equal(got, f(a, b))
    # Broadcasting.
    np.testing.assert_array_equal(f(x, b[1]).eval({x: a}), f(a, b[1]))
    np.testing.assert_array_equal(f(a[:, :1], y).eval({y: b}), f(a[:, :1], b))


@pytest.mark.parametrize("op", EQUALITY)
def test_numbers_on_both_sides(ctx, op):
    f = EQUALITY[op]
    a = VALUES["float64"]
    x = ctx.placeholder("x", a.shape)
    for n in 2.0, 2, True, 0, float("nan"), np.float64(2.0), np.float32(2.0), np.int64(0), np.bool_(False), np.array(2.0):
        for t, want in (f(x, n), f(a, n)), (f(n, x), f(n, a)):
            assert type(t) is ag.Tensor
            np.testing.assert_array_equal(t.eval({x: a}), want)
    filled = f(x, ag.Filled([2, 3], 2.0)), f(ag.Filled([2, 3], 2.0), x)
    for t in filled:
        np.testing.assert_array_equal(t.eval({x: a}), f(a, 2.0))


def test_what_is_no_operand_is_not_equal(ctx):
    """As for any object of Python: nothing is known of the other, so they are two."""
    x = ctx.constant(1.0)
    for other in None, "x", object(), {}, ctx, ag.VariableEnvironment():
        assert (x == other) is False
        assert (other == x) is False
        assert (x != other) is True

    class Knows:
        def __eq__(self, other):
            return "mine"

        __hash__ = None

    assert (x == Knows()) == (Knows() == x) == "mine"


def test_shapes_and_contexts_must_fit(ctx):
    x = ctx.placeholder("x", [3])
    message = "equal: shapes do not broadcast. Got (3,) and (2,); expected equal lengths, or 1, on each axis counted from the last."
    with pytest.raises(ag.ShapeError) as e:
        _ = x == np.ones(2)
    assert str(e.value) == message
    with ag.Context() as other, pytest.raises(ag.GraphError, match="two graphs"):
        _ = x == other.constant([1.0, 2.0, 3.0])


def test_the_programs_that_were_silently_wrong(ctx):
    x, y = ctx.placeholder("x", [4]), ctx.placeholder("y", [4], dtype="int64")
    a, b = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 1, 1, 0])
    feeds = {x: a, y: b}
    np.testing.assert_array_equal(T.where(x == 2.0, 100.0, x).eval(feeds), np.where(a == 2.0, 100.0, a))
    np.testing.assert_array_equal(((y != 0) * x).eval(feeds), (b != 0) * a)
    logits = ctx.constant(np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [5.0, 4.0]]))
    assert T.mean(T.argmax(logits, -1) == y).eval(feeds) == 0.75
    assert T.mean(y == T.argmax(logits, -1)).eval(feeds) == 0.75
    assert T.mean(b == T.argmax(logits, -1)).eval(feeds) == 0.75
    # A comparison has no gradient; what it selects has.
    (g,) = T.grad([T.where(x == 2.0, x * x, x).sum()], [x])
    np.testing.assert_array_equal(g.eval(feeds), [1.0, 4.0, 4.0, 1.0])


def test_truth(ctx):
    """`bool(t)` raises, and so does whatever asks a comparison for its truth."""
    x, y = ctx.placeholder("x", []), ctx.placeholder("y", [])
    asks = [
        lambda: bool(x == y),
        lambda: bool(x != y),
        lambda: x in [y],
        lambda: x in (1.0, y),
        lambda: [y].index(x),
        lambda: [y].count(x),
        lambda: [y, x].remove(x),
        lambda: (y,) == (x,),
        lambda: [x] != [y],
        lambda: {1: x} == {1: y},
        lambda: not x == y,  # noqa: SIM201
        lambda: 1 if x == y else 2,
        lambda: x == y or True,
        lambda: 0.0 < x < 1.0,
    ]
    for ask in asks:
        with pytest.raises(ag.GraphError, match=r"^bool: a tensor has no truth value while the graph is built"):
            ask()
    # A list asks whether it is the same object first.
    assert x in [x, y]
    assert [x, y].index(x) == 0
    assert [x] == [x]
    assert any(t is y for t in [x, y])


def test_a_key_is_the_tensor_itself(ctx):
    """Dicts and sets of tensors work, and never ask for the truth of a comparison: no two tensors have one hash."""
    x = ctx.placeholder("x", [2])
    # Many tensors, and several of one node.
    many = [x + float(i % 50) for i in range(3000)] + [ctx.placeholder("x", [2]) for _ in range(50)]
    many += [T.max_with_index(x, axis=0)[k] for k in (0, 1) for _ in range(50)]
    with ag.Context() as other:
        many += [other.placeholder("x", [2]) for _ in range(50)]
        assert len({hash(t) for t in many}) == len(many)
        assert len(set(many)) == len(many)
        number = {t: i for i, t in enumerate(many)}
        assert [number[t] for t in many] == list(range(len(many)))
        assert all(t in number for t in many)
        assert ctx.placeholder("x", [2]) not in number
        for t in many[::2]:
            del number[t]
        assert [t in number for t in many] == [i % 2 == 1 for i in range(len(many))]
    assert hash(x) == hash(x)
    # Gradients may be one node; as keys they are as many as there are variables.
    y = ctx.placeholder("y", [2])
    gs = T.grad([(x + y).sum()], [x, y])
    assert len(dict(zip(gs, "xy", strict=True))) == 2


def test_feeds_by_tensor(ctx):
    x, y = ctx.placeholder("x", [2]), ctx.placeholder("y", [2])
    feeds = {x: [1.0, 2.0], y: [3.0, 4.0]}
    assert (x + y).eval(feeds).tolist() == [4.0, 6.0]
    assert ctx.eval([x * y], {**feeds, y: [1.0, 1.0]})[0].tolist() == [1.0, 2.0]
    # Another tensor of the same placeholder is another key, and names the same placeholder: the later feed counts.
    again = ctx.placeholder("x", [2])
    assert (x + y).eval({**feeds, again: [0.0, 0.0]}).tolist() == [3.0, 4.0]
    assert (x + y).eval({again: [0.0, 0.0], y: [1.0, 1.0]}).tolist() == [1.0, 1.0]


def test_a_comparison_is_built_like_any_row(ctx):
    x = ctx.placeholder("x", [2])
    before = len(ctx)
    first = x == 2.0
    nodes = len(ctx)
    assert nodes > before
    second, third = x == 2.0, T.equal(x, 2.0)
    # One node, of which each is a tensor of its own.
    assert len(ctx) == nodes
    assert first is not second
    assert first is not third
    del first, second, third
    gc.collect()
    assert len(ctx) == nodes
