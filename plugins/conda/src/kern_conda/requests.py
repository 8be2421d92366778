"""What is asked of rattler, and its answers: solve, install, read a lock file, index a channel.

rattler never runs in kern's own process: its threads crash the interpreter at its end
(https://github.com/PyO3/pyo3-async-runtimes/issues/40), and loading it takes as long as a whole run that changes
nothing. Each request is one short process (`kern_conda.worker`) which is over when its answer is complete.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import StepFailed
from kern_conda.questions import Linking, Locked, Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Context
    from kern_conda.questions import Record


def solve(question: Question, context: Context) -> tuple[Record, ...]:
    """Find the packages that answer a question.

    Args:
        question: what is to be solved.
        context: runs the process; ``context.recreate`` has all repodata fetched anew.

    Raises:
        StepFailed: there is no solution (the solver's explanation is the error's tail), a channel can't be read or a
            spec is none.
    """
    answer = _ask({"action": "solve", "question": question._asdict()}, context, question)
    return tuple(answer["records"])


def install(
    prefix: str, wanted: Question | Sequence[Record], context: Context, linking: Linking | None = None
) -> tuple[Record, ...]:
    """Make a prefix hold exactly the wanted packages.

    Args:
        prefix: absolute path; what conda put there and nobody wants now is removed, other files are left alone.
        wanted: a question, which is solved in the same process, or the records of a solution.
        context: runs the process; after ``recreate`` and ``distrust`` the package cache is checked file by file, and
            what was changed in it is extracted anew.
        linking: how; the defaults of `Linking` if it is ``None``.

    Returns:
        The records of what is installed.

    Raises:
        StepFailed: as `solve`; or a package could not be fetched, has another hash than its record, or not be linked.
    """
    request: dict[str, Any] = {
        "action": "install",
        "prefix": os.path.abspath(prefix),
        "linking": (linking or Linking())._asdict(),
    }
    question = wanted if isinstance(wanted, Question) else None
    if question is not None:
        request["question"] = question._asdict()
    else:
        request["records"] = [dict(record) for record in wanted]  # type: ignore[arg-type]
    return tuple(_ask(request, context, question)["records"])


def read_lock(path: str, platform: str, context: Context) -> Locked:
    """Read a lock file: ``conda-lock.yml`` (version 1) or ``pixi.lock``.

    Args:
        path: absolute path.
        platform: conda's name of one; empty for this machine's.
        context: runs the process.

    Raises:
        StepFailed: it can't be read, or has nothing for the platform.
    """
    answer = _ask({"action": "lock", "path": path, "platform": platform}, context)
    return Locked(tuple(answer["records"]), tuple(answer["pypi"]))


def install_locked(
    path: str,
    prefix: str,
    context: Context,
    *,
    packages: Sequence[str] = (),
    linking: Linking | None = None,
    channels: Sequence[str] = (),
) -> Locked:
    """Make a prefix hold exactly what a lock file lists for the platform of ``linking``; every hash is verified.

    Args:
        path: absolute path of the lock file.
        prefix: absolute path of the environment.
        context: runs the process.
        packages: absolute paths of conda packages that are installed too; what they need must be in the lock.
        linking: how; the defaults of `Linking` if it is ``None``.
        channels: addresses with the logins that the lock file's addresses lack.

    Returns:
        What is installed now; the files from PyPI are *not* installed yet.

    Raises:
        StepFailed: as `install` and `read_lock`; or the lock lacks what one of ``packages`` needs.
    """
    request = {
        "action": "install",
        "prefix": os.path.abspath(prefix),
        "lock": path,
        "packages": list(packages),
        "channels": list(channels),
        "linking": (linking or Linking())._asdict(),
    }
    answer = _ask(request, context)
    return Locked(tuple(answer["records"]), tuple(answer["pypi"]))


def index(directory: str, context: Context) -> None:
    """Write the ``repodata.json`` files of a channel.

    Args:
        directory: absolute path of the channel, with its packages in ``noarch``, ``linux-64``...
        context: runs the process.

    Raises:
        StepFailed: a package is damaged.
    """
    _ask({"action": "index", "directory": directory}, context)


def take_apart(specs: Sequence[str], context: Context) -> tuple[Mapping[str, str], ...]:
    """Read MatchSpecs, each into what it states.

    Args:
        specs: MatchSpecs.
        context: runs the process.

    Returns:
        For each its ``name``, and of ``version``, ``build``, ``build-number``, ``channel`` (an address), ``subdir``,
        ``file-name``, ``md5``, ``sha256`` and ``url`` those that it has.

    Raises:
        StepFailed: a text is no MatchSpec, or states what has no such name.
    """
    return tuple(_ask({"action": "specs", "specs": list(specs)}, context)["specs"])


def _ask(request: Mapping[str, Any], context: Context, question: Question | None = None) -> Any:
    """Run one worker process and read its answer; what counts is the answer, not how the process ended."""
    from kern_conda.asking import run_worker
    from kern_conda.explaining import explain

    answer = run_worker(request, context)
    problem = answer.get("problem")
    if problem is None:
        return answer
    told = explain(problem, question)
    raise StepFailed(told.message, where=told.where, hint=told.hint, tail=told.tail)
