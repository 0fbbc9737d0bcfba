"""make says what is missing, and what to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(*args, **env):
    """A finished make that runs nothing but checks."""
    return subprocess.run(["make", "-s", *args], cwd=ROOT, capture_output=True, text=True, env={**os.environ, **env}, timeout=60)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path):
    """A PATH without Rust."""
    for tool in ("sh", "make", "head", "sort"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    return tmp_path


def test_rust_is_missing(bare):
    done = make("rust", PATH=str(bare))
    assert done.returncode != 0
    assert "Rust is missing, or older than 1.89." in done.stderr
    assert "help: install them with rustup, https://rustup.rs" in done.stderr


@pytest.mark.parametrize(("version", "fits"), [("1.88.0", False), ("1.89.0", True), ("1.100.0", True)])
def test_rust_is_old(bare, version, fits):
    script(bare / "cargo", "echo cargo")
    script(bare / "rustc", f"echo rustc {version}")
    done = make("rust", PATH=str(bare))
    assert (done.returncode == 0) == fits
    assert fits or f'Got "rustc {version}"; expected cargo and rustc 1.89 or newer.' in done.stderr


def test_targets_ask_for_rust(bare):
    for target in ("test-rust", "test-isa", "wheel", ".venv/.built"):
        plan = make("-n", "-W", "Cargo.toml", target).stdout
        assert "cargo --version" in plan, target


def test_python_of_another_version(tmp_path):
    """An environment that is there keeps its interpreter."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    script(venv / "bin" / "python", "echo 3.11")
    other = script(tmp_path / "python", "echo 3.13")
    done = make("interpreter", f"PYTHON={other}", f"VENV={venv}")
    assert done.returncode != 0
    assert f"Got Python 3.11 in {venv} and 3.13 as PYTHON; expected one." in done.stderr
    assert f"help: leave PYTHON out, or remove {venv} first" in done.stderr
    script(other, "echo 3.11")
    assert make("interpreter", f"PYTHON={other}", f"VENV={venv}").returncode == 0


@pytest.mark.parametrize("text", ["echo 3.10; exit 1", "echo not found; exit 127"])
def test_python_does_not_fit(tmp_path, text):
    done = make("interpreter", f"PYTHON={script(tmp_path / 'python', text)}")
    assert done.returncode != 0
    assert "PYTHON is no CPython 3.11 or newer with venv." in done.stderr
    assert "help: name one, as in make PYTHON=python3.12 demo" in done.stderr
