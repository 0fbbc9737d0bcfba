"""The workloads in NumPy, which has no derivatives."""

import numpy as np

from matrices import VALUES, matrices
from workload import Workload, end_of_oscillation, factors, multiplied, rates


def version() -> str:
    return np.__version__


def runge_kutta_at_once(steps: int) -> Workload:
    k = rates()
    return Workload(lambda _: end_of_oscillation(np, k, steps), lambda: [np.asarray(end_of_oscillation(np, k, steps))])


def matrix_value(op: str, size: int, batch: int | None = None) -> Workload:
    a, b, _ = matrices(op, size, batch)
    return Workload(lambda _: VALUES[op](np.linalg, a, b), lambda: [np.asarray(VALUES[op](np.linalg, a, b))])


def product(left: list[int], right: list[int], turned: str = "", dtype: str = "float32") -> Workload:
    a, b = factors(left, right, turned, dtype)
    return Workload(lambda _: multiplied(a, b, turned), lambda: [multiplied(a, b, turned)])
