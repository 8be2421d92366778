"""A place to test one driver at: a project, and contexts exactly as the kernel lends them, on real processes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kern import options
from kern.api import MARKER, EnvSpec, PackageSpec
from kern.context import Services, StepContext
from kern.environ import DEFAULT_PASS, TOOL_PASS, allowed
from kern.log import StepLog
from kern.process import Supervisor
from kern.secrets import Masker
from kern.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from kern.api import Artifact, Context, Environment, Provider

TOKEN = "KERN_WORKBENCH"
"""A variable that every process of a test inherits, so that those that are left behind can be found."""


RUBBISH = b"\xff\xfe no [ {{ text \0"
DAMAGES = ("rubbish", "empty", "half", "gone", "directory")
"""Ways in which files of a project can be bad."""


class Workbench:
    """One directory with everything that a test of a driver needs.

    Attributes:
        root: absolute path; its name has a space and a letter that is not ASCII, since users' paths have them too.
        project_dir: absolute path of the project.
        cache_dir: absolute path of the user's cache, in which the driver has a directory.
        environ: what drivers see of the host.
        kept: what the tests of one class share, by name.
        installed: what ``install`` returned, by the location of the environment.
    """

    def __init__(self, root: str) -> None:
        """Make the directories; no process is started before it is needed."""
        self.root = os.path.join(root, "späce d")
        self.project_dir = os.path.join(self.root, "project")
        self.cache_dir = os.path.join(self.root, "caches", "usual")
        os.makedirs(self.project_dir, exist_ok=True)
        self.environ: dict[str, str] = {**allowed(os.environ, (*DEFAULT_PASS, *TOOL_PASS)), TOKEN: self.root}
        self.kept: dict[str, Any] = {}
        self.installed: dict[str, Mapping[str, str]] = {}
        self._masker = Masker(())
        self._supervisor: Supervisor | None = None

    def supervisor(self) -> Supervisor:
        """What starts processes."""
        if self._supervisor is None:
            self._supervisor = Supervisor(lanes=4)
            self._supervisor.start()
        return self._supervisor

    def close(self) -> None:
        """End everything that was started."""
        if self._supervisor is not None:
            self._supervisor.close()
            self._supervisor = None

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the project."""
        for name, text in files.items():
            path = os.path.join(self.project_dir, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    @contextmanager
    def without_tools(self) -> Iterator[None]:
        """Let the host have no programs and no variables for a while."""
        kept = self.environ
        self.environ = {"PATH": "", "HOME": os.path.join(self.root, "nowhere")}
        try:
            yield
        finally:
            self.environ = kept

    @contextmanager
    def cold_cache(self, name: str) -> Iterator[None]:
        """Let the driver's directory in the user's cache be another one for a while: empty, where the name is new."""
        kept = self.cache_dir
        self.cache_dir = os.path.join(self.root, "caches", name)
        try:
            yield
        finally:
            self.cache_dir = kept

    def damaged(self, files: Mapping[str, str]) -> Iterator[str]:
        """Damage these files of the project, each alone and then all, in every way of `DAMAGES`; they are written again.

        Yields:
            What is damaged now, in words.
        """
        several = [tuple(files)] if len(files) > 1 else []
        for names in (*((name,) for name in files), *several):
            for how in DAMAGES:
                try:
                    for name in names:
                        self._damage(name, files[name], how)
                    yield f"{', '.join(names)}: {how}"
                finally:
                    for name in names:
                        _remove(os.path.join(self.project_dir, name))
                    self.write({name: files[name] for name in names})

    def _damage(self, name: str, text: str, how: str) -> None:
        path = os.path.join(self.project_dir, name)
        _remove(path)
        if how == "directory":
            os.mkdir(path)
        elif how != "gone":
            _write(path, {"rubbish": RUBBISH, "half": text[: len(text) // 2].encode()}.get(how, b""))

    def context(self) -> Context:
        """A context for one step, with directories of its own."""
        import tempfile

        steps = os.path.join(self.root, "steps")
        os.makedirs(steps, exist_ok=True)
        place = tempfile.mkdtemp(dir=steps)
        output, work = os.path.join(place, "output"), os.path.join(place, "work")
        os.makedirs(output)
        os.makedirs(work)
        log = StepLog(os.path.join(place, "step.log"), self._masker)
        services = Services(
            project_dir=self.project_dir,
            cache_root=self.cache_dir,
            environ=dict(self.environ),
            supervisor=self.supervisor,
            masker=self._masker,
            lock=self._lock,
        )
        return StepContext(services, "contract", log, output_dir=output, work_dir=lambda: work)

    def spec(
        self, provider: Provider | None, factors: tuple[str, ...], table: Mapping[str, Any], where: str = "environment"
    ) -> EnvSpec:
        """An environment as its provider sees it; ``where`` is the name of its directory."""
        shape = provider.Options if provider is not None else None
        made = options.make(shape, dict(table), lambda key: f"env.{key}") if shape is not None else None
        location = os.path.join(self.root, "environments", where)
        return EnvSpec(
            name="-".join(factors) or "contract",
            factors=factors,
            options=made,
            location=location,
            project_dir=self.project_dir,
        )

    def package(self, builder: Any, table: Mapping[str, Any]) -> PackageSpec:
        """A package definition as its builder sees it."""
        made = options.make(builder.Options, dict(table), lambda key: f"package.contract.{key}")
        return PackageSpec(
            name="contract",
            builder="contract",
            root=self.project_dir,
            options=made,
            source=builder.source(made) or None,
        )

    def make(self, provider: Provider, spec: EnvSpec, artifacts: list[Artifact]) -> Environment:
        """Make an environment as the kernel does: into a new directory, whatever was there before."""
        import shutil

        context = self.context()
        provider.dispose(spec.location, context)
        shutil.rmtree(spec.location, ignore_errors=True)
        os.makedirs(spec.location)
        with open(os.path.join(spec.location, MARKER), "w", encoding="utf-8") as file:
            file.write("contract\n")
        environment = provider.provision(spec, context)
        self.installed[environment.location] = dict(provider.install(spec, environment, artifacts, context))
        return environment

    def left_behind(self) -> list[str]:
        """Command lines of the processes that still run and come from here; always none without ``/proc``."""
        mark = f"{TOKEN}={self.root}".encode()
        others = set(filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ())) - {str(os.getpid())}
        found = [pid for pid in others if mark in _read(f"/proc/{pid}/environ").split(b"\0")]
        return [_read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace") for pid in found]

    def _lock(self, name: str) -> AbstractContextManager[None]:
        return State(self.cache_dir).lock(
            name, exclusive=True, timeout=300, on_wait=lambda _: None, stopped=lambda: False
        )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        os.rmdir(path)
    elif os.path.lexists(path):
        os.unlink(path)
