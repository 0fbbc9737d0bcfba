"""Exact reverse-mode differentiation of NumPy-style programs, to any order, in a lazy graph.

The examples in the documentation are to be read after the first three lines of this one.

>>> import numpy as np
>>> import scirs2_autograd as ag
>>> from scirs2_autograd import tensor_ops as T
>>> with ag.Context() as ctx:
...     x = ctx.placeholder("x", [])
...     z = 2.0 * x * x + 1.0
...     (gx,) = T.grad([z], [x])
...     print(gx.eval({x: 2.0}))
8.0
"""

from typing import TYPE_CHECKING, Any

from . import exceptions, linalg, optimizers, policies, tensor_ops, viz
from ._lib import (
    ArrayRng,
    Candidate,
    CheckpointProfiler,
    CheckpointTracker,
    Context,
    Evaluator,
    Feeder,
    Filled,
    MemoryStep,
    Namespace,
    Plan,
    Policy,
    Profile,
    Tensor,
    VariableEnvironment,
    VariableID,
    __version__,
    current_context,
)
from ._lib import _get_num_threads as get_num_threads
from ._lib import _memory_stats as memory_stats
from ._lib import _profile as profile
from ._lib import _set_num_threads as set_num_threads
from ._lib import _set_plan_cache_bytes as set_plan_cache_bytes
from ._lib import _trim as trim
from .checkpoints import checkpoint
from .checks import gradcheck
from .configuration import show_config
from .contexts import run
from .custom import custom_op
from .exceptions import (
    AutogradError,
    DTypeError,
    FeedError,
    FileError,
    FormatError,
    GraphError,
    LinAlgError,
    NotDifferentiableError,
    ShapeError,
    VariableError,
)
from .kept import Jit, jit
from .pytree import register_pytree
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "Array",
    "ArrayRng",
    "AutogradError",
    "Candidate",
    "CheckpointProfiler",
    "CheckpointTracker",
    "Context",
    "DTypeError",
    "Evaluator",
    "FeedError",
    "Feeder",
    "FileError",
    "Filled",
    "FormatError",
    "GraphError",
    "Jit",
    "LinAlgError",
    "MemoryStep",
    "Namespace",
    "NotDifferentiableError",
    "Plan",
    "Policy",
    "Profile",
    "ShapeError",
    "Tensor",
    "VariableEnvironment",
    "VariableError",
    "VariableID",
    "__version__",
    "array",
    "checkpoint",
    "current_context",
    "custom_op",
    "exceptions",
    "get_num_threads",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linalg",
    "memory_stats",
    "optimizers",
    "policies",
    "profile",
    "register_pytree",
    "run",
    "set_num_threads",
    "set_plan_cache_bytes",
    "show_config",
    "tensor_ops",
    "trim",
    "value_and_grad",
    "viz",
    "vjp",
]


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from .arrays import Array, array
else:

    def __getattr__(name: str) -> Any:
        if name in ("Array", "array"):
            # What makes values of NumPy's calls takes as long to import as all the rest.
            from . import arrays

            globals()[name] = value = getattr(arrays, name)
            return value
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._refusals import no_name

        raise no_name(name, __all__)
