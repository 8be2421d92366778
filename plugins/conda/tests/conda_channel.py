"""A real conda channel, made of what a machine has: no conda, no network.

The packages are written here by hand from the format's description (CEP 26, "conda package metadata"; the ``.conda``
container of conda-package-handling), not by kern's own writer: what proves the plugin must not be made by it.

- ``python``: the machine's own CPython 3.11 and 3.12, made to run from anywhere.
- pytest and what it needs, pip, flit-core where they are installed: the distributions of the interpreter that runs the
  tests, as ``noarch: python``.
- ``hello-native``: a compiled program that knows its prefix. ``actdemo`` and ``lastdemo``: all that activation may do.
  ``broken-activation``: a script that ends its shell. ``postlink-demo``: a link script. ``tool-a`` 1 and 2, ``tool-b``,
  ``libbase``: tool-a 2 and tool-b can't be had together. ``small-0`` to ``small-7``: a handful of files each.
  ``apple`` 1 and 2, ``pear-fruit``: one Python module each, the latter under another name than its distribution ``pear``.

``KERN_TEST_CHANNEL`` names a ready channel instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

EPOCH = 1_700_000_000
SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}.get(platform.machine(), "noarch")
PLACEHOLDER = ("/opt/placeholder" + "_placeholder" * 30)[:255]
"""What stands for the prefix in packages: as long as a prefix may be (conda-build's default)."""

MINORS = (11, 12)
DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pip", "flit-core")
UNPACKED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""What an installer adds to a distribution."""
LEFT_OUT = (
    "site-packages",
    "dist-packages",
    "test",
    "idlelib",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "tkinter",
    "config-",
)
ASK = """
import json, site, sys, sysconfig
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3], "prefix": sys.base_prefix, "stdlib": sysconfig.get_path("stdlib"),
    "libdir": sysconfig.get_config_var("LIBDIR"), "shared": sysconfig.get_config_var("INSTSONAME"),
    "site": "dist-packages" if any("dist-packages" in place for place in site.getsitepackages()) else "site-packages"}))
"""
ACTIVATE = r"""
export ACTDEMO_HOME="${CONDA_PREFIX}/share/actdemo"
export ACTDEMO_GREETING="hello (with 'quotes', \"double\" and
a newline)"
export PATH="${CONDA_PREFIX}/share/actdemo/bin:${PATH}"
unset ACTDEMO_SHOULD_VANISH
echo "actdemo speaks on stdout"
echo "actdemo speaks on stderr" >&2
actdemo_function() { echo "a function of activation"; }
export -f actdemo_function
echo "activate actdemo" >> "${ACTDEMO_JOURNAL:-/dev/null}"
if [ -n "${ACTDEMO_SLOW-}" ]; then
    sleep "${ACTDEMO_SLOW}"
    echo "activated actdemo" >> "${ACTDEMO_JOURNAL:-/dev/null}"
fi
date > "${CONDA_PREFIX}/actdemo-activated"
if [ -n "${ACTDEMO_SPAWN-}" ]; then
    sleep "${ACTDEMO_SPAWN}" &
    export ACTDEMO_PID=$!
fi
"""
DEACTIVATE = r"""
unset ACTDEMO_HOME ACTDEMO_GREETING
echo "deactivate actdemo" >> "${ACTDEMO_JOURNAL:-/dev/null}"
rm -f "${CONDA_PREFIX}/actdemo-activated"
"""
LAST = 'echo "{0} lastdemo" >> "${{ACTDEMO_JOURNAL:-/dev/null}}"\n'
HELLO = r"""
#include <stdio.h>
static volatile const char prefix[] = "%s";
int main(void) { puts((const char *)prefix); return 0; }
"""


@dataclass(frozen=True)
class File:
    """One file of a package; ``link`` makes it a symbolic link, ``placeholder`` is replaced by the prefix."""

    data: bytes = b""
    mode: int = 0o644
    link: str = ""
    placeholder: str = ""
    binary: bool = False

    def record(self, path: str) -> dict[str, Any]:
        """The line of ``info/paths.json``."""
        kind = "softlink" if self.link else "hardlink"
        digest = hashlib.sha256(self.data).hexdigest()
        found = {"_path": path, "path_type": kind, "sha256": digest, "size_in_bytes": len(self.data)}
        if self.placeholder:
            found |= {"prefix_placeholder": self.placeholder, "file_mode": "binary" if self.binary else "text"}
        return found


@dataclass(frozen=True)
class Package:
    """A package: what ``info/index.json`` says of it, and its files; ``noarch`` is ``python``, ``generic`` or empty."""

    name: str
    version: str
    files: dict[str, File]
    depends: tuple[str, ...] = ()
    build: str = "h0_0"
    noarch: str = ""
    entry_points: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return f"{self.name}-{self.version}-{self.build}"

    def index(self) -> dict[str, Any]:
        """What ``info/index.json`` and the channel's index say."""
        found = {"name": self.name, "version": self.version, "build": self.build, "build_number": 0}
        found |= {"depends": list(self.depends), "subdir": "noarch" if self.noarch else SUBDIR, **self.more}
        found |= {"license": "LicenseRef-test", "timestamp": EPOCH * 1000}
        return found | ({"noarch": self.noarch} if self.noarch else {})


# ------------------------------------------------------------------------------------------------ archives


def zstd(data: bytes) -> bytes:
    """A frame of raw blocks (RFC 8878, section 3.1.1): valid, as fast as a copy, and no library is needed for it."""
    step = 128 * 1024
    frame = [struct.pack("<IBQ", 0xFD2FB528, 0b11100000, len(data))]
    for start in range(0, len(data) or 1, step):
        block = data[start : start + step]
        last = start + step >= len(data)
        frame += [struct.pack("<I", len(block) << 3 | last)[:3], block]
    return b"".join(frame)


def tar(files: dict[str, File]) -> bytes:
    """A tar archive of files, the same for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, file in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.mtime, member.mode, member.size = EPOCH, file.mode, len(file.data)
            if file.link:
                member.type, member.linkname, member.size = tarfile.SYMTYPE, file.link, 0
            archive.addfile(member, io.BytesIO(file.data))
    return buffer.getvalue()


def write(channel: Path, package: Package) -> tuple[str, dict[str, Any]]:
    """Write a package into the channel; its file's name and its entry in the index."""
    info = {"index.json": package.index(), "about.json": {"summary": package.name}}
    info["paths.json"] = {"paths": [file.record(path) for path, file in package.files.items()], "paths_version": 1}
    if package.noarch == "python":
        noarch = {"type": "python", "entry_points": list(package.entry_points)}
        info["link.json"] = {"noarch": noarch, "package_metadata_version": 1}
    described = {f"info/{name}": File(json.dumps(value).encode()) for name, value in info.items()}
    path = channel / package.index()["subdir"] / f"{package.stem}.conda"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{package.stem}.tar.zst", zstd(tar(package.files)))
        archive.writestr(f"info-{package.stem}.tar.zst", zstd(tar(described)))
    data = path.read_bytes()
    digests = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    return path.name, {**package.index(), **digests, "size": len(data)}


def write_channel(channel: Path, packages: list[Package]) -> None:
    """Write packages and the index of each subdirectory."""
    found: dict[str, dict[str, Any]] = {SUBDIR: {}, "noarch": {}}
    for package in packages:
        name, entry = write(channel, package)
        found[entry["subdir"]][name] = entry
    for subdir, entries in found.items():
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        index = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": entries, "repodata_version": 1}
        (channel / subdir / "repodata.json").write_text(json.dumps(index))


# ------------------------------------------------------------------------------------------------ python


def interpreters() -> dict[str, Path]:
    """The CPythons that packages can be made of: version such as ``3.11`` to the interpreter; one at least."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {}
    for name in (f"3.{minor}" for minor in MINORS):
        places = [
            *sorted(root.glob(f"versions/{name}.*/bin"), reverse=True),
            Path(sys.base_prefix, "bin"),
            Path("/usr/bin"),
        ]
        here = [path.resolve() for place in places if (path := place / f"python{name}").exists()]
        found |= {name: here[0]} if here else {}
    own = "{}.{}".format(*sys.version_info)
    return found or {own: Path(sys.base_prefix, "bin", f"python{own}")}


def python(interpreter: Path) -> Package:
    """CPython as a package: the interpreter, its library and what they are linked to, without what nobody imports."""
    asked = subprocess.run([interpreter, "-I", "-c", ASK], check=True, capture_output=True, text=True)
    facts = json.loads(asked.stdout)
    minor = facts["version"].rpartition(".")[0]
    library = f"lib/python{minor}"
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        (stage / "bin").mkdir()
        shutil.copy(interpreter, stage / f"bin/python{minor}")
        shutil.copytree(facts["stdlib"], stage / library, ignore=_left_out)
        if (shared := Path(facts["libdir"] or "", facts["shared"] or "")).suffix != ".a" and shared.is_file():
            shutil.copy(shared, stage / "lib" / shared.name)
        _make_movable(stage, facts["libdir"])
        _compile(stage, stage / f"bin/python{minor}")
        files = {
            str(path.relative_to(stage)): _staged(path, facts["prefix"]) for path in stage.rglob("*") if path.is_file()
        }
    files |= {f"bin/{name}": File(link=f"python{minor}", mode=0o777) for name in ("python", "python3")}
    files[f"{library}/{facts['site']}/README.txt"] = File(b"packages live here\n")
    more = {"python_site_packages_path": f"{library}/{facts['site']}"}
    return Package("python", facts["version"], files, ("__glibc >=2.17",), f"0_cp{minor.replace('.', '')}", more=more)


def _left_out(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or name.endswith(".a") or name.startswith(LEFT_OUT)}


def _make_movable(stage: Path, libdir: str) -> None:
    """Strip what is linked, and let it find its library beside itself instead of where it was built."""
    places = [path for path in stage.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    for path in places:
        path.chmod(0o755)
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-debug", *places], check=True)
    old, new = libdir.encode() + b"\0", b"$ORIGIN/../lib\0"
    for path in places:
        if len(old) >= len(new) and old in (data := path.read_bytes()):
            path.write_bytes(data.replace(old, new.ljust(len(old), b"\0")))


def _compile(stage: Path, interpreter: Path) -> None:
    """Compile the library, but what names its prefix: a module compiled before it is moved would keep the old one."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(stage), "-x", "_sysconfigdata"]
    environ = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [interpreter, "-m", "compileall", *options, stage / "lib"], check=False, env=environ, stdout=subprocess.DEVNULL
    )


def _staged(path: Path, prefix: str) -> File:
    data = path.read_bytes()
    mode = 0o755 if os.access(path, os.X_OK) else 0o644
    named = prefix != "/usr" and prefix.encode() in data and b"\0" not in data
    return File(data, mode, placeholder=prefix if named else "")


# ------------------------------------------------------------------------------------------------ distributions


def installed(names: tuple[str, ...] = DISTRIBUTIONS) -> list[Distribution]:
    """Those of the distributions that are installed beside the tests; pytest always is."""
    found = []
    for name in names:
        try:
            found.append(distribution(name))
        except PackageNotFoundError:
            continue
    return found


def noarch(found: Distribution) -> Package:
    """An installed pure distribution as a ``noarch: python`` package."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    files = {}
    for path in found.files or ():
        if _belongs(str(path)) and path.name not in UNPACKED:
            files[f"site-packages/{path}"] = File(Path(str(path.locate())).read_bytes())
        if path.name == "METADATA":
            files[f"site-packages/{path.parent}/INSTALLER"] = File(b"conda\n")
    wanted = [Requirement(line) for line in found.requires or ()]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    depends = [f"python {found.metadata['Requires-Python'].replace(' ', '')}"]
    depends += [f"{canonicalize_name(each.name)} {each.specifier}".strip() for each in needed]
    scripts = [f"{point.name} = {point.value}" for point in found.entry_points if point.group == "console_scripts"]
    name = canonicalize_name(found.metadata["Name"])
    return Package(name, found.version, files, tuple(depends), "pyh0_0", "python", tuple(scripts))


def write_wheels(folder: Path) -> None:
    """Write the wheels again that pytest and what it needs were installed from, for environments that are no conda's."""
    for found in installed(DISTRIBUTIONS[:5]):
        paths = {str(path): path for path in found.files or () if _belongs(str(path)) and path.name not in UNPACKED}
        info = next(path.parent for path in paths.values() if path.name == "METADATA")
        with zipfile.ZipFile(folder / f"{info.stem}-py3-none-any.whl", "w") as archive:
            for name, path in paths.items():
                archive.write(str(path.locate()), name)
            archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*paths, f"{info}/RECORD"]))


def _belongs(path: str) -> bool:
    return not path.startswith("..") and "__pycache__" not in path and ".virtualenv" not in path


# ------------------------------------------------------------------------------------------------ demonstrations


def text(content: str, mode: int = 0o644) -> File:
    """A text file; the placeholder in it becomes the prefix."""
    return File(content.encode(), mode, placeholder=PLACEHOLDER if PLACEHOLDER in content else "")


def native() -> list[Package]:
    """A compiled program with its prefix in it; none where no compiler is."""
    if not shutil.which("cc"):
        return []
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "hello.c"), Path(folder, "hello")
        source.write_text(HELLO % PLACEHOLDER)
        subprocess.run(["cc", "-s", "-o", program, source], check=True)
        data = program.read_bytes()
    files = {"bin/hello-native": File(data, 0o755, placeholder=PLACEHOLDER, binary=True)}
    files["share/hello-native/config"] = text(f"prefix = {PLACEHOLDER}\n")
    return [Package("hello-native", "1.0", files, ("__glibc >=2.17",))]


def scripted(name: str, activate: str, deactivate: str = "", **files: File) -> Package:
    """A package with activation scripts."""
    scripts = {f"etc/conda/activate.d/{name}.sh": text(activate)}
    scripts |= {f"etc/conda/deactivate.d/{name}.sh": text(deactivate)} if deactivate else {}
    return Package(name, "1.0", {**scripts, **files}, noarch="generic")


def tool(name: str, version: str, *depends: str) -> Package:
    """A program that says its name and version."""
    return Package(name, version, {f"bin/{name}": text(f"#!/bin/sh\necho {name} {version}\n", 0o755)}, depends)


def demonstrations() -> list[Package]:
    """All that is made up."""
    variables = File(json.dumps({"ACTDEMO_VARIABLE": "yes"}).encode())
    inside = {
        "etc/conda/env_vars.d/actdemo.json": variables,
        "share/actdemo/bin/actdemo-tool": text('#!/bin/sh\necho "$ACTDEMO_GREETING"\n', 0o755),
    }
    link = text('#!/bin/sh\necho linked > "$PREFIX/postlink-ran"\n', 0o755)
    bases = [Package("libbase", f"{n}.0", {f"lib/libbase.so.{n}": text(f"{n}\n")}) for n in (1, 2)]
    return [
        scripted("actdemo", ACTIVATE, DEACTIVATE, **inside),
        scripted("lastdemo", LAST.format("activate"), LAST.format("deactivate")),
        scripted("broken-activation", 'echo "no licence found" >&2\nexit 3\n'),
        Package("postlink-demo", "1.0", {"bin/.postlink-demo-post-link.sh": link}, noarch="generic"),
        *bases,
        tool("tool-a", "1.0", "libbase 1.*"),
        tool("tool-a", "2.0", "libbase 2.*"),
        tool("tool-b", "1.0", "libbase 1.*"),
        *(small(number) for number in range(8)),
        *(module("apple", "apple", version) for version in ("1.0", "2.0")),
        module("pear-fruit", "pear", "1.0"),
    ]


def small(number: int) -> Package:
    """A package of twenty files."""
    name = f"small-{number}"
    files = {f"share/{name}/part-{part}": text(f"{part} of {PLACEHOLDER}\n") for part in range(20)}
    return Package(name, "1.0", {**files, f"bin/{name}": text(f"#!/bin/sh\necho {name}\n", 0o755)})


def module(name: str, distribution_name: str, version: str) -> Package:
    """A module that knows its version, with a console script."""
    info = f"site-packages/{distribution_name}-{version}.dist-info"
    code = f"VERSION = {version!r}\n\n\ndef main():\n    print({distribution_name!r}, VERSION)\n"
    files = {
        f"site-packages/{distribution_name}.py": text(code),
        f"{info}/METADATA": text(f"Metadata-Version: 2.1\nName: {distribution_name}\nVersion: {version}\n"),
        f"{info}/INSTALLER": text("conda\n"),
    }
    scripts = (f"eat-{distribution_name} = {distribution_name}:main",)
    return Package(name, version, files, ("python",), "pyh0_0", "python", scripts)


# ------------------------------------------------------------------------------------------------ the channel


def make(channel: Path, pythons: dict[str, Path]) -> None:
    """Make the whole channel in a folder that isn't there yet."""
    with ThreadPoolExecutor() as pool:  # what takes long happens in processes: compiling, stripping
        found = list(pool.map(python, pythons.values()))
    write_channel(channel, [*found, *map(noarch, installed()), *native(), *demonstrations()])


def fingerprint(pythons: dict[str, Path]) -> str:
    """What a channel is made of: this module, the interpreters, the distributions."""
    whole = hashlib.sha256(Path(__file__).read_bytes())
    for interpreter in pythons.values():
        whole.update(f"{interpreter} {interpreter.stat().st_mtime_ns}\n".encode())
    for each in installed():
        whole.update(f"{each.metadata['Name']} {each.version}\n".encode())
    return whole.hexdigest()[:16]


def shared() -> str:
    """The URL of the channel that all test sessions of this machine share; it is made where it isn't there."""
    if ready := os.environ.get("KERN_TEST_CHANNEL"):
        return ready
    pythons = interpreters()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kern-tests")
    home.mkdir(parents=True, exist_ok=True)
    channel = home / f"channel-{fingerprint(pythons)}"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not channel.exists():
            _forget(home)
            made = Path(tempfile.mkdtemp(dir=home, prefix="making-"))
            make(made, pythons)
            made.rename(channel)
        os.utime(channel)
    return channel.as_uri()


def _forget(home: Path) -> None:
    """Remove the channels that no session has used for a week."""
    for old in home.glob("*-*"):
        if old.stat().st_mtime < time.time() - 7 * 24 * 3600:
            shutil.rmtree(old)
