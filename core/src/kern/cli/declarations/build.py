"""How ``kern build`` is spelt."""

from kern.cli.declarations.model import (
    DIRECTORIES,
    ENVIRONMENTS,
    JSON,
    LOCK_TIMEOUT,
    MANY,
    RECREATE,
    TEXT,
    WORKERS,
    Option,
    Verb,
)
from kern.named_tuples import NamedTuple


class BuildArguments(NamedTuple):
    """Arguments of ``kern build``; ``environments`` are the expressions of ``--for``."""

    packages: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    output: str = "dist"
    recreate: bool = False
    jobs: str = "auto"
    lock_timeout: float = 600.0
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "build",
    BuildArguments,
    "Without names all packages are built that the environments need. What is up to date is only copied.",
    (
        Option(
            "environments",
            ("--for",),
            MANY,
            "Build for the environments that match this expression, instead of the default ones. May be repeated.",
            "EXPR",
            completes=ENVIRONMENTS,
        ),
        Option(
            "output",
            ("-o", "--output"),
            TEXT,
            "Copy the packages to this directory.",
            "DIR",
            completes=DIRECTORIES,
        ),
        RECREATE,
        WORKERS,
        LOCK_TIMEOUT,
        JSON,
    ),
    Option("packages", (), MANY, "Names of package definitions, such as sdist or wheel.", "PACKAGE"),
    examples=(
        ("kern build", "build what the default environments need into dist"),
        ("kern build wheel --for 'py31*' -o wheels", "build the wheels for these environments into wheels"),
    ),
)
