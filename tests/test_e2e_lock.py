"""``kern lock`` and ``kern run --locked`` as a user meets them."""

from __future__ import annotations

import re
import signal
import socket
import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """
env_list = ["{own}-{{sdist,wheel}}", "lint", "bare"]
[env]
deps = ["apple"]
commands = [["{{python}}", "-c", "import apple, demo; print('apple', apple.VERSION, demo.answer)"]]
[env.lint]
package = "none"
deps = ["plum"]
commands = [["{{python}}", "-c", "import plum, pear; print('plum', plum.VERSION)"]]
[env.bare]
package = "none"
deps = []
commands = [["{{python}}", "-c", "print('bare')"]]
"""
PROJECT = """
[project]
name = "demo"
version = "1.0"
dependencies = ["pear"]
[build-system]
requires = []
build-backend = "own_backend"
backend-path = ["backend"]
"""


def outcomes(result: Any) -> dict[str, str]:
    return {lock["path"] or lock["environments"][0]: lock["outcome"] for lock in result.json["locks"]}


def packages(path: Path) -> dict[str, str]:
    return {entry["name"]: entry["version"] for entry in tomllib.loads(path.read_text())["packages"]}


@pytest.fixture
def orchard(project: Any, wheels: Path, make_wheel: Callable[..., Path], tmp_path: Path) -> Any:
    """A project whose wheels lie in a folder of its own."""
    folder = tmp_path / "orchard"
    for name, requires in (("apple", ()), ("pear", ()), ("plum", ("pear",))):
        make_wheel(folder, name, "1.0", requires=requires)
    project.environ = {**project.environ, "PIP_FIND_LINKS": folder.as_uri()}
    project.package({"metadata.txt": "Requires-Dist: pear\n"})
    return project.write({"pyproject.toml": PROJECT})


def test_from_the_first_lock_to_a_stale_one(
    orchard: Any, own: str, uv: str, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    orchard.config(CONFIG.format(own=own))
    sdist, wheel = f"pylock.{own}-sdist.toml", f"pylock.{own}-wheel.toml"

    missing = orchard.kern("lock", "--check", code=1)
    assert f"{own}-wheel: there is no lock file {wheel}" in missing.err
    assert "hint: kern lock lint" in missing.err
    refused = orchard.run("--locked", code=3).rows()
    assert refused["lint"]["reason"] == "there is no lock file pylock.lint.toml"
    assert refused["lint"]["hint"] == "kern lock lint"
    assert refused["bare"]["outcome"] == "passed"

    first = orchard.kern("lock", "--json", "-j", "2", code=0)
    jsonschema.validate(first.json, orchard.kern("schema", "lock", code=0).json)
    assert outcomes(first) == {sdist: "locked", wheel: "locked", "pylock.lint.toml": "locked", "bare": "none"}
    assert packages(orchard / wheel) == packages(orchard / sdist) == {"apple": "1.0", "pear": "1.0"}
    assert packages(orchard / "pylock.lint.toml") == {"plum": "1.0", "pear": "1.0"}
    assert all(
        re.search(r"sha256 = \"[0-9a-f]{64}", text) for text in (orchard / wheel).read_text().split("[[packages]]")[1:]
    )
    text = (orchard / wheel).read_text()
    assert tomllib.loads(text)["tool"]["kern"]["deps"] == ["apple"]
    assert str(orchard.root) not in text
    assert not list(orchard.root.glob("pylock.kern~*"))

    for name in ("apple", "pear", "plum"):
        make_wheel(tmp_path / "orchard", name, "2.0")
    again = orchard.kern("lock", "--json", code=0)
    assert set(outcomes(again).values()) == {"unchanged", "none"}
    assert (orchard / wheel).read_text() == text
    ran = orchard.run("--locked")
    for row in (f"{own}-sdist", f"{own}-wheel"):
        assert ran.rows()[row]["installed"] == {"apple": "1.0", "demo": "1.0", "pear": "1.0"}
    before = orchard.stamp(f"{own}-wheel")
    orchard.run("--locked")
    assert orchard.stamp(f"{own}-wheel") == before
    assert orchard.run(f"{own}-wheel").rows()[f"{own}-wheel"]["installed"]["apple"] == "2.0"
    assert orchard.kern("plan", "--locked", f"{own}-wheel", "--json", code=0).rows()[f"{own}-wheel"]["action"] == "make"

    orchard.config(CONFIG.format(own=own).replace('deps = ["apple"]', 'deps = ["apple<3", "plum"]'))
    stale = orchard.kern("lock", "--check", f"{own}-wheel", code=1).err
    assert f"{wheel} no longer answers the configuration: deps changed: +apple<3, +plum, -apple" in stale
    assert "deps changed" in orchard.run("--locked", f"{own}-wheel", code=3).rows()[f"{own}-wheel"]["reason"]
    assert outcomes(orchard.kern("lock", "--json", f"{own}-wheel", code=0)) == {wheel: "locked"}
    assert packages(orchard / wheel) == {"apple": "1.0", "pear": "1.0", "plum": "2.0"}, "what fits is kept"
    orchard.kern("lock", f"{own}-wheel", "-P", "apple", code=0)
    assert packages(orchard / wheel) == {"apple": "2.0", "pear": "1.0", "plum": "2.0"}
    orchard.kern("lock", f"{own}-wheel", "--upgrade", code=0)
    assert packages(orchard / wheel) == {"apple": "2.0", "pear": "2.0", "plum": "2.0"}

    orchard.write(
        {"pyproject.toml": PROJECT.replace('"pear"', '"pear>=2"'), "metadata.txt": "Requires-Dist: pear>=2\n"}
    )
    stale = orchard.kern("lock", "--check", f"{own}-wheel", code=1).err
    assert "what the package requires changed: +pear>=2, -pear" in stale


def test_a_package_that_says_what_it_requires_only_when_it_is_built(orchard: Any, own: str, uv: str) -> None:
    orchard.package({"metadata.txt": "Requires-Dist: pear\n"}).config(CONFIG.format(own=own))
    row = f"{own}-wheel"
    orchard.kern("lock", row, code=0)
    checked = orchard.kern("lock", row, "--check", code=0)
    assert "can't be told without building" in checked.out
    orchard.run("--locked", row)
    assert "can't be told" not in orchard.kern("lock", row, "--check", code=0).out
    orchard.write({"metadata.txt": "Requires-Dist: pear\nRequires-Dist: plum\n"})
    reason = orchard.run("--locked", row, code=3).rows()[row]["reason"]
    assert "what the package requires changed: +plum" in reason


def test_what_can_t_be_resolved_is_said_in_the_resolver_s_words(orchard: Any, own: str, uv: str) -> None:
    orchard.config(CONFIG.format(own=own).replace('deps = ["plum"]', 'deps = ["plum", "pear>7"]'))
    failed = orchard.kern("lock", "lint", "bare", code=3)
    assert "failed    lint: uv can't resolve it" in failed.err
    assert "pear>7" in failed.err.replace(" ", "")
    assert "no lock   bare: nothing to lock" in failed.out
    assert not list(orchard.root.glob("pylock.*"))
    assert "--check changes nothing" in orchard.error("lock", "--check", "-U")


def test_a_changed_file_or_hash_stops_the_run(
    orchard: Any, own: str, uv: str, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    orchard.config(CONFIG.format(own=own))
    orchard.kern("lock", "lint", code=0)
    path = orchard / "pylock.lint.toml"
    good = path.read_text()
    path.write_text(re.sub(r"sha256 = \"[0-9a-f]{8}", 'sha256 = "00000000', good))
    tampered = orchard.run("--locked", "lint", code=3)
    assert "ash mismatch" in tampered.err
    path.write_text(good)
    orchard.run("--locked", "lint")
    make_wheel(tmp_path / "orchard", "plum", "1.0", requires=("pear",), script="changed")
    fresh = {"UV_CACHE_DIR": str(tmp_path / "another-cache")}
    changed = orchard.run("--locked", "--recreate", "lint", code=3, env=fresh)
    assert "ash mismatch" in changed.err


def test_a_merge_that_is_not_resolved(orchard: Any, own: str, uv: str) -> None:
    orchard.config(CONFIG.format(own=own))
    orchard.kern("lock", "lint", code=0)
    path = orchard / "pylock.lint.toml"
    good = path.read_text()
    path.write_text(f"<<<<<<< HEAD\n=======\n>>>>>>> other\n{good}")
    said = "the two sides of a merge that is not resolved"
    assert said in orchard.kern("lock", "lint", "--check", code=1).err
    assert said in orchard.run("--locked", "lint", code=3).rows()["lint"]["reason"]
    orchard.kern("lock", "lint", code=0)
    assert path.read_text() == good


def test_interrupted_it_leaves_nothing_behind(orchard: Any, own: str, uv: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        orchard.environ = {**orchard.environ, "PIP_NO_INDEX": "0", "PIP_INDEX_URL": address}
        orchard.config(CONFIG.format(own=own))
        started = orchard.start("lock", "lint")
        connection, _ = silent.accept()
        with connection:
            started.send_signal(signal.SIGINT)
            assert started.wait(60) == 130
    assert not list(orchard.root.glob("pylock*"))


CONDA = """
env_list = ["py311-conda"]
[env]
channels = ["{channel}"]
commands = [["python", "-c", "import apple, demo, sys; print(apple.VERSION, demo.answer, sys.prefix)"]]
[package.conda]
"""


def test_a_conda_environment_with_its_package(make_project: Any, channel: str) -> None:
    pytest.importorskip("rattler")
    project = make_project(online=True).package({"metadata.txt": "Requires-Dist: apple<2\n"})
    project.write({"pyproject.toml": PROJECT.replace('"pear"', '"apple<2"')})
    project.config(CONDA.format(channel=channel))
    assert "there is no lock file py311-conda.conda-lock.yml" in project.kern("lock", "--check", code=1).err
    assert outcomes(project.kern("lock", "--json", code=0)) == {"py311-conda.conda-lock.yml": "locked"}
    text = (project / "py311-conda.conda-lock.yml").read_text()
    assert "name: apple\n  version: '1.0'" in text
    assert "demo" not in text
    assert str(project.root) not in text
    row = project.run("--locked").rows()["py311-conda"]
    assert (row["installed"]["apple"], row["installed"]["demo"]) == ("1.0", "1.0")
    before = project.stamp("py311-conda")
    assert outcomes(project.kern("lock", "--json", code=0)) == {"py311-conda.conda-lock.yml": "unchanged"}
    project.run("--locked")
    assert project.stamp("py311-conda") == before
    project.kern("lock", "--check", code=0)
    digest = re.search(r"apple-1.*?sha256: ([0-9a-f]{64})", text, re.DOTALL)
    assert digest is not None
    (project / "py311-conda.conda-lock.yml").write_text(text.replace(digest[1], "0" * 64))
    assert "hash mismatch" in project.run("--locked", code=3).err
    project.config(CONDA.format(channel=channel) + '[env.conda]\nconda_deps = ["small-1"]\n')
    assert "conda deps changed: +small-1" in project.kern("lock", "--check", code=1).err


def test_a_lock_for_another_machine(make_project: Any, channel: str) -> None:
    pytest.importorskip("rattler")
    project = make_project(online=True).config(
        "env_list = ['mac']\n[env]\nprovider = 'conda'\npackage = 'none'\nconda_platform = 'osx-64'\n"
        f"channels = ['{channel}']\nconda_deps = ['lastdemo']\ncommands = [['true']]\n"
    )
    assert outcomes(project.kern("lock", "--json", code=0)) == {"mac.conda-lock.yml": "locked"}
    assert "platform: osx-64" in (project / "mac.conda-lock.yml").read_text()
    project.kern("lock", "--check", code=0)
    assert "don't run on this machine" in project.run("--locked", "mac", code=3).rows()["mac"]["reason"]
