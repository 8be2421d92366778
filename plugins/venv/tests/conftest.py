"""What the tests of kern-venv share: a context that starts real processes, and wheels made on the spot."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import Artifact, Command, Completed, EnvSpec
from kern.errors import StepFailed
from kern_venv.interpreters import Interpreter, find_interpreter
from kern_venv.options import VenvOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass
class FakeContext:
    """A context as the kernel lends one, with a record of all that was asked of it."""

    root: Path
    environ: Mapping[str, str]
    ran: list[Command] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
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
    def output_dir(self) -> str:
        return self._folder("output")

    @property
    def cache_dir(self) -> str:
        return self._folder("cache")

    def run(self, command: Command, *, check: bool = True, echo: bool = True) -> Completed:
        self.ran.append(command)
        if not os.path.exists(command.argv[0]):
            raise StepFailed(f"{command.argv[0]} does not exist")
        done = subprocess.run(
            command.argv,
            cwd=command.cwd or self.project_dir,
            env=dict(self.environ if command.environ is None else command.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if echo else subprocess.PIPE,
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
        with _LOCK:
            yield

    def ask_secret(self, value: str) -> None:
        self.secrets.add(value)


_LOCK = threading.RLock()
_KEPT = ("PATH", "HOME", "PYENV_ROOT", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A directory of wheels that installers find through pip's configuration."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def online_context(tmp_path: Path) -> FakeContext:
    """A context with this machine's own package index."""
    own = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith(("PIP_", "UV_"))}
    return FakeContext(tmp_path, own)


@pytest.fixture
def context(tmp_path: Path, wheels: Path) -> FakeContext:
    """A context without an index: what is installed comes from ``wheels``, said in pip's configuration file alone."""
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nno-index = true\nfind-links = {wheels.as_uri()}\n", encoding="utf-8")
    own = {key: value for key, value in os.environ.items() if key in _KEPT}
    return FakeContext(tmp_path, {**own, "PIP_CONFIG_FILE": str(file), "UV_OFFLINE": "1"})


@pytest.fixture
def make_wheel(wheels: Path) -> Callable[..., Path]:
    """Write a minimal pure wheel (https://packaging.python.org/specifications/binary-distribution-format)."""
    return lambda *args, **named: write_wheel(named.pop("folder", wheels), *args, **named)


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., EnvSpec]:
    """Describe an environment below the test's own directory."""

    def make(name: str = "py311", *, location: str = "env", **options: object) -> EnvSpec:
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        return EnvSpec(
            name=name,
            factors=tuple(name.split("-")),
            options=VenvOptions(**options),  # type: ignore[arg-type]
            location=str(tmp_path / location),
            project_dir=str(project),
        )

    return make


@pytest.fixture
def interpreter() -> Callable[[str], Interpreter]:
    """Give one of the machine's interpreters, or skip the test."""

    def find(wanted: str) -> Interpreter:
        found = find_interpreter([wanted], os.environ)
        if found is None:
            pytest.skip(f"there is no {wanted} on this machine")
        return found

    return find


@pytest.fixture
def throwaway_base(interpreter: Callable[[str], Interpreter], tmp_path: Path, context: FakeContext) -> Interpreter:
    """An interpreter with site-packages of its own, so that a test of what is written there can harm nothing."""
    real = interpreter("py")
    minor = f"python{real.version[0]}.{real.version[1]}"
    prefix, library = tmp_path / "base", Path(os.path.dirname(os.__file__))
    (prefix / "lib" / minor / "site-packages").mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name not in ("site-packages", "__pycache__"):
            (prefix / "lib" / minor / entry.name).symlink_to(entry)
    program = prefix / "bin" / minor
    program.parent.mkdir()
    shutil.copy2(os.path.realpath(real.path), program)
    (prefix / "bin/python").symlink_to(minor)
    asked = subprocess.run([str(program), "-Ic", "import sys; print(sys.prefix)"], capture_output=True, check=False)
    if os.fsdecode(asked.stdout).strip() != str(prefix):
        pytest.skip("this interpreter can't be copied")
    found = find_interpreter([str(program)], context.environ)
    assert found is not None
    return found


@pytest.fixture
def as_artifact() -> Callable[[Path], Artifact]:
    """Describe a wheel file as a builder would."""

    def describe(path: Path) -> Artifact:
        name, version = path.name.split("-")[:2]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Artifact(kind="wheel", path=str(path), name=name, version=version, digest=digest)

    return describe


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    extras: Mapping[str, str] | None = None,
    body: str = "",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py2.py3-none-any.whl"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, requirement in (extras or {}).items():
        metadata += [f"Provides-Extra: {extra}", f'Requires-Dist: {requirement}; extra == "{extra}"']
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": body or f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py2-none-any\nTag: py3-none-any\n",
    }
    record = [f"{file},sha256={_digest(text)},{len(text.encode())}" for file, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
