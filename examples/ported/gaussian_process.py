"""Gaussian process regression: the hyperparameters maximise the marginal likelihood, which is computed by a Cholesky factor.

    python examples/ported/gaussian_process.py

theta holds the logarithms of the amplitude, the length and the noise of a squared exponential kernel.
"""

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def kernel(a: ag.Tensor | np.ndarray, b: ag.Tensor | np.ndarray, theta: ag.Tensor) -> ag.Tensor:
    """The covariances of the function's values at the points `a` and `b`, both 1-d."""
    distance = (T.expand_dims(a, 1) - T.expand_dims(b, 0)) / T.exp(theta[1])
    return T.exp(2.0 * theta[0] - 0.5 * distance**2)


def factor(x: np.ndarray, theta: ag.Tensor) -> ag.Tensor:
    return T.cholesky(kernel(x, x, theta) + T.exp(2.0 * theta[2]) * np.eye(len(x)))


def log_marginal_likelihood(theta: ag.Tensor, x: np.ndarray, y: np.ndarray) -> ag.Tensor:
    lower = factor(x, theta)
    whitened = T.solve_triangular(lower, y[:, np.newaxis], lower=True)
    log_det = T.reduce_sum(T.log(lower[np.arange(len(x)), np.arange(len(x))]))
    return -0.5 * T.reduce_sum(whitened**2) - log_det - 0.5 * len(x) * np.log(2.0 * np.pi)


def predict(theta: np.ndarray, x: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the function at new points."""
    with ag.Context() as ctx:
        t = T.constant(theta)
        lower = factor(x, t)
        cross = T.solve_triangular(lower, kernel(x, at, t), lower=True)
        mean = cross.T @ T.solve_triangular(lower, y[:, np.newaxis], lower=True)
        variance = T.exp(2.0 * t[0]) - T.reduce_sum(cross**2, axis=0)
        at_points, deviations = ctx.eval([mean[:, 0], T.sqrt(variance)])
    return at_points, deviations


def data(count: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 10.0, count))
    return x, np.sin(x) + 0.2 * rng.standard_normal(count)


def fit(x: np.ndarray, y: np.ndarray) -> OptimizeResult:
    with ag.Context() as ctx:
        theta = ctx.placeholder("theta", [3])
        value = -log_marginal_likelihood(theta, x, y)
        (gradient,) = T.grad([value], [theta])
        return minimize(lambda at: ctx.eval([value, gradient], {theta: at}), np.zeros(3), jac=True, method="L-BFGS-B")


def main() -> None:
    x, y = data()
    result = fit(x, y)
    print(f"log marginal likelihood {-result.fun:.6f} after {result.nit} iterations")
    print("amplitude {:.3f}, length {:.3f}, noise {:.3f}".format(*np.exp(result.x)))
    at = np.linspace(0.0, 10.0, 6)
    for point, mean, deviation in zip(at, *predict(result.x, x, y, at), strict=True):
        print(f"f({point:4.1f}) = {mean:6.3f} +- {deviation:.3f}   (truth {np.sin(point):6.3f})")


if __name__ == "__main__":
    main()
