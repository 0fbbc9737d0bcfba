"""The typed programs of users do what they say; `make check` has their types checked."""

import numpy as np

import user_functions
import user_program


def test_user_program(tmp_path, capsys):
    losses, loaded = user_program.main(tmp_path / "model.safetensors")
    assert losses[-1] < 0.05 * losses[0]
    assert loaded <= losses[-1]
    assert 'Got shape (2, 64) for "x"; expected shape (?, 2).' in capsys.readouterr().out


def test_user_functions():
    x, hessian, spring = user_functions.main()
    k, rest = np.array([1.0, 2.0]), np.array([0.5, 0.7])
    want = np.array([[k[0], -k[0], 0.0], [-k[0], k.sum(), -k[1]], [0.0, -k[1], k[1]]]) + 0.2 * np.eye(3)
    np.testing.assert_allclose(hessian, want, atol=1e-12)
    np.testing.assert_allclose(want @ x, [-k[0] * rest[0], k[0] * rest[0] - k[1] * rest[1], k[1] * rest[1]], atol=1e-10)
    np.testing.assert_allclose(spring.stiffness, 0.5 * (np.diff(x) - rest) ** 2, rtol=1e-12)
    np.testing.assert_allclose(spring.rest, -k * (np.diff(x) - rest), rtol=1e-12)
