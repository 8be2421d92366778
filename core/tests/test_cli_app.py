"""Help texts, and the words for what is wrong with a command line."""

from __future__ import annotations

import pytest

from kern import __version__
from kern.cli import app
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON
from kern.errors import UsageError

MISTAKES = [
    ("rnu", "there is no verb rnu", "did you mean run?"),
    ("py312", "there is no verb py312", "to run an environment: kern run py312; kern --help shows the verbs"),
    ("-v", "no verb is given", "the verbs are run, exec, shell, list"),
    ("rnu --help", "there is no verb rnu", "did you mean run?"),
    ("run --jbos 4", "unknown option --jbos", "did you mean --jobs?"),
    ("run --recr", "unknown option --recr", "did you mean --recreate?"),
    ("run -xZ", "unknown option -Z", "kern run --help shows what it takes"),
    ("run -Zx", "unknown option -Zx, -Z is not a recognized option", "kern run --help shows what it takes"),
    ("run --jobs 0", 'invalid value "0" for --jobs: it takes a number from 1 to 9999, or auto', "kern run --help"),
    ("run --skip=", 'invalid value "" for --skip: it takes no empty text', "kern run --help"),
    ("run --missing skp", 'invalid value "skp" for --missing, choose from "skip", "fail"', 'did you mean "skip"?'),
    ("run --lock-timeout soon", 'invalid value "soon" for --lock-timeout: it takes a number of seconds', "kern run"),
    ("run -j", "-j needs a value", "kern run --help shows what it takes"),
    ("show", "kern show needs ENV", "kern show --help shows what it takes"),
    ("completion", "kern completion needs SHELL", "kern completion --help shows what it takes"),
    ("schema run list", "kern schema can't do anything with list", "usage: kern schema [OPTIONS] [KIND]"),
    ("list -- x", "kern list takes nothing after --", "usage: kern list [OPTIONS] [SELECTION...]"),
    ("exec py312 pytest -x", "kern exec needs -- before the command", "did you mean: kern exec py312 -- pytest -x"),
    ("exec py312 python -V", "kern exec needs -- before the command", "did you mean: kern exec py312 -- python -V"),
    ("-C d exec -q a b -h", "kern exec needs -- before the command", "did you mean: kern -C d exec -q a -- b -h"),
    ("exec py312", "kern exec needs -- and a command after it", "usage: kern exec [OPTIONS] TARGET -- COMMAND..."),
    ("exec py312 --", "kern exec needs -- and a command after it", "usage: kern exec [OPTIONS] TARGET"),
    ("exec -- ls", "kern exec needs TARGET", "kern exec --help shows what it takes"),
    ("--json run", "the option --json stands before the verb", "put it behind: kern run --json"),
    ("-v -j4 run", "the option -j4 stands before the verb", "put it behind: kern run -j4"),
    ("-x", "kern can't make sense of -x before a verb", "only common options may stand there"),
    ("-C", "kern can't make sense of -C before a verb", "only common options may stand there, with their values"),
]


@pytest.mark.parametrize(("line", "message", "hint"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_a_mistake_is_named_with_the_way_out(line: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        app.read(line.split(), {})
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)
    assert not caught.value.message.endswith(".")


def test_a_wrong_variable_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="KERN_MISSING is set to 'maybe', but it takes one of skip, fail"):
        app.read(["run"], {"KERN_MISSING": "maybe"})


def test_what_only_cyclopts_reads() -> None:
    found = app.read(["run", "-j=4", "--json=false", "--lock-timeout", "1e3", "--verbose=2"], {})
    assert found is not None
    assert found[1] == verb_named("run").arguments(jobs="4", lock_timeout=1000.0, verbose=2)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help texts without line breaks."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("words", [["--help"], ["-h"], ["-v", "--help"], ["-C", "x", "-h"]])
def test_help_shows_all_verbs_and_common_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.read(words, {}) is None
    shown = capsys.readouterr().out
    for name, summary in VERBS.items():
        assert name in shown
        assert summary in shown
    for option in COMMON:
        assert option.flags[-1] in shown
    assert "--version" in shown
    assert list(VERBS) == sorted(VERBS, key=lambda name: shown.index(f" {name} "))


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", VERBS)
def test_help_on_a_verb_shows_everything_about_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    verb = verb_named(name)
    assert app.read([name, "--help"], {}) is None
    shown = capsys.readouterr().out
    for text in (VERBS[name], verb.help, verb.rest_help, *(o.help for o in (*verb.options, *COMMON))):
        assert text in shown
    for option in (*verb.options, *COMMON):
        assert all(flag in shown for flag in option.flags)
        assert option.metavar in shown
        assert option.variable in shown
    if verb.operand:
        assert verb.operand.help in shown
        assert all(choice in shown for choice in verb.operand.choices)
    for line, what in verb.examples:
        assert line in shown
        assert what in shown
    assert "--no-json" not in shown
    assert "--empty" not in shown


@pytest.mark.usefixtures("wide")
def test_help_shows_defaults_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    app.read(["run", "-h"], {})
    shown = capsys.readouterr().out
    assert "[default: auto]" in shown
    assert "[default: 600]" in shown
    assert shown.count("[default") == 2


@pytest.mark.parametrize(
    "words", [["run", "--jobs", "-h"], ["-j4", "run", "--help"], ["exec", "a", "-h"], ["exec", "-h", "a", "b"]]
)
def test_help_helps_where_the_line_is_wrong(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.read(words, {}) is None
    assert f"Usage: kern {'exec' if 'exec' in words else 'run'} " in capsys.readouterr().out


def test_help_after_the_dashes_is_not_for_kern() -> None:
    found = app.read(["exec", "py312", "--", "pytest", "--help"], {})
    assert found is not None
    assert found[1].rest == ("pytest", "--help")  # type: ignore[union-attr]


def test_version_behind_other_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.read(["-v", "--version"], {}) is None
    assert capsys.readouterr().out == f"kern {__version__}\n"
