"""Networks with marks, checkpointed functions and policies, for tests."""

import functools
import itertools

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import policies
from scirs2_autograd import tensor_ops as T

LAYERS, ROWS, WIDTH = 6, 7, 5


def data(dtype):
    rng = np.random.default_rng(3)
    return rng.normal(size=(ROWS, WIDTH)).astype(dtype), [rng.normal(size=(WIDTH, WIDTH)).astype(dtype) for _ in range(LAYERS)]


def layer(x, w):
    return T.dropout(T.tanh(T.sigmoid(x @ w) * 2.0 - x), 0.25)


def marked(mark):
    def net(_ctx, x, ws):
        for w in ws:
            x = mark(layer(x, w))
        return x

    return net


def grouped(call):
    def net(ctx, x, ws):
        for w in ws:
            x = call(ctx, x, w)
        return x

    return net


def plain(_ctx, x, ws):
    return functools.reduce(layer, ws, x)


def spread(ctx, x, w):
    return T.CheckpointGroup(ctx).checkpoint_segment([x, w], layer)


def nested(ctx, x, w):
    group = T.CheckpointGroup(ctx)
    return group.checkpoint_fn_flex([x, w], lambda inputs: T.checkpoint_segment(ctx, inputs, layer))


NETS = {
    "checkpoint": marked(T.checkpoint),
    "adaptive": marked(lambda x: T.adaptive_checkpoint(x, 8)),
    "adaptive small": marked(lambda x: T.adaptive_checkpoint(x, 1 << 30)),
    "name": marked(lambda x: T.checkpoint_name(x, "h")),
    "fn": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn([x, w], lambda xs: layer(*xs))),
    "flex": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex([x, w], lambda xs: layer(*xs))),
    "flex2": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex2([x, w], lambda xs: (layer(*xs), xs[0] + 1.0))[0]),
    "flex3": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex3([x, w], lambda xs: [xs[1], layer(*xs), xs[0]])[1]),
    "segment": grouped(lambda ctx, x, w: T.checkpoint_segment(ctx, [x, w], layer)),
    "segment flex": grouped(lambda ctx, x, w: T.checkpoint_segment_flex(ctx, [x, w], lambda xs: layer(*xs))),
    "group segment": grouped(spread),
    "nested": grouped(nested),
    "decorator": grouped(lambda _ctx, x, w: ag.checkpoint(layer)(x, w)),
    "decorator with a policy": grouped(lambda _ctx, x, w: ag.checkpoint(policy=policies.products())(layer)(x, w)),
    "group with a function": grouped(
        lambda ctx, x, w: T.CheckpointGroup(ctx, policy=lambda v: v.op == "tanh").checkpoint_fn([x, w], lambda xs: layer(*xs))
    ),
}
POLICIES = {
    "everything": policies.everything(),
    "nothing": policies.nothing(),
    "every_layers": policies.every_layers(2),
    "segments": policies.segments(),
    "segments of a number": policies.segments(3),
    "up_to": policies.up_to(ROWS * WIDTH * 4),
    "all_but_largest": policies.all_but_largest(5),
    "products": policies.products(),
    "ops": policies.ops("tanh"),
    "names": policies.names("h"),
    "and": policies.products() & policies.up_to(1 << 20),
    "or": policies.names("h") | policies.ops("sigmoid"),
    "not": ~policies.products(),
    "function": lambda value: value.read and value.flops < 100.0,
    "function in another": policies.products() | (lambda value: "h" in value.names),
}


def derivatives(net, dtype, order, policy=None, **options):
    """Gradients, or products of the Hessian with a vector, of two runs."""
    env = ag.VariableEnvironment()
    env.seed(5)
    start, weights = data(dtype)
    for i, w in enumerate(weights):
        env.name(f"w{i}").set(w)
    with ag.Context(env, dtype=dtype) as ctx:
        x = ctx.placeholder("x", [None, WIDTH])
        ws = [ctx.variable(f"w{i}") for i in range(LAYERS)]
        loss = T.square(T.checkpoint_name(net(ctx, x, ws), "h")).sum()
        gs = T.grad([loss], [x, *ws])
        if order == 2:
            gs = T.grad([sum(T.square(g).sum() for g in gs)], [x, *ws])
        evaluator = ctx.evaluator(checkpoint=policy, **options).push(loss).extend(gs).feed(x, start)
        return [*evaluator.run(), *evaluator.run()]


@functools.cache
def expected(dtype, order):
    return derivatives(plain, dtype, order)


def equal(got, dtype, order):
    wanted = expected(dtype, order)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()
        assert np.isfinite(a).all()


CASES = list(itertools.product(("float32", "float64"), (1, 2)))


def chain(net, dtype="float32", n=64, width=4096):
    """An evaluator of the gradient of a deep chain."""
    ctx = ag.Context(dtype=dtype)
    x = ctx.placeholder("x", [width])
    y = x
    for i in range(n):
        y = net(ctx, y, i)
    (g,) = T.grad([y.sum()], [x])
    return ctx.evaluator().push(g).feed(x, np.full(width, 0.5))


def step(x, mark=T.identity):
    """Two operations whose gradients read what is marked."""
    return mark(T.sin(mark(mark(T.tanh(x)) * 1.5)))


def every(k, mark):
    return lambda _ctx, x, i: step(x, mark) if i % k else step(x)


@functools.cache
def whole_peak():
    return chain(lambda _ctx, x, _i: step(x)).plan().peak_bytes


def small_gradient(ctx):
    x = ctx.placeholder("x", [3])
    (g,) = T.grad([step(step(x))], [x])
    return g, {x: np.ones(3)}
