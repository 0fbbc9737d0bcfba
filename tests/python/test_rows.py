"""Generated modules name the rows that they call, and refuse an extension of another build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import scirs2_autograd as ag
from scirs2_autograd import _lib
from scirs2_autograd import tensor_ops as T

PACKAGE = Path(ag.__file__).parent
GENERATED = ["tensor_ops.py", "_methods.py"]


@pytest.mark.parametrize("name", GENERATED)
def test_a_call_names_its_row(name):
    text = (PACKAGE / name).read_text()
    bound = dict(re.findall(r'^(_\w+) = _row\("(\w+)"\)$', text, re.M))
    bodies = re.findall(r"^def (\w+)\((.*?)(?=^def |^@overload|\Z)", text, re.M | re.S)
    calls = [(function, row) for function, body in bodies for row in re.findall(r"= _apply\((\w+), \(", body)]
    assert len(calls) > 20
    for function, row in calls:
        # No number, which another table would give to another row.
        assert bound[row] == row[1:], function
    assert set(bound) == {row for _, row in calls}


def test_rows_are_found_by_name():
    for row in _lib.op_table():
        assert repr(_lib._row(row["name"])) == f"<Row {row['name']}>"
    with pytest.raises(KeyError):
        _lib._row("no such row")
    with ag.Context():
        x = T.constant([1.0, 2.0])
        assert _lib._apply(_lib._row("mul"), (x, 3.0), ()).eval().tolist() == [3.0, 6.0]
        with pytest.raises(TypeError):
            _lib._apply(19, (x,), ())


def imported(folder, *replacements):
    """What a process prints on its standard error that imports a copy of the package with texts replaced, and not installed."""
    copy = folder / "scirs2_autograd"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in replacements:
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new))
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import scirs2_autograd; print(scirs2_autograd.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=60)
    if not done.returncode:
        assert Path(done.stdout.strip()).parent == copy
    return done.stderr.strip()


HELP = "help: install the package again with `pip install --force-reinstall`; in a checkout run `make build gen`"


@pytest.mark.parametrize("name", GENERATED)
def test_an_operation_that_the_extension_does_not_have(tmp_path, name):
    version = _lib.__version__
    raised = imported(tmp_path, (name, '_row("exp")', '_row("exponential")'))
    assert raised.endswith(
        'ImportError: scirs2_autograd: the extension has no operation "exponential". '
        f"Got Python files of version {version} and an extension of version {version}; expected both from one build.\n{HELP}"
    )


@pytest.mark.parametrize("name", GENERATED)
def test_files_of_another_version(tmp_path, name):
    raised = imported(tmp_path, (name, f'_rows("{_lib.__version__}")', '_rows("9.8.7")'))
    assert raised.endswith(
        "ImportError: scirs2_autograd: the extension has another version. "
        f"Got Python files of version 9.8.7 and an extension of version {_lib.__version__}; expected both from one build.\n{HELP}"
    )


def test_a_copy_is_imported(tmp_path):
    assert imported(tmp_path) == ""
