"""A tensor made from numbers is a tensor of its own; branches that are not taken leave nothing in gradients."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

MAKE = {
    "number": lambda v: T.constant(v),
    "float64 scalar": lambda v: T.constant(np.float64(v)),
    "0-d array": lambda v: T.constant(np.array(v)),
    "list": lambda v: T.constant([v, v]),
    "array": lambda v: T.constant(np.full(2, v)),
    "context": lambda v: ag.current_context().constant(v),
    "full": lambda v: T.full([2], v),
    "zeros": lambda v: T.zeros([2]) if v == 0 else T.ones([2]),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize("value", [0.0, 1.0, 2.0, 3.0])
def test_equal_numbers_are_two_tensors(make, value):
    with ag.Context() as ctx:
        a, b = make(value), make(value)
        assert a is not b
        own = float(np.ravel(a.eval())[0])
        for g, expected in zip(T.grad([2 * a + 3 + 5.0 * b + b**3], [a, b]), [2.0, 5.0 + 3.0 * own**2], strict=True):
            np.testing.assert_array_equal(g.eval(), np.full(np.shape(a.eval()), expected))
        del ctx


def test_identity_makes_a_second_tensor_of_an_expression():
    with ag.Context():
        x = T.constant(3.0)
        a, b = T.identity(x * x), T.identity(x * x)
        assert [float(g.eval()) for g in T.grad([a * 2.0 + b], [a, b, x])] == [2.0, 1.0, 18.0]


def test_masks_reach_through_broadcasts_reductions_products_and_parts():
    with ag.Context():
        x = T.constant([0.0, 4.0])
        (g,) = T.grad([T.where(np.zeros((3, 2), bool), T.sqrt(x), 1.0).sum()], [x])
        np.testing.assert_array_equal(g.eval(), [0.0, 0.0])
        zero = T.constant([0.0, 0.0])
        s = (zero * zero).sum()
        (g,) = T.grad([T.where(s > 1, zero / T.sqrt(s), zero).sum()], [zero])
        np.testing.assert_array_equal(g.eval(), [1.0, 1.0])
        a = T.constant(1.0)
        (g,) = T.grad([T.sqrt(np.array([4.0, 0.0]) * a)[0]], [a])
        assert float(g.eval()) == 1.0
        rows = T.constant([[0.0, 1.0], [np.nan, 2.0]])
        (g,) = T.grad([T.where(np.array([[True], [False]]), T.softmax(rows), 0.5)[:, 0].sum()], [rows])
        np.testing.assert_array_equal(g.eval()[1], [0.0, 0.0])
        assert np.isfinite(g.eval()).all()
