from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import API, Artifact, Command, EnvSpec
from kern.errors import ConfigError, StepFailed
from kern_venv.options import VenvOptions
from kern_venv.provider import VenvProvider

if TYPE_CHECKING:
    from kern_venv.interpreters import Interpreter

Make = Callable[..., Path]
Describe = Callable[..., EnvSpec]
provider = VenvProvider()


def test_the_contract(make_spec: Describe) -> None:
    assert provider.api == API
    assert provider.Options is VenvOptions
    assert provider.accepts == ("wheel", "sdist", "editable")
    assert provider.claims("py312")
    assert not provider.claims("venv")


def test_every_option_explains_itself() -> None:
    assert all(f"        {name}: " in (VenvOptions.__doc__ or "") for name in VenvOptions._fields)
    assert set(VenvOptions._field_defaults) == set(VenvOptions._fields)


def test_the_life_of_an_environment(
    context: Any, make_spec: Describe, make_wheel: Make, as_artifact: Callable[..., Artifact]
) -> None:
    make_wheel("leaf")
    make_wheel("grouped")
    spec = make_spec("py", location="é env", deps=("leaf",), dependency_groups=("test",), extras=("more",))
    Path(spec.project_dir, "pyproject.toml").write_text('[dependency-groups]\ntest = ["grouped"]\n')
    assert provider.probe(spec, context) is None
    os.mkdir(spec.location)
    environment = provider.provision(spec, context)
    assert environment.interpreter == os.path.join(spec.location, "bin", "python")
    assert (environment.activator, environment.watch) == ("venv", (".",))
    assert environment.facts["installer"] == "uv"
    assert environment.facts["version"].startswith("3.")
    artifact = as_artifact(make_wheel("tested", extras={"more": "leaf"}))
    expected = {"grouped": "1.0", "leaf": "1.0", "tested": "1.0"}
    assert provider.install(spec, environment, [artifact], context) == expected
    assert provider.install(spec, environment, [artifact], context) == expected
    provider.dispose(spec.location, context)
    provider.dispose(spec.location, context)
    assert os.path.isdir(spec.location)


def test_pip_where_it_is_asked_for(context: Any, make_spec: Describe, make_wheel: Make) -> None:
    make_wheel("leaf")
    spec = make_spec("py", deps=("leaf",), installer="pip", system_site_packages=True)
    environment = provider.provision(spec, context)
    assert provider.install(spec, environment, [], context)["leaf"] == "1.0"
    assert not [command for command in context.ran if command.argv[1:2] == ("pip",)]
    assert "include-system-site-packages = true" in Path(spec.location, "pyvenv.cfg").read_text()


def test_a_use_of_the_environment_changes_only_what_may_change(
    context: Any, make_spec: Describe, make_wheel: Make
) -> None:
    make_wheel("leaf")
    spec = make_spec("py", deps=("leaf",))
    environment = provider.provision(spec, context)
    provider.install(spec, environment, [], context)

    def state() -> set[tuple[str, int]]:
        found = set()
        for folder, folders, files in os.walk(spec.location):
            folders[:] = [name for name in folders if name not in environment.volatile]
            for name in set(files) - set(environment.volatile):
                found.add((os.path.join(folder, name), os.lstat(os.path.join(folder, name)).st_mtime_ns))
        return found

    before = state()
    context.run(Command(argv=(environment.interpreter or "", "-c", "import leaf, json, unittest")))
    assert state() == before


@pytest.mark.parametrize("change", ["deps", "file", "nested", "constraint", "group", "included", "extras", "site"])
def test_the_fingerprint_sees_every_change(change: str, context: Any, make_spec: Describe) -> None:
    options: dict[str, Any] = {
        "deps": ("leaf", "-r a.txt"),
        "constraints": ("c.txt",),
        "dependency_groups": ("test",),
        "extras": ("x",),
    }
    spec = make_spec("py", **options)
    project = Path(spec.project_dir)
    groups = '[dependency-groups]\ntest = ["a", {include-group = "more"}]\nmore = ["b"]\nother = ["c"]\n'
    texts = {"a.txt": "-r b.txt\n", "b.txt": "six\n", "c.txt": "six<2\n", "pyproject.toml": groups}
    for name, text in texts.items():
        (project / name).write_text(text)
    before = provider.fingerprint(spec, context)
    assert provider.fingerprint(spec, context) == before
    (project / "pyproject.toml").write_text(groups.replace('"c"', '"d"') + "[tool.x]\n")
    assert provider.fingerprint(spec, context) == before
    changes = {
        "file": ("a.txt", "-r b.txt\npytest\n"),
        "nested": ("b.txt", "six==1\n"),
        "constraint": ("c.txt", "six<3\n"),
        "group": ("pyproject.toml", groups.replace('"a"', '"z"')),
        "included": ("pyproject.toml", groups.replace('"b"', '"z"')),
    }
    more: dict[str, Any] = {"deps": ("leaf",), "extras": ("y",), "site": None}
    if change in changes:
        (project / changes[change][0]).write_text(changes[change][1])
    else:
        options |= {"system_site_packages": True} if change == "site" else {change: more[change]}
    assert provider.fingerprint(make_spec("py", **options), context) != before


def test_the_fingerprint_is_json_and_starts_nothing(context: Any, make_spec: Describe) -> None:
    import json

    value = provider.fingerprint(make_spec("py"), context)
    assert json.loads(json.dumps(value)) == value
    assert set(value) == {"interpreter", "installer"}
    assert context.ran == []


def test_another_index_or_a_rewritten_file_is_no_change(context: Any, make_spec: Describe) -> None:
    spec = make_spec("py", deps=("-r a.txt",))
    file = Path(spec.project_dir, "a.txt")
    file.write_text("six\n")
    before = provider.fingerprint(spec, context)
    file.write_text("six\n")
    os.utime(file, (1, 1))
    context.environ = {**context.environ, "PIP_INDEX_URL": "https://other/simple"}
    assert provider.fingerprint(spec, context) == before


def test_a_replaced_interpreter_is_a_change(context: Any, make_spec: Describe, tmp_path: Path) -> None:
    path = tmp_path / "python3.44"
    path.write_text("\x7fELF")
    path.chmod(0o755)
    context.environ = {**context.environ, "PATH": str(tmp_path)}
    before = provider.fingerprint(make_spec("py344"), context)
    os.utime(path, (1, 1))
    from kern_venv import interpreters

    interpreters._cache.clear()
    assert provider.fingerprint(make_spec("py344"), context) != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deps": ("-r gone.txt",)}, "deps of py names .*gone.txt, which does not exist"),
        ({"constraints": ("gone.txt",)}, "constraints of py names .*gone.txt"),
        ({"pylock": "pylock.gone.toml"}, "pylock of py names .*pylock.gone.toml"),
        ({"pylock": "lock.toml"}, "must be called"),
        ({"pylock": "pylock.toml", "deps": ("six",)}, "pylock and deps can't go together"),
        ({"dependency_groups": ("x",)}, "does not exist"),
        ({"installer": "conda"}, "no installer 'conda'"),
    ],
)
def test_what_is_not_there_is_an_error_of_the_configuration(
    options: dict[str, Any], message: str, context: Any, make_spec: Describe
) -> None:
    with pytest.raises(ConfigError, match=message):
        provider.fingerprint(make_spec("py", **options), context)


def test_a_missing_interpreter_says_what_there_is(context: Any, make_spec: Describe) -> None:
    spec = make_spec("py399")
    answer = provider.probe(spec, context)
    assert answer is not None
    assert answer.missing
    assert answer.reason == "there is no interpreter for py399"
    assert ".".join(map(str, sys.version_info[:3])) in answer.hint
    assert "PATH" in answer.hint
    with pytest.raises(StepFailed, match="no interpreter for py399"):
        provider.provision(spec, context)
    assert provider.fingerprint(spec, context) == {"interpreter": None}


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("lint", {"base_python": ("nonsense",)}, "'nonsense' in base_python is no interpreter"),
        ("py399", {"base_python": ("py",)}, "the name py399 says py399"),
        ("py", {"installer": "uvv"}, "no installer 'uvv'"),
    ],
)
def test_what_can_t_go_together_is_always_an_error(
    name: str, options: dict[str, Any], reason: str, context: Any, make_spec: Describe
) -> None:
    answer = provider.probe(make_spec(name, **options), context)
    assert answer is not None
    assert not answer.missing
    assert reason in answer.reason


def test_limits_are_said_before_anything_is_made(
    context: Any, make_spec: Describe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minor in ("2.7", "3.5", "2.6"):
        (tmp_path / f"python{minor}").write_text("\x7fELF")
        (tmp_path / f"python{minor}").chmod(0o755)
    context.environ = {"PATH": str(tmp_path), "HOME": "/nowhere"}

    def said(name: str, **options: Any) -> str:
        answer = provider.probe(make_spec(name, **options), context)
        return answer.reason if answer else ""

    assert "no tool makes environments for Python 3.5" in said("py35")
    assert "no tool makes environments for Python 2.6" in said("py26")
    assert "uv does not serve 2.7" in said("py27", installer="uv")
    assert "not ASCII" in said("py27", location="é")
    assert said("py27") == ""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert "uv is not installed" in said("py", installer="uv")


def test_provision_without_uv(
    context: Any, make_spec: Describe, make_wheel: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kern_venv import making, programs

    make_wheel("leaf")
    for module in (making, programs):
        monkeypatch.setattr(module, "find_uv", lambda _: None)
    spec = make_spec("py", deps=("leaf",))
    assert provider.fingerprint(spec, context)["installer"] == "pip"
    environment = provider.provision(spec, context)
    assert environment.facts["installer"] == "pip"
    assert provider.install(spec, environment, [], context)["leaf"] == "1.0"


def test_python_2_is_watched_where_its_bytecode_is_not(
    context: Any, make_spec: Describe, interpreter: Callable[[str], Interpreter], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kern_venv.provider import _watched

    assert _watched((2, 7, 18)) == ("pyvenv.cfg", "bin/python")


def test_the_entry_points_are_these_classes() -> None:
    groups = {"provider": "VenvProvider", "activator": "VenvActivator"}
    for group, name in groups.items():
        (point,) = entry_points(group=f"kern.{group}", name="venv")
        assert point.load().__name__ == name


def test_what_every_run_imports_is_cheap() -> None:
    """The hot path: finding an interpreter and the fingerprint of a plain environment, without any heavy module."""
    code = (
        "import sys; import kern.api; before = set(sys.modules)\n"
        "import kern_venv.provider, kern_venv.activator, kern_venv.adopter, kern_venv.api\n"
        "tops = set(sys.modules) - before\n"
        "from kern_venv.options import VenvOptions; from kern_venv.provider import VenvProvider\n"
        "class Context: environ = {'PATH': '/usr/bin', 'HOME': '/nowhere'}\n"
        "spec = kern.api.EnvSpec(name='py', factors=('py',), options=VenvOptions(deps=('six',)), location='/x',"
        " project_dir='/x')\n"
        "VenvProvider().probe(spec, Context()); VenvProvider().fingerprint(spec, Context())\n"
        "VenvProvider().claims('py312')\n"
        "after = set(sys.modules) - before\n"
        "print(*sorted(name for name in tops if not name.startswith('kern')))\n"
        "print(*sorted(name for name in after if not name.startswith('kern')))\n"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {
        "re",
        "dataclasses",
        "pathlib",
        "subprocess",
        "hashlib",
        "tomllib",
        "inspect",
        "importlib.metadata",
        "packaging",
        "json",
    }
    heavy |= {"difflib", "urllib.parse", "glob", "shutil", "configparser", "email", "zipfile"}
    loaded_before = set(
        subprocess.run(
            [sys.executable, "-I", "-c", "import sys, kern.api; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )
    assert not (set(out.split()) & heavy) - loaded_before
