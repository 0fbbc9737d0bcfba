"""Names of NumPy, SciPy and PyTorch that this package has under another name or not at all, and what to write for them.

It is imported for the first message that needs it.
"""

from __future__ import annotations

import numpy as np

from . import tensor_ops
from ._lib import _closest

#: Code of the same value, by the name of a function elsewhere. Its names: `x`, `a`, `b` and the list `xs` are any tensors, `v`
#: and `w` vectors, `m` a matrix of `n` rows; the others are what they say.
FUNCTIONS = {
    # Elementwise; for shifts, `b` is a number
    "absolute": "T.abs(x)",
    "allclose": "T.max(T.abs(a - b) - 1e-5 * T.abs(b)) <= 1e-8",
    "around": "T.round(x)",
    "array_equal": 'T.min(T.cast(a == b, "int64")) == 1',
    "expit": "T.sigmoid(x)",
    "fabs": "T.abs(x)",
    "isclose": "T.abs(a - b) <= 1e-8 + 1e-5 * T.abs(b)",
    "left_shift": "a * 2**b",
    "logit": "T.log(x / (1.0 - x))",
    "right_shift": "a // 2**b",
    "select": "T.where(condition, a, b)",
    # Shapes and indices
    "append": "T.concat([a, b], axis)",
    "cat": "T.concat(xs, axis)",
    "clamp": "T.clip(x, low, high)",
    "cumulative_prod": "T.cumprod(x, axis)",
    "cumulative_sum": "T.cumsum(x, axis)",
    "rot90": "x[:, ::-1].T",
    "row_stack": "T.concat(xs, axis=0)",
    "unsqueeze": "T.expand_dims(x, axis)",
    "view": "T.reshape(x, shape)",
    # Products and linear algebra
    "bmm": "T.matmul(a, b)",
    "mm": "T.matmul(a, b)",
    # Making tensors
    "array": "T.constant(np.array([1.0, 2.0]))",
    "as_tensor": "T.constant(np.array([1.0, 2.0]))",
    "asarray": "T.constant(np.array([1.0, 2.0]))",
    "empty": "T.zeros(shape)",
    "from_numpy": "T.constant(np.array([1.0, 2.0]))",
    "rand": "T.standard_uniform(shape)",
    "rand_like": "T.uniform_like(x)",
    "randn": "T.standard_normal(shape)",
    "randn_like": "T.normal_like(x)",
    "tensor": "T.constant(np.array([1.0, 2.0]))",
    # Losses and gradients
    "backward": "T.grad([y], [x])",
    "gradients": "T.grad([y], [x])",
    "hessian": "T.jacobians(T.grad([y], [x])[0], [x])",
    "hvp": "T._hessian_vector_product([y], [x], [x])",
    "jacobian": "T.jacobians(y, [x])",
    "no_grad": "T.stop_gradient(x)",
    "vjp": "T.grad_with_default([y], [x], [2.0])",
}  # fmt: skip

#: Code by the name of an attribute or a method of arrays elsewhere; `x` is the tensor.
ATTRIBUTES = {
    "H": "x.T",
    "base": "x.eval(feeds)",
    "bool": 'x.astype("bool")',
    "clone": "T.identity(x)",
    "contiguous": "x",
    "copy": "x",
    "cpu": "x",
    "cuda": "x",
    "data": "x.eval(feeds)",
    "dim": "x.ndim",
    "double": 'x.astype("float64")',
    "expand": "T.broadcast_to(x, shape)",
    "flat": "x.reshape(-1)",
    "float": 'x.astype("float32")',
    "grad": "T.grad([y], [x])",
    "grad_fn": "T.grad([y], [x])",
    "int": 'x.astype("int32")',
    "item": "x.eval(feeds).item()",
    "itemsize": "x.dtype.itemsize",
    "long": 'x.astype("int64")',
    "numel": "x.size",
    "numpy": "x.eval(feeds)",
    "real": "x",
    "requires_grad": "T.grad([y], [x])",
    "t": "x.T",
    "to": 'x.astype("float32")',
    "tolist": "x.eval(feeds).tolist()",
    "type": 'x.astype("float32")',
    "values": "x.eval(feeds)",
}  # fmt: skip

#: Code by a name of a package elsewhere.
PACKAGE = {
    "Function": "ag.custom_op(forward, vjp)",
    "Variable": 'ag.VariableEnvironment().name("w").set(array)',
    "custom_gradient": "ag.custom_op(forward, vjp)",
    "custom_vjp": "ag.custom_op(forward, vjp)",
    "manual_seed": "ag.Context(seed=0)",
    "optim": "ag.optimizers",
    "seed": "ag.Context(seed=0)",
}


def code(name: str) -> str | None:
    """What to write for the function of this name: a function of `tensor_ops`, or an expression."""
    if name in tensor_ops.__all__:
        return f"`T.{name}`"
    found = FUNCTIONS.get(name)
    return found and f"`{found}`"


def advice(name: str, label: str = "") -> str:
    """The line of help for a function that is not here, with the name that it has elsewhere, as `np.linalg.eigh`."""
    written = code(name)
    if written is not None:
        return f"write {written}"
    for prefix, module in ("np.", np), ("np.linalg.", np.linalg):
        if not label and callable(getattr(module, name, None)):
            label = prefix + name
    if label:
        return f"`ag.custom_op({label}, vjp)` makes an operation of this function and of a rule for its gradient"
    near = _closest(name, [*tensor_ops.__all__])
    return f"did you mean `T.{near}`?" if near else "`ag.custom_op(f, vjp)` makes an operation of a function of arrays"
