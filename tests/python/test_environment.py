"""An environment read like a dict, and what can be copied and pickled."""

import copy
import pickle

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def some_environment():
    env = ag.VariableEnvironment()
    env.name("w").set(np.array([[1.0, 2.0]], "f4"))
    env.name("b").set(np.array([3, 4]))
    env.namespace("layer").slot().name("w").set(np.array([True, False]))
    env.set(np.array(5.0, "f4"))
    env.seed(7)
    return env


# Reading by name


def test_values_by_name():
    env = some_environment()
    (unnamed,) = [i for i in env.default_namespace().current_var_ids() if env[i].shape == ()]
    for key, value in ("w", [[1.0, 2.0]]), (("layer", "w"), [True, False]), (unnamed, 5.0):
        assert env[key].tolist() == value
        assert env[key].dtype == env.get(key).dtype
        assert key in env
    assert env["layer", "w"].tolist() == [True, False]
    # A copy, as from `get`.
    env["w"][:] = 9.0
    assert env["w"].tolist() == [[1.0, 2.0]]


def test_a_missing_name_is_a_key_error():
    env = some_environment()
    message = 'variable: unknown variable. Got "wieght"; expected one of weight.\nhelp: did you mean "weight"?'
    env = ag.VariableEnvironment()
    env.name("weight").set(1.0)
    for f in lambda: env["wieght"], lambda: env.get("wieght"), lambda: env.default_namespace()["wieght"]:
        with pytest.raises(KeyError) as e:
            f()
        assert type(e.value) is ag.VariableError
        assert str(e.value) == message
    with pytest.raises(KeyError, match=r'Got "wieght" in namespace "layer"; expected a variable that was set before'):
        env["layer", "wieght"]
    foreign = some_environment().name("w").set(1.0)
    with pytest.raises(ag.VariableError, match="belongs to another environment"):
        env[foreign]
    for absent in "wieght", "", ("layer", "weight"), ("", "wieght"), foreign:
        assert absent not in env
    assert ("", "weight") in env
    for wrong in 3, None, ("a", "b", "c"), b"weight":
        for f in lambda k=wrong: env[k], lambda k=wrong: k in env:
            with pytest.raises(ag.DTypeError, match=r"^variable: the key has the wrong type\. Got .*; expected a name, a pair"):
                f()


def test_an_environment_counts_and_lists_its_variables():
    env = some_environment()
    keys = list(env)
    assert len(keys) == len(env) == len(set(keys)) == 4
    assert keys[:3] == ["w", "b", ("layer", "w")]
    assert isinstance(keys[3], ag.VariableID)
    assert all(k in env for k in env)
    assert env.keys() == keys
    assert [(k, a.tolist()) for k, a in env.items()] == [(k, env[k].tolist()) for k in keys]
    assert dict(env).keys() == set(keys)
    assert list(ag.VariableEnvironment()) == ag.VariableEnvironment().keys() == []
    assert bool(env)
    # A loop sees the variables as they were when it began.
    for key in env:
        env.name(f"copy of {key}").set(env[key])
    assert len(env) == 8


def test_a_namespace_reads_alike():
    env = some_environment()
    layer = env.namespace("layer")
    extra = layer.slot().set(2.0)
    assert list(layer) == layer.keys() == ["w", extra]
    assert len(layer) == 2
    assert layer["w"].tolist() == [True, False]
    assert layer[extra] == 2.0
    assert [(k, a.tolist()) for k, a in layer.items()] == [("w", [True, False]), (extra, 2.0)]
    assert "w" in layer
    assert "b" not in layer
    assert extra in layer
    # What is elsewhere in the environment is not in the namespace.
    other = env.name("b").set(1)
    assert other not in layer
    with pytest.raises(ag.VariableError, match=r'^variable: .*\. Got "b" in namespace "layer"; expected one of w\.$'):
        layer["b"]
    with pytest.raises(ag.VariableError, match="another namespace"):
        layer[other]
    with pytest.raises(ag.DTypeError, match="the key has the wrong type"):
        layer["layer", "w"]


# Copies and pickles


def same(a, b):
    return a.names() == b.names() and len(a) == len(b) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f") and x.dtype == y.dtype and x.shape == y.shape
        for x, y in zip(values(a), values(b), strict=True)
    )  # fmt: skip


def values(env):
    return [a for _, a in env.items()]


def draw(env):
    return env.run(lambda ctx: T.standard_uniform([3]).eval().tolist(), dtype="float64")


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)},
    "bytes": lambda e: ag.VariableEnvironment.from_bytes(e.to_bytes()),
}


@pytest.mark.parametrize("how", COPIES.values(), ids=COPIES)
def test_an_environment_is_copied_whole(how):
    env = some_environment()
    env.name("nan").set(np.array([np.nan, -0.0, np.inf]))
    draw(env)
    again = how(env)
    assert type(again) is ag.VariableEnvironment
    assert same(env, again)
    # The seed and the count of runs: both go on with the same draws.
    assert again.seed_value == 7
    assert draw(env) == draw(again) != draw(again)
    # Another environment: what is set in one is not seen in the other, and ids stay with their own.
    w = env.name("w").set(np.zeros(1))
    assert env["w"].tolist() == [0.0]
    assert again["w"].tolist() == [[1.0, 2.0]]
    with pytest.raises(ag.VariableError, match="belongs to another environment"):
        again[w]
    again.name("b").set(1.0)
    assert env["b"].tolist() == [3, 4]


def test_a_copy_trains_on_its_own():
    env = ag.VariableEnvironment()
    w = env.name("w").set(np.array([1.0, -2.0]))

    def step(env, adam):
        with ag.Context(env) as ctx:
            v = ctx.variable("w")
            adam.update([v], T.grad([v * v], [v]), ctx)

    adam = ag.optimizers.Adam.default("adam", [w], env)
    step(env, adam)
    again = copy.deepcopy(env)
    step(env, adam)
    # The state of the optimizer is in the copy.
    step(again, ag.optimizers.Adam.default("adam", again.default_namespace().current_var_ids(), again))
    assert same(env, again)
    step(again, ag.optimizers.Adam.default("adam", again.default_namespace().current_var_ids(), again))
    assert not same(env, again)


def test_one_environment_stays_one_in_a_structure():
    env = some_environment()
    for how in copy.deepcopy, COPIES["pickle 4"]:
        again = how({"model": env, "same": env})
        assert again["model"] is again["same"]


def test_bytes_are_those_of_a_file(tmp_path):
    env = some_environment()
    env.save(tmp_path / "a")
    data = env.to_bytes()
    assert type(data) is bytes
    assert data == (tmp_path / "a").read_bytes()
    for given in data, bytearray(data), memoryview(data), np.frombuffer(data, "u1"):
        assert same(ag.VariableEnvironment.from_bytes(given), env)
    for cut in 0, 7, 20, len(data) - 1:
        with pytest.raises(ag.FormatError, match=r"^from_bytes: .*\. Got .*; expected .*"):
            ag.VariableEnvironment.from_bytes(data[:cut])
    for wrong in "text", 3, None, np.ones(3):
        with pytest.raises(TypeError):
            ag.VariableEnvironment.from_bytes(wrong)


def parts():
    env = some_environment()
    w = env.name("w").set(1.0)
    opts = ag.optimizers
    return {
        "VariableID": w,
        "Namespace": env.namespace("layer"),
        "Slot": env.name("w"),
        "SGD": opts.SGD(0.1),
        "MomentumSGD": opts.MomentumSGD.default("m", [w], env),
        "AdaGrad": opts.AdaGrad.default("h", [w], env),
        "Adam": opts.Adam.default("a", [w], env),
    }


@pytest.mark.parametrize("name", parts())
def test_what_cannot_be_pickled_says_what_to_do(name):
    part = parts()[name]
    hows = [COPIES[how] for how in COPIES if how.startswith("pickle")]
    # An id is a value that never changes: a copy of it is itself.
    hows += [] if name == "VariableID" else [copy.copy, copy.deepcopy]
    for how in hows:
        with pytest.raises(TypeError, match=rf"^{name}: it cannot be (pickled|copied or pickled)\. Got .*; expected .*\.\nhelp: .*") as e:
            how(part)
        assert isinstance(e.value, ag.AutogradError)
    if name == "VariableID":
        assert copy.copy(part) is copy.deepcopy(part) is part
