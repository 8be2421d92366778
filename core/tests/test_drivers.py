"""Drivers: found through the index, imported only when asked for, and every fault told in words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import pytest

from kern.drivers import GROUPS, Registry, index, install_line, known, loading
from kern.errors import ConfigError, PluginError
from kern.store.layout import claim

PROVIDER = """
class {name}:
    api = {api}
    Options = type("Options", (), {{"__dataclass_fields__": {{}}}})
    pools = ()
    accepts = ("thing",)
    def claims(self, factor): return False
    def probe(self, spec, context): return None
    def fingerprint(self, spec, context): return {{}}
    def provision(self, spec, context): return None
    def install(self, spec, environment, artifacts, context): return {{}}
    def drift(self, spec, adopted, context): return ()
    def dispose(self, location, context): pass
"""
ACTIVATOR = """
class Activator:
    api = 1
    pools = ()
    def activate(self, environment, context): return None
"""


def provider(name: str = "Provider", api: object = 1) -> str:
    return PROVIDER.format(name=name, api=api)


class Site:
    """A directory on ``sys.path`` into which distributions are put, and taken out of, by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        name: str,
        entry_points: dict[str, dict[str, str]],
        *,
        version: str = "1.0",
        code: str | None = None,
        metadata: str | None = None,
    ) -> Path:
        info = self.path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        text = metadata if metadata is not None else f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(text)
        sections = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
            for group, points in entry_points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(sections))
        if code is not None:
            (self.path / f"{name.replace('-', '_')}.py").write_text(code)
        return info

    def remove(self, name: str, version: str = "1.0") -> None:
        info = self.path / f"{name.replace('-', '_')}-{version}.dist-info"
        for file in info.iterdir():
            file.unlink()
        info.rmdir()

    def age(self, seconds: float = 3600) -> None:
        """Make everything in it look as if it had been installed a while ago."""
        moment = time.time() - seconds
        for path in (self.path, *self.path.glob("*-info")):
            os.utime(path, (moment, moment))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    place = Site(tmp_path / "site packages é")
    monkeypatch.setenv("KERN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KERN_DEBUG", raising=False)
    monkeypatch.setattr(sys, "path", [str(place.path), *sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return place


def child(site: Site, code: str, **environ: str) -> str:
    """Run code in a new process that has the site on its path; what it prints."""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", "from kern.drivers import registry\nimport sys\n" + code],
        env={**os.environ, "PYTHONPATH": str(site.path), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.strip()


SHOW_NAMES = "print(*registry().names('kern.provider'))"
SHOW_SCANNED = (
    "r = registry(); names = r.names('kern.provider'); print('scan' if 'stevedore' in sys.modules else 'kept')"
)


def settle(site: Site) -> None:
    """Bring the kept index of child processes to the state of a machine on which nothing is being installed."""
    site.age()
    child(site, SHOW_NAMES)
    assert child(site, SHOW_SCANNED) == "kept"


# --- finding


def test_entries_name_target_distribution_and_version(site: Site) -> None:
    site.add(
        "kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}, "console_scripts": {"x": "y:z"}}, version="2.1"
    )
    entry = Registry().entries("kern.provider")["tree"]
    assert entry == ("kern.provider", "tree", "kern_tree:Provider", "kern-tree", "2.1")
    assert "tree" in Registry().names("kern.provider")
    assert all(entry.group in GROUPS for entry in index.current().entries)


def test_a_distribution_hides_later_ones_of_its_name(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Site(tmp_path / "later")
    site.add("kern-tree", {"kern.provider": {"tree": "new:New"}}, version="2.0")
    later.add("Kern.Tree", {"kern.provider": {"tree": "old:Old", "bush": "old:Bush"}})
    monkeypatch.setattr(sys, "path", [*sys.path, str(later.path)])
    registry = Registry()
    assert registry.entries("kern.provider")["tree"].version == "2.0"
    assert "bush" not in registry.names("kern.provider")


def test_an_earlier_version_without_plugins_hides_a_later_one_with(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Site(tmp_path / "later")
    site.add("kern-tree", {"console_scripts": {"tree": "new:main"}}, version="2.0")
    later.add("kern-tree", {"kern.provider": {"tree": "old:Old"}})
    monkeypatch.setattr(sys, "path", [*sys.path, str(later.path)])
    assert "tree" not in Registry().names("kern.provider")


def test_a_damaged_distribution_breaks_nobody_else(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    info = site.add("kern-bad", {}, version="0.3")
    (info / "entry_points.txt").write_text("[kern.provider]\nwithout an equals sign\n")
    foreign = site.add("foreign", {})
    (foreign / "entry_points.txt").write_text("not even a section\n")
    registry = Registry()
    assert registry.load("kern.provider", "tree").api == 1
    bad = [plugin for plugin in registry.problems() if plugin.distribution == "kern-bad"]
    assert [(plugin.state, plugin.version) for plugin in bad] == [("broken", "0.3")]
    assert "entry_points.txt" in bad[0].reason


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\n", None])
def test_damaged_metadata_leaves_the_plugin_usable(site: Site, metadata: str | None) -> None:
    info = site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider(), metadata=metadata)
    if metadata is None:
        (info / "METADATA").unlink()
    assert Registry().load("kern.provider", "tree").api == 1


# --- the index


def test_a_kept_index_needs_no_library_to_load_a_driver(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    settle(site)
    shown = child(
        site,
        "before = set(sys.modules)\n"
        "registry().require(['kern-tree', 'Kern_Tree'])\n"
        "driver = registry().load('kern.provider', 'tree')\n"
        "from kern.hooks import Hooks\n"
        "hooks = Hooks(registry(), print)\n"
        "hooks.plan(None), hooks.event(None), hooks.matrix(()), hooks.project(None)\n"
        "heavy = ('stevedore', 'importlib.metadata', 'pluggy', 'packaging', 'email', 'pathlib', 'hashlib', 'tomllib')\n"
        "print(type(driver).__name__, [name for name in heavy if name in sys.modules])",
    )
    assert shown == "Provider []"


def test_importing_drivers_and_hooks_imports_no_plugin_and_no_library(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code="raise SystemExit('imported')")
    settle(site)
    code = "import kern.hooks\nregistry().names('kern.provider'); print('pluggy' in sys.modules, 'stevedore' in sys.modules)"
    assert child(site, code) == "False False"


def test_what_changed_just_now_is_scanned_until_it_is_old_enough(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    assert child(site, SHOW_SCANNED) == "scan"
    moment = time.time() + 1.5
    for path in (site.path, *site.path.iterdir()):
        os.utime(path, (moment, moment))
    assert child(site, SHOW_SCANNED) == "scan"
    assert child(site, SHOW_SCANNED) == "scan"
    site.age()
    assert child(site, SHOW_SCANNED) == "scan"
    assert child(site, SHOW_SCANNED) == "kept"


def test_a_second_change_in_the_same_tick_is_seen(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    status = site.path.stat()
    child(site, SHOW_NAMES)
    site.add("kern-bush", {"kern.provider": {"bush": "kern_bush:Provider"}})
    os.utime(site.path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert "bush" in child(site, SHOW_NAMES).split()


def test_a_newly_made_file_beside_the_distributions_needs_no_scan(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    (site.path / "anything.txt").write_text("")
    assert child(site, SHOW_SCANNED) == "kept"
    assert child(site, SHOW_SCANNED) == "kept"


def test_added_replaced_and_removed_distributions_are_seen_at_once(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    site.add("kern-bush", {"kern.provider": {"bush": "kern_bush:Provider"}})
    assert {"bush", "tree"} <= set(child(site, SHOW_NAMES).split())
    settle(site)
    site.remove("kern-tree")
    assert "tree" not in child(site, SHOW_NAMES).split()
    settle(site)
    site.remove("kern-bush")
    site.add("kern-bush", {"kern.provider": {"shrub": "kern_bush:Provider"}})
    shown = child(site, SHOW_NAMES).split()
    assert "shrub" in shown
    assert "bush" not in shown


def test_another_search_path_is_another_index(site: Site, tmp_path: Path) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    other = Site(tmp_path / "other")
    assert "tree" not in child(other, SHOW_NAMES).split()
    assert "tree" in child(site, SHOW_NAMES).split()


def test_a_longer_search_path_is_another_index(site: Site, tmp_path: Path) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    other = Site(tmp_path / "other")
    other.add("kern-bush", {"kern.provider": {"bush": "kern_bush:Provider"}})
    shown = child(site, SHOW_NAMES, PYTHONPATH=f"{site.path}{os.pathsep}{other.path}")
    assert {"bush", "tree"} <= set(shown.split())


def test_a_change_that_no_stamp_shows_is_found_before_anybody_is_blamed(site: Site) -> None:
    info = site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    settle(site)
    (info / "entry_points.txt").write_text("[kern.provider]\nbush = kern_tree:Provider\n")
    assert "bush" not in child(site, SHOW_NAMES).split()
    assert child(site, "print(registry().load('kern.provider', 'bush').api)") == "1"


def test_the_index_is_private_and_replaced_whole(site: Site, tmp_path: Path) -> None:
    Registry().names("kern.provider")
    (path,) = (tmp_path / "cache").glob("plugins-*")
    assert str(path) == index.index_path()
    assert re.fullmatch(r"plugins-[0-9a-f]{8}\.json", path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["schema"] == index.SCHEMA


CORRUPT = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"schema": 0}',
    b'{"schema": 1, "stamps": 3, "entries": [], "damaged": [], "satisfied": []}',
    b'{"schema": 1, "stamps": [], "entries": [["a"]], "damaged": [], "satisfied": []}',
    b'{"schema": 1, "stamps": [], "entries": [[1, 2, 3, 4, 5]], "damaged": [], "satisfied": []}',
    b'{"schema": 1, "stamps": [["a"]], "entries": [], "damaged": [], "satisfied": []}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", CORRUPT, ids=range(len(CORRUPT)))
def test_a_corrupt_index_is_replaced(site: Site, content: bytes) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    path = Path(index.index_path())
    claim(str(path.parent))
    path.write_bytes(content)
    path.chmod(0o600)
    assert "tree" in Registry().names("kern.provider")
    assert json.loads(path.read_bytes())["entries"]


def test_an_index_of_the_right_form_with_wrong_values_is_replaced(site: Site, tmp_path: Path) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    (path,) = (tmp_path / "cache").glob("plugins-*")
    content = json.loads(path.read_text())
    content["entries"].append(["kern.provider", 1, 2, 3, 4])
    path.write_text(json.dumps(content))
    assert child(site, SHOW_SCANNED) == "scan"
    assert child(site, SHOW_SCANNED) == "kept"


def test_an_index_that_others_can_write_is_not_believed(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}})
    settle(site)
    (path,) = Path(os.environ["KERN_CACHE_DIR"]).glob("plugins-*")
    path.chmod(0o622)
    assert child(site, SHOW_SCANNED) == "scan"


def test_a_cache_that_cannot_be_written_is_done_without(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert Registry().load("kern.provider", "tree").api == 1
    directory = tmp_path / "taken"
    monkeypatch.setenv("KERN_CACHE_DIR", str(directory))
    Path(index.index_path()).mkdir(parents=True)
    assert Registry().load("kern.provider", "tree").api == 1
    assert [path.is_dir() for path in directory.iterdir()] == [True]


def test_a_folder_of_somebody_else_is_no_cache(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    monkeypatch.setenv("KERN_CACHE_DIR", str(tmp_path / "mine"))
    assert Registry().load("kern.provider", "tree").api == 1
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"KERN_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/kern"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/someone/.cache/kern"),
        ({}, "/home/someone/.cache/kern"),
    ],
)
def test_cache_dir(environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KERN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert index.cache_dir() == expected


def _wheel(directory: Path, name: str, version: str, code: str, entry_points: str) -> Path:
    """A wheel made by hand, so that the test needs neither a build backend nor the network."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": entry_points,
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    wheel = directory / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return wheel


def test_a_plugin_that_pip_installs_upgrades_and_removes_is_seen_at_once(site: Site, tmp_path: Path) -> None:
    venv.create(tmp_path / "environment", with_pip=False)
    (packages,) = (tmp_path / "environment" / "lib").glob("python*/site-packages")
    target = Site(packages)

    def pip(*arguments: str) -> None:
        python = str(tmp_path / "environment" / "bin" / "python")
        command = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "-q", *arguments]
        subprocess.run(command, check=True, env={**os.environ, "PIP_NO_INDEX": "1", "PIP_ROOT_USER_ACTION": "ignore"})

    show = "e = registry().entries('kern.provider').get('real'); print(e and e.version, end=' ')\n"
    load = "print(registry().load('kern.provider', 'real').pools)"
    points = "[kern.provider]\nreal = kern_real:Provider\n"
    first = _wheel(tmp_path, "kern-real", "1.0", provider(), points)
    second = _wheel(tmp_path, "kern-real", "1.1", provider() + "    pools = ('new',)\n", points)
    settle(target)
    assert child(target, show) == "None"
    pip("install", str(first))
    assert child(target, show + load) == "1.0 ()"
    settle(target)
    pip("install", "--upgrade", str(second))
    assert child(target, show + load) == "1.1 ('new',)"
    settle(target)
    pip("uninstall", "-y", "kern-real")
    assert child(target, show) == "None"


# --- loading


def test_a_driver_is_made_once(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider())
    registry = Registry()
    assert "kern_tree" not in sys.modules
    assert registry.load("kern.provider", "tree") is registry.load("kern.provider", "tree")


def test_a_target_may_be_a_function_nested_and_have_extras(site: Site) -> None:
    code = ACTIVATOR + "class Outer:\n    Inner = Activator\ndef make(): return Activator()\n"
    points = {"a": "kern_tree:Outer.Inner", "b": "kern_tree : make", "c": "kern_tree:Activator [fast]"}
    site.add("kern-tree", {"kern.activator": points}, code=code)
    for name in points:
        assert type(Registry().load("kern.activator", name)).__name__ == "Activator"


BROKEN = {
    "import": ("import surely_not_there", "ModuleNotFoundError: No module named 'surely_not_there'"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "assertion": ("assert False, 'first\\nsecond'", "AssertionError: first"),
    "attribute": ("", "AttributeError: module 'kern_tree' has no attribute 'Provider'"),
    "syntax": ("def", "SyntaxError: invalid syntax"),
    "make": ("class Provider:\n    api = 1\n    def __init__(self): raise ValueError", "kern_tree: ValueError"),
    "arguments": ("class Provider:\n    api = 1\n    def __init__(self, x): pass", "missing 1 required positional"),
    "instance": ("Provider = 3", "is neither a class nor a function"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_a_plugin_breaks_is_told_with_its_distribution(site: Site, kind: str) -> None:
    code, expected = BROKEN[kind]
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, version="0.7", code=code)
    site.add("kern-good", {"kern.provider": {"good": "kern_good:Provider"}}, code=provider())
    registry = Registry()
    assert registry.load("kern.provider", "good").api == 1
    with pytest.raises(PluginError) as caught:
        registry.load("kern.provider", "tree")
    assert 'provider "tree" of kern-tree 0.7' in caught.value.message
    assert expected in caught.value.message
    assert "\n" not in caught.value.message
    assert "Traceback" not in caught.value.hint
    assert registry.load("kern.provider", "good").api == 1
    (problem,) = registry.problems()
    assert (problem.state, problem.distribution, problem.reason) == ("broken", "kern-tree", caught.value.message)


def test_the_whole_traceback_is_shown_on_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code="import surely_not_there")
    monkeypatch.setenv("KERN_DEBUG", "1")
    with pytest.raises(PluginError) as caught:
        Registry().load("kern.provider", "tree")
    assert "Traceback" in caught.value.hint
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("api", [0, 2, None, "'1'", True])
def test_another_api_is_told_with_both_numbers(site: Site, api: object) -> None:
    code = provider(api=api) + "    def __init__(self): raise RuntimeError\n" if type(api) is int else provider(api=api)
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, version="0.7", code=code)
    registry = Registry()
    with pytest.raises(PluginError, match=r'provider "tree" of kern-tree 0.7 .*API 1') as caught:
        registry.load("kern.provider", "tree")
    if type(api) is int:
        assert f"API {api} " in caught.value.message
        assert caught.value.hint == f"a newer {'kern-core' if api else 'kern-tree'} may help"
    assert [plugin.state for plugin in registry.problems()] == ["wrong api"]


MISFITS = {
    "    claims = None\n": "claims() (missing)",
    "    probe = 3\n": "probe() (not callable)",
    "    def probe(self, spec): pass\n": "probe() (should take 2 arguments)",
    "    def probe(self, spec, context, more): pass\n": "probe() (should take 2 arguments)",
    "    def probe(self, spec, context, *, more): pass\n": "probe() (should take 2 arguments)",
    "    def claims(self): pass\n": "claims() (should take 1 argument)",
    "    claims = staticmethod(lambda: True)\n": "claims() (should take 1 argument)",
    "    from functools import partial\n    claims = staticmethod(partial(divmod, 1, 2))\n": "claims() (should take 1 argument)",
    "    pools = 'one'\n": "pools (not a tuple)",
    "    Options = None\n": "Options (not a type)",
    "    del accepts\n": "accepts (missing)",
}


@pytest.mark.parametrize("change", MISFITS)
def test_what_does_not_fit_the_protocol_is_named(site: Site, change: str) -> None:
    code = provider() + change
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=code)
    with pytest.raises(PluginError) as caught:
        Registry().load("kern.provider", "tree")
    assert caught.value.message.endswith(f"as a Provider it lacks or differs in {MISFITS[change]}")


@pytest.mark.parametrize(
    "change",
    [
        "    def probe(self, *arguments): pass\n",
        "    def probe(self, spec, context, more=1, *, other=2): pass\n",
        "    @staticmethod\n    def claims(factor): pass\n",
        "    @classmethod\n    def claims(cls, factor): pass\n",
        "    import functools\n    claims = staticmethod(functools.partial(print, 1))\n",
        "    import functools\n    @functools.wraps(print)\n    def claims(self, *a, **k): pass\n",
    ],
)
def test_any_callable_of_the_right_shape_fits(site: Site, change: str) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, code=provider() + change)
    assert Registry().load("kern.provider", "tree").api == 1


def test_two_offers_of_one_name_are_refused_only_when_it_is_asked_for(site: Site) -> None:
    site.add("kern-one", {"kern.provider": {"tree": "kern_one:Provider"}}, code=provider())
    site.add(
        "kern-two",
        {"kern.provider": {"tree": "kern_one:Provider", "two": "kern_two:Provider"}},
        version="2",
        code=provider(),
    )
    registry = Registry()
    assert registry.load("kern.provider", "two").api == 1
    with pytest.raises(PluginError) as caught:
        registry.load("kern.provider", "tree")
    assert caught.value.message == (
        'provider "tree" is offered more than once: by kern-one 1.0 (kern_one:Provider) and kern-two 2 (kern_one:Provider)'
    )
    assert {(plugin.state, plugin.distribution) for plugin in registry.problems()} == {
        ("doubled", "kern-one"),
        ("doubled", "kern-two"),
    }


def test_the_same_name_in_two_groups_is_no_double(site: Site) -> None:
    points = {"kern.provider": {"tree": "kern_tree:Provider"}, "kern.activator": {"tree": "kern_tree:Activator"}}
    site.add("kern-tree", points, code=provider() + ACTIVATOR)
    registry = Registry()
    assert registry.load("kern.provider", "tree").accepts == ("thing",)
    assert type(registry.load("kern.activator", "tree")).__name__ == "Activator"
    assert registry.problems() == ()


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind that the family is said to have, whose plugin nobody can have installed."""
    monkeypatch.setitem(known._ENVIRONMENTS, "unheard", "kern-unheard")
    monkeypatch.setitem(known._FACTORS, "unheard", "kern-unheard")
    return "unheard"


def test_an_absent_plugin_of_the_family_comes_with_its_install_line(site: Site, unheard: str) -> None:
    with pytest.raises(PluginError) as caught:
        Registry().load("kern.provider", unheard)
    assert caught.value.message == 'provider "unheard" comes with the plugin kern-unheard, which is not installed'
    assert caught.value.hint == install_line("kern-unheard")


def test_an_unknown_name_says_what_it_may_stand_for(site: Site) -> None:
    site.add("kern-tree", {"kern.adopter": {"tree": "kern_tree:Adopter"}})
    with pytest.raises(PluginError, match='no installed plugin offers the adopter "treee"') as caught:
        Registry().load("kern.adopter", "treee")
    assert caught.value.hint == 'did you mean "tree"?'
    with pytest.raises(PluginError) as caught:
        Registry().load("kern.adopter", "something")
    known_names = caught.value.hint.removeprefix("installed: ").split(", ")
    assert {"tree", "venv"} <= set(known_names)


def test_a_name_that_an_installed_plugin_of_the_family_does_not_have(site: Site, unheard: str) -> None:
    site.add("kern-unheard", {"kern.adopter": {"other": "kern_unheard:Adopter"}})
    with pytest.raises(PluginError, match='no installed plugin offers the provider "unheard"'):
        Registry().load("kern.provider", unheard)


def test_protocols_of_the_contract_have_only_shapes_that_are_checked() -> None:
    import kern.api

    for name in ("Provider", "Builder", "Activator", "Adopter"):
        protocol = getattr(kern.api, name)
        missing = loading.misfits(object(), protocol)
        members = {*protocol.__annotations__, *(key for key in vars(protocol) if not key.startswith("_"))}
        assert {text.partition(" ")[0].removesuffix("()") for text in missing} == members


# --- requirements, factors, install lines


def test_requirements(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, version="1.5")
    site.add("plain", {}, version="0.1")
    registry = Registry()
    registry.require([])
    registry.require(["kern-tree", "Kern.Tree>=1,<2", "plain", 'absent; python_version < "3"', "kern-tree[extra]==1.5"])
    with pytest.raises(PluginError) as caught:
        registry.require(["kern-tree>=2", "plain", "kern-absent>=0.2", "kern-gone"], where="kern.toml requires")
    assert caught.value.message == (
        "this project requires kern-tree>=2, where 1.5 is installed and kern-absent>=0.2, which is not installed"
        " and kern-gone, which is not installed"
    ).replace("kern-absent>=0.2,", "kern-absent,")
    assert caught.value.hint == install_line("kern-tree>=2", "kern-absent>=0.2", "kern-gone")
    assert "'kern-absent>=0.2' kern-gone" in caught.value.hint
    assert caught.value.where == "kern.toml requires"


def test_a_requirement_that_is_none(site: Site) -> None:
    with pytest.raises(ConfigError, match='"kern conda" is not a requirement'):
        Registry().require(["kern conda"])


def test_a_requirement_is_compared_once_until_something_is_installed(site: Site) -> None:
    site.add("kern-tree", {"kern.provider": {"tree": "kern_tree:Provider"}}, version="1.5")
    settle(site)
    code = "registry().require(['kern-tree>=1', 'kern-core>=0']); print('packaging' in sys.modules)"
    assert [child(site, code) for _ in range(2)] == ["True", "False"]
    site.remove("kern-tree", "1.5")
    site.add("kern-tree", {}, version="0.5")
    failing = "try: registry().require(['kern-tree>=1'])\nexcept Exception as error: print(error)"
    assert child(site, failing) == "this project requires kern-tree>=1, where 0.5 is installed"


def test_known_factors_of_absent_plugins(site: Site, unheard: str) -> None:
    registry = Registry()
    assert registry.known_factor(unheard) == "kern-unheard"
    assert known.claimant("podman") == "kern-docker"
    assert registry.known_factor("lint") is None
    site.add("kern-unheard", {"kern.provider": {"unheard": "kern_unheard:Provider"}})
    assert Registry().known_factor(unheard) is None


@pytest.mark.parametrize("factor", ["py", "py3", "py312", "py3.12", "py313t", "pypy", "pypy310", "cpython3.9"])
def test_factors_of_interpreters(factor: str) -> None:
    assert known.claimant(factor) == "kern-venv"


@pytest.mark.parametrize("factor", ["pytest", "pyt", "p", "", "312", "python", "py.", "lint", "py31x"])
def test_factors_of_nobody(factor: str) -> None:
    assert known.claimant(factor) is None


def test_canonical_names() -> None:
    assert known.canonical("Kern__Core.-x") == "kern-core-x"


def test_install_lines_follow_how_kern_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "kern-core"
    prefix.mkdir()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "executable", "/a b/python")
    assert install_line("kern-conda>=1") == "'/a b/python' -m pip install 'kern-conda>=1'"
    monkeypatch.setattr(known, "_has_pip", lambda: False)
    assert install_line("kern-conda") == "uv pip install --python '/a b/python' kern-conda"
    (prefix / "pipx_metadata.json").write_text("{}")
    assert install_line("kern-conda", "x") == "pipx inject kern-core kern-conda x"
    (prefix / "uv-receipt.toml").write_text('[tool]\nrequirements = [{ name = "kern-core" }, { name = "kern-venv" }]\n')
    assert install_line("kern-conda") == "uv tool install kern-core --with kern-venv --with kern-conda"
    (prefix / "uv-receipt.toml").write_text("damaged")
    assert install_line("kern-conda") == "uv tool install kern-core --with kern-conda"


# --- facts


def test_facts_import_nothing_unless_asked_to(site: Site) -> None:
    site.add("kern-good", {"kern.provider": {"good": "kern_good:Provider"}}, code=provider())
    site.add("kern-bad", {"kern.provider": {"bad": "kern_bad:Provider"}}, code="1 / 0")
    site.add("kern-old", {"kern.provider": {"old": "kern_old:Provider"}}, code=provider(api=0))
    site.add("kern-hook", {"kern.hooks": {"hook": "kern_hook"}}, code="")
    names = {"kern-good", "kern-bad", "kern-old", "kern-hook"}
    registry = Registry()
    shown = {p.distribution: p for p in registry.plugins() if p.distribution in names}
    assert {plugin.state for plugin in shown.values()} == {"not loaded"}
    assert not {"kern_good", "kern_bad", "kern_old", "kern_hook"} & set(sys.modules)
    checked = {
        p.distribution: p
        for p in registry.plugins(check=True, check_hooks=lambda found: f"{found.__name__} is bad")  # type: ignore[attr-defined]
        if p.distribution in names
    }
    assert {name: plugin.state for name, plugin in checked.items()} == {
        "kern-good": "ok",
        "kern-bad": "broken",
        "kern-old": "wrong api",
        "kern-hook": "broken",
    }
    assert "ZeroDivisionError" in checked["kern-bad"].reason
    assert checked["kern-hook"].reason.endswith("kern_hook is bad")
    assert {plugin.state for plugin in checked.values()} <= set(loading.STATES)


def test_what_is_in_use_is_ok(site: Site) -> None:
    site.add("kern-good", {"kern.provider": {"good": "kern_good:Provider"}}, code=provider())
    registry = Registry()
    registry.load("kern.provider", "good")
    assert {p.name: p.state for p in registry.plugins()}["good"] == "ok"
