"""What pip's configuration says about indexes, certificates and proxies, so that it can hold for uv too.

Where pip looks and which place wins is written at https://pip.pypa.io/en/stable/topics/configuration. A later place
replaces what an earlier one says: global, user, ``PIP_CONFIG_FILE`` (which also keeps the user's files from being read,
and all files if it is ``os.devnull``), then ``PIP_*`` variables; in files, ``[install]`` wins over ``[global]``. The
file of a site (``sys.prefix/pip.conf``) belongs to one environment, and a new environment has none.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARED_FILE = "/etc/pip.conf"
_ALIASES = {"pypi-url": "index-url", "default-timeout": "timeout"}
_TRUE = frozenset(("y", "yes", "t", "true", "on", "1"))


class PipSettings(NamedTuple):
    """The part of pip's settings that says where packages come from."""

    index_url: str = ""
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_host: tuple[str, ...] = ()
    timeout: str = ""
    retries: str = ""
    pre: bool = False
    keyring_provider: str = ""


def read_pip_settings(environ: Mapping[str, str]) -> PipSettings:
    """Read the settings that ``pip install`` would have.

    Args:
        environ: the environment that pip would run in.

    Raises:
        ConfigError: a configuration file of pip is not one.
    """
    values: dict[str, str] = {}
    by_section = [_read_sections(path) for path in config_files(environ)]
    for section in ("global", "install"):
        for sections in by_section:
            values.update(sections.get(section, {}))
    values.update(_variables(environ))
    return _settings({_ALIASES.get(key, key): value for key, value in values.items() if value.strip()}, environ)


def config_files(environ: Mapping[str, str]) -> list[str]:
    """List the files that pip would read, the last wins; those that don't exist are left out."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    own = bool(chosen) and os.path.exists(chosen or "")
    places = [*_global_files(environ), *(() if own else _user_files(environ)), *([chosen] if chosen else [])]
    return [path for path in places if os.path.isfile(path)]


def _global_files(environ: Mapping[str, str]) -> list[str]:
    if sys.platform == "darwin":
        return ["/Library/Application Support/pip/pip.conf"]
    folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(os.path.join(folder, "pip", "pip.conf") for folder in folders.split(os.pathsep)), _SHARED_FILE]


def _user_files(environ: Mapping[str, str]) -> list[str]:
    home = environ.get("HOME") or os.path.expanduser("~")
    folder = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip")
    on_mac = os.path.join(home, "Library", "Application Support", "pip")
    if sys.platform == "darwin":
        folder = on_mac if os.path.isdir(on_mac) else os.path.join(home, ".config", "pip")
    return [os.path.join(home, ".pip", "pip.conf"), os.path.join(folder, "pip.conf")]


def _read_sections(path: str) -> dict[str, dict[str, str]]:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (Error, UnicodeDecodeError) as error:
        raise ConfigError(f"pip's configuration file {path} can't be read: {error}", where=path) from None
    return {section: {_key(name): value for name, value in parser.items(section)} for section in parser.sections()}


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {_key(name[4:]): value for name, value in environ.items() if name.startswith("PIP_") and value}


def _key(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _settings(values: Mapping[str, str], environ: Mapping[str, str]) -> PipSettings:
    home = environ.get("HOME", "")

    def word(key: str) -> str:
        return values.get(key, "").strip()

    def place(key: str) -> str:
        return _expanded(word(key), home)

    def words(key: str) -> tuple[str, ...]:
        return tuple(_expanded(one, home) for one in values.get(key, "").split())

    def flag(key: str) -> bool:
        return word(key).lower() in _TRUE

    return PipSettings(
        index_url=word("index-url"),
        extra_index_url=words("extra-index-url"),
        find_links=words("find-links"),
        no_index=flag("no-index"),
        cert=place("cert"),
        client_cert=place("client-cert"),
        proxy=word("proxy"),
        trusted_host=words("trusted-host"),
        timeout=word("timeout"),
        retries=word("retries"),
        pre=flag("pre"),
        keyring_provider=word("keyring-provider"),
    )


def _expanded(text: str, home: str) -> str:
    return os.path.join(home, text[2:]) if text.startswith("~/") and home else text
