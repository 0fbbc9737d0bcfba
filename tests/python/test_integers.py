"""Integers and bools mean what they mean in NumPy: powers, bits, comparisons, fills, rectifiers."""

import itertools
import operator

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

INTS = {
    "int32": np.array([-3, -1, 0, 1, 2, 7, 2**31 - 1, -(2**31)], "int32"),
    "int64": np.array([-3, -1, 0, 1, 2, 7, 2**63 - 1, -(2**63)], "int64"),
}
BOOLS = np.array([True, True, False, False])


def same(found, expected):
    """Equal values, shape and dtype."""
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


# Powers


@pytest.mark.parametrize("dtype", INTS)
def test_a_power_of_integers_is_an_integer(ctx, dtype):
    a = INTS[dtype]
    x = ctx.placeholder("x", a.shape, dtype)
    with np.errstate(over="ignore"):
        for k in [0, 1, 2, 3, 4, 5, 31, 32, 63, 64, 1000]:
            same((x**k).eval({x: a}), a**k)
            same(T.pow(x, k).eval({x: a}), np.power(a, k))
            same(T.power(a, k).eval(), np.power(a, k))
        exponents = np.arange(8, dtype="int64").reshape(8, 1)
        same((x**exponents).eval({x: a}), a**exponents)
        same(T.pow(x, T.constant(exponents)).eval({x: a}), a**exponents)
        small = np.abs(a[:6])
        same((2 ** ctx.constant(small)).eval(), 2**small)


def test_a_negative_power_of_an_integer_is_an_error(ctx):
    x = ctx.constant(np.array([1, 2], "int64"))
    message = r"^pow: a value is out of range\. Got -1(\.0)?; expected exponents >= 0\.\nhelp: cast the base to a floating dtype$"
    for f in [lambda: x**-1, lambda: T.pow(x, -1), lambda: T.pow(3, -1)]:
        with pytest.raises(ValueError, match=message):
            f()
    y = x ** np.array([3, -2])
    with pytest.raises(ValueError, match=r"^pow: a value is out of range\. Got -2 at position 1; expected exponents >= 0\."):
        y.eval()
    # Beside a float nothing is an integer.
    same((x.astype("float64") ** -1).eval(), np.array([1.0, 0.5]))
    same((x**-1.0).eval(), np.array([1.0, 0.5]))
    same((ctx.constant(np.float32([4.0])) ** -1).eval(), np.float32([0.25]))


def test_powers_of_floats_stay_what_they_were(ctx):
    a = np.array([0.5, 2.0, 3.0])
    x = ctx.constant(a)
    np.testing.assert_allclose((x**3).eval(), a**3, rtol=1e-15)
    np.testing.assert_allclose(T.pow(x, ctx.constant(np.array([1, 2, 3]))).eval(), a ** np.array([1, 2, 3]), rtol=1e-15)
    (g,) = T.grad([T.pow(x, 3)], [x])
    np.testing.assert_allclose(g.eval(), 3 * a**2, rtol=1e-15)
    with pytest.raises(ag.DTypeError, match=r"^pow: bools are not numbers\."):
        ctx.constant(BOOLS) ** ctx.constant(BOOLS)


# Bits

BITS = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
FUNCTIONS = {"&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor"}


@pytest.mark.parametrize("sign", BITS)
def test_operators_work_on_bits_of_integers_and_on_bools(ctx, sign):
    f, named = BITS[sign], FUNCTIONS[sign]
    arrays = [*INTS.values(), np.tile(BOOLS, 2)]
    for a, b in itertools.product(arrays, arrays):
        b = b[::-1].copy()
        x = ctx.constant(a)
        expected = f(a, b)
        same(f(x, ctx.constant(b)).eval(), expected)
        same(f(x, b).eval(), expected)
        same(f(a, ctx.constant(b)).eval(), expected)
        same(getattr(T, named)(a, b).eval(), getattr(np, named)(a, b))
    for a, b in [(INTS["int32"], 6), (INTS["int64"], -2), (BOOLS, True)]:
        same(f(ctx.constant(a), b).eval(), f(a, b))
        same(f(b, ctx.constant(a)).eval(), f(b, a))
    # NumPy's smallest integer beside bools is int64 here too.
    same(f(ctx.constant(BOOLS), 3).eval(), f(BOOLS, np.int64(3)))


def test_not_turns_bits_and_negates_bools(ctx):
    for a in [*INTS.values(), BOOLS]:
        same((~ctx.constant(a)).eval(), ~a)
        same(T.bitwise_not(a).eval(), np.bitwise_not(a))
        same(T.invert(a).eval(), np.invert(a))


def test_floats_have_no_bits(ctx):
    x = ctx.placeholder("x", [2])
    message = r"floating numbers have no bits to work on\. Got float64; expected integers or bools\.\nhelp: compare first"
    for f in [lambda: x & x, lambda: x | 1, lambda: 1 ^ x, lambda: ~x, lambda: ctx.constant([1, 2]) & 1.0]:
        with pytest.raises(ag.DTypeError, match=message):
            f()
    # The functions that say "logical" take any number.
    same(T.logical_and(x, x).eval({x: [0.0, 2.0]}), np.array([False, True]))


# Comparisons

ORDERS = [operator.lt, operator.le, operator.gt, operator.ge]
NAMED = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]
BEYOND = [2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**40, -(2**40), 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**70, -(2**70), 10**400]


@pytest.mark.parametrize("n", BEYOND)
def test_a_comparison_with_an_integer_of_any_size_has_an_answer(ctx, n):
    for a in INTS.values():
        x = ctx.constant(a)
        for f in ORDERS:
            same(f(x, n).eval(), np.array([f(int(v), n) for v in a]))
            same(f(n, x).eval(), np.array([f(n, int(v)) for v in a]))
        for name, f in zip(NAMED, [*ORDERS, operator.eq, operator.ne], strict=True):
            same(getattr(T, name)(x, n).eval(), np.array([f(int(v), n) for v in a]))
            same(getattr(T, name)(n, x).eval(), np.array([f(n, int(v)) for v in a]))
            same(getattr(T, name)(a, n).eval(), np.array([f(int(v), n) for v in a]))
    if n < 10**308:
        wide = ctx.constant(np.array([-1e300, float(n), 1e300]))
        same((wide < n).eval(), np.array([-1e300, float(n), 1e300]) < float(n))


def test_what_does_not_fit_is_refused_where_a_number_is_made(ctx):
    x = ctx.constant(INTS["int32"])
    for f in [lambda: x + 2**40, lambda: x * 2**70]:
        with pytest.raises(ag.DTypeError, match="fit"):
            f()


# Fills


def test_fills_of_bools(ctx):
    same(T.zeros([2], "bool").eval(), np.zeros(2, bool))
    same(T.ones([2], bool).eval(), np.ones(2, bool))
    same(ctx.zeros([2], "bool").eval(), np.zeros(2, bool))
    same(ctx.ones([1, 2], "bool").eval(), np.ones((1, 2), bool))
    for value in [True, 1, 1.0, np.True_, np.int32(1)]:
        same(T.full([2], value, "bool").eval(), np.full(2, True))
    same(T.constant(1, "bool").eval(), np.array(True))


def test_fills_keep_every_digit(ctx):
    for n in [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]:
        same(T.full([1], n, "int64").eval(), np.full(1, n))
        same(T.full([1], np.int64(n), "int64").eval(), np.full(1, n))
        same(ctx.full([1], n, "int64").eval(), np.full(1, n))
        same(T.constant(n, "int64").eval(), np.array(n))
    same(T.full([2], 7.0, "int32").eval(), np.full(2, 7, "int32"))
    same(T.full([2], True, "int32").eval(), np.full(2, 1, "int32"))
    same(T.full([2], 3).eval(), np.full(2, 3.0))
    same(T.full([2], True).eval(), np.full(2, 1.0))


def test_a_fill_that_would_change_its_value_is_refused(ctx):
    for value, dtype in [(1.5, "int64"), (2**31, "int32"), (2.0**63, "int64"), (np.nan, "int32"), (2, "bool"), (0.5, "bool")]:
        for f in [lambda: T.full([2], value, dtype), lambda: ctx.full([2], value, dtype), lambda: T.constant(value, dtype)]:  # noqa: B023
            with pytest.raises(ag.DTypeError, match=rf"the number does not fit\. Got .*; expected a value of {dtype}\."):
                f()
    with pytest.raises(ag.ShapeError, match=r"^full: the value is not one number\. Got an array of shape \(2,\); expected a number\."):
        T.full([2], [1, 2], "int64")


# Rectifier


def test_a_rectified_integer_is_an_integer(ctx):
    for a in INTS.values():
        same(T.relu(a).eval(), np.maximum(a, 0))
    same(T.relu(np.float32([-1.0, np.nan, 2.0])).eval(), np.float32([0.0, np.nan, 2.0]))
    x = ctx.constant([-1.0, 0.0, 2.0])
    same(T.grad([T.relu(x)], [x])[0].eval(), np.array([0.0, 0.0, 1.0]))
