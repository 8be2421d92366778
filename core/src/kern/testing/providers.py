"""What kern relies on in every provider."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Adopted, Environment, KernError
from kern.testing.asking import answer_elsewhere, plain
from kern.testing.contract import Contract
from kern.testing.killing import MOMENTS, kill_half_way
from kern.testing.quiet import only_inside, only_looking
from kern.testing.running import output_in, run_in
from kern.testing.surroundings import watched
from kern.testing.trees import changes_between, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Activator, Artifact, EnvSpec
    from kern.testing.cases import ProviderCase
    from kern.testing.workbench import Workbench

VOLATILE = ("__pycache__",)


class ProviderContract(Contract):
    """Give it a fixture ``case`` that returns a `ProviderCase`."""

    protocol = "Provider"

    @pytest.fixture(autouse=True)
    def _prepared(self, case: ProviderCase, workbench: Workbench) -> None:
        workbench.environ.update(case.environ)
        workbench.write(case.files)

    @pytest.fixture
    def made(self, case: ProviderCase, workbench: Workbench) -> Environment:
        """The environment of the case, made once for the class."""
        if "made" not in workbench.kept:
            begun = time.monotonic()
            given = artifacts(case, workbench)
            with watched() as workbench.kept["changed"]:
                workbench.kept["made"] = workbench.make(case.driver, _spec(case, workbench), given)
            workbench.kept["seconds"] = time.monotonic() - begun
            workbench.kept["contents"] = contents(workbench, workbench.kept["made"])
        environment: Environment = workbench.kept["made"]
        return environment

    def test_claims_answers_for_any_factor(self, case: ProviderCase) -> None:
        """It is asked for factors that it has never heard of, and says yes or no."""
        assert all(type(case.driver.claims(factor)) is bool for factor in ("", "x", "py", "py312", "3.12", "é", "a.b"))

    def test_probe_finds_it_available(self, case: ProviderCase, workbench: Workbench) -> None:
        """What the case describes can be made here."""
        assert case.driver.probe(_spec(case, workbench), workbench.context()) is None

    def test_probe_only_looks(self, case: ProviderCase, workbench: Workbench) -> None:
        """No process, no network, no write: the plan must not wait for it."""
        with only_looking(workbench) as context:
            case.driver.probe(_spec(case, workbench, where="never made"), context)

    def test_probe_never_raises(self, case: ProviderCase, workbench: Workbench) -> None:
        """On a machine without any tool, and with files that are damaged, it answers with an `Unavailable` or that all is well."""
        spec = _spec(case, workbench)
        with workbench.without_tools():
            found = [case.driver.probe(spec, workbench.context())]
        found += [case.driver.probe(spec, workbench.context()) for _ in workbench.damaged(case.files)]
        assert all(each.reason for each in found if each is not None)

    def test_fingerprint_only_looks(self, case: ProviderCase, workbench: Workbench) -> None:
        """No process, no network, no write: it is asked in every run."""
        with only_looking(workbench) as context:
            case.driver.fingerprint(_spec(case, workbench), context)

    def test_fingerprint_is_json(self, case: ProviderCase, workbench: Workbench) -> None:
        """It is kept in a record, and compared with what it was."""
        found = fingerprint(case, workbench)
        assert plain(json.loads(json.dumps(plain(found)))) == plain(found)

    def test_fingerprint_is_stable(self, case: ProviderCase, workbench: Workbench) -> None:
        """Nothing has changed, so it is the same, whoever asks, in this process and in the next."""
        first = plain(fingerprint(case, workbench))
        assert plain(type(case.driver)().fingerprint(_spec(case, workbench), workbench.context())) == first
        table = {"driver": case.driver, "provider": case.driver, "factors": case.factors, "table": dict(case.options)}
        assert answer_elsewhere(workbench, "fingerprint", **table) == first

    def test_fingerprint_sees_every_change(self, case: ProviderCase, workbench: Workbench) -> None:
        """Other options, or another content of a file, are another fingerprint."""
        from kern.options import fields_of

        assert case.changes or not fields_of(case.driver.Options), "the case names no changes of the options"
        before = plain(fingerprint(case, workbench))
        for change in case.changes:
            assert plain(fingerprint(case, workbench, change)) != before, f"{change} is not seen"
        for name, text in case.file_changes.items():
            workbench.write({name: text})
            after = plain(fingerprint(case, workbench))
            workbench.write({name: case.files[name]})
            assert after != before, f"a change of {name} is not seen"

    def test_a_damaged_file_is_an_error_in_words(self, case: ProviderCase, workbench: Workbench) -> None:
        """A file of the project that is gone, or no text, is a `ConfigError`, or another fingerprint."""
        for _ in workbench.damaged(case.files):
            with suppress(KernError):
                fingerprint(case, workbench)

    def test_it_makes_an_environment(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Where it was told to, in a path with a space and a letter that is not ASCII; a program runs there."""
        assert made.location == _spec(case, workbench).location
        with activator(case, made).activate(made, workbench.context()) as activation:
            assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def test_the_process_is_left_as_it_is(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Making one changes neither kern's variables nor its directory, its umask, its signals: others run beside it."""
        with watched() as changed:
            case.driver.probe(_spec(case, workbench), workbench.context())
            fingerprint(case, workbench)
        assert [*workbench.kept["changed"], *changed] == [], made.location

    def test_its_interpreter_runs(self, made: Environment, case: ProviderCase, workbench: Workbench) -> None:
        """What stands for ``{python}`` is a program that starts in the environment and knows its version."""
        if made.interpreter is None:
            pytest.skip("the environment has no interpreter")
        with activator(case, made).activate(made, workbench.context()) as activation:
            assert run_in(workbench, activation, made.interpreter, "--version").exit_code == 0

    def test_what_it_watches_is_there(self, made: Environment) -> None:
        """``watch`` names files that exist: else a damaged environment would look whole."""
        for path in made.watch:
            assert not os.path.isabs(path)
            assert os.path.lexists(os.path.join(made.location, path)), path

    def test_looking_at_it_changes_nothing(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Unchanged means untouched: probe and fingerprint of an existing environment write nothing into it."""
        before = tree_of(made.location)
        case.driver.probe(_spec(case, workbench), workbench.context())
        fingerprint(case, workbench)
        assert changes_between(before, tree_of(made.location)) == []

    def test_using_it_changes_nothing(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Nor does a command, but for what the environment calls volatile: else each run would make it anew."""
        with activator(case, made).activate(made, workbench.context()) as activation:
            run_in(workbench, activation, "sh", "-c", "exit 0")  # what the first command ever leaves is forgiven
        before = tree_of(made.location, leave_out=made.volatile)
        with activator(case, made).activate(made, workbench.context()) as activation:
            run_in(workbench, activation, "sh", "-c", "exit 0")
            if made.interpreter is not None:
                run_in(workbench, activation, made.interpreter, "--version")
        assert changes_between(before, tree_of(made.location, leave_out=made.volatile)) == []

    def test_drift_only_looks(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """It says in words what a stranger lacks, whatever is installed there."""
        spec = _spec(case, workbench)
        with only_looking(workbench) as context:
            for installed in ({}, workbench.installed[made.location]):
                found = case.driver.drift(spec, Adopted(made, 2, "a sign", installed), context)
                assert type(found) is not str
                assert all(map(str.strip, found))

    def test_it_installs_again(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """When only the package has changed, ``install`` is called on the environment that is there."""
        spec = _spec(case, workbench)
        given = artifacts(case, workbench)
        first = case.driver.install(spec, made, given, workbench.context())
        assert dict(case.driver.install(spec, made, given, workbench.context())) == dict(first)
        assert all(isinstance(text, str) for pair in first.items() for text in pair)

    def test_nothing_is_written_outside(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Making writes into its own directory, the context's and the cache; the project stays as it is."""
        before = tree_of(workbench.project_dir, leave_out=VOLATILE)
        beside = _beside(workbench)
        other = _spec(case, workbench, where="other")
        given = artifacts(case, workbench)
        with only_inside(workbench.root):
            workbench.make(case.driver, other, given)
        assert changes_between(before, tree_of(workbench.project_dir, leave_out=VOLATILE)) == []
        assert _beside(workbench) - beside <= {"environments/other"}, made.location

    def test_it_recovers_from_a_kill(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Killed at any moment, it makes a good environment the next time."""
        spec = _spec(case, workbench, where="killed")
        given = artifacts(case, workbench)
        for part in MOMENTS:
            with workbench.cold_cache(f"{part}"):
                kill_half_way(
                    workbench, lambda: workbench.make(case.driver, spec, given), workbench.kept["seconds"] * part
                )
                again = workbench.make(case.driver, spec, given)
            assert (shape(again), contents(workbench, again)) == (shape(made), workbench.kept["contents"])
            with activator(case, again).activate(again, workbench.context()) as activation:
                assert run_in(workbench, activation, "sh", "-c", "exit 0").exit_code == 0

    def test_two_are_made_at_once(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Two environments of the same kind can be made in two threads."""
        from concurrent.futures import ThreadPoolExecutor

        given = artifacts(case, workbench)
        specs = [_spec(case, workbench, where=f"at once {number}") for number in (1, 2)]
        workbench.supervisor()
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda spec: workbench.make(case.driver, spec, given), specs))
        assert [shape(one) for one in both] == [shape(made)] * 2
        assert [contents(workbench, one) for one in both] == [workbench.kept["contents"]] * 2

    def test_dispose_can_be_called_twice(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """Also for what was never made; the directory itself is the kernel's to remove."""
        place = os.path.join(workbench.root, "environments", "never")
        case.driver.dispose(place, workbench.context())
        again = _spec(case, workbench, where="disposed")
        workbench.make(case.driver, again, artifacts(case, workbench))
        case.driver.dispose(again.location, workbench.context())
        case.driver.dispose(again.location, workbench.context())
        assert os.path.isdir(made.location)

    def test_exit_codes_pass_through(self, case: ProviderCase, made: Environment, workbench: Workbench) -> None:
        """A command's exit code is the command's, and a signal is seen as one."""
        with activator(case, made).activate(made, workbench.context()) as activation:
            assert run_in(workbench, activation, "sh", "-c", "exit 42").exit_code == 42
            assert run_in(workbench, activation, "sh", "-c", "kill -KILL $$").exit_code in (-9, 137)

    def test_the_host_is_hidden_where_it_says_so(
        self, case: ProviderCase, made: Environment, workbench: Workbench
    ) -> None:
        """What the activation unsets is not seen by commands, though the host has it."""
        with activator(case, made).activate(made, workbench.context()) as activation:
            host = dict.fromkeys(activation.delta.unset, "from the host")
            shown = output_in(workbench, activation, "env", host=host).splitlines()
        assert [line for line in shown if line.partition("=")[0] in host and line.endswith("from the host")] == []


def _spec(case: ProviderCase, bench: Workbench, more: Any = None, where: str = "environment") -> EnvSpec:
    return bench.spec(case.driver, case.factors, {**case.options, **(more or {})}, where)


def fingerprint(case: ProviderCase, bench: Workbench, more: Any = None) -> dict[str, Any]:
    """The fingerprint of the case's environment, with other options laid over."""
    return dict(case.driver.fingerprint(_spec(case, bench, more), bench.context()))


def artifacts(case: ProviderCase, bench: Workbench) -> list[Artifact]:
    """What is installed besides; made once for the class."""
    if "artifacts" not in bench.kept:
        bench.kept["artifacts"] = list(case.artifacts(bench)) if case.artifacts is not None else []
    found: list[Artifact] = bench.kept["artifacts"]
    return found


def activator(case: ProviderCase, made: Environment) -> Activator:
    """The activator of the case, or the installed one that the environment names."""
    if case.activator is not None:
        return case.activator
    from kern.drivers import registry

    found: Activator = registry().load("kern.activator", made.activator)
    return found


def shape(made: Environment) -> tuple[object, ...]:
    """What two environments of one configuration have in common."""
    inside = None if made.interpreter is None else os.path.relpath(made.interpreter, made.location)
    return made.activator, inside, tuple(made.volatile)


def contents(bench: Workbench, made: Environment) -> tuple[Mapping[str, str], set[str]]:
    """What is installed, and the files: the same whenever the same environment is made, whatever happened before."""
    return bench.installed[made.location], set(tree_of(made.location, leave_out=(*VOLATILE, *made.volatile)))


def _beside(bench: Workbench) -> set[str]:
    """What lies in the workbench beside what belongs to the steps and the cache."""
    places = {"environments"}
    found = set(os.listdir(bench.root)) - {"steps", "caches", "project", "environments"}
    return found | {f"{place}/{name}" for place in places for name in _names(os.path.join(bench.root, place))}


def _names(place: str) -> Iterator[str]:
    yield from os.listdir(place) if os.path.isdir(place) else ()
