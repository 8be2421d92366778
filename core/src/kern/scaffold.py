"""The first files of a new plugin: complete, and passing the contract tests before anything is edited."""

from __future__ import annotations

import os

from kern.errors import StepFailed, UsageError

TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates", "plugin")
PLACES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    ".gitignore": "gitignore.txt",
    ".github/workflows/tests.yml": "tests.yml.txt",
    "src/{module}/__init__.py": "__init__.py.txt",
    "src/{module}/py.typed": "",
    "src/{module}/options.py": "options.py.txt",
    "src/{module}/provider.py": "provider.py.txt",
    "src/{module}/activator.py": "activator.py.txt",
    "tests/test_{module}_contract.py": "contract.py.txt",
}
"""Where each file goes, and the template of it."""


def new_plugin(name: str, directory: str, version: str, taken: tuple[str, ...]) -> str:
    """Write the files of a plugin that offers a provider and an activator.

    Args:
        name: of the kind of environment: small letters and digits, words joined by ``-``.
        directory: absolute path of where the plugin's own directory ``kern-NAME`` is made.
        version: of this kern.
        taken: names of providers that there are already.

    Returns:
        The absolute path of the plugin's directory.

    Raises:
        UsageError: the name is no good or taken, or the directory is there already.
        StepFailed: the files can't be written.
    """
    _check(name, taken)
    place = os.path.join(directory, f"kern-{name}")
    if os.path.lexists(place):
        raise UsageError(
            f"there is something at {place} already", hint="choose another name, or another directory with -C"
        )
    words = _words(name, version)
    try:
        for path, template in PLACES.items():
            _write(os.path.join(place, path.format(module=words["module"])), _filled(template, words))
    except OSError as error:
        raise StepFailed(f"the plugin can't be written: {error.strerror}", where=error.filename or place) from error
    return place


def _check(name: str, taken: tuple[str, ...]) -> None:
    words = name.split("-")
    if not all(word.isascii() and word.isalnum() and word == word.lower() for word in words) or not name[0].isalpha():
        raise UsageError(
            f"{name!r} is no name for a kind of environment",
            hint="small letters and digits, words joined by a hyphen, such as spack or my-module",
        )
    if name in taken:
        raise UsageError(f"there is a provider {name!r} already", hint="`kern plugins` shows who offers it")
    meaning = _meaning(name)
    if meaning:
        raise UsageError(f"{name!r} can't be a kind of environment: {meaning}", hint="choose another name")


def _meaning(name: str) -> str:
    """What a name means already, as a factor or as a distribution of kern's own; empty for nothing."""
    from kern.drivers.known import claimant, distributions
    from kern.match import NONE
    from kern.matrix import PLATFORMS

    if name == NONE:
        return "it stands for no package"
    if name in PLATFORMS:
        return "it binds environments to a platform"
    owner = claimant(name)
    if owner is not None:
        return f"it is a factor of {owner}"
    return f"kern-{name} is a distribution of kern's own" if f"kern-{name}" in distributions() else ""


def _words(name: str, version: str) -> dict[str, str]:
    major, minor = version.split(".")[:2]
    return {
        "name": name,
        "module": f"kern_{name.replace('-', '_')}",
        "title": "".join(word.capitalize() for word in name.split("-")),
        "version": f"{major}.{minor}",
        "next_version": f"{major}.{int(minor) + 1}",
    }


def _filled(template: str, words: dict[str, str]) -> str:
    from string import Template

    if not template:
        return ""
    with open(os.path.join(TEMPLATES, template), encoding="utf-8") as file:
        return Template(file.read()).substitute(words)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
