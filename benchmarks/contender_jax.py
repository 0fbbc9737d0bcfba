"""The workloads in JAX: compiled with jit wherever the row lets a function be kept."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from matrices import FUNCTIONS, VALUES, matrices
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

jax.config.update("jax_enable_x64", True)


def version() -> str:
    return jax.__version__


def finished(function, *inputs):
    """Call, and wait for the results."""
    return jax.block_until_ready(function(*inputs))


def numbers(tree) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def polynomial(x, y):
    return 2.0 * x * x + 3.0 * y + 1.0


def derivatives(x, y):
    dx = jax.grad(polynomial, 0)
    return jax.grad(polynomial, 1)(x, y), dx(x, y), jax.grad(dx, 0)(x, y)


def derivatives_kept() -> Workload:
    function = jax.jit(derivatives)
    return Workload(lambda _: finished(function, 2.0, 0.0), lambda: numbers(function(2.0, 0.0)))


def derivatives_anew() -> Workload:
    # Without jit, which would take milliseconds to compile a program that runs once.
    return Workload(lambda _: finished(derivatives, 2.0, 0.0), lambda: numbers(derivatives(2.0, 0.0)))


def elementwise(size: int, mean: bool = False) -> Workload:
    reduced = jnp.mean if mean else jnp.sum

    def f(x):
        return reduced(jnp.sin(x) * jnp.exp(-x * x) + jnp.log(1 + x * x) * jnp.tanh(x) / (2 + jnp.cos(x)))

    function, x = jax.jit(jax.value_and_grad(f)), jnp.asarray(vector(size))
    return Workload(lambda _: finished(function, x), lambda: numbers(function(x)))


def broadcast(size: int, mean: bool = False) -> Workload:
    reduced = jnp.mean if mean else jnp.sum
    inputs = [jnp.asarray(a) for a in column_and_row(size)]
    function = jax.jit(jax.value_and_grad(lambda x, y: reduced((x + y) ** 2), (0, 1)))
    return Workload(lambda _: finished(function, *inputs), lambda: numbers(function(*inputs)))


def label_losses(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)


def adam_step(widths: list[int], batch: int) -> Workload:
    arrays, inputs, labels = network(widths, batch)
    zeros = [jnp.zeros_like(a) for a in arrays]
    state = ([jnp.asarray(a) for a in arrays], zeros, [z.copy() for z in zeros], jnp.zeros((), jnp.int32))

    def loss_of(parameters, x, y):
        return label_losses(output(x, parameters, jax.nn.relu), y).mean()

    @partial(jax.jit, donate_argnums=0)
    def step(state, x, y):
        parameters, first, second, count = state
        loss, grads = jax.value_and_grad(loss_of)(parameters, x, y)
        count = count + 1
        c1, c2 = (1 - jnp.float32(beta) ** count for beta in (0.9, 0.999))
        first = [0.9 * m + 0.1 * g for m, g in zip(first, grads, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, grads, strict=True)]
        moved = [p - 0.001 * (m / c1) / (jnp.sqrt(v / c2) + 1e-8) for p, m, v in zip(parameters, first, second, strict=True)]
        return (moved, first, second, count), loss

    def call(_=None):
        nonlocal state
        state, loss = finished(step, state, inputs, labels)
        return loss

    return Workload(call, lambda: [np.array([float(call()) for _ in range(STEPS)])])


def differentiated_chain(links: int):
    return jax.value_and_grad(lambda x: chain(x, links, jnp.sin))


def chain_built(links: int) -> Workload:
    return Workload(lambda _: jax.make_jaxpr(differentiated_chain(links))(0.5), lambda: numbers(differentiated_chain(links)(0.5)))


def chain_first_run(links: int) -> Workload:
    lengths = itertools.count(links + 1)

    def prepare():
        return jax.jit(differentiated_chain(next(lengths))).trace(0.5)

    return Workload(
        lambda traced: finished(traced.lower().compile(), 0.5),
        lambda: numbers(jax.jit(differentiated_chain(links))(0.5)),
        prepare,
    )


def chain_again(links: int) -> Workload:
    function = jax.jit(differentiated_chain(links))
    return Workload(lambda _: finished(function, 0.5), lambda: numbers(function(0.5)))


def chain_to_first_result(links: int) -> Workload:
    lengths = itertools.count(links + 1)
    return Workload(
        lambda length: finished(jax.jit(differentiated_chain(length)), 0.5),
        lambda: numbers(jax.jit(differentiated_chain(links))(0.5)),
        lambda: next(lengths),
    )


def compiled(function, *arrays) -> Workload:
    function, xs = jax.jit(function), [jnp.asarray(a) for a in arrays]
    return Workload(lambda _: finished(function, *xs), lambda: numbers(function(*xs)))


def compiled_gradient(f, count: int, *arrays) -> Workload:
    """`f` of arrays, and its gradients with respect to the first `count` of them."""
    return compiled(jax.value_and_grad(f, tuple(range(count))), *arrays)


def cumulative_sum(size: int) -> Workload:
    return compiled(jnp.cumsum, vector(size))


def sort(size: int) -> Workload:
    return compiled(jnp.sort, vector(size))


def argsort(size: int) -> Workload:
    return compiled(jnp.argsort, vector(size))


def largest(size: int, k: int) -> Workload:
    return compiled(lambda x: tuple(jax.lax.top_k(x, k)), vector(size))


def gather(size: int) -> Workload:
    return compiled(lambda x, i: x[i], vector(size), places(size))


def scatter_add(size: int) -> Workload:
    return compiled(lambda x, i, v: x.at[i].add(v), vector(size), places(size), vector(size))


def einsum(count: int, size: int) -> Workload:
    return compiled(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), *batches(count, size))


def product(left: list[int], right: list[int], turned: str = "", dtype: str = "float32") -> Workload:
    return compiled(lambda a, b: multiplied(a, b, turned), *factors(left, right, turned, dtype))


def sum_over(rows: int, columns: int, axis: int) -> Workload:
    return compiled(lambda x: jnp.sum(x, axis), matrix(rows, columns))


def rosenbrock_hessian(size: int) -> Workload:
    return compiled(jax.hessian(partial(rosenbrock, jnp)), point(size))


def network_hessian() -> Workload:
    at, inputs, targets = small_network()

    def loss(p):
        w1, b1, w2, b2 = layers(p)
        return jnp.mean((jnp.tanh(inputs @ w1 + b1) @ w2 + b2 - targets) ** 2)

    return compiled(jax.hessian(loss), at)


def recurrent(steps: int) -> Workload:
    def f(x, own, across):
        state = jnp.zeros((8, 64), jnp.float32)
        for t in range(steps):
            state = jnp.tanh(x[t] @ own + state @ across)
        return jnp.sum(state * state)

    return compiled(jax.value_and_grad(f, (0, 1, 2)), *sequence(steps))


def layer_norm(x):
    centred = x - jnp.mean(x, -1, keepdims=True)
    return centred / jnp.sqrt(jnp.mean(centred * centred, -1, keepdims=True) + 1e-5)


def label_loss(rows: int, columns: int) -> Workload:
    x, _, _, labels = normalized_rows(rows, columns)
    return compiled_gradient(lambda x, y: label_losses(x, y).mean(), 1, x, labels)


def normalized_loss(rows: int, columns: int) -> Workload:
    def f(x, weight, bias, labels):
        return label_losses(jax.nn.gelu(layer_norm(x) * weight + bias, approximate=False), labels).mean()

    return compiled_gradient(f, 3, *normalized_rows(rows, columns))


def lstm(steps: int, batch: int, width: int) -> Workload:
    def f(own, across, bias, x):
        def step(carried, at):
            state, memory = carried
            gates = jnp.split(at @ own + state @ across + bias, 4, 1)
            return lstm_step(gates, memory, jax.nn.sigmoid, jnp.tanh), None

        zeros = jnp.zeros_like(x[0])
        # A loop: unrolled, it compiles for long and runs no faster.
        (state, _), _ = jax.lax.scan(step, (zeros, zeros), x, length=steps)
        return jnp.mean(state * state)

    return compiled_gradient(f, 3, *lstm_sequence(steps, batch, width))


def lstm_layer(steps: int, batch: int, width: int) -> Workload:
    def f(own, across, bias, other, x):
        def step(carried, at):
            state, memory = carried
            taken, kept, new, shown = jnp.split(at + state @ across.T, 4, 1)
            state, memory = lstm_step((taken, kept, shown, new), memory, jax.nn.sigmoid, jnp.tanh)
            return (state, memory), state

        zeros = jnp.zeros_like(x[0])
        # The products of all inputs at once, as libraries have them.
        _, y = jax.lax.scan(step, (zeros, zeros), x @ own.T + bias + other)
        return jnp.mean(y * y)

    return compiled_gradient(f, 4, *lstm_weights(steps, batch, width))


def attention(batch: int, length: int, width: int, heads: int) -> Workload:
    def f(x, query, key, value, out, target):
        q, k, v = (heads_apart(x @ matrix, heads) for matrix in (query, key, value))
        weights = jax.nn.softmax(q @ k.swapaxes(2, 3) / (width // heads) ** 0.5)
        return jnp.mean((layer_norm(x + heads_together(weights @ v) @ out) - target) ** 2)

    return compiled_gradient(f, 5, *attention_inputs(batch, length, width))


def convolved(x, w, padding):
    return jax.lax.conv_general_dilated(x, w, (1, 1), padding)


def convolution(channels: int, filters: int, kernel: int, side: int, batch: int) -> Workload:
    def f(x, w):
        y = convolved(x, w, "SAME")
        return jnp.mean(y * y)

    return compiled_gradient(f, 2, *filters_and_images(channels, filters, kernel, side, batch))


def normalized_channels(x, weight, bias):
    centred = x - jnp.mean(x, (0, 2, 3), keepdims=True)
    y = centred / jnp.sqrt(jnp.mean(centred * centred, (0, 2, 3), keepdims=True) + 1e-5)
    return y * weight[:, None, None] + bias[:, None, None]


def pooled(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def lenet_step(batch: int) -> Workload:
    def f(a, sa, ta, b, sb, tb, *rest):
        *dense, x, labels = rest
        h = pooled(jax.nn.relu(normalized_channels(convolved(x, a, [(2, 2)] * 2), sa, ta)))
        h = pooled(jax.nn.relu(normalized_channels(convolved(h, b, "VALID"), sb, tb)))
        return label_losses(output(h.reshape(batch, 400), dense, jax.nn.relu), labels).mean()

    return compiled_gradient(f, 12, *lenet(batch))


def residual_step(width: int, side: int, batch: int) -> Workload:
    def f(x, a, sa, ta, b, sb, tb):
        h = jax.nn.relu(normalized_channels(convolved(x, a, "SAME"), sa, ta))
        y = jax.nn.relu(x + normalized_channels(convolved(h, b, "SAME"), sb, tb))
        return jnp.mean(y * y)

    return compiled_gradient(f, 7, *residual_block(width, side, batch))


def deep(depth: int, width: int, batch: int) -> Workload:
    def f(*arrays):
        *parameters, x, target = arrays
        return jnp.mean((output(x, parameters, jax.nn.relu) - target) ** 2)

    return compiled_gradient(f, 2 * depth, *deep_network(depth, width, batch))


def deep_step(depth: int, width: int, batch: int, kept: int | None) -> Workload:
    *arrays, inputs, targets = deep_network(depth, width, batch)
    parameters, x, target = [jnp.asarray(a) for a in arrays], jnp.asarray(inputs), jnp.asarray(targets)

    def block(x, parameters, first):
        x = jax.nn.relu(x) if not first else x
        return output(x, parameters, jax.nn.relu)

    def loss_of(parameters, x, target):
        if kept is None:
            return jnp.mean((output(x, parameters, jax.nn.relu) - target) ** 2)
        for i in range(0, 2 * depth, 2 * kept):
            x = jax.checkpoint(block, static_argnums=2)(x, parameters[i : i + 2 * kept], i == 0)
        return jnp.mean((x - target) ** 2)

    @partial(jax.jit, donate_argnums=0)
    def step(parameters, x, target):
        loss, grads = jax.value_and_grad(loss_of)(parameters, x, target)
        return [p - jnp.float32(DEEP_RATE) * g for p, g in zip(parameters, grads, strict=True)], loss

    def call(_=None):
        nonlocal parameters
        parameters, loss = finished(step, parameters, x, target)
        return loss

    return Workload(call, lambda: [np.array([float(call()) for _ in range(DEEP_STEPS)])])


def plain(f, *arrays) -> Workload:
    """A function that takes and returns NumPy's arrays."""

    def numbers_out() -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in jax.tree.leaves(f(*arrays))]

    return Workload(lambda _: numbers_out(), numbers_out)


def rosenbrock_compiled(size: int) -> Workload:
    return plain(jax.jit(jax.value_and_grad(partial(rosenbrock, jnp))), point(size))


def rosenbrock_hessian_compiled(size: int) -> Workload:
    return plain(jax.jit(jax.hessian(partial(rosenbrock, jnp))), point(size))


def runge_kutta(steps: int) -> Workload:
    return plain(jax.jit(jax.grad(lambda k: end_of_oscillation(jnp, k, steps))), rates())


def runge_kutta_anew(steps: int) -> Workload:
    return plain(lambda k: jax.jit(jax.grad(lambda k: end_of_oscillation(jnp, k, steps)))(k), rates())


def runge_kutta_at_once(steps: int) -> Workload:
    return plain(lambda k: end_of_oscillation(jnp, k, steps), jnp.asarray(rates()))


def matrix_gradient(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, w = matrices(op, size, batch)
    return plain(jax.jit(jax.value_and_grad(lambda a: FUNCTIONS[op](jnp.linalg, a, b, w))), a)


def matrix_value(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, _ = matrices(op, size, batch)
    return plain(jax.jit(lambda a, b: VALUES[op](jnp.linalg, a, b)), a, b)
