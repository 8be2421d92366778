"""Hostile names of environments and of folders: nothing leaves the work directory, nothing is run by a name, no traceback."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Project
    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file names are different there")

NAMES = (
    "../../evil", "../evil", "a/../../../evil", "/@HERE@/evil", "sub/dir", "--help", " ", "x" * 300, "é日本", "$(touch PWNED)",
    "; touch PWNED", "`touch PWNED`", "{env:HOME}", "{posargs}", "%(here)s", "a\nb", "t\x1b[31m", "a.lock", ".kern", "envs",
    "logs", "CON", "a=b", "[x]", "*", "a@b", "\x7f", "a\tb", "#a", "latest",
)  # fmt: skip


@pytest.fixture
def deep(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trial:
    """A project some folders deep, with something precious at every level."""
    trial = Trials(tmp_path / "one/two", clean_environ, kern_command).make()
    for folder in (tmp_path, tmp_path / "one", tmp_path / "one/two", trial.base, trial.project.root):
        (folder / "evil").mkdir()
        (folder / "evil/keep.txt").write_text("precious")
    return trial


def beside(trial: Trial, root: Path) -> dict[str, tuple[int, int, int, str]]:
    """All that is there but what kern may make: its work directory and what is in the user's caches."""
    own = [
        str(path.relative_to(root))
        for path in (trial.project.work, *(trial.base / f"{k}-cache" for k in ("kern", "uv")))
    ]
    found = {name: value for name, value in snapshot(root).items() if not name.startswith(tuple(own))}
    return {name: (*value[:2], 0, *value[3:]) for name, value in found.items()}


def config_of(name: str) -> str:
    return f"env_list = [{json.dumps(name)}]\n[env]\npackage = 'none'\ncommands = [['true']]\n"


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_hostile_name_stays_inside(deep: Trial, tmp_path: Path, number: int) -> None:
    name = NAMES[number].replace("@HERE@", str(tmp_path).strip("/"))
    project: Project = deep.project.config(config_of(name))
    before = beside(deep, tmp_path)
    shown = [project.kern("run"), project.kern("plan", "--", name)]
    if not name.startswith("-"):
        shown.append(project.config(config_of("good")).kern("run", name))
        project.config(config_of(name))
    for done in shown:
        assert done.code in {0, 1, 2, 3}, str(done)
        assert "Traceback" not in done.screen, str(done)
        assert not {"\x1b", "\x7f"} & set(done.screen), str(done)
        assert done.code == 0 or done.err.count("error: ") + done.out.count("error") >= 1, str(done)
    assert beside(deep, tmp_path) == before
    made = sorted(path.name for path in (project.work / "envs").iterdir()) if (project.work / "envs").exists() else []
    assert set(made) <= {name, name.strip("{}"), "good"}  # braces around one name are the name
    assert not list(tmp_path.rglob("PWNED"))


FOLDERS = (
    "with space", "ünïcödé-日本語-😀", "it's", 'a"b', "a$HOME", "a;b", "a{env_name}b", "a[1]b", "a*b", "y" * 200,
    "-rf", "a\\b", "a%20b", "a#b", "a&b",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(FOLDERS)))
def test_a_project_in_a_folder_of_any_name_works(
    tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...], number: int
) -> None:
    trial = Trials(tmp_path, clean_environ, kern_command).make("trial", FOLDERS[number])
    trial.run()
    assert trial.run().rows()["a"]["made"] == []
    assert sorted(os.listdir(tmp_path / "trial")) == sorted(
        [FOLDERS[number], "builds", "home", "kern-cache", "nonce", "proof-a.json", "prove.py", "tmp", "uv-cache"]
    )


ODD = {"colon": "a:b", "newline": "a\nb", "tab": "a\tb", "no UTF-8": os.fsdecode(b"bad\xff")}
"""PATH is a list with colons, a #! line ends at a line's end: no environment can be below such a folder."""


@pytest.mark.parametrize("name", ODD)
def test_a_project_whose_folder_can_hold_no_environment_works(
    tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...], name: str
) -> None:
    trial = Trials(tmp_path, clean_environ, kern_command).make("trial", ODD[name])
    before = set(os.listdir(trial.project.root))
    nonce = trial.nonce()
    interpreter = trial.project.run().rows()["a"]["interpreter"]
    proof = json.loads((trial.base / "proof-a.json").read_text())
    assert proof["nonce"] == nonce
    assert proof["inside"]
    assert interpreter == f"{proof['prefix']}/bin/python"
    assert interpreter.startswith(str(trial.base / "kern-cache"))
    assert trial.project.run().rows()["a"]["made"] == []
    assert set(os.listdir(trial.project.root)) == before


@pytest.mark.parametrize("variable", ["KERN_CACHE_DIR", "KERN_WORK_DIR"])
@pytest.mark.parametrize("name", ["colon", "newline", "tab"])
def test_where_neither_the_project_nor_the_cache_can_hold_environments_it_is_said(
    tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...], variable: str, name: str
) -> None:
    trial = Trials(tmp_path, clean_environ, kern_command).make("trial", ODD[name])
    before = set(os.listdir(trial.project.root))
    said = trial.project.error("run", env={variable: str(trial.base / ODD[name] / "place")})
    assert "no environment can be made below" in said
    assert set(os.listdir(trial.project.root)) <= before | {"place"}
    assert not list(trial.base.rglob("pyvenv.cfg"))
