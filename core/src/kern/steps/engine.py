"""Execute a plan: builds, environments and rows as a graph, results as events."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from kern.errors import KernError, LockTimeout, StepFailed, Stopped
from kern.events import (
    BLOCKED,
    ERROR,
    GOOD,
    INTERRUPTED,
    PASSED,
    Event,
    Notice,
    RowFinished,
    RowResult,
    StepFinished,
    StepStarted,
)
from kern.log import StepLog
from kern.plan.values import BUILD, EXISTING, MAKE, REUSE, UPDATE, Build, Plan, RowPlan
from kern.scheduler import Node, Pools, Scheduler
from kern.steps.own import run_own
from kern.steps.row import blank_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kern.api import Artifact
    from kern.session import Session
    from kern.steps.choices import Choices

DONE = {MAKE: "made environment", UPDATE: "reinstalled package"}


class Engine:
    """One execution of one plan. ``late`` are the steps that came to nothing because a lock was held for too long."""

    def __init__(self, session: Session, plan: Plan, choices: Choices, emit: Callable[[Event], None]) -> None:
        """Prepare; nothing runs yet."""
        self._session = session
        self._plan = plan
        self._choices = choices
        self._emit_unlocked = emit
        self._emitting = Lock()
        self._pools = Pools(session.project.limits)
        self._builds = {build.key: build for build in plan.builds}
        self._rows = {row.row.label: row for row in plan.rows}
        self._artifacts: dict[str, Artifact] = {b.key: b.artifact for b in plan.builds if b.artifact is not None}
        self._broken: dict[str, str] = {}
        self.late: set[str] = set()
        self._failures: dict[str, StepFinished] = {}
        self._made: dict[str, list[str]] = {}
        self.results: dict[str, RowResult] = {}
        self._interrupted = ""
        self._scheduler = Scheduler(self._nodes(), self._work, choices.jobs, self._pools)
        session.stopping = lambda: bool(self._interrupted)
        if any(row.existing is not None for row in plan.rows):
            from kern.sharing import Sharing

            session.sharing = Sharing(plan.rows, session.warn)

    def execute(self) -> tuple[RowResult, ...]:
        """Run everything; a result for every row, in the plan's order."""
        self._session.supervisor()
        self._scheduler.run()
        if self._scheduler.abandoned:
            self._session.tell_busy(lambda text: self._emit(Notice("warning", text)))
        if self._made or self._broken:
            from kern.store import tidy

            tidy(self._session.work_dir)
        for row in self._plan.rows:
            if row.row.label not in self.results:
                self._finish(blank_result(row, INTERRUPTED, reason=self._interrupted or "interrupted"))
        return tuple(self.results[row.row.label] for row in self._plan.rows)

    def artifact(self, key: str) -> Artifact | None:
        """The artifact of a build, once it is there."""
        return self._artifacts.get(key)

    def failure(self, key: str) -> StepFinished:
        """How a build that gave no artifact ended."""
        missing = StepFinished(key, "build", key, ERROR, 0.0, self._broken.get(key, "interrupted"))
        return self._failures.get(key, missing)

    def late_rows(self) -> frozenset[str]:
        """The labels of the rows that came to nothing because somebody else held a lock for too long."""
        steps = {row.row.label: (row.build, f"make:{row.row.key}", f"run:{row.row.label}") for row in self._plan.rows}
        return frozenset(label for label, keys in steps.items() if not self.late.isdisjoint(keys))

    def stop(self, level: int, why: str = "interrupted") -> None:
        """Start nothing more and stop what runs; may be called from a signal handler."""
        self._interrupted = self._interrupted or why
        self._scheduler.stop(level)
        self._session.stop(level)

    def _nodes(self) -> Iterator[Node]:
        for build in self._plan.builds:
            if build.action == BUILD:
                after = tuple(key for key in (build.source, build.first) if key and self._is_built(key))
                yield Node(build.key, after, build.pools)
        labels = set(self._rows)
        for row in self._plan.rows:
            after = (row.build,) if row.build and self._is_built(row.build) else ()
            make = f"make:{row.row.key}"
            if row.action not in (REUSE, EXISTING) and not row.outcome:
                yield Node(make, after, row.pools)
                after = (make,)
            before = tuple(f"run:{label}" for label in row.depends if label in labels)
            yield Node(f"run:{row.row.label}", (*after, *before), row.run.limits)

    def _is_built(self, key: str) -> bool:
        return self._builds[key].action == BUILD

    def _work(self, key: str) -> None:
        kind, _, name = key.partition(":")
        if kind == "build":
            self._build(self._builds[key])
        elif kind == "make":
            self._make(next(row for row in self._plan.rows if row.row.key == name))
        else:
            self._run(self._rows[name])

    def _emit(self, event: Event) -> None:
        if self._scheduler.abandoned and self._emitting.locked():  # by a plugin that may never come back
            return
        with self._emitting:
            self._emit_unlocked(event)

    def _log(self, name: str) -> StepLog:
        return StepLog(os.path.join(self._choices.log_dir, name), self._session.masker)

    @contextmanager
    def _step(self, key: str, kind: str, title: str, log: StepLog) -> Iterator[Callable[[str], None]]:
        """Report a step: started when the caller says so, then how it ended; a `KernError` ends here."""
        begun = time.monotonic()
        announced: list[str] = []

        def started(reason: str) -> None:
            announced.append(reason)
            self._emit(StepStarted(key, kind, title, reason))

        try:
            yield started
        except Stopped:
            self._broken[key] = INTERRUPTED
            self._emit(StepFinished(key, kind, title, INTERRUPTED, time.monotonic() - begun, log=log.path))
        except KernError as failure:
            from kern.steps.blame import blamed

            error = blamed(failure, (self._session.work_dir, self._session.services.cache_root))
            self._broken[key] = error.message
            self._note_late(key, error)
            self._failures[key] = self._failed(key, kind, title, error, time.monotonic() - begun, log)
            self._emit(self._failures[key])
            self._after_failure()
        else:
            if announced:
                self._emit(StepFinished(key, kind, title, PASSED, time.monotonic() - begun, log=log.path))
        finally:
            self._close(log)

    def _note_late(self, key: str, error: KernError) -> None:
        if isinstance(error, LockTimeout):
            self.late.add(key)

    def _close(self, log: StepLog) -> None:
        try:
            log.close()
        except StepFailed as error:
            self._emit(Notice("warning", error.message))

    def _failed(self, key: str, kind: str, title: str, error: KernError, seconds: float, log: StepLog) -> StepFinished:
        path = error.log or (log.path if os.path.exists(log.path) else "")
        return StepFinished(key, kind, title, ERROR, seconds, error.sentence, error.hint, path, error.tail)

    def _build(self, build: Build) -> None:
        from kern.plan.builds import record_name
        from kern.steps.build import build_package

        if build.source in self._broken:
            self._broken[build.key] = f"{self._builds[build.source].package.name} could not be built"
            self.late.update({build.key} if build.source in self.late else ())
            return
        log = self._log(f"build-{record_name(build.key)}.log")
        title = f"building {build.package.name}" + (f" ({build.variant})" if build.variant else "")
        with self._step(build.key, "build", title, log) as started:
            source = self._builds.get(build.source)
            if source is not None:
                source = source._replace(artifact=self._artifacts.get(source.key))
            first = self._artifacts.get(build.first) if build.first else None
            artifact, built = build_package(self._session, build, source, first, log, started)
            self._artifacts[build.key] = artifact
            if built:
                self._note(build.key, f"built {build.package.name}")

    def _note(self, key: str, what: str) -> None:
        self._made.setdefault(key, []).append(what)

    def _artifact_of(self, row: RowPlan) -> Artifact | None:
        return self._artifacts.get(row.build) if row.build else row.artifact

    def _make(self, row: RowPlan) -> None:
        from kern.steps.environment import ensure_environment

        if row.build in self._broken:
            return
        key = f"make:{row.row.key}"
        log = self._log(f"{row.row.key}.make.log")
        with self._step(key, "make", f"making environment {row.row.label}", log) as started:
            action = ensure_environment(
                self._session, row, self._artifact_of(row), log, lambda _, reason: started(reason)
            )
            if action in DONE:
                self._note(key, DONE[action])

    def _run(self, row: RowPlan) -> None:
        make = f"make:{row.row.key}"
        blocker = self._blocker(row)
        if row.outcome:
            self._finish(blank_result(row, row.outcome, reason=row.reason, hint=row.hint, drift=row.drift))
        elif blocker:
            self.late.update({f"run:{row.row.label}"} if blocker in self.late_rows() else ())
            self._finish(blank_result(row, BLOCKED, reason=f"it depends on {blocker}, which could not be run"))
        elif row.build in self._broken:
            said = f"{self._builds[row.build].package.name} could not be built: {self._broken[row.build]}"
            self._finish(blank_result(row, ERROR, reason=said))
        elif make in self._broken:
            stopped = self._broken[make] == INTERRUPTED
            said = "interrupted" if stopped else f"the environment could not be made: {self._broken[make]}"
            self._finish(blank_result(row, INTERRUPTED if stopped else ERROR, reason=said))
        else:
            self._finish(self._run_ready(row, make))

    def _blocker(self, row: RowPlan) -> str:
        """The first row that this one depends on and that could not be run; failed tests are no obstacle."""
        results = (self.results.get(label) for label in row.depends)
        return next((result.row for result in results if result and result.outcome in (ERROR, BLOCKED)), "")

    def _run_ready(self, row: RowPlan, make: str) -> RowResult:
        made = (*self._made.pop(row.build, ()), *self._made.get(make, ()))  # one row alone says what was built
        if not self._choices.test and row.existing is None:
            return blank_result(row, PASSED, made=made)
        log = self._log(f"{row.row.key}.log")
        try:
            return self._run_where_it_belongs(row, log)._replace(made=made)
        except Stopped:
            return blank_result(row, INTERRUPTED, reason="interrupted", made=made)
        except KernError as error:
            self._note_late(f"run:{row.row.label}", error)
            return blank_result(row, ERROR, reason=error.message, hint=error.hint, made=made)
        finally:
            self._close(log)

    def _run_where_it_belongs(self, row: RowPlan, log: StepLog) -> RowResult:
        session, choices, pools, emit = self._session, self._choices, self._pools, self._emit
        if row.existing is None:
            return run_own(session, row, self._artifact_of(row), choices, pools, log, emit)
        from kern.steps.existing import run_existing

        return run_existing(session, row, choices, pools, log, emit)

    def _finish(self, result: RowResult) -> None:
        if self._session.sharing is not None:
            self._session.sharing.done(result.row)
        self.results[result.row] = result
        self._emit(RowFinished(result))
        if result.outcome not in GOOD and result.outcome != INTERRUPTED:
            self._after_failure()

    def _after_failure(self) -> None:
        if self._choices.fail_fast and not self._interrupted:
            self.stop(1, "stopped after the first failure")
