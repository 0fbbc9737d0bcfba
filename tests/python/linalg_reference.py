"""The part of `ref` for matrices with a structure, norms and systems."""

import numpy as np

__all__ = [
    "band_matrix",
    "banded_solved",
    "cho_solve",
    "cond",
    "householder_product",
    "lstsq",
    "matrix_norm",
    "matrix_rank",
    "pinv",
    "relative_gap",
    "solve_banded",
    "solve_tridiagonal",
    "toeplitz",
    "vander",
]


def order(text):
    """A norm of matrices as NumPy has it."""
    return text if text in ("fro", "nuc") else float(text)


def matrix_norm(x, ord, axis, keepdims):
    return np.linalg.norm(x, order(ord), tuple(axis), keepdims)


def cond(a, p):
    return np.linalg.cond(a, order(p))


def matrix_rank(a, tol, rtol, hermitian):
    return np.linalg.matrix_rank(a, tol, hermitian) if rtol is None else np.linalg.matrix_rank(a, rtol=rtol, hermitian=hermitian)


def relative_gap(s):
    s = np.sort(s)
    return np.min(np.diff(s), axis=-1) / np.max(np.abs(s), axis=-1)


def pinv(a, rcond, rtol, hermitian):
    a = (a + np.swapaxes(a, -1, -2)) / 2 if hermitian else a
    return np.linalg.pinv(a, next((t for t in (rcond, rtol) if t is not None), 1e-12), hermitian)


def lstsq(a, b, rcond):
    """`np.linalg.lstsq` over a batch, without what is left."""
    s = np.linalg.svd(a, compute_uv=False)
    rcond = 1e-12 if rcond is None else rcond
    return np.linalg.pinv(a, rcond) @ b, np.sum(s > rcond * s[..., :1], axis=-1), s


def cho_solve(c, b, lower):
    c = np.tril(c) if lower else np.swapaxes(np.triu(c), -1, -2)
    return np.linalg.solve(c @ np.swapaxes(c, -1, -2), b)


def dense(ab, lower, upper):
    """The matrix that has these diagonals."""
    n = np.shape(ab)[-1]
    a = np.zeros((*np.shape(ab)[:-2], n, n), ab.dtype)
    for i in range(n):
        for j in range(max(0, i - lower), min(n, i + upper + 1)):
            a[..., i, j] = ab[..., upper + i - j, j]
    return a


def banded_solved(ab, b, lower, upper, transpose):
    a = dense(ab, lower, upper)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transpose else a, b)


def solve_banded(l_and_u, ab, b):
    return banded_solved(ab, b, *l_and_u, False)


def solve_tridiagonal(dl, d, du, b):
    n = np.shape(d)[-1]
    dl, du = (dl if np.shape(dl)[-1] < n else dl[..., 1:]), (du if np.shape(du)[-1] < n else du[..., :-1])
    i = np.arange(n)
    a = np.zeros((*np.shape(d), n), d.dtype)
    a[..., i, i], a[..., i[1:], i[:-1]], a[..., i[:-1], i[1:]] = d, dl, du
    return np.linalg.solve(a, b)


def band_matrix(a, lower, upper):
    m, n = np.shape(a)[-2:]
    far = np.arange(n) - np.arange(m)[:, None]
    return np.where(((lower < 0) | (-far <= lower)) & ((upper < 0) | (far <= upper)), a, 0)


def vander(x, N, increasing):
    N = np.shape(x)[-1] if N is None else N
    rows = [np.vander(row, N, increasing) for row in x.reshape(-1, np.shape(x)[-1])]
    return np.reshape(rows, (*np.shape(x), N)).astype(x.dtype)


def toeplitz(c, r):
    r = c if r is None else r
    return np.array([[c[i - j] if i >= j else r[j - i] for j in range(len(r))] for i in range(len(c))])


def householder_product(h, tau):
    m, n = np.shape(h)[-2:]
    q = np.zeros((*np.shape(h)[:-2], m, m), h.dtype) + np.eye(m)
    for k in range(np.shape(tau)[-1]):
        v = np.where(np.arange(m) > k, h[..., k], np.arange(m) == k)
        q = q - tau[..., k, None, None] * (q @ v[..., None]) * v[..., None, :]
    return q[..., :n]
