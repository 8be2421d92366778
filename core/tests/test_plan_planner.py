"""The plan: rows in order with their dependencies, what is done for each and why, and who can't run at all."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern.api import Artifact, Unavailable
from kern.errors import ConfigError, KernError, UsageError
from kern.inventory import take
from kern.plan.builds import artifact_record, record_name
from kern.plan.document import document, lines
from kern.plan.environment import environment_spec
from kern.plan.planner import PlanChoices, make_plan
from kern.plan.values import BUILD, MAKE, REUSE, SETTLE, UPDATE, Plan, RowPlan
from kern.schemas import schema
from kern.state import BUILDS, ENVIRONMENTS

if TYPE_CHECKING:
    from pathlib import Path

    from core.tests.conftest import FakeRegistry, Open
    from kern.session import Session

WHEEL = "[env]\npackage = 'wheel'\n"


def planned(session: Session, *names: str, **wanted: Any) -> Plan:
    return make_plan(session, names or tuple(session.matrix), PlanChoices(**wanted))


def row(session: Session, name: str = "a", **wanted: Any) -> RowPlan:
    return planned(session, name, **wanted).rows[-1]


def done(session: Session, plan: RowPlan, artifact: Artifact | None = None, **more: Any) -> None:
    """Make an environment as the steps would: a directory and a record."""
    key = plan.row.key
    token = session.state.remake(ENVIRONMENTS, key, plan.spec.location)
    with open(os.path.join(plan.spec.location, "file"), "w") as file:
        file.write("x")
    record = {
        "state": "ready",
        "location": plan.spec.location,
        "token": token,
        "inputs": plan.inputs,
        "inventory": take(plan.spec.location, (".",), ()),
        "environment": {"activator": "venv", "interpreter": None, "watch": ["."], "volatile": [], "facts": {}},
        "installed": {},
        "artifact": artifact_record(artifact) if artifact else None,
        **more,
    }
    session.state.write(ENVIRONMENTS, key, record)


def built(session: Session, plan: Plan) -> Artifact:
    """Finish the only build of a plan."""
    build = plan.builds[0]
    artifact = Artifact("wheel", session.project.directory, "x", "1", "digest", ("y",))
    record = {
        "state": "ready",
        "fingerprint": build.fingerprint,
        "sources": build.snapshot.digest if build.snapshot else "",
        "artifact": artifact_record(artifact),
    }
    session.state.write(BUILDS, record_name(build.key), record)
    return artifact


def test_a_first_plan(open_session: Open, tmp_path: Path) -> None:
    session = open_session(WHEEL + "deps = ['x']\ncommands = ['pytest {posargs}']")
    plan = planned(session, "a", posargs=("-k", "x"))
    [only] = plan.rows
    project = tmp_path / "project"
    assert (only.row.label, only.action, only.reason, only.outcome) == ("a", MAKE, "new", "")
    assert only.spec.location == str(project / ".kern" / "envs" / "a")
    assert only.inputs == {"deps": ["x"], "base_python": "", "provider": "venv", "package": "wheel"}
    assert (only.build, only.artifact, only.stamp, only.pools) == ("build:wheel", None, "", ("making",))
    assert only.shown == (("pytest", "-k", "x"),)
    assert [build.key for build in plan.builds] == ["build:wheel"]
    assert not (project / ".kern").exists()


def test_the_plan_says_what_was_assumed_and_noticed(open_session: Open) -> None:
    session = open_session("")
    session.project = session.project._replace(assumed=("assumed",))
    assert make_plan(session, (), PlanChoices(), ("noticed",)).notices == ("assumed", "noticed")


def test_listeners_hear_of_the_plan(open_session: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_session("")
    heard: list[object] = []
    monkeypatch.setattr(session.hooks, "plan", heard.append)
    assert planned(session, "a") is heard[0]


def test_an_environment_is_used_again(open_session: Open) -> None:
    session = open_session("")
    done(session, row(session))
    found = row(session)
    assert (found.action, found.reason) == (REUSE, "")
    assert found.stamp


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"state": "making"}, "making it failed or was interrupted"),
        ({"location": "/x"}, "the project was moved or copied"),
        ({"token": "other"}, "its directory is gone or is not kern's"),
        ({"inventory": [["", [["gone", 0o100000, 1, 1]]]]}, "damaged: gone is missing"),
        ({"inventory": "x"}, "damaged: the list of its files is damaged"),
        ({"environment": {"activator": "venv"}}, "its record can't be read"),
        ({"environment": 1}, "its record can't be read"),
        ({"installed": 1}, "its record can't be read"),
    ],
)
def test_an_environment_is_made_anew(open_session: Open, more: dict[str, Any], reason: str) -> None:
    session = open_session("")
    done(session, row(session), **more)
    assert (row(session).action, row(session).reason) == (MAKE, reason)


def test_a_changed_option_remakes(open_session: Open) -> None:
    session = open_session("[env]\ndeps = ['x']")
    done(session, row(session))
    changed = row(open_session("[env]\ndeps = ['x', 'y']"))
    assert (changed.action, changed.reason) == (MAKE, "deps changed: +y")
    recreated = row(open_session("[env]\ndeps = ['x']", recreate=True))
    assert (recreated.action, recreated.reason) == (MAKE, "--recreate")


def test_a_changed_package_reinstalls(open_session: Open) -> None:
    session = open_session(WHEEL)
    first = planned(session, "a")
    done(session, first.rows[0], Artifact("wheel", "/x", "x", "1", "digest", ("y",)))
    pending = row(session)
    assert (pending.action, pending.reason, pending.artifact) == (SETTLE, "the package is built first", None)
    artifact = built(session, first)
    settled = row(session)
    assert (settled.action, settled.artifact) == (REUSE, artifact)
    done(session, settled, artifact._replace(digest="older"))
    assert (row(session).action, row(session).reason) == (UPDATE, "the package was built anew")
    done(session, settled, artifact._replace(requirements=()))
    done(session, settled, artifact._replace(digest="older", requirements=()))
    assert row(session).action == MAKE
    done(session, settled, artifact, token="damaged")
    assert row(session).reason == "its directory is gone or is not kern's"


def test_another_package_remakes(open_session: Open) -> None:
    session = open_session("[env]\npackage = 'none'")
    done(session, row(session))
    assert row(open_session(WHEEL)).reason == "package changed: nothing -> wheel"


def test_rows_of_several_packages(open_session: Open) -> None:
    plan = planned(open_session("[env]\npackages = ['wheel', 'sdist']"), "a", "b")
    assert [found.row.label for found in plan.rows] == ["(wheel) a", "(sdist) a", "(wheel) b", "(sdist) b"]
    assert [build.key for build in plan.builds] == ["build:wheel", "build:sdist"]
    assert len({found.spec.location for found in plan.rows}) == 4


HERE = sys.platform
AWAY = "darwin" if sys.platform == "linux" else "linux"


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("", f"a-{HERE}", ""),
        ("", f"a-{AWAY}", f"for {AWAY} only, this is {HERE}"),
        ("", f"a-{AWAY}-cygwin", f"for {AWAY} or cygwin only, this is {HERE}"),
        ("", f"a-{AWAY}-{HERE}", ""),
        (f"[env]\nplatform = ['{HERE}']", "a", ""),
        (f"[env]\nplatform = ['x', '{HERE[:2]}*']", "a", ""),
        (f"[env]\nplatform = ['{AWAY}', 'x*']", "a", f"for {AWAY} or x* only, this is {HERE}"),
    ],
)
def test_platforms(open_session: Open, text: str, name: str, reason: str) -> None:
    found = row(open_session(text), name)
    assert (found.outcome, found.reason) == (("skipped", reason) if reason else ("", "new"))


@pytest.mark.parametrize(
    ("why", "missing", "outcome"),
    [
        (Unavailable("no python", "install it"), "fail", "error"),
        (Unavailable("no python", "install it"), "skip", "skipped"),
        (Unavailable("never", "change it", missing=False), "skip", "error"),
    ],
)
def test_what_is_absent(
    open_session: Open, drivers: FakeRegistry, why: Unavailable, missing: str, outcome: str
) -> None:
    session = open_session(WHEEL)
    for absent in (drivers.venv.absent, drivers.wheel.absent):
        absent["a"] = why
        found = row(session, missing=missing)
        assert (found.outcome, found.reason, found.hint) == (outcome, why.reason, why.hint)
        assert row(session, "b").outcome == ""
        absent.clear()


DEPENDS = """\
env_list = ["report", "{a,b}-{1-2}", "base"]
[env.report]
depends = ["a"]
[env.a]
depends = ["base"]
[env.base]
depends = ["!report-!a-!b"]
"""


def test_what_an_environment_depends_on_runs_before(open_session: Open) -> None:
    plan = planned(open_session(DEPENDS), "report", "b-1")
    assert [found.row.name for found in plan.rows] == ["base", "a-1", "a-2", "report", "b-1"]
    assert {found.row.name: found.depends for found in plan.rows} == {
        "base": (),
        "a-1": ("base",),
        "a-2": ("base",),
        "report": ("a-1", "a-2"),
        "b-1": (),
    }


def test_dependencies_on_rows_of_several_packages(open_session: Open) -> None:
    text = "env_list = ['a', 'b']\n[env.a]\npackages = ['wheel', 'sdist']\n[env.b]\ndepends = 'a'"
    assert row(open_session(text), "b").depends == ("(wheel) a", "(sdist) a")


@pytest.mark.parametrize(
    ("depends", "message", "hint"),
    [
        (
            "nosuch",
            "a depends on an environment that does not exist: no environment matches 'nosuch'",
            "environments: ",
        ),
        ("bb", "a depends on an environment that does not exist: no environment matches 'bb'", "did you mean b?"),
        ("b c", "", ""),
        (".b", "", ""),
    ],
)
def test_mistakes_in_dependencies(open_session: Open, depends: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(open_session(f"env_list = ['a', 'b', 'c']\n[env.a]\ndepends = ['{depends}']"), "a")
    assert caught.value.message.startswith(message)
    assert caught.value.where == "kern.toml:3 env.a.depends"
    assert caught.value.hint.startswith(hint)


def test_a_circle(open_session: Open) -> None:
    text = "env_list = ['x', 'a', 'b']\n[env.x]\ndepends = 'a'\n[env.a]\ndepends = 'b'\n[env.b]\ndepends = 'a'"
    with pytest.raises(ConfigError, match="environments depend on each other: a -> b -> a") as caught:
        planned(open_session(text), "x")
    assert caught.value.where == "kern.toml:5 env.a.depends"


def test_a_long_chain_of_dependencies(open_session: Open) -> None:
    count = 2000
    tables = "\n".join(f"[env.e{number}]\ndepends = 'e{number - 1}'" for number in range(1, count))
    plan = planned(open_session(f"env_list = ['e{{0-{count - 1}}}']\n{tables}\n"), f"e{count - 1}")
    assert len(plan.rows) == count


NAMES = "abcdef"


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1), max_size=6), st.data())
def test_any_dependencies(
    open_session: Open, drivers: FakeRegistry, depends: dict[str, list[str]], data: st.DataObject
) -> None:
    tables = "\n".join(f"[env.{name}]\ndepends = {others}" for name, others in depends.items())
    session = open_session(f"env_list = ['{{{','.join(NAMES)}}}']\n{tables}")
    wanted = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    needed = _reachable(depends, wanted)
    if any(name in _reachable(depends, depends.get(name, []), without=name) for name in needed):
        with pytest.raises(ConfigError, match="depend on each other"):
            planned(session, *wanted)
        return
    order = [found.row.name for found in planned(session, *wanted).rows]
    assert sorted(order) == sorted(needed)
    for position, name in enumerate(order):
        assert set(depends.get(name, [])) - {name} <= set(order[:position])


def _reachable(depends: dict[str, list[str]], names: list[str], without: str = "") -> set[str]:
    """All that is depended on; with ``without``, whose own dependence on itself does not count."""
    found: set[str] = set()
    waiting = [name for name in names if name != without]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in depends.get(name, []) if other != name]
    return found


def test_options_are_substituted(open_session: Open, tmp_path: Path) -> None:
    text = "[env]\ndeps = ['-r {project_dir}/x', '{env:HOME}']\nbase_python = '{env_name} {env_dir}'"
    session = open_session(text)
    spec = environment_spec(session, session.rows.rows_of("a")[0])
    project = tmp_path / "project"
    assert spec.options.deps == (f"-r {project}/x", "/home/me")
    assert spec.options.base_python == f"a {project}/.kern/envs/a"
    assert (spec.name, spec.factors, spec.project_dir) == ("a", ("a",), str(project))


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("[env]\ndep = ['x']", "unknown key 'dep'", "kern.toml:2 env.dep", "did you mean deps?"),
        ("[env.a]\ncomands = 'x'", "unknown key 'comands'", "kern.toml:2 env.a.comands", "did you mean commands?"),
        ("[env]\ndeps = 1", "deps must be a list of strings", "kern.toml:2 env.deps", ""),
        ("[env]\ndeps = ['x']\n[env.a]\nextend_deps = 1", "deps is no list", "kern.toml:4 env.a.extend_deps", ""),
        ("[env]\nbase_python = '{nosuch}'", "unknown substitution {nosuch}", "kern.toml:2 env.base_python", ""),
        (
            "[env]\nbase_python = '{posarg}'",
            "unknown substitution",
            "kern.toml:2 env.base_python",
            "did you mean posargs?",
        ),
        ("[env.a]\nset_env.X = '{no}'", "unknown substitution {no}", "kern.toml:2 env.a.set_env", ""),
        ("[env.a]\npackage = 'whl'", "there is no package definition 'whl'", "", "did you mean wheel?"),
    ],
)
def test_mistakes(open_session: Open, text: str, message: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(open_session(text), "a")
    assert caught.value.message.startswith(message)
    assert caught.value.where.startswith(where)
    assert caught.value.hint.startswith(hint)


def test_another_provider_s_options_do_no_harm(open_session: Open, drivers: FakeRegistry) -> None:
    text = "[env]\nchannels = ['x']\nbase_python = 'y'\n[env.'*']\nextend_channels = ['z']"
    session = open_session(text)
    assert row(session, "a").spec.options.base_python == "y"
    assert row(session, "a-conda").spec.options.channels == ("x", "z")
    assert row(session, "a-conda").inputs == {"deps": [], "channels": ["x", "z"], "provider": "conda", "package": ""}


def file(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    return str(folder / name)


def test_ready_artifacts(open_session: Open, drivers: FakeRegistry, tmp_path: Path) -> None:
    given = tmp_path / "given"
    for name in ("one.wheel", "two.wheel", "other.sdist", "c.conda", "readme.txt"):
        file(given, name)
    drivers.wheel.fits = {"one": 5, "two": 3}
    drivers.sdist.fits = {"other": 0}
    session = open_session("[env]\npackages = ['wheel', 'sdist']\n")
    plan = planned(session, "a", packages=(str(given),))
    chosen = [os.path.basename(found.artifact.path) if found.artifact else "" for found in plan.rows]
    assert chosen == ["two.wheel", "other.sdist"]
    assert plan.builds == ()
    assert [found.build for found in plan.rows] == ["", ""]
    drivers.wheel.fits = {"one": 5, "two": 5}
    wheels = (str(given / "two.wheel"), str(given / "one.wheel"))
    first = planned(session, "a", packages=wheels).rows[0]
    assert first.artifact
    assert first.artifact.name == "two"
    alone = row(open_session("[env]\npackage = 'sdist'\n"), packages=wheels)
    assert alone.artifact
    assert alone.artifact.name == "two"


def test_a_row_of_one_kind_is_not_tested_with_another(
    open_session: Open, drivers: FakeRegistry, tmp_path: Path
) -> None:
    drivers.wheel.fits = {"one": 5}
    session = open_session("[env]\npackages = ['wheel', 'sdist']\n")
    wheel, sdist = planned(session, "a", packages=(file(tmp_path / "given", "one.wheel"),), missing="skip").rows
    assert (wheel.outcome, wheel.artifact is not None) == ("", True)
    assert (sdist.outcome, sdist.reason) == ("error", "none of the given packages fits (sdist) a")
    assert sdist.hint == "given: one.wheel"


def test_the_kind_of_the_package_under_test_is_preferred(
    open_session: Open, drivers: FakeRegistry, tmp_path: Path
) -> None:
    wheel, sdist = file(tmp_path / "given", "one.wheel"), file(tmp_path / "given", "other.sdist")
    drivers.wheel.fits = {"one": 5}
    drivers.sdist.fits = {"other": 0}
    session = open_session(WHEEL)
    for paths, chosen in (((sdist, wheel), wheel), ((sdist,), sdist)):
        found = row(session, packages=paths).artifact
        assert found
        assert found.path == chosen


def test_rows_of_several_packages_take_no_other_kind(open_session: Open, drivers: FakeRegistry, tmp_path: Path) -> None:
    sdist = file(tmp_path / "given", "other.sdist")
    drivers.sdist.fits = {"other": 0}
    plan = planned(open_session("[env]\npackages = ['wheel', 'sdist']"), "a", packages=(sdist,))
    assert [found.outcome for found in plan.rows] == ["error", ""]
    assert plan.rows[0].reason == "none of the given packages fits (wheel) a"


@pytest.mark.parametrize("text", ["[env]\npackage = 'conda'", "[package.conda]\nmatch = 'a'"])
def test_a_package_of_a_kind_that_the_provider_does_not_accept(open_session: Open, text: str) -> None:
    plan = planned(open_session(text), "a", missing="skip")
    assert plan.rows[0].outcome == "error"
    assert "conda" in plan.rows[0].reason
    assert plan.builds == ()


def test_ready_artifacts_that_do_not_fit(open_session: Open, drivers: FakeRegistry, tmp_path: Path) -> None:
    path = file(tmp_path / "given", "one.wheel")
    conda = file(tmp_path / "given", "c.conda")
    session = open_session("[env]\npackage = 'wheel'\n[env.n]\npackage = 'none'")
    found = row(session, packages=(path, conda), missing="skip")
    assert (found.outcome, found.reason) == ("error", "none of the given packages fits a")
    assert found.hint == "given: one.wheel, c.conda"
    assert row(session, "n", packages=(path,)).outcome == ""
    drivers.condarc.fits = {"c": 0}
    assert row(session, packages=(conda,)).outcome == "error"  # the provider accepts none of its kind


def test_ready_artifacts_that_are_none(open_session: Open, tmp_path: Path) -> None:
    text = file(tmp_path / "given", "readme.txt")
    session = open_session(WHEEL)
    for path in (text, str(tmp_path / "given")):
        with pytest.raises(UsageError, match="holds no package that an installed builder knows") as caught:
            planned(session, "a", packages=(path,))
        assert caught.value.where == "--package"
    with pytest.raises(UsageError, match="there is nothing at"):
        planned(session, "a", packages=(str(tmp_path / "nowhere"),))


def test_a_directory_may_be_an_artifact_itself(open_session: Open, drivers: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "unpacked.wheel").mkdir()
    drivers.wheel.fits = {"unpacked": 0}
    found = row(open_session(WHEEL), packages=(str(tmp_path / "unpacked.wheel"),))
    assert found.artifact
    assert found.artifact.name == "unpacked"


EVERY = """\
env_list = ["a", "b", "c-NOWHERE", "d"]
[env]
package = "wheel"
commands = [["pytest", "a b"]]
[env.b]
depends = ["a"]
package = "none"
[env.d]
package = "none"
"""


def every(open_session: Open, drivers: FakeRegistry) -> Plan:
    drivers.wheel.variants = {"a": "cp311", "c": "x", "e": "cp312"}
    session = open_session(EVERY.replace("NOWHERE", AWAY))
    done(session, row(session, "d"))
    drivers.venv.absent["missing"] = Unavailable("no such python", "install it")
    return make_plan(session, ("b", f"c-{AWAY}", "d", "e", "missing"), PlanChoices(), ("said",))


def test_the_plan_as_json(open_session: Open, drivers: FakeRegistry) -> None:
    found = document(every(open_session, drivers))
    jsonschema.validate(json.loads(json.dumps(found)), schema("plan"))
    assert found["notices"] == ["said"]
    assert [build["key"] for build in found["builds"]] == ["build:wheel:cp311", "build:wheel:cp312"]
    assert [build["unless_fits"] for build in found["builds"]] == ["", "build:wheel:cp311"]
    assert [(made["row"], made["action"]) for made in found["rows"]] == [
        ("a", "make"),
        ("b", "make"),
        (f"c-{AWAY}", "skipped"),
        ("d", "reuse"),
        ("e", "make"),
        ("missing", "error"),
    ]
    assert found["rows"][1]["depends"] == ["a"]
    assert found["rows"][-1]["hint"] == "install it"
    assert found["rows"][0]["commands"] == [["pytest", "a b"]]


def test_the_plan_as_lines(open_session: Open, drivers: FakeRegistry) -> None:
    assert list(lines(every(open_session, drivers))) == [
        "build  wheel (cp311): not built yet",
        "build  wheel (cp312): not built yet, unless what is built for wheel:cp311 fits",
        "make   a: make: new",
        "run    a",
        "         $ pytest 'a b'",
        "make   b: make: new",
        "run    b (after a)",
        "         $ pytest 'a b'",
        f"skipped c-{AWAY}: for {AWAY} only, this is {HERE}",
        "make   d: reuse",
        "run    d",
        "         $ pytest 'a b'",
        "make   e: make: new",
        "run    e",
        "         $ pytest 'a b'",
        "error  missing: no such python",
        "         hint: install it",
        "2 to build, 3 to make, 4 to run, 1 skipped, 1 error",
    ]
    assert list(lines(Plan((), (), ()))) == ["nothing to do"]


def test_lines_of_what_is_there(open_session: Open) -> None:
    session = open_session(WHEEL)
    plan = planned(session, "a")
    done(session, plan.rows[0], built(session, plan))
    said = list(lines(planned(session, "a")))
    assert said == ["build  wheel: reuse", "make   a: reuse", "run    a", "0 to build, 0 to make, 1 to run"]
    assert planned(session, "a").builds[0].action != BUILD


def test_a_plan_only_raises_what_is_told_in_words(open_session: Open) -> None:
    for text in ("[env]\nprovider = 'nosuch'", "[env]\nprovider = ''"):
        with pytest.raises(KernError):
            planned(open_session(text), "a")
