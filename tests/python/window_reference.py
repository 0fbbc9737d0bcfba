"""What windows that slide over arrays give, written by the definition."""

import itertools

import numpy as np

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "conv",
    "conv_transpose",
    "convolve",
    "convolve_input",
    "convolve_weight",
    "fold",
    "interpolate",
    "lp_pool",
    "max_pool",
    "patches",
    "patches_added",
    "pixel_shuffle",
    "pixel_unshuffle",
    "window_counts",
    "window_max",
    "window_spread",
    "window_sum",
]


def each(given, n):
    """A number, or one for each of `n` axes."""
    given = np.atleast_1d(given)
    return [int(given[0])] * n if len(given) == 1 else [int(i) for i in given]


def ends(padding, kernel, dilation):
    """What stands at both ends of each axis."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        return [((k - 1) * d // 2, (k - 1) * d - (k - 1) * d // 2) for k, d in zip(kernel, dilation, strict=True)]
    pairs = [tuple(np.broadcast_to(p, 2).tolist()) for p in np.atleast_1d(padding)] if np.ndim(padding) < 2 else [tuple(p) for p in padding]
    return pairs * len(kernel) if len(pairs) == 1 else pairs


def joined(lengths, kernel, stride, padding, dilation):
    """The places of a window, and for each of its elements those of them and of the array that meet."""
    n = len(kernel)
    stride, dilation = each(stride, n), each(dilation, n)
    around = ends(padding, kernel, dilation)
    places = [(m + a + b - d * (k - 1) - 1) // s + 1 for m, (a, b), k, d, s in zip(lengths, around, kernel, dilation, stride, strict=True)]
    pairs = []
    for q in itertools.product(*map(range, kernel)):
        axes = []
        for i in range(n):
            at = np.arange(places[i]) * stride[i] - around[i][0] + q[i] * dilation[i]
            inside = (at >= 0) & (at < lengths[i])
            axes.append((np.arange(places[i])[inside], at[inside]))
        pairs.append((q, np.ix_(*[a for a, _ in axes]), np.ix_(*[b for _, b in axes])))
    return places, pairs


def channels(groups, filters, depth):
    """Pairs of filters and the channels that they see."""
    own = filters // groups
    return [(slice(k * own, (k + 1) * own), slice(k * depth, (k + 1) * depth)) for k in range(groups)]


def convolve(x, w, stride, padding, dilation, groups):
    places, pairs = joined(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.zeros((x.shape[0], w.shape[0], *places))
    for fs, cs in channels(groups, w.shape[0], w.shape[1]):
        for q, p, at in pairs:
            y[:, fs][(..., *p)] += np.einsum("nc...,fc->nf...", x[:, cs][(..., *at)], w[fs][(..., *q)])
    return y


def convolve_input(g, w, like, stride, padding, dilation, groups):
    lengths = like.shape[like.ndim - (w.ndim - 2) :]
    _, pairs = joined(lengths, w.shape[2:], stride, padding, dilation)
    x = np.zeros((g.shape[0], w.shape[1] * groups, *lengths))
    for fs, cs in channels(groups, w.shape[0], w.shape[1]):
        for q, p, at in pairs:
            x[:, cs][(..., *at)] += np.einsum("nf...,fc->nc...", g[:, fs][(..., *p)], w[fs][(..., *q)])
    return x


def convolve_weight(x, g, like, stride, padding, dilation, groups):
    kernel = like.shape[like.ndim - (x.ndim - 2) :]
    _, pairs = joined(x.shape[2:], kernel, stride, padding, dilation)
    w = np.zeros((g.shape[1], x.shape[1] // groups, *kernel))
    for fs, cs in channels(groups, *w.shape[:2]):
        for q, p, at in pairs:
            image, weight = x[:, cs][(..., *at)], g[:, fs][(..., *p)]
            w[fs][(..., *q)] = np.einsum("ncp,nfp->fc", image.reshape(*image.shape[:2], -1), weight.reshape(*weight.shape[:2], -1))
    return w


def conv(n, x, w, bias, stride, padding, dilation, groups):
    if x.ndim == n + 1:
        return conv(n, x[None], w, bias, stride, padding, dilation, groups)[0]
    y = convolve(x, w, stride, padding, dilation, groups)
    return y if bias is None else y + np.reshape(bias, (-1, *[1] * n))


def conv_transpose(n, x, w, bias, stride, padding, output_padding, groups, dilation):
    if x.ndim == n + 1:
        return conv_transpose(n, x[None], w, bias, stride, padding, output_padding, groups, dilation)[0]
    more, steps, apart = each(output_padding, n), each(stride, n), each(dilation, n)
    around = ends(padding, w.shape[2:], apart)
    lengths = [
        (p - 1) * s - sum(e) + d * (k - 1) + o + 1
        for p, s, e, d, k, o in zip(x.shape[2:], steps, around, apart, w.shape[2:], more, strict=True)
    ]
    y = convolve_input(x, w, np.empty(lengths), stride, around, dilation, groups)
    return y if bias is None else y + np.reshape(bias, (-1, *[1] * n))


def windows(lengths, kernel, stride, padding, dilation, ceil):
    """For each place of a window, along each axis, the elements that it sees."""
    n = len(lengths)
    kernel, stride, dilation = each(kernel, n), each(stride, n), each(dilation, n)
    around = ends(padding, kernel, dilation)
    axes = []
    for m, k, s, (a, b), d in zip(lengths, kernel, stride, around, dilation, strict=True):
        room = m + a + b - d * (k - 1) - 1
        starts = [p * s - a for p in range(room // s + 1)]
        if ceil and room % s and starts[-1] + s < m:
            starts.append(starts[-1] + s)
        axes.append([[i for i in range(p, p + d * k, d) if 0 <= i < m] for p in starts])
    return axes


def window_max(x, kernel, stride, padding, dilation, ceil_mode):
    lengths = x.shape[2:]
    axes = windows(lengths, kernel, stride, padding, dilation, ceil_mode)
    y = np.empty((*x.shape[:2], *map(len, axes)), x.dtype)
    index = np.empty(y.shape, np.int64)
    for p in np.ndindex(*y.shape[2:]):
        seen = list(itertools.product(*[axis[i] for axis, i in zip(axes, p, strict=True)]))
        flat = np.array([np.ravel_multi_index(i, lengths) for i in seen])
        values = x.reshape(*x.shape[:2], -1)[:, :, flat]
        best = np.argmax(values, axis=-1)
        y[(..., *p)] = np.take_along_axis(values, best[..., None], -1)[..., 0]
        index[(..., *p)] = flat[best]
    return y, index


def window_sum(x, kernel, stride, padding, ceil_mode):
    axes = windows(x.shape[2:], kernel, stride, padding, 1, ceil_mode)
    y = np.empty((*x.shape[:2], *map(len, axes)))
    for p in np.ndindex(*y.shape[2:]):
        y[(..., *p)] = x[np.ix_(*map(range, x.shape[:2]), *[axis[i] for axis, i in zip(axes, p, strict=True)])].sum(tuple(range(2, x.ndim)))
    return y


def window_spread(g, like, kernel, stride, padding, ceil_mode):
    lengths = like.shape[like.ndim - (g.ndim - 2) :]
    axes = windows(lengths, kernel, stride, padding, 1, ceil_mode)
    x = np.zeros((*g.shape[:2], *lengths))
    for p in np.ndindex(*g.shape[2:]):
        seen = np.ix_(*map(range, g.shape[:2]), *[axis[i] for axis, i in zip(axes, p, strict=True)])
        x[seen] += g[(..., *p)].reshape(*g.shape[:2], *[1] * len(lengths))
    return x


def window_counts(like, axis, kernel, stride, padding, ceil_mode, around):
    n, (before, after) = like.shape[axis], ends(padding, [kernel], [1])[0]
    starts = windows([n], kernel, stride, padding, 1, ceil_mode)[0]
    if not around:
        return np.array([len(seen) for seen in starts])
    return np.array([min(p * stride + kernel, before + n + after) - p * stride for p in range(len(starts))])


def pooled(n, x, f):
    """A pooling of one image, or of each sample."""
    return f(x[None])[0] if x.ndim == n + 1 else f(x)


def max_pool(n, x, kernel, stride, padding, dilation, ceil_mode, indices=False):
    step = kernel if stride is None else stride
    both = window_max(x[None] if x.ndim == n + 1 else x, kernel, step, padding, dilation, ceil_mode)
    both = tuple(y[0] for y in both) if x.ndim == n + 1 else both
    return both if indices else both[0]


def avg_pool(n, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor):
    step = kernel if stride is None else stride

    def average(x):
        sums = window_sum(x, kernel, step, padding, ceil_mode)
        if divisor is not None:
            return sums / divisor
        pairs = ends(padding, each(kernel, n), [1] * n)
        for i, (k, s, pair) in enumerate(zip(each(kernel, n), each(step, n), pairs, strict=True)):
            counts = window_counts(x, i + 2, k, s, [pair], ceil_mode, count_include_pad)
            sums = sums / counts.reshape(-1, *[1] * (n - i - 1))
        return sums

    return pooled(n, x, average)


def lp_pool(n, x, p, kernel, stride, ceil_mode):
    step = kernel if stride is None else stride
    return pooled(n, x, lambda x: window_sum(np.abs(x) ** p, kernel, step, 0, ceil_mode) ** (1 / p))


def adaptive(lengths, sizes):
    """Windows that cover an axis of any length by a given number of places."""
    return [[range(i * m // o, -(-(i + 1) * m // o)) for i in range(o)] for m, o in zip(lengths, sizes, strict=True)]


def adaptive_avg_pool(n, x, output_size):
    def average(x):
        axes = adaptive(x.shape[2:], each(output_size, n))
        y = np.empty((*x.shape[:2], *map(len, axes)))
        for p in np.ndindex(*y.shape[2:]):
            seen = np.ix_(*map(range, x.shape[:2]), *[axis[i] for axis, i in zip(axes, p, strict=True)])
            y[(..., *p)] = x[seen].mean(tuple(range(2, x.ndim)))
        return y

    return pooled(n, x, average)


def adaptive_max_pool(n, x, output_size, indices=False):
    many = x[None] if x.ndim == n + 1 else x
    axes = adaptive(many.shape[2:], each(output_size, n))
    y = np.empty((*many.shape[:2], *map(len, axes)), many.dtype)
    index = np.empty(y.shape, np.int64)
    places = np.arange(np.prod(many.shape[2:])).reshape(many.shape[2:])
    for p in np.ndindex(*y.shape[2:]):
        window = [axis[i] for axis, i in zip(axes, p, strict=True)]
        seen = many[np.ix_(*map(range, many.shape[:2]), *window)].reshape(*many.shape[:2], -1)
        y[(..., *p)] = seen.max(-1)
        index[(..., *p)] = places[np.ix_(*window)].reshape(-1)[seen.argmax(-1)]
    both = (y[0], index[0]) if x.ndim == n + 1 else (y, index)
    return both if indices else both[0]


def patches(x, kernel, stride, padding, dilation):
    n = x.ndim - 2
    places, pairs = joined(x.shape[2:], each(kernel, n), stride, padding, dilation)
    y = np.zeros((*x.shape[:2], len(pairs), *places))
    for k, (_, p, at) in enumerate(pairs):
        y[(slice(None), slice(None), k, *p)] = x[(..., *at)]
    return y.reshape(x.shape[0], -1, int(np.prod(places)))


def patches_added(g, like, kernel, stride, padding, dilation):
    kernel = np.atleast_1d(kernel).tolist()
    n = len(kernel)
    lengths = like.shape[like.ndim - n :]
    places, pairs = joined(lengths, kernel, stride, padding, dilation)
    g = g.reshape(g.shape[0], -1, len(pairs), *places)
    x = np.zeros((g.shape[0], g.shape[1], *lengths))
    for k, (_, p, at) in enumerate(pairs):
        x[(..., *at)] += g[(slice(None), slice(None), k, *p)]
    return x


def fold(x, output_size, kernel_size, dilation, padding, stride):
    output_size = np.atleast_1d(output_size).tolist()
    n = len(output_size)
    return patches_added(x, np.empty(output_size), each(kernel_size, n), stride, padding, dilation)


def interpolate(x, size, scale_factor, mode, align_corners, recompute):
    n, lengths = x.ndim - 2, x.shape[2:]
    factors = None if scale_factor is None else [float(f) for f in np.broadcast_to(scale_factor, n)]
    sizes = each(size, n) if factors is None else [int(m * f) for m, f in zip(lengths, factors, strict=True)]
    if mode == "area":
        return adaptive_avg_pool(n, x, sizes)
    for i, (m, o) in enumerate(zip(lengths, sizes, strict=True)):
        over, under = (m, o) if factors is None or recompute else (1, factors[i])
        weights = np.zeros((o, m))
        for k in range(o):
            at = (k * (m - 1) / (o - 1) if o > 1 else 0.0) if align_corners else (k + 0.5) * over / under - 0.5
            if mode == "nearest":
                weights[k, min(int(np.floor(k * over / under)), m - 1)] = 1
            elif mode == "nearest-exact":
                weights[k, min(int(np.floor((k + 0.5) * over / under)), m - 1)] = 1
            elif mode == "bicubic":
                for j in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
                    weights[k, min(max(j, 0), m - 1)] += keys(abs(at - j))
            else:
                at = min(max(at, 0.0), m - 1)
                for j in range(m):
                    weights[k, j] = max(0.0, 1 - abs(at - j))
        x = np.moveaxis(np.tensordot(weights, x, (1, i + 2)), 0, i + 2)
    return x


def keys(t, a=-0.75):
    """The kernel of cubic convolution (Keys 1981)."""
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def pixel_shuffle(x, r):
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c // r**2, h * r, w * r), x.dtype)
    for a, b in itertools.product(range(r), repeat=2):
        y[..., a::r, b::r] = x[..., a * r + b :: r * r, :, :]
    return y


def pixel_unshuffle(x, r):
    return np.concatenate([x[..., c : c + 1, a::r, b::r] for c in range(x.shape[-3]) for a in range(r) for b in range(r)], -3)
