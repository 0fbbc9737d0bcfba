"""Each line of docs/conventions.md is true."""

import re
from pathlib import Path

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conventions.md"
NOTHING = "-"


def lines():
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for expression, rest in rows:
        yield pytest.param(expression, *(cell.strip() for cell in rest.split(" | ")), id=f"{expression} at {rest.split(' | ')[0]}")


def number(cell):
    return np.asarray(eval(cell.strip("`"), {"np": np}), dtype=np.float64)


def same(tensor, cell):
    if cell != NOTHING:
        np.testing.assert_allclose(tensor.eval(), number(cell), rtol=1e-14, atol=0)


@pytest.mark.parametrize(("expression", "x", "y", "value", "of_x", "of_y", "second"), list(lines()))
def test_convention(expression, x, y, value, of_x, of_y, second):
    with ag.Context() as ctx:
        names = {n: ctx.constant(number(cell)) for n, cell in (("x", x), ("y", y)) if cell != NOTHING}
        made = eval(expression, {"T": T, "np": np}, names)
        same(made, value)
        for name, cell in ("x", of_x), ("y", of_y):
            if name in names:
                (gradient,) = T.grad([made], [names[name]])
                same(gradient, cell)
                if name == "x" and second != NOTHING:
                    same(T.grad([gradient], [names["x"]])[0], second)


def test_every_line_is_read():
    assert len(list(lines())) == len(re.findall(r"^\| `", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) > 40
