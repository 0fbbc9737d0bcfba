"""What the op table's NumPy expressions call `ref`: functions that NumPy and SciPy do not have, as plainly as can be."""

import numpy as np


def sum_to(x, like):
    """The sum of `x` over the axes along which broadcasting the shape of `like` to that of `x` repeats."""
    shape = np.shape(like)
    lead = np.ndim(x) - len(shape)
    x = np.sum(x, axis=tuple(range(lead)))
    return np.sum(x, axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


def unslice(g, slices, shape):
    y = np.zeros(shape, np.asarray(g).dtype)
    y[slices] = g
    return y


def take_add(g, index, axis, n):
    """The adjoint of `np.take`."""
    axis %= np.ndim(g) - np.ndim(index) + 1
    y = np.zeros((*g.shape[:axis], n, *g.shape[axis + np.ndim(index) :]), g.dtype)
    for at in np.ndindex(np.shape(index)):
        here = (slice(None),) * axis
        y[(*here, index[at])] += g[(*here, *at)]
    return y


def gather_add(g, index, axis, n):
    """The adjoint of `np.take_along_axis`."""
    axis %= np.ndim(g)
    y = np.zeros((*g.shape[:axis], n, *g.shape[axis + 1 :]), g.dtype)
    for at in np.ndindex(np.shape(index)):
        y[(*at[:axis], index[at], *at[axis + 1 :])] += g[at]
    return y


def size(x, axis):
    """Number of elements along the axes."""
    axes = range(np.ndim(x)) if axis is None else axis
    return np.prod([x.shape[a] for a in axes], dtype=np.int64)


def split_like(x, like, axis, tail):
    n = np.shape(like)[axis]
    here = (slice(None),) * (axis % np.ndim(x))
    return x[(*here, slice(n, None) if tail else slice(n))]


def dropout(x, ratio, train):
    assert not train, "what is dropped is drawn"
    return x


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
