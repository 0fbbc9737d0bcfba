"""Standard errors of a Poisson regression by the bootstrap: each resample is fitted by Newton's method, all by the same plan.

    python examples/ported/bootstrap.py

The rows of a resample are a feed, so that value, gradient and Hessian are one graph that is built once and run some thousand times.
"""

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

TRUTH = np.array([0.5, 0.8, -0.4])


def data(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A design with a column of ones, and counts."""
    rng = np.random.default_rng(seed)
    design = np.hstack([np.ones((count, 1)), rng.standard_normal((count, 2))])
    return design, rng.poisson(np.exp(design @ TRUTH)).astype(float)


def deviance(beta: ag.Tensor, design: ag.Tensor, counts: ag.Tensor) -> ag.Tensor:
    """The negative log-likelihood, without what does not depend on beta."""
    rate = design @ beta
    return T.reduce_sum(T.exp(rate) - counts * rate)


class Newton:
    """Fits to rows of the data, by a kept graph."""

    def __init__(self, ctx: ag.Context, design: np.ndarray, counts: np.ndarray) -> None:
        self.ctx = ctx
        self.rows = ctx.placeholder("rows", [-1], dtype="int64")
        self.beta = ctx.placeholder("beta", [design.shape[1]])
        value = deviance(self.beta, T.take(design, self.rows, axis=0), T.take(counts, self.rows))
        (self.gradient,) = T.grad([value], [self.beta])
        (self.hessian,) = T.jacobians(self.gradient, [self.beta])

    def fit(self, rows: np.ndarray, beta: np.ndarray) -> np.ndarray:
        for _ in range(50):
            gradient, hessian = self.ctx.eval([self.gradient, self.hessian], {self.rows: rows, self.beta: beta})
            step = np.linalg.solve(hessian, gradient)
            beta = beta - step
            if np.abs(step).max() < 1e-10:
                return beta
        raise RuntimeError("Newton's method did not converge")


def bootstrap(design: np.ndarray, counts: np.ndarray, resamples: int = 300, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The estimate, and those of all resamples, shape (resamples, width)."""
    rng = np.random.default_rng(seed)
    n = len(counts)
    with ag.Context() as ctx:
        newton = Newton(ctx, design, counts)
        estimate = newton.fit(np.arange(n), np.zeros(design.shape[1]))
        return estimate, np.array([newton.fit(rng.integers(0, n, n), estimate) for _ in range(resamples)])


def main() -> None:
    design, counts = data()
    estimate, resampled = bootstrap(design, counts)
    information = design.T @ (np.exp(design @ estimate)[:, np.newaxis] * design)
    asymptotic = np.sqrt(np.diag(np.linalg.inv(information)))
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    print(f"{'true':>8} {'estimate':>10} {'bootstrap se':>13} {'asymptotic se':>14}   95 % interval")
    for row in zip(TRUTH, estimate, resampled.std(axis=0, ddof=1), asymptotic, low, high, strict=True):
        print("{:8.3f} {:10.4f} {:13.4f} {:14.4f}   {:.3f} to {:.3f}".format(*row))


if __name__ == "__main__":
    main()
