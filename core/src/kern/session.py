"""One invocation of kern on one project: the configuration and everything that is made lazily from it."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kern.config.project import Project, load
from kern.config.reading import Reader
from kern.context import Services, StepContext
from kern.drivers import GROUPS, Registry, registry
from kern.drivers.index import cache_dir
from kern.drivers.known import family
from kern.errors import KernError, UsageError
from kern.expression import factors_of
from kern.hooks import Hooks
from kern.matrix import PLATFORMS, environments
from kern.parsed import keep, recall
from kern.places import can_hold_environments, elsewhere
from kern.plan.rows import Rows
from kern.plan.targets import Targets
from kern.restrictions import restrictions
from kern.select import Selected, select
from kern.settings import Settings
from kern.state import ENVIRONMENTS, SOURCES, State
from kern.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from kern.log import StepLog
    from kern.process import Supervisor
    from kern.secrets import Masker
    from kern.sharing import Sharing
    from kern.sources import Snapshot

WORK_DIR = ".kern"


class Session:
    """A project as one command sees it. Everything is loaded when it is first asked for."""

    reports: tuple[str, ...] = ()
    sharing: Sharing | None = None  # the activations that rows of a run share, where there can be any
    env_from = ""

    def __init__(
        self,
        directory: str,
        config: str = "",
        *,
        project: Project | None = None,
        environ: Mapping[str, str] | None = None,
        warn: Callable[[str], None] | None = None,
        recreate: bool = False,
        lanes: int = 1,
        lock_timeout: float = 600.0,
        foreground: bool = False,
        supervisor: Supervisor | None = None,
    ) -> None:
        """Load the project from ``directory`` upwards.

        Args:
            directory: where the user is.
            config: configuration file that the user named.
            project: what to use instead of looking for one.
            environ: the host's environment, ``os.environ`` by default.
            warn: takes sentences the user should see.
            recreate: make everything anew.
            lanes: how many processes may run at once.
            lock_timeout: seconds to wait for another kern.
            foreground: commands share kern's terminal.
            supervisor: one that has been started already.

        Raises:
            UsageError: there is no project.
            ConfigError: a mistake in the configuration.
        """
        self.directory = directory
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.warn = warn or _to_stderr
        self.recreate = recreate
        self.lanes = lanes
        self.lock_timeout = lock_timeout
        self.foreground = foreground
        self._supervisor = supervisor
        self._reader = Reader(recall)
        self.project: Project = project or load(directory, config, self._reader)
        self.registry = self._permitted()
        self.stopping: Callable[[], bool] = lambda: False
        self._snapshots: dict[tuple[str, tuple[str, ...]], Snapshot] = {}
        self._previous: dict[tuple[str, tuple[str, ...]], dict[str, Any] | None] = {}
        self._records: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self.stamps: dict[str, str] = {}
        self.hooks.project(self.project)

    def _permitted(self) -> Registry:
        """The registry, with what may not be imported left out and what the project requires there."""
        found = registry()
        found.restrict(restrictions(self.project, self._reader, self.environ))
        if self.project.requires:
            found.require(self.project.requires, where=self.project.where("requires"))
        return found

    @cached_property
    def hooks(self) -> Hooks:
        """Callers of the hooks that plugins implement."""
        return Hooks(self.registry, self.warn)

    @cached_property
    def settings(self) -> Settings:
        """Resolver of settings."""
        return Settings(self.project)

    @cached_property
    def providers(self) -> frozenset[str]:
        """Names of all providers, installed or known."""
        offered = (entry.name for entry in self.registry.all("kern.provider", refused=True))
        return frozenset((*offered, *family("kern.provider")))

    @cached_property
    def matrix(self) -> dict[str, bool]:
        """All environments, and whether each is a default one."""
        plain = environments(self.project, self.providers)
        extra = self.hooks.matrix(tuple(plain))
        return environments(self.project, self.providers, extra) if extra else plain

    @cached_property
    def rows(self) -> Rows:
        """Maker of rows."""
        return Rows(self.project, self.settings, self.registry, self.providers, Targets(self))

    @cached_property
    def work_dir(self) -> str:
        """Absolute path of the state directory."""
        chosen = self.environ.get("KERN_WORK_DIR", "")
        path = os.path.abspath(os.path.join(self.project.directory, chosen or WORK_DIR))
        path = path if chosen or can_hold_environments(path) else elsewhere(path)
        if can_hold_environments(path):
            return path
        raise UsageError(
            f"no environment can be made below {visible(path)}",
            where="KERN_WORK_DIR" if chosen else "KERN_CACHE_DIR",
            hint="search paths and #! lines can't carry a colon, white space but the space, or bytes that are no text; "
            "set KERN_WORK_DIR to another place",
        )

    @cached_property
    def state(self) -> State:
        """The work directory's contents."""
        return State(self.work_dir, lambda text: self.warn(text))  # noqa: PLW0108 - who takes it may change

    @cached_property
    def masker(self) -> Masker:
        """What hides secrets, by value."""
        from kern.secrets import Masker, secret_values

        return Masker(secret_values(self.environ))

    @cached_property
    def services(self) -> Services:
        """What contexts share."""
        from kern.environ import DEFAULT_PASS, TOOL_PASS, allowed

        return Services(
            project_dir=self.project.directory,
            cache_root=cache_dir(),
            environ=allowed(self.environ, (*DEFAULT_PASS, *TOOL_PASS)),
            supervisor=self.supervisor,
            masker=self.masker,
            lock=self.cache_lock,
            recreate=self.recreate,
        )

    def supervisor(self) -> Supervisor:
        """What starts processes; made when first asked for, while kern has one thread."""
        if self._supervisor is None:
            from kern.process import Supervisor

            self._supervisor = Supervisor(lanes=self.lanes)
            self._supervisor.start(foreground=self.foreground)
        return self._supervisor

    def stop(self, level: int) -> None:
        """Stop what runs: 1 orderly, 2 now."""
        if self._supervisor is not None:
            self._supervisor.stop(level)

    def tell_busy(self, tell: Callable[[str], None]) -> None:
        """Name the plugins that did not come to an end when they should have."""
        from kern.drivers.guarding import busy

        for text in busy():
            tell(f"{text}, so kern ends without it")

    def close(self) -> None:
        """End everything that was started."""
        if self._supervisor is not None:
            self._supervisor.close()

    def context(self, driver: str, log: StepLog | None = None, **more: Any) -> StepContext:
        """A context for one step of a driver; drivers of one distribution share its directory in the user's cache."""
        return StepContext(self.services, self._distributions.get(driver, driver), log, **more)

    @cached_property
    def _distributions(self) -> dict[str, str]:
        return {entry.name: entry.distribution for group in GROUPS for entry in self.registry.all(group)}

    def cache_lock(self, name: str) -> AbstractContextManager[None]:
        """A lock in the user's cache, for drivers."""
        shared = State(self.services.cache_root)
        return shared.lock(name, exclusive=True, timeout=self.lock_timeout, on_wait=self.warn, stopped=self.stopping)

    def lock(self, name: str, *, exclusive: bool) -> AbstractContextManager[None]:
        """A lock in the project's state directory."""
        return self.state.lock(
            name, exclusive=exclusive, timeout=self.lock_timeout, on_wait=self.warn, stopped=self.stopping
        )

    def record(self, key: str) -> dict[str, Any] | None:
        """The record of an environment, read again only if it has changed."""
        stamp = self.state.stamp(ENVIRONMENTS, key)
        known = self._records.get(key)
        if known is None or known[0] != stamp:
            known = self._records[key] = (stamp, self.state.read(ENVIRONMENTS, key))
        return known[1]

    def snapshot(self, root: str, patterns: tuple[str, ...]) -> Snapshot:
        """The state of a source tree, taken once in a process."""
        from kern.sources import snapshot

        key = (root, patterns)
        if key not in self._snapshots:
            previous = self._previous[key] = self.state.read(SOURCES, self._sources_name(key))
            reports = (os.path.relpath(path, root) for path in self.reports)
            self._snapshots[key] = snapshot(root, patterns, previous, self._ask, reports)
        return self._snapshots[key]

    def remember(self) -> None:
        """Keep what is known of the source trees and the configuration for the next run."""
        for key, taken in self._snapshots.items():
            if taken.state is not self._previous.get(key):
                self.state.note(SOURCES, self._sources_name(key), taken.state)
        for path, (content, table) in self._reader.parsed.items():
            if not self._holds_secrets(content):
                keep(path, content, table)

    def _holds_secrets(self, content: bytes) -> bool:
        """Whether a configuration file has something in it that should stand in no other file."""
        from kern.secrets import secret_values

        for table in self.project.tables:
            variables = table.values.get("set_env") or {}
            if secret_values({name: text for name, text in variables.items() if name != "file"}):
                return True
        return self.masker.mask_bytes(content) != content

    def _sources_name(self, key: tuple[str, tuple[str, ...]]) -> str:
        import zlib

        text = "\0".join((os.path.relpath(key[0], self.project.directory), *key[1]))
        return f"{zlib.crc32(text.encode(errors='surrogateescape')):08x}"

    def _ask(self, argv: list[str], cwd: str) -> bytes | None:
        """Run a small program of the host for its output; ``None`` if it can't be or fails."""
        from kern.api import Command

        try:
            done = self.context("kern").run(Command(argv=tuple(argv), cwd=cwd), check=False, echo=False)
        except KernError:
            return None
        return None if done.exit_code else done.stdout.encode(errors="surrogateescape")

    def select(self, wanted: tuple[str, ...], labels: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> Selected:
        """Choose environments; see `kern.select.select`."""
        return select(self.matrix, wanted, self._labelled(labels), skip, self.explains)

    def explains(self, name: str) -> bool:
        """Whether a name outside of the list consists of nothing but factors that drivers or the kernel know."""
        factors = factors_of(name)
        provider = self.rows.provider(name, factors)
        known = self.providers | PLATFORMS | frozenset(self.project.packages)
        return all(factor in known or provider.claims(factor) for factor in factors)

    def _labelled(self, labels: tuple[str, ...]) -> list[str]:
        if not labels:
            return []
        from kern.labels import labelled

        return labelled(self.project, self.settings, self.matrix, labels)


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"kern: {text}\n")
