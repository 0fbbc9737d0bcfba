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


KINDS = ["whole", "slice", "array", "mask", "wide mask", "none", "rest"]


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_every_three_kinds(first, second):
    """All mixes of three items, in an order of their own, against NumPy."""
    a = np.random.default_rng(3).standard_normal((3, 4, 3, 4, 2))
    made = 0
    with ag.Context() as ctx:
        for k, third in enumerate(KINDS):
            kinds = [first, second, third]
            if kinds.count("rest") > 1:
                continue
            rng = np.random.default_rng([KINDS.index(first), KINDS.index(second), k])
            items, axis = [], 0
            for kind in kinds:
                n = a.shape[axis]
                if kind == "mask":
                    # As many places as the arrays have: two.
                    item = np.arange(n) < 2
                    rng.shuffle(item)
                elif kind == "wide mask":
                    item = np.zeros(a.shape[axis : axis + 2], bool)
                    item.reshape(-1)[rng.choice(item.size, 2, replace=False)] = True
                else:
                    choices = {
                        "whole": int(rng.integers(-n, n)),
                        "slice": np.s_[1:, ::-1, :2][int(rng.integers(3))],
                        "none": None,
                        "rest": ...,
                        "array": rng.integers(-n, n, [[2], [3, 1], [1]][int(rng.integers(3))]),
                    }
                    item = choices[kind]
                items.append(item)
                axis += {"wide mask": 2, "none": 0, "rest": 0}.get(kind, 1)
                if axis >= a.ndim:
                    break
            # What follows `...` names the last axes: masks there must fit them.
            if "rest" in kinds and any(isinstance(i, np.ndarray) and i.dtype == bool for i in items[kinds.index("rest") :]):
                items = [i for i in items if i is not ...]
            try:
                made += compare(ctx, a, tuple(items))
            except BaseException as e:
                e.add_note(f"index {items!r}")
                raise
    assert made >= 3 or [first, second] == ["rest", "rest"]


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


# Copies with a part changed


def changed(a, index, v, how):
    """The copy of an array, by NumPy."""
    y = np.array(a)
    if how == "set":
        y[index] = v
    else:
        ufunc = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}[how]
        # With the places written out: `ufunc.at` does not take all indices.
        places = np.arange(y.size).reshape(y.shape)[index]
        ufunc.at(y.reshape(-1), places.reshape(-1), np.broadcast_to(v, places.shape).reshape(-1))
    return y


def gradients(a, index, v, how, g):
    """The gradients of `sum(g * changed)` by `a` and by the values."""
    places = np.arange(a.size).reshape(a.shape)[index]
    flat, by = places.reshape(-1), np.broadcast_to(v, places.shape).reshape(-1)
    ga, gv = g.reshape(-1).copy(), np.zeros(flat.shape)
    x = a.reshape(-1)
    if how == "add":
        gv = ga[flat]
    elif how == "set":
        last = {p: k for k, p in enumerate(flat)}
        for p, k in last.items():
            gv[k], ga[p] = ga[p], 0.0
    else:
        for p in set(flat.tolist()):
            here = np.flatnonzero(flat == p)
            if how == "mul":
                for k in here:
                    gv[k] = g.reshape(-1)[p] * x[p] * np.prod(by[here[here != k]])
                ga[p] *= np.prod(by[here])
            else:
                best = (np.min if how == "min" else np.max)([x[p], *by[here]])
                hits = (by[here] == best).sum() + (x[p] == best)
                gv[here] = np.where(by[here] == best, g.reshape(-1)[p] / hits, 0.0)
                ga[p] *= (x[p] == best) / hits
    gv = gv.reshape(places.shape)
    lead = gv.ndim - np.ndim(v)
    gv = gv.sum(axis=tuple(range(lead)))
    gv = gv.sum(axis=tuple(i for i, n in enumerate(np.shape(v)) if n == 1), keepdims=True)
    return ga.reshape(a.shape), gv.reshape(np.shape(v))


@pytest.mark.parametrize("seed", range(6))
def test_random_copies(seed):
    rng = np.random.default_rng(2000 + seed)
    accepted = 0
    for k in range(40):
        shape = tuple(int(n) for n in rng.choice([1, 2, 3, 4], rng.integers(1, 5)))
        # Small whole numbers, so that there are ties.
        a = rng.integers(-3, 4, shape).astype(float)
        draw = Draw([7 + seed, k], shape)
        with ag.Context() as ctx:
            for how in "set", "add", "mul", "min", "max":
                index = draw.items()
                x = ctx.placeholder(f"x{len(ctx)}", [None if rng.random() < 0.1 and how == "set" else n for n in shape])
                try:
                    part = a[index]
                except IndexError:
                    with pytest.raises((ag.ShapeError, ValueError)):
                        getattr(x.at[index], how)(1.0).eval({x: a})
                    continue
                fit = [1 if rng.random() < 0.2 else n for n in part.shape][
                    int(rng.integers(0, part.ndim + 1)) if rng.random() < 0.2 else 0 :
                ]
                v = rng.integers(-2, 3, fit).astype(float)
                s = ctx.constant(v)
                try:
                    try:
                        y = getattr(x.at[index], how)(s)
                    except ag.ShapeError as e:
                        # A mask over a length that is not known yet.
                        if "known only at run time" in str(e):
                            continue
                        raise
                    g = rng.standard_normal(shape)
                    got = ctx.eval([y, *T.grad_with_default([y], [x, s], [g])], {x: a})
                    np.testing.assert_array_equal(got[0], changed(a, index, v, how))
                    for found, want in zip(got[1:], gradients(a, index, v, how, g), strict=True):
                        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)
                except BaseException as e:
                    e.add_note(f"shape {shape}, index {index!r}, {how}, values {v.shape}")
                    raise
                accepted += 1
    assert accepted > 100


@pytest.mark.parametrize("index", PLACES, ids=str)
def test_copies_change_what_the_index_names(ctx, index):
    a = np.random.default_rng(0).standard_normal((3, 4, 5, 6))
    for b in a, a.astype("f4"), np.arange(360).reshape(a.shape):
        v = np.arange(b[index].size).reshape(b[index].shape).astype(b.dtype)
        np.testing.assert_array_equal(ctx.constant(b).at[index].set(v).eval(), changed(b, index, v, "set"))
        got = ctx.constant(b).at[index].add(v).eval()
        assert got.dtype == b.dtype
        np.testing.assert_allclose(got, changed(b, index, v, "add"), rtol=1e-5)


def test_second_derivatives_of_copies():
    a = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4))
    v = np.random.default_rng(1).uniform(0.5, 2.0, (3, 2))
    for how in "set", "add", "mul", "min", "max":
        for index in np.s_[:, 1:3], np.s_[:, [3, 0]], np.s_[[0, 2, 0], 2:], np.s_[[[0, 1], [2, 2], [0, 1]], [1, 3]]:
            ag.gradcheck(lambda x, w, how=how, index=index: T.exp(getattr(x.at[index], how)(w)) * x[0, 0], a, v)


def test_values_and_dtypes_of_copies(ctx):
    x = ctx.constant(np.arange(4))
    assert x.at[1].set(9).eval().tolist() == [0, 9, 2, 3]
    assert x.at[1].set(0.5).eval().tolist() == [0.0, 0.5, 2.0, 3.0]
    assert (ctx.constant(np.zeros(2, "f4")).at[0].add(0.5)).dtype == np.float32
    flags = ctx.constant(np.array([True, False, False]))
    assert flags.at[[1, 1]].set([True, False]).eval().tolist() == [True, False, False]
    i = ctx.placeholder("i", [None], dtype="int64")
    assert x.at[i].add(1).eval({i: [0, 0, -1]}).tolist() == [2, 1, 2, 4]
    with pytest.raises(
        ValueError, match=r"^at: index is out of range\. Got 7 at position 1 for an axis of length 4; expected -4 <= index < 4\."
    ):
        x.at[i].add(1).eval({i: [0, 7]})
    text = r"^at: the values do not fit\. Got \(3,\) for a part of shape \(2,\); expected values that broadcast to the part\.$"
    with pytest.raises(ag.ShapeError, match=text):
        x.at[:2].set([1, 2, 3])
    with pytest.raises(ag.ShapeError, match=r"^index: the index is out of range\. Got 9"):
        x.at[9].set(1)
    with pytest.raises(TypeError, match=r"t\.at\[index\]\.set\(value\)"):
        x[0] = 1
    # A length that a feed decides; the index is checked when it is known.
    free = ctx.placeholder("free", [None, 2])
    y = free.at[-1, 0].mul(10.0)
    np.testing.assert_array_equal(y.eval({free: np.ones((2, 2))}), [[1.0, 1.0], [10.0, 1.0]])
    with pytest.raises(ag.ShapeError, match="the index is out of range"):
        free.at[3].set(0.0).eval({free: np.ones((2, 2))})
