"""Examples in docstrings: they run, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

#: What an example may use; the package's own documentation says so.
NAMES = {"np": np, "ag": ag, "T": T}
MODULES = [ag, *(importlib.import_module(m.name) for m in pkgutil.walk_packages(ag.__path__, "scirs2_autograd."))]


def examples(doc):
    return doctest.DocTestParser().get_examples(doc or "")


def members(cls):
    """The methods and properties of a class by name, as functions where the class wraps them."""
    return {n: getattr(v, "__func__", v) for n, v in vars(cls).items() if not inspect.isclass(v)}


def documented():
    """Each docstring with examples, under its full name."""
    for module in MODULES:
        yield module.__name__, module.__doc__
        own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__}
        for name, value in own.items():
            yield f"{module.__name__}.{name}", value.__doc__
            if inspect.isclass(value):
                yield from ((f"{module.__name__}.{name}.{n}", m.__doc__) for n, m in members(value).items())


DOCS = {name: doc for name, doc in documented() if isinstance(doc, str) and examples(doc)}


@pytest.mark.parametrize("name", DOCS)
def test_examples_run(name):
    test = doctest.DocTestParser().get_doctest(DOCS[name], dict(NAMES), name, name, 0)
    told = []
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert not told, "".join(told)


def public():
    """Functions, classes and methods that users call, by the name that they call them by."""
    yield from ((f"T.{n}", getattr(T, n)) for n in T.__all__)
    classes = {"Slot": _lib.Slot}
    for space, module in ("optimizers", ag.optimizers), ("optimizers.schedules", ag.optimizers.schedules):
        classes |= {f"{space}.{n}": c for n in module.__all__ if inspect.isclass(c := getattr(module, n))}
    for name in ag.__all__:
        value = getattr(ag, name)
        if inspect.isclass(value) and not issubclass(value, Exception):
            classes[name] = value
        elif inspect.isroutine(value):
            yield f"ag.{name}", value
    for name, cls in classes.items():
        yield f"ag.{name}", cls
        # NumPy describes what its arrays do.
        inherited = {*dir(np.ndarray)} - {*vars(cls)} if issubclass(cls, np.ndarray) else set()
        own = (n for n in dir(cls) if not n.startswith("_") and callable(getattr(cls, n)) and n not in inherited)
        yield from ((f"ag.{name}.{n}", getattr(cls, n)) for n in own)


@pytest.mark.parametrize("value", [pytest.param(v, id=n) for n, v in public()])
def test_public_name_has_an_example(value):
    assert examples(value.__doc__)
    if inspect.isfunction(value):
        assert any(value.__name__ in e.source for e in examples(value.__doc__))


#: What only the engine's own source is written with: links and paths of Rust, types and borrows, and the tests' `ref`.
INTERNAL = re.compile(r"\[`|`\]|\w::\w|\bcrate\b|&(mut\b|\[)|\b(Vec|Option|Result|Box)<|\bSome\(|#\[|\]\(|\bfn \w|\bref\.|\bOpDef\b")
ROWS = {row["name"] for row in _lib.op_table()}


def spoken(doc):
    """A docstring without its examples."""
    return "\n".join(line for line in doc.split("\n") if not line.lstrip().startswith((">>>", "...")))


def of_the_engine(doc):
    """What a docstring says in the words of the engine: its own rows in code, or the marks of another language."""
    code = " ".join(re.findall(r"`([^`]+)`", spoken(doc)))
    known = {*dir(T), *dir(ag.Tensor), *dir(ag)}
    return [w for w in re.findall(r"\b[a-z]\w*\b", code) if w in ROWS - known] + [m[0] for m in INTERNAL.finditer(spoken(doc))]


def all_public():
    yield from public()
    yield "T", T
    yield "ag", ag
    for name, cls in vars(ag).items():
        if inspect.isclass(cls):
            yield f"ag.{name}", cls
            yield from ((f"ag.{name}.{n}", m) for n, m in vars(cls).items())


def test_documentation_speaks_to_users():
    docs = {name: getattr(value, "__doc__", None) or "" for name, value in all_public()}
    assert {name: words for name, doc in docs.items() if (words := of_the_engine(doc))} == {}
    assert len(docs) > 300


def test_words_of_the_engine_are_found():
    for text in (
        "As [`SOFTMAX`].",
        "See [tanh](crate::ops).",
        "A `Vec<f64>`.",
        "NumPy: `ref.dropout(x)`",
        "`tanh_with(x)`",
        "a `&[f64]`",
        "`#[test]`",
        "as `normal_density` has it",
        "`Some(3)`",
        "`api::Context`",
    ):
        assert of_the_engine(text), text
    for text in (
        "`x[mask]` and `x & y`",
        "`(x > 0) & (x < 1)`",
        "`T.grad([y], [x])`",
        ">>> ref.x",
        "the `(n,)` or `(n, 1)` labels",
        "`a && b`",
    ):
        assert not of_the_engine(text), text
    # Whose name a docstring may not say must not be a public one.
    assert len(ROWS - set(dir(T))) > 30


def test_public_names_are_found():
    names = {n for n, _ in public()}
    assert names >= {"T.exp", "T.sum", "T.grad", "ag.grad", "ag.trim", "ag.current_context", "ag.Plan.explain", "ag.Tensor.sum"}
    assert names >= {
        "ag.optimizers.Adam.default",
        "ag.optimizers.SGD.update",
        "ag.optimizers.schedules.Plateau.observe",
        "ag.VariableEnvironment.load",
        "ag.Slot.set",
    }
    assert {"scirs2_autograd", "scirs2_autograd._lib.Context.close", "scirs2_autograd.optimizers._base.Optimizer.update"} <= set(DOCS)
    assert len(DOCS) > 150
