"""The installed package, with nothing but NumPy beside it: run with `python -I` outside of the checkout."""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import scirs2_autograd as ag
from scirs2_autograd import tensor_ops as T

CHECKOUT = Path(__file__).resolve().parents[1]


def main() -> None:
    assert Path(ag.__file__).is_relative_to(sys.prefix), ag.__file__
    assert not Path(ag.__file__).is_relative_to(CHECKOUT / "python"), ag.__file__
    assert version("scirs2-autograd") == ag.__version__
    assert Path(ag.__file__).with_name("py.typed").exists()

    value, gradient = ag.value_and_grad(lambda x: T.reduce_sum(x * T.sin(x)))(np.array([0.0, 1.0]))
    assert np.allclose(value, np.sin(1.0)), value
    assert np.allclose(gradient, [0.0, np.sin(1.0) + np.cos(1.0)]), gradient

    env = ag.VariableEnvironment()
    w = env.name("w").set(np.array([1.0, -2.0]))
    with ag.Context(env) as ctx:
        v = ctx.variable(w)
        ag.optimizers.SGD(0.25).update([v], T.grad([v * v], [v]), ctx)
    with tempfile.TemporaryDirectory() as folder:
        env.save(f"{folder}/w.safetensors")
        loaded = ag.VariableEnvironment.load(f"{folder}/w.safetensors")
    with ag.Context(loaded) as ctx:
        assert np.array_equal(ctx.variable("w").eval(), [0.5, -1.0])
    print(f"scirs2_autograd {ag.__version__} works in Python {sys.version.split()[0]} with NumPy {np.__version__}")


if __name__ == "__main__":
    main()
