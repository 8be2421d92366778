"""A step to activate something in: the kernel's own context, on real processes."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kern.context import Services, StepContext
from kern.log import StepLog
from kern.secrets import Masker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.process import Supervisor


class Held:
    """Locks by name, and the order in which they were taken and given back."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._lock = threading.RLock()

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        with self._lock:
            self.events.append(f"+{name}")
            yield
            self.events.append(f"-{name}")


class Place:
    """A step to activate something in: its context, its log, what runs processes."""

    def __init__(self, root: Path, supervisor: Supervisor) -> None:
        self.root = root
        self.supervisor = supervisor
        self.locks = Held()
        self.log = StepLog(str(root / "step.log"), Masker())
        self.work = root / "work dir"
        self.work.mkdir()
        self.services = Services(
            project_dir=str(root),
            cache_root=str(root / "cache"),
            environ={"PATH": os.environ["PATH"], "HOME": str(root), "OLD": "old", "LIST_PATH": "/b"},
            supervisor=lambda: supervisor,
            masker=Masker(),
            lock=self.locks.hold,
        )
        self.context = self.lend(self.services.environ)

    def lend(self, environ: Mapping[str, str]) -> StepContext:
        """A context whose processes see these variables."""
        return StepContext(self.services, "shell", self.log, work_dir=lambda: str(self.work), environ=lambda: environ)

    def script(self, name: str, text: str) -> str:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def said(self) -> str:
        path = Path(self.log.path)
        return path.read_text(encoding="utf-8") if path.exists() else ""
