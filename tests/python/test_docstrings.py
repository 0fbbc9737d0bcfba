"""Examples in docstrings: they run."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import scirs2_autograd as ag
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


def test_examples_are_found():
    assert {"scirs2_autograd", "scirs2_autograd.tensor_ops.exp", "scirs2_autograd._methods.sum"} <= set(DOCS)
