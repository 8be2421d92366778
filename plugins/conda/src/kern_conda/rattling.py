"""What the worker process does with rattler; imported there only.

The requests are those of `kern_conda.requests`, the answers JSON. Progress goes to standard output.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

Request = dict[str, Any]
Answer = dict[str, Any]


async def _solve(request: Request) -> Answer:
    from kern_conda.rattling_records import as_json
    from kern_conda.rattling_solve import solve

    return {"records": as_json(await solve(request["question"], request["machine"]))}


async def _install(request: Request) -> Answer:
    from kern_conda.rattling_install import install
    from kern_conda.rattling_records import as_json, from_json

    pypi: Sequence[str] = ()
    if "question" in request:
        from kern_conda.rattling_solve import solve

        records = await solve(request["question"], request["machine"])
    elif "lock" in request:
        from kern_conda.rattling_lock import locked_with_packages

        records, pypi = await locked_with_packages(request["lock"], request["linking"]["platform"], request["packages"])
    else:
        records = from_json(request["records"])
    await install(records, request["prefix"], request["linking"], request["machine"])
    return {"records": as_json(records), "pypi": list(pypi)}


async def _lock(request: Request) -> Answer:
    from kern_conda.rattling_lock import read_lock
    from kern_conda.rattling_records import as_json

    records, pypi = read_lock(request["path"], request["platform"])
    return {"records": as_json(records), "pypi": list(pypi)}


async def _index(request: Request) -> Answer:
    from rattler.index import index_fs

    os.makedirs(os.path.join(request["directory"], "noarch"), exist_ok=True)
    await index_fs(request["directory"])
    return {}


async def _specs(request: Request) -> Answer:
    from kern_conda.rattling_specs import take_apart

    return {"specs": take_apart(request["specs"])}


ACTIONS: dict[str, Callable[[Request], Coroutine[Any, Any, Answer]]] = {
    "solve": _solve,
    "install": _install,
    "lock": _lock,
    "index": _index,
    "specs": _specs,
}


def problem_of(error: BaseException) -> dict[str, str]:
    """Say an error as JSON: the name of its class and its message."""
    return {"kind": type(error).__name__, "message": str(error) or repr(error)}
