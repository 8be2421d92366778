"""Rows and commands in environments that kern did not make: found, used, held against the configuration, never changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Project, Result

WHERE = "import os, sys; print(sys.prefix, os.environ.get('VIRTUAL_ENV'), os.environ['PYTHONDONTWRITEBYTECODE'])"
RUNS = """[env]
package = "none"
deps = ["apple==2.0", "pear>=3", "old; python_version < '3'", "-r more.txt"]
set_env.ROW = "{env_name}"
commands = [["{python}", "-c", "import mine, os, sys; print(sys.prefix, os.environ['ROW'], r'{env_dir}')"]]
"""


def tree(folder: Path) -> str:
    """A hash of every name, content, mode and time in a folder, its own included."""
    found = hashlib.sha256()
    for path in (folder, *sorted(folder.rglob("*"))):
        status = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found.update(repr((str(path), status.st_mode, status.st_mtime_ns, content)).encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of somebody else, in a place with a space, with a module of its own and an old apple."""
    place = tmp_path_factory.mktemp("somebody else") / "my env"
    venv.create(place, symlinks=True)
    packages = next(place.glob("lib/python3*/site-packages"))
    packages.joinpath("mine.py").write_text("import json.tool\nx = 1\n")
    for name, version in (("apple", "1.0"), ("fig", "1")):
        folder = packages / f"{name}-{version}.dist-info"
        folder.mkdir()
        folder.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return place


@pytest.fixture(scope="module")
def there(shared: Callable[[str], Project], theirs: Path) -> Project:
    """A project, in a place with a space, of which one row runs in that environment."""
    place = shared("runs elsewhere").config(
        'env_list = ["theirs", "by-program", "own", "second"]\n' + RUNS + f'[env.theirs]\nexisting = "{theirs}"\n'
        f'description = "the one"\npackages = ["sdist", "wheel"]\n[env.by-program]\nexisting = "{theirs}/bin/python"\n'
        "[env.own]\ndeps = ['apple']\ncommands = ['true']\n"
        "[env.second]\nexisting = 'own'\ndeps = ['apple>=2', 'pear']\n"
        "commands = [['python', '-c', 'import sys; print(sys.prefix)'], ['eat-apple']]\n"
        "[env.gone]\nexisting = './not here'\n[env.typo]\nexisting = 'condo:base'\n"
        "[env.machine]\nexisting = 'system'\ndeps = []\ncommands = [['{python}', '-c', 'pass']]\n"
        "[env.itself]\nexisting = 'itself'\n[env.chain]\nexisting = 'second'\n"
        "[env.chosen]\nexisting = '{env:CHOSEN:}'\ndeps = []\ncommands = ['true']\n"
    )
    return place.package().write({"more.txt": "fig --hash=sha256:00\n-r deeper.txt\n", "deeper.txt": "plum\n"})


DRIFT = ["apple is 1.0, wanted ==2.0", "pear>=3 is not installed", "plum is not installed"]


def rows(done: Result) -> dict[str, dict[str, object]]:
    return {row["row"]: row for row in json.loads(done.out)["rows"]}


def test_a_run_uses_it_says_what_it_lacks_and_changes_nothing(there: Project, theirs: Path, tmp_path: Path) -> None:
    before = tree(theirs)
    lines, whole = tmp_path / "report.jsonl", tmp_path / "report.json"
    done = there.kern("run", "theirs", "--report", str(lines), "--report", str(whole), code=0)
    assert f"{theirs} theirs {theirs}\n" in done.out
    assert f"warning: theirs: drift in {theirs}: {'; '.join(DRIFT)}" in done.err
    assert f"in {theirs}" in done.out.splitlines()[-2]
    assert there.builds() == []
    assert not (there.work / "envs" / "theirs").exists()
    [row] = json.loads(whole.read_text())["rows"]
    assert (row["drift"], row["existing"], row["package"]) == (DRIFT, str(theirs), "")
    assert row["interpreter"] == f"{theirs}/bin/python"
    assert row["installed"] == {"apple": "1.0", "fig": "1"}
    events = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [event["drift"] for event in events if event["type"] == "row_finished"] == [DRIFT]
    assert [event["level"] for event in events if event["type"] == "notice"] == ["warning"]
    assert tree(theirs) == before


def test_strict_drift_is_an_error_of_the_row(there: Project, theirs: Path) -> None:
    done = there.kern("run", "theirs", "--strict-drift", "--json", code=3)
    row = rows(done)["theirs"]
    assert (row["outcome"], row["drift"], row["commands"]) == ("error", DRIFT, [])
    assert str(theirs) in str(row["reason"])
    assert "--strict-drift" in str(row["hint"])
    there.kern("run", "machine", "--strict-drift", code=0)


def test_list_show_and_plan_say_so(there: Project, theirs: Path) -> None:
    assert f"the one (existing: {theirs})" in there.kern("list", code=0).out
    assert (
        f"venv, no package: it runs in {theirs}, where nothing is installed" in there.kern("list", "--why", code=0).out
    )
    listed = json.loads(there.kern("list", "theirs", "own", "--json", code=0).out)["environments"]
    assert [row["existing"] for row in listed] == [str(theirs), ""]
    planned = there.kern("plan", "theirs", code=0).out
    assert f"use    theirs: existing: {theirs} (venv), it has pyvenv.cfg\n" in planned
    assert "       theirs: drift: pear>=3 is not installed\n" in planned
    shown = there.kern("show", "theirs", code=0).out
    assert f"# existing: {theirs} (venv), it has pyvenv.cfg\n# drift: {DRIFT[0]}\n" in shown


def test_the_json_of_show_and_plan_is_what_its_schema_says(there: Project, theirs: Path) -> None:
    for verb in ("plan", "show", "list"):
        schema = json.loads(there.kern("schema", verb, code=0).out)
        for name in ("theirs", "own", "gone", "second"):
            jsonschema.validate(json.loads(there.kern(verb, name, "--json", code=0).out), schema)
    [planned] = json.loads(there.kern("plan", "theirs", "--json", code=0).out)["rows"]
    assert (planned["action"], planned["drift"], planned["location"]) == ("existing", DRIFT, str(theirs))
    [shown] = json.loads(there.kern("show", "theirs", "--json", code=0).out)["environments"]
    assert shown["drift"] == DRIFT
    assert shown["existing"] == {
        "target": str(theirs), "kind": "venv", "location": str(theirs), "interpreter": f"{theirs}/bin/python",
        "why": "it has pyvenv.cfg",
    }  # fmt: skip


def test_show_gives_a_packager_what_a_row_asks_for(there: Project) -> None:
    pyproject = (there / "pyproject.toml").read_text()
    try:
        (there / "pyproject.toml").write_text(
            pyproject + '\n[dependency-groups]\ntest = ["kiwi>=1", {include-group = "base"}]\nbase = ["lime"]\n'
        )
        (there / "extra.toml").write_text(
            'env_list = ["a"]\n[env]\ndeps = ["-r more.txt", "apple"]\ndependency_groups = ["test"]\nextras = ["fast"]\n'
        )
        shown = json.loads(there.kern("--config", "extra.toml", "show", "a", "--json", code=0).out)["environments"][0]
    finally:
        (there / "pyproject.toml").write_text(pyproject)
    assert shown["requirements"] == {
        "deps": ["fig", "plum", "apple"],
        "dependency_groups": ["kiwi>=1", "lime"],
        "extras": ["fast"],
    }
    assert (shown["existing"], shown["drift"]) == (None, [])


def test_another_environment_of_the_project_is_made_first_and_used(there: Project) -> None:
    there.kern("clean", "own", code=0)
    assert "use    second: existing: own is made first" in there.kern("plan", "second", code=0).out
    done = there.kern("run", "second", "--json", code=0)
    found = rows(done)
    assert list(found) == ["own", "second"]
    assert found["second"]["drift"] == ["pear is not installed"]
    assert found["second"]["existing"] == str(there.environment("own"))
    before = tree(there.environment("own"))
    again = there.kern("run", "second", "-j", "1", code=0)
    assert f"{there.environment('own')}\n" in again.out
    assert "apple 2.0" in again.out
    assert tree(there.environment("own")) == before


def test_what_is_gone_or_makes_no_sense_is_an_error_of_the_row_with_a_hint(there: Project) -> None:
    done = there.kern("run", "gone", "typo", "machine", "--json", code=3)
    found = rows(done)
    assert found["gone"]["reason"] == f"there is nothing at {there / 'not here'}"
    assert found["gone"]["hint"]
    assert "condo" in str(found["typo"]["reason"])
    assert f"         hint: {found['gone']['hint']}\n" in there.kern("plan", "gone").out
    assert "conda" in str(found["typo"]["hint"])
    assert found["machine"]["outcome"] == "passed"
    said = there.error("run", "itself")
    assert "itself can't run in itself" in said
    assert "KIND:itself, or itself: for all of a kind" in said
    assert "chain can't run in second, which runs in another one itself" in there.error("plan", "chain")


def test_a_variable_may_choose_and_an_empty_one_means_its_own(there: Project, theirs: Path) -> None:
    chosen = there.kern("plan", "chosen", "--json", code=0, env={"CHOSEN": str(theirs)})
    assert rows(chosen)["chosen"]["action"] == "existing"
    assert rows(there.kern("plan", "chosen", "--json", code=0))["chosen"]["action"] == "make"


def test_env_from_runs_the_rows_there_and_builds_nothing(there: Project, theirs: Path) -> None:
    before = tree(theirs)
    there.kern("run", "own", "--no-test", code=0)
    records = there.stamp("own")
    relative = os.path.relpath(theirs, there.root)
    done = there.kern("run", "--env-from", relative, "theirs", "own", "--json", code=0)
    found = rows(done)
    assert {row["existing"] for row in found.values()} == {str(theirs)}
    assert found["own"]["drift"] == []
    assert there.builds() == []
    assert there.stamp("own") == records
    planned = rows(there.kern("plan", "--env-from", relative, "own", "--json", code=0))
    assert planned["own"]["action"] == "existing"
    assert tree(theirs) == before
    assert "can't go together" in there.error("run", "--env-from", relative, "--package", ".")
    there.kern("run", "--env-from", "own", "own", "second", code=0)
    there.kern("clean", "own", code=0)
    refused = there.kern("run", "--env-from", "own", "theirs", "--json", code=3)
    assert rows(refused)["theirs"]["hint"] == "kern run --no-test own makes it"


@pytest.mark.parametrize("way", ["path", "relative", "home", "kind", "program", "kind from the home"])
def test_exec_finds_it_in_every_way_from_outside_of_any_project(
    project: Project, theirs: Path, way: str, tmp_path: Path
) -> None:
    target = {
        "path": str(theirs),
        "relative": f"./{os.path.relpath(theirs, tmp_path)}",
        "home": f"~/{theirs.name}",
        "kind": f"venv:{theirs}",
        "program": f"{theirs}/bin/python",
        "kind from the home": f"venv:~/{theirs.name}",
    }[way]
    before = tree(theirs)
    done = project.kern(
        "exec", target, "--", "python", "-c", f"import mine; {WHERE}", cwd=tmp_path, env={"HOME": str(theirs.parent)},
        code=0,
    )  # fmt: skip
    assert done.out == f"{theirs} {theirs} 1\n"
    assert tree(theirs) == before
    assert list(project.root.iterdir()) == []


@pytest.mark.parametrize("target", ["system", "system:python3"])
def test_exec_uses_the_python_of_the_machine(project: Project, target: str, tmp_path: Path, theirs: Path) -> None:
    real = os.path.dirname(os.path.realpath(sys.executable))
    name = f"python3.{sys.version_info[1]}"
    bin_dir = tmp_path / "machine" / "bin"
    bin_dir.mkdir(parents=True)
    bin_dir.joinpath("python3").symlink_to(os.path.join(real, name))
    path = os.pathsep.join((f"{theirs}/bin", str(bin_dir), project.environ["PATH"]))
    show = "import os, sys; print(sys.executable, os.environ.get('VIRTUAL_ENV'), os.environ['MINE'])"
    done = project.kern(
        "exec", target, "--", "python3", "-c", show, cwd=tmp_path, code=0,
        env={"PATH": path, "VIRTUAL_ENV": str(theirs), "MINE": "kept"},
    )  # fmt: skip
    assert done.out == f"{bin_dir / 'python3'} None kept\n"


def test_why_says_who_was_asked_and_needs_no_command(there: Project, theirs: Path) -> None:
    done = there.kern("exec", str(theirs), "--why", code=0)
    assert done.out == ""
    assert f"kern: {theirs} is a path, so all kinds are asked\n" in done.err
    assert "kern:   venv: it has pyvenv.cfg (certainty 2)\n" in done.err
    assert "kern:   system: not one of its environments\n" in done.err
    assert f"kern: so it is {theirs} (venv)\n" in done.err
    done = there.kern("exec", "--why", "theirs", "--", "python", "-c", WHERE, code=0)
    assert done.out == f"{theirs} {theirs} 1\n"
    assert f"theirs runs in an existing environment: {theirs}" in done.err
    assert f"at {there.environment('own')}" in there.kern("exec", "own", "--why", code=0).err
    assert "needs -- and a command" in there.error("exec", str(theirs))


def test_errors_name_what_was_tried(there: Project, project: Project, tmp_path: Path) -> None:
    said = there.error("exec", "thiers", "--", "true")
    assert "no environment matches 'thiers', and no plugin knows an environment called 'thiers' (asked: " in said
    assert "system and venv)" in said
    assert "theirs" in said.partition("hint:")[2]
    assert "the kind venv has no environment './no'" in there.error("exec", "venv:./no", "--", "true")
    assert 'offers the adopter "condo"' in there.error("exec", "condo:x", "--", "true")
    said = there.error("exec", "gone", "--", "true")
    assert f"there is nothing at {there / 'not here'}\n  at: kern.toml:" in said
    assert "env.gone.existing" in said
    empty = tmp_path / "empty"
    empty.mkdir()
    said = there.error("exec", str(empty), "--", "true")
    assert f"{empty} is no environment that an installed plugin recognises" in said
    assert "asked: " in said
    assert "there is no project at" in project.kern("exec", "zzz", "--", "true", code=2).err


def test_the_environment_of_a_row_may_be_used_by_name_with_the_row_s_variables(there: Project, theirs: Path) -> None:
    before = tree(theirs)
    done = there.kern("exec", "by-program", "--", "python", "-c", "import os, mine; print(os.environ['ROW'])", code=0)
    assert done.out == "by-program\n"
    assert tree(theirs) == before


def test_a_row_in_another_environment_of_the_project_keeps_its_own_name(there: Project) -> None:
    show = "import os, sys; print(os.environ['ROW'], sys.prefix)"
    done = there.kern("exec", "second", "--", "python", "-c", show, code=0)
    assert done.out == f"second {there.environment('own')}\n"


def test_clean_leaves_it_alone(there: Project, theirs: Path) -> None:
    before = tree(theirs)
    there.kern("clean", "theirs", code=0)
    assert tree(theirs) == before


def test_rows_in_the_same_environment_run_at_the_same_time(there: Project, theirs: Path) -> None:
    before = tree(theirs)
    found = rows(there.kern("run", "theirs", "by-program", "-j", "2", "--json", code=0))
    assert [row["existing"] for row in found.values()] == [str(theirs)] * 2
    assert tree(theirs) == before


def test_without_the_variable_python_would_have_written_there(theirs: Path) -> None:
    """What the other tests prove is no accident: the module that they import is compiled into the folder otherwise."""
    before = tree(theirs)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([theirs / "bin" / "python", "-c", "import mine"], env=environ, check=True)
    assert tree(theirs) != before


def test_a_mistake_in_env_from_is_one_error_of_the_command_line(there: Project) -> None:
    for target, said in (
        ("nosuch", "the project has no environment 'nosuch', and no plugin knows one of that name"),
        ("./nothing", "there is nothing at"),
        ("venv:zzz", "venv: takes the directory of a virtual environment"),
        ("condo:x", "conda"),
    ):
        assert said in there.error("run", "--env-from", target, "theirs", "own")
    assert "--locked and --env-from can't go together" in there.error("run", "--env-from", "system", "--locked")


def test_env_from_a_row_means_where_that_row_runs(there: Project, theirs: Path, tmp_path: Path) -> None:
    found = rows(there.kern("run", "--env-from", "by-program", "own", "--json", code=0))
    assert found["own"]["existing"] == str(theirs)
    below = there / "below"
    below.mkdir(exist_ok=True)
    found = rows(
        there.kern("run", "--env-from", f"venv:{os.path.relpath(theirs, below)}", "own", "--json", cwd=below, code=0)
    )
    assert found["own"]["existing"] == str(theirs)
    words = ("--config", "kern.toml", "--env-from", "by-program", "--strict-drift")
    refused = there.kern("run", *words, "theirs", code=3)
    assert f"to run the failed again: kern run {' '.join(words)} theirs\n" in refused.screen
    [planned] = json.loads(there.kern("plan", "--env-from", str(theirs), "machine", "--json", code=0).out)["rows"]
    assert planned["commands"] == [[f"{theirs}/bin/python", "-c", "pass"]]


def test_exec_says_so_if_another_interpreter_answers(there: Project, tmp_path: Path) -> None:
    place = tmp_path / "one name"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    other = tmp_path / "other"
    other.mkdir()
    (other / "python3").write_text("#!/bin/sh\necho another\n")
    (other / "python3").chmod(0o755)
    path = {"PATH": f"{other}{os.pathsep}{there.environ['PATH']}"}
    done = there.kern("exec", str(place), "--", "python3", env=path, code=0)
    assert done.out == "another\n"
    assert f"{place} has no program python3, so {other}/python3 runs" in done.err
    assert there.kern("exec", str(place), "--", "python", "-c", "pass", env=path, code=0).err == ""


def test_a_program_of_the_environment_that_kern_is_started_from_is_told(there: Project, tmp_path: Path) -> None:
    active = tmp_path / "active"
    venv.create(active, symlinks=True)
    for name, first in (("pytest", f"#!{active}/bin/python"), ("tool", "#!/bin/sh")):
        (active / "bin" / name).write_text(f"{first}\n")
        (active / "bin" / name).chmod(0o755)
    path = {"PATH": f"{active}/bin{os.pathsep}{there.environ['PATH']}"}
    there.write({"host.toml": "[env.x]\nexisting = '{env:THEIRS}'\ncommands = ['pytest', 'tool', 'pytest']\n"})
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    said = f"{theirs} has no program pytest, so {active}/bin/pytest runs, with {active}/bin/python\n"
    done = there.kern("run", "--config", "host.toml", "x", env={**path, "THEIRS": str(theirs)}, code=0)
    assert done.err == f"warning: x: {said}"
    assert there.kern("exec", str(theirs), "--", "pytest", env=path, code=0).err == f"kern: {said}"
    assert there.kern("exec", str(theirs), "--", "tool", env=path, code=0).err == ""
    assert there.kern("exec", str(active), "--", "pytest", env=path, code=0).err == ""
    (active / "bin" / "python").unlink()
    (active / "bin" / "python").write_text("#!/bin/sh\n")  # as in a directory of shims
    said = f"kern: {theirs} has no program tool, so {active}/bin/tool runs, with {active}/bin/python\n"
    assert there.kern("exec", str(theirs), "--", "tool", env=path, code=0).err == said
