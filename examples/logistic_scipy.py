"""Regularised logistic regression, fitted by SciPy's trust-region Newton method and compared with scikit-learn's own solution.

    python examples/logistic_scipy.py

The derivatives come from the engine, by graphs that are built once: value and gradient from `value_and_grad`, products of the Hessian
with vectors from `hvp`. The program exits with an error if the two solutions differ by more than 1e-6.
"""

import sys

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

GRADIENT_NORM = 1e-8
AGREEMENT = 1e-6

dataset = load_breast_cancer()
features, classes = StandardScaler().fit_transform(dataset.data), dataset.target
count, width = features.shape

# One more column of ones carries the intercept, which is not regularised. Signs -1 and +1 stand for the classes.
design = np.hstack([features, np.ones((count, 1))])
signs = np.where(classes == 1, 1.0, -1.0)[:, np.newaxis]
regularised = np.append(np.ones(width), 0.0)


def objective(theta):
    """The sum of log(1 + exp(-sign * score)) over the samples, plus half the squared norm of the weights."""
    scores = T.matmul(design, T.reshape(theta, [width + 1, 1]))
    weights = theta * regularised
    return T.reduce_sum(T.softplus(scores * -signs)) + 0.5 * T.reduce_sum(weights * weights)


fun = ag.jit(ag.value_and_grad(objective))


def main():
    hessp = ag.jit(ag.hvp(objective))
    result = minimize(fun, np.zeros(width + 1), jac=True, hessp=hessp, method="trust-ncg", options={"gtol": GRADIENT_NORM})

    reference = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(features, classes)
    expected = np.append(reference.coef_[0], reference.intercept_)
    norm = float(np.linalg.norm(result.jac))
    difference = float(np.abs(result.x - expected).max())

    print(f"{count} samples, {width} features; {result.nit} iterations, {result.nfev} values, {result.nhev} Hessian-vector products")
    print(f"objective      {result.fun:.12f}    gradient norm {norm:.1e}")
    print(f"scikit-learn   {fun(expected)[0]:.12f}    gradient norm {np.linalg.norm(fun(expected)[1]):.1e}")
    print(f"\n{'coefficient':<24} {'trust-ncg':>12} {'scikit-learn':>14}")
    for name, ours, theirs in zip([*dataset.feature_names, "intercept"], result.x, expected, strict=True):
        print(f"{name:<24} {ours:>12.7f} {theirs:>14.7f}")
    print(f"\nlargest difference {difference:.1e}")

    if not norm <= GRADIENT_NORM:
        sys.exit(f"error: the gradient norm is {norm:.1e}; expected at most {GRADIENT_NORM:.0e} ({result.message})")
    if not difference <= AGREEMENT:
        sys.exit(f"error: the solutions differ by {difference:.1e}; expected at most {AGREEMENT:.0e}")


if __name__ == "__main__":
    main()
