"""Calling a build backend's hooks (PEP 517, PEP 660) in a build environment, every process through the context."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kern.api import Command, StepFailed

if TYPE_CHECKING:
    from pyproject_hooks import BuildBackendHookCaller

    from kern.api import Context
    from kern_wheel.build_environment import BuildEnvironment
    from kern_wheel.build_system import BuildSystem

_ALIEN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


_SHIMS = {"hatchling.build": "kern_backend_hatchling"}
"""Backends that need a word from kern: module in `kern_wheel.shims` that stands in for each."""


class BackendMissing(StepFailed):
    """The backend can't be imported: never installed, or the environment is damaged."""

    def __init__(self, message: str, environment: BuildEnvironment, *, where: str, hint: str, tail: str) -> None:
        """Remember which environment lacks it."""
        super().__init__(message, where=where, hint=hint, tail=tail)
        self.environment = environment


class Job(NamedTuple):
    """One thing to build.

    Attributes:
        kind: ``sdist``, ``wheel`` or ``editable``, as the hooks are called.
        tree: absolute path of the source tree.
        system: who builds it.
        config_settings: handed to every hook.
        context: lends processes and directories.
    """

    kind: str
    tree: str
    system: BuildSystem
    config_settings: Mapping[str, str]
    context: Context


def required_by_backend(job: Job, environment: BuildEnvironment) -> tuple[str, ...]:
    """What the backend wants for this kind of build beyond the table (``get_requires_for_build_*``).

    Raises:
        StepFailed: the hook failed or answered nonsense.
    """
    hook = f"get_requires_for_build_{job.kind}"
    answer = _call(job, environment, hook, lambda caller: getattr(caller, hook)(_settings(job)))
    if not isinstance(answer, Sequence) or isinstance(answer, str) or not all(isinstance(each, str) for each in answer):
        raise StepFailed(f"{job.system.backend} answered {hook} with something that is no list", where=job.tree)
    return tuple(answer)


def produce(job: Job, environment: BuildEnvironment) -> str:
    """Have the backend build into ``context.output_dir``.

    Returns:
        Absolute path of what it built.

    Raises:
        StepFailed: the hook failed, is missing, or named a file that is not there.
    """
    hook = f"build_{job.kind}"
    directory = job.context.output_dir
    name = _call(job, environment, hook, lambda caller: getattr(caller, hook)(directory, _settings(job)))
    if not isinstance(name, str) or os.path.basename(name) != name or not os.path.isfile(os.path.join(directory, name)):
        raise StepFailed(
            f"{job.system.backend} answered {hook} with {name!r}, which is no file that it made", where=job.tree
        )
    return os.path.join(directory, name)


def _settings(job: Job) -> dict[str, str] | None:
    return dict(job.config_settings) or None


def _call(
    job: Job, environment: BuildEnvironment, hook: str, ask: Callable[[BuildBackendHookCaller], object]
) -> object:
    """Call one hook and translate every way to fail into words."""
    import pyproject_hooks

    backend = job.system.backend
    try:
        return ask(_caller(job, environment))
    except StepFailed as failed:
        message = f"{backend} failed in {hook}: {failed.message}"
        raise StepFailed(message, where=job.tree, hint=failed.hint, log=failed.log, tail=failed.tail) from failed
    except pyproject_hooks.BackendUnavailable as error:
        raise BackendMissing(
            f"the build backend {backend} can't be imported",
            environment,
            where=job.system.where,
            hint="build-backend must name a module that build-system.requires or backend-path brings",
            tail=error.traceback,
        ) from None
    except pyproject_hooks.HookMissing as error:
        raise _missing_hook(job, error.hook_name) from None
    except pyproject_hooks.UnsupportedOperation as error:
        raise StepFailed(f"{backend} can't do {hook} for this tree", where=job.tree, tail=error.traceback) from None
    except (OSError, ValueError, KeyError) as error:
        message = f"{backend} ended without an answer to {hook} ({error.__class__.__name__})"
        raise StepFailed(message, where=job.tree) from error


def _missing_hook(job: Job, hook: str) -> StepFailed:
    if job.kind != "editable":
        return StepFailed(f"the build backend {job.system.backend} has no {hook}", where=job.system.where)
    return StepFailed(
        f"the build backend {job.system.backend} can't make editable builds: it has no {hook} (PEP 660)",
        where=job.system.where,
        hint='say package = "wheel", or take a newer backend',
    )


def _caller(job: Job, environment: BuildEnvironment) -> BuildBackendHookCaller:
    import pyproject_hooks

    _silence_warnings(pyproject_hooks)
    environ = _environ(job, environment)

    def run(cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        command = Command(argv=tuple(cmd), cwd=cwd, environ={**environ, **(extra_environ or {})})
        job.context.run(command)
        _say_warnings(cmd[-1], job.context)

    return pyproject_hooks.BuildBackendHookCaller(
        job.tree,
        _shim(job) or job.system.backend,
        backend_path=list(job.system.backend_path) or None,
        runner=run,
        python_executable=environment.python,
    )


def _environ(job: Job, environment: BuildEnvironment) -> dict[str, str]:
    environ = {name: value for name, value in job.context.environ.items() if name not in _ALIEN}
    scripts = os.path.dirname(environment.python)
    environ["PATH"] = os.pathsep.join(filter(None, (scripts, environ.get("PATH", os.defpath))))
    if _shim(job):
        environ["PYTHONPATH"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shims")
    if job.kind != "editable":
        environ.setdefault("DIST_EXTRA_CONFIG", _outside_build_directory(job.context.work_dir))
    return environ


def _shim(job: Job) -> str:
    return "" if job.system.backend_path else _SHIMS.get(job.system.backend, "")


def _outside_build_directory(work_dir: str) -> str:
    """A configuration for setuptools that keeps ``build/`` out of the source tree.

    There it is left over from the build before: modules that were deleted since come back in the next wheel. Other
    backends do not know the variable. An editable build points into its build directory, so that one has to stay.
    """
    path = os.path.join(work_dir, "distutils.cfg")
    base = os.path.join(work_dir, "build").replace("%", "%%")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(f"[build]\nbuild_base = {base}\n")
    return path


def _silence_warnings(hooks: object) -> None:
    """Keep a backend's warnings off kern's own standard error: they are said in the step's log instead."""
    category = getattr(hooks, "BuildBackendWarning", None)
    if category is not None:
        import warnings

        warnings.simplefilter("ignore", category)


def _say_warnings(control_dir: str, context: Context) -> None:
    """Put what the backend warned of into the log; the hook's process leaves it beside its answer."""
    try:
        with open(os.path.join(control_dir, "output.json"), encoding="utf-8") as stream:
            answer = json.load(stream)
    except (OSError, ValueError):
        return
    for warning in answer.get("warnings", ()):
        context.say(f"warning from the build backend: {warning.get('message')}")
