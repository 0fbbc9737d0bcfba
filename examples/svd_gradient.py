"""The gradient of a smooth function that is written by singular values, as two of them meet.

    python examples/svd_gradient.py [--out FOLDER]

`f(A) = sum(C * (U S^3 Vh))` is the polynomial `sum(C * A A^T A)`, whose gradient is known without a factorisation. The gap between two
singular values of a dense matrix closes from 1 to 1e-16, and the gradient through the singular value decomposition is compared with it:
ours, and those of JAX and PyTorch if they are installed. A figure is drawn into the folder. The program exits with an error if ours is
ever further off than 1e-7.
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # files only: no display is needed

import matplotlib.pyplot as plt
import numpy as np

import scirs2_autograd as ag
from mnist_figures import BLUE, GREY, ORANGE, STYLE
from scirs2_autograd import tensor_ops as T

LARGEST = 1e-7
#: Where a peer gives NaN.
BEYOND = 1.0
SIDE = 6
Gradient = Callable[[np.ndarray], np.ndarray]

rng = np.random.default_rng(0)
weights = rng.standard_normal((SIDE, SIDE))
left, right = (np.linalg.qr(rng.standard_normal((SIDE, SIDE)))[0] for _ in range(2))


def matrix(gap: float) -> np.ndarray:
    """A dense matrix whose second and third singular values are this far apart."""
    return (left * np.array([4.0, 2.0 + gap, 2.0, 1.0, 0.5, 0.25])) @ right.T


def exact(a: np.ndarray) -> np.ndarray:
    """The gradient of the polynomial."""
    return weights @ a.T @ a + a @ weights.T @ a + a @ a.T @ weights


def ours() -> Gradient:
    def f(x):
        u, s, vh = T.linalg.svd(x)
        return T.sum(weights * T.matmul(u * s**3, vh))

    return ag.jit(ag.grad(f))


def jax_gradient() -> Gradient:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def f(x):
        u, s, vh = jnp.linalg.svd(x, full_matrices=False)
        return jnp.sum(weights * ((u * s**3) @ vh))

    return jax.jit(jax.grad(f))


def torch_gradient() -> Gradient:
    torch = importlib.import_module("torch")

    def gradient(a):
        x = torch.tensor(a, requires_grad=True)
        u, s, vh = torch.linalg.svd(x, full_matrices=False)
        (torch.tensor(weights) * ((u * s**3) @ vh)).sum().backward()
        return x.grad.numpy()

    return gradient


PEERS = {"JAX": (jax_gradient, ORANGE, "s"), "PyTorch": (torch_gradient, GREY, "^")}


def errors(gradient: Gradient, gaps: np.ndarray) -> np.ndarray:
    """The largest error for each gap, in units of the largest entry; infinite where there is NaN."""
    found = []
    for gap in gaps:
        a = matrix(gap)
        want = exact(a)
        error = np.abs(np.asarray(gradient(a)) - want).max() / np.abs(want).max()
        found.append(error if np.isfinite(error) else np.inf)
    return np.array(found)


def draw(path: Path, gaps: np.ndarray, curves: dict[str, tuple[np.ndarray, str, str]]) -> None:
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.2))
        for name, (error, colour, marker) in curves.items():
            shown = np.clip(error, 1e-17, BEYOND)
            axes.plot(gaps, shown, marker, color=colour, linestyle="-", linewidth=1.4, markersize=4, label=name)
        axes.set(xscale="log", yscale="log", ylim=(1e-17, 10.0 * BEYOND), xlabel="gap between two singular values")
        axes.set(ylabel="error of the gradient, relative", title="Gradient of a smooth function through the SVD, as two values meet")
        axes.invert_xaxis()
        axes.legend(loc="upper left")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder of the figure (default: out)")
    parser.add_argument("--format", choices=["png", "svg"], default="png", help="of the figure (default: png)")
    arguments = parser.parse_args()

    gaps = 10.0 ** -np.arange(0.0, 16.01, 0.25)
    curves = {"scirs2_autograd": (errors(ours(), gaps), BLUE, "o")}
    for name, (make, colour, marker) in PEERS.items():
        try:
            curves[name] = (errors(make(), gaps), colour, marker)
        except ImportError:
            print(f"{name} is not installed")
    for name, (error, *_) in curves.items():
        print(f"{name:<16} largest error {error.max():.1e}, at a gap of {gaps[error.argmax()]:.1e}")
    path = arguments.out / f"svd_gradient.{arguments.format}"
    draw(path, gaps, curves)
    print(f"wrote {path}")

    worst = curves["scirs2_autograd"][0].max()
    if not worst <= LARGEST:
        sys.exit(f"error: the largest error is {worst:.1e}; expected at most {LARGEST:.0e}")


if __name__ == "__main__":
    main()
