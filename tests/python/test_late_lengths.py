"""Lengths that only the feeds tell: what is built on them is differentiable, and errors speak of what the user wrote."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

# An index


@pytest.mark.parametrize("i", [3, -4, 100])
def test_an_index_out_of_range_is_called_that(ctx, i):
    x = ctx.placeholder("x", [None, 2])
    for f, axis in [(lambda: x[i], 0), (lambda: x[:, None][i], 0), (lambda: T.transpose(x)[:, i], 1), (lambda: x[i, ::-1][0], 0)]:
        with pytest.raises(ag.ShapeError) as e:
            f().eval({x: np.ones((3, 2))})
        said = f"index: the index is out of range. Got {i} for axis {axis} of length 3; expected -length <= index < length."
        assert str(e.value) == said
    with pytest.raises(ag.ShapeError, match=r"^index: the index is out of range\. Got 0 for axis 0 of length 0;"):
        x[0].eval({x: np.ones((0, 2))})


@pytest.mark.parametrize("i", [0, 1, 2, -1, -2, -3])
def test_an_index_in_range(ctx, i):
    x, a = ctx.placeholder("x", [None, None]), np.arange(12.0).reshape(3, 4)
    for f in [lambda t: t[i], lambda t: t[i, i], lambda t: t[:, i], lambda t: t[None, i, ..., ::-1], lambda t: t[i][i]]:
        np.testing.assert_array_equal(f(x).eval({x: a}), f(a))
    (g,) = T.grad([x[i] * x[i]], [x])
    expected = np.zeros_like(a)
    expected[i] = 2 * a[i]
    np.testing.assert_array_equal(g.eval({x: a}), expected)


# Joining

SHAPES = [((2, 3), (4, 3)), ((1, 3), (1, 3)), ((0, 3), (2, 3)), ((2, 3), (0, 3))]


@pytest.mark.parametrize("known", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_parts_of_any_length_have_gradients_of_both_orders(ctx, known, axis):
    rng = np.random.default_rng(0)
    for shapes in SHAPES:
        parts = [rng.random(s if axis == 0 else s[::-1]) for s in [*shapes, (2, 3)]]
        fixed = [ctx.constant(p) for p in parts]
        fed = [
            ctx.placeholder(f"{known} {axis} {shapes} {i}", [n if i in known or k != axis % 2 else None for k, n in enumerate(p.shape)])
            for i, p in enumerate(parts)
        ]
        weights = rng.random(np.concatenate(parts, axis).shape)

        def derived(xs, axis=axis, weights=weights):
            y = T.concat(xs, axis)
            first = T.grad([y * y * y * weights], xs)
            second = T.grad([sum((g * g).sum() for g in first)], xs)
            return [y, *first, *second]

        expected = ctx.eval(derived(fixed))
        found = ctx.eval(derived(fed), dict(zip(fed, parts, strict=True)))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_part_beside_itself(ctx):
    x = ctx.placeholder("x", [None])
    (g,) = T.grad([T.concat([x, 2.0 * x, x]) * np.arange(6.0)], [x])
    np.testing.assert_array_equal(g.eval({x: np.ones(2)}), [0 + 4 + 4, 1 + 6 + 5])


def test_a_joined_part_that_is_masked_leaves_nothing(ctx):
    x, y = ctx.placeholder("x", [None]), ctx.placeholder("y", [None])
    joined = T.concat([T.sqrt(x), T.sqrt(y)])
    (gx, gy) = T.grad([T.where(joined > 0.0, joined, 0.0)], [x, y])
    feeds = {x: np.array([0.0, 4.0]), y: np.array([0.0])}
    assert gx.eval(feeds).tolist() == [0.0, 0.25]
    assert gy.eval(feeds).tolist() == [0.0]


# Repeating


def test_any_length_may_be_repeated_to_one(ctx):
    x = ctx.placeholder("x", [-1])
    for shape in [[1], [3], [2, 3], [2, 1]]:
        n = shape[-1]
        y = T.broadcast_to(x, shape)
        assert y.shape == tuple(shape)
        np.testing.assert_array_equal(y.eval({x: np.arange(n) + 1.0}), np.broadcast_to(np.arange(n) + 1.0, shape))
        np.testing.assert_array_equal(y.eval({x: np.ones(1)}), np.ones(shape))
        with pytest.raises(ag.ShapeError, match=r"^broadcast_to: the array does not fit the shape\. Got \(5,\) for"):
            y.eval({x: np.ones(5)})
        (g,) = T.grad([y], [x])
        np.testing.assert_array_equal(g.eval({x: np.ones(1)}), [np.prod(shape)])


def test_second_gradients_through_a_length_of_one(ctx):
    x, w = ctx.placeholder("x", [-1]), ctx.constant(np.array([3.0]))
    y = x * w * w
    (g,) = T.grad([y * y], [w])
    (gg,) = T.grad([g], [w])
    a = np.array([2.0])
    np.testing.assert_allclose(gg.eval({x: a}), 12 * a**2 * 9.0, rtol=1e-15)
