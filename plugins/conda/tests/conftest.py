"""What the tests of conda share: a real channel, made once."""

from __future__ import annotations

import pytest

from plugins.conda.tests import conda_channel


@pytest.fixture(scope="session")
def channel() -> str:
    """The URL of a real channel; conda_channel.py says what is in it."""
    return conda_channel.shared()
