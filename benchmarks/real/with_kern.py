"""The project's tests with kern: what `kern run --json` says about each of its rows."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, NamedTuple

from by_hand import python_of
from counting import Counts, count

SECONDS = 3600


class KernError(Exception):
    """``kern run`` printed no result; the text says what it printed instead."""


class Row(NamedTuple):
    """One environment with one package, as kern ran it.

    Attributes:
        environment: its name.
        package: the kind of package, with the interpreter of a wheel that is not pure.
        outcome: what kern calls it: passed, failed, skipped...
        counts: the tests' outcomes.
        made: what was built or made for it.
        reason: why it did not pass.
        python: ``sys.version`` of the interpreter; empty where there was none.
    """

    environment: str
    package: str
    outcome: str
    counts: Counts
    made: tuple[str, ...]
    reason: str
    python: str


def run_kern(kern: str, tree: str, cache: str, base: str) -> list[Row]:
    """Run what a bare ``kern run`` runs.

    Args:
        kern: the program.
        tree: directory of the project.
        cache: directory for kern's cache.
        base: what it prints is kept in the files ``base.json`` and ``base.log``.

    Raises:
        KernError: there is no result, or the exit code is another one than the result says.
    """
    code = _start(kern, tree, cache, base)
    try:
        result = json.loads(_text(base + ".json"))
        if result["exit_code"] == code:
            return [_row(item) for item in result["rows"]]
        problem = f"its result says exit code {result['exit_code']}"
    except (ValueError, KeyError) as error:
        problem = f"no result ({error!r})"
    ended = "took too long" if code is None else f"ended with exit code {code}"
    raise KernError(f"kern run {ended}, {problem}: {_text(base + '.log')[-2000:]}")


def _start(kern: str, tree: str, cache: str, base: str) -> int | None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("KERN_")}
    environ["KERN_CACHE_DIR"] = cache
    with open(base + ".json", "wb") as out, open(base + ".log", "wb") as log:
        process = subprocess.Popen([kern, "run", "--json"], cwd=tree, env=environ, stdout=out, stderr=log)
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # kern ends what it has started
            process.wait()
            return None


def _row(item: dict[str, Any]) -> Row:
    return Row(
        environment=item["environment"],
        package=_package(item["artifact"]) or item["package"],
        outcome=item["outcome"],
        counts=count(_text(item["log"])),
        made=tuple(item["made"]),
        reason=item["reason"],
        python=python_of(item["interpreter"]) if item["interpreter"] else "",
    )


def _package(artifact: dict[str, str]) -> str:
    kind = artifact.get("kind", "")
    interpreter = os.path.basename(artifact.get("path", "")).split("-")[-3:][0]
    return kind if kind != "wheel" or interpreter.startswith("py") else f"{kind} {interpreter}"


def _text(path: str) -> str:
    if not path or not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
