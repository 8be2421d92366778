"""What the end-to-end tests share: kern as a user types it, projects to run it on, and wheels that need no index.

Every test starts the real ``kern`` as a process of its own. By default its environment knows no package index at all:
the projects bring their build backend along (PEP 517, ``backend-path``) and what they depend on lies in a folder of tiny
wheels. ``online=True`` gives a run the machine's own index instead.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

TIMEOUT = 120.0
"""Seconds after which a run that hangs is a failure."""

OWN_TRACEBACK = re.compile(r'File "[^"]*/kern(_venv|_wheel)?/[a-z_/]+\.py", line')
"""What no user should ever see: a traceback through kern's own modules."""

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
ONLINE = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "CURL_CA")

BACKEND = '''
"""A build backend that needs nothing, and writes down what it is asked for."""
import base64, hashlib, io, os, sys, tarfile, zipfile

LOG = @LOG@


def read(name, otherwise=""):
    if not os.path.exists(name):
        return otherwise
    with open(name) as file:
        return file.read()


def note(what):
    with open(LOG, "a") as file:
        file.write("%s %d.%d\\n" % (what, sys.version_info[0], sys.version_info[1]))
    if os.path.exists("broken.txt"):
        for number in range(100):
            print("compiling part %d" % number)
        print("the compiler is out of steam")
        raise SystemExit(7)


def version():
    return read("version.txt", "1.0").strip()


def metadata():
    return "Metadata-Version: 2.1\\nName: demo\\nVersion: %s\\n%s" % (version(), read("metadata.txt"))


def sources():
    for folder, folders, files in os.walk("src"):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            yield os.path.join(folder, name)


def write_wheel(directory, files, tag="py3-none-any"):
    info = "demo-%s.dist-info" % version()
    files = dict(files)
    files[info + "/METADATA"] = metadata()
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: demo\\nRoot-Is-Purelib: true\\nTag: %s\\n" % tag
    record = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append("%s,sha256=%s,%d" % (name, digest, len(text.encode())))
    files[info + "/RECORD"] = "\\n".join(record + [info + "/RECORD,,", ""])
    wheel = "demo-%s-%s.whl" % (version(), tag)
    with zipfile.ZipFile(os.path.join(directory, wheel), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def build_wheel(directory, settings=None, metadata_directory=None):
    note("wheel")
    tag = read("tag.txt", "py3-none-any").strip()
    if tag == "native":
        tag = "cp%d%d-cp%d%d-linux_x86_64" % (sys.version_info[:2] * 2)
    return write_wheel(directory, {os.path.relpath(path, "src"): read(path) for path in sources()}, tag)


def build_editable(directory, settings=None, metadata_directory=None):
    note("editable")
    return write_wheel(directory, {"demo-tree.pth": os.path.abspath("src") + "\\n"})


def build_sdist(directory, settings=None):
    note("sdist")
    name = "demo-%s" % version()
    with tarfile.open(os.path.join(directory, name + ".tar.gz"), "w:gz") as archive:
        def add(member, data):
            info = tarfile.TarInfo(name + "/" + member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        backend = [os.path.join("backend", "own_backend.py"), "pyproject.toml"]
        rest = ["version.txt", "metadata.txt", "tag.txt"]
        for path in backend + [path for path in rest if os.path.exists(path)] + list(sources()):
            add(path, read(path).encode())
        add("PKG-INFO", metadata().encode())
    return name + ".tar.gz"
'''

PYPROJECT = """
[project]
name = "demo"
dynamic = ["version", "dependencies", "optional-dependencies"]
[build-system]
requires = []
build-backend = "own_backend"
backend-path = ["backend"]
"""


@dataclass(frozen=True)
class Result:
    """How a run of kern ended."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output."""
        return self.stdout.decode(errors="backslashreplace")

    @property
    def err(self) -> str:
        """Standard error."""
        return self.stderr.decode(errors="backslashreplace")

    @property
    def screen(self) -> str:
        """Both, as a user meets them."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """Standard output as JSON: there must be nothing else on it."""
        return json.loads(self.stdout)

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of a ``--json`` document by their name."""
        return {row["row"]: row for row in self.json["rows"]}

    def outcomes(self) -> dict[str, str]:
        """The outcome of every row of ``kern run --json``."""
        return {name: row["outcome"] for name, row in self.rows().items()}

    def __str__(self) -> str:
        """What a failed assertion shows."""
        return f"{' '.join(self.argv)} -> {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class Project:
    """A folder that kern is run in."""

    root: Path
    environ: Mapping[str, str]
    command: tuple[str, ...]
    log: Path = field(default_factory=Path)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take a copy of the variables: what a test changes is its own, and no other test's of the session."""
        self.environ = dict(self.environ)

    def __truediv__(self, name: str) -> Path:
        """A path in the project."""
        return self.root / name

    @property
    def work(self) -> Path:
        """kern's work directory."""
        return self.root / ".kern"

    def write(self, files: Mapping[str, str]) -> Project:
        """Write files; parents are made."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self

    def config(self, text: str) -> Project:
        """Write ``kern.toml``."""
        return self.write({"kern.toml": text})

    def package(self, files: Mapping[str, str] | None = None, pyproject: str = "") -> Project:
        """Write a package ``demo`` whose builds are counted; see `builds`."""
        return self.write(
            {
                "pyproject.toml": PYPROJECT + pyproject,
                "backend/own_backend.py": BACKEND.replace("@LOG@", repr(str(self.log))).lstrip(),
                "src/demo/__init__.py": "answer = 42\n",
                **(files or {}),
            }
        )

    def builds(self) -> list[str]:
        """What the backend of `package` has built since it was asked last, such as ``wheel 3.11``."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def variables(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The environment of a run; ``None`` takes a variable away."""
        merged = {**self.environ, **(env or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def kern(
        self,
        *args: str,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | str | None = None,
        code: int | None = None,
        timeout: float = TIMEOUT,
    ) -> Result:
        """Run kern to its end; ``code`` is the exit code it must have. Nobody ever sees a traceback."""
        argv = (*self.command, *args)
        done = subprocess.run(
            argv,
            cwd=cwd or self.root,
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        result = Result(argv, done.returncode, done.stdout, done.stderr)
        assert not OWN_TRACEBACK.search(result.screen), str(result)
        assert "kern has a bug" not in result.err, str(result)
        assert code is None or result.code == code, str(result)
        return result

    def run(self, *args: str, **more: Any) -> Result:
        """``kern run --json`` with the exit code 0, unless another one is asked for."""
        return self.kern("run", "--json", *args, **{"code": 0, **more})

    def error(self, *args: str, code: int = 2, **more: Any) -> str:
        """Run kern where it must refuse; the error it prints, which is one, said in the usual form."""
        result = self.kern(*args, code=code, **more)
        errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, str(result)
        assert result.err.startswith("error: "), str(result)
        return result.err

    def start(self, *args: str, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[bytes]:
        """Start kern and do not wait for it; it is killed after the test if it still runs."""
        with open(self.root.parent / f"{self.root.name}.screen", "wb") as screen:
            started = subprocess.Popen(
                (*self.command, *args),
                cwd=self.root,
                env=self.variables(env),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(started)
        return started

    def screen(self) -> str:
        """What the last kern that was started has printed so far."""
        return (self.root.parent / f"{self.root.name}.screen").read_text(errors="backslashreplace")

    def environment(self, name: str) -> Path:
        """Where an environment is."""
        return self.work / "envs" / name

    def stamp(self, name: str) -> dict[str, tuple[int, int, int]]:
        """Identity, size and time of every file of an environment but compiled modules."""
        found = {}
        for folder, folders, files in os.walk(self.environment(name)):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for each in files:
                status = os.lstat(os.path.join(folder, each))
                found[os.path.join(folder, each)] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return found


def _own_kern() -> tuple[str, ...]:
    beside = Path(sys.executable).with_name("kern")
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "kern")


@pytest.fixture(scope="session")
def kern_command() -> tuple[str, ...]:
    """What a user types for ``kern``."""
    return _own_kern()


@pytest.fixture(scope="session")
def clean_environ(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> dict[str, str]:
    """A user's environment without any package index: a home, a cache for the session, no CI."""
    home = tmp_path_factory.mktemp("home")
    found = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    for name, usual in (("PYENV_ROOT", ".pyenv"), ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python")):
        place = os.environ.get(name) or os.path.join(os.path.expanduser("~"), usual)
        if os.path.isdir(place):
            found[name] = place
    return {
        **found,
        "HOME": str(home),
        "USER": "somebody",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
        "KERN_CACHE_DIR": str(tmp_path_factory.mktemp("kern-cache")),
        "UV_CACHE_DIR": str(tmp_path_factory.mktemp("uv-cache")),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),  # a list of words: a path must not have spaces
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
    }


@pytest.fixture(scope="session")
def online_environ(clean_environ: dict[str, str]) -> dict[str, str]:
    """The same with the package index that this machine is configured for."""
    offline = {name: value for name, value in clean_environ.items() if not name.startswith("PIP_")}
    found = {name: value for name, value in os.environ.items() if name.startswith(ONLINE)}
    home = Path(os.path.expanduser("~"))
    places = [home / ".pip" / "pip.conf", home / ".config" / "pip" / "pip.conf"]
    existing = [str(place) for place in places if place.exists()]
    if existing and "PIP_CONFIG_FILE" not in found:
        found["PIP_CONFIG_FILE"] = existing[-1]
    return {**found, **offline, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(
    tmp_path: Path, clean_environ: dict[str, str], online_environ: dict[str, str], kern_command: tuple[str, ...]
) -> Iterator[MakeProject]:
    """Make projects in the test's own directory."""
    made: list[Project] = []

    def make(name: str = "project", *, online: bool = False) -> Project:
        root = tmp_path / name
        root.mkdir(parents=True)
        environ = online_environ if online else clean_environ
        project = Project(root, environ, kern_command, tmp_path / f"{name.replace('/', '_')}.builds")
        made.append(project)
        return project

    yield make
    for project in made:
        _end(project)


def _end(project: Project) -> None:
    for started in project.running:
        if started.poll() is None:
            started.send_signal(signal.SIGKILL)
        started.wait()


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """An empty project."""
    return make_project()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, clean_environ: dict[str, str], kern_command: tuple[str, ...]
) -> Iterator[Callable[[str], Project]]:
    """Make a project that the tests of a module share."""
    made: list[Project] = []

    def make(name: str) -> Project:
        root = tmp_path_factory.mktemp(name) / "project"
        root.mkdir()
        made.append(Project(root, clean_environ, kern_command, root.parent / "builds"))
        return made[-1]

    yield make
    for project in made:
        _end(project)


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    extras: Mapping[str, str] | None = None,
    script: str = "",
) -> Path:
    """Write a wheel with one module that knows its version, and perhaps a console script."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, requirement in (extras or {}).items():
        metadata += [f"Provides-Extra: {extra}", f'Requires-Dist: {requirement}; extra == "{extra}"']
    files = {
        f"{name}.py": f"VERSION = {version!r}\n\n\ndef main():\n    print({name!r}, VERSION)\n",
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script} = {name}:main\n"
    record = [f"{file},sha256={_digest(text)},{len(text.encode())}" for file, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of wheels that every offline run can install from."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        write_wheel(folder, "apple", version, script="eat-apple")
    write_wheel(folder, "pear", "1.0")
    write_wheel(folder, "plum", "1.0", requires=("pear",))
    write_wheel(folder, "fruit", "1.0", extras={"sweet": "apple"})
    return folder


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """Write a wheel of one's own: folder, name, version."""
    return write_wheel


@pytest.fixture(scope="session")
def pythons() -> dict[str, str]:
    """The CPythons of this machine: factor (``py312``) to path."""
    found: dict[str, str] = {}
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if "shims" not in folder]
    root = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))
    folders += sorted(root.glob("versions/*/bin"))
    for minor in range(7, 15):
        for folder in folders:
            path = folder / f"python3.{minor}"
            if path.is_file() and os.access(path, os.X_OK) and not (folder.parent / "pyvenv.cfg").exists():
                found.setdefault(f"py3{minor}", str(path))
    return found


@pytest.fixture(scope="session")
def several(pythons: dict[str, str]) -> list[str]:
    """Factors of up to three interpreters; skips a test where there are not two."""
    found = [factor for factor in ("py311", "py312", "py313", "py310", "py39") if factor in pythons][:3]
    if len(found) < 2:
        pytest.skip(f"this machine has only {len(found)} of CPython 3.9 to 3.13")
    return sorted(found, key=lambda factor: int(factor[3:]))


@pytest.fixture(scope="session")
def own() -> str:
    """The factor of the interpreter that runs the tests; there is always that one."""
    return f"py{sys.version_info[0]}{sys.version_info[1]}"


@pytest.fixture(scope="session")
def uv() -> str:
    """The program uv, beside the interpreter or on PATH; skips a test without it."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        pytest.skip("uv is not installed")
    return found


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., None]:
    """Wait until something is true, and fail if that does not come."""

    def wait(condition: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what or 'a condition'}"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def processes() -> Callable[[str], list[int]]:
    """The processes whose command line holds a text."""

    def find(text: str) -> list[int]:
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    line = Path("/proc", entry, "cmdline").read_bytes()
                except OSError:
                    continue
                if text.encode() in line:
                    found.append(int(entry))
        return found

    return find


@pytest.fixture(scope="session")
def conda_channel() -> ModuleType:
    """The module that makes conda channels, wherever pytest was started."""
    place = Path(__file__).parents[1] / "plugins/conda/tests/conda_channel.py"
    spec = importlib.util.spec_from_file_location("conda_channel", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault("conda_channel", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def channel(conda_channel: ModuleType) -> str:
    """The URL of a real conda channel; conda_channel.py says what is in it."""
    return str(conda_channel.shared())
