"""Logins in the addresses of channels: taken out of them, and given to rattler in another way.

So they are in nothing that is written from addresses: the records in ``conda-meta``, rattler's cache, lock files. What may not be
shown of an address is `kern_conda.secrets`.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_VARIABLE = "RATTLER_AUTH_FILE"


class Login(NamedTuple):
    """An address in its parts.

    Attributes:
        address: without a login.
        user: the user's name and password as they stand there, ``name:password``; empty if there are none.
        token: the address with nothing but the token of anaconda.org's addresses, ``https://host/t/TOKEN/channel``;
            empty if there is none.
    """

    address: str
    user: str = ""
    token: str = ""

    @property
    def host(self) -> str:
        """Host without a port: what rattler looks logins up by."""
        place = self.address.partition("://")[2].partition("/")[0]
        return place.partition("]")[0] + "]" if place.startswith("[") else place.partition(":")[0]


class Logins(NamedTuple):
    """What channels are read with.

    Attributes:
        addresses: addresses as they were stated, to the same without a login.
        hosts: hosts to ``name:password``.
        tokens: addresses without a login, to the same with a token.
    """

    addresses: Mapping[str, str] = NOTHING
    hosts: Mapping[str, str] = NOTHING
    tokens: Mapping[str, str] = NOTHING

    def without(self, value: Any) -> Any:
        """A JSON value with all addresses as they are without a login."""
        if not self.addresses:
            return value
        text = json.dumps(value)
        for stated, bare in self.addresses.items():
            text = text.replace(json.dumps(stated)[1:-1], json.dumps(bare)[1:-1])
        return json.loads(text)


def login_of(url: str) -> Login:
    """Take an address apart."""
    scheme, separator, rest = url.partition("://")
    if scheme not in ("http", "https"):
        return Login(url)
    place, slash, path = rest.partition("/")
    user, _, host = place.rpartition("@")
    anonymous = f"{scheme}{separator}{host}{slash}{path}"
    start, _, behind = path.partition("/")
    token, slash, behind = behind.partition("/")
    if start != "t" or not token:
        return Login(anonymous, user)
    return Login(f"{scheme}{separator}{host}{slash}{behind}", user, anonymous)


def logins_of(channels: Iterable[str]) -> Logins:
    """Collect the logins of channels; the address of one keeps its own where two can't be told apart without it."""
    addresses: dict[str, str] = {}
    hosts: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for url in channels:
        login = login_of(url)
        if login.address == url or not _agrees(hosts, login.host, login.user):
            continue
        if not _agrees(tokens, login.address, login.token):
            continue
        addresses[url] = login.address
        hosts.update({login.host: login.user} if login.user else {})
        tokens.update({login.address: login.token} if login.token else {})
    return Logins(addresses, hosts, tokens)


@contextmanager
def lent(logins: Logins, environ: Mapping[str, str], directory: str) -> Iterator[Mapping[str, str]]:
    """Give an environment in which rattler finds the users' names and passwords, for the length of a block.

    They stand in a file that nobody else can read, together with those of the user's own file.
    """
    if not logins.hosts:
        yield environ
        return
    from urllib.parse import unquote

    from kern_conda.private_files import write_private

    known = _read(environ.get(_VARIABLE, ""))
    for host, stated in logins.hosts.items():
        name, _, password = map(unquote, stated.partition(":"))
        known[host] = {"BasicHTTP": {"username": name, "password": password}}
    path = os.path.join(directory, f"logins-{os.urandom(8).hex()}.json")
    try:
        write_private(path, json.dumps(known))
        yield {**environ, _VARIABLE: path}
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _agrees(known: Mapping[str, str], key: str, value: str) -> bool:
    return not value or known.get(key, value) == value


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
