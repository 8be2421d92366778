from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.errors import ConfigError
from kern_venv import pip_config
from kern_venv.pip_config import PipSettings, config_files, read_pip_settings
from kern_venv.uv_config import secrets_in, uv_names_indexes, uv_settings

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def without_the_machines_file(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "case" not in request.fixturenames:
        monkeypatch.setattr(pip_config, "_SHARED_FILE", "/nowhere/pip.conf")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def environ(tmp_path: Path, home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PATH": os.environ["PATH"]}


def test_later_places_win(tmp_path: Path, home: Path, environ: dict[str, str]) -> None:
    everything = "[global]\nindex-url = {0}\nproxy = {0}\ncert = {0}\nclient-cert = {0}\ntimeout = {0}\n"
    write(tmp_path / "xdg/pip/pip.conf", everything.format("global"))
    write(home / ".pip/pip.conf", "[global]\nindex-url = legacy\nproxy = legacy\ncert = legacy\ntimeout = legacy\n")
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = user\nproxy = user\ntimeout = user\n")
    environ |= {"PIP_INDEX_URL": "variable"}
    found = read_pip_settings(environ)
    assert (found.index_url, found.proxy, found.timeout, found.cert) == ("variable", "user", "user", "legacy")


def test_a_chosen_file_stands_for_the_users(tmp_path: Path, home: Path, environ: dict[str, str]) -> None:
    shared = write(tmp_path / "xdg/pip/pip.conf", "[global]\ncert = shared\nproxy = shared\n")
    user = write(home / ".config/pip/pip.conf", "[global]\nindex-url = user\n")
    chosen = write(tmp_path / "chosen.conf", "[global]\nproxy = chosen\n")
    found = read_pip_settings({**environ, "PIP_CONFIG_FILE": str(chosen)})
    assert (found.index_url, found.cert, found.proxy) == ("", "shared", "chosen")
    absent = {**environ, "PIP_CONFIG_FILE": str(tmp_path / "absent.conf")}
    assert config_files(absent) == [str(shared), str(user)]
    assert config_files({**environ, "PIP_CONFIG_FILE": os.devnull}) == []


def test_the_section_of_install_wins_over_global_of_any_file(
    tmp_path: Path, home: Path, environ: dict[str, str]
) -> None:
    write(tmp_path / "xdg/pip/pip.conf", "[install]\nfind-links = a b\n    c\n[download]\nproxy = no\n")
    write(home / ".config/pip/pip.conf", "[global]\nfind_links = d\n")
    assert read_pip_settings(environ).find_links == ("a", "b", "c")
    assert read_pip_settings(environ).proxy == ""


def test_values_are_read_as_pip_reads_them(home: Path, environ: dict[str, str]) -> None:
    environ |= {
        "PIP_PYPI_URL": "alias",
        "PIP_DEFAULT_TIMEOUT": "7",
        "PIP_NO_INDEX": "yes",
        "PIP_PRE": "0",
        "PIP_CERT": "~/ca.pem",
        "PIP_FIND_LINKS": "~/wheels https://x/y",
        "PIP_TRUSTED_HOST": "a b:8",
        "PIP_RETRIES": "2",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_KEYRING_PROVIDER": "subprocess",
    }
    found = read_pip_settings({**environ, "PIP_CONFIG_FILE": os.devnull})
    assert found == PipSettings(
        index_url="alias",
        find_links=(f"{home}/wheels", "https://x/y"),
        no_index=True,
        cert=f"{home}/ca.pem",
        trusted_host=("a", "b:8"),
        timeout="7",
        retries="2",
        keyring_provider="subprocess",
    )


def test_a_broken_file_is_named(home: Path, environ: dict[str, str]) -> None:
    path = write(home / ".config/pip/pip.conf", "index-url = no section\n")
    with pytest.raises(ConfigError, match=r"pip\.conf can't be read") as caught:
        read_pip_settings(environ)
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    "case",
    [
        {
            "user": "[global]\nindex-url = http://127.0.0.1:9/a\nextra-index-url = http://127.0.0.1:9/b http://127.0.0.1:9/c"
        },
        {"user": "[global]\nindex-url = http://127.0.0.1:9/a", "PIP_INDEX_URL": "http://127.0.0.1:9/v"},
        {"user": "[global]\nindex_url = http://127.0.0.1:9/a\n[install]\nindex-url = http://127.0.0.1:9/i"},
        {"legacy": "[global]\nindex-url = http://127.0.0.1:9/l", "user": "[global]\nfind-links = /tmp"},
        {
            "user": "[global]\nindex-url = http://127.0.0.1:9/u",
            "chosen": "[global]\nextra-index-url = http://127.0.0.1:9/x",
        },
        {"xdg": "[install]\nindex-url = http://127.0.0.1:9/g", "user": "[global]\nindex-url = http://127.0.0.1:9/u"},
    ],
)
def test_pip_itself_reads_the_same(tmp_path: Path, home: Path, environ: dict[str, str], case: dict[str, str]) -> None:
    places = {
        "user": home / ".config/pip/pip.conf",
        "legacy": home / ".pip/pip.conf",
        "xdg": tmp_path / "xdg/pip/pip.conf",
        "chosen": tmp_path / "chosen.conf",
    }
    for name, path in places.items():
        if name in case:
            write(path, case[name] + "\n")
    environ |= {key: value for key, value in case.items() if key.startswith("PIP_")}
    environ |= {"PIP_CONFIG_FILE": str(places["chosen"])} if "chosen" in case else {}
    argv = [sys.executable, "-m", "pip", "install", "--dry-run", "--retries=0", "there-is-no-such-thing"]
    said = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False).stdout
    found = read_pip_settings(environ)
    indexes = [found.index_url or "https://pypi.org/simple", *found.extra_index_url]
    looked = next((line for line in said.splitlines() if line.startswith("Looking in indexes:")), "")
    assert looked.removeprefix("Looking in indexes: ").split(", ") == indexes


def test_pips_words_become_uvs() -> None:
    pip = PipSettings(
        index_url="https://u:secret@host/simple",
        extra_index_url=("https://a/simple", "file:///b"),
        find_links=("/w", "https://x/y"),
        no_index=True,
        cert="/ca.pem",
        client_cert="/me.pem",
        proxy="proxy:3128",
        trusted_host=("a", "b:8"),
        timeout="7",
        retries="2",
        pre=True,
        keyring_provider="subprocess",
    )
    said = uv_settings(pip, {"https_proxy": "old", "KEEP": "1"})
    assert said.arguments == ("--no-index",)
    assert said.environ == {
        "KEEP": "1",
        "UV_DEFAULT_INDEX": "https://u:secret@host/simple",
        "UV_INDEX": "https://a/simple file:///b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/w,https://x/y",
        "SSL_CERT_FILE": "/ca.pem",
        "SSL_CLIENT_CERT": "/me.pem",
        "HTTP_PROXY": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
        "ALL_PROXY": "http://proxy:3128",
        "UV_INSECURE_HOST": "a b:8",
        "UV_HTTP_TIMEOUT": "7",
        "UV_HTTP_RETRIES": "2",
        "UV_PRERELEASE": "allow",
        "UV_KEYRING_PROVIDER": "subprocess",
    }


def test_nothing_said_changes_nothing() -> None:
    assert uv_settings(PipSettings(), {"A": "1"}) == ({"A": "1"}, ())


@pytest.mark.parametrize(
    "variable",
    ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_TIMEOUT", "UV_PRERELEASE", "UV_INSECURE_HOST"],
)
def test_what_was_told_to_uv_wins(variable: str) -> None:
    pip = PipSettings(index_url="p", find_links=("p",), timeout="9", pre=True, trusted_host=("p",))
    environ = uv_settings(pip, {variable: "u"}).environ
    assert environ[variable] == "u"
    if variable == "UV_INDEX_URL":
        assert "UV_DEFAULT_INDEX" not in environ


@pytest.mark.parametrize("variable", ["UV_INDEX", "UV_EXTRA_INDEX_URL"])
def test_extra_indexes_told_to_uv_keep_uvs_own_strategy(variable: str) -> None:
    environ = uv_settings(PipSettings(extra_index_url=("p",)), {variable: "u"}).environ
    assert environ == {variable: "u"}


def test_certificates_that_pip_takes_from_other_variables(tmp_path: Path) -> None:
    assert uv_settings(PipSettings(), {"REQUESTS_CA_BUNDLE": "/r"}).environ["SSL_CERT_FILE"] == "/r"
    assert uv_settings(PipSettings(), {"CURL_CA_BUNDLE": "/c", "SSL_CERT_FILE": "/s"}).environ["SSL_CERT_FILE"] == "/s"
    assert uv_settings(PipSettings(cert="/p"), {"SSL_CERT_FILE": "/s"}).environ["SSL_CERT_FILE"] == "/p"
    assert uv_settings(PipSettings(cert=str(tmp_path)), {}).environ == {"SSL_CERT_DIR": str(tmp_path)}


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("project/uv.toml", 'index-url = "https://x"', True),
        ("project/pyproject.toml", '[[tool.uv.index]]\nurl = "https://x"', True),
        ("project/pyproject.toml", '[[tool.uv.index]]\nurl = "https://x"\nexplicit = true', False),
        ("project/pyproject.toml", '[tool.uv.pip]\nextra-index-url = ["https://x"]', True),
        ("project/pyproject.toml", '[tool.other]\nindex-url = "https://x"', False),
        ("uv.toml", 'find-links = ["/w"]', True),
        ("home/.config/uv/uv.toml", "no-index = true", True),
        ("xdg/uv/uv.toml", 'index-url = "https://x"', True),
        ("project/uv.toml", "broken =", False),
        ("project/uv.toml", "offline = true", False),
    ],
)
def test_indexes_in_uvs_own_files_are_seen(
    tmp_path: Path, environ: dict[str, str], file: str, text: str, names: bool
) -> None:
    (tmp_path / "project").mkdir()
    write(tmp_path / file, text)
    assert uv_names_indexes(environ, str(tmp_path / "project")) is names
    assert uv_names_indexes({**environ, "UV_NO_CONFIG": "1"}, str(tmp_path / "project")) is False
    if file.endswith("uv.toml"):
        assert uv_names_indexes({"UV_CONFIG_FILE": str(tmp_path / file)}, "/nowhere") is names


def test_indexes_in_uvs_own_files_win_over_pips() -> None:
    pip = PipSettings(index_url="p", no_index=True, timeout="7")
    assert uv_settings(pip, {}, own_indexes=True) == ({"UV_HTTP_TIMEOUT": "7"}, ())


def test_passwords_are_found_as_written_and_decoded() -> None:
    values = {
        "A": "https://user:s%40crit@host/x https://host/plain",
        "B": "http://token@host,ftp://u:other@h",
        "C": "git+https://u:third@host/x@branch",
        "D": "someone@example.org",
        "E": "https://host/path@with/at",
    }
    assert set(secrets_in(values)) == {"s%40crit", "s@crit", "token", "other", "third"}
    assert set(secrets_in(("x @ https://u:pw@h/x",))) == {"pw"}


@given(st.text())
def test_looking_for_passwords_never_raises(text: str) -> None:
    assert "" not in set(secrets_in((text,)))
