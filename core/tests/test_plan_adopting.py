"""What a target means: who is asked, who is believed, and what is said when nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kern.api import API, Adopted, Environment
from kern.errors import PluginError, StepFailed, UsageError
from kern.plan.adopting import adopt, is_path, is_place

if TYPE_CHECKING:
    from pathlib import Path

    from core.tests.conftest import FakeRegistry, Open
    from kern.session import Session


class Knowing:
    """Knows certain locations with a certainty, and remembers what it was asked."""

    api = API

    def __init__(self, asked: list[str], kind: str, known: dict[str, int]) -> None:
        self.asked, self.kind, self.known = asked, kind, known

    def adopt(self, location: str, context: object) -> Adopted | None:
        self.asked.append(f"{self.kind} {location}")
        certainty = self.known.get(location)
        if certainty == 0:
            raise StepFailed("several have that name")
        return Adopted(Environment(f"/{self.kind}", "venv"), certainty, f"{self.kind} says so") if certainty else None


@pytest.fixture
def asked() -> list[str]:
    """Who was asked for what, in order."""
    return []


@pytest.fixture
def session(open_session: Open, drivers: FakeRegistry, asked: list[str], tmp_path: Path) -> Session:
    """A session with three kinds; ``tmp_path`` is known to all of them."""
    path, equal = str(tmp_path), str(tmp_path / "equal")
    (tmp_path / "equal").mkdir()
    known: dict[str, dict[str, int]] = {
        "conda": {path: 3, equal: 1, "base": 2, "twice": 0},
        "system": {"": 1, "base": 3},
        "venv": {path: 2, equal: 1, "base": 1, ".dir": 1},
    }
    drivers.drivers["kern.adopter"] = {kind: Knowing(asked, kind, places) for kind, places in known.items()}
    return open_session("env_list = ['a']")


@pytest.mark.parametrize(
    ("target", "path", "place"),
    [
        (".", True, True),
        ("..", True, True),
        ("./a", True, True),
        ("~/a", True, True),
        ("/a:b", True, True),
        ("a/b:c", True, True),
        ("conda:base", False, True),
        ("venv:/a/b", False, True),
        ("nix:.#dev", False, True),
        ("py312", False, False),
        (".venv", False, False),
        ("system", False, False),
    ],
)
def test_how_a_target_is_read(target: str, path: bool, place: bool) -> None:
    assert (is_path(target), is_place(target)) == (path, place)


def test_a_path_is_asked_of_all_and_the_most_certain_wins(session: Session, asked: list[str], tmp_path: Path) -> None:
    said: list[str] = []
    for target in (str(tmp_path), f"./../{tmp_path.name}/."):
        assert adopt(session, target, base=str(tmp_path), explain=said.append).kind == "conda"
    assert asked[:3] == [f"conda {tmp_path}", f"system {tmp_path}", f"venv {tmp_path}"]
    assert said[:5] == [
        f"{tmp_path} is a path, so all kinds are asked",
        "  conda: conda says so (certainty 3)",
        "  system: not one of its environments",
        "  venv: venv says so (certainty 2)",
        "so it is /conda (conda)",
    ]


def test_two_that_are_equally_certain(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        adopt(session, "./equal", base=str(tmp_path))
    path = tmp_path / "equal"
    assert caught.value.message == (
        f"{path} is recognised by two kinds: conda, as conda says so, and venv, as venv says so"
    )
    assert caught.value.hint == f"say which is meant: conda:{path} or venv:{path}"


def test_a_kind_is_asked_alone(
    session: Session, asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert adopt(session, "venv:base", base="/").kind == "venv"
    assert adopt(session, "system:", base="/").kind == "system"
    assert adopt(session, "conda:~", base="/").kind == "conda"
    assert asked == ["venv base", "system ", f"conda {tmp_path}"]
    with pytest.raises(UsageError, match="the kind venv has no environment 'gone'"):
        adopt(session, "venv:gone", base="/")
    with pytest.raises(PluginError, match="nothing offers nix"):
        adopt(session, "nix:x", base="/")
    with pytest.raises(StepFailed, match="several have that name"):
        adopt(session, "conda:twice", base="/")


def test_a_name_is_asked_of_one_kind_first(session: Session, asked: list[str]) -> None:
    assert adopt(session, "base", base="/", first="venv").kind == "venv"
    assert asked == ["venv base"]
    assert adopt(session, "base", base="/", first="docker").kind == "system"
    assert adopt(session, ".dir", base="/", first="conda").kind == "venv"
    assert asked[-3:] == ["conda .dir", "system .dir", "venv .dir"]


def test_a_name_that_nobody_knows(session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        adopt(session, "zzz", base="/")
    assert caught.value.message == (
        "the project has no environment 'zzz', and no plugin knows one of that name (asked: conda, system and venv)"
    )
    assert caught.value.hint == "for a directory give a path: ./zzz"
    other = UsageError("no environment matches 'zzz'", hint="did you mean zz?")
    with pytest.raises(UsageError, match="no environment matches 'zzz', and no plugin") as caught:
        adopt(session, "zzz", base="/", otherwise=other)
    assert caught.value.hint == "did you mean zz?"


def test_a_broken_plugin_is_told_and_stands_in_nobody_s_way(
    session: Session, drivers: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = drivers.load

    def failing(group: str, name: str) -> Any:
        if name == "conda":
            raise PluginError("conda is broken")
        return load(group, name)

    monkeypatch.setattr(drivers, "load", failing)
    said: list[str] = []
    assert adopt(session, str(tmp_path), base="/", explain=said.append).kind == "venv"
    assert "  conda: conda is broken" in said


def test_a_link_to_nowhere_and_a_colon_without_a_kind(session: Session, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone/python")
    with pytest.raises(UsageError, match="link is a link to gone/python, where nothing is"):
        adopt(session, "./link", base=str(tmp_path))
    with pytest.raises(UsageError, match="there is no kind before the colon in ':x'") as caught:
        adopt(session, ":x", base="/")
    assert caught.value.hint == "kinds are conda, system and venv"


def test_a_kind_may_say_what_it_has(session: Session, drivers: FakeRegistry, tmp_path: Path) -> None:
    def offers(context: Any) -> str:
        return f"there is base, seen from {context.project_dir}"

    drivers.drivers["kern.adopter"]["conda"].offers = offers
    with pytest.raises(UsageError) as caught:
        adopt(session, "conda:gone", base=str(tmp_path))
    assert caught.value.hint == f"there is base, seen from {tmp_path}"
    for other in (None, UsageError("no environment matches 'conda'", hint="did you mean condor?")):
        with pytest.raises(UsageError) as caught:
            adopt(session, "conda", base=str(tmp_path), otherwise=other)
        assert caught.value.hint == f"there is base, seen from {tmp_path}"


def test_the_directory_behind_a_kind_is_also_said_as_a_relative_one(
    session: Session, asked: list[str], tmp_path: Path
) -> None:
    """A kind that claims no such directory by its path may know it when it is named: nix knows projects that way."""
    with pytest.raises(UsageError):
        adopt(session, f"venv:{tmp_path}/equal/..", base=str(tmp_path / "equal"))
    assert asked == [f"venv {tmp_path}/equal/..", "venv ./.."]
