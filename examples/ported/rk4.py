"""Rates of a Lotka-Volterra model from noisy observations: the loss is differentiated through the steps of a Runge-Kutta method.

    python examples/ported/rk4.py

The model is x' = x * (growth + interaction @ x), for hares and lynxes. The six parameters are one vector, fitted by SciPy's L-BFGS.
"""

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

STEPS, STEP = 80, 0.1
START = np.array([1.0, 0.5])
TRUTH = np.array([1.0, -0.6, 0.0, -1.2, 0.8, -0.1])  # growth, then the rows of the interaction


def slope(x: ag.Tensor, theta: ag.Tensor) -> ag.Tensor:
    return x * (theta[:2] + theta[2:].reshape(2, 2) @ x)


def trajectory(theta: ag.Tensor) -> ag.Tensor:
    """The states after each step of the classical method of fourth order, shape (STEPS, 2)."""
    x = T.constant(START)
    states = []
    for _ in range(STEPS):
        k1 = slope(x, theta)
        k2 = slope(x + 0.5 * STEP * k1, theta)
        k3 = slope(x + 0.5 * STEP * k2, theta)
        k4 = slope(x + STEP * k3, theta)
        x = x + STEP / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        states.append(x[np.newaxis])
    return T.concat(states)


def loss(theta: ag.Tensor, observed: np.ndarray) -> ag.Tensor:
    """The mean squared difference of the logarithms: populations stay positive, and errors are relative."""
    return T.reduce_mean((T.log(trajectory(theta)) - np.log(observed)) ** 2)


def observations(noise: float = 0.02, seed: int = 0) -> np.ndarray:
    with ag.Context():
        states = trajectory(T.constant(TRUTH)).eval()
    return states * np.exp(noise * np.random.default_rng(seed).standard_normal(states.shape))


def fit(observed: np.ndarray) -> OptimizeResult:
    """The graph is built once; every evaluation is a run of it."""
    with ag.Context() as ctx:
        theta = ctx.placeholder("theta", [6])
        value = loss(theta, observed)
        (gradient,) = T.grad([value], [theta])
        start = np.array([0.8, -0.8, 0.0, -1.0, 1.0, 0.0])
        return minimize(lambda at: ctx.eval([value, gradient], {theta: at}), start, jac=True, method="L-BFGS-B")


def main() -> None:
    result = fit(observations())
    print(f"loss {result.fun:.3e} after {result.nit} iterations, {result.nfev} evaluations")
    print("true  ", TRUTH)
    print("fitted", result.x.round(3))


if __name__ == "__main__":
    main()
