"""What kern relies on in every activator."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from kern.api import Activation, Environment
from kern.testing.contract import Contract
from kern.testing.running import output_in, run_in
from kern.testing.surroundings import watched
from kern.testing.trees import changes_between, tree_of

if TYPE_CHECKING:
    from kern.testing.cases import ActivatorCase
    from kern.testing.workbench import Workbench


BUSY = "(while :; do :; done) & while :; do :; done"
"""Two processes without an end, for which a shell is enough: an environment need not have any other program."""
MARK = "kern-busy-command"


class ActivatorContract(Contract):
    """Give it a fixture ``case`` that returns an `ActivatorCase`."""

    protocol = "Activator"

    @pytest.fixture
    def environment(self, case: ActivatorCase, workbench: Workbench) -> Environment:
        """The environment of the case, made once for the class."""
        workbench.environ.update(case.environ)
        if "environment" not in workbench.kept:
            workbench.kept["environment"] = case.environment(workbench)
        found: Environment = workbench.kept["environment"]
        return found

    def test_it_says_where_commands_run(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """It gives an `Activation` in which a command runs."""
        with case.driver.activate(environment, workbench.context()) as activation:
            assert isinstance(activation, Activation)
            assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def test_the_process_is_left_as_it_is(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """Commands are told what changes by the `Activation`; kern's own variables, directory and signals stay."""
        with watched() as changed:
            active = case.driver.activate(environment, workbench.context())
            active.__enter__()
        active.__exit__(None, None, None)
        assert changed == []

    def test_it_is_deterministic(self, case: ActivatorCase, environment: Environment, workbench: Workbench) -> None:
        """The same environment is activated in the same way each time."""
        seen = []
        for _ in range(2):
            with case.driver.activate(environment, workbench.context()) as activation:
                seen.append(activation)
        assert seen[0] == seen[1]

    def test_what_is_set_is_seen(self, case: ActivatorCase, environment: Environment, workbench: Workbench) -> None:
        """Each variable that it sets has its value in a command."""
        with case.driver.activate(environment, workbench.context()) as activation:
            shown = output_in(workbench, activation, "env", "-0")
            missing = [name for name, value in activation.delta.set.items() if not _shows(shown, f"{name}={value}")]
        assert missing == []

    def test_what_is_unset_is_not_seen(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """A variable that it unsets is gone, though the host has it."""
        with case.driver.activate(environment, workbench.context()) as activation:
            gone = set(activation.delta.unset) - set(activation.delta.set) - set(activation.delta.prepend)
            shown = output_in(workbench, activation, "env", "-0", host=dict.fromkeys(gone, "host"))
        assert [name for name in sorted(gone) if _shows(shown, f"{name}=host")] == []

    def test_it_is_undone(self, case: ActivatorCase, environment: Environment, workbench: Workbench) -> None:
        """Nothing that it started runs any more when it has been left."""
        with case.driver.activate(environment, workbench.context()):
            pass
        assert self._left(workbench) == []

    def test_it_is_undone_after_a_failure(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """A failure inside comes out as it is, and all is undone."""

        class FailureError(Exception):
            pass

        with pytest.raises(FailureError), case.driver.activate(environment, workbench.context()):
            raise FailureError
        assert self._left(workbench) == []
        with case.driver.activate(environment, workbench.context()) as activation:
            assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def test_exit_codes_pass_through(self, case: ActivatorCase, environment: Environment, workbench: Workbench) -> None:
        """A command's exit code is the command's, and a signal is seen as one."""
        with case.driver.activate(environment, workbench.context()) as activation:
            assert [run_in(workbench, activation, "sh", "-c", f"exit {n}").exit_code for n in (0, 5, 126)] == [
                0,
                5,
                126,
            ]
            assert run_in(workbench, activation, "sh", "-c", "kill -KILL $$").exit_code in (-9, 137)

    def test_the_project_is_left_alone(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """Activation writes nothing into the project."""
        before = tree_of(workbench.project_dir)
        with case.driver.activate(environment, workbench.context()):
            pass
        assert changes_between(before, tree_of(workbench.project_dir)) == []

    def test_the_environment_is_left_alone(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """Activation writes nothing into the environment either, but for what that calls volatile."""
        before = tree_of(environment.location, leave_out=environment.volatile)
        with case.driver.activate(environment, workbench.context()) as activation:
            run_in(workbench, activation, "sh", "-c", "exit 0")
        after = tree_of(environment.location, leave_out=environment.volatile)
        assert changes_between(before, after) == []

    def test_two_are_entered_at_once(self, case: ActivatorCase, environment: Environment, workbench: Workbench) -> None:
        """The environment can be entered twice, and leaving it once takes nothing away from the other."""
        workbench.supervisor()
        with case.driver.activate(environment, workbench.context()) as second:
            with case.driver.activate(environment, workbench.context()) as first:
                assert run_in(workbench, first, "sh", "-c", "exit 3").exit_code == 3
                assert run_in(workbench, second, "sh", "-c", "exit 4").exit_code == 4
            assert run_in(workbench, second, "sh", "-c", "exit 5").exit_code == 5
        assert self._left(workbench) == []

    def test_a_command_that_is_ended_is_gone(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """A command that runs into its timeout ends, with all its children, and the next one runs."""
        with case.driver.activate(environment, workbench.context()) as activation:
            ended = run_in(workbench, activation, "sh", "-c", BUSY, MARK, timeout=0.5)
            assert ended.timed_out
            assert [line for line in workbench.left_behind() if MARK in line] == []
            assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def test_it_is_undone_while_kern_stops(
        self, case: ActivatorCase, environment: Environment, workbench: Workbench
    ) -> None:
        """Ctrl-C: nothing new is started then but with ``always``, and all is undone without an error."""
        try:
            with case.driver.activate(environment, workbench.context()):
                workbench.supervisor().stop(1)
        finally:
            left = self._left(workbench)
        assert left == []
        with case.driver.activate(environment, workbench.context()) as activation:
            assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def _left(self, workbench: Workbench) -> list[str]:
        """What still runs, after a moment in which the dying may die; kern's own helpers are no part of it."""
        workbench.close()
        limit = time.monotonic() + 2
        while workbench.left_behind() and time.monotonic() < limit:
            time.sleep(0.01)
        return workbench.left_behind()


def _shows(shown: str, line: str) -> bool:
    """Whether ``env -0`` has shown a variable; what an activation has printed before comes right before the first."""
    lines = shown.split("\0")
    return line in lines or lines[0].endswith(line)
