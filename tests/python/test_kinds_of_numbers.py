"""What is NaN, infinite, finite or negative, for all dtypes, and what stands in place of it."""

import numpy as np
import pytest

from scirs2_autograd import tensor_ops as T

ARRAYS = {
    "bool": np.array([True, False]),
    "int32": np.array([-(2**31), -1, 0, 5], "int32"),
    "int64": np.array([-(2**63), -1, 0, 5]),
    "float32": np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, -1e-45, 3e38], "float32"),
    "float64": np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, -5e-324, 1e308]),
}


@pytest.mark.parametrize("dtype", ARRAYS)
@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit", "nan_to_num"])
def test_kinds(ctx, name, dtype):
    a = ARRAYS[dtype]
    x = ctx.placeholder("x", a.shape, dtype)
    got, want = getattr(T, name)(x).eval({x: a}), getattr(np, name)(a)
    # What the sign of a NaN is, nobody promises.
    keep = slice(2, None) if name == "signbit" and a.dtype.kind == "f" else slice(None)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got[keep], want[keep])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_stands_in_place(ctx, dtype):
    a = ARRAYS[dtype]
    x, p = ctx.placeholder("x", a.shape, dtype), ctx.placeholder("p", [], dtype)
    for given in {"nan": 7.0}, {"posinf": 1.0}, {"neginf": -2}, {"nan": 1, "posinf": 2, "neginf": 3}:
        got = T.nan_to_num(x, **given).eval({x: a})
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, np.nan_to_num(a, **given))
    by_x, by_p = T.grad([T.nan_to_num(x, nan=p, posinf=3.0 * p)], [x, p])
    np.testing.assert_array_equal(by_x.eval({x: a, p: 1.0}), np.isfinite(a))
    assert by_p.eval({x: a, p: 1.0}) == 2 + 3


def test_a_maximum_beside_nan(ctx):
    a, b = np.array([np.nan, 1.0, np.nan, 2.0, 3.0]), np.array([1.0, np.nan, np.nan, 2.0, 1.0])
    x, y = ctx.constant(a), ctx.constant(b)
    for f, numpy, slopes in (
        (T.fmax, np.fmax, ([0, 1, 0, 0.5, 1], [1, 0, 1, 0.5, 0])),
        (T.fmin, np.fmin, ([0, 1, 0, 0.5, 0], [1, 0, 1, 0.5, 1])),
    ):
        np.testing.assert_array_equal(f(x, y).eval(), numpy(a, b))
        for g, slope in zip(T.grad([f(x, y)], [x, y]), slopes, strict=True):
            assert g.eval().tolist() == slope
    np.testing.assert_array_equal(T.fmax(np.array([1, 5]), 3).eval(), [3, 5])


@pytest.mark.parametrize("number", [0.25, 2, -1, True, False, 0, 0.0, -0.0, float("nan"), float("inf")])
def test_a_number_is_true_where_it_is_not_zero(ctx, number):
    """Wherever an operation takes a mask."""
    values = {"float64": np.array([0.0, -0.5, np.nan]), "int64": np.array([0, 2, -1]), "bool": np.array([False, True, True])}
    for dtype, a in values.items():
        t = ctx.placeholder(dtype, [3], dtype=dtype)
        for name in "logical_and", "logical_or", "logical_xor":
            ours, theirs = getattr(T, name), getattr(np, name)
            np.testing.assert_array_equal(ours(number, t).eval({t: a}), theirs(number, a))
            np.testing.assert_array_equal(ours(t, number).eval({t: a}), theirs(a, number))
        for f in "sum", "any", "all":
            np.testing.assert_array_equal(getattr(T, f)(t, where=number).eval({t: a}), getattr(np, f)(a, where=bool(number)))
        np.testing.assert_array_equal(T.where(number, t, 7).eval({t: a}), np.where(number, a, 7))
        np.testing.assert_array_equal(T.logical_not(number).eval(), np.logical_not(number))
