"""What the tests of kern-docker share: a working podman, and an image that is made here, of this machine's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

IMAGE = "localhost/kern-test-python:1"
PROGRAMS = ("sh", "env", "sleep", "kill", "cat", "ls", "true", "id", "mkdir")
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@pytest.fixture(scope="session")
def engine_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which podman works in places that allow little; or a reason to skip."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    file = tmp_path_factory.mktemp("containers") / "containers.conf"
    file.write_text(CONFIGURATION if shutil.which("runc") else CONFIGURATION.replace('runtime = "runc"', ""))
    return {"CONTAINERS_CONF": str(file)}


@pytest.fixture(scope="session")
def image(engine_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with a shell, a few programs and the Python that runs the tests."""
    environ = {**os.environ, **engine_environ}
    root = tmp_path_factory.mktemp("image")
    for name in ("tmp", "proc", "dev", "sys", "etc", "bin", "usr/bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        found = shutil.which(name, path="/usr/bin:/bin")
        if found:
            _copy(Path(found), root, root / "bin" / name)
    _copy_python(root)
    tar = root.parent / f"{root.name}.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(tar), "."], check=True)
    done = subprocess.run(
        ["podman", "import", "-q", str(tar), IMAGE], env=environ, capture_output=True, text=True, check=False
    )
    tar.unlink()
    shutil.rmtree(root)
    if done.returncode:
        pytest.skip(f"podman can't import an image here: {done.stderr}")
    tried = subprocess.run(
        ["podman", "run", "--rm", "--pull=never", IMAGE, "/bin/sh", "-c", "exit 0"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        pytest.skip(f"podman can't run a container here: {tried.stderr}")
    return IMAGE


def _copy_python(root: Path) -> None:
    """Copy the interpreter under its own path, so that it finds its library, and link it as python3."""
    prefix, library = Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    program = next(path for path in (prefix / "bin" / minor, Path(sys.executable).resolve()) if path.exists())
    _copy(program, root, root / str(program).lstrip("/"))
    leave_out = shutil.ignore_patterns(
        "__pycache__", "test", "idlelib", "turtledemo", "site-packages", "dist-packages", "config-*", "*.a"
    )
    shutil.copytree(library, root / str(library).lstrip("/"), ignore=leave_out, symlinks=True)
    (root / str(library).lstrip("/") / "site-packages").mkdir(exist_ok=True)
    for extension in (library / "lib-dynload").glob("*.so"):
        _copy_libraries(extension, root)
    (root / "usr/bin/python3").symlink_to(program)


def _copy(program: Path, root: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy2(program, target)
    _copy_libraries(program, root)


def _copy_libraries(file: Path, root: Path) -> None:
    said = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
    for word in said.split():
        if word.startswith("/") and (root / word.lstrip("/")).exists() is False:
            target = root / word.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(word, target)
