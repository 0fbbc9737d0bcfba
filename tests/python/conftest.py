"""What several test files start from."""

import pytest

import scirs2_autograd as ag


@pytest.fixture
def ctx():
    with ag.Context() as ctx:
        yield ctx
