"""NumPy's functions on tensors: by NumPy's own signature, defaults and promotion; what tensors do not have says what to write."""

import inspect
import itertools
import re
import warnings

import numpy as np
import pytest
import scipy.special

import scirs2_autograd as ag
from factor_reference import canonical
from messages import FORM, refused
from rows import ROWS, attributes
from samples import FACTORED, ULP, close, draw
from scirs2_autograd import _numpy_calls
from scirs2_autograd import tensor_ops as T
from scirs2_autograd._numpy_table import TABLE, Entry


def alike(name, got, want):
    """Two lists of results, of factorisations with the same signs and in the same order."""
    name = name.rpartition(".")[2]
    if name not in ("svd", "eigh", "qr", "eig", "eigvals"):
        return got, want
    return canonical(name, got), canonical(name, want)


def dispatched():
    """NumPy's functions that ask their arguments what to do, by name."""
    for label, module in ("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft):
        for name in dir(module):
            f = getattr(module, name)
            if hasattr(f, "_implementation") and not name.startswith("_"):
                yield f"{label}.{name}", f


FUNCTIONS = dict(dispatched())
#: A matrix whose values lie apart.
REGULAR = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
UFUNCS = {f"np.{n}": f for n, f in vars(np).items() if isinstance(f, np.ufunc)}
SPECIAL = {n: f for n, f in vars(scipy.special).items() if isinstance(f, np.ufunc)}
#: The universal functions of operators.
OPERATORS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "**": np.power, "@": np.matmul, "&": np.bitwise_and,
    "|": np.bitwise_or, "^": np.bitwise_xor, "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
    ">": np.greater, ">=": np.greater_equal, "//": np.floor_divide, "%": np.remainder,
}  # fmt: skip


# The functions that rows serve, on the samples of the rows

BY_NAME = {name: row for row in ROWS if not row["internal"] for name in (row["name"], *row["aliases"])}
#: Parameters of rows whose functions are written by hand, as these functions have them.
BY_HAND = {"tensordot": lambda v: {"a": v["a"], "b": v["b"], "axes": (v["a_axes"], v["b_axes"])}}
#: What NumPy has in place of None.
DEFAULT = {"where", "initial"}


def found(key):
    module, _, name = key.rpartition(".")
    return getattr({"": np, "linalg": np.linalg, "special": scipy.special}[module], name)


def values(row, case, seed):
    """The arguments of a case, by the names of the row's parameters."""
    rng = np.random.default_rng(seed)
    tensors = iter([draw(rng, domain, shape, "float64") for domain, shape in case[0]])
    given = iter(attributes(row, case[1]))
    got = {}
    for name, kind, default, _ in row["params"]:
        if kind == "tensors":
            got[name] = list(tensors)
        elif kind == "tensor":
            x = next(tensors, None)
            if x is not None or default is None:
                got[name] = x
        else:
            got[name] = next(given)
    got = {n: x for n, x in got.items() if x is not None or n not in DEFAULT}
    return BY_HAND.get(row["name"], lambda v: v)(got)


def by_numpy(key, entry, given):
    """The arguments of NumPy's function, by place and by name; None if it cannot say what is given."""
    if key == "einsum":
        return (given["subscripts"], *given["operands"]), {}
    theirs = _numpy_calls.signature(found(key), key) if entry.names else {}
    if not entry.names:
        return tuple(given.values()), {}
    own = {ours: name for name, ours in entry.names.items()}
    for name in set(given) - set(own) - set(entry.fixed or ()):
        if given[name] != inspect.signature(getattr(T, entry.name)).parameters[name].default:
            return None
    args, options = [], {}
    for name, p in theirs.items():
        ours = entry.names.get(name)
        if p.kind is p.VAR_POSITIONAL:
            args += given[ours] if isinstance(given[ours], list) else [given[ours]]
        elif ours in given and (p.kind is p.POSITIONAL_ONLY or (not options and p.kind is not p.KEYWORD_ONLY and p.default is p.empty)):
            args.append(given[ours])
        elif ours in given:
            options[name] = given[ours]
    # What only an open end of the signature takes.
    options |= {n: given[o] for n, o in entry.names.items() if n not in theirs and o in given}
    return tuple(args), options


def cases():
    for key, entry in TABLE.items():
        row = BY_NAME[entry.name]
        for k, case in enumerate(row["cases"]):
            if by_numpy(key, entry, values(row, case, k)) is not None:
                yield pytest.param(key, k, id=f"{key}-{k}")


CASES = list(cases())


def test_every_function_of_the_table_has_a_case():
    assert {p.values[0] for p in CASES} == set(TABLE)
    assert len(TABLE) > 150


def flat(x):
    return list(x) if isinstance(x, (tuple, list)) else [x]


def weighed(ctx, ys, xs, feeds):
    """The gradient of outputs with cotangents that are not uniform; where there is none, the kind of the error."""
    rng = np.random.default_rng(0)
    floats = [y for y in flat(ys) if y.dtype.kind == "f"]
    weights = [rng.uniform(-1.0, 1.0, y.shape) for y in floats]
    inputs = [x for x in xs if x.dtype.kind == "f"]
    try:
        return ctx.eval(T.grad_with_default(floats, inputs, weights), feeds) if floats and inputs else []
    except ag.NotDifferentiableError as e:
        return [type(e)]


@pytest.mark.parametrize(("key", "k"), CASES)
def test_a_function_with_a_row(ctx, key, k):
    """The value is NumPy's, by NumPy's signature; the gradient is exactly that of our function."""
    entry = TABLE[key]
    row = BY_NAME[entry.name]
    f, arrays = found(key), values(row, row["cases"][k], k)
    feeds = {}

    def tensor(x):
        if isinstance(x, list) and all(isinstance(y, np.ndarray) for y in x):
            return [tensor(y) for y in x]
        if not isinstance(x, np.ndarray):
            return x
        t = ctx.placeholder(f"x{len(feeds)}", x.shape, x.dtype)
        feeds[t] = x
        return t

    tensors = {n: tensor(x) for n, x in arrays.items()}
    # NumPy looks for tensors in what it calculates with, and takes these as they are.
    aside = {
        n: arrays[n] for n in ("where", "initial", "ddof", "nan", "posinf", "neginf", "left", "right", "constant_values") if n in arrays
    }
    aside = {n: x for n, x in aside.items() if isinstance(x, np.ndarray)}
    feeds = {t: x for t, x in feeds.items() if not any(t is tensors[n] for n in aside)}
    tensors |= aside
    args, options = by_numpy(key, entry, arrays)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            want = f(*args, **options)
        except (ValueError, TypeError):
            # Our function may do more, as pads below 0, which cut off.
            return
    args, options = by_numpy(key, entry, tensors)
    got = f(*args, **options)
    # NumPy has classes of its own for some tuples.
    assert isinstance(want, type(got)) if isinstance(got, (tuple, list)) else not isinstance(want, (tuple, list))
    ulp = FACTORED if row["family"] == "Linear algebra" else ULP
    for y, w in zip(*alike(key, ctx.eval(flat(got), feeds), flat(want)), strict=True):
        w = np.asarray(w)
        assert (y.shape, y.dtype) == (w.shape, w.dtype)
        if w.dtype.kind == "f":
            close(y, w, ulp)
        else:
            np.testing.assert_array_equal(y, w)
    if key == "einsum":
        ours = T.einsum(*args)
    elif entry.names and key != "astype":
        star = tensors.pop("xs") if key in ("broadcast_arrays", "meshgrid") else ()
        ours = getattr(T, entry.name)(*star, **tensors | (entry.fixed or {}))
    else:
        ours = getattr(T, entry.name)(*tensors.values())
    if entry.flattened and options.get("axis", 0) is None:
        return
    for g, w in zip(weighed(ctx, got, feeds, feeds), weighed(ctx, ours, feeds, feeds), strict=True):
        assert g is w or np.array_equal(g, w)


# Calls of any form

A = np.arange(6.0).reshape(2, 3) + 0.5
B = np.array([[2.0, 0.25, 1.0], [0.5, 3.0, 0.75]])
#: Expressions of tensors `x`, `y`, `i`, `m`, and of the arrays `a` and `w`, that are NumPy's of arrays.
CALLS = """
np.tanh(x); np.add(a, x); np.abs(x); np.absolute(x); np.invert(i); np.acos(x / 9); np.pow(x, y); np.divmod(x, y); np.sinc(x)
scipy.special.erf(x); scipy.special.xlogy(x, a); scipy.special.gammaln(x); scipy.special.psi(x); scipy.special.expit(a * x)
np.add.reduce(x); np.add.reduce(x, 1); np.add.reduce(x, axis=None); np.add.reduce(x, axis=(0, 1), keepdims=True)
np.add.reduce(x, initial=2.5); np.add.reduce(i, initial=2.5); np.add.reduce(x, where=w); np.add.reduce(x, dtype="f4")
np.add.reduce(i > 1, 1); np.add.reduce(x[0, 0]); np.add.reduce(i, dtype=float); np.add.reduce(i > 1, axis=None, dtype="i4")
np.multiply.reduce(x, 1); np.multiply.reduce(i, 1, initial=3); np.add.reduce(x, initial=np.array(2.5))
np.maximum.reduce(x, axis=1); np.minimum.reduce(x, keepdims=True)
np.maximum.reduce(x, 1, initial=3.0); np.maximum.reduce(x, 1, initial=3.0, where=w); np.maximum.reduce(x, initial=None)
np.fmax.reduce(x); np.fmin.reduce(x, 1); np.logical_and.reduce(i > 0); np.logical_or.reduce(i > 3, 1); np.logical_and.reduce(x, where=w)
np.logical_and.reduce(i, axis=None, dtype=bool)
np.logaddexp.reduce(x); np.logaddexp.reduce(x, axis=None, keepdims=True); np.logaddexp.reduce(x, initial=1.5)
np.add.accumulate(x); np.add.accumulate(x, 1); np.add.accumulate(i > 1); np.add.accumulate(i, 1, "i4"); np.multiply.accumulate(x, axis=1)
np.add.accumulate(i, dtype="f8")
np.maximum.accumulate(y); np.minimum.accumulate(y, 1); np.maximum.accumulate(i); np.logaddexp.accumulate(x, 1)
np.multiply.outer(x, y); np.subtract.outer(x[0], a); np.add.outer(a, x); np.arctan2.outer(x, 2.0); np.maximum.outer([1.0, 4.0], x)
np.less.outer(x, y); np.add.outer(x, y, dtype="f4")
np.sin(x, dtype="f4"); np.add(i, 1, dtype="f8"); np.add(i, x, dtype="f4"); np.equal(x, 1.5, dtype=bool);
np.add(x, y, order="C", subok=False)
np.add(x, 1.5, dtype="i8", casting="unsafe"); np.vecdot(x, y); np.vecdot(x, y, axis=0); np.sin(x, where=True); np.add(x, y, out=None)
np.sum(x, axis=0, keepdims=True); np.sum(x, -1); np.sum(x, None, "f4"); np.sum(x, dtype=int); np.sum(x, initial=2); np.sum(x, where=w)
np.sum(x, axis=0, out=None, keepdims=np._NoValue); np.prod(x, 1, initial=2.0); np.nansum(x, initial=1.0); np.sum(i, initial=2.5)
np.mean(x, 1); np.mean(i, dtype="f4"); np.mean(i, dtype=int); np.mean(x, axis=0, where=w); np.var(x, ddof=1); np.var(x, correction=1)
np.std(x, axis=1, ddof=1, keepdims=True); np.std(x, 0, None, None, 1); np.max(x); np.max(x, 1, initial=3.0, where=w); np.amin(x, 0)
np.ptp(x, 1); np.median(x, axis=1); np.quantile(x, 0.3, axis=1); np.quantile(x, [0.1, 0.9], method="lower"); np.average(x, weights=y)
np.average(x, 0, [1.0, 3.0]); np.median(x, overwrite_input=True); np.count_nonzero(i, axis=1); np.all(i > 0, 1); np.any(i > 4)
np.argmax(x); np.argmax(y, keepdims=True); np.argmin(y, 1); np.argmin(y, axis=None); np.argmax(y, axis=0, keepdims=True)
np.cumsum(x); np.cumsum(x, 1, "f4"); np.cumprod(x, axis=0); np.diff(x); np.diff(x, axis=0); np.diff(x, 2, 1); np.trapezoid(x, dx=0.5)
np.concatenate([x, a]); np.concatenate((x, y), 1); np.concatenate([x, y], axis=None); np.concatenate([x, a], dtype="f4"); np.concat([x, y])
np.stack([x, a]); np.stack((x, y), axis=-1); np.stack(x); np.vstack([x, a]); np.hstack([x, y]); np.dstack([x, y]); np.column_stack([x, y])
np.stack([x, i], dtype="f4"); np.hstack([i, i], dtype="f8", casting="safe")
np.where(w, x, 0.0); np.where(x > 2, x, y); np.clip(x, None, 1); np.clip(x, 1, None); np.clip(x, min=1); np.clip(x, max=2.0, min=1)
np.clip(x, 1, 2); np.clip(x, y, 3.0); np.clip(a, x, None)
np.einsum("ij,ij", x, a); np.einsum("ij->ji", x, optimize=True); np.einsum(x, [0, 1], a, [0, 1]); np.einsum(x, [0, 1], [1, 0])
np.einsum(x, [..., 1], y, [..., 1]); np.dot(x, a.T); np.vdot(x, y); np.inner(x, y); np.outer(x, y); np.kron(x, y); np.matmul(x, y.T)
np.tensordot(x, y); np.tensordot(x, a, axes=([0], [0])); np.tensordot(x, y.T, 1); np.cross(x, a); np.cross(x.T, a, axisa=0)
np.cross(x, y, axisc=0); np.cross(x.T, y.T, axis=0); np.matvec(x, y[0]); np.vecmat(x[0], y.T)
np.linalg.norm(x); np.linalg.norm(x, axis=1); np.linalg.norm(x, 3, 1, True); np.linalg.norm(x, "fro"); np.linalg.norm(x, ord=1, axis=0)
np.linalg.vector_norm(x); np.linalg.vector_norm(x, axis=1, ord=3); np.linalg.cholesky(m); np.linalg.matmul(x, m); np.linalg.trace(m)
np.linalg.trace(m, offset=1); np.linalg.trace(m, dtype="f4"); np.linalg.trace(np.stack([x, y, x]))
np.linalg.diagonal(np.stack([x, y, x]))
np.linalg.trace(np.stack([x, y, x]), offset=-1); np.linalg.diagonal(m); np.linalg.matrix_transpose(x)
np.linalg.vecdot(x, y); np.linalg.cross(x, y); np.linalg.outer(x[0], y[1]); np.linalg.tensordot(x, y)
np.trace(x, 1); np.diagonal(x, offset=1); np.diag(x); np.tril(x, k=-1); np.triu(x)
np.linspace(0.0, x, 5); np.linspace(x, a, num=4, endpoint=False, axis=1); np.linspace(0.0, x, 5, dtype=int); np.full_like(x, 2)
np.zeros_like(x); np.ones_like(x, dtype="i4"); np.zeros_like(i); np.full_like(i, 2.0, "f8"); np.astype(x, "f4")
np.astype(x, np.int64, copy=False)
np.reshape(x, (3, 2)); np.reshape(x, -1); np.reshape(x, shape=(6, 1), copy=None); np.ravel(x); np.transpose(x); np.permute_dims(x, (1, 0))
np.expand_dims(x, 0); np.expand_dims(x, (0, -1)); np.squeeze(x); np.squeeze(x[:1], axis=0); np.moveaxis(x, 0, 1); np.swapaxes(x, 0, 1)
np.flip(x, 1); np.fliplr(x); np.flipud(x); np.roll(x, 1); np.roll(x, (1, 1), axis=(0, 1)); np.tile(x, 2); np.tile(x, (2, 1))
np.repeat(x, 2); np.repeat(x, [1, 2], 0); np.pad(x, 1); np.pad(x, ((1, 0), (0, 2)), constant_values=3.0); np.pad(x, 1, mode="edge")
np.broadcast_to(x, (2, 2, 3)); np.split(x, 2); np.split(x, [1], axis=1); np.array_split(x, 2, 1); np.unstack(x); np.unstack(x, axis=1)
np.broadcast_arrays(x, y[0]); np.meshgrid(x[0], a[0]); np.meshgrid(x[0], a[0], indexing="ij", sparse=True)
np.atleast_1d(x); np.atleast_3d(x, a)
np.sort(y); np.sort(y, axis=None); np.sort(y, 0, kind="heapsort"); np.sort(y, stable=True); np.argsort(y, axis=0); np.searchsorted(x[0], y)
np.searchsorted(x[0], y, side="right"); np.take(x, i % 2, axis=0); np.take(x, [0, 5]); np.take_along_axis(x, i % 2, 0)
np.interp(y, x[0], x[1]); np.nan_to_num(x, nan=1.0); np.round(x, 1); np.fix(x); np.isnan(x); np.hypot(x, 2)
np.shape(x); np.ndim(x); np.size(x); np.size(x, 1); np.result_type(x, np.float32); np.iscomplexobj(x); np.rollaxis(x, 1)
"""
CALLS = [call for part in re.split(r"[;\n]", CALLS) if (call := part.strip())]
ARRAYS = {"x": A, "y": B, "i": np.array([[4, 1, 2], [0, 3, 5]]), "m": A.T @ A + np.diag([1.0, 2.0, 3.0])}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_numpys(ctx, call):
    """Value, shape, dtype and class of the result are NumPy's."""
    tensors = {n: ctx.placeholder(n, a.shape, a.dtype) for n, a in ARRAYS.items()}
    names = {"np": np, "scipy": scipy, "a": B, "w": A > 1}
    got, want = eval(call, {**names, **tensors}), eval(call, {**names, **ARRAYS})
    feeds = {tensors[n]: a for n, a in ARRAYS.items()}
    assert isinstance(got, ag.Tensor | tuple | list | np.dtype | int | bool)
    assert isinstance(want, type(got)) or isinstance(got, ag.Tensor)
    for y, v in zip(flat(got), flat(want), strict=True):
        if not isinstance(y, ag.Tensor):
            assert y == v
            continue
        z, v = y.eval(feeds), np.asarray(v)
        assert (z.shape, z.dtype) == (v.shape, v.dtype)
        np.testing.assert_allclose(z, v, rtol=1e-6 if z.dtype == "f4" else 1e-13)


#: Calls that build nothing, how their message starts, and what its line of help has.
REFUSED = [
    ("np.fft.fft(x)", "np.fft.fft: there is no such function of tensors. Got <Tensor", "`ag.custom_op(np.fft.fft, vjp)`"),
    ("np.spacing(x)", "np.spacing: ", "`ag.custom_op(np.spacing, vjp)`"),
    ("np.fabs(x)", "np.fabs: there is no such function", "write `T.abs(x)`"),
    ("np.append(x, x)", "np.append: ", "write `T.concat([a, b], axis)`"),
    ("np.left_shift(i, 2)", "left_shift: ", "a * 2**b"),
    ("scipy.special.gamma(x)", "gamma: ", "`ag.custom_op(gamma, vjp)`"),
    ("np.where(x > 1)", "np.where: an argument is missing. Got condition; expected x, y too.", "`np.where(t.eval(feeds))`"),
    ("np.add.at(x, [0], y)", "np.add.at: a tensor never changes. ", "write `t = t.at[index].add(values)`"),
    ("np.multiply.at(x, [0], y)", "np.multiply.at: ", "write `t = t.at[index].mul(values)`"),
    ("np.hypot.at(x, [0], y)", "np.hypot.at: ", "write `t = t.at[index].set(np.hypot(t[index], values))`"),
    ("np.add.at(a, [0], x)", "np.add.at: an array holds numbers", "`t = T.constant(a)` and `t = t.at[index].add(values)`"),
    ("np.add.reduceat(x, [0, 1])", "np.add.reduceat: there is no such function", "`ag.custom_op(np.add.reduceat, vjp)`"),
    ("np.subtract.reduce(x)", "np.subtract.reduce: there is no such function", "`ag.custom_op(np.subtract.reduce, vjp)`"),
    ("np.hypot.accumulate(x)", "np.hypot.accumulate: there is no such function", "`ag.custom_op(np.hypot.accumulate, vjp)`"),
    ("np.logaddexp.reduce(x, where=a > 1)", "np.logaddexp.reduce: tensors have no such argument. Got where=<ndarray", "leave it out"),
    ("np.sin(x, out=a)", "np.sin: an array holds numbers", "write `T.sin`"),
    ("np.sin(a, out=x)", "np.sin: a tensor never changes. Got out=<Tensor", "write `T.sin`"),
    ("np.add(a, x, out=a)", "np.add: an array holds numbers", "write `a = a + t` for `a += t`"),
    ("np.add.reduce(x, out=a)", "np.add.reduce: an array holds numbers", "write `a = np.add.reduce(...)`"),
    ("np.sum(x, 0, None, a)", "np.sum: an array holds numbers", "write `T.sum`"),
    ("np.concatenate([x, y], out=a)", "np.concatenate: an array holds numbers", "write `T.concatenate`"),
    ("np.einsum('ij', x, out=a)", "np.einsum: an array holds numbers", "write `T.einsum`"),
    ("np.sin(x, where=a > 1)", "np.sin: without `out` nothing stands ", "write `T.where(condition, np.sin(x), other)`"),
    ("np.sin(x, dtype=int)", "np.sin: it does not compute in this dtype. Got dtype=int64 for float64; ", ".astype("),
    ("np.sqrt(i, dtype=int)", "np.sqrt: it does not compute in this dtype. Got dtype=int64", ".astype("),
    ("np.add(x, 1, dtype=int)", "np.add: it does not compute in this dtype. ", ".astype("),
    ("np.stack([x, y], dtype=int)", "np.stack: it does not compute in this dtype. ", ".astype("),
    ("np.vecdot(x, y, keepdims=True)", "np.vecdot: tensors have no such argument. Got keepdims=True; ", "leave it out"),
    ("np.average(x, returned=True)", "np.average: tensors have no such argument. Got returned=True; ", "leave it out"),
    ("np.linspace(0.0, x, 5, retstep=True)", "np.linspace: tensors have no such argument. Got retstep=True; ", "leave it out"),
    ("np.take(x, [0], mode='wrap')", "np.take: tensors have no such argument. Got mode='wrap'; expected mode='raise'.", "leave it out"),
    ("np.diff(x, prepend=0.0)", "np.diff: tensors have no such argument. Got prepend=0.0; expected no such argument.", "leave it out"),
    ("np.nan_to_num(x, copy=False)", "np.nan_to_num: tensors have no such argument. Got copy=False; expected copy=True.", "leave it out"),
    ("np.ravel(x, order='F')", "np.ravel: tensors have no such argument. Got order='F'; expected order='C'.", "leave it out"),
    ("np.pad(x, 1, mode='edge', end_values=2)", "np.pad: tensors have no such argument. Got end_values=2; ", "leave it out"),
    ("np.einsum('ij', x, dtype='f4')", "np.einsum: tensors have no such argument. Got dtype='f4'; ", "leave it out"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "start", "word"), REFUSED)
def test_a_call_that_is_refused(ctx, call, start, word):
    names = {n: ctx.placeholder(n, a.shape, a.dtype) for n, a in ARRAYS.items()}
    refused(lambda: eval(call, {"np": np, "scipy": scipy, "a": B.copy(), **names}), TypeError, start, word)


def test_vectors_alone(ctx):
    x = ctx.placeholder("x", [2, 3])
    refused(lambda: np.linalg.outer(x, x), ValueError, "np.linalg.outer: an operand is no vector. ", "`np.multiply.outer(a, b)`")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_numpys(ctx, name):
    """It refuses in our words, or gives what it gives for an array of the same shape and dtype."""
    a = REGULAR if "linalg" in name else np.arange(1.0, 10.0).reshape(3, 3)
    x = ctx.placeholder("x", [3, 3])
    ours = 0
    einsum = [("ij,jk", x, x)] if "einsum" in name else []
    for args in (
        (x,),
        (x, x),
        ([x, x],),
        (x, 0),
        (x, 0, 1),
        (x, x, x),
        (x, 0, 1, 2),
        (x, [0, 1]),
        (x, None),
        (x, 1, None, 2),
        *einsum,
    ):
        arrays = [a if t is x else [a] * len(t) if isinstance(t, list) and t[0] is x else t for t in args]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                # Where a dtype is expected, a tensor is asked for its own.
                want = FUNCTIONS[name](*(t.dtype if name == "np.can_cast" and t is a else t for t in arrays))
            except Exception:
                # Ours may take more, as lists of axes.
                want = None
        try:
            got = FUNCTIONS[name](*args)
        except Exception as e:
            # NumPy itself may refuse the number of the arguments.
            ours += re.fullmatch(FORM.replace(r"\nhelp: (?P<help>.+)", ".*"), str(e), re.DOTALL) is not None
            continue
        if want is not None:
            got = [g.eval({x: a}) if isinstance(g, ag.Tensor) else g for g in flat(got)]
            for g, w in zip(*alike(name, got, flat(want)), strict=True):
                if isinstance(g, np.ndarray) and g.dtype.kind == "f":
                    np.testing.assert_allclose(g, w, rtol=1e-13, atol=1e-15 if "linalg" not in name else 1e-14)
                else:
                    np.testing.assert_array_equal(g, w)
            ours += 1
    assert ours


MISSING_NAMES = {"left_shift", "right_shift"}


@pytest.mark.parametrize("name", [n for n, f in UFUNCS.items() if f not in OPERATORS.values()])
def test_a_universal_function_of_numpys(ctx, name):
    """It has NumPy's value where a row serves it, with tensors and arrays in all places, and refuses where none does."""
    f = UFUNCS[name]
    dtype = "d" if any(t.startswith("d" * f.nin + "-") for t in f.types) else "q"
    a = np.array([[0.25, 0.75], [0.5, 0.125]]).astype(dtype) + (dtype == "q")
    x = ctx.placeholder("x", a.shape, a.dtype)
    served = f.__name__ in TABLE
    for places in itertools.product([x, a], repeat=f.nin):
        if all(p is a for p in places):
            continue
        if not served:
            refused(lambda places=places: f(*places), TypeError, f.__name__ if f.__name__ in MISSING_NAMES else f"np.{f.__name__}: ")
            continue
        with np.errstate(all="ignore"):
            want = f(*[a] * f.nin)
        for y, w in zip(ctx.eval(flat(f(*places)), {x: a}), flat(want), strict=True):
            assert y.dtype == w.dtype
            np.testing.assert_allclose(y, w, rtol=1e-14)


def test_universal_functions_of_scipys(ctx):
    x = ctx.placeholder("x", [3])
    a = np.array([0.25, 0.5, 0.75])
    served = []
    for name, f in SPECIAL.items():
        if f"special.{name}" in TABLE or name in ("psi", "cbrt", "exp2", "expm1", "log1p"):
            np.testing.assert_allclose(f(*[x] * f.nin).eval({x: a}), f(*[a] * f.nin), rtol=1e-14)
            served.append(name)
        else:
            refused(lambda f=f: f(*[x] * f.nin), TypeError, f"{f.__name__}: ")
    assert len(served) >= 10
    assert len(SPECIAL) > 100


def test_numpys_defaults_are_not_ours(ctx):
    """Where our function has another default, NumPy's holds."""
    x = ctx.placeholder("x", A.shape)
    for f, ours in ((np.argmax, T.argmax), (np.argmin, T.argmin)):
        assert f(x).shape == ()
        assert ours(x).shape == (2,)


def test_rows_that_may_come(ctx):
    """Results of several parts come in NumPy's own class; an argument that a row has fixed is served with that value alone."""
    m = ctx.constant(np.diag([1.0, 2.0]))
    call = _numpy_calls.Call(np.linalg.eigh, "linalg.eigh", Entry("aminmax", {"a": "x"}))
    assert call.way((1,)) is None
    y = call((m,), {})
    assert type(y) is type(np.linalg.eigh(np.eye(2)))
    assert [t.eval() for t in (y.eigenvalues, y.eigenvectors)] == [0.0, 2.0]
    call = _numpy_calls.Call(np.linalg.eigh, "linalg.eigh", Entry("aminmax", {"a": "x"}, only={"UPLO": "U"}))
    for options in {}, {"UPLO": "L"}:
        refused(
            lambda o=options: call((m,), o), TypeError, "np.linalg.eigh: tensors have no such argument. Got UPLO='L'; expected UPLO='U'."
        )
    assert call((m,), {"UPLO": "U"}).eigenvalues.eval() == 0.0


def test_an_array_of_tensors_is_refused(ctx):
    x = ctx.placeholder("x", A.shape)
    refused(lambda: np.array([x, x]), ag.GraphError, "array: a tensor has no value while the graph is built. ", "for an array of tensors")


def test_a_tensor_of_another_context(ctx):
    """Arrays join the graph of the tensor beside them, not that of the block."""
    x = ag.Context().placeholder("x", A.shape)
    for f in (
        lambda t: np.concatenate([A, t]),
        lambda t: np.add(A, t, dtype="f4"),
        lambda t: np.maximum(A.tolist(), t, dtype="f4"),
        lambda t: np.multiply.outer(A, t),
        lambda t: np.cross(A.T, t, 0),
    ):
        y = f(x)
        assert y.context is x.context
        np.testing.assert_allclose(y.eval({x: B}), f(B), rtol=1e-6)


def test_functions_that_only_look_or_index(ctx):
    a = np.arange(6.0).reshape(2, 3)
    x = ctx.placeholder("x", [2, 3])
    assert (np.shape(x), np.ndim(x), np.size(x), np.iscomplexobj(x), np.result_type(x, np.float32)) == ((2, 3), 2, 6, False, np.float64)
    for f in np.transpose, np.squeeze, np.flip, lambda t: np.moveaxis(t, 0, 1), lambda t: np.unstack(t)[1]:
        np.testing.assert_array_equal(f(x).eval({x: a}), f(a))


# Operators with NumPy's arrays and scalars on the left

LEFT = {
    "array": np.array([1.5, 0.5, 2.0]),
    "array f4": np.array([1.5, 0.5, 2.0], "f4"),
    "array i8": np.array([3, 1, 2]),
    "array bool": np.array([True, False, True]),
    "0-d": np.array(2.5),
    "0-d i4": np.array(2, "i4"),
    "float64": np.float64(2.5),
    "float32": np.float32(2.5),
    "float16": np.float16(2.5),
    "int64": np.int64(2),
    "uint8": np.uint8(2),
    "bool": np.True_,
    "matrix of rows": np.arange(6.0).reshape(2, 3) + 1.0,
    "not contiguous": np.arange(6.0)[::2] + 1.0,
    "subclass": np.array([1.5, 0.5, 2.0]).view(type("Sub", (np.ndarray,), {})),
}
RIGHT = {
    "f8": np.array([0.5, 1.5, 2.0]),
    "f4": np.array([0.5, 1.5, 2.0], "f4"),
    "i8": np.array([1, 3, 2]),
    "?": np.array([True, True, False]),
}


APPLY = {sign: eval(f"lambda a, b: a {sign} b") for sign in OPERATORS}
#: The comparison that Python asks the right side for.
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("dtype", RIGHT)
def test_numpy_on_the_left(ctx, left, dtype, sign):
    """Value and dtype are NumPy's, and so is what the universal function gives; what NumPy refuses is refused."""
    a, b = LEFT[left], RIGHT[dtype]
    f = APPLY[sign]
    t, c = ctx.placeholder("t", b.shape, dtype), ctx.constant(a)
    # What the engine has no dtype for is widened.
    wide = a.astype(c.dtype)
    with np.errstate(all="ignore"):
        try:
            want = f(wide, b)
        except (TypeError, ValueError):
            want = None
    try:
        y = f(a, t)
    except (TypeError, ValueError) as e:
        # Bools are no numbers here.
        assert want is None or dtype == c.dtype == "bool"
        with pytest.raises(type(e)):
            f(c, t)
        return
    assert type(y) is ag.Tensor
    others = [f(c, t), OPERATORS[sign](a, t)]
    if sign in MIRRORED:
        others.append(APPLY[MIRRORED[sign]](t, a))
    got, *others = ctx.eval([y, *others], {t: b})
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(got, want, rtol=1e-6 if got.dtype == "f4" else 1e-14)
    for other in others:
        assert other.dtype == got.dtype
        np.testing.assert_array_equal(other, got)


SCALARS = {"Python float": 1.5, "Python int": 2, "Python bool": True}
UFUNCS_OF_TWO = [np.maximum, np.fmin, np.hypot, np.arctan2, np.logaddexp, np.copysign, np.fmod, np.heaviside]


@pytest.mark.parametrize("f", UFUNCS_OF_TWO)
@pytest.mark.parametrize("dtype", RIGHT)
def test_promotion_by_other_universal_functions(ctx, f, dtype):
    """Arrays, NumPy's scalars and Python's on either side: value and dtype are NumPy's, or both refuse."""
    b = RIGHT[dtype]
    t = ctx.placeholder("t", b.shape, dtype)
    served = 0
    for a in (LEFT | SCALARS).values():
        # What the engine has no dtype for is widened.
        wide = a.astype(ctx.constant(a).dtype) if hasattr(a, "dtype") else a
        for g in (lambda u, v: f(u, v)), (lambda u, v: f(v, u)):
            with np.errstate(all="ignore"):
                want = g(wide, b)
            if want.dtype in ("bool", "int8", "float16"):
                # Bools are no numbers here, or become float64.
                continue
            got = g(a, t).eval({t: b})
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(got, want, rtol=1e-6 if got.dtype == "f4" else 1e-14)
            served += 1
    assert served


@pytest.mark.parametrize("sign", OPERATORS)
def test_universal_functions_of_operators(ctx, sign):
    """They are the operators, with tensors on each side."""
    dtype = "int64" if sign in "&|^" else "float64"
    a, b = np.arange(1, 10).reshape(3, 3).astype(dtype), np.arange(9, 0, -1).reshape(3, 3).astype(dtype)
    x, y = ctx.placeholder("x", a.shape, dtype), ctx.placeholder("y", b.shape, dtype)
    f = OPERATORS[sign]
    for t in f(x, y), f(x, b), f(a, y):
        np.testing.assert_allclose(t.eval({x: a, y: b}), f(a, b), rtol=1e-14)
    np.testing.assert_allclose(f(x, 2 if sign != "@" else b).eval({x: a}), f(a, 2 if sign != "@" else b), rtol=1e-14)


def test_gradients_with_numpy_on_the_left(ctx):
    a = np.array([1.5, 0.5])
    for f in (lambda x: (a + x) * (np.float64(2) / x) - a**x, lambda x: a @ x * x, lambda x: np.float32(2) * (np.array(3.0) - x)):
        ag.gradcheck(f, [0.7, 1.3])
