"""Other Python threads run while the engine computes or copies: the interpreter's lock is given up for all but short work.

How often it was given up is counted; nothing here is timed.
"""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T


def releases(f, *args):
    """How often a call gives up the lock. The first call may plan; the second only runs."""
    f(*args)
    before = _lib._releases()
    f(*args)
    return _lib._releases() - before


N = 1_000_000
SMALL = 100

#: Tensors of a feed `x` and of indices `i` into it, with results of few bytes.
LONG = {
    "dot": lambda x, i: T.reduce_sum(x * x),
    "sum": lambda x, i: x.sum(),
    "sum of a slice": lambda x, i: x[::2].sum(),
    "maximum": lambda x, i: x.max(),
    "place of the maximum": lambda x, i: T.argmax(x, 0),
    "mean of a transposed": lambda x, i: x.reshape(2, -1).T.mean(axis=0),
    "take": lambda x, i: x[i].sum(),
    "ones that are taken": lambda x, i: T.take(x[:5], i).sum(),
    "gather": lambda x, i: T.gather(x, i, 0).max(),
    "comparison": lambda x, i: (x > 0.5).astype("int64").sum(),
    "repeated": lambda x, i: T.broadcast_to(x[:1], (N,)).sum() if x.size > SMALL else x[:1].sum(),
    "logsumexp": lambda x, i: T.reduce_logsumexp(x),
    "matrix by vector": lambda x, i: T.matmul(x.reshape(10, -1), x[: x.size // 10]).sum(),
    "body of a cond": lambda x, i: T.cond(T.constant(True), lambda: x.sum(), lambda: x.max()),
    "the feed itself": lambda x, i: T.reduce_sum(i),
}


@pytest.mark.parametrize("name", LONG)
def test_runs_that_read_much(name):
    """The results are small; what is read is not."""
    for n, want in (N, 1), (SMALL, 0):
        with ag.Context() as ctx:
            x, i = ctx.placeholder("x", [n]), ctx.placeholder("i", [n], dtype="int64")
            y = LONG[name](x, i)
            a, at = np.ones(n), np.zeros(n, "int64")
            feeds = {x: a, i: at}
            assert releases(y.eval, feeds) == want
            assert releases(ctx.eval, [y], feeds) == want
            evaluator = ctx.evaluator().push(y).feed(x, a).feed(i, at)
            assert releases(evaluator.run) == want


@pytest.mark.parametrize("name", ["dot", "take", "maximum"])
def test_runs_that_read_much_of_constants(name):
    for n, want in (N, 1), (SMALL, 0):
        with ag.Context() as ctx:
            y = LONG[name](ctx.constant(np.ones(n)), ctx.constant(np.zeros(n, "int64")))
            assert releases(y.eval) == want


def test_a_gradient_whose_indices_are_many():
    for n, want in (N, 1), (SMALL, 0):
        with ag.Context() as ctx:
            x, i = ctx.placeholder("x", [5]), ctx.placeholder("i", [n], dtype="int32")
            (g,) = T.grad([x[i].sum()], [x])
            feeds = {x: np.ones(5), i: np.zeros(n, "int32")}
            assert g.eval(feeds).tolist() == [n, 0, 0, 0, 0]
            assert releases(g.eval, feeds) == want


def test_little_memory_and_much_work():
    """A factorisation works more than it reads."""
    with ag.Context() as ctx:
        for n, want in (150, 1), (4, 0):
            x = ctx.placeholder(f"x{n}", [n, n])
            y = T.matmul(x, T.matmul(x, x))[0, 0]
            assert releases(y.eval, {x: np.eye(n)}) == want


FEEDS = {
    "in another order": lambda n: np.ones((n // 10, 10)).T,
    "every second": lambda n: np.ones((10, n // 10 * 2))[:, ::2],
    "of another dtype": lambda n: np.ones((10, n // 10), "f4"),
    "of small integers": lambda n: np.ones((10, n // 10), "i2"),
    "of bools": lambda n: np.ones((10, n // 10), bool),
    "in place": lambda n: np.ones((10, n // 10)),
}


@pytest.mark.parametrize("name", FEEDS)
def test_feeds_that_are_copied(name):
    """The copy of a feed is work too, whatever is computed with it."""
    for n, want in (N, 1), (SMALL, 0):
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [10, n // 10])
            first = x[0, 0]
            a = FEEDS[name](n)
            assert releases(first.eval, {x: a}) == want


def test_copies_of_arrays():
    env = ag.VariableEnvironment()
    for n, some in (N, True), (SMALL, False):
        a = np.ones(n)
        with ag.Context() as ctx:
            assert (releases(ctx.constant, a) > 0) == some
            x = ctx.placeholder("x", [n])
            assert (releases(x.__add__, a) > 0) == some
        slot = env.name("w")
        slot.set(a)
        before = _lib._releases()
        slot.set(a)
        env.get("w")
        assert (_lib._releases() - before >= 2) == some


def test_graphs_that_take_their_time():
    """Planning and differentiating many nodes is long, too."""
    for n, some in (20_000, True), (100, False):
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [])
            y = x
            for k in range(n):
                y = y + float(k)
            before = _lib._releases()
            (g,) = T.grad([y], [x])
            grad = _lib._releases() - before
            before = _lib._releases()
            assert g.eval({x: 1.0}) == 1.0
            run = _lib._releases() - before
            assert (grad > 0, run > 0) == (some, some)
