"""Connectionist temporal classification: labels in a list, paths that are impossible, probabilities of zero, and what does not fit."""

import numpy as np
import pytest

import reference as ref
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def scores(steps, samples, classes):
    x = np.random.default_rng([steps, samples, classes]).standard_normal((steps, samples, classes))
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def test_labels_one_after_the_other():
    x, lengths = scores(5, 3, 4), np.array([2, 0, 3])
    rows = np.array([[1, 2, 3], [3, 3, 3], [2, 2, 1]])
    joined = np.array([1, 2, 2, 2, 1])
    steps = np.array([5, 4, 5])
    for reduction in ("none", "mean", "sum"):
        got = T.ctc_loss(x, joined, steps, lengths, reduction=reduction)
        np.testing.assert_allclose(got, T.ctc_loss(x, rows, steps, lengths, reduction=reduction), rtol=1e-14)
        np.testing.assert_allclose(got, ref.ctc_loss(x, rows, steps, lengths, 0, reduction, False), rtol=1e-13)
    for bad in ([2, 1, 3], [2, 0, 2]):
        with pytest.raises(
            ValueError, match=r"ctc_loss: the sum of `target_lengths` is out of range\. Got \d at position 0; expected 5 <= number <= 5"
        ):
            T.ctc_loss(x, joined, steps, np.array(bad))


@pytest.mark.parametrize("zero", [False, True])
def test_labels_that_no_path_gives(zero):
    # Three equal labels need two blanks between them: five steps.
    x, labels = scores(5, 2, 3), np.array([[1, 1, 1], [1, 1, 1]])
    with ag.Context() as ctx:
        t = ctx.constant(x)
        loss = T.ctc_loss(t, labels, [4, 5], [3, 3], reduction="none", zero_infinity=zero)
        (g,) = T.grad([loss], [t])
        (h,) = T.grad([T.reduce_sum(g * g)], [t])
        loss, g, h = ctx.eval([loss, g, h])
    assert loss[0] == (0.0 if zero else np.inf)
    assert (g[:, 0] == 0.0).all()
    assert (h[:, 0] == 0.0).all()
    # One path alone, which is in no doubt.
    np.testing.assert_allclose(loss[1], -x[np.arange(5), 1, [1, 0, 1, 0, 1]].sum(), rtol=1e-14)
    np.testing.assert_allclose(g[:, 1].sum(-1), -np.ones(5), rtol=1e-14)
    assert np.isfinite(h).all()


def test_the_gradient_of_a_long_sequence_is_a_probability():
    x = scores(60, 2, 5)
    with ag.Context() as ctx:
        t = ctx.constant(x)
        (g,) = T.grad([T.ctc_loss(t, [[1, 2, 2, 4], [3, 3, 1, 0]], [60, 31], [4, 3], reduction="sum")], [t])
        g = g.eval()
    np.testing.assert_allclose(g[:, 0].sum(-1), -1.0, rtol=1e-12)
    np.testing.assert_allclose(g[:31, 1].sum(-1), -1.0, rtol=1e-12)
    assert (g[31:, 1] == 0.0).all()
    assert (g <= 0.0).all()


def test_probabilities_of_zero():
    # A class that cannot be: its logarithm is -inf, and nothing is NaN.
    x = scores(4, 1, 3)
    x[1, 0, 2] = x[2, 0, 0] = -np.inf
    with ag.Context() as ctx:
        t = ctx.constant(x)
        loss = T.ctc_loss(t, [[1]], [4], [1], reduction="sum")
        (g,) = T.grad([loss], [t])
        loss, g = ctx.eval([loss, g])
    np.testing.assert_allclose(loss, ref.ctc_loss(x, np.array([[1]]), [4], [1], 0, "sum", False), rtol=1e-13)
    assert np.isfinite(g).all()


@pytest.mark.parametrize(
    ("labels", "steps", "lengths", "message"),
    [
        (
            [[1, 3]],
            [4],
            [2],
            r"a label is out of range\. Got 3 at position 1; expected 0 <= number <= 2, other than 0",
        ),
        ([[1, 0]], [4], [2], r"a label is out of range\. Got 0 at position 1"),
        ([[-1, 1]], [4], [2], r"a label is out of range\. Got -1 at position 0"),
        ([[1, 2]], [5], [2], r"one of `input_lengths` is out of range\. Got 5 at position 0; expected 0 <= number <= 4"),
        ([[1, 2]], [4], [3], r"one of `target_lengths` is out of range\. Got 3 at position 0; expected 0 <= number <= 2"),
        ([[1, 2]], [-1], [2], r"one of `input_lengths` is out of range\. Got -1"),
    ],
)
def test_labels_and_lengths_that_do_not_fit(labels, steps, lengths, message):
    with pytest.raises(ValueError, match=f"^ctc_loss: {message}"):
        T.ctc_loss(scores(4, 1, 3), labels, steps, lengths)
    # Behind its length a label is anything.
    assert np.isfinite(T.ctc_loss(scores(4, 1, 3), [[1, 99]], [4], [1]))
