"""``environment.yml``, as conda reads it.

https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html#create-env-file-manually
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import NOTHING, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OPTIONS = ("-r", "-c", "-e", "--requirement", "--constraint", "--editable")
_KEYS = ("name", "prefix", "channels", "dependencies", "variables", "platforms", "category")


class EnvironmentFile(NamedTuple):
    """What an environment file says; its name and prefix don't count.

    Attributes:
        channels: as they stand there.
        conda: MatchSpecs.
        pypi: its ``pip`` section, paths made relative to the project.
        variables: names to values.
    """

    channels: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    variables: Mapping[str, str] = NOTHING


def environment_path(stated: str, project_dir: str) -> str:
    """The absolute path of an environment file."""
    return os.path.normpath(os.path.join(project_dir, os.path.expanduser(stated)))


def read_text(stated: str, project_dir: str) -> str:
    """Read the file as it is.

    Raises:
        ConfigError: there is none, or it can't be read.
    """
    path = environment_path(stated, project_dir)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        from kern_venv.api import similar_path

        message = f"environment_file names {path}, which does not exist"
        raise ConfigError(message, where="environment_file", hint=similar_path(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"environment_file names {path}, which can't be read: {error}", where=path) from None


def pip_files(text: str, stated: str) -> tuple[str, ...]:
    """Find what the ``pip`` section includes from other files, without reading YAML: for every run's fingerprint."""
    pieces = text.translate({ord(mark): "\n" for mark in "[],"}).splitlines()
    entries = (piece.strip().removeprefix("- ").strip().strip("'\"") for piece in pieces)
    return tuple(_located(entry, stated) for entry in entries if entry.startswith(_OPTIONS) or _is_path(entry))


def read_environment_file(stated: str, project_dir: str) -> EnvironmentFile:
    """Read an environment file.

    Args:
        stated: its path, relative to the project.
        project_dir: absolute path of the project.

    Raises:
        ConfigError: it does not exist, is not YAML or not an environment file.
    """
    if not stated:
        return EnvironmentFile()
    import yaml

    try:
        value = yaml.safe_load(read_text(stated, project_dir))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{stated} is not valid YAML: {reason}", where=stated) from None
    if not isinstance(value, dict) or not set(value) & set(_KEYS):
        hint = "it has `channels` and `dependencies`"
        raise ConfigError(f"{stated} is not an environment file", where=stated, hint=hint)
    return _read(value, stated)


def _read(value: Mapping[str, Any], stated: str) -> EnvironmentFile:
    entries = _listed(value, "dependencies", stated)
    sections = [entry for entry in entries if isinstance(entry, dict)]
    _only_texts((entry for entry in entries if not isinstance(entry, dict)), "dependencies", stated)
    strange = sorted({str(name) for section in sections for name in section} - {"pip"})
    if strange:
        hint = "conda knows none but `pip`"
        raise ConfigError(f"the dependencies of {stated} have a section {strange[0]!r}", where=stated, hint=hint)
    pypi = [
        one.strip()
        for one in _only_texts((one for each in sections for one in _listed(each, "pip", stated)), "pip", stated)
    ]
    variables = value.get("variables") or {}
    if not isinstance(variables, dict):
        raise ConfigError(f"`variables` of {stated} is not a table of names and values", where=stated)
    return EnvironmentFile(
        channels=tuple(_relative_channel(str(name), stated) for name in _listed(value, "channels", stated)),
        conda=tuple(str(entry) for entry in entries if isinstance(entry, str)),
        pypi=tuple(_located(entry, stated) for entry in pypi),
        variables={str(name): str(text) for name, text in variables.items()},
    )


def _listed(value: Mapping[str, Any], key: str, stated: str) -> Sequence[Any]:
    found = value.get(key) or []
    if not isinstance(found, list):
        raise ConfigError(f"`{key}` of {stated} is not a list", where=stated)
    return found


def _only_texts(entries: Iterable[Any], key: str, stated: str) -> list[str]:
    """Refuse what YAML made something else of, such as a table of ``- --flag: value``."""
    found = list(entries)
    strange = [entry for entry in found if not isinstance(entry, str)]
    if strange:
        hint = "each is one text; put it into quotes where it ends with a colon, holds `: ` or is a number"
        raise ConfigError(f"an entry of `{key}` in {stated} is no text but {strange[0]!r}", where=stated, hint=hint)
    return found


def _relative_channel(name: str, stated: str) -> str:
    return _beside(name, stated) if name.startswith(("./", "../")) else name


def _beside(path: str, stated: str) -> str:
    joined = os.path.normpath(os.path.join(os.path.dirname(stated), os.path.expanduser(path)))
    return joined if os.path.isabs(joined) else f"./{joined}"


def _located(entry: str, stated: str) -> str:
    """Make a path that is relative to the file relative to the project, as pip's own files have it."""
    if "://" in entry:
        return entry
    option = next((option for option in _OPTIONS if entry.startswith((f"{option} ", f"{option}="))), "")
    path, bracket, extras = entry[len(option) + 1 if option else 0 :].strip().partition("[")
    if option or _is_path(path):
        return f"{option} {_beside(path, stated)}{bracket}{extras}".lstrip()
    return entry


def _is_path(entry: str) -> bool:
    return entry.startswith(("./", "../")) or entry in (".", "..")
