"""A network that solves Burgers' equation u_t + u u_x = nu u_xx: it is trained on the residual, without a grid.

    python examples/ported/pde_residual.py

The derivatives of the network in t and x come from `T.grad`, and the loss that contains them is differentiated with respect to the
weights. The travelling wave u = 1 / (1 + exp((x - t / 2) / (2 nu))) gives the values at the start and on the sides.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

NU, UNITS = 0.1, 16
SHAPES = {"w1": [2, UNITS], "b1": [UNITS], "w2": [UNITS, UNITS], "b2": [UNITS], "w3": [UNITS, 1]}


def exact(t: ag.Tensor, x: ag.Tensor) -> ag.Tensor:
    return T.sigmoid((0.5 * t - x) / (2.0 * NU))


def residual(u: Callable[[ag.Tensor, ag.Tensor], ag.Tensor], t: ag.Tensor, x: ag.Tensor) -> ag.Tensor:
    """u_t + u u_x - nu u_xx at each point. A row of u depends on its own point only, so the gradient of the sum is each row's."""
    at = u(t, x)
    u_t, u_x = T.grad([at], [t, x])
    (u_xx,) = T.grad([u_x], [x])
    return u_t + at * u_x - NU * u_xx


def network(parameters: Sequence[ag.Tensor], t: ag.Tensor, x: ag.Tensor) -> ag.Tensor:
    w1, b1, w2, b2, w3 = parameters
    hidden = T.tanh(T.concat([t, x], axis=1) @ w1 + b1)
    return T.tanh(hidden @ w2 + b2) @ w3


def loss(parameters: Sequence[ag.Tensor], inner: np.ndarray, border: np.ndarray) -> ag.Tensor:
    """Mean squares of the residual at inner points and of the error on the border; points are rows (t, x)."""
    u = partial(network, parameters)
    (t, x), (t0, x0) = ([T.constant(rows[:, :1]), T.constant(rows[:, 1:])] for rows in (inner, border))
    return T.reduce_mean(residual(u, t, x) ** 2) + T.reduce_mean((u(t0, x0) - exact(t0, x0)) ** 2)


def points(count: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points inside of 0 < t < 1, -1 < x < 1, and points at t = 0 and x = -1 and x = 1."""
    rng = np.random.default_rng(seed)
    inner, border = (rng.uniform([0.0, -1.0], [1.0, 1.0], (count, 2)) for _ in range(2))
    border[: count // 2, 0] = 0.0
    border[count // 2 :, 1] = np.sign(border[count // 2 :, 1])
    return inner, border


def initialise(seed: int = 0) -> ag.VariableEnvironment:
    env, rng = ag.VariableEnvironment(), ag.ArrayRng(seed=seed)
    for name, shape in SHAPES.items():
        env.name(name).set(rng.glorot_normal(shape) if name.startswith("w") else T.zeros(shape))
    return env


def train(env: ag.VariableEnvironment, steps: int) -> list[float]:
    adam = ag.optimizers.Adam(1e-2, 1e-8, 0.9, 0.999, env.default_namespace().current_var_ids(), env, "adam")
    with ag.Context(env) as ctx:
        parameters = [ctx.variable(name) for name in SHAPES]
        value = loss(parameters, *points())
        grads = T.grad([value], parameters)
        return [float(adam.update_and_eval([value], parameters, grads, ctx)[0]) for _ in range(steps)]


def main() -> None:
    env = initialise()
    losses = train(env, 1000)
    with ag.Context(env) as ctx:
        t, x = (T.constant(a.reshape(-1, 1)) for a in np.meshgrid(np.linspace(0.0, 1.0, 21), np.linspace(-1.0, 1.0, 41)))
        error = (network([ctx.variable(name) for name in SHAPES], t, x) - exact(t, x)).eval()
    print(f"loss {losses[0]:.3e} before, {losses[-1]:.3e} after {len(losses)} steps")
    print(f"largest error of u {np.abs(error).max():.4f}")


if __name__ == "__main__":
    main()
