"""What a source tree states without being built: that there is something to build, and for which Pythons.

This runs for every row of every run, so the usual spellings are understood without `tomllib` and `packaging`;
those two are asked for the rest.
"""

from __future__ import annotations

import os

_KEY = b"requires-python"


def has_build_files(root: str) -> bool:
    """Whether a directory is something that a build backend can build."""
    return any(os.path.isfile(os.path.join(root, name)) for name in ("pyproject.toml", "setup.py"))


def stated_requirement(root: str) -> str:
    """What ``[project] requires-python`` in ``root/pyproject.toml`` says; empty where it says nothing or can't be read."""
    try:
        with open(os.path.join(root, "pyproject.toml"), "rb") as stream:
            text = stream.read()
    except OSError:
        return ""
    if _KEY not in text:
        return ""
    found = _scan(text)
    return _parse(text) if found is None else found


def allows(requirement: str, version: tuple[int, ...]) -> bool:
    """Whether a version specifier (PEP 440) takes an interpreter's version.

    Args:
        requirement: ``>=3.9,<4``; an empty or malformed one allows everything: its author's tools complain better.
        version: what is known of major, minor and micro. What is unknown is not held against the interpreter.
    """
    if not version:
        return True
    for clause in requirement.split(","):
        verdict = _simple(clause.strip(), version)
        if verdict is None:
            return _packaging_allows(requirement, version)
        if not verdict:
            return False
    return True


def _scan(text: bytes) -> str | None:
    """The value, if it stands in the plainest form there is; ``None`` when only a parser can tell."""
    if text.count(_KEY) != 1 or b'"""' in text or b"'''" in text:
        return None
    table = b""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(b"["):
            table = line
        if line.startswith(_KEY):
            return _quoted(line[len(_KEY) :]) if table == b"[project]" else None
    return None


def _quoted(rest: bytes) -> str | None:
    """The string in `` = "VALUE"``, if nothing follows it and nothing in it is escaped."""
    value = rest.strip().removeprefix(b"=").strip()
    if len(value) < 2 or value[:1] not in {b'"', b"'"} or value[-1:] != value[:1]:  # noqa: PLR2004 - two quotes
        return None
    inner = value[1:-1]
    plain = value[:1] not in inner and b"\\" not in inner and inner.isascii()
    return inner.decode("ascii") if plain else None


def _parse(text: bytes) -> str:
    import tomllib

    try:
        project = tomllib.loads(text.decode("utf-8")).get("project")
    except ValueError:
        return ""
    value = project.get("requires-python") if isinstance(project, dict) else None
    return value if isinstance(value, str) else ""


def _simple(clause: str, version: tuple[int, ...]) -> bool | None:
    """The verdict of ``>=X.Y`` and ``<X.Y``; ``None`` for all other kinds of clauses."""
    if not clause:
        return True
    at_least = clause.startswith(">=")
    if not at_least and (not clause.startswith("<") or clause.startswith("<=")):
        return None
    parts = clause[2 if at_least else 1 :].strip().split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    bound = tuple(map(int, parts))
    return version >= bound[: len(version)] if at_least else version < bound


def _packaging_allows(requirement: str, version: tuple[int, ...]) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(requirement)
    except InvalidSpecifier:
        return True
    # Where the micro version is unknown, the first and the last thinkable speak for all.
    candidates = [version] if len(version) > 2 else [(*version, 0), (*version, 99)]  # noqa: PLR2004 - (3, 12)
    return any(specifiers.contains(".".join(map(str, each)), prereleases=True) for each in candidates)
