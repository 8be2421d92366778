"""Whether a conda environment can be made on this machine, and in words what is missing; no process, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.api import ConfigError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, EnvSpec


def find_obstacle(spec: EnvSpec, context: Context, *, here: bool = True) -> Unavailable | None:
    """Name the first thing that keeps an environment from being made, or ``None``.

    Args:
        spec: the environment.
        context: of the machine.
        here: whether what is installed has to run on this machine.
    """
    return next(_obstacles(spec, context, here=here), None)


def _obstacles(spec: EnvSpec, context: Context, *, here: bool) -> Iterator[Unavailable]:
    yield from _in_the_name(spec)
    yield from _in_the_options(spec)
    if here:
        yield from _of_the_platform(spec)
    yield from _of_the_engine(spec, context)


def _in_the_name(spec: EnvSpec) -> Iterator[Unavailable]:
    from kern_conda.wishes import python_specs

    try:
        python_specs(spec.factors)
    except ConfigError as error:
        yield Unavailable(error.message, hint="one Python is all that an environment has", missing=False)


def _in_the_options(spec: EnvSpec) -> Iterator[Unavailable]:
    for text in spec.options.conda_deps:
        if text.strip()[:1] in ("", "-", ".", "/"):
            hint = "a package's name, and versions if you like; channels have a key of their own"
            yield Unavailable(f"{text!r} in conda_deps is no MatchSpec", hint=hint, missing=False)
    for text in spec.options.virtual_packages:
        if not text.startswith("__") or " " in text:
            hint = "it begins with two underscores: `__cuda=12`"
            yield Unavailable(f"{text!r} in virtual_packages is no virtual package", hint=hint, missing=False)


def _of_the_platform(spec: EnvSpec) -> Iterator[Unavailable]:
    from kern_conda.platforms import machine_platform, runs_here

    platform = spec.options.conda_platform
    if platform and not runs_here(platform):
        yield Unavailable(f"packages for {platform} don't run on this machine, which is {machine_platform()}")


def _of_the_engine(spec: EnvSpec, context: Context) -> Iterator[Unavailable]:
    engine = spec.options.engine
    if engine != "rattler":
        from kern_conda.engines import find_engine

        if not find_engine(spec.options, context.environ):
            place = spec.options.engine_path or f"{engine} on PATH"
            hint = "install it, or take `engine` away: kern needs no conda"
            yield Unavailable(f"there is no {place}", hint=hint)
    if not _has_rattler():
        hint = "py-rattler comes with kern-conda: `pip install --force-reinstall kern-conda`"
        yield Unavailable("rattler, which makes conda environments, is not installed", hint=hint)


def _has_rattler() -> bool:
    """Whether rattler could be imported, without importing it."""
    from importlib.util import find_spec

    return find_spec("rattler") is not None
