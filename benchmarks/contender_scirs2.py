"""The workloads in scirs2_autograd."""

import itertools
from functools import partial

import numpy as np

import scirs2_autograd as ag
from matrices import FUNCTIONS, VALUES, matrices
from scirs2_autograd import tensor_ops as T
from workload import (
    DEEP_RATE,
    DEEP_STEPS,
    STEPS,
    Workload,
    attention_inputs,
    batches,
    chain,
    column_and_row,
    deep_network,
    end_of_oscillation,
    factors,
    filters_and_images,
    heads_apart,
    heads_together,
    layers,
    lenet,
    lstm_sequence,
    lstm_step,
    lstm_weights,
    matrix,
    multiplied,
    network,
    normalized_rows,
    output,
    places,
    point,
    rates,
    residual_block,
    rosenbrock,
    sequence,
    small_network,
    vector,
)


def version() -> str:
    return ag.__version__


def polynomial(ctx):
    x, y = ctx.placeholder("x", []), ctx.placeholder("y", [])
    z = 2.0 * x * x + 3.0 * y + 1.0
    (dy,) = T.grad([z], [y])
    (dx,) = T.grad([z], [x])
    (dxx,) = T.grad([dx], [x])
    return x, [dy, dx, dxx]


def derivatives_kept() -> Workload:
    ctx = ag.Context()
    x, outputs = polynomial(ctx)

    def call(_=None):
        return ctx.evaluator().push(outputs[0]).push(outputs[1]).push(outputs[2]).feed(x, 2.0).run()

    return Workload(call, call)


def derivatives_anew() -> Workload:
    def program(ctx):
        x, outputs = polynomial(ctx)
        return ctx.evaluator().push(outputs[0]).push(outputs[1]).push(outputs[2]).feed(x, 2.0).run()

    def call(_=None):
        return ag.run(program)

    return Workload(call, call)


def elementwise(size: int, mean: bool = False) -> Workload:
    reduced = T.reduce_mean if mean else T.reduce_sum

    def f(x):
        return reduced(T.sin(x) * T.exp(-x * x) + T.log(1 + x * x) * T.tanh(x) / (2 + T.cos(x)))

    function, x = ag.value_and_grad(f), vector(size)
    return Workload(lambda _: function(x), lambda: list(function(x)))


def broadcast(size: int, mean: bool = False) -> Workload:
    column, row = column_and_row(size)
    ctx = ag.Context()
    x, y = ctx.placeholder("x", [size, 1], dtype="float32"), ctx.placeholder("y", [1, size], dtype="float32")
    value = (T.reduce_mean if mean else T.reduce_sum)((x + y) ** 2)
    dx, dy = T.grad([value], [x, y])

    def call(_=None):
        return ctx.evaluator().push(value).push(dx).push(dy).feed(x, column).feed(y, row).run()

    return Workload(call, call)


def adam_step(widths: list[int], batch: int) -> Workload:
    first, inputs, labels = network(widths, batch)
    env = ag.VariableEnvironment()
    names = [f"parameter {i}" for i in range(len(first))]
    for name, array in zip(names, first, strict=True):
        env.name(name).set(array)
    adam = ag.optimizers.Adam.default("adam", env.default_namespace().current_var_ids(), env)
    ctx = ag.Context(env)
    x, y = ctx.placeholder("x", [-1, widths[0]]), ctx.placeholder("y", [-1], dtype="int64")
    parameters = [ctx.variable(name) for name in names]
    loss = T.reduce_mean(T.sparse_softmax_cross_entropy(output(x, parameters, T.relu), y), axis=0)
    grads = T.grad([loss], parameters)

    def call(_=None):
        return adam.update_and_eval([loss], parameters, grads, ctx, ag.Feeder().push(x, inputs).push(y, labels))[0]

    return Workload(call, lambda: [np.array([float(call()) for _ in range(STEPS)])])


def differentiated_chain(links: int):
    ctx = ag.Context()
    x = ctx.placeholder("x", [])
    y = chain(x, links, T.sin)
    (dx,) = T.grad([y], [x])
    return ctx, x, y, dx


def run_chain(graph):
    ctx, x, y, dx = graph
    return ctx.evaluator().push(y).push(dx).feed(x, 0.5).run()


def chain_built(links: int) -> Workload:
    return Workload(lambda _: differentiated_chain(links), lambda: run_chain(differentiated_chain(links)))


def chain_first_run(links: int) -> Workload:
    # Each graph has another length: a plan that was made before does not fit.
    lengths = itertools.count(links + 1)
    return Workload(run_chain, lambda: run_chain(differentiated_chain(links)), lambda: differentiated_chain(next(lengths)))


def chain_again(links: int) -> Workload:
    graph = differentiated_chain(links)
    return Workload(lambda _: run_chain(graph), lambda: run_chain(graph))


def chain_to_first_result(links: int) -> Workload:
    lengths = itertools.count(links + 1)
    return Workload(
        lambda length: run_chain(differentiated_chain(length)),
        lambda: run_chain(differentiated_chain(links)),
        lambda: next(lengths),
    )


def kept(build, *arrays) -> Workload:
    """A graph that `build` makes of placeholders, fed with the same arrays at each call."""
    ctx = ag.Context(dtype=str(arrays[0].dtype))
    xs = [ctx.placeholder(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    built = build(*xs)
    outputs = list(built) if isinstance(built, (list, tuple)) else [built]
    feeds = dict(zip(xs, arrays, strict=True))

    def call(_=None):
        return ctx.eval(outputs, feeds)

    return Workload(call, call)


def kept_gradient(f, count: int, *arrays) -> Workload:
    """`f` of arrays, and its gradients with respect to the first `count` of them."""

    def build(*xs):
        value = f(*xs)
        return [value, *T.grad([value], xs[:count])]

    return kept(build, *arrays)


def cumulative_sum(size: int) -> Workload:
    return kept(T.cumsum, vector(size))


def sort(size: int) -> Workload:
    return kept(T.sort, vector(size))


def argsort(size: int) -> Workload:
    return kept(T.argsort, vector(size))


def largest(size: int, k: int) -> Workload:
    return kept(lambda x: T.topk(x, k), vector(size))


def gather(size: int) -> Workload:
    return kept(lambda x, i: T.take(x, i, axis=0), vector(size), places(size))


def scatter_add(size: int) -> Workload:
    return kept(lambda x, i, v: T.index_add(x, axis=0, index=i, src=v), vector(size), places(size), vector(size))


def einsum(count: int, size: int) -> Workload:
    return kept(lambda a, b: T.einsum("bij,bjk->bik", a, b), *batches(count, size))


def product(left: list[int], right: list[int], turned: str = "", dtype: str = "float32") -> Workload:
    return kept(lambda a, b: multiplied(a, b, turned), *factors(left, right, turned, dtype))


def sum_over(rows: int, columns: int, axis: int) -> Workload:
    return kept(lambda x: T.reduce_sum(x, axis=axis), matrix(rows, columns))


def hessian(f, at) -> Workload:
    def build(x):
        (g,) = T.grad([f(x)], [x])
        return T.jacobians(g, [x])

    return kept(build, at)


def rosenbrock_hessian(size: int) -> Workload:
    return hessian(partial(rosenbrock, T), point(size))


def network_hessian() -> Workload:
    at, inputs, targets = small_network()

    def loss(p):
        w1, b1, w2, b2 = layers(p)
        return T.reduce_mean((T.matmul(T.tanh(T.matmul(inputs, w1) + b1), w2) + b2 - targets) ** 2)

    return hessian(loss, at)


def recurrent(steps: int) -> Workload:
    def build(x, own, across):
        state = np.zeros((8, 64), np.float32)
        for t in range(steps):
            state = T.tanh(T.matmul(x[t], own) + T.matmul(state, across))
        value = T.reduce_sum(state * state)
        return [value, *T.grad([value], [x, own, across])]

    return kept(build, *sequence(steps))


def label_loss(rows: int, columns: int) -> Workload:
    x, _, _, labels = normalized_rows(rows, columns)
    return kept_gradient(lambda x, y: T.reduce_mean(T.sparse_softmax_cross_entropy(x, y)), 1, x, labels)


def normalized_loss(rows: int, columns: int) -> Workload:
    def f(x, weight, bias, labels):
        return T.reduce_mean(T.sparse_softmax_cross_entropy(T.gelu(T.layer_norm(x, columns, weight, bias)), labels))

    return kept_gradient(f, 3, *normalized_rows(rows, columns))


def normalized_loss_of_some(rows: int, columns: int) -> Workload:
    def f(x, weight, bias, labels):
        return T.cross_entropy(T.gelu(T.layer_norm(x, columns, weight, bias)), labels, ignore_index=0)

    return kept_gradient(f, 3, *normalized_rows(rows, columns))


def lstm(steps: int, batch: int, width: int) -> Workload:
    def f(own, across, bias, x):
        state = memory = T.zeros_like(x[0])
        for t in range(steps):
            z = x[t] @ own + state @ across + bias
            gates = [z[:, i * width : (i + 1) * width] for i in range(4)]
            state, memory = lstm_step(gates, memory, T.sigmoid, T.tanh)
        return T.reduce_mean(state * state)

    return kept_gradient(f, 3, *lstm_sequence(steps, batch, width))


def lstm_layer(steps: int, batch: int, width: int) -> Workload:
    def f(own, across, bias, other, x):
        y, _, _ = T.lstm(x, own, across, bias, other)
        return T.reduce_mean(y * y)

    return kept_gradient(f, 4, *lstm_weights(steps, batch, width))


def attention(batch: int, length: int, width: int, heads: int) -> Workload:
    def f(x, query, key, value, out, target):
        q, k, v = (heads_apart(x @ matrix, heads) for matrix in (query, key, value))
        weights = T.softmax(q @ k.swapaxes(2, 3) / (width // heads) ** 0.5)
        return T.reduce_mean((T.layer_norm(x + heads_together(weights @ v) @ out, width) - target) ** 2)

    return kept_gradient(f, 5, *attention_inputs(batch, length, width))


def convolution(channels: int, filters: int, kernel: int, side: int, batch: int) -> Workload:
    def f(x, w):
        y = T.conv2d(x, w, padding="same")
        return T.reduce_mean(y * y)

    return kept_gradient(f, 2, *filters_and_images(channels, filters, kernel, side, batch))


def normalized_channels(x, weight, bias):
    return T.batch_norm(x, None, None, weight, bias, training=True)


def lenet_step(batch: int) -> Workload:
    def f(a, sa, ta, b, sb, tb, *rest):
        *dense, x, labels = rest
        h = T.max_pool2d(T.relu(normalized_channels(T.conv2d(x, a, padding=2), sa, ta)), 2)
        h = T.max_pool2d(T.relu(normalized_channels(T.conv2d(h, b), sb, tb)), 2)
        return T.cross_entropy(output(T.reshape(h, [batch, 400]), dense, T.relu), labels)

    return kept_gradient(f, 12, *lenet(batch))


def residual_step(width: int, side: int, batch: int) -> Workload:
    def f(x, a, sa, ta, b, sb, tb):
        h = T.relu(normalized_channels(T.conv2d(x, a, padding=1), sa, ta))
        y = T.relu(x + normalized_channels(T.conv2d(h, b, padding=1), sb, tb))
        return T.reduce_mean(y * y)

    return kept_gradient(f, 7, *residual_block(width, side, batch))


def deep(depth: int, width: int, batch: int) -> Workload:
    def f(*arrays):
        *parameters, x, target = arrays
        return T.reduce_mean((output(x, parameters, T.relu) - target) ** 2)

    return kept_gradient(f, 2 * depth, *deep_network(depth, width, batch))


def deep_step(depth: int, width: int, batch: int, kept: int | None) -> Workload:
    *first, inputs, targets = deep_network(depth, width, batch)
    env = ag.VariableEnvironment()
    names = [f"parameter {i}" for i in range(len(first))]
    for name, array in zip(names, first, strict=True):
        env.name(name).set(array)
    sgd = ag.optimizers.SGD(DEEP_RATE)
    ctx = ag.Context(env)
    x, target = (ctx.placeholder(name, [batch, width]) for name in ("x", "target"))
    parameters = [ctx.variable(name) for name in names]
    loss = T.reduce_mean((output(x, parameters, T.relu) - target) ** 2)
    grads = T.grad([loss], parameters)
    said = {} if kept is None else {"checkpoint": ag.policies.every_layers(kept)}

    def call(_=None):
        return sgd.update_and_eval([loss], parameters, grads, ctx, ag.Feeder().push(x, inputs).push(target, targets), **said)[0]

    return Workload(call, lambda: [np.array([float(call()) for _ in range(DEEP_STEPS)])])


def plain(f, *arrays) -> Workload:
    """A function that takes and returns NumPy's arrays."""

    def numbers() -> list[np.ndarray]:
        result = f(*arrays)
        return [np.asarray(r) for r in (result if isinstance(result, tuple) else [result])]

    return Workload(lambda _: f(*arrays), numbers)


def rosenbrock_compiled(size: int) -> Workload:
    return plain(ag.jit(ag.value_and_grad(partial(rosenbrock, T))), point(size))


def rosenbrock_traced(size: int) -> Workload:
    return plain(ag.value_and_grad(partial(rosenbrock, T)), point(size))


def rosenbrock_hessian_compiled(size: int) -> Workload:
    return plain(ag.jit(ag.hessian(partial(rosenbrock, T))), point(size))


def runge_kutta(steps: int) -> Workload:
    return plain(ag.jit(ag.grad(lambda k: end_of_oscillation(T, k, steps))), rates())


def runge_kutta_anew(steps: int) -> Workload:
    return plain(lambda k: ag.jit(ag.grad(lambda k: end_of_oscillation(T, k, steps)))(k), rates())


def runge_kutta_at_once(steps: int) -> Workload:
    return plain(lambda k: end_of_oscillation(np, k, steps), ag.array(rates()))


def matrix_gradient(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, w = matrices(op, size, batch)
    return plain(ag.jit(ag.value_and_grad(lambda a: FUNCTIONS[op](T.linalg, a, b, w))), a)


def matrix_value(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, _ = matrices(op, size, batch)
    return plain(ag.jit(lambda a, b: VALUES[op](T.linalg, a, b)), a, b)
