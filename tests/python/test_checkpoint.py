"""Values that gradients compute again: marks, checkpointed functions, policies and budgets leave every bit as it is."""

import functools

import numpy as np
import pytest

import scirs2_autograd as ag
from checkpoint_nets import CASES, NETS, POLICIES, chain, derivatives, equal, every, plain, step, whole_peak
from scirs2_autograd import policies
from scirs2_autograd import tensor_ops as T


@pytest.mark.parametrize(("dtype", "order"), CASES)
@pytest.mark.parametrize("name", NETS)
def test_marks_and_functions_leave_the_bits(name, dtype, order):
    equal(derivatives(NETS[name], dtype, order), dtype, order)


@pytest.mark.parametrize(("dtype", "order"), CASES)
@pytest.mark.parametrize("name", POLICIES)
def test_policies_leave_the_bits(name, dtype, order):
    equal(derivatives(plain, dtype, order, POLICIES[name]), dtype, order)


@pytest.mark.parametrize("name", ["checkpoint", "fn", "decorator"])
def test_policies_and_functions_together_leave_the_bits(name):
    equal(derivatives(NETS[name], "float64", 1, policies.segments()), "float64", 1)


# What is saved


LESS = {
    "checkpoint": (every(8, T.checkpoint), None),
    "adaptive": (every(8, lambda x: T.adaptive_checkpoint(x, 4096)), None),
    "group": (
        lambda ctx, x, _i: T.CheckpointGroup(ctx).checkpoint_fn([x], lambda xs: functools.reduce(lambda y, _: step(y), range(8), xs[0])),
        None,
    ),
    "segments": (lambda _ctx, x, _i: step(x), policies.segments()),
    "function": (lambda _ctx, x, _i: step(x), lambda value: value.op == "sin"),
}


@pytest.mark.parametrize("name", LESS)
def test_a_deep_chain_needs_less(name):
    net, policy = LESS[name]
    evaluator = chain(net, n=8 if name == "group" else 64).checkpoint(policy)
    assert evaluator.plan().peak_bytes < 0.6 * whole_peak()
    np.testing.assert_array_equal(evaluator.run()[0], chain(lambda _ctx, x, _i: step(x)).run()[0])


def test_small_values_stay():
    assert chain(every(8, lambda x: T.adaptive_checkpoint(x, 1 << 20))).plan().peak_bytes == whole_peak()


def test_a_decorated_function_needs_less():
    def peak(f):
        def net(ctx, x, _):
            return f(x)

        return chain(net, n=8).plan().peak_bytes

    def block(x):
        return functools.reduce(lambda y, _: step(y), range(8), x)

    assert peak(ag.checkpoint(block)) < 0.6 * peak(block)
    # What a policy keeps of the inside is kept.
    assert peak(ag.checkpoint(block)) < peak(ag.checkpoint(block, policy=policies.everything())) <= peak(block)


# Where policies and budgets are said


def said_where(say, policy):
    """The peak of a gradient, where `say(what)` makes the context."""
    with say(policy) as ctx:
        x = ctx.placeholder("x", [1000])
        (g,) = T.grad([functools.reduce(lambda y, _: step(y), range(32), x)], [x])
        return ctx.evaluator().push(g).feed(x, np.ones(1000)).plan().peak_bytes


def environment(policy, method="set_checkpoint_policy"):
    env = ag.VariableEnvironment()
    getattr(env, method)(policy)
    return ag.Context(env)


def context(policy, method="set_checkpoint_policy"):
    ctx = ag.Context()
    getattr(ctx, method)(policy)
    return ctx


WAYS = {"environment": environment, "context": context, "constructor": lambda policy: ag.Context(checkpoint=policy)}


@pytest.mark.parametrize("way", WAYS)
def test_a_policy_of_a_context(way):
    assert said_where(WAYS[way], policies.segments()) < 0.7 * said_where(WAYS[way], None)
    sines = said_where(WAYS[way], lambda value: value.op == "sin")
    assert sines < said_where(WAYS[way], None)


def test_runs_with_a_policy():
    def peak(ctx):
        x = ctx.placeholder("x", [1000])
        (g,) = T.grad([functools.reduce(lambda y, _: step(y), range(32), x)], [x])
        return ctx.evaluator().push(g).feed(x, np.ones(1000)).plan().peak_bytes

    env = ag.VariableEnvironment()
    most = ag.run(peak)
    for run in (ag.run, env.run):
        assert run(peak, checkpoint=policies.segments(), memory_budget=1 << 30) < 0.7 * most


def test_what_is_said_closest_counts():
    env = ag.VariableEnvironment()
    asked = []

    def of(name):
        return lambda value: asked.append(name) or True

    env.set_checkpoint_policy(of("environment"))
    with ag.Context(env) as ctx:
        x = ctx.placeholder("x", [3])
        (g,) = T.grad([step(x)], [x])
        feeds = {x: np.ones(3)}

        def told(f):
            asked.clear()
            f()
            return set(asked)

        assert told(lambda: g.eval(feeds)) == {"environment"}
        ctx.set_checkpoint_policy(of("context"))
        assert told(lambda: g.eval(feeds)) == {"context"}
        assert told(lambda: ctx.eval([g], feeds, checkpoint=of("eval"))) == {"eval"}
        assert told(lambda: g.eval(feeds, checkpoint=of("tensor"))) == {"tensor"}
        evaluator = ctx.evaluator(checkpoint=of("evaluator")).push(g).feed(x, np.ones(3))
        assert told(evaluator.run) == {"evaluator"}
        assert told(evaluator.checkpoint(of("later")).plan) == {"later"}
        assert told(lambda: ag.profile(evaluator.checkpoint(of("profile")))) == {"profile"}
        ctx.set_checkpoint_policy(None)
        assert told(evaluator.checkpoint(None).run) <= {"environment"}
        env.set_checkpoint_policy(None)
        assert told(lambda: g.eval(feeds)) == set()


def test_steps_of_optimizers():
    def step_with(**said):
        env = ag.VariableEnvironment()
        env.seed(1)
        env.name("w").set(np.full(1000, 0.5))
        asked = []
        if "checkpoint" in said:
            given = said["checkpoint"]
            said["checkpoint"] = lambda value: asked.append(value.op) or given(value)
        with ag.Context(env) as ctx:
            v = ctx.variable("w")
            loss = functools.reduce(lambda y, _: T.dropout(step(y), 0.1), range(48), v).sum()
            gs = T.grad([loss], [v])
            optimizer = ag.optimizers.Adam(env=env, alpha=0.1)
            plan = optimizer.plan([loss], [v], gs, ctx, **said)
            (first,) = optimizer.update_and_eval([loss], [v], gs, ctx, **said)
            optimizer.update([v], gs, ctx, **said)
        return plan.peak_bytes, first.tobytes(), env["w"].tobytes(), bool(asked)

    most, *bits, _ = step_with()
    least, *others, asked = step_with(checkpoint=lambda value: value.op == "sin")
    assert asked
    assert least < most
    assert others == bits
    _, *others, _ = step_with(memory_budget=1 << 20)
    assert others == bits


def test_profiles_of_such_evaluators():
    evaluator = chain(lambda _ctx, x, _i: step(x)).checkpoint(policies.segments())
    assert evaluator.plan().peak_bytes <= ag.profile(evaluator).peak_bytes < 0.6 * whole_peak()


# Budgets


def test_a_budget_is_kept():
    evaluator = chain(lambda _ctx, x, _i: step(x))
    for share in (0.8, 0.5):
        budget = int(whole_peak() * share)
        evaluator.memory_budget(budget)
        assert evaluator.plan().peak_bytes <= budget
        np.testing.assert_array_equal(evaluator.run()[0], chain(lambda _ctx, x, _i: step(x)).run()[0])


def test_a_budget_that_nothing_fits():
    evaluator = chain(lambda _ctx, x, _i: step(x)).memory_budget(100)
    with pytest.raises(MemoryError):
        evaluator.run()
    assert evaluator.memory_budget(None).plan().peak_bytes == whole_peak()


@pytest.mark.parametrize("way", ["environment", "context", "constructor"])
def test_budgets_of_contexts(way):
    ways = {
        "environment": lambda n: environment(n, "set_memory_budget"),
        "context": lambda n: context(n, "set_memory_budget"),
        "constructor": lambda n: ag.Context(memory_budget=n),
    }
    assert said_where(ways[way], 200_000) <= 200_000 < said_where(ways[way], None)


@pytest.mark.parametrize(("dtype", "order"), CASES)
def test_budgets_leave_the_bits(dtype, order):
    equal(derivatives(plain, dtype, order, memory_budget=1 << 30), dtype, order)
