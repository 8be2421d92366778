"""What the tests of kern-shell share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.process import Supervisor
from plugins.shell.tests.shell_place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(1, grace=0.3) as one:
        yield one


@pytest.fixture
def place(tmp_path: Path, supervisor: Supervisor) -> Iterator[Place]:
    one = Place(tmp_path, supervisor)
    yield one
    one.log.close()


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process lives."""
    from kern.process.tree import is_alive

    return is_alive
