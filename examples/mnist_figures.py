"""The two figures of examples/mnist.py."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # files only: no display is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

BLUE, ORANGE, GREY = "#1f5fa8", "#d9652b", "#8a8f98"
STYLE = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e5e8",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
}


def training(path: Path, history: Any) -> Path:
    """The loss of each step and the accuracy after each epoch."""
    losses = np.array(history.losses)
    epochs = np.arange(1, len(history.test_accuracy) + 1)
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))

        at = np.arange(1, len(losses) + 1) / history.steps_per_epoch
        left.plot(at, losses, color=BLUE, alpha=0.25, linewidth=0.6, label="one step")
        width = min(max(history.steps_per_epoch // 4, 1), len(losses))
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        left.plot(at[width - 1 :], smooth, color=BLUE, linewidth=1.8, label=f"mean of {width} steps")
        left.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy (nats, log scale)", yscale="log", xlim=(0, at[-1]))
        left.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        left.legend(loc="upper right")

        for accuracy, colour, name in ((history.train_accuracy, BLUE, "training images"), (history.test_accuracy, ORANGE, "test images")):
            right.plot(epochs, accuracy, "o-", color=colour, markersize=4, label=f"{name}: {accuracy[-1]:.2%}")
        right.set(title="Accuracy after each epoch", xlabel="epoch", ylabel="images classified correctly")
        right.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        right.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        right.legend(loc="lower right")

        figure.savefig(path)
        plt.close(figure)
    return path


def errors(path: Path, images: np.ndarray, labels: np.ndarray, logits: np.ndarray, rows: int = 3, columns: int = 8) -> Path:
    """The wrongly classified digits that the network is most certain of."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability = shifted / shifted.sum(axis=1, keepdims=True)
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    shown = wrong[np.argsort(-probability[wrong, predicted[wrong]], kind="stable")][: rows * columns]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(1.35 * columns, 1.75 * rows + 0.5))
        for ax in axes.flat:
            ax.set_axis_off()
        for ax, i in zip(axes.flat, shown, strict=False):
            ax.imshow(images[i].reshape(28, 28), cmap="gray_r", interpolation="nearest")
            certain = probability[i, predicted[i]]
            ax.set_title(f"{labels[i]} read as {predicted[i]}", fontsize=10, loc="center", color=ORANGE, fontweight="bold")
            ax.text(0.5, -0.04, f"at {certain:.1%}", transform=ax.transAxes, ha="center", va="top", fontsize=8, color=GREY)
        figure.suptitle(
            f"{len(wrong):,} of {len(labels):,} test images are read wrongly; the {len(shown)} that the network is most certain of",
            fontsize=12,
        )
        figure.savefig(path)
        plt.close(figure)
    return path
