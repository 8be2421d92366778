"""What a verb's declaration consists of, which values its options take, and the options that all verbs share."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from kern.cli.declarations import Arguments

    Value = str | float | bool | tuple[str, ...]
    """The value of a field; ``int`` is a ``float`` to the type checker."""

    Given = dict[str, Value]
    """Field to value, for what a command line gives."""

SWITCH = "switch"
COUNT = "count"
TEXT = "text"
MANY = "many"
SECONDS = "seconds"
JOBS = "jobs"
"""The kinds of an option: there or not; how often it is there; one text; texts in order; a time; a number or ``auto``."""

ENVIRONMENTS = "environments"
LABELS = "labels"
FILES = "files"
DIRECTORIES = "directories"
"""What a shell completes a value with."""


class Option(NamedTuple):
    """One option, or the arguments that a verb takes without one.

    Attributes:
        field: the name of its field in the verb's arguments; the default stands there.
        flags: how it is spelt, the short flag first; empty for the arguments without a flag.
        kind: one of the kinds above.
        help: whole sentences.
        metavar: what its value is called in help texts; empty for a switch or a count.
        choices: the only values it takes; empty for any.
        variable: the environment variable that gives the value where the command line does not.
        completes: what a shell completes its value with.
    """

    field: str
    flags: tuple[str, ...]
    kind: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    variable: str = ""
    completes: str = ""


class Verb(NamedTuple):
    """One verb.

    Attributes:
        name: what the user types.
        arguments: the named tuple of its arguments; its defaults are the options' defaults.
        help: what it does, in whole sentences, after the summary.
        options: its own options; `COMMON` belongs to every verb.
        operand: what it takes without a flag; required where its field has no default.
        rest: what may stand after ``--``, as it is called in help texts; empty for nothing.
        rest_help: a sentence on that.
        rest_demanded: whether there must be a ``--`` and something after it.
        rest_spared: the field of the switch with which there need not be.
        examples: command lines, each with what it does.
    """

    name: str
    arguments: Callable[..., "Arguments"]
    help: str
    options: tuple[Option, ...] = ()
    operand: Option | None = None
    rest: str = ""
    rest_help: str = ""
    rest_demanded: bool = False
    rest_spared: str = ""
    examples: tuple[tuple[str, str], ...] = ()

    def fields(self) -> tuple[str, ...]:
        """The names of the fields of its arguments."""
        names: tuple[str, ...] = getattr(self.arguments, "_fields", ())
        return names

    def defaults(self) -> Mapping[str, "Value"]:
        """The default of each field that has one."""
        values: Mapping[str, Value] = getattr(self.arguments, "_field_defaults", {})
        return values


COMMON = (
    Option(
        "directory",
        ("-C", "--directory"),
        TEXT,
        "Act as if kern had been started in this directory.",
        "DIR",
        completes=DIRECTORIES,
    ),
    Option(
        "config", ("--config",), TEXT, "Read this configuration instead of looking for one.", "FILE", completes=FILES
    ),
    Option("verbose", ("-v", "--verbose"), COUNT, "Say more; give it twice for everything."),
    Option("quiet", ("-q", "--quiet"), SWITCH, "Say only what went wrong."),
)
JSON = Option("json", ("--json",), SWITCH, "Print JSON on standard output, and everything else on standard error.")
RECREATE = Option("recreate", ("--recreate",), SWITCH, "Make everything anew, even what is up to date.")
LOCKED = Option(
    "locked",
    ("--locked",),
    SWITCH,
    "Install every environment from its lock file, exactly. A lock file that is missing or stale is an error.",
)
ENV_FROM = Option(
    "env_from",
    ("--env-from",),
    TEXT,
    "Run the commands in this environment, which is there already, instead of in their own: its name, a path, or "
    "KIND:NAME. Nothing is built, made or installed.",
    "TARGET",
    completes=DIRECTORIES,
)
STRICT_DRIFT = Option(
    "strict_drift",
    ("--strict-drift",),
    SWITCH,
    "What an existing environment lacks is an error of the row, not a warning.",
)
PACKAGE = Option(
    "packages",
    ("--package",),
    MANY,
    "Test this ready package instead of building one. A directory offers all packages in it. May be repeated.",
    "PATH",
    completes=FILES,
)
MISSING = Option(
    "missing",
    ("--missing",),
    TEXT,
    "Skip environments that cannot be made here, for want of an interpreter for example, or fail. "
    "Without it, environments that are named on the command line must be there, and on CI all of them.",
    "skip|fail",
    choices=("skip", "fail"),
    variable="KERN_MISSING",
)
LABEL = Option(
    "labels",
    ("-l", "--label"),
    MANY,
    "Select the environments with this label. May be repeated.",
    "NAME",
    completes=LABELS,
)
SKIP = Option(
    "skip",
    ("--skip",),
    MANY,
    "Leave out the environments that match this expression. May be repeated.",
    "EXPR",
    completes=ENVIRONMENTS,
)
WORKERS = Option(
    "jobs",
    ("-j", "--jobs"),
    JOBS,
    "How many things to do at once. With auto they are as many as kern may use processors.",
    "N|auto",
    variable="KERN_JOBS",
)
LOCK_TIMEOUT = Option(
    "lock_timeout",
    ("--lock-timeout",),
    SECONDS,
    "How long to wait for another kern that works on the same thing.",
    "SECONDS",
)
SELECTION = Option(
    "selection",
    (),
    MANY,
    "Names of environments or factor expressions, such as py312, 'py31*' or 'py3{11-13}-!conda'.",
    "SELECTION",
    completes=ENVIRONMENTS,
)


def usage(verb: Verb) -> str:
    """How a line with this verb looks: ``kern run [OPTIONS] [SELECTION...] [-- POSARGS...]``."""
    parts = ["kern", verb.name, "[OPTIONS]"]
    if verb.operand:
        text = verb.operand.metavar + ("..." if verb.operand.kind == MANY else "")
        parts.append(f"[{text}]" if verb.operand.field in verb.defaults() else text)
    if verb.rest:
        parts.append(f"-- {verb.rest}..." if verb.rest_demanded else f"[-- {verb.rest}...]")
    return " ".join(parts)


def default_text(verb: Verb, option: Option) -> str:
    """The default of an option as the user would write it; empty where nothing is the default."""
    value = verb.defaults().get(option.field)
    return f"{value:g}" if isinstance(value, float) else str(value or "")


def convert(option: Option, text: str) -> "Value":
    """The value that a text means for an option of the kinds that take one; the single text for ``many``.

    Raises:
        ValueError: the option takes no such value; says what it takes.
    """
    if not text:
        raise ValueError("it takes no empty text")
    if option.choices and text not in option.choices:
        raise ValueError(f"it takes one of {', '.join(option.choices)}")
    if option.kind == JOBS and text != "auto" and not is_count(text):
        raise ValueError("it takes a number from 1 to 9999, or auto")
    if option.kind == SECONDS:
        return seconds(text)
    return text


def is_count(text: str) -> bool:
    """Whether a text is a number of one to four digits, and not zero."""
    return text.isascii() and text.isdigit() and len(text) <= 4 and int(text) > 0  # noqa: PLR2004


def seconds(text: str) -> float:
    """The number of seconds that a text means.

    Raises:
        ValueError: it means none, or one that nobody can wait for.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:  # noqa: PLR2004 - thirty years; also leaves out inf and nan
        raise ValueError("it takes a number of seconds, from 0")
    return number


def completed(verb: Verb, given: "Given", rest: tuple[str, ...], environ: Mapping[str, str]) -> "Arguments":
    """Fill in what the command line did not give: from environment variables, then from the defaults.

    Args:
        verb: whose arguments they are.
        given: field to value, for what the command line gave.
        rest: what stood after ``--``.
        environ: the environment variables.

    Raises:
        ValueError: a variable has a value that its option doesn't take.
    """
    values = dict(given)
    for option in verb.options:
        text = environ.get(option.variable, "") if option.variable else ""
        if text and option.field not in values:
            try:
                values[option.field] = convert(option, text)
            except ValueError as error:
                raise ValueError(f"{option.variable} is set to {text!r}, but {error}") from None
    if verb.rest:
        values["rest"] = rest
    return verb.arguments(**values)
