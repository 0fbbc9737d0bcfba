"""What happens with a given probability: dropout that a run may turn off, and probabilities that are none."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

N = 4000


@pytest.mark.parametrize("how", ["placeholder", "variable", "computed", "constant"])
def test_a_tensor_turns_dropout_on_and_off(how):
    env = ag.VariableEnvironment()
    env.name("train").set(np.array(True))
    with ag.Context(env, seed=3) as ctx:
        x = ctx.placeholder("x", [None])
        flag = ctx.placeholder("flag", [], "bool")
        given = {
            "placeholder": lambda: flag,
            "variable": lambda: ctx.variable("train"),
            "computed": lambda: T.logical_not(T.logical_not(flag)),
            "constant": lambda: ctx.constant(np.array(True)),
        }
        y = T.dropout(x, 0.25, given[how]())
        (g,) = T.grad([y * 3.0], [x])
        a = np.linspace(1.0, 2.0, N)

        def run(train):
            env.name("train").set(np.array(train))
            return ctx.eval([y, g], {x: a, flag: np.array(train)})

        for _ in range(2):
            values, gradient = run(True)
            kept = values != 0.0
            assert abs(kept.mean() - 0.75) < 0.03
            np.testing.assert_array_equal(values, np.where(kept, a / 0.75, 0.0))
            np.testing.assert_allclose(gradient, np.where(kept, 3.0 / 0.75, 0.0), rtol=1e-15)
            if how != "constant":
                values, gradient = run(False)
                np.testing.assert_array_equal(values, a)
                np.testing.assert_array_equal(gradient, np.full(N, 3.0))


def test_turning_dropout_on_and_off_needs_no_new_plan(ctx):
    x, flag = ctx.placeholder("x", [4]), ctx.placeholder("flag", [], "bool")
    y = T.dropout(x, 0.5, train=flag)
    y.eval({x: np.ones(4), flag: True})
    before = ag._lib._compilations()
    assert y.eval({x: np.ones(4), flag: False}).tolist() == [1.0] * 4
    assert ag._lib._compilations() == before


def test_what_is_dropped_may_be_infinite(ctx):
    # A branch that is not taken leaves nothing in the gradient.
    x, flag = ctx.placeholder("x", [2]), ctx.placeholder("flag", [], "bool")
    (g,) = T.grad([T.dropout(T.sqrt(x), 0.5, flag)], [x])
    assert np.isfinite(g.eval({x: np.array([1.0, 4.0]), flag: False})).all()


def test_literals_decide_when_the_graph_is_built(ctx):
    x = ctx.placeholder("x", [3])
    assert T.dropout(x, 0.5, False) is not None
    assert T.dropout(x, 0.5, train=False).eval({x: np.ones(3)}).tolist() == [1.0] * 3
    assert set(T.dropout(x, 0.5).eval({x: np.ones(3)})) <= {0.0, 2.0}
    assert T.dropout(np.array([1, 2]), 0.5, False).eval().dtype == "float64"


@pytest.mark.parametrize("train", [1, 0.0, np.array([True, False]), "yes"])
def test_what_is_not_a_single_bool_does_not_turn_dropout(ctx, train):
    with pytest.raises(TypeError):
        T.dropout(ctx.constant([1.0]), 0.5, train)


OUTSIDE = [np.nan, -0.1, -1e-300, 1.0, 1.5, np.inf, -np.inf]


@pytest.mark.parametrize("ratio", OUTSIDE)
def test_a_ratio_that_is_none(ctx, ratio):
    x, r = ctx.placeholder("x", [2]), ctx.placeholder("r", [])
    rule = r"^dropout: a value is out of range\. Got .*; expected 0 <= ratio < 1\."
    for train in [True, False]:
        with pytest.raises(ValueError, match=rule):
            T.dropout(x, ratio, train)
    with pytest.raises(ValueError, match=rule):
        T.dropout(x, r).eval({x: np.ones(2), r: ratio})
    with pytest.raises(ValueError, match=rule):
        T.dropout(x, np.array([0.5, ratio])).eval({x: np.ones(2)})
    # Nothing is dropped, so nobody asks.
    assert T.dropout(x, r, False).eval({x: np.ones(2)}).tolist() == [1.0, 1.0]


def test_a_ratio_that_rounds_to_one_is_none(ctx):
    x = ctx.constant(np.ones(2, "float32"))
    with pytest.raises(ValueError, match="expected 0 <= ratio < 1"):
        T.dropout(x, 1.0 - 1e-12)


def test_the_ratios_of_columns(ctx):
    x = ctx.constant(np.ones((N, 2)))
    y = T.dropout(x, np.array([0.0, 0.9])).eval()
    assert (y[:, 0] == 1.0).all()
    assert abs((y[:, 1] == 0.0).mean() - 0.9) < 0.03
    with pytest.raises(ag.ShapeError, match=r"^dropout: the array does not fit the shape\. Got \(2, 1\) for \(3,\)"):
        T.dropout(ctx.constant(np.ones(3)), np.full((2, 1), 0.5))


@pytest.mark.parametrize("p", [np.nan, -1e-300, -1.0, float(np.nextafter(1.0, 2.0)), 2, np.inf])
def test_a_probability_that_is_none(ctx, p):
    q = ctx.placeholder("q", [])
    rule = r"^bernoulli: a value is out of range\. Got .*; expected 0 <= p <= 1\."
    with pytest.raises(ValueError, match=rule):
        T.bernoulli([3], p)
    with pytest.raises(ValueError, match=rule):
        T.bernoulli([3], q).eval({q: p})
    with pytest.raises(ValueError, match=rule.replace("Got .*;", r"Got .* at position 1;")):
        T.bernoulli([3], np.array([0.5, p, 0.5])).eval()


@pytest.mark.parametrize("p", [0, 1, 0.0, 1.0, 0.25, True, np.float32(0.25), np.array(0.25)])
def test_probabilities(ctx, p):
    assert abs(T.bernoulli([N], p).eval().mean() - float(p)) < 0.03
    assert T.bernoulli([N], p, "float32").eval().dtype == "float32"


CHANNELS = {"dropout1d": (5, 200, 3), "dropout2d": (5, 200, 3, 2), "dropout3d": (5, 200, 3, 1, 2)}


@pytest.mark.parametrize("name", CHANNELS)
def test_whole_channels_are_dropped(name):
    with ag.Context(seed=5) as ctx:
        flag = ctx.placeholder("flag", [], "bool")
        x = ctx.placeholder("x", [None] * len(CHANNELS[name]))
        y = getattr(T, name)(x, 0.25, flag)
        (g,) = T.grad([y * 3.0], [x])
        a = np.random.default_rng(1).uniform(1.0, 2.0, CHANNELS[name])
        axes = tuple(range(2, a.ndim))
        seen = []
        for _ in range(2):
            values, gradient = ctx.eval([y, g], {x: a, flag: True})
            kept = values != 0.0
            assert (kept.all(axes) == kept.any(axes)).all()
            assert abs(kept.mean() - 0.75) < 0.06
            np.testing.assert_array_equal(values, np.where(kept, a / 0.75, 0.0))
            np.testing.assert_allclose(gradient, np.where(kept, 3.0 / 0.75, 0.0), rtol=1e-15)
            seen.append(kept)
        assert (seen[0] != seen[1]).any()
        np.testing.assert_array_equal(y.eval({x: a, flag: False}), a)


@pytest.mark.parametrize(("name", "shape"), [("dropout1d", (200, 3)), ("dropout3d", (200, 3, 1, 2))])
def test_channels_of_one_sample(name, shape):
    y = np.asarray(getattr(T, name)(np.ones(shape), 0.5))
    axes = tuple(range(1, y.ndim))
    assert set(y.max(axes)) == {0.0, 2.0}
    assert (y.max(axes) == y.min(axes)).all()


def test_a_ratio_for_each_channel(ctx):
    y = T.dropout2d(ctx.constant(np.ones((3, 2, 2, 2))), np.array([0.0, 0.999]).reshape(2, 1, 1)).eval()
    assert (y[:, 0] == 1.0).all()
    assert set(y[:, 1].flat) <= {0.0, 1.0 / (1.0 - 0.999)}
    with pytest.raises(ValueError, match=r"^dropout2d: a value is out of range\. Got 1; expected 0 <= ratio < 1\."):
        T.dropout2d(ctx.constant(np.ones((3, 2, 2, 2))), 1.0)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(ratio):
    alpha = -1.7580993408473766
    a = ((1 - ratio) * (1 + ratio * alpha**2)) ** -0.5
    b = -a * alpha * ratio
    x = np.random.default_rng(2).standard_normal(200_000)
    with ag.Context(seed=8) as ctx:
        t, r = ctx.constant(x), ctx.placeholder("r", [])
        for y in (T.alpha_dropout(t, ratio), T.alpha_dropout(t, r)):
            (g,) = T.grad([y], [t])
            values, gradient = ctx.eval([y, g], {r: ratio})
            dropped = gradient == 0.0
            assert abs(dropped.mean() - ratio) < 0.01
            np.testing.assert_allclose(values, np.where(dropped, a * alpha + b, a * x + b), rtol=1e-13, atol=1e-15)
            np.testing.assert_allclose(gradient[~dropped], a, rtol=1e-14)
            assert abs(values.mean()) < 0.02
            assert abs(values.var() - 1.0) < 0.03
        np.testing.assert_array_equal(T.alpha_dropout(t, ratio, False).eval(), x)


@pytest.mark.parametrize("name", ["dropout1d", "alpha_dropout"])
def test_what_is_computed_again_drops_the_same(name):
    def run(**said):
        with ag.Context(seed=4) as ctx:
            x = y = ctx.constant(np.random.default_rng(3).uniform(1.0, 2.0, (4, 50, 10)))
            for _ in range(48):
                y = T.sin(getattr(T, name)(T.exp(y * 0.1), 0.4))
            (g,) = T.grad([T.reduce_sum(y * y)], [x])
            evaluator = ctx.evaluator(**said).push(y).push(g)
            return evaluator.plan().peak_bytes, [a.tobytes() for a in evaluator.run()]

    (least, again), (most, kept) = run(checkpoint=ag.policies.segments()), run()
    assert again == kept
    assert least < 0.7 * most
