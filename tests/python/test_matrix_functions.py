"""Functions of matrices where their derivatives are hard: equal eigenvalues, complex pairs, zeros, large norms."""

import numpy as np
import pytest
import scipy.linalg

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

SMOOTH = ["expm", "logm", "sqrtm", "sinm", "cosm", "sinhm", "coshm", "tanhm"]


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def symmetric(rng, w):
    q = orthogonal(rng, len(w))
    a = q @ np.diag(w) @ q.T
    return (a + a.T) / 2


def near(got, want, tolerance):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert np.max(np.abs(got - want)) <= tolerance * np.max(np.abs(want)), (got, want)


def differences(f, x, h):
    """Derivatives of order 4 by differences."""
    steps = np.zeros((x.size, *x.shape))
    steps.reshape(x.size, x.size)[np.diag_indices(x.size)] = h
    return np.array([(8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * h) for e in steps]).reshape(*x.shape, -1)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("w", [(1, 1, 2), (1, 1, 1), (2, 2, 1, 1)] + [(1, 1 + 10.0**-k, 2) for k in (1, 4, 6, 8, 11, 15)], ids=str)
def test_equal_eigenvalues_are_ordinary_points(name, w):
    """Divided differences agree with the way of general matrices, which knows nothing of eigenvalues."""
    rng = np.random.default_rng(0)
    a, c, f = symmetric(rng, w), rng.standard_normal((len(w), len(w))), getattr(T, name)

    def by_eigenvalues(x):
        return T.reduce_sum(T.sin(f(x, hermitian=True)) * c)

    def in_general(x):
        return T.reduce_sum(T.sin(f((x + T.transpose(x)) * 0.5)) * c)

    near(ag.grad(by_eigenvalues)(a), ag.grad(in_general)(a), 1e-11)
    near(ag.hessian(by_eigenvalues)(a), ag.hessian(in_general)(a), 1e-10)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("name", [*SMOOTH, "signm"])
def test_derivatives_of_general_matrices(name, n):
    rng = np.random.default_rng(n)
    a, c, f = rng.standard_normal((n, n)) * 0.5, rng.standard_normal((n, n)), getattr(T, name)
    if name in ("logm", "sqrtm"):
        a = scipy.linalg.expm(a)
    if name == "signm":
        q = rng.standard_normal((n, n)) + 2 * np.eye(n)
        a = q @ np.diag(np.linspace(-1.5, 2.1, n)) @ np.linalg.inv(q)

    def loss(x):
        return T.reduce_sum(T.sin(f(x)) * c)

    near(ag.grad(loss)(a), differences(lambda x: np.asarray(loss(x)), a, 1e-3)[..., 0], 1e-8)
    near(ag.hessian(loss)(a), differences(lambda x: np.asarray(ag.grad(loss)(x)).ravel(), a, 1e-3).reshape((n,) * 4), 1e-8)


def test_schur_form_with_complex_pairs():
    rng = np.random.default_rng(7)
    pair = scipy.linalg.block_diag([[0.3, 2.0], [-1.0, 0.3]], [[1.5]], [[-1.0, 0.7], [-2.0, -1.0]])
    q = orthogonal(rng, 5)
    a = q @ (pair + np.triu(rng.standard_normal((5, 5)), 2)) @ q.T
    c, d = rng.standard_normal((2, 5, 5))
    t, z = map(np.asarray, T.schur(a))
    assert sum(np.diag(t, -1) != 0) == 2
    near(z @ t @ z.T, a, 1e-14)
    near(z.T @ z, np.eye(5), 1e-14)

    def loss(x):
        t, z = T.schur(x)
        return T.reduce_sum(T.sin(t) * c) + T.reduce_sum(z * d)

    near(ag.grad(loss)(a), differences(lambda x: np.asarray(loss(x)), a, 1e-5)[..., 0], 1e-8)
    near(ag.hessian(loss)(a), differences(lambda x: np.asarray(ag.grad(loss)(x)).ravel(), a, 1e-5).reshape((5,) * 4), 1e-8)
    near(ag.grad(lambda x: T.reduce_sum(T.schur(x)[0] ** 2))(a), 2 * a, 1e-13)


@pytest.mark.parametrize(
    ("f", "a", "message"),
    [
        (T.sqrtm, [[0.0, 1], [0, 0]], "sqrtm: there is no square root"),
        (T.sqrtm, [[1.0, 0], [0, -1]], "sqrtm: there is no real square root. Got an eigenvalue of -1e0"),
        (T.logm, [[1.0, 0], [0, 0]], "logm: there is no real logarithm. Got an eigenvalue of 0e0"),
        (T.signm, [[0.0, -1], [1, 0]], "signm: the sign is not defined"),
        (T.expm, [[1000.0]], "expm: the result overflows"),
        (T.expm, [[np.nan]], "expm: the matrix is not finite"),
        (lambda a: T.solve_sylvester(a, -np.asarray(a), a), [[1.0, 0], [0, 2]], "solve_sylvester: the equation is singular"),
        (ag.grad(lambda x: T.reduce_sum(T.sqrtm(x))), np.diag([1.0, 0]), "sqrtm: the square root has no derivative"),
        (ag.grad(lambda x: T.reduce_sum(T.sqrtm(x, hermitian=True))), np.diag([1.0, 0]), "sqrtm: the square root has no derivative"),
        (ag.grad(lambda x: T.reduce_sum(T.schur(x)[0])), np.eye(2), "the Schur form has no gradient at repeated eigenvalues"),
        (ag.grad(lambda x: T.reduce_sum(T.schur(x)[0])), np.array([[0.0, -1], [1, 0]]), "any rotation of a block"),
    ],
)
def test_what_has_no_value_or_no_derivative_is_an_error(f, a, message):
    with pytest.raises(ag.LinAlgError) as e:
        np.asarray(f(a))
    assert message in str(e.value)


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("n", [3, 2.0, -2, 0])
def test_whole_powers_take_every_spectrum(n, hermitian):
    a = symmetric(np.random.default_rng(2), (-3.0, -1.0, 2.0))
    near(T.matrix_pow(a, n, hermitian=hermitian), np.linalg.matrix_power(a, int(n)), 1e-13)
    got = ag.grad(lambda x: T.reduce_sum(T.sin(T.matrix_pow(x, n, hermitian=hermitian))))(a)
    want = ag.grad(lambda x: T.reduce_sum(T.sin(T.matrix_power(x, int(n)))))(a)
    assert np.allclose(got, (want + want.T) / 2 if hermitian else want, rtol=1e-12, atol=1e-13)


def test_values_at_the_ends_of_the_range():
    near(T.sqrtm(np.diag([1.0, 0, 4])), np.diag([1.0, 0, 2]), 0)
    near(T.logm(np.diag([1e-300, 1e300])), np.diag([-690.7755278982137, 690.7755278982137]), 1e-15)
    near(T.tanhm(np.diag([50.0, -3, 1e3])), np.diag(np.tanh([50.0, -3, 1e3])), 1e-15)
    near(T.expm([[0, 1e60], [0, 0]]), [[1, 1e60], [0, 1]], 0)
    for f in (T.expm, T.logm, T.sqrtm, T.signm, T.tanhm, T.cosm):
        assert np.asarray(f(np.zeros((2, 0, 0)))).shape == (2, 0, 0)
