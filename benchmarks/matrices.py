"""Functions of matrices that all contenders compute: a number from a factorisation, with a gradient by the matrix."""

from collections.abc import Callable
from typing import Any

import numpy as np

#: What is computed, from a module of linear algebra `la`, the matrices `a`, right sides `b`, and weights `w`.
FUNCTIONS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "solve": lambda la, a, b, w: (la.solve(a, b) * w).sum(),
    "inv": lambda la, a, b, w: (la.inv(a) * w).sum(),
    "det": lambda la, a, b, w: (la.det(a) * w[..., 0, 0]).sum(),
    "cholesky": lambda la, a, b, w: (la.cholesky(a) * w).sum(),
    "eigh": lambda la, a, b, w: _by_eigenvalues(*la.eigh(a), w),
    "svd": lambda la, a, b, w: _by_singular_values(*la.svd(a, full_matrices=False), w),
}
#: What is computed without a gradient.
VALUES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "solve": lambda la, a, b: la.solve(a, b),
    "inv": lambda la, a, b: la.inv(a),
    "det": lambda la, a, b: la.det(a),
    "cholesky": lambda la, a, b: la.cholesky(a),
    "eigh": lambda la, a, b: la.eigh(a)[0],
    "svd": lambda la, a, b: la.svd(a, full_matrices=False)[1],
}
SYMMETRIC = ("cholesky", "eigh")


def _by_eigenvalues(values, vectors, w):
    return (((vectors * values[..., None, :] ** 2) @ vectors.mT) * w).sum()


def _by_singular_values(u, s, vh, w):
    return (((u * s[..., None, :] ** 3) @ vh) * w).sum()


def matrices(op: str, size: int, batch: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Well-conditioned matrices with values apart, right sides, and weights; float64."""
    rng = np.random.default_rng(size)
    lead = () if batch is None else (batch,)
    a = rng.standard_normal((*lead, size, size)) / np.sqrt(size) + np.eye(size) * 2.0
    if op in SYMMETRIC:
        a = a @ np.swapaxes(a, -1, -2) + 0.5 * np.eye(size)
    w = rng.standard_normal((*lead, size, size))
    if op == "eigh":
        w = w + np.swapaxes(w, -1, -2)
    return a, rng.standard_normal((*lead, size, size)), w
