"""Examples in docstrings: they run, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

#: What an example may use; the package's own documentation says so.
NAMES = {"np": np, "ag": ag, "T": T}
MODULES = [ag, *(importlib.import_module(f"scirs2_autograd.{m.name}") for m in pkgutil.iter_modules(ag.__path__))]


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
    classes = {f"optimizers.{n}": getattr(ag.optimizers, n) for n in ag.optimizers.__all__} | {"Slot": _lib.Slot}
    for name in ag.__all__:
        value = getattr(ag, name)
        if inspect.isclass(value) and not issubclass(value, Exception):
            classes[name] = value
        elif inspect.isroutine(value):
            yield f"ag.{name}", value
    for name, cls in classes.items():
        yield f"ag.{name}", cls
        own = (n for n in dir(cls) if not n.startswith("_") and callable(getattr(cls, n)))
        yield from ((f"ag.{name}.{n}", getattr(cls, n)) for n in own)


@pytest.mark.parametrize("value", [pytest.param(v, id=n) for n, v in public()])
def test_public_name_has_an_example(value):
    assert examples(value.__doc__)
    if inspect.isfunction(value):
        assert any(value.__name__ in e.source for e in examples(value.__doc__))


def test_public_names_are_found():
    names = {n for n, _ in public()}
    assert names >= {"T.exp", "T.sum", "T.grad", "ag.grad", "ag.trim", "ag.current_context", "ag.Plan.explain", "ag.Tensor.sum"}
    assert names >= {"ag.optimizers.Adam.default", "ag.optimizers.SGD.update", "ag.VariableEnvironment.load", "ag.Slot.set"}
    assert {"scirs2_autograd", "scirs2_autograd._lib.Context.close", "scirs2_autograd.optimizers._Base.update"} <= set(DOCS)
    assert len(DOCS) > 150
