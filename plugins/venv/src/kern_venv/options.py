"""What a user may say about a virtual environment in ``[env]`` tables."""

from typing import Literal, NamedTuple


class VenvOptions(NamedTuple):
    """Options of the provider ``venv``.

    Attributes:
        base_python: Interpreters to make it from, the first that exists: `py312`, `3.12.1`, `>=3.11`, or a path.
        deps: Requirements, `-r FILE`, `-c FILE`, `-e PATH` and local paths, relative to the project.
        extras: Extras of the package under test.
        dependency_groups: Dependency groups of pyproject.toml (PEP 735).
        constraints: Constraint files, relative to the project.
        pylock: A lock file (PEP 751) instead of `deps`; the package is added without its dependencies.
        installer: Who installs: uv where it is present and serves the interpreter, else pip (`auto`); or always `uv`,
            or always `pip`.
        system_site_packages: Let it see what is installed in the interpreter.
    """

    base_python: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    dependency_groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    pylock: str = ""
    installer: Literal["auto", "uv", "pip"] = "auto"
    system_site_packages: bool = False
