"""How optimizers are made, for which variables, and whose state is whose."""

import inspect
import types

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

opts = ag.optimizers
STATEFUL = [
    opts.MomentumSGD,
    opts.Nesterov,
    opts.AdaGrad,
    opts.Adadelta,
    opts.RMSprop,
    opts.Adam,
    opts.AdamW,
    opts.NAdam,
    opts.Lion,
]
ALL = [opts.SGD, *STATEFUL]
#: What PyTorch has by default, where it has the optimizer, or optax; our own else.
DEFAULTS = {
    opts.SGD: {"alpha": 1e-3, "weight_decay": 0.0},
    opts.MomentumSGD: {"alpha": 0.01, "momentum": 0.9, "weight_decay": 0.0},
    opts.Nesterov: {"alpha": 1e-3, "momentum": 0.9, "weight_decay": 0.0},
    opts.AdaGrad: {"alpha": 0.01, "eps": 1e-7, "weight_decay": 0.0},
    opts.Adadelta: {"alpha": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
    opts.RMSprop: {"alpha": 0.01, "rho": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
    opts.Adam: {"alpha": 1e-3, "eps": 1e-8, "b1": 0.9, "b2": 0.999, "weight_decay": 0.0},
    opts.AdamW: {"alpha": 1e-3, "eps": 1e-8, "b1": 0.9, "b2": 0.999, "weight_decay": 0.01},
    opts.NAdam: {"alpha": 2e-3, "eps": 1e-8, "b1": 0.9, "b2": 0.999, "momentum_decay": 4e-3, "weight_decay": 0.0},
    opts.Lion: {"alpha": 1e-4, "b1": 0.9, "b2": 0.99, "weight_decay": 1e-3},
}
OTHERS = {
    "alpha": 0.25,
    "momentum": 0.5,
    "rho": 0.5,
    "eps": 1e-3,
    "b1": 0.5,
    "b2": 0.75,
    "momentum_decay": 1e-2,
    "weight_decay": 0.125,
}


def environment(*names, dtype="float64"):
    env = ag.VariableEnvironment()
    for k, name in enumerate(names or "wb"):
        env.name(name).set(np.array([1.0, -2.0], dtype) * (k + 1))
    return env


def step(opt, env, names=("w",), n=1):
    with ag.Context(env, dtype="float64") as ctx:
        vs = [ctx.variable(name) for name in names]
        loss = sum((T.cast(v, "float64") ** 4).sum() for v in vs)
        grads = T.grad([loss], vs)
        for _ in range(n):
            opt.update(vs, grads, ctx)


def contents(env):
    return {k: env.get(k).tolist() for k in env.names()}


# Arguments


@pytest.mark.parametrize("cls", ALL)
def test_what_is_not_given_has_a_default(cls):
    opt = cls(env=environment())
    assert {name: getattr(opt, name) for name in DEFAULTS[cls]} == DEFAULTS[cls]
    given = {name: OTHERS[name] for name in DEFAULTS[cls]}
    opt = cls(env=environment(), **given)
    assert {name: getattr(opt, name) for name in given} == given
    if cls is not opts.SGD:
        for form in (lambda **o: cls.default("state", ["w"], environment(), **o), lambda **o: cls(env=environment(), ids=["w"], **o)):
            for name, value in given.items():
                opt = form(**{name: value})
                assert {n: getattr(opt, n) for n in given} == {**DEFAULTS[cls], name: value}
    with pytest.raises(ValueError, match="a hyperparameter is out of range"):
        cls(env=environment(), alpha=-1.0)


@pytest.mark.parametrize("cls", ALL)
def test_every_form_takes_the_same_steps(cls):
    numbers = [OTHERS[name] for name in DEFAULTS[cls]]
    forms = {
        "keywords": lambda env: cls(env=env, **dict(zip(DEFAULTS[cls], numbers, strict=True))),
        "ids": lambda env: cls(env=env, ids=[env.name("w").set(env["w"])], **dict(zip(DEFAULTS[cls], numbers, strict=True))),
        "names": lambda env: cls(ids=iter(["w", ("", "b")]), env=env, **dict(zip(DEFAULTS[cls], numbers, strict=True))),
    }
    where = lambda env: (env.default_namespace().current_var_ids(), env, "state")  # noqa: E731
    published = {
        opts.SGD: lambda env: opts.SGD(0.25, weight_decay=0.125),
        opts.MomentumSGD: lambda env: opts.MomentumSGD(0.25, 0.5, *where(env), weight_decay=0.125),
        opts.Nesterov: lambda env: opts.Nesterov(0.25, 0.5, *where(env), weight_decay=0.125),
        opts.AdaGrad: lambda env: opts.AdaGrad(0.25, *where(env), eps=1e-3, weight_decay=0.125),
        opts.Adadelta: lambda env: opts.Adadelta(0.25, 0.5, 1e-3, *where(env), weight_decay=0.125),
        opts.RMSprop: lambda env: opts.RMSprop(0.25, *where(env), rho=0.5, eps=1e-3, momentum=0.5, weight_decay=0.125),
        opts.Adam: lambda env: opts.Adam(0.25, 1e-3, 0.5, 0.75, *where(env), weight_decay=0.125),
        opts.AdamW: lambda env: opts.AdamW(0.25, 1e-3, 0.5, 0.75, *where(env), weight_decay=0.125),
        opts.NAdam: lambda env: opts.NAdam(0.25, 1e-3, 0.5, 0.75, *where(env), momentum_decay=1e-2, weight_decay=0.125),
        opts.Lion: lambda env: opts.Lion(0.25, 0.5, 0.75, *where(env), weight_decay=0.125),
    }
    wanted = environment()
    step(published[cls](wanted), wanted, n=3)
    for name, make in forms.items():
        env = environment()
        opt = make(env)
        step(opt, env, n=3)
        assert env["w"].tolist() == wanted["w"].tolist(), name


def test_without_ids_it_is_for_all_floating_variables_of_the_default_namespace():
    env = environment()
    env.name("n").set(np.array([1, 2]))
    env.name("mask").set(np.array([True]))
    env.set(np.ones(3))
    env.namespace("layer").slot().name("w").set(np.ones(2))
    opts.Adam(env=env)
    assert env.namespace("adam").current_var_names() == [f"{v}.{s}" for v in ("w", "b", "%unnamed0") for s in "mvt"]
    # As many as there were when it was made.
    env.name("late").set(np.ones(2))
    opt = opts.Adam(env=env, ids=["late"])
    env.name("later").set(np.ones(2))
    with pytest.raises(ag.VariableError, match=r"^update: the variable was not given to the optimizer\. Got .*\nhelp: make the opt"):
        step(opt, env, ["later"])
    for f in (lambda: opts.Adam(env=env, ids=["wieght"]), lambda: opts.SGD(env=env, ids=["wieght"])):
        with pytest.raises(ag.VariableError, match="unknown variable"):
            f()


def test_sgd_takes_any_variable_unless_it_is_told_which():
    env = environment()
    for opt, taken in ((opts.SGD(), "wb"), (opts.SGD(env=env), "wb"), (opts.SGD(env=env, ids=["b"]), "b")):
        for name in "wb":
            before = env[name]
            if name in taken:
                step(opt, env, name)
                assert env[name].tolist() != before.tolist()
            else:
                with pytest.raises(ag.VariableError, match="the variable was not given to the optimizer"):
                    step(opt, env, name)
                assert env[name].tolist() == before.tolist()
    assert len(env) == 2
    foreign = environment().default_namespace().current_var_ids()
    with pytest.raises(ag.VariableError, match="belongs to another environment"):
        opts.SGD(env=env, ids=foreign)


@pytest.mark.parametrize("cls", ALL)
def test_ids_of_the_wrong_kind(cls):
    env = environment()
    (w, _) = env.default_namespace().current_var_ids()
    for wrong in "w", w, [3], [None], 3, [["w"]], [np.ones(2)]:
        with pytest.raises(ag.DTypeError, match=rf"^{cls.__name__}: the ids have the wrong type\. Got .*; expected a list of VariableIDs"):
            cls(env=env, ids=wrong)
    assert len(env) == 2


@pytest.mark.parametrize("cls", ALL)
def test_feeds_are_those_of_eval(cls):
    results = []
    for feeds in (
        lambda x, y: {x: [1.0, 2.0], y: 3.0},
        lambda x, y: {"x": [1.0, 2.0], y: 3.0},
        lambda x, y: types.MappingProxyType({"x": [1.0, 2.0], "y": 3.0}),
        lambda x, y: ag.Feeder().push(x, [1.0, 2.0]).push("y", 3.0),
    ):
        env = environment()
        opt = cls(env=env)
        with ag.Context(env) as ctx:
            x, y, w = ctx.placeholder("x", [2]), ctx.placeholder("y", []), ctx.variable("w")
            loss = (w * w * x * y).sum()
            grads = T.grad([loss], [w])
            fed = feeds(x, y)
            assert loss.eval(fed) == 27.0
            assert opt.plan([loss], [w], grads, ctx, fed).steps > 0
            assert opt.update_and_eval([loss], [w], grads, ctx, feeds=fed) == [27.0]
            opt.update([w], grads, ctx, fed)
            with pytest.raises(ag.FeedError, match="is not fed"):
                opt.update([w], grads, ctx, {x: [1.0, 2.0]})
            with pytest.raises(ag.FeedError, match="no such placeholder"):
                opt.update([w], grads, ctx, {x: [1.0, 2.0], "z": 3.0})
            with pytest.raises(ag.DTypeError, match=r"^update: the feeds are not a mapping\. Got list; expected {placeholder: array}\.$"):
                opt.update([w], grads, ctx, [1.0])
        results.append(env["w"].tolist())
    assert results[1:] == results[:1] * 3


# Whose state


@pytest.mark.parametrize("cls", STATEFUL)
def test_two_optimizers_share_no_state_unasked(cls):
    name = "momentum_sgd" if cls is opts.MomentumSGD else cls.__name__.lower()
    env = environment()
    first = cls(env=env)
    step(first, env)
    before = contents(env)
    message = (
        rf'^{cls.__name__}: another optimizer uses this state\. Got state for "w" in namespace "{name}"; expected state of its own\.\n'
        rf'help: pass `namespace`: a new name starts anew, "{name}" goes on with the state that is there$'
    )
    for ids in None, ["w"], ["w", "b"]:
        with pytest.raises(ValueError, match=message):
            cls(env=env, ids=ids)
    assert contents(env) == before
    # Nor when the other one is gone, which nobody sees.
    del first
    with pytest.raises(ValueError, match=message):
        cls(env=env)
    # Other variables have other state.
    env.name("c").set(np.ones(2))
    cls(env=env, ids=["c"])
    with pytest.raises(ValueError, match="another optimizer uses this state"):
        cls(env=env, ids=["c"])
    # A name that is given is an answer: fresh state, or the state that is there.
    fresh, on = environment(), environment()
    for e in fresh, on:
        step(cls(env=e), e, n=2)
    step(cls(env=fresh, namespace="second"), fresh)
    step(cls(env=on, namespace=name), on)
    one = environment()
    opt = cls(env=one)
    step(opt, one, n=3)
    assert on["w"].tolist() == one["w"].tolist()
    kept = lambda env, space: [env.get(k).tolist() for k in env.names() if k[0] == space]  # noqa: E731
    assert kept(on, name) == kept(one, name) != kept(fresh, "second")
    # One that another optimizer was given by name is in use as well.
    named = environment()
    cls.default(name, None, named)
    with pytest.raises(ValueError, match="another optimizer uses this state"):
        cls(env=named)


def test_other_kinds_have_other_state():
    """All in one namespace, over one variable: each goes as if it were alone."""
    together = {cls: environment("w") for cls in STATEFUL}
    for cls in STATEFUL:
        alone = environment("w")
        step(cls.default("state", None, alone), alone, n=3)
        for e in together.values():
            at = e["w"]
            e.name("w").set(environment("w")["w"])
            step(cls.default("state", ["w"], e), e, n=3)
            assert e["w"].tolist() == alone["w"].tolist(), cls
            e.name("w").set(at)


@pytest.mark.parametrize("cls", STATEFUL)
def test_state_belongs_to_the_variable(cls, tmp_path):
    """A file goes on in an environment that has the same variables at other places."""
    env = ag.VariableEnvironment()
    start = {"a": np.array([1.0, 2.0]), "b": np.array([-3.0, 0.5])}
    for name in "ab":
        env.name(name).set(start[name])
    ids = env.default_namespace().current_var_ids
    opt = cls.default("state", ids(), env)
    step(opt, env, "ab", n=2)
    env.save(tmp_path / "half")
    step(opt, env, "ab", n=2)

    other = ag.VariableEnvironment()
    for name in "ba":
        other.name(name).set(np.zeros(2))
    other.initialize(tmp_path / "half")
    step(cls.default("state", other.default_namespace().current_var_ids(), other), other, "ab", n=2)
    for name in "ab":
        assert other.get(name).tolist() == env.get(name).tolist()


@pytest.mark.parametrize("cls", STATEFUL)
def test_loaded_state_goes_on_by_default(cls, tmp_path):
    env = environment()
    opt = cls(env=env)
    step(opt, env, n=2)
    env.save(tmp_path / "half")
    step(opt, env, n=2)
    again = ag.VariableEnvironment.load(tmp_path / "half")
    step(cls(env=again), again, n=2)
    assert contents(again) == contents(env)


@pytest.mark.parametrize("cls", STATEFUL)
def test_state_that_does_not_fit(cls):
    message = r'^{}: the state does not fit the variable\. Got float64 \(2,\) for "w"; expected {}\.\nhelp: use another namespace'
    for value, wanted in (np.ones(3), r"float64 \(3,\)"), (np.ones(2, "f4"), r"float32 \(2,\)"):
        env = environment("w")
        opt = cls.default("state", env.default_namespace().current_var_ids(), env)
        step(opt, env)
        env.name("w").set(value)
        with pytest.raises(ag.ShapeError, match=message.format(cls.__name__, wanted)):
            cls.default("state", env.default_namespace().current_var_ids(), env)
        with pytest.raises(ag.ShapeError, match=message.format(cls.__name__, wanted)):
            step(opt, env)
        assert env.get("w").tolist() == value.tolist()
        step(cls.default("anew", env.default_namespace().current_var_ids(), env), env)
        assert env.get("w").tolist() != value.tolist()


@pytest.mark.parametrize("cls", STATEFUL)
def test_two_dtypes_in_one_environment(cls):
    env = ag.VariableEnvironment()
    start = np.array([1.0, -2.0])
    for name, dtype in ("w", "f4"), ("v", "f8"):
        env.name(name).set(start.astype(dtype))
    opt = cls.default("state", env.default_namespace().current_var_ids(), env)
    step(opt, env, ("w", "v"), n=3)
    for name, dtype in ("w", "f4"), ("v", "f8"):
        alone = ag.VariableEnvironment()
        alone.name(name).set(start.astype(dtype))
        step(cls.default("state", alone.default_namespace().current_var_ids(), alone), alone, (name,), n=3)
        assert env.get(name).dtype == np.dtype(dtype)
        np.testing.assert_array_equal(env.get(name), alone.get(name))
    # A variable that has no dtype yet, whose state waits with it.
    env = ag.VariableEnvironment()
    env.name("w").set(T.zeros([2]))
    opt = cls.default("state", env.default_namespace().current_var_ids(), env)
    env.name("v").set(np.ones(2, "f4"))
    step(opt, env)
    assert {env.get(k).dtype for k in env.names()} == {np.dtype("f4")}


@pytest.mark.parametrize("cls", ALL)
def test_a_variable_without_a_gradient(cls):
    env = environment("w")
    env.name("n").set(np.array([1, 2]))
    opt = cls(env=env)
    with ag.Context(env) as ctx:
        n = ctx.variable("n")
        with pytest.raises(ag.DTypeError, match=r"^update: the variable has no gradient\. Got .* int64\[2\]\); expected a"):
            opt.update([n], [n], ctx)


# What a user of other packages would try


@pytest.mark.parametrize("cls", ALL)
def test_a_keyword_of_another_package_is_answered_with_ours(cls):
    names = list(inspect.signature(cls).parameters)
    assert names[:1] == ["alpha"]
    assert {"alpha", "ids", "env", "check_finite"} <= set(names)
    env = environment()
    forms = {"": lambda **o: cls(env=env, **o)}
    if cls is not opts.SGD:
        forms["default"] = lambda **o: cls.default("state", ["w"], env, **o)
    for form, make in forms.items():
        listed = ", ".join(inspect.signature(getattr(cls, form) if form else cls).parameters)
        for given, answer in (
            ("lr", "write `alpha`"),
            ("learning_rate", "write `alpha`"),
            ("betas", "write `b1` and `b2`"),
            ("beta1", "write `b1`"),
            ("epsilon", "write `eps`"),
            ("params", "write `ids`"),
            ("decay", "write `weight_decay`"),
            ("amsgrad", "there is no such variant"),
            ("anything", None),
        ):
            with pytest.raises(TypeError) as e:
                make(**{given: 0.1})
            message = f"{cls.__name__}: there is no such argument. Got {given}; expected one of {listed}."
            text = str(e.value)
            assert text.split("\n")[0] == message
            assert ("\nhelp: " in text) == (answer is not None)
            assert answer is None or f"\nhelp: {answer}" in text
    if "momentum" not in DEFAULTS[cls]:
        with pytest.raises(TypeError, match="`MomentumSGD`, `Nesterov` and `RMSprop` have a momentum"):
            cls(env=env, momentum=0.9)
    assert len(env) == 2


@pytest.mark.parametrize("cls", ALL)
def test_an_attribute_of_another_package_is_answered_with_ours(cls):
    opt = cls(env=environment())
    for name, answer in (
        ("lr", "write `alpha`"),
        ("step", "`update(vars, grads, ctx, feeds)` takes a step"),
        ("zero_grad", "there is nothing to reset"),
        ("state_dict", "`env.save(path)`"),
        ("param_groups", "`ids` says which"),
        ("betas", "write `b1` and `b2`"),
        ("anything", ""),
    ):
        for f in (lambda n=name: getattr(opt, n), lambda n=name: setattr(opt, n, 0.1)):
            with pytest.raises(AttributeError) as e:
                f()
            text = str(e.value)
            assert text.startswith(f"{cls.__name__}: there is no such attribute. Got {name}; expected one of alpha, ")
            assert answer in text
        assert not hasattr(opt, name)
    opt.alpha = 0.5
    assert opt.alpha == 0.5
    numbers = {**DEFAULTS[cls], "alpha": 0.5}
    assert repr(opt) == f"{cls.__name__}({', '.join(f'{n}={numbers[n]}' for n in sorted(numbers))})"


@pytest.mark.parametrize("cls", STATEFUL)
def test_the_environment_is_needed(cls):
    env = environment()
    for make in (
        cls,
        lambda: cls(0.1),
        lambda: cls(ids=["w"]),
        # As PyTorch has it.
        lambda: cls(["w"], 1e-3),
        lambda: cls(env),
    ):
        with pytest.raises(TypeError, match=rf"^{cls.__name__}: the environment is missing\. .*\nhelp: write {cls.__name__}\(env=env\)"):
            make()
    with pytest.raises(TypeError, match=r"^SGD: the environment is missing"):
        opts.SGD(ids=["w"])
