"""The workloads in PyTorch: eager, as its users write them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint_sequential

from matrices import FUNCTIONS, VALUES, matrices
from workload import (
    DEEP_RATE,
    DEEP_STEPS,
    STEPS,
    THREADS,
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
    places,
    point,
    rates,
    residual_block,
    sequence,
    small_network,
    vector,
)

torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)


def version() -> str:
    return torch.__version__


def numbers(tensors) -> list[np.ndarray]:
    return [t.detach().numpy() for t in tensors]


def derivatives_anew() -> Workload:
    def call(_=None):
        x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        y = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
        z = 2.0 * x * x + 3.0 * y + 1.0
        dx, dy = torch.autograd.grad(z, [x, y], create_graph=True)
        (dxx,) = torch.autograd.grad(dx, x)
        return dy, dx, dxx

    return Workload(call, lambda: numbers(call()))


def elementwise(size: int, mean: bool = False) -> Workload:
    reduced = torch.mean if mean else torch.sum
    x = torch.from_numpy(vector(size)).requires_grad_()

    def call(_=None):
        value = reduced(torch.sin(x) * torch.exp(-x * x) + torch.log(1 + x * x) * torch.tanh(x) / (2 + torch.cos(x)))
        return value, *torch.autograd.grad(value, x)

    return Workload(call, lambda: numbers(call()))


def broadcast(size: int, mean: bool = False) -> Workload:
    reduced = torch.mean if mean else torch.sum
    x, y = (torch.from_numpy(a).requires_grad_() for a in column_and_row(size))

    def call(_=None):
        value = reduced((x + y) ** 2)
        return value, *torch.autograd.grad(value, [x, y])

    return Workload(call, lambda: numbers(call()))


def output(x, parameters):
    """The last layer's output of a network of weights and biases in turn, each layer's product and sum in one."""
    for i in range(0, len(parameters), 2):
        x = torch.addmm(parameters[i + 1], torch.relu_(x) if i else x, parameters[i])
    return x


def adam_step(widths: list[int], batch: int) -> Workload:
    arrays, inputs, labels = network(widths, batch)
    parameters = [torch.from_numpy(a).requires_grad_() for a in arrays]
    adam = torch.optim.Adam(parameters, fused=True)

    def call(_=None):
        x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
        loss = F.cross_entropy(output(x, parameters), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss

    return Workload(call, lambda: [np.array([call().item() for _ in range(STEPS)])])


def chain_again(links: int) -> Workload:
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def call(_=None):
        y = chain(x, links, torch.sin)
        return y, *torch.autograd.grad(y, x)

    return Workload(call, lambda: numbers(call()))


# Eager execution has no separate steps: a chain is built, run and differentiated in one go, each time anew.
chain_to_first_result = chain_again


def called(function, *arrays) -> Workload:
    xs = [torch.from_numpy(a) for a in arrays]

    def check():
        made = function(*xs)
        return numbers(made if isinstance(made, (list, tuple)) else [made])

    return Workload(lambda _: function(*xs), check)


def differentiated(f, count: int, *arrays) -> Workload:
    """`f` of arrays, and its gradients with respect to the first `count` of them."""
    xs = [torch.from_numpy(a) for a in arrays]
    inputs = [x.requires_grad_() for x in xs[:count]]

    def call(_=None):
        value = f(*xs)
        return value, *torch.autograd.grad(value, inputs)

    return Workload(call, lambda: numbers(call()))


def cumulative_sum(size: int) -> Workload:
    return called(lambda x: torch.cumsum(x, 0), vector(size))


def sort(size: int) -> Workload:
    return called(lambda x: torch.sort(x).values, vector(size))


def argsort(size: int) -> Workload:
    return called(lambda x: torch.argsort(x, stable=True), vector(size))


def largest(size: int, k: int) -> Workload:
    return called(lambda x: tuple(torch.topk(x, k)), vector(size))


def gather(size: int) -> Workload:
    return called(lambda x, i: x[i], vector(size), places(size))


def scatter_add(size: int) -> Workload:
    return called(lambda x, i, v: torch.index_add(x, 0, i, v), vector(size), places(size), vector(size))


def einsum(count: int, size: int) -> Workload:
    return called(lambda a, b: torch.einsum("bij,bjk->bik", a, b), *batches(count, size))


def product(left: list[int], right: list[int], turned: str = "", dtype: str = "float32") -> Workload:
    return called(lambda a, b: multiplied(a, b, turned), *factors(left, right, turned, dtype))


def sum_over(rows: int, columns: int, axis: int) -> Workload:
    return called(lambda x: x.sum(axis), matrix(rows, columns))


def rosenbrock_hessian(size: int) -> Workload:
    def f(x):
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

    return called(torch.func.hessian(f), point(size))


def network_hessian() -> Workload:
    at, inputs, targets = small_network()
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)

    def loss(p):
        w1, b1, w2, b2 = layers(p)
        return ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()

    return called(torch.func.hessian(loss), at)


def recurrent(steps: int) -> Workload:
    x, own, across = (torch.from_numpy(a).requires_grad_() for a in sequence(steps))

    def call(_=None):
        state = torch.zeros(8, 64)
        for t in range(steps):
            state = torch.tanh(x[t] @ own + state @ across)
        value = (state * state).sum()
        return value, *torch.autograd.grad(value, [x, own, across])

    return Workload(call, lambda: numbers(call()))


def label_loss(rows: int, columns: int) -> Workload:
    x, _, _, labels = normalized_rows(rows, columns)
    return differentiated(F.cross_entropy, 1, x, labels)


def normalized_loss(rows: int, columns: int) -> Workload:
    def f(x, weight, bias, labels):
        return F.cross_entropy(F.gelu(F.layer_norm(x, (columns,), weight, bias)), labels)

    return differentiated(f, 3, *normalized_rows(rows, columns))


def normalized_loss_of_some(rows: int, columns: int) -> Workload:
    def f(x, weight, bias, labels):
        return F.cross_entropy(F.gelu(F.layer_norm(x, (columns,), weight, bias)), labels, ignore_index=0)

    return differentiated(f, 3, *normalized_rows(rows, columns))


def lstm(steps: int, batch: int, width: int) -> Workload:
    def f(own, across, bias, x):
        state = memory = torch.zeros(batch, width)
        for t in range(steps):
            gates = torch.addmm(torch.addmm(bias, x[t], own), state, across).chunk(4, 1)
            state, memory = lstm_step(gates, memory, torch.sigmoid, torch.tanh)
        return (state * state).mean()

    return differentiated(f, 3, *lstm_sequence(steps, batch, width))


def lstm_layer(steps: int, batch: int, width: int) -> Workload:
    *weights, x = (torch.from_numpy(a) for a in lstm_weights(steps, batch, width))
    layer = torch.nn.LSTM(width, width)
    parameters = list(layer.parameters())
    with torch.no_grad():
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.copy_(weight)

    def call(_=None):
        y, _ = layer(x)
        value = (y * y).mean()
        return value, *torch.autograd.grad(value, parameters)

    return Workload(call, lambda: numbers(call()))


def attention(batch: int, length: int, width: int, heads: int) -> Workload:
    def f(x, query, key, value, out, target):
        q, k, v = (heads_apart(x @ matrix, heads) for matrix in (query, key, value))
        found = heads_together(F.scaled_dot_product_attention(q, k, v))
        return F.mse_loss(F.layer_norm(x + found @ out, (width,)), target)

    return differentiated(f, 5, *attention_inputs(batch, length, width))


def convolution(channels: int, filters: int, kernel: int, side: int, batch: int) -> Workload:
    def f(x, w):
        y = F.conv2d(x, w, padding="same")
        return (y * y).mean()

    return differentiated(f, 2, *filters_and_images(channels, filters, kernel, side, batch))


def normalized_channels(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def lenet_step(batch: int) -> Workload:
    def f(a, sa, ta, b, sb, tb, *rest):
        *dense, x, labels = rest
        h = F.max_pool2d(F.relu(normalized_channels(F.conv2d(x, a, padding=2), sa, ta)), 2)
        h = F.max_pool2d(F.relu(normalized_channels(F.conv2d(h, b), sb, tb)), 2)
        return F.cross_entropy(output(h.reshape(batch, 400), dense), labels)

    return differentiated(f, 12, *lenet(batch))


def residual_step(width: int, side: int, batch: int) -> Workload:
    def f(x, a, sa, ta, b, sb, tb):
        h = F.relu(normalized_channels(F.conv2d(x, a, padding=1), sa, ta))
        y = F.relu(x + normalized_channels(F.conv2d(h, b, padding=1), sb, tb))
        return (y * y).mean()

    return differentiated(f, 7, *residual_block(width, side, batch))


def deep(depth: int, width: int, batch: int) -> Workload:
    def f(*arrays):
        *parameters, x, target = arrays
        return F.mse_loss(output(x, parameters), target)

    return differentiated(f, 2 * depth, *deep_network(depth, width, batch))


def deep_step(depth: int, width: int, batch: int, kept: int | None) -> Workload:
    *arrays, inputs, targets = deep_network(depth, width, batch)
    parameters = [torch.from_numpy(a).requires_grad_() for a in arrays]
    sgd = torch.optim.SGD(parameters, DEEP_RATE)

    def layer(i: int):
        # What a segment is given is kept as it is.
        relu = (lambda x: x) if i == 0 else F.relu if i % kept == 0 else torch.relu_
        return lambda x: torch.addmm(parameters[2 * i + 1], relu(x), parameters[2 * i])

    layers = [layer(i) for i in range(depth)] if kept else []

    def call(_=None):
        x, target = torch.from_numpy(inputs), torch.from_numpy(targets)
        if kept is None:
            out = output(x, parameters)
        else:
            out = checkpoint_sequential(layers, depth // kept, x, use_reentrant=False, preserve_rng_state=False)
        loss = F.mse_loss(out, target)
        loss.backward()
        sgd.step()
        # Gradients that wait for the next step would be in memory beside what it keeps.
        sgd.zero_grad(set_to_none=True)
        return loss

    return Workload(call, lambda: [np.array([call().item() for _ in range(DEEP_STEPS)])])


def runge_kutta_at_once(steps: int) -> Workload:
    k = torch.from_numpy(rates())
    return Workload(lambda _: end_of_oscillation(torch, k, steps), lambda: numbers([end_of_oscillation(torch, k, steps)]))


def matrix_gradient(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, w = (torch.from_numpy(x) for x in matrices(op, size, batch))
    a.requires_grad_()

    def call(_=None):
        a.grad = None
        loss = FUNCTIONS[op](torch.linalg, a, b, w)
        loss.backward()
        return loss, a.grad

    return Workload(call, lambda: numbers([t.detach() for t in call()]))


def matrix_value(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, _ = (torch.from_numpy(x) for x in matrices(op, size, batch))

    def call(_=None):
        with torch.no_grad():
            return VALUES[op](torch.linalg, a, b)

    return Workload(call, lambda: numbers([call()]))
