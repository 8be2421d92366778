"""What each driver has to answer (`kern.api.optional` says what it may besides), and what the kernel lends it for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from kern.api.values import (
        Activation,
        Adopted,
        Artifact,
        Command,
        Completed,
        Environment,
        EnvSpec,
        PackageSpec,
        Unavailable,
    )


class Context(Protocol):
    """What the kernel lends a driver for one step. All processes, locks and messages of a plugin go through it."""

    @property
    def project_dir(self) -> str:
        """Absolute path of the project."""

    @property
    def work_dir(self) -> str:
        """Absolute path of an existing directory for this step's temporary files; gone when the step ends well."""

    @property
    def output_dir(self) -> str:
        """Absolute path of the empty directory that a build puts its artifact in."""

    @property
    def cache_dir(self) -> str:
        """Absolute path of this driver's directory in the user's cache; made when asked for, shared by all projects."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The host's environment reduced to the allow-list for tools (locale, proxies, certificates, indexes)."""

    @property
    def platform(self) -> str:
        """``sys.platform`` of the machine."""

    @property
    def recreate(self) -> bool:
        """Whether the user asked for everything to be made anew (``--recreate``): caches of drivers included."""

    @property
    def distrust(self) -> bool:
        """Whether files of the environment were changed in place: what a cache had linked them from is suspect too."""

    def run(self, command: Command, *, check: bool = True, echo: bool = True, always: bool = False) -> Completed:
        """Run a process to its end and own its whole tree.

        Args:
            command: what to run.
            check: raise when it ends with anything but 0.
            echo: put the command line and all it prints into the step's log; false for small probes, whose output
                only goes into `Completed`.
            always: run it also while kern is stopping: for what undoes something, within a bounded time.

        Raises:
            StepFailed: with ``check``: it failed; names the command, the last lines and the log.
                Always: the program does not exist or can't be started.
            KernError: kern is stopping, and so the process was not started or did not end with 0, which tells nothing
                about it. Let it through.
        """

    def start(self, command: Command) -> Running:
        """Start a process that goes on while other things are done; what it prints goes into the step's log.

        It gets no signal when kern is told to stop in good order: whoever started it calls `Running.end`. It ends with
        kern in any case, and all its descendants with it.

        Raises:
            StepFailed: the program does not exist or can't be started.
        """

    def say(self, message: str) -> None:
        """Write one line into the step's log."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock between threads and between processes, on a name inside this driver's ``cache_dir``."""

    def ask_secret(self, value: str) -> None:
        """Have a value masked in every log and report from now on."""


class Running(Protocol):
    """A process that `Context.start` started."""

    def wait(self, seconds: float) -> Completed | None:
        """Wait for its end for at most so many seconds; ``None`` if it still runs. ``stdout`` is always empty.

        Raises:
            KernError: kern is stopping and the process still runs, so that whoever waits can let go and call `end`;
                or the process was lost.
        """

    def end(self, grace: float) -> Completed:
        """Wait ``grace`` seconds for its end, then have it end: SIGTERM, 3 seconds later SIGKILL. Idempotent.

        All its descendants are gone when this returns, those too that it left running.
        """


class Provider(Protocol):
    """Makes environments of one kind. See `Environment` and docs/plugins.md for the life of one."""

    api: int
    Options: type[Any]
    pools: tuple[str, ...]
    accepts: tuple[str, ...]

    def claims(self, factor: str) -> bool:
        """Whether a factor has a meaning here, as ``py312`` has for Python environments. Pure."""

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the environment could be made on this machine. No network, no process, no write; never raises."""

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """Everything that the environment's content depends on, apart from artifacts: names to JSON values.

        A change of any value remakes the environment and is shown to the user by its name. No network, no process,
        no write. It runs in each and every run, so it must be quick.

        Raises:
            ConfigError: a file that the options name can't be read.
        """

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Make an empty environment in ``spec.location``, a directory that holds nothing but the kernel's marker file.

        Raises:
            StepFailed: it could not be made.
        """

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Put the options' dependencies and the artifacts into the environment, resolved together.

        Called after `provision`, and again on a ready environment when only an artifact's content has changed.
        Must make sure, before writing, that the environment is the one at ``environment.location``.

        Returns:
            Name to version of what is installed now.

        Raises:
            StepFailed: something could not be installed.
        """

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:
        """What an environment that kern did not make lacks of what this one is configured to have, in words.

        ``pytest>=8 is not installed``; nothing if it has all. No network, no process, no write.
        """

    def dispose(self, location: str, context: Context) -> None:
        """Remove what the environment has outside its directory; the kernel removes the directory itself. Idempotent."""


class Builder(Protocol):
    """Builds packages of one kind."""

    api: int
    Options: type[Any]
    pools: tuple[str, ...]
    produces: str
    watches: tuple[str, ...]
    """Patterns of the files in the source tree that a build depends on; empty for all of them."""

    def source(self, options: Any) -> str:
        """Name of the package definition that it is built from where the user says no ``from``; empty for the tree.

        ``wheel``, for one: builders' names are package definitions too. A pure function of the builder's ``Options``.
        """

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether this package can be built for, and used in, this environment. No process, no write; never raises."""

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:
        """Which build of the package this environment needs; equal strings share one build. Pure but for reads."""

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """Everything that the build depends on, apart from the source tree; a change of any value builds anew."""

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
        """Build into ``context.output_dir``. ``source`` is the artifact of ``package.source``, if that is set.

        Raises:
            StepFailed: the build failed.
        """

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
        """How well an artifact of this kind serves an environment: 0 is best, ``None`` not at all. Pure but for reads."""

    def read(self, path: str, context: Context) -> Artifact | None:
        """The artifact that a ready file or directory is, or ``None`` if it is not of this builder's kind.

        Raises:
            StepFailed: it is of this kind but damaged.
        """


class Activator(Protocol):
    """Knows how commands run inside an environment."""

    api: int
    pools: tuple[str, ...]

    def activate(self, environment: Environment, context: Context) -> AbstractContextManager[Activation]:
        """Enter the environment. Entering may start things; leaving always undoes them, also after a failure.

        ``context.environ`` is what the commands will see before the activation changes it. Leaving happens while kern
        may be stopping: use ``always`` and `Running.end`.
        """


class Adopter(Protocol):
    """Recognises environments that kern did not make; its entry point's name is the KIND of ``KIND:NAME``."""

    api: int

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The environment at a location, or ``None`` if it is not of this kind. Never changes anything there.

        Args:
            location: an absolute path; or, without a slash at its beginning, what the user wrote after ``KIND:`` or as
                a bare name.
            context: lends processes, for those kinds that can't be known by looking at files.

        Raises:
            StepFailed: it is of this kind but can't be used, or several have that name.
        """


class Locker(Protocol):
    """Writes down exactly what environments of one kind consist of; named like the provider it works for."""

    api: int

    def path(self, spec: EnvSpec, packaged: bool) -> str:
        """The lock file of an environment, relative to the project; empty if there is nothing to lock. Pure.

        ``packaged`` says whether a package under test is installed into it.
        """

    def inputs(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """Everything that the content of the lock depends on: names as a user knows them to JSON values.

        Not what the package requires; the kernel adds that. No network, no process, no write, and quick.

        Raises:
            ConfigError: a file that the options name can't be read.
        """

    def requires(self, package: PackageSpec, artifact: Artifact | None, context: Context) -> Sequence[str] | None:
        """What the package under test requires, in one spelling and order: by its artifact, else by its source tree.

        ``None`` if nothing but a build tells. No network, no process.
        """

    def read(self, path: str) -> Mapping[str, Any] | None:
        """The inputs that a lock file was written for, or ``None`` if it does not say. Quick; never raises."""

    def lock(
        self,
        spec: EnvSpec,
        path: str,
        inputs: Mapping[str, Any],
        artifact: Artifact | None,
        upgrade: Sequence[str] | None,
        context: Context,
    ) -> None:
        """Resolve an environment and write its lock file, with a hash for every file that it names.

        The package under test is not part of it; what it requires is. Versions in a lock file that is there already are
        kept where they still fit.

        Args:
            spec: the environment.
            path: absolute path to write; an existing file is replaced in one step, or left as it is.
            inputs: to be written into it, so that `read` finds them again.
            artifact: the package under test.
            upgrade: names of packages that may get another version all the same; ``None`` stands for all of them.
            context: runs the processes.

        Raises:
            StepFailed: it can't be resolved; in the words of the tool that tried.
        """
