"""Writes points.csv beside it: values of functions at random arguments, to far more digits than a float has.

`pip install mpmath numpy`, then `python tests/ulp/points.py`. A line is a function's name, an argument, the nearest float64 to the value,
what that lacks, and for `pow` the exponent. Floats are written as bits.
"""

import struct
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

COUNT = 250


def uniform(low, high):
    return lambda rng: rng.uniform(low, high)


def scaled(low, high):
    """Numbers of both signs whose binary exponents are as often small as large."""
    return lambda rng: rng.choice([-1.0, 1.0]) * np.ldexp(rng.uniform(1, 2), int(rng.integers(low, high)))


def positive(low, high):
    return lambda rng: abs(scaled(low, high)(rng))


def below(end):
    return lambda rng: end - positive(-40, -2)(rng)


def above(end):
    return lambda rng: end + positive(-40, -2)(rng)


#: For each function its mathematical form, and where its arguments lie: each range as often as the others.
FUNCTIONS = {
    "exp": (mp.exp, [uniform(-745, 709), uniform(-745, -708), uniform(-2, 2), scaled(-40, 0)]),
    "expm1": (mp.expm1, [uniform(-35, 709), uniform(-2, 2), scaled(-40, 0)]),
    "log": (mp.log, [positive(-1074, 1023), uniform(0.69, 1.42), positive(-10, 10)]),
    "log1p": (mp.log1p, [uniform(-1, 2), positive(-1000, 1023), scaled(-40, -1)]),
    "tanh": (mp.tanh, [uniform(-20, 20), uniform(-0.6, 0.6), scaled(-40, 0)]),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), [uniform(-745, 40), uniform(-745, -708), uniform(-10, 10)]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), [uniform(-745, 40), uniform(-10, 10)]),
    "erf": (mp.erf, [uniform(-4, 4), uniform(0.8, 1.3), scaled(-40, 0)]),
    "erfc": (mp.erfc, [uniform(-6, 26.5), uniform(-1, 6), scaled(-40, 4)]),
    "ndtr": (lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, [uniform(-37.5, 6), uniform(-6, 1), scaled(-40, 4)]),
    "sin": (mp.sin, [uniform(-1e8, 1e8), uniform(-8, 8), scaled(-40, 26)]),
    "cos": (mp.cos, [uniform(-1e8, 1e8), uniform(-8, 8), scaled(-40, 26)]),
    "exp2": (lambda x: mpf(2) ** x, [uniform(-1074, 1023), uniform(-1074, -1021), uniform(-2, 2), scaled(-40, 0)]),
    "log2": (lambda x: mp.log(x, 2), [positive(-1074, 1023), uniform(0.69, 1.42), positive(-10, 10)]),
    "log10": (mp.log10, [positive(-1074, 1023), uniform(0.69, 1.42), positive(-10, 10)]),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [scaled(-1074, 1023), uniform(-8, 8)]),
    "sinc": (mp.sincpi, [uniform(-6, 6), uniform(-0.3, 0.3), scaled(-40, 30)]),
    "tan": (mp.tan, [uniform(-1e8, 1e8), uniform(-8, 8), scaled(-40, 26)]),
    "arcsin": (mp.asin, [uniform(-1, 1), uniform(0.4, 0.7), below(1), scaled(-40, 0)]),
    "arccos": (mp.acos, [uniform(-1, 1), uniform(-0.7, -0.4), below(1), scaled(-40, 0)]),
    "arctan": (mp.atan, [uniform(-4, 4), uniform(0.3, 0.6), scaled(-40, 80)]),
    "sinh": (mp.sinh, [uniform(-710, 710), uniform(-2, 2), scaled(-40, 0)]),
    "cosh": (mp.cosh, [uniform(-710, 710), uniform(-2, 2)]),
    "arcsinh": (mp.asinh, [uniform(-4, 4), scaled(-40, 40), scaled(-1000, 1023)]),
    "arccosh": (mp.acosh, [uniform(1, 4), above(1), positive(1, 1023)]),
    "arctanh": (mp.atanh, [uniform(-1, 1), below(1), scaled(-40, 0)]),
    "arccosh_slope": (lambda x: 1 / mp.sqrt(x * x - 1), [uniform(1, 4), above(1), positive(1, 1023)]),
    "erfinv": (mp.erfinv, [uniform(-1, 1), below(1), scaled(-40, 0)]),
    "lgamma": (mp.loggamma, [uniform(0, 4), below(1), above(2), uniform(4, 40), positive(-100, 900)]),
    "digamma": (lambda x: mp.psi(0, x), [uniform(0, 4), above(1.4616321449683622), uniform(4, 40), positive(-100, 900)]),
    "trigamma": (lambda x: mp.psi(1, x), [uniform(0, 4), uniform(-20, 0), uniform(4, 40), positive(-100, 900)]),
}


def bits(x):
    return struct.pack(">d", float(x)).hex()


def line(name, x, value, *more):
    high = float(value)
    return ",".join([name, bits(x), bits(high), f"{float(value - mpf(high)):.3e}", *map(bits, more)])


def powers(rng):
    """A base of any magnitude, or near 1, and an exponent for which the power is a float."""
    while True:
        base = rng.choice([positive(-1074, 1023), uniform(0.5, 2), uniform(0, 40)])(rng)
        exponent = rng.uniform(-745, 709) / np.log(base)
        exponent = np.rint(exponent) if rng.random() < 0.2 else exponent
        if abs(exponent) < 1e15 and mpf(2) ** -1074 < mpf(base) ** mpf(exponent) < mpf(2) ** 1024:
            return base, exponent


def main():
    rng = np.random.default_rng(0)
    mp.prec = 300
    lines = []
    for name, (f, ranges) in FUNCTIONS.items():
        for k in range(COUNT):
            x = float(ranges[k % len(ranges)](rng))
            lines.append(line(name, x, f(mpf(x))))
    for _ in range(COUNT):
        a, b = map(float, powers(rng))
        lines.append(line("pow", a, mpf(a) ** mpf(b), b))
    Path(__file__).with_name("points.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
