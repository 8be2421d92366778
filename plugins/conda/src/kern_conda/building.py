"""What the builder does when something is really built, and what can be known against it before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import ConfigError, Unavailable

if TYPE_CHECKING:
    from kern.api import Artifact, Context, EnvSpec, PackageSpec


def obstacle(package: PackageSpec) -> Unavailable | None:
    """Why a package can't be built here. Looks for files, reads none, imports nothing."""
    recipe = package.options.recipe
    if not recipe:
        return _nothing_to_build(package)
    path = os.path.join(package.root, recipe)
    if not os.path.isfile(path):
        return Unavailable(f"there is no recipe {path}", hint=f"correct package.{package.name}.recipe", missing=False)
    from importlib.util import find_spec

    if find_spec("rattler_build") is None:
        return Unavailable(
            "py-rattler-build, which builds packages from recipes, is not installed beside kern",
            hint="pip install 'kern-conda[build]'",
        )
    return None


def _nothing_to_build(package: PackageSpec) -> Unavailable | None:
    if any(os.path.isfile(os.path.join(package.root, name)) for name in ("pyproject.toml", "setup.py")):
        return None
    return Unavailable(
        f"{package.root} has neither pyproject.toml nor setup.py, and {package.name} names no recipe",
        hint=f'say package.{package.name}.recipe = "recipe.yaml", or package = "none" for environments that need no '
        "package",
        missing=False,
    )


def build_from_wheel(package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
    """Convert a wheel into a noarch package in ``context.output_dir``.

    Raises:
        ConfigError: it is to be built from something else than a wheel; a requirement that conda has no words for.
        StepFailed: the wheel is not pure, or has something that a noarch package has no place for.
    """
    from kern_conda.conda_package import write_noarch
    from kern_conda.dependencies import Wish
    from kern_conda.noarch import convert
    from kern_conda.package_reader import read_package
    from kern_conda.package_rows import row_python

    if source is None or source.kind != "wheel":
        kind = source.kind if source else "the source tree"
        raise ConfigError(
            f"{package.name} can't be built from {kind}: a conda package is made of a wheel, or by a recipe",
            where=f"package.{package.name}.from",
        )
    options = package.options
    wish = Wish(package.name, options.renames, options.extras, spec.name, row_python(spec))
    converted = convert(source.path, wish)
    context.say(f"depends on: {', '.join(converted.contents.depends)}")
    artifact = read_package(write_noarch(converted.contents, context.output_dir))
    if not converted.limited:
        return artifact
    return artifact._replace(facts={**artifact.facts, "python": artifact.facts["requires_python"]})


def build_from_recipe(
    package: PackageSpec, spec: EnvSpec, source: Artifact | None, channels: tuple[str, ...], context: Context
) -> Artifact:
    """Follow a recipe, and put the package into ``context.output_dir``.

    Raises:
        ConfigError: it is to be built from another package.
        StepFailed: the build failed.
    """
    from kern_conda.recipe import follow

    if source is not None:
        raise ConfigError(
            f"{package.name} has a recipe, so it can't be built from {source.kind}",
            where=f"package.{package.name}.from",
        )
    return follow(package, spec, channels, context)
