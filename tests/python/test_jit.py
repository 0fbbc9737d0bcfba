"""Functions whose graphs are kept."""

import functools
import gc
import threading
import weakref
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T
from test_transforms import refused, rosenbrock

RNG = np.random.default_rng(11)


def test_a_graph_serves_calls_of_one_form():
    calls = []

    @ag.jit
    def f(x, y):
        calls.append((x, y))
        return T.exp(x) * y

    x, ones = np.ones(3), np.ones((2, 3))
    pairs = [(x, x), (ones, x), (x.astype("f4"), x), (x, 2.0), (x, 2), (x, 3), (x, True), (np.float64(1.0), 2.0), (x.astype("f4"), 2.0)]
    for n, (a, b) in enumerate([*pairs, (np.ones(0), 1.0), (x, np.ones(3, int))]):
        for _ in range(3):
            want = np.exp(a) * b
            got = f(a, b)
            assert np.asarray(got).dtype == np.asarray(want).dtype, (a, b)
            np.testing.assert_allclose(got, want, rtol=1e-6 if np.asarray(a).dtype == np.float32 else 1e-14)
            assert f.traces == len(calls) == n + 1
    assert all(isinstance(x, ag.Tensor) for x, _ in calls)
    # Other values, other memory: strides, byte order, read-only, a subclass.
    x = np.arange(6.0)[::2]
    other = x.astype(">f8")
    frozen = x.copy()
    frozen.flags.writeable = False
    for a in x, x[::-1], other, frozen, x.view(type("Sub", (np.ndarray,), {})):
        np.testing.assert_allclose(f(a, np.ones(3)), np.exp(np.asarray(a, float)), rtol=1e-14)
    assert f.traces == 11


def test_arguments_in_containers_and_by_keyword():
    @functools.partial(ag.jit, static_argnames="power")
    def f(p, *, power, scale=1.0):
        return {"y": [p["w"] ** power * scale], "power": power}

    w = np.array([1.0, 2.0])
    for scale in 1.0, 2.0:
        got = f({"w": w}, power=3, scale=scale)
        assert got["power"] == 3
        np.testing.assert_array_equal(got["y"][0], w**3 * scale)
    assert f.traces == 1
    f({"w": w}, power=2)
    f({"w": w, "b": None}, power=2)
    assert f.traces == 3
    g = ag.jit(lambda n, x: x.reshape(n, -1), static_argnums=0)
    assert (g(2, np.ones(4)).shape, g(4, np.ones(4)).shape, g.traces) == ((2, 2), (4, 1), 2)
    refused(lambda: g(), ag.ShapeError, "jit: there is no such argument. Got static_argnums=0 for 0 arguments")
    refused(lambda: g(np.ones(2), np.ones(4)), ag.DTypeError, "jit: argument 0 is neither an array nor hashable. Got ndarray")
    refused(lambda: g(2, {1, 2}), ag.DTypeError, "jit: argument 1 is neither an array nor hashable. Got set", "register_pytree")
    # By name or by place.
    for k in ag.jit(lambda x, n: x.reshape(n), static_argnames="n"), ag.jit(lambda x, n: x.reshape(n), static_argnums=1):
        assert [k(np.ones(4), np.int64(4)).shape, k(np.ones(4), n=np.int64(4)).shape, k(x=np.ones(4), n=4).shape] == [(4,)] * 3
    refused(lambda: ag.jit(lambda x, n: x, static_argnames="m"), ag.ShapeError, "jit: there is no such argument. Got static_argnames='m'")
    # Equal numbers of two types are two values.
    h = ag.jit(lambda x, n: x * n if isinstance(n, bool) else x + n)
    assert (h(3.0, True), h(3.0, 1)) == (3.0, 4.0)


def test_calls_of_changing_form():
    """Each call is compared with the last of its kind first: whatever differs is seen."""
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def f(p, n=2, **rest):
        parts = [T.sum(np.multiply(p[k], i + 1.0)) for i, k in enumerate(sorted(p))]
        return sum(parts) * n + sum(v * 10.0 for v in rest.values() if not isinstance(v, str)), len(p)

    def plain(p, n=2, **rest):
        return sum(np.sum(p[k] * (i + 1.0)) for i, k in enumerate(sorted(p))) * n + sum(v * 10.0 for v in rest.values() if v != "s"), len(p)

    kept = ag.jit(f)
    calls = [
        (({"x": a},), {}), (({"x": b},), {}), (({"y": a},), {}), (({"x": a, "y": b},), {}), (({"y": b, "x": a},), {}), (({"x": a}, 3), {}),
        (({"x": a}, True), {}), (({"x": a}, 1), {}), (({"x": a},), {"n": 3}), (({"x": a},), {"z": 1.5}), (({"x": a},), {"y": 1.5}),
        (({"x": a},), {"y": 2.5, "z": "s"}), (({"x": a},), {"z": "s", "y": 2.5}), (({"x": a.astype("f4")},), {}), (({"x": a[:1]},), {}),
        (({},), {"z": 2.0}), (({"x": 2.0},), {}), (({"x": np.float64(2.0)},), {}), ((OrderedDict(x=a),), {}),
        ((defaultdict(int, x=a),), {}),
    ]  # fmt: skip
    for n in np.random.default_rng(3).integers(len(calls), size=300):
        args, options = calls[n]
        got, want = kept(*args, **options), plain(*args, **options)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
        assert got[1] == want[1]
    # {"x": b} is as {"x": a}; so are two orders of keys or keywords.
    assert kept.traces == len(calls) - 3
    # A tensor in the place of an array.
    np.testing.assert_array_equal(ag.grad(lambda x: kept({"x": x})[0])(a), [2.0, 2.0])
    assert kept.traces == len(calls) - 3


def test_it_composes():
    x = RNG.standard_normal(5)
    for made in ag.grad, ag.hessian, ag.jacobian, lambda f: lambda x: ag.value_and_grad(f)(x)[1]:
        f = ag.jit(made(rosenbrock))
        for a in x, x + 1.0, x:
            np.testing.assert_array_equal(f(a), made(rosenbrock)(a))
        assert f.traces == 1
        np.testing.assert_array_equal(made(ag.jit(rosenbrock))(x), f(x))
    f = ag.jit(ag.hvp(rosenbrock))
    np.testing.assert_array_equal(f(x, x), ag.hvp(rosenbrock)(x, x))
    # Inside of another one it is the function itself: nothing is traced but the one outside.
    inner = ag.jit(T.sin)
    outer = ag.jit(lambda x: inner(x) * 2.0)
    np.testing.assert_array_equal(outer(x), np.sin(x) * 2.0)
    assert (inner.traces, outer.traces) == (0, 1)
    np.testing.assert_array_equal(inner(x), np.sin(x))
    np.testing.assert_array_equal(outer(x), np.sin(x) * 2.0)
    # A step of a descent, which carries its parameters.
    target = {"w": np.array([1.0, -2.0]), "b": 0.5}

    @ag.jit
    def step(p, rate):
        loss = lambda p: ((p["w"] - target["w"]) ** 2).sum() + (p["b"] - target["b"]) ** 2  # noqa: E731
        value, g = ag.value_and_grad(loss)(p)
        return value, {k: p[k] - rate * g[k] for k in p}

    p = {"w": np.zeros(2), "b": 0.0}
    for _ in range(100):
        value, p = step(p, 0.1)
    np.testing.assert_allclose(p["w"], target["w"], atol=1e-8)
    assert value < 1e-15
    assert step.traces == 2  # `b` was a number of Python's at first


def test_what_is_read_from_outside_is_frozen():
    outside = {"rate": 2.0, "table": np.ones(2)}
    f = lambda x: (x * outside["rate"] + outside["table"]).sum()  # noqa: E731
    frozen, checked = ag.jit(f), ag.jit(f, check=True)
    x = np.ones(2)
    assert frozen(x) == checked(x) == checked(x) == 6.0
    outside["rate"] = 3.0
    assert frozen(x) == 6.0
    start = "jit: the function builds another graph than when it was traced. Got "
    refused(lambda: checked(x), ag.GraphError, start, "`constant` 3", "test_jit.py:", "make it an argument")
    outside["rate"] = 2.0
    assert checked(x) == 6.0
    outside["table"] = np.array([1.0, np.nan])
    refused(lambda: checked(x), ag.GraphError, start)
    outside["table"] = np.ones(2)
    depth = []

    def deeper(x):
        depth.append(0)
        for _ in depth:
            x = T.sin(x)
        return x

    checked = ag.jit(deeper, check=True)
    checked(x)
    refused(lambda: checked(x), ag.GraphError, start, "`sin`")
    # The same with random draws, custom operations, NaN: the same graph.
    double = ag.custom_op(lambda a: 2.0 * a, lambda a, y, g: 2.0 * g)
    same = ag.jit(lambda x: double(x) * np.nan + T.standard_normal([2]) * T.constant(np.nan), check=True)
    for _ in range(3):
        assert np.isnan(same(x)).all()


def test_draws_are_drawn_in_each_call():
    f = ag.jit(lambda x: x + T.standard_normal([3]))
    a, b = f(np.zeros(3)), f(np.zeros(3))
    assert f.traces == 1
    assert not np.array_equal(a, b)


def test_results_are_the_callers():
    table = np.arange(3.0)
    f = ag.jit(lambda x: (x + 0.0, table, "text", None, 3))
    x = np.ones(2)
    got = f(x)
    got[0][0] = 7.0
    got[1][0] = 7.0
    again = f(x)
    assert (again[0].tolist(), again[1].tolist(), again[2:]) == ([1.0, 1.0], [0.0, 1.0, 2.0], ("text", None, 3))
    assert x.tolist() == [1.0, 1.0]
    assert ag.jit(lambda x: ())(x) == ()
    assert ag.jit(lambda x: 3)(x) == 3
    nothing = ag.jit(lambda x, *rest: None)
    assert [nothing(x), nothing(x), nothing(x, 2), nothing(x, 2), nothing.traces] == [None, None, None, None, 2]
    same = ag.jit(lambda x: x)(x)
    same[0] = 5.0
    assert x.tolist() == [1.0, 1.0]


def test_errors_name_the_users_line():
    def f(x, i):
        return x[i] + 1.0

    x = np.ones(3)
    for g in f, ag.jit(f):
        with pytest.raises(ValueError, match="out of range") as e:
            ag.jit(g)(x, np.array(5))
        assert "test_jit.py" in e.value.__notes__[0]
    with pytest.raises(ag.ShapeError, match="matmul"):
        ag.jit(T.matmul)(x, np.ones(2))
    # A call that failed leaves nothing behind.
    g = ag.jit(lambda x, y: T.matmul(x, y))
    with pytest.raises(ag.ShapeError):
        g(x, np.ones(2))
    assert g(x, x) == 3.0
    with pytest.raises(ag.DTypeError, match="complex128"):
        g(x * 1j, x)
    hidden = np.ma.masked_array(x, [True, False, False])
    for h in g, ag.grad(lambda x, y: (x * y).sum()), ag.grad(lambda x, y: (x * y).sum(), argnums=1):
        with pytest.raises(ag.DTypeError, match="elements are masked"):
            h(x, hidden)
        np.testing.assert_array_equal(h(x, np.ma.masked_array(x)), h(x, x))


def test_methods_and_names():
    class Model:
        def __init__(self, k):
            self.k = k

        @ag.jit
        def predict(self, x):
            """Own words."""
            return x * self.k

    a, b = Model(2.0), Model(3.0)
    assert [a.predict(1.0), b.predict(1.0), a.predict(2.0)] == [2.0, 3.0, 4.0]
    assert Model.predict.traces == 2
    assert (Model.predict.__name__, Model.predict.__doc__) == ("predict", "Own words.")
    assert repr(ag.jit(rosenbrock)).startswith("<jit of <function rosenbrock")


def test_old_graphs_are_forgotten():
    from scirs2_autograd import kept

    f = ag.jit(lambda x, n: x * n)
    for n in range(kept.MOST + 5):
        assert f(2.0, n) == 2.0 * n
    assert len(f._graphs) == kept.MOST
    assert f(2.0, 0) == 0.0
    assert f.traces == kept.MOST + 6
    held = weakref.ref(f)
    del f
    gc.collect()
    assert held() is None


def test_threads_share_it():
    f = ag.jit(ag.value_and_grad(rosenbrock))
    want = {n: ag.value_and_grad(rosenbrock)(np.linspace(0.0, 1.0, n)) for n in range(2, 8)}
    failures = []

    def work():
        try:
            for _ in range(50):
                for n, (v, g) in want.items():
                    value, gradient = f(np.linspace(0.0, 1.0, n))
                    assert value == v
                    np.testing.assert_array_equal(gradient, g)
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    assert f.traces == len(want)
