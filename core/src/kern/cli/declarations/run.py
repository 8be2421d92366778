"""How ``kern run`` is spelt."""

from kern.cli.declarations.model import (
    ENV_FROM,
    FILES,
    JSON,
    LABEL,
    LOCK_TIMEOUT,
    LOCKED,
    MANY,
    MISSING,
    PACKAGE,
    RECREATE,
    SELECTION,
    SKIP,
    STRICT_DRIFT,
    SWITCH,
    WORKERS,
    Option,
    Verb,
)
from kern.named_tuples import NamedTuple


class RunArguments(NamedTuple):
    """Arguments of ``kern run``; ``rest`` is what replaces ``{posargs}``."""

    selection: tuple[str, ...] = ()
    jobs: str = "auto"
    fail_fast: bool = False
    recreate: bool = False
    no_test: bool = False
    packages: tuple[str, ...] = ()
    locked: bool = False
    env_from: str = ""
    strict_drift: bool = False
    missing: str = ""
    reports: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    lock_timeout: float = 600.0
    interactive: bool = False
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False
    rest: tuple[str, ...] = ()


VERB = Verb(
    "run",
    RunArguments,
    "Without a selection the default environments run. Only what has changed is built and made again.",
    (
        WORKERS,
        Option("fail_fast", ("-x", "--fail-fast"), SWITCH, "Start nothing more after the first failure."),
        RECREATE,
        Option("no_test", ("--no-test",), SWITCH, "Build and make everything, but run no commands."),
        PACKAGE,
        LOCKED,
        ENV_FROM,
        STRICT_DRIFT,
        MISSING,
        Option(
            "reports",
            ("--report",),
            MANY,
            "Also write a report to this file; its suffix says which kind. May be repeated.",
            "FILE",
            completes=FILES,
        ),
        LABEL,
        SKIP,
        LOCK_TIMEOUT,
        Option(
            "interactive",
            ("-i", "--interactive"),
            SWITCH,
            "Run one environment at a time with the terminal attached, for a debugger for example.",
        ),
        JSON,
    ),
    SELECTION,
    "POSARGS",
    "What stands after -- replaces {posargs} in the commands.",
    examples=(
        ("kern run", "run the default environments"),
        ("kern run py312 lint", "run these two"),
        ("kern run 'py31*' -j 4 -x", "run all that match, four at once, up to the first failure"),
        ("kern run py312 -- -k parser", "give the commands of py312 more arguments"),
        ("kern run --package dist", "test the packages in dist instead of building any"),
        ("kern run --env-from system py312", "run the commands of py312 with the machine's own python"),
    ),
)
