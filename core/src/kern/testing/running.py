"""Commands in an activated environment, the way the kernel runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.environ import apply
from kern.process import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Activation
    from kern.process import Ended
    from kern.testing.workbench import Workbench


def run_in(bench: Workbench, activation: Activation, *argv: str, timeout: float | None = None) -> Ended:
    """Run a command in an activation; see `output_in` for what it prints."""
    return _run(bench, activation, argv, timeout=timeout)[0]


def output_in(bench: Workbench, activation: Activation, *argv: str, host: Mapping[str, str] | None = None) -> str:
    """What a command prints in an activation."""
    return _run(bench, activation, argv, host=host)[1].decode(errors="surrogateescape")


def _run(
    bench: Workbench,
    activation: Activation,
    argv: tuple[str, ...],
    *,
    host: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> tuple[Ended, bytes]:
    environ = apply(activation.delta, {**bench.environ, **(host or {})})
    printed: list[bytes] = []
    request = Request((*activation.prefix, *argv), bench.project_dir, environ, timeout=timeout)
    ended = bench.supervisor().run(request, printed.append)
    return ended, b"".join(printed)
