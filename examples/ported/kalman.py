"""Kalman filter of a target that moves in the plane: the log-likelihood of its observed positions, and the fit of both noises.

    python examples/ported/kalman.py

The state is position and velocity. theta holds the logarithms of two standard deviations: of the acceleration, and of a measurement.
"""

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

STEPS = 50
F = np.kron([[1.0, 1.0], [0.0, 1.0]], np.eye(2))  # a step of motion
G = np.kron([[0.5], [1.0]], np.eye(2))  # what an acceleration changes
H = np.eye(2, 4)  # the position is observed
MEAN, COVARIANCE = np.zeros((4, 1)), np.eye(4)  # of the state at the start
TRUTH = np.log([0.1, 0.5])


def log_likelihood(theta: ag.Tensor, observed: np.ndarray) -> ag.Tensor:
    """The sum over time of the log-density of an observation given those before it."""
    acceleration = T.exp(2.0 * theta[0]) * (G @ G.T)
    measurement = T.exp(2.0 * theta[1]) * np.eye(2)
    mean, covariance = T.constant(MEAN), T.constant(COVARIANCE)
    total = T.constant(0.0)
    for y in observed:
        mean = F @ mean
        covariance = F @ covariance @ F.T + acceleration
        innovation = y.reshape(2, 1) - H @ mean
        lower = T.cholesky(H @ covariance @ H.T + measurement)
        whitened = T.solve_triangular(lower, innovation, lower=True)
        scaled = T.solve_triangular(lower, H @ covariance, lower=True)
        total = total - 0.5 * T.reduce_sum(whitened**2) - T.log(lower[0, 0]) - T.log(lower[1, 1]) - np.log(2.0 * np.pi)
        mean = mean + scaled.T @ whitened
        covariance = covariance - scaled.T @ scaled
    return total


def observations(seed: int = 0) -> np.ndarray:
    """Measured positions of a simulated target, shape (STEPS, 2)."""
    rng = np.random.default_rng(seed)
    acceleration, measurement = np.exp(TRUTH)
    state = rng.standard_normal(4)
    positions = []
    for _ in range(STEPS):
        state = F @ state + acceleration * G @ rng.standard_normal(2)
        positions.append(H @ state + measurement * rng.standard_normal(2))
    return np.array(positions)


def fit(observed: np.ndarray) -> OptimizeResult:
    with ag.Context() as ctx:
        theta = ctx.placeholder("theta", [2])
        value = -log_likelihood(theta, observed)
        (gradient,) = T.grad([value], [theta])
        return minimize(lambda at: ctx.eval([value, gradient], {theta: at}), np.zeros(2), jac=True, method="BFGS")


def main() -> None:
    result = fit(observations())
    print(f"log-likelihood {-result.fun:.6f} after {result.nit} iterations")
    for name, true, fitted in zip(["acceleration", "measurement"], np.exp(TRUTH), np.exp(result.x), strict=True):
        print(f"{name:<13} true {true:.3f}   fitted {fitted:.3f}")


if __name__ == "__main__":
    main()
