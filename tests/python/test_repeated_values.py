"""Gradients at repeated, zero and nearly repeated singular values and eigenvalues, against functions that have no factorisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T
from spectra import GENERAL, SYMMETRIC, basis, by_eigh, by_svd, symmetric, weighted, weights_of, with_values

SHAPES = [
    (4, 4, [3, 2, 1, 1]),
    (4, 4, [1, 1, 1, 1]),
    (4, 4, [2, 1, 0, 0]),
    (4, 4, [2, 2, 1, 0]),
    (4, 4, [0, 0, 0, 0]),
    (5, 5, [4, 3, 2, 1, 0.5]),
    (8, 8, [5, 5, 5, 5, 3, 3, 3, 1]),
    (5, 3, [2, 1, 1]),
    (5, 3, [1, 1, 1]),
    (5, 3, [2, 0, 0]),
    (3, 5, [2, 2, 0]),
    (3, 5, [1, 1, 1]),
    (12, 24, [4, 4, 4, 3, 3, 2, 2, 2, 2, 1, 0, 0]),
    (24, 12, [4, 4, 4, 3, 3, 2, 2, 2, 2, 1, 0, 0]),
]
SPECTRA = [[1, 1, 2], [1, 1, 1, 1], [-1, -1, 0, 2, 2], [0, 0, 0], [3, 1, -2], [-2, -2, -2, 1, 1, 1, 1, 5]]


def compared(f, plain, a, tolerance):
    got, want = np.asarray(ag.grad(f)(a)), np.asarray(ag.grad(plain)(a))
    scale = max(1.0, np.abs(want).max())
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)


def pairs(table, rng, a):
    for name, (f, plain) in table.items():
        w = weights_of(rng, plain, a)
        yield name, weighted(f, w), weighted(plain, w)


@pytest.mark.parametrize(("m", "n", "s"), SHAPES)
def test_svd(m, n, s):
    rng = np.random.default_rng(len(s) + m)
    a = with_values(rng, m, n, s)
    for _, f, plain in pairs(GENERAL, rng, a):
        compared(f, plain, a, 1e-13 * max(m, n))


@pytest.mark.parametrize("w", SPECTRA)
def test_eigh(w):
    rng = np.random.default_rng(len(w))
    a = symmetric(rng, w)
    for _, f, plain in pairs(SYMMETRIC, rng, a):
        compared(f, plain, a, 1e-13 * len(w))


@pytest.mark.parametrize(("m", "n", "s"), [(64, 64, [5] * 8 + [4] * 8 + [3] * 8), (64, 48, [5] * 8 + [0] * 8)])
def test_large(m, n, s):
    rng = np.random.default_rng(7)
    s = [*s, *np.linspace(0.1, 2.9, min(m, n) - len(s))]
    a = with_values(rng, m, n, sorted(s, reverse=True))
    c = rng.standard_normal((m, n))
    for f, plain in (GENERAL["u s vh"], GENERAL["u s^3 vh"], GENERAL["u s/(1+s^2) vh"]):
        compared(weighted(f, c), weighted(plain, c), a, 1e-12)


@pytest.mark.parametrize(("m", "n", "s"), [c for c in SHAPES if c[0] * c[1] <= 25])
def test_hessian_of_svd(m, n, s):
    rng = np.random.default_rng(3 * len(s) + m)
    a = with_values(rng, m, n, s)
    for name in ("u s^3 vh", "u s^2 uh", "v s^2 vh", "u s/(1+s^2) vh", "values", "log det"):
        f, plain = GENERAL[name]
        w = weights_of(rng, plain, a)
        hessians(weighted(f, w), weighted(plain, w), a)


@pytest.mark.parametrize("w", [w for w in SPECTRA if len(w) < 6])
def test_hessian_of_eigh(w):
    rng = np.random.default_rng(5 + len(w))
    a = symmetric(rng, w)
    for _, f, plain in pairs(SYMMETRIC, rng, a):
        hessians(f, plain, a)


def hessians(f, plain, a):
    """The whole Hessian, and its product with a vector."""
    got, want = np.asarray(ag.hessian(f)(a)), np.asarray(ag.hessian(plain)(a))
    scale = max(1.0, np.abs(want).max())
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-10 * scale)
    v = np.cos(np.arange(a.size)).reshape(a.shape)
    np.testing.assert_allclose(np.asarray(ag.hvp(f)(a, v)), np.tensordot(want, v, a.ndim), rtol=0, atol=1e-10 * scale)


GAPS = [0.0, *(10.0**-k for k in np.arange(0.3, 17.0, 0.7))]


@pytest.mark.parametrize(
    ("m", "n", "s"),
    [
        (4, 4, lambda g: [3, 2, 1 + g, 1]),
        (8, 8, lambda g: [5, 4, 3 + 2 * g, 3 + g, 3, 1 + g, 1, 0.5]),
        (4, 4, lambda g: [2, 1, 2 * g, g]),
        (6, 4, lambda g: [2, 1 + g, 1, g]),
        (4, 6, lambda g: [2, 1 + g, 1, g]),
    ],
)
def test_closing_gap(m, n, s):
    """From a gap of 1/2 to none the gradient is right and does not jump."""
    rng = np.random.default_rng(m)
    left, right = basis(rng, m, min(m, n)), basis(rng, n, min(m, n))
    c = rng.standard_normal((m, n))
    for name in ("u s vh", "u s^3 vh", "u s/(1+s^2) vh", "products"):
        f, plain = (ag.jit(ag.grad(weighted(g, c))) for g in GENERAL[name])
        for gap in GAPS:
            a = (left * np.array(s(gap), float)) @ right.T
            want = np.asarray(plain(a))
            np.testing.assert_allclose(np.asarray(f(a)), want, rtol=0, atol=1e-9 * max(1.0, np.abs(want).max()))


def test_closing_gap_of_second_order():
    rng = np.random.default_rng(1)
    left, right = basis(rng, 3, 3), basis(rng, 3, 3)
    c = rng.standard_normal((3, 3))
    for name, tolerance in (("values", 1e-10), ("u s^3 vh", 1e-6)):
        f, plain = (ag.jit(ag.hessian(weighted(g, c if name != "values" else 1.0))) for g in GENERAL[name])
        for gap in GAPS:
            a = (left * np.array([2, 1 + gap, 1])) @ right.T
            want = np.asarray(plain(a))
            np.testing.assert_allclose(np.asarray(f(a)), want, rtol=0, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scaled(scale):
    rng = np.random.default_rng(2)
    a = with_values(rng, 4, 4, [3, 2, 1 + 1e-7, 1]) * scale
    c = rng.standard_normal((4, 4))
    f = ag.grad(weighted(GENERAL["u s vh"][0], c))
    np.testing.assert_allclose(np.asarray(f(a)), c, rtol=0, atol=1e-10)


def test_ill_conditioned():
    """Functions that are smooth on the scale of small values only."""
    rng = np.random.default_rng(3)
    for small, tolerance in ((1e-6, 1e-8), (1e-9, 1e-5)):
        left, right = basis(rng, 4, 4), basis(rng, 4, 4)
        c = rng.standard_normal((4, 4))

        def inverse(x):
            u, s, vh = T.svd(x)
            return T.matmul(T.transpose(vh) / s, T.transpose(u))

        for gap in (0.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.3):
            a = (left * np.array([2, 1, small * (1 + gap), small])) @ right.T
            compared(weighted(inverse, c), weighted(T.inv, c), a, tolerance)


def test_a_batch_of_which_some_have_clusters():
    rng = np.random.default_rng(4)
    batch = np.stack([with_values(rng, 4, 3, s) for s in ([3, 2, 1], [2, 1, 1], [1, 0, 0], [0, 0, 0])])
    c = rng.standard_normal(batch.shape)

    def f(x):
        u, s, vh = T.svd(x)
        return T.sum(T.matmul(u * T.expand_dims(s**3, -2), vh) * c)

    got = np.asarray(ag.grad(f)(batch))
    for i, a in enumerate(batch):
        want = np.asarray(ag.grad(weighted(GENERAL["u s^3 vh"][1], c[i]))(a))
        np.testing.assert_allclose(got[i], want, rtol=0, atol=1e-12)


def test_single_precision():
    """Thresholds of its own: as close as the function without a factorisation, computed in float64, allows."""
    rng = np.random.default_rng(5)
    for m, n, s in SHAPES[:12]:
        a = with_values(rng, m, n, s).astype(np.float32)
        for name in ("u s vh", "u s^3 vh", "u s^2 uh", "values"):
            f, plain = GENERAL[name]
            w = weights_of(rng, plain, a.astype(float)).astype(np.float32)
            got = np.asarray(ag.grad(weighted(f, w))(a))
            want = np.asarray(ag.grad(weighted(plain, w.astype(float)))(a.astype(float)))
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * max(m, n) * max(1.0, np.abs(want).max()))


LOSSES = {
    "one left vector of a pair": lambda x: T.sum(T.svd(x)[0][:, 3] ** 2 * np.arange(4.0)),
    "one right vector of a pair": lambda x: T.sum(T.svd(x)[2][3] * np.arange(4.0)),
    "weights that differ in a pair": lambda x: T.sum(T.matmul(T.svd(x)[0] * np.array([1.0, 2.0, 3.0, 4.0]), T.svd(x)[2]) * np.eye(4)),
    "a part that depends on it": lambda x: T.sum(x**2) + 1e-3 * T.sum(T.svd(x)[0] ** 4),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_that_depend_on_the_basis(name):
    a = with_values(np.random.default_rng(6), 4, 4, [3, 2, 1, 1])
    with pytest.raises(ag.LinAlgError, match=r"^svd: the loss depends on an arbitrary basis .* Got values 2 and 3, .* with a gap of "):
        ag.grad(LOSSES[name])(a)
    # Apart, the same losses have gradients.
    apart = with_values(np.random.default_rng(6), 4, 4, [3, 2, 1.5, 1])
    assert np.isfinite(np.asarray(ag.grad(LOSSES[name])(apart))).all()


def test_a_loss_that_is_stationary_at_the_basis_that_was_found():
    """At the identity every basis is one of singular vectors, and the unit vectors, which are found, are stationary."""
    for f in (lambda x: T.svd(x)[2][0, 0] ** 2, lambda x: T.eigh(x)[1][0, 0] ** 2):
        with pytest.raises(ag.LinAlgError, match="depends on an arbitrary basis"):
            ag.grad(f)(np.eye(4))
    np.testing.assert_allclose(np.asarray(ag.grad(lambda x: T.sum(by_svd(x, lambda s: s) ** 2))(np.eye(4))), 2 * np.eye(4), atol=1e-14)


@pytest.mark.parametrize(("m", "n"), [(5, 3), (3, 5)])
def test_vectors_beside_a_value_of_zero(m, n):
    """A vector of a value of zero may be any of the complement."""
    a = with_values(np.random.default_rng(8), m, n, [2, 1, 0])
    side = (lambda x: T.svd(x)[0][:, 2]) if m > n else (lambda x: T.svd(x)[2][2])
    with pytest.raises(ag.LinAlgError, match=r"value 2, .* beside the complement of the (left|right) vectors"):
        ag.grad(lambda x: T.sum(side(x) ** 2 * np.arange(float(max(m, n)))))(a)


def test_cotangents_that_are_numbers():
    """A cotangent that is no function of the vectors hides how it depends on them: an error, not a wrong gradient."""
    a = with_values(np.random.default_rng(9), 4, 4, [3, 2, 1, 1])
    c = np.random.default_rng(10).standard_normal((4, 4))
    with ag.Context() as ctx:
        x = ctx.placeholder("x", (4, 4))
        u, s, vh = T.svd(x)
        loss = T.sum(T.matmul(u * s, vh) * c)
        parts = T.grad([loss], [u, s, vh])
        numbers = [p.eval({x: a}) for p in parts]
        (whole,) = T.grad_with_default([u, s, vh], [x], parts)
        np.testing.assert_allclose(np.asarray(whole.eval({x: a})), c, atol=1e-12)
        (hidden,) = T.grad_with_default([u, s, vh], [x], numbers)
        with pytest.raises(ag.LinAlgError, match="depends on an arbitrary basis"):
            hidden.eval({x: a})
        detached = T.stop_gradient
        (hidden,) = T.grad([T.sum(T.matmul(detached(u) * s, vh) * c)], [x])
        with pytest.raises(ag.LinAlgError, match="depends on an arbitrary basis"):
            hidden.eval({x: a})


def test_complements_enter_by_their_space():
    rng = np.random.default_rng(11)
    a, c = with_values(rng, 5, 3, [3, 2, 1]), rng.standard_normal((5, 5))

    def outside(x):
        u = T.svd(x, full_matrices=True)[0][:, 3:]
        return T.sum(T.matmul(u, T.transpose(u)) * c)

    def without(x):
        inner = T.inv(T.matmul(T.transpose(x), x))
        return T.sum((np.eye(5) - T.matmul(T.matmul(x, inner), T.transpose(x))) * c)

    compared(outside, without, a, 1e-12)
    with pytest.raises(ag.LinAlgError, match="svd: the loss depends on an arbitrary basis"):
        ag.grad(lambda x: T.sum(T.svd(x, full_matrices=True)[0] * c))(a)


def orthogonal_columns(x):
    q = T.qr(x, mode="complete")[0][:, 3:]
    return T.matmul(q, T.transpose(q))


def test_qr_of_a_whole_basis():
    rng = np.random.default_rng(12)
    a, c = rng.standard_normal((5, 3)), rng.standard_normal((5, 5))

    def without(x):
        inner = T.inv(T.matmul(T.transpose(x), x))
        return T.sum((np.eye(5) - T.matmul(T.matmul(x, inner), T.transpose(x))) * c)

    compared(weighted(orthogonal_columns, c), without, a, 1e-12)
    with pytest.raises(ag.LinAlgError, match="qr: the loss depends on an arbitrary basis"):
        ag.grad(lambda x: T.sum(T.qr(x, mode="complete")[0] * c))(a)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(0, 2), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_multiplicities(values, extra, wide, seed):
    rng = np.random.default_rng(seed)
    k = len(values)
    m, n = (k, k + extra) if wide else (k + extra, k)
    a = with_values(rng, m, n, sorted(values, reverse=True))
    c = rng.standard_normal((m, n))
    for name in ("u s vh", "u s^3 vh"):
        f, plain = GENERAL[name]
        compared(weighted(f, c), weighted(plain, c), a, 1e-11)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_any_multiplicities_of_eigenvalues(values, seed):
    rng = np.random.default_rng(seed)
    a = symmetric(rng, values)
    c = rng.standard_normal(a.shape)
    for f, plain in (SYMMETRIC["v w^2 v"], SYMMETRIC["v 1/(9+w) v"]):
        compared(weighted(f, c), weighted(plain, c), a, 1e-11)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (1, 4), (4, 1), (2, 0, 3)])
def test_empty_and_single(shape):
    a = np.ones(shape)
    f = lambda x: T.sum(T.matmul(T.svd(x)[0] * T.expand_dims(T.svd(x)[1], -2), T.svd(x)[2]))  # noqa: E731
    np.testing.assert_allclose(np.asarray(ag.grad(f)(a)), np.ones(shape), atol=1e-14)
    if shape[-1] == shape[-2]:
        np.testing.assert_allclose(np.asarray(ag.grad(lambda x: T.sum(by_eigh(x, lambda w: w)))(a)), np.ones(shape), atol=1e-14)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite(bad):
    a = np.eye(3)
    a[1, 0] = bad
    for f in (lambda x: T.sum(T.svdvals(x)), lambda x: T.sum(T.eigvalsh(x)), lambda x: T.sum(T.eig(x)[0])):
        with pytest.raises(ag.LinAlgError, match="the matrix is not finite"):
            f(a)
        with pytest.raises(ag.LinAlgError, match="the matrix is not finite"):
            ag.grad(f)(a)


def third(f, a, u, v):
    """The gradient of `D^2 f (u, v)`."""

    def second(x):
        with_v = lambda z: T.sum(T.grad([f(z)], [z])[0] * v)  # noqa: E731
        return T.sum(T.grad([with_v(x)], [x])[0] * u)

    return np.asarray(ag.grad(second)(a))


def test_third_derivatives():
    """As many terms as orders are asked for; one order more that meets equal values is an error."""
    rng = np.random.default_rng(13)
    a = symmetric(rng, [1, 1, 2])
    c, u, v = (symmetric(rng, rng.standard_normal(3)) for _ in range(3))

    def by_values(order):
        def f(x):
            w, q = T.eigh(x, order=order)
            return T.sum(T.matmul(q * w**4, T.transpose(q)) * c)

        return f

    def plain(x):
        s = (x + T.transpose(x)) * 0.5
        return T.sum(T.matmul(T.matmul(s, s), T.matmul(s, s)) * c)

    want = third(plain, a, u, v)
    np.testing.assert_allclose(third(by_values(3), a, u, v), want, rtol=0, atol=1e-11 * np.abs(want).max())
    with pytest.raises(ag.LinAlgError, match=r"^eigh: a derivative of this order is not exact .*\nhelp: pass `order=3`"):
        third(by_values(2), a, u, v)
    apart = symmetric(rng, [1, 1.5, 2])
    want = third(plain, apart, u, v)
    np.testing.assert_allclose(third(by_values(2), apart, u, v), want, rtol=0, atol=1e-11 * np.abs(want).max())
    # Of values alone two orders of terms serve three derivatives.
    cubes, squares = (
        lambda x: T.sum(T.eigvalsh(x) ** 3) * T.sum(T.eigvalsh(x)),
        lambda x: T.trace(T.matmul(T.matmul(x, x), x)) * T.trace(x),
    )
    want = third(squares, a, u, v)
    np.testing.assert_allclose(third(cubes, a, u, v), want, rtol=0, atol=1e-11 * np.abs(want).max())


def test_third_derivative_of_a_determinant():
    rng = np.random.default_rng(14)
    for s in ([3, 2, 1], [2, 1, 0], [2, 2, 0], [1, 0, 0], [0, 0, 0]):
        a, u, v = with_values(rng, 3, 3, s), rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
        want = third(lambda x: T.sum(T.cross(x[0], x[1]) * x[2]), a, u, v)
        np.testing.assert_allclose(third(T.det, a, u, v), want, rtol=0, atol=1e-11 * max(1.0, np.abs(want).max()))
