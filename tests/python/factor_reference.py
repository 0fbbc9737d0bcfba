"""The part of `ref` for factorisations: NumPy's and SciPy's, with the signs and the order that rows promise."""

import itertools

import numpy as np
import scipy.linalg

__all__ = [
    "canonical",
    "cholesky_cotangent",
    "cluster_steps",
    "cofactors",
    "cofactors_along",
    "eig",
    "eig_parts",
    "eigh",
    "exchange_rows",
    "lu_factor",
    "qr",
    "small_solve",
    "svd",
    "symmetric",
]


def _largest(v, axis):
    """The entries of the largest magnitude along an axis, which has length 1 then."""
    return np.take_along_axis(v, np.abs(v).argmax(axis=axis, keepdims=True), axis)


def canonical(name, parts):
    """The results of NumPy's function of this name with the signs and the order that rows promise."""
    parts = [np.array(p) for p in parts]
    if name == "svd" and len(parts) == 3:
        u, s, vh = parts
        k = s.shape[-1]
        sign = np.sign(_largest(vh[..., :k, :], -1))
        vh[..., :k, :] *= sign
        u[..., :, :k] *= np.swapaxes(sign, -1, -2)
        # Vectors that complete a basis are free: what counts is their space.
        rest = u[..., :, k:], vh[..., k:, :]
        u, vh = u[..., :, :k], vh[..., :k, :]
        return [u, s, vh, rest[0] @ np.swapaxes(rest[0], -1, -2), np.swapaxes(rest[1], -1, -2) @ rest[1]]
    if name == "eigh":
        parts[1] *= np.sign(_largest(parts[1], -2))
    if name == "qr" and len(parts) == 2:
        q, r = parts
        k = min(q.shape[-2], r.shape[-1])
        sign = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
        q[..., :, :k] *= sign[..., None, :]
        r[..., :k, :] *= sign[..., :, None]
    if name in ("eig", "eigvals"):
        order = np.argsort(parts[0].real, axis=-1)
        parts[0] = np.take_along_axis(parts[0], order, -1)
        if name == "eig":
            v = np.take_along_axis(parts[1], order[..., None, :], -1)
            parts[1] = v * np.sign(_largest(v, -2))
    return parts


def svd(a, full_matrices):
    u, s, vh = np.linalg.svd(a, full_matrices=full_matrices)
    k = s.shape[-1]
    sign = np.sign(_largest(vh[..., :k, :], -1))
    u, vh = u.copy(), vh.copy()
    vh[..., :k, :] *= sign
    u[..., :, :k] *= np.swapaxes(sign, -1, -2)
    return u, s, vh


def symmetric(a, uplo):
    transposed = np.swapaxes(a, -1, -2)
    if uplo == "both":
        return (a + transposed) / 2
    half = np.tril(a, -1) if uplo == "L" else np.triu(a, 1)
    return half + np.swapaxes(half, -1, -2) + np.eye(a.shape[-1]) * a


def eigh(a):
    return tuple(canonical("eigh", np.linalg.eigh(a)))


def qr(a, complete):
    return tuple(canonical("qr", np.linalg.qr(a, mode="complete" if complete else "reduced")))


def lu_factor(a):
    flat = a.reshape(-1, *a.shape[-2:])
    made = [scipy.linalg.lu_factor(x) for x in flat]
    return np.reshape([f for f, _ in made], a.shape), np.reshape([p for _, p in made], a.shape[:-1]).astype(np.int32)


def exchange_rows(x, pivots, back):
    y = np.array(x)
    for i in range(len(pivots))[:: -1 if back else 1]:
        y[[i, pivots[i]]] = y[[pivots[i], i]]
    return y


def eig_parts(a):
    w, v = np.linalg.eig(a)
    w, v = np.asarray(w, complex), np.asarray(v, complex)
    order = np.lexsort((w.imag, w.real), axis=-1)
    w = np.take_along_axis(w, order, -1)
    v = np.take_along_axis(v, order[..., None, :], -1)
    most = _largest(v, -2)
    v = v * np.conj(most) / np.abs(most)
    return w.real, w.imag, v.real, v.imag


def eig(a):
    w, _, v, _ = eig_parts(a)
    return w, v


def cluster_steps(s, zeros):
    t = np.zeros(s.shape)
    near = 1e-5 * np.abs(s).max(axis=-1)
    for at in np.ndindex(s.shape[:-1]):
        k = s.shape[-1]
        cuts = [0, *(i for i in range(1, k) if abs(s[at][i] - s[at][i - 1]) > near[at]), k]
        for first, end in itertools.pairwise(cuts):
            n, rises = end - first, s[at][end - 1] > s[at][first]
            rank = np.arange(n) if rises else np.arange(n)[::-1]
            zero = zeros and np.abs(s[at][first:end]).min() <= near[at]
            t[at][first:end] = rank + 1 if zero else rank - (n - 1) / 2
    return t


def cofactors_along(a, h):
    inverse = np.linalg.inv(a)
    return np.linalg.det(a) * (np.trace(inverse @ h) * inverse - inverse @ h @ inverse).T


def cofactors(a):
    return np.linalg.det(a)[..., None, None] * np.linalg.inv(a).mT


def small_solve(a, b):
    return np.linalg.solve(a, b), *lu_factor(a)


def cholesky_cotangent(l, g):  # noqa: E741
    l = np.tril(l)  # noqa: E741
    p = np.tril(l.mT @ g)
    p = p - 0.5 * p * np.eye(p.shape[-1])
    inverse = np.linalg.inv(l)
    s = inverse.mT @ p @ inverse
    return (s + s.mT) / 2
