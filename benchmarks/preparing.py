"""What has to be there before anything can be measured: interpreters, a wheelhouse, kern, and the projects."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import time
import tomllib
from typing import TYPE_CHECKING, NamedTuple

import tools
from peers import PEERS
from tools import PACKAGE, Project, Tool, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DISTRIBUTIONS = ("core", "plugins/venv", "plugins/wheel")
VERSIONS = ("3.11", "3.12", "3.13")
MARK = "kern-benchmarks"
TESTED_WITH = ("pytest", "hatchling", "editables")
SETTLE_SECONDS = 2.5
SPOILING = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "PIP_NO_COMPILE", "PIP_TARGET", "PIP_PREFIX")
"""Variables that would make what is measured another thing than what users have."""


class Site(NamedTuple):
    """Where and with what to measure.

    Attributes:
        work: the work folder.
        uv: the uv that does by hand what the tools do.
        pythons: interpreters by version, at least one.
        tools: kern, then the peers.
        environ: the whole environment of everything that is measured.
    """

    work: str
    uv: str
    pythons: Mapping[str, str]
    tools: Sequence[Tool]
    environ: Mapping[str, str]

    @property
    def first(self) -> str:
        """The version of all environments that do not say another."""
        return next(iter(self.pythons))


class PreparingError(Exception):
    """Something is missing, so nothing can be measured."""


def prepare(work: str, kern: str | None, uv: str | None, peers: Mapping[str, str]) -> Site:
    """Make everything that is not there yet; all but the first time without network.

    Args:
        work: the work folder.
        kern: path of the kern to measure; without it, one is installed from this checkout.
        uv: path of uv; without it, the one that kern uses, else the one on ``PATH``.
        peers: paths of other tools, by their names.
    """
    claim(work)
    pythons = find_interpreters()
    if not pythons:
        raise PreparingError(f"no interpreter of {', '.join(VERSIONS)}, neither of pyenv nor on PATH")
    environ = environment(work, list(pythons.values()))
    setup = make_setup(work, next(iter(pythons.values())))
    fill_wheelhouse(work, setup, tuple(pythons))
    kern = kern or settled(install_kern(work, setup, environ))
    measured = [tools.kern(kern), *(PEERS[name](path, work) for name, path in peers.items())]
    site = Site(work, uv or find_uv(kern), pythons, measured, environ)
    write_projects(site)
    return site


def claim(work: str) -> None:
    """Make the work folder, or see that it is one: parts of it are removed in every run."""
    if os.path.isdir(work) and os.listdir(work) and not os.path.exists(os.path.join(work, MARK)):
        raise PreparingError(f"{work} holds something else than benchmarks of kern; say --work with a new folder")
    write_files(work, {MARK: "What is in this folder was made by benchmarks/speed.py and can be made again.\n"})


def find_interpreters() -> dict[str, str]:
    """Paths by version, for those that are here: the newest of pyenv, else the one on ``PATH``."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = {}
    for version in VERSIONS:
        installed = glob.glob(os.path.join(root, "versions", f"{version}.*", "bin", f"python{version}"))
        newest = sorted(installed, key=lambda path: [int(part) for part in re.findall(r"\d+", path)], reverse=True)
        candidates = [*newest, shutil.which(f"python{version}")]
        found[version] = next((path for path in candidates if path and _starts(path)), "")
    return {version: path for version, path in found.items() if path}


def _starts(path: str) -> bool:
    # a shim of pyenv is there for every version and starts only some
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def environment(work: str, pythons: Sequence[str]) -> dict[str, str]:
    """Variables for what is measured: the interpreters first on ``PATH``, no network, caches in the work folder."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "PYENV_ROOT") if name in os.environ}
    folders = dict.fromkeys([*map(os.path.dirname, pythons), "/usr/local/bin", "/usr/bin", "/bin"])
    wheelhouse = os.path.join(work, "wheelhouse")
    return {
        **kept,
        "PATH": os.pathsep.join(folders),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheelhouse,
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": wheelhouse,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": os.path.join(work, "uv-cache"),
        "KERN_CACHE_DIR": os.path.join(work, "kern-cache"),
        "HATCH_DATA_DIR": os.path.join(work, "hatch-data"),
        "HATCH_CACHE_DIR": os.path.join(work, "hatch-cache"),
    }


def make_setup(work: str, interpreter: str) -> list[str]:
    """An environment with pip, kept in the work folder.

    Returns:
        How to call pip.
    """
    folder = os.path.join(work, "setup")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        call([interpreter, "-m", "venv", "--clear", folder])
    return [python, "-m", "pip", "--quiet"]


def fill_wheelhouse(work: str, pip: Sequence[str], versions: Sequence[str]) -> None:
    """Download once what kern and the projects need; the only part that wants a network."""
    ours, stamp = requirements_of_kern(), os.path.join(work, "wheelhouse.stamp")
    wanted = repr((ours, TESTED_WITH, versions))
    if os.path.exists(stamp) and _read(stamp) == wanted:
        return
    download = [*pip, "download", "--only-binary", ":all:", "--dest", os.path.join(work, "wheelhouse")]
    call([*download, *ours])
    for version in versions:
        call([*download, "--python-version", version, *TESTED_WITH])
    write_files(work, {"wheelhouse.stamp": wanted})


def requirements_of_kern() -> list[str]:
    """What the distributions of this checkout depend on, without each other."""
    tables = [tomllib.loads(_read(os.path.join(ROOT, name, "pyproject.toml"))) for name in DISTRIBUTIONS]
    found = {requirement for table in tables for requirement in table["project"]["dependencies"]}
    return sorted(requirement for requirement in found if not requirement.startswith("kern-"))


def install_kern(work: str, pip: Sequence[str], environ: Mapping[str, str]) -> str:
    """Build wheels of this checkout and install them, with bytecode, in a fresh environment of the work folder.

    Returns:
        The path of kern.
    """
    wheels, folder = os.path.join(work, "wheels"), os.path.join(work, "kern")
    shutil.rmtree(wheels, ignore_errors=True)
    places = [os.path.join(ROOT, name) for name in DISTRIBUTIONS]
    call([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, *places], environ)
    call([pip[0], "-m", "venv", "--clear", "--without-pip", folder])
    python = os.path.join(folder, "bin", "python")
    built = sorted(glob.glob(os.path.join(wheels, "*.whl")))
    call([*pip, "--python", python, "install", "--compile", *built], environ)
    return os.path.join(folder, "bin", "kern")


def settled(path: str) -> str:
    """Wait: kern trusts no times that are younger than two seconds, its own installation's neither."""
    time.sleep(SETTLE_SECONDS)
    return path


def find_uv(kern: str) -> str:
    """The uv that kern uses: beside it, else on ``PATH``."""
    beside = os.path.join(os.path.dirname(os.path.realpath(kern)), "uv")
    found = beside if os.path.exists(beside) else shutil.which("uv")
    if not found:
        raise PreparingError("there is no uv, neither beside kern nor on PATH; say --uv PATH")
    return found


def write_projects(site: Site) -> None:
    """The projects of all tools, and one for what is done by hand, anew: no tool sees the files of another."""
    for name in ("projects", "bare", "kern-cache", "hatch-data"):
        shutil.rmtree(os.path.join(site.work, name), ignore_errors=True)
    burn = os.path.join(site.work, "burn.py")
    write_files(site.work, {"burn.py": "import time\n\nwhile time.process_time() < 0.5:\n    pass\n"})
    write_files(project_folder(site, "bare"), PACKAGE)
    for tool in site.tools:
        name, text = tool.configure(Project(tuple(site.pythons), burn))
        write_files(project_folder(site, tool.name), {**PACKAGE, name: text})


def project_folder(site: Site, name: str) -> str:
    """Where the project of a tool is, or of ``bare``."""
    return os.path.join(site.work, "projects", name)


def call(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Run a command of the preparation.

    Args:
        argv: the command.
        environ: its environment; without it, this process' own without what would spoil the result.
    """
    clean = {name: value for name, value in os.environ.items() if name not in SPOILING}
    done = subprocess.run(argv, env=environ or clean, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        words = (done.stdout + done.stderr).decode(errors="replace").strip()[-2000:]
        raise PreparingError(f"{' '.join(argv)}: exit code {done.returncode}: {words}")


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
