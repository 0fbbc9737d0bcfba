"""A table with missing entries as the product of two thin matrices: fitted to the entries that are known, it predicts the others.

    python examples/ported/matrix_factorisation.py

Missing entries are NaN, as they come from a file. `T.where` keeps them out of the loss and of its gradients.
"""

from collections.abc import Sequence

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

ROWS, COLUMNS, RANK = 60, 40, 3
PENALTY = 1e-3


def data(known: float = 0.4, noise: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The whole table, and the table as it is seen."""
    rng = np.random.default_rng(seed)
    whole = rng.standard_normal((ROWS, RANK)) @ rng.standard_normal((RANK, COLUMNS))
    seen = whole + noise * rng.standard_normal(whole.shape)
    return whole, np.where(rng.random(whole.shape) < known, seen, np.nan)


def loss(factors: Sequence[ag.Tensor], table: np.ndarray) -> ag.Tensor:
    """The mean squared error over the known entries, and a penalty on the factors."""
    left, right = factors
    known = ~np.isnan(table)
    error = T.where(known, left @ right.T - table, 0.0)
    return T.reduce_sum(error**2) / np.count_nonzero(known) + PENALTY * (T.reduce_mean(left**2) + T.reduce_mean(right**2))


def initialise(seed: int = 0) -> ag.VariableEnvironment:
    env, rng = ag.VariableEnvironment(), ag.ArrayRng(seed=seed)
    env.name("left").set(rng.normal([ROWS, RANK], 0.0, 0.5))
    env.name("right").set(rng.normal([COLUMNS, RANK], 0.0, 0.5))
    return env


def train(env: ag.VariableEnvironment, table: np.ndarray, steps: int) -> list[float]:
    ids = env.default_namespace().current_var_ids()
    adam = ag.optimizers.Adam(0.05, 1e-8, 0.9, 0.999, ids, env, "adam")
    with ag.Context(env) as ctx:
        factors = [ctx.variable(key) for key in ids]
        value = loss(factors, table)
        grads = T.grad([value], factors)
        return [float(adam.update_and_eval([value], factors, grads, ctx)[0]) for _ in range(steps)]


def main() -> None:
    whole, table = data()
    env = initialise()
    losses = train(env, table, 500)
    missing = np.isnan(table)
    error = (env.get("left") @ env.get("right").T - whole)[missing]
    print(f"loss {losses[0]:.4f} at first, {losses[-1]:.6f} after {len(losses)} steps")
    print(f"root mean square error of {missing.sum()} missing entries {np.sqrt(np.mean(error**2)):.4f}, of 0 in their place", end=" ")
    print(f"{np.sqrt(np.mean(whole[missing] ** 2)):.4f}")


if __name__ == "__main__":
    main()
