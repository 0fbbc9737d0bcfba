"""Writes what is made from the op table: the functions of `tensor_ops`, the methods in the stub, `docs/ops.md`, the families in README.md,
and which of NumPy's functions the rows serve.

`python tools/gen.py` writes the files; `python tools/gen.py --check` fails if one of them is stale.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import importlib.util
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from numpy_table import hand_written, numpy_table

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "scirs2_autograd"


def extension() -> Any:
    """The extension alone: the package itself needs the files that are written here."""
    path = next(iter(sorted(PACKAGE.glob("_lib*.so"))), None)
    if path is None:
        sys.exit("tools/gen.py: the extension is not built. Run `make build`.")
    loader = importlib.machinery.ExtensionFileLoader("_lib", str(path))
    spec = importlib.util.spec_from_loader("_lib", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


#: The modules whose functions are written by hand.
BY_HAND = ("_functions", "_linalg")


def by_hand_tree(module: str) -> ast.Module:
    """A module, read without importing it."""
    return ast.parse((PACKAGE / f"{module}.py").read_text())


def by_hand_names(module: str) -> list[str]:
    """`__all__` of a module."""
    for node in by_hand_tree(module).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    sys.exit(f"tools/gen.py: {module} has no __all__")


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
    "axis": "int | None",
    "text": "str",
    "cuts": "int | Sequence[int] | None",
    "widths": "int | Sequence[int] | Sequence[Sequence[int]]",
    "per_axis": "int | Sequence[int] | None",
    "factors": "float | Sequence[float] | None",
    "padding": "int | str | Sequence[int] | Sequence[Sequence[int]]",
    "maybe_dtype": "DTypeLike | None",
}
#: Names that the types of parameters are written with, from `_typing`.
NAMED = ("Axes", "DTypeLike", "Shape", "TensorLike")
#: Length of a line of generated code, as the formatter has it.
WIDTH = 140


def signature(row: dict[str, Any]) -> list[tuple[str, str, str | None, list[str]]]:
    """The parameters in the order of the Python function; a list whose tensors are arguments of their own has a star."""
    params = {name: (name, kind, default, choices) for name, kind, default, choices in row["params"]}
    if row["signature"] is None:
        return list(params.values())
    names = row["signature"].split(", ")
    if {n.lstrip("*") for n in names} != set(params) or len(names) != len(params):
        rule = f"Got {row['signature']}; expected {', '.join(params)}"
        sys.exit(f"tools/gen.py: {row['name']}: the signature does not have the parameters of the row. {rule}.")
    return [(n, *params[n.lstrip("*")][1:]) for n in names]


def parameters(row: dict[str, Any]) -> list[str]:
    parts = []
    params = signature(row)
    # A parameter in front of a required one is required too.
    last = max((i for i, (_, _, default, _) in enumerate(params) if default is None), default=-1)
    for i, (name, kind, default, choices) in enumerate(params):
        annotation = f"Literal[{', '.join(map(quoted, choices))}]" if choices else TYPES[kind]
        if name.startswith("*"):
            parts.append(f"{name}: TensorLike")
            continue
        if kind == "tensor" and default == "None":
            annotation += " | None"
        parts.append(f"{name}: {annotation}" if i <= last else f"{name}: {annotation} = {default}")
    return parts


def quoted(text: str) -> str:
    return f'"{text}"'


def returns(row: dict[str, Any]) -> str:
    n = len(row["outputs"])
    if row["lists"]:
        return "list[Tensor]"
    return "Tensor" if n == 1 else "tuple[" + ", ".join(["Tensor"] * n) + "]"


def definition(name: str, parts: list[str], result: str, indent: str = "", rest: str = "") -> str:
    """The line `def ...`, indented, with what stands behind it, wrapped as the formatter wraps it."""
    line = f"{indent}def {name}({', '.join(parts)}) -> {result}:{rest}"
    if len(line) <= WIDTH:
        return line
    inner = f"{indent}    {', '.join(parts)}"
    if len(inner) > WIDTH:
        inner = "\n".join(f"{indent}    {part}," for part in parts)
    return f"{indent}def {name}(\n{inner}\n{indent}) -> {result}:{rest}"


def tuple_of(names: list[str]) -> str:
    return "(" + ", ".join(names) + ("," if len(names) == 1 else "") + ")"


#: A function whose row has a second one of this name, with indices beside the values, gives them on demand.
INDICES = "{}_with_indices"
#: What its documentation says of them.
RETURN_INDICES = "With `return_indices` also where each value stands, as `{}` gives it."


def function(row: dict[str, Any], rows: dict[str, dict[str, Any]]) -> str:
    code, prints = row["example"]
    indexed = rows.get(INDICES.format(row["name"]))
    parts = [documentation(row, indexed), f"NumPy: `{row['numpy']}`" if in_numpy(row) else "", session(row, code, prints)]
    text = docstring("\n\n".join(part for part in parts if part))
    if indexed is None:
        lines = [definition(row["name"], parameters(row), returns(row)), text, *body(row, {})]
    else:
        lines = on_demand(row, indexed, text)
    return "\n".join(line.rstrip() for line in lines)


def documentation(row: dict[str, Any], indexed: dict[str, Any] | None) -> str:
    doc = plain(row["doc"])
    if indexed is None:
        return doc
    first, *rest = doc.split("\n\n")
    return "\n\n".join([f"{first.rstrip()} {RETURN_INDICES.format(indexed['name'])}", *rest])


def on_demand(row: dict[str, Any], indexed: dict[str, Any], text: str) -> list[str]:
    """A function that is one of two rows, as its last argument says, with what each gives."""
    name, own, either = row["name"], parameters(row), f"{returns(row)} | {returns(indexed)}"
    forms = [
        ([*own, "return_indices: Literal[False] = False"], returns(row)),
        ([*own, "*", "return_indices: Literal[True]"], returns(indexed)),
        ([*own, "return_indices: bool = False"], either),
    ]
    overloads = [line for parts, result in forms for line in ("@overload", definition(name, parts, result, rest=" ..."))]
    both = body(indexed, {})[0].strip().replace("made", "both", 1)
    call = ["    if return_indices:", f"        {both}", "        return both", *body(row, {})]
    return [*overloads, definition(name, [*own, "return_indices: bool = False"], either), text, *call]


def method(name: str, row: dict[str, Any]) -> str:
    first, *rest = parameters(row)
    own = first.split(":")[0]
    code, prints = row["example"]
    example = session(row, [*code[:-1], as_method(name, row["name"], code[-1])], prints)
    lines = [
        definition(name, ["self: Tensor", *rest], returns(row)),
        docstring(f"As `tensor_ops.{row['name']}`, with this tensor as `{own}`.\n\n{example}"),
        *body(row, {own: "self"}),
    ]
    return "\n".join(lines)


def docstring(text: str) -> str:
    inner = textwrap.indent(text.replace("\\", "\\\\"), "    ").strip()
    return f'    """{inner}\n    """'


def session(row: dict[str, Any], code: list[str], prints: str) -> str:
    """The example of a row as a session at Python's prompt, inside a context: arrays alone do not name one."""
    many = len(row["outputs"]) > 1 or row["lists"]
    lines = [">>> with ag.Context() as ctx:" if many else ">>> with ag.Context():"]
    lines += [f"...     {line}" for line in code[:-1]]
    lines.append(f"...     print(*ctx.eval({code[-1]}))" if many else f"...     print({code[-1]}.eval())")
    return "\n".join([*lines, prints])


def as_method(name: str, function: str, code: str) -> str:
    """An example with its call `T.function(x, ...)` written as the method: `x.name(...)`."""
    calls = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and ast.unparse(n.func) == f"T.{function}"]
    if len(calls) != 1:
        sys.exit(f"tools/gen.py: {function}: the example is no example of the method. Got {code}; expected one call of T.{function}.")
    # The text of the row, not that of `ast.unparse`, which writes quotes of its own.
    whole, own, *rest = (ast.get_source_segment(code, n) or "" for n in (calls[0], *calls[0].args, *calls[0].keywords))
    tensor = own if own.isidentifier() else f"T.constant({own})"
    return code.replace(whole, f"{tensor}.{name}({', '.join(rest)})")


def body(row: dict[str, Any], renamed: dict[str, str]) -> list[str]:
    tensors = [renamed.get(n, n) for n, k, *_ in row["params"] if k in ("tensor", "tensors")]
    attrs = [n for n, k, *_ in row["params"] if k not in ("tensor", "tensors")]
    return [f"    made: {returns(row)} = _apply(_{row['name']}, {tuple_of(tensors)}, {tuple_of(attrs)})", "    return made"]


def in_numpy(row: dict[str, Any]) -> bool:
    """Whether NumPy and SciPy have the row's expression: what is called `ref` there, this repository's tests have."""
    return "ref." not in row["numpy"]


def plain(doc: str) -> str:
    """Documentation without the marks of Rust's links."""
    return doc.replace("`[`", "`").replace("[`", "`").replace("`]", "`")


def bound(rows: list[dict[str, Any]]) -> str:
    """The rows that a module uses, each looked up once, by name: a number would be another row's after the next change of the table."""
    return "\n".join(f'_{name} = _row("{name}")' for name in sorted({r["name"] for r in rows}))


HEADER = '''"""Functions on tensors, and what makes tensors: `help(T.tanh)` has formula, gradient and an example of each.

A function takes tensors, numbers and arrays, and returns a tensor of the graph that the tensors belong to, or of the current
context; without either it computes at once, and returns a value. In the formulas of gradients `g` is the gradient with respect to the
result of the function.

The examples are to be read after these lines:

>>> import numpy as np
>>> import scirs2_autograd as ag
>>> from scirs2_autograd import tensor_ops as T
"""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from . import _methods as _methods
from ._functions import (
{functions}
)
from ._lib import Tensor, _apply
from ._linalg import (
{linalg}
)
from ._rows import rows as _rows

if TYPE_CHECKING:
    from ._typing import Axes, DTypeLike, Shape, TensorLike

__all__ = [
{names}
]

_row = _rows("{version}")
{bound}


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:

    def __getattr__(name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._refusals import no_function

        raise no_function(name)
'''


def tensor_ops(rows: list[dict[str, Any]], version: str) -> str:
    public = [r for r in rows if not r["internal"] and (r["example"] or not r["by_hand"])]
    bare = [r["name"] for r in public if r["example"] is None]
    if bare:
        sys.exit(f"tools/gen.py: a public row has no example. Got none in {', '.join(bare)}; expected `example` after `numpy`.")
    aliases = [(a, r["name"]) for r in public for a in r["aliases"]]
    by_hand = {module: sorted(by_hand_names(module)) for module in BY_HAND}
    names = sorted(
        [r["name"] for r in public] + [a for a, _ in aliases] + [*(n for own in by_hand.values() for n in own), "linalg"], key=by_numbers
    )
    head = HEADER.replace("{names}", "\n".join(f'    "{n}",' for n in names))
    for module, own in by_hand.items():
        head = head.replace(f"{{{module.removeprefix('_')}}}", "\n".join(f"    {n}," for n in own))
    head = head.replace("{version}", version).replace("{bound}", bound(public))
    named = {r["name"]: r for r in public}
    text = "\n\n\n".join(function(r, named) for r in public)
    alias = "\n".join(f"{a} = {n}" for a, n in sorted(aliases))
    return f"{head}\n\n{text}\n\n\n{alias}\n\n# It takes its functions from here.\nfrom . import linalg as linalg  # noqa: E402\n"


LINALG = '''"""Linear algebra: the functions of `tensor_ops` on matrices, under NumPy's and SciPy's names.

>>> import scirs2_autograd as ag
>>> from scirs2_autograd import tensor_ops as T
>>> with ag.Context():
...     print(T.linalg.det([[2.0, 0.0], [1.0, 3.0]]).eval())
6.0
"""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from .tensor_ops import (
{imports}
)

__all__ = [
{names}
]
{renamed}'''


def linalg(rows: list[dict[str, Any]]) -> str:
    """The module `linalg`: functions of the table under the names that rows say, and those of its own that are written by hand."""
    names = {name: r for r in rows for name in r["linalg"]}
    own = by_hand_names("_linalg")
    as_it_is = {name for name, r in names.items() if name in (r["name"], *r["aliases"])}
    imports = sorted({name if name in as_it_is else r["name"] for name, r in names.items()} | set(own))
    renamed = [f"{name} = {r['name']}\n" for name, r in sorted(names.items()) if name not in as_it_is]
    text = LINALG.replace("{imports}", "\n".join(f"    {n}," for n in imports))
    text = text.replace("{names}", "\n".join(f'    "{n}",' for n in sorted({*names, *own}, key=by_numbers)))
    return text.replace("{renamed}", "".join(["\n", *renamed]) if renamed else "")


def by_numbers(name: str) -> list[tuple[int, str]]:
    """Orders names as the linter does: `log2` stands before `log10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def method_rows(rows: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, r) for r in rows for name in r["methods"]]


METHODS_HEADER = '''"""Methods of Tensor."""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from __future__ import annotations

from typing import TYPE_CHECKING{literal}

from ._functions import attach
from ._lib import Tensor, _apply
from ._rows import rows as _rows

if TYPE_CHECKING:
    from ._typing import {types}

_row = _rows("{version}")
{bound}
'''


def methods(rows: list[dict[str, Any]], version: str) -> str:
    used = method_rows(rows)
    text = "\n\n\n".join(method(*m) for m in used)
    head = METHODS_HEADER.replace("{version}", version).replace("{bound}", bound([r for _, r in used]))
    head = head.replace("{literal}", ", Literal" if "Literal[" in text else "")
    types = " ".join(part for _, r in used for part in parameters(r)[1:])
    head = head.replace("{types}", ", ".join(n for n in NAMED if re.search(rf"\b{n}\b", types)))
    names = "\n".join(f'        "{m}": {m},' for m, _ in used)
    return f"{head}\n\n{text}\n\n\nattach(\n    {{\n{names}\n    }}\n)\n"


def stub_methods(rows: list[dict[str, Any]]) -> str:
    lines = []
    for name, row in method_rows(rows):
        lines.append(definition(name, ["self", *parameters(row)[1:]], returns(row), "    ", " ..."))
    return "\n".join(lines)


def families(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The public rows by the title of their family."""
    public = [r for r in rows if not r["internal"]]
    return {f: [r for r in public if r["family"] == f] for f in dict.fromkeys(r["family"] for r in public)}


def readme_table(rows: list[dict[str, Any]]) -> str:
    """The families with the names of their functions, and how many they are."""
    lines = [
        f"| [{f}](docs/ops.md#{anchor(f)}) | {len(rs)} | {' '.join('`' + r['name'] + '`' for r in rs)} |"
        for f, rs in families(rows).items()
    ]
    return "\n".join(["| family | | functions |", "| --- | --: | --- |", *lines])


def docs(rows: list[dict[str, Any]]) -> str:
    public = families(rows)
    named = {r["name"]: r for rs in public.values() for r in rs}
    contents = "\n".join(f"| [{f}](#{anchor(f)}) | {len(rs)} |" for f, rs in public.items())
    sections = "\n\n".join(f"## {f}\n\n" + "\n\n".join(docs_entry(r, named) for r in rs) for f, rs in public.items())
    own = "\n".join(docs_row(r) for r in rows if r["internal"])
    exempt = "\n".join(f"| `{r['name']}` | {', '.join(checks).lower()} | {why} |" for r in rows for checks, why in r["exempt"])
    return DOCS.format(contents=contents, sections=sections, internal=own, exempt=exempt)


def anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


DOCS = """# Operations

Generated from the op table by tools/gen.py. A primitive has a kernel and a gradient; a composite is a function over primitives. In
gradients `g` is the gradient with respect to the result. "Gradients tested" is the highest order whose gradient is compared with
differences; every order can be asked for. [Conventions](conventions.md) has the points at which a function has no derivative.

| family | functions |
| --- | --: |
{contents}

{sections}

## Internal operations

Gradients and composites are built from these. They occur in `plan.explain()` and in errors, and are no functions of `tensor_ops`.

| operation | kind | what it computes | NumPy |
| --- | --- | --- | --- |
{internal}

## Checks that do not apply

Every operation is tested by every check of `tests/op_matrix.rs`, except where this table has a reason.

| operation | checks | why not |
| --- | --- | --- |
{exempt}
"""


def kind_of(r: dict[str, Any]) -> str:
    return "composite" if r["composite"] else "primitive"


def call_of(r: dict[str, Any], indexed: dict[str, Any] | None = None) -> str:
    params = ", ".join([n if d is None else f"{n}={d}" for n, _, d, _ in signature(r)] + ["return_indices=False"] * (indexed is not None))
    # A function that is written by hand has parameters of its own.
    params = "..." if r["by_hand"] and not r["internal"] and not r["example"] else params
    return f"`{r['name']}({params})`"


def docs_entry(r: dict[str, Any], rows: dict[str, dict[str, Any]]) -> str:
    """A function with all that its row says: formula, gradient, conventions, example."""
    facts = [kind_of(r), f"gradients tested: order {r['order']}" if r["order"] else "no gradient is tested"]
    if r["aliases"]:
        facts.append("also " + ", ".join(f"`{a}`" for a in r["aliases"]))
    if in_numpy(r):
        facts.append(f"NumPy: `{r['numpy']}`")
    indexed = rows.get(INDICES.format(r["name"]))
    parts = [f"### {call_of(r, indexed)}", "; ".join(facts) + ".", documentation(r, indexed)]
    if r["example"]:
        code, prints = r["example"]
        parts.append("```pycon\n" + session(r, code, prints) + "\n```")
    return "\n\n".join(parts)


def docs_row(r: dict[str, Any]) -> str:
    first = plain(r["doc"]).split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    numpy = f"`{r['numpy']}`".replace("|", "\\|")
    return f"| {call_of(r)} | {kind_of(r)} | {first} | {numpy} |"


def served(rows: list[dict[str, Any]]) -> str:
    """The table of NumPy's functions."""
    by_hand = {name: params for m in BY_HAND for name, params in hand_written(by_hand_tree(m), by_hand_names(m)).items()}
    public = [r for r in rows if not r["internal"] and (r["example"] or r["name"] in by_hand)]
    return numpy_table([(r, by_hand.get(r["name"]) or signature(r)) for r in public], WIDTH)


#: The lines between which a part of a file is generated.
METHODS = ("    # Methods from the op table, by tools/gen.py.\n", "    # End of the generated methods.")
FAMILIES = ("<!-- From the op table, by tools/gen.py. -->\n", "<!-- End of the generated table. -->")


def within(path: Path, marks: tuple[str, str], part: str) -> str:
    """The text of a file, with another part between its marks."""
    start, end = marks
    before, rest = path.read_text().split(start, 1)
    return f"{before}{start}{part}\n{end}{rest.split(end, 1)[1]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a file is stale")
    check = parser.parse_args().check
    lib = extension()
    rows, version = list(lib.op_table()), str(lib.__version__)
    stub, readme = PACKAGE / "_lib.pyi", ROOT / "README.md"
    files = {
        PACKAGE / "tensor_ops.py": tensor_ops(rows, version),
        PACKAGE / "linalg.py": linalg(rows),
        PACKAGE / "_methods.py": methods(rows, version),
        PACKAGE / "_numpy_table.py": served(rows),
        stub: within(stub, METHODS, stub_methods(rows)),
        readme: within(readme, FAMILIES, readme_table(rows)),
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
