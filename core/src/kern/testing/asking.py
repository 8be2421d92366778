"""A question to a driver in a new process: ``python -m kern.testing.asking`` with JSON on standard input.

What comes from the order of a set, from the clock or from the process itself is seen only where two processes differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.testing.workbench import Workbench

_SEED = "PYTHONHASHSEED"
_SEEDS = ("1", "2")


def answer_elsewhere(bench: Workbench, method: str, **asked: Any) -> Any:
    """Ask a driver in a new process with another order of sets, at the same workbench.

    Args:
        bench: the workbench.
        method: ``fingerprint`` or ``inputs``.
        asked: ``driver``, ``provider``, ``factors``, ``table`` (of the environment) and ``package`` (its table, for a
            builder).

    Returns:
        The answer as JSON has it.
    """
    question = {
        "method": method,
        "root": os.path.dirname(bench.root),
        "environ": dict(bench.environ),
        "cache": bench.cache_dir,
        **asked,
        "driver": _name_of(asked["driver"]),
        "provider": _name_of(asked.get("provider")),
    }
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        _SEED: next(seed for seed in _SEEDS if seed != os.environ.get(_SEED)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "kern.testing.asking"],
        input=json.dumps(question), env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def plain(value: Any) -> Any:
    """What a driver said, as it comes back from a record."""
    return json.loads(json.dumps(value, default=lambda other: list(other) if isinstance(other, tuple) else dict(other)))


def _name_of(driver: object) -> str:
    return "" if driver is None else f"{type(driver).__module__}:{type(driver).__qualname__}"


def _driver(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found()


def _answer(question: Mapping[str, Any]) -> Any:
    from kern.testing.workbench import Workbench

    bench = Workbench(question["root"])
    bench.environ, bench.cache_dir = dict(question["environ"]), question["cache"]
    driver = _driver(question["driver"])
    provider = _driver(question["provider"]) if question["provider"] else None
    spec = bench.spec(provider, tuple(question["factors"]), question["table"])
    if question.get("package") is None:
        return getattr(driver, question["method"])(spec, bench.context())
    return getattr(driver, question["method"])(bench.package(driver, question["package"]), spec, bench.context())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(plain(_answer(json.load(sys.stdin)))) + "\n")
