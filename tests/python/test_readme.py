"""The Python programs in README.md and on pages of docs/ run as printed."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def ran(page, capsys, least=3):
    """The names that the programs of a page leave behind."""
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert len(blocks) >= least
    for block in blocks:
        # Padded with empty lines, so that a traceback gives the line of the page.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(source, str(page), "exec"), names)
        # A comment that begins with a number says what its line prints.
        promised = [float(number) for number in re.findall(r"\)  # (\d+\.\d+)$", block[1], re.MULTILINE)]
        printed = capsys.readouterr().out.split("\n")
        assert [float(line) for line in printed[: len(promised)]] == promised
    return names


def test_python_programs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ran(ROOT / "README.md", capsys)
    assert (tmp_path / "network.safetensors").exists()
    assert abs(names["solution"].x - 1.0).max() < 1e-4
    np.testing.assert_allclose(names["fit"].x, [3.0, 0.7], rtol=1e-8)
    np.testing.assert_allclose(names["zero"].x, [0.8411639, 0.1588361], atol=1e-7)
    assert names["fast"].traces == names["fun"].traces == names["hessp"].traces == 1


def test_programs_for_those_who_come_from_elsewhere(capsys):
    names = ran(ROOT / "docs" / "coming_from.md", capsys)
    np.testing.assert_allclose(names["gradient"], [0.0, -2.0 * np.exp(-1.0)], rtol=1e-14)
    assert abs(names["gap"]).max() < 1e-12
    assert names["weights"].tolist() == [0.5, 1.0, 1.0, 1.0, 0.5]


def test_program_of_training_under_a_memory_limit(capsys):
    names = ran(ROOT / "docs" / "memory.md", capsys, least=1)
    assert 0 < names["tracker"].memory_saved() < names["tracker"].peak_bytes_without()


def test_programs_of_networks(capsys):
    names = ran(ROOT / "docs" / "networks.md", capsys, least=1)
    # 100 runs leave a part of .9**100 of where the statistics began; the variance of 4096 numbers differs by its divisor.
    assert names["largest"] < 3e-3
