"""What a user may say about a conda package in ``[package.NAME]``."""

# No `from __future__ import annotations`: named tuples compile annotations that are strings.
from collections.abc import Mapping
from typing import NamedTuple

from kern.api import NOTHING


class CondaBuildOptions(NamedTuple):
    """Options of the builder ``conda``.

    Attributes:
        renames: PyPI's name of a requirement to its conda name, to a whole MatchSpec (`name >=1`), or to nothing to
            leave it out; `name[extra]` is a name too.
        extras: Extras of the project whose requirements the package has as well.
        recipe: A recipe.yaml to build by py-rattler-build instead of converting the wheel, relative to the source tree.
        output: Name of the package that is wanted of a recipe that makes several.
        channels: Where a recipe's build requirements come from; the environment's channels if empty.
        variants: Names in a recipe's variant configuration to the one value that is built for each.
        variants_file: A variants.yaml, relative to the source tree.
    """

    renames: Mapping[str, str] = NOTHING
    extras: tuple[str, ...] = ()
    recipe: str = ""
    output: str = ""
    channels: tuple[str, ...] = ()
    variants: Mapping[str, str] = NOTHING
    variants_file: str = ""
