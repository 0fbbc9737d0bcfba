"""A variational autoencoder of small images of bars: 16 pixels, two latent numbers, reparameterised draws.

    python examples/ported/vae.py

The draws are nodes of the graph: each run draws anew, from the seed of the environment.
"""

from collections.abc import Sequence

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

SIDE, LATENT, HIDDEN = 4, 2, 32
PIXELS = SIDE * SIDE
LAYERS = {"encoder": (PIXELS, HIDDEN), "mean": (HIDDEN, LATENT), "log_variance": (HIDDEN, LATENT)}
LAYERS |= {"decoder": (LATENT, HIDDEN), "pixels": (HIDDEN, PIXELS)}


def images(count: int = 512, seed: int = 0) -> np.ndarray:
    """A row or a column of an image is lit; one pixel in fifty is turned over."""
    rng = np.random.default_rng(seed)
    bars = np.zeros((count, SIDE, SIDE), dtype=bool)
    bars[np.arange(count), rng.integers(0, SIDE, count)] = True
    upright = rng.random(count) < 0.5
    bars[upright] = bars[upright].transpose(0, 2, 1)
    return (bars.reshape(count, PIXELS) ^ (rng.random((count, PIXELS)) < 0.02)).astype(float)


def initialise(seed: int = 0) -> ag.VariableEnvironment:
    env, rng = ag.VariableEnvironment(), ag.ArrayRng(seed=seed)
    env.seed(seed)  # of the draws in graphs
    for name, shape in LAYERS.items():
        env.name(name).set(rng.glorot_uniform(shape))
        env.name(f"{name}_bias").set(T.zeros(shape[1:]))
    return env


def variables(ctx: ag.Context) -> list[ag.Tensor]:
    return [ctx.variable(name + suffix) for name in LAYERS for suffix in ("", "_bias")]


def bound(parameters: Sequence[ag.Tensor], x: ag.Tensor, noise: ag.Tensor | np.ndarray | None = None) -> ag.Tensor:
    """The mean over the images of the evidence lower bound. Without given `noise`, of shape (count, LATENT), each run draws its own."""
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    hidden = T.tanh(x @ w1 + b1)
    mean, log_variance = hidden @ w2 + b2, hidden @ w3 + b3
    z = mean + T.exp(0.5 * log_variance) * (T.normal_like(mean) if noise is None else noise)
    logits = T.tanh(z @ w4 + b4) @ w5 + b5
    log_likelihood = -T.reduce_sum(T.sigmoid_cross_entropy(logits, x), axis=1)
    divergence = 0.5 * T.reduce_sum(mean**2 + T.exp(log_variance) - 1.0 - log_variance, axis=1)
    return T.reduce_mean(log_likelihood - divergence)


def train(env: ag.VariableEnvironment, x: np.ndarray, steps: int) -> list[float]:
    """The bound at each step."""
    adam = ag.optimizers.Adam(1e-2, 1e-8, 0.9, 0.999, env.default_namespace().current_var_ids(), env, "adam")
    with ag.Context(env) as ctx:
        parameters = variables(ctx)
        value = bound(parameters, T.constant(x))
        grads = T.grad([-value], parameters)
        return [float(adam.update_and_eval([value], parameters, grads, ctx)[0]) for _ in range(steps)]


def main() -> None:
    env = initialise()
    bounds = train(env, images(), 500)
    print(f"evidence lower bound {bounds[0]:.3f} at first, {bounds[-1]:.3f} after {len(bounds)} steps")
    with ag.Context(env, seed=1) as ctx:
        w4, b4, w5, b5 = variables(ctx)[6:]
        drawn = T.sigmoid(T.tanh(T.standard_normal([4, LATENT]) @ w4 + b4) @ w5 + b5).eval()
    for row in drawn.reshape(4, SIDE, SIDE).transpose(1, 0, 2):
        print("   ".join("".join(" .:+#"[int(4.99 * p)] for p in line) for line in row))


if __name__ == "__main__":
    main()
