"""What an environment that kern did not make lacks of what a row asks for; nothing is started, nothing is changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern_venv.dependencies import (
    CONSTRAINT,
    EDITABLE,
    FILE,
    OPTION,
    PATH,
    Entry,
    is_url,
    located,
    logical_lines,
    parse_entry,
    read_file,
    without_extras,
)
from kern_venv.groups import canonical, group_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Adopted, EnvSpec


class _Line(NamedTuple):
    entry: Entry
    folder: str
    constrains: bool


def find_drift(spec: EnvSpec, adopted: Adopted) -> tuple[str, ...]:
    """Say what an environment lacks of a row's interpreter, dependencies, groups and constraints.

    Raises:
        ConfigError: a file or a group that the options name does not exist.
    """
    facts = adopted.environment.facts
    stated = requirements(spec)
    texts = (*stated["deps"], *stated["dependency_groups"], *(f"-c {path}" for path in spec.options.constraints))
    version = facts.get("version", "")
    lacking = missing_requirements(texts, adopted.installed, project_dir=spec.project_dir, python_version=version)
    return (*_upgraded(facts), *_other_interpreter(spec, facts), *lacking)


def requirements(spec: EnvSpec) -> dict[str, tuple[str, ...]]:
    """Say what a row asks for, files and groups followed.

    Returns:
        ``deps``: requirements and local paths, what ``-r`` files include put in their place; ``dependency_groups``:
        the requirements of the groups; ``extras``: names of extras of the package under test.

    Raises:
        ConfigError: a file or a group does not exist.
    """
    lines = _lines(spec.options.deps, spec.project_dir)
    return {
        "deps": tuple(dict.fromkeys(_text(line) for line in lines if not line.constrains)),
        "dependency_groups": tuple(group_requirements(spec.options.dependency_groups, spec.project_dir)),
        "extras": tuple(spec.options.extras),
    }


def missing_requirements(
    requirements: Sequence[str], installed: Mapping[str, str], *, project_dir: str, python_version: str
) -> tuple[str, ...]:
    """Say in words which requirements are not met by what is installed.

    Args:
        requirements: entries of ``deps``: requirements (PEP 508), ``-r FILE``, ``-c FILE``, ``-e PATH``, local paths.
        installed: name to version, in any spelling of the names.
        project_dir: what files and paths are relative to.
        python_version: of the environment's interpreter, for markers: ``3.11`` or ``3.11.7``; empty where it is not
            known, then that of the python that runs kern counts.

    Returns:
        A sentence for each: ``pytest>=8 is not installed``, ``numpy is 1.26.4, wanted >=2``.

    Raises:
        ConfigError: a file does not exist.
    """
    there = {canonical(name): version for name, version in installed.items()}
    said: dict[str, None] = {}
    for line in _lines(requirements, project_dir):
        sentence = _judge(line, there, project_dir, python_version)
        if sentence:
            said[sentence] = None
    return tuple(said)


def _lines(texts: Sequence[str], project_dir: str) -> Iterator[_Line]:
    """Follow files, in order; each file once."""
    seen: set[str] = set()
    pending = [_Line(parse_entry(text), project_dir, False) for text in reversed(texts)]
    while pending:
        line = pending.pop()
        entry, folder, _ = line
        if entry.kind == OPTION or (entry.kind in (FILE, CONSTRAINT) and is_url(entry.value)):
            continue
        if entry.kind not in (FILE, CONSTRAINT):
            yield line
            continue
        path = located(entry, folder)
        if path not in seen:
            seen.add(path)
            constrains = line.constrains or entry.kind == CONSTRAINT
            inside = logical_lines(read_file(path, "deps"))
            found = [_Line(parse_entry(text), os.path.dirname(path), constrains) for text in inside]
            pending += reversed(found)


def _text(line: _Line) -> str:
    entry = line.entry
    if entry.kind == EDITABLE:
        return f"-e {entry.value}"
    return entry.value if entry.kind == PATH else _without_options(entry.value)


def _without_options(text: str) -> str:
    """Take the options of a requirements file, ``--hash=...`` for one, from the end of a requirement."""
    return text.partition(" --")[0].strip()


def _judge(line: _Line, installed: Mapping[str, str], project_dir: str, python_version: str) -> str:
    entry = line.entry
    if entry.kind in (EDITABLE, PATH):
        name = _name_at(without_extras(located(entry, project_dir)))
        return f"{name} ({entry.value}) is not installed" if name and canonical(name) not in installed else ""
    from packaging.requirements import InvalidRequirement, Requirement

    text = _without_options(entry.value)
    try:
        wish = Requirement(text)
    except InvalidRequirement:
        return "" if is_url(text) else f"{text!r} is no requirement"
    if wish.marker is not None and not wish.marker.evaluate(_markers(python_version)):
        return ""
    version = installed.get(canonical(wish.name))
    if version is None:
        return "" if line.constrains else f"{wish.name}{wish.specifier} is not installed"
    fitting = wish.specifier.contains(version, prereleases=True) if _is_version(version) else not wish.specifier
    return "" if fitting else f"{wish.name} is {version}, wanted {wish.specifier}"


def _is_version(text: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _markers(python_version: str) -> dict[str, str]:
    """Say what markers see (PEP 508): this machine, with the version of the environment's interpreter."""
    if not python_version:
        return {}
    parts = python_version.split(".")
    full = ".".join((*parts, "0")[:3])
    return {
        "python_version": ".".join(parts[:2]),
        "python_full_version": full,
        "implementation_version": full,
    }


def _name_at(path: str) -> str:
    """Name the distribution that a wheel, an sdist or a source tree is, as far as its name or its metadata says so."""
    if os.path.isfile(path):
        return os.path.basename(path).partition("-")[0]
    import tomllib

    try:
        with open(os.path.join(path, "pyproject.toml"), "rb") as file:
            return str(tomllib.load(file)["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _upgraded(facts: Mapping[str, str]) -> tuple[str, ...]:
    """Say that the interpreter below a virtual environment has become another, which sees nothing installed there."""
    made_for = facts.get("made_for", "")
    return (f"it was made for python {made_for}, and its interpreter is {facts['version']} now",) if made_for else ()


def _other_interpreter(spec: EnvSpec, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Say that none of the interpreters which a row asks for is the environment's."""
    from kern_venv.inspection import Interpreter
    from kern_venv.interpreters import fits
    from kern_venv.wanted import parse_version, parse_wanted, wanted_interpreters

    version = parse_version(facts.get("version", "")) or ()
    wishes = {text: parse_wanted(text) for text in wanted_interpreters(spec.options, spec.factors)}
    known = {text: wish for text, wish in wishes.items() if wish is not None and not wish.path}
    if not version or not known or len(known) < len(wishes):
        return ()
    implementation = facts.get("implementation", "") or "cpython"
    found = Interpreter("", implementation, version, "t" in facts.get("flags", ""), "")
    if any(fits(wish, found) for wish in known.values()):
        return ()
    name = "python" if implementation == "cpython" else implementation
    return (f"its interpreter is {name} {facts['version']}, wanted {' or '.join(known)}",)
