"""Train a convolutional network on MNIST: two convolutions with batch normalization and pooling, dropout, a dense layer; Adam, float32.

    python examples/cnn_mnist.py [--epochs 5] [--batch 128] [--seed 0] [--out out] [--data FOLDER]

Writes the trained variables (cnn_mnist.safetensors) and two figures (cnn_mnist_training.png, cnn_mnist_errors.png) into the folder `--out`.
The passes over the images, and what is printed, are those of mnist.py.
"""

from itertools import pairwise

import numpy as np

import scirs2_autograd as ag
from mnist import Example, main
from scirs2_autograd import tensor_ops as T
from scirs2_autograd.optimizers import schedules

CHANNELS = [1, 16, 32]


def initialise(seed: int) -> ag.VariableEnvironment:
    """The variables of an untrained network. What no gradient moves, the running statistics, has a namespace of its own."""
    env = ag.VariableEnvironment()
    env.seed(seed)
    rng = ag.ArrayRng(seed=seed, dtype="float32")
    running = env.namespace("running")
    for layer, (before, after) in enumerate(pairwise(CHANNELS)):
        env.name(f"w{layer}").set(rng.he_normal([after, before, 3, 3]))
        env.name(f"scale{layer}").set(T.ones([after]))
        env.name(f"shift{layer}").set(T.zeros([after]))
        running.slot().name(f"mean{layer}").set(T.zeros([after]))
        running.slot().name(f"var{layer}").set(T.ones([after]))
    env.name("w").set(rng.glorot_uniform([CHANNELS[-1] * 7 * 7, 10]))
    env.name("b").set(T.zeros([10]))
    return env


class Network:
    """The graph over the variables of a context's environment: the loss in training, and the logits in evaluation."""

    def __init__(self, ctx: ag.Context) -> None:
        self.x = ctx.placeholder("x", [-1, 784])
        self.y = ctx.placeholder("y", [-1], dtype="int64")
        names = [f"{name}{layer}" for layer in range(len(CHANNELS) - 1) for name in ("w", "scale", "shift")]
        self.parameters = [ctx.variable(name) for name in [*names, "w", "b"]]
        self.logits = self.forward(ctx, training=False)
        self.loss = T.cross_entropy(self.forward(ctx, training=True), self.y)

    def forward(self, ctx: ag.Context, training: bool) -> ag.Tensor:
        """The logits. In training, batches are normalized by their own statistics, which move the running ones, and outputs are dropped."""
        *layers, w, b = self.parameters
        h = T.reshape(self.x, [-1, 1, 28, 28])
        for layer in range(len(CHANNELS) - 1):
            filters, scale, shift = layers[3 * layer : 3 * layer + 3]
            running = [ctx.variable(("running", f"{name}{layer}")) for name in ("mean", "var")]
            h = T.conv2d(h, filters, padding="same")
            h = T.relu(T.batch_norm(h, *running, scale, shift, training=training))
            h = T.max_pool2d(h, 2)
        h = T.dropout(T.reshape(h, [-1, CHANNELS[-1] * 7 * 7]), 0.25, train=training)
        return T.matmul(h, w) + b

    def feeder(self, images: np.ndarray, labels: np.ndarray) -> ag.Feeder:
        """What a step of training is given."""
        return ag.Feeder().push(self.x, images).push(self.y, labels)


if __name__ == "__main__":
    about = "Train a convolutional network on MNIST."
    main(Example("cnn_mnist", about, initialise, Network, epochs=5, schedule=lambda steps: schedules.OneCycle(0.01, steps)))
