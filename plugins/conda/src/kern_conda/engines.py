"""Programs that the user has for making conda environments, in rattler's place: conda, mamba, micromamba and pixi."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_conda.virtual_packages import override_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from kern.api import Context
    from kern_conda.engine_answers import Problem
    from kern_conda.options import CondaOptions
    from kern_conda.questions import Linking, Question

_VARIABLES = {"conda": "CONDA_EXE", "mamba": "MAMBA_EXE", "micromamba": "MAMBA_EXE"}
_UNLOCKED = ("conda", "mamba", "micromamba")
"""Those whose processes get into each other's way in the package cache that they share, and leave halves there."""


def find_engine(options: CondaOptions, environ: Mapping[str, str]) -> str | None:
    """Find the program: ``engine_path``, else on ``PATH``, else where the shell's hook says that it is."""
    from shutil import which

    if options.engine_path:
        return which(os.path.abspath(os.path.expanduser(options.engine_path)))
    stated = environ.get(_VARIABLES.get(options.engine, ""), "")
    named = stated if os.path.basename(stated) == options.engine else ""
    return which(options.engine, path=environ.get("PATH", "")) or (which(named) if named else None)


def install_with_engine(
    engine: str, program: str, prefix: str, question: Question, linking: Linking, context: Context
) -> None:
    """Have a program install what a question asks for into a prefix.

    Args:
        engine: ``conda``, ``mamba``, ``micromamba`` or ``pixi``.
        program: its absolute path.
        prefix: absolute path of a prefix that exists: so no program asks whether it may make one there.
        question: what is wanted; its ``packages`` come from a channel that is made for this run.
        linking: how files get there.
        context: runs the process.

    Raises:
        StepFailed: the program failed, or what was asked for is not there although it says that it did not.
    """
    from kern_conda.engine_answers import explain_problem
    from kern_conda.network import mask_secrets
    from kern_conda.wishes import spec_name

    mask_secrets({"question": question._asdict()}, context)
    own = _local_channel(question.packages, context) if question.packages else ()
    whole = question._replace(
        specs=(*map(exact_spec, question.packages), *question.specs), channels=(*own, *question.channels)
    )
    if not whole.specs:
        return
    with _alone(engine, context):
        problem = _install(engine, program, prefix, whole, linking, context)
    if problem is not None:
        told = explain_problem(engine, problem, question)
        raise StepFailed(told.message, where=told.where or prefix, hint=told.hint, log=problem.log, tail=told.tail)
    _check(engine, prefix, map(spec_name, whole.specs))


def engine_arguments(engine: str, program: str, prefix: str, question: Question) -> tuple[str, ...]:
    """Say a question as a command line: conda explains itself best in JSON, mamba and micromamba in words."""
    channels = (word for url in question.channels for word in ("-c", url))
    offline = ("--offline",) if question.offline else ()
    return (
        program,
        "install",
        "-p",
        prefix,
        "--json" if engine == "conda" else "-q",
        "-y",
        "--override-channels",
        *channels,
        *offline,
        *question.specs,
    )


def engine_variables(question: Question, link: str) -> dict[str, str]:
    """Say as variables what has no argument: settings, which conda and mamba each read under a name of their own.

    A package whose files are not as they were packed is never installed without a word, and the environment is not
    listed among those of the user.
    """
    settings = {"CHANNEL_PRIORITY": question.channel_priority}
    if link != "auto":
        settings["ALWAYS_COPY"] = "true" if link == "copy" else "false"
    variables = {f"{tool}_{name}": value for tool in ("CONDA", "MAMBA") for name, value in settings.items()}
    variables |= {
        "CONDA_SAFETY_CHECKS": "enabled",
        "CONDA_REGISTER_ENVS": "false",
        "CONDA_PIP_INTEROP_ENABLED": "false",
        "MAMBA_COMPILE_PYC": "false",  # for which micromamba runs activation scripts, and leaves what they make
    }
    if question.platform:
        variables["CONDA_SUBDIR"] = question.platform
    return {**variables, **override_variables(question.virtual_packages)}


def exact_spec(path: str) -> str:
    """Say a package file as ``name=version=build``, which its name is made of."""
    stem = os.path.basename(path).removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    return f"{name}={version}={build}"


def _install(
    engine: str, program: str, prefix: str, question: Question, linking: Linking, context: Context
) -> Problem | None:
    if engine == "pixi":
        from kern_conda.pixi import install_with_pixi

        return install_with_pixi(program, prefix, question, linking, context)
    argv = engine_arguments(engine, program, prefix, question)
    environ = {**context.environ, **engine_variables(question, linking.link), **_checks(context)}
    empty = _empty_cache(engine, question, context)
    doubted = context.recreate or context.distrust
    problem = _attempt(argv, {**environ, **(empty if doubted else {})}, context)
    if problem is None or not problem.damaged or doubted or not empty:
        return problem
    context.say(f"the package cache of {engine} is damaged, so packages are fetched anew, to another place")
    return _attempt(argv, {**environ, **empty}, context)


def _attempt(argv: tuple[str, ...], environ: Mapping[str, str], context: Context) -> Problem | None:
    from kern_conda.engine_answers import find_problem, run_in_words

    command = Command(argv=argv, environ=environ)
    return find_problem(context.run(command, check=False)) if "--json" in argv else run_in_words(command, context)


def _checks(context: Context) -> dict[str, str]:
    """Say what is not to be believed: indexes that were read before, and packages that were unpacked before."""
    variables: dict[str, str] = {}
    if context.recreate:
        variables |= {"CONDA_LOCAL_REPODATA_TTL": "0", "MAMBA_LOCAL_REPODATA_TTL": "0"}
    if context.recreate or context.distrust:
        variables["CONDA_EXTRA_SAFETY_CHECKS"] = "true"
    return variables


def _empty_cache(engine: str, question: Question, context: Context) -> dict[str, str]:
    """Say where packages go that are not to come from the cache: conda refuses what is damaged there, and repairs nothing.

    Offline nothing could be fetched.
    """
    if engine not in _UNLOCKED or question.offline:
        return {}
    return {"CONDA_PKGS_DIRS": os.path.join(context.work_dir, "pkgs")}


def _alone(engine: str, context: Context) -> AbstractContextManager[None]:
    return context.lock(f"engine-{engine}") if engine in _UNLOCKED else nullcontext()


def _check(engine: str, prefix: str, names: Iterable[str]) -> None:
    """Believe what is there, not the exit code: conda ends with 0 where it could not unpack a package."""
    from kern_conda.prefixes import present_packages

    there = {one.name for one in present_packages(prefix)}
    absent = sorted({name for name in names if "/" not in name} - there)  # an address is no name
    if absent:
        raise StepFailed(f"{engine} ended well, but has not installed {', '.join(absent)}", where=prefix)


def _local_channel(packages: Sequence[str], context: Context) -> tuple[str, ...]:
    import shutil
    from pathlib import Path

    from kern_conda.requests import index

    channel = os.path.join(context.work_dir, "channel")
    for path in packages:
        folder = os.path.join(channel, _subdir(path))
        os.makedirs(folder, exist_ok=True)
        shutil.copy(path, folder)
    index(channel, context)
    return (Path(channel).as_uri(),)


def _subdir(path: str) -> str:
    """The platform of a package: the folder that it is in says so, as in every channel."""
    folder = os.path.basename(os.path.dirname(path))
    return folder if folder == "noarch" or folder.startswith(("linux-", "osx-", "win-")) else "noarch"
