"""Every row of the op table against its NumPy expression, and what Python makes of the row."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import scirs2_autograd as ag
from rows import ROWS, applied, attributes, expected, parsed
from samples import FACTORED, ULP, close, draw
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

ROOT = Path(__file__).resolve().parents[2]

_spec = importlib.util.spec_from_file_location("gen", ROOT / "tools" / "gen.py")
gen = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(gen)


# Samples


def plain(x, _kind):
    return x.copy()


def fortran(x, _kind):
    return x.copy("F")


def sliced(x, _kind):
    """The same values, every second and third element of a larger array."""
    room = np.zeros([3 * n + 2 for n in x.shape], x.dtype)
    view = room[(*(slice(1, 1 + 3 * n, 3) for n in x.shape), ...)]
    view[...] = x
    return view


def backwards(x, _kind):
    flip = (*(slice(None, None, -1),) * x.ndim, ...)
    return x[flip].copy()[flip]


def repeated(x, kind):
    """The first row over and over, with a stride of 0."""
    if x.ndim < (3 if kind in ("spd", "regular") else 1) or x.shape[0] == 0:
        return x
    return np.broadcast_to(x[:1], x.shape)


LAYOUTS = [plain, fortran, sliced, backwards, repeated]


def compare(row, got, xs, attrs, dtype):
    """Values against NumPy's in float64, dtypes against NumPy's."""
    wide = [x.astype(np.float64) if x is not None and x.dtype == np.float32 else x for x in xs]
    want = expected(row, wide, attrs)
    assert len(got) == len(want)
    assert row["lists"] or len(got) == len(row["outputs"])
    chosen = any(k == "dtype" for _, k, *_ in row["params"])
    terms = expected(row, [np.abs(x) if x is not None else x for x in wide], attrs) if row["family"] == "Products" else [0.0] * len(want)
    for y, w, t in zip(got, want, terms, strict=True):
        assert y.shape == w.shape
        assert y.dtype == (dtype if w.dtype == np.float64 and not chosen else w.dtype)
        if w.dtype == np.float64:
            close(y, w, FACTORED if row["family"] == "Linear algebra" else ULP, t)
        else:
            np.testing.assert_array_equal(y, w)


def fed(ps, xs):
    return {p: x for p, x in zip(ps, xs, strict=True) if p is not None}


def cases():
    for index, row in enumerate(ROWS):
        if "ref.drawn" in row["numpy"]:
            yield pytest.param(index, None, id=row["name"], marks=pytest.mark.skip(reason=f"{row['name']}: the values are random"))
        elif not row["cases"]:
            yield pytest.param(index, None, id=row["name"], marks=pytest.mark.skip(reason=f"{row['name']}: the row has no cases"))
        for k, case in enumerate(row["cases"]):
            yield pytest.param(index, case, id=f"{row['name']}-{k}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("index", "case"), list(cases()))
def test_row_equals_numpy(index, case, dtype):
    row = ROWS[index]
    inputs, texts = case
    attrs = attributes(row, texts)
    rng = np.random.default_rng(index)
    base = [draw(rng, domain, shape, dtype) for domain, shape in inputs]
    with ag.Context(dtype=dtype) as ctx:
        ps = [x if x is None else ctx.placeholder(f"x{i}", x.shape, x.dtype) for i, x in enumerate(base)]
        ys = applied(index, ps, attrs)
        for layout in LAYOUTS:
            xs = [x if x is None else layout(x, domain[0]) for x, (domain, _) in zip(base, inputs, strict=True)]
            got = ctx.eval(ys, fed(ps, xs))
            compare(row, got, xs, attrs, dtype)
            # The shape and the dtype that were promised are those that came.
            assert [(y.shape, y.dtype) for y in ys] == [(g.shape, g.dtype) for g in got]
        constants = [x if x is None else ctx.constant(fortran(x, None)) for x in base]
        compare(row, ctx.eval(applied(index, constants, attrs)), base, attrs, dtype)


@pytest.mark.parametrize(("index", "case"), list(cases()))
def test_row_with_a_length_that_a_feed_decides(index, case):
    row = ROWS[index]
    inputs, texts = case
    attrs = attributes(row, texts)
    rng = np.random.default_rng(index)
    xs = [draw(rng, domain, shape, "float64") for domain, shape in inputs]
    with ag.Context() as ctx:
        late = [x if x is None else [None, *x.shape[1:]] if x.ndim else [] for x in xs]
        ps = [x if x is None else ctx.placeholder(f"x{i}", s, x.dtype) for i, (x, s) in enumerate(zip(xs, late, strict=True))]
        refused = None
        try:
            ys = applied(index, ps, attrs)
        except ag.ShapeError as e:
            refused = str(e)
        if refused:
            # A row may need the number itself, and then says so.
            assert re.search(r"\bknown\b|-1|\?", refused), refused
            return
        compare(row, ctx.eval(ys, fed(ps, xs)), xs, attrs, "float64")


def bad():
    for index, row in enumerate(ROWS):
        for k, sample in enumerate(row["bad"]):
            yield pytest.param(index, *sample, id=f"{row['name']}-{k}")


@pytest.mark.parametrize(("index", "inputs", "texts", "message"), list(bad()))
def test_bad_input_of_a_row(index, inputs, texts, message):
    with ag.Context() as ctx:
        ps = [ctx.placeholder(f"x{i}", shape, dtype) for i, (dtype, shape) in enumerate(inputs)]
        # Most rows refuse when they are built; what hangs on values is refused by the run.
        with pytest.raises((ag.AutogradError, ValueError)) as e:
            ctx.eval(applied(index, ps, attributes(ROWS[index], texts)), {p: np.zeros(p.shape, p.dtype) for p in ps})
    assert str(e.value) == message
    assert isinstance(e.value, (ValueError, TypeError))


# What Python makes of a row

PUBLIC = [r for r in ROWS if not r["internal"] and (r["example"] or not r["by_hand"])]
DOCS = (ROOT / "docs" / "ops.md").read_text().split("## Internal operations")


@pytest.mark.parametrize("row", PUBLIC, ids=lambda r: r["name"])
def test_row_has_a_function(row):
    f = getattr(T, row["name"])
    assert row["name"] in T.__all__
    got = {n: p.default for n, p in inspect.signature(f).parameters.items()}
    params = [(n.lstrip("*"), *rest) for n, *rest in gen.signature(row)]
    if gen.INDICES.format(row["name"]) in T.__all__:
        assert got.pop("return_indices") is False
    assert list(got) == [n for n, *_ in params]
    last = max((i for i, (_, _, default, _) in enumerate(params) if default is None), default=-1)
    for i, (name, kind, default, _) in enumerate(params):
        # What stands in front of a required parameter is required too.
        assert (got[name] is inspect.Parameter.empty) == (i <= last)
        assert i <= last or got[name] == parsed(kind, default)
    assert inspect.getdoc(f).startswith(gen.plain(row["doc"]).split("\n")[0])
    assert (row["numpy"] in f.__doc__) == gen.in_numpy(row)
    assert f"\n### `{row['name']}(" in DOCS[0]
    for alias in row["aliases"]:
        assert getattr(T, alias) is f
        assert f"`{alias}`" in DOCS[0]


@pytest.mark.parametrize("row", [r for r in ROWS if r["internal"] and not r["by_hand"]], ids=lambda r: r["name"])
def test_internal_row_has_none(row):
    assert not hasattr(T, row["name"])
    assert f"\n| `{row['name']}(" in DOCS[1]


def by_numpy(row):
    """The row's NumPy expression as a function with the signature of the Python function."""

    def call(*args, **kwargs):
        bound = inspect.signature(getattr(T, row["name"])).bind(*args, **kwargs).arguments
        xs = []
        for n, k, d, _ in row["params"]:
            if k == "tensors":
                xs.extend(np.asarray(x) for x in bound[n])
            elif k == "tensor":
                x = bound.get(n, None if d is None else parsed(k, d))
                xs.append(x if x is None else np.asarray(x))
        rest = [(n, k, d) for n, k, d, _ in row["params"] if k not in ("tensor", "tensors")]
        attrs = [bound.get(n, None if n in bound else parsed(k, d)) for n, k, d in rest]
        ys = expected(row, xs, [tuple(a) if k == "slices" else a for a, (_, k, _) in zip(attrs, rest, strict=True)])
        return ys[0] if len(ys) == 1 else ys

    return call


def computed(row):
    """Whether the row's example is one value that NumPy can compute too."""
    code, _ = row["example"]
    return len(code) == 1 and "dropout" not in code[0]


@pytest.mark.parametrize("row", [r for r in PUBLIC if computed(r)], ids=lambda r: r["name"])
def test_example_of_a_row_equals_numpy(row):
    code, prints = row["example"]
    by_name = SimpleNamespace(**{r["name"]: by_numpy(r) for r in PUBLIC})
    got = eval(code[0], {"np": np, "T": by_name})
    assert " ".join(map(str, got if isinstance(got, list) else [got])) == prints


def test_most_rows_are_compared():
    assert sum(map(computed, PUBLIC)) > 0.9 * len(PUBLIC)


def test_all_is_all():
    for name in T.__all__:
        assert callable(getattr(T, name)) or name == "linalg"
        assert getattr(T, name).__doc__
    names = {n for n in vars(T) if not n.startswith("_")}
    assert names - set(T.__all__) <= {"annotations", "builtins", "Literal", "Sequence", "TYPE_CHECKING", "Tensor", "overload"}
    for name in ag.__all__:
        assert getattr(ag, name) is not None


def test_public_functions_are_documented():
    undocumented = [
        f"{c.__name__}.{n}"
        for c in (*(getattr(ag, n) for n in ag.__all__ if inspect.isclass(getattr(ag, n))), _lib.Slot)
        for n, v in vars(c).items()
        if not n.startswith("_") and not getattr(v, "__doc__", None)
    ]
    assert undocumented == []
