"""Passwords and tokens in the addresses of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN = "***"


def secrets_of(url: str) -> Iterator[str]:
    """Find what must not be shown of an address, as written and decoded.

    That is ``user:PASSWORD@``, and the token of anaconda.org's addresses: ``https://host/t/TOKEN/channel``.
    """
    for secret in filter(None, (_password(url), _token(url))):
        from urllib.parse import unquote  # most addresses hold none, and this is milliseconds to import

        yield from {secret, unquote(secret)}


def without_secrets(url: str) -> str:
    """Say an address without its password and token."""
    for secret in (_password(url), _token(url)):
        if secret:
            url = url.replace(secret, HIDDEN)
    return url


def _password(url: str) -> str:
    _, scheme, rest = url.partition("://")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    name, _, password = user.partition(":")
    return (password or name) if scheme and at else ""


def _token(url: str) -> str:
    _, scheme, rest = url.partition("://")
    parts = rest.split("/")
    return parts[2] if scheme and len(parts) > 2 and parts[1] == "t" else ""  # noqa: PLR2004 - host, t, TOKEN
