"""The verb ``kern show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.cli.opening import masked, open_session, print_json, write
from kern.errors import UsageError
from kern.visible import visible_lines

if TYPE_CHECKING:
    from kern.cli.declarations import ShowArguments
    from kern.session import Session


def main(arguments: ShowArguments) -> int:
    """Print the settings of environments."""
    from kern.showing import document

    session = open_session(arguments)
    try:
        names = tuple(_name(session, text) for text in arguments.environments)
        documents = [masked(document(session, name), session.masker) for name in names]
        if arguments.json:
            print_json({"schema": 1, "environments": documents})
        else:
            write("\n".join(_text(shown) for shown in documents))
        return 0
    finally:
        session.close()


def _name(session: Session, text: str) -> str:
    found = session.select((text,)).names
    if len(found) != 1:
        raise UsageError(
            f"{text!r} is {len(found)} environments: {', '.join(found[:5])}",
            where="command line",
            hint="kern show takes whole names; kern list shows them",
        )
    return found[0]


def _text(shown: dict[str, Any]) -> str:
    lines = [f"[{shown['environment']}]"]
    lines += [f"row = {row['row']}  # {row['package'] or 'no package'}: {row['why']}" for row in shown["rows"]]
    lines += _elsewhere(shown)
    for key, setting in shown["settings"].items():
        if setting["from"]:
            lines.append(f"{key} = {_value(setting['value'])}  # {', '.join(setting['from'])}")
        elif setting["value"] not in (None, "", [], {}, False, 0):
            lines.append(f"{key} = {_value(setting['value'])}  # default")
    return visible_lines("\n".join(lines)) + "\n"


def _elsewhere(shown: dict[str, Any]) -> list[str]:
    """Where the environment's commands run, if not in one of its own, and what is missing there."""
    existing = shown["existing"]
    if existing is None:
        return []
    found = (
        f"{existing['location']} ({existing['kind']}), {existing['why']}" if existing["location"] else existing["why"]
    )
    return [
        f"# existing: {found or existing['target'] + ' is not made'}",
        *(f"# drift: {lack}" for lack in shown["drift"]),
    ]


def _value(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, default=str)
