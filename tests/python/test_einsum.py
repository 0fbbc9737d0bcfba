"""`T.einsum` against `np.einsum`: random equations, their gradients, lengths that only feeds decide, and texts that are no equations."""

import string
import warnings

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

#: Numbers of random equations.
VALUES, GRADIENTS, LATE = 400, 150, 150
LETTERS = "ijkABz"


def dots(rng, lengths):
    """The shape that `...` stands for in one operand: some of the last axes, now and then of length 1."""
    own = lengths[rng.integers(0, len(lengths) + 1) :]
    return [1 if rng.random() < 0.2 else n for n in own]


def equation(seed, most=4):
    """A random equation and the shapes of its operands."""
    rng = np.random.default_rng(seed)
    letters = list(rng.permutation(list(LETTERS))[: rng.integers(1, len(LETTERS) + 1)])
    sizes = [0, 1, 2, 2, 3, 3, 4] if rng.random() < 0.1 else [1, 2, 2, 3, 3, 4]
    length = {c: int(rng.choice(sizes)) for c in letters}
    ellipsis = [int(rng.choice([1, 2, 3])) for _ in range(rng.integers(0, 3))] if rng.random() < 0.4 else None
    terms, shapes = [], []
    for _ in range(rng.integers(1, most + 1)):
        term = list(rng.choice(letters, size=rng.integers(0, min(4, len(letters)) + 1)))
        if rng.random() > 0.25:
            term = list(dict.fromkeys(term))
        shape = [length[c] for c in term]
        # A length of 1 meets any length; a diagonal has equal lengths.
        shape = [1 if term.count(c) == 1 and rng.random() < 0.1 else n for c, n in zip(term, shape, strict=True)]
        if ellipsis is not None and rng.random() < 0.7:
            at, own = int(rng.integers(0, len(term) + 1)), dots(rng, ellipsis)
            shape = shape[:at] + own + shape[at:]
            term.insert(at, "...")
        terms.append("".join(term))
        shapes.append(tuple(shape))
    text = ",".join(terms)
    if rng.random() < 0.8:
        used = [c for c in letters if c in text]
        out = list(rng.permutation(used)[: rng.integers(0, len(used) + 1)])
        if "..." in text:
            out.insert(int(rng.integers(0, len(out) + 1)), "...")
        text += "->" + "".join(out)
    if rng.random() < 0.2:
        text = text.replace(",", " , ").replace("->", " -> ")
    return text, shapes


def arrays(shapes, seed, dtype="float64"):
    rng = np.random.default_rng(seed + 10_000)
    return [np.asarray(rng.integers(-9, 10, s) if np.dtype(dtype).kind in "ib" else rng.standard_normal(s)).astype(dtype) for s in shapes]


def same(got, want, eps=1e-12):
    want = np.asarray(want)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=eps, atol=eps * max(1.0, np.max(np.abs(want), initial=0.0)))
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("seed", range(VALUES))
def test_values_are_numpys(ctx, seed):
    text, shapes = equation(seed)
    xs = arrays(shapes, seed)
    ps = [ctx.placeholder(f"x{i}", s) for i, s in enumerate(shapes)]
    y = T.einsum(text, *ps)
    got = y.eval(dict(zip(ps, xs, strict=True)))
    assert y.shape == got.shape
    same(got, np.einsum(text, *xs))


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "bool"])
@pytest.mark.parametrize("seed", range(0, VALUES, 10))
def test_dtypes_are_numpys(ctx, seed, dtype):
    text, shapes = equation(seed)
    xs = arrays(shapes, seed, dtype)
    same(T.einsum(text, *map(ctx.constant, xs)).eval(), np.einsum(text, *xs), 1e-5)


def test_operands_of_several_dtypes_become_one(ctx):
    a, b = np.arange(6, dtype="int32").reshape(2, 3), np.arange(3, dtype="int64")
    same(T.einsum("ij,j", a, b).eval(), np.einsum("ij,j", a, b))
    same(T.einsum("ij,j", a, b.astype("float64")).eval(), np.einsum("ij,j", a, b.astype("float64")))
    same(T.einsum("i,i->i", a[0] > 1, b).eval(), np.einsum("i,i->i", a[0] > 1, b))
    # A number takes the dtype beside it.
    same(T.einsum("i,->i", np.float32([1.0, 2.0]), 0.5).eval(), np.float32([0.5, 1.0]))
    same(T.einsum(",", 2, 3).eval(), np.int64(6))


def test_integers_wrap_around(ctx):
    a = np.full([3, 3], 2**30, "int32")
    for text, *xs in (("ij->i", a), ("ij,jk", a, a), ("ij,ij", a, a), ("ii", a)):
        with np.errstate(over="ignore"):
            same(T.einsum(text, *xs).eval(), np.einsum(text, *xs))


def one_hot(shape, at):
    e = np.zeros(shape)
    e[at] = 1.0
    return e


def by_hand(text, xs, c, k, v=None, j=None):
    """The derivative of `sum(c * einsum)` by operand `k`, in which it is linear: one element after the other. With `v` that of its
    product with `v` by operand `j`.
    """
    wanted = k if v is None else j
    g = np.empty(xs[wanted].shape)
    for at in np.ndindex(g.shape):
        ys = list(xs)
        if v is not None:
            ys[k] = v
        ys[wanted] = one_hot(g.shape, at)
        g[at] = np.sum(c * np.einsum(text, *ys))
    return g


@pytest.mark.parametrize("seed", range(GRADIENTS))
def test_gradients_of_both_orders(ctx, seed):
    text, shapes = equation(seed, most=3)
    xs = arrays(shapes, seed)
    ps = [ctx.placeholder(f"x{i}", s) for i, s in enumerate(shapes)]
    y = T.einsum(text, *ps)
    (c,) = arrays([y.shape], seed + 1)
    feeds = dict(zip(ps, xs, strict=True))
    gs = T.grad_with_default([y], ps, [c])
    for k, g in enumerate(ctx.eval(gs, feeds)):
        same(g, by_hand(text, xs, c, k))
    for k in range(len(ps)):
        (v,) = arrays([shapes[k]], seed + 2)
        seconds = T.grad_with_default([gs[k]], ps, [v])
        for j, h in enumerate(ctx.eval(seconds, feeds)):
            same(h, by_hand(text, xs, c, k, v, j) if j != k else np.zeros(shapes[k]))


def test_one_tensor_in_several_places(ctx):
    x = ctx.placeholder("x", [3, 3])
    (a,) = arrays([(3, 3)], 1)
    y = T.einsum("ij,jk,ki->", x, x, x)
    same(y.eval({x: a}), np.einsum("ij,jk,ki->", a, a, a))
    same(T.grad([y], [x])[0].eval({x: a}), 3.0 * (a @ a).T)


@pytest.mark.parametrize("seed", range(LATE))
def test_lengths_that_only_a_feed_decides(ctx, seed):
    text, shapes = equation(seed)
    rng = np.random.default_rng(seed + 5)
    xs = arrays(shapes, seed)
    ps = [ctx.placeholder(f"x{i}", [None if rng.random() < 0.6 else n for n in s]) for i, s in enumerate(shapes)]
    feeds = dict(zip(ps, xs, strict=True))
    y = T.einsum(text, *ps)
    same(y.eval(feeds), np.einsum(text, *xs))
    (c,) = arrays([np.einsum(text, *xs).shape], seed + 1)
    for k, g in enumerate(ctx.eval(T.grad_with_default([y], ps, [c]), feeds)):
        same(g, by_hand(text, xs, c, k))


@pytest.mark.parametrize(
    ("text", "shapes"), [("ij,jk", [(2, 3), (4, 5)]), ("i,i->i", [(2,), (3,)]), ("i,i", [(0,), (3,)]), ("ii", [(2, 3)])]
)
def test_lengths_that_differ_are_an_error_of_the_run(ctx, text, shapes):
    ps = [ctx.placeholder(f"x{i}", [None] * len(s)) for i, s in enumerate(shapes)]
    y = T.einsum(text, *ps)
    with pytest.raises(ag.ShapeError, match="expected"):
        y.eval(dict(zip(ps, arrays(shapes, 0), strict=True)))


@pytest.mark.parametrize("n", range(5, 16))
def test_many_operands(ctx, n):
    """Up to eight operands go in the best order, more in a greedy one."""
    rng = np.random.default_rng(n)
    letters = string.ascii_letters[: n + 1]
    terms = [letters[i : i + 2] if rng.random() < 0.5 else letters[i : i + 2][::-1] for i in range(n)]
    order = rng.permutation(n)
    text = ",".join(terms[i] for i in order) + "->" + letters[n] + letters[0]
    length = {c: int(rng.integers(1, 4)) for c in letters}
    xs = arrays([[length[c] for c in terms[i]] for i in order], n)
    same(T.einsum(text, *xs).eval(), np.einsum(text, *xs, optimize="greedy"), 1e-10)


def test_an_equal_tensor_is_one_node(ctx):
    a, b = ctx.placeholder("a", [5, 2, 3]), ctx.placeholder("b", [5, 3, 4])
    T.batch_matmul(a, b)
    nodes = len(ctx)
    T.einsum("bij,bjk->bik", a, b)
    T.einsum(" b i j, b j k -> b i k", a, b)
    assert len(ctx) == nodes


# What is no equation

REFUSED = [
    ("ij,jk", 1), ("i", 2), ("i->i->i", 1), ("i-", 1), ("i>", 1), ("->>i", 1), ("i..", 1), (". . .", 1), ("...i...", 1), ("i1", 1),
    ("é", 1),
    ("i\t", 1), ("i\n", 1), ("i->j", 1), ("i->ii", 1), ("i,i->i,i", 2), ("i->i,", 1), ("\U0001f600", 1), ("(i)", 1), ("", 1),
    ("ijk", 1), ("i...j", 1), ("...->", 1), ("i - > i", 1), ("ı", 1), ("ﬁ", 1), ("i" * 10_000, 1), ("," * 10_000, 1), ("Ａ", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count"), REFUSED, ids=[repr(t[:12]) for t, _ in REFUSED])
def test_what_is_no_equation_is_refused(ctx, text, count):
    xs = [ctx.constant([1.0, 2.0])] * count
    with pytest.raises((ValueError, UnicodeError)):
        np.einsum(text, *[np.ones(2)] * count)
    with pytest.raises(ValueError, match=r"^einsum: .*\. Got .*; expected .*\.$") as e:
        T.einsum(text, *xs)
    assert len(str(e.value)) < 400


def test_an_equation_is_a_string(ctx):
    x = ctx.constant([1.0, 2.0])
    for text in (x, None, 3, b"i", "\ud800"):
        with pytest.raises(ag.DTypeError, match=r"^einsum: subscripts has the wrong type\. Got .*; expected a string\.$"):
            T.einsum(text, x)
    with pytest.raises(ValueError, match=r'^einsum: there are no operands\. Got "i"; expected a tensor for each term\.$'):
        T.einsum("i")


# The other products


@pytest.mark.parametrize(
    "axes", [0, 1, 2, np.int64(1), ([1], [0]), (1, 0), ([2, 1], [0, 1]), ([-1], [0]), ([], []), np.array([[1, 2], [1, 0]])]
)
def test_tensordot_takes_what_numpys_takes(ctx, axes):
    a, b = arrays([(2, 3, 3), (3, 3, 4)], 0)
    same(T.tensordot(a, b, axes).eval(), np.tensordot(a, b, axes))
    same(T.tensordot(ctx.constant(a), b, axes=axes).eval(), np.tensordot(a, b, axes))


def test_tensordot_refuses_what_is_no_axes(ctx):
    a = ctx.constant(np.ones([2, 2]))
    with pytest.raises(ag.ShapeError, match=r"^tensordot: the number of axes is negative\. Got -1; expected axes >= 0\.$"):
        T.tensordot(a, a, -1)
    for axes in (None, "ab", 1.5, True, ([0],), ([0], [0], [0])):
        with pytest.raises(ag.DTypeError, match=r"^tensordot: .* has the wrong type\. Got .*; expected "):
            T.tensordot(a, a, axes)
    for axes in (3, 10**30, ([2], [0])):
        with pytest.raises(ag.ShapeError, match=r"^tensordot: axis is out of range\. "):
            T.tensordot(a, a, axes)


SHAPES = [(), (1,), (3,), (2, 3), (3, 2), (3, 3), (2, 3, 3), (1, 3, 2), (0, 3), (3, 0)]


@pytest.mark.parametrize("name", ["dot", "inner", "outer", "vdot", "kron", "cross", "vecdot", "matvec", "vecmat"])
@pytest.mark.parametrize("dtype", ["float64", "int32", "bool"])
def test_products_of_all_ranks_are_numpys(ctx, name, dtype):
    """Values, shapes and dtypes; what NumPy refuses is refused, and vectors of length 2 by `cross`."""
    ours, numpys = getattr(T, name), getattr(np, name)
    for i, s in enumerate(SHAPES):
        for j, t in enumerate(SHAPES):
            a, b = arrays([s, t], i + 20 * j, dtype)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    want = numpys(a, b)
            except (ValueError, TypeError, IndexError):
                with pytest.raises((ValueError, TypeError)):
                    ours(ctx.constant(a), b)
                continue
            if name == "cross" and 2 in (s[-1], t[-1]):
                with pytest.raises(ag.ShapeError, match="expected a length of 3"):
                    ours(ctx.constant(a), b)
                continue
            same(ours(ctx.constant(a), b).eval(), want)
            late = ctx.placeholder(f"a{i}.{j}", [None] * len(s), dtype)
            same(ours(late, b).eval({late: a}), want)


def test_dot_is_numpys_and_not_matmul(ctx):
    a, b = arrays([(2, 2, 3), (4, 3, 5)], 3)
    x = ctx.constant(a)
    for y in (T.dot(x, b), x.dot(b)):
        same(y.eval(), np.dot(a, b))
    assert x.dot(2.0).shape == (2, 2, 3)
