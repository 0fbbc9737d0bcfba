"""Optimizers against loops of NumPy, and steps that fail."""

import gc
import os
import re
import sys

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

# Optimizers


def sgd(p, g, state, t):
    return p - 0.1 * g


def momentum(p, g, state, t):
    state["v"] = 0.9 * state.get("v", 0.0) - 0.1 * g
    return p + state["v"]


def adagrad(p, g, state, t):
    state["h"] = state.get("h", 0.0) + g * g
    return p - 0.1 * g / (np.sqrt(state["h"]) + 1e-7)


def adam(p, g, state, t):
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g * g
    return p - 0.1 * (state["m"] / (1 - 0.9**t)) / (np.sqrt(state["v"] / (1 - 0.999**t)) + 1e-8)


def nesterov(p, g, state, t):
    state["u"] = 0.9 * state.get("u", 0.0) + g
    return p - 0.1 * (g + 0.9 * state["u"])


def adadelta(p, g, state, t):
    state["v"] = 0.9 * state.get("v", 0.0) + 0.1 * g * g
    d = g * np.sqrt(state.get("u", 0.0) + 1e-6) / np.sqrt(state["v"] + 1e-6)
    state["u"] = 0.9 * state.get("u", 0.0) + 0.1 * d * d
    return p - 0.1 * d


def rmsprop(p, g, state, t):
    state["v"] = 0.99 * state.get("v", 0.0) + 0.01 * g * g
    return p - 0.1 * g / (np.sqrt(state["v"]) + 1e-8)


def adamw(p, g, state, t):
    return adam(p, g, state, t) - 0.1 * 0.01 * p


def nadam(p, g, state, t):
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g * g
    now, following = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * i)) for i in (t, t + 1))
    state["p"] = state.get("p", 1.0) * now
    step = g * (1 - now) / (1 - state["p"]) + state["m"] * following / (1 - state["p"] * following)
    return p - 0.1 * step / (np.sqrt(state["v"] / (1 - 0.999**t)) + 1e-8)


def lion(p, g, state, t):
    m = state.get("m", 0.0)
    state["m"] = 0.99 * m + 0.01 * g
    return p - 0.1 * (np.sign(0.9 * m + 0.1 * g) + 1e-3 * p)


opts = ag.optimizers
OPTIMIZERS = {
    "SGD": (lambda ids, env, **o: opts.SGD(0.1, **o), sgd),
    "MomentumSGD": (lambda ids, env, **o: opts.MomentumSGD(0.1, 0.9, ids, env, "opt", **o), momentum),
    "AdaGrad": (lambda ids, env, **o: opts.AdaGrad(0.1, ids, env, "opt", **o), adagrad),
    "Adam": (lambda ids, env, **o: opts.Adam(0.1, 1e-8, 0.9, 0.999, ids, env, "opt", **o), adam),
    "Nesterov": (lambda ids, env, **o: opts.Nesterov(0.1, 0.9, ids, env, "opt", **o), nesterov),
    "Adadelta": (lambda ids, env, **o: opts.Adadelta(0.1, 0.9, 1e-6, ids, env, "opt", **o), adadelta),
    "RMSprop": (lambda ids, env, **o: opts.RMSprop(0.1, ids, env, "opt", **o), rmsprop),
    "AdamW": (lambda ids, env, **o: opts.AdamW(0.1, 1e-8, 0.9, 0.999, ids, env, "opt", **o), adamw),
    "NAdam": (lambda ids, env, **o: opts.NAdam(0.1, 1e-8, 0.9, 0.999, ids, env, "opt", **o), nadam),
    "Lion": (lambda ids, env, **o: opts.Lion(0.1, 0.9, 0.99, ids, env, "opt", **o), lion),
}


def problem(dtype="float64", **options):
    env = ag.VariableEnvironment()
    rng = np.random.default_rng(5)
    start = [rng.standard_normal((3, 2)).astype(dtype), rng.standard_normal(2).astype(dtype)]
    ids = [env.name(n).set(a) for n, a in zip("wb", start, strict=True)]
    return env, ids, start


def build(ctx):
    x, y = ctx.placeholder("x", [-1, 3]), ctx.placeholder("y", [-1, 2])
    vs = [ctx.variable("w"), ctx.variable("b")]
    loss = T.square(x @ vs[0] + vs[1] - y).sum()
    return x, y, vs, loss, T.grad([loss], vs)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_against_numpy(name, dtype):
    make, rule = OPTIMIZERS[name]
    env, ids, start = problem(dtype)
    opt = make(ids, env)
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((8, 3)).astype(dtype), rng.standard_normal((8, 2)).astype(dtype)
    w, c = (s.astype(float) for s in start)
    states = {}, {}
    with ag.Context(env) as ctx:
        x, y, vs, loss, grads = build(ctx)
        for t in range(1, 11):
            (value,) = opt.update_and_eval([loss], vs, grads, ctx, ag.Feeder().push(x, a).push(y, b))
            r = a @ w + c - b
            # The outputs see the variables before the update.
            np.testing.assert_allclose(value, (r * r).sum(), rtol=1e-12 if dtype == "float64" else 1e-3)
            gw, gc_ = 2 * a.T @ r, 2 * r.sum(axis=0)
            w, c = rule(w, gw, states[0], t), rule(c, gc_, states[1], t)
    tolerance = 1e-11 if dtype == "float64" else 2e-4
    np.testing.assert_allclose(env.get("w"), w, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(env.get("b"), c, rtol=tolerance, atol=tolerance)
    assert env.get("w").dtype == dtype


def snapshot(env):
    return {k: env.get(k) for k in env.names()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_that_fails_changes_nothing(name):
    env, ids, _ = problem()
    opt = OPTIMIZERS[name][0](ids, env, check_finite=True)
    good = np.ones((4, 3)), np.ones((4, 2))
    with ag.Context(env) as ctx:
        x, y, vs, loss, grads = build(ctx)
        feeder = lambda a, b: ag.Feeder().push(x, a).push(y, b)  # noqa: E731
        opt.update(vs, grads, ctx, feeder(*good))
        before = snapshot(env)
        with pytest.raises(ag.FeedError):
            opt.update(vs, grads, ctx, ag.Feeder().push(x, good[0]))
        with pytest.raises(ag.ShapeError):
            opt.update(vs, grads, ctx, feeder(good[0], np.ones((5, 2))))
        with pytest.raises(ValueError, match="finite"):
            opt.update(vs, grads, ctx, feeder(good[0] * np.inf, good[1]))
        own = KeyError("mine")

        def bad(_):
            raise own

        with pytest.raises(KeyError) as e:
            opt.update_and_eval([loss.register_hook(bad)], vs, grads, ctx, feeder(*good))
        assert e.value is own
        labels = T.sparse_softmax_cross_entropy(x @ vs[0], np.array([0, 1, 2, 0]))
        with pytest.raises(ValueError, match="out of range"):
            opt.update_and_eval([labels], vs, grads, ctx, feeder(*good))
        assert same(snapshot(env), before)
        opt.update(vs, grads, ctx, feeder(*good))
        assert not same(snapshot(env), before)
    plain = OPTIMIZERS[name][0](ids, env)
    with ag.Context(env) as ctx:
        x, y, vs, loss, grads = build(ctx)
        # Without the check a step that is not finite is taken.
        plain.update(vs, grads, ctx, ag.Feeder().push(x, good[0] * np.inf).push(y, good[1]))
        assert not np.isfinite(env.get("w")).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_a_file(name, tmp_path):
    a, b = np.random.default_rng(1).standard_normal((2, 8, 3))
    b = b[:, :2]

    def steps(env, n):
        ids = env.default_namespace().current_var_ids()
        opt = OPTIMIZERS[name][0](ids, env)
        with ag.Context(env) as ctx:
            x, y, vs, _, grads = build(ctx)
            for _ in range(n):
                opt.update(vs, grads, ctx, ag.Feeder().push(x, a).push(y, b))

    one, _, _ = problem()
    steps(one, 6)
    other, _, _ = problem()
    steps(other, 3)
    other.save(tmp_path / "half")
    loaded = ag.VariableEnvironment.load(tmp_path / "half")
    steps(loaded, 3)
    assert same(snapshot(one), snapshot(loaded))


def test_a_loop_that_keeps_its_graph_compiles_once():
    env, ids, _ = problem()
    feeder = ag.Feeder().push("x", np.ones((4, 3))).push("y", np.ones((4, 2)))
    with ag.Context(env) as ctx:
        _, _, vs, loss, grads = build(ctx)
        for make in (lambda a: opts.SGD(a), lambda a: opts.Adam(a, 1e-8, 0.9, 0.999, ids, env, "opt")):
            make(0.25).update_and_eval([loss], vs, grads, ctx, feeder)
            count = _lib._compilations()
            for rate in (1.0, 0.5, 0.0, 1e-3, 2.0, 0.125):
                make(rate).update_and_eval([loss], vs, grads, ctx, feeder)
            assert _lib._compilations() == count


def test_hyperparameters_that_are_set_take_effect_at_the_next_step():
    env = ag.VariableEnvironment()
    start, a = np.random.default_rng(6).standard_normal((2, 5))
    ids = [env.name(n).set(start) for n in ("u", "w")]
    sgd, adam = opts.SGD(9.0), opts.Adam(9.0, 1.0, 0.0, 0.0, ids[1:], env, "opt")
    u, w, m, v = start, start, 0.0, 0.0
    counts = []
    with ag.Context(env) as ctx:
        tu, tw = ctx.variable("u"), ctx.variable("w")
        (gu,), (gw,) = T.grad([(a * tu * tu).sum()], [tu]), T.grad([(a * tw * tw).sum()], [tw])
        for t in range(1, 9):
            sgd.alpha = rate = 0.1 / t
            adam.alpha, adam.eps, adam.b1, adam.b2 = rate, 1e-3 * t, 0.5 + 0.4 / t, 0.9 + 0.05 / t
            sgd.update([tu], [gu], ctx)
            adam.update([tw], [gw], ctx)
            u = u - rate * 2 * a * u
            g = 2 * a * w
            m = adam.b1 * m + (1 - adam.b1) * g
            v = adam.b2 * v + (1 - adam.b2) * g * g
            w = w - rate * (m / (1 - adam.b1**t)) / (np.sqrt(v / (1 - adam.b2**t)) + 1e-3 * t)
            np.testing.assert_allclose(env.get("u"), u, rtol=1e-13)
            np.testing.assert_allclose(env.get("w"), w, rtol=1e-12)
            counts.append((_lib._compilations(), len(ctx)))
    assert (sgd.alpha, adam.eps) == (0.1 / 8, 8e-3)
    assert len(set(counts)) == 1, "a value that is set makes no plan and no node"


def test_hyperparameters_out_of_range(ctx):
    env = ag.VariableEnvironment()
    ids = [env.name("w").set(np.ones(2, "float32"))]
    nan, inf = float("nan"), float("inf")
    good = {"alpha": 0.1, "eps": 1e-8, "b1": 0.9, "b2": 0.999}
    for name, rule, values in (
        ("alpha", "a finite number >= 0", [-1e-3, nan, inf, -inf]),
        ("eps", "a finite number >= 0", [-1e-3, nan, inf]),
        ("b1", "a number >= 0 and < 1", [-0.1, 1.0, nan]),
        ("b2", "a number >= 0 and < 1", [-0.1, 1.0, nan]),
    ):
        opt = opts.Adam.default("adam", ids, env)
        for bad in values:
            message = rf"Adam: a hyperparameter is out of range\. Got {name}=.*; expected {rule}\."
            with pytest.raises(ValueError, match=message):
                opts.Adam(*{**good, name: bad}.values(), ids, env, "other")
            before = getattr(opt, name)
            with pytest.raises(ValueError, match=message):
                setattr(opt, name, bad)
            assert getattr(opt, name) == before
    for make in (opts.SGD, lambda x: opts.AdaGrad(x, ids, env, "other"), lambda x: opts.MomentumSGD(0.1, x, ids, env, "other")):
        for bad in (-1.0, nan, inf):
            with pytest.raises(ValueError, match="a hyperparameter is out of range"):
                make(bad)
    assert env.namespace("other").current_var_ids() == []
    # A rate that float32 cannot hold.
    opt = opts.SGD(0.5)
    with ag.Context(env) as own:
        v = own.variable("w")
        opt.alpha = 1e39
        with pytest.raises(ag.DTypeError, match=r"Got 1e39; expected a value of float32\."):
            opt.update([v], [own.ones([2])], own)
        opt.alpha = 0.25
        opt.update([v], [own.ones([2])], own)
    assert env.get("w").tolist() == [0.75, 0.75]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_attributes_that_there_are_not(name):
    env, ids, _ = problem()
    opt = OPTIMIZERS[name][0](ids, env)
    for attribute in ("lr", "Alpha", "check_finite", "momentums", "beta1"):
        with pytest.raises(AttributeError):
            setattr(opt, attribute, 0.1)
    for wrong in ("0.1", None, [0.1]):
        with pytest.raises(TypeError):
            opt.alpha = wrong
    with pytest.raises(AttributeError):
        del opt.alpha
    assert opt.alpha == 0.1


def test_plan_of_a_step():
    env, ids, _ = problem()
    opt = opts.Adam.default("opt", ids, env)
    with ag.Context(env) as ctx:
        x, y, vs, loss, grads = build(ctx)
        plan = opt.plan([loss], vs, grads, ctx, ag.Feeder().push(x, np.ones((4, 3))).push(y, np.ones((4, 2))))
        assert plan.steps > 2
        text = plan.explain()
        here = os.path.basename(__file__)
        assert re.search(rf"batch_matmul %\d+ %\d+  # {here}:\d+ \[matmul\]$", text, re.MULTILINE)
        assert re.search(rf"  # {here}:\d+ \[gradient of matmul\]$", text, re.MULTILINE)
        assert re.search(rf"  # {here}:{sys._getframe().f_lineno - 6} \[Adam\]$", text, re.MULTILINE)
        before = snapshot(env)
    assert same(before, snapshot(env))
    assert (opt.alpha, opt.eps, opt.b1, opt.b2) == (1e-3, 1e-8, 0.9, 0.999)
    assert opts.MomentumSGD.default("m", ids, env).momentum == 0.9
    assert opts.AdaGrad.default("h", ids, env).alpha == 0.01


def test_trim_gives_memory_back():
    ag.run(lambda ctx: T.exp(ctx.zeros([1 << 20])).eval())
    gc.collect()
    assert ag.trim() > 0
    assert ag.trim() == 0


def test_gradients_are_shortened_together(ctx):
    def clipped(xs, most):
        return ctx.eval(T.clip_by_global_norm(xs, most))

    a, b = np.array([3.0, 0.0]), np.array([[4.0]], "f4")
    x, y = clipped([a, b], 10.0)
    assert (x.tolist(), y.tolist(), x.dtype, y.dtype) == ([3.0, 0.0], [[4.0]], np.float64, np.float32)
    x, y = clipped([a, b], 1.0)
    np.testing.assert_allclose(np.sqrt((x**2).sum() + (y**2).sum()), 1.0, rtol=1e-7)
    np.testing.assert_allclose(x[0] / y[0, 0], 0.75, rtol=1e-7)
    assert clipped([], 1.0) == []
    assert [v.tolist() for v in clipped([np.zeros(2), np.zeros(0)], 0.0)] == [[0.0, 0.0], []]
    # The squares of these are no numbers.
    np.testing.assert_allclose(clipped([np.array([3e200, 0.0]), np.array([4e200])], 1.0)[1], [0.8])
    np.testing.assert_array_equal(clipped([np.array([3e-200]), np.array([4e-200])], 1.0)[1], [4e-200])
    assert np.isnan(clipped([np.array([np.nan]), np.array([1.0])], 1.0)).all()
    # A step with clipped gradients.
    env, ids, start = problem()
    inside = ag.Context(env)
    v = [inside.variable(i) for i in ids]
    grads = T.clip_by_global_norm(T.grad([sum(T.sum(t * t) for t in v)], v), 0.5)
    opts.SGD(0.1).update(v, grads, inside)
    moved = np.sqrt(sum(((env.get(i) - s) ** 2).sum() for i, s in zip(ids, start, strict=True)))
    np.testing.assert_allclose(moved, 0.05, rtol=1e-12)
