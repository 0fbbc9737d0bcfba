"""Writes what docs/memory.md shows of its own program: the report and the picture of the timeline; with `--curve` also the
figure of time against memory, which takes some minutes.

    python tools/memory_page.py [--curve]
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "memory.md"
FIGURES = PAGE.parent / "figures"


def program(text: str) -> dict[str, Any]:
    """The names that the first program of the page leaves behind; its lines are those of the page."""
    block = re.search(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    names: dict[str, Any] = {}
    exec(compile("\n" * text.count("\n", 0, block.start(1)) + block[1], str(PAGE), "exec"), names)
    return names


def between(text: str, mark: str, new: str) -> str:
    """The page with `new` between the two comments of `mark`."""
    made, n = re.subn(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", lambda m: m[1] + new + m[2], text, flags=re.DOTALL)
    assert n == 1, mark
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the report and the pictures of docs/memory.md.")
    parser.add_argument("--curve", action="store_true", help="measure time against memory too")
    args = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    text = PAGE.read_text()
    names = program(text)
    marked = names["sgd"].plan(*names["step"])
    # The same step with everything kept.
    segment, T.checkpoint_segment_flex = T.checkpoint_segment_flex, lambda ctx, inputs, f: f(inputs)
    try:
        plain_names = program(text)
    finally:
        T.checkpoint_segment_flex = segment
    plain = plain_names["sgd"].plan(*plain_names["step"])
    ag.viz.memory(marked, plain, path=FIGURES / "memory.svg", labels=["four layers at a time", "everything kept"])
    # The first run warms up.
    tracker = names["tracker"]
    tracker.reset_statistics()
    tracker.start_tracking()
    for _ in range(10):
        names["sgd"].update_and_eval(*names["step"])
    tracker.stop_tracking()
    text = between(text, "report", f"```text\n{tracker.report()}```\n")
    if args.curve:
        figure = FIGURES / "checkpoint_curve.svg"
        subprocess.run([sys.executable, str(ROOT / "examples" / "checkpoint_curve.py"), "--out", str(figure)], check=True)
        image = f"![Time of a training step against its peak](figures/{figure.name})\n"
        text = between(text, "curve", image)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
