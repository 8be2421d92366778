"""Secrets of the user, in every place where they could surface: the screen, reports, logs, records, caches, and the tests."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Result
    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="environments look different there")

PLAIN = {
    name: f"CANARY{number}xQ7zK"
    for number, name in enumerate(
        (
            "MY_PASSWORD",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "UV_PUBLISH_TOKEN",
            "TWINE_PASSWORD",
            "npm_config__authToken",
            "API_KEY",
        )
    )
}
IN_ADDRESSES = {
    "DATABASE_URL": "postgres://somebody:CANARY90xQ7zK@localhost/db",
    "PIP_INDEX_URL": "https://somebody:CANARY91xQ7zK@localhost:1/simple",
    "PIP_EXTRA_INDEX_URL": "https://CANARY92xQ7zK@localhost:1/simple",
    "HTTPS_PROXY": "http://somebody:CANARY93xQ7zK@localhost:1",
    "UV_INDEX_EXTRA_PASSWORD": "CANARY94xQ7zK",
}
HOST = {**PLAIN, **IN_ADDRESSES}
SET = {"SERVICE_TOKEN": "CANARY80xQ7zK", "SERVICE_URL": "https://me:CANARY81xQ7zK@localhost/"}
REPORTS = ("json", "jsonl", "xml", "md", "html")

TELL = """
import os, sys, time
for name, value in sorted(os.environ.items()):
    half = len(value) // 2
    for stream in (sys.stdout, sys.stderr):
        for part in (name + "=" + value[:half], value[half:] + "\\n", value * 2 + "\\n"):
            stream.write(part)
            stream.flush()
            time.sleep(0.001)
sys.exit(int(sys.argv[1]))
"""
CONFIG = """
env_list = ['a']
[env]
package = 'none'
pass_env = {pass_env}
deps = {deps}
commands = [['python', 'tell.py', '{code}']]
set_env.SERVICE_TOKEN = '{SERVICE_TOKEN}'
set_env.SERVICE_URL = '{SERVICE_URL}'
"""


@pytest.fixture
def trial(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trial:
    trial = Trials(tmp_path, {**clean_environ, **HOST}, kern_command).make()
    trial.project.write({"tell.py": TELL})
    return trial


def configure(trial: Trial, pass_env: str = "[]", deps: str = "[]", code: int = 0) -> None:
    trial.project.config(CONFIG.format(pass_env=pass_env, deps=deps, code=code, **SET))


def shown(trial: Trial, code: int) -> list[Result]:
    """Everything that kern prints about the project."""
    reports = [word for suffix in REPORTS for word in ("--report", str(trial.base / f"report.{suffix}"))]
    kern = trial.project.kern
    looking = [
        kern(*args)
        for args in (("list", "--json"), ("show", "a"), ("show", "a", "--json"), ("plan",), ("plan", "--json", "-vv"))
    ]
    running = [kern("run", "-vv", *reports, code=code), kern("run", "--json", "--recreate", code=code)]
    if code != 3:
        running.append(kern("exec", "a", "--", "python", "-c", "pass"))
    return [*looking, *running]


def leaks(trial: Trial, results: list[Result]) -> list[str]:
    """Where a canary is that nobody asked to be there."""
    found = [f"{' '.join(done.argv[1:3])}: {done}" for done in results if "xQ7zK" in done.screen]
    for path in trial.base.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "kern.toml" and b"xQ7zK" in path.read_bytes():
            found.append(f"{path}: {path.read_bytes()!r}"[:2000])
    return found


def test_what_tests_see_of_the_host(trial: Trial) -> None:
    """Of all these only the proxy, which the network needs."""
    configure(trial)
    trial.project.write({"tell.py": "import json, os\njson.dump(dict(os.environ), open('seen.json', 'w'))\n"})
    trial.project.kern("run", code=0)
    seen = json.loads((trial.project / "seen.json").read_text())
    assert {name for name in HOST if name in seen} == {"HTTPS_PROXY"}
    assert {name for name, value in seen.items() if "xQ7zK" in value} == {"HTTPS_PROXY", *SET}


@pytest.mark.parametrize("code", [0, 1])
def test_no_secret_surfaces_where_tests_print_all_their_variables(trial: Trial, code: int) -> None:
    configure(trial, pass_env="['*']", code=code)
    results = shown(trial, code)
    assert "SERVICE_TOKEN=***" in results[5].screen
    assert leaks(trial, results) == []


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_no_secret_surfaces_where_installing_fails(trial: Trial, installer: str) -> None:
    configure(trial, deps="['nothing-of-this-name', 'x @ https://me:CANARY82xQ7zK@localhost:1/x-1-py3-none-any.whl']")
    text = (trial.project / "kern.toml").read_text()
    trial.project.config(text.replace("[env]", f"[env]\ninstaller = '{installer}'"))
    trial.project.environ = {name: value for name, value in trial.project.environ.items() if name != "PIP_NO_INDEX"}
    trial.project.environ |= {"PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0", "PIP_TIMEOUT": "1", "UV_HTTP_TIMEOUT": "1"}
    assert leaks(trial, shown(trial, 3)) == []


def test_what_kern_writes_is_for_its_user_alone(trial: Trial) -> None:
    """Logs and records may hold what no redaction knows to be a secret."""
    configure(trial)
    trial.project.kern("run", "--report", str(trial.base / "report.json"), code=0)
    written = [
        path for name in ("logs", "records") for path in (trial.project.work / name).rglob("*") if path.is_file()
    ]
    assert len(written) >= 3
    assert [path for path in written if path.stat().st_mode & 0o077] == []
