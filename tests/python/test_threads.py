"""How many threads a run may use, and what becomes of them at import, in a fork and at the end of the process."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

#: Seconds after which a hanging program counts as hanging.
PATIENCE = 60

linux = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="the threads of the process are read from /proc")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

#: Programs with work for several threads: long passes over memory, rows, a product.
PROGRAMS = """
import os
import threading
import numpy as np
import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

x = np.random.default_rng(0).standard_normal((1000, 700))

def value():
    def f(t):
        h = T.tanh(t * 2.0 + 1.0)
        return (T.softmax(h) * t).sum() + (T.matmul(h.T, h) ** 2).mean()
    v, g = ag.value_and_grad(f)(x)
    return np.append(g.ravel(), v)

def tasks():
    return len(os.listdir("/proc/self/task"))
"""


@pytest.fixture(autouse=True)
def _as_it_was():
    before = ag.get_num_threads()
    yield
    ag.set_num_threads(before)


def script(text, **env):
    """Runs a program in a process of its own, where it may hang or be killed."""
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAMS + textwrap.dedent(text)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **env})


def prints(expected, text, **env):
    done = script(text, **env)
    assert (done.returncode, done.stdout.split()) == (0, expected.split()), done.stderr


def test_the_number_is_set_and_read():
    for n in 1, 3, 1024, np.int64(2):
        ag.set_num_threads(n)
        assert ag.get_num_threads() == n
    for bad in 0, 1025, 2**62:
        rule = rf"^set_num_threads: the number of threads is out of range\. Got {bad}; expected 1 <= n <= 1024\.$"
        with pytest.raises(ValueError, match=rule):
            ag.set_num_threads(bad)
    for bad in -1, 2**70, "1", None, 1.5:
        with pytest.raises((TypeError, OverflowError)):
            ag.set_num_threads(bad)
    assert ag.get_num_threads() == 2


def test_a_value_does_not_depend_on_the_number():
    def values(n):
        ag.set_num_threads(n)
        a = np.random.default_rng(0).standard_normal((600, 500))
        return ag.value_and_grad(lambda x: (T.softmax(T.exp(x) * x) * T.sin(x)).sum())(a)

    v, g = values(1)
    for n in 2, 5:
        w, h = values(n)
        assert v == w
        assert np.array_equal(g, h)


def test_the_environment_says_how_many():
    say = "print(ag.get_num_threads()); ag.set_num_threads(2); print(ag.get_num_threads())"
    prints("7 2", say, SCIRS2_AUTOGRAD_THREADS="7")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    done = script("print(ag.get_num_threads())", SCIRS2_AUTOGRAD_THREADS="")
    # A quota of the system may leave fewer.
    assert 1 <= int(done.stdout) <= cores
    for bad in "0", "all", "-1", "1025":
        done = script("", SCIRS2_AUTOGRAD_THREADS=bad)
        assert done.returncode != 0
        assert f'SCIRS2_AUTOGRAD_THREADS: not a number of threads. Got "{bad}"; expected a whole number from 1 to 1024.' in done.stderr


@linux
def test_no_thread_is_started_before_it_has_work():
    program = """
        import os
        import numpy as np
        def tasks():
            return len(os.listdir("/proc/self/task"))
        before = tasks()
        import scirs2_autograd as ag
        print(tasks() - before)
        ag.set_num_threads(4)
        with ag.Context() as ctx:
            ctx.constant(np.ones(3)).eval()
        print(ag.get_num_threads(), tasks() - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout.split()) == (0, ["0", "4", "0"]), done.stderr


@linux
def test_one_thread_is_none_besides():
    prints("0", "before = tasks(); ag.set_num_threads(1); value(); print(tasks() - before)")


@forks
def test_the_child_of_a_fork_runs():
    prints("child 0", """
        ag.set_num_threads(4)
        expected = value()
        child = os.fork()
        if child == 0:
            for n in 4, 2, 5:
                ag.set_num_threads(n)
                assert np.array_equal(value(), expected)
            print("child", flush=True)
            # Once by the end of the interpreter, once without it.
            grandchild = os.fork()
            assert np.array_equal(value(), expected)
            if grandchild == 0:
                os._exit(0)
            assert os.waitpid(grandchild, 0)[1] == 0
        else:
            status = os.waitpid(child, 0)[1]
            assert np.array_equal(value(), expected)
            print(status)
    """)  # fmt: skip


@forks
def test_a_fork_while_others_run():
    prints("done", """
        ag.set_num_threads(4)
        expected = value()
        go = True
        def work():
            while go:
                assert np.array_equal(value(), expected)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads:
            t.start()
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if np.array_equal(value(), expected) else 1)
            assert os.waitpid(child, 0)[1] == 0
        go = False
        for t in threads:
            t.join()
        print("done")
    """)  # fmt: skip


@forks
def test_processes_of_multiprocessing_run():
    prints("True", """
        import multiprocessing
        ag.set_num_threads(4)
        expected = value()
        with multiprocessing.get_context("fork").Pool(3) as pool:
            got = pool.starmap(value, [()] * 6)
        print(all(np.array_equal(g, expected) for g in got))
    """)  # fmt: skip


def test_the_process_ends_while_threads_work():
    for _ in range(5):
        prints("end", """
            ag.set_num_threads(4)
            begun = threading.Event()
            def work():
                while True:
                    value()
                    begun.set()
            for _ in range(2):
                threading.Thread(target=work, daemon=True).start()
            begun.wait()
            print("end")
        """)  # fmt: skip
