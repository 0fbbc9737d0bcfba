"""Dense matrices with a given spectrum, and functions of matrices written by a factorisation and without one."""

import numpy as np

from scirs2_autograd import tensor_ops as T


def basis(rng, n, k):
    """`k` orthonormal vectors as columns."""
    return np.linalg.qr(rng.standard_normal((n, n)))[0][:, :k]


def with_values(rng, m, n, s):
    """A dense `m x n` matrix with these singular values."""
    s = np.asarray(s, float)
    return (basis(rng, m, len(s)) * s) @ basis(rng, n, len(s)).T


def symmetric(rng, w):
    """A dense symmetric matrix with these eigenvalues."""
    v = basis(rng, len(w), len(w))
    a = (v * np.asarray(w, float)) @ v.T
    return (a + a.T) / 2


def transposed(x):
    return T.transpose(x)


def by_svd(x, f):
    """`U f(S) Vh`."""
    u, s, vh = T.svd(x)
    return T.matmul(u * f(s), vh)


def by_eigh(x, f):
    """`V f(w) V^T`."""
    w, v = T.eigh(x)
    return T.matmul(v * f(w), transposed(v))


def gram(x):
    return T.matmul(x, transposed(x))


def _left(x, f):
    u, s, _ = T.svd(x)
    return T.matmul(u * f(s), transposed(u))


def _right(x, f):
    _, s, vh = T.svd(x)
    return T.matmul(transposed(vh) * f(s), vh)


def _full(x):
    u, s, vh = T.svd(x, full_matrices=True)
    k = min(x.shape)
    projector = T.matmul(u[:, :k], transposed(u[:, :k]))
    return T.matmul(projector, T.matmul(u[:, :k] * s, vh[:k]))


def _symmetric_part(x):
    return (x + transposed(x)) * 0.5


def resolved(x):
    """`x (I + x^T x)^-1` without a factorisation that has values."""
    return T.transpose(T.solve(np.eye(x.shape[1]) + T.matmul(transposed(x), x), transposed(x)))


#: Functions of any matrix: by its singular values, and without them.
GENERAL = {
    "u s vh": (lambda x: by_svd(x, lambda s: s), lambda x: x * 1.0),
    "u s^3 vh": (lambda x: by_svd(x, lambda s: s**3), lambda x: T.matmul(gram(x), x)),
    "u s^5 vh": (lambda x: by_svd(x, lambda s: s**5), lambda x: T.matmul(gram(x), T.matmul(gram(x), x))),
    "u s/(1+s^2) vh": (lambda x: by_svd(x, lambda s: s / (1.0 + s * s)), resolved),
    "u s^2 uh": (lambda x: _left(x, lambda s: s**2), gram),
    "u s^4 uh": (lambda x: _left(x, lambda s: s**4), lambda x: T.matmul(gram(x), gram(x))),
    "v s^2 vh": (lambda x: _right(x, lambda s: s**2), lambda x: T.matmul(transposed(x), x)),
    "bases": (_full, lambda x: x * 1.0),
    "products": (
        lambda x: by_svd(x, lambda s: s**3) * T.sin(by_svd(x, lambda s: s)),
        lambda x: T.matmul(gram(x), x) * T.sin(x),
    ),
    "values": (
        lambda x: T.sum(T.svdvals(x) ** 4) * T.sum(T.svdvals(x) ** 2),
        lambda x: T.sum(gram(x) ** 2) * T.sum(x**2),
    ),
    "log det": (lambda x: T.sum(T.log(1.0 + T.svdvals(x) ** 2)), lambda x: T.logdet(np.eye(x.shape[0]) + gram(x))),
}

#: Functions of the symmetric part of a matrix: by its eigenvalues, and without them.
SYMMETRIC = {
    "v w v": (lambda x: by_eigh(x, lambda w: w), _symmetric_part),
    "v w^2 v": (lambda x: by_eigh(x, lambda w: w * w), lambda x: gram(_symmetric_part(x))),
    "v w^3 v": (lambda x: by_eigh(x, lambda w: w**3), lambda x: T.matmul(gram(_symmetric_part(x)), _symmetric_part(x))),
    "v 1/(9+w) v": (lambda x: by_eigh(x, lambda w: 1.0 / (9.0 + w)), lambda x: T.inv(9.0 * np.eye(x.shape[0]) + _symmetric_part(x))),
    "values": (
        lambda x: T.sum(T.eigvalsh(x) ** 2) * T.sum(T.eigvalsh(x) ** 3),
        lambda x: T.sum(_symmetric_part(x) ** 2) * T.sum(gram(_symmetric_part(x)) * _symmetric_part(x)),
    ),
    "log det": (lambda x: T.sum(T.log(9.0 + T.eigvalsh(x))), lambda x: T.logdet(9.0 * np.eye(x.shape[0]) + _symmetric_part(x))),
}


def weighted(f, weights):
    """The sum of `f` with weights that differ."""
    return lambda x: T.sum(f(x) * weights)


def weights_of(rng, f, a):
    """Weights for the result of `f`."""
    return rng.uniform(0.5, 1.5, np.shape(np.asarray(f(a)))) * rng.choice([-1.0, 1.0], np.shape(np.asarray(f(a))))
