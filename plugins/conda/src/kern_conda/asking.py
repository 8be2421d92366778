"""One worker process from its request to its answer."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from kern.api import Command, StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Completed, Context
    from kern_conda.logins import Logins

_ATTEMPTS = 3


def run_worker(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Have a worker process answer a request.

    A worker that a signal ended before its answer was there is started again: whatever it had done by then is either
    whole or done again.

    Args:
        request: a JSON value; see `kern_conda.worker`.
        context: runs the process.

    Raises:
        StepFailed: it gave no answer.
    """
    from kern_conda.logins import lent, logins_of
    from kern_conda.network import addresses, mask_secrets, worker_environ

    mask_secrets(request, context)
    logins = logins_of(addresses(request))
    with lent(logins, worker_environ(context), context.work_dir) as environ:
        whole = {**logins.without(request), "machine": machine(context, environ, logins)}
        for attempt in range(_ATTEMPTS):
            completed, found = _attempt(whole, environ, context)
            if found is not None:
                return found
            if completed.exit_code >= 0 or attempt + 1 == _ATTEMPTS:
                raise _unanswered(request, completed)
    raise AssertionError("the last attempt has returned or raised")


def _attempt(
    whole: Mapping[str, Any], environ: Mapping[str, str], context: Context
) -> tuple[Completed, dict[str, Any] | None]:
    asked, answer = _write_request(whole, context)
    try:
        argv = (sys.executable, "-I", "-S", _program(), asked, answer)
        return context.run(Command(argv=argv, environ=environ), check=False), _read_answer(answer)
    finally:
        os.unlink(asked)  # it may hold tokens, and what is left after a failure stays for days


def machine(context: Context, environ: Mapping[str, str], logins: Logins) -> dict[str, Any]:
    """What a worker must know of this machine; ``path`` is where its modules are found, whatever ``-I`` leaves out."""
    from kern_conda.network import client_settings, package_cache

    return {
        "path": [entry for entry in sys.path if entry],
        "packages": package_cache(context),
        "repodata": os.path.join(context.cache_dir, "repodata"),
        "client": client_settings(environ, logins.tokens),
        "renew": bool(context.recreate),
        "distrust": bool(context.distrust or context.recreate),
    }


def _program() -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


def _write_request(request: Mapping[str, Any], context: Context) -> tuple[str, str]:
    """Write a request where nobody else can read it (channels may hold tokens), and name the answer's file."""
    import json

    from kern_conda.private_files import write_private

    path = os.path.join(context.work_dir, f"rattler-{os.urandom(8).hex()}.json")
    write_private(path, json.dumps(request))
    return path, f"{path}.answer"


def _read_answer(path: str) -> dict[str, Any] | None:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            answer = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _unanswered(request: Mapping[str, Any], completed: Completed) -> StepFailed:
    how = f"exit code {completed.exit_code}" if completed.exit_code >= 0 else f"signal {-completed.exit_code}"
    return StepFailed(
        f"rattler gave no answer to `{request['action']}` and ended with {how}",
        where=str(request.get("prefix", "")),
        hint="is py-rattler whole? `pip install --force-reinstall py-rattler` makes it so",
        tail=completed.stdout[-2000:],
    )
