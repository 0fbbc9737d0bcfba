"""Writes what is made from the op table: the functions of `tensor_ops`, the methods in the stub, `docs/ops.md`.

`python tools/gen.py` writes the files; `python tools/gen.py --check` fails if one of them is stale.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import importlib.util
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "scirs2_autograd"


def op_table() -> list[dict[str, Any]]:
    """The rows, from the extension alone: the package itself needs the files that are written here."""
    path = next(iter(sorted(PACKAGE.glob("_lib*.so"))), None)
    if path is None:
        sys.exit("tools/gen.py: the extension is not built. Run `make build`.")
    loader = importlib.machinery.ExtensionFileLoader("_lib", str(path))
    spec = importlib.util.spec_from_loader("_lib", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return list(module.op_table())


def by_hand_names() -> list[str]:
    """`__all__` of `_functions`, read without importing it."""
    tree = ast.parse((PACKAGE / "_functions.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    sys.exit("tools/gen.py: _functions has no __all__")

#: Python types of parameters, by kind.
TYPES = {
    "tensor": "TensorLike",
    "tensors": "Sequence[TensorLike]",
    "int": "int",
    "bool": "bool",
    "ints": "Shape",
    "axes": "Axes",
    "dtype": "DTypeLike",
    "slices": "Sequence[builtins.slice]",
}
#: Attributes that have no sensible default in Python.
REQUIRED = {"shape", "classes", "n", "slices"}
#: Rows whose Python functions are written by hand, in `_functions`.
BY_HAND = {"cond", "assign", "standard_uniform", "standard_uniform_like", "standard_normal", "standard_normal_like"}
#: Functions that are methods of Tensor as they are.
METHODS = [
    "sum", "mean", "max", "min", "logsumexp", "argmax", "squeeze", "expand_dims", "clip", "take", "astype", "square", "sqrt",
    "exp", "log", "abs", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "dot",
]  # fmt: skip


def signature(row: dict[str, Any]) -> str:
    parts = []
    # A parameter in front of a required one is required too.
    last = max((i for i, (name, _, _) in enumerate(row["params"]) if name in REQUIRED), default=-1)
    for i, (name, kind, default) in enumerate(row["params"]):
        if kind in ("tensor", "tensors") or i <= last:
            parts.append(f"{name}: {TYPES[kind]}")
        else:
            parts.append(f"{name}: {TYPES[kind]} = {default}")
    return ", ".join(parts)


def returns(row: dict[str, Any]) -> str:
    n = len(row["outputs"])
    return "Tensor" if n == 1 else "tuple[" + ", ".join(["Tensor"] * n) + "]"


def tuple_of(names: list[str]) -> str:
    return "(" + ", ".join(names) + ("," if len(names) == 1 else "") + ")"


def function(index: int, row: dict[str, Any]) -> str:
    tensors = [n for n, k, _ in row["params"] if k in ("tensor", "tensors")]
    attrs = [n for n, k, _ in row["params"] if k not in ("tensor", "tensors")]
    doc = textwrap.indent(row["doc"].replace("`[`", "`").replace("[`", "`").replace("`]", "`").replace("\\", "\\\\"), "    ").strip()
    result = "" if returns(row) == "Tensor" else "  # type: ignore[no-any-return]"
    lines = [
        f"def {row['name']}({signature(row)}) -> {returns(row)}:",
        f'    """{doc}',
        "",
        f"    NumPy: `{row['numpy']}`",
        '    """',
        f"    return _apply({index}, {tuple_of(tensors)}, {tuple_of(attrs)}){result}",
    ]
    return "\n".join(line.rstrip() for line in lines)


HEADER = '''"""Functions on tensors. Generated from the op table by tools/gen.py: edit the rows, not this file."""

# ruff: noqa: A001, E501

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _functions
from ._functions import (
{functions}
)
from ._lib import Tensor, _apply

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, Shape, TensorLike

__all__ = [
{names}
]
'''


def tensor_ops(rows: list[dict[str, Any]]) -> str:
    public = [(i, r) for i, r in enumerate(rows) if r["name"] not in BY_HAND]
    aliases = [(a, r["name"]) for _, r in public for a in r["aliases"]]
    names = sorted([r["name"] for _, r in public] + [a for a, _ in aliases] + by_hand_names() + ["dot"])
    head = HEADER.replace("{names}", "\n".join(f'    "{n}",' for n in names))
    head = head.replace("{functions}", "\n".join(f"    {n}," for n in sorted(by_hand_names())))
    body = "\n\n\n".join(function(i, r) for i, r in public)
    alias = "\n".join(f"{a} = {n}" for a, n in sorted(aliases)) + "\ndot = matmul"
    methods = "\n".join(f"Tensor.{m} = {m}  # type: ignore[method-assign,assignment]" for m in METHODS)
    by_hand = "\n".join(
        f"Tensor.{m} = _functions._{m}  # type: ignore[method-assign,assignment]" for m in ("reshape", "transpose", "register_hook", "show")
    )
    return f"{head}\n\n{body}\n\n\n{alias}\n\n{methods}\n{by_hand}\n"


def stub_methods(rows: list[dict[str, Any]]) -> str:
    by_name = {r["name"]: r for r in rows}
    by_name |= {a: r for r in rows for a in r["aliases"]}
    by_name["dot"] = by_name["matmul"]
    lines = []
    for m in METHODS:
        row = by_name[m]
        first, *rest = signature(row).split(", ") if "tuple" not in signature(row) else [signature(row)]
        del first
        params = ", ".join(["self", *rest])
        lines.append(f"    def {m}({params}) -> {returns(row)}: ...")
    return "\n".join(lines)


def docs(rows: list[dict[str, Any]]) -> str:
    out = [
        "# Operations",
        "",
        "Generated from the op table by tools/gen.py. A primitive has a kernel and a gradient; a composite is a function over primitives.",
        "",
        "| function | other names | kind | what it computes | NumPy |",
        "| --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        first = r["doc"].split("\n\n")[0].replace("\n", " ").replace("|", "\\|").replace("[`", "`").replace("`]", "`")
        kind = "composite" if r["composite"] else "primitive"
        numpy = r["numpy"].replace("|", "\\|")
        params = ", ".join(n if d is None or n in REQUIRED else f"{n}={d}" for n, _, d in r["params"])
        out.append(f"| `{r['name']}({params})` | {', '.join(f'`{a}`' for a in r['aliases'])} | {kind} | {first} | `{numpy}` |")
    return "\n".join(out) + "\n"


START, END = "    # Methods from the op table, by tools/gen.py.", "    # End of the generated methods."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a file is stale")
    check = parser.parse_args().check
    rows = op_table()
    stub = PACKAGE / "_lib.pyi"
    text = stub.read_text()
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    files = {
        PACKAGE / "tensor_ops.py": tensor_ops(rows),
        stub: f"{before}{START}\n{stub_methods(rows)}\n{END}{after}",
        ROOT / "docs" / "ops.md": docs(rows),
    }
    stale = [p for p, t in files.items() if not p.exists() or p.read_text() != t]
    for p in stale:
        if check:
            print(f"{p.relative_to(ROOT)} is stale: run `make gen`", file=sys.stderr)
        else:
            p.parent.mkdir(exist_ok=True)
            p.write_text(files[p])
            print(f"wrote {p.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
