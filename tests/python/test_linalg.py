"""Identities of factorisations, solvers and determinants, and what they refuse; NumPy's functions of tensors."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T
from spectra import symmetric, with_values

SIZES = [1, 2, 3, 4, 5, 8, 13, 16, 17, 31, 32, 33, 64]


def kinds(n, seed=0):
    """Square matrices of many kinds."""
    rng = np.random.default_rng(seed + n)
    yield "random", rng.standard_normal((n, n))
    yield "repeated", with_values(rng, n, n, np.repeat([2.0, 1.0], [n - n // 2, n // 2]))
    yield "rank deficient", with_values(rng, n, n, np.r_[np.linspace(2, 1, n - n // 3), np.zeros(n // 3)])
    yield "graded", with_values(rng, n, n, np.logspace(0, -12, n))
    yield "zero", np.zeros((n, n))
    yield "identity", np.eye(n)
    yield "diagonal", np.diag(rng.permutation(np.arange(1.0, n + 1)))
    yield "large", rng.standard_normal((n, n)) * 1e150
    yield "small", rng.standard_normal((n, n)) * 1e-150


def near(got, want, scale=None, tolerance=1e-12):
    size = np.abs(want).max(initial=0.0) if scale is None else scale
    np.testing.assert_allclose(np.asarray(got), want, rtol=0, atol=tolerance * size)


@pytest.mark.parametrize("n", SIZES)
def test_factors(n):
    for _, a in kinds(n):
        size = max(np.abs(a).max(), 1e-300)
        for x in (a, a[: n - n // 3], a[:, : n - n // 3]):
            p, lower, upper = map(np.asarray, T.linalg.lu(x))
            assert [y.shape for y in (p, lower, upper)] == [y.shape for y in scipy.linalg.lu(x)]
            near(p @ lower @ upper, x, n * size)
            assert np.abs(np.tril(lower)).max() <= 1 + 1e-12
        assert (np.triu(lower, 1) == 0).all()
        assert (np.tril(upper, -1) == 0).all()
        for mode in ("reduced", "complete"):
            for x in (a, a[: n - n // 3], a[:, : n - n // 3]):
                q, r = map(np.asarray, T.linalg.qr(x, mode=mode))
                near(q @ r, x, n * size)
                near(q.T @ q, np.eye(q.shape[1]), 1.0)
                assert (np.tril(r, -1) == 0).all()
                assert (np.diag(r) >= 0).all()
        for full in (False, True):
            for x in (a, a[: n - n // 3], a[:, : n - n // 3]):
                u, s, vh = map(np.asarray, T.linalg.svd(x, full_matrices=full))
                k = min(x.shape)
                near((u[:, :k] * s) @ vh[:k], x, n * size)
                near(u.T @ u, np.eye(u.shape[1]), 1.0)
                near(vh @ vh.T, np.eye(vh.shape[0]), 1.0)
                assert (np.diff(s) <= 0).all()
                assert (s >= 0).all()
                near(T.linalg.svdvals(x), np.linalg.svd(x, compute_uv=False), n * size)
                # The entry of the largest magnitude of each right vector is positive.
                assert (vh[np.arange(k), np.abs(vh[:k]).argmax(axis=1)] > 0).all()
        b = (a + a.T) / 2
        w, v = map(np.asarray, T.linalg.eigh(a))
        near((v * w) @ v.T, b, n * size)
        near(v.T @ v, np.eye(n), 1.0)
        assert (np.diff(w) >= 0).all()
        near(T.linalg.eigvalsh(a), np.linalg.eigvalsh(b), n * size)


@pytest.mark.parametrize("n", SIZES)
def test_single_precision(n):
    for kind, a in kinds(n, seed=1):
        if kind in ("large", "small", "graded"):
            continue
        a = a.astype(np.float32)
        u, s, vh = map(np.asarray, T.linalg.svd(a))
        assert s.dtype == np.float32
        near((u * s) @ vh, a, n * max(np.abs(a).max(), 1e-30), 1e-6)
        near(u.T @ u, np.eye(n), 1.0, 1e-5)
        w, v = map(np.asarray, T.linalg.eigh(a))
        near((v * w) @ v.T, (a + a.T) / 2, n * max(np.abs(a).max(), 1e-30), 1e-6)
        p, lower, upper = map(np.asarray, T.linalg.lu(a))
        near(p @ lower @ upper, a, n * max(np.abs(a).max(), 1e-30), 1e-6)
        q, r = map(np.asarray, T.linalg.qr(a))
        near(q @ r, a, n * max(np.abs(a).max(), 1e-30), 1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_systems_and_determinants(n):
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n)) + 3 * np.eye(n)
    b = rng.standard_normal((n, 3))
    condition = np.linalg.cond(a)
    near(a @ np.asarray(T.linalg.solve(a, b)), b, condition * n)
    near(a @ np.asarray(T.linalg.inv(a)), np.eye(n), condition * n)
    near(T.linalg.det(a), np.linalg.det(a), np.abs(np.linalg.det(a)) * n * condition)
    sign, log = T.linalg.slogdet(a)
    assert float(sign) == np.linalg.slogdet(a)[0]
    near(log, np.linalg.slogdet(a)[1], n * condition)
    gradient = np.asarray(ag.grad(lambda x: T.linalg.slogdet(x)[1])(a))
    near(gradient, np.linalg.inv(a).T, condition * n)
    spd = a @ a.T
    lower = np.asarray(T.linalg.cholesky(spd))
    near(lower @ lower.T, spd)
    near(lower, np.linalg.cholesky(spd), np.abs(lower).max() * condition**2)
    factors, pivots = T.linalg.lu_factor(a)
    theirs = scipy.linalg.lu_factor(a)
    near(factors, theirs[0], n * np.abs(theirs[0]).max())
    np.testing.assert_array_equal(np.asarray(pivots), theirs[1])
    for trans in (0, 1):
        near(T.linalg.lu_solve(factors, pivots, b, trans=trans), scipy.linalg.lu_solve(theirs, b, trans=trans), condition * n)


def test_determinants_of_any_rank():
    rng = np.random.default_rng(0)
    for s in ([3, 2, 1, 0.5], [3, 2, 1, 0], [3, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [2, 2, 1, 1], [1e-5, 1e-5, 1, 2]):
        a = with_values(rng, 4, 4, sorted(s, reverse=True))

        def minors(x):
            """By Laplace: no pivots."""

            def det(rows, columns):
                if len(rows) == 1:
                    return x[rows[0], columns[0]]
                first, *rest = rows
                terms = [(-1.0) ** k * x[first, c] * det(rest, [d for d in columns if d != c]) for k, c in enumerate(columns)]
                return sum(terms[1:], terms[0])

            return det([0, 1, 2, 3], [0, 1, 2, 3])

        near(ag.grad(T.linalg.det)(a), np.asarray(ag.grad(minors)(a)), 1.0)
        near(ag.hessian(T.linalg.det)(a), np.asarray(ag.hessian(minors)(a)), 1.0)


def test_extremes_of_determinants():
    a = np.diag(np.full(50, 1e10))
    assert float(T.linalg.det(a)) == np.inf
    assert float(T.linalg.det(np.diag(np.r_[np.full(40, 1e10), np.full(40, 1e-10)]))) == pytest.approx(1.0, rel=1e-12)
    assert float(T.linalg.det(np.diag([1e-200, 1e-200, 1e200, 1e200]))) == pytest.approx(1.0, rel=1e-12)
    assert np.isnan(float(T.linalg.det(np.array([[np.nan, 1.0], [1.0, 1.0]]))))
    sign, log = T.linalg.slogdet(np.zeros((3, 3)))
    assert (float(sign), float(log)) == (0.0, -np.inf)
    assert float(T.linalg.det(np.zeros((0, 0)))) == 1.0


SINGULAR = {
    "solve": lambda a: T.linalg.solve(a, np.ones(a.shape[-1])),
    "inv": T.linalg.inv,
    "slogdet": None,
    "cholesky": T.linalg.cholesky,
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_matrices(name):
    a = np.diag([1.0, 0.0, 2.0])
    f = SINGULAR[name]
    if f is None:
        with pytest.raises(ag.LinAlgError, match=r"slogdet: matrix is singular\. Got a pivot of 0 in column "):
            ag.grad(lambda x: T.linalg.slogdet(x)[1])(a)
        return
    with pytest.raises(np.linalg.LinAlgError, match=rf"^{name}: matrix is (singular|not positive definite)\. Got "):
        f(a)
    batch = np.stack([np.eye(3)] * 5)
    batch[3] = a
    with pytest.raises(ag.LinAlgError, match="in matrix 3"):
        f(batch)
    with pytest.raises(ag.LinAlgError, match=r"in matrix \(1, 2\)"):
        f(np.stack([np.stack([np.eye(3)] * 3)] * 2) * np.where(np.arange(6).reshape(2, 3, 1, 1) == 5, 0.0, 1.0))


@pytest.mark.parametrize("name", ["svd", "svdvals", "eigh", "eigvalsh", "qr", "lu", "inv", "det", "slogdet", "cholesky", "eig", "solve"])
def test_batches(name):
    """Of a batch each matrix has the result that it has alone; lengths of 0 are a batch too."""
    rng = np.random.default_rng(3)
    batch = rng.standard_normal((5, 3, 4, 4))
    batch = batch @ np.swapaxes(batch, -1, -2) + np.eye(4)
    f = getattr(T.linalg, name) if name != "solve" else (lambda a: T.linalg.solve(a, np.ones((4, 2))))
    listed = lambda y: y if isinstance(y, tuple) else (y,)  # noqa: E731
    whole = listed(f(batch))
    for i, j in ((0, 0), (2, 1), (4, 2)):
        for part, alone in zip(whole, listed(f(batch[i, j])), strict=True):
            np.testing.assert_allclose(np.asarray(part)[i, j], np.asarray(alone), rtol=1e-12, atol=1e-13)
    assert all(np.asarray(y).shape[:2] == (0, 3) for y in listed(f(np.zeros((0, 3, 4, 4)))))
    assert all(np.asarray(y).shape[0] == 2 for y in listed(f(np.zeros((2, 0, 0)) if name != "solve" else np.stack([np.eye(4)] * 2))))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2]))
def test_the_jacobian_of_what_is_put_together_again_is_the_identity(m, n, seed, zeros):
    rng = np.random.default_rng(seed)
    k = min(m, n)
    s = np.sort(rng.integers(1, 3, k).astype(float))[::-1].copy()
    s[k - min(zeros, k) :] = 0.0
    a = with_values(rng, m, n, s)

    def again(x):
        u, s, vh = T.linalg.svd(x)
        return T.matmul(u * s, vh)

    near(np.asarray(ag.jacobian(again)(a)).reshape(m * n, m * n), np.eye(m * n), 1.0, 1e-11)


def test_numpy_calls():
    """NumPy's own functions, with its defaults, of tensors."""
    rng = np.random.default_rng(4)
    a, b, c = rng.standard_normal((4, 3)), rng.standard_normal((3, 3)), rng.standard_normal(3)
    m = symmetric(rng, [3.0, 2.0, 1.0])

    def loss(a, b, m):
        u, s, vh = np.linalg.svd(a)
        w, v = np.linalg.eigh(m)
        q, r = np.linalg.qr(a)
        assert u.shape == (4, 4)
        assert type(np.linalg.eigh(m)).__name__ == "EighResult"
        terms = [np.linalg.det(b), np.linalg.slogdet(b).logabsdet, np.sum(np.linalg.inv(b)), np.sum(np.linalg.solve(b, c))]
        terms += [np.sum((u[:, :3] * s) @ vh), np.sum((v * w**2) @ v.T), np.sum(q @ r), np.sum(np.linalg.eigvalsh(m))]
        terms += [np.sum(np.linalg.cholesky(m)), np.sum(np.linalg.svdvals(a))]
        return sum(terms[1:], terms[0])

    value, gradients = ag.value_and_grad(loss, argnums=(0, 1, 2))(a, b, m)
    want = np.linalg.det(b) + np.linalg.slogdet(b)[1] + np.linalg.inv(b).sum() + np.linalg.solve(b, c).sum() + a.sum() + (m @ m).sum()
    want += a.sum() + np.trace(m) + np.linalg.cholesky(m).sum() + np.linalg.svdvals(a).sum()
    np.testing.assert_allclose(float(value), want, rtol=1e-12)
    assert [np.shape(np.asarray(g)) for g in gradients] == [(4, 3), (3, 3), (3, 3)]


def test_other_triangles():
    rng = np.random.default_rng(5)
    a = rng.standard_normal((4, 4))
    for uplo in "LU":
        near(T.linalg.eigvalsh(a, UPLO=uplo), np.linalg.eigvalsh(a, UPLO=uplo), 4.0)
        gradient = np.asarray(ag.grad(lambda x, uplo=uplo: T.sum(T.linalg.eigvalsh(x, UPLO=uplo) ** 2))(a))
        other = np.triu(gradient, 1) if uplo == "L" else np.tril(gradient, -1)
        assert (other == 0).all()
    for trans in (0, 1):
        for lower in (False, True):
            for unit in (False, True):
                options = {"trans": trans, "lower": lower, "unit_diagonal": unit}
                near(
                    T.linalg.solve_triangular(a, np.eye(4), **options),
                    scipy.linalg.solve_triangular(a, np.eye(4), **options),
                    tolerance=1e-10,
                )
