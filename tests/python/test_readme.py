"""The Python programs in README.md run as printed."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_python_programs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert len(blocks) >= 5
    for block in blocks:
        # Padded with empty lines, so that a traceback gives the line in README.md.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(source, str(README), "exec"), names)
        # A comment that begins with a number says what its line prints.
        promised = [float(number) for number in re.findall(r"\)  # (\d+\.\d+)$", block[1], re.MULTILINE)]
        printed = capsys.readouterr().out.split("\n")
        assert [float(line) for line in printed[: len(promised)]] == promised
    assert (tmp_path / "network.safetensors").exists()
    assert abs(names["solution"].x - 1.0).max() < 1e-4
