"""Build environments: kept, reused, repaired, refreshed, thrown away. What is installed comes from a local file."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import StepFailed
from kern_venv.api import find_interpreter
from kern_wheel import build_environment as module
from kern_wheel import generations
from kern_wheel.build_environment import build_environment
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.api import Command, Context
    from kern_venv.api import Interpreter
    from kern_wheel.build_environment import BuildEnvironment
    from plugins.wheel.tests.conftest import Contexts, Packages, Rows, Trees

WHEEL = WheelBuilder()


@pytest.fixture
def requirement(tmp_path: Path) -> Callable[..., str]:
    """Make an installable wheel with one module in it; answers the requirement for it."""

    def make(name: str, text: str = "") -> str:
        path = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}.py", text)
            info = f"{name}-1.0.dist-info"
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        return f"{name} @ {path.as_uri()}"

    return make


@pytest.fixture
def interpreter() -> Interpreter:
    found = find_interpreter(("py312",), os.environ)
    if found is None:
        pytest.skip("there is no py312 on this machine")
    return found


@pytest.fixture
def make(interpreter: Interpreter, requirement: Callable[..., str]) -> Callable[..., BuildEnvironment]:
    """Ask for the one environment that these tests are about."""
    wanted = requirement("tiny")

    def asking(context: Context, interpreter: Interpreter = interpreter, **more: str) -> BuildEnvironment:
        return build_environment([wanted], interpreter, context, where="pyproject.toml", **more)

    return asking


def test_it_is_made_once_and_reused(make: Callable[..., BuildEnvironment], new_context: Contexts) -> None:
    first, context = make(new_context()), new_context()
    again = make(context)
    assert (first.reused, again.reused) == (False, True)
    assert again.location == first.location
    assert context.commands == []
    assert os.path.samefile(os.path.dirname(os.path.dirname(again.python)), again.location)


def test_many_at_once_make_one(make: Callable[..., BuildEnvironment], new_context: Contexts) -> None:
    contexts = [new_context() for _ in range(6)]
    with ThreadPoolExecutor(len(contexts)) as pool:
        made = list(pool.map(make, contexts))
    assert len({each.location for each in made}) == 1
    assert [each.reused for each in made].count(False) == 1


def test_its_marker_says_what_is_there(
    make: Callable[..., BuildEnvironment], new_context: Contexts, interpreter: Interpreter
) -> None:
    marker = generations.read_marker(make(new_context()).location + ".json")
    assert marker is not None
    assert marker.installed["tiny"] == "1.0"
    assert marker.interpreter == (interpreter.path, interpreter.identity)


def test_order_and_repetition_do_not_matter_but_requirements_do(
    new_context: Contexts, interpreter: Interpreter, requirement: Callable[..., str]
) -> None:
    one, two = requirement("one"), requirement("two")
    asked = [[one, two], [two, one, two], [one]]
    places = [build_environment(each, interpreter, new_context(), where="x").location for each in asked]
    assert places[0] == places[1] != places[2]


def test_another_interpreter_has_another(make: Callable[..., BuildEnvironment], new_context: Contexts) -> None:
    other = find_interpreter(("py311",), os.environ)
    assert make(new_context()).location != make(new_context(), interpreter=other).location


def test_another_index_has_another(make: Callable[..., BuildEnvironment], new_context: Contexts) -> None:
    context = new_context()
    context.environ = {**context.environ, "PIP_EXTRA_INDEX_URL": "https://example.invalid/simple"}
    assert os.path.dirname(make(new_context()).location) != os.path.dirname(make(context).location)


def lose_marker(location: str) -> None:
    os.unlink(location + ".json")


def empty_marker(location: str) -> None:
    Path(location + ".json").write_text("")


def foreign_marker(location: str) -> None:
    Path(location + ".json").write_text('{"location": []}')


def marker_of_another(location: str) -> None:
    value = json.loads(Path(location + ".json").read_text())
    elsewhere = os.path.join(os.path.dirname(location), "elsewhere")
    shutil.copytree(location, elsewhere, symlinks=True)
    Path(location + ".json").write_text(json.dumps({**value, "location": elsewhere}))


def lose_configuration(location: str) -> None:
    os.unlink(os.path.join(location, "pyvenv.cfg"))


def lose_python(location: str) -> None:
    os.unlink(os.path.join(location, "bin", "python"))


def lose_everything(location: str) -> None:
    shutil.rmtree(location)


def dangle(location: str) -> None:
    lose_python(location)
    os.symlink("/nonexistent/python", os.path.join(location, "bin", "python"))


@pytest.mark.parametrize(
    "damage",
    [
        lose_marker,
        empty_marker,
        foreign_marker,
        marker_of_another,
        lose_configuration,
        lose_python,
        lose_everything,
        dangle,
    ],
)
def test_a_damaged_one_is_made_anew(
    damage: Callable[[str], None], make: Callable[..., BuildEnvironment], new_context: Contexts
) -> None:
    first = make(new_context())
    damage(first.location)
    second = make(new_context())
    assert not second.reused
    assert second.location != first.location
    assert make(new_context()) == second._replace(reused=True)


def test_a_changed_interpreter_makes_it_anew(
    make: Callable[..., BuildEnvironment], new_context: Contexts, interpreter: Interpreter
) -> None:
    first = make(new_context())
    second = make(new_context(), interpreter=interpreter._replace(identity="upgraded"))
    assert not second.reused
    assert second.location != first.location


class Killed(BaseException):
    """As if kern was killed: nothing tidies up after it."""


def test_killed_half_way_it_is_repaired_and_the_rest_removed(
    make: Callable[..., BuildEnvironment], new_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = new_context()
    steps = iter(range(100))

    def kill_at_second(command: Command) -> None:
        if next(steps) == 1:
            raise Killed

    context.before_run = kill_at_second
    with monkeypatch.context() as patch:
        patch.setattr(generations, "remove", lambda path: None)
        with pytest.raises(Killed):
            make(context)
    (home,) = Path(context.cache_dir, "build-environments").iterdir()
    (half,) = home.iterdir()
    made = make(new_context())
    assert not made.reused
    assert not half.exists()
    assert sorted(each.name for each in home.iterdir()) == sorted(
        [os.path.basename(made.location), os.path.basename(made.location) + ".json"]
    )


def test_a_failure_leaves_nothing_behind(new_context: Contexts, interpreter: Interpreter) -> None:
    context = new_context()
    with pytest.raises(StepFailed):
        build_environment(["tiny @ file:///nonexistent-1.0-py3-none-any.whl"], interpreter, context, where="x")
    (home,) = Path(context.cache_dir, "build-environments").iterdir()
    assert list(home.iterdir()) == []


def test_it_is_made_anew_on_demand_once_in_a_run(
    make: Callable[..., BuildEnvironment], new_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(new_context())
    monkeypatch.setattr(module, "_STARTED", time.time())
    second = make(new_context(recreate=True))
    third = make(new_context(recreate=True))
    assert second.location != first.location
    assert third == second._replace(reused=True)
    monkeypatch.setattr(module, "_STARTED", time.time())
    assert make(new_context(recreate=True)).location not in {first.location, second.location}
    assert os.path.isdir(first.location), "somebody may still be building there"
    assert os.path.isdir(second.location)


def age(location: str, days: float) -> None:
    file = location + ".json"
    value = json.loads(Path(file).read_text())
    then = time.time() - days * generations.DAY
    Path(file).write_text(json.dumps({**value, "made": then}))
    os.utime(file, (then, then))


def test_after_a_week_it_is_resolved_anew_and_the_old_one_goes_later(
    make: Callable[..., BuildEnvironment], new_context: Contexts
) -> None:
    first = make(new_context())
    age(first.location, 8)
    second = make(new_context())
    assert not second.reused
    assert os.path.isdir(first.location), "somebody may still be building there"
    then = time.time() - 2 * generations.DAY
    os.utime(first.location + ".json", (then, then))
    age(second.location, 7.5)
    third = make(new_context())
    assert third.location != second.location
    assert not os.path.exists(first.location)
    assert not os.path.exists(first.location + ".json")


def test_an_old_one_serves_on_when_it_cannot_be_resolved_anew(
    make: Callable[..., BuildEnvironment], new_context: Contexts, tmp_path: Path
) -> None:
    first = make(new_context())
    age(first.location, 8)
    os.unlink(tmp_path / "tiny-1.0-py3-none-any.whl")
    context = new_context()
    assert make(context).location == first.location
    assert any("serves on" in line for line in context.said)
    with pytest.raises(StepFailed):
        make(new_context(recreate=True))


def test_use_is_noted_once_a_day(make: Callable[..., BuildEnvironment], new_context: Contexts) -> None:
    location = make(new_context()).location
    for hours, noted in ((1, False), (30, True)):
        then = time.time() - hours * 3600
        os.utime(location + ".json", (then, then))
        make(new_context())
        assert (os.stat(location + ".json").st_mtime > then + 60) is noted


def test_unused_ones_are_thrown_away_when_another_is_made(
    make: Callable[..., BuildEnvironment],
    new_context: Contexts,
    interpreter: Interpreter,
    requirement: Callable[..., str],
) -> None:
    places = {}
    for name, days in (("old", 61), ("young", 50)):
        places[name] = build_environment([requirement(name)], interpreter, new_context(), where="x").location
        age(places[name], days)
    everything = Path(new_context().cache_dir, "build-environments")
    rubbish, busy = everything / "rubbish", everything / "busy"
    for each, days in ((rubbish, 2), (busy, 0)):
        (each / "half").mkdir(parents=True)
        then = time.time() - days * generations.DAY
        os.utime(each, (then, then))
    precious = Path(new_context().project_dir, "precious")
    precious.mkdir()
    (precious / "file").touch()
    (precious / "file.json").touch()
    os.symlink(precious, everything / "link")
    for path in (precious / "file.json", precious):
        os.utime(path, (0, 0))
    make(new_context())
    assert not os.path.exists(os.path.dirname(places["old"]))
    assert os.path.isdir(places["young"])
    assert not rubbish.exists()
    assert busy.exists()
    assert sorted(os.listdir(precious)) == ["file", "file.json"]


PROJECT = """
    [build-system]
    requires = ["{requirement}"]
    build-backend = "tiny_backend"
    """


@pytest.fixture
def project(requirement: Callable[..., str], in_tree: Trees) -> Path:
    """A project whose backend is installed, as most are; it wants more where its tree says so."""
    root = in_tree()
    text = (root / "tools" / "own_backend.py").read_text()
    (root / "pyproject.toml").write_text(PROJECT.format(requirement=requirement("tiny_backend", text)))
    shutil.rmtree(root / "tools")
    return root


def test_a_second_build_installs_nothing_and_asks_nothing(
    project: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    first, second = new_context(), new_context()
    WHEEL.build(package(project), row("py312"), None, first)
    (project / "src" / "demo.py").write_text("answer = 43\n")
    WHEEL.build(package(project), row("py312"), None, second)
    assert first.hooks() == ["get_requires_for_build_wheel", "build_wheel"]
    assert first.others() != []
    assert second.hooks() == ["build_wheel"]
    assert second.others() == []


def test_a_changed_setup_asks_again(project: Path, new_context: Contexts, package: Packages, row: Rows) -> None:
    WHEEL.build(package(project), row("py312"), None, new_context())
    for change in ("pyproject.toml", "setup.cfg", "setup.py"):
        with open(project / change, "a") as stream:
            stream.write("# changed\n")
        context = new_context()
        WHEEL.build(package(project), row("py312"), None, context)
        assert context.hooks()[0] == "get_requires_for_build_wheel"


def test_answers_are_kept_apart_by_kind_and_settings(
    project: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    WHEEL.build(package(project), row("py312"), None, new_context())
    context = new_context()
    SdistBuilder().build(package(project), row("py312"), None, context)
    assert context.hooks()[0] == "get_requires_for_build_sdist"
    context = new_context()
    WHEEL.build(package(project, tag="py2-none-any"), row("py312"), None, context)
    assert context.hooks()[0] == "get_requires_for_build_wheel"


def wanting(project: Path, requirement: str) -> None:
    (project / "extra-requirements").write_text(requirement.replace(" ", ""))


def test_what_the_backend_wants_beyond_the_table_is_there(
    project: Path, new_context: Contexts, package: Packages, row: Rows, requirement: Callable[..., str]
) -> None:
    wanting(project, requirement("extra"))
    contexts = new_context(), new_context()
    for context in contexts:
        WHEEL.build(package(project), row("py312"), None, context)
    pythons = [command.argv[0] for command in contexts[0].commands if "_in_process" in command.argv[1]]
    assert len(set(pythons)) == 2, "asked in one environment, built in another"
    assert contexts[1].hooks() == ["build_wheel"]
    assert contexts[1].commands[0].argv[0] == pythons[1]
    extended = generations.read_marker(os.path.dirname(os.path.dirname(pythons[1])) + ".json")
    assert extended is not None
    assert {"tiny-backend", "extra"} <= {name.replace("_", "-") for name in extended.installed}


def test_a_remembered_answer_is_doubted_before_a_failure_is_believed(
    project: Path, new_context: Contexts, package: Packages, row: Rows, requirement: Callable[..., str]
) -> None:
    """The hook may look at files that nobody knows of; here at one without an ending."""
    backend = "from tiny_backend import *\nbuild = build_wheel\ndef build_wheel(*a):\n    if open('extra-requirements').read(): import extra\n    return build(*a)\n"
    text = (project / "pyproject.toml").read_text().replace('"tiny_backend"', '"picky"')
    (project / "pyproject.toml").write_text(
        text.replace("requires = [", f'requires = ["{requirement("picky", backend)}", ')
    )
    wanting(project, "")
    WHEEL.build(package(project), row("py312"), None, new_context())
    wanting(project, requirement("extra"))
    context = new_context()
    WHEEL.build(package(project), row("py312"), None, context)
    assert context.hooks() == ["build_wheel", "get_requires_for_build_wheel", "build_wheel"]


def test_a_failure_with_the_same_answer_is_believed(
    project: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    WHEEL.build(package(project), row("py312"), None, new_context())
    os.unlink(project / "src" / "demo.py")
    context = new_context()
    with pytest.raises(StepFailed, match="tiny_backend failed in build_wheel") as caught:
        WHEEL.build(package(project), row("py312"), None, context)
    assert "demo.py" in caught.value.tail
    assert context.hooks() == ["build_wheel", "get_requires_for_build_wheel"]


def test_a_lost_backend_makes_the_environment_anew(
    project: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    context = new_context()
    WHEEL.build(package(project), row("py312"), None, context)
    location = Path(context.commands[-1].argv[0]).parent.parent
    for file in location.rglob("tiny_backend.py"):
        file.unlink()
    for cache in location.rglob("__pycache__"):
        shutil.rmtree(cache)
    context = new_context()
    assert WHEEL.build(package(project), row("py312"), None, context).name == "demo"
    assert any("made anew" in line for line in context.said)


def test_compiled_modules_that_were_cut_off_are_forgotten(
    project: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    context = new_context()
    WHEEL.build(package(project), row("py312"), None, context)
    location = Path(context.commands[-1].argv[0]).parent.parent
    (compiled,) = location.rglob("tiny_backend.*.pyc")
    whole = compiled.read_bytes()
    compiled.write_bytes(whole[: len(whole) // 2])
    (project / "src" / "demo.py").write_text("answer = 43\n")
    context = new_context()
    assert WHEEL.build(package(project), row("py312"), None, context).name == "demo"
    assert any("cut off" in line for line in context.said)
    assert len(compiled.read_bytes()) == len(whole)
    assert context.others()[0][0] == context.commands[-1].argv[0], "it is the same environment"
