"""How ``kern lock`` is spelt."""

from kern.cli.declarations.model import JSON, LABEL, LOCK_TIMEOUT, MANY, SELECTION, SKIP, SWITCH, WORKERS, Option, Verb
from kern.named_tuples import NamedTuple


class LockArguments(NamedTuple):
    """Arguments of ``kern lock``."""

    selection: tuple[str, ...] = ()
    check: bool = False
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    jobs: str = "auto"
    labels: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    lock_timeout: float = 600.0
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "lock",
    LockArguments,
    "Without a selection the default environments are locked. A lock file that answers the configuration is left alone, "
    "and versions in one that does not are kept where they still fit. kern run --locked installs from it.",
    (
        Option(
            "check",
            ("--check",),
            SWITCH,
            "Change nothing; say whether the lock files answer the configuration, and fail where one does not.",
        ),
        Option("upgrade", ("-U", "--upgrade"), SWITCH, "Resolve everything anew, to the newest versions that fit."),
        Option(
            "upgrade_packages",
            ("-P", "--upgrade-package"),
            MANY,
            "Let this package have another version, and leave the others. May be repeated.",
            "NAME",
        ),
        WORKERS,
        LABEL,
        SKIP,
        LOCK_TIMEOUT,
        JSON,
    ),
    SELECTION,
    examples=(
        ("kern lock", "lock the default environments"),
        ("kern lock 'py31*' -U", "lock these anew, with the newest versions"),
        ("kern lock --check", "fail if a lock file does not answer the configuration"),
    ),
)
