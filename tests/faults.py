"""What the fault tests share: trials in folders of their own, their processes, and environments held against a golden one.

``KERN_FAULT_SEED`` repeats the random choices of a run that failed (its output names the seed), ``KERN_FAULT_SCALE``
multiplies how often everything is tried.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.conftest import Result

SEED = os.environ.get("KERN_FAULT_SEED") or secrets.token_hex(4)
SCALE = float(os.environ.get("KERN_FAULT_SCALE") or 1)
LANES = 2
"""How many trials of one test run at the same time."""

PROVE = """
import importlib, json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
names = sys.argv[2:]
modules = {name: importlib.import_module(name) for name in names}
with open(os.path.join(here, "nonce")) as file:
    nonce = file.read()
proof = {
    "nonce": nonce,
    "prefix": sys.prefix,
    "versions": {name: getattr(module, "VERSION", getattr(module, "answer", None)) for name, module in modules.items()},
    "inside": all(module.__file__.startswith(sys.prefix) for module in modules.values()),
}
with open(os.path.join(here, "proof-" + sys.argv[1] + ".json"), "w") as file:
    json.dump(proof, file)
"""
"""A command that tells where it ran by other means than kern's: a name for its proof, the modules it needs."""

COLD = """
env_list = ['a']
[env]
package = 'wheel'
installer = '{installer}'
deps = {deps}
commands = ['eat-apple', ['python', '{base}/prove.py', '{{env_name}}', 'demo', 'apple', 'plum', 'pear', 'demo.part_149']]
"""
VOLATILE = {"direct_url.json", "INSTALLER", "REQUESTED", "uv_cache.json", "uv_build.json", ".kern-owned"}
"""Files that have to be there; what they hold may vary."""


def times(count: int) -> int:
    """How often to try something that is usually tried ``count`` times."""
    return max(1, round(count * SCALE))


def chance(name: str) -> random.Random:
    """The random choices called ``name``; a test that fails shows the seed that repeats them."""
    print(f"KERN_FAULT_SEED={SEED}")
    return random.Random(f"{SEED}/{name}")


def in_lanes(work: Callable[[int], None], lanes: int = LANES) -> None:
    """Do ``work(0)``, ``work(1)``, ... at the same time; all of them end before the first error is raised."""
    with ThreadPoolExecutor(lanes) as pool:
        futures = [pool.submit(work, lane) for lane in range(lanes)]
    for future in futures:
        future.result()


@dataclass
class Trial:
    """A project with a home, a temporary folder and caches of its own; every process of it can be found."""

    base: Path
    project: Project

    def nonce(self) -> str:
        """Take earlier proofs away; what the next ones must hold."""
        for old in self.base.glob("proof-*.json"):
            old.unlink()
        text = secrets.token_hex(8)
        (self.base / "nonce").write_text(text)
        return text

    def config(self, deps: str = "['apple', 'plum']", installer: str = "uv") -> None:
        """Write a configuration with a package, dependencies, a console script and a proof."""
        self.project.config(COLD.format(base=self.base, deps=deps, installer=installer))

    def forget(self) -> None:
        """Take away all that kern and uv have made: the next run is a cold one."""
        for path in (self.project.work, self.base / "kern-cache", self.base / "uv-cache"):
            shutil.rmtree(path, ignore_errors=True)
            assert not path.exists(), path

    def proven(self, nonce: str, env: str = "a") -> dict[str, Any]:
        """The proof that the environment's commands have written in the last run."""
        proof = json.loads((self.base / f"proof-{env}.json").read_text())
        assert proof["nonce"] == nonce, f"an old proof: {proof}"
        assert proof["prefix"] == str(self.project.environment(env)), f"ran elsewhere: {proof}"
        assert proof["inside"], f"imported from elsewhere: {proof}"
        return dict(proof["versions"])

    def run(self, *args: str, **more: Any) -> Result:
        """A run of environment a that must be good, by its exit code and by its proof."""
        nonce = self.nonce()
        done = self.project.run(*args, **more)
        assert done.outcomes() == {"a": "passed"}, str(done)
        self.proven(nonce)
        return done

    def processes(self) -> list[int]:
        """Every process that kern, or whatever it started, has started in this trial: by its variables and its folder."""
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and self._is_of_here(entry)]

    def _is_of_here(self, pid: str) -> bool:
        if int(pid) == os.getpid():
            return False
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = file.read().split(b"\0")
            return f"TMPDIR={self.base}/tmp".encode() in variables or _is_below(
                os.readlink(f"/proc/{pid}/cwd"), self.base
            )
        except OSError:
            return False

    def kill_tree(self) -> None:
        """SIGKILL every process of the trial, as if at the same moment: all are stopped before the first dies."""
        stopped: set[int] = set()
        while running := set(self.processes()) - stopped:
            for pid in running:
                _signal(pid, signal.SIGSTOP)
            stopped |= running
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        self.wait_for_nothing(10)

    def wait_for_nothing(self, seconds: float) -> None:
        """Wait until no process of the trial is left, and fail if one is after that time."""
        end = time.monotonic() + seconds
        while left := self.processes():
            if time.monotonic() > end:
                lines = {pid: _command_line(pid) for pid in left}
                for pid in left:
                    _signal(pid, signal.SIGKILL)
                raise AssertionError(f"still running after {seconds:g} s: {lines}")
            time.sleep(0.01)

    def killed(self, moment: float, *args: str, tree: bool, within: float = 1.0) -> bool:
        """Start kern and SIGKILL it, or its whole tree, after a time; False if it had ended by then."""
        started = self.project.start(*args)
        try:
            started.wait(moment)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        if tree:
            self.kill_tree()
        else:
            _signal(started.pid, signal.SIGKILL)
        started.wait(30)
        self.wait_for_nothing(within)
        return started.returncode == -signal.SIGKILL

    def manifest(self, env: str = "a") -> dict[str, str]:
        """What is in an environment, but compiled modules: path to digest; where it lies does not count."""
        root = self.project.environment(env)
        found = {}
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    found[os.path.relpath(path, root)] = f"-> {os.readlink(path)}"
                elif name in files:
                    found[os.path.relpath(path, root)] = self._digest(path, env)
        return found

    def _digest(self, path: str, env: str) -> str:
        if os.path.basename(path) in VOLATILE:
            return "present"
        with open(path, "rb") as file:
            data = file.read()
        for place, word in ((self.project.environment(env), b"@ENV@"), (self.base, b"@BASE@")):
            data = data.replace(str(place).encode(), word)
        if path.endswith("/RECORD"):  # the digests in it depend on where the scripts' interpreter lies
            data = b"\n".join(sorted(line.split(b",")[0] for line in data.splitlines()))
        mode = os.stat(path).st_mode & 0o111
        return f"{hashlib.sha256(data).hexdigest()} {mode:o}"

    def assert_golden(self, golden: Mapping[str, str], env: str = "a", why: str = "") -> None:
        """Fail if the environment differs from the golden one, or holds compiled modules that are cut off."""
        now = self.manifest(env)
        differ = {
            name: (golden.get(name), now.get(name)) for name in {**golden, **now} if golden.get(name) != now.get(name)
        }
        assert not differ, f"{why}: not golden (should be, is): {differ}"
        for compiled in self.project.environment(env).rglob("*.pyc"):
            data = compiled.read_bytes()
            if data[:4] == MAGIC_NUMBER:
                marshal.loads(data[16:])


@dataclass(frozen=True)
class Trials:
    """Makes trials in a folder."""

    folder: Path
    environ: Mapping[str, str]
    command: tuple[str, ...]

    def make(self, name: str = "trial", project: str = "project") -> Trial:
        """Make a trial with a package that is only described so far; ``project`` is the name of the project's folder."""
        base = self.folder / name
        for place in ("home", "tmp", project):
            (base / place).mkdir(parents=True)
        own = {"HOME": "home", "TMPDIR": "tmp", "KERN_CACHE_DIR": "kern-cache", "UV_CACHE_DIR": "uv-cache"}
        environ = {**self.environ, **{variable: str(base / place) for variable, place in own.items()}}
        trial = Trial(base, Project(base / project, environ, self.command, base / "builds"))
        (base / "prove.py").write_text(PROVE)
        trial.config()
        trial.project.package({f"src/demo/part_{number}.py": f"NUMBER = {number}\n" for number in range(150)})
        return trial


def snapshot(root: Path) -> dict[str, tuple[int, int, int, str]]:
    """Everything below a folder: mode, size, time of the last change, and where a link leads."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            size = 0 if name in folders else status.st_size
            target = os.readlink(path) if os.path.islink(path) else ""
            found[os.path.relpath(path, root)] = (status.st_mode, size, status.st_mtime_ns, target)
    return found


def base_interpreter() -> list[str]:
    """What is installed in the interpreter below the one that runs the tests."""
    places = [Path(sys.base_prefix, "bin"), Path(os.__file__).parent / "site-packages"]
    return sorted(str(path) for place in places for path in place.glob("*"))


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _is_below(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}/")


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "?"
