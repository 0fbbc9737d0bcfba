"""The example programs run as a user runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def run(cache, name, *args):
    """The finished process of an example, with its files cached in a folder of the tests."""
    command = [sys.executable, str(EXAMPLES / name), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, timeout=600)


def test_logistic_scipy(cache):
    done = run(cache, "logistic_scipy.py")
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"largest difference (\S+)", done.stdout)[1]) <= 1e-6


def test_mnist(cache, tmp_path):
    done = run(cache, "mnist.py", "--epochs", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    # The accuracies of the network that was trained and of the network that was loaded.
    trained, loaded = (float(percent) for percent in re.findall(r"(\d+\.\d+)%", done.stdout))
    assert trained == loaded
    assert trained > 92
    assert re.search(r"trained: [\d,]+ steps/s", done.stdout)
    for name in ("mnist_training.png", "mnist_errors.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_mnist_file_opens_elsewhere(cache, tmp_path):
    run(cache, "mnist.py", "--epochs", 1, "--batch", 1024, "--out", tmp_path).check_returncode()
    shapes = {tensor.shape for tensor in load_file(tmp_path / "mnist.safetensors").values()}
    assert {(784, 128), (1, 128), (128, 10), (1, 10)} <= shapes


def test_mnist_is_reproducible(cache, tmp_path):
    runs = [run(cache, "mnist.py", "--epochs", 1, "--batch", 2048, "--seed", 3, "--out", tmp_path).stdout for _ in range(2)]
    accuracies = [re.findall(r"\d+\.\d+%", out) for out in runs]
    assert accuracies[0] == accuracies[1] != []


@pytest.mark.slow
def test_mnist_reaches_its_accuracy(cache, tmp_path):
    done = run(cache, "mnist.py", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"test accuracy: (\d+\.\d+)%", done.stdout)[1]) >= 97.5


def test_mnist_without_data(cache, tmp_path):
    done = run(cache, "mnist.py", "--data", tmp_path)
    assert done.returncode == 1
    assert f"error: {tmp_path / 'mnist_train.csv'} does not exist.\nhelp: " in done.stderr


def test_mnist_bad_option(cache):
    done = run(cache, "mnist.py", "--epochs", 0)
    assert done.returncode == 2
    assert "got 0; expected 1 or more" in done.stderr
