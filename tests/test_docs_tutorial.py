"""What the tutorial for authors of plugins shows, done as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Project

TUTORIAL = Path(__file__).resolve().parent.parent / "docs" / "plugin-tutorial.md"
FILE = re.compile(r"^`([^`]+)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(which("git") is None, reason="git is not installed")


def files() -> dict[str, str]:
    return dict(FILE.findall(TUTORIAL.read_text(encoding="utf-8")))


def test_the_plugin_of_the_tutorial_keeps_the_contract(project: Project) -> None:
    project.kern("plugins", "new", "worktree", code=0)
    place = project / "kern-worktree"
    for path, text in files().items():
        assert (place / path).exists(), f"{path} is not among what is written"
        (place / path).write_text(text, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(place / "src"), "GIT_CONFIG_GLOBAL": os.devnull}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(place)]
    done = subprocess.run(argv, cwd=place, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_it_is_short() -> None:
    lines = [line for path, text in files().items() if path.startswith("src/") for line in text.splitlines()]
    assert len([line for line in lines if line.strip()]) < 100
