"""What one environment gets: from conda first, then from PyPI what is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.api import StepFailed
from kern_conda.from_pypi import CONDA, add_from_pypi, add_locked, add_package
from kern_conda.prefixes import check_prefix, prefix_of, present_packages, python_distributions, write_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, Environment, EnvSpec
    from kern_conda.condarc import Condarc
    from kern_conda.prefixes import Present
    from kern_conda.questions import Linking, Question
    from kern_conda.wishes import Wishes

_NO = frozenset(("", "false", "no", "off", "0"))


def fill(spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context) -> Mapping[str, str]:
    """Install everything and list what is there then.

    On an environment that is ready only the package has changed: what conda put there stays as it is.

    Raises:
        ConfigError: a file or a group does not exist.
        StepFailed: there is no solution, or something could not be installed.
    """
    from kern_conda.condarc import read_condarc

    prefix = prefix_of(environment)
    check_prefix(prefix)
    condarc = read_condarc(context.environ)
    packages = tuple(one.path for one in artifacts if one.kind == CONDA)
    others = [one for one in artifacts if one.kind != CONDA]
    if spec.lock is not None:
        _fill_from_lock(spec, prefix, artifacts, condarc, context)
    else:
        from kern_conda.wishes import gather_wishes

        wishes = gather_wishes(spec, condarc, python=bool(others or (spec.options.extras and artifacts)))
        _fill_from_channels(spec, prefix, wishes, packages, condarc, context)
        write_variables(prefix, wishes.variables)
        add_from_pypi(spec, prefix, wishes.pypi, artifacts, context)
    return _installed(prefix)


def _fill_from_channels(
    spec: EnvSpec, prefix: str, wishes: Wishes, packages: tuple[str, ...], condarc: Condarc, context: Context
) -> None:
    from kern_conda import requests
    from kern_conda.wishes import question_of

    there = present_packages(prefix)
    if there and not packages:
        return
    options = spec.options
    question = question_of(spec, wishes, offline=_offline(spec, condarc, context))
    conda = (*question.specs, *_pip_if_needed(spec, wishes, question.specs, context))
    question = question._replace(specs=conda, packages=packages, preferred=tuple(one.record for one in there))
    if not conda and not packages:
        return
    if options.engine != "rattler":
        _run_engine(spec, prefix, question, _linking(spec, condarc, context, conda), context)
        return
    requests.install(prefix, question, context, _linking(spec, condarc, context, conda))


def _run_engine(spec: EnvSpec, prefix: str, question: Question, linking: Linking, context: Context) -> None:
    from kern_conda.engines import find_engine, install_with_engine

    program = find_engine(spec.options, context.environ)
    if program is None:
        raise StepFailed(f"there is no {spec.options.engine} on PATH", where=spec.name)
    install_with_engine(spec.options.engine, program, prefix, question, linking, context)


def _fill_from_lock(
    spec: EnvSpec, prefix: str, artifacts: Sequence[Artifact], condarc: Condarc, context: Context
) -> None:
    """Install what the lock lists for conda, what stands beside it for PyPI, then the package alone."""
    from kern_conda.lock_pypi import install_beside
    from kern_conda.requests import install_locked
    from kern_conda.wishes import gather_wishes

    packages = [one.path for one in artifacts if one.kind == CONDA]
    others = [one for one in artifacts if one.kind != CONDA]
    linking = _linking(spec, condarc, context, ())
    wishes = gather_wishes(spec, condarc)
    locked = install_locked(
        spec.lock or "", prefix, context, packages=packages, linking=linking, channels=wishes.channels
    )
    write_variables(prefix, wishes.variables)
    add_locked(spec, prefix, locked.pypi, context)
    install_beside(spec, prefix, context, needed=bool(others))
    add_package(spec, prefix, others, context)


def _linking(spec: EnvSpec, condarc: Condarc, context: Context, requested: Sequence[str]) -> Linking:
    from kern_conda.questions import Linking

    return Linking(
        link=spec.options.link,
        link_scripts=spec.options.link_scripts,
        requested=tuple(requested),
        platform=spec.options.conda_platform,
        offline=_offline(spec, condarc, context),
    )


def _offline(spec: EnvSpec, condarc: Condarc, context: Context) -> bool:
    stated = context.environ.get("CONDA_OFFLINE")
    if stated is not None:
        return spec.options.offline or stated.lower() not in _NO
    return bool(spec.options.offline or condarc.offline)


def _pip_if_needed(spec: EnvSpec, wishes: Wishes, specs: Sequence[str], context: Context) -> tuple[str, ...]:
    """Ask conda for pip where pip is to install and nobody has asked for it."""
    from kern_conda.wishes import spec_name

    names = set(map(spec_name, specs))
    if "python" not in names or "pip" in names or not _installs_with_pip(spec, context):
        return ()
    return ("pip",) if wishes.pypi or "python" in wishes.conda else ()


def _installs_with_pip(spec: EnvSpec, context: Context) -> bool:
    from kern_venv.api import find_uv

    return spec.options.installer == "pip" or (spec.options.installer == "auto" and not find_uv(context.environ))


def _installed(prefix: str) -> dict[str, str]:
    """List what is there: conda's packages, and Python distributions that are none of those."""
    from kern_venv.api import installed

    packages: Sequence[Present] = present_packages(prefix)
    from_conda = {name.lower().replace("_", "-") for name in python_distributions(packages)}
    others = {name: version for name, version in installed(prefix).items() if name not in from_conda}
    return dict(sorted({**others, **{one.name: one.version for one in packages}}.items()))
