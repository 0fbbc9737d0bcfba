"""The profile of a run: times of steps, with the lines of the program."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T


def test_a_profile_names_steps_and_lines() -> None:
    with ag.Context() as ctx:
        x = ctx.placeholder("x", [300, 300])
        y = T.tanh(x @ x)
        loss = T.mean(y * y)
        request = ctx.evaluator().push(loss).extend(T.grad([loss], [x])).feed(x, np.ones((300, 300)))
        plan, profile = request.plan(), ag.profile(request, runs=4)
        assert profile.runs == 4
        assert len(profile.steps) == plan.steps
        assert profile.peak_bytes >= plan.peak_bytes
        assert sum(s["name"] == "batch_matmul" for s in profile.steps) == 3
        assert all(s["seconds"] > 0 and s["lines"] for s in profile.steps)
        assert sum(s["seconds"] for s in profile.steps) <= profile.total
        text = str(profile)
        assert "over 4 runs" in text
        assert "test_profile.py:" in text
        assert "[tanh]" in text


def test_a_profile_makes_assignments_each_time() -> None:
    env = ag.VariableEnvironment()
    w = env.name("w").set(1.0)
    with ag.Context(env) as ctx:
        v = ctx.variable("w")
        ag.profile(ctx.evaluator().push(T.assign(v, v * 2.0)), runs=3)
    assert env.get(w) == 8.0


def test_no_run_is_refused() -> None:
    with ag.Context() as ctx:
        request = ctx.evaluator().push(ctx.constant(1.0) + 1.0)
        with pytest.raises(ValueError, match=r"profile: no run is asked for\. Got 0; expected runs >= 1\."):
            ag.profile(request, runs=0)
        with pytest.raises(TypeError):
            ag.profile(None)
