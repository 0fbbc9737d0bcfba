"""Edges of shapes and of the environment: nothing, too much, and empty settings."""

import os
import subprocess
import sys

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

EXTREMES = {"max": (T.reduce_max, np.max), "min": (T.reduce_min, np.min)}
EMPTY = [((0, 0), 0), ((0, 0), 1), ((3, 0, 0), 1), ((0, 4, 0), (0, 1)), ((2, 0, 3, 0), (1,)), ((0, 3), 1), ((3, 0), 0)]
NOTHING = [((0,), None), ((0, 3), 0), ((3, 0), 1), ((3, 0), None), ((0, 0), None), ((2, 0, 3), (1, 2))]


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_an_empty_result_of_an_empty_axis(ctx, name, keepdims):
    f, _ = EXTREMES[name]
    for shape, axis in EMPTY:
        a = np.zeros(shape)
        expected = np.sum(a, axis=axis, keepdims=keepdims)
        x = ctx.placeholder(f"{shape} {axis}", [None] * a.ndim)
        known = ctx.constant(a)
        assert f(known, axis, keepdims).eval().shape == expected.shape
        assert f(x, axis, keepdims).eval({x: a}).shape == expected.shape
        assert T.grad([f(known, axis, keepdims)], [known])[0].eval().shape == shape
        assert T.grad([f(x, axis, keepdims)], [x])[0].eval({x: a}).shape == shape


@pytest.mark.parametrize("name", EXTREMES)
def test_a_value_over_nothing_is_still_an_error(ctx, name):
    f, numpy = EXTREMES[name]
    for shape, axis in NOTHING:
        a = np.zeros(shape)
        with pytest.raises(ValueError, match="zero-size"):
            numpy(a, axis=axis)
        x = ctx.placeholder(f"{shape} {axis}", [None] * a.ndim)
        with pytest.raises(ag.ShapeError, match=rf"^reduce_{name}: there is no value over no elements\."):
            f(a, axis)
        with pytest.raises(ag.ShapeError, match=rf"^reduce_{name}: there is no value over no elements\."):
            f(x, axis).eval({x: a})


def test_empty_places_of_extremes(ctx):
    a = np.zeros((0, 0))
    assert T.argmax(a, 1).eval().shape == (0,)
    assert [t.shape for t in ctx.eval(T.max_with_index(a, 1))] == [(0,), (0,)]
    for f in [lambda: T.argmax(np.zeros((2, 0)), 1), lambda: T.max_with_index(np.zeros((2, 0)), 1)]:
        with pytest.raises(ag.ShapeError, match=r"there is no value over no elements\. Got shape \(2, 0\)"):
            f()


def test_a_joined_length_that_cannot_be_counted(ctx):
    big = T.zeros([2**62])
    for parts in [[big] * 2, [big] * 4, [big, T.zeros([2**62]), T.zeros([1])]]:
        with pytest.raises(ag.ShapeError, match=r"^concat: the array is too large\."):
            T.concat(parts)
    x = ctx.placeholder("x", [None])
    with pytest.raises((ag.ShapeError, MemoryError)):
        T.concat([x, big, big, big, big]).eval({x: np.ones(1)})


def started(isa):
    code = "import scirs2_autograd as ag\nwith ag.Context(): print(ag.tensor_ops.constant(2.0).eval())"
    env = {**os.environ, "SCIRS2_AUTOGRAD_ISA": isa}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def test_an_empty_instruction_set_is_as_if_unset():
    done = started("")
    assert (done.returncode, done.stdout) == (0, "2.0\n"), done.stderr
    done = started("sse9")
    assert done.returncode != 0
    assert 'not an instruction set. Got "sse9"' in done.stderr


# Further outputs


def test_a_second_output_is_assigned():
    env = ag.VariableEnvironment()
    env.name("at").set(np.zeros(2, "int64"))
    env.name("b").set(np.zeros(3))
    env.name("c").set(np.zeros(3))
    with ag.Context(env) as ctx:
        x = ctx.placeholder("x", [2, 3])
        at, b, c = ctx.variable("at"), ctx.variable("b"), ctx.variable("c")
        both = ag.custom_op(
            lambda a: (a.sum(axis=0), a.max(axis=0)),
            infer=lambda a: [((3,), a[1]), ((3,), a[1])],
        )(x)
        parts = T.cond(x[0, 0] > 0.0, lambda: (x[0], x[1]), lambda: (x[1], x[0]))
        places = T.max_with_index(x)[1]
        writes = [T.assign(at, places), T.assign(b, both[1]), T.assign(c, parts[1])]
        a = np.array([[1.0, 5.0, 2.0], [9.0, 3.0, 4.0]])
        out = ctx.eval([*writes, places + 1], {x: a})
        for found, expected in zip(out, [[1, 0], [9.0, 5.0, 4.0], a[1], [2, 1]], strict=True):
            np.testing.assert_array_equal(found, expected)
    for name, expected in [("at", [1, 0]), ("b", [9.0, 5.0, 4.0]), ("c", a[1])]:
        np.testing.assert_array_equal(env.get(name), expected)
