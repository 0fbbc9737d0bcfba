"""Norms, pseudo-inverses, least squares and structured systems, where their spectra are degenerate too."""

import re

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse.linalg

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

L = T.linalg


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def with_values(rng, m, n, s):
    """A dense matrix with these singular values."""
    k = min(m, n)
    return (orthogonal(rng, m)[:, :k] * np.asarray(s, float)) @ orthogonal(rng, n)[:, :k].T


def differences(f, a, v, h=1e-4):
    """The derivative of `f` at `a` along `v`, by five points."""
    return (8 * (f(a + h * v) - f(a - h * v)) - (f(a + 2 * h * v) - f(a - 2 * h * v))) / (12 * h)


def gradient(f, a):
    return np.asarray(ag.grad(f)(a))


def along(f, a, v):
    """The second derivative of `f` times `v`."""
    return np.asarray(ag.grad(lambda x: T.reduce_sum(ag.grad(f)(x) * v))(a))


def near(got, want, tol=1e-9):
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * max(1.0, np.max(np.abs(want), initial=0.0)))


def checked(f, a, tol=1e-8):
    """The gradients of the first two orders against differences, along a random direction."""
    v = np.random.default_rng(1).standard_normal(np.shape(a))
    near(np.sum(gradient(f, a) * v), differences(lambda x: float(np.asarray(f(x))), a, v), tol)
    near(along(f, a, v), differences(lambda x: gradient(f, x), a, v), tol)


# Norms

ORDERS = ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
def test_norms_of_matrices_are_numpys(ord):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 3)), rng.standard_normal((2, 3, 4))
    near(T.norm(a, ord), np.linalg.norm(a, ord))
    near(L.norm(b, ord, axis=(-1, 0), keepdims=True), np.linalg.norm(b, ord, axis=(-1, 0), keepdims=True))
    near(L.matrix_norm(b, ord), np.linalg.norm(b, ord, axis=(-2, -1)))
    square = rng.standard_normal((2, 3, 3))
    near(L.cond(square, ord), np.linalg.cond(square, ord), 1e-8)
    checked(lambda x: T.norm(x, ord) ** 2, square[0], 1e-6)


def test_norms_of_vectors_keep_their_orders():
    a = np.random.default_rng(0).standard_normal((3, 4))
    for ord in (None, 0, 0.5, 3.5, np.inf):
        near(L.norm(a, ord, axis=-1), np.linalg.norm(a, ord, axis=-1))
    near(L.norm(a[None]), np.linalg.norm(a[None]))
    near(L.vector_norm(a, -2.1, axis=0), np.linalg.vector_norm(a, ord=-2.1, axis=0))


def test_singular_values_that_are_equal_share_the_gradient():
    rng = np.random.default_rng(0)
    for s, k in ([3, 3, 1, 1], 2), ([2, 2, 2, 2], 4), ([3, 2, 1, 0], 1):
        a = with_values(rng, 4, 4, s)
        u, _, vh = np.linalg.svd(a)
        near(gradient(T.spectral_norm, a), u[:, :k] @ vh[:k] / k)
    near(gradient(lambda x: T.norm(x, -2), a), np.zeros((4, 4)))


def test_norms_at_zero_values_have_the_shortest_subgradient():
    a = with_values(np.random.default_rng(0), 4, 4, [3, 2, 0, 0])
    u, _, vh = np.linalg.svd(a)
    near(gradient(T.nuclear_norm, a), u[:, :2] @ vh[:2])
    for f in T.nuclear_norm, T.frobenius_norm, T.spectral_norm:
        near(gradient(f, np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize(("m", "n", "s"), [(4, 4, [3, 2, 2, 1]), (4, 4, [2] * 4), (5, 3, [2, 2, 1]), (3, 5, [2, 2, 2])])
def test_the_nuclear_norm_has_its_second_derivative_at_repeated_values(m, n, s):
    def polar(x):
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        return u @ vh

    rng = np.random.default_rng(0)
    a, v = with_values(rng, m, n, s), rng.standard_normal((m, n))
    near(gradient(T.nuclear_norm, a), polar(a), 1e-12)
    near(along(T.nuclear_norm, a, v), differences(polar, a, v))


def test_condition_numbers_of_singular_matrices_are_infinite():
    singular, regular = np.array([[1.0, 0.0], [0.0, 0.0]]), np.diag([2.0, 8.0])
    for p in (None, *ORDERS):
        got = np.asarray(L.cond(np.stack([singular, regular]), p))
        near(got[1], np.linalg.cond(regular, p))
        assert got[0] == (0.0 if p == -2 else np.inf)
        near(gradient(lambda x, p=p: L.cond(x, p), singular), np.zeros((2, 2)))
    near(L.cond(np.ones((3, 4, 2)) + np.eye(4, 2)), np.linalg.cond(np.ones((3, 4, 2)) + np.eye(4, 2)))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda a: T.norm(a, "bad"),
            'norm: matrices have no norm of this order. Got \'bad\'; expected "fro", "nuc", 1, -1, 2, -2, inf or -inf.',
        ),
        (lambda a: T.norm(a, 3), "norm: matrices have no norm of this order. Got 3;"),
        (lambda a: T.norm(a[None], "nuc"), 'norm: a norm of matrices is asked for. Got ord="nuc" for 3 dimensions;'),
        (lambda a: L.cond(a, 3), "cond: matrices have no norm of this order. Got 3;"),
        (lambda a: L.cho_solve((a, True), a, lower=False), "cho_solve: `lower` is given twice. Got True and False;"),
        (lambda a: L.funm(a, T.exp, hermitian=False), "funm: only functions of symmetric matrices are known. Got hermitian=False;"),
        (lambda a: L.funm(a, T.reduce_sum), "funm: the function does not keep the eigenvalues apart. Got shape ();"),
        (lambda a: L.cg(lambda v: v, a), "cg: a function takes vectors. Got 2 dimensions for b;"),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call(np.eye(2))


# Pseudo-inverses and least squares

SPECTRA = [
    (4, 4, [3, 2, 1, 0.5]),
    (5, 3, [2, 2, 1]),
    (3, 5, [2, 1, 1]),
    (4, 4, [2, 2, 0, 0]),
    (5, 4, [3, 1, 1, 0]),
    (4, 6, [1, 1, 0, 0]),
    (4, 4, [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("m", "n", "s"), SPECTRA)
def test_pseudo_inverses_of_every_rank(m, n, s):
    rng = np.random.default_rng(0)
    a, c, r = with_values(rng, m, n, s), rng.standard_normal((n, m)), np.count_nonzero(s)
    near(T.pinv(a), np.linalg.pinv(a, 1e-12), 1e-12)
    assert T.matrix_rank(a) == r

    def f(x):
        return T.reduce_sum(T.pinv(x) * c)

    if r == min(m, n):
        checked(f, a)
    if r == 0:
        return
    # Along a path on which the rank stays.
    x, y = rng.standard_normal((2, m, r)), rng.standard_normal((2, r, n))
    u, v, w = np.linalg.svd(a)
    x[0], y[0] = u[:, :r] * v[:r], w[:r]
    path = np.array([x[0] @ y[0], x[1] @ y[0] + x[0] @ y[1], x[1] @ y[1]])

    def at(t, _=None):
        return path[0] + t * path[1] + t * t * path[2]

    def slope(t):
        return np.sum(gradient(f, at(t)) * (path[1] + 2 * t * path[2]))

    near(slope(0.0), differences(lambda t: np.sum(np.linalg.pinv(at(t), 1e-9) * c), 0.0, 1.0, 1e-3))
    second = np.sum(along(f, a, path[1]) * path[1]) + 2 * np.sum(gradient(f, a) * path[2])
    near(second, differences(slope, 0.0, 1.0, 1e-3), 1e-8)


@pytest.mark.parametrize(("s", "rtol"), [([3, 2, 1, 0.5], 0.4), ([3, 2, 1, 0], 0.4), ([2, 2, 1, 1], 0.7)])
def test_a_cut_above_values_that_are_not_zero(s, rtol):
    rng = np.random.default_rng(0)
    a, c = with_values(rng, 4, 4, s), rng.standard_normal((4, 4))
    near(T.pinv(a, rtol), np.linalg.pinv(a, rtol), 1e-12)
    near(T.pinv(a, rtol=1.0), np.zeros((4, 4)))
    checked(lambda x: T.reduce_sum(T.pinv(x, rtol=rtol) * c), a)


def test_pseudo_inverses_of_symmetric_and_of_empty_matrices():
    q = orthogonal(np.random.default_rng(0), 4)
    a = q * [2.0, -2.0, 1.0, 0.0] @ q.T
    near(T.pinv(a, hermitian=True), np.linalg.pinv(a, 1e-12, hermitian=True), 1e-12)
    for shape in (0, 3), (3, 0), (2, 0, 3, 2):
        np.testing.assert_array_equal(T.pinv(np.zeros(shape)), np.linalg.pinv(np.zeros(shape)))
    near(T.pinv([[1.0, 0.0], [2.0, 0.0]]), [[0.2, 0.4], [0.0, 0.0]])


@pytest.mark.parametrize(("m", "n", "s"), SPECTRA)
def test_least_squares_of_every_shape_and_rank(m, n, s):
    rng = np.random.default_rng(0)
    a, b = with_values(rng, m, n, s), rng.standard_normal((m, 2))
    x, residuals, rank, values = L.lstsq(a, b)
    want, _, ranked, singular = np.linalg.lstsq(a, b, 1e-12)
    near(x, want, 1e-12)
    near(residuals, np.sum((a @ want - b) ** 2, axis=0) if m > n else [])
    assert L.lstsq(a, b[:, 0])[1].shape == ((1,) if m > n else (0,))
    near(values, singular, 1e-12)
    assert rank == ranked
    near(L.lstsq(a, b[:, 0])[0], want[:, 0], 1e-12)
    c, v = rng.standard_normal((n, 2)), rng.standard_normal((m, n))

    def solved(x):
        return T.reduce_sum(L.lstsq(x, b)[0] * c)

    def multiplied(x):
        return T.reduce_sum(T.matmul(T.pinv(x), b) * c)

    near(gradient(solved, a), gradient(multiplied, a))
    near(along(solved, a, v), along(multiplied, a, v))
    checked(lambda y: T.reduce_sum(L.lstsq(a, y)[0] ** 2), b)
    if 0 not in s:
        checked(lambda ab: T.reduce_sum(L.lstsq(ab[:, :n], ab[:, n:])[0] ** 2 * c), np.hstack([a, b]))


# Systems


@pytest.mark.parametrize(("n", "lower", "upper"), [(1, 0, 0), (6, 1, 1), (7, 2, 1), (7, 0, 2), (5, 3, 0), (4, 5, 4), (50, 3, 2)])
def test_banded_systems(n, lower, upper):
    rng = np.random.default_rng(0)
    ab = rng.standard_normal((lower + upper + 1, n))
    i, j = np.indices((n, n))
    inside = (i - j <= lower) & (j - i <= upper)
    dense = np.where(inside, ab[np.clip(upper + i - j, 0, lower + upper), j], 0.0)
    b, c = rng.standard_normal((n, 2)), rng.standard_normal((n, 2))
    near(L.solve_banded((lower, upper), ab, b), np.linalg.solve(dense, b), 1e-8)
    near(L.solve_banded((lower, upper), ab, b[:, 0]), np.linalg.solve(dense, b[:, 0]), 1e-8)
    if n < 10:
        heavy = ab + 3.0 * (np.arange(lower + upper + 1) == upper)[:, None]
        checked(lambda x: T.reduce_sum(L.solve_banded((lower, upper), x, b) * c), heavy)
        checked(lambda x: T.reduce_sum(L.solve_banded((lower, upper), heavy, x) ** 3 * c), b)


def test_a_singular_banded_matrix_is_named():
    ab = np.ones((2, 3, 5)) * [[0.0], [1.0], [0.0]]
    ab[1, 1, 3] = 0.0
    with pytest.raises(
        ag.LinAlgError, match=r"matrix is singular. Got a pivot of 0 in column 3 in matrix 1; expected an invertible matrix"
    ):
        np.asarray(L.solve_banded((1, 1), ab, np.ones((5, 1))))


def test_tridiagonal_systems_take_both_forms_and_long_ones():
    rng = np.random.default_rng(0)
    below, above, d, b = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal(5), rng.standard_normal(5)
    want = np.linalg.solve(np.diag(below, -1) + np.diag(d) + np.diag(above, 1), b)
    near(L.solve_tridiagonal(below, d, above, b), want)
    near(L.tridiagonal_solve(np.r_[np.nan, below], d, np.r_[above, np.nan], b), want)
    one = np.ones(100_000)
    f = L.solve_tridiagonal
    g = gradient(lambda d: T.reduce_sum(f(one[1:], d, one[1:], one)), 4.0 * one)
    x = np.asarray(f(one[1:], 4.0 * one, one[1:], one))
    near(g, -x * x, 1e-12)


def test_conjugate_gradients():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((6, 6))
    a, b = a @ a.T + 6.0 * np.eye(6), rng.standard_normal(6)
    near(L.cg(a, b), scipy.sparse.linalg.cg(a, b)[0], 1e-12)
    near(L.cg(a, b, rtol=1e-13), np.linalg.solve(a, b))
    near(L.cg(lambda v: T.matmul(a, v), b, rtol=1e-13), np.linalg.solve(a, b))
    checked(lambda x: T.reduce_sum(L.cg(x, b, rtol=1e-14) ** 2), a)
    checked(lambda x: T.reduce_sum(L.cg(a, x, rtol=1e-14) ** 3), b)
    checked(lambda s: T.reduce_sum(L.cg(lambda v: T.matmul(a, v) * s, b, rtol=1e-14) ** 2), np.array(1.5))
    start = np.linalg.solve(a, b)
    near(L.cg(a, b, start, maxiter=0), start)
    for matrix, steps, text in (
        (a, 1, "after 1 steps in column 0"),
        (-a, None, "after 0 steps"),
        (np.diag([1.0] * 5 + [-9.0]), None, "residual of"),
    ):
        with pytest.raises(ag.LinAlgError, match=text):
            np.asarray(L.cg(matrix, b, maxiter=steps))


def test_cholesky_factors_of_both_triangles():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 4))
    a, b = a @ a.T + np.eye(4), rng.standard_normal((4, 2))
    for lower in False, True:
        c, own = L.cho_factor(a, lower)
        assert own == lower
        near(L.cho_solve((c, lower), b), np.linalg.solve(a, b))
        near(L.cho_solve(c, b, lower=lower), np.linalg.solve(a, b))
        checked(lambda x, lower=lower: T.reduce_sum(L.cho_solve(L.cho_factor(x, lower), b) ** 2), a)


def test_functions_of_symmetric_matrices_at_equal_eigenvalues():
    rng = np.random.default_rng(0)
    q, c = orthogonal(rng, 4), rng.standard_normal((4, 4))
    a = q * [1.0, 1.0, 2.0, 2.0] @ q.T
    near(L.funm(a, T.exp), scipy.linalg.expm(a), 1e-12)
    near(gradient(lambda x: T.reduce_sum(L.funm(x, T.exp) * c), a), scipy.linalg.expm_frechet(a, (c + c.T) / 2, compute_expm=False))


def test_reflections_are_lapacks():
    rng = np.random.default_rng(0)
    for m, n in (5, 3), (4, 4), (60, 30):
        (h, tau), _ = scipy.linalg.qr(rng.standard_normal((m, n)), mode="raw")
        for k in n, n - 1:
            near(L.householder_product(h, tau[:k]), scipy.linalg.lapack.dorgqr(h, tau[:k])[0], 1e-12)


def test_many_matrices_are_multiplied_in_the_best_order():
    rng = np.random.default_rng(0)
    shapes = [(7, 2), (2, 9), (9, 1), (1, 5)]
    arrays = [rng.standard_normal(s) for s in shapes]
    near(L.multi_dot(arrays), np.linalg.multi_dot(arrays))
    vectors = [arrays[0][0], *arrays[1:3], arrays[3][:, 0]]
    near(L.multi_dot(vectors), np.linalg.multi_dot(vectors))


def test_values_below_the_cut_of_a_pseudo_inverse_leave_no_nan():
    rng = np.random.default_rng(1)
    c = rng.standard_normal((3, 3))

    def cut(x):
        return T.reduce_sum(T.pinv(x, rcond=0.1) * c)

    def symmetric(x):
        return T.reduce_sum(T.pinv(x, rcond=0.1, hermitian=True) * c)

    def whole(x):
        return T.reduce_sum(T.pinv(x) * c)

    for f in (cut, symmetric):
        assert not np.any(ag.grad(f)(np.zeros((3, 3))))
        assert not np.any(ag.hessian(f)(np.zeros((3, 3))))
    # Of a value that is zero, with a gap above it, the singular vectors give what the rule of constant rank gives.
    a = with_values(rng, 3, 3, [2.0, 1.0, 0.0])
    near(gradient(cut, a), gradient(whole, a))
    assert np.all(np.isfinite(ag.hessian(cut)(a)))


def test_diagnostics():
    a = np.random.default_rng(0).standard_normal((4, 4))
    near(L.rcond(a), 1 / np.linalg.cond(a, 1))
    assert L.rcond(np.ones((2, 2))) == 0.0
    assert L.relative_gap([3.0]) == np.inf
    assert L.relative_gap(np.zeros(3)) == 0.0
    near(L.relative_gap([4.0, 1.0, 3.0]), 0.25)
