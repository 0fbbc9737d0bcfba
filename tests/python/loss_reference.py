"""The part of `ref` for activations, losses and distances: loops over samples and classes where those are clearer."""

import numpy as np
import scipy.spatial.distance
import scipy.special

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "gaussian_nll_loss",
    "gelu_tanh_curve",
    "gelu_tanh_slope",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "kl_div_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "nll",
    "pdist",
    "poisson_nll_loss",
    "prelu",
    "reduced",
    "smooth_l1_loss",
    "triplet_margin_loss",
]


def _gelu_tanh(x):
    """The gate of the approximation, and the first two derivatives of what it is the logistic function of."""
    a = np.sqrt(8 / np.pi)
    return scipy.special.expit(a * (x + 0.044715 * x**3)), a * (1 + 3 * 0.044715 * x**2), a * 6 * 0.044715 * x


def gelu_tanh_slope(x):
    s, v1, _ = _gelu_tanh(x)
    return s + x * s * (1 - s) * v1


def gelu_tanh_curve(x):
    s, v1, v2 = _gelu_tanh(x)
    return s * (1 - s) * (2 * v1 + x * v2 + x * v1**2 * (1 - 2 * s))


def prelu(x, weight):
    """The weight of each element by the place of its channel."""
    weight = np.asarray(weight)
    y = np.array(x)
    for at in np.ndindex(y.shape):
        if y[at] <= 0:
            y[at] *= weight if weight.ndim == 0 else weight[at[1] if weight.size > 1 else 0]
    return y


def reduced(values, reduction):
    return {"none": np.asarray, "mean": np.mean, "sum": np.sum}[reduction](values)


def huber_loss(x, target, delta, reduction):
    d = np.abs(x - target)
    return reduced(np.where(d <= delta, d**2 / 2, delta * d - delta**2 / 2), reduction)


def smooth_l1_loss(x, target, beta, reduction):
    d = np.abs(x - target)
    return reduced(d if beta == 0 else np.where(d < beta, d**2 / (2 * beta), d - beta / 2), reduction)


def _samples(x):
    """Scores of (classes,) or (n, classes, ...) as rows, and the shape of what there is one of for each row."""
    if x.ndim == 1:
        return x[None], ()
    moved = np.moveaxis(x, 1, -1)
    return moved.reshape(-1, x.shape[1]), moved.shape[:-1]


def _of_rows(values, weights, shape, reduction):
    """Losses of rows: their mean is over the weights."""
    if reduction == "mean":
        return np.sum(values) / np.sum(weights)
    return np.reshape(values, shape) if reduction == "none" else np.sum(values)


def nll(x, target, weight, ignore_index, reduction):
    return _labelled(x, target, weight, 0.0, ignore_index, reduction)


def _labelled(logp, target, weight, smoothing, ignore_index, reduction):
    rows, shape = _samples(logp)
    classes = rows.shape[1]
    weight = np.ones(classes) if weight is None else weight
    values, weights = np.zeros(len(rows)), np.zeros(len(rows))
    for k, label in enumerate(np.ravel(target)):
        if label != ignore_index:
            weights[k] = weight[int(label)]
            share = np.full(classes, smoothing / classes)
            share[int(label)] += 1 - smoothing
            values[k] = -np.sum(weight * share * np.where(share == 0, 0, rows[k]))
    return _of_rows(values, weights, shape, reduction)


def cross_entropy(x, target, weight, label_smoothing, ignore_index, reduction):
    axis = min(x.ndim - 1, 1)
    logp = scipy.special.log_softmax(x, axis=axis)
    if np.ndim(target) < x.ndim:
        return _labelled(logp, target, weight, label_smoothing, ignore_index, reduction)
    target = (1 - label_smoothing) * target + label_smoothing / x.shape[axis]
    rows, shape = _samples(logp)
    weight = np.ones(rows.shape[1]) if weight is None else weight
    values = [-np.dot(weight * t, row) for t, row in zip(_samples(target)[0], rows, strict=True)]
    return _of_rows(values, np.ones(len(values)), shape, reduction)


def binary_cross_entropy(x, target, weight, reduction):
    value = -target * np.maximum(np.log(x), -100) - (1 - target) * np.maximum(np.log(1 - x), -100)
    return reduced(value * (1 if weight is None else weight), reduction)


def binary_cross_entropy_with_logits(x, target, weight, pos_weight, reduction):
    pos_weight = 1 if pos_weight is None else pos_weight
    value = -pos_weight * target * scipy.special.log_expit(x) - (1 - target) * scipy.special.log_expit(-x)
    return reduced(value * (1 if weight is None else weight), reduction)


def kl_div_loss(x, target, reduction, log_target):
    log_of_target = target if log_target else np.log(np.where(target == 0, 1, target))
    value = (np.exp(target) if log_target else target) * (log_of_target - x)
    return np.sum(value) / x.shape[0] if reduction == "batchmean" else reduced(value, reduction)


def gaussian_nll_loss(x, target, var, eps, full, reduction):
    var = np.asarray(var)
    if var.shape == x.shape[:-1] and var.shape != x.shape:
        var = var[..., None]
    var = np.maximum(var, eps)
    value = np.log(var) / 2 + (x - target) ** 2 / (2 * var) + (np.log(2 * np.pi) / 2 if full else 0)
    return reduced(value, reduction)


def poisson_nll_loss(x, target, eps, log_input, full, reduction):
    value = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:
        value = value + np.where(target > 1, target * np.log(target) - target + np.log(2 * np.pi * target) / 2, 0)
    return reduced(value, reduction)


def multi_margin_loss(x, target, weight, margin, p, reduction):
    rows, shape = _samples(np.atleast_1d(x))
    values = []
    for row, label in zip(rows, np.ravel(target), strict=True):
        others = [max(0, margin - row[label] + row[i]) ** p for i in range(len(row)) if i != label]
        values.append(sum(others) / len(row) * (1 if weight is None else weight[label]))
    return reduced(np.reshape(values, shape), reduction)


def multilabel_margin_loss(x, target, reduction):
    rows, shape = _samples(np.atleast_1d(x))
    values = []
    for row, labels in zip(rows, np.reshape(target, rows.shape), strict=True):
        ends = np.flatnonzero(labels < 0)
        labels = labels[: ends[0] if ends.size else len(row)]
        values.append(sum(max(0, 1 - row[j] + row[i]) for j in labels for i in range(len(row)) if i not in labels) / len(row))
    return reduced(np.reshape(values, shape).astype(float), reduction)


def hinge_embedding_loss(x, target, margin, reduction):
    hinge = np.maximum(margin - x, 0)
    return reduced(np.select([target == 1, target == -1], [x, hinge], x + hinge), reduction)


def triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction):
    def apart(a, b):
        return np.sum(np.abs(a - b + eps) ** p, axis=-1) ** (1 / p)

    far = apart(anchor, negative)
    far = np.minimum(far, apart(positive, negative)) if swap else far
    return reduced(np.maximum(apart(anchor, positive) - far + margin, 0), reduction)


def cosine_embedding_loss(a, b, target, margin, reduction):
    cos = np.sum(a * b, axis=-1) / np.sqrt((np.sum(a * a, axis=-1) + 1e-12) * (np.sum(b * b, axis=-1) + 1e-12))
    return reduced(np.select([target == 1, target == -1], [1 - cos, np.maximum(cos - margin, 0)], 0.0), reduction)


def cosine_similarity(a, b, axis, eps):
    a, b = np.broadcast_arrays(a, b)
    sizes = [np.maximum(np.sqrt(np.sum(v * v, axis=axis)), eps) for v in (a, b)]
    return np.sum(a * b, axis=axis) / (sizes[0] * sizes[1])


def pdist(x, p):
    if len(x) < 2:
        return np.zeros(0)
    return scipy.spatial.distance.pdist(x, "chebyshev") if np.isinf(p) else scipy.spatial.distance.pdist(x, "minkowski", p=float(p))


def kl_div(x, y):
    """SciPy's, of positive numbers in long doubles."""
    wide, other = np.asarray(x, np.longdouble), np.asarray(y, np.longdouble)
    d = np.asarray(wide * np.log(wide / other) - wide + other).astype(np.float64)
    return np.where((wide > 0) & (other > 0), d, scipy.special.kl_div(x, y))
