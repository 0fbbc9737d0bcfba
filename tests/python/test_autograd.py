"""First and second gradients of the rows against another project's, HIPS autograd, on the rows' NumPy expressions."""

import autograd
import autograd.numpy as anp
import autograd.scipy.linalg
import autograd.scipy.special
import numpy as np
import pytest

import scirs2_autograd as ag
from rows import ROWS, applied, attributes, operands
from samples import draw
from scirs2_autograd import tensor_ops as T

SAMPLES = 3
#: What autograd gives for an expression that it does not differentiate.
NOT_THERE = (NotImplementedError, TypeError, AttributeError, ValueError, LookupError, AssertionError)
#: Rows whose gradients by autograd are not those of the expression; the differences of `tests/op_matrix.rs` are.
WRONG = {
    "full_like": "autograd takes the number for a constant",
    "kron": "autograd takes both arrays to have as many axes",
    "cholesky_lower": "autograd has the gradient of both triangles, where one is read",
}


def differentiable():
    for index, row in enumerate(ROWS):
        if row["name"] in WRONG or "ref." in row["numpy"] or "First" in {c for checks, _ in row["exempt"] for c in checks}:
            continue
        cases = [c for c in row["cases"] if any(domain[0] not in ("index", "label", "bool", "absent") for domain, _ in c[0])]
        for k in range(SAMPLES if cases else 0):
            yield pytest.param(index, k, cases[k % len(cases)], id=f"{row['name']}-{k}")


def floating(xs):
    return [i for i, x in enumerate(xs) if x is not None and x.dtype == np.float64]


def loss_of(row, attrs, xs, at, weights):
    """The sum of the row's weighted floating results, as autograd sees it, as a function of the floating inputs."""
    names = [n for n, *_ in row["params"]]
    kinds = [k for _, k, *_ in row["params"]]
    given = dict(zip([n for n, k in zip(names, kinds, strict=True) if k not in ("tensor", "tensors")], attrs, strict=True))

    def loss(*values):
        all_ = list(xs)
        for i, v in zip(at, values, strict=True):
            all_[i] = v
        mine = given | dict(
            zip([n for n, k in zip(names, kinds, strict=True) if k in ("tensor", "tensors")], operands(row, all_), strict=True)
        )
        if mine.get("where", True) is None:
            mine["where"] = True
        y = eval(row["numpy"], {"np": anp, "scipy": autograd.scipy}, mine)
        ys = list(y) if isinstance(y, tuple | list) else [y]
        return sum(anp.sum(y * w) for y, w in zip(ys, weights, strict=True) if w is not None)

    return loss


# What autograd says of a gradient that is zero or constant.
@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.slow
@pytest.mark.parametrize(("index", "k", "case"), list(differentiable()))
def test_gradients_equal_those_of_autograd(index, k, case):
    row, (inputs, texts) = ROWS[index], case
    attrs = attributes(row, texts)
    rng = np.random.default_rng([index, k])
    xs = [draw(rng, domain, shape, "float64") for domain, shape in inputs]
    at = floating(xs)
    with ag.Context() as ctx:
        ts = [x if x is None else ctx.constant(x) for x in xs]
        ys = list(applied(index, ts, attrs))
        levels = [y if y.dtype == np.float64 else None for y in ys]
        weights = [None if y is None else rng.standard_normal(y.shape) for y in levels]
        first = T.grad_with_default([y for y in levels if y is not None], [ts[i] for i in at], [w for w in weights if w is not None])
        again = [rng.standard_normal(x.shape) for x in (xs[i] for i in at)]
        second = T.grad_with_default(first, [ts[i] for i in at], again)
        got = ctx.eval([*first, *second])
    loss = loss_of(row, attrs, xs, at, weights)
    places = tuple(range(len(at)))
    try:
        with np.errstate(all="ignore"):
            gradient = autograd.grad(loss, places)
            wanted = list(gradient(*(xs[i] for i in at)))
            try:
                products = autograd.grad(lambda *values: sum(anp.sum(g * w) for g, w in zip(gradient(*values), again, strict=True)), places)
                wanted += list(products(*(xs[i] for i in at)))
            except NOT_THERE:
                got = got[: len(at)]
    except NOT_THERE as e:
        pytest.skip(f"autograd does not differentiate {row['numpy']}: {type(e).__name__}")
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, np.broadcast_to(b, a.shape), rtol=1e-9, atol=1e-9 * max(1.0, np.max(np.abs(b), initial=0.0)))
