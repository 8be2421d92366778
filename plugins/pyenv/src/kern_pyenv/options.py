"""What a user may say about an environment on pyenv's interpreters in ``[env]`` tables."""

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context, EnvSpec
    from kern_venv.api import Interpreter


class PyenvOptions(NamedTuple):
    """Options of the provider ``pyenv``.

    Attributes:
        version: Versions as pyenv names them, the first that is installed: `3.12`, `3.13.0t`, `pypy3.10`,
            `miniconda3-latest`; or `local`: what pyenv itself would choose in the project's directory.
        pyenv_root: The one pyenv to look in; else `PYENV_ROOT`, those whose shims are on `PATH`, and `~/.pyenv`.
        install: Whether `pyenv install` may be run for a version that is not there (`missing`), or not (`never`).
        deps: Requirements, `-r FILE`, `-c FILE`, `-e PATH` and local paths, relative to the project.
        extras: Extras of the package under test.
        dependency_groups: Dependency groups of pyproject.toml (PEP 735).
        constraints: Constraint files, relative to the project.
        pylock: A lock file (PEP 751) instead of `deps`; the package is added without its dependencies.
        installer: Who installs: uv where it is present and serves the interpreter, else pip (`auto`); or always `uv`,
            or always `pip`.
        system_site_packages: Let it see what is installed in the interpreter.
    """

    version: tuple[str, ...] = ()
    pyenv_root: str = ""
    install: Literal["never", "missing"] = "never"
    deps: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    dependency_groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    pylock: str = ""
    installer: Literal["auto", "uv", "pip"] = "auto"
    system_site_packages: bool = False

    def find_interpreter(self, spec: "EnvSpec", environ: "Mapping[str, str]") -> "Interpreter | None":
        """The version that pyenv has; see `kern_venv.api.OptionsFindInterpreter`."""
        from kern_pyenv.finding import expected_interpreter

        return expected_interpreter(spec, environ)

    def provide_interpreter(self, spec: "EnvSpec", context: "Context") -> "Interpreter":
        """The same, installed first where ``install`` allows it; see `kern_venv.api.OptionsProvideInterpreter`."""
        from kern_pyenv.installing import provide

        return provide(spec, context)
