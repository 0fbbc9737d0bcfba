"""The example programs run as a user runs them."""

import json
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


def test_gaussian_process(cache):
    done = run(cache, "gaussian_process.py")
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"largest relative difference (\S+)", done.stdout)[1]) <= 1e-6


def test_svd_gradient(cache, tmp_path):
    done = run(cache, "svd_gradient.py", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"scirs2_autograd\s+largest error (\S+),", done.stdout)[1]) <= 1e-9
    assert (tmp_path / "svd_gradient.png").stat().st_size > 10_000


@pytest.mark.parametrize(("name", "least"), [("mnist", 92), ("cnn_mnist", 97.5)])
def test_mnist(cache, tmp_path, name, least):
    done = run(cache, f"{name}.py", "--epochs", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    # The accuracies of the network that was trained and of the network that was loaded.
    trained, loaded = (float(percent) for percent in re.findall(r"(\d+\.\d+)%", done.stdout))
    assert trained == loaded
    assert trained > least
    assert re.search(r"trained: [\d,]+ steps/s", done.stdout)
    for file in (f"{name}_training.png", f"{name}_errors.png"):
        assert (tmp_path / file).read_bytes().startswith(b"\x89PNG")


def test_mnist_file_opens_elsewhere(cache, tmp_path):
    run(cache, "mnist.py", "--epochs", 1, "--batch", 1024, "--out", tmp_path).check_returncode()
    shapes = {tensor.shape for tensor in load_file(tmp_path / "mnist.safetensors").values()}
    assert {(784, 128), (1, 128), (128, 10), (1, 10)} <= shapes


def test_mnist_is_reproducible(cache, tmp_path):
    runs = [run(cache, "mnist.py", "--epochs", 1, "--batch", 2048, "--seed", 3, "--out", tmp_path).stdout for _ in range(2)]
    accuracies = [re.findall(r"\d+\.\d+%", out) for out in runs]
    assert accuracies[0] == accuracies[1] != []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("mnist", 97.5), ("cnn_mnist", 99.0)])
def test_mnist_reaches_its_accuracy(cache, tmp_path, name, least):
    done = run(cache, f"{name}.py", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"test accuracy: (\d+\.\d+)%", done.stdout)[1]) >= least


def test_mnist_without_data(cache, tmp_path):
    done = run(cache, "mnist.py", "--data", tmp_path)
    assert done.returncode == 1
    assert f"error: {tmp_path / 'mnist_train.csv'} does not exist.\nhelp: " in done.stderr


def test_mnist_bad_option(cache):
    done = run(cache, "mnist.py", "--epochs", 0)
    assert done.returncode == 2
    assert "got 0; expected 1 or more" in done.stderr


def test_checkpoint_curve(cache, tmp_path):
    files = {kind: tmp_path / f"curve.{kind}" for kind in ("csv", "json", "svg")}
    small = ["--layers", 6, "--width", 16, "--batch", 32, "--runs", 1, "--budgets", "0.9", "--policies", "segments,nothing"]
    done = run(cache, "checkpoint_curve.py", *small, "--csv", files["csv"], "--json", files["json"], "--out", files["svg"])
    assert done.returncode == 0, done.stderr
    points = json.loads(files["json"].read_text())["points"]
    assert [p["name"] for p in points][:3] == ["everything", "segments", "nothing"]
    assert all(p["peak_bytes"] <= points[0]["peak_bytes"] and p["seconds"] > 0 for p in points)
    assert len(files["csv"].read_text().splitlines()) == len(points) + 1
    assert "memory budget" in files["svg"].read_text() or len(points) == 3


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (["--layers", "0"], "got 0; expected 1 or more"),
        (["--budgets", "2"], "got 2; expected numbers above 0 and up to 1"),
        (["--policies", "none"], "got none; expected of everything"),
        (["--out", "curve.pdf"], "got curve.pdf; expected a path that ends in .png or .svg"),
    ],
)
def test_checkpoint_curve_refuses(cache, argument, said):
    done = run(cache, "checkpoint_curve.py", *argument)
    assert done.returncode == 2
    assert said in done.stderr
