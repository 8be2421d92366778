"""The adopter ``nix``: expressions, profiles and store paths as environments, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.api import Adopted, Context


class NixAdopter:
    """Recognises a nix file and a directory of the store by their paths, and what a user says after ``nix:``."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The environment that a location means.

        A directory given by its absolute path is one only if it is in the store: that a project has a ``flake.nix``
        does not make it an environment. ``nix:.`` says that its nix environment is meant.
        """
        from kern_nix.adopting import adopt

        return adopt(location, context)

    def offers(self, context: Context) -> str:  # noqa: ARG002
        """What can stand behind ``nix:``."""
        return (
            "nix: takes a directory with a shell.nix, flake.nix or default.nix, a FILE.nix or FILE.nix#ATTRIBUTE, "
            "or a flake such as .#dev"
        )
