"""Convolution and pooling against their definition over a grid of shapes, and in the corners where others were wrong."""

import itertools

import numpy as np
import pytest

import scirs2_autograd as ag
import window_reference as ref
from scirs2_autograd import tensor_ops as T

RNG = np.random.default_rng(14)


def draw(*shape):
    return RNG.standard_normal(shape)


def value(f, *xs):
    with ag.Context() as ctx:
        return f(*[ctx.constant(x) for x in xs]).eval()


def gradients(f, xs, seed):
    """Those of `sum(f(*xs) * seed)`."""
    return ag.grad(lambda *xs: T.reduce_sum(f(*xs) * seed), argnums=tuple(range(len(xs))))(*xs)


GRID = [
    (n, stride, pad, dilation, groups, kernel)
    for n in (1, 2, 3)
    for stride, pad, dilation, groups, kernel in itertools.product((1, 2, 3), ((0, 0), (1, 2), (3, 0)), (1, 2), (1, 2, 4), (1, 2, 3))
]


@pytest.mark.parametrize(("n", "stride", "pad", "dilation", "groups", "kernel"), GRID)
def test_convolution_and_its_adjoints(n, stride, pad, dilation, groups, kernel):
    lengths = [7, 6, 5][:n]
    if dilation * (kernel - 1) + 1 > min(lengths) + sum(pad):
        pytest.skip("the window is larger than the padded array")
    x, w, b = draw(2, 4, *lengths), draw(8, 4 // groups, *[kernel] * n), draw(8)
    pads = [pad, *[(1, 1)] * (n - 1)]
    options = {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}
    conv, transpose = getattr(T, f"conv{n}d"), getattr(T, f"conv_transpose{n}d")
    expected = ref.conv(n, x, w, b, stride, pads, dilation, groups)
    np.testing.assert_allclose(value(lambda *a: conv(*a, **options), x, w, b), expected, rtol=1e-12, atol=1e-12)
    g = draw(*expected.shape)
    dx, dw, db = gradients(lambda *a: conv(*a, **options), (x, w, b), g)
    np.testing.assert_allclose(dx, ref.convolve_input(g, w, x, stride, pads, dilation, groups), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dw, ref.convolve_weight(x, g, w, stride, pads, dilation, groups), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(db, g.sum((0, *range(2, n + 2))), rtol=1e-12, atol=1e-12)
    # The transposed convolution is the adjoint: <conv(x), g> = <x, transpose(g)>, for the elements that the windows reach.
    rest = [(m + sum(p) - dilation * (kernel - 1) - 1) % stride for m, p in zip(lengths, pads, strict=True)]
    back = value(lambda g, w: transpose(g, w, **options, output_padding=rest), g, w)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.vdot(back, x), np.vdot(expected - b.reshape(-1, *[1] * n), g), rtol=1e-9)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_same_keeps_the_length(kernel):
    for dilation in 1, 2:
        x, w = draw(1, 2, 9), draw(3, 2, kernel)
        y = value(lambda x, w, d=dilation: T.conv1d(x, w, padding="same", dilation=d), x, w)
        np.testing.assert_allclose(y, ref.conv(1, x, w, None, 1, "same", dilation, 1), atol=1e-12)
        assert y.shape == (1, 3, 9)


def test_a_window_as_large_as_the_padded_array():
    x, w = draw(2, 3, 4, 4), draw(5, 3, 6, 6)
    y = value(lambda x, w: T.conv2d(x, w, padding=1), x, w)
    assert y.shape == (2, 5, 1, 1)
    np.testing.assert_allclose(y, ref.conv(2, x, w, None, 1, 1, 1, 1), atol=1e-12)


def test_nothing_in_a_batch():
    for n in 1, 2, 3:
        x, w = np.ones((0, 2, *[5] * n)), np.ones((3, 2, *[2] * n))
        dx, dw = gradients(getattr(T, f"conv{n}d"), (x, w), np.ones((0, 3, *[4] * n)))
        assert dx.shape == x.shape
        assert (dw == 0).all()
        assert dw.shape == w.shape
        assert value(lambda x, n=n: getattr(T, f"max_pool{n}d")(x, 2), x).shape == (0, 2, *[2] * n)
        assert value(lambda x, n=n: getattr(T, f"avg_pool{n}d")(x, 2), x).shape == (0, 2, *[2] * n)


def test_no_channels_give_zeros():
    y = value(T.conv1d, np.ones((2, 0, 5)), np.ones((3, 0, 2)))
    assert y.shape == (2, 3, 4)
    assert (y == 0).all()


def test_lengths_that_a_feed_decides():
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [-1, 3, -1, -1])
        w = ctx.constant(draw(4, 3, 3, 3))
        y = T.conv2d(x, w, stride=2, padding=1)
        z = T.avg_pool2d(T.max_pool2d(y, 2, stride=1), 2, padding=1, ceil_mode=True, count_include_pad=False)
        gx, gw = T.grad([z * z], [x, w])
        for shape in (2, 3, 9, 8), (1, 3, 12, 7), (2, 3, 9, 8):
            a = draw(*shape)
            got = ctx.eval([z, gx, gw], {x: a})
            assert got[1].shape == shape
            assert got[2].shape == (4, 3, 3, 3)

            # The same with lengths that are known.
            def f(a, b):
                y = T.conv2d(a, b, stride=2, padding=1)
                return T.avg_pool2d(T.max_pool2d(y, 2, stride=1), 2, padding=1, ceil_mode=True, count_include_pad=False)

            expected = ag.grad(lambda a, b: T.reduce_sum(f(a, b) ** 2), argnums=(0, 1))(a, w.eval())
            np.testing.assert_array_equal(got[1], expected[0])
            np.testing.assert_array_equal(got[2], expected[1])


def test_nan_and_infinities_in_pooling():
    x = np.array([[[np.nan, 1.0, -np.inf, -np.inf, 3.0, np.inf, 2.0, np.nan]]])
    y, index = value(lambda x: T.stack([T.cast(t, "float64") for t in T.max_pool1d_with_indices(x, 2)], 0), x)
    np.testing.assert_array_equal(y, [[[np.nan, -np.inf, np.inf, np.nan]]])
    np.testing.assert_array_equal(index, [[[0, 2, 5, 7]]])
    # Beside the array stands nothing, however small its elements are.
    assert value(lambda x: T.max_pool1d(x, 2, stride=2, padding=1), np.full((1, 1, 3), -np.inf)).tolist() == [[[-np.inf, -np.inf]]]
    assert value(lambda x: T.max_pool1d(x, 3, padding=1), np.full((1, 1, 4), -5.0)).tolist() == [[[-5.0, -5.0]]]


def test_of_equal_elements_the_first_gets_the_gradient():
    x = np.ones((1, 1, 4, 4))
    (g,) = gradients(lambda x: T.max_pool2d(x, 3, stride=1), (x,), np.array([[[[1.0, 2.0], [4.0, 8.0]]]]))
    expected = np.zeros((4, 4))
    expected[:2, :2] = [[1, 2], [4, 8]]
    np.testing.assert_array_equal(g[0, 0], expected)


def test_a_last_window_that_would_begin_in_the_padding_does_not_exist():
    for n, k, s, p in itertools.product(range(1, 9), (1, 2, 3), (1, 2, 3), (0, 1)):
        if p > k // 2 or n + 2 * p < k:
            continue
        x = draw(1, 1, n)
        for ceil in False, True:
            got = value(lambda x, k=k, s=s, p=p, ceil=ceil: T.max_pool1d(x, k, s, p, ceil_mode=ceil), x)
            np.testing.assert_array_equal(got, ref.max_pool(1, x, k, s, p, 1, ceil))
            for around in False, True:
                got = value(lambda x, k=k, s=s, p=p, c=ceil, a=around: T.avg_pool1d(x, k, s, p, c, a), x)
                np.testing.assert_allclose(got, ref.avg_pool(1, x, k, s, p, ceil, around, None), rtol=1e-14)


def test_integers_in_max_pooling():
    x = np.array([[[3, 1, 7, 7, -2, 0]]])
    y = value(lambda x: T.max_pool1d(x, 2), x)
    assert y.dtype == np.int64
    assert y.tolist() == [[[3, 7, 0]]]


def test_padding_has_several_forms():
    x, w = draw(1, 2, 5, 5), draw(3, 2, 3, 3)
    same = [value(lambda x, w, p=p: T.conv2d(x, w, padding=p), x, w) for p in (1, (1, 1), [(1, 1), (1, 1)], "same")]
    for y in same:
        np.testing.assert_array_equal(y, same[0])
    assert value(lambda x, w: T.conv2d(x, w, padding="valid"), x, w).shape == (1, 3, 3, 3)
    with pytest.raises(ValueError, match=r'conv2d: padding is unknown. Got \'sane\'; expected "same" or "valid".\nhelp: write "same"'):
        value(lambda x, w: T.conv2d(x, w, padding="sane"), x, w)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_second_order_in_images_and_filters(n):
    """`d/dw <u, d/dx f>` against differences, for a function that is not linear."""
    x, w = draw(2, 2, *[4] * n), draw(2, 2, *[2] * n)
    u, v = draw(*x.shape), draw(*w.shape)

    def mixed(w):
        return np.vdot(u, ag.grad(lambda x, w: T.reduce_sum(T.tanh(getattr(T, f"conv{n}d")(x, w, stride=2, padding=1))))(x, w))

    def directional(x, w):
        with ag.Context() as ctx:
            a, b = ctx.constant(x), ctx.constant(w)
            loss = T.reduce_sum(T.tanh(getattr(T, f"conv{n}d")(a, b, stride=2, padding=1)))
            (ga,) = T.grad([loss], [a])
            (gb,) = T.grad([T.reduce_sum(ga * u)], [b])
            return gb.eval()

    h = 1e-5
    expected = (mixed(w + h * v) - mixed(w - h * v)) / (2 * h)
    np.testing.assert_allclose(np.vdot(directional(x, w), v), expected, rtol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_indices_on_demand(n):
    x = np.random.default_rng(n).permutation(2 * 3 * 7**n).reshape(2, 3, *[7] * n) * 1.0
    for name, args in ((f"max_pool{n}d", (2, 2)), (f"adaptive_max_pool{n}d", (3,))):
        f = getattr(T, name)
        values, indices = f(x, *args, return_indices=True)
        for got, expected in zip((values, indices), getattr(T, f"{name}_with_indices")(x, *args), strict=True):
            np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(values, f(x, *args))
        flat = x.reshape(2, 3, -1)
        np.testing.assert_array_equal(np.take_along_axis(flat, indices.reshape(2, 3, -1), -1), np.reshape(values, (2, 3, -1)))
