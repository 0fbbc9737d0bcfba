"""What a contender hands to the clock, and the numbers that all contenders start from."""

from collections.abc import Callable
from dataclasses import dataclass
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


def network(batch: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """First weights of a network of 784, 128 and 10 units, a batch of inputs and its labels."""
    rng = np.random.default_rng(3)
    weights = [
        rng.uniform(-0.08, 0.08, (784, 128)),
        np.zeros((1, 128)),
        rng.uniform(-0.2, 0.2, (128, 10)),
        np.zeros((1, 10)),
    ]
    inputs = rng.uniform(0, 1, (batch, 784))
    return [w.astype(np.float32) for w in weights], inputs.astype(np.float32), rng.integers(0, 10, batch)


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


STEPS = 10
"""Training steps whose losses are compared."""
