from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kern.api import Artifact, Command
from kern.errors import ConfigError, StepFailed
from kern_venv.artifacts import check_extras, direct_reference
from kern_venv.installed import installed
from kern_venv.installing import install
from kern_venv.interpreters import Interpreter
from kern_venv.making import make_virtual_environment

Find = Callable[[str], Interpreter]
Make = Callable[..., Path]
INSTALLERS = ["uv", "pip"]


class Place:
    """An environment of a test, and short words for what the tests do with it."""

    def __init__(self, context: Any, found: Interpreter, location: Path, installer: str) -> None:
        self.context, self.prefix, self.installer = context, str(location), installer
        self.python = make_virtual_environment(self.prefix, found, context, seed_pip=installer == "pip")

    def install(self, *requirements: str, **named: Any) -> dict[str, str]:
        named = {"installer": self.installer, "prefix": self.prefix, **named}
        install(self.python, requirements, self.context, **named)
        return {name: version for name, version in installed(self.prefix).items() if name not in ("pip", "setuptools")}

    def says(self, code: str) -> str:
        """Run code with bytecode written, as tests do."""
        return str(self.context.run(Command(argv=(self.python, "-c", code))).stdout).strip()


@pytest.fixture(params=INSTALLERS)
def place(request: pytest.FixtureRequest, context: Any, interpreter: Find, tmp_path: Path) -> Place:
    return Place(context, interpreter("py"), tmp_path / "with space é" / "env", request.param)


def files_of(directory: str) -> dict[str, tuple[int, int]]:
    found = {}
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_size, status.st_mtime_ns)
    return found


def test_requirements_come_from_where_pips_configuration_says(place: Place, make_wheel: Make) -> None:
    make_wheel("leaf", "2.0")
    make_wheel("tree", requires=("leaf>=1",))
    assert place.install("tree==1.0 ; python_version > '2'") == {"leaf": "2.0", "tree": "1.0"}


def test_everything_is_resolved_together(place: Place, make_wheel: Make, as_artifact: Callable[..., Artifact]) -> None:
    for version in ("1.0", "2.0", "3.0"):
        make_wheel("leaf", version)
    tested = as_artifact(make_wheel("tested", requires=("leaf<3",), folder=place.context.root / "é built"))
    (Path(place.context.project_dir) / "pins.txt").write_text("leaf<2\n")
    got = place.install("leaf", artifacts=[direct_reference(tested)], constraints=["pins.txt"])
    assert got == {"leaf": "1.0", "tested": "1.0"}


def test_a_later_dependency_can_t_undo_what_the_package_needs(
    place: Place, make_wheel: Make, as_artifact: Callable[..., Artifact]
) -> None:
    for version in ("1.0", "2.0"):
        make_wheel("leaf", version)
    tested = as_artifact(make_wheel("tested", requires=("leaf>=2",)))
    with pytest.raises(StepFailed):
        place.install("leaf<2", artifacts=[direct_reference(tested)])
    assert "leaf" not in installed(place.prefix)


def test_a_rebuilt_wheel_of_the_same_version_is_installed_again(
    place: Place, make_wheel: Make, as_artifact: Callable[..., Artifact]
) -> None:
    make_wheel("leaf")
    for number in ("1", "2", "3"):
        folder = place.context.root / ("same" if number == "3" else number)
        built = make_wheel("tested", requires=("leaf",), body=f"N = {number}\n", folder=folder)
        place.install("leaf", artifacts=[direct_reference(as_artifact(built))])
        assert place.says("import tested; print(tested.N)") == number
    built = make_wheel("tested", requires=("leaf",), body="N = 44\n", folder=place.context.root / "same")
    place.install("leaf", artifacts=[direct_reference(as_artifact(built))])
    assert place.says("import tested; print(tested.N)") == "44"


def test_extras_of_the_artifact(place: Place, make_wheel: Make, as_artifact: Callable[..., Artifact]) -> None:
    make_wheel("leaf")
    tested = as_artifact(make_wheel("tested", extras={"more": "leaf"}))
    assert place.install(artifacts=[direct_reference(tested, ["more"])]) == {"leaf": "1.0", "tested": "1.0"}


def test_files_nested_files_and_constraints(place: Place, make_wheel: Make) -> None:
    project = Path(place.context.project_dir)
    for version in ("1.0", "2.0"):
        make_wheel("leaf", version)
    make_wheel("tree")
    (project / "req").mkdir()
    (project / "req/all.txt").write_text("-r base.txt\ntree\n")
    (project / "req/base.txt").write_text("leaf\n")
    (project / "pins.txt").write_text("leaf==1.0\n")
    assert place.install("-r req/all.txt", "-c pins.txt") == {"leaf": "1.0", "tree": "1.0"}


def test_local_paths(place: Place, make_wheel: Make) -> None:
    wheel = make_wheel("loose", folder=Path(place.context.project_dir) / "wheel house")
    assert place.install(f"./wheel house/{wheel.name}") == {"loose": "1.0"}


@pytest.mark.slow
def test_an_editable_path(online_context: Any, interpreter: Find, tmp_path: Path) -> None:
    """Needs a package index, for the build backend."""
    place = Place(online_context, interpreter("py"), tmp_path / "env", "uv")
    source = Path(online_context.project_dir) / "sub"
    source.mkdir()
    (source / "live.py").write_text("N = 1\n")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "live"\nversion = "1"\n[tool.setuptools]\npy-modules = ["live"]\n'
    )
    assert place.install("-e ./sub") == {"live": "1"}
    (source / "live.py").write_text("N = 2\n")
    assert place.says("import live; print(live.N)") == "2"


def test_options_in_deps_go_through_a_file(place: Place, make_wheel: Make) -> None:
    make_wheel("early", "1.0")
    make_wheel("early", "2.0b1")
    other = place.context.root / "other"
    make_wheel("elsewhere", folder=other)
    assert place.install("early", "elsewhere", f"--find-links {other.as_uri()}") == {"early": "1.0", "elsewhere": "1.0"}


def test_without_anything_to_install_no_process_starts(place: Place) -> None:
    before = len(place.context.ran)
    install(place.python, [], place.context, prefix=place.prefix, constraints=["absent.txt"])
    assert len(place.context.ran) == before


@pytest.fixture(params=INSTALLERS)
def harmless(request: pytest.FixtureRequest, context: Any, throwaway_base: Interpreter, tmp_path: Path) -> Place:
    return Place(context, throwaway_base, tmp_path / "env", request.param)


def test_a_lost_pyvenv_cfg_is_noticed_before_anything_is_written(harmless: Place, make_wheel: Make) -> None:
    make_wheel("leaf")
    base = os.path.dirname(os.path.dirname(os.path.realpath(harmless.python)))
    os.unlink(os.path.join(harmless.prefix, "pyvenv.cfg"))
    before = files_of(base)
    ran = len(harmless.context.ran)
    with pytest.raises(StepFailed, match="would write into"):
        harmless.install("leaf")
    assert files_of(base) == before
    assert all(command.argv[1] == "-I" for command in harmless.context.ran[ran:])


def test_a_pyvenv_cfg_that_is_cut_short_writes_nowhere_else(harmless: Place, make_wheel: Make) -> None:
    make_wheel("leaf")
    base = os.path.dirname(os.path.dirname(os.path.realpath(harmless.python)))
    before = files_of(base)
    for damage in ("", "include-system-site-packages = false\n", "home = /nowhere\n"):
        Path(harmless.prefix, "pyvenv.cfg").write_text(damage)
        with suppress(StepFailed):
            harmless.install("leaf")
    assert files_of(base) == before


def test_pip_itself_refuses_to_leave_the_environment(context: Any, interpreter: Find, tmp_path: Path) -> None:
    place = Place(context, interpreter("py"), tmp_path / "env", "pip")
    with pytest.raises(StepFailed):
        place.install("leaf")
    ours = [command for command in context.ran if "install" in command.argv]
    assert {command.environ["PIP_REQUIRE_VIRTUALENV"] for command in ours} == {"1"}


def test_what_can_t_be_installed_is_an_error(place: Place) -> None:
    with pytest.raises(StepFailed):
        place.install("there-is-no-such-thing")
    with pytest.raises(ConfigError, match="no installer 'uvv'") as caught:
        place.install("leaf", installer="uvv")
    assert caught.value.hint == "did you mean 'uv'?"


def test_a_module_of_the_project_is_no_module_of_pip(place: Place, make_wheel: Make) -> None:
    make_wheel("leaf")
    for name in ("pip", "types", "logging"):
        Path(place.context.project_dir, f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    assert place.install("leaf") == {"leaf": "1.0"}


@pytest.mark.parametrize("wanted", ["py36", "py37", "py38", "py39", "py310", "py312", "py313", "py314", "pypy310"])
def test_uv_installs_into_every_interpreter_it_serves(
    wanted: str, context: Any, interpreter: Find, tmp_path: Path, make_wheel: Make
) -> None:
    make_wheel("leaf")
    place = Place(context, interpreter(wanted), tmp_path / "env", "auto")
    assert place.install("leaf") == {"leaf": "1.0"}
    assert place.says("import leaf; print(leaf.VERSION)") == "1.0"


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["py27", "py36", "py37", "py38"])
def test_pip_installs_into_old_interpreters(
    wanted: str, context: Any, online_context: Any, interpreter: Find, tmp_path: Path, make_wheel: Make
) -> None:
    """Needs a package index, for the older virtualenv."""
    make_wheel("leaf")
    place = Place(online_context, interpreter(wanted), tmp_path / "env", "pip")
    place.context = context
    assert place.install("leaf")["leaf"] == "1.0"


def test_installed_reads_names_as_they_are_meant(tmp_path: Path) -> None:
    folder = tmp_path / "lib/python3.12/site-packages"
    for name in ("Flask_SQLAlchemy-3.1.dist-info", "zope.interface-7.0.post1.dist-info", "x.py", "odd.dist-info"):
        (folder / name).mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    assert installed(str(tmp_path)) == {"flask-sqlalchemy": "3.1", "zope-interface": "7.0.post1"}
    assert installed(str(tmp_path / "absent")) == {}


def test_an_extra_that_is_not_there_is_an_error(make_wheel: Make, as_artifact: Callable[..., Artifact]) -> None:
    tested = as_artifact(make_wheel("tested", extras={"test_all": "leaf"}))
    check_extras(tested, ["Test.All"])
    with pytest.raises(ConfigError, match=r"tested 1\.0 has no extra 'tset_all'") as caught:
        check_extras(tested, ["tset_all"])
    assert caught.value.hint == "did you mean 'test_all'?"
    bare = as_artifact(make_wheel("bare"))
    with pytest.raises(ConfigError) as caught:
        check_extras(bare, ["x"])
    assert caught.value.hint == "it has none"
    sdist = Artifact(kind="sdist", path="/x/x-1.tar.gz", name="x", version="1", digest="0")
    check_extras(sdist, ["unknown"])
