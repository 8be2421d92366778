"""The builder ``editable``: the environment imports the source tree itself (PEP 660)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_wheel.fitting import refuse_misfit, unavailable, wheel_rank
from kern_wheel.options import BuildOptions
from kern_wheel.rows import binary_inputs, builder_interpreter, interpreter_tag, row_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec, Unavailable


class EditableBuilder:
    """Builds a wheel that points at the tree (PEP 660 ``build_editable``)."""

    api: int = 1
    Options: type[Any] = BuildOptions
    pools: tuple[str, ...] = ()
    produces: str = "editable"
    # What Python reads from the tree itself is not here. Metadata is, and so is what a compiler reads: extension
    # modules are built into an editable too. ``__init__.py`` stands for packages that come and go, and for versions.
    watches: tuple[str, ...] = (
        "*.toml", "*.cfg", "setup.py", "hatch_build.py", "build.py", "MANIFEST.in",
        "__init__.py", "__about__.py", "_version.py", "version.py",
        "*.c", "*.cc", "*.cpp", "*.cxx", "*.h", "*.hh", "*.hpp", "*.pyx", "*.pxd", "*.pxi", "*.rs", "*.f", "*.f90",
        "meson.build", "meson.options", "meson_options.txt", "CMakeLists.txt", "*.cmake",
    )  # fmt: skip

    def source(self, options: Any) -> str:  # noqa: ARG002
        """Nothing: it is built from the tree, unless the user says otherwise."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the tree can be built and its requires-python takes the row's interpreter."""
        return unavailable(package.root, spec, context)

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """The interpreter's tag, as for a wheel."""
        return interpreter_tag(row_target(spec, context))

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """As for a wheel, and where the tree is: a moved or copied project must not import the old one."""
        return {**binary_inputs(package, spec, context), "root": package.root}

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
        """Build from the tree; ``source`` must be ``None``."""
        from kern_wheel.archives import read_wheel
        from kern_wheel.steps import build_from

        path = build_from("editable", package, source, builder_interpreter(spec, context), context)
        artifact = read_wheel(path, "editable")
        refuse_misfit(artifact, spec, context)
        return artifact

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
        """As for a wheel."""
        return wheel_rank(artifact, spec, context)

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """Nothing: a ready wheel does not say that it is an editable one."""
        return None
