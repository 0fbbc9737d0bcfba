"""Elementwise rows over all magnitudes of their dtypes: values and derivatives against numbers of many digits.

A derivative is far from 0 where the value has long been rounded to its limit, and a value is finite where a part of its formula has
overflowed: nothing may be lost that a float of the result's dtype can hold.
"""

import itertools
import re

import numpy as np
import pytest
from mpmath import mp, mpf

import exact
import scirs2_autograd as ag
from rows import ROWS, applied, expected, parsed
from scirs2_autograd import tensor_ops as T

DTYPES = ["float32", "float64"]
#: Units in the last place. A row that promises fewer, as in "within 2 ulp", is held to that.
VALUE = 4
DERIVATIVE = 8

#: Elementwise rows that are not compared, and why.
OTHERS = {
    "between": "its bounds may cancel: whole programs test it",
    "spread": "its terms may cancel: whole programs test it",
    "check_finite": "it refuses infinities: whole programs test it",
    "check_order": "it refuses 0: whole programs test it",
    "check_positive": "it refuses 0: whole programs test it",
    "check_plenty": "it refuses what is not above 1: whole programs test it",
    "check_ratio": "it refuses 1: whole programs test it",
    "binade": "it is a power of two near its argument: the norm is compared",
    "bernoulli": "its result is a choice: whole programs test it",
    "power_slope": "it is the derivative of a power, and compared as that",
    "hypot_slope": "it is the derivative of a length, and compared as that",
    "logaddexp2_slope": "it is the derivative of logaddexp2, and compared as that",
    "logaddexp_slope": "it is the derivative of logaddexp, and compared as that",
    "angle_slope": "it is the derivative of an angle, and compared as that",
    "arccosh_slope": "it is the derivative of arccosh, and compared as that",
    "arcsinh_slope": "it is the derivative of arcsinh, and compared as that",
    "arctan_slope": "it is the derivative of arctan, and compared as that",
    "lerp": "its ends may cancel: the matrix compares it",
    "gelu_tanh_curve": "it is the second derivative of gelu_tanh, and compared as that",
    "gelu_tanh_slope": "it is the derivative of gelu_tanh, and compared as that",
    "kl_div": "its terms may cancel: the matrix compares it",
    "mish_curve": "it is the second derivative of mish, and compared as that",
    "mish_slope": "it is the derivative of mish, and compared as that",
    "sinc_curve": "it is the second derivative of sinc, and compared as that",
    "sinc_slope": "it is the derivative of sinc, and compared as that",
}
#: Rows that have their limits at infinities, where NumPy's expression is `0 * inf` or `inf - inf`.
LIMITS = {"gelu", "gelu-tanh", "gelu_tanh", "hard_swish", "mish", "sigmoid_cross_entropy", "silu", "softsign"}
#: Rows that multiply their argument with what may be a subnormal number.
PRODUCTS = {"gelu", "gelu-tanh", "gelu_tanh", "mish", "silu"}


#: Rows that are reflected at 0, by row and order of the derivative. Below 0 they are differences: how large what is subtracted can be,
#: beside the same function of the opposite number.
REFLECTED = {("lgamma", 0): 1, ("lgamma", 1): 1, ("digamma", 0): 1, ("digamma", 2): 32, ("trigamma", 1): 32}


def near(zero):
    return lambda x: abs(abs(x) - zero) < zero / 8


#: Where derivatives are small differences of larger numbers, by row and order.
DIFFERENCES = {
    # A remainder far below its operand jumps between any two numbers.
    **dict.fromkeys([("floor_divide", 1), ("remainder", 1), ("fmod", 1)], lambda a, b: abs(a) > 2.0**40 * abs(b)),
    ("gaussian", 2): near(0.5**0.5),
    ("gelu", 1): near(0.7517915246935645),
    ("gelu", 2): near(2**0.5),
    ("normal_density", 2): near(1.0),
    **dict.fromkeys([("gelu-tanh", 1), ("gelu_tanh", 1)], near(0.75246142207101626)),
    **dict.fromkeys([("gelu-tanh", 2), ("gelu_tanh", 2)], near(1.4185040087908283602)),
    ("hard_swish", 1): near(1.5),
    ("mish", 1): near(1.1924312145154952),
    ("mish", 2): lambda x: near(2.2563763963607931)(x) or near(1.4905711794854284)(x),
    ("sinc", 2): near(1.89),
    ("silu", 1): near(1.2784645427610738),
    ("silu", 2): near(2.3993572805154676),
    ("sigmoid_cross_entropy", 1): lambda _, targets: 0 < targets < 1,
}


def magnitudes(dtype):
    """Where formulas break: subnormal numbers, edges of exponentials, what overflows when it is doubled or squared."""
    kind = np.finfo(dtype)
    fixed = [1e-3, 1, 10, 20, 37, 88, 89, 100, 700, 709.5, 1e4, 1e10, 1e19, 1e30]
    return np.array([kind.smallest_subnormal, kind.smallest_normal, *fixed, kind.max / 2, kind.max], dtype)


def extremes(dtype):
    x = magnitudes(dtype)
    return np.concatenate([x, -x, np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)])


def spread(dtype):
    """Numbers of all exponents, most of them near 1."""
    kind = np.finfo(dtype)
    rng = np.random.default_rng(0)
    near = np.repeat(np.arange(-12, 12), 6)
    far = np.arange(kind.minexp - kind.nmant, kind.maxexp, 4 if dtype == "float32" else 30)
    exponents = np.concatenate([near, far])
    some = np.ldexp(rng.choice([-1.0, 1.0], exponents.size) * rng.uniform(1, 2, exponents.size), exponents)
    # Where functions end, and where those of gamma are 0.
    close = np.array([1 - kind.epsneg, 1 + kind.eps, 0.999, 1.001, 2 - kind.eps, 2 + 2 * kind.eps, 1.999, 2.001, 1.4616321])
    return np.concatenate([some, close, -close]).astype(dtype)


def unit(dtype):
    kind = np.finfo(dtype)
    return np.array([0, kind.smallest_normal, 1e-3, 0.25, 0.5, 1 - kind.epsneg, 1], dtype)


def subjects():
    """The rows as functions of numbers: of all operands, and of the first ones where what is left out is a number; of each choice that an
    attribute offers. What stands besides is `fixed`."""
    for index, row in enumerate(ROWS):
        tensors = [p for p in row["params"] if p[1] == "tensor"]
        rest = row["params"][len(tensors) :]
        if not row["cases"] or len(row["outputs"]) > 1 or any(n == "like" for n, *_ in tensors):
            continue
        # What a loss makes of its values is no choice between functions of numbers.
        if any(kind != "choice" or name == "reduction" for name, kind, *_ in rest):
            continue
        needed = sum(default in (None, "None") for _, _, default, _ in tensors)
        for chosen in itertools.product(*(names for *_, names in rest)):
            attrs = {name: text for (name, *_), text in zip(rest, chosen, strict=True)}
            label = "-".join(
                [row["name"], *(t for t, (_, _, default, _) in zip(chosen, rest, strict=True) if repr(t) != default.replace('"', "'"))]
            )
            for count in sorted({needed, len(tensors)}):
                operands = ", ".join(n for n, *_ in tensors)
                fixed = {n: parsed("tensor", text) for n, _, text, _ in tensors[count:]} | attrs
                name = label if count == needed else f"{label}({operands})"
                yield row | {"name": name, "index": index, "params": tensors[:count], "attrs": tuple(chosen), "fixed": fixed}


def domains(row):
    return [{case[0][i][0][0] for case in row["cases"] if i < len(case[0])} for i in range(len(row["params"]))]


def made(row, ps):
    return applied(row["index"], ps, row["attrs"])[0]


def elementwise(row):
    """The dtype of what a row makes of float64 numbers one by one; None if it does something else."""
    if not set().union(*domains(row)) <= {"real", "positive", "unit", "inner", "beyond", "distinct"}:
        return None
    for shape in [(), (7,), (2, 3)]:
        with ag.Context() as ctx:
            try:
                y = made(row, [ctx.placeholder(f"x{i}", shape) for i in range(len(row["params"]))])
            except ag.ShapeError:
                return None
            if y.shape != shape:
                return None
    return y.dtype


ELEMENTWISE = [(row, dtype) for row in subjects() if (dtype := elementwise(row)) is not None]


def rows(*arities):
    """Elementwise rows of so many operands that give floats, by name."""
    for row, dtype in ELEMENTWISE:
        name = row["name"]
        if dtype == "float64" and len(row["params"]) in arities:
            marks = [pytest.mark.skip(reason=f"{name}: {OTHERS[name]}")] if name in OTHERS else []
            yield pytest.param(row, id=name, marks=marks)


def grid(row, dtype, choose):
    """All combinations of the numbers that are chosen for each operand, within the domain that its samples name."""
    axes = [unit(dtype) if domain == {"unit"} else choose(dtype) for domain in domains(row)]
    return [np.array(x) for x in zip(*itertools.product(*axes), strict=True)]


def by_numpy(row, xs):
    return expected(ROWS[row["index"]], xs, row["attrs"])


def evaluated(row, xs, build):
    """The arrays that `build` makes of the row's result and its operands."""
    with ag.Context(dtype=xs[0].dtype) as ctx:
        ps = [ctx.placeholder(f"x{i}", [None], x.dtype) for i, x in enumerate(xs)]
        return ctx.eval(build(made(row, ps), ps), dict(zip(ps, xs, strict=True)))


def promised(row, gradient, otherwise):
    """The units in the last place that a row's documentation names for its value or for its gradient."""
    value, _, slope = row["doc"].partition("Gradient:")
    found = re.search(r"within (\d+) ulp", slope if gradient else value)
    return int(found[1]) if found else otherwise


class Comparison:
    """Floats of a row against what they should be; `check` fails with the worst of them."""

    def __init__(self, row, dtype, limit, what="value"):
        self.row, self.dtype, self.limit, self.what = row, dtype, limit, what
        self.count, self.faults = 0, []

    def add(self, at, got, want, factor=1, size=0):
        """Compares at a point. The error of a subnormal number that `factor` multiplies is that of subnormal numbers, as often; that
        of a difference is one of numbers of `size`."""
        self.count += 1
        if isinstance(want, mpf) and not mp.isnan(want):
            error = exact.ulps(got, want, self.dtype, size)
            if np.isfinite(got) and want != 0:
                error = min(error, exact.steps(got, want, self.dtype) / factor)
        else:
            error = 0 if got == want or (np.isnan(got) and want != want) else np.inf
        if error > self.limit:
            where = ", ".join(f"{n}={x}" for (n, *_), x in zip(self.row["params"], at, strict=True))
            expected = mp.nstr(want, 12) if isinstance(want, mpf) else want
            what = f"{self.row['name']}, {self.what} at {where}"
            text = f"{what}: got {got}, {error:.3g} ulp off; expected {expected} within {self.limit} ulp"
            self.faults.append((error, text))

    def check(self, least):
        worst = sorted(self.faults, reverse=True)[:8]
        assert not worst, "\n".join([f"{len(self.faults)} of {self.count} {self.dtype} numbers are wrong", *(text for _, text in worst)])
        assert self.count >= least, f"only {self.count} numbers were compared"


def differs(row, order, *at):
    return DIFFERENCES.get((row["name"], order), lambda *_: False)(*map(float, at))


def reflected(row, f, order, x):
    """The size of the numbers of which a row's derivative at x is the difference; 0 if it is none."""
    size = REFLECTED.get((row["name"], order))
    return 0 if size is None or x >= 0 else max([size, *(abs(y) for y in exact.derivatives(f, -x)[order : order + 1] if y is not None)])


def numbers(xs):
    return [[mpf(float(x)) for x in at] for at in zip(*xs, strict=True)]


def compare_values(row, xs, least):
    dtype = xs[0].dtype.name
    f = exact.function(row)
    (got,) = evaluated(row, xs, lambda y, _: [y])
    (numpy,) = by_numpy(row, [x.astype(np.float64) for x in xs])
    huge = mp.ldexp(1, 2 * np.finfo(dtype).maxexp + 64)
    found = Comparison(row, dtype, promised(row, False, VALUE))
    for at, exactly, y, n in zip(zip(*xs, strict=True), numbers(xs), got, numpy, strict=True):
        want, size = None, 0
        if np.all(np.isfinite(at)):
            with exact.precision(dtype, *exactly):
                want = f(*exactly)
                size = reflected(row, f, 0, exactly[0])
        elif row["name"] in LIMITS and not np.any(np.isnan(at)):
            with exact.precision(dtype, huge):
                want = f(*(x if mp.isfinite(x) else mp.sign(x) * huge for x in exactly))
        elif np.isfinite(n):
            want = mpf(float(n))
        factor = 1 + abs(float(at[0])) if row["name"] in PRODUCTS else 1
        known = mpf(float(n)) if np.isfinite(n) else n
        found.add(at, y, known if want is None else want, factor, size)
    found.check(least)
    # Few numbers, and the end of many, are what they are among many.
    for part in [slice(0, 1), slice(3, 40), slice(len(got) - 5, None)]:
        (few,) = evaluated(row, [x[part] for x in xs], lambda y, _: [y])
        np.testing.assert_array_equal(few, got[part])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", list(rows(1)))
def test_values_of_one_number(row, dtype):
    xs = grid(row, dtype, lambda dtype: np.concatenate([extremes(dtype), spread(dtype)]))
    compare_values(row, xs, least=7 if domains(row) == [{"unit"}] else 200)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", list(rows(2, 3)))
def test_values_of_several_numbers(row, dtype):
    many = len(row["params"]) > 2
    xs = grid(row, dtype, lambda dtype: extremes(dtype)[:: 3 if many else 1])
    compare_values(row, xs, least=200)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row, d in ELEMENTWISE if d == "bool"])
def test_comparisons(row, dtype):
    xs = grid(row, dtype, extremes)
    (got,) = evaluated(row, xs, lambda y, _: [y])
    np.testing.assert_array_equal(got, by_numpy(row, xs)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", list(rows(1)))
def test_derivatives_of_one_number(row, dtype):
    f = exact.function(row)

    def build(y, ps):
        (g,) = T.grad([y], ps)
        return [g, *T.grad([g], ps)]

    xs = grid(row, dtype, lambda dtype: np.concatenate([extremes(dtype), spread(dtype)]))
    xs = [x[np.isfinite(x)] for x in xs]
    found = [Comparison(row, dtype, promised(row, True, DERIVATIVE), f"derivative of order {order}") for order in (1, 2)]
    for (x,), (number,), *got in zip(zip(*xs, strict=True), numbers(xs), *evaluated(row, xs, build), strict=True):
        with exact.precision(dtype, number):
            _, *wants = exact.derivatives(f, number)
            sizes = [reflected(row, f, order, number) for order in (1, 2)]
        for order, (y, want) in enumerate(zip(got, wants, strict=True), 1):
            if want is not None and not differs(row, order, x):
                # What decays as exponentials do has, for each order, one factor more of the size of its argument.
                found[order - 1].add([x], y, want, (1 + min(abs(float(x)), 1e3)) ** order, sizes[order - 1])
    for comparison in found:
        comparison.check(least=5 if domains(row) == [{"unit"}] else 75)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", list(rows(2)))
def test_derivatives_of_two_numbers(row, dtype):
    f = exact.function(row)
    xs = grid(row, dtype, lambda dtype: np.concatenate([(x := magnitudes(dtype)[[0, 2, 3, 6, 12, 15, 16]]), -x]))
    for k, got in enumerate(evaluated(row, xs, lambda y, ps: T.grad([y], ps))):
        found = Comparison(row, dtype, promised(row, True, DERIVATIVE), f"derivative by {row['params'][k][0]}")
        for at, exactly, y in zip(zip(*xs, strict=True), numbers(xs), got, strict=True):
            with exact.precision(dtype, *exactly):
                _, want, _ = exact.derivatives(exact.by_operand(f, exactly, k), exactly[k])
            if want is not None and not differs(row, 1, *at):
                found.add(at, y, want)
        found.check(least=25)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", list(rows(1, 2)))
def test_elements_that_are_not_taken_leave_nothing(row, dtype):
    """Whatever the derivative is there: a row of which it may be infinite or NaN says so (`derivative singular`)."""

    def build(y, ps):
        first = T.grad([y[:1]], ps)
        return [*first, *T.grad([g[:1] for g in first], ps)]

    xs = grid(row, dtype, lambda dtype: (x := extremes(dtype))[np.isfinite(x)])
    for k, g in enumerate(evaluated(row, xs, build)):
        wrong = 1 + np.flatnonzero(g[1:] != 0)
        if wrong.size:
            at = ", ".join(f"{n}={x[wrong[0]]}" for (n, *_), x in zip(row["params"], xs, strict=True))
            what = f"{row['name']}, order {1 + k // len(xs)} at {at}: got {g[wrong[0]]}; expected 0"
            pytest.fail(f"{what}. Does the row say that its derivative is singular?")


def test_reasons_name_rows():
    names = {row["name"] for row, _ in ELEMENTWISE}
    assert names >= {*OTHERS, *LIMITS, *PRODUCTS, *(name for name, _ in [*DIFFERENCES, *REFLECTED])}
    assert len(names) > 40
