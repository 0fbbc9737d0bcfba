"""A recurrent network that learns to repeat a sequence of signs two steps late; Adam, gradients through time.

    python examples/ported/rnn.py

The loop over time is a Python loop while the graph is built; a training step is one plan, whatever the size of the batch.
"""

from collections.abc import Sequence

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

LENGTH, DELAY, UNITS, BATCH = 12, 2, 16, 32
NAMES = ["input", "recurrent", "bias", "output"]


def initialise(seed: int = 0) -> ag.VariableEnvironment:
    env, rng = ag.VariableEnvironment(), ag.ArrayRng(seed=seed)
    env.name("input").set(rng.glorot_uniform([1, UNITS]))
    env.name("recurrent").set(rng.glorot_uniform([UNITS, UNITS]))
    env.name("bias").set(T.zeros([UNITS]))
    env.name("output").set(rng.glorot_uniform([UNITS, 1]))
    return env


def outputs(parameters: Sequence[ag.Tensor], signs: ag.Tensor) -> ag.Tensor:
    """The logit of a positive sign at each time: shape (batch, LENGTH), as the signs."""
    w_input, w_recurrent, bias, w_output = parameters
    hidden = T.zeros([1, UNITS])
    logits = []
    for t in range(LENGTH):
        hidden = T.tanh(signs[:, t : t + 1] @ w_input + hidden @ w_recurrent + bias)
        logits.append(hidden @ w_output)
    return T.concat(logits, axis=1)


def loss(parameters: Sequence[ag.Tensor], signs: ag.Tensor) -> ag.Tensor:
    """The mean cross-entropy of the outputs against the signs DELAY steps before, once there are such."""
    logits = outputs(parameters, signs)[:, DELAY:]
    targets = (signs[:, :-DELAY] + 1.0) / 2.0
    return T.reduce_mean(T.sigmoid_cross_entropy(logits, targets))


def batch(rng: np.random.Generator) -> np.ndarray:
    return rng.choice([-1.0, 1.0], size=(BATCH, LENGTH))


def train(env: ag.VariableEnvironment, steps: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    adam = ag.optimizers.Adam(1e-2, 1e-8, 0.9, 0.999, env.default_namespace().current_var_ids(), env, "adam")
    losses = []
    with ag.Context(env) as ctx:
        signs = ctx.placeholder("signs", [-1, LENGTH])
        parameters = [ctx.variable(name) for name in NAMES]
        value = loss(parameters, signs)
        grads = T.grad([value], parameters)
        for _ in range(steps):
            feeder = ag.Feeder().push(signs, batch(rng))
            losses.append(float(adam.update_and_eval([value], parameters, grads, ctx, feeder)[0]))
    return losses


def accuracy(env: ag.VariableEnvironment, signs: np.ndarray) -> float:
    with ag.Context(env) as ctx:
        logits = outputs([ctx.variable(name) for name in NAMES], T.constant(signs)).eval()
    return float(np.mean((logits[:, DELAY:] > 0.0) == (signs[:, :-DELAY] > 0.0)))


def main() -> None:
    env = initialise()
    losses = train(env, 400)
    print(f"loss {losses[0]:.4f} at first, {losses[-1]:.4f} after {len(losses)} steps")
    print(f"{accuracy(env, batch(np.random.default_rng(1))):.1%} of the signs of new sequences are repeated rightly")


if __name__ == "__main__":
    main()
