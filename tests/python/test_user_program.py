"""The typed program of a user does what it says; `make check` has its types checked."""

import user_program


def test_user_program(tmp_path, capsys):
    losses, loaded = user_program.main(tmp_path / "model.safetensors")
    assert losses[-1] < 0.05 * losses[0]
    assert loaded <= losses[-1]
    assert 'Got shape (2, 64) for "x"; expected shape (?, 2).' in capsys.readouterr().out
