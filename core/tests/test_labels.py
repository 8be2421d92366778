"""What labels stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.config.project import load
from kern.errors import ConfigError, KernError, UsageError
from kern.labels import labelled
from kern.matrix import environments
from kern.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Labelled = Callable[..., list[str]]

TEXT = """\
env_list = ["py3{11-13}", "lint", "docs"]
[env.lint]
labels = ["check", "quick"]
[env."py*"]
labels = ["check"]
[env.py313]
labels = []
[env.extra]
labels = ["quick"]
[labels]
ci = ["py3{11,12}", "lint"]
quick = ["docs"]
"""


@pytest.fixture
def named(tmp_path: Path) -> Labelled:
    def write_and_look(*labels: str, text: str = TEXT) -> list[str]:
        (tmp_path / "kern.toml").write_text(text)
        project = load(str(tmp_path))
        return labelled(project, Settings(project), environments(project, ()), labels)

    return write_and_look


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((), []),
        (("ci",), ["py311", "py312", "lint"]),
        (("check",), ["py311", "py312", "lint"]),
        (("quick",), ["docs", "lint", "extra"]),
        (("quick", "ci"), ["docs", "lint", "extra", "py311", "py312"]),
    ],
)
def test_labels(named: Labelled, labels: tuple[str, ...], expected: list[str]) -> None:
    assert named(*labels) == expected


def test_a_label_that_all_have(named: Labelled) -> None:
    text = "env_list = ['a', 'b']\n[env]\nlabels = 'x'\n"
    assert named("x", text=text) == ["a", "b"]


@pytest.mark.parametrize(
    ("label", "text", "hint"),
    [
        ("chek", TEXT, "did you mean check?"),
        ("zzz", TEXT, "labels: ci, quick, check"),
        ("x", "env_list = ['a']", "no labels are configured"),
        ("x", "env_list = ['a']\n[env]\nlabels = 'y'", "labels: y"),
    ],
)
def test_a_label_that_nothing_has(named: Labelled, label: str, text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(label, text=text)
    assert caught.value.message == f"nothing has the label {label!r}"
    assert (caught.value.where, caught.value.hint) == ("command line", hint)


@pytest.mark.parametrize("wrong", ["nosuch", "a b", "n*"])
def test_a_mistake_in_the_configuration_is_placed_there(named: Labelled, wrong: str) -> None:
    with pytest.raises(KernError) as caught:
        named("ci", text=f"env_list = ['a']\n[labels]\nci = ['{wrong}']")
    assert isinstance(caught.value, ConfigError)
    assert caught.value.where == "kern.toml:3 labels.ci"
