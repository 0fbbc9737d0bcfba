"""What the op table's NumPy expressions call `ref`: functions that NumPy and SciPy do not have, as plainly as can be."""

import numpy as np

from ctc_reference import *  # noqa: F403
from factor_reference import *  # noqa: F403
from linalg_reference import *  # noqa: F403
from loss_reference import *  # noqa: F403
from normalization_reference import *  # noqa: F403
from recurrence_reference import *  # noqa: F403
from window_reference import *  # noqa: F403


def sum_to(x, like):
    """The sum of `x` over the axes along which broadcasting the shape of `like` to that of `x` repeats."""
    shape = np.shape(like)
    lead = np.ndim(x) - len(shape)
    x = np.sum(x, axis=tuple(range(lead)))
    return np.sum(x, axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


def add_slices(xs, slices):
    """The first array with each of the others added where its slices, one an axis, are."""
    y = np.array(xs[0])
    for k, part in enumerate(xs[1:]):
        y[slices[k * y.ndim : (k + 1) * y.ndim]] += part
    return y


def moved(places, axis):
    """For each place: its own index, and where along the axis it points to."""
    axis %= np.ndim(places)
    for at in np.ndindex(np.shape(places)):
        yield at, (*at[:axis], places[at], *at[axis + 1 :])


def gather_at(x, places, axis):
    """`np.take_along_axis` that may leave elements out at the ends of the other axes."""
    y = np.empty(np.shape(places), x.dtype)
    for at, to in moved(places, axis):
        y[at] = x[to]
    return y


def add_at(xs, axis):
    """The first array with elements added at places, which follow in pairs."""
    y = np.array(xs[0])
    for places, g in zip(xs[1::2], xs[2::2], strict=True):
        for at, to in moved(places, axis):
            y[to] += g[at]
    return y


def put_at(x, places, src, axis):
    """`x` with elements written at places; of several at one place the last one stays."""
    y = np.array(x)
    src = np.broadcast_to(src, np.shape(places)) if np.ndim(src) == 0 else src
    for at, to in moved(places, axis):
        y[to] = src[at]
    return y


def put_slice(x, src, slices):
    y = np.array(x)
    y[slices] = src
    return y


def last_at(places, whole, axis):
    """Whether no later place is the same."""
    owner = {to: at for at, to in moved(places, axis)}
    last = np.zeros(np.shape(places), bool)
    for at in owner.values():
        last[at] = True
    return last


def scan_at(x, places, scale, shift, axis, reverse):
    """What is at each place before it is scaled and shifted there, one after the other, and what is left."""
    y, before = np.array(x), np.empty(np.shape(places), x.dtype)
    for at, to in list(moved(places, axis))[:: -1 if reverse else 1]:
        before[at] = y[to]
        y[to] = y[to] * scale[at] + shift[at]
    return y, before


def extreme_at(x, places, src, axis, least):
    y = np.array(x)
    for at, to in moved(places, axis):
        y[to] = (np.minimum if least else np.maximum)(y[to], src[at])
    return y


def scatter_reduce(x, index, src, axis, reduce, include_self):
    """The elements that meet at each place, reduced to one."""
    meet = {}
    for at, to in moved(index, axis):
        meet.setdefault(to, [x[to]] if include_self else []).append(src[at])
    y = np.array(x)
    for to, values in meet.items():
        mean = (lambda v: np.floor(np.mean(v))) if y.dtype.kind == "i" else np.mean
        y[to] = {"sum": np.sum, "prod": np.prod, "mean": mean, "amax": np.max, "amin": np.min}[reduce](values)
    return y


def index_add(x, index, src, alpha, axis):
    y = np.array(x)
    np.add.at(np.moveaxis(y, axis, 0), index, alpha * np.moveaxis(src, axis, 0))
    return y


def index_fill(x, index, value, axis):
    y = np.array(x)
    np.moveaxis(y, axis, 0)[index] = value
    return y


def broadcast_off(x, like, axis):
    """`x` broadcast with `like` on all axes but one."""
    other = list(np.shape(like))
    other[axis] = 1
    return np.broadcast_to(x, np.broadcast_shapes(np.shape(x), tuple(other)))


def size(x, axis):
    """Number of elements along the axes."""
    axes = range(np.ndim(x)) if axis is None else axis
    return np.prod([x.shape[a] for a in axes], dtype=np.int64)


def split_like(x, like, axis, tail):
    n = np.shape(like)[axis]
    here = (slice(None),) * (axis % np.ndim(x))
    return x[(*here, slice(n, None) if tail else slice(n))]


def pad(x, pad_width, mode, constant_values):
    """NumPy's, in which negative numbers cut off after the others were added."""
    width = np.broadcast_to(np.asarray(pad_width, int), (np.ndim(x), 2))
    given = {"constant_values": constant_values} if mode == "constant" else {}
    y = np.pad(x, np.maximum(width, 0), mode, **given)
    return y[tuple(slice(max(-a, 0), n + min(b, 0)) for (a, b), n in zip(width, y.shape, strict=True))]


def undiagonal(g, offset, axis1, axis2, shape):
    """The adjoint of `np.diagonal`."""
    y = np.zeros(shape, g.dtype)
    place = np.arange(y.size).reshape(shape).diagonal(offset, axis1, axis2)
    y.reshape(-1)[place] = g
    return y


def diag_embed(x, offset, axis1, axis2):
    n = np.shape(x)[-1] + abs(offset)
    y = np.zeros((*np.shape(x)[:-1], n, n), np.asarray(x).dtype)
    at = np.arange(np.shape(x)[-1])
    y[..., at - min(offset, 0), at + max(offset, 0)] = x
    return np.moveaxis(y, (-2, -1), (axis1, axis2))


def tensordot(a, b, a_axes, b_axes):
    """NumPy's; without axes over all of them, in order."""
    every = tuple(range(np.ndim(a)))
    return np.tensordot(a, b, (every if a_axes is None else a_axes, every if b_axes is None else b_axes))


def var(x, axis, ddof, keepdims, where):
    """NumPy's, and exactly 0 where all elements are one number."""
    return std(x, axis, ddof, keepdims, where) ** 2


def pad_filled(x, pad_width, value):
    return np.pad(x, pad_width, constant_values=value) if np.ndim(x) else np.array(x)


def std(x, axis, ddof, keepdims, where):
    """NumPy's, and exactly 0 where all elements are one number."""
    y = np.std(x, axis=axis, ddof=ddof, keepdims=keepdims, where=where)
    low, high = (f(x, axis=axis, keepdims=keepdims, where=where, initial=i) for f, i in ((np.min, np.inf), (np.max, -np.inf)))
    return np.where((low == high) & np.isfinite(y), 0.0, y)


def clip_by_norm(x, max_norm, axis):
    norm = np.sqrt(np.sum(np.square(x), axis=None if axis is None else tuple(np.atleast_1d(axis)), keepdims=True))
    return np.where(norm <= max_norm, x, x * (max_norm / norm))


def clip_by_global_norm(max_norm, xs):
    norm = np.sqrt(sum(np.sum(np.square(x)) for x in xs))
    return [x if norm <= max_norm else x * (max_norm / norm) for x in xs]


def dropout(x, ratio, train):
    assert not train, "what is dropped is drawn"
    return x


def alpha_dropout(x, ratio, train):
    return dropout(x, ratio, train)


def match_axis(x, like, axis, of, repeat):
    """`x` with the length of an axis of `like`."""
    n = np.shape(like)[of]
    assert repeat or x.shape[axis] == n
    shape = list(x.shape)
    shape[axis] = max(n, shape[axis])
    return np.broadcast_to(x, shape)


def split_axis(x, like, axis, first, n):
    """`x` with an axis taken apart into `n` of `like`."""
    axis %= np.ndim(x)
    return np.reshape(x, (*x.shape[:axis], *np.shape(like)[first : first + n], *x.shape[axis + 1 :]))


def cumulative_product(x, axis, reverse, exclusive):
    x = np.flip(x, axis) if reverse else x
    y = np.cumprod(x, axis=axis)
    if exclusive:
        y = np.insert(np.delete(y, -1, axis), 0, 1, axis)
    return np.flip(y, axis) if reverse else y


def recurrence(a, b, axis, reverse):
    """The states before each element."""
    a, b = (np.moveaxis(v, axis, 0) for v in (a, b))
    state, y = np.zeros(a.shape[1:], a.dtype), np.zeros_like(a)
    for k in reversed(range(len(a))) if reverse else range(len(a)):
        y[k] = state
        state = a[k] * state + b[k]
    return np.moveaxis(y, 0, axis)


def first_extremes(x, extreme, axis):
    """Where the running extreme was met first."""
    best = np.moveaxis(extreme.accumulate(x, axis=axis), axis, 0)
    x = np.moveaxis(x, axis, 0)
    index = [np.argmax((x[: k + 1] == best[k]) | (np.isnan(best[k]) & np.isnan(x[: k + 1])), axis=0) for k in range(len(x))]
    return np.moveaxis(np.reshape(index, x.shape), 0, axis)


def topk(x, k, axis, largest, sorted):
    """The first of the sorted elements, and where they stand; NaN is the largest."""
    line = np.moveaxis(x, axis, -1)
    order = np.argsort(-line if largest else line, axis=-1, kind="stable")
    if largest:
        nan = np.take_along_axis(np.isnan(line), order, -1)
        order = np.take_along_axis(order, np.argsort(~nan, axis=-1, kind="stable"), -1)
    index = order[..., :k] if sorted else np.sort(order[..., :k], axis=-1)
    values = np.take_along_axis(line, index, -1)
    return np.moveaxis(values, -1, axis), np.moveaxis(index, -1, axis)


def symmetric_if(a, hermitian):
    return (a + np.swapaxes(a, -1, -2)) / 2 if hermitian else a


def each(f, *xs):
    """A function of matrices, over the axes in front of them."""
    lead = np.broadcast_shapes(*(np.shape(x)[:-2] for x in xs))
    xs = [np.broadcast_to(x, lead + np.shape(x)[-2:]) for x in xs]
    made = [f(*(x[at] for x in xs)) for at in np.ndindex(lead)]
    stacked = lambda parts: np.reshape(parts, lead + np.shape(parts[0]))  # noqa: E731
    return tuple(map(stacked, zip(*made, strict=True))) if isinstance(made[0], tuple) else stacked(made)


def fractional_matrix_power(a, p):
    import scipy.linalg

    p = np.broadcast_to(p, np.shape(a)[:-2])
    made = [scipy.linalg.fractional_matrix_power(a[at], float(p[at])) for at in np.ndindex(p.shape)]
    return np.reshape(made, np.shape(a))


def expm(a):
    """Taylor's series in the widest numbers that there are, of a part of `a` that is squared again."""
    a = np.asarray(a, np.longdouble)
    s = max(0, int(np.ceil(np.log2(max(np.max(np.sum(np.abs(a), axis=0)), 1)))) + 3)
    x, y, term = a / 2**s, np.eye(len(a), dtype=np.longdouble), np.eye(len(a), dtype=np.longdouble)
    for k in range(1, 30):
        term = term @ x / k
        y = y + term
    for _ in range(s):
        y = y @ y
    return y


def sinhm(a):
    return ((expm(a) - expm(-a)) / 2).astype(np.float64)


def coshm(a):
    return ((expm(a) + expm(-a)) / 2).astype(np.float64)


def commuted(t, r, transpose):
    """The strictly lower part of a skew matrix whose commutator with a Schur form is as `r` says."""

    def one(t, r):
        places = [(i, j) for i in range(len(t)) for j in range(i)]
        whole = np.zeros([len(places)] * 2)
        for c, at in enumerate(places):
            w = np.zeros_like(t)
            w[at], w[at[::-1]] = 1, -1
            d = t @ w - w @ t
            whole[:, c] = [d[j, j] - d[i, i] if i == j + 1 and t[i, j] != 0 else d[i, j] for i, j in places]
        x = np.zeros_like(t)
        x[tuple(np.transpose(places))] = np.linalg.solve(whole.T if transpose else whole, [r[at] for at in places])
        return x

    return each(one, t, r)


def matrix_function(a, hs, f):
    """The derivative as a block of the function of a block triangular matrix."""
    import scipy.linalg

    def one(a, *hs):
        n = len(a)
        for k, h in enumerate(hs):
            a = np.block([[a, np.kron(np.eye(2**k), h)], [np.zeros_like(a), a]])
        return getattr(scipy.linalg, f + "m")(a)[:n, -n:]

    return each(one, a, *hs)
