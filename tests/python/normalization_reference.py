"""What normalizations give, written by the definition."""

import numpy as np

__all__ = ["batch_norm", "group_norm", "layer_norm", "local_response_norm", "rms_norm"]


def affine(y, weight, bias):
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def standardised(x, axis, eps):
    # The mean of equal numbers may be another one.
    left = x - x.mean(axis, keepdims=True)
    left = left - left.mean(axis, keepdims=True)
    return left / np.sqrt((left**2).mean(axis, keepdims=True) + eps)


def layer_norm(x, weight, bias, eps, normalized_shape):
    last = tuple(range(-np.size(normalized_shape), 0))
    return affine(standardised(x, last, eps), weight, bias)


def rms_norm(x, weight, eps, normalized_shape):
    last = tuple(range(-np.size(normalized_shape), 0))
    eps = np.finfo(x.dtype).eps if eps is None else eps
    return affine(x / np.sqrt((x**2).mean(last, keepdims=True) + eps), weight, None)


def group_norm(x, weight, bias, eps, num_groups):
    rows = x.reshape(x.shape[0], num_groups, -1)
    y = standardised(rows, -1, eps).reshape(x.shape)
    beside = [None if t is None else np.reshape(t, (-1, *[1] * (x.ndim - 2))) for t in (weight, bias)]
    return affine(y, *beside)


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps):
    over = tuple(i for i in range(x.ndim) if i != 1)

    def beside(t):
        return None if t is None else np.reshape(t, (-1, *[1] * (x.ndim - 2)))

    y = standardised(x, over, eps) if training else (x - beside(running_mean)) / np.sqrt(beside(running_var) + eps)
    return affine(y, beside(weight), beside(bias))


def local_response_norm(x, alpha, beta, k, size):
    sums = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        sums[:, c] = (near**2).sum(1)
    return x / (k + alpha * sums / size) ** beta
