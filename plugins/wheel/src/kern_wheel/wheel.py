"""The builder ``wheel``: one for each kind of interpreter, shared as far as its tags allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_wheel.fitting import refuse_misfit, unavailable, wheel_rank
from kern_wheel.options import BuildOptions
from kern_wheel.rows import binary_inputs, builder_interpreter, interpreter_tag, row_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec, Unavailable


class WheelBuilder:
    """Builds a wheel with the row's interpreter (PEP 517 ``build_wheel``), from the tree or from an sdist."""

    api: int = 1
    Options: type[Any] = BuildOptions
    pools: tuple[str, ...] = ()
    produces: str = "wheel"
    watches: tuple[str, ...] = ()

    def source(self, options: Any) -> str:  # noqa: ARG002
        """Nothing: it is built from the tree, unless the user says otherwise."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the tree can be built and its requires-python takes the row's interpreter."""
        return unavailable(package.root, spec, context)

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """The interpreter's tag, ``cp312``: whether one wheel serves more than that is known only when it is built."""
        return interpreter_tag(row_target(spec, context))

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """Options, version, interpreter and the compiler's variables."""
        return binary_inputs(package, spec, context)

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
        """Build from the tree, or from ``source``, a source distribution."""
        from kern_wheel.archives import read_wheel
        from kern_wheel.steps import build_from

        path = build_from("wheel", package, source, builder_interpreter(spec, context), context)
        artifact = read_wheel(path, "wheel")
        refuse_misfit(artifact, spec, context)
        return artifact

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
        """The place of its best tag among those of the row's interpreter, unless Requires-Python speaks against it."""
        return wheel_rank(artifact, spec, context)

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A ``.whl`` file."""
        if not path.endswith(".whl"):
            return None
        from kern_wheel.archives import read_wheel

        return read_wheel(path, "wheel")
