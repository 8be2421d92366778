"""Which plugins may be imported: patterns, both configurations, and what a refused plugin looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.config.project import load
from kern.config.reading import Reader
from kern.drivers import Registry
from kern.drivers.restrictions import Restriction, refusal
from kern.errors import ConfigError, PluginError
from kern.restrictions import restrictions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("allow", "deny", "name", "refused"),
    [
        ((), (), "kern-evil", False),
        ((), ("kern-evil",), "kern-evil", True),
        ((), ("kern-evil",), "Kern_Evil", True),
        ((), ("kern-*",), "kern-venv", True),
        (("kern-venv", "kern-wheel"), (), "kern-conda", True),
        (("kern-*",), (), "kern-conda", False),
        (("kern-*",), ("kern-conda",), "kern-conda", True),
        (("KERN_*",), (), "kern-conda", False),
    ],
)
def test_patterns(allow: tuple[str, ...], deny: tuple[str, ...], name: str, refused: bool) -> None:
    assert bool(refusal(name, (Restriction(allow, deny, "kern.toml"),))) is refused


def test_every_table_has_to_be_fine_with_it() -> None:
    both = (Restriction((), (), "one"), Restriction((), ("kern-x",), "two"))
    assert refusal("kern-x", both) == "denied by plugins.deny in two"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    (tmp_path / "kern").mkdir()
    return tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)}


def test_the_user_and_the_project(places: tuple[Path, dict[str, str]]) -> None:
    folder, environ = places
    (folder / "kern" / "config.toml").write_text('[plugins]\ndeny = ["kern-a"]\n')
    (folder / "kern.toml").write_text('[plugins]\nallow = ["kern-b"]\n')
    found = restrictions(load(str(folder)), Reader(), environ)
    assert [(each.allow, each.deny) for each in found] == [((), ("kern-a",)), (("kern-b",), ())]
    assert found[0].where == str(folder / "kern" / "config.toml")
    assert found[1].where.startswith("kern.toml:1")


@pytest.mark.parametrize("text", ['[plugin]\ndeny = ["x"]\n', '[plugins]\nforbid = ["x"]\n', "plugins = 3\n"])
def test_mistakes_of_the_user(places: tuple[Path, dict[str, str]], text: str) -> None:
    folder, environ = places
    (folder / "kern" / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        restrictions(None, Reader(), environ)
    assert str(folder / "kern" / "config.toml") in (caught.value.where or "")


def test_a_denied_plugin_is_not_offered_and_named() -> None:
    registry = Registry()
    registry.restrict((Restriction((), ("kern-venv",), "kern.toml:3"),))
    assert "venv" not in registry.names("kern.provider")
    with pytest.raises(PluginError) as caught:
        registry.load("kern.provider", "venv")
    assert "is denied by plugins.deny in kern.toml:3" in caught.value.message
    states = {plugin.name: plugin.state for plugin in registry.plugins() if plugin.distribution == "kern-venv"}
    assert set(states.values()) == {"denied"}
    registry.restrict(())
    registry.load("kern.provider", "venv")
