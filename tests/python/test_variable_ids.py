"""Ids of variables belong to one environment: every way to use one in another raises."""

import numpy as np
import pytest

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

REFUSED = r"variable: the id belongs to another environment\. Got VariableID\(0\) of another environment; expected an id"


def test_an_id_of_another_environment_is_refused():
    e1, e2 = ag.VariableEnvironment(), ag.VariableEnvironment()
    w1, w2 = e1.name("w").set(np.ones(2)), e2.name("w").set(np.zeros(2))
    assert w1 != w2
    assert len({w1, w2, e1.name("w").set(np.ones(2))}) == 2
    opts = ag.optimizers
    with ag.Context(e2) as ctx:
        for f in (
            lambda: e2.get(w1),
            lambda: ctx.variable(w1),
            lambda: opts.Adam.default("adam", [w2, w1], e2),
            lambda: opts.AdaGrad.default("adagrad", [w1], e2),
            lambda: opts.MomentumSGD.default("momentum", [w1], e2),
        ):
            with pytest.raises(ag.VariableError, match=REFUSED):
                f()
        assert len(e2) == 1
        v = ctx.variable(w2)
        opts.Adam.default("adam", [w2], e2).update([v], [T.ones([2])], ctx)
        assert ctx.env.get(w2).tolist() == e2.get("w").tolist()
    assert e1.get(w1).tolist() == [1.0, 1.0]
    # The environment of a context is the same one.
    e1.run(lambda ctx: ctx.env.get(w1))


def test_files_and_namespaces(tmp_path):
    env = ag.VariableEnvironment()
    w = env.namespace("layer").slot().name("w").set(np.ones(2))
    env.save(tmp_path / "a")
    again = ag.VariableEnvironment.load(tmp_path / "a")
    (own,) = again.namespace("layer").current_var_ids()
    assert own != w
    assert again.get(own).tolist() == again.get(("layer", "w")).tolist() == [1.0, 1.0]
    with pytest.raises(ag.VariableError, match=REFUSED):
        again.get(w)
    env.initialize(tmp_path / "a")
    assert env.get(w).tolist() == [1.0, 1.0]
