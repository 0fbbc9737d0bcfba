"""The Python face: programs, operators, ownership, feeds, variables, control, files, optimizers."""

import copy
import gc
import json
import struct
import sys
import weakref

import numpy as np
import pytest
import safetensors.numpy

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T


@pytest.fixture
def ctx():
    with ag.Context() as ctx:
        yield ctx


# The specification's programs


def test_derivatives(ctx):
    x = ctx.placeholder("x", [])
    y = ctx.placeholder("y", [])
    z = 2.0 * x * x + 3.0 * y + 1.0
    gx, gy = T.grad([z], [x, y])
    (ggx,) = T.grad([gx], [x])
    assert gy.eval() == 3.0
    assert gx.eval({x: 2.0}) == 8.0
    assert ggx.eval() == 4.0


def test_training():
    env = ag.VariableEnvironment()
    rng = ag.ArrayRng(seed=0, dtype="float32")
    env.name("w1").set(rng.glorot_uniform([8, 16]))
    env.name("b1").set(T.zeros([1, 16]))
    env.name("w2").set(rng.glorot_uniform([16, 3]))
    env.name("b2").set(T.zeros([1, 3]))
    assert env.get("b1").dtype == "float32"
    adam = ag.optimizers.Adam.default("adam", env.default_namespace().current_var_ids(), env)
    data = np.random.default_rng(0)
    images = data.random((64, 8), dtype=np.float32)
    labels = images[:, :3].argmax(axis=1)

    def train(ctx):
        x = ctx.placeholder("x", [-1, 8])
        y = ctx.placeholder("y", [-1], dtype="int64")
        vs = [ctx.variable(n) for n in ("w1", "b1", "w2", "b2")]
        logits = T.matmul(T.relu(T.matmul(x, vs[0]) + vs[1]), vs[2]) + vs[3]
        loss = T.reduce_mean(T.sparse_softmax_cross_entropy(logits, y), axis=0)
        grads = T.grad([loss], vs)
        feeder = ag.Feeder().push(x, images).push(y, labels)
        assert len(feeder) == 2
        return [adam.update_and_eval([loss], vs, grads, ctx, feeder)[0] for _ in range(300)]

    losses = env.run(train)
    assert losses[-1] < 0.6 * losses[0]
    assert sum(a < b for a, b in zip(losses[1:], losses, strict=False)) > 290
    assert all(a.dtype == "float32" for a in losses)


# Operators

PAIRS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("op", PAIRS)
def test_operators(ctx, op):
    f = PAIRS[op]
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.5, 2.0, (2, 3, 3))
    x, y = ctx.placeholder("x", [3, 3]), ctx.placeholder("y", [3, 3])
    others = [2.0, 3, np.float64(1.5), np.array(2.5), b] if op != "@" else [b]
    results = [(f(x, y), f(a, b))]
    for other in others:
        results += [(f(x, other), f(a, other)), (f(other, y), f(other, b))]
    results += [(f(x, b.tolist()), f(a, b)), (f(a.tolist(), y), f(a, b))]
    for t, want in results:
        assert type(t) is ag.Tensor
        got = t.eval({x: a, y: b})
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_operators_of_one(ctx):
    x = ctx.constant([-2.0, 0.5])
    b = ctx.constant([True, False])
    assert (-x).eval().tolist() == [2.0, -0.5]
    assert (+x) is x
    assert abs(x).eval().tolist() == [2.0, 0.5]
    assert (~b).eval().tolist() == [False, True]
    assert [(f).eval().tolist() for f in (b & True, b | [True, True], b ^ b, True ^ b)] == [
        [True, False], [True, True], [False, False], [False, True],
    ]  # fmt: skip
    y = x
    y += 1.0
    assert y.eval().tolist() == [-1.0, 1.5]
    assert x.eval().tolist() == [-2.0, 0.5]


@pytest.mark.parametrize("a", ["bool", "int32", "int64", "float32", "float64"])
def test_promotion_is_numpys(ctx, a):
    x = np.ones(2, a)
    t = ctx.constant(x)
    for b in "bool", "int32", "int64", "float32", "float64":
        y = np.ones(2, b)
        if a == b == "bool":
            # Of two bools neither is a number: `&` and `|` say what is meant.
            with pytest.raises(ag.DTypeError, match=r"^mul: bools are not numbers"):
                t * y
            continue
        assert (t * y).dtype == (y * t).dtype == (x * y).dtype
        assert (t / y).dtype == (x / y).dtype
    for weak in (2, 2.5) if a == "bool" else (True, 2, 2.5):
        # A Python number takes the dtype beside it.
        assert (t * weak).dtype == (weak * t).dtype == (x * weak).dtype
    for strong in np.float32(2), np.float64(2), np.int64(2):
        assert (t * strong).dtype == (strong * t).dtype == (x * strong).dtype
    for f in T.sum, T.max, T.mean:
        want = {T.sum: np.sum, T.max: np.max, T.mean: np.mean}[f](x)
        assert f(t).dtype == want.dtype
        assert f(t).eval() == want


INDICES = [
    np.s_[0],
    np.s_[-1],
    np.s_[1:],
    np.s_[::2],
    np.s_[::-1],
    np.s_[-1:0:-2],
    np.s_[:, 1],
    np.s_[..., 0],
    np.s_[..., ::-1],
    np.s_[None],
    np.s_[:, None, 1:3],
    np.s_[0, ..., None],
    np.s_[..., None, 2],
    np.s_[1, 2, 3],
    np.s_[5:2],
    np.s_[2:100],
    np.s_[[2, 0, 0]],
    np.s_[np.array([[1, -1], [0, 2]])],
    np.s_[:, [1, 0]],
    np.s_[1:, :, np.array([3, -4])],
    np.s_[np.int64(1)],
    np.s_[np.array(1)],
    np.s_[:],
    np.s_[...],
    (),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indices_are_numpys(ctx, index):
    a = np.arange(60.0).reshape(3, 4, 5)
    x = ctx.placeholder("x", a.shape)
    y = x[index]
    want = a[index]
    assert y.shape == want.shape
    np.testing.assert_array_equal(y.eval({x: a}), want)
    # The gradient counts how often an element was taken.
    count = np.zeros_like(a)
    np.add.at(count, index, 1.0)
    (g,) = T.grad([y.sum()], [x])
    np.testing.assert_array_equal(g.eval({x: a}), count)


def test_an_index_that_is_a_tensor(ctx):
    x, i = ctx.placeholder("x", [-1, 2]), ctx.placeholder("i", [-1], dtype="int32")
    y = x[i]
    assert y.shape == (None, 2)
    a = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(y.eval({x: a, i: [3, 0, 3]}), a[[3, 0, 3]])


def test_attributes(ctx):
    x = ctx.placeholder("x", [2, 3], dtype="float32")
    v = ctx.placeholder("v", [None, 4])
    assert (x.shape, x.ndim, x.size, x.dtype, x.T.shape) == ((2, 3), 2, 6, np.dtype("f4"), (3, 2))
    assert (v.shape, v.ndim, v.size, v.T.shape) == ((None, 4), 2, None, (4, None))
    assert len(x) == 2
    rows = list(x)
    assert [r.shape for r in rows] == [(3,), (3,)]
    a = np.arange(6, dtype="f4").reshape(2, 3)
    np.testing.assert_array_equal(rows[1].eval({x: a}), a[1])
    first, second = x
    assert first == rows[0] != second
    assert repr(x) == '<Tensor placeholder "x" shape=(2, 3) dtype=float32>'
    assert repr(v[:, 0]) == "<Tensor squeeze shape=(None,) dtype=float64>"
    assert repr(ctx.constant(1.0)).endswith("shape=() dtype=float64>")
    assert x.context.env.names() == []
    assert (x.reshape(3, 2).shape, x.reshape([6]).shape, x.reshape(-1).shape, x.reshape((3, -1)).shape) == ((3, 2), (6,), (6,), (3, 2))
    t = ctx.placeholder("t", [2, 3, 4])
    assert (t.transpose().shape, t.transpose(1, 0, 2).shape, t.transpose((2, 0, 1)).shape) == ((4, 3, 2), (3, 2, 4), (4, 2, 3))
    assert (t.sum(axis=1).shape, t.mean(axis=(0, 2), keepdims=True).shape, t.max().shape) == ((2, 4), (1, 3, 1), ())
    assert t.sum.__name__ == "sum"
    assert "tensor_ops.reduce_sum" in t.sum.__doc__


def test_methods_are_the_functions(ctx):
    x = ctx.constant([[0.5, 1.5], [2.5, 0.25]])
    for name in ["sum", "mean", "max", "min", "logsumexp", "argmax", "squeeze", "square", "sqrt", "exp", "log", "abs"]:
        assert getattr(x, name)() == getattr(T, name)(x)
    for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "dot"]:
        np.testing.assert_array_equal(getattr(x, name)(x.T).eval(), getattr(T, name)(x, x.T).eval())
    assert x.clip(0.0, 1.0).eval().tolist() == [[0.5, 1.0], [1.0, 0.25]]
    assert x.take([1], axis=1).eval().tolist() == [[1.5], [0.25]]
    assert x.astype("int32").eval().tolist() == [[0, 1], [2, 0]]
    assert x.expand_dims(0).shape == (1, 2, 2)


def test_identity(ctx):
    x = ctx.placeholder("x", [2])
    # The same thing built twice is one node.
    assert x + 1.0 == x + 1.0
    assert hash(x + 1.0) == hash(x + 1.0)
    assert x + 1.0 != x + 2.0
    assert x != 1.0
    assert (x == [1.0, 2.0]) is False
    assert len({x, ctx.placeholder("x", [2]), x * 1.5, x * 1.5}) == 2
    assert {x: 1}[ctx.placeholder("x", [2])] == 1
    with ag.Context() as other:
        assert other.placeholder("x", [2]) != x


# Whose memory it is


def test_what_eval_returned_never_changes():
    env = ag.VariableEnvironment()
    env.name("w").set(np.ones(1000))
    with ag.Context(env) as ctx:
        w, x = ctx.variable("w"), ctx.placeholder("x", [1000])
        c = ctx.constant(np.arange(1000.0))
        fed = np.full(1000, 5.0)
        results = ctx.eval([w, x, c, x + w, c[::2], x.reshape(10, 100), T.assign(w, w + x)], {x: fed})
        kept = [r.copy() for r in results]
        for r in results:
            assert r.flags.writeable
            assert r.flags.c_contiguous
            assert not r.flags.owndata
            assert type(r.base).__name__ == "Memory"
            assert not any(np.shares_memory(r, o) for o in [*results, fed] if o is not r)
        fed[:] = -1.0
        for _ in range(3):
            ctx.eval([T.assign(w, w * 2.0), x + w, c * 2.0], {x: fed})
        env.name("w").set(np.zeros(1000))
        for r, k in zip(results, kept, strict=True):
            np.testing.assert_array_equal(r, k)
        # Writing to a result reaches nobody else.
        for r in results:
            r[...] = np.nan
        assert c.eval()[7] == 7.0
        assert ctx.variable("w").eval()[0] == 0.0
    # A result outlives its context.
    del ctx, w, x, c
    gc.collect()
    assert np.isnan(results[3]).all()


def test_memory_is_given_back_with_the_last_view(ctx):
    x = ctx.placeholder("x", [1 << 20])
    y = (x + 1.0).eval({x: np.zeros(1 << 20)})
    part = y[5:9]
    address = y.__array_interface__["data"][0]
    del y
    gc.collect()
    z = (x + 2.0).eval({x: np.zeros(1 << 20)})
    assert z.__array_interface__["data"][0] != address
    assert part.tolist() == [1.0] * 4


def test_changing_an_array_never_reaches_the_graph():
    a = np.ones(4)
    env = ag.VariableEnvironment()
    env.name("v").set(a)
    with ag.Context(env) as ctx:
        c = ctx.constant(a)
        s = ctx.placeholder("s", []) + a
        v = ctx.variable("v")
        a[:] = 9.0
        for t in c, v, s - ctx.placeholder("s", []):
            assert t.eval({"s": 1.0}).tolist() == [1.0] * 4
    got = env.get("v")
    got[:] = 7.0
    assert env.get("v").tolist() == [1.0] * 4


def test_feeds_are_read_in_place(ctx):
    x = ctx.placeholder("x", [4])
    a = np.ones(4)
    evaluator = ctx.evaluator().push(x * 2.0).feed(x, a)
    assert evaluator.run()[0].tolist() == [2.0] * 4
    # The array is not copied when it is fed: what it holds when the run starts counts.
    a[:] = 3.0
    assert evaluator.run()[0].tolist() == [6.0] * 4
    # The feed keeps the array alive.
    feeder = ag.Feeder().push(x, np.full(4, 5.0))
    gc.collect()
    np.empty(4)
    assert ctx.evaluator().push(x * 2.0).set_feeder(feeder).run()[0].tolist() == [10.0] * 4


def test_a_kept_feed_does_not_leak(ctx):
    x = ctx.placeholder("x", [4])
    a = np.ones(4)
    before = sys.getrefcount(a)
    for _ in range(100):
        (x * 2.0).eval({x: a})
        ctx.evaluator().push(x).feed(x, a).run()
        ctx.constant(a)
    gc.collect()
    assert sys.getrefcount(a) == before


# Contexts, evaluators, variables


def test_run():
    assert ag.run(lambda ctx: ctx.zeros(2).dtype, dtype="float32") == "float32"
    assert ag.run(lambda ctx: ctx.dtype) == "float64"
    draw = lambda ctx: T.standard_normal([5]).eval()  # noqa: E731
    a, b, c = ag.run(draw, seed=1), ag.run(draw, seed=1), ag.run(draw, seed=2)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    with ag.Context() as outer:
        with ag.Context() as inner:
            assert T.constant(1.0).context.constant(2.0) == inner.constant(2.0)
        assert T.constant(2.0) == outer.constant(2.0)
        assert ag.run(lambda ctx: T.constant(3.0) == ctx.constant(3.0))
    with pytest.raises(ag.GraphError):
        ag.current_context()


def test_dtype_of_a_context():
    env = ag.VariableEnvironment()
    env.name("i").set(np.arange(3))
    assert ag.Context(env).dtype == "float64"
    env.name("w").set(np.ones(2, "f4"))
    assert ag.Context(env).dtype == "float32"
    assert ag.Context(env).placeholder("x", []).dtype == "float32"
    assert ag.Context(env, dtype="float64").placeholder("x", []).dtype == "float64"
    env.name("v").set(np.ones(2))
    with pytest.raises(ag.DTypeError, match="dtype="):
        ag.Context(env).placeholder("x", [])
    assert env.run(lambda ctx: ctx.constant(1.0).dtype, dtype=np.float32) == "float32"


def test_creation(ctx):
    assert T.zeros([2]).eval().tolist() == [0.0, 0.0]
    assert T.ones(2, "int32").eval().dtype == "int32"
    assert T.full((1, 2), 2.5).eval().tolist() == [[2.5, 2.5]]
    assert ctx.constant([1, 2], "float32").eval().dtype == "float32"
    assert ctx.constant(1).dtype == "int64"
    assert ctx.constant(True).dtype == "bool"
    assert T.slice(np.arange(10.0).reshape(2, 5), [0, 1], [1, -1]).eval().tolist() == [[1.0, 2.0, 3.0]]


def test_evaluator_and_plan(ctx):
    x = ctx.placeholder("x", [-1, 4])
    y, z = T.exp(x), T.reduce_sum(T.exp(x), axis=1)
    evaluator = ctx.evaluator().push(y).extend([z, x]).feed(x, np.zeros((3, 4)))
    a, b, c = evaluator.run()
    assert (a.tolist(), b.tolist(), c.tolist()) == (np.ones((3, 4)).tolist(), [4.0] * 3, np.zeros((3, 4)).tolist())
    plan = evaluator.plan()
    assert plan.steps >= 1
    assert 3 * 4 * 8 * 2 + 3 * 8 <= plan.peak_bytes < 10_000
    for word in "exp", "reduce_sum", "x":
        assert word in plan.explain()
    assert repr(plan) == f"<Plan of {plan.steps} steps, peak {plan.peak_bytes} bytes>"
    # A plan is made once for a program and the shapes of its feeds.
    count = _lib._compilations()
    evaluator.run()
    ctx.eval([y, z, x], {"x": np.ones((3, 4))})
    assert _lib._compilations() == count
    ctx.eval([y, z, x], {"x": np.ones((5, 4))})
    assert _lib._compilations() == count + 1
    assert evaluator.run()[0].shape == (3, 4)
    # The last feed of a placeholder counts.
    assert evaluator.feed("x", np.ones((2, 4))).run()[2].shape == (2, 4)
    assert ctx.evaluator().run() == ctx.eval([]) == []


def test_a_loop_that_rebuilds_its_graph_compiles_once():
    def step(x, rate):
        return ag.value_and_grad(lambda t: (T.tanh(t) * rate).sum())(x)

    step(np.ones(7), 0.123)
    count = _lib._compilations()
    for rate in np.linspace(0.2, 0.9, 20):
        value, g = step(np.full(7, rate), float(rate))
        assert value == pytest.approx(7 * np.tanh(rate) * rate)
        np.testing.assert_allclose(g, rate / np.cosh(rate) ** 2)
    assert _lib._compilations() == count


def test_variables():
    env = ag.VariableEnvironment()
    w = env.name("w").set(np.ones(2))
    b = env.namespace("layer").slot().name("b").set([1, 2])
    u = env.slot().set(2.5)
    n = env.set(np.zeros((1, 0)))
    assert [int(i.__index__()) for i in (w, b, u, n)] == [0, 1, 2, 3]
    assert env.name("w").set(np.zeros(3)) == w
    assert len({w, env.name("w").set(np.zeros(3)), b}) == 2
    assert env.names() == [("", "w"), ("layer", "b")]
    assert len(env) == 4
    space = env.namespace("layer")
    assert space.name == "layer"
    assert space.current_var_ids() == [b]
    assert space.current_var_names() == ["b"]
    assert space.get_array_by_name("b").tolist() == [1, 2]
    assert env.default_namespace().current_var_names() == ["w"]
    assert env.get(u).shape == ()
    assert env.get(("layer", "b")).dtype == "int64"
    assert repr(env) == "<VariableEnvironment of 4 variables>"
    assert repr(w) == "VariableID(0)"
    with ag.Context(env) as ctx:
        assert ctx.variable("w") == ctx.variable(w)
        assert ctx.variable(("layer", "b")) == ctx.variable(b)
        assert ctx.variable(u).eval() == 2.5
        assert ctx.env.get("w").shape == (3,)
        before, after = ctx.eval([ctx.variable("w"), T.assign(ctx.variable("w"), ctx.variable("w") + 1.0)])
        assert (before.tolist(), after.tolist(), env.get("w").tolist()) == ([0.0] * 3, [1.0] * 3, [1.0] * 3)


def test_a_graph_that_was_built_before_a_variable_was_set():
    env = ag.VariableEnvironment()
    env.name("w").set(np.ones(2))
    with ag.Context(env) as ctx:
        y = ctx.variable("w") * 2.0
        env.name("w").set(np.full(2, 5.0))
        assert (ctx.variable("w") * 2.0).eval().tolist() == [10.0, 10.0]
        assert y.eval().tolist() == [10.0, 10.0]


# Gradients, control, custom ops, hooks


def test_grad_takes_one_or_several(ctx):
    x, y = ctx.placeholder("x", [2]), ctx.placeholder("y", [2])
    a = {x: np.array([1.0, 2.0]), y: np.array([3.0, 4.0])}
    (g,) = T.grad(x * y, x)
    assert g.eval(a).tolist() == [3.0, 4.0]
    gx, gy = T.grad([x * y, x], [x, y])
    assert [t.tolist() for t in ctx.eval([gx, gy], a)] == [[4.0, 5.0], [1.0, 2.0]]
    (g,) = T.grad([x], [y])
    assert g.eval().tolist() == [0.0, 0.0]
    (g,) = T.grad_with_default([x * y], [x], [np.array([10.0, 100.0])])
    assert g.eval(a).tolist() == [30.0, 400.0]
    (j,) = T.jacobians(x * y, [x], 2)
    assert j.eval(a).tolist() == [[3.0, 0.0], [0.0, 4.0]]
    (h,) = T._hessian_vector_product([(x * x * y).sum()], [x], [np.array([1.0, 10.0])])
    assert h.eval(a).tolist() == [6.0, 80.0]


def test_value_and_grad():
    f = lambda a, b, scale, power=1: ((a * scale + b) ** power).sum()  # noqa: E731
    a, b = np.array([1.0, 2.0]), np.array([0.5, 0.5])
    value, (ga, gb) = ag.value_and_grad(f, (0, 1))(a, b, 3.0, power=2)
    assert isinstance(value, float)
    assert value == 3.5**2 + 6.5**2
    assert (ga.tolist(), gb.tolist()) == ([21.0, 39.0], [7.0, 13.0])
    assert ag.grad(f, -1)(a, b, 3.0).tolist() == 3.0
    assert ag.grad(f, argnums=[1])(a, b, 3.0)[0].tolist() == [1.0, 1.0]
    assert ag.grad(lambda x: x.sum())(a.astype("f4")).dtype == "float32"


def test_cond(ctx):
    x = ctx.placeholder("x", [])
    y = T.cond(x > 0, lambda: x * x * x, lambda: -x)
    (g,) = T.grad([y], [x])
    (h,) = T.grad([g], [x])
    assert [t.item() for t in ctx.eval([y, g, h], {x: 2.0})] == [8.0, 12.0, 12.0]
    assert [t.item() for t in ctx.eval([y, g, h], {x: -2.0})] == [2.0, -1.0, 0.0]
    a, b = T.cond(x > 0, lambda: (x, x * 2.0), lambda: [x * 3.0, ctx.constant(1.0)])
    assert [t.item() for t in ctx.eval([a, b], {x: -1.0})] == [-3.0, 1.0]
    one = T.cond(x > 0, lambda: [x], lambda: [x + 1.0])
    assert isinstance(one, tuple)
    # A body may be a number or an array; only the chosen one runs.
    ran = []
    z = T.cond(x > 0, lambda: x.register_hook(ran.append), lambda: 7.0)
    assert z.eval({x: -1.0}) == 7.0
    assert ran == []
    assert z.eval({x: 1.0}) == 1.0
    assert len(ran) == 1
    assert T.cond(x > 0, lambda: np.ones(3), lambda: np.zeros(3)).eval({x: 1.0}).tolist() == [1.0] * 3


def test_custom_op(ctx):
    x = ctx.placeholder("x", [3])
    a = np.array([0.5, 1.0, 2.0])
    kept = []

    def forward(x):
        """Cubes."""
        kept.append(x)
        x *= x * x
        return x

    cube = ag.custom_op(forward, lambda g, y, x: g * 3.0 * x * x, name="cube")
    assert cube.__name__ == "cube"
    assert cube.__doc__ == "Cubes."
    y = cube(x)
    assert repr(y) == "<Tensor cube shape=(3,) dtype=float64>"
    (g,) = T.grad([y], [x])
    (h,) = T.grad([g], [x])
    got = ctx.eval([y, g, h], {x: a})
    np.testing.assert_allclose(got, [a**3, 3 * a**2, 6 * a], rtol=1e-15)
    # The function got an array of its own.
    assert a.tolist() == [0.5, 1.0, 2.0]
    got[0][:] = 0.0
    assert kept[0].tolist() == [0.125, 1.0, 8.0]
    ag.gradcheck(lambda x: cube(x) * x, a)
    # Each call is a node of its own, and a node runs once in a run.
    kept.clear()
    ctx.eval([y, y + 1.0, y * 2.0], {x: a})
    assert len(kept) == 1


def test_custom_op_of_several_outputs(ctx):
    infer_calls = []

    def infer(a, b):
        infer_calls.append((a, b))
        (rows, n), dtype = a
        return [((rows,), dtype), ((n, rows), "int64")]

    def vjp(g, y, a, b):
        g_sum, g_t = g
        assert (g_sum.shape, g_t.shape) == (y[0].shape, y[1].shape)
        return g_sum.reshape(-1, 1) * b, None

    op = ag.custom_op(lambda a, b: ((a * b).sum(axis=1), a.T.astype(int)), vjp, infer=infer)
    x, w = ctx.placeholder("x", [-1, 2]), ctx.placeholder("w", [2])
    s, t = op(x, w)
    assert (s.shape, t.shape, t.dtype) == ((None,), (2, None), "int64")
    assert infer_calls[0] == (((None, 2), "float64"), ((2,), "float64"))
    a, b = np.arange(6.0).reshape(3, 2), np.array([1.0, 10.0])
    gx, gw = T.grad([s * s], [x, w])
    (gg,) = T.grad([gx], [x])
    got = ctx.eval([s, t, gx, gw, gg], {x: a, w: b})
    np.testing.assert_array_equal(got[0], a @ b)
    np.testing.assert_array_equal(got[1], a.T.astype(int))
    np.testing.assert_array_equal(got[2], 2 * (a @ b)[:, None] * b)
    np.testing.assert_array_equal(got[3], [0.0, 0.0])
    np.testing.assert_array_equal(got[4], np.broadcast_to(2 * b.sum() * b, (3, 2)))


def test_shape_rules_do_not_share_plans():
    def repeated(k):
        """Built, run and dropped, so that the next rule may have the same address."""
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [-1])
            infer = lambda a: ((a[0][0] and k * a[0][0],), a[1])  # noqa: E731
            y = ag.custom_op(lambda a: np.tile(a, k), infer=infer, name="tile")(x) + 1.0
            return y.eval({x: np.zeros(3)}).tolist()

    for k in range(1, 30):
        assert repeated(k) == [1.0] * (3 * k)


def test_nodes_of_one_custom_op_share_plans():
    op = ag.custom_op(lambda a: a * 2.0, infer=lambda a: a)

    def run(n):
        return ag.run(lambda ctx: (op(ctx.constant(np.ones(n))) * 0.1234).eval())

    run(3)
    count = _lib._compilations()
    for _ in range(5):
        run(3)
    assert _lib._compilations() == count


def test_closing_lets_go_of_functions():
    class Function:
        def __call__(self, *args):
            return args[0]

    for use in (
        lambda x, f: x.register_hook(f),
        lambda x, f: ag.custom_op(f)(x),
        lambda x, f: ag.custom_op(lambda a: a, f)(x),
        lambda x, f: ag.custom_op(lambda a: a, infer=f)(x),
    ):
        f = Function()
        alive = weakref.ref(f)
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [2])
            f.tensor = use(x, f)
            f.tensor.eval({x: np.ones(2)})
            # An op that is needed once more keeps its functions.
            del f
            gc.collect()
            assert alive() is not None
        del ctx, x
        gc.collect()
        assert alive() is None


def test_hooks(ctx, capsys):
    x = ctx.placeholder("x", [2])
    seen = []
    y = x.register_hook(seen.append) * 2.0
    z = y.show("y = ") + 1.0
    (g,) = T.grad([z], [x])
    assert z.eval({x: [1.0, 2.0]}).tolist() == [3.0, 5.0]
    assert [s.tolist() for s in seen] == [[1.0, 2.0]]
    assert capsys.readouterr().out == "y = [2. 4.]\n"
    seen[0][:] = 0.0
    assert g.eval({x: [1.0, 2.0]}).tolist() == [2.0, 2.0]
    assert T.show(x).eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert capsys.readouterr().out == "[1. 2.]\n"
    assert T.stop_gradient(x).eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert T.grad([T.stop_gradient(x) * x], [x])[0].eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]


def test_gradcheck():
    ag.gradcheck(lambda x, y: T.sin(x) * T.exp(y), [0.3, -1.2], 0.5)
    wrong = ag.custom_op(lambda x: x * x, lambda g, y, x: g * x)
    with pytest.raises(
        AssertionError, match=r"^gradcheck: order 1: the gradient differs\. Got 0\.5 at input 0, entry \(0,\); expected (1\.0|0\.99999)"
    ):
        ag.gradcheck(wrong, [1.0, 2.0])
    # The first derivative is right and the second is not.
    half = ag.custom_op(lambda x: x**3, lambda g, y, x: g * 3.0 * T.stop_gradient(x) * x)
    ag.gradcheck(half, [1.0], order=1)
    with pytest.raises(AssertionError, match=r"^gradcheck: order 2: the gradient differs\. Got "):
        ag.gradcheck(half, [1.0])


def test_random_draws():
    def draws(ctx):
        a, b = T.standard_uniform([1000]), T.standard_uniform([1000])
        s = a * 1.0
        first, second = ctx.eval([a, b, s]), ctx.eval([a, b, s])
        return first, second

    first, second = ag.run(draws, seed=3)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], second[0])
    again = ag.run(draws, seed=3)
    for a, b in zip((*first, *second), (*again[0], *again[1]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert 0.0 <= first[0].min() < 0.01
    assert 0.99 < first[0].max() < 1.0
    env = ag.VariableEnvironment()
    env.seed(3)
    assert env.seed_value == 3
    np.testing.assert_array_equal(env.run(draws)[1][1], second[1])


def test_laws(ctx):
    ctx.env.seed(0)
    n = 100_000
    # Means and deviations lie within 5 standard errors.
    for t, mean, std in (
        (T.standard_uniform([n]), 0.5, 12**-0.5),
        (T.standard_normal([n]), 0.0, 1.0),
        (T.random_uniform([n], -1.0, 3.0), 1.0, 4 * 12**-0.5),
        (T.random_uniform([n], 1, 3), 2.0, 2 * 12**-0.5),
        (T.random_normal([n], 2.0, 0.5), 2.0, 0.5),
        (T.bernoulli([n], 0.25), 0.25, (0.25 * 0.75) ** 0.5),
        (T.uniform_like(ctx.zeros([n])), 0.5, 12**-0.5),
        (T.normal_like(ctx.zeros([n], "float32")), 0.0, 1.0),
    ):
        a = t.eval()
        assert abs(a.mean() - mean) < 5 * std / n**0.5
        assert abs(a.std() - std) < 5 * std / n**0.5
    low = [0.0, 10.0]
    a = T.random_uniform([1000, 2], low, np.array([1.0, 11.0])).eval()
    assert (a.min(axis=0) >= low).all()
    assert (a.max(axis=0) < [1.0, 11.0]).all()
    m = ctx.placeholder("m", [])
    (g,) = T.grad([T.random_normal([10], m, 2.0).sum()], [m])
    assert g.eval({m: 1.0}) == 10.0


def test_array_rng():
    a, b = ag.ArrayRng(7), ag.ArrayRng(7)
    for name, args in {
        "standard_uniform": (), "standard_normal": (), "uniform": (-1.0, 2.0), "normal": (1.0, 0.1),
        "glorot_uniform": (), "glorot_normal": (), "he_uniform": (), "he_normal": (),
    }.items():  # fmt: skip
        x, y = getattr(a, name)([50, 40], *args), getattr(b, name)((50, 40), *args)
        np.testing.assert_array_equal(x, y)
        assert x.dtype == "float64"
        assert not np.array_equal(x, getattr(a, name)([50, 40], *args))
        getattr(b, name)([50, 40], *args)
    assert abs(a.glorot_uniform([50, 40])).max() <= (6 / 90) ** 0.5
    assert abs(a.he_uniform([50, 40])).max() <= (6 / 50) ** 0.5
    assert ag.ArrayRng(0, "float32").uniform(3, 0.0, 1.0).dtype == "float32"
    assert ag.ArrayRng(0).standard_normal([]).shape == ()
    assert not np.array_equal(ag.ArrayRng().standard_normal(4), ag.ArrayRng().standard_normal(4))


# Files


def some_environment():
    env = ag.VariableEnvironment()
    rng = np.random.default_rng(0)
    env.name("w").set(rng.standard_normal((3, 4)).astype("f4"))
    env.name("b").set(rng.standard_normal(4))
    env.namespace("layer").slot().name("i").set(np.arange(5, dtype="i4"))
    env.namespace("layer").slot().name("j").set(np.arange(3))
    env.name("mask").set(np.array([True, False]))
    env.name("scalar").set(np.array(2.5))
    env.name("empty").set(np.zeros((0, 3)))
    return env


def test_files_open_elsewhere(tmp_path):
    env = some_environment()
    env.save(tmp_path / "a.safetensors")
    loaded = safetensors.numpy.load_file(tmp_path / "a.safetensors")
    arrays = {n: env.get((s, n)) for s, n in env.names()}
    for name, a in arrays.items():
        (found,) = [v for k, v in loaded.items() if k.split("/")[-1] == name or k.endswith(name)]
        assert found.dtype == a.dtype
        np.testing.assert_array_equal(found, a)
    back = ag.VariableEnvironment.load(str(tmp_path / "a.safetensors"))
    assert back.names() == env.names()
    for key in env.names():
        assert back.get(key).dtype == env.get(key).dtype
        np.testing.assert_array_equal(back.get(key), env.get(key))
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_files_from_elsewhere(tmp_path):
    a = {"w": np.arange(6.0).reshape(2, 3), "b": np.ones(3, "f4"), "n": np.arange(4)}
    safetensors.numpy.save_file(a, tmp_path / "b.safetensors")
    env = ag.VariableEnvironment.load(tmp_path / "b.safetensors")
    assert sorted(n for _, n in env.names()) == ["b", "n", "w"]
    for name, value in a.items():
        assert env.get(name).dtype == value.dtype
        np.testing.assert_array_equal(env.get(name), value)
    own = ag.VariableEnvironment()
    own.name("w").set(np.zeros((2, 3)))
    own.name("other").set(1.0)
    own.initialize(tmp_path / "b.safetensors")
    np.testing.assert_array_equal(own.get("w"), a["w"])
    assert own.get("other") == 1.0


def lying(**fields):
    entry = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16], **fields}
    header = json.dumps({"w": entry}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


BAD_FILES = {
    "empty": b"",
    "seven bytes": b"1234567",
    "header beyond the end": struct.pack("<Q", 1000) + b"{}",
    "header of exabytes": struct.pack("<Q", 2**63) + b"{}",
    "largest header": struct.pack("<Q", 2**64 - 1),
    "no json": struct.pack("<Q", 4) + b"abcd",
    "json list": struct.pack("<Q", 2) + b"[]",
    "nested": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "not utf-8": struct.pack("<Q", 4) + b"\xff\xfe{}",
    "no such dtype": lying(dtype="X64"),
    "too short": lying()[:-1],
    "too long": lying() + b"\0",
    "huge shape": lying(shape=[2**62, 8]),
    "overflowing shape": lying(shape=[2**63, 2**63]),
    "negative length": lying(shape=[-2]),
    "float length": lying(shape=[2.0]),
    "shape and bytes differ": lying(shape=[3]),
    "offsets backwards": lying(data_offsets=[16, 0]),
    "offsets beyond": lying(data_offsets=[0, 2**60]),
    "negative offset": lying(data_offsets=[-16, 0]),
    "hole": lying(shape=[1], data_offsets=[8, 16]),
    "text": b"this is not a file of tensors, whatever its name says",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(tmp_path, name):
    path = tmp_path / "bad"
    path.write_bytes(BAD_FILES[name])
    with pytest.raises(ag.FormatError, match=r"(?s)^load: .*\. Got .*; expected .*"):
        ag.VariableEnvironment.load(path)
    env = some_environment()
    before = {k: env.get(k) for k in env.names()}
    with pytest.raises(ag.FormatError):
        env.initialize(path)
    assert env.names() == list(before)
    for k, a in before.items():
        np.testing.assert_array_equal(env.get(k), a)


def test_every_truncation_is_noticed(tmp_path):
    some_environment().save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    path = tmp_path / "part"
    for n in [*range(0, 64), *range(64, len(data), 37), len(data) - 1]:
        path.write_bytes(data[:n])
        with pytest.raises(ag.FormatError):
            ag.VariableEnvironment.load(path)
    ag.VariableEnvironment.load(tmp_path / "whole")


def test_a_flipped_header_is_read_or_refused(tmp_path):
    some_environment().save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    path = tmp_path / "flipped"
    (size,) = struct.unpack("<Q", data[:8])
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        wrong = bytearray(data)
        wrong[rng.integers(0, 8 + size)] ^= 1 << rng.integers(0, 8)
        path.write_bytes(wrong)
        try:
            ag.VariableEnvironment.load(path)
        except ag.FormatError:
            refused += 1
    assert refused > 200


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


opts = ag.optimizers
OPTIMIZERS = {
    "SGD": (lambda ids, env, **o: opts.SGD(0.1, **o), sgd),
    "MomentumSGD": (lambda ids, env, **o: opts.MomentumSGD(0.1, 0.9, ids, env, "opt", **o), momentum),
    "AdaGrad": (lambda ids, env, **o: opts.AdaGrad(0.1, ids, env, "opt", **o), adagrad),
    "Adam": (lambda ids, env, **o: opts.Adam(0.1, 1e-8, 0.9, 0.999, ids, env, "opt", **o), adam),
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


def test_plan_of_a_step():
    env, ids, _ = problem()
    opt = opts.Adam.default("opt", ids, env)
    with ag.Context(env) as ctx:
        x, y, vs, loss, grads = build(ctx)
        plan = opt.plan([loss], vs, grads, ctx, ag.Feeder().push(x, np.ones((4, 3))).push(y, np.ones((4, 2))))
        assert plan.steps > 2
        assert "matmul" in plan.explain()
        before = snapshot(env)
    assert same(before, snapshot(env))
    assert (opt.alpha, opt.eps, opt.b1, opt.b2) == (1e-3, 1e-8, 0.9, 0.999)
    assert opts.MomentumSGD.default("m", ids, env).momentum == 0.9
    assert opts.AdaGrad.default("h", ids, env).alpha == 0.01


def test_things_that_are_not_copied_by_copy(ctx):
    x = ctx.placeholder("x", [2])
    with pytest.raises(TypeError):
        copy.deepcopy(x)


def test_trim_gives_memory_back():
    ag.run(lambda ctx: T.exp(ctx.zeros([1 << 20])).eval())
    gc.collect()
    assert ag.trim() > 0
    assert ag.trim() == 0
