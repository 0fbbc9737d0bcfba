"""The op table in Python: rows applied to tensors, and their NumPy expressions applied to arrays."""

import warnings

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.special

import reference
from scirs2_autograd import _lib

ROWS = _lib.op_table()

#: What NumPy has in place of a tensor that is absent.
ABSENT = {"where": True, "initial": np._NoValue}


def parsed(kind, text):
    """An attribute as `op_table` prints it."""
    if kind != "slices":
        return eval(text, {})
    items = eval(f"np.s_{text}", {"np": np}) if text != "[]" else ()
    return items if isinstance(items, tuple) else (items,)


#: What rows are compared with whose function in SciPy loses digits, because terms cancel.
INSTEAD = {"kl_div": "ref.kl_div(x, y)"}


def expected(row, xs, attrs):
    kinds = [k for _, k, *_ in row["params"]]
    names = [n for n, *_ in row["params"]]
    given = dict(zip([n for n, k in zip(names, kinds, strict=True) if k not in ("tensor", "tensors")], attrs, strict=True))
    given |= zip([n for n, k in zip(names, kinds, strict=True) if k in ("tensor", "tensors")], operands(row, xs), strict=True)
    given |= {n: ABSENT[n] for n, x in given.items() if x is None and n in ABSENT}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # NumPy warns of means over nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        y = eval(INSTEAD.get(row["name"], row["numpy"]), {"np": np, "scipy": scipy, "ref": reference}, given)
    return [np.asarray(v) for v in (y if isinstance(y, tuple) or row["lists"] else (y,))]


def operands(row, ts):
    """The tensors of a call, in which a list is one argument; None for a tensor that is absent, the default for what is left out."""
    single = sum(k == "tensor" for _, k, *_ in row["params"])
    if any(k == "tensors" for _, k, *_ in row["params"]):
        return (*ts[:single], list(ts[single:]))
    defaults = [default for _, k, default, _ in row["params"] if k == "tensor"]
    return (*ts, *(parsed("tensor", text) for text in defaults[len(ts) :]))


def attributes(row, texts):
    kinds = [k for _, k, *_ in row["params"] if k not in ("tensor", "tensors")]
    return tuple(parsed(k, t) for k, t in zip(kinds, texts, strict=True))


def applied(index, ts, attrs):
    y = _lib._apply(_lib._row(ROWS[index]["name"]), operands(ROWS[index], ts), attrs)
    return list(y) if isinstance(y, tuple | list) else [y]
