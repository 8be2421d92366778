"""What conda's configuration files say: channels, certificates, proxies.

Which files there are and how they add up follows conda
(https://docs.conda.io/projects/conda/en/stable/user-guide/configuration/use-condarc.html): later files win, lists are
put before those of earlier files, tables are added up. YAML is read only where there is such a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import NOTHING, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANNEL_ALIAS = "https://conda.anaconda.org"
DEFAULT_CHANNELS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_SYSTEM = ("/etc/conda/.condarc", "/etc/conda/condarc", "/etc/conda/condarc.d", "/var/lib/conda/condarc.d")
_USER = (".config/conda/.condarc", ".config/conda/condarc", ".conda/.condarc", ".conda/condarc", ".condarc")
_NO = frozenset(("false", "no", "off", "0"))
_YES = frozenset(("true", "yes", "on", "1"))


class Condarc(NamedTuple):
    """The part of conda's configuration that counts here.

    Attributes:
        channels: where packages come from, the first has priority; empty where nothing is said.
        channel_alias: what a channel's bare name is put behind.
        default_channels: what ``defaults`` stands for.
        custom_channels: name of a channel to the address that its name is put behind.
        custom_multichannels: name to the channels that it stands for.
        verify: whether certificates are checked.
        certificates: path of a file of certificates, or empty.
        proxy_servers: scheme (``http``, ``https``) to address.
        offline: whether the network may not be used.
        envs_dirs: directories of named environments.
    """

    channels: tuple[str, ...] = ()
    channel_alias: str = CHANNEL_ALIAS
    default_channels: tuple[str, ...] = DEFAULT_CHANNELS
    custom_channels: Mapping[str, str] = NOTHING
    custom_multichannels: Mapping[str, tuple[str, ...]] = NOTHING
    verify: bool = True
    certificates: str = ""
    proxy_servers: Mapping[str, str] = NOTHING
    offline: bool = False
    envs_dirs: tuple[str, ...] = ()


def read_condarc(environ: Mapping[str, str]) -> Condarc:
    """Read conda's configuration as conda would in an environment of variables.

    Args:
        environ: ``HOME``, ``CONDARC``, ``XDG_CONFIG_HOME``, and the variables that win over files:
            ``CONDA_CHANNEL_ALIAS``, ``CONDA_CHANNELS``, ``CONDA_OFFLINE``.

    Raises:
        ConfigError: a file is not valid YAML.
    """
    merged: dict[str, Any] = {}
    for path in condarc_files(environ):
        _merge(merged, _load(path, environ))
    for key in ("channel_alias", "channels", "offline"):
        stated = environ.get(f"CONDA_{key.upper()}", "")
        if stated:
            merged[key] = stated.split(",") if key == "channels" else stated
    return _condarc(merged, environ)


def condarc_files(environ: Mapping[str, str]) -> list[str]:
    """List the configuration files that there are, in the order in which they win; a few stats."""
    home = environ.get("HOME") or os.path.expanduser("~")
    above = os.path.join(environ.get("XDG_CONFIG_HOME") or "", "conda") if environ.get("XDG_CONFIG_HOME") else ""
    of_xdg = (os.path.join(above, ".condarc"), os.path.join(above, "condarc")) if above else ()
    root = environ.get("MAMBA_ROOT_PREFIX", "") or _root_of(environ.get("CONDA_EXE", ""))
    of_root = (os.path.join(root, ".condarc"), os.path.join(root, "condarc")) if root else ()
    stated = tuple(filter(None, (environ.get("CONDARC"),)))
    places = (*_SYSTEM, *of_root, *of_xdg, *(os.path.join(home, path) for path in _USER), *stated)
    return list(dict.fromkeys(file for place in places for file in _files(os.path.expanduser(place))))


def _root_of(program: str) -> str:
    return os.path.dirname(os.path.dirname(program)) if program else ""


def _files(place: str) -> list[str]:
    if os.path.isfile(place):
        return [place]
    if not place.endswith(".d") or not os.path.isdir(place):
        return []
    return [os.path.join(place, name) for name in sorted(os.listdir(place)) if name.endswith((".yml", ".yaml"))]


def _load(path: str, environ: Mapping[str, str]) -> Mapping[str, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            value = yaml.safe_load(_expanded(file.read(), environ))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"conda's configuration file {path} can't be read: {reason}", where=path) from None
    except OSError:
        return {}
    return value if isinstance(value, dict) else {}


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    """Put in the values of ``$NAME`` and ``${NAME}``, as conda does."""
    if "$" not in text:
        return text
    import re

    def value(found: re.Match[str]) -> str:
        return environ.get(found[1] or found[2], found[0])

    return re.sub(r"\$\{(\w+)\}|\$(\w+)", value, text)


def _merge(merged: dict[str, Any], added: Mapping[str, Any]) -> None:
    for key, value in added.items():
        before = merged.get(key)
        if isinstance(value, list) and isinstance(before, list):
            merged[key] = [*value, *(one for one in before if one not in value)]
        elif isinstance(value, dict) and isinstance(before, dict):
            merged[key] = {**before, **value}
        elif value is not None:
            merged[key] = value


def _condarc(values: Mapping[str, Any], environ: Mapping[str, str]) -> Condarc:
    verify = values.get("ssl_verify", True)
    named = isinstance(verify, str) and verify.lower() not in _NO | _YES | {"truststore"}
    groups = values.get("custom_multichannels") or {}
    return Condarc(
        channels=_words(values.get("channels") or values.get("channel")),
        channel_alias=str(values.get("channel_alias") or CHANNEL_ALIAS).rstrip("/"),
        default_channels=_words(values.get("default_channels")) or DEFAULT_CHANNELS,
        custom_channels={str(name): str(url) for name, url in (values.get("custom_channels") or {}).items()},
        custom_multichannels={str(name): _words(urls) for name, urls in groups.items()},
        verify=named or _is_true(verify),
        certificates=_located(str(verify), environ) if named else "",
        proxy_servers={str(name): str(url) for name, url in (values.get("proxy_servers") or {}).items() if url},
        offline=_is_true(values.get("offline", False)),
        envs_dirs=tuple(_located(path, environ) for path in _words(values.get("envs_dirs") or values.get("envs_path"))),
    )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _is_true(value: object) -> bool:
    return value if isinstance(value, bool) else str(value).lower() not in _NO


def _located(path: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, path[2:]) if path.startswith("~/") else path
