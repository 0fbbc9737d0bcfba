"""Batch normalization as state: running statistics move at the end of a run, once, and are taken in evaluation."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import policies
from scirs2_autograd import tensor_ops as T

C = 3
SHAPE = (5, C, 2, 4)
RNG = np.random.default_rng(7)
X = RNG.normal(size=SHAPE) * [[[[2.0]], [[0.1]], [[30.0]]]] + [[[[-1.0]], [[5.0]], [[0.3]]]]
WEIGHT, BIAS, G = RNG.normal(size=C), RNG.normal(size=C), RNG.normal(size=SHAPE)
START = {"mean": np.array([0.5, -0.5, 1.0]), "var": np.array([1.0, 2.0, 3.0])}


def moved(x, mean, var, momentum=0.1):
    """What `torch.nn.BatchNorm2d` makes of its running statistics: the variance of the batch has the divisor n - 1."""
    over = tuple(i for i in range(x.ndim) if i != 1)
    return (1 - momentum) * mean + momentum * x.mean(over), (1 - momentum) * var + momentum * x.var(over, ddof=1)


def expected(x, eps=1e-5):
    over = tuple(i for i in range(x.ndim) if i != 1)
    return (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + eps)


@pytest.fixture
def env():
    env = ag.VariableEnvironment()
    for name, value in START.items():
        env.name(name).set(value)
    return env


def state(env):
    return env["mean"], env["var"]


def close(env, wanted, rtol=1e-14):
    for have, want in zip(state(env), wanted, strict=True):
        np.testing.assert_allclose(have, want, rtol=rtol)


def running(ctx):
    return ctx.variable("mean"), ctx.variable("var")


@pytest.mark.parametrize("shape", [SHAPE, (7, C), (4, C, 5), (2, C, 2, 2, 3)])
@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, 0.37])
@pytest.mark.parametrize("known", [True, False])
def test_a_run_moves_the_statistics_once(env, shape, momentum, known):
    x = np.random.default_rng(1).normal(size=shape) * 3 + 1
    with ag.Context(env) as ctx:
        fed = ctx.placeholder("x", shape if known else [None] * len(shape))
        y = T.batch_norm(fed, *running(ctx), training=True, momentum=momentum)
        wanted = START["mean"], START["var"]
        for _ in range(3):
            np.testing.assert_allclose(y.eval({fed: x}), expected(x), rtol=1e-12, atol=1e-12)
            wanted = moved(x, *wanted, momentum)
            close(env, wanted)


def test_gradients_move_them_too_and_once(env):
    with ag.Context(env) as ctx:
        x, w, b = (ctx.placeholder(name, np.shape(a)) for name, a in (("x", X), ("w", WEIGHT), ("b", BIAS)))
        y = T.batch_norm(x, *running(ctx), w, b, training=True)
        loss = T.reduce_sum(T.tanh(y) * G)
        grads = T.grad([loss], [x, w, b])
        feeds = {x: X, w: WEIGHT, b: BIAS}
        wanted = moved(X, **START)
        ctx.eval([grads[0]], feeds)
        close(env, wanted)
        wanted = moved(X, *wanted)
        ctx.eval([loss, y, *grads], feeds)
        close(env, wanted)
        hessian = T.grad([T.reduce_sum(g * g) for g in grads], [x])
        wanted = moved(X, *wanted)
        ctx.eval(hessian, feeds)
        close(env, wanted)


def test_evaluation_takes_them_and_writes_nothing(env):
    with ag.Context(env) as ctx:
        x = ctx.placeholder("x", [None, C, None, None])
        y = T.batch_norm(x, *running(ctx), WEIGHT, BIAS)
        mean, var, weight, bias = (np.reshape(a, (C, 1, 1)) for a in (*START.values(), WEIGHT, BIAS))
        want = (X - mean) / np.sqrt(var + 1e-5) * weight + bias
        np.testing.assert_allclose(y.eval({x: X}), want, rtol=1e-13)
        # One sample of one element, and none at all.
        np.testing.assert_allclose(y.eval({x: X[:1, :, :1, :1]}), want[:1, :, :1, :1], rtol=1e-13)
        assert y.eval({x: X[:0]}).shape == (0, C, 2, 4)
    close(env, START.values(), rtol=0)


@pytest.mark.parametrize("kind", ["placeholder", "variable"])
def test_a_tensor_turns_training_on_and_off(env, kind):
    env.name("training").set(np.array(True))
    with ag.Context(env) as ctx:
        flag = ctx.placeholder("flag", [], "bool")
        x = ctx.placeholder("x", [None, C, None, None])
        y = T.batch_norm(x, *running(ctx), training=flag if kind == "placeholder" else ctx.variable("training"))
        (g,) = T.grad([y * G], [x])

        def run(training, x_=X):
            env.name("training").set(np.array(training))
            return ctx.eval([y, g] if x_ is X else [y], {x: x_, flag: np.array(training)})

        mean, var = (np.reshape(a, (C, 1, 1)) for a in START.values())
        values, gradient = run(False)
        np.testing.assert_allclose(values, (X - mean) / np.sqrt(var + 1e-5), rtol=1e-13)
        np.testing.assert_allclose(gradient, G / np.sqrt(np.broadcast_to(var, G.shape) + 1e-5), rtol=1e-13)
        close(env, START.values(), rtol=0)
        # Too few elements for a variance, and a batch that spoils its own statistics.
        run(False, X[:1, :, :1, :1])
        run(False, np.full((2, C, 1, 1), np.nan))
        close(env, START.values(), rtol=0)
        np.testing.assert_allclose(run(True)[0], expected(X), rtol=1e-12, atol=1e-12)
        close(env, moved(X, **START))
        before = state(env)
        with pytest.raises(ValueError, match=r"^batch_norm: a value is out of range. Got 1.0; expected two elements at least"):
            run(True, X[:1, :, :1, :1])
        close(env, before, rtol=0)


def test_several_calls_move_them_one_after_the_other(env):
    with ag.Context(env) as ctx:
        x, z = ctx.placeholder("x", SHAPE), ctx.placeholder("z", SHAPE)
        first = T.batch_norm(x, *running(ctx), training=True)
        second = T.batch_norm(z, *running(ctx), training=True, momentum=0.3)
        ctx.eval([second], {z: 2 * X})
        wanted = moved(2 * X, **START, momentum=0.3)
        close(env, wanted)
        ctx.eval([T.reduce_sum(first * second)], {x: X, z: 2 * X})
        one = moved(2 * X, *moved(X, *wanted), momentum=0.3)
        other = moved(X, *moved(2 * X, *wanted, momentum=0.3))
        assert any(all(np.allclose(a, b, rtol=1e-14) for a, b in zip(state(env), w, strict=True)) for w in (one, other))


@pytest.mark.parametrize("policy", [policies.nothing(), policies.everything(), policies.segments()])
@pytest.mark.parametrize("inside", [True, False])
def test_what_is_computed_again_moves_them_once(env, policy, inside):
    def block(x):
        for _ in range(3):
            x = T.batch_norm(T.sin(x), *running(ag.current_context()), training=True)
        return x

    def values(function, checkpoint):
        env = ag.VariableEnvironment()
        for name, value in START.items():
            env.name(name).set(value)
        with ag.Context(env) as ctx:
            x = ctx.placeholder("x", SHAPE)
            (g,) = T.grad([T.reduce_sum(function(x) * G)], [x])
            return [*ctx.eval([g], {x: X}, checkpoint=checkpoint), *state(env)]

    plain = values(block, None)
    again = values(ag.checkpoint(block) if inside else block, policy)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_they_are_saved_with_the_environment(env):
    with ag.Context(env) as ctx:
        T.batch_norm(ctx.constant(X), *running(ctx), training=True).eval()
    close(env, moved(X, **START))
    close(ag.VariableEnvironment.from_bytes(env.to_bytes()), state(env), rtol=0)


@pytest.mark.parametrize("own", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_of_the_statistics_and_of_the_elements(dtype, own):
    env = ag.VariableEnvironment()
    for name, value in START.items():
        env.name(name).set(value.astype(own))
    with ag.Context(env, dtype="float64") as ctx:
        x = ctx.constant(X.astype(dtype))
        for training in (True, False):
            assert T.batch_norm(x, *running(ctx), training=training).eval().dtype == dtype
    assert {a.dtype for a in state(env)} == {np.dtype(own)}
    close(env, moved(X, **START), rtol=1e-6)


def test_large_numbers_with_little_between_them(env):
    noise = np.random.default_rng(3).normal(size=(64, C, 4, 4))
    with ag.Context(env) as ctx:
        y = T.batch_norm(ctx.constant(1e8 + noise), *running(ctx), training=True, momentum=1.0)
        np.testing.assert_allclose(y.eval(), expected((1e8 + noise) - 1e8), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(env["var"], ((1e8 + noise) - 1e8).var((0, 2, 3), ddof=1), rtol=1e-9)


def test_a_channel_of_equal_elements(ctx):
    x = np.full((3, 2, 2), 1e8)
    weights = np.arange(12.0).reshape(x.shape)
    fed = ctx.placeholder("x", x.shape)
    y = T.batch_norm(fed, None, None, training=True)
    (g,) = T.grad([y * weights], [fed])
    np.testing.assert_array_equal(y.eval({fed: x}), np.zeros(x.shape))
    wanted = (weights - weights.mean((0, 2), keepdims=True)) / np.sqrt(1e-5)
    np.testing.assert_allclose(g.eval({fed: x}), wanted, rtol=1e-12)


def test_a_failed_run_moves_nothing(env):
    with ag.Context(env) as ctx:
        x = ctx.placeholder("x", SHAPE)
        y = T.check_finite(T.log(T.batch_norm(x, *running(ctx), training=True)))
        with pytest.raises(ValueError, match="check_finite"):
            y.eval({x: X})
    close(env, START.values(), rtol=0)


def test_what_cannot_be_moved(env, ctx):
    x = ctx.constant(X)
    with pytest.raises(ValueError, match=r"`running_mean` cannot be updated. Got float64\[3\]; expected a floating"):
        T.batch_norm(x, START["mean"], START["var"], training=True)
    with pytest.raises(ag.ShapeError, match=r"`running_var` does not fit. Got \(2,\); expected shape \(3,\)"):
        T.batch_norm(x, START["mean"], np.ones(2))
    for momentum in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="0 <= p <= 1"):
            T.batch_norm(x, START["mean"], START["var"], momentum=momentum)
    with ag.Context(env) as other:
        x = other.placeholder("x", SHAPE)
        with pytest.raises(ag.GraphError, match="cond: a body writes to a variable"):
            T.cond(T.reduce_sum(x) > 0, lambda: T.batch_norm(x, *running(other), training=True), lambda: x)
        y = T.batch_norm(x, *running(other), training=True)
        both = [y, T.assign(other.variable("mean"), np.zeros(C))]
        with pytest.raises(ag.VariableError, match="a variable is written twice"):
            other.eval(both, {x: X})
    close(env, START.values(), rtol=0)


def test_a_jacobian_moves_them_once(env):
    with ag.Context(env) as ctx:
        x = ctx.placeholder("x", (4, C))
        y = T.batch_norm(x, *running(ctx), training=True)
        (j,) = T.jacobians(y, [x])
        a = X[:4, :, 0, 0]
        eps = 1e-6
        step = eps * np.eye(a.size).reshape(-1, *a.shape)
        wanted = np.stack([(expected(a + d) - expected(a - d)) / (2 * eps) for d in step], axis=-1)
        np.testing.assert_allclose(j.eval({x: a}).reshape(wanted.shape), wanted, atol=1e-6)
    close(env, moved(a, **START))
