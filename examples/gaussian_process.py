"""A Gaussian process on the diabetes data of scikit-learn: its kernel is found by Newton's method, and compared with scikit-learn's own.

    python examples/gaussian_process.py

The negative logarithm of the marginal likelihood, its gradient and its whole Hessian with respect to the kernel's parameters come from the
engine: one Cholesky factorisation serves value and gradient. SciPy's trust-region method with exact Hessians takes a handful of
steps. The program exits with an error if the optimum is not scikit-learn's.
"""

import sys

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.preprocessing import StandardScaler

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

GRADIENT_NORM = 1e-7
AGREEMENT = 1e-6
NAMES = ("amplitude", "length scale", "noise")

dataset = load_diabetes()
inputs = StandardScaler().fit_transform(dataset.data)
targets = (dataset.target - dataset.target.mean()) / dataset.target.std()
count = len(targets)
distances = np.sum((inputs[:, np.newaxis] - inputs) ** 2, axis=2)


def negative_log_likelihood(theta):
    """`y^T K^-1 y / 2 + log det K / 2 + n log(2 pi) / 2` for `K = a exp(-d^2 / 2 l^2) + s I`, where `theta` is log of `(a, l, s)`."""
    amplitude, length, noise = T.unbind(T.exp(theta))
    kernel = amplitude * T.exp(distances * (-0.5 / (length * length))) + noise * np.eye(count)
    lower = T.linalg.cholesky(kernel)
    whitened = T.linalg.solve_triangular(lower, targets, lower=True)
    return 0.5 * T.sum(whitened * whitened) + T.sum(T.log(T.diagonal(lower))) + 0.5 * count * np.log(2.0 * np.pi)


def to_the_end(objective, start, bounds):
    """scikit-learn's own minimiser, which otherwise stops at four digits."""
    options = {"ftol": 1e-16, "gtol": 1e-9, "maxls": 50}
    found = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    return found.x, found.fun


def main():
    fun, hess = ag.jit(ag.value_and_grad(negative_log_likelihood)), ag.jit(ag.hessian(negative_log_likelihood))
    start = np.zeros(3)
    options = {"gtol": GRADIENT_NORM}
    result = minimize(fun, start, jac=True, hess=lambda theta: np.asarray(hess(theta)), method="trust-exact", options=options)
    curvature = np.linalg.eigvalsh(np.asarray(hess(result.x)))

    kernel = ConstantKernel(1.0, (1e-5, 1e5)) * RBF(1.0, (1e-3, 1e5)) + WhiteKernel(1.0, (1e-5, 1e5))
    reference = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=to_the_end).fit(inputs, targets)
    theirs = reference.kernel_.theta
    difference = float(np.abs(np.expm1(result.x - theirs)).max())
    likelihood = float(reference.log_marginal_likelihood_value_)

    print(f"{count} patients, {inputs.shape[1]} features; {result.nit} iterations, {result.nfev} values, {result.nhev} Hessians")
    print(f"log likelihood {-result.fun:.9f}    gradient norm {np.linalg.norm(result.jac):.1e}    curvature {curvature.min():.3g}")
    print(f"scikit-learn   {likelihood:.9f}    gradient norm {np.linalg.norm(np.asarray(fun(theirs)[1])):.1e}")
    print(f"\n{'parameter':<14} {'trust-exact':>14} {'scikit-learn':>14}")
    for name, own, other in zip(NAMES, np.exp(result.x), np.exp(theirs), strict=True):
        print(f"{name:<14} {own:>14.6f} {other:>14.6f}")
    print(f"\nlargest relative difference {difference:.1e}")

    if not np.linalg.norm(result.jac) <= GRADIENT_NORM or not curvature.min() > 0.0:
        sys.exit(f"error: no minimum was found: {result.message}")
    if not difference <= AGREEMENT:
        sys.exit(f"error: the optima differ by {difference:.1e}; expected at most {AGREEMENT:.0e}")


if __name__ == "__main__":
    main()
