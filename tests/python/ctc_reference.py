"""The loss of connectionist temporal classification by its definition: a sum over all paths."""

import itertools

import numpy as np
from scipy.special import logsumexp

__all__ = ["ctc_loss"]


def _labels(path, blank):
    """The labels that a path stands for."""
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def _of_sample(x, labels, blank):
    """The negative logarithm of the likelihood of labels; `x` is (steps, classes)."""
    steps, classes = x.shape
    paths = itertools.product(range(classes), repeat=steps)
    terms = [sum(x[t, k] for t, k in enumerate(path)) for path in paths if _labels(path, blank) == tuple(labels)]
    return -logsumexp(terms) if terms else np.inf


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity):
    alone = log_probs.ndim == 2
    x = log_probs[:, None] if alone else log_probs
    steps, lengths = np.atleast_1d(input_lengths), np.atleast_1d(target_lengths)
    if targets.ndim == 2:
        rows = [row[:n] for row, n in zip(targets, lengths, strict=True)]
    else:
        rows = np.split(targets[: lengths.sum()], np.cumsum(lengths)[:-1])
    losses = np.array([_of_sample(x[: steps[i], i], row, blank) for i, row in enumerate(rows)])
    if zero_infinity:
        losses = np.where(np.isinf(losses), 0.0, losses)
    if reduction == "none":
        return losses[0] if alone else losses
    return losses.sum() if reduction == "sum" else np.mean(losses / np.maximum(lengths, 1))
