"""Indexing means what NumPy means: random index tuples, as values and as gradients."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def compare(ctx, a, index, free=False):
    """`x[index]` and the gradient of a weighted sum of it, against NumPy. Both refuse, or neither."""
    x = ctx.placeholder(f"x{len(ctx)}", [None if free else n for n in a.shape])
    try:
        want = a[index]
    except IndexError:
        with pytest.raises((ag.ShapeError, ValueError)):
            x[index].eval({x: a})
        return False
    y = x[index]
    if not free:
        assert y.shape == want.shape
    weights = np.cos(np.arange(want.size, dtype=float)).reshape(want.shape)
    (g,) = T.grad([(y * weights).sum()], [x])
    got, slope = ctx.eval([y, g], {x: a})
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)
    expected = np.zeros_like(a)
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(slope, expected, rtol=1e-13, atol=1e-13)
    return True


class Draw:
    """Random index tuples of an array of a given shape."""

    def __init__(self, seed, shape):
        self.rng = np.random.default_rng(seed)
        self.shape = shape
        self.common = tuple(self.rng.integers(1, 4, self.rng.integers(0, 3)))

    def whole(self, n):
        # Now and then beside the axis, which NumPy refuses.
        return int(self.rng.integers(-n, n)) if n and self.rng.random() < 0.97 else n + 1

    def bounds(self, n):
        start, stop = (None if self.rng.random() < 0.4 else int(self.rng.integers(-n - 2, n + 3)) for _ in range(2))
        return slice(start, stop, self.rng.choice([None, 1, 2, -1, -2]))

    def array(self, n):
        """Integers whose shape broadcasts with the others of the tuple."""
        shape = tuple(1 if self.rng.random() < 0.3 else m for m in self.common)
        shape = shape[self.rng.integers(0, len(shape) + 1) :] if self.rng.random() < 0.3 else shape
        dtype = self.rng.choice(["int64", "int32", "uint8", "int8"])
        low = 0 if dtype == "uint8" or n == 0 else -n
        a = self.rng.integers(low, max(n, 1), shape).astype(dtype)
        return a.tolist() if self.rng.random() < 0.3 and a.ndim else a

    def mask(self, lengths):
        m = self.rng.random(tuple(lengths)) < 0.5
        if self.rng.random() < 0.5 and self.common:
            # As many as the other arrays have, so that they fit more often.
            k = min(self.common[-1], m.size)
            m[...] = False
            m.reshape(-1)[self.rng.choice(m.size, k, replace=False)] = True
        return m.tolist() if self.rng.random() < 0.2 else m

    def open_mesh(self, lengths):
        """`np.ix_` of indices and masks, one an axis."""
        parts = []
        for n in lengths:
            if self.rng.random() < 0.3:
                parts.append(self.rng.random(n) < 0.6)
            else:
                parts.append(self.rng.integers(-n if n else 0, max(n, 1), self.rng.integers(0, 4)))
        return np.ix_(*parts)

    def items(self):
        kinds = ["whole", "slice", "array", "mask", "none", "flag", "rest", "mesh"]
        weights = np.array([0.2, 0.2, 0.25, 0.1, 0.12, 0.04, 0.04, 0.05])
        axis, out, rest = 0, [], False
        while axis < len(self.shape) and self.rng.random() < 0.85:
            kind = self.rng.choice(kinds, p=weights)
            n = self.shape[axis]
            if kind == "none":
                out.append(None)
            elif kind == "flag":
                out.append(self.rng.choice([True, False, np.True_, np.array(True)]))
                out[-1] = bool(out[-1]) if self.rng.random() < 0.5 else out[-1]
            elif kind == "rest":
                if rest:
                    continue
                rest = True
                out.append(...)
                # It may also stand for no axis.
                axis += int(self.rng.integers(0, len(self.shape) - axis + 1))
            elif kind == "mesh":
                k = int(self.rng.integers(1, len(self.shape) - axis + 1))
                out.extend(self.open_mesh(self.shape[axis : axis + k]))
                axis += k
            elif kind == "mask":
                k = int(self.rng.integers(1, min(2, len(self.shape) - axis) + 1))
                out.append(self.mask(self.shape[axis : axis + k]))
                axis += k
            else:
                out.append({"whole": self.whole, "slice": self.bounds, "array": self.array}[kind](n))
                axis += 1
        return tuple(out)


@pytest.mark.parametrize("seed", range(8))
def test_random_index_tuples(seed):
    rng = np.random.default_rng(1000 + seed)
    accepted = 0
    for k in range(60):
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 4, 5], rng.integers(1, 6)))
        if rng.random() < 0.05:
            shape = (*shape[:-1], 0)
        a = rng.standard_normal(shape)
        draw = Draw([seed, k], shape)
        with ag.Context() as ctx:
            for _ in range(3):
                index = draw.items()
                try:
                    accepted += compare(ctx, a, index)
                except BaseException as e:
                    e.add_note(f"shape {shape}, index {index!r}")
                    raise
    # Most of the tuples are indices, or the test tests little.
    assert accepted > 80


PLACES = [
    np.s_[0, :, [0, 1, 2]],
    np.s_[[0, 1], :, [0, 2]],
    np.s_[:, [0, 1], :, [0, 2]],
    np.s_[:, [0, 1], [0, 2]],
    np.s_[:, [0, 1], [0, 2], :],
    np.s_[:, 0, :, [0, 1, 2]],
    np.s_[[0, 1], 1],
    np.s_[1, [0, 1]],
    np.s_[..., [0, 1], 1],
    np.s_[[0, 1], ..., 1],
    np.s_[[[0], [1]], [0, 1, 2]],
    np.s_[None, [0, 1], None, [0, 2]],
    np.s_[None, [0, 1], [0, 2]],
    np.s_[[0, 1], None, 1],
    np.s_[0, None, [0, 1]],
    np.s_[:, None, [0, 1], 0],
    np.s_[::-1, [0, 1], ::2, [0, 2]],
    np.s_[1:, np.array([[0, 1], [2, 3]]), :, np.array(1)],
    np.s_[[0, 1], ..., [0, 1]],
    np.s_[[], :],
    np.s_[[]],
    np.s_[:, []],
    np.s_[(0, 1), (1, 2)],
    np.s_[True],
    np.s_[False],
    np.s_[True, 0],
    np.s_[:, True, [0, 1]],
    np.s_[[0, 1], True],
    np.s_[0, True, :, [0, 1]],
    np.s_[False, [0]],
    np.s_[[True, False, True]],
    np.s_[:, [True, False, True, False]],
    np.s_[np.ones((3, 4), bool)],
    np.s_[np.zeros((3, 4), bool)],
    np.s_[[True, False, True], :, [0, 1]],
    np.s_[[True, False, True], :, 1],
    np.s_[np.eye(3, 4, dtype=bool), [0, 1, 2]],
    np.s_[np.array([0, 1], "u1"), np.array([1, 2], "i2")],
    np.ix_([2, 0], [1, 3]),
    np.ix_([2, 0], [1, -1, 3], [0, 4]),
    np.ix_([True, False, True], [0, 2]),
    np.ix_([2, 0], [True, False, True, True]),
    (*np.ix_([2, 0], [1, 3]), None, slice(None, None, -1)),
    (slice(1, None), *np.ix_([0, 2], [1, 4])),
    (..., *np.ix_([0, 2], [1, 4])),
    (*np.ix_([2, 0], [1, 3]), slice(None), 1),
    np.ix_([], [1, 3]),
    np.s_[np.int64(1), [0, 1]],
    np.s_[-1, [-1, -2]],
]


@pytest.mark.parametrize("index", PLACES, ids=str)
def test_where_the_axes_stand(ctx, index):
    a = np.random.default_rng(0).standard_normal((3, 4, 5, 6))
    for shape in (3, 4, 5, 6), (3, 4, 5), (3, 4), (3,):
        part = a.reshape(-1)[: int(np.prod(shape))].reshape(shape)
        compare(ctx, part, index)
    assert compare(ctx, a, index)


@pytest.mark.parametrize("index", PLACES, ids=str)
def test_numbers_of_other_kinds_are_indexed_alike(ctx, index):
    a = np.arange(360).reshape(3, 4, 5, 6)
    for b in a, a.astype("f4"), a % 3 == 0, a.astype("i4"):
        np.testing.assert_array_equal(ctx.constant(b)[index].eval(), b[index])


def test_second_derivatives(ctx):
    a = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4, 5))
    for index in np.s_[0, :, [0, 1, 2, 2]], np.s_[[0, 1, 1], :, [0, 2, 2]], np.s_[:, [True, False] * 2, 1:], np.s_[:, [0, 1], [1, 1]]:
        ag.gradcheck(lambda x, index=index: x[index] * T.exp(x[index]), a)


# Indices that are tensors, and lengths that a feed decides


def test_indices_that_are_tensors(ctx):
    a = np.arange(60.0).reshape(3, 4, 5)
    x = ctx.placeholder("x", a.shape)
    i, j, k = (
        ctx.placeholder("i", [None], dtype="int32"),
        ctx.placeholder("j", [2, 1], dtype="int64"),
        ctx.placeholder("k", [], dtype="int64"),
    )
    at = {i: np.array([0, -1, 2], "i4"), j: np.array([[1], [-2]]), k: np.array(-1)}
    cases = [
        (x[i, j], a[at[i], at[j]]),
        (x[i, :, j], a[at[i], :, at[j]]),
        (x[:, j, i], a[:, at[j], at[i]]),
        (x[k, :, i], a[-1, :, at[i]]),
        (x[k], a[-1]),
        (x[:, k, None, 1:], a[:, -1, None, 1:]),
        (x[i, [2, 0, 1]], a[at[i], [2, 0, 1]]),
        (x[i, 0, j], a[at[i], 0, at[j]]),
        (x[..., i, k], a[..., at[i], -1]),
        (x[i, [True, True, True, False]], a[at[i], [True, True, True, False]]),
    ]
    for y, want in cases:
        np.testing.assert_array_equal(y.eval({x: a, **at}), want)
    # The gradient of several at once, against adding up where NumPy takes.
    y = x[i, :, j]
    (g,) = T.grad([(y * y).sum()], [x])
    expected = np.zeros_like(a)
    np.add.at(expected, (at[i], slice(None), at[j]), 2 * a[at[i], :, at[j]])
    np.testing.assert_array_equal(g.eval({x: a, **at}), expected)


@pytest.mark.parametrize("shape", [[None, 4], [None, None], [3, None], [3, 4]])
def test_the_probability_of_each_label(ctx, shape):
    """`p[rows, labels]`, the most used of all, with a batch of any length."""
    a = np.random.default_rng(0).uniform(size=(3, 4))
    labels = np.array([1, 3, -4])
    x, y = ctx.placeholder("x", shape), ctx.placeholder("y", [None], dtype="int64")
    for picked in x[np.arange(3), labels], x[np.arange(3), y]:
        (g,) = T.grad([picked.sum()], [x])
        got, slope = ctx.eval([picked, g], {x: a, y: labels})
        np.testing.assert_array_equal(got, a[np.arange(3), labels])
        expected = np.zeros_like(a)
        expected[np.arange(3), labels] = 1.0
        np.testing.assert_array_equal(slope, expected)


def test_free_lengths(ctx):
    a = np.random.default_rng(0).standard_normal((3, 4, 5))
    for index in [np.s_[0, :, [0, 1, 2]], np.s_[[0, 1], :, [0, 2]], np.s_[:, [0, 1], [0, 2]], np.s_[:, None, [0, 1], 0], np.s_[[0, 2]],
                  np.s_[[-1, 2], ..., 1], np.s_[True, [0, 1]], np.s_[[0, 1], [0, -1], [1, 2]], np.ix_([2, 0], [1, -1]),
                  (slice(None), *np.ix_([3, 0], [1, 1, 4]))]:  # fmt: skip
        assert compare(ctx, a, index, free=True)


def test_out_of_range(ctx):
    a = np.zeros((3, 4, 5))
    x, free = ctx.placeholder("x", a.shape), ctx.placeholder("free", [None, 4, None])
    i = ctx.placeholder("i", [2], dtype="int64")
    # An index that is inside of the whole, but outside of its own axis, is seen.
    for index in np.s_[[0, 1], [0, 4]], np.s_[[0, 3], [0, 0]], np.s_[[0, -4], [1, 1]], np.s_[0, [0, 4]], np.s_[[0, 1], :, [5, 0]]:
        with pytest.raises(IndexError):
            a[index]
        for t in x, free:
            with pytest.raises((ag.ShapeError, ValueError), match=r"index is out of range\. Got -?\d"):
                t[index].eval({x: a, free: a})
    for t in x, free:
        for bad in 4, -5:
            with pytest.raises(ValueError, match=r"index is out of range\. Got -?\d .*for an axis of length 4"):
                t[[0, 1], i].eval({x: a, free: a, i: [0, bad]})
