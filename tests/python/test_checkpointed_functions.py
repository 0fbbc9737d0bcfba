"""Checkpointed functions: what they take and return, what they refuse, users' code inside, transformations."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

import scirs2_autograd as ag
from checkpoint_nets import step
from scirs2_autograd import policies
from scirs2_autograd import tensor_ops as T


def test_numbers_of_outputs(ctx):
    x = ctx.constant([1.0, 2.0])
    group = T.CheckpointGroup(ctx)
    for name, n, rule in (("", 1, "a tensor"), ("2", 2, "2 tensors, as a tuple"), ("3", 3, "3 tensors, as a tuple")):
        method = getattr(group, f"checkpoint_fn_flex{name}")
        for k in {0, 1, 2, 3, 4} - {n}:
            with pytest.raises(ag.ShapeError) as e:
                method([x], lambda inputs, k=k: [inputs[0] * 2.0] * k)
            text = f"checkpoint_fn_flex{name}: the function returned another number of tensors. Got {k}; expected {rule}."
            assert str(e.value) == text
    with pytest.raises(ag.ShapeError, match="Got 1; expected 2 tensors"):
        group.checkpoint_fn_flex2([x], lambda inputs: inputs[0])


def test_forms_of_outputs(ctx):
    x = ctx.constant([1.0, 2.0])
    group = T.CheckpointGroup(ctx)
    assert isinstance(group.checkpoint_fn([x], lambda inputs: inputs[0]), ag.Tensor)
    assert [type(group.checkpoint_fn([x], lambda inputs, kind=kind: kind(inputs))) for kind in (list, tuple)] == [list, tuple]
    assert type(group.checkpoint_fn_flex2([x], lambda inputs: [inputs[0], inputs[0]])) is tuple
    assert group.checkpoint_fn([x], lambda inputs: []) == []
    assert group.checkpoint_segment([x, 2.0, np.ones(2)], lambda x, n, a: x * n + a).eval().tolist() == [3.0, 5.0]


@pytest.mark.parametrize("given", [None, 3.0, "x", np.ones(2)])
def test_functions_that_return_no_tensors(ctx, given):
    x = ctx.constant([1.0, 2.0])
    group = T.CheckpointGroup(ctx)
    calls = {
        "checkpoint_fn": lambda f: group.checkpoint_fn([x], f),
        "checkpoint_fn_flex": lambda f: group.checkpoint_fn_flex([x], f),
        "checkpoint_fn_flex2": lambda f: group.checkpoint_fn_flex2([x], lambda xs: (xs[0], f(xs))),
        "checkpoint_segment": lambda f: T.checkpoint_segment(ctx, [x], f),
        "checkpoint_segment_flex": lambda f: T.checkpoint_segment_flex(ctx, [x], f),
    }
    for op, call in calls.items():
        with pytest.raises(ag.DTypeError) as e:
            call(lambda _: given)
        rule = "a tensor for each output"
        assert str(e.value) == f"{op}: the function returned something else than tensors. Got {given!r}; expected {rule}."


def test_tensors_of_other_contexts(ctx):
    x = ctx.constant([1.0, 2.0])
    with ag.Context() as other:
        y = other.constant([1.0, 2.0])
        for call in (
            lambda: T.CheckpointGroup(ctx).checkpoint_fn([x], lambda inputs: y),
            lambda: T.checkpoint_segment(ctx, [x], lambda x: (x, y)),
            lambda: ag.checkpoint(lambda x: y)(x),
        ):
            with pytest.raises(
                ag.GraphError, match=r"the function returned a tensor of another context\. Got .*; expected a tensor of the"
            ):
                call()
        with pytest.raises(ag.GraphError, match="two graphs"):
            T.CheckpointGroup(ctx).checkpoint_fn([y], lambda inputs: inputs[0])
    assert (x * 2.0).eval().tolist() == [2.0, 4.0]


def test_what_is_no_context_and_no_function(ctx):
    with pytest.raises(ag.DTypeError, match=r"CheckpointGroup: not a context\. Got 3; expected the context of the tensors\."):
        T.CheckpointGroup(3)
    group = T.CheckpointGroup(ctx)
    with pytest.raises(TypeError, match=r"checkpoint_fn: not a function\. Got 3; expected a function of tensors\."):
        group.checkpoint_fn([ctx.constant(1.0)], 3)
    with pytest.raises(TypeError, match=r"checkpoint: not a function\. Got 3; expected a function of tensors\."):
        ag.checkpoint(3)
    with pytest.raises(ag.DTypeError, match="a tensor stands where a sequence of tensors is expected"):
        group.checkpoint_fn(ctx.constant(1.0), lambda inputs: inputs[0])


def test_a_closed_context():
    with ag.Context() as ctx:
        x = ctx.constant(1.0)
        group = T.CheckpointGroup(ctx)
    with pytest.raises(ag.GraphError, match="context: it is closed"):
        group.checkpoint_fn([x], lambda inputs: inputs[0])


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt, ag.ShapeError])
def test_functions_that_raise(ctx, kind):
    x = ctx.constant([1.0, 2.0])

    def fail(*_):
        T.exp(x)
        raise kind("from a function")

    for call in (
        lambda: T.CheckpointGroup(ctx).checkpoint_fn([x], fail),
        lambda: T.checkpoint_segment(ctx, [x], fail),
        lambda: ag.checkpoint(fail)(x),
        lambda: ag.checkpoint(lambda x: ag.checkpoint(fail)(x))(x),
    ):
        with pytest.raises(kind) as e:
            call()
        assert e.value.args == ("from a function",)
    # What is built afterwards is outside of it.
    with ag.Context() as fresh:
        peaks = []
        for c in (ctx, fresh):
            v = c.placeholder("v", [1000])
            (g,) = T.grad([functools.reduce(lambda y, _: step(y), range(32), v)], [v])
            peaks.append(c.evaluator().push(g).feed(v, np.ones(1000)).plan().peak_bytes)
    assert peaks[0] == peaks[1]


@dataclass
class Weights:
    w: object
    b: object
    name: str = "layer"


def test_decorated_functions_take_and_return_anything():
    @ag.checkpoint
    def f(x, weights, *rest, scale=1.0, **named):
        h = T.tanh(x @ weights.w + weights.b) * scale
        return {"h": h, "name": weights.name, "rest": rest, "more": [named["k"], None, (h + 1.0,)]}

    assert f.__name__ == "f"
    with ag.Context() as ctx:
        x, w = ctx.constant(np.ones((2, 2))), ctx.constant(np.eye(2))
        made = f(x, Weights(w, 1.0), 7, "r", scale=2.0, k="v")
        assert (made["name"], made["rest"], made["more"][:2]) == ("layer", (7, "r"), ["v", None])
        np.testing.assert_allclose(made["h"].eval(), np.tanh(np.full((2, 2), 2.0)) * 2.0, rtol=1e-15)
        np.testing.assert_array_equal(made["more"][2][0].eval(), made["h"].eval() + 1.0)


def test_decorated_methods():
    class Net:
        calls = 0

        @ag.checkpoint(policy=policies.products())
        def layer(self, x):
            self.calls += 1
            return T.sin(x * 2.0)

    net = Net()
    g = ag.grad(lambda x: net.layer(net.layer(x)).sum())(np.ones(2))
    assert net.calls == 2
    np.testing.assert_array_equal(g, ag.grad(lambda x: T.sin(T.sin(x * 2.0) * 2.0).sum())(np.ones(2)))


def test_decorated_functions_of_arrays_are_called_as_they_are():
    seen = []
    f = ag.checkpoint(lambda x: seen.append(type(x)) or x * 2.0)
    assert f(np.ones(2)).tolist() == [2.0, 2.0]
    assert f(3.0) == 6.0
    assert seen == [np.ndarray, float]


TRANSFORMS = {
    "grad": lambda f: ag.grad(f)(np.array([0.5, 1.5])),
    "value_and_grad": lambda f: ag.value_and_grad(f)(np.array([0.5, 1.5]))[1],
    "grad of grad": lambda f: ag.grad(lambda x: T.square(ag.grad(f)(x)).sum())(np.array([0.5, 1.5])),
    "hessian": lambda f: ag.hessian(f)(np.array([0.5, 1.5])),
    "hvp": lambda f: ag.hvp(f)(np.array([0.5, 1.5]), np.array([1.0, 2.0])),
    "jvp": lambda f: ag.jvp(f, [np.array([0.5, 1.5])], [np.array([1.0, 2.0])])[1],
    "vjp": lambda f: ag.vjp(f, np.array([0.5, 1.5]))[1](1.0)[0],
    "jit": lambda f: ag.jit(f)(np.array([0.5, 1.5])),
    "jit of grad": lambda f: ag.jit(ag.grad(f))(np.array([0.5, 1.5])),
    "grad of jit": lambda f: ag.grad(ag.jit(f))(np.array([0.5, 1.5])),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_decorated_functions_in_transformations(name):
    def f(x):
        return T.exp(T.sin(step(x)) * x).sum()

    def twice(x):
        return f(step(x))

    for g, like in (
        (ag.checkpoint(f), f),
        (ag.checkpoint(policy=lambda value: value.op == "tanh")(f), f),
        (lambda x: ag.checkpoint(f)(ag.checkpoint(step)(x)), twice),
        (ag.checkpoint(lambda x: ag.checkpoint(f)(step(x))), twice),
    ):
        got, wanted = np.asarray(TRANSFORMS[name](g)), np.asarray(TRANSFORMS[name](like))
        assert got.shape == wanted.shape
        assert got.tobytes() == wanted.tobytes()


def test_a_gradient_inside_of_a_checkpointed_function():
    def f(x):
        return T.square(ag.grad(lambda y: T.exp(T.sin(y)).sum())(x)).sum()

    x = np.array([0.5, 1.5])
    assert ag.grad(ag.checkpoint(f))(x).tobytes() == ag.grad(f)(x).tobytes()


def test_users_code_inside_runs_once():
    calls = []

    def forward(x):
        calls.append("op")
        return np.sin(x)

    sine = ag.custom_op(forward, lambda g, y, x: g * T.cos(x))

    def inside(x):
        y = T.exp(x).register_hook(lambda _: calls.append("hook"))
        return T.tanh(sine(T.tanh(y)))

    def gradient(f, policy):
        with ag.Context(checkpoint=policy) as ctx:
            x = ctx.placeholder("x", [1000])
            (g,) = T.grad([f(f(x)).sum()], [x])
            return g.eval({x: np.linspace(0.0, 1.0, 1000)})

    wanted = gradient(inside, None)
    for f, policy in ((ag.checkpoint(inside), None), (inside, policies.nothing()), (ag.checkpoint(inside), policies.segments())):
        calls.clear()
        assert gradient(f, policy).tobytes() == wanted.tobytes()
        assert sorted(calls) == ["hook", "hook", "op", "op"]


def test_variables_that_the_run_writes_are_read_before():
    def run(f):
        env = ag.VariableEnvironment()
        env.name("w").set(np.linspace(0.0, 1.0, 1000))
        with ag.Context(env) as ctx:
            v = ctx.variable("w")
            loss = f(f(v)).sum()
            (g,) = T.grad([loss], [v])
            out = ctx.evaluator().push(loss).push(g).push(T.assign(v, v * 0.0 - 5.0)).run()
        assert (env["w"] == -5.0).all()
        return [a.tobytes() for a in out]

    wanted = run(step)
    assert run(ag.checkpoint(step)) == wanted
    assert run(lambda x: T.checkpoint(step(x))) == wanted


def test_random_draws_inside_are_drawn_once():
    def noisy(x):
        return T.tanh(x + T.standard_normal([5])) * T.standard_uniform([5])

    def run(f):
        with ag.Context(seed=3) as ctx:
            x = ctx.placeholder("x", [5])
            y = f(f(x))
            return [a.tobytes() for a in ctx.eval([y, *T.grad([y.sum()], [x])], {x: np.ones(5)})]

    assert run(ag.checkpoint(noisy)) == run(noisy)


def test_detach():
    with ag.Context() as ctx:
        x = ctx.constant([1.0, 2.0])
        assert T.grad([(T.detach(x) * x).sum()], [x])[0].eval().tolist() == [1.0, 2.0]
