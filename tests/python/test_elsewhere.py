"""What messages say to write for names of NumPy, SciPy and PyTorch: each line runs, and has the value that it has there."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import scirs2_autograd as ag
from scirs2_autograd import _elsewhere
from scirs2_autograd import tensor_ops as T

RNG = np.random.default_rng(0)
N = 4
#: Arrays by the names that the codes use.
ARRAYS = {
    "x": RNG.uniform(0.2, 0.9, (N, N)),
    "a": RNG.uniform(0.5, 2.0, (N, N)),
    "b": RNG.uniform(0.5, 2.0, (N, N)),
    "v": RNG.uniform(0.5, 2.0, N),
    "w": RNG.uniform(0.5, 2.0, N),
}
ARRAYS["m"] = ARRAYS["a"] @ ARRAYS["a"].T + np.eye(N)
ARRAYS["xs"] = [ARRAYS["a"], ARRAYS["b"]]
OTHERS = {
    "n": N,
    "axis": 1,
    "axes": (1, 0),
    "shape": (2, N * 2),
    "low": 0.3,
    "high": 0.6,
    "condition": RNG.random((N, N)) < 0.5,
    "index": [2, 0, 0],
    "feeds": {},
}
#: What a code must equal, where it is not `np.name(x)`.
EXPECTED = {
    **dict.fromkeys(["allclose", "append", "array_equal", "isclose"], "np.{}(a, b)"),
    "append": "np.append(a, b, axis)",
    **dict.fromkeys(["array", "as_tensor", "asarray", "from_numpy", "tensor"], "np.array([1.0, 2.0])"),
    **dict.fromkeys(["bmm", "mm"], "a @ b"),
    **dict.fromkeys(["select"], "np.where(condition, a, b)"),
    **dict.fromkeys(["backward", "gradients"], "[3 * x * x]"),
    "no_grad": "x",
    "cat": "np.concatenate(xs, axis)",
    "clamp": "np.clip(x, low, high)",
    **{name: f"np.{name}(x, axis=axis)" for name in ("cumulative_prod", "cumulative_sum")},
    "empty": "np.zeros(shape)",
    "expit": "scipy.special.expit(x)",
    "hessian": "[np.einsum('ij,ik,jl->ijkl', 6 * x, np.eye(n), np.eye(n)).reshape(n * n, n, n)]",
    "hvp": "[6 * x * x]",
    "jacobian": "[np.einsum('ij,ik,jl->ijkl', 3 * x * x, np.eye(n), np.eye(n)).reshape(n * n, n, n)]",
    "logit": "scipy.special.logit(x)",
    "row_stack": "np.vstack(xs)",
    "unsqueeze": "np.expand_dims(x, axis)",
    "view": "np.reshape(x, shape)",
    "vjp": "[6 * x * x]",
}
#: Codes of draws: the shape is what can be compared.
DRAWS = {"rand": "(2, 8)", "randn": "(2, 8)", "rand_like": "(4, 4)", "randn_like": "(4, 4)"}
#: Codes for whole numbers.
WHOLE = {"left_shift", "right_shift"}


def run(code, given):
    return eval(code, {"T": T, "ag": ag, "np": np, **given})


def evaluated(ctx, y, feeds):
    if isinstance(y, (list, tuple)):
        return [evaluated(ctx, part, feeds) for part in y]
    return y.eval(feeds) if isinstance(y, ag.Tensor) else y


def names(ctx, given):
    """The arrays as placeholders, with their feeds."""
    feeds = {}

    def placeholder(name, value):
        if isinstance(value, list):
            return [placeholder(f"{name}{i}", v) for i, v in enumerate(value)]
        t = ctx.placeholder(name, value.shape, value.dtype)
        feeds[t] = value
        return t

    tensors = {name: placeholder(name, value) for name, value in given.items()}
    tensors["y"] = tensors["x"] ** 3
    return {**OTHERS, **tensors}, feeds


@pytest.mark.parametrize("name", _elsewhere.FUNCTIONS)
def test_a_function_elsewhere(ctx, name):
    arrays = dict(ARRAYS)
    if name in WHOLE:
        arrays |= {"a": np.array([[5, -3], [0, 17]]), "b": 2}
    given, feeds = names(ctx, {k: v for k, v in arrays.items() if not isinstance(v, (int, float))})
    given |= {k: v for k, v in arrays.items() if isinstance(v, (int, float))}
    got = evaluated(ctx, run(_elsewhere.FUNCTIONS[name], given), feeds)
    if name in DRAWS:
        assert got.shape == eval(DRAWS[name])
        return
    default = "np.{}(a, b)" if name in WHOLE else "np.{}(x)"
    want = eval(EXPECTED.get(name, default).format(name), {"np": np, "scipy": scipy}, {**OTHERS, **arrays})
    if not isinstance(want, (list, tuple)):
        want, got = [want], [got]
    for g, w in zip(got, want, strict=True):
        assert np.shape(g) == np.shape(w)
        np.testing.assert_allclose(g, w, rtol=1e-9, atol=1e-12)


def test_names_elsewhere_are_not_names_here():
    assert not set(_elsewhere.FUNCTIONS) & set(T.__all__)
    assert not set(_elsewhere.ATTRIBUTES) & set(dir(ag.Tensor))
    assert not set(_elsewhere.PACKAGE) & set(ag.__all__)
    # No expectation for a code that there is not.
    assert set(EXPECTED) | set(DRAWS) | WHOLE <= set(_elsewhere.FUNCTIONS)


CASTS = {"bool": "?", "double": "f8", "float": "f4", "int": "i4", "long": "i8", "to": "f4", "type": "f4"}
#: What the code of an attribute must equal, where it is not the tensor `x` itself.
OWN = {
    **dict.fromkeys(["grad", "grad_fn", "requires_grad"], "[3 * x * x]"),
    "H": "x.T",
    "dim": "2",
    "expand": "np.broadcast_to(v, (3, n))",
    "flat": "x.reshape(-1)",
    "itemsize": "8",
    "item": "v[0]",
    "numel": "n * n",
    "t": "x.T",
}


@pytest.mark.parametrize("name", _elsewhere.ATTRIBUTES)
def test_an_attribute_elsewhere(ctx, name):
    given, feeds = names(ctx, ARRAYS)
    given["feeds"] = feeds
    if name == "expand":
        given |= {"x": given["v"], "shape": (3, N)}
    elif name == "item":
        given["x"] = given["v"][0]
    got = evaluated(ctx, run(_elsewhere.ATTRIBUTES[name], given), feeds)
    want = eval(OWN.get(name, "x"), {"np": np}, {**OTHERS, **ARRAYS})
    if name in CASTS:
        want = want.astype(CASTS[name])
        assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_expected_attributes_exist():
    assert set(CASTS) | set(OWN) <= set(_elsewhere.ATTRIBUTES)


@pytest.mark.parametrize("name", _elsewhere.PACKAGE)
def test_a_name_of_a_package_elsewhere(name):
    given = {"forward": lambda x: x, "vjp": lambda g, y, x: g, "array": np.ones(2)}
    assert run(_elsewhere.PACKAGE[name], given) is not None
