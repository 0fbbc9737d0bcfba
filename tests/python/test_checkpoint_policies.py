"""Functions as policies, and what is refused as a policy, a budget or a number."""

import functools
import gc
import threading
import weakref

import numpy as np
import pytest

import scirs2_autograd as ag
from checkpoint_nets import small_gradient, step
from scirs2_autograd import _lib, policies
from scirs2_autograd import tensor_ops as T


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
                    ctx.env.set_checkpoint_policy(ag.Policy(policy) | policies.products())
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
