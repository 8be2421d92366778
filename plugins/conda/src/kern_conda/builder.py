"""The builder ``conda``: conda packages from the project's wheel, or from a recipe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern_conda.builder_options import CondaBuildOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec, Unavailable

_FORMAT = "1"
"""Of the packages that are written here; another number builds everything anew."""


class CondaBuilder:
    """Builds a conda package: converts the wheel, or has py-rattler-build follow the recipe that the options name."""

    api: int = 1
    Options: type[Any] = CondaBuildOptions
    pools: tuple[str, ...] = ()
    produces: str = "conda"
    watches: tuple[str, ...] = ()

    def source(self, options: Any) -> str:
        """The wheel, without a recipe: it is built once and shared with all rows that need one."""
        return "" if options.recipe else "wheel"

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:  # noqa: ARG002
        """Whether there is something to build, and with a recipe py-rattler-build to do it."""
        from kern_conda.building import obstacle

        return obstacle(package)

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """The row's Python: whether one package serves more than that is known only when it is built."""
        from kern_conda.package_rows import row_variant

        return row_variant(spec)

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The options, what a recipe is given besides, and the format of what is written."""
        options = package.options._asdict()
        options = {key: dict(value) if key in {"renames", "variants"} else value for key, value in options.items()}
        if not package.options.recipe:
            return {"format": _FORMAT, **options}
        from kern_conda.package_rows import row_subdir
        from kern_conda.secrets import without_secrets

        channels = [without_secrets(each) for each in row_channels(package, spec)]
        return {"format": _FORMAT, **options, "channels": channels, "subdir": row_subdir(spec)}

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
        """Convert ``source``, a wheel; or follow the recipe in the tree."""
        from kern_conda.building import build_from_recipe, build_from_wheel

        if package.options.recipe:
            return build_from_recipe(package, spec, source, row_channels(package, spec), context)
        return build_from_wheel(package, spec, source, context)

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:  # noqa: ARG002
        """0 for a package of the row's platform, 1 for a noarch one, unless it is for another Python."""
        from kern_conda.package_rows import rank

        return rank(artifact, spec)

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A ``.conda`` or ``.tar.bz2`` file."""
        if not path.endswith((".conda", ".tar.bz2")) or not os.path.isfile(path):
            return None
        from kern_conda.package_reader import read_package

        return read_package(path)


def row_channels(package: PackageSpec, spec: EnvSpec) -> tuple[str, ...]:
    """The channels of a recipe's requirements: the package's, else the environment's, else those of conda's configuration."""
    return package.options.channels or tuple(getattr(spec.options, "channels", ()))
