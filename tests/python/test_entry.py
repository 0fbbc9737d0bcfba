"""What enters from Python is what it was at the moment of the call, and valid: dicts that change, bytes that are no bools."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

# Feeds that change while they are read


@pytest.mark.parametrize("kind", [dict, type("Own", (dict,), {})])
@pytest.mark.parametrize("change", ["add", "remove", "clear"])
def test_a_feeds_dict_that_changes_while_it_is_read(ctx, kind, change):
    """The feeds are those that the dict held when the call was made."""
    names = [f"x{i}" for i in range(6)]
    xs = [ctx.placeholder(n, [2]) for n in names]
    feeds = kind()

    class Feed:
        def __init__(self, i):
            self.i = i

        def __array__(self, dtype=None, copy=None):
            if change == "add":
                feeds.update({f"more {len(feeds)} {k}": np.ones(2) for k in range(100)})
            elif change == "remove":
                feeds.pop("x5", None)
            else:
                feeds.clear()
            return np.full(2, float(self.i))

    total = sum(xs[1:], xs[0])
    calls = [
        lambda: total.eval(feeds),
        lambda: ctx.eval([total], feeds)[0],
    ]
    for call in calls:
        feeds.clear()
        feeds.update({n: Feed(i) for i, n in enumerate(names)})
        assert call().tolist() == [15.0, 15.0]


def test_iterators_of_tensors(ctx):
    """They can be read once: nothing is left out."""
    x, y = ctx.placeholder("x", []), ctx.placeholder("y", [])
    z, feeds = x * y * y, {x: 2.0, y: 3.0}
    want = [9.0, 12.0]
    calls = [
        lambda: T.grad(iter([z]), iter([x, y])),
        lambda: T.grad([z], (t for t in (x, y))),
        lambda: T.grad_with_default(iter([z]), iter([x, y]), iter([1.0])),
        lambda: T.grad([z], {x: 1, y: 2}),
        lambda: T.grad([z], {x: 1, y: 2}.keys()),
    ]
    for call in calls:
        assert [float(g) for g in ctx.eval(call(), feeds)] == want
        assert [float(g) for g in ctx.eval(iter(call()), feeds)] == want
    hs = T._hessian_vector_product(iter([z]), iter([x, y]), iter([1.0, 0.0]))
    assert [float(h) for h in ctx.eval(hs, feeds)] == [0.0, 6.0]
    js = T.jacobians(T.reshape(z, [1]), iter([x, y]), 1)
    assert [float(j) for (j,) in ctx.eval(js, feeds)] == want
    evaluator = ctx.evaluator().extend(iter([x + y, z]))
    assert [float(v) for v in evaluator.feed(x, 2.0).feed(y, 3.0).run()] == [5.0, 18.0]
    assert T.concat(t for t in (T.reshape(x, [1]), T.reshape(y, [1]))).eval(feeds).tolist() == [2.0, 3.0]


def test_feeds_that_two_threads_change_and_read():
    """A float16 feed is converted by NumPy, which lets other threads run."""
    with ag.Context() as ctx:
        n = 1 << 17
        x = ctx.placeholder("x", [n], dtype="float32")
        y = x.sum()
        a = np.ones(n, "float16")
        feeds = {x: a}
        stop = threading.Event()
        extra = [ctx.placeholder(f"e{i}", [1], dtype="float32") for i in range(200)]

        def change():
            while not stop.is_set():
                for e in extra:
                    feeds[e] = np.ones(1, "float16")
                for e in extra:
                    feeds.pop(e)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        try:
            for _ in range(200):
                assert y.eval(feeds) == n
        finally:
            stop.set()
            thread.join()
            sys.setswitchinterval(interval)


# Bools that are no bools

#: As NumPy shows them: each byte but 0 is true.
BYTES = np.array([0, 1, 2, 128, 255, 3, 0, 77], "u1")
ODD = BYTES.view(bool)
TRUE = BYTES != 0


def layouts():
    """The same bools in memory of several forms."""
    wide = np.zeros((8, 3), "u1")
    wide[:, 1] = BYTES
    return {
        "plain": ODD.copy(),
        "column": wide.view(bool)[:, 1],
        "backwards": BYTES[::-1].copy().view(bool)[::-1],
        "2d": BYTES.reshape(2, 4).view(bool).T,
        "0-d": BYTES[2:3].view(bool).reshape(()),
        "offset": np.concatenate([np.zeros(3, "u1"), BYTES]).view(bool)[3:],
        "long": np.tile(BYTES, 20_000).view(bool),
    }


def raw(a):
    """The bytes of a result."""
    assert a.dtype == bool
    return np.ascontiguousarray(a).view("u1")


def checked(t, a, feeds=None):
    """All that is done with bools takes `t` for the bools that NumPy sees in `a`."""
    want = np.frombuffer(np.ascontiguousarray(a).tobytes(), "u1").reshape(a.shape) != 0
    ctx = t.context
    values = [t, ~t, t & True, T.equal(t, True), T.not_equal(t, False), T.where(t, 1.0, -1.0), t.astype("int64").sum()]
    values += [t.astype("float32").sum(), t.astype("float64"), T.reshape(t, -1) if t.ndim != 1 else t]
    n = want.sum()
    wants = [want, ~want, want, want, want, np.where(want, 1.0, -1.0), n, n, want.astype("f8"), want.reshape(-1)]
    for got, w in zip(ctx.eval(values, feeds), wants, strict=True):
        if got.dtype == bool:
            assert raw(got).max(initial=0) <= 1
        np.testing.assert_array_equal(got, w)


@pytest.mark.parametrize("layout", layouts())
def test_bools_with_other_bytes(ctx, layout, tmp_path):
    a = layouts()[layout]
    # A feed, by tensor and by name, kept and not.
    x = ctx.placeholder("x", list(a.shape), dtype=bool)
    checked(x, a, {x: a})
    evaluator = ctx.evaluator().push(x).push(T.equal(x, True)).feed("x", a)
    for got in evaluator.run():
        assert raw(got).max(initial=0) <= 1
    f = ctx.placeholder("f", list(a.shape))
    assert f.sum().eval({f: a}) == np.count_nonzero(np.ascontiguousarray(a).view("u1"))
    # A constant, on its own and as an operand.
    checked(ctx.constant(a), a)
    checked(T.constant(a), a)
    checked(x | a, a, {x: np.zeros(a.shape, bool)})
    # A variable, and what a file holds of it.
    env = ag.VariableEnvironment()
    env.name("w").set(a)
    assert raw(env.get("w")).max(initial=0) <= 1
    env.save(tmp_path / "w")
    assert raw(ag.VariableEnvironment.load(tmp_path / "w").get("w")).max(initial=0) <= 1
    with ag.Context(env) as other:
        checked(other.variable("w"), a)
    # What a custom op returns.
    op = ag.custom_op(lambda _: a, infer=lambda _: (a.shape, "bool"))
    checked(op(ctx.constant(1.0)), a)
    # The user's own bytes stay as they were.
    assert np.ascontiguousarray(a).view("u1").max() > 1


def test_a_fed_array_that_gets_other_bytes_later(ctx):
    """An array is read when the run starts, not when it is fed."""
    x = ctx.placeholder("x", [8], dtype=bool)
    a = TRUE.copy()
    evaluator = ctx.evaluator().push(x).feed(x, a)
    assert raw(evaluator.run()[0]).tolist() == TRUE.astype(int).tolist()
    a.view("u1")[:] = BYTES
    assert raw(evaluator.run()[0]).tolist() == TRUE.astype(int).tolist()


def test_a_mask_with_other_bytes_is_an_index(ctx):
    x = ctx.placeholder("x", [8])
    v = np.arange(8.0)
    assert x[ODD].eval({x: v}).tolist() == v[TRUE].tolist()


def test_the_engine_does_not_panic_for_a_dict_that_grows():
    """As a program of its own: a panic would show on its standard error."""
    program = """
        import numpy as np, scirs2_autograd as ag
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [])
            feeds = {}
            class Feed:
                def __array__(self, dtype=None, copy=None):
                    feeds["y"] = 1.0
                    return np.array(3.0)
            feeds[x] = Feed()
            print((x + 1.0).eval(feeds))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "4.0\n", "")
