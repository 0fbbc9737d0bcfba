"""What recurrent networks give, written by the definition, one step after the other."""

import numpy as np
from scipy.special import expit

__all__ = [
    "cell_cotangents",
    "cell_tangents",
    "gru",
    "gru_cell",
    "gru_states",
    "lstm",
    "lstm_cell",
    "lstm_states",
    "rnn",
    "rnn_cell",
    "rnn_states",
]


def _function(nonlinearity):
    return np.tanh if nonlinearity == "tanh" else lambda a: np.maximum(a, 0)


def _lstm_step(a, c):
    i, f, g, o = np.split(a, 4, -1)
    c = expit(i) * np.tanh(g) + expit(f) * c
    return expit(o) * np.tanh(c), c


def _gru_step(a, b, h):
    (ar, az, an), (br, bz, bn) = np.split(a, 3, -1), np.split(b, 3, -1)
    r, z = expit(ar + br), expit(az + bz)
    return (1 - z) * np.tanh(an + r * bn) + z * h


def _stacked(lists, like):
    return tuple(np.stack(one) if one else np.zeros((0, *np.shape(like))) for one in lists)


def rnn_states(x, w, b, h, rectified):
    gates, states = [], []
    for step in x:
        a = step + h @ w.T + b
        h = np.maximum(a, 0) if rectified else np.tanh(a)
        gates.append(a)
        states.append(h)
    return _stacked((gates, states), h)


def lstm_states(x, w, b, h, c):
    gates, memories, states = [], [], []
    for step in x:
        a = step + h @ w.T + b
        h, c = _lstm_step(a, c)
        gates.append(a)
        memories.append(c)
        states.append(h)
    return _stacked((gates, memories, states), h)


def gru_states(x, w, b, h):
    gates, states = [], []
    for step in x:
        a = h @ w.T + b
        h = _gru_step(step, a, h)
        gates.append(a)
        states.append(h)
    return _stacked((gates, states), h)


def cell_tangents(a, c, h, w, e, f, k, direct):
    a, c, h = np.array(a), np.array(c), np.array(h)
    for t in range(len(h)):
        if t:
            a[t] += h[t - 1] @ w.T
            c[t] += e[t] * c[t - 1]
        parts = [factor[t] * part for factor, part in zip(k, np.split(a[t], len(k), -1), strict=True)]
        cut = len(k) - direct
        c[t] += sum(parts[:cut])
        h[t] += sum(parts[cut:]) + f[t] * c[t]
    return a, c, h


def cell_cotangents(a, c, h, w, e, f, k, direct):
    a, c, h = np.array(a), np.array(c), np.array(h)
    for t in reversed(range(len(h))):
        if t + 1 < len(h):
            h[t] += a[t + 1] @ w
            c[t] += e[t + 1] * c[t + 1]
        c[t] += f[t] * h[t]
        cut = len(k) - direct
        a[t] += np.concatenate([factor[t] * (c[t] if i < cut else h[t]) for i, factor in enumerate(k)], -1)
    return a, c, h


def _product(x, w, b):
    return x @ w.T + (0 if b is None else b)


def rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity):
    return _function(nonlinearity)(_product(x, w_ih, b_ih) + _product(h, w_hh, b_hh))


def lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _lstm_step(_product(x, w_ih, b_ih) + _product(h, w_hh, b_hh), c)


def gru_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    return _gru_step(_product(x, w_ih, b_ih), _product(h, w_hh, b_hh), h)


def _sequence(step, x, states, batch_first, reverse):
    """`step(x, *states)` gives the states; the first of them at all steps, and all of them behind the last step."""
    x = np.swapaxes(x, 0, 1) if batch_first else x
    out = []
    for one in x[::-1] if reverse else x:
        states = step(one, *states)
        out.append(states[0])
    out = np.stack(out[::-1] if reverse else out)
    return (np.swapaxes(out, 0, 1) if batch_first else out, *states)


def _first(x, w_hh, batch_first, *states):
    n = x.shape[0] if batch_first else x.shape[1]
    return [np.zeros((n, w_hh.shape[1]), x.dtype) if s is None else s for s in states]


def rnn(x, w_ih, w_hh, b_ih, b_hh, h, nonlinearity, batch_first, reverse):
    def step(x, h):
        return (rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity),)

    return _sequence(step, x, _first(x, w_hh, batch_first, h), batch_first, reverse)


def lstm(x, w_ih, w_hh, b_ih, b_hh, h, c, batch_first, reverse):
    def step(x, h, c):
        return lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh)

    return _sequence(step, x, _first(x, w_hh, batch_first, h, c), batch_first, reverse)


def gru(x, w_ih, w_hh, b_ih, b_hh, h, batch_first, reverse):
    def step(x, h):
        return (gru_cell(x, h, w_ih, w_hh, b_ih, b_hh),)

    return _sequence(step, x, _first(x, w_hh, batch_first, h), batch_first, reverse)
