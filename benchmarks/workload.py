"""What a contender hands to the clock, and the numbers that all contenders start from."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

A, B = 0.99999, 0.00001


@dataclass
class Workload:
    """`call` is timed. `prepare` makes its argument and is not. `check` computes numbers to compare with the other contenders'."""

    call: Callable[[Any], Any]
    check: Callable[[], list[np.ndarray]]
    prepare: Callable[[], Any] | None = None


def vector(size: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(size).astype(np.float32)


def column_and_row(size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.standard_normal((size, 1)).astype(np.float32), rng.standard_normal((1, size)).astype(np.float32)


def network(widths: list[int], batch: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """First weights and biases of a network of layers of these widths, a batch of inputs and its labels."""
    rng = np.random.default_rng(3)
    parameters: list[np.ndarray] = []
    for before, after in pairwise(widths):
        bound = np.sqrt(6 / (before + after))
        parameters += [rng.uniform(-bound, bound, (before, after)), np.zeros((1, after))]
    inputs = rng.uniform(0, 1, (batch, widths[0]))
    return [p.astype(np.float32) for p in parameters], inputs.astype(np.float32), rng.integers(0, widths[-1], batch)


def output(x: Any, parameters: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    """The last layer's output of a network of weights and biases in turn, with `relu` between the layers."""
    for i in range(0, len(parameters), 2):
        x = (relu(x) if i else x) @ parameters[i] + parameters[i + 1]
    return x


def chain(y: Any, links: int, sin: Callable[[Any], Any]) -> Any:
    """Four nodes a link. The derivative of a link is close to 1, so neither value nor gradient vanishes."""
    for _ in range(links):
        y = y * A + sin(y) * B
    return y


def matrix(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(4).standard_normal((rows, columns)).astype(np.float32)


def batches(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.standard_normal((count, size, size)).astype(np.float32), rng.standard_normal((count, size, size)).astype(np.float32)


def factors(left: list[int], right: list[int], turned: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays whose product has matrices of these shapes. That of `turned`, "left" or "right", stands in memory transposed."""
    rng = np.random.default_rng(14)
    shapes = [shape[:-2] + shape[:-3:-1] if turned == name else shape for name, shape in (("left", left), ("right", right))]
    first, second = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return first, second


def multiplied(a: Any, b: Any, turned: str) -> Any:
    """The product of the arrays of `factors`."""
    return (a.swapaxes(-1, -2) if turned == "left" else a) @ (b.swapaxes(-1, -2) if turned == "right" else b)


def places(size: int) -> np.ndarray:
    """Indices into an array of `size` elements, as many as it has."""
    return np.random.default_rng(6).integers(0, size, size)


def point(size: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1.5, 1.5, size)


def small_network() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The 101 parameters of a network of 8, 10 and 1 units, 64 inputs and their targets."""
    rng = np.random.default_rng(8)
    return rng.standard_normal(101) * 0.5, rng.standard_normal((64, 8)), rng.standard_normal((64, 1))


def layers(p: Any) -> tuple[Any, Any, Any, Any]:
    """The weights in a vector of the parameters of `small_network`."""
    return p[:80].reshape((8, 10)), p[80:90], p[90:100].reshape((10, 1)), p[100:]


def sequence(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of a recurrent network, (steps, 8, 64), and its two matrices of weights."""
    rng = np.random.default_rng(9)
    inputs, own, across = rng.standard_normal((steps, 8, 64)), rng.standard_normal((64, 64)) / 8, rng.standard_normal((64, 64)) / 16
    return inputs.astype(np.float32), own.astype(np.float32), across.astype(np.float32)


def normalized_rows(rows: int, columns: int) -> list[np.ndarray]:
    """What a row of a network's last block works on: numbers, the scale and the shift of its columns, and a label for each row."""
    rng = np.random.default_rng(10)
    x, weight, bias = rng.standard_normal((rows, columns)), rng.uniform(0.5, 1.5, columns), rng.standard_normal(columns)
    return [*(a.astype(np.float32) for a in (x, weight, bias)), rng.integers(0, columns, rows)]


def lstm_sequence(steps: int, batch: int, width: int) -> list[np.ndarray]:
    """The weights of an LSTM cell (of its input, of its state, and the bias, four gates side by side) and its inputs."""
    rng = np.random.default_rng(11)
    weights = [rng.standard_normal((width, 4 * width)) / np.sqrt(2 * width) for _ in range(2)]
    inputs = rng.standard_normal((steps, batch, width))
    return [a.astype(np.float32) for a in (*weights, rng.standard_normal(4 * width) / 2, inputs)]


def lstm_weights(steps: int, batch: int, width: int) -> list[np.ndarray]:
    """The same for a whole LSTM as PyTorch has it: weights by rows, the bias of the input and that of the state, inputs."""
    own, across, bias, inputs = lstm_sequence(steps, batch, width)
    return [own.T.copy(), across.T.copy(), bias, bias / 2, inputs]


def lstm_step(gates: Sequence[Any], memory: Any, sigmoid: Callable[[Any], Any], tanh: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The next state and memory of an LSTM cell, by what goes into its four gates."""
    taken, kept, shown, new = gates
    memory = sigmoid(kept) * memory + sigmoid(taken) * tanh(new)
    return sigmoid(shown) * tanh(memory), memory


def attention_inputs(batch: int, length: int, width: int) -> list[np.ndarray]:
    """Sequences, the four matrices of an attention block, and the targets of its output."""
    rng = np.random.default_rng(12)
    x, target = (rng.standard_normal((batch, length, width)) for _ in range(2))
    matrices = (rng.standard_normal((width, width)) / np.sqrt(width) for _ in range(4))
    return [a.astype(np.float32) for a in (x, *matrices, target)]


def heads_apart(x: Any, heads: int) -> Any:
    """(batch, length, width) as (batch, heads, length, width of a head)."""
    batch, length, width = x.shape
    return x.reshape((batch, length, heads, width // heads)).swapaxes(1, 2)


def heads_together(x: Any) -> Any:
    """The reverse of `heads_apart`."""
    batch, heads, length, width = x.shape
    return x.swapaxes(1, 2).reshape((batch, length, heads * width))


def filters_and_images(channels: int, filters: int, kernel: int, side: int, batch: int) -> list[np.ndarray]:
    """Images, and filters for them."""
    rng = np.random.default_rng(14)
    x = rng.standard_normal((batch, channels, side, side))
    w = rng.standard_normal((filters, channels, kernel, kernel)) / (kernel * channels**0.5)
    return [a.astype(np.float32) for a in (x, w)]


def lenet(batch: int) -> list[np.ndarray]:
    """The parameters of LeNet-5 with batch normalization, digits, and their labels."""
    rng = np.random.default_rng(15)
    parameters = []
    for filters, channels in ((6, 1), (16, 6)):
        parameters += [rng.standard_normal((filters, channels, 5, 5)) / (5 * channels**0.5), np.ones(filters), np.zeros(filters)]
    for before, after in ((400, 120), (120, 84), (84, 10)):
        parameters += [rng.standard_normal((before, after)) / before**0.5, np.zeros(after)]
    inputs = rng.standard_normal((batch, 1, 28, 28))
    return [*(a.astype(np.float32) for a in (*parameters, inputs)), rng.integers(0, 10, batch)]


def residual_block(width: int, side: int, batch: int) -> list[np.ndarray]:
    """Images, and the filters, scales and shifts of two convolutions with batch normalization."""
    rng = np.random.default_rng(16)
    layers = []
    for _ in range(2):
        layers += [rng.standard_normal((width, width, 3, 3)) / (3 * width**0.5), np.ones(width), np.zeros(width)]
    return [a.astype(np.float32) for a in (rng.standard_normal((batch, width, side, side)), *layers)]


def deep_network(depth: int, width: int, batch: int) -> list[np.ndarray]:
    """The weights and biases of layers that keep the size of what passes through them, inputs, and targets of the last layer."""
    rng = np.random.default_rng(13)
    parameters: list[np.ndarray] = []
    for _ in range(depth):
        parameters += [rng.standard_normal((width, width)) * np.sqrt(2 / width), rng.standard_normal((1, width)) / 10]
    return [a.astype(np.float32) for a in (*parameters, *(rng.standard_normal((batch, width)) for _ in range(2)))]


def rosenbrock(xp, x):
    """The Rosenbrock function, by the functions of `xp`."""
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def end_of_oscillation(xp, k, steps):
    """The squared end of y' = tanh(k y_before) - y / 10 after steps of Runge-Kutta, by the functions of `xp`."""

    def slope(y):
        return xp.tanh(xp.roll(y, 1) * k) - 0.1 * y

    y, h = k * 0.0 + 1.0, 0.01
    for _ in range(steps):
        a = slope(y)
        b = slope(y + 0.5 * h * a)
        c = slope(y + 0.5 * h * b)
        d = slope(y + h * c)
        y = y + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    return xp.sum(y * y)


def rates() -> np.ndarray:
    """The four coupling constants of an oscillator that `runge_kutta` integrates."""
    return np.array([0.3, -0.2, 0.5, 0.1])


THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
"""Threads that a contender may use."""

STEPS = 10
"""Training steps whose losses are compared."""

DEEP_STEPS = 3
"""The same, of a deep network."""

DEEP_RATE = 1e-4
"""The rate of these steps."""
