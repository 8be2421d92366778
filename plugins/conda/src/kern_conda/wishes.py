"""What an environment is asked to have, all sources of it put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import EnvSpec
    from kern_conda.condarc import Condarc
    from kern_conda.questions import Question

_SPECIAL_BUILDS = {"pypy": "*_pypy*", "graalpy": "*_graalpy*"}
_ENDS_OF_NAMES = " =<>!~[,;@"
_SHORT = 3


class Wishes(NamedTuple):
    """What is to be in an environment.

    Attributes:
        conda: MatchSpecs.
        pypi: entries as in ``deps``.
        channels: addresses, the first has priority.
        variables: what activation sets.
    """

    conda: tuple[str, ...]
    pypi: tuple[str, ...]
    channels: tuple[str, ...]
    variables: Mapping[str, str]


def gather_wishes(spec: EnvSpec, condarc: Condarc, *, python: bool = False) -> Wishes:
    """Put together what factors, options, groups and the environment file say.

    Args:
        spec: the environment.
        condarc: conda's configuration, for channels.
        python: whether something that is installed besides needs a Python.

    Raises:
        ConfigError: a file or a group does not exist or can't be read.
    """
    from kern_conda.channels import channels_of_specs, resolve_channels
    from kern_conda.environment_file import read_environment_file

    options = spec.options
    file = read_environment_file(options.environment_file, spec.project_dir)
    pypi = (*file.pypi, *options.deps, *_groups(spec))
    stated, named = channels_of_specs((*file.conda, *options.conda_deps), condarc, spec.project_dir)
    stated = (*python_specs(spec.factors), *stated)
    needed = (pypi or python) and "python" not in map(spec_name, stated)
    channels = resolve_channels(options.channels or file.channels, condarc, spec.project_dir)
    return Wishes(
        conda=(*(("python",) if needed else ()), *stated),
        pypi=pypi,
        channels=tuple(dict.fromkeys((*channels, *named))),
        variables=file.variables,
    )


def question_of(spec: EnvSpec, wishes: Wishes, *, offline: bool) -> Question:
    """Say wishes as a question for the solver, as it stands for this environment.

    Args:
        spec: the environment.
        wishes: what it is asked to have.
        offline: whether the network may not be used.
    """
    from kern_conda.platforms import architecture_package
    from kern_conda.questions import Question

    options = spec.options
    assumed = architecture_package(options.conda_platform)
    return Question(
        specs=wishes.conda,
        channels=wishes.channels,
        platform=options.conda_platform,
        virtual_packages=(*((assumed,) if assumed else ()), *options.virtual_packages),
        channel_priority=options.channel_priority,
        offline=offline,
    )


def python_specs(factors: Sequence[str]) -> tuple[str, ...]:
    """Say the Python that factors ask for as MatchSpecs: ``py312`` is ``python 3.12.*``.

    Builds of other implementations and without the global lock are told by the build string, as conda-forge has it.

    Raises:
        ConfigError: two of them name different Pythons.
    """
    from kern_venv.api import names_interpreter

    specs = tuple(dict.fromkeys(_python_spec(factor) for factor in factors if names_interpreter(factor)))
    if len(specs) > 1:
        raise ConfigError(f"the name asks for {' and for '.join(specs)}", where="-".join(factors))
    return specs


def spec_name(spec: str) -> str:
    """The package that a MatchSpec is about, without its channel: ``conda-forge::numpy >=2`` is about ``numpy``."""
    name = spec.rpartition("::")[2].strip()
    ends = [index for index in map(name.find, _ENDS_OF_NAMES) if index >= 0]
    return name[: min(ends, default=len(name))].lower()


def _python_spec(factor: str) -> str:
    from kern_venv.api import parse_wanted

    wanted = parse_wanted(factor)
    if wanted is None:
        return "python"
    numbers = ".".join(map(str, wanted.version))
    version = f"{numbers}.*" if 0 < len(wanted.version) < _SHORT else numbers
    if wanted.free_threaded:
        return f"python {version} *_cp{''.join(map(str, wanted.version[:2]))}t"
    build = _SPECIAL_BUILDS.get(wanted.implementation, "")
    return " ".join(filter(None, ("python", version or ("*" if build else ""), build)))


def _groups(spec: EnvSpec) -> Sequence[str]:
    if not spec.options.dependency_groups:
        return ()
    from kern_venv.api import group_requirements

    return group_requirements(spec.options.dependency_groups, spec.project_dir)
