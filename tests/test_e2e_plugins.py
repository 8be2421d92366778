"""A stranger's plugin: written by `kern plugins new`, built, installed without any source tree, and run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parent.parent


def ran(*argv: str, cwd: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(argv, cwd=cwd, env=dict(environ), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def outside(
    tmp_path_factory: pytest.TempPathFactory, online_environ: dict[str, str], kern_command: tuple[str, ...]
) -> Path:
    """A folder with a new plugin and an environment with kern and that plugin, installed from wheels."""
    folder = tmp_path_factory.mktemp("outside")
    ran(*kern_command, "plugins", "new", "toolbox", cwd=folder, environ=online_environ)
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder / "wheels"))
    for tree in (ROOT / "core", folder / "kern-toolbox"):
        ran(*build, str(tree), cwd=folder, environ=online_environ)
    ran(sys.executable, "-m", "venv", "--without-pip", str(folder / "clean"), cwd=folder, environ=online_environ)
    wheels = sorted(map(str, (folder / "wheels").iterdir()))
    pip = (sys.executable, "-m", "pip", "--python", str(folder / "clean"), "install", "--quiet")
    ran(*pip, *wheels, "pytest", cwd=folder, environ=online_environ)
    return folder


@pytest.fixture
def stranger(outside: Path, tmp_path: Path, online_environ: dict[str, str]) -> Project:
    """A project of somebody who has nothing but kern and the new plugin."""
    root = tmp_path / "project"
    root.mkdir()
    environ = {**online_environ, "KERN_CACHE_DIR": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return Project(root, environ, (str(outside / "clean" / "bin" / "kern"),))


def test_what_was_written_passes_the_contract(outside: Path, online_environ: dict[str, str]) -> None:
    shown = ran(
        str(outside / "clean/bin/python"), "-m", "pytest", "-q", cwd=outside / "kern-toolbox", environ=online_environ
    )
    assert " passed" in shown
    assert "failed" not in shown


def test_a_matrix_of_a_strangers_environments(stranger: Project) -> None:
    stranger.config(
        'requires = ["kern-toolbox"]\nenv_list = ["{small,large}-toolbox"]\n[env]\npackage = "none"\n'
        'tools = ["sh"]\ncommands = [["sh", "-c", "ls -d . || exit 5"]]\n[env.large]\nextend_tools = ["ls"]\n'
    )
    first = stranger.run("-j", "2", code=1)
    assert first.outcomes() == {"small-toolbox": "failed", "large-toolbox": "passed"}
    before = stranger.stamp("large-toolbox")
    stranger.run("large-toolbox")
    assert stranger.stamp("large-toolbox") == before


def test_what_is_listed(stranger: Project) -> None:
    stranger.config('env_list = ["a-toolbox"]\n')
    listed = stranger.kern("plugins", "--json", code=0).json["plugins"]
    assert [(each["group"], each["name"], each["state"], each["distribution"]) for each in listed] == [
        ("kern.provider", "toolbox", "ok", "kern-toolbox"),
        ("kern.activator", "toolbox", "ok", "kern-toolbox"),
    ]
    assert "2 of 2" in stranger.kern("plugins", "doctor", code=0).out


def test_a_denied_plugin_is_not_imported(stranger: Project) -> None:
    stranger.config(
        'env_list = ["a"]\n[env]\npackage = "none"\nprovider = "toolbox"\n[plugins]\ndeny = ["kern-tool*"]\n'
    )
    assert "is denied by plugins.deny in kern.toml" in stranger.error("run", code=2)
    assert stranger.kern("plugins", "doctor", code=0).out.startswith("0 of 2") is False
    listed = stranger.kern("plugins", "--json", code=0).json["plugins"]
    assert {each["state"] for each in listed} == {"denied"}


BROKEN = {
    "fails on import": ("raise OSError('no such library')", "OSError: no such library"),
    "exits on import": ("raise SystemExit(3)", "SystemExit: 3"),
    "has another api": ("class Driver:\n    api = 99", "API 99"),
    "lacks members": ("class Driver:\n    api = 1", "missing"),
    "has a wrong signature": (
        "from kern.testing import FakeProvider\nclass Driver(FakeProvider):\n    def probe(self): return None",
        "probe() (should take 2 arguments)",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_is_named_and_harms_nobody_else(
    how: str, outside: Path, stranger: Project, tmp_path: Path, online_environ: dict[str, str]
) -> None:
    text, said = BROKEN[how]
    packages = next((outside / "clean" / "lib").glob("python*/site-packages"))
    module, info = packages / "kern_broken.py", packages / "kern_broken-7.5.dist-info"
    info.mkdir()
    try:
        module.write_text(text + "\n")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kern-broken\nVersion: 7.5\n")
        (info / "entry_points.txt").write_text("[kern.provider]\nbroken = kern_broken:Driver\n")
        stranger.config(
            'env_list = ["{a-toolbox,b-broken}"]\n[env]\npackage = "none"\n[env.toolbox]\ntools = ["sh"]\n'
            'commands = [["sh", "-c", "exit 0"]]\n'
        )
        assert stranger.run("a-toolbox").outcomes() == {"a-toolbox": "passed"}
        assert stranger.kern("list", code=0).out
        error = stranger.kern("run", "b-broken", code=2).screen
        assert "kern-broken 7.5" in error
        assert said in error
        doctor = stranger.kern("plugins", "doctor", code=1).out
        assert "kern-broken 7.5" in doctor
        assert "hint: " in doctor
    finally:
        module.unlink()
        for path in info.iterdir():
            path.unlink()
        info.rmdir()


LOUD = """
import sys
from kern.testing import FakeProvider
print("printed on import")
class Driver(FakeProvider):
    def fingerprint(self, spec, context):
        print("printed in a method")
        return {}
class Exiting(FakeProvider):
    def install(self, spec, environment, artifacts, context):
        sys.exit(4)
def kern_event(event):
    print("printed in a hook")
    raise GeneratorExit
"""
LOUD_ENTRIES = """[kern.provider]
loud = loud:Driver
exiting = loud:Exiting
[kern.hooks]
loud = loud
"""


def test_a_plugin_that_misbehaves_is_blamed_and_data_stay_data(project: Project) -> None:
    info = project / "plugins" / "kern_loud-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kern-loud\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(LOUD_ENTRIES)
    (info.parent / "loud.py").write_text(LOUD)
    project.environ["PYTHONPATH"] = str(info.parent)
    project.config('env_list = ["a-loud", "b-exiting"]\n[env]\npackage = "none"\n')
    done = project.kern("run", "--json", "--no-test", code=3)
    assert done.outcomes() == {"a-loud": "passed", "b-exiting": "error"}
    assert 'provider "exiting" of kern-loud 2.0 failed in install: SystemExit: 4' in done.rows()["b-exiting"]["reason"]
    for said in ("printed on import", "printed in a method", "printed in a hook"):
        assert said in done.err
    assert 'hook plugin "loud" of kern-loud 2.0 failed in kern_event: GeneratorExit' in done.err
    project.config('env_list = ["a"]\n[env.a]\nprovider = "loud"\npackage = "none"\n')
    assert project.kern("plan", "--json", code=0).json


def offered(project: Project, code: str, entries: str) -> None:
    """Put a plugin where kern finds it."""
    info = project / "plugins" / "kern_odd-2.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kern-odd\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(entries)
    (info.parent / "odd.py").write_text(code)
    project.environ["PYTHONPATH"] = str(info.parent)


HANGING = """
import os, time
from kern.testing import FakeActivator, FakeProvider
class Hanging(FakeProvider):
    def install(self, spec, environment, artifacts, context):
        open(os.path.join(context.project_dir, "hangs"), "w").close()
        time.sleep(300)
"""


def test_a_plugin_that_hangs_is_named_and_left_behind(project: Project, wait_for: Callable[..., None]) -> None:
    """The second Ctrl-C is enough, whatever a plugin does."""
    offered(project, HANGING, "[kern.provider]\nodd = odd:Hanging\n[kern.activator]\nfake = odd:FakeActivator\n")
    project.config('env_list = ["a-odd"]\n[env]\npackage = "none"\n')
    started = project.start("run")
    wait_for((project / "hangs").exists)
    started.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(1)
    started.send_signal(signal.SIGINT)
    assert started.wait(60) == 130
    assert 'provider "odd" of kern-odd 2.0 does not come back from install' in project.screen()


DISPOSING = """
import os
from kern.testing import FakeActivator, FakeAdopter, FakeProvider
class One(FakeProvider):
    def dispose(self, location, context):
        open(os.path.join(context.project_dir, "disposed"), "a").write("x")
class Worse(FakeProvider):
    def dispose(self, location, context):
        if os.path.isdir(os.path.join(context.project_dir, "bad")):
            raise OSError("no way")
class Half(One):
    def install(self, spec, environment, artifacts, context):
        raise OSError("half-way")
class Raising(FakeAdopter):
    def adopt(self, location, context):
        raise OSError("no answer")
"""
DISPOSING_ENTRIES = """[kern.provider]
odd = odd:One
half = odd:Half
worse = odd:Worse
other = odd:FakeProvider
[kern.activator]
fake = odd:FakeActivator
[kern.adopter]
odd = odd:Raising
"""


def test_who_made_it_disposes_of_it(project: Project) -> None:
    """Though another provider is to make it now, though it was made half-way, and without it all else is removed."""
    offered(project, DISPOSING, DISPOSING_ENTRIES)
    text = 'env_list = ["a"]\n[env.a]\npackage = "none"\nprovider = "{}"\n'
    disposed = project / "disposed"
    for first, code in (("odd", 0), ("half", 3)):
        project.config(text.format(first))
        project.kern("run", "--no-test", code=code)
        disposed.unlink()
        project.config(text.format("other"))
        project.kern("run", "--no-test", code=0)
        assert disposed.read_text() == "x"
    project.config(text.format("odd"))
    project.kern("run", "--no-test", code=0)
    offered(project, DISPOSING, "[kern.provider]\nother = odd:FakeProvider\n")
    done = project.kern("clean", code=0)
    assert "what it has outside of its directory may be left" in done.err
    assert not (project / ".kern" / "envs" / "a").exists()


def test_who_can_not_dispose_of_it_is_named_and_keeps_nobody_from_anything(project: Project) -> None:
    offered(project, DISPOSING, DISPOSING_ENTRIES)
    text = 'env_list = ["a"]\n[env.a]\npackage = "none"\nprovider = "{}"\n'
    for last in (("run", "--no-test"), ("clean",)):
        project.config(text.format("worse"))
        project.kern("run", "--no-test", code=0)
        (project / "bad").mkdir()
        project.config(text.format("other"))
        done = project.kern(*last, code=0)
        assert 'may be left: provider "worse" of kern-odd 2.0 failed in dispose: OSError: no way' in done.err
        (project / "bad").rmdir()
    assert not (project / ".kern" / "envs" / "a").exists()


def test_a_broken_adopter_is_named_and_the_others_are_asked(project: Project, tmp_path: Path) -> None:
    offered(project, DISPOSING, DISPOSING_ENTRIES)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    done = project.kern("exec", str(tmp_path / "venv"), "--", "python", "-c", "print('there')", code=0)
    assert done.out == "there\n"
    assert 'adopter "odd" of kern-odd 2.0 failed in adopt: OSError: no answer' in done.err
    assert "failed in adopt" in project.error("exec", "odd:x", "--", "true", code=2)
    project.config('env_list = ["a"]\n[env.a]\nprovider = "odd"\nexisting = "system"\ncommands = ["true"]\n')
    assert "failed in adopt" in project.kern("exec", "a", "--", "true", code=0).err


def test_a_denied_kind_is_not_another_kind(project: Project) -> None:
    """A factor that names it says what is wanted, whether it may be had or not."""
    offered(project, DISPOSING, DISPOSING_ENTRIES)
    project.config('env_list = ["a-odd"]\n[env]\npackage = "none"\n[plugins]\ndeny = ["kern-odd"]\n')
    assert "is denied by plugins.deny in kern.toml" in project.error("plan", code=2)


def test_another_provider_makes_the_environment_anew(project: Project) -> None:
    """Though both say the same about what it depends on."""
    info = project / "plugins" / "kern_two-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kern-two\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(
        "[kern.provider]\none = two:FakeProvider\nother = two:FakeProvider\n[kern.activator]\nfake = two:FakeActivator\n"
    )
    (info.parent / "two.py").write_text("from kern.testing import FakeActivator, FakeProvider\n")
    project.environ["PYTHONPATH"] = str(info.parent)
    text = 'env_list = ["a"]\n[env.a]\npackage = "none"\nprovider = "{}"\n'
    project.config(text.format("one"))
    project.kern("run", "--no-test", code=0)
    project.config(text.format("other"))
    assert "provider changed: one -> other" in project.kern("plan", code=0).out


def test_a_new_plugin_is_seen_at_once_and_a_double_is_refused(outside: Path, stranger: Project) -> None:
    stranger.config('env_list = ["a-toolbox"]\n[env]\npackage = "none"\ntools = ["sh"]\n')
    stranger.kern("list", code=0)
    packages = next((outside / "clean" / "lib").glob("python*/site-packages"))
    info = packages / "kern_double-1.0.dist-info"
    info.mkdir()
    try:
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kern-double\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[kern.provider]\ntoolbox = kern_toolbox.provider:ToolboxProvider\n")
        error = stranger.kern("run", code=2).screen
        assert "kern-double 1.0" in error
        assert "kern-toolbox 0.1.0" in error
        stranger.config('env_list = ["a-toolbox"]\n[env]\npackage = "none"\n[plugins]\ndeny = ["kern-double"]\n')
        stranger.kern("run", "--no-test", code=0)
    finally:
        for path in info.iterdir():
            path.unlink()
        info.rmdir()


def test_names_that_are_no_good(project: Project) -> None:
    for name in ("", "../up", "Spack", "-x", "a/b", "a--b", "3d"):
        project.kern("plugins", "new", *([name] if name else []), code=2)
    assert [path.name for path in project.root.iterdir()] == []
    for name in ("venv", "core", "py312"):
        project.kern("plugins", "new", name, code=2)
    project.kern("plugins", "new", "spack", code=0)
    project.error("plugins", "new", "spack")


def test_the_environment_of_the_test_is_clean(outside: Path) -> None:
    assert not (outside / "clean" / "bin" / "pip").exists()
    assert not os.path.exists(outside / "core")
