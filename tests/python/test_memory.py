"""What the process holds: it is bounded, is given back when it is asked for, and where there is no more, `MemoryError` says so."""

import subprocess
import sys

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

LIMIT = 256 << 20


@pytest.fixture(autouse=True)
def _default_limit():
    yield
    ag.set_plan_cache_bytes(LIMIT)


def products(ctx, n, k=0):
    """A request of `n` steps, of a structure of its own for each `k`."""
    x = ctx.placeholder("x", [2, 2])
    y = x
    for _ in range(n + k):
        y = T.matmul(y, x)
    return y


def test_the_cache_of_plans_is_bounded_by_bytes():
    ag.trim()
    assert ag.memory_stats()["plan_cache_bytes"] == LIMIT
    eye = np.eye(2)
    ag.run(lambda ctx: products(ctx, 500).eval({"x": eye}))
    one = ag.memory_stats()["plan_bytes"]
    assert ag.memory_stats()["plans"] == 1
    assert one > 500 * 100
    ag.set_plan_cache_bytes(5 * one)
    with ag.Context() as ctx:
        for k in range(20):
            assert np.array_equal(products(ctx, 500, k).eval({"x": eye}), eye)
            assert ag.memory_stats()["plan_bytes"] <= 5 * one
    assert 3 <= ag.memory_stats()["plans"] <= 5
    ag.set_plan_cache_bytes(0)
    assert ag.memory_stats()["plans"] == 0
    for bad in -1, 2**70, "1", None, 1.5:
        with pytest.raises((TypeError, OverflowError)):
            ag.set_plan_cache_bytes(bad)


def test_a_plan_that_is_too_large_goes_with_its_context():
    ag.trim()
    ag.set_plan_cache_bytes(1000)
    with ag.Context() as ctx:
        y = products(ctx, 500)
        for _ in range(3):
            y.eval({"x": np.eye(2)})
        assert ag.memory_stats()["plans"] == 1
    assert ag.memory_stats()["plan_bytes"] == 0


def test_trim_gives_plans_back():
    with ag.Context() as ctx:
        y = products(ctx, 1000)
        y.eval({"x": np.eye(2)})
        held = ag.memory_stats()["plan_bytes"]
        assert ag.trim() >= held > 0
        stats = ag.memory_stats()
        assert (stats["plans"], stats["plan_bytes"], stats["idle_bytes"]) == (0, 0, 0)
        # The context goes on.
        assert np.array_equal(y.eval({"x": np.eye(2)}), np.eye(2))
        assert ag.memory_stats()["plan_bytes"] == held


#: A program under a limit of its address space, which begins where `limit` is called.
SHORT = """
import resource, sys
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

kind, mebibytes = sys.argv[1], int(sys.argv[2])
NODES = 100_000


def limit():
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    most = used + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def chain(x):
    y = x
    for _ in range(NODES // 2):
        y = -T.sin(y)
    return y


with ag.Context() as ctx:
    x = ctx.placeholder("x", [])
    x.eval({x: 0.5})
    try:
        if kind == "graph":
            limit()
            chain(x)
        elif kind == "plan":
            y = chain(x)
            limit()
            y.eval({x: 0.5})
        elif kind == "steps":
            m = T.broadcast_to(x, [2, 2])
            y = m
            for k in range(NODES // 20):
                y = T.matmul(y, m + float(k))
            limit()
            y.eval({x: 0.5})
        print("done")
    except MemoryError as e:
        print("MemoryError:", e)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is kept on Linux alone")
@pytest.mark.parametrize(
    ("kind", "limits"), [("graph", (6, 14, 20, 30, 45, 1000)), ("plan", (1, 20, 40, 60, 1000)), ("steps", (1, 8, 16, 1000))]
)
def test_short_memory_is_an_error(kind, limits):
    said = []
    for mebibytes in limits:
        run = subprocess.run([sys.executable, "-c", SHORT, kind, str(mebibytes)], capture_output=True, text=True, timeout=300, check=False)
        assert run.returncode == 0, (kind, mebibytes, run.stderr[-2000:])
        said.append(run.stdout.rstrip())
    assert said[0].startswith("MemoryError: ")
    assert said[-1] == "done"
    # Python's own errors have no text.
    assert all(s in ("done", "MemoryError:") or "there is not enough memory. Got " in s for s in said), said
