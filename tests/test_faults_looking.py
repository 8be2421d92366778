"""Looking at a project that nobody trusts yet runs none of its code and writes nothing: list, show, plan and their kin."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs look different there")

TRAP = "open('@TRAP@', 'a').write(__file__ + '\\n')\n"
PROGRAM = "#!/bin/sh\necho \"$0\" >> '@TRAP@'\nexit 1\n"
MODULES = (
    "setup.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "noxfile.py", "toxfile.py", "kern.py", "kern_venv.py",
    "tomllib.py", "json.py", "re.py", "subprocess.py", "packaging/__init__.py", "backend/own_backend.py", "backend/packaging.py",
    "src/demo/__init__.py", "src/demo/conftest.py", "kern/__init__.py", "kern/cli.py", "kern_hooks.py", "evil_plugin.py",
)  # fmt: skip
PROGRAMS = ("git", "uv", "python", "python3", "pip", "true", "sh", "bin/python", "venv/bin/python", ".venv/bin/python")
EGG = "[kern.provider]\nevil = evil_plugin:Provider\n[kern.hooks]\nevil = evil_plugin\n[kern.builder]\nwheel = evil_plugin:Builder\n"
CONFIG = """
env_list = ['a', 'py3{11,12}']
[env]
deps = ['-r requirements.txt', 'file:./local']
commands = [['touch', 'RAN'], 'sh -c "touch RAN"', '{env_dir}/bin/python -c 1', '$(touch RAN)', '`touch RAN`']
set_env.file = 'test.env'
set_env.LD_PRELOAD = '{project_dir}/evil.so'
base_python = ['python3']
[env.a]
base_python = ['python3']
[package.wheel]
builder = 'wheel'
"""
FILES = {
    "kern.toml": CONFIG,
    "requirements.txt": "--index-url file:///nonexistent\n-e .\napple\n",
    "test.env": "A=$(touch RAN)\nB=`touch RAN`\n",
    "pip.conf": "[global]\nindex-url = file:///nonexistent\n",
    "uv.toml": "offline = true\n",
    ".python-version": "evil\n",
    "pyvenv.cfg": "home = /nonexistent\n",
    ".gitattributes": "* filter=evil diff=evil merge=evil\n",
    "evil.pth": "import os; os.mkdir('RAN')\n",
    "evil-1.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: kern-evil\nVersion: 1\n",
    "evil-1.egg-info/entry_points.txt": EGG,
    "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: kern-evil\nVersion: 1\n",
    "evil-1.dist-info/entry_points.txt": EGG,
}
GIT_SETTINGS = (
    "core.fsmonitor", "core.sshCommand", "core.editor", "core.pager", "core.askPass", "core.gitProxy", "filter.evil.clean",
    "filter.evil.smudge", "filter.evil.process", "diff.external", "diff.evil.command", "diff.evil.textconv", "credential.helper",
)  # fmt: skip
LOOKING = (
    ("list",), ("list", "--why", "--json"), ("list", "--names"), ("show", "a"), ("show", "a", "--json"), ("plan",), ("plan", "-vv", "a"),
    ("plan", "--json", "--recreate"), ("plugins",), ("schema",), ("--version",), ("run", "--help"),
    ("clean", "--all", "--dry-run"), ("run", "nothing-of-this-name"),
)  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trial:
    """A good project, so far."""
    trial = Trials(tmp_path, clean_environ, kern_command).make()
    trial.project.environ = {**trial.project.environ, "CI": "1", "KERN_MISSING": "skip"}
    return trial


def armed(text: str, tmp_path: Path) -> str:
    return text.replace("@TRAP@", str(tmp_path / "trap"))


def plant(trial: Trial, tmp_path: Path) -> None:
    """Fill the project with traps. Each writes its name down when something runs it."""
    traps = {**dict.fromkeys(MODULES, TRAP), **dict.fromkeys(PROGRAMS, PROGRAM)}
    trial.project.write({**FILES, **{name: armed(text, tmp_path) for name, text in traps.items()}})
    for name in PROGRAMS:
        make_executable(trial.project / name)


def make_executable(path: Path) -> None:
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def assert_only_looked_at(trial: Trial, tmp_path: Path) -> None:
    before = snapshot(trial.project.root)
    for args in LOOKING:
        done = trial.project.kern(*args)
        wrong = args[-1] == "nothing-of-this-name"
        assert done.code == (2 if wrong else 0), str(done)
        trap = tmp_path / "trap"
        assert not trap.exists(), f"{args} has run {trap.read_text()}"
        now = snapshot(trial.project.root)
        assert now == before, f"{args}: {set(now.items()) ^ set(before.items())}"


def test_a_clone_is_only_looked_at(clone: Trial, tmp_path: Path) -> None:
    plant(clone, tmp_path)
    assert_only_looked_at(clone, tmp_path)


def test_an_interpreter_of_the_clone_is_not_asked(clone: Trial, tmp_path: Path) -> None:
    plant(clone, tmp_path)
    config = (clone.project / "kern.toml").read_text()
    for place in ("./python", "./bin/python", "./venv/bin/python", "{project_dir}/.venv/bin/python"):
        clone.project.config(config.replace("['python3']", f"['{place}', 'python3']"))
        for args in (("list",), ("show", "a"), ("plan",), ("plan", "--json", "a")):
            done = clone.project.kern(*args)
            assert done.code in {0, 2}, str(done)
            assert not (tmp_path / "trap").exists(), f"{args} has run {(tmp_path / 'trap').read_text()}"


def test_a_clone_with_a_repository_is_only_looked_at(clone: Trial, tmp_path: Path) -> None:
    """An archive may bring a whole ``.git`` along, with programs in its configuration and its hooks."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    root = clone.project.root
    environ = {**clone.project.environ, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    (root / ".gitattributes").write_text(FILES[".gitattributes"])
    for args in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run([git, *args], cwd=root, env=environ, check=True)
    clone.run()
    trap = tmp_path / "git-trap"
    trap.write_text(armed(PROGRAM, tmp_path))
    make_executable(trap)
    for name in GIT_SETTINGS:
        subprocess.run([git, "config", name, str(trap)], cwd=root, check=True)
    for name in ("pre-commit", "post-index-change", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(trap, root / ".git/hooks" / name)
    for path in (root / "src/demo").glob("*.py"):
        os.utime(path, (1, 1))  # git compares what is in it, and asks the filters
    (root / "src/demo/new.py").touch()  # kern asks git what it ignores
    clone.project.kern("plan", "--json", code=0)
    assert not (tmp_path / "trap").exists(), (tmp_path / "trap").read_text()
    plant(clone, tmp_path)
    assert_only_looked_at(clone, tmp_path)


def test_a_clone_that_brings_ready_environments_along_is_only_looked_at(clone: Trial, tmp_path: Path) -> None:
    """Records of a good run, with programs of the attacker's in the environment that they tell of."""
    clone.run()
    record = clone.project.work / "records/environments/a.json"
    assert json.loads(record.read_text())["value"]["state"] == "ready"
    env = clone.project.environment("a")
    for path in (env / "bin").iterdir():
        path.unlink()
        path.write_text(armed(PROGRAM, tmp_path))
        make_executable(path)
    next(env.glob("lib/python*/site-packages")).joinpath("sitecustomize.py").write_text(armed(TRAP, tmp_path))
    assert_only_looked_at(clone, tmp_path)
    plant(clone, tmp_path)
    assert_only_looked_at(clone, tmp_path)
