"""The workloads in HIPS autograd, which traces a function in each call."""

from importlib.metadata import version as installed

import autograd
import autograd.numpy as anp
import numpy as np

from workload import Workload, point


def version() -> str:
    return installed("autograd")


def rosenbrock(x):
    return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_traced(size: int) -> Workload:
    f, x = autograd.value_and_grad(rosenbrock), point(size)
    return Workload(lambda _: f(x), lambda: [np.asarray(r) for r in f(x)])
