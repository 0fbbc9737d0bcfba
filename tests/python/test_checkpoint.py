"""Values that gradients compute again: marks, checkpointed functions, policies and budgets leave every bit as it is."""

import functools
import gc
import itertools
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib, policies
from scirs2_autograd import tensor_ops as T

LAYERS, ROWS, WIDTH = 6, 7, 5


def data(dtype):
    rng = np.random.default_rng(3)
    return rng.normal(size=(ROWS, WIDTH)).astype(dtype), [rng.normal(size=(WIDTH, WIDTH)).astype(dtype) for _ in range(LAYERS)]


def layer(x, w):
    return T.dropout(T.tanh(T.sigmoid(x @ w) * 2.0 - x), 0.25)


def marked(mark):
    def net(_ctx, x, ws):
        for w in ws:
            x = mark(layer(x, w))
        return x

    return net


def grouped(call):
    def net(ctx, x, ws):
        for w in ws:
            x = call(ctx, x, w)
        return x

    return net


def plain(_ctx, x, ws):
    return functools.reduce(layer, ws, x)


def spread(ctx, x, w):
    return T.CheckpointGroup(ctx).checkpoint_segment([x, w], layer)


def nested(ctx, x, w):
    group = T.CheckpointGroup(ctx)
    return group.checkpoint_fn_flex([x, w], lambda inputs: T.checkpoint_segment(ctx, inputs, layer))


NETS = {
    "checkpoint": marked(T.checkpoint),
    "adaptive": marked(lambda x: T.adaptive_checkpoint(x, 8)),
    "adaptive small": marked(lambda x: T.adaptive_checkpoint(x, 1 << 30)),
    "name": marked(lambda x: T.checkpoint_name(x, "h")),
    "fn": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn([x, w], lambda xs: layer(*xs))),
    "flex": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex([x, w], lambda xs: layer(*xs))),
    "flex2": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex2([x, w], lambda xs: (layer(*xs), xs[0] + 1.0))[0]),
    "flex3": grouped(lambda ctx, x, w: T.CheckpointGroup(ctx).checkpoint_fn_flex3([x, w], lambda xs: [xs[1], layer(*xs), xs[0]])[1]),
    "segment": grouped(lambda ctx, x, w: T.checkpoint_segment(ctx, [x, w], layer)),
    "segment flex": grouped(lambda ctx, x, w: T.checkpoint_segment_flex(ctx, [x, w], lambda xs: layer(*xs))),
    "group segment": grouped(spread),
    "nested": grouped(nested),
    "decorator": grouped(lambda _ctx, x, w: ag.checkpoint(layer)(x, w)),
    "decorator with a policy": grouped(lambda _ctx, x, w: ag.checkpoint(policy=policies.products())(layer)(x, w)),
    "group with a function": grouped(
        lambda ctx, x, w: T.CheckpointGroup(ctx, policy=lambda v: v.op == "tanh").checkpoint_fn([x, w], lambda xs: layer(*xs))
    ),
}
POLICIES = {
    "everything": policies.everything(),
    "nothing": policies.nothing(),
    "every_layers": policies.every_layers(2),
    "segments": policies.segments(),
    "segments of a number": policies.segments(3),
    "up_to": policies.up_to(ROWS * WIDTH * 4),
    "all_but_largest": policies.all_but_largest(5),
    "products": policies.products(),
    "ops": policies.ops("tanh"),
    "names": policies.names("h"),
    "and": policies.products() & policies.up_to(1 << 20),
    "or": policies.names("h") | policies.ops("sigmoid"),
    "not": ~policies.products(),
    "function": lambda value: value.read and value.flops < 100.0,
    "function in another": policies.products() | (lambda value: "h" in value.names),
}


def derivatives(net, dtype, order, policy=None, **options):
    """Gradients, or products of the Hessian with a vector, of two runs."""
    env = ag.VariableEnvironment()
    env.seed(5)
    start, weights = data(dtype)
    for i, w in enumerate(weights):
        env.name(f"w{i}").set(w)
    with ag.Context(env, dtype=dtype) as ctx:
        x = ctx.placeholder("x", [None, WIDTH])
        ws = [ctx.variable(f"w{i}") for i in range(LAYERS)]
        loss = T.square(T.checkpoint_name(net(ctx, x, ws), "h")).sum()
        gs = T.grad([loss], [x, *ws])
        if order == 2:
            gs = T.grad([sum(T.square(g).sum() for g in gs)], [x, *ws])
        evaluator = ctx.evaluator(checkpoint=policy, **options).push(loss).extend(gs).feed(x, start)
        return [*evaluator.run(), *evaluator.run()]


@functools.cache
def expected(dtype, order):
    return derivatives(plain, dtype, order)


def equal(got, dtype, order):
    wanted = expected(dtype, order)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()
        assert np.isfinite(a).all()


CASES = list(itertools.product(("float32", "float64"), (1, 2)))


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


def chain(net, dtype="float32", n=64, width=4096):
    """An evaluator of the gradient of a deep chain."""
    ctx = ag.Context(dtype=dtype)
    x = ctx.placeholder("x", [width])
    y = x
    for i in range(n):
        y = net(ctx, y, i)
    (g,) = T.grad([y.sum()], [x])
    return ctx.evaluator().push(g).feed(x, np.full(width, 0.5))


def step(x):
    return T.sin(T.tanh(x) * 1.5)


def every(k, mark):
    return lambda _ctx, x, i: mark(step(x)) if i % k else step(x)


@functools.cache
def whole_peak():
    return chain(lambda _ctx, x, _i: step(x)).plan().peak_bytes


LESS = {
    "checkpoint": (every(8, T.checkpoint), None),
    "adaptive": (every(8, lambda x: T.adaptive_checkpoint(x, 4096)), None),
    "group": (
        lambda ctx, x, _i: T.CheckpointGroup(ctx).checkpoint_fn([x], lambda xs: functools.reduce(lambda y, _: step(y), range(8), xs[0])),
        None,
    ),
    "segments": (lambda _ctx, x, _i: step(x), policies.segments()),
    "function": (every(8, lambda x: T.checkpoint_name(x, "no")), lambda value: value.op == "sin" and not value.names),
}


@pytest.mark.parametrize("name", LESS)
def test_a_deep_chain_needs_less(name):
    net, policy = LESS[name]
    evaluator = chain(net, n=8 if name == "group" else 64).checkpoint(policy)
    assert evaluator.plan().peak_bytes < 0.6 * whole_peak()
    np.testing.assert_array_equal(evaluator.run()[0], chain(lambda _ctx, x, _i: step(x)).run()[0])


def test_small_values_stay():
    small = chain(every(8, lambda x: T.adaptive_checkpoint(x, 1 << 20)))
    assert small.plan().peak_bytes == whole_peak()


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
            loss = functools.reduce(lambda y, _: T.dropout(step(y), 0.1), range(16), v).sum()
            gs = T.grad([loss], [v])
            optimizer = ag.optimizers.Adam(env=env, alpha=0.1)
            plan = optimizer.plan([loss], [v], gs, ctx, **said)
            (first,) = optimizer.update_and_eval([loss], [v], gs, ctx, **said)
            optimizer.update([v], gs, ctx, **said)
        return plan.peak_bytes, first.tobytes(), env["w"].tobytes(), bool(asked)

    most, *bits, _ = step_with()
    least, *others, asked = step_with(checkpoint=lambda value: False)
    assert asked
    assert least < most
    assert others == bits
    _, *others, _ = step_with(memory_budget=1 << 20)
    assert others == bits


def test_profiles_of_such_evaluators():
    evaluator = chain(lambda _ctx, x, _i: step(x)).checkpoint(policies.segments())
    assert ag.profile(evaluator).peak_bytes == evaluator.plan().peak_bytes < whole_peak()


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


# Functions as policies


def small_gradient(ctx):
    x = ctx.placeholder("x", [3])
    (g,) = T.grad([step(step(x))], [x])
    return g, {x: np.ones(3)}


def test_what_a_function_sees():
    seen = []
    with ag.Context(dtype="float32") as ctx:
        x, w = ctx.placeholder("x", [None, 4]), ctx.placeholder("w", [4, 2])
        (g,) = T.grad([T.exp(T.checkpoint_name(T.sin(x) @ w, "h"))], [x])
        ctx.evaluator(checkpoint=lambda v: seen.append(v) or True).push(g).feed(x, np.ones((3, 4))).feed(w, np.ones((4, 2))).run()
    ops = {v.op: v for v in seen}
    product = ops["batch_matmul"]
    assert product.names == ("h",)
    assert (product.dtype, product.shape, product.bytes, product.product) == (np.dtype("float32"), (3, 2), 24, True)
    assert product.flops == 2 * 3 * 4 * 2
    exp = ops["exp"]
    assert (exp.names, exp.product, exp.read) == ((), False, True)
    assert repr(exp) == "<Candidate exp of shape (3, 2), 24 bytes>"


def test_the_same_function_compiles_once():
    def keep(value):
        return value.op == "tanh"

    def compiled(policy):
        before = _lib._compilations()
        for _ in range(3):
            with ag.Context() as ctx:
                g, feeds = small_gradient(ctx)
                for _ in range(2):
                    g.eval(feeds, checkpoint=policy() if callable(policy) else policy)
        return _lib._compilations() - before

    assert compiled(lambda: keep) == 1
    # Whatever it is given by.
    assert compiled(lambda: ag.Policy(keep)) == 0
    assert compiled(lambda: ag.Policy(keep) | policies.products()) == 1
    assert compiled(lambda: lambda value: True) == 6


def test_policies_are_equal_if_they_choose_alike():
    def keep(value):
        return True

    class Plain:
        __slots__ = ()

        def __call__(self, value):
            return True

    assert ag.Policy(keep) == ag.Policy(keep)
    assert len({ag.Policy(keep), ag.Policy(keep), policies.products(), policies.products(), policies.names("a")}) == 3
    assert policies.segments(2) != policies.segments(3)
    assert policies.products() != "products()"
    # What cannot be referred to weakly is a policy of its own each time.
    one = Plain()
    assert ag.Policy(one) != ag.Policy(one)
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        assert np.isfinite(g.eval(feeds, checkpoint=one)).all()


class Bound:
    def keep(self, value):
        return value.op == "tanh"


def test_bound_methods_are_policies():
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        np.testing.assert_array_equal(g.eval(feeds, checkpoint=Bound().keep), g.eval(feeds))
        ctx.set_checkpoint_policy(Bound().keep)
        gc.collect()
        assert np.isfinite(g.eval(feeds)).all()


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, ag.ShapeError])
@pytest.mark.parametrize("long", [False, True])
def test_what_a_policy_raises_is_raised(kind, long):
    def fail(value):
        raise kind("from a policy")

    env = ag.VariableEnvironment()
    n = 200_000 if long else 3
    w = env.name("w").set(np.ones(n))
    with ag.Context(env) as ctx:
        v = ctx.variable("w")
        x = ctx.placeholder("x", [n])
        loss = step(step(v * x)).sum()
        gs = T.grad([loss], [v])
        write = T.assign(v, v - gs[0])
        feeds = {x: np.ones(n)}
        evaluator = ctx.evaluator(checkpoint=fail).push(loss).push(write).feed(x, np.ones(n))
        for call in (evaluator.run, evaluator.plan, lambda: ag.profile(evaluator), lambda: gs[0].eval(feeds, checkpoint=fail)):
            with pytest.raises(kind) as e:
                call()
            assert e.value.args == ("from a policy",)
            assert e.traceback[-1].name == "fail"
        for call in (ag.optimizers.SGD(0.1).update, functools.partial(ag.optimizers.SGD(0.1).update_and_eval, [loss])):
            with pytest.raises(kind, match="from a policy"):
                call([v], gs, ctx, feeds, checkpoint=fail)
        assert (env.get(w) == 1.0).all()
        # The graph is as it was.
        assert np.isfinite(evaluator.checkpoint(None).run()[0])
        assert not (env.get(w) == 1.0).all()


@pytest.mark.parametrize("given", [None, "yes", 2, 1.0, [True], np.ones(2)])
def test_a_policy_that_returns_no_bool(given):
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        with pytest.raises(ag.DTypeError) as e:
            g.eval(feeds, checkpoint=lambda value: given)
    assert str(e.value) == f"policy: the function returned no bool. Got {given!r}; expected True, which keeps the value, or False."


def test_numpys_bools_are_bools():
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        np.testing.assert_array_equal(g.eval(feeds, checkpoint=lambda value: np.bool_(False)), g.eval(feeds))


def test_a_policy_that_evaluates():
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        inner = ctx.constant(2.0) * 3.0
        np.testing.assert_array_equal(g.eval(feeds, checkpoint=lambda value: bool(inner.eval() == 6.0)), g.eval(feeds))


def test_a_policy_that_calls_itself_without_an_end():
    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)

        def keep(value):
            return g.eval(feeds, checkpoint=keep) is not None

        with pytest.raises(RecursionError):
            g.eval(feeds, checkpoint=keep)


def test_policies_of_many_threads():
    def keep(value):
        return value.op == "tanh"

    with ag.Context() as ctx:
        g, feeds = small_gradient(ctx)
        wanted = g.eval(feeds)
        failed = []

        def work(k):
            try:
                for i in range(20):
                    policy = keep if i % 2 else (lambda value: value.op == "sin")
                    ctx.set_checkpoint_policy(policy)
                    ctx.env.set_checkpoint_policy(policy | policies.products() if isinstance(policy, ag.Policy) else policy)
                    assert (g.eval(feeds) == wanted).all()
                    ctx.set_checkpoint_policy(None)
                    assert (g.eval(feeds) == wanted).all()
            except BaseException as e:
                failed.append(e)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failed


def test_policies_stay_and_go():
    class Keep:
        def __call__(self, value):
            return True

    env = ag.VariableEnvironment()
    keep = Keep()
    gone = weakref.ref(keep)
    with ag.Context(env) as ctx:
        g, feeds = small_gradient(ctx)
        joined = ~(policies.products() & ~ag.Policy(keep))
        env.set_checkpoint_policy(keep)
        ctx.set_checkpoint_policy(joined)
        evaluator = ctx.evaluator(checkpoint=keep).push(g).feed(*next(iter(feeds.items())))
        del keep, joined
        gc.collect()
        assert gone() is not None
        for _ in range(2):
            evaluator.run()
            g.eval(feeds)
        del evaluator
        ctx.set_checkpoint_policy(None)
        g.eval(feeds)
        env.set_checkpoint_policy(None)
        gc.collect()
        # The last that holds it is what was asked for last.
        g.eval(feeds)
        gc.collect()
    del ctx, g, feeds
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("where", ["context", "evaluator", "group", "combination"])
def test_circles_through_policies_are_collected(where):
    class Keep:
        def __init__(self, *held):
            self.held = held

        def __call__(self, value):
            return True

    ctx = ag.Context()
    x = ctx.placeholder("x", [3])
    keep = Keep(ctx, x)
    gone = weakref.ref(keep)
    if where == "group":
        y = T.CheckpointGroup(ctx, policy=keep).checkpoint_fn([x], lambda inputs: step(inputs[0]))
        g = T.grad([y], [x])[0]
    else:
        g = T.grad([step(x)], [x])[0]
    if where == "context":
        ctx.set_checkpoint_policy(keep)
    policy = {"evaluator": keep, "combination": ~ag.Policy(keep) | policies.products()}.get(where)
    evaluator = ctx.evaluator(checkpoint=policy).push(g).feed(x, np.ones(3))
    keep.held += (evaluator, policy)
    evaluator.run()
    del ctx, x, keep, g, evaluator, policy
    if where == "group":
        del y
    gc.collect()
    assert gone() is None


# Bad input

NO_POLICY = "this is no policy. Got 3; expected a policy of `ag.policies`, or a function that says of a value whether it is kept."


def test_what_is_no_policy():
    env = ag.VariableEnvironment()
    env.name("w").set(1.0)
    with ag.Context(env) as ctx:
        v = ctx.variable("w")
        sgd = ag.optimizers.SGD(0.1)
        calls = {
            "checkpoint": [
                lambda p: ctx.evaluator(checkpoint=p),
                lambda p: ctx.evaluator().checkpoint(p),
                lambda p: v.eval(checkpoint=p),
                lambda p: ctx.eval([v], checkpoint=p),
                lambda p: ag.Context(checkpoint=p),
                lambda p: ag.run(lambda ctx: None, checkpoint=p),
                lambda p: env.run(lambda ctx: None, checkpoint=p),
                lambda p: sgd.update([v], [v], ctx, checkpoint=p),
                lambda p: sgd.update_and_eval([v], [v], [v], ctx, checkpoint=p),
                lambda p: sgd.plan([v], [v], [v], ctx, checkpoint=p),
            ],
            "set_checkpoint_policy": [ctx.set_checkpoint_policy, env.set_checkpoint_policy],
            "Policy": [ag.Policy, lambda p: T.CheckpointGroup(ctx, policy=p), lambda p: ag.checkpoint(policy=p)(step)],
            "policy": [lambda p: policies.products() & p, lambda p: p | policies.products()],
        }
        for op, several in calls.items():
            for call in several:
                with pytest.raises(ag.DTypeError) as e:
                    call(3)
                assert str(e.value) == f"{op}: {NO_POLICY}"
        with pytest.raises(ag.DTypeError) as e:
            ctx.set_checkpoint_policy(policies.segments)
        assert str(e.value).startswith("set_checkpoint_policy: this makes a policy, and is none. Got ag.policies.segments; expected")
        assert str(e.value).endswith("help: write `ag.policies.segments(...)`")
        assert env["w"] == 1.0


BUDGETS = [
    (-1, ValueError),
    (-(10**30), ValueError),
    (True, ag.DTypeError),
    (1.5, ag.DTypeError),
    ("1", ag.DTypeError),
    ([], ag.DTypeError),
]


@pytest.mark.parametrize(("given", "kind"), BUDGETS)
def test_what_is_no_budget(given, kind):
    env = ag.VariableEnvironment()
    env.name("w").set(1.0)
    with ag.Context(env) as ctx:
        v = ctx.variable("w")
        sgd = ag.optimizers.SGD(0.1)
        for call in (
            ctx.set_memory_budget,
            env.set_memory_budget,
            ctx.evaluator().memory_budget,
            lambda n: ctx.evaluator(memory_budget=n),
            lambda n: ag.Context(memory_budget=n),
            lambda n: ag.run(lambda ctx: None, memory_budget=n),
            lambda n: env.run(lambda ctx: None, memory_budget=n),
            lambda n: v.eval(memory_budget=n),
            lambda n: ctx.eval([v], memory_budget=n),
            lambda n: sgd.update([v], [v], ctx, memory_budget=n),
        ):
            with pytest.raises(kind) as e:
                call(given)
            assert str(e.value) == f"memory_budget: this is no number of bytes. Got {given!r}; expected an integer >= 0, or None."
        assert env["w"] == 1.0


def test_numbers_of_all_kinds_are_budgets():
    with ag.Context() as ctx:
        for n in (1 << 40, 10**30, np.int64(1 << 40), None):
            ctx.set_memory_budget(n)
            assert (ctx.ones([2]) * 2.0).eval().tolist() == [2.0, 2.0]


NUMBERS = {
    "every_layers": ("layers", 1, ""),
    "segments": ("segments", 1, ", or None"),
    "up_to": ("bytes", 0, ""),
    "all_but_largest": ("values", 0, ""),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number(name):
    things, least, rest = NUMBERS[name]
    make = getattr(policies, name)
    for given, kind in (*BUDGETS, (least - 1, ValueError)):
        with pytest.raises(kind) as e:
            make(given)
        assert str(e.value) == f"{name}: this is no number of {things}. Got {given!r}; expected an integer >= {least}{rest}."
    assert repr(make(np.int32(3))) == f"{name}(3)"
    if name != "segments":
        with pytest.raises(ag.DTypeError):
            make(None)


@pytest.mark.parametrize("name", ["ops", "names"])
def test_what_is_no_name(name):
    with pytest.raises(ag.DTypeError) as e:
        getattr(policies, name)("a", ["b"])
    assert str(e.value) == f"{name}: this is no name. Got ['b']; expected strings, as arguments of their own."


def test_marks_refuse():
    with ag.Context() as ctx:
        x = ctx.constant([1.0, 2.0])
        with pytest.raises(ValueError, match=r"adaptive_checkpoint: a number of bytes is negative\. Got -1; expected bytes >= 0\."):
            T.adaptive_checkpoint(x, -1)
        with pytest.raises(ag.DTypeError):
            T.adaptive_checkpoint(x, 1.5)
        with pytest.raises(ValueError, match="checkpoint_name: the name is empty"):
            T.checkpoint_name(x, "")
        with pytest.raises(ag.DTypeError):
            T.checkpoint_name(x, 3)


# Checkpointed functions


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
        np.testing.assert_array_equal(made["h"].eval(), np.tanh(np.full((2, 2), 2.0)) * 2.0)
        np.testing.assert_array_equal(made["more"][2][0].eval(), made["h"].eval() + 1.0)


def test_decorated_methods_and_generators_of_them():
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
