"""What the tests of kern-wheel share: a small context on plain subprocesses, projects to build, rows to build for."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from kern.api import Command, Completed, EnvSpec, PackageSpec, StepFailed
from kern_venv.api import find_interpreter
from kern_wheel.options import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NETRC")
_PASSED_PREFIXES = ("PIP_", "UV_", "HTTP", "http", "NO_PROXY", "no_proxy", "ALL_PROXY", "XDG_")


def host_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}


@dataclass
class LocalContext:
    """`kern.api.Context` for one step, with everything it was asked to do written down."""

    project_dir: str
    work_dir: str
    output_dir: str
    cache_dir: str
    environ: Mapping[str, str] = field(default_factory=host_environ)
    platform: str = sys.platform
    recreate: bool = False
    distrust: bool = False
    commands: list[Command] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    before_run: Callable[[Command], None] | None = None

    def run(self, command: Command, *, check: bool = True, echo: bool = True) -> Completed:
        self.commands.append(command)
        if self.before_run is not None:
            self.before_run(command)
        environ = self.environ if command.environ is None else command.environ
        log = os.path.join(self.work_dir, "step.log")
        try:
            done = subprocess.run(
                command.argv,
                cwd=command.cwd or self.project_dir,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if echo else subprocess.PIPE,
                timeout=300,
                check=False,
            )
        except OSError as error:
            raise StepFailed(f"{command.argv[0]} can't be started: {error.strerror}") from None
        text = done.stdout.decode("utf-8", "surrogateescape")
        if echo:
            with open(log, "ab") as stream:
                stream.write(done.stdout)
        if check and done.returncode:
            tail = "\n".join(text.splitlines()[-20:])
            raise StepFailed(f"{command.argv[0]} ended with {done.returncode}", log=log, tail=tail)
        return Completed(exit_code=done.returncode, stdout=text)

    def say(self, message: str) -> None:
        self.said.append(message)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        assert os.path.basename(name) == name
        self.locked.append(name)
        os.makedirs(self.cache_dir, exist_ok=True)
        with open(os.path.join(self.cache_dir, f"{name}.lock"), "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def ask_secret(self, value: str) -> None:
        pass

    def hooks(self) -> list[str]:
        """The backend's hooks that were called, in their order."""
        return [command.argv[2] for command in self.commands if command.argv[1].endswith("_in_process.py")]

    def others(self) -> list[tuple[str, ...]]:
        """All other processes: making environments and installing into them."""
        return [
            command.argv for command in self.commands if not command.argv[1:2] or "_in_process" not in command.argv[1]
        ]


if TYPE_CHECKING:
    # What the fixtures of the same purpose give; for the tests' signatures.
    Contexts = Callable[..., LocalContext]
    Packages = Callable[..., PackageSpec]
    Rows = Callable[[str], EnvSpec]
    Trees = Callable[..., Path]


@pytest.fixture
def new_context(tmp_path: Path) -> Callable[..., LocalContext]:
    """Make a context for one more step; all steps of a test share one cache."""
    count = iter(range(1000))

    def make(project_dir: str | None = None, **more: object) -> LocalContext:
        base = tmp_path / f"step {next(count)}"
        for name in ("work", "output"):
            (base / name).mkdir(parents=True)
        (tmp_path / "cache").mkdir(exist_ok=True)
        return LocalContext(
            project_dir=project_dir or str(tmp_path),
            work_dir=str(base / "work"),
            output_dir=str(base / "output"),
            cache_dir=str(tmp_path / "cache"),
            **more,  # type: ignore[arg-type]
        )

    return make


USUAL = ("py27", "py37", "py38", "py39", "py310", "py311", "py312", "py313")


@pytest.fixture
def row(tmp_path: Path) -> Callable[[str], EnvSpec]:
    """Make the environment of a name (``py312``); skips a test where this machine lacks that Python."""

    def make(name: str) -> EnvSpec:
        if name in USUAL and find_interpreter((name,), os.environ) is None:
            pytest.skip(f"there is no {name} on this machine")
        return EnvSpec(
            name=name,
            factors=tuple(name.split("-")),
            options=SimpleNamespace(base_python=()),
            location=str(tmp_path / "environments" / name),
            project_dir=str(tmp_path),
        )

    return make


@pytest.fixture
def package() -> Callable[..., PackageSpec]:
    """Make the definition of a package."""

    def make(
        root: str | os.PathLike[str], builder: str = "wheel", source: str | None = None, **settings: str
    ) -> PackageSpec:
        options = BuildOptions(config_settings=settings)
        return PackageSpec(name=builder, builder=builder, root=os.fspath(root), options=options, source=source)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a source tree: file name to text."""

    def make(files: Mapping[str, str], name: str = "project") -> Path:
        root = tmp_path / name
        for relative, text in files.items():
            path = root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return root

    return make


BACKEND = """
import io, os, tarfile, time, zipfile

NAME, VERSION = "demo", "1.0"
METADATA = "Metadata-Version: 2.2\\nName: demo\\nVersion: 1.0\\n"


def requires(settings):
    path = "extra-requirements"
    return open(path).read().split() if os.path.exists(path) else []


get_requires_for_build_wheel = get_requires_for_build_sdist = requires


def headers():
    extra = open("metadata").read() if os.path.exists("metadata") else ""
    return METADATA + extra


def build_wheel(directory, settings=None, metadata_directory=None):
    tag = (settings or {}).get("tag", "py3-none-any")
    name = f"demo-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        def add(member, text):
            archive.writestr(zipfile.ZipInfo(member, time.localtime()[:6]), text)
        add("demo.py", open("src/demo.py").read())
        add("demo-1.0.dist-info/METADATA", headers())
        add("demo-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {tag}\\n")
        add("demo-1.0.dist-info/RECORD", f"made at {time.time_ns()}\\n")
    return name


def build_sdist(directory, settings=None):
    with tarfile.open(os.path.join(directory, "demo-1.0.tar.gz"), "w:gz") as archive:
        def add(member, data):
            info = tarfile.TarInfo("demo-1.0/" + member)
            info.size, info.mtime = len(data), time.time_ns() // 1_000_000
            archive.addfile(info, io.BytesIO(data))
        for folder, folders, files in os.walk("."):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for each in files:
                path = os.path.relpath(os.path.join(folder, each))
                add(path, open(path, "rb").read())
        add("PKG-INFO", headers().encode())
    return "demo-1.0.tar.gz"
"""

IN_TREE = {
    "pyproject.toml": """
        [build-system]
        requires = []
        build-backend = "own_backend"
        backend-path = ["tools"]
        """,
    "tools/own_backend.py": BACKEND,
    "src/demo.py": "answer = 42\n",
}


@pytest.fixture
def in_tree(write: Callable[..., Path]) -> Callable[..., Path]:
    """Write a project with a backend of its own that needs nothing: it builds without a network."""

    def make(more: Mapping[str, str] | None = None, name: str = "project") -> Path:
        return write({**IN_TREE, **(more or {})}, name)

    return make
