"""Division with a remainder, and rounding: operators, functions and Python's own, for all dtypes, as NumPy has them."""

import itertools
import math
import operator

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

FLOATS = [0.0, -0.0, 1.0, -1.0, 2.5, -7.5, 0.1, -0.3, 1e-20, 1e300, -1e16, 5e-324, np.inf, -np.inf, np.nan]
NUMBERS = {
    "int32": np.array([-7, -2, -1, 0, 1, 2, 3, 7, 2**31 - 1, -(2**31)], "int32"),
    "int64": np.array([-7, -2, -1, 0, 1, 2, 3, 7, 2**53 + 1, 2**63 - 1, -(2**63)], "int64"),
    "float32": np.array([*FLOATS[:9], 1e30, -1e16, 1e-45, *FLOATS[-3:], 5.9999995, 16777216.0], "float32"),
    "float64": np.array([*FLOATS, 5.999999999999999, 9007199254740992.0]),
}
OPERATORS = {"//": operator.floordiv, "%": operator.mod, "divmod": divmod}
FUNCTIONS = {"floor_divide": np.floor_divide, "remainder": np.remainder, "mod": np.mod, "fmod": np.fmod, "divmod": np.divmod}


def values(t, feeds=None):
    return [v.eval(feeds) for v in t] if isinstance(t, tuple) else t.eval(feeds)


def same(got, want):
    """Equal bits but for NaN, and equal dtypes."""
    if isinstance(want, tuple):
        for g, w in zip(got, want, strict=True):
            same(g, w)
        return
    want = np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(got, want)
    if want.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(got)[~np.isnan(want)], np.signbit(want)[~np.isnan(want)])


def pairs(a, b):
    return [np.array(x) for x in zip(*itertools.product(a, b), strict=True)]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_all_pairs(ctx, name, dtype):
    a, b = pairs(NUMBERS[dtype], NUMBERS[dtype])
    with np.errstate(all="ignore"):
        want = FUNCTIONS[name](a, b)
    x, y = ctx.placeholder("x", [None], dtype), ctx.placeholder("y", [None], dtype)
    same(values(getattr(T, name)(x, y), {x: a, y: b}), want)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_on_both_sides(ctx, sign, dtype):
    f, a = OPERATORS[sign], NUMBERS[dtype]
    x = ctx.placeholder("x", a.shape, dtype)
    b = a[::-1].copy()
    with np.errstate(all="ignore"):
        for other in 2, -3, b, ctx.constant(b), np.array(2, dtype):
            array = b if isinstance(other, ag.Tensor) else other
            same(values(f(x, other), {x: a}), f(a, array))
            same(values(f(other, x), {x: a}), f(array, a))
        # Beside a float nothing is an integer.
        same(values(f(x, 2.0), {x: a}), f(a, 2.0 if a.dtype.kind == "f" else np.float64(2.0)))
    with pytest.raises(TypeError, match="unsupported operand"):
        f(x, None)


def test_quotient_and_remainder_go_together(ctx):
    """Where the quotient rounds up to an integer the remainder has not."""
    a = np.array([5.999999999999999, -5.999999999999999, 1e16 - 2, 0.3, -0.3, 1.0])
    b = np.array([3.0, 3.0, 1.0, 0.1, 0.1, 0.1])
    q, r = values(divmod(ctx.constant(a), ctx.constant(b)))
    assert all(int(n) == math.floor(float(x)) for n, x in zip(q, q, strict=True))
    assert [float(v) for v in q] == [x // y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert [float(v) for v in r] == [x % y for x, y in zip(a.tolist(), b.tolist(), strict=True)]


def test_gradients(ctx):
    a, b = ctx.constant(np.array([7.5, -7.5, 7.5, 5.999999999999999])), ctx.constant(np.array([2.0, 2.0, -2.0, 3.0]))
    for f, slope in (T.remainder, [-3.0, 4.0, 4.0, -1.0]), (T.fmod, [-3.0, 3.0, 3.0, -1.0]):
        by_a, by_b = T.grad([f(a, b)], [a, b])
        assert by_a.eval().tolist() == [1.0] * 4
        assert by_b.eval().tolist() == slope
    for g in T.grad([T.floor_divide(a, b)], [a, b]):
        assert g.eval().tolist() == [0.0] * 4


@pytest.mark.parametrize("dtype", NUMBERS)
def test_rounding(ctx, dtype):
    a = NUMBERS[dtype]
    if a.dtype.kind == "f":
        a = np.concatenate([a, np.array([0.5, 1.5, 2.5, -0.5, -1.5, 8388607.5, 4503599627370495.5], dtype)])
    x = ctx.placeholder("x", [None], dtype)
    with np.errstate(all="ignore"):
        for name in "floor", "ceil", "trunc", "fix":
            same(getattr(T, name)(x).eval({x: a}), getattr(np, name)(a))
        same(T.rint(x).eval({x: a}), np.rint(a) if dtype != "int32" else np.rint(a.astype("float64")))
        for f, numpy in (math.floor, np.floor), (math.ceil, np.ceil), (math.trunc, np.trunc), (round, np.round):
            same(f(x).eval({x: a}), numpy(a))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_rounding_to_digits(ctx, dtype):
    a = NUMBERS[dtype]
    a = (
        a[np.abs(a.astype("float64")) < 2.0 ** (30 if dtype == "int32" else 53)]
        if a.dtype.kind == "i"
        else np.array([0.125, 2.675, -1.005, 123.456, 1e20, 0.05], dtype)
    )
    x = ctx.placeholder("x", [None], dtype)
    for decimals in 0, 1, 2, 3, -1, -2, -3:
        same(T.round(x, decimals).eval({x: a}), np.round(a, decimals))
        same(round(x, decimals).eval({x: a}), np.round(a, decimals))
    same(x.round(1).eval({x: a}), np.round(a, 1))


def test_digits_beyond_what_there_is(ctx):
    x = ctx.constant(np.array([1.5e300, -2.5, np.inf, np.nan]))
    for decimals in 20, 200, 400, 2**40:
        np.testing.assert_array_equal(T.round(x, decimals).eval(), [1.5e300, -2.5, np.inf, np.nan])
    for decimals in -302, -400, -(2**63):
        np.testing.assert_array_equal(T.round(x, decimals).eval(), [0.0, -0.0, np.inf, np.nan])
    (g,) = T.grad([T.round(x, 20)], [x])
    assert g.eval().tolist() == [0.0] * 4


def test_bools_are_no_numbers_here(ctx):
    x = ctx.placeholder("x", [2], "bool")
    for f in T.floor, T.round, T.positive, lambda x: x // x, lambda x: x % True:
        with pytest.raises(ag.DTypeError, match="bools are not numbers"):
            f(x)
