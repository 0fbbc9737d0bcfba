"""A typed program of a user: a regression with an operation of its own, trained, saved and loaded again. Strict type checkers accept it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

Array = NDArray[np.float64]


def soft_sign_of_arrays(x: Array) -> Array:
    return x / (1.0 + np.abs(x))


def soft_sign_vjp(g: ag.Tensor, y: ag.Tensor, _: ag.Tensor) -> tuple[ag.Tensor]:
    return (g * T.square(1.0 - T.abs(y)),)


soft_sign = ag.custom_op(soft_sign_of_arrays, soft_sign_vjp, name="soft_sign")


class Model:
    """The graph over the variables of an environment."""

    def __init__(self, ctx: ag.Context) -> None:
        self.x = ctx.placeholder("x", [None, 2])
        self.y = ctx.placeholder("y", [-1])
        self.weights = [ctx.variable(name) for name in ("w", "b", "v")]
        w, b, v = self.weights
        hidden: ag.Tensor = soft_sign(self.x @ w + b[np.newaxis, :])
        self.output = (hidden @ v)[:, 0]
        error = T.where(T.abs(self.y) < 10.0, self.output - self.y, 0.0)
        self.loss = 0.5 * (error**2).mean() + 1e-4 * sum(T.reduce_sum(t * t) for t in self.weights)


def initialise(seed: int) -> ag.VariableEnvironment:
    env, rng = ag.VariableEnvironment(), ag.ArrayRng(seed=seed)
    env.name("w").set(rng.glorot_uniform([2, 8]))
    env.name("b").set(T.zeros(8))
    env.name("v").set(rng.glorot_uniform((8, 1)))
    return env


def train(env: ag.VariableEnvironment, x: Array, y: Array, steps: int) -> Iterator[float]:
    adam = ag.optimizers.Adam.default("adam", env.default_namespace().current_var_ids(), env, check_finite=True)
    with ag.Context(env, seed=1) as ctx:
        model = Model(ctx)
        grads = T.grad([model.loss], model.weights)
        for step in range(steps):
            adam.alpha = 0.05 * 0.5 ** (step // 100)
            feeder = ag.Feeder().push(model.x, x).push("y", y)
            (loss,) = adam.update_and_eval([model.loss], model.weights, grads, ctx, feeder)
            yield float(loss)


def curvature(ctx: ag.Context, model: Model, x: Array, y: Array) -> Array:
    """The product of the loss's Hessian in `w` with ones."""
    (product,) = T._hessian_vector_product([model.loss], model.weights[:1], [np.ones((2, 8))])
    evaluator = ctx.evaluator().push(product).feed(model.x, x).feed(model.y, y)
    print(f"{evaluator.plan().steps} steps, {evaluator.plan().peak_bytes} bytes")
    return evaluator.run()[0]


def main(file: Path) -> tuple[list[float], float]:
    """The losses of the training, and the loss of the model that was loaded again."""
    x = np.random.default_rng(0).standard_normal((64, 2))
    y = np.sin(x[:, 0]) * x[:, 1]
    env = initialise(seed=0)
    losses = list(train(env, x, y, steps=200))
    env.save(file)
    with ag.Context(ag.VariableEnvironment.load(file)) as ctx:
        model = Model(ctx)
        loss = float(model.loss.eval({model.x: x, model.y: y}))
        print(losses[0], loss, curvature(ctx, model, x, y).shape)
        try:
            model.output.eval({"x": x.T})
        except (ag.FeedError, ag.ShapeError) as e:
            print(e)
    return losses, loss


if __name__ == "__main__":
    main(Path(sys.argv[1]))
