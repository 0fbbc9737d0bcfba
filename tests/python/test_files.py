"""Saving and loading, and files that lie."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

import scirs2_autograd as ag

# Files


def some_environment():
    env = ag.VariableEnvironment()
    rng = np.random.default_rng(0)
    env.name("w").set(rng.standard_normal((3, 4)).astype("f4"))
    env.name("b").set(rng.standard_normal(4))
    env.namespace("layer").slot().name("i").set(np.arange(5, dtype="i4"))
    env.namespace("layer").slot().name("j").set(np.arange(3))
    env.name("mask").set(np.array([True, False]))
    env.name("scalar").set(np.array(2.5))
    env.name("empty").set(np.zeros((0, 3)))
    return env


def test_files_open_elsewhere(tmp_path):
    env = some_environment()
    env.save(tmp_path / "a.safetensors")
    loaded = safetensors.numpy.load_file(tmp_path / "a.safetensors")
    arrays = {n: env.get((s, n)) for s, n in env.names()}
    for name, a in arrays.items():
        (found,) = [v for k, v in loaded.items() if k.split("/")[-1] == name or k.endswith(name)]
        assert found.dtype == a.dtype
        np.testing.assert_array_equal(found, a)
    back = ag.VariableEnvironment.load(str(tmp_path / "a.safetensors"))
    assert back.names() == env.names()
    for key in env.names():
        assert back.get(key).dtype == env.get(key).dtype
        np.testing.assert_array_equal(back.get(key), env.get(key))
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_files_from_elsewhere(tmp_path):
    a = {"w": np.arange(6.0).reshape(2, 3), "b": np.ones(3, "f4"), "n": np.arange(4)}
    safetensors.numpy.save_file(a, tmp_path / "b.safetensors")
    env = ag.VariableEnvironment.load(tmp_path / "b.safetensors")
    assert sorted(n for _, n in env.names()) == ["b", "n", "w"]
    for name, value in a.items():
        assert env.get(name).dtype == value.dtype
        np.testing.assert_array_equal(env.get(name), value)
    own = ag.VariableEnvironment()
    own.name("w").set(np.zeros((2, 3)))
    own.name("other").set(1.0)
    own.initialize(tmp_path / "b.safetensors")
    np.testing.assert_array_equal(own.get("w"), a["w"])
    assert own.get("other") == 1.0


def lying(**fields):
    entry = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16], **fields}
    header = json.dumps({"w": entry}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


BAD_FILES = {
    "empty": b"",
    "seven bytes": b"1234567",
    "header beyond the end": struct.pack("<Q", 1000) + b"{}",
    "header of exabytes": struct.pack("<Q", 2**63) + b"{}",
    "largest header": struct.pack("<Q", 2**64 - 1),
    "no json": struct.pack("<Q", 4) + b"abcd",
    "json list": struct.pack("<Q", 2) + b"[]",
    "nested": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "not utf-8": struct.pack("<Q", 4) + b"\xff\xfe{}",
    "no such dtype": lying(dtype="X64"),
    "too short": lying()[:-1],
    "too long": lying() + b"\0",
    "huge shape": lying(shape=[2**62, 8]),
    "overflowing shape": lying(shape=[2**63, 2**63]),
    "negative length": lying(shape=[-2]),
    "float length": lying(shape=[2.0]),
    "shape and bytes differ": lying(shape=[3]),
    "offsets backwards": lying(data_offsets=[16, 0]),
    "offsets beyond": lying(data_offsets=[0, 2**60]),
    "negative offset": lying(data_offsets=[-16, 0]),
    "hole": lying(shape=[1], data_offsets=[8, 16]),
    "text": b"this is not a file of tensors, whatever its name says",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(tmp_path, name):
    path = tmp_path / "bad"
    path.write_bytes(BAD_FILES[name])
    with pytest.raises(ag.FormatError, match=r"(?s)^load: .*\. Got .*; expected .*"):
        ag.VariableEnvironment.load(path)
    env = some_environment()
    before = {k: env.get(k) for k in env.names()}
    with pytest.raises(ag.FormatError):
        env.initialize(path)
    assert env.names() == list(before)
    for k, a in before.items():
        np.testing.assert_array_equal(env.get(k), a)


def test_every_truncation_is_noticed(tmp_path):
    some_environment().save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    path = tmp_path / "part"
    for n in [*range(0, 64), *range(64, len(data), 37), len(data) - 1]:
        path.write_bytes(data[:n])
        with pytest.raises(ag.FormatError):
            ag.VariableEnvironment.load(path)
    ag.VariableEnvironment.load(tmp_path / "whole")


def test_a_flipped_header_is_read_or_refused(tmp_path):
    some_environment().save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    path = tmp_path / "flipped"
    (size,) = struct.unpack("<Q", data[:8])
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        wrong = bytearray(data)
        wrong[rng.integers(0, 8 + size)] ^= 1 << rng.integers(0, 8)
        path.write_bytes(wrong)
        try:
            ag.VariableEnvironment.load(path)
        except ag.FormatError:
            refused += 1
    assert refused > 200
