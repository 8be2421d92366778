"""Activating a prefix does what conda's documentation says, and leaves nothing behind."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Activation, Command, EnvDelta, Environment, StepFailed
from kern.environ import apply
from kern.process import Supervisor, tree
from kern_conda.activation import change_for, display_name, lock_name, scripts, search_path, stated_variables
from kern_conda.activator import CondaActivator
from plugins.conda.tests import conda_channel
from plugins.shell.tests.shell_place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "step").mkdir()
    with Supervisor(1, grace=0.3) as supervisor:
        one = Place(tmp_path / "step", supervisor)
        yield one
        one.log.close()


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An empty prefix, as far as activation can tell."""
    path = tmp_path / "my envs" / "envs" / "demo"
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta" / "history").touch()
    for folder in ("activate.d", "deactivate.d", "env_vars.d"):
        (path / "etc" / "conda" / folder).mkdir(parents=True)
    return path


def write(prefix: Path, path: str, content: str | Mapping[str, object]) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (prefix / path).write_text(text, encoding="utf-8")


def environment(prefix: Path, **facts: str) -> Environment:
    return Environment(str(prefix), "conda", facts=facts)


def run(place: Any, activation: Activation, *argv: str) -> str:
    command = Command((*activation.prefix, *argv), environ=apply(activation.delta, place.context.environ))
    return str(place.context.run(command).stdout)


def test_without_scripts_no_process_is_started(place: Any, prefix: Path) -> None:
    with CondaActivator().activate(environment(prefix), place.context) as activation:
        assert activation.delta == EnvDelta(
            set={
                "CONDA_PREFIX": str(prefix),
                "CONDA_SHLVL": "1",
                "CONDA_DEFAULT_ENV": "demo",
                "CONDA_PROMPT_MODIFIER": "(demo) ",
            },
            unset=(),
            prepend={"PATH": (f"{prefix}/bin",)},
        )
    assert place.said() == ""
    assert place.locks.events == []


def test_variables_of_packages_and_of_the_user(prefix: Path) -> None:
    write(prefix, "etc/conda/env_vars.d/b.json", {"ONE": "of b", "TWO": "of b", "NUMBER": 3})
    write(prefix, "etc/conda/env_vars.d/a.json", {"ONE": "of a", "THREE": "of a"})
    write(prefix, "etc/conda/env_vars.d/readme.txt", "no variables")
    write(prefix, "conda-meta/state", {"env_vars": {"TWO": "mine", "THREE": "***unset***", "FOUR": "mine"}})
    assert stated_variables(str(prefix)) == {"ONE": "of b", "TWO": "mine", "NUMBER": "3", "FOUR": "mine"}
    assert change_for(str(prefix), {}, {}).set["TWO"] == "mine"


def test_a_damaged_file_of_variables_is_named(place: Any, prefix: Path) -> None:
    write(prefix, "conda-meta/state", "{")
    with pytest.raises(StepFailed) as failed, CondaActivator().activate(environment(prefix), place.context):
        raise AssertionError
    assert failed.value.where == f"{prefix}/conda-meta/state"


def test_an_environment_that_is_active_is_left_and_not_stacked_on(prefix: Path) -> None:
    host = {"CONDA_PREFIX": "/conda/envs/mine", "CONDA_PREFIX_1": "/conda", "CONDA_SHLVL": "2", "CONDA_EXE": "/c"}
    environ = {**host, "PATH": "/conda/envs/mine/bin:/conda/condabin:/conda/bin:/usr/bin", "VIRTUAL_ENV": "/v"}
    change = change_for(str(prefix), environ, {})
    assert change.set["PATH"] == f"{prefix}/bin:/conda/condabin:/usr/bin"
    assert set(change.unset) == {"CONDA_PREFIX_1", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME"}
    assert change.set["CONDA_SHLVL"] == "1"
    assert search_path(str(prefix), {"PATH": "/conda/bin:/a:/a"}, host) == f"{prefix}/bin:/a:/a"
    assert search_path("/p", {"PATH": "/a:/p/bin"}, {}) == "/p/bin:/a"


def test_names(tmp_path: Path, prefix: Path) -> None:
    (tmp_path / "root" / "condabin").mkdir(parents=True)
    assert display_name(str(prefix)) == "demo"
    assert display_name(str(tmp_path / "root")) == "base"
    assert display_name("/some/where") == "/some/where"
    assert lock_name(str(prefix)) != lock_name("/some/where")


def test_scripts_are_sourced_in_conda_s_order(place: Any, prefix: Path) -> None:
    for name in ("b", "a", "c"):
        write(prefix, f"etc/conda/activate.d/{name}.sh", f'export SEEN="$SEEN+{name}" PREFIX_SEEN="$CONDA_PREFIX"\n')
        write(prefix, f"etc/conda/deactivate.d/{name}.sh", f'SEEN="$SEEN-{name}"; echo "$SEEN"\n')
    write(prefix, "etc/conda/activate.d/a.fish", "exit 1\n")
    assert [os.path.basename(path) for path in scripts(str(prefix))[1]] == ["c.sh", "b.sh", "a.sh"]
    with CondaActivator().activate(environment(prefix), place.context) as activation:
        assert activation.delta.set["SEEN"] == "+a+b+c"
        assert activation.delta.set["PREFIX_SEEN"] == str(prefix)
        assert activation.delta.prepend == {"PATH": (f"{prefix}/bin",)}
        assert [event[0] for event in place.locks.events] == ["+", "-"]
    assert "+a+b+c-c-b-a\n" in place.said()


@pytest.mark.parametrize("text", ["exit 0", "set -e; false"])
def test_a_script_that_ends_the_shell_is_named(place: Any, prefix: Path, text: str) -> None:
    write(prefix, "etc/conda/activate.d/bad.sh", text)
    with pytest.raises(StepFailed) as failed, CondaActivator().activate(environment(prefix), place.context):
        raise AssertionError
    assert failed.value.where == f"{prefix}/etc/conda/activate.d/bad.sh"


def test_wrap(place: Any, prefix: Path) -> None:
    write(prefix, "etc/conda/activate.d/a.sh", "umask 077; export FROM=script; plain=1\n")
    write(prefix, "etc/conda/deactivate.d/a.sh", "echo left $plain\n")
    with CondaActivator().activate(environment(prefix, activation="wrap"), place.context) as activation:
        assert activation.delta.prepend == {"PATH": (f"{prefix}/bin",)}
        assert run(place, activation, "sh", "-c", "umask; echo $FROM $CONDA_DEFAULT_ENV") == "0077\nscript demo\n"
        assert "left 1\n" in place.said()
    write(prefix, "etc/conda/activate.d/a.sh", "exit 0\n")
    with (
        CondaActivator().activate(environment(prefix, activation="wrap"), place.context) as activation,
        pytest.raises(StepFailed),
    ):
        run(place, activation, "true")


def test_all_that_activation_may_do(place: Any, prefix: Path) -> None:
    journal = place.root / "journal"
    write(prefix, "etc/conda/activate.d/actdemo.sh", conda_channel.ACTIVATE)
    write(prefix, "etc/conda/deactivate.d/actdemo.sh", conda_channel.DEACTIVATE)
    more = {"ACTDEMO_SHOULD_VANISH": "1", "ACTDEMO_SPAWN": "300", "ACTDEMO_JOURNAL": str(journal)}
    place.context = place.lend({**place.context.environ, **more})
    with CondaActivator().activate(environment(prefix), place.context) as activation:
        assert activation.delta.unset == ("ACTDEMO_SHOULD_VANISH",)
        assert activation.delta.set["ACTDEMO_GREETING"] == "hello (with 'quotes', \"double\" and\na newline)"
        assert activation.delta.prepend == {"PATH": (f"{prefix}/share/actdemo/bin", f"{prefix}/bin")}
        assert run(place, activation, "bash", "-c", "actdemo_function") == "a function of activation\n"
        helper = int(activation.delta.set["ACTDEMO_PID"])
        assert tree.is_alive(helper)
        assert (prefix / "actdemo-activated").exists()
    assert not tree.is_alive(helper)
    assert not (prefix / "actdemo-activated").exists()
    assert journal.read_text().splitlines() == ["activate actdemo", "deactivate actdemo"]
    for stream in ("stdout", "stderr"):
        assert f"actdemo speaks on {stream}\n" in place.said()
