"""Jacobians: how many rows there are, known when the graph is built or checked when it runs."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def test_all_rows_where_the_length_is_known():
    a = np.array([1.0, 2.0, 3.0])
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [3])
        (j,) = T.jacobians(T.sin(x) * x[0], [x])
        expected = np.diag(np.cos(a) * a[0])
        expected[:, 0] += np.sin(a)
        np.testing.assert_allclose(j.eval({x: a}), expected, rtol=1e-15)
        (j,) = T.jacobians(x * x, [x], y_len=2)
        np.testing.assert_array_equal(j.eval({x: a}), np.diag(2 * a)[:2])
        (j,) = T.jacobians(x, [x], 0)
        assert j.eval({x: a}).shape == (0, 3)


@pytest.mark.parametrize("f", [lambda x: T.exp(x), lambda x: 3.0 * x, lambda x: x[::-1]], ids=["exp", "linear", "reversed"])
def test_a_length_of_the_run(f):
    with ag.Context() as ctx:
        x, other = ctx.placeholder("x", [-1]), ctx.placeholder("other", [2])
        with pytest.raises(ag.ShapeError, match=r"jacobians: the length of y is not known before the run\. Got shape .*; expected y_len\."):
            T.jacobians(f(x), [x])
        y = f(x)
        n = len(y.eval({x: np.ones(3)}))
        jx, jo = T.jacobians(y, [x, other], n)
        assert jx.eval({x: np.ones(3)}).shape == (n, 3)
        assert jo.eval({x: np.ones(3), other: np.ones(2)}).tolist() == [[0.0, 0.0]] * n
        for j in (jx, jo):
            with pytest.raises(ag.ShapeError, match="jacobians: there are not so many elements"):
                j.eval({x: np.ones(2), other: np.ones(2)})


def test_numbers_of_rows_that_cannot_be(ctx):
    x, free = ctx.placeholder("x", [3]), ctx.placeholder("free", [-1])
    with pytest.raises(ag.ShapeError, match=r"jacobians: the number of rows is negative\. Got y_len=-1; expected y_len >= 0\."):
        T.jacobians(x, [x], -1)
    with pytest.raises(ag.ShapeError, match=r"jacobians: there are too many rows\."):
        T.jacobians(free, [free], 2**62)
    with pytest.raises(TypeError):
        T.jacobians(x, [x], 1.5)


def test_a_product_with_a_hessian_depends_on_its_vector():
    """H(x) v by v gives H(x); by x it counts the vector's own dependence on x once, as that of a cotangent."""
    a, w = np.array([0.5, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    with ag.Context() as ctx:
        x, v = ctx.placeholder("x", [3]), ctx.placeholder("v", [3])
        loss = (x * x * x).sum() * x[0]
        (product,) = T._hessian_vector_product([loss], [x], [v])
        (by_v,) = T.jacobians(product, [v])
        (hessian,) = T.jacobians(T.grad([loss], [x])[0], [x])
        np.testing.assert_allclose(*ctx.eval([by_v, hessian], {x: a, v: w}), rtol=1e-13)
        (of_itself,) = T._hessian_vector_product([loss], [x], [T.sin(x)])
        np.testing.assert_allclose(*ctx.eval([of_itself, hessian @ T.sin(x)], {x: a}), rtol=1e-13)
        (slope,) = T.grad([of_itself.sum()], [x])
        h = 1e-6
        steps = [(of_itself.eval({x: a + h * e}).sum() - of_itself.eval({x: a - h * e}).sum()) / (2 * h) for e in np.eye(3)]
        np.testing.assert_allclose(slope.eval({x: a}), steps, rtol=1e-7)
