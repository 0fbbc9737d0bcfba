"""What must have one shape is not repeated to another: targets of losses, cotangents of users' operations, vectors of products."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

LOSSES = ["mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("x", "targets"), [((5, 1), (5,)), ((5,), (5, 1)), ((5, 1), (1, 5)), ((1, 5), (5, 1)), ((2, 3), (3, 3)), ((1,), (4,))]
)
def test_targets_that_would_make_pairs_are_refused(ctx, loss, x, targets):
    f = getattr(T, loss)
    tuples = rf"{targets} for {x}".replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ag.ShapeError, match=rf"^{loss}: the targets do not fit\. Got {tuples}; expected targets of the same shape"):
        f(np.ones(x), np.ones(targets))
    # Where only the feeds tell, the run does.
    a, b = ctx.placeholder("a", [-1] * len(x)), ctx.placeholder("b", [-1] * len(targets))
    hidden = "the targets do not fit" if len(targets) > len(x) else f"Got {tuples};"
    with pytest.raises(ag.ShapeError, match=rf"^{loss}: .*{hidden}"):
        f(a, b).eval({a: np.ones(x), b: np.ones(targets)})


@pytest.mark.parametrize("loss", LOSSES)
def test_a_column_against_a_row_of_a_batch_of_any_length_is_refused(ctx, loss):
    x, targets = ctx.placeholder("x", [-1, 1]), ctx.placeholder("targets", [-1])
    with pytest.raises(ag.ShapeError, match=rf"^{loss}: .*Got \(4,\) for \(4, 1\)"):
        getattr(T, loss)(x, targets).eval({x: np.ones((4, 1)), targets: np.ones(4)})


@pytest.mark.parametrize("loss", LOSSES)
def test_targets_may_repeat_over_samples(ctx, loss):
    f, rng = getattr(T, loss), np.random.default_rng(0)
    a, b = rng.random((4, 3)), rng.random(3)
    expected = f(a, np.tile(b, (4, 1))).eval()
    x, targets = ctx.placeholder("x", [-1, 3]), ctx.placeholder("targets", [-1, 3])
    for given in [b, b.reshape(1, 3)]:
        np.testing.assert_array_equal(f(a, given).eval(), expected)
        np.testing.assert_array_equal(f(x, given).eval({x: a}), expected)
        np.testing.assert_array_equal(f(x, targets).eval({x: a, targets: given.reshape(1, 3)}), expected)
    np.testing.assert_array_equal(f(a, 0.5).eval(), f(a, np.full((4, 3), 0.5)).eval())
    (g,) = T.grad([f(x, targets)], [targets])
    tall = np.tile(b, (4, 1))
    whole = g.eval({x: a, targets: tall}).sum(axis=0, keepdims=True)
    np.testing.assert_allclose(g.eval({x: a, targets: tall[:1]}), whole, rtol=1e-14)


# Users' operations


def test_a_cotangent_of_another_shape_is_an_error(ctx):
    x = ctx.constant(np.arange(6.0).reshape(2, 3))
    wrong = {
        "row": (lambda g, y, x: g[0], "(3,)"),
        "sum": (lambda g, y, x: g.sum(), "()"),
        "number": (lambda g, y, x: 1.0, "()"),
        "column": (lambda g, y, x: g[:, :1], "(2, 1)"),
        "more": (lambda g, y, x: T.expand_dims(g, 0), "(1, 2, 3)"),
        "transposed": (lambda g, y, x: T.transpose(g), "(3, 2)"),
    }
    for name, (vjp, got) in wrong.items():
        y = ag.custom_op(lambda a: a * 2.0, vjp, name=name)(x)
        with pytest.raises(ag.ShapeError) as e:
            T.grad([y], [x])
        assert str(e.value) == (
            f"{name}: the cotangent of input 0 has another shape than the input. Got {got}; expected (2, 3).\n"
            "help: sum it over the axes along which the input was repeated"
        )


def test_a_repeated_input_needs_its_sum(ctx):
    x, b = ctx.constant(np.ones((2, 3))), ctx.constant(np.arange(3.0))
    add = ag.custom_op(lambda x, b: x + b, lambda g, y, x, b: (g, g), name="add")
    with pytest.raises(ag.ShapeError, match=r"^add: the cotangent of input 1 .*Got \(2, 3\); expected \(3,\)\."):
        T.grad([add(x, b)], [x, b])
    summed = ag.custom_op(lambda x, b: x + b, lambda g, y, x, b: (g, g.sum(axis=0)))
    gx, gb = T.grad([summed(x, b)], [x, b])
    np.testing.assert_array_equal(gx.eval(), np.ones((2, 3)))
    np.testing.assert_array_equal(gb.eval(), [2.0, 2.0, 2.0])


def test_a_cotangent_of_a_length_that_only_a_feed_tells(ctx):
    x, w = ctx.placeholder("x", [-1]), ctx.placeholder("w", [-1])
    scale = ag.custom_op(lambda x, w: x * w, lambda g, y, x, w: (g * w, g * x), name="scale")
    gx, gw = T.grad([scale(x, w)], [x, w])
    feeds = {x: np.array([1.0, 2.0]), w: np.array([3.0, 4.0])}
    np.testing.assert_array_equal(gx.eval(feeds), [3.0, 4.0])
    np.testing.assert_array_equal(gw.eval(feeds), [1.0, 2.0])
    # Repeated by the operation's own rule, and not summed.
    with pytest.raises(ag.ShapeError, match=r"the shapes differ\. Got \(2,\) for \(1,\)"):
        gw.eval({x: np.array([1.0, 2.0]), w: np.array([3.0])})


# Products with a Hessian


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (3,)])
def test_a_vector_has_the_shape_of_its_x(ctx, shape):
    x = ctx.constant([1.0, 2.0])
    with pytest.raises(ag.ShapeError, match=r"the shapes differ\. Got .* for \(2,\)"):
        T._hessian_vector_product([x * x * x], [x], [np.ones(shape)])


def test_cotangents_pair_with_outputs(ctx):
    x = ctx.constant([1.0, 2.0])
    for given, n in [([], 0), ([x, x], 2)]:
        with pytest.raises(ag.ShapeError, match=rf"^grad: cotangents and outputs do not pair\. Got {n} and 1;"):
            T.grad_with_default([x * x], [x], given)
    assert T.grad_with_default([x * x], [x], [2.0])[0].eval().tolist() == [4.0, 8.0]
