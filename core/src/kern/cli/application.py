"""Make cyclopts applications from the declarations of the verbs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from kern.cli.declarations import VERBS
from kern.cli.declarations.model import COMMON, COUNT, MANY, SWITCH, convert, default_text, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kern.cli.declarations.model import Option, Verb

HELP = (
    "One tool for every kind of test environment: it builds packages, makes environments, runs the tests and reports."
)
HELP_FLAGS = ("--help", "-h")
VERSION_FLAGS = ("--version", "-V")
TYPES: dict[str, object] = {SWITCH: bool, COUNT: int, MANY: list[str]}
OPTIONS = Group("Options", sort_key=1)
COMMON_OPTIONS = Group("Common options", sort_key=2)


def application(verb: Verb) -> App:
    """The cyclopts application that knows one verb."""
    app = root()
    app.command(
        function_with(parameters_of(verb)),
        name=verb.name,
        help=f"{VERBS[verb.name]}\n\n{verb.help} {verb.rest_help}",
        usage=f"Usage: {usage(verb)}\n",
        help_epilogue="Examples:\n" + "".join(f"\n  {line}\n      {what}" for line, what in verb.examples),
    )
    return app


def root() -> App:
    """The cyclopts application without verbs."""
    app = App(
        name="kern",
        help=HELP,
        help_format="plaintext",
        help_flags=HELP_FLAGS,
        version_flags=VERSION_FLAGS,
        group_commands=Group("Verbs", sort_key=0),
        usage="Usage: kern [COMMON OPTIONS] VERB [OPTIONS] [ARGUMENTS]\n",
        help_epilogue="kern VERB --help explains a verb.",
    )
    app["--help"].group = app["--version"].group = COMMON_OPTIONS
    return app


def parameters_of(verb: Verb) -> list[inspect.Parameter]:
    """What a verb takes, as the parameters of a function."""
    parameters = [keyword_of(option, default_text(verb, option)) for option in verb.options]
    parameters += [keyword_of(option) for option in COMMON]
    return [positional_of(verb, verb.operand), *parameters] if verb.operand else parameters


def function_with(parameters: Sequence[inspect.Parameter]) -> Callable[..., None]:
    """A function with these parameters; it is never called."""

    def function() -> None:
        raise NotImplementedError

    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


def keyword_of(option: Option, default: str = "") -> inspect.Parameter:
    """An option, as a parameter of a function; the default is for help texts only."""
    many = option.kind == MANY
    parameter = Parameter(
        name=option.flags[::-1],
        help=option.help + (f" The environment variable {option.variable} says it too." if option.variable else ""),
        metavar=option.metavar or None,
        group=COMMON_OPTIONS if option in COMMON else OPTIONS,
        negative=(),
        count=option.kind == COUNT,
        allow_repeating=None if many or option.kind == COUNT else True,
        show_choices=False,
        show_default=shown(default),
        validator=validator_of(option),
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.field, kind, default=None, annotation=Annotated[type_of(option), parameter])


def positional_of(verb: Verb, option: Option) -> inspect.Parameter:
    """What a verb takes without a flag, as a parameter of a function."""
    many = option.kind == MANY
    required = option.field not in verb.defaults()
    parameter = Parameter(
        name=option.metavar,
        help=option.help,
        required=required,
        negative=(),
        show_default=shown(default_text(verb, option)),
        validator=validator_of(option),
    )
    if many:
        each = Annotated[str, parameter]
        return inspect.Parameter(option.field, inspect.Parameter.VAR_POSITIONAL, annotation=each)
    default = inspect.Parameter.empty if required else None
    kind = inspect.Parameter.POSITIONAL_ONLY
    return inspect.Parameter(option.field, kind, default=default, annotation=Annotated[type_of(option), parameter])


def type_of(option: Option) -> Any:
    """The type that makes cyclopts read an option as its kind; texts are converted afterwards."""
    return Literal[option.choices] if option.choices else TYPES.get(option.kind, str)


def shown(default: str) -> Any:
    """How cyclopts is told to show a default: not at all where nothing is the default."""
    return (lambda _value: default) if default else False


def validator_of(option: Option) -> Any:
    """A function for cyclopts that raises where an option doesn't take a value."""

    def validate(_type: object, value: object) -> None:
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(text, str):
                convert(option, text)

    return validate


def overview() -> App:
    """The cyclopts application that shows all verbs and takes the common options."""
    app = root()
    for position, (name, summary) in enumerate(VERBS.items()):
        app.command(App(name=name, help=summary, sort_key=position))
    app.default(function_with([keyword_of(option) for option in COMMON]))
    return app
