"""What a user may say about nix environments in ``[env]`` tables and about nix packages in ``[package.NAME]``."""

from typing import Literal, NamedTuple


class NixOptions(NamedTuple):
    """Options of the provider ``nix``.

    Attributes:
        nix_file: File with the expression, relative to the project; `shell.nix`, else `flake.nix`, else `default.nix`.
        attr: Attribute of the expression in `nix_file`; for a flake say `flake = ".#name"`.
        flake: Flake and its attribute, `.#name`, instead of `nix_file`.
        nix_args: Arguments for nix, as they are: `["--argstr", "python", "python312"]`.
        nix_inputs: More files that the expression reads, relative to the project: a change makes the environment anew.
        impure: Let a flake's expression see the environment and the file system (`--impure`).
        nix_command: Which program gives the environment: `nix` (`nix print-dev-env`) or `nix-shell`; `auto` takes the
            second where the first is too old.
        shell_hook: Run the `shellHook` at each activation (`each-run`), or only when the environment is made, and
            replay what it changed (`once`).
        deps: Python requirements, for a virtual environment on the Python of the nix environment.
        dependency_groups: Dependency groups of pyproject.toml (PEP 735), for the same place.
        constraints: Constraint files, relative to the project.
        extras: Extras of the package under test.
        installer: Who installs Python packages: `uv`, `pip`, or `auto`: pip where nix brings Python packages that it
            should leave in place, else what kern-venv chooses.
        overlay: Whether there is a virtual environment on top: where Python packages are installed (by default), always,
            or never.
    """

    nix_file: str = ""
    attr: str = ""
    flake: str = ""
    nix_args: tuple[str, ...] = ()
    nix_inputs: tuple[str, ...] = ()
    impure: bool = False
    nix_command: Literal["auto", "nix", "nix-shell"] = "auto"
    shell_hook: Literal["each-run", "once"] = "each-run"
    deps: tuple[str, ...] = ()
    dependency_groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    installer: Literal["auto", "uv", "pip"] = "auto"
    overlay: bool | None = None


class NixPackageOptions(NamedTuple):
    """Options of the builder ``nix``.

    Attributes:
        nix_file: File with the package's expression, relative to its root; `default.nix`, else `flake.nix`.
        attr: Attribute of the expression in `nix_file`; for a flake say `flake = ".#name"`.
        flake: Flake and its attribute, `.#name`, instead of `nix_file`.
        nix_args: Arguments for nix, as they are.
        impure: Let a flake's expression see the environment and the file system (`--impure`).
    """

    nix_file: str = ""
    attr: str = ""
    flake: str = ""
    nix_args: tuple[str, ...] = ()
    impure: bool = False
