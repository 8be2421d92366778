"""nix environments as a user has them: a real nix, a store of the tests' own, expressions without nixpkgs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeProject, Project

PROGRAMS = ("nix", "nix-build", "nix-shell", "nix-store", "nix-instantiate")


def _load() -> Any:
    place = Path(__file__).parents[1] / "plugins/nix/tests/nix_store.py"
    spec = importlib.util.spec_from_file_location("nix_store", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nix_store = _load()
pytestmark = pytest.mark.skipif(bool(nix_store.missing()), reason=nix_store.missing() or "nix is here")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a store that the tests of this module share."""
    found: dict[str, str] = nix_store.variables(tmp_path_factory.mktemp("nix"))
    return found


@pytest.fixture
def shims(tmp_path: Path) -> Path:
    """A directory of programs called like nix's, which write down that they were called; then they are nix."""
    folder = tmp_path / "shims"
    folder.mkdir()
    for name in PROGRAMS:
        text = f'#!/bin/sh\necho "{name} $1" >> "{folder}/calls"\nexec {shutil.which(name)} "$@"\n'
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def nix(make_project: MakeProject, store: dict[str, str], shims: Path) -> Project:
    """A project with a shell.nix and a default.nix."""
    project = make_project()
    path = f"{shims}{os.pathsep}{project.environ['PATH']}"
    project.environ = {**project.environ, **store, "PATH": path}
    return project.write(nix_store.files())


def calls(shims: Path) -> list[str]:
    """What was called of nix since this was asked last."""
    journal = shims / "calls"
    found = journal.read_text().splitlines() if journal.exists() else []
    journal.unlink(missing_ok=True)
    return found


def ask(project: Project, *words: str) -> str:
    """What a program of nix says in the project's store."""
    done = subprocess.run(words, env=project.variables(), capture_output=True, check=True)
    return done.stdout.decode()


def test_an_environment_is_made_once_and_remade_when_its_files_change(nix: Project, shims: Path) -> None:
    nix.config(
        "env_list = ['tools-nix', 'own-nix']\n[env]\npackage = 'none'\n"
        "[env.tools]\ncommands = [['greet'], ['python', '-c', 'import sys; print(sys.prefix)']]\n"
        "[env.own]\npackage = 'wheel'\ndeps = ['apple']\n"
        "commands = [['python', '-c', 'import apple, demo, sys; print(sys.prefix)'],"
        " ['eat-apple'], ['{python}', '-c', 'import demo']]\n"
    ).package()
    own, tools = nix.run("own-nix"), nix.run("tools-nix")
    assert own.rows()["own-nix"]["installed"] == {"apple": "2.0", "demo": "1.0"}
    assert f"{nix.environment('own-nix')}/python\n" in own.err
    assert "greetings from nix" in tools.err
    assert calls(shims).count("nix print-dev-env") == 2
    assert not (nix.environment("tools-nix") / "python/pyvenv.cfg").exists()
    assert nix.run().outcomes() == {"tools-nix": "passed", "own-nix": "passed"}
    assert calls(shims) == []
    assert not list(nix.root.glob("result*"))
    nix.write({"shell.nix": nix_store.SHELL.replace('"hello"', '"hello again"')})
    assert "nix files changed: shell.nix" in nix.kern("plan", "tools-nix", code=0).out
    assert nix.run("tools-nix").rows()["tools-nix"]["made"] == ["made environment"]


def test_a_shell_hook_runs_each_time_or_once(nix: Project, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    nix.environ = {**nix.environ, "PKG_CONFIG_JOURNAL": str(journal), "CFLAGS": "-O2"}
    script = 'say_hi; echo "$HOOKED; CFLAGS=${CFLAGS-gone}; ${TMPDIR}"'
    nix.write(nix_store.files(shell_nix=nix_store.HOOKED)).config(
        "env_list = ['each-nix', 'once-nix']\n[env]\npackage = 'none'\n"
        f"commands = [['bash', '-c', '''{script}''']]\n[env.once]\nshell_hook = 'once'\n"
    )
    for name, times in (("each-nix", 2), ("once-nix", 1)):
        journal.unlink(missing_ok=True)
        for _ in range(2):
            shown = nix.run(name).err
            assert "hi from a function" in shown
            assert f"hello from the hook; CFLAGS=gone; {nix.environ['TMPDIR']}\n" in shown
        scratch = journal.read_text().splitlines()
        assert len(scratch) == times + (name == "each-nix")  # it is entered once more when it is made
        assert not any(map(os.path.exists, scratch))
    refused = nix.kern("run", "each-nix", env={"PKG_CONFIG_REFUSE": "exit 4"}, code=3).screen
    assert "the shellHook of shell.nix did not come to its end" in refused
    assert "exit code 4" in refused


def test_nix_builds_the_package_and_an_environment_uses_it(nix: Project, shims: Path) -> None:
    nix.config(
        "env_list = ['nix']\n[env]\npackage = 'nix'\nprovider = 'nix'\n"
        "commands = [['demo-answer'], ['python', '-c', 'import demo; print(\"imported\", demo.answer)'],"
        " ['ls', '{package}/bin']]\n"
    )
    first = nix.run()
    row = first.rows()["nix"]
    assert (row["artifact"]["kind"], row["artifact"]["name"], row["artifact"]["version"]) == ("nix", "demo", "1.5")
    assert row["installed"]["demo"] == "1.5"
    assert "demo 42\n" in first.err
    assert "imported 42\n" in first.err
    calls(shims)
    nix.run()
    assert calls(shims) == []
    nix.write({"README": "nothing that the package is made of"})
    assert nix.run().rows()["nix"]["artifact"]["digest"] == row["artifact"]["digest"]
    assert calls(shims) == ["nix-build " + str(nix / "default.nix")]
    nix.write({"answer.nix": '"43"\n'})
    again = nix.run()
    assert "imported 43\n" in again.err
    built = os.path.realpath(again.rows()["nix"]["artifact"]["path"])
    for _ in range(2):
        nix.kern("build", "-o", "out", code=0)
        assert os.readlink(nix / "out/result") == built
    nix.write({"answer.nix": '"42"\n'})
    assert "imported 43\n" in nix.run("--package", "out").err
    assert "imported 43\n" in nix.run("--package", built).err


def test_it_is_kept_from_the_garbage_collector_until_it_is_cleaned(nix: Project, tmp_path: Path) -> None:
    nix.environ = {**nix.environ, **nix_store.variables(tmp_path / "own-store")}
    nix.config("env_list = ['nix']\n[env]\nprovider = 'nix'\npackage = 'nix'\ncommands = [['demo-answer']]\n")
    nix.run()
    profile = os.path.realpath(nix.environment("nix") / "profile")
    package = os.path.realpath(nix.environment("nix") / "package/result")
    assert package == os.path.realpath(nix.run().rows()["nix"]["artifact"]["path"])
    dead = ask(nix, "nix-store", "--gc", "--print-dead")
    assert profile not in dead
    assert package not in dead
    shutil.rmtree(tmp_path / "own-store/state/gcroots/auto")
    ask(nix, "nix-store", "--gc")
    assert not os.path.exists(profile)
    plan = nix.kern("plan", code=0).out
    assert f"damaged: nix/store/{os.path.basename(profile)} is missing" in plan
    assert nix.run().outcomes() == {"nix": "passed"}
    assert os.path.exists(profile)
    nix.kern("clean", code=0)
    assert profile in ask(nix, "nix-store", "--gc", "--print-dead")


FLAKE = """{
  outputs = { self }: {
    devShells."@system@".dev = with import ./kern-library.nix;
      derivation { name = "dev"; inherit system; outputs = [ "out" ]; builder = "${bash}/bin/bash"; args = [ "-c" "exit 0" ];
        GREETING = "hello from a flake"; };
  };
}
"""


def git(project: Project, *words: str) -> None:
    """Run git in the project."""
    known = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(("git", *known, *words), cwd=project.root, env=project.variables(), check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_flake_in_git(nix: Project) -> None:
    (nix / "shell.nix").unlink()
    nix.write({"flake.nix": FLAKE.replace("@system@", f"{os.uname().machine}-linux")})
    nix.config(
        "env_list = ['flake']\n[env]\nprovider = 'nix'\npackage = 'none'\nflake = '.#dev'\n"
        "commands = [['bash', '-c', 'echo $GREETING']]\n"
    )
    git(nix, "init", "-q")
    failed = nix.kern("run", code=3)
    assert "a flake in a git repository sees only files that git tracks" in failed.screen
    git(nix, "add", "flake.nix", "kern-library.nix")
    assert "hello from a flake" in nix.run().err
    shown = nix.kern("exec", "nix:.#dev", "--", "bash", "-c", "echo $GREETING", code=0)
    assert shown.out == "hello from a flake\n"
    assert not (nix / "flake.lock").exists()
    nix.config((nix / "kern.toml").read_text().replace(".#dev", ".#other"))
    failed = nix.kern("run", code=3)
    assert "does not provide attribute" in failed.screen
    assert "nix flake show" in failed.screen


def test_what_is_missing_is_said_in_a_sentence(nix: Project, tmp_path: Path, shims: Path) -> None:
    nix.config(
        f"env_list = ['nix']\n[env]\nprovider = 'nix'\npackage = 'none'\ncommands = [['{sys.executable}', '-V']]\n"
    )
    few = tmp_path / "few"
    few.mkdir()
    for name in ("bash", "env", "git"):
        if found := shutil.which(name):
            (few / name).symlink_to(found)
    row = nix.run("--missing", "skip", env={"PATH": str(few)}, code=3).rows()["nix"]
    assert (row["outcome"], row["reason"]) == ("skipped", "nix is not installed")
    nix.kern("run", "--missing", "fail", env={"PATH": str(few)}, code=3)
    nix.config((nix / "kern.toml").read_text() + "nix_file = 'absent.nix'\n")
    assert "there is no absent.nix, which nix_file names" in nix.kern("run", "--missing", "skip", code=3).screen
    assert calls(shims) == []


def test_errors_are_nix_own_words(nix: Project) -> None:
    text = "env_list = ['nix', 'py36-nix']\n[env]\nprovider = 'nix'\npackage = 'none'\ncommands = [['greet']]\n"
    nix.config(text + "[env.nix]\nattr = 'absent'\n")
    failed = nix.kern("run", "nix", code=3)
    assert "nix could not evaluate shell.nix -A absent" in failed.screen
    assert "is attr an attribute of the file?" in failed.screen
    nix.config(text)
    assert f"shell.nix gives Python {sys.version_info[0]}." in nix.kern("run", "py36-nix", code=3).screen
    nix.write({"shell.nix": nix_store.SHELL.replace("hello", "hello ${toString (1 / 0)}")})
    assert "division by zero" in nix.kern("run", "nix", code=3).screen
    nix.write({"shell.nix": nix_store.SHELL.replace("python", "")})
    nix.config(text + "deps = ['apple']\n")
    assert "has no Python to install Python packages for" in nix.kern("run", "nix", code=3).screen


def test_where_the_new_commands_are_absent_nix_shell_is_asked(nix: Project, shims: Path) -> None:
    nix.environ = {**nix.environ, "NIX_BUILD_SHELL": str(shutil.which("bash"))}
    nix.config(
        "env_list = ['nix']\n[env]\nprovider = 'nix'\npackage = 'none'\nnix_command = 'nix-shell'\n"
        "commands = [['greet'], ['bash', '-c', 'echo $GREETING; echo ${TMPDIR}']]\n"
    )
    shown = nix.run().err
    assert "greetings from nix\n" in shown
    assert f"hello\n{nix.environ['TMPDIR']}\n" in shown
    assert not any(call.startswith("nix ") for call in calls(shims))
    nix.run()
    assert calls(shims) == []
    environment = nix.environment("nix")
    dead = ask(nix, "nix-store", "--gc", "--print-dead").split()
    kept = [os.path.realpath(path) for path in environment.iterdir() if path.name.startswith(("profile", "input"))]
    assert len(kept) > 2
    assert not set(kept) & set(dead)


SLOW = """
with import ./kern-library.nix;
shell [ (derive "slow-@number@" "echo x > @journal@; sleep @seconds@; mkdir $out" { }) ] { GREETING = "at last"; }
"""


def slow(nix: Project, number: int, seconds: int) -> Path:
    """Make the environment one that takes its time, and say which file shows that it is being built."""
    journal = nix.root.parent / f"building-{number}"
    words = {"@number@": str(number), "@journal@": str(journal), "@seconds@": str(seconds)}
    text = SLOW
    for name, value in words.items():
        text = text.replace(name, value)
    nix.write({"shell.nix": text})
    return journal


def test_killed_while_it_is_made_it_is_made_by_the_next_run(
    nix: Project, wait_for: Callable[..., None], processes: Callable[[str], list[int]]
) -> None:
    nix.config(
        "env_list = ['nix']\n[env]\nprovider = 'nix'\npackage = 'none'\ncommands = [['bash', '-c', 'echo $GREETING']]\n"
    )
    journal = slow(nix, os.getpid(), 600)
    started = nix.start("run")
    wait_for(journal.exists, what="the build in nix")
    started.send_signal(signal.SIGKILL)
    started.wait()
    wait_for(lambda: not processes(nix.environ["NIX_STORE_DIR"]), what="the end of nix")
    slow(nix, os.getpid() + 1, 0)
    assert "at last" in nix.run().err


def test_two_kerns_make_it_once(nix: Project, shims: Path, wait_for: Callable[..., None]) -> None:
    nix.config(
        "env_list = ['nix']\n[env]\nprovider = 'nix'\npackage = 'none'\ncommands = [['bash', '-c', 'echo $GREETING']]\n"
    )
    journal = slow(nix, -os.getpid(), 2)
    started = nix.start("run")
    wait_for(journal.exists, what="the build in nix")
    assert "at last" in nix.run().err
    assert started.wait() == 0
    assert calls(shims).count("nix print-dev-env") == 1


def test_any_nix_expression_is_an_environment_for_exec(nix: Project, shims: Path) -> None:
    nix.config("env_list = ['a']\n[env]\npackage = 'none'\n")
    before = sorted(nix.root.rglob("*"))
    for target in (str(nix / "shell.nix"), "nix:shell.nix", "nix:."):
        shown = nix.kern("exec", target, "--", "bash", "-c", "greet; echo $GREETING", code=0)
        assert shown.out == "greetings from nix\nhello\n", str(shown)
    assert calls(shims).count("nix print-dev-env") == 1
    elsewhere = nix.kern("exec", f"nix:{nix.root}", "--", "bash", "-c", "greet", cwd=nix.root.parent, code=0)
    assert elsewhere.out == "greetings from nix\n"
    assert calls(shims) == [], "what was evaluated is found again from another directory"
    many = 'with import ./kern-library.nix; { one = shell [ ] { }; two = shell [ ] { GREETING = "two"; }; }'
    nix.root.parent.joinpath("many.nix").write_text(many.replace("./", f"{nix.root}/"))
    shown = nix.kern("exec", "nix:../many.nix#two", "--", "bash", "-c", "echo $GREETING", code=0)
    assert shown.out == "two\n"
    assert "FILE.nix#ATTRIBUTE" in nix.error("exec", "nix:gone.nix", "--", "true")
    tool = ask(nix, "nix-build", str(nix / "kern-library.nix"), "-A", "bash", "--no-out-link").strip()
    assert nix.kern("exec", tool, "--", "sh", "-c", "command -v bash", code=0).out == f"{tool}/bin/bash\n"
    assert [path for path in sorted(nix.root.rglob("*")) if ".kern" not in path.parts] == before


def test_rows_run_in_an_expression_that_is_there(nix: Project) -> None:
    nix.config(
        "env_list = ['a']\n[env]\nexisting = 'nix:shell.nix'\npackage = 'none'\ndeps = ['apple>=1']\n"
        "commands = [['greet'], ['{python}', '-c', 'import sys; print(sys.prefix)']]\n"
    )
    done = nix.run()
    assert "greetings from nix" in done.err
    assert f"{nix.environ['NIX_STORE_DIR']}/" in done.err
    assert done.rows()["a"]["drift"] == ["apple>=1 is not installed"]
    assert not (nix.work / "envs").exists()
