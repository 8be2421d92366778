"""Virtual packages, by which conda describes a machine, and the variables that say them to every tool of conda's family.

See https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OVERRIDES = {
    "__cuda": "CONDA_OVERRIDE_CUDA",
    "__glibc": "CONDA_OVERRIDE_GLIBC",
    "__linux": "CONDA_OVERRIDE_LINUX",
    "__osx": "CONDA_OVERRIDE_OSX",
    "__archspec": "CONDA_OVERRIDE_ARCHSPEC",
}
"""The virtual packages that can be said, and the variable for each."""


def override_variables(virtual_packages: Sequence[str]) -> dict[str, str]:
    """Say virtual packages, ``NAME=VERSION=BUILD``, as variables; the architecture's is its build."""
    variables = {}
    for text in virtual_packages:
        name, _, rest = text.partition("=")
        version, _, build = rest.partition("=")
        if name in OVERRIDES:
            variables[OVERRIDES[name]] = build if name == "__archspec" else version
    return variables
