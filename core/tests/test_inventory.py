"""The inventory of an environment: every loss and change is named, what may come and go is not."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.inventory import damage, take
from kern.inventory import paths as files_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def location(tmp_path: Path) -> str:
    root = tmp_path / "env"
    for name in ("bin/pytest", "lib/a/b/module.py", "lib/a/other.py", "pyvenv.cfg", ".kern-owned", "share/doc.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "lib/a/__pycache__").mkdir()
    (root / "lib/a/__pycache__/module.pyc").write_text("x")
    os.symlink("/usr/bin/python3", root / "bin/python")
    os.symlink("lib", root / "lib64")
    (root / "bin/pytest").chmod(0o755)
    return str(root)


def paths(inventory: list[list[Any]]) -> list[str]:
    return [os.path.join(directory, file[0]) for directory, files in inventory for file in files]


def test_files_can_be_left_out(location: str) -> None:
    whole = files_of(take(location, (".",), ()))
    assert sorted(whole) == sorted(paths(take(location, (".",), ())))
    assert files_of(take(location, (".",), (), frozenset({"lib/a/other.py", "pyvenv.cfg", "lib/a/b"}))) == whole - {
        "lib/a/other.py",
        "lib/a/b/module.py",
        "pyvenv.cfg",
    }


def test_everything_is_listed_once_but_what_is_volatile(location: str) -> None:
    inventory = take(location, (".", "lib", "bin/python", "./lib/a/", "missing"), ("__pycache__",))
    assert sorted(paths(inventory)) == [
        ".kern-owned",
        "bin/pytest",
        "bin/python",
        "lib/a/b/module.py",
        "lib/a/other.py",
        "lib64",
        "pyvenv.cfg",
        "share/doc.txt",
    ]
    assert damage(location, inventory) is None
    assert damage(location, json.loads(json.dumps(inventory))) is None


def test_only_what_is_watched_is_listed_and_the_proof_always(location: str) -> None:
    assert sorted(paths(take(location, ("lib/a", "pyvenv.cfg"), ("b",)))) == [
        ".kern-owned",
        "lib/a/__pycache__/module.pyc",
        "lib/a/other.py",
        "pyvenv.cfg",
    ]


def rename(old: str, new: str) -> Callable[[str], None]:
    return lambda root: os.rename(f"{root}/{old}", f"{root}/{new}")


def write(path: str, text: str) -> Callable[[str], None]:
    def change(root: str) -> None:
        with open(f"{root}/{path}", "w") as file:
            file.write(text)

    return change


def relink(path: str, target: str) -> Callable[[str], None]:
    def change(root: str) -> None:
        os.unlink(f"{root}/{path}")
        os.symlink(target, f"{root}/{path}")

    return change


def replace_link(root: str) -> None:
    os.unlink(f"{root}/bin/python")
    write("bin/python", "#!")(root)


def link_folder(root: str) -> None:
    rename("lib/a/b", "b")(root)
    os.symlink("../../b", f"{root}/lib/a/b")


def replace_folder(root: str) -> None:
    rename("bin", "tools")(root)
    write("bin", "x")(root)


def edit_unseen(root: str) -> None:
    """Same size, other content, and a time that only differs in nanoseconds."""
    path = f"{root}/pyvenv.cfg"
    before = os.stat(path)
    with open(path, "r+") as file:
        file.write("P")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: os.unlink(f"{root}/lib/a/b/module.py"), "lib/a/b/module.py is missing"),
        (lambda root: os.unlink(f"{root}/bin/python"), "bin/python is missing"),
        (lambda root: os.unlink(f"{root}/.kern-owned"), ".kern-owned is missing"),
        (rename("lib/a/b", "lib/a/c"), "lib/a/b/module.py is missing"),
        (write("lib/a/other.py", ""), "lib/a/other.py has changed"),
        (edit_unseen, "pyvenv.cfg has changed"),
        (lambda root: os.chmod(f"{root}/bin/pytest", 0o644), "bin/pytest has changed"),
        (relink("bin/python", "/usr/bin/python2"), "bin/python points elsewhere"),
        (relink("share/doc.txt", "/dev/null"), "share/doc.txt has changed"),
        (replace_link, "bin/python has changed"),
        (link_folder, "lib/a/b/module.py is missing"),
        (replace_folder, "bin/pytest is missing"),
        (lambda root: os.rename(root, root + "-gone"), ".kern-owned is missing"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(location: str, change: Callable[[str], object], words: str) -> None:
    inventory = take(location, (".",), ("__pycache__",))
    change(location)
    assert damage(location, inventory) == words


def test_what_is_new_or_volatile_or_a_time_of_a_directory_is_no_damage(location: str) -> None:
    inventory = take(location, (".",), ("__pycache__", "share"))
    write("lib/a/new.py", "new")(location)
    write("lib/a/__pycache__/module.pyc", "changed")(location)
    os.unlink(f"{location}/share/doc.txt")
    os.utime(f"{location}/lib", (0, 0))
    os.chmod(f"{location}/pyvenv.cfg", 0o664)
    assert damage(location, inventory) is None


def test_a_moved_environment_is_whole(location: str) -> None:
    inventory = take(location, (".",), ())
    os.rename(location, location + "-moved")
    assert damage(location + "-moved", inventory) is None


@pytest.mark.parametrize(
    "inventory", [[1], [["", [[]]]], [["", None]], [["bin", []], ["", [["pyvenv.cfg", 1]]]], [[None, []]], {"a": 1}]
)
def test_a_damaged_list_is_damage(location: str, inventory: list[list[Any]]) -> None:
    assert damage(location, inventory) == "the list of its files is damaged"


@given(st.data())
def test_any_one_loss_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("env")
    names = data.draw(
        st.lists(
            st.text("ab/", min_size=1, max_size=6).map(lambda text: os.path.normpath("x/" + text.strip("/"))),
            min_size=1,
            unique=True,
        )
    )
    made = []
    for name in names:
        path = root / (name + ".d") / "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        made.append(path)
    inventory = take(str(root), (".",), ())
    assert len(paths(inventory)) == len(made)
    assert damage(str(root), inventory) is None
    lost = data.draw(st.sampled_from(made))
    lost.unlink()
    assert damage(str(root), inventory) == f"{lost.relative_to(root)} is missing"
