"""What attention gives, written by the definition, with the matrix of scores."""

import numpy as np

__all__ = ["attend", "attend_adjoint", "attention"]


def scores_of(q, k, mask, causal):
    scores = q @ np.swapaxes(k, -1, -2)
    scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if causal:
        scores = np.where(np.arange(scores.shape[-2])[:, None] >= np.arange(scores.shape[-1]), scores, -np.inf)
    return scores


def attend(q, k, v, mask, causal):
    scores = scores_of(q, k, mask, causal)
    most = scores.max(-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(most == -np.inf, 0, most))
    total = weights.sum(-1, keepdims=True)
    nothing = total == 0
    total = np.where(nothing, 1, total)
    y = (weights / total) @ v
    lead = (*y.shape[:-1], 1)
    return y, np.broadcast_to(np.where(nothing, np.inf, most + np.log(total)), lead)


def attend_adjoint(q, k, v, mask, logarithm, less, g, causal):
    weights = np.exp(scores_of(q, k, mask, causal) - logarithm)
    c = weights * (g @ np.swapaxes(v, -1, -2) - less)
    weights = np.broadcast_to(weights, c.shape)
    return c @ k, np.swapaxes(c, -1, -2) @ q, np.swapaxes(weights, -1, -2) @ g, c


def attention(q, k, v, mask, scale, causal, grouped):
    scale = 1 / np.sqrt(q.shape[-1]) if scale is None else scale
    if grouped:
        k, v = (np.repeat(x, q.shape[-3] // x.shape[-3], axis=-3) for x in (k, v))
    mask = np.ones((1, 1), bool) if mask is None else np.atleast_2d(mask)
    return attend(q * scale, k, v, mask, causal)[0]
