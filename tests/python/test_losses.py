"""Losses and distances where samples do not lead: huge logits, rows of -inf, samples that do not count, labels that are none, equal
points, and the values that theory fixes."""

import re

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

REDUCTIONS = ["none", "mean", "sum"]


def value_and_gradient(f, *xs):
    with ag.Context() as ctx:
        ts = [ctx.constant(np.asarray(x, float)) for x in xs]
        y = f(*ts)
        return ctx.eval([y, *T.grad([y], ts)])


# Huge logits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_far_apart(dtype):
    x = np.array([[1e4, 0.0, -1e4], [0.0, 1e4, 1e4]], dtype)
    with ag.Context(dtype=dtype) as ctx:
        p = ctx.constant(x)
        y = T.cross_entropy(p, [1, 0], reduction="none")
        got, g = ctx.eval([y, T.grad([y], [p])[0]])
    np.testing.assert_allclose(got, [1e4, 1e4 + np.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(g, [[1, -1, 0], [-1, 0.5, 0.5]])


@pytest.mark.parametrize("pos_weight", [None, 1.0])
def test_binary_cross_entropy_of_huge_logits(pos_weight):
    def loss(x):
        return T.bce_with_logits(x, [0.0, 1.0, 0.0, 1.0], pos_weight=pos_weight, reduction="none")

    y, g = value_and_gradient(loss, [-1e3, -1e3, 1e3, 1e3])
    np.testing.assert_array_equal(y, [0, 1e3, 1e3, 0])
    np.testing.assert_array_equal(g, [0, -1, 1, 0])


def test_binary_cross_entropy_of_small_probabilities_and_of_certain_ones():
    y, g = value_and_gradient(lambda x: T.binary_cross_entropy(x, [0.0, 1.0, 1.0, 0.0], reduction="none"), [1e-20, 1e-20, 0.0, 1.0])
    np.testing.assert_allclose(y, [1e-20, -np.log(1e-20), 100, 100], rtol=1e-15)
    np.testing.assert_allclose(g, [1, -1e20, 0, 0], rtol=1e-15)


def test_log_cosh_of_small_and_of_huge_differences():
    y, g = value_and_gradient(lambda x: T.log_cosh_loss(x, 0.0, reduction="none"), [1e-150, -1e-5, 1e300])
    np.testing.assert_allclose(y, [5e-301, 1e-10 / 2 - 1e-20 / 12, 1e300], rtol=1e-15)
    np.testing.assert_allclose(g, [1e-150, -np.tanh(1e-5), 1], rtol=1e-15)


# What does not count


def test_a_sample_that_is_ignored_leaves_nothing():
    """Not even if all its logits are -inf, and its label is none."""
    x = [[0.0, 1.0, 2.0], [-np.inf] * 3, [3.0, 1.0, 0.0]]
    for loss in T.cross_entropy, T.nll_loss:
        for ignored in -100, 7:
            y, g = value_and_gradient(lambda x, loss=loss, i=ignored: loss(x, [2, i, 0], ignore_index=i), x)
            kept, g_kept = value_and_gradient(lambda x, loss=loss: loss(x, [2, 0]), [x[0], x[2]])
            np.testing.assert_allclose(y, kept, rtol=1e-15)
            np.testing.assert_allclose(g, [g_kept[0], [0, 0, 0], g_kept[1]], rtol=1e-15)


def test_a_class_that_cannot_be():
    """A logit of -inf adds nothing for the other labels, and the loss is infinite where it is the label's."""
    x = [[0.0, 0.0, -np.inf], [0.0, 0.0, -np.inf]]
    y, g = value_and_gradient(lambda x: T.cross_entropy(x, [0, 2], reduction="none"), x)
    np.testing.assert_allclose(y, [np.log(2), np.inf])
    np.testing.assert_allclose(g[0], [-0.5, 0.5, 0])
    y, _ = value_and_gradient(lambda x: T.cross_entropy(x, [[0.5, 0.5, 0.0]] * 2), x)
    np.testing.assert_allclose(y, np.log(2))


def test_nothing_that_counts_has_no_mean():
    y, _ = value_and_gradient(lambda x: T.cross_entropy(x, [-100, -100]), np.zeros((2, 3)))
    assert np.isnan(y)
    y, g = value_and_gradient(lambda x: T.cross_entropy(x, [-100, -100], reduction="sum"), np.zeros((2, 3)))
    assert y == 0
    np.testing.assert_array_equal(g, np.zeros((2, 3)))


# Labels


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.float32, np.float64])
def test_labels_of_any_dtype(kind):
    labels = np.array([2, 0], kind)
    y, _ = value_and_gradient(lambda x: T.cross_entropy(x, labels), [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(y, np.log(3))


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (3, "Got 3 at position 1; expected 0 <= label < 3."),
        (-1, "Got -1 at position 1; expected 0 <= label < 3."),
        (np.nan, "Got NaN at position 1; expected 0 <= label < 3."),
        (0.5, "Got 0.5 at position 1; expected 0 <= label < 3."),
    ],
)
@pytest.mark.parametrize("loss", [T.cross_entropy, T.nll_loss, T.multi_margin_loss])
def test_a_label_that_is_no_class(loss, label, found):
    with ag.Context() as ctx:
        x = ctx.constant(np.zeros((2, 3)))
        with pytest.raises(ValueError, match="label is ") as e:
            loss(x, np.array([0, label])).eval()
        text = str(e.value).split("\n")[0]
        assert text.startswith(f"{loss.__name__}: label is ")
        assert text.endswith(found)


def test_a_probability_that_is_none():
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [2])
        y = T.binary_cross_entropy(x, [0.0, 1.0])
        for bad in (1.5, -0.1, np.nan):
            with pytest.raises(
                ValueError, match=r"^binary_cross_entropy_loss: a value is out of range\. Got .*at position 1; expected 0 <= p <= 1"
            ):
                y.eval({x: np.array([0.5, bad])})


def test_numbers_that_are_out_of_range():
    with ag.Context() as ctx:
        x = ctx.constant(np.zeros(2))
        for f, text in [
            (lambda: T.huber_loss(x, x, delta=0.0), "huber_loss: a value is out of range. Got 0; expected a number > 0."),
            (lambda: T.smooth_l1_loss(x, x, beta=-1.0), "smooth_l1_loss: a value is out of range. Got -1; expected a number >= 0."),
            (lambda: T.softshrink(x, -1.0), "softshrink: a value is out of range. Got -1; expected a number >= 0."),
            (
                lambda: T.cross_entropy(x, 0, label_smoothing=1.5),
                "cross_entropy_loss: a value is out of range. Got 1.5; expected 0 <= p <= 1.",
            ),
            (
                lambda: T.gaussian_nll_loss(x, x, np.array([1.0, -1.0])).eval(),
                "gaussian_nll_loss: a value is out of range. Got -1.0 at position 1; expected a number >= 0.",
            ),
        ]:
            with pytest.raises(ValueError, match=re.escape(text)):
                f()


# Equal points


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, np.inf])
def test_equal_points_have_a_gradient_of_0(p):
    points = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 5.0]])
    for f, xs in [
        (lambda a, b: T.cdist(a, b, p), (points, points)),
        (lambda a: T.pdist(a, p), (points,)),
        (lambda a, b: T.pairwise_distance(a, b, p, 0.0), (points, points)) if p else (T.dist, (points, points)),
        (lambda a, b: T.dist(a, b, p), (points, points)),
    ]:
        with ag.Context() as ctx:
            ts = [ctx.constant(x) for x in xs]
            y = f(*ts)
            g = T.grad([y], ts)
            second = T.grad([T.sum(v) for v in g], ts)
            for v in ctx.eval([y, *g, *second]):
                assert np.all(np.isfinite(v))
    _, g = value_and_gradient(lambda a: T.cdist(a, points[:1], p), points[:2])
    np.testing.assert_array_equal(g, np.zeros((2, 2)))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, np.inf])
def test_distances_of_every_order(p):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 3, 4)), rng.normal(size=(5, 2, 4))
    want = np.linalg.vector_norm(a[..., :, None, :] - b[..., None, :, :], ord=p, axis=-1)
    y, *_ = value_and_gradient(lambda a, b: T.cdist(a, b, p), a, b)
    np.testing.assert_allclose(y, want, rtol=1e-13)
    x = a[0, 0]
    y, _ = value_and_gradient(lambda x: T.pdist(x, p), x)
    np.testing.assert_allclose(y, np.linalg.vector_norm(x[:, None] - x, ord=p, axis=-1)[np.triu_indices(3, 1)], rtol=1e-13)


def test_a_negative_order():
    y, *_ = value_and_gradient(lambda a, b: T.pairwise_distance(a, b, -1.0, 0.0), [[3.0, 6.0]], [[0.0, 0.0]])
    np.testing.assert_allclose(y, [2.0])


def test_cosines_of_vectors_that_are_huge_tiny_or_zero():
    a = np.array([[1e200, 0.0], [1e-3, 1e-3], [0.0, 0.0]])
    y, *_ = value_and_gradient(lambda a, b: T.cosine_similarity(a, b), a, [[1e200, 1e200]] * 3)
    np.testing.assert_allclose(y, [0.5**0.5, 1.0, 0.0], rtol=1e-15)
    y, *_ = value_and_gradient(lambda a, b: T.cosine_embedding_loss(a, b, [1, 1, 1], reduction="none"), a, [[1e200, 1e200]] * 3)
    np.testing.assert_allclose(y, [1 - 0.5**0.5, 0.0, 1.0], atol=1e-6)


# What theory fixes


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_is_nll_of_log_softmax_and_of_its_own_distribution(reduction):
    rng = np.random.default_rng(1)
    x, labels, weight = rng.normal(size=(5, 4, 3)), rng.integers(0, 4, (5, 3)), rng.uniform(0.5, 2, 4)
    whole = value_and_gradient(lambda x: T.cross_entropy(x, labels, weight=weight, reduction=reduction), x)
    parts = value_and_gradient(lambda x: T.nll_loss(T.log_softmax(x, 1), labels, weight=weight, reduction=reduction), x)
    np.testing.assert_allclose(whole[0], parts[0], rtol=1e-13)
    np.testing.assert_allclose(whole[1], parts[1], rtol=1e-12, atol=1e-15)
    hot = np.moveaxis(np.eye(4)[labels], -1, 1)
    smooth = {"weight": weight, "label_smoothing": 0.25, "reduction": reduction}
    if reduction != "mean":
        by_labels = value_and_gradient(lambda x: T.cross_entropy(x, labels, **smooth), x)
        by_distribution = value_and_gradient(lambda x: T.cross_entropy(x, hot, **smooth), x)
        np.testing.assert_allclose(by_labels[0], by_distribution[0], rtol=1e-13)


def test_a_single_target_may_be_a_number():
    assert value_and_gradient(lambda x: T.mse_loss(x, 1.0), [1.0, 3.0])[0] == 2.0
    assert value_and_gradient(lambda x: T.nll_loss(x, 1), [-1.0, -3.0])[0] == 3.0


@pytest.mark.parametrize(
    "name", ["mse", "l1", "huber", "smooth_l1", "gaussian_nll", "poisson_nll", "hinge_embedding", "binary_cross_entropy"]
)
def test_targets_have_gradients(name):
    extra = ([0.5],) if name == "gaussian_nll" else ()
    got = value_and_gradient(lambda x, t: getattr(T, name)(x, t, *extra), [0.25], [0.75])
    assert np.all(np.isfinite(got[2]))
    assert np.any(got[2] != 0) == (name != "hinge_embedding")


def test_variances_below_eps_are_taken_as_eps_and_keep_their_gradient():
    y, _, g = value_and_gradient(lambda x, v: T.gaussian_nll_loss(x, 0.0, v, eps=0.5, reduction="none"), [1.0, 1.0], [0.0, 0.5])
    np.testing.assert_array_equal(y[0], y[1])
    np.testing.assert_array_equal(g[0], g[1])
    assert g[0] == 0.5 * (1 / 0.5 - 1 / 0.25)


def test_hardshrink_with_a_negative_bound_changes_nothing():
    y, g = value_and_gradient(lambda x: T.hardshrink(x, -0.5), [-1.0, 0.0, 0.25])
    np.testing.assert_array_equal(y, [-1.0, 0.0, 0.25])
    np.testing.assert_array_equal(g, [1, 1, 1])


def test_a_value_that_is_no_number_stays_none():
    for f in (T.relu6, T.celu, T.selu, T.hard_sigmoid, T.hard_swish, T.softshrink, T.hardshrink, T.mish, T.softsign, T.tanhshrink):
        assert np.isnan(value_and_gradient(f, np.nan)[0])
    assert np.isnan(value_and_gradient(lambda x: T.threshold(x, 1.0, 2.0), np.nan)[0])
    assert np.isnan(value_and_gradient(lambda x: T.gelu(x, approximate="tanh"), np.nan)[0])
