"""The workloads in JAX: compiled with jit wherever the row lets a function be kept."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from workload import (
    STEPS,
    Workload,
    batches,
    chain,
    column_and_row,
    end_of_oscillation,
    layers,
    matrix,
    network,
    places,
    point,
    rates,
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


def elementwise(size: int) -> Workload:
    def f(x):
        return jnp.sum(jnp.sin(x) * jnp.exp(-x * x) + jnp.log(1 + x * x) * jnp.tanh(x) / (2 + jnp.cos(x)))

    function, x = jax.jit(jax.value_and_grad(f)), jnp.asarray(vector(size))
    return Workload(lambda _: finished(function, x), lambda: numbers(function(x)))


def broadcast(size: int) -> Workload:
    inputs = [jnp.asarray(a) for a in column_and_row(size)]
    function = jax.jit(jax.value_and_grad(lambda x, y: jnp.sum((x + y) ** 2), (0, 1)))
    return Workload(lambda _: finished(function, *inputs), lambda: numbers(function(*inputs)))


def adam_step(batch: int) -> Workload:
    weights, inputs, labels = network(batch)
    zeros = [jnp.zeros_like(w) for w in weights]
    state = ([jnp.asarray(w) for w in weights], zeros, [z.copy() for z in zeros], jnp.zeros((), jnp.int32))

    def loss_of(parameters, x, y):
        w1, b1, w2, b2 = parameters
        logits = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

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
