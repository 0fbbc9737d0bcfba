"""Numbers that rows are tested with, by the names of their domains, and how close a value must come."""

import numpy as np


def spd(rng, shape):
    a = rng.standard_normal(shape)
    return a @ np.swapaxes(a, -1, -2) + shape[-1] * np.eye(shape[-1])


def regular(rng, shape):
    """Matrices whose values lie apart."""
    noise = rng.uniform(-0.5, 0.5, shape) / max(shape[-2:])
    return noise + np.eye(*shape[-2:]) * (1.5 + 0.7 * np.arange(shape[-1]))


DOMAINS = {
    "real": lambda rng, shape, _: rng.uniform(0.1, 2.0, shape) * rng.choice([-1.0, 1.0], shape),
    "positive": lambda rng, shape, _: rng.uniform(0.3, 2.0, shape),
    "unit": lambda rng, shape, _: rng.uniform(0.1, 0.9, shape),
    "inner": lambda rng, shape, _: rng.uniform(0.1, 0.9, shape) * rng.choice([-1.0, 1.0], shape),
    "beyond": lambda rng, shape, _: rng.uniform(1.1, 3.0, shape),
    "distinct": lambda rng, shape, _: 0.1 * rng.permutation(np.prod(shape, dtype=int)).reshape(shape) - 0.35,
    "ascending": lambda rng, shape, _: 0.7 * (np.indices(shape)[-1] - shape[-1] / 2) + rng.uniform(0.0, 0.5, shape),
    "spd": lambda rng, shape, _: spd(rng, shape),
    "regular": lambda rng, shape, _: regular(rng, shape),
    "index": lambda rng, shape, n: rng.integers(0, n, shape),
    "label": lambda rng, shape, n: rng.integers(-1, n, shape),
    "bool": lambda rng, shape, _: rng.choice([False, True], shape),
}


def draw(rng, domain, shape, dtype):
    kind, n = domain
    if kind == "absent":
        return None
    x = np.asarray(DOMAINS[kind](rng, tuple(shape), n))
    return x.astype(dtype) if x.dtype == np.float64 else x


#: Units in the last place. Kernels are within 3, NumPy's and SciPy's about as close; formulas of several steps and sums
#: of a few terms lose some more.
ULP = 32


#: The same of what is computed from a factorisation: two ways to factor a matrix differ by the roundings of its size times its condition,
#: which is small for the matrices that rows are tested with.
FACTORED = 1024


def close(got, want, ulp=ULP, terms=0.0):
    """An error unless they are equal but for rounding. `terms` are what is added up: a sum that cancels is as exact as they are (Higham,
    Accuracy and Stability of Numerical Algorithms, equation 3.5)."""
    want = want.astype(np.float64)
    eps = np.finfo(got.dtype).eps
    size = np.max(np.abs([*np.ravel(want), *np.ravel(terms)]), initial=0.0)
    np.testing.assert_allclose(got, want, rtol=ulp * eps, atol=ulp / 4 * eps * size)
