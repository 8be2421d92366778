"""The verb ``kern lock``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kern.cli.opening import jobs, masked, open_session, print_json
from kern.cli.streams import write as write_to
from kern.errors import UsageError
from kern.lock_subjects import FAILED, NONE, STALE, UNCHANGED, Result
from kern.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from kern.cli.declarations import LockArguments
    from kern.secrets import Masker
    from kern.session import Session

NOT_LOCKED = 3
NOT_ANSWERED = 1


def main(arguments: LockArguments) -> int:
    """Lock the selected environments, or check their locks."""
    if arguments.check and (arguments.upgrade or arguments.upgrade_packages):
        raise UsageError("--check changes nothing, so it can't upgrade", where="command line")
    session = open_session(arguments, lanes=jobs(arguments.jobs), lock_timeout=arguments.lock_timeout)
    out = sys.stdout  # while a plugin works in one thread, this name stands for standard error in all of them
    try:
        names = session.select(arguments.selection, arguments.labels, arguments.skip).names

        def tell(result: Result) -> None:
            if not arguments.json:
                _tell(result, session.masker, out, quiet=arguments.quiet)

        results, code = _check(session, names, tell) if arguments.check else _lock(session, names, arguments, tell)
        if arguments.json:
            print_json(masked({"schema": 1, "locks": [_document(result) for result in results]}, session.masker))
        return code
    finally:
        session.close()


def _check(session: Session, names: Sequence[str], tell: Callable[[Result], None]) -> tuple[list[Result], int]:
    from kern.locking import check

    results = check(session, names)
    for result in results:
        tell(result)
    return results, _code(results)


def _lock(
    session: Session, names: Sequence[str], arguments: LockArguments, tell: Callable[[Result], None]
) -> tuple[list[Result], int]:
    from kern.cli.execution import Signals
    from kern.locking import LockChoices, lock

    received: list[int] = []

    @contextmanager
    def listen(stop: Callable[[int, str], None]) -> Iterator[None]:
        with Signals(stop) as numbers:
            yield
        received.extend(numbers)

    upgrade = None if arguments.upgrade else arguments.upgrade_packages
    choices = LockChoices(
        upgrade, session.lanes, strict=bool(arguments.selection or arguments.labels), quiet=arguments.quiet
    )
    results = lock(session, names, choices, tell, listen)
    return results, 128 + received[0] if received else _code(results)


def _code(results: list[Result]) -> int:
    outcomes = {result.outcome for result in results}
    if FAILED in outcomes:
        return NOT_LOCKED
    return NOT_ANSWERED if STALE in outcomes else 0


def _document(result: Result) -> dict[str, Any]:
    document = result._asdict()
    return {**document, "environments": list(result.environments)}


def _tell(result: Result, masker: Masker, out: TextIO, *, quiet: bool) -> None:
    """One line for a lock file, on standard output; what went wrong, on standard error."""
    failed = result.outcome in (FAILED, STALE)
    if quiet and not failed:
        return
    lines = [_line(result)]
    if result.outcome == FAILED:
        lines += [f"  log: {result.log}"] if result.log else []
        lines += [f"  | {line}" for line in result.tail.strip().splitlines()]
    lines += [f"hint: {result.hint}"] if failed and result.hint else []
    text = "".join(visible(masker.mask_text(line)) + "\n" for line in lines)
    write_to(sys.stderr if failed else out, text)


def _line(result: Result) -> str:
    names = ", ".join(result.environments)
    if result.outcome == NONE:
        return f"{'no lock':<9} {names}: {result.reason}"
    if result.outcome in (FAILED, STALE):
        return f"{result.outcome:<9} {names}: {result.reason}"
    said = f" ({result.reason})" if result.outcome == UNCHANGED and result.reason else ""
    return f"{result.outcome:<9} {names}: {result.path}{said}"
