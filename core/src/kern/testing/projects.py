"""kern as a user types it, on a project that a test writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Outcome:
    """How a run of kern ended.

    Attributes:
        argv: the command line.
        code: the exit code.
        out: standard output.
        err: standard error.
    """

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of a ``--json`` document by their name."""
        return {row["row"]: row for row in self.json["rows"]}

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of every row of ``kern run --json``."""
        return {name: row["outcome"] for name, row in self.rows.items()}

    def __str__(self) -> str:
        """What a failed assertion shows."""
        return f"{' '.join(self.argv)} -> {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@dataclass
class KernProject:
    """A directory that kern is run in.

    Attributes:
        root: its absolute path.
        environ: variables laid over those of the process; a test has a cache of its own.
    """

    root: str
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, files: Mapping[str, str]) -> KernProject:
        """Write files by relative path; parents are made."""
        for name, text in files.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return self

    def kern(self, *arguments: str, code: int | None = None, timeout: float = 600.0) -> Outcome:
        """Run ``kern`` with arguments, in a process of its own.

        Args:
            arguments: after ``kern``.
            code: the exit code that it must have.
            timeout: seconds after which the test fails.
        """
        argv = (sys.executable, "-m", "kern", *arguments)
        done = subprocess.run(
            argv,
            cwd=self.root,
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        outcome = Outcome(("kern", *arguments), done.returncode, done.stdout, done.stderr)
        assert code is None or outcome.code == code, str(outcome)
        return outcome

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        """``kern run --json``, which must end with ``code``."""
        return self.kern("run", "--json", *arguments, code=code)
