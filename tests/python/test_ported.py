"""The programs of examples/ported: their numbers against NumPy, SciPy and scikit-learn, their gradients against differences of those."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

import scirs2_autograd as ag
from ported import bootstrap, gaussian_mixture, gaussian_process, kalman, matrix_factorisation, pde_residual, rk4, rnn, vae
from scirs2_autograd import tensor_ops as T

# What differences of fourth order in float64 agree to.
DIFFERENCES = {"rtol": 1e-7, "atol": 1e-9}


def differences(f, *arrays, step=1e-3):
    """The gradients of `f`, a NumPy function that returns a number, by central differences of fourth order."""
    gradients = []
    for i, a in enumerate(arrays):
        gradient = np.empty(a.shape)
        for k in np.ndindex(a.shape):
            values = []
            for offset in (-2, -1, 1, 2):
                moved = a.copy()
                moved[k] += offset * step
                values.append(f(*arrays[:i], moved, *arrays[i + 1 :]))
            gradient[k] = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * step)
        gradients.append(gradient)
    return gradients


def value_and_gradients(env, loss):
    """The value of a loss of an environment's variables, its gradients, and the variables as arrays."""
    with ag.Context(env) as ctx:
        parameters = [ctx.variable(key) for key in env.default_namespace().current_var_ids()]
        value = loss(parameters)
        value, *gradients = ctx.eval([value, *T.grad([value], parameters)])
    return value, gradients, [env.get(key) for key in env.default_namespace().current_var_ids()]


PROGRAMS = [bootstrap, gaussian_mixture, gaussian_process, kalman, matrix_factorisation, pde_residual, rk4, rnn, vae]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program_prints_numbers(program, capsys):
    program.main()
    out = capsys.readouterr().out
    assert len(re.findall(r"\d\.\d", out)) >= 2
    assert not re.search(r"\b(nan|inf)\b", out)


# Maximum likelihood


def mixture_in_scipy(theta, points):
    k, d = gaussian_mixture.K, gaussian_mixture.D
    means, raw = theta[k : k + k * d].reshape(k, d), theta[k + k * d :].reshape(k, d, d)
    factors = [np.tril(r, -1) + np.diag(np.exp(np.diag(r))) for r in raw]
    densities = [multivariate_normal.logpdf(points, mean, factor @ factor.T) for mean, factor in zip(means, factors, strict=True)]
    weights = theta[:k] - logsumexp(theta[:k])
    return logsumexp(weights[:, np.newaxis] + densities, axis=0).mean()


def test_gaussian_mixture():
    points = gaussian_mixture.sample(50)
    theta = gaussian_mixture.start(points) + 0.3 * np.random.default_rng(3).standard_normal(21)
    value, gradient = ag.value_and_grad(gaussian_mixture.log_likelihood)(theta, points)
    assert_allclose(value, mixture_in_scipy(theta, points), rtol=1e-12)
    assert_allclose(gradient, differences(lambda t: mixture_in_scipy(t, points), theta)[0], **DIFFERENCES)


def test_gaussian_mixture_is_fitted():
    points = gaussian_mixture.sample()
    result = gaussian_mixture.fit(points)
    weights, means, covariances = gaussian_mixture.unpack(result.x)
    order = np.argsort(-weights)
    assert_allclose(weights[order], gaussian_mixture.WEIGHTS, atol=0.06)
    assert_allclose(means[order], gaussian_mixture.MEANS, atol=0.15)
    truth = gaussian_mixture.FACTORS @ gaussian_mixture.FACTORS.transpose(0, 2, 1)
    assert_allclose(covariances[order], truth, atol=0.15)


def covariance(x, theta):
    distance = (x[:, np.newaxis] - x) / np.exp(theta[1])
    return np.exp(2 * theta[0] - 0.5 * distance**2) + np.exp(2 * theta[2]) * np.eye(len(x))


def test_gaussian_process():
    x, y = gaussian_process.data()
    theta = np.array([0.3, 0.2, -1.0])
    value, gradient = ag.value_and_grad(lambda t: gaussian_process.log_marginal_likelihood(t, x, y))(theta)
    assert_allclose(value, multivariate_normal.logpdf(y, cov=covariance(x, theta)), rtol=1e-12)

    # The hyperparameters of scikit-learn are the logarithms of amplitude squared, length, and noise squared.
    amplitude, length, noise = np.exp(theta)
    kernel = ConstantKernel(amplitude**2) * RBF(length) + WhiteKernel(noise**2)
    theirs = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x[:, np.newaxis], y)
    _, their_gradient = theirs.log_marginal_likelihood(theirs.kernel_.theta, eval_gradient=True)
    assert_allclose(gradient, their_gradient * [2.0, 1.0, 2.0], rtol=1e-10)

    at = np.linspace(-1.0, 11.0, 7)
    theirs = GaussianProcessRegressor(ConstantKernel(amplitude**2) * RBF(length), alpha=noise**2, optimizer=None)
    expected = theirs.fit(x[:, np.newaxis], y).predict(at[:, np.newaxis], return_std=True)
    for ours, other in zip(gaussian_process.predict(theta, x, y, at), expected, strict=True):
        assert_allclose(ours, other, rtol=1e-10)


def test_gaussian_process_is_fitted():
    x, y = gaussian_process.data()
    kernel = ConstantKernel(1.0) * RBF(1.0) + WhiteKernel(1.0)
    theirs = GaussianProcessRegressor(kernel, alpha=0.0).fit(x[:, np.newaxis], y)
    assert_allclose(-gaussian_process.fit(x, y).fun, theirs.log_marginal_likelihood_value_, rtol=1e-8)


def positions_in_scipy(theta, observed):
    """The log-density of all positions at once: they are one Gaussian vector."""
    f, g, h = kalman.F, kalman.G, kalman.H
    covariances = [kalman.COVARIANCE]  # of the states at all times
    for _ in observed:
        covariances.append(f @ covariances[-1] @ f.T + math.exp(2 * theta[0]) * (g @ g.T))
    n = len(observed)
    joint = np.zeros((2 * n, 2 * n))
    for i in range(n):
        across = covariances[i + 1]
        for j in range(i, n):
            joint[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = h @ across @ h.T
            joint[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = (h @ across @ h.T).T
            across = f @ across
    return multivariate_normal.logpdf(observed.ravel(), cov=joint + math.exp(2 * theta[1]) * np.eye(2 * n))


def test_kalman():
    observed = kalman.observations()
    theta = np.array([-1.0, -0.4])
    value, gradient = ag.value_and_grad(lambda t: kalman.log_likelihood(t, observed))(theta)
    assert_allclose(value, positions_in_scipy(theta, observed), rtol=1e-11)
    assert_allclose(gradient, differences(lambda t: positions_in_scipy(t, observed), theta)[0], **DIFFERENCES)


def test_kalman_is_fitted():
    observed = kalman.observations()
    result = kalman.fit(observed)
    gradient = differences(lambda t: positions_in_scipy(t, observed), result.x)[0]
    assert np.abs(gradient).max() < 1e-4
    assert -result.fun > positions_in_scipy(kalman.TRUTH, observed)


# Differential equations


def slope(x, theta):
    return x * (theta[:2] + theta[2:].reshape(2, 2) @ x)


def rk4_in_numpy(theta):
    x, h = rk4.START, rk4.STEP
    states = []
    for _ in range(rk4.STEPS):
        k1 = slope(x, theta)
        k2 = slope(x + h / 2 * k1, theta)
        k3 = slope(x + h / 2 * k2, theta)
        k4 = slope(x + h * k3, theta)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(x)
    return np.array(states)


def test_rk4():
    observed = rk4.observations()
    theta = np.array([0.9, -0.7, 0.05, -1.1, 0.9, -0.05])
    value, gradient = ag.value_and_grad(lambda t: rk4.loss(t, observed))(theta)

    def loss(t):
        return np.mean((np.log(rk4_in_numpy(t)) - np.log(observed)) ** 2)

    assert_allclose(value, loss(theta), rtol=1e-12)
    assert_allclose(gradient, differences(loss, theta, step=1e-4)[0], **DIFFERENCES)


def test_rk4_solves_the_equation():
    times = rk4.STEP * np.arange(1, rk4.STEPS + 1)
    solution = solve_ivp(
        lambda _, x: slope(x, rk4.TRUTH), (0.0, times[-1]), rk4.START, method="DOP853", t_eval=times, rtol=1e-12, atol=1e-12
    )
    assert_allclose(rk4.observations(noise=0.0), solution.y.T, rtol=2e-5)


def test_rk4_is_fitted():
    assert_allclose(rk4.fit(rk4.observations(noise=0.0)).x, rk4.TRUTH, atol=1e-2)


def network_in_numpy(parameters, rows):
    """The network at rows (t, x), and its derivatives in t, in x, and twice in x, by hand."""
    w1, b1, w2, b2, w3 = parameters
    h1 = np.tanh(rows @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    slope1, slope2 = 1 - h1**2, 1 - h2**2
    first = [(slope1 * w) @ w2 for w in w1]
    second = (-2 * h1 * slope1 * w1[1] ** 2) @ w2
    return (
        h2 @ w3,
        (slope2 * first[0]) @ w3,
        (slope2 * first[1]) @ w3,
        (slope2 * (second - 2 * h2 * first[1] ** 2)) @ w3,
    )


def test_pde_residual():
    inner, border = pde_residual.points(20)

    def loss(*parameters):
        u, u_t, u_x, u_xx = network_in_numpy(parameters, inner)
        error = network_in_numpy(parameters, border)[0][:, 0] - expit((border[:, 0] / 2 - border[:, 1]) / (2 * pde_residual.NU))
        return np.mean((u_t + u * u_x - pde_residual.NU * u_xx) ** 2) + np.mean(error**2)

    value, gradients, parameters = value_and_gradients(pde_residual.initialise(), lambda p: pde_residual.loss(p, inner, border))
    assert_allclose(value, loss(*parameters), rtol=1e-12)
    for gradient, expected in zip(gradients, differences(loss, *parameters), strict=True):
        assert_allclose(gradient, expected, **DIFFERENCES)


def test_pde_residual_of_the_solution_is_0(ctx):
    t, x = (T.constant(a) for a in np.random.default_rng(0).uniform(-1.0, 1.0, (2, 50, 1)))
    assert np.abs(pde_residual.residual(pde_residual.exact, t, x).eval()).max() < 1e-13
    assert np.abs(pde_residual.residual(lambda t, x: 1.1 * pde_residual.exact(t, x), t, x).eval()).max() > 1e-3


def test_pde_residual_is_trained():
    losses = pde_residual.train(pde_residual.initialise(), 300)
    assert losses[-1] < 1e-3 * losses[0]


# Statistics


def poisson_in_numpy(design, counts):
    """Iteratively reweighted least squares."""
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        rate = np.exp(design @ beta)
        root = np.sqrt(rate)
        beta = np.linalg.lstsq(root[:, np.newaxis] * design, root * (design @ beta) + (counts - rate) / root, rcond=None)[0]
    return beta


def test_bootstrap():
    design, counts = bootstrap.data()
    estimate, resampled = bootstrap.bootstrap(design, counts, resamples=20, seed=5)
    assert_allclose(estimate, poisson_in_numpy(design, counts), rtol=1e-10)
    rng = np.random.default_rng(5)
    for beta in resampled:
        rows = rng.integers(0, len(counts), len(counts))
        assert_allclose(beta, poisson_in_numpy(design[rows], counts[rows]), rtol=1e-10)


def test_bootstrap_derivatives(ctx):
    design, counts = bootstrap.data(30)
    newton = bootstrap.Newton(ctx, design, counts)
    rows, beta = np.arange(0, 30, 2), np.array([0.2, -0.3, 0.1])
    gradient, hessian = ctx.eval([newton.gradient, newton.hessian], {newton.rows: rows, newton.beta: beta})
    rate = np.exp(design[rows] @ beta)
    assert_allclose(gradient, design[rows].T @ (rate - counts[rows]), rtol=1e-12)
    assert_allclose(hessian, design[rows].T @ (rate[:, np.newaxis] * design[rows]), rtol=1e-12)


def test_matrix_factorisation():
    _, table = matrix_factorisation.data()
    known = ~np.isnan(table)
    value, gradients, (left, right) = value_and_gradients(
        matrix_factorisation.initialise(), lambda factors: matrix_factorisation.loss(factors, table)
    )
    error = np.where(known, left @ right.T - table, 0.0)
    penalty = matrix_factorisation.PENALTY
    assert_allclose(value, np.mean(error[known] ** 2) + penalty * (np.mean(left**2) + np.mean(right**2)), rtol=1e-12)
    assert_allclose(gradients[0], 2 * error @ right / known.sum() + 2 * penalty * left / left.size, rtol=1e-10, atol=1e-15)
    assert_allclose(gradients[1], 2 * error.T @ left / known.sum() + 2 * penalty * right / right.size, rtol=1e-10, atol=1e-15)


def test_matrix_factorisation_is_trained():
    whole, table = matrix_factorisation.data()
    env = matrix_factorisation.initialise()
    losses = matrix_factorisation.train(env, table, 500)
    assert losses[-1] < 1e-2 * losses[0]
    error = (env.get("left") @ env.get("right").T - whole)[np.isnan(table)]
    assert np.sqrt(np.mean(error**2)) < 0.05


# Networks


def cross_entropy(logits, targets):
    return np.logaddexp(0.0, logits) - targets * logits


def test_rnn():
    signs = rnn.batch(np.random.default_rng(0))[:8]

    def loss(w_input, w_recurrent, bias, w_output):
        hidden, logits = np.zeros((len(signs), rnn.UNITS)), []
        for t in range(rnn.LENGTH):
            hidden = np.tanh(signs[:, [t]] @ w_input + hidden @ w_recurrent + bias)
            logits.append(hidden @ w_output)
        targets = (signs[:, : -rnn.DELAY] + 1) / 2
        return cross_entropy(np.hstack(logits)[:, rnn.DELAY :], targets).mean()

    value, gradients, parameters = value_and_gradients(rnn.initialise(), lambda p: rnn.loss(p, T.constant(signs)))
    assert_allclose(value, loss(*parameters), rtol=1e-12)
    for gradient, expected in zip(gradients, differences(loss, *parameters), strict=True):
        assert_allclose(gradient, expected, **DIFFERENCES)


def test_rnn_is_trained():
    env = rnn.initialise()
    losses = rnn.train(env, 300)
    assert losses[-1] < 1e-2 * losses[0]
    assert rnn.accuracy(env, rnn.batch(np.random.default_rng(1))) == 1.0


def test_vae():
    x = vae.images(10)
    noise = np.random.default_rng(0).standard_normal((10, vae.LATENT))

    def bound(w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
        hidden = np.tanh(x @ w1 + b1)
        mean, variance = hidden @ w2 + b2, np.exp(hidden @ w3 + b3)
        logits = np.tanh((mean + np.sqrt(variance) * noise) @ w4 + b4) @ w5 + b5
        divergence = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1)
        return np.mean(-cross_entropy(logits, x).sum(axis=1) - divergence)

    value, gradients, parameters = value_and_gradients(vae.initialise(), lambda p: vae.bound(p, T.constant(x), noise))
    assert_allclose(value, bound(*parameters), rtol=1e-12)
    for gradient, expected in zip(gradients, differences(bound, *parameters), strict=True):
        assert_allclose(gradient, expected, **DIFFERENCES)


def test_vae_draws_anew():
    x = vae.images(10)
    with ag.Context(vae.initialise()) as ctx:
        bound = vae.bound(vae.variables(ctx), T.constant(x))
        assert len({float(bound.eval()) for _ in range(3)}) == 3


def test_vae_is_trained():
    x = vae.images()
    bounds, again = (vae.train(vae.initialise(), x, 300) for _ in range(2))
    assert np.mean(bounds[-20:]) > 0.5 * bounds[0]
    assert bounds == again  # the draws come from the seed
