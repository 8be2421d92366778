"""The verb ``kern list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.cli.opening import open_session, print_json, write
from kern.listing import Listed, document, listing
from kern.visible import visible_lines

if TYPE_CHECKING:
    from kern.cli.declarations import ListArguments
    from kern.session import Session


def main(arguments: ListArguments) -> int:
    """Print the environments."""
    session = open_session(arguments)
    try:
        if arguments.label_names:
            write("".join(f"{label}\n" for label in _labels(session)))
            return 0
        names = _chosen(session, arguments)
        if arguments.names:
            write("".join(f"{name}\n" for name in names))
            return 0
        _say_assumed(session, arguments)
        rows = listing(session, names, decide=arguments.why or arguments.json)
        if arguments.json:
            print_json({"schema": 1, "environments": [document(row) for row in rows]})
        else:
            write(_table(list(rows), why=arguments.why))
        return 0
    finally:
        session.close()


def _chosen(session: Session, arguments: ListArguments) -> tuple[str, ...]:
    if arguments.selection or arguments.labels:
        names = session.select(arguments.selection, arguments.labels).names
    else:
        names = tuple(session.matrix)
    return tuple(name for name in names if session.matrix.get(name)) if arguments.default else names


def _labels(session: Session) -> list[str]:
    from kern.expression import factors_of

    found = dict.fromkeys(session.project.labels)
    if session.settings.varies("labels") or session.settings.value("", (), "labels"):
        for name in session.matrix:
            found.update(dict.fromkeys(session.settings.value(name, factors_of(name), "labels")))
    return list(found)


def _say_assumed(session: Session, arguments: ListArguments) -> None:
    if not arguments.quiet and not arguments.json:
        for text in session.project.assumed:
            session.warn(text)


def _table(rows: list[Listed], *, why: bool) -> str:
    """Lines of mark, label, and description or reason. Plain concatenation: there may be fifty thousand."""
    if not rows:
        return "no environments\n"
    width = max(len(listed.row.label) for listed in rows)
    lines = []
    for listed in rows:
        mark = "* " if listed.default else "  "
        note = _why(listed) if why else _said(listed)
        lines.append(f"{mark}{listed.row.label:<{width}}  {note}".rstrip())
    text = "\n".join(lines)
    legend = "\n\n* runs by default\n" if any(listed.default for listed in rows) else "\n"
    return visible_lines(text) + legend


def _said(listed: Listed) -> str:
    existing = listed.row.existing
    return f"{listed.description} (existing: {existing})".lstrip() if existing else listed.description


def _why(listed: Listed) -> str:
    package = listed.row.package or "no package"
    return f"{listed.row.provider}, {package}: {listed.row.why}"
