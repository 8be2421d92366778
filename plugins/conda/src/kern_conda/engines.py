"""Programs that the user has for making conda environments, in rattler's place: conda, mamba and micromamba."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Context
    from kern_conda.options import CondaOptions
    from kern_conda.requests import Question

_VARIABLES = {"conda": "CONDA_EXE", "mamba": "MAMBA_EXE", "micromamba": "MAMBA_EXE"}
_OVERRIDES = {"__cuda": "CUDA", "__glibc": "GLIBC", "__linux": "LINUX", "__osx": "OSX", "__archspec": "ARCHSPEC"}


def find_engine(options: CondaOptions, environ: Mapping[str, str]) -> str | None:
    """Find the program: ``engine_path``, else on ``PATH``, else where the shell's hook says that it is."""
    from shutil import which

    if options.engine_path:
        return which(os.path.abspath(os.path.expanduser(options.engine_path)))
    stated = environ.get(_VARIABLES.get(options.engine, ""), "")
    named = stated if os.path.basename(stated) == options.engine else ""
    return which(options.engine, path=environ.get("PATH", "")) or (which(named) if named else None)


def install_with_engine(program: str, prefix: str, question: Question, link: str, context: Context) -> None:
    """Have a program install what a question asks for into a prefix.

    Args:
        program: absolute path of conda, mamba or micromamba.
        prefix: absolute path of a prefix that exists: so no program asks whether it may make one there.
        question: what is wanted; its ``packages`` come from a channel that is made for this run.
        link: ``auto``, ``hard`` or ``copy``.
        context: runs the process.

    Raises:
        StepFailed: the program failed; what it said is the error's tail.
    """
    from kern_conda.network import mask_secrets

    mask_secrets({"question": question._asdict()}, context)
    own = _local_channel(question.packages, context) if question.packages else ()
    whole = question._replace(
        specs=(*map(exact_spec, question.packages), *question.specs), channels=(*own, *question.channels)
    )
    if not whole.specs:
        return
    environ = {**context.environ, **engine_variables(whole, link)}
    done = context.run(Command(argv=engine_arguments(program, prefix, whole), environ=environ), check=False)
    if done.exit_code != 0:
        name = os.path.basename(program)
        message = f"{name} could not install into the environment (exit code {done.exit_code})"
        raise StepFailed(message, where=prefix, tail=_reason(done.stdout))


def engine_arguments(program: str, prefix: str, question: Question) -> tuple[str, ...]:
    """Say a question as a command line, the same for conda, mamba and micromamba."""
    channels = (word for url in question.channels for word in ("-c", url))
    offline = ("--offline",) if question.offline else ()
    return (
        program,
        "install",
        "-p",
        prefix,
        "--json",
        "-y",
        "--override-channels",
        *channels,
        *offline,
        *question.specs,
    )


def engine_variables(question: Question, link: str) -> dict[str, str]:
    """Say as variables what has no argument: conda's settings and ``CONDA_OVERRIDE_*``."""
    variables = {"CONDA_CHANNEL_PRIORITY": question.channel_priority}
    if question.platform:
        variables["CONDA_SUBDIR"] = question.platform
    if link == "copy":
        variables["CONDA_ALWAYS_COPY"] = "true"
    for text in question.virtual_packages:
        name, _, rest = text.partition("=")
        version, _, build = rest.partition("=")
        if name in _OVERRIDES:
            variables[f"CONDA_OVERRIDE_{_OVERRIDES[name]}"] = build if name == "__archspec" else version
    return variables


def exact_spec(path: str) -> str:
    """Say a package file as ``name=version=build``, which its name is made of."""
    stem = os.path.basename(path).removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    return f"{name}={version}={build}"


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


def _reason(stdout: str) -> str:
    """Read what went wrong from the JSON that these programs print."""
    import json

    try:
        answer = json.loads(stdout)
    except ValueError:
        return stdout[-4000:]
    reasons = (answer.get(key) for key in ("message", "error", "solver_problems")) if isinstance(answer, dict) else ()
    return "\n".join("\n".join(map(str, one)) if isinstance(one, list) else str(one) for one in reasons if one)
