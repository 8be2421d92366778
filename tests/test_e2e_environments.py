"""What is in an environment, what makes kern make it anew, and that nothing is ever written anywhere else."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Project

NONE = "env_list = ['a']\n[env]\npackage = 'none'\ncommands = [['python', '-c', 'pass']]\n"


def installed(project: Project, name: str = "a") -> dict[str, str]:
    """What a run says is installed; the commands have passed."""
    found: dict[str, str] = project.run(name).rows()[name]["installed"]
    return {each: version for each, version in found.items() if each not in {"pip", "setuptools", "wheel"}}


EVERYTHING = {
    "requirements.txt": "pear\n-r more/nested.txt\n",
    "more/nested.txt": "# nothing yet\n",
    "limits.txt": "apple<3\n",
    "local/pyproject.toml": "[project]\nname = 'local'\nversion = '1'\n",
}
GROUPS = "[dependency-groups]\nall = ['pear', {include-group = 'inner'}]\ninner = ['apple']\n"
EXTRAS = "Provides-Extra: sweet\nRequires-Dist: apple; extra == 'sweet'\n"
CONFIG = (
    "env_list = ['a']\n[env]\npackage = 'wheel'\ndeps = ['apple', '-r requirements.txt']\n"
    "constraints = ['limits.txt']\ndependency_groups = ['all']\nextras = ['sweet']\n"
    "commands = [['python', '-c', 'import apple, pear, demo']]\n"
)


@pytest.fixture(scope="module")
def full(shared: Callable[[str], Project]) -> Project:
    """A ready environment that depends on everything there is; its tests put things back as they were."""
    project = shared("full").package({**EVERYTHING, "metadata.txt": EXTRAS}, pyproject=GROUPS).config(CONFIG)
    assert project.run().rows()["a"]["installed"] == {"apple": "2.0", "demo": "1.0", "pear": "1.0"}
    return project


CHANGES = {
    "deps": ("kern.toml", "deps = ['apple',", "deps = ['apple<2',", "deps changed: +apple<2, -apple"),
    "a requirements file": ("requirements.txt", "pear\n", "pear>=1\n", "content of requirements.txt changed"),
    "a nested file": ("more/nested.txt", "# nothing yet", "plum", "content of more/nested.txt changed"),
    "a constraint file": ("limits.txt", "apple<3", "apple<2", "content of limits.txt changed"),
    "a group": ("pyproject.toml", "all = ['pear'", "all = ['plum'", "dependency group all changed"),
    "a group in a group": (
        "pyproject.toml",
        "inner = ['apple']",
        "inner = ['apple<2']",
        "dependency group inner changed",
    ),
    "the extras": ("kern.toml", "extras = ['sweet']", "extras = []", "extras changed"),
    "the groups": ("kern.toml", "groups = ['all']", "groups = ['inner']", "dependency groups changed"),
    "the installer": ("kern.toml", "[env]\n", "[env]\ninstaller = 'pip'\n", "installer changed"),
    "site packages": ("kern.toml", "[env]\n", "[env]\nsystem_site_packages = true\n", "system site packages changed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_remakes_the_environment_and_the_plan_says_why(full: Project, what: str) -> None:
    name, before, after, reason = CHANGES[what]
    text = (full / name).read_text()
    assert before in text
    try:
        (full / name).write_text(text.replace(before, after))
        plan = full.kern("plan", code=0).out
    finally:
        (full / name).write_text(text)
    assert f"make   a: make: {reason}" in plan, plan
    assert "make   a: reuse" in full.kern("plan", code=0).out


def test_another_interpreter_remakes_the_environment(full: Project, several: list[str], own: str) -> None:
    other = next(factor for factor in several if factor != own)
    text = (full / "kern.toml").read_text()
    try:
        (full / "kern.toml").write_text(text.replace("[env]\n", f"[env]\nbase_python = '{other}'\n"))
        plan = full.kern("plan", "--json", code=0).json["rows"][0]
    finally:
        (full / "kern.toml").write_text(text)
    assert plan["action"] == "make"
    assert "interpreter changed" in plan["reason"]


def test_what_has_not_changed_is_not_touched(full: Project) -> None:
    before = full.stamp("a")
    assert full.run().rows()["a"]["made"] == []
    assert full.stamp("a") == before


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_change_has_its_effect_and_a_removed_dependency_is_gone(project: Project, installer: str) -> None:
    project.config(
        NONE + f"installer = '{installer}'\ndeps = ['plum', '-r reqs/all.txt', '-c limits.txt', './local']\n"
    )
    project.write({"reqs/all.txt": "-r deeper.txt\n", "reqs/deeper.txt": "apple\n", "limits.txt": "apple<2\n"})
    (project / "local").mkdir()
    local = project.root / "local"
    project.package()
    for name in ("pyproject.toml", "backend", "src"):
        shutil.move(project / name, local / name)
    assert installed(project) == {"apple": "1.0", "demo": "1.0", "pear": "1.0", "plum": "1.0"}
    project.config(NONE + f"installer = '{installer}'\ndeps = ['apple']\n")
    assert installed(project) == {"apple": "2.0"}
    gone = project.kern("exec", "a", "--", "python", "-c", "import plum")
    assert gone.code == 1
    assert "No module named 'plum'" in gone.err


def test_groups_include_groups_and_extras_of_requirements_come_along(project: Project) -> None:
    project.write({"pyproject.toml": "[dependency-groups]\none = [{include-group = 'two'}]\ntwo = ['fruit[sweet]']\n"})
    project.config(NONE + "dependency_groups = ['one']\n")
    assert installed(project) == {"apple": "2.0", "fruit": "1.0"}


def test_the_package_and_the_dependencies_are_resolved_together(project: Project) -> None:
    project.package({"metadata.txt": "Requires-Dist: apple<2\n"})
    project.config("env_list = ['a']\n[env]\npackage = 'wheel'\ndeps = ['apple']\ncommands = ['python -c pass']\n")
    assert installed(project) == {"apple": "1.0", "demo": "1.0"}
    project.config("env_list = ['a']\n[env]\npackage = 'wheel'\ndeps = ['apple==2.0']\ncommands = ['python -c pass']\n")
    failed = project.kern("run", code=3)
    assert "apple" in failed.out
    assert "log: " in failed.out
    assert "the environment could not be made" in failed.out


def test_what_cannot_be_installed_is_said_with_the_last_lines_and_tried_again(project: Project) -> None:
    project.config(NONE + "deps = ['grape']\n")
    for _ in range(2):
        failed = project.kern("run", code=3)
        assert "grape" in failed.out
        assert "  | " in failed.out
    project.config(NONE)
    assert installed(project) == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("deps = ['-r requirments.txt']", "did you mean 'requirements.txt'?"),
        ("dependency_groups = ['tst']", "did you mean"),
        ("base_python = 'snake'", "'snake' in base_python is no interpreter"),
    ],
)
def test_a_name_that_leads_nowhere_is_said_in_words(project: Project, line: str, said: str) -> None:
    project.write({"requirements.txt": "", "pyproject.toml": "[dependency-groups]\ntest = []\n"})
    project.config(NONE + line + "\n")
    assert said in project.kern("run").screen
    assert not project.environment("a").exists()


def test_a_lock_file_decides_what_is_installed(project: Project, wheels: Path) -> None:
    wheel = wheels / "apple-1.0-py3-none-any.whl"
    shutil.copy(wheel, project / wheel.name)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = (
        "lock-version = '1.0'\ncreated-by = 'hand'\n[[packages]]\nname = 'apple'\nversion = '1.0'\n"
        f"[[packages.wheels]]\nname = '{wheel.name}'\npath = '{wheel.name}'\nhashes = {{sha256 = '{digest}'}}\n"
    )
    project.write({"pylock.toml": lock}).config(NONE + "pylock = 'pylock.toml'\n")
    assert installed(project) == {"apple": "1.0"}
    project.write({"pylock.toml": lock.replace(digest, "0" * 64)})
    assert "content of pylock.toml changed" in project.kern("plan", code=0).out
    project.kern("run", code=3)


class _Index(SimpleHTTPRequestHandler):
    """A package index that wants a password."""

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(b"somebody:quite-secret").decode()
        if self.headers.get("Authorization") == wanted:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=index")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def index(tmp_path: Path, wheels: Path) -> Iterator[str]:
    """The address of an index with a password that has ``apple``."""
    folder = tmp_path / "index" / "simple" / "apple"
    folder.mkdir(parents=True)
    for wheel in wheels.glob("apple-*.whl"):
        shutil.copy(wheel, folder)
    links = "".join(f'<a href="{wheel.name}">{wheel.name}</a>\n' for wheel in sorted(folder.iterdir()))
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Index, directory=str(tmp_path / "index")))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://somebody:quite-secret@127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_index_of_pip_conf_holds_for_uv_and_its_password_is_shown_nowhere(project: Project, index: str) -> None:
    project.write({"pip.conf": f"[global]\nindex-url = {index}\n"})
    project.config(NONE + "installer = 'uv'\ndeps = ['apple']\n")
    env = {"PIP_CONFIG_FILE": str(project / "pip.conf"), "PIP_NO_INDEX": None, "PIP_FIND_LINKS": None}
    done = project.kern("run", "-v", env=env, code=0)
    assert "made environment" in done.out
    project.config(NONE + "installer = 'uv'\ndeps = ['grape']\n")
    failed = project.kern("run", "-vv", env=env, code=3)
    assert "grape" in failed.out
    (project / "pip.conf").unlink()
    kept = [path for path in project.root.rglob("*") if path.is_file() and b"quite-secret" in path.read_bytes()]
    assert kept == []
    assert "quite-secret" not in done.screen + failed.screen


def test_old_interpreters_are_served_by_pip(make_project: Callable[..., Project], pythons: dict[str, str]) -> None:
    old = [factor for factor in ("py37", "py38") if factor in pythons]
    if not old:
        pytest.skip("there is neither CPython 3.7 nor 3.8 on this machine")
    project = make_project(online=True).package()
    check = "import sys, demo; print(sys.version_info[:2], demo.answer)"
    project.config(
        f"env_list = {old}\n[env]\ninstaller = 'pip'\npackage = 'wheel'\n"
        f"commands = [['python', '-c', '{check}'], ['python', '-m', 'pip', '--version']]\n"
    )
    assert set(project.run().outcomes().values()) == {"passed"}
    for factor in old:
        log = (project.work / f"logs/latest/{factor}.log").read_text()
        assert f"(3, {factor[3:]}) 42" in log
    assert [row["made"] for row in project.run().json["rows"]] == [[]] * len(old)


@pytest.fixture
def ready(project: Project) -> Project:
    """A ready environment with a dependency that has a console script."""
    project.config(NONE + "deps = ['apple']\n[env.a]\ncommands = ['eat-apple', 'python -c \"import apple\"']\n")
    project.run()
    return project


def site_of(python: Path) -> dict[str, int]:
    """The installed things of the interpreter that an environment was made from."""
    base = Path(os.path.realpath(python)).parent.parent
    return {str(path): path.stat().st_mtime_ns for path in base.glob("lib/python3*/site-packages/*")}


def damage_module(env: Path) -> None:
    next(env.glob("lib/python3*/site-packages/apple.py")).unlink()


def damage_config(env: Path) -> None:
    (env / "pyvenv.cfg").unlink()


def damage_python(env: Path) -> None:
    (env / "bin/python").unlink()


def damage_dangling(env: Path) -> None:
    (env / "bin/python").unlink()
    (env / "bin/python").symlink_to("/nowhere/python3")


def damage_script(env: Path) -> None:
    (env / "bin/eat-apple").unlink()


def damage_packages(env: Path) -> None:
    shutil.rmtree(next(env.glob("lib/python3*/site-packages")))


def damage_all(env: Path) -> None:
    shutil.rmtree(env)


DAMAGES = (
    damage_module, damage_config, damage_python, damage_dangling, damage_script, damage_packages, damage_all,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.removeprefix("damage_"))
def test_a_damaged_environment_is_noticed_and_healed_in_the_same_run(
    ready: Project, damage: Callable[[Path], None]
) -> None:
    env = ready.environment("a")
    outside = site_of(env / "bin/python")
    home = Path(ready.environ["HOME"])
    before = sorted(home.rglob("*"))
    damage(env)
    healed = ready.run().rows()["a"]
    assert healed["made"] == ["made environment"]
    assert healed["installed"] == {"apple": "2.0"}
    assert ready.run().rows()["a"]["made"] == []
    assert site_of(env / "bin/python") == outside
    assert sorted(home.rglob("*")) == before


def test_a_file_edited_in_place_is_healed_and_harms_nobody_else(project: Project, tmp_path: Path) -> None:
    env = {"UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    project.config(NONE + "deps = ['apple']\n[env.a]\ncommands = ['eat-apple']\n")
    project.run(env=env)
    next(project.environment("a").glob("lib/python3*/site-packages/apple.py")).write_text("")
    assert "apple.py has changed" in project.kern("plan", code=0).out
    assert project.run(env=env).rows()["a"]["made"] == ["made environment"]
    project.kern("clean", code=0)
    project.run(env=env)


def test_a_damaged_record_is_survived(ready: Project) -> None:
    record = ready.work / "records/environments/a.json"
    for text in ('{"state": "ready"', "", "[]", '{"state": "ready"}'):
        record.write_text(text)
        assert ready.run().rows()["a"]["made"] == ["made environment"]


def test_the_plan_says_what_is_damaged(ready: Project) -> None:
    damage_config(ready.environment("a"))
    assert "make   a: make: damaged: " in ready.kern("plan", code=0).out


def test_a_command_that_installs_into_the_environment_does_not_break_the_next_run(ready: Project) -> None:
    ready.write({"drop.py": "import sys, pathlib; pathlib.Path(sys.prefix, 'dropped').write_text('x')\n"})
    ready.kern("exec", "a", "--", "python", "drop.py", code=0)
    assert ready.run().rows()["a"]["made"] == []


def test_environments_of_one_project_do_not_see_each_other(project: Project) -> None:
    project.config(
        "env_list = ['a', 'b']\n[env]\npackage = 'none'\n[env.a]\ndeps = ['apple']\n[env.b]\ndeps = ['pear']\n"
    )
    project.run()
    assert project.kern("exec", "b", "--", "python", "-c", "import apple").code == 1
    assert project.kern("exec", "b", "--", "python", "-c", "import pear").code == 0


def test_an_interpreter_given_by_its_path_is_taken(
    project: Project, pythons: dict[str, str], several: list[str]
) -> None:
    path = pythons[several[-1]]
    project.config(NONE + f"base_python = '{path}'\n")
    project.run()
    config = (project.environment("a") / "pyvenv.cfg").read_text()
    assert f"3.{several[-1][3:]}" in config


def test_an_interpreter_that_was_replaced_or_removed_is_noticed(
    project: Project, pythons: dict[str, str], several: list[str]
) -> None:
    link = project / "python"
    link.symlink_to(pythons[several[0]])
    show = "import sys; print(sys.version_info[:2])"
    project.config(
        f"env_list = ['a']\n[env]\npackage = 'none'\nbase_python = './python'\ncommands = [['python', '-c', '{show}']]\n"
    )
    project.run()
    link.unlink()
    link.symlink_to(pythons[several[1]])
    assert "interpreter changed" in project.kern("plan", code=0).out
    assert project.run().rows()["a"]["made"] == ["made environment"]
    assert f"(3, {several[1][3:]})" in (project.work / "logs/latest/a.log").read_text()
    link.unlink()
    assert "there is no interpreter for ./python" in project.kern("run", "--missing", "fail", code=3).out
