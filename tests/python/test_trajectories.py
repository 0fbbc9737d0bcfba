"""Optimizers and schedules against those of PyTorch and optax: `tests/data` says which versions, and what they were asked."""

import copy
import json
import math
import pathlib
import pickle
import re

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

DATA = pathlib.Path(__file__).parents[1] / "data"
OPTIMIZERS = json.loads((DATA / "optimizers.json").read_text())
SCHEDULES = json.loads((DATA / "schedules.json").read_text())
opts, schedules = ag.optimizers, ag.optimizers.schedules


def name(case):
    return f"{case['optimizer']}{'-centered' * case['centered']}-{case['numbers']['weight_decay']}"


CASES = pytest.mark.parametrize("case", [pytest.param(c, id=name(c)) for c in OPTIMIZERS["cases"]])


def environment():
    env = ag.VariableEnvironment()
    start = np.array(OPTIMIZERS["start"])
    for n, a in ("s", start[0]), ("v", start[1:5]), ("m", start[5:].reshape(2, 3)):
        env.name(n).set(a)
    return env


def build(ctx):
    s, v, m = parameters = [ctx.variable(n) for n in "svm"]
    r = (m * v[:3]).sum(axis=1) - np.array([1.0, -1.0])
    loss = (r * r).sum() + ((s * v - np.array([0.1, 0.2, 0.3, 0.4])) ** 2).sum() + 0.1 * (m**4).sum() + 0.5 * s * s
    return parameters, T.grad([loss], parameters)


def make(case, env, **options):
    form = {"centered": True} if case["centered"] else {}
    return getattr(opts, case["optimizer"])(env=env, **case["numbers"], **form, **options)


def values(env):
    return np.concatenate([np.ravel(env[n]) for n in "svm"])


@CASES
def test_optimizers_step_as_others_do(case):
    env = environment()
    optimizer = make(case, env)
    with ag.Context(env) as ctx:
        parameters, grads = build(ctx)
        compiled = []
        for t in range(1, 21):
            optimizer.update(parameters, grads, ctx)
            compiled.append(_lib._compilations())
            if t in OPTIMIZERS["steps"]:
                expected = case["values"][OPTIMIZERS["steps"].index(t)]
                np.testing.assert_allclose(values(env), expected, rtol=1e-9, atol=1e-9)
        assert compiled[0] == compiled[-1]


def contents(env):
    return {k: env.get(k).tolist() for k in env.names()}


@CASES
def test_loaded_state_goes_on_exactly(case, tmp_path):
    one, other = environment(), environment()

    def steps(env, n):
        optimizer = make(case, env, **({} if case["optimizer"] == "SGD" else {"namespace": "state"}))
        with ag.Context(env) as ctx:
            parameters, grads = build(ctx)
            for _ in range(n):
                optimizer.update(parameters, grads, ctx)

    steps(one, 9)
    steps(other, 4)
    other.save(tmp_path / "half")
    loaded = ag.VariableEnvironment.load(tmp_path / "half")
    steps(loaded, 5)
    assert contents(loaded) == contents(one)


@CASES
def test_a_number_that_is_set_makes_no_plan(case):
    """And it counts: the steps are those of an optimizer that was made with it."""
    env, wanted = environment(), environment()
    optimizer, goal = make(case, env), make(case, wanted)
    first = {n: getattr(goal, n) for n in dir(type(goal)) if not n.startswith("_") and isinstance(getattr(goal, n), float)}
    for n in first:
        setattr(optimizer, n, first[n] * 0.5)
    with ag.Context(env) as ctx, ag.Context(wanted) as other:
        parameters, grads = build(ctx)
        plan = optimizer.plan([], parameters, grads, ctx)
        nodes, compiled = len(ctx), _lib._compilations()
        for n, x in first.items():
            setattr(optimizer, n, x)
        assert optimizer.plan([], parameters, grads, ctx).steps == plan.steps
        for _ in range(3):
            optimizer.update(parameters, grads, ctx)
        assert (len(ctx), _lib._compilations()) == (nodes, compiled)
        parameters, grads = build(other)
        for _ in range(3):
            goal.update(parameters, grads, other)
    np.testing.assert_array_equal(values(env), values(wanted))


COUPLED = ["SGD", "MomentumSGD", "Nesterov", "AdaGrad", "Adadelta", "RMSprop", "Adam", "NAdam"]


@pytest.mark.parametrize("kind", COUPLED)
def test_a_weight_decay_that_comes_and_goes(kind):
    """A step has the term that a decay that is not 0 asks for, also where the same step was taken without it before."""
    results = []
    for keep in True, False:
        env = environment()
        optimizer = getattr(opts, kind)(env=env)
        with ag.Context(env) as ctx:
            parameters, grads = build(ctx)
            for decay in (0.0, 0.1, 0.2, 0.0, 0.3):
                if keep:
                    optimizer.weight_decay = decay
                else:
                    state = {} if kind == "SGD" else {"namespace": {"MomentumSGD": "momentum_sgd"}.get(kind, kind.lower())}
                    optimizer = getattr(opts, kind)(env=env, weight_decay=decay, **state)
                optimizer.update(parameters, grads, ctx)
        results.append(values(env))
    np.testing.assert_array_equal(*results)
    with pytest.raises(
        ValueError, match=rf"^{kind}: a hyperparameter is out of range\. Got weight_decay=-1\.0; expected a finite number >= 0\.$"
    ):
        optimizer.weight_decay = -1.0


def test_moments_do_not_end_in_denormal_numbers():
    for kind in "AdamW", "NAdam", "Lion", "RMSprop", "Adadelta", "Nesterov":
        env = ag.VariableEnvironment()
        env.name("w").set(np.ones(3, "f4"))
        number = {"momentum": 0.1} if kind == "Nesterov" else {"rho": 0.1} if kind in ("RMSprop", "Adadelta") else {"b1": 0.1, "b2": 0.1}
        optimizer = getattr(opts, kind)(env=env, namespace="state", **number)
        with ag.Context(env) as ctx:
            w, g = ctx.variable("w"), ctx.placeholder("g", [3])
            optimizer.update([w], [g], ctx, {g: np.ones(3, "f4")})
            names = [n for n in env.names() if n[0] == "state" and n[1] not in ("w.adamw.t", "w.nadam.t", "w.nadam.q")]
            assert names
            for _ in range(60):
                optimizer.update([w], [g], ctx, {g: np.zeros(3, "f4")})
                kept = [env.get(n) for n in names]
                assert all(((x == 0.0) | (abs(x) >= np.finfo("f4").tiny)).all() for x in kept), kind
        assert (kept[0] == 0.0).all(), kind


def test_momentum_of_rmsprop_needs_state():
    env = environment()
    plain = opts.RMSprop(env=env)
    assert env.namespace("rmsprop").current_var_names() == ["s.rmsprop.v", "v.rmsprop.v", "m.rmsprop.v"]
    text = r"^RMSprop: a hyperparameter is out of range\. Got momentum=0\.5; expected 0, as the optimizer was made without it\.$"
    with pytest.raises(ValueError, match=text):
        plain.momentum = 0.5
    plain.momentum = 0.0
    full = opts.RMSprop(env=env, namespace="full", momentum=0.5, centered=True)
    assert {n.split(".")[2] for n in env.namespace("full").current_var_names()} == {"v", "c", "u"}
    full.momentum = 0.0
    assert full.momentum == 0.0


def test_rmsprop_centred_on_equal_gradients_is_finite():
    """`v - c ** 2` is then 0, which rounds to either side."""
    env = ag.VariableEnvironment()
    env.name("w").set(np.linspace(0.0, 1.0, 50))
    optimizer = opts.RMSprop(env=env, centered=True, rho=0.5)
    with ag.Context(env) as ctx:
        w = ctx.variable("w")
        for _ in range(100):
            optimizer.update([w], [ctx.constant(np.linspace(0.1, 0.7, 50))], ctx)
    assert np.isfinite(env["w"]).all()


# Schedules


def schedule(case):
    numbers = dict(case["numbers"])
    if case["schedule"] != "WarmUp":
        return getattr(schedules, case["schedule"])(**numbers)
    then = schedules.Exponential(numbers.pop("alpha"), numbers.pop("factor"))
    return schedules.WarmUp(then, **numbers)


@pytest.mark.parametrize("case", [pytest.param(c, id=c["schedule"]) for c in SCHEDULES["schedules"]])
def test_schedules_are_those_of_pytorch(case):
    made = schedule(case)
    got = [made(step) for step in range(len(case["values"]))]
    np.testing.assert_allclose(got, case["values"], rtol=1e-12, atol=0)
    assert got == [made.value(step) for step in range(len(got))]
    for other in pickle.loads(pickle.dumps(made)), copy.deepcopy(made), schedule(case):
        assert other == made
        assert hash(other) == hash(made)
        assert [other(step) for step in range(len(got))] == got
    with pytest.raises(ValueError, match=r"^value: a parameter is out of range\. Got step=-1; expected an integer >= 0\.$"):
        made(-1)
    with pytest.raises(TypeError):
        made(1.5)


@pytest.mark.parametrize("case", [pytest.param(c, id=str(i)) for i, c in enumerate(SCHEDULES["plateaus"])])
def test_plateaus_are_those_of_pytorch(case):
    plateau = schedules.Plateau(0.1, **case["options"])
    for i, (metric, expected) in enumerate(zip(SCHEDULES["metrics"], case["values"], strict=True)):
        rate = plateau.observe(math.nan if metric is None else case["sign"] * metric)
        assert rate == plateau.value()
        np.testing.assert_allclose(rate, expected, rtol=1e-12)
        # At any place it can be left and gone on with.
        if i % 3 == 0:
            plateau = pickle.loads(pickle.dumps(plateau))
        elif i % 3 == 1:
            env = ag.VariableEnvironment()
            env.name("plateau").set(plateau.state())
            plateau = schedules.Plateau(0.1, **case["options"])
            plateau.restore(env["plateau"])


def test_far_ends_of_schedules():
    assert schedules.Constant(0.5)(2**62) == 0.5
    assert schedules.Step(1.0, 2**62)(2**62 - 1) == 1.0
    assert schedules.Exponential(1.0, 0.5)(2**40) == 0.0
    assert schedules.Cosine(1.0, 2**62)(2**62) == 0.0
    assert schedules.Cosine(1.0, 10)(20 * 2**50) == 1.0
    assert schedules.Linear(1.0, 4)(2**62) == 1.0
    least = schedules.OneCycle(1.0, 20)(19)
    assert schedules.OneCycle(1.0, 20)(2**62) == least == 1.0 / 25 / 1e4
    # Phases without a step.
    assert [schedules.OneCycle(1.0, 2, rise=x)(step) for x in (0.0, 0.5, 1.0) for step in (0, 1)] == pytest.approx(
        [0.5 * (1 + 4e-6), 4e-6, 1.0, 4e-6, 0.04, 4e-6]
    )
    assert schedules.OneCycle(1.0, 1)(0) == 4e-6


def test_schedules_refuse_what_is_none():
    for make_one, text in (
        (lambda: schedules.Constant(-1.0), "Constant: a parameter is out of range. Got alpha=-1.0; expected a finite number >= 0."),
        (lambda: schedules.Constant(math.nan), "Constant: a parameter is out of range. Got alpha=NaN; expected a finite number >= 0."),
        (lambda: schedules.Step(1.0, 0), "Step: a parameter is out of range. Got every=0; expected an integer >= 1."),
        (lambda: schedules.Step(1.0, 3, -0.5), "Step: a parameter is out of range. Got factor=-0.5; expected a finite number >= 0."),
        (lambda: schedules.Cosine(1.0, -3), "Cosine: a parameter is out of range. Got steps=-3; expected an integer >= 1."),
        (lambda: schedules.Cosine(1.0, 3, math.inf), "Cosine: a parameter is out of range. Got least=inf; expected a finite number >= 0."),
        (lambda: schedules.Linear(1.0, 3, end=-1), "Linear: a parameter is out of range. Got end=-1.0; expected a finite number >= 0."),
        (lambda: schedules.OneCycle(1.0, 3, 1.5), "OneCycle: a parameter is out of range. Got rise=1.5; expected a number from 0 to 1."),
        (
            lambda: schedules.OneCycle(1.0, 3, 0.5, 0),
            "OneCycle: a parameter is out of range. Got div_factor=0.0; expected a finite number > 0.",
        ),
        (lambda: schedules.Plateau(1.0, factor=1), "Plateau: a parameter is out of range. Got factor=1.0; expected a number >= 0 and < 1."),
        (lambda: schedules.Plateau(1.0, patience=-1), "Plateau: a parameter is out of range. Got patience=-1; expected an integer >= 0."),
        (
            lambda: schedules.Plateau(1.0).restore([1.0, 2.0]),
            "Plateau: this is no state. Got [1.0, 2.0]; expected what `state` of a plateau has returned.",
        ),
        (lambda: schedules.Plateau(1.0).restore([1.0, 2.0, 0.5, 0.0]), None),
        (lambda: schedules.Plateau(1.0).restore([math.nan, 2.0, 0.0, 0.0]), None),
    ):
        with pytest.raises(ValueError, match=r"^Plateau: this is no state\." if text is None else f"^{re.escape(text)}$"):
            make_one()
    with pytest.raises(ag.DTypeError, match=r"^WarmUp: it is followed by no schedule\. Got 0\.1; expected a schedule"):
        schedules.WarmUp(0.1, 3)
    with pytest.raises(TypeError):
        schedules.Schedule()


def test_a_scheduled_rate_makes_no_plan():
    env = environment()
    optimizer = opts.AdamW(env=env)
    rate = schedules.WarmUp(schedules.Cosine(0.1, 20), 5)
    with ag.Context(env) as ctx:
        parameters, grads = build(ctx)
        counts = []
        for step in range(25):
            optimizer.alpha = rate(step)
            optimizer.update(parameters, grads, ctx)
            counts.append((len(ctx), _lib._compilations()))
    assert len(set(counts)) == 1


# Clipped gradients


def test_a_gradient_is_shortened_alone(ctx):
    clipped = lambda x, most, **o: T.clip_by_norm(x, most, **o).eval()  # noqa: E731
    assert clipped([3.0, 4.0], 5.0).tolist() == [3.0, 4.0]
    np.testing.assert_allclose(clipped([3.0, 4.0], 1.0), [0.6, 0.8], rtol=1e-15)
    assert clipped(np.zeros(3), 0.0).tolist() == [0.0] * 3
    assert clipped(np.array([[3.0, 4.0]], "f4"), 1.0).dtype == np.float32
    np.testing.assert_allclose(clipped(np.array([3e200, 4e200]), 1.0), [0.6, 0.8])
    np.testing.assert_array_equal(clipped(np.array([3e-200, 4e-200]), 1.0), [3e-200, 4e-200])
    np.testing.assert_array_equal(clipped([np.inf, 1.0], 1.0), [np.nan, 0.0])
    np.testing.assert_array_equal(clipped([np.nan, 1.0], 1.0), [np.nan, np.nan])
    # The derivatives of what is not shortened are those of the identity, at 0 too.
    x = ctx.placeholder("x", [2])
    (g,) = T.grad([T.clip_by_norm(x, 1.0).sum()], [x])
    assert g.eval({x: [0.0, 0.0]}).tolist() == [1.0, 1.0]
    assert g.eval({x: [0.1, 0.2]}).tolist() == [1.0, 1.0]
    # That of x / |x| is across it.
    np.testing.assert_allclose(g.eval({x: [3.0, 4.0]}), (1.0 - np.array([0.6, 0.8]) * 1.4) / 5.0, rtol=1e-14)
