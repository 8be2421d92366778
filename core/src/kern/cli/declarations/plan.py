"""How ``kern plan`` is spelt."""

from kern.cli.declarations.model import (
    ENV_FROM,
    JSON,
    LABEL,
    LOCKED,
    MISSING,
    PACKAGE,
    RECREATE,
    SELECTION,
    SKIP,
    STRICT_DRIFT,
    Verb,
)
from kern.named_tuples import NamedTuple


class PlanArguments(NamedTuple):
    """Arguments of ``kern plan``; ``rest`` is what would replace ``{posargs}``."""

    selection: tuple[str, ...] = ()
    recreate: bool = False
    packages: tuple[str, ...] = ()
    locked: bool = False
    env_from: str = ""
    strict_drift: bool = False
    missing: str = ""
    labels: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False
    rest: tuple[str, ...] = ()


VERB = Verb(
    "plan",
    PlanArguments,
    "Nothing is built, made or run. A run with the same arguments does what the plan says.",
    (RECREATE, PACKAGE, LOCKED, ENV_FROM, STRICT_DRIFT, MISSING, LABEL, SKIP, JSON),
    SELECTION,
    "POSARGS",
    "What stands after -- replaces {posargs} in the commands.",
    examples=(
        ("kern plan", "show what kern run would do now"),
        ("kern plan py312 --json", "print the plan for py312 as JSON"),
    ),
)
