"""Contexts, evaluators, variables, gradients, control, custom operations, hooks."""

import gc
import re
import sys
import weakref

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

# Contexts, evaluators, variables


def test_run():
    assert ag.run(lambda ctx: ctx.zeros(2).dtype, dtype="float32") == "float32"
    assert ag.run(lambda ctx: ctx.dtype) == "float64"
    draw = lambda ctx: T.standard_normal([5]).eval()  # noqa: E731
    a, b, c = ag.run(draw, seed=1), ag.run(draw, seed=1), ag.run(draw, seed=2)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    with ag.Context() as outer:
        with ag.Context() as inner:
            assert T.constant(1.0).context is inner
        assert T.constant(2.0).context is outer
        assert ag.run(lambda ctx: T.constant(3.0).context is ctx)
    with pytest.raises(ag.GraphError):
        ag.current_context()


def test_dtype_of_a_context():
    env = ag.VariableEnvironment()
    env.name("i").set(np.arange(3))
    assert ag.Context(env).dtype == "float64"
    env.name("w").set(np.ones(2, "f4"))
    assert ag.Context(env).dtype == "float32"
    assert ag.Context(env).placeholder("x", []).dtype == "float32"
    assert ag.Context(env, dtype="float64").placeholder("x", []).dtype == "float64"
    env.name("v").set(np.ones(2))
    with pytest.raises(ag.DTypeError, match="dtype="):
        ag.Context(env).placeholder("x", [])
    assert env.run(lambda ctx: ctx.constant(1.0).dtype, dtype=np.float32) == "float32"


def test_creation(ctx):
    assert T.zeros([2]).eval().tolist() == [0.0, 0.0]
    assert T.ones(2, "int32").eval().dtype == "int32"
    assert T.full((1, 2), 2.5).eval().tolist() == [[2.5, 2.5]]
    assert ctx.constant([1, 2], "float32").eval().dtype == "float32"
    assert ctx.constant(1).dtype == "int64"
    assert ctx.constant(True).dtype == "bool"
    assert T.slice(np.arange(10.0).reshape(2, 5), [0, 1], [1, -1]).eval().tolist() == [[1.0, 2.0, 3.0]]


def test_evaluator_and_plan(ctx):
    x = ctx.placeholder("x", [-1, 4])
    y, z = T.exp(x), T.reduce_sum(T.exp(x), axis=1)
    evaluator = ctx.evaluator().push(y).extend([z, x]).feed(x, np.zeros((3, 4)))
    a, b, c = evaluator.run()
    assert (a.tolist(), b.tolist(), c.tolist()) == (np.ones((3, 4)).tolist(), [4.0] * 3, np.zeros((3, 4)).tolist())
    plan = evaluator.plan()
    assert plan.steps >= 1
    assert 3 * 4 * 8 * 2 + 3 * 8 <= plan.peak_bytes < 10_000
    for word in "exp", "reduce_sum", "x":
        assert word in plan.explain()
    assert repr(plan) == f"<Plan of {plan.steps} steps, peak {plan.peak_bytes} bytes>"
    # A plan is made once for a program and the shapes of its feeds.
    count = _lib._compilations()
    evaluator.run()
    ctx.eval([y, z, x], {"x": np.ones((3, 4))})
    assert _lib._compilations() == count
    ctx.eval([y, z, x], {"x": np.ones((5, 4))})
    assert _lib._compilations() == count + 1
    assert evaluator.run()[0].shape == (3, 4)
    # The last feed of a placeholder counts.
    assert evaluator.feed("x", np.ones((2, 4))).run()[2].shape == (2, 4)
    assert ctx.evaluator().run() == ctx.eval([]) == []


def test_a_tensor_that_was_built_twice_names_both_lines(ctx):
    x = ctx.placeholder("x", [2])
    here = sys._getframe().f_lineno
    a = T.check_finite(x)
    T.check_finite(x)
    assert len(ctx) == 2
    with pytest.raises(ValueError, match=r"^check_finite: ") as e:
        a.eval({x: [1.0, np.nan]})
    assert e.value.__notes__ == [f"the tensor was built at {__file__}:{here + 1}, and at {__file__}:{here + 2}"]


def test_lines_are_those_of_the_call_however_often_code_runs():
    def place(t):
        with pytest.raises(ValueError, match=r"^check_finite: ") as e:
            t.eval({"x": [1.0, np.nan]})
        return e.value.__notes__

    here = sys._getframe().f_lineno
    for k in range(3):
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [2])
            a = T.check_finite(x)
            b = T.check_finite(x * 2.0) if k else T.check_finite(x * 3.0)
            assert place(a) == [f"the tensor was built at {__file__}:{here + 4}"]
            assert place(b) == [f"the tensor was built at {__file__}:{here + 5}"]
    # More pieces of code than are remembered, each of them twice.
    for k in [*range(100), *range(100)]:
        with ag.Context() as ctx:
            names = {"T": T, "x": ctx.placeholder("x", [2])}
            exec(compile("\n" * k + "y = T.check_finite(x)", f"piece {k % 7}", "exec"), names)
            assert place(names["y"]) == [f"the tensor was built at piece {k % 7}:{k + 1}"]


def lines_of_sines(plan):
    """The lines of the sines of a plan, in its order."""
    return [int(line) for line in re.findall(r"= sin %.*# .*:(\d+)$", plan.explain(), re.MULTILINE)]


def test_the_lines_of_a_long_function_are_read_once():
    # To find a line Python reads the function's table from the front, and here each line is built for the first time.
    source, lines = "def long(x):\n", []
    for k in range(300):
        source += "\n" * (k % 3)
        lines.append(source.count("\n") + 1)
        source += ["    x = T.sin(x)\n", "    x = T.sin(\n        x\n    )\n", "    for _ in range(1):\n        x = T.sin(x)\n"][k % 7 % 3]
        lines[-1] += k % 7 % 3 == 2
    names = {"T": T}
    exec(compile(source + "    return x\n", "long.py", "exec"), names)
    for searches in (33, 1):
        with ag.Context() as ctx:
            before = _lib._line_searches()
            y = names["long"](ctx.placeholder("x", []))
            assert lines_of_sines(ctx.evaluator().push(y).feed("x", 0.5).plan()) == lines
            # The line of the placeholder is one.
            assert _lib._line_searches() - before <= searches + 1


def test_code_that_calls_much_other_code_stays_known():
    pieces = []
    for k in range(200):
        names = {"T": T}
        exec(compile("\n" * k + "def piece(x): return T.sin(x)", "piece.py", "exec"), names)
        pieces.append(names["piece"])
    source = "def caller(x, pieces):\n" + "".join(f"    x = T.cos(pieces[{k}](x))\n" for k in range(200)) + "    return x\n"
    names = {"T": T}
    exec(compile(source, "caller.py", "exec"), names)
    with ag.Context() as ctx:
        before = _lib._line_searches()
        y = names["caller"](ctx.placeholder("x", []), pieces)
        assert _lib._line_searches() - before <= 200 + 40
        assert lines_of_sines(ctx.evaluator().push(y).feed("x", 0.5).plan()) == [k + 1 for k in range(200)]


def test_a_loop_that_rebuilds_its_graph_compiles_once():
    def step(x, rate):
        return ag.value_and_grad(lambda t: (T.tanh(t) * rate).sum())(x)

    step(np.ones(7), 0.123)
    count = _lib._compilations()
    for rate in np.linspace(0.2, 0.9, 20):
        value, g = step(np.full(7, rate), float(rate))
        assert value == pytest.approx(7 * np.tanh(rate) * rate)
        np.testing.assert_allclose(g, rate / np.cosh(rate) ** 2)
    assert _lib._compilations() == count


def test_variables():
    env = ag.VariableEnvironment()
    w = env.name("w").set(np.ones(2))
    b = env.namespace("layer").slot().name("b").set([1, 2])
    u = env.slot().set(2.5)
    n = env.set(np.zeros((1, 0)))
    assert [int(i.__index__()) for i in (w, b, u, n)] == [0, 1, 2, 3]
    assert env.name("w").set(np.zeros(3)) == w
    assert len({w, env.name("w").set(np.zeros(3)), b}) == 2
    assert env.names() == [("", "w"), ("layer", "b")]
    assert len(env) == 4
    space = env.namespace("layer")
    assert space.name == "layer"
    assert space.current_var_ids() == [b]
    assert space.current_var_names() == ["b"]
    assert space.get_array_by_name("b").tolist() == [1, 2]
    assert env.default_namespace().current_var_names() == ["w"]
    assert env.get(u).shape == ()
    assert env.get(("layer", "b")).dtype == "int64"
    assert repr(env) == "<VariableEnvironment of 4 variables>"
    assert repr(w) == "VariableID(0)"
    with ag.Context(env) as ctx:
        both = [ctx.variable("w"), ctx.variable(("layer", "b"))]
        # By name and by id they are one node each.
        again = [ctx.variable(w), ctx.variable(b)]
        assert (len(ctx), [t.shape for t in again]) == (2, [t.shape for t in both])
        assert ctx.variable(u).eval() == 2.5
        assert ctx.env.get("w").shape == (3,)
        before, after = ctx.eval([ctx.variable("w"), T.assign(ctx.variable("w"), ctx.variable("w") + 1.0)])
        assert (before.tolist(), after.tolist(), env.get("w").tolist()) == ([0.0] * 3, [1.0] * 3, [1.0] * 3)


def test_a_graph_that_was_built_before_a_variable_was_set():
    env = ag.VariableEnvironment()
    env.name("w").set(np.ones(2))
    with ag.Context(env) as ctx:
        y = ctx.variable("w") * 2.0
        env.name("w").set(np.full(2, 5.0))
        assert (ctx.variable("w") * 2.0).eval().tolist() == [10.0, 10.0]
        assert y.eval().tolist() == [10.0, 10.0]


# Gradients, control, custom ops, hooks


def test_grad_takes_one_or_several(ctx):
    x, y = ctx.placeholder("x", [2]), ctx.placeholder("y", [2])
    a = {x: np.array([1.0, 2.0]), y: np.array([3.0, 4.0])}
    (g,) = T.grad(x * y, x)
    assert g.eval(a).tolist() == [3.0, 4.0]
    gx, gy = T.grad([x * y, x], [x, y])
    assert [t.tolist() for t in ctx.eval([gx, gy], a)] == [[4.0, 5.0], [1.0, 2.0]]
    (g,) = T.grad([x], [y])
    assert g.eval().tolist() == [0.0, 0.0]
    (g,) = T.grad_with_default([x * y], [x], [np.array([10.0, 100.0])])
    assert g.eval(a).tolist() == [30.0, 400.0]
    (j,) = T.jacobians(x * y, [x], 2)
    assert j.eval(a).tolist() == [[3.0, 0.0], [0.0, 4.0]]
    (h,) = T._hessian_vector_product([(x * x * y).sum()], [x], [np.array([1.0, 10.0])])
    assert h.eval(a).tolist() == [6.0, 80.0]


def test_value_and_grad():
    f = lambda a, b, scale, power=1: ((a * scale + b) ** power).sum()  # noqa: E731
    a, b = np.array([1.0, 2.0]), np.array([0.5, 0.5])
    value, (ga, gb) = ag.value_and_grad(f, (0, 1))(a, b, 3.0, power=2)
    assert isinstance(value, float)
    assert value == 3.5**2 + 6.5**2
    assert (ga.tolist(), gb.tolist()) == ([21.0, 39.0], [7.0, 13.0])
    assert ag.grad(f, -1)(a, b, 3.0).tolist() == 3.0
    assert ag.grad(f, argnums=[1])(a, b, 3.0)[0].tolist() == [1.0, 1.0]
    assert ag.grad(lambda x: x.sum())(a.astype("f4")).dtype == "float32"


def test_cond(ctx):
    x = ctx.placeholder("x", [])
    y = T.cond(x > 0, lambda: x * x * x, lambda: -x)
    (g,) = T.grad([y], [x])
    (h,) = T.grad([g], [x])
    assert [t.item() for t in ctx.eval([y, g, h], {x: 2.0})] == [8.0, 12.0, 12.0]
    assert [t.item() for t in ctx.eval([y, g, h], {x: -2.0})] == [2.0, -1.0, 0.0]
    a, b = T.cond(x > 0, lambda: (x, x * 2.0), lambda: [x * 3.0, ctx.constant(1.0)])
    assert [t.item() for t in ctx.eval([a, b], {x: -1.0})] == [-3.0, 1.0]
    one = T.cond(x > 0, lambda: [x], lambda: [x + 1.0])
    assert isinstance(one, tuple)
    # A body may be a number or an array; only the chosen one runs.
    ran = []
    z = T.cond(x > 0, lambda: x.register_hook(ran.append), lambda: 7.0)
    assert z.eval({x: -1.0}) == 7.0
    assert ran == []
    assert z.eval({x: 1.0}) == 1.0
    assert len(ran) == 1
    assert T.cond(x > 0, lambda: np.ones(3), lambda: np.zeros(3)).eval({x: 1.0}).tolist() == [1.0] * 3


def test_custom_op(ctx):
    x = ctx.placeholder("x", [3])
    a = np.array([0.5, 1.0, 2.0])
    kept = []

    def forward(x):
        """Cubes."""
        kept.append(x)
        x *= x * x
        return x

    cube = ag.custom_op(forward, lambda g, y, x: g * 3.0 * x * x, name="cube")
    assert cube.__name__ == "cube"
    assert cube.__doc__ == "Cubes."
    y = cube(x)
    assert repr(y) == "<Tensor cube shape=(3,) dtype=float64>"
    (g,) = T.grad([y], [x])
    (h,) = T.grad([g], [x])
    got = ctx.eval([y, g, h], {x: a})
    np.testing.assert_allclose(got, [a**3, 3 * a**2, 6 * a], rtol=1e-15)
    # The function got an array of its own.
    assert a.tolist() == [0.5, 1.0, 2.0]
    got[0][:] = 0.0
    assert kept[0].tolist() == [0.125, 1.0, 8.0]
    ag.gradcheck(lambda x: cube(x) * x, a)
    # Each call is a node of its own, and a node runs once in a run.
    kept.clear()
    ctx.eval([y, y + 1.0, y * 2.0], {x: a})
    assert len(kept) == 1


def test_custom_op_of_several_outputs(ctx):
    infer_calls = []

    def infer(a, b):
        infer_calls.append((a, b))
        (rows, n), dtype = a
        return [((rows,), dtype), ((n, rows), "int64")]

    def vjp(g, y, a, b):
        g_sum, g_t = g
        assert (g_sum.shape, g_t.shape) == (y[0].shape, y[1].shape)
        return g_sum.reshape(-1, 1) * b, None

    op = ag.custom_op(lambda a, b: ((a * b).sum(axis=1), a.T.astype(int)), vjp, infer=infer)
    x, w = ctx.placeholder("x", [-1, 2]), ctx.placeholder("w", [2])
    s, t = op(x, w)
    assert (s.shape, t.shape, t.dtype) == ((None,), (2, None), "int64")
    assert infer_calls[0] == (((None, 2), "float64"), ((2,), "float64"))
    a, b = np.arange(6.0).reshape(3, 2), np.array([1.0, 10.0])
    gx, gw = T.grad([s * s], [x, w])
    (gg,) = T.grad([gx], [x])
    got = ctx.eval([s, t, gx, gw, gg], {x: a, w: b})
    np.testing.assert_array_equal(got[0], a @ b)
    np.testing.assert_array_equal(got[1], a.T.astype(int))
    np.testing.assert_array_equal(got[2], 2 * (a @ b)[:, None] * b)
    np.testing.assert_array_equal(got[3], [0.0, 0.0])
    np.testing.assert_array_equal(got[4], np.broadcast_to(2 * b.sum() * b, (3, 2)))


def test_shape_rules_do_not_share_plans():
    def repeated(k):
        """Built, run and dropped, so that the next rule may have the same address."""
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [-1])
            infer = lambda a: ((a[0][0] and k * a[0][0],), a[1])  # noqa: E731
            y = ag.custom_op(lambda a: np.tile(a, k), infer=infer, name="tile")(x) + 1.0
            return y.eval({x: np.zeros(3)}).tolist()

    for k in range(1, 30):
        assert repeated(k) == [1.0] * (3 * k)


def test_nodes_of_one_custom_op_share_plans():
    op = ag.custom_op(lambda a: a * 2.0, infer=lambda a: a)

    def run(n):
        return ag.run(lambda ctx: (op(ctx.constant(np.ones(n))) * 0.1234).eval())

    run(3)
    count = _lib._compilations()
    for _ in range(5):
        run(3)
    assert _lib._compilations() == count


def test_closing_lets_go_of_functions():
    class Function:
        def __call__(self, *args):
            return args[0]

    for use in (
        lambda x, f: x.register_hook(f),
        lambda x, f: ag.custom_op(f)(x),
        lambda x, f: ag.custom_op(lambda a: a, f)(x),
        lambda x, f: ag.custom_op(lambda a: a, infer=f)(x),
    ):
        f = Function()
        alive = weakref.ref(f)
        with ag.Context() as ctx:
            x = ctx.placeholder("x", [2])
            f.tensor = use(x, f)
            f.tensor.eval({x: np.ones(2)})
            # An op that is needed once more keeps its functions.
            del f
            gc.collect()
            assert alive() is not None
        del ctx, x
        gc.collect()
        assert alive() is None


def test_hooks(ctx, capsys):
    x = ctx.placeholder("x", [2])
    seen = []
    y = x.register_hook(seen.append) * 2.0
    z = y.show("y = ") + 1.0
    (g,) = T.grad([z], [x])
    assert z.eval({x: [1.0, 2.0]}).tolist() == [3.0, 5.0]
    assert [s.tolist() for s in seen] == [[1.0, 2.0]]
    assert capsys.readouterr().out == "y = [2. 4.]\n"
    seen[0][:] = 0.0
    assert g.eval({x: [1.0, 2.0]}).tolist() == [2.0, 2.0]
    assert T.show(x).eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert capsys.readouterr().out == "[1. 2.]\n"
    assert T.stop_gradient(x).eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert T.grad([T.stop_gradient(x) * x], [x])[0].eval({x: [1.0, 2.0]}).tolist() == [1.0, 2.0]


def test_gradcheck():
    ag.gradcheck(lambda x, y: T.sin(x) * T.exp(y), [0.3, -1.2], 0.5)
    wrong = ag.custom_op(lambda x: x * x, lambda g, y, x: g * x)
    with pytest.raises(
        AssertionError, match=r"^gradcheck: order 1: the gradient differs\. Got 0\.5 at input 0, entry \(0,\); expected (1\.0|0\.99999)"
    ):
        ag.gradcheck(wrong, [1.0, 2.0])
    # The first derivative is right and the second is not.
    half = ag.custom_op(lambda x: x**3, lambda g, y, x: g * 3.0 * T.stop_gradient(x) * x)
    ag.gradcheck(half, [1.0], order=1)
    with pytest.raises(AssertionError, match=r"^gradcheck: order 2: the gradient differs\. Got "):
        ag.gradcheck(half, [1.0])


def test_random_draws():
    def draws(ctx):
        a, b = T.standard_uniform([1000]), T.standard_uniform([1000])
        s = a * 1.0
        first, second = ctx.eval([a, b, s]), ctx.eval([a, b, s])
        return first, second

    first, second = ag.run(draws, seed=3)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], second[0])
    again = ag.run(draws, seed=3)
    for a, b in zip((*first, *second), (*again[0], *again[1]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert 0.0 <= first[0].min() < 0.01
    assert 0.99 < first[0].max() < 1.0
    env = ag.VariableEnvironment()
    env.seed(3)
    assert env.seed_value == 3
    np.testing.assert_array_equal(env.run(draws)[1][1], second[1])


def test_laws(ctx):
    ctx.env.seed(0)
    n = 100_000
    # Means and deviations lie within 5 standard errors.
    for t, mean, std in (
        (T.standard_uniform([n]), 0.5, 12**-0.5),
        (T.standard_normal([n]), 0.0, 1.0),
        (T.random_uniform([n], -1.0, 3.0), 1.0, 4 * 12**-0.5),
        (T.random_uniform([n], 1, 3), 2.0, 2 * 12**-0.5),
        (T.random_normal([n], 2.0, 0.5), 2.0, 0.5),
        (T.bernoulli([n], 0.25), 0.25, (0.25 * 0.75) ** 0.5),
        (T.uniform_like(ctx.zeros([n])), 0.5, 12**-0.5),
        (T.normal_like(ctx.zeros([n], "float32")), 0.0, 1.0),
    ):
        a = t.eval()
        assert abs(a.mean() - mean) < 5 * std / n**0.5
        assert abs(a.std() - std) < 5 * std / n**0.5
    low = [0.0, 10.0]
    a = T.random_uniform([1000, 2], low, np.array([1.0, 11.0])).eval()
    assert (a.min(axis=0) >= low).all()
    assert (a.max(axis=0) < [1.0, 11.0]).all()
    m = ctx.placeholder("m", [])
    (g,) = T.grad([T.random_normal([10], m, 2.0).sum()], [m])
    assert g.eval({m: 1.0}) == 10.0


def test_array_rng():
    a, b = ag.ArrayRng(7), ag.ArrayRng(7)
    for name, args in {
        "standard_uniform": (), "standard_normal": (), "uniform": (-1.0, 2.0), "normal": (1.0, 0.1),
        "glorot_uniform": (), "glorot_normal": (), "he_uniform": (), "he_normal": (),
        "lecun_uniform": (), "lecun_normal": (), "truncated_normal": (0.0, 1.0, -1.0, 0.5), "orthogonal": (2.0,),
    }.items():  # fmt: skip
        x, y = getattr(a, name)([50, 40], *args), getattr(b, name)((50, 40), *args)
        np.testing.assert_array_equal(x, y)
        assert x.dtype == "float64"
        assert not np.array_equal(x, getattr(a, name)([50, 40], *args))
        getattr(b, name)([50, 40], *args)
    assert abs(a.glorot_uniform([50, 40])).max() <= (6 / 90) ** 0.5
    assert abs(a.he_uniform([50, 40])).max() <= (6 / 50) ** 0.5
    assert abs(a.lecun_uniform([50, 4, 3])).max() <= (3 / 12) ** 0.5
    cut = a.truncated_normal([1000])
    assert (cut.min() >= -2.0, cut.max() <= 2.0, abs(cut.std() - 0.7737413**0.5) < 0.05) == (True, True, True)
    cut = a.truncated_normal([1000], 3.0, 2.0, low=4.0, high=np.inf)
    assert (cut.min() >= 4.0, cut.max() > 5.0) == (True, True)
    assert np.isnan(a.truncated_normal([3], low=1.0, high=0.0)).all()
    # So far from the mean that the sum of two numbers is infinite.
    assert (a.truncated_normal([3], 1e308) == 2.0).all()
    assert (a.truncated_normal([3], -1.7e308, low=0.0) == 0.0).all()
    for shape in (6, 4), (4, 6), (3, 2, 2, 2), (5,):
        q = a.orthogonal(shape).reshape(shape[0], -1)
        np.testing.assert_allclose(q @ q.T if len(q) < q.shape[1] else q.T @ q, np.eye(min(q.shape)), atol=1e-12)
    assert ag.ArrayRng(0, "float32").uniform(3, 0.0, 1.0).dtype == "float32"
    assert ag.ArrayRng(0).standard_normal([]).shape == ()
    assert not np.array_equal(ag.ArrayRng().standard_normal(4), ag.ArrayRng().standard_normal(4))
