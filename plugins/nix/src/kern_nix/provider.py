"""The provider ``nix``: the environment of a ``shell.nix``, a ``default.nix`` or a flake, kept below ``.kern``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.api import Unavailable
from kern_nix.options import NixOptions
from kern_nix.programs import missing_nix
from kern_nix.subject import choose_subject, wish_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, Environment, EnvSpec

_OF_THE_HOST = ("interpreter", "installer", "system_site_packages")


class NixProvider:
    """Makes nix environments, with a virtual environment on top where Python packages are to be installed."""

    api = 1
    Options = NixOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ("nix", "wheel", "sdist", "editable")

    def claims(self, factor: str) -> bool:
        """Whether a factor names a version of Python, which the environment then has to have: ``py312``."""
        from kern_venv.api import wanted_interpreters

        return wanted_interpreters(None, (factor,)) == (factor,)

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether nix is installed and the expression is there."""
        subject = choose_subject(wish_of(spec.options), spec.project_dir)
        return subject if isinstance(subject, Unavailable) else missing_nix(context.environ)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The nix files, the locks, nix itself, where nixpkgs is, and what is said about Python packages."""
        from kern_nix.fingerprint import expression_inputs, named_inputs
        from kern_nix.making import subject_of

        options = spec.options
        found = expression_inputs(subject_of(spec), context.environ)
        named = named_inputs(options.nix_inputs, spec.project_dir)
        found |= {f"content of {name}": digest for name, digest in named.items()}
        plain = {"nix_command": options.nix_command, "shell_hook": options.shell_hook, "overlay": options.overlay}
        found |= {name: value for name, value in plain.items() if value not in (None, "auto", "each-run")}
        return found | _python_inputs(spec, context)

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Evaluate the expression and build what it needs."""
        from kern_nix.making import make

        return make(spec, context)

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install Python packages on top, and use the package under test that nix has built."""
        from kern_nix.making import fill

        return fill(spec, environment, artifacts, context)

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:
        """What is absent, or there in another version than ``deps`` and the dependency groups ask for."""
        from kern_nix.pythons import virtual_spec
        from kern_venv.api import VenvProvider

        return VenvProvider().drift(virtual_spec(spec), adopted, context)

    def requirements(self, spec: EnvSpec, context: Context) -> Mapping[str, Sequence[str]]:
        """What the options ask for, files and groups followed: ``deps``, ``dependency_groups``, ``extras``."""
        from kern_nix.pythons import virtual_spec
        from kern_venv.api import VenvProvider

        return VenvProvider().requirements(virtual_spec(spec), context)

    def dispose(self, location: str, context: Context) -> None:
        """Nothing: with the directory go the links by which nix knows that the environment is in use."""


def _python_inputs(spec: EnvSpec, context: Context) -> dict[str, Any]:
    options = spec.options
    if not (options.deps or options.dependency_groups or options.constraints or options.extras):
        return {}
    from kern_nix.pythons import virtual_spec
    from kern_venv.api import VenvProvider

    found = VenvProvider().fingerprint(virtual_spec(spec, base_python=("py",)), context)
    said = {"installer": options.installer} if options.installer != "auto" else {}
    return said | {name: value for name, value in found.items() if name not in _OF_THE_HOST}
