"""Numbers that a narrower dtype cannot hold: an error wherever a value narrows without being asked to. Rounding is none."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

MAX = float(np.finfo(np.float32).max)
# The first double that rounds to infinity in float32, and the last that does not.
OVER = 2.0**128 * (1 - 2.0**-25)
UNDER = float(np.nextafter(OVER, 0))


def test_the_border_is_numpys():
    with np.errstate(over="ignore"):
        assert np.isinf(np.float64(OVER).astype(np.float32))
        assert np.float64(UNDER).astype(np.float32) == np.float32(MAX)


LAYOUTS = {
    "contiguous": lambda a: a,
    "strided": lambda a: np.repeat(a, 2)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "transposed": lambda a: np.repeat(a, 2).reshape(-1, 2)[:, 0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 8, 512, 513, 1500])
def test_feeds(n, layout):
    fine = np.resize([1.1, -0.0, np.nan, np.inf, -np.inf, UNDER, -UNDER, 1e-320, 1e-42, 3.0], n)
    with ag.Context(dtype="float32") as ctx:
        x = ctx.placeholder("x", [-1])
        y = x + 0.0
        got = y.eval({x: LAYOUTS[layout](fine)})
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, fine.astype(np.float32) + np.float32(0))
        for at in {0, n // 2, n - 1}:
            for bad in (OVER, -1e39, np.finfo(float).max):
                a = fine.copy()
                a[at] = bad
                with pytest.raises(
                    ag.DTypeError, match=r'feed: a number does not fit\. Got -?\d.* for "x"; expected values in the range of float32\.'
                ):
                    y.eval({x: LAYOUTS[layout](a)})
        # The same through a feeder, and as the wider dtype it was.
        with pytest.raises(ag.DTypeError, match="does not fit"):
            ctx.evaluator().push(y).set_feeder(ag.Feeder().push(x, np.array([OVER]))).run()
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [-1])
        assert (x * 1.0).eval({x: np.array([OVER])}) == [OVER]


SCALARS = {
    "right": lambda ctx, x, bad: x * bad,
    "left": lambda ctx, x, bad: bad - x,
    "where": lambda ctx, x, bad: T.where(x > 0, x, bad),
    "clip": lambda ctx, x, bad: T.clip(x, 0.0, abs(bad)),
    "constant": lambda ctx, x, bad: ctx.constant(bad),
    "dtype": lambda ctx, x, bad: T.constant(bad, dtype="float32"),
    "full": lambda ctx, x, bad: ctx.full([2], bad),
}


@pytest.mark.parametrize("bad", [OVER, -1e300])
def test_scalars(bad):
    with ag.Context(dtype="float32") as ctx:
        s, x = ctx.placeholder("s", []), ctx.placeholder("x", [2])
        with pytest.raises(ag.DTypeError, match=r'feed: the number does not fit the placeholder\. Got -?\d.* for "s"; expected float32\.'):
            s.eval({s: bad})
        for f in SCALARS.values():
            with pytest.raises(ag.DTypeError, match=r"(constant|full): the number does not fit\. Got .*; expected a value of float32\."):
                f(ctx, x, bad)


def test_scalars_that_fit():
    with ag.Context(dtype="float32") as ctx:
        s, x = ctx.placeholder("s", []), ctx.placeholder("x", [2])
        assert (x * float("inf")).eval({x: np.ones(2)}).tolist() == [np.inf, np.inf]
        assert (s * 1.0).eval({s: UNDER}) == np.float32(MAX)
        assert (x * 1e-300).eval({x: np.ones(2)}).tolist() == [0.0, 0.0]


def test_set():
    env = ag.VariableEnvironment()
    w = env.name("w").set(np.ones(2, "float32"))
    b = env.name("b").set(0.5)
    for value in (1e39, T.full([3], -1e39), T.full([], OVER)):
        for slot in (env.name("b"), env.name("new"), env.slot()):
            with pytest.raises(ag.DTypeError, match=r"filled: the number does not fit\. Got .*; expected a value of float32\."):
                slot.set(value)
    # A set that fails changes nothing.
    assert (len(env), env.get(b).item(), env.names()) == (2, 0.5, [("", "w"), ("", "b")])
    assert env.name("b").set(float("inf")) == b
    assert env.get(b) == np.inf
    # An array keeps its dtype, so nothing narrows; and the only float of an environment decides for itself.
    env.name("w").set(np.array([1e39]))
    assert env.get(w).tolist() == [1e39]
    alone = ag.VariableEnvironment()
    alone.name("x").set(np.float32(1.0))
    alone.name("x").set(1e39)
    assert alone.get("x") == 1e39


def test_a_fill_that_waits_for_its_dtype():
    env = ag.VariableEnvironment()
    env.name("b").set(1e39)
    env.name("w").set(np.ones(2, "float32"))
    with pytest.raises(ag.DTypeError, match=r"filled: the number does not fit\. Got 1e39; expected a value of float32\."):
        env.get("b")
    with pytest.raises(ag.DTypeError, match="does not fit"):
        env.run(lambda ctx: ctx.variable("b").eval())
