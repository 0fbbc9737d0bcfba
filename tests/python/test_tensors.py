"""Tensors in Python: the first programs, operators, indexing, and whose memory an array is."""

import gc
import sys

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

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
    assert (first == rows[0]).eval({x: a}).all()
    assert (second != first).eval({x: a}).all()
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
        getattr(x, name)()
        nodes = len(ctx)
        getattr(T, name)(x)
        assert len(ctx) == nodes
    for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "dot"]:
        np.testing.assert_array_equal(getattr(x, name)(x.T).eval(), getattr(T, name)(x, x.T).eval())
    assert x.clip(0.0, 1.0).eval().tolist() == [[0.5, 1.0], [1.0, 0.25]]
    assert x.take([1], axis=1).eval().tolist() == [[1.5], [0.25]]
    assert x.astype("int32").eval().tolist() == [[0, 1], [2, 0]]
    assert x.expand_dims(0).shape == (1, 2, 2)


def test_what_is_built_twice_is_one_node(ctx):
    x = ctx.placeholder("x", [2])
    first = x + 1.0
    nodes = len(ctx)
    second = x + 1.0
    ctx.placeholder("x", [2])
    assert len(ctx) == nodes
    # Two tensors all the same: each knows its node.
    assert first is not second
    _ = x + 2.0
    assert len(ctx) > nodes


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
