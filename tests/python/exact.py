"""The NumPy expressions of rows over mpmath's numbers: values and derivatives to as many digits as are asked for."""

from collections.abc import Callable
from types import CodeType, SimpleNamespace
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

#: The step of differences, relative to a number or to 1, as a power of two.
STEP = -100


def precision(dtype: str, *xs: Any) -> Any:
    """mpmath at so many bits that second differences at these numbers have all digits of a float.

    Near 0 they resolve the cube of a number beside 1, far from 0 a step beside the number, and everywhere the slope of a function
    that has come as close to 1 as floats come to 0.
    """
    exponents = [mp.mag(x) for x in xs if x]
    saturated = 500 if dtype == "float32" else 1500
    return mp.workprec(saturated + 3 * max(0, *(-e for e in exponents), 0) + 2 * max(0, *exponents, 0))


def erfc(x):
    """mpmath's, which converts a huge number to a float; there the value is less than any float."""
    return mp.erfc(x) if x < 2**20 else mp.exp(-x * x)


def logaddexp(a, b):
    high, low = max(a, b), min(a, b)
    return high + mp.log1p(mp.exp(low - high))


def logaddexp2(a, b):
    return max(a, b) + mp.log1p(mpf(2) ** -abs(a - b)) / mp.ln2


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def trunc(x):
    return mp.sign(x) * mp.floor(abs(x))


def arctan2(a, b):
    if a == 0 or b == 0:
        raise ValueError("mpmath has one zero")
    return mp.atan2(a, b)


def copysign(a, b):
    if b == 0:
        raise ValueError("mpmath has one zero")
    return abs(a) * mp.sign(b)


def xlogy(x, y):
    return mpf(0) if x == 0 else x * mp.log(y)


def of_gamma(f):
    """A function of the gamma family to as many digits as its differences need. Near 0 it grows as fast as its differences do, and the
    digits that other functions need there would take minutes."""

    def call(*xs):
        with mp.workprec(min(mp.prec, 600 + 3 * max(0, mp.mag(xs[-1])))):
            return f(*xs)

    return call


def polygamma(n, x):
    """mpmath's, which adds up from a negative number on; far below 0 the reflection of the trigamma function is as exact."""
    if n != 1 or x > -64:
        return mp.psi(n, x)
    if x == mp.floor(x):
        raise ValueError("a pole")
    return (mp.pi / mp.sin(mp.pi * x)) ** 2 - mp.psi(1, 1 - x)


def where(condition, a, b):
    return a if condition else b


#: What mpmath does not have, or has under another name. All other names mean the same in NumPy, SciPy and mpmath.
OWN: dict[str, Callable[..., Any]] = {
    "abs": mp.fabs,
    "arccos": mp.acos,
    "arccosh": mp.acosh,
    "arcsin": mp.asin,
    "arcsinh": mp.asinh,
    "arctan": mp.atan,
    "arctan2": arctan2,
    "arctanh": mp.atanh,
    "cbrt": cbrt,
    "clip": lambda x, low, high: min(max(x, low), high),
    "copysign": copysign,
    "deg2rad": lambda x: x * mp.pi / 180,
    "erfc": erfc,
    "exp2": lambda x: mpf(2) ** x,
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "digamma": of_gamma(lambda x: mp.psi(0, x)),
    "floor_divide": lambda a, b: mp.floor(a / b),
    "fmax": max,
    "fmin": min,
    "fmod": lambda a, b: a - b * trunc(a / b),
    "gammaln": of_gamma(lambda x: mp.re(mp.loggamma(x))),
    "heaviside": lambda x, value: value if x == 0 else mpf(x > 0),
    "log2": lambda x: mp.log(x, 2),
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "maximum": max,
    "minimum": min,
    "ndtr": lambda x: erfc(-x / mp.sqrt(2)) / 2,
    "polygamma": of_gamma(polygamma),
    "rad2deg": lambda x: x * 180 / mp.pi,
    "reciprocal": lambda x: 1 / x,
    "remainder": lambda a, b: a - b * mp.floor(a / b),
    "rint": mp.nint,
    "sinc": mp.sincpi,
    "square": lambda x: x * x,
    "trunc": trunc,
    "where": where,
    "xlog1py": lambda x, y: xlogy(x, 1 + y),
    "xlogy": xlogy,
}


class Names:
    """The functions of a module by NumPy's or SciPy's names."""

    def __getattr__(self, name):
        found = OWN.get(name) or getattr(mpmath, name, None)
        assert found is not None, f"mpmath has no `{name}`: say in `OWN` of tests/python/exact.py what it is"
        return found


def function(row: dict[str, Any]) -> Callable[..., Any]:
    """The row's expression as a function of mpmath's numbers, beside what its `fixed` says: NaN where it is not real, None where it has no
    value, as `1 / 0`."""
    code: CodeType = compile(row["numpy"], row["name"], "eval")
    names = [n for n, *_ in row["params"]]
    modules = {"np": Names(), "scipy": SimpleNamespace(special=Names())}

    def call(*xs):
        try:
            y = eval(code, modules, dict(zip(names, xs, strict=True)) | row.get("fixed", {}))
        except (ZeroDivisionError, ValueError):
            return None
        y = mp.convert(y)
        if not isinstance(y, mpf):
            return mp.nan
        return y if mp.isfinite(y) else None

    return call


def by_operand(f: Callable[..., Any], at: list[Any], k: int) -> Callable[[Any], Any]:
    """f as a function of operand `k`, the others being where they are."""
    return lambda x: f(*at[:k], x, *at[k + 1 :])


def derivatives(f: Callable[[Any], Any], x: Any) -> list[Any]:
    """The value of f at x, its first and its second derivative; None for what does not exist.

    From five points so close together that differences have all digits of a float. A derivative exists where the differences to
    the left and to the right agree, and those of a step with those of two.
    """
    scale = min(abs(x), mpf(1)) if x else mpf(1)
    h = mp.ldexp(scale, STEP)
    ys = [f(x + k * h) for k in (-2, -1, 0, 1, 2)]
    if any(y is None or mp.isnan(y) for y in ys):
        return [ys[2], None, None]
    a, b, y, c, d = ys
    small = mp.ldexp(1, STEP // 3)
    first = (c - b) / (2 * h)
    # A jump is one that far from 0 too, where it is small beside the value: over two steps it has half the slope.
    if abs((d - a) / (4 * h) - first) > abs(first) / 4 and abs(first) > mp.ldexp(abs(y) / scale, 20 - STEP - mp.prec):
        return [y, None, None]
    if max(abs((c - y) - (y - b)) / h, abs((d - a) / (4 * h) - first)) > small * (abs(y) / scale + abs(first)):
        return [y, None, None]
    left, right = (a - 2 * b + y) / h**2, (y - 2 * c + d) / h**2
    if abs(left - right) > small * (abs(y) / scale + abs(first)) / scale:
        return [y, first, None]
    return [y, first, (b - 2 * y + c) / h**2]


def ulps(got: Any, want: Any, dtype: str, size: Any = 0) -> float:
    """How far a float is from the number that it should be, in units in the last place of that number, or of `size` if that is larger.

    0 stands for 0 alone, and an infinity for what rounds to it.
    """
    kind = np.finfo(dtype)
    top = mp.ldexp(2 - mp.ldexp(1, -kind.nmant - 1), kind.maxexp - 1)
    if np.isnan(got):
        return np.inf
    if np.isinf(got) or abs(want) >= top:
        return 0.0 if np.isinf(got) and abs(want) >= top and (got > 0) == (want > 0) else np.inf
    if want == 0:
        return 0.0 if got == 0 else np.inf
    unit = mp.ldexp(1, max(int(mp.floor(mp.log(max(abs(want), size), 2))), kind.minexp) - kind.nmant)
    return float(min(abs(mpf(float(got)) - want) / unit, mpf(10) ** 300))


def steps(got: Any, want: Any, dtype: str) -> float:
    """How far a float is from a number, in subnormal numbers."""
    kind = np.finfo(dtype)
    return float(min(mp.ldexp(abs(mpf(float(got)) - want), kind.nmant - kind.minexp), mpf(10) ** 300))
