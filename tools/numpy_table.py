"""Which functions of NumPy's and SciPy's the rows of the op table serve, and by which of their parameters."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import numpy as np

#: The parameters of a function of `tensor_ops`: name, with a star if it takes all that follow; kind; default; choices.
Params = list[tuple[str, str, "str | None", list[str]]]
Row = dict[str, Any]

#: Names that the table has for the modules in which expressions find functions.
MODULES = {"np": "", "np.linalg": "linalg.", "scipy.special": "special."}
#: The axes of matrices, which the functions of `np.linalg` have no names for.
MATRIX = {"axis1": -2, "axis2": -1}

HEAD = '''"""The functions of NumPy's and SciPy's that rows serve."""

# Generated from the op table by tools/gen.py: edit the rows, not this file.

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["SIGNATURES", "TABLE", "Entry"]


class Entry(NamedTuple):
    """A function of `tensor_ops` that does what NumPy's does."""

    #: Its name.
    name: str
    #: Its parameters by the names of NumPy's; those of SciPy's functions have the same order.
    names: dict[str, str]
    #: Values of its parameters that NumPy's function has no name for.
    fixed: dict[str, Any] | None = None
    #: Parameters of NumPy's that it serves with this value alone.
    only: dict[str, Any] | None = None
    #: Without an axis NumPy's takes all elements as one axis, which this one does not know.
    flattened: bool = False
    #: NumPy's gives a tuple where this one gives a list.
    tupled: bool = False
'''


def numpy_functions() -> dict[str, tuple[Any, set[str]]]:
    """The functions that hand over to what they are called with, by name, with all names that they have."""
    names: dict[Any, set[str]] = {}
    for prefix, module in ("", np), ("linalg.", np.linalg):
        for name, f in vars(module).items():
            if not name.startswith("_") and (isinstance(f, np.ufunc) or hasattr(f, "_implementation")):
                names.setdefault(f, set()).add(prefix + name)
    own = {f: next((n for n in ns if n.removeprefix("linalg.") == f.__name__), min(ns)) for f, ns in names.items()}
    return {own[f]: (f, ns) for f, ns in names.items()}


def called(row: Row) -> tuple[str, ast.Call] | None:
    """The call that a row's expression is, with the table's name of the function."""
    call = ast.parse(row["numpy"], mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    prefix = MODULES.get(ast.unparse(call.func.value))
    return None if prefix is None else (prefix + call.func.attr, call)


def hand_written(tree: ast.Module, names: list[str]) -> dict[str, Params]:
    """The parameters of functions that are written by hand."""
    found: dict[str, Params] = {}
    kinds = {"TensorLike": "tensor", "Tensor": "tensor"}
    for f in tree.body:
        if not isinstance(f, ast.FunctionDef) or f.name not in names:
            continue
        args = f.args.posonlyargs + f.args.args
        defaults = [None] * (len(args) - len(f.args.defaults)) + f.args.defaults
        params = [*zip(args, defaults, strict=True), *zip(f.args.kwonlyargs, f.args.kw_defaults, strict=True)]
        found[f.name] = [
            (a.arg, kinds.get(ast.unparse(a.annotation or ast.Name("")), "other"), ast.unparse(d) if d else None, []) for a, d in params
        ]
        if f.args.vararg is not None:
            found[f.name].append((f"*{f.args.vararg.arg}", "tensors", None, []))
    return found


def of_expression(call: ast.Call, params: Params, theirs: list[inspect.Parameter]) -> tuple[dict[str, str], dict[str, Any]] | None:
    """The row's parameters by NumPy's names, and constants; None if there is anything else in the call."""
    own = {n.lstrip("*") for n, *_ in params}
    names: dict[str, str] = {}
    only: dict[str, Any] = {}
    star = next((p.name for p in theirs if p.kind is p.VAR_POSITIONAL), None)
    for i, arg in enumerate(call.args):
        inner = arg.value if isinstance(arg, ast.Starred) else arg
        # A constant in a place, as the 0 in `np.maximum(x, 0)`, makes it another function.
        if not isinstance(inner, ast.Name) or inner.id not in own:
            return None
        names[star or theirs[i].name] = inner.id
    for word in call.keywords:
        if isinstance(word.value, ast.Name) and word.value.id in own:
            names[word.arg or ""] = word.value.id
        elif isinstance(word.value, ast.Constant):
            only[word.arg or ""] = word.value.value
        else:
            return None
    known = {p.name for p in theirs}
    names |= {n: n for n, _, default, _ in params if default is not None and n in known and n not in names.values()}
    return names, only


def of_signature(params: Params, theirs: list[inspect.Parameter]) -> dict[str, str] | None:
    """The row's parameters by NumPy's names: tensors by their places, others by name. None if one has none and is required."""
    known = {p.name for p in theirs}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in theirs)
    names: dict[str, str] = {}
    places = iter(theirs)
    for name, kind, default, _ in params:
        own = name.lstrip("*")
        if kind in ("tensor", "tensors") and default is None:
            place = next(places, None)
            if place is None or place.kind in (place.KEYWORD_ONLY, place.VAR_KEYWORD):
                return None
            names[place.name] = own
        elif own in known or (open_ended and default is not None):
            names[own] = own
        elif default is None:
            return None
    return names


def numpy_entry(row: Row, params: Params, key: str, f: Any) -> str | None:
    """What the table says of a function of NumPy's, if the row serves it."""
    theirs = list(inspect.signature(f).parameters.values())
    found = called(row)
    matched = of_expression(found[1], params, theirs) if found and found[0] == key else None
    names, only = matched or (of_signature(params, theirs), {})
    if names is None:
        return None
    name = f.__name__ if f.__name__ in row["aliases"] else row["name"]
    defaults = {p.name: p.default for p in theirs}
    kinds = {n: kind for n, kind, *_ in params}
    return entry(
        name,
        names,
        fixed={n: v for n, v in MATRIX.items() if key.startswith("linalg.") and n in kinds and n not in names.values()},
        only={n: v for n, v in only.items() if defaults.get(n) != v},
        # `np.cross` has an axis for each operand, and `axis` for all of them.
        flattened=kinds.get("axis") == "int" and "axis" in names and defaults["axis"] is None and "axisa" not in defaults,
        tupled=row["lists"] and "cuts" not in kinds.values(),
    )


def entry(name: str, names: dict[str, str], **rest: Any) -> str:
    parts = [literal(name), literal(names), *(f"{n}={literal(v)}" for n, v in rest.items() if v)]
    return f"Entry({', '.join(parts)})"


def literal(value: Any) -> str:
    """As the formatter writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(n)}: {literal(v)}" for n, v in value.items()) + "}"
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    return repr(value)


def numpy_table(rows: list[tuple[Row, Params]], width: int) -> str:
    """A row serves the functions that have its name or one of its aliases, and that which its expression calls."""
    entries: dict[str, str] = {}
    signatures: dict[str, str] = {}
    for key, (f, names) in numpy_functions().items():
        bare = {n.removeprefix("linalg.") for n in names}
        named = [(r, p) for r, p in rows if bare & {r["name"], *r["aliases"]}]
        written = [(r, p) for r, p in rows if (found := called(r)) and found[0] == key and of_expression(found[1], p, theirs(f))]
        text = next((t for r, p in named + written if (t := numpy_entry(r, p, key, f))), None)
        if text is None:
            continue
        entries[key] = text
        if hasattr(f, "_implementation") and not inspect.isfunction(f._implementation):
            signatures[key] = str(inspect.signature(f)).replace("'", '"')
    for row, params in rows:
        found = called(row)
        # SciPy's universal functions take operands alone; its other functions hand nothing over.
        if (
            found
            and found[0].startswith("special.")
            and [ast.unparse(a) for a in found[1].args] == [n for n, k, *_ in params if k == "tensor"]
            and len(params) == len(found[1].args)
        ):
            entries.setdefault(found[0], entry(row["name"], {}))
    table = items(entries, width)
    told = items({k: literal(v) for k, v in signatures.items()}, width)
    return (
        f"{HEAD}\n\nTABLE: dict[str, Entry] = {{\n{table}\n}}\n\n"
        f"#: The signatures of functions in C, which not every version of NumPy tells.\nSIGNATURES: dict[str, str] = {{\n{told}\n}}\n"
    )


def theirs(f: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(f).parameters.values())


def items(values: dict[str, str], width: int) -> str:
    """The items of a dict, as the formatter wraps them."""
    lines = []
    for key, text in sorted(values.items()):
        line = f"    {literal(key)}: {text},"
        if len(line) > width:
            head, rest = line.removesuffix("),").split("(", 1)
            line = f"{head}(\n        {rest}\n    ),"
        lines.append(line)
    return "\n".join(lines)
