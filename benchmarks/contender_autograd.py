"""The workloads in HIPS autograd, which traces a function in each call."""

from functools import partial
from importlib.metadata import version as installed

import autograd
import autograd.numpy as anp
import numpy as np

from workload import Workload, point, rosenbrock


def version() -> str:
    return installed("autograd")


def rosenbrock_traced(size: int) -> Workload:
    f, x = autograd.value_and_grad(partial(rosenbrock, anp)), point(size)
    return Workload(lambda _: f(x), lambda: [np.asarray(r) for r in f(x)])
