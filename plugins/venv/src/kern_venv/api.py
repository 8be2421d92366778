"""What other plugins may use of kern-venv: interpreters, bare environments and installing into them.

Everything is imported when it is first asked for, so that a plugin may import this module at the top of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern_venv.activator import VenvActivator
    from kern_venv.adopter import VenvAdopter
    from kern_venv.artifacts import check_extras, direct_reference
    from kern_venv.dependencies import contents, similar_path
    from kern_venv.drift import missing_requirements
    from kern_venv.groups import group_contents, group_requirements
    from kern_venv.inspection import describe_program, inspect_program
    from kern_venv.installed import installed
    from kern_venv.installing import install
    from kern_venv.interpreters import Interpreter, find_interpreter, fits, interpreter_for, provided_interpreter
    from kern_venv.lock_files import read_inputs
    from kern_venv.lock_inputs import file_digests, package_requirements
    from kern_venv.lock_writing import Resolution, write_lock
    from kern_venv.locker import VenvLocker, lock_name
    from kern_venv.locks import install_pylock
    from kern_venv.making import make_virtual_environment
    from kern_venv.optional import OptionsFindInterpreter, OptionsProvideInterpreter
    from kern_venv.programs import find_uv
    from kern_venv.provider import VenvProvider
    from kern_venv.tags import target_tags
    from kern_venv.wanted import names_interpreter, parse_wanted, wanted_interpreters

__all__ = [
    "Interpreter",
    "OptionsFindInterpreter",
    "OptionsProvideInterpreter",
    "Resolution",
    "VenvActivator",
    "VenvAdopter",
    "VenvLocker",
    "VenvProvider",
    "check_extras",
    "contents",
    "describe_program",
    "direct_reference",
    "file_digests",
    "find_interpreter",
    "find_uv",
    "fits",
    "group_contents",
    "group_requirements",
    "inspect_program",
    "install",
    "install_pylock",
    "installed",
    "interpreter_for",
    "lock_name",
    "make_virtual_environment",
    "missing_requirements",
    "names_interpreter",
    "package_requirements",
    "parse_wanted",
    "provided_interpreter",
    "read_inputs",
    "similar_path",
    "target_tags",
    "wanted_interpreters",
    "write_lock",
]

_HOMES = {
    "Interpreter": "interpreters",
    "OptionsFindInterpreter": "optional",
    "OptionsProvideInterpreter": "optional",
    "Resolution": "lock_writing",
    "VenvActivator": "activator",
    "VenvAdopter": "adopter",
    "VenvLocker": "locker",
    "VenvProvider": "provider",
    "check_extras": "artifacts",
    "contents": "dependencies",
    "describe_program": "inspection",
    "direct_reference": "artifacts",
    "file_digests": "lock_inputs",
    "find_interpreter": "interpreters",
    "find_uv": "programs",
    "fits": "interpreters",
    "group_contents": "groups",
    "group_requirements": "groups",
    "inspect_program": "inspection",
    "install": "installing",
    "install_pylock": "locks",
    "installed": "installed",
    "interpreter_for": "interpreters",
    "lock_name": "locker",
    "make_virtual_environment": "making",
    "missing_requirements": "drift",
    "names_interpreter": "wanted",
    "package_requirements": "lock_inputs",
    "parse_wanted": "wanted",
    "provided_interpreter": "interpreters",
    "read_inputs": "lock_files",
    "similar_path": "dependencies",
    "target_tags": "tags",
    "wanted_interpreters": "wanted",
    "write_lock": "lock_writing",
}


def __getattr__(name: str) -> object:
    """Import the module that a public name lives in (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kern_venv.{home}"), name)
