"""pip's settings in uv's words, so that an environment gets the same packages whichever of the two installs.

What the user told uv itself wins: a ``UV_*`` variable, and indexes in uv's own configuration files. Everything goes
through environment variables, since an index address may hold a password and command lines are logged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern_venv.pip_config import PipSettings

_INDEX_KEYS = frozenset(("index-url", "extra-index-url", "find-links", "no-index"))
_DEFAULT_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_EXTRA_INDEXES = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_OTHER_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class UvSettings(NamedTuple):
    """What a uv process gets: its whole environment, and arguments for what has no variable."""

    environ: dict[str, str]
    arguments: tuple[str, ...] = ()


def uv_settings(pip: PipSettings, environ: Mapping[str, str], *, own_indexes: bool = False) -> UvSettings:
    """Say pip's settings in uv's words.

    Args:
        pip: what `kern_venv.pip_config.read_pip_settings` found.
        environ: what the uv process would see otherwise; its ``UV_*`` variables win.
        own_indexes: uv's configuration files name indexes, so pip's are left out.
    """
    result = dict(environ)
    if not own_indexes:
        _add_indexes(pip, environ, result)
    _add_transport(pip, environ, result)
    plain = (("UV_HTTP_TIMEOUT", pip.timeout), ("UV_HTTP_RETRIES", pip.retries))
    flags = (
        ("UV_PRERELEASE", "allow" if pip.pre else ""),
        ("UV_KEYRING_PROVIDER", "subprocess" if pip.keyring_provider == "subprocess" else ""),
        ("UV_INSECURE_HOST", " ".join(pip.trusted_host)),
    )
    for name, value in (*plain, *flags):
        if value:
            result.setdefault(name, value)
    return UvSettings(result, ("--no-index",) if pip.no_index and not own_indexes else ())


def uv_names_indexes(environ: Mapping[str, str], project_dir: str) -> bool:
    """Whether uv's own configuration files name an index; they are few, and read only when something is installed."""
    return any(_table_names_indexes(table) for table in _tables(environ, project_dir))


def secrets_in(values: Mapping[str, str] | tuple[str, ...]) -> Iterator[str]:
    """Find the passwords of addresses in values, as written and decoded."""
    from urllib.parse import unquote

    texts = values.values() if not isinstance(values, tuple) else values
    for text in texts:
        for _, _, rest in (word.partition("://") for word in text.replace(",", " ").split()):
            user, at, _ = rest.partition("/")[0].rpartition("@")
            name, _, password = user.partition(":")
            for secret in (password or name,) if at else ():
                yield from {secret, unquote(secret)} - {""}


def _add_indexes(pip: PipSettings, environ: Mapping[str, str], result: dict[str, str]) -> None:
    if pip.index_url and not any(name in environ for name in _DEFAULT_INDEX):
        result["UV_DEFAULT_INDEX"] = pip.index_url
    if pip.extra_index_url and not any(name in environ for name in _EXTRA_INDEXES):
        result["UV_INDEX"] = " ".join(pip.extra_index_url)
        # pip takes the best release of all indexes alike. uv alone would stop at the first index that has the name at
        # all, and so not find what pip finds. Whoever wants that says UV_INDEX_STRATEGY=first-index.
        result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if pip.find_links:
        result.setdefault("UV_FIND_LINKS", ",".join(link.replace(",", "%2C") for link in pip.find_links))


def _add_transport(pip: PipSettings, environ: Mapping[str, str], result: dict[str, str]) -> None:
    bundle = pip.cert or next((environ[name] for name in _OTHER_BUNDLES if environ.get(name)), "")
    if bundle and (pip.cert or not environ.get("SSL_CERT_FILE")):
        result["SSL_CERT_DIR" if os.path.isdir(bundle) else "SSL_CERT_FILE"] = bundle
    if pip.client_cert:
        result["SSL_CLIENT_CERT"] = pip.client_cert
    if pip.proxy:
        address = pip.proxy if "://" in pip.proxy else f"http://{pip.proxy}"
        for name in _PROXIES:
            result.pop(name.lower(), None)
            result[name] = address


def _table_names_indexes(table: Mapping[str, Any]) -> bool:
    nested = table.get("pip", {})
    if _INDEX_KEYS & (set(table) | set(nested)):
        return True
    indexes = table.get("index", [])
    return any(not index.get("explicit", False) for index in indexes if isinstance(index, dict))


def _tables(environ: Mapping[str, str], project_dir: str) -> Iterator[Mapping[str, Any]]:
    if environ.get("UV_NO_CONFIG"):
        return
    for path in _files(environ, project_dir):
        table = _load(path)
        is_project = os.path.basename(path) == "pyproject.toml"
        yield table.get("tool", {}).get("uv", {}) if is_project else table


def _files(environ: Mapping[str, str], project_dir: str) -> Iterator[str]:
    if environ.get("UV_CONFIG_FILE"):
        yield environ["UV_CONFIG_FILE"]
        return
    folder = project_dir
    while True:
        yield os.path.join(folder, "uv.toml")
        yield os.path.join(folder, "pyproject.toml")
        if os.path.dirname(folder) == folder:
            break
        folder = os.path.dirname(folder)
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", ""), ".config")
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    for place in (home, *shared, "/etc"):
        yield os.path.join(place, "uv", "uv.toml")


def _load(path: str) -> Mapping[str, Any]:
    import tomllib

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError):
        return {}
