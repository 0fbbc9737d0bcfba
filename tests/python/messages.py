"""What the tests of messages share: their form."""

import re

import pytest

#: The form of all messages that a person can act on.
FORM = r"[\w.]+: [^.]+\. Got .+; expected .+\.\nhelp: (?P<help>.+)"


def refused(f, kind, start, *words):
    """`f` raises exactly `kind`, in the form of all messages; its line of help has these words."""
    with pytest.raises(kind) as e:
        f()
    assert type(e.value) is kind
    text = str(e.value)
    assert text.startswith(start), text
    found = re.fullmatch(FORM, text, re.DOTALL)
    assert found, text
    for word in words:
        assert word in found["help"], text
    return found["help"]
