"""The process that rattler runs in: reads one request from a file, writes one answer to another, and is gone.

Started as a program (``python -I -S worker.py REQUEST ANSWER``) by `kern_conda.asking`, never imported by kern. Progress
goes to standard output, a line each.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any


def main(asked: str, answered: str) -> None:
    """Answer a request.

    Args:
        asked: path of the request: JSON with ``action``, what that needs, and ``machine``.
        answered: path to write the answer to, complete or not at all: what was asked for, or ``problem``.
    """
    with open(asked, encoding="utf-8") as file:
        request = json.load(file)
    find_modules(request["machine"]["path"])
    write_answer(answered, answer(request))


def find_modules(path: list[str]) -> None:
    """See the modules that kern sees, however it was installed."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = list(dict.fromkeys((*path, own)))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for; a failure is an answer too."""
    from asyncio import run

    from kern_conda.rattling import ACTIONS, problem_of

    try:
        return run(ACTIONS[request["action"]](request))
    except Exception as error:  # noqa: BLE001 - rattler's errors have no common class, and each of them is an answer
        return {"problem": problem_of(error)}


def write_answer(path: str, value: dict[str, Any]) -> None:
    """Write an answer so that it is there whole or not at all."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    code = 1
    gc.disable()  # a short life: looking for garbage would be a third of what importing costs
    try:
        main(*sys.argv[1:])
        code = 0
    except BaseException:  # noqa: BLE001 - shown, and the process ends with 1
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the interpreter's ordinary end: rattler's threads are still there, and would crash in it.
        os._exit(code)
