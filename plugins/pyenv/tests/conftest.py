"""What the tests of kern-pyenv share: pyenv roots of this machine's interpreters, and a context of real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from kern.api import Command, Completed, EnvSpec
from kern.errors import StepFailed
from kern_pyenv.finding import forget
from kern_pyenv.options import PyenvOptions
from kern_venv.interpreters import all_interpreters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_KEPT = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "PIP_CONFIG_FILE", "UV_CONFIG_FILE")


@dataclass
class RealContext:
    """A context as the kernel lends one, with a record of the commands."""

    root: Path
    environ: Mapping[str, str]
    ran: list[Command] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    recreate: bool = False
    distrust: bool = False
    platform: str = sys.platform

    def _folder(self, name: str) -> str:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    @property
    def project_dir(self) -> str:
        return self._folder("project")

    @property
    def work_dir(self) -> str:
        return self._folder("work")

    @property
    def cache_dir(self) -> str:
        return self._folder("cache")

    def run(self, command: Command, *, check: bool = True, echo: bool = True, always: bool = False) -> Completed:
        self.ran.append(command)
        done = subprocess.run(
            command.argv,
            cwd=command.cwd or self.project_dir,
            env=dict(self.environ if command.environ is None else command.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if echo else subprocess.DEVNULL,
            timeout=command.timeout or 600,
            check=False,
        )
        output = done.stdout.decode("utf-8", "surrogateescape")
        if check and done.returncode != 0:
            raise StepFailed(f"{command.argv[0]} failed", where=" ".join(command.argv), tail=output)
        return Completed(exit_code=done.returncode, stdout=output)

    def say(self, message: str) -> None:
        self.said.append(message)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        assert os.sep not in name
        yield

    def ask_secret(self, value: str) -> None:
        pass


def prefixes() -> dict[str, str]:
    """Every interpreter of this machine that could be pyenv's: its version to its prefix; at least the running one."""
    found = {".".join(map(str, sys.version_info[:3])): sys.base_prefix}
    for interpreter in all_interpreters(os.environ):
        real = os.path.realpath(interpreter.path)
        if interpreter.implementation == "cpython" and os.path.basename(os.path.dirname(real)) == "bin":
            flag = "t" if interpreter.free_threaded else ""
            found.setdefault(".".join(map(str, interpreter.version)) + flag, os.path.dirname(os.path.dirname(real)))
    return found


PREFIXES = prefixes()
RUNNING = ".".join(map(str, sys.version_info[:3]))
MINOR = f"py{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def _look_again() -> None:
    """What an earlier test found in a root that is gone must not count."""
    forget()


@pytest.fixture
def pyenv_root(tmp_path: Path) -> Path:
    """A pyenv root of links to the machine's interpreters, which pyenv itself honours in full."""
    root = tmp_path / "pyenv"
    (root / "versions").mkdir(parents=True)
    for name, prefix in PREFIXES.items():
        (root / "versions" / name).symlink_to(prefix)
    return root


@pytest.fixture
def empty_root(tmp_path: Path) -> Path:
    """A pyenv root without any version."""
    root = tmp_path / "empty"
    (root / "versions").mkdir(parents=True)
    return root


@pytest.fixture
def add_version() -> Callable[..., Path]:
    """Put a version into a root: a directory with a link to the running interpreter, or to another program."""

    def add(root: Path, name: str, program: str = os.path.realpath(sys.executable)) -> Path:
        directory = root / "versions" / name
        (directory / "bin").mkdir(parents=True)
        (directory / "bin" / "python").symlink_to(program)
        return directory

    return add


@pytest.fixture
def add_environment() -> Callable[..., Path]:
    """Make an environment below a version, with the alias beside the versions that pyenv-virtualenv makes."""

    def add(root: Path, version: str, name: str, *, alias: bool = True) -> Path:
        directory = root / "versions" / version / "envs" / name
        base = os.path.realpath(sys.executable)
        subprocess.run([base, "-m", "venv", "--without-pip", directory], check=True)
        if alias:
            (root / "versions" / name).symlink_to(directory)
        return directory

    return add


@pytest.fixture
def context(tmp_path: Path, pyenv_root: Path) -> RealContext:
    """A context whose pyenv root is `pyenv_root`, and whose home has none."""
    own = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith(("PIP_", "UV_"))}
    home = tmp_path / "home"
    home.mkdir()
    return RealContext(tmp_path, {**own, "HOME": str(home), "PATH": _without_shims(), "PYENV_ROOT": str(pyenv_root)})


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., EnvSpec]:
    """Describe an environment below the test's own directory."""

    def make(name: str = f"{MINOR}-pyenv", **options: object) -> EnvSpec:
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        return EnvSpec(
            name=name,
            factors=tuple(name.split("-")),
            options=PyenvOptions(**options),  # type: ignore[arg-type]
            location=str(tmp_path / "envs" / name),
            project_dir=str(project),
        )

    return make


@pytest.fixture(scope="session")
def pyenv_program() -> str:
    """The real pyenv, or the test is skipped."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    program = shutil.which(os.path.join(root, "bin", "pyenv")) or shutil.which("pyenv")
    if program is None:
        pytest.skip("there is no program pyenv on this machine")
    return program


@pytest.fixture
def ask_pyenv(pyenv_program: str, tmp_path: Path) -> Callable[..., str]:
    """Ask the real pyenv; gives what it prints, empty if it refuses."""

    def ask(root: Path, *arguments: str, cwd: Path = tmp_path, **environ: str) -> str:
        done = subprocess.run(
            [pyenv_program, *arguments],
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C", "PYENV_ROOT": str(root), **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    return ask


def _without_shims() -> str:
    places = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(place for place in places if os.path.basename(place) != "shims" and ".pyenv" not in place)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``each_version`` on every interpreter of this machine."""
    if "each_version" in metafunc.fixturenames:
        metafunc.parametrize("each_version", sorted(PREFIXES))
