"""The contract between the kernel and its plugins: values and protocols, nothing else.

A plugin author needs this module and no other. Values are frozen; make them with keywords only, since fields may be added
(they are named tuples because each dataclass costs most of a millisecond of every start). Drivers are plain classes without a base class that
match one of the protocols, are made without arguments, keep no state, and are named by an entry point:

=================== ============== =====================================================
entry point group   protocol       answers
=================== ============== =====================================================
``kern.provider``   `Provider`     how is an environment of this kind made and filled?
``kern.builder``    `Builder`      how is a package of this kind built?
``kern.activator``  `Activator`    how does a command run inside such an environment?
``kern.adopter``    `Adopter`      is this location an environment of this kind? (optional)
``kern.hooks``      (functions)    something happened (see the hooks page of the documentation)
=================== ============== =====================================================

The module that an entry point names is imported in every run that uses it, so it should import only the standard
library's light parts at the top, and what is heavy inside the functions that need it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from kern.errors import ConfigError, KernError, StepFailed

__all__ = [
    "API",
    "MARKER",
    "NOTHING",
    "Activation",
    "Activator",
    "Adopter",
    "Artifact",
    "Builder",
    "Command",
    "Completed",
    "ConfigError",
    "Context",
    "EnvDelta",
    "EnvSpec",
    "Environment",
    "KernError",
    "PackageSpec",
    "Provider",
    "StepFailed",
    "Unavailable",
]

API = 1
"""The number of this contract. A driver's ``api`` must be equal to it; see docs/api-history.md."""


NOTHING: Mapping[str, Any] = MappingProxyType({})
"""An empty mapping that nobody can fill: the default of fields that are mappings."""

MARKER = ".kern-owned"
"""Name of the file by which the kernel knows a directory that it has made; not a plugin's to touch."""


class PackageSpec(NamedTuple):
    """One ``[package.NAME]`` of the configuration, resolved.

    Attributes:
        name: the definition's name, unique in the project.
        builder: the entry point name of its builder.
        root: absolute path of the source tree.
        options: an instance of the builder's ``Options``.
        source: name of the package definition this one is built from (``from = "sdist"``), or ``None`` for the tree.
    """

    name: str
    builder: str
    root: str
    options: Any
    source: str | None = None


class EnvSpec(NamedTuple):
    """One environment of the matrix, as its provider sees it.

    Attributes:
        name: the full name, e.g. ``py312-conda``.
        factors: the parts of the name, in order.
        options: an instance of the provider's ``Options``.
        location: absolute path of the directory that the environment is made in; it belongs to the environment alone.
        project_dir: absolute path of the project.
    """

    name: str
    factors: tuple[str, ...]
    options: Any
    location: str
    project_dir: str


class Artifact(NamedTuple):
    """Something that was built, or that the user handed over ready.

    Attributes:
        kind: ``wheel``, ``sdist``, ``editable``, ``conda``...; a provider lists the kinds it accepts.
        path: absolute path of the file or directory.
        name: name of the distribution, as its metadata has it.
        version: its version, as its metadata has it.
        digest: hex digest of what matters in it; equal digests install the same files.
        requirements: what installing it pulls in. When these change, an environment is made anew instead of updated.
        facts: whatever the builder wants to find again (wheel tags, a subdir...), strings only.
    """

    kind: str
    path: str
    name: str
    version: str
    digest: str
    requirements: tuple[str, ...] = ()
    facts: Mapping[str, str] = NOTHING


class Environment(NamedTuple):
    """An environment that exists.

    Attributes:
        location: absolute path of its directory.
        activator: entry point name of the activator that knows how commands run in it.
        interpreter: absolute path of its interpreter, ``None`` if it has none; ``{python}`` in the configuration.
        watch: directories or files below ``location``, relative to it, whose loss or change means that the
            environment is damaged; the kernel compares size and modification time before each run. ``(".",)`` is all.
        volatile: names of directories and files that may come and go inside what is watched (``__pycache__``).
        facts: whatever the provider wants to find again, strings only.
    """

    location: str
    activator: str
    interpreter: str | None = None
    watch: tuple[str, ...] = (".",)
    volatile: tuple[str, ...] = ()
    facts: Mapping[str, str] = NOTHING


class EnvDelta(NamedTuple):
    """A change to environment variables: ``unset`` first, then ``set``, then ``prepend`` (to a search path)."""

    set: Mapping[str, str] = NOTHING
    unset: tuple[str, ...] = ()
    prepend: Mapping[str, tuple[str, ...]] = NOTHING


class Activation(NamedTuple):
    """Where commands run: changed variables, a command prefix and a map of directories.

    Attributes:
        delta: applied to the environment of every command.
        prefix: put before every command line (``["podman", "exec", NAME]``); empty for the machine itself.
        cwd_map: pairs of path prefixes, host to inside, for a file system that is not the host's.
    """

    delta: EnvDelta = EnvDelta()
    prefix: tuple[str, ...] = ()
    cwd_map: tuple[tuple[str, str], ...] = ()


class Command(NamedTuple):
    """One process to start; no shell is ever involved.

    Attributes:
        argv: the program and its arguments. A program without a slash is looked up on the ``PATH`` of ``environ``.
        cwd: absolute directory; ``None`` is the project's.
        environ: the whole environment of the process; ``None`` is ``Context.environ``.
        timeout: seconds after which the whole process tree is ended; ``None`` for no bound.
    """

    argv: tuple[str, ...]
    cwd: str | None = None
    environ: Mapping[str, str] | None = None
    timeout: float | None = None


class Completed(NamedTuple):
    """How a process ended.

    Attributes:
        exit_code: 0 to 255; a process ended by signal N has ``-N``.
        stdout: what it printed on standard output, whole, decoded as UTF-8 with ``surrogateescape``.
        timed_out: whether kern ended it because of its ``timeout``.
        survivors: how many processes it left behind; they have been killed.
    """

    exit_code: int
    stdout: str = ""
    timed_out: bool = False
    survivors: int = 0


class Unavailable(NamedTuple):
    """Why something can't be had on this machine, and what would help.

    ``missing`` is true where a thing is absent (``--missing`` decides: skip or fail) and false where two things can't
    go together (always an error).
    """

    reason: str
    hint: str = ""
    missing: bool = True


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

    def run(self, command: Command, *, check: bool = True, echo: bool = True) -> Completed:
        """Run a process to its end and own its whole tree.

        Args:
            command: what to run.
            check: raise when it ends with anything but 0.
            echo: put the command line and all it prints into the step's log; false for small probes, whose output
                only goes into `Completed`.

        Raises:
            StepFailed: with ``check``: it failed; names the command, the last lines and the log.
                Always: the program does not exist or can't be started.
        """

    def say(self, message: str) -> None:
        """Write one line into the step's log."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock between threads and between processes, on a name inside this driver's ``cache_dir``."""

    def ask_secret(self, value: str) -> None:
        """Have a value masked in every log and report from now on."""


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
        """Enter the environment. Entering may start things; leaving always undoes them, also after a failure."""


class Adopter(Protocol):
    """Recognises environments that kern did not make."""

    api: int

    def adopt(self, location: str, context: Context) -> Environment | None:
        """The environment at a location (a path, or a name this kind knows), or ``None`` if it is not of this kind.

        Never changes anything there.
        """
