"""``pyenv install``, for real and offline: a definition that copies what an archive holds."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import sys
import tarfile
import threading
from typing import TYPE_CHECKING

import pytest

from kern.api import Command, Completed, StepFailed
from kern_pyenv.finding import find
from kern_pyenv.installing import provide
from kern_pyenv.provider import PyenvProvider
from kern_pyenv.roots import MARK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import RealContext
    from kern.api import EnvSpec

TWO = f"{sys.version_info[0]}.{sys.version_info[1]}"
MINOR = f"py{TWO.replace('.', '')}"
NEWEST = f"{TWO}.901"


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    """Definitions of python-build: one that copies a tiny installation, and one that fails half-way."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    for name in (NEWEST, "kern-broken"):
        archive = folder / f"{name}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            link = tarfile.TarInfo(f"{name}/bin/python")
            link.type, link.linkname = tarfile.SYMTYPE, os.path.realpath(sys.executable)
            tar.addfile(link)
            readme = tarfile.TarInfo(f"{name}/README")
            readme.size = 5
            tar.addfile(readme, io.BytesIO(b"hello"))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        text = f'install_package "{name}" "file://{archive}#{digest}" copy\n'
        (folder / name).write_text(text + ("false\n" if name == "kern-broken" else ""))
    return folder


@pytest.fixture
def installing(context: RealContext, empty_root: Path, definitions: Path, pyenv_program: str) -> RealContext:
    """A context whose pyenv has no version, and definitions of its own."""
    folder = os.path.dirname(pyenv_program)
    context.environ = {
        **context.environ,
        "PATH": f"{folder}:{context.environ['PATH']}",
        "PYENV_ROOT": str(empty_root),
        "PYTHON_BUILD_DEFINITIONS": str(definitions),
        "PYENV_VERSION": "3.99.99",
    }
    return context


def installs(context: RealContext) -> list[str]:
    return [command.argv[-1] for command in context.ran if "install" in command.argv]


def test_a_prefix_is_installed_once_and_its_environment_is_made(
    installing: RealContext, make_spec: Callable[..., EnvSpec], empty_root: Path, tmp_path: Path
) -> None:
    provider, spec = PyenvProvider(), make_spec(install="missing")
    refused = provider.probe(make_spec(), installing)
    assert refused is not None
    assert refused.missing
    with pytest.raises(StepFailed, match="pyenv has no version"):
        provide(make_spec(), installing)
    assert provider.probe(spec, installing) is None
    assert provider.fingerprint(spec, installing)["interpreter"] is None
    assert not installs(installing)
    (tmp_path / "envs" / spec.name).mkdir(parents=True)
    environment = provider.provision(spec, installing)
    assert environment.facts["base"]
    assert installs(installing) == [NEWEST]
    asked = [command.environ or {} for command in installing.ran if os.path.basename(command.argv[0]) == "pyenv"]
    assert asked
    assert all("PYENV_VERSION" not in environ for environ in asked), "one that is not there would stop pyenv"
    assert (empty_root / "versions" / NEWEST / "README").read_text() == "hello"
    assert os.listdir(empty_root / "versions") == [NEWEST]
    assert NEWEST in provider.fingerprint(spec, installing)["interpreter"]
    provide(make_spec("x-pyenv", version=(NEWEST,), install="missing"), installing)
    assert installs(installing) == [NEWEST]


def test_what_fails_leaves_nothing(
    installing: RealContext, make_spec: Callable[..., EnvSpec], empty_root: Path
) -> None:
    spec = make_spec("x-pyenv", version=("kern-broken",), install="missing")
    with pytest.raises(StepFailed, match="pyenv could not install kern-broken"):
        provide(spec, installing)
    assert os.listdir(empty_root / "versions") == []
    unknown = make_spec("x-pyenv", version=("kern-unknown",), install="missing")
    with pytest.raises(StepFailed) as caught:
        provide(unknown, installing)
    assert "definition not found" in caught.value.tail
    assert "pyenv install --list" in caught.value.hint


def test_what_an_interrupted_kern_left_is_no_version_and_is_made_anew(
    installing: RealContext, make_spec: Callable[..., EnvSpec], empty_root: Path, add_version: Callable[..., Path]
) -> None:
    spec = make_spec("x-pyenv", version=(NEWEST,), install="missing")
    half = add_version(empty_root, NEWEST)
    (half / "half").write_text("")
    (empty_root / "versions" / f"{MARK}{NEWEST}").write_text("kern is installing this version\n")
    assert find(spec, installing.environ) is None
    provide(spec, installing)
    assert installs(installing) == [NEWEST]
    assert not (half / "half").exists()
    assert os.listdir(empty_root / "versions") == [NEWEST]


def test_a_second_kern_waits_and_finds_the_work_done(
    installing: RealContext, make_spec: Callable[..., EnvSpec], empty_root: Path, add_version: Callable[..., Path]
) -> None:
    spec = make_spec("x-pyenv", version=(NEWEST,), install="missing")
    mark = empty_root / "versions" / f"{MARK}{NEWEST}"
    with open(mark, "w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = threading.Thread(target=provide, args=(spec, installing))
        second.start()
        while not installing.said:
            second.join(0.05)
            assert second.is_alive()
        add_version(empty_root, NEWEST)
        mark.unlink()
    second.join(60)
    assert not installs(installing)
    assert find(spec, installing.environ) is not None


def test_what_is_in_the_way_is_left_alone(
    installing: RealContext, make_spec: Callable[..., EnvSpec], empty_root: Path
) -> None:
    (empty_root / "versions" / NEWEST).write_text("mine")
    with pytest.raises(StepFailed, match="holds no interpreter"):
        provide(make_spec("x-pyenv", version=(NEWEST,), install="missing"), installing)
    assert (empty_root / "versions" / NEWEST).read_text() == "mine"


def test_what_is_interrupted_leaves_nothing(
    installing: RealContext,
    make_spec: Callable[..., EnvSpec],
    empty_root: Path,
    add_version: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(command: Command, **more: object) -> Completed:
        if "install" in command.argv:
            add_version(empty_root, NEWEST)
            assert (empty_root / "versions" / f"{MARK}{NEWEST}").exists()
            raise KeyboardInterrupt
        return Completed(exit_code=1)

    monkeypatch.setattr(installing, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        provide(make_spec("x-pyenv", version=(NEWEST,), install="missing"), installing)
    assert os.listdir(empty_root / "versions") == []
