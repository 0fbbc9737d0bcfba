"""How exact gradients of linear algebra are in float32: the error against float64, beside PyTorch's and JAX's, as a table in Markdown.

    python benchmarks/precision.py [--size 256] [--condition 1e4] [--draws 5]

The matrices have singular values from 1/100 to 100, evenly in their logarithm, and random bases. The error is that of the gradient in the
Frobenius norm, relative, and the median over the draws; the truth is computed in float64 with formulas that have no gradient rules.
"""

import argparse
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def inputs(op: str, size: int, condition: float, seed: int) -> Arrays:
    """The matrix, a right side and weights, of numbers that float32 holds."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    values = np.logspace(-0.5, 0.5, size) ** np.log10(condition)
    a = (left * values) @ (left if op in ("cholesky", "logdet", "eigvalsh") else right).T
    if op in ("cholesky", "logdet", "eigvalsh"):
        a = (a + a.T) / 2
    return tuple(x.astype(np.float32).astype(float) for x in (a, rng.standard_normal((size, 4)), rng.standard_normal((size, size))))


#: The losses, from a module of linear algebra `la`, and their gradients without any rule.
LOSSES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "solve": lambda la, a, b, w: (la.solve(a, b) * w[:, :4]).sum(),
    "inv": lambda la, a, b, w: (la.inv(a) * w).sum(),
    "cholesky": lambda la, a, b, w: (la.cholesky(a) * w).sum(),
    "det": lambda la, a, b, w: la.det(a),
    "logdet": lambda la, a, b, w: la.slogdet(a)[1],
    "svdvals": lambda la, a, b, w: (la.svdvals(a) * w[0]).sum(),
    "eigvalsh": lambda la, a, b, w: (la.eigvalsh(a) * w[0]).sum(),
}


def exact(op: str, a: np.ndarray, b: np.ndarray, w: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(a)
    if op == "solve":
        return -(inverse.T @ w[:, :4]) @ (inverse @ b).T
    if op == "inv":
        return -inverse.T @ w @ inverse.T
    if op == "det":
        return np.linalg.det(a) * inverse.T
    if op == "logdet":
        return inverse.T
    if op == "svdvals":
        u, _, vh = np.linalg.svd(a)
        return (u * w[0]) @ vh
    if op == "eigvalsh":
        _, v = np.linalg.eigh(a)
        return (v * w[0]) @ v.T
    lower = np.linalg.cholesky(a)
    inner = np.tril(lower.T @ np.tril(w))
    inner -= np.diag(np.diag(inner)) / 2
    middle = np.linalg.solve(lower.T, np.linalg.solve(lower.T, inner.T).T)
    return (middle + middle.T) / 2


def ours(op: str, *arrays: np.ndarray) -> np.ndarray:
    import scirs2_autograd as ag

    a, b, w = arrays
    return np.asarray(ag.grad(lambda a: LOSSES[op](ag.linalg, a, b, w))(a))


def of_torch(op: str, *arrays: np.ndarray) -> np.ndarray:
    torch = importlib.import_module("torch")
    a, b, w = (torch.from_numpy(x) for x in arrays)
    a.requires_grad_()
    LOSSES[op](torch.linalg, a, b, w).backward()
    return a.grad.numpy()


def of_jax(op: str, *arrays: np.ndarray) -> np.ndarray:
    jax = importlib.import_module("jax")
    a, b, w = arrays
    return np.asarray(jax.grad(lambda a: LOSSES[op](jax.numpy.linalg, a, b, w))(a))


CONTENDERS = {"scirs2_autograd": ours, "PyTorch": of_torch, "JAX": of_jax}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--condition", type=float, default=1e4)
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()
    print(f"| gradient of | {' | '.join(CONTENDERS)} |\n| --- |{' --: |' * len(CONTENDERS)}")
    for op in LOSSES:
        cells = []
        for gradient in CONTENDERS.values():
            errors = []
            for seed in range(arguments.draws):
                arrays = inputs(op, arguments.size, arguments.condition, seed)
                want = exact(op, *arrays)
                try:
                    got = gradient(op, *(x.astype(np.float32) for x in arrays))
                except ImportError:
                    break
                errors.append(np.linalg.norm(symmetric(op, got) - symmetric(op, want)) / np.linalg.norm(want))
            cells.append(f"{np.median(errors):.1e}" if errors else "")
        print(f"| {op} | {' | '.join(cells)} |")


def symmetric(op: str, g: np.ndarray) -> np.ndarray:
    """What all contenders agree on: of symmetric matrices some give the gradient of one triangle."""
    return (g + g.T) / 2 if op in ("cholesky", "eigvalsh") else g


if __name__ == "__main__":
    main()
