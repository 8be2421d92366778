"""What a conda environment that kern did not make lacks of what a row asks for; nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.version import Version

    from kern.api import Adopted, EnvSpec

_OPERATORS = ("==", ">=", "<=", "!=", "~=", "=", ">", "<")


def find_drift(spec: EnvSpec, adopted: Adopted) -> tuple[str, ...]:
    """Say what is absent, or there in another version than asked for.

    Versions are compared where both sides can be read without conda; what can't be read counts as right.

    Raises:
        ConfigError: a file or a group that the options name does not exist.
    """
    from kern_conda.environment_file import read_environment_file
    from kern_conda.wishes import python_specs

    options = spec.options
    file = read_environment_file(options.environment_file, spec.project_dir)
    wanted = (*python_specs(spec.factors), *file.conda, *options.conda_deps)
    installed = {name.lower(): version for name, version in adopted.installed.items()}
    version = adopted.environment.facts.get("version", "")
    if version:  # an environment of another kind lists no python
        installed.setdefault("python", version)
    lacking = tuple(filter(None, (_lack(text, installed) for text in wanted)))
    return (*lacking, *_lacking_from_pypi(spec, adopted, file.pypi, installed.get("python", "")))


def _lacking_from_pypi(spec: EnvSpec, adopted: Adopted, pypi: Sequence[str], python: str) -> tuple[str, ...]:
    from kern_venv.api import group_requirements, missing_requirements

    options = spec.options
    groups = group_requirements(options.dependency_groups, spec.project_dir)
    texts = (*pypi, *options.deps, *groups, *(f"-c {path}" for path in options.constraints))
    if not texts:
        return ()
    return tuple(missing_requirements(texts, adopted.installed, project_dir=spec.project_dir, python_version=python))


def _lack(text: str, installed: dict[str, str]) -> str:
    from kern_conda.wishes import spec_name

    name = spec_name(text)
    version = installed.get(name)
    if version is None:
        return f"{text} is not installed"
    wanted = version_part(text)
    return "" if matches(version, wanted) else f"{name} is {version}, wanted {wanted}"


def version_part(text: str) -> str:
    """The version of a MatchSpec as it stands there, without name, build and what is in brackets."""
    from kern_conda.wishes import spec_name

    rest = text.rpartition("::")[2].partition("[")[0].strip()[len(spec_name(text)) :].strip()
    words = rest.split()
    if not words:
        return ""
    if rest[0] == "=" and not rest.startswith("=="):
        return f"={words[0].lstrip('=').partition('=')[0]}"
    joined = words[0]
    for word in words[1:]:
        if joined[-1] not in ",|<>=!~" and word[0] not in ",|<>=!~":
            break  # the build string
        joined += word
    return joined


def matches(version: str, wanted: str) -> bool:
    """Whether a version is in a MatchSpec's version part: ``>=1.2,<2|3.*``; true for what can't be read."""
    if wanted in ("", "*"):
        return True
    return any(all(_holds(version, one) for one in choice.split(",")) for choice in wanted.split("|"))


def _holds(version: str, condition: str) -> bool:
    from packaging.version import InvalidVersion, Version

    operator = next((one for one in _OPERATORS if condition.startswith(one)), "")
    bound = condition[len(operator) :]
    fuzzy = bound.endswith("*") or operator == "="
    stem = bound.rstrip("*").rstrip(".")
    try:
        have, limit = Version(version), Version(stem) if stem else None
    except InvalidVersion:
        return True
    if limit is None:
        return True
    if fuzzy and operator in ("", "=", "==", "!="):
        return _begins(have.release, limit.release) is not (operator == "!=")
    return _compare(have, operator, limit)


def _begins(have: tuple[int, ...], start: tuple[int, ...]) -> bool:
    return (*have, *(0 for _ in start))[: len(start)] == start


def _compare(have: Version, operator: str, limit: Version) -> bool:
    from operator import eq, ge, gt, le, lt, ne

    if operator == "~=":
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            return SpecifierSet(f"~={limit}").contains(str(have), prereleases=True)
        except InvalidSpecifier:
            return True
    chosen = {">=": ge, "<=": le, ">": gt, "<": lt, "!=": ne}.get(operator, eq)
    return bool(chosen(have, limit))
