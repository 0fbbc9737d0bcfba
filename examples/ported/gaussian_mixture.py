"""Fits a mixture of three Gaussians with full covariances to points in the plane, by maximum likelihood and SciPy's L-BFGS.

    python examples/ported/gaussian_mixture.py

The parameters are one vector, as SciPy wants it: the logits of the weights, the means, and for each component the Cholesky factor of
its covariance, with the logarithms of the diagonal.
"""

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

K, D = 3, 2
WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[-2.0, 0.0], [2.0, 1.0], [0.0, -3.0]])
FACTORS = np.array([[[0.8, 0.0], [0.5, 0.4]], [[0.5, 0.0], [-0.3, 0.7]], [[1.0, 0.0], [0.0, 0.3]]])


def sample(count: int = 600, seed: int = 0) -> np.ndarray:
    """Points of the true mixture, shape (count, D)."""
    rng = np.random.default_rng(seed)
    component = rng.choice(K, size=count, p=WEIGHTS)
    return MEANS[component] + np.einsum("nij,nj->ni", FACTORS[component], rng.standard_normal((count, D)))


def log_likelihood(theta: ag.Tensor, points: ag.Tensor | np.ndarray) -> ag.Tensor:
    """The mean over the points of the logarithm of the mixture's density."""
    logits = theta[:K]
    means = theta[K : K + K * D].reshape(K, 1, D)
    raw = theta[K + K * D :].reshape(K, D, D)
    factors = raw * np.tril(np.ones((D, D)), -1) + T.exp(raw) * np.eye(D)
    whitened = T.solve_triangular(factors, T.transpose(points - means, [0, 2, 1]), lower=True)  # (K, D, count)
    log_det = T.reduce_sum(raw * np.eye(D), axis=[1, 2])
    log_density = -0.5 * T.reduce_sum(whitened**2, axis=1) - 0.5 * D * np.log(2.0 * np.pi) - log_det.reshape(K, 1)
    return T.reduce_mean(T.reduce_logsumexp(T.log_softmax(logits).reshape(K, 1) + log_density, axis=0))


def unpack(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and covariances."""
    weights = np.exp(theta[:K] - np.logaddexp.reduce(theta[:K]))
    raw = theta[K + K * D :].reshape(K, D, D)
    factors = np.tril(raw, -1) + np.exp(raw) * np.eye(D)
    return weights, theta[K : K + K * D].reshape(K, D), factors @ factors.transpose(0, 2, 1)


def start(points: np.ndarray) -> np.ndarray:
    """Equal weights, unit covariances, and points that lie far from each other as means."""
    means = points[:1]
    while len(means) < K:
        distance = np.linalg.norm(points[:, np.newaxis] - means, axis=2).min(axis=1)
        means = np.vstack([means, points[distance.argmax()]])
    return np.concatenate([np.zeros(K), means.ravel(), np.zeros(K * D * D)])


def fit(points: np.ndarray) -> OptimizeResult:
    return minimize(ag.value_and_grad(lambda theta: -log_likelihood(theta, points)), start(points), jac=True, method="L-BFGS-B")


def main() -> None:
    points = sample()
    result = fit(points)
    weights, means, covariances = unpack(result.x)
    print(f"log-likelihood a point {-result.fun:.6f} after {result.nit} iterations")
    for k in np.argsort(-weights):
        print(f"weight {weights[k]:.3f}   mean {means[k].round(2)}   covariance {covariances[k].round(2).tolist()}")


if __name__ == "__main__":
    main()
