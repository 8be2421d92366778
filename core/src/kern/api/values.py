"""The values that go between the kernel and its plugins."""

# No `from __future__ import annotations`: whoever asks for the annotations of these values gets types.
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kern.named_tuples import NamedTuple

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
        lock: absolute path of the lock file that it is to be installed from, exactly; ``None`` where nothing is locked.
    """

    name: str
    factors: tuple[str, ...]
    options: Any
    location: str
    project_dir: str
    lock: str | None = None


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
        interpreter: absolute path of its interpreter, ``None`` if it has none; ``{python}`` in the configuration. A path
            below ``location`` where nothing is after `Provider.install` counts as ``None``.
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


class Adopted(NamedTuple):
    """An environment that kern did not make, as an adopter recognised it.

    Attributes:
        environment: the environment; nothing in it is ever changed.
        certainty: how special the sign is that it was recognised by: 1 for what many places have (a program called
            python), 2 for the mark of a kind (``pyvenv.cfg``), 3 for the mark of a kind that other kinds' marks may
            stand beside (``conda-meta``). Of several adopters the most certain one is believed.
        why: the sign, in words: ``it has conda-meta/history``.
        installed: name to version of what is installed there.
    """

    environment: Environment
    certainty: int
    why: str
    installed: Mapping[str, str] = NOTHING


class EnvDelta(NamedTuple):
    """A change to environment variables: ``unset`` first, then ``set``, then ``prepend`` (to a search path)."""

    set: Mapping[str, str] = NOTHING
    unset: tuple[str, ...] = ()
    prepend: Mapping[str, tuple[str, ...]] = NOTHING


class Activation(NamedTuple):
    """Where commands run: changed variables, and a prefix of the command line.

    Attributes:
        delta: applied to the environment of every command.
        prefix: put before every command line (``["srun", "-n1"]``); empty for the machine itself. It is started in the
            command's directory and with the command's variables: what leads into another file system finds both there.
    """

    delta: EnvDelta = EnvDelta()
    prefix: tuple[str, ...] = ()


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
