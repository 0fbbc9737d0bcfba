"""Functions of the user's that call themselves through the engine: `RecursionError`, as Python's own, and the process goes on."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import scirs2_autograd as ag

HEAD = """
    import sys, threading
    import numpy as np
    import scirs2_autograd as ag
    from scirs2_autograd import tensor_ops as T

    sys.setrecursionlimit(LIMIT)

    def main():
        calls = 0
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [2])
            feeds = {x: np.ones(2)}
"""

TAIL = """
            try:
                go()
            except RecursionError as e:
                print("RecursionError", type(e).__module__, calls, str(e).splitlines()[0])
            # Nothing is left behind: the next run counts from nothing.
            assert (x + 1.0).eval(feeds).tolist() == [2.0, 2.0]
            assert ag.custom_op(lambda a: a * 2.0)(x).eval(feeds).tolist() == [2.0, 2.0]

    main()
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
"""

ENDLESS = {
    "forward": """
            def forward(a):
                nonlocal calls
                calls += 1
                return y.eval(feeds)
            y = ag.custom_op(forward)(x)
            go = lambda: y.eval(feeds)
    """,
    "hook": """
            def hook(a):
                nonlocal calls
                calls += 1
                y.eval(feeds)
            y = x.register_hook(hook)
            go = lambda: y.eval(feeds)
    """,
    "forward of another graph": """
            def forward(a):
                nonlocal calls
                calls += 1
                return ag.run(lambda c: op(c.constant(a)).eval())
            op = ag.custom_op(forward)
            go = lambda: op(x).eval(feeds)
    """,
    "forward and hook in turn": """
            def forward(a):
                nonlocal calls
                calls += 1
                return z.eval(feeds)
            y = ag.custom_op(forward)(x)
            z = x.register_hook(lambda a: y.eval(feeds))
            go = lambda: y.eval(feeds)
    """,
    "forward through an evaluator": """
            def forward(a):
                nonlocal calls
                calls += 1
                return evaluator.run()[0]
            y = ag.custom_op(forward)(x)
            evaluator = ctx.evaluator().push(y).feed(x, np.ones(2))
            go = lambda: evaluator.run()
    """,
    "vjp": """
            def vjp(g, y, x):
                nonlocal calls
                calls += 1
                return T.grad([y], [x])[0]
            y = ag.custom_op(lambda a: a, vjp)(x)
            go = lambda: T.grad([y], [x])
    """,
    "infer": """
            def infer(a):
                nonlocal calls
                calls += 1
                op(x)
                return a
            op = ag.custom_op(lambda a: a, infer=infer)
            go = lambda: op(x)
    """,
    "body of a cond": """
            def f(t):
                nonlocal calls
                calls += 1
                return T.cond(t.sum() > 0, lambda: f(t - 1.0), lambda: t)
            go = lambda: f(x)
    """,
    "array of a feed": """
            class Feed:
                def __array__(self, dtype=None, copy=None):
                    nonlocal calls
                    calls += 1
                    return y.eval({x: self})
            y = x + 1.0
            go = lambda: y.eval({x: Feed()})
    """,
    "run of an environment": """
            env = ag.VariableEnvironment()
            def f(c):
                nonlocal calls
                calls += 1
                return env.run(f)
            go = lambda: env.run(f)
    """,
}
#: Those that the engine itself counts; the others end at Python's own limit.
COUNTED = [name for name in ENDLESS if not name.startswith(("body", "array", "run"))]


#: Python's default limit, and one that is of no help: the stack ends before it.
LIMITS = [*((name, 1000) for name in ENDLESS), *((name, 20_000) for name in COUNTED)]


@pytest.mark.parametrize(("name", "limit"), LIMITS)
def test_endless_recursion(name, limit):
    program = textwrap.dedent(HEAD + ENDLESS[name] + TAIL).replace("LIMIT", str(limit))
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stdout
    for line in lines:
        kind, module, calls, *text = line.split()
        assert (kind, module) == ("RecursionError", "builtins")
        if name in COUNTED:
            assert int(calls) == (50 if "in turn" in name else 100)
            assert "nested" in text


def test_recursion_that_ends(ctx):
    """A custom op may evaluate, also something that has a custom op."""
    x = ctx.placeholder("n", [])

    def factorial(n):
        return n * y.eval({x: n - 1}) if n > 1 else n

    y = ag.custom_op(factorial)(x)
    assert y.eval({x: 50.0}) == pytest.approx(float(np.prod(np.arange(1.0, 51.0))), rel=1e-12)


def test_a_deep_recursion_that_fails_keeps_its_exception(ctx):
    class Own(Exception):
        pass

    x = ctx.placeholder("n", [])

    def f(n):
        if n == 0:
            raise Own("at the end")
        return y.eval({x: n - 1})

    y = ag.custom_op(f)(x)
    with pytest.raises(Own, match="at the end"):
        y.eval({x: 60.0})
