"""Secrets: which values of the environment are some, and taking them out of all that kern shows or keeps.

Masking is by value and not by the name of a variable: a password turns up in a URL, in a command line or in what a test
prints, where no name stands beside it. A secret that itself holds the replacement ``***`` is beyond what is promised here.
"""

from __future__ import annotations

import os
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

from kern.masking import MASK, mask, places, unsure_from
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHORTEST = 6
"""Values with fewer characters are not masked: they would be found everywhere."""
SHORTEST_ASKED = 4
"""The same, for values that somebody who knows asked to have masked."""
SHORTEST_LINE = 8
SHORTEST_NUMBER = 8

_HINTS = ("token", "secret", "pass", "pwd", "cred", "key", "auth", "cookie", "jwt", "bearer", "webhook", "connection")
_WORDS = frozenset(("pass", "pwd", "sshpass", "cred", "creds", "auth", "jwt", "bearer", "webhook"))
_ENDINGS = (
    *("token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "cookie", "cookies"),
    *("credential", "credentials", "apikey", "apikeys", "accesskey", "privatekey", "secretkey", "authkey"),
)
_KEYS = ("api", "access", "private", "signing", "encryption", "account", "master", "deploy", "ssh", "gpg")
_PAIRS = frozenset((*((kind, "key") for kind in _KEYS), *((kind, "keys") for kind in _KEYS), ("connection", "string")))
# A name that ends so tells something about a secret (where it lies, of what kind it is) and is not one.
_ABOUT = {
    *("file", "files", "path", "dir", "directory", "type", "method", "name", "length", "ttl", "expiry", "timeout"),
    *("helper", "provider", "url", "uri"),
}
_COMMON = {
    *("true", "false", "none", "null", "enabled", "disabled", "default", "unknown", "example", "localhost", "required"),
    *("optional", "password", "passwd", "secret", "changeme", "postgres", "testing", "public", "private", "keyring"),
    *("import", "subprocess", "x-oauth-basic", "x-access-token"),
}
# User names that everybody has in common; what is secret is the password beside them.
_USERS = {
    *("anonymous", "jenkins", "oauth2", "username", "x-access-token", "x-token-auth", "__token__", "gitlab-ci-token"),
    *("oauth2accesstoken", "_json_key", "_json_key_base64"),
}
_NO_PASSWORD = {"", "x", "X", "x-oauth-basic"}
_HEX = frozenset("0123456789ABCDEFabcdef")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def secret_values(environ: Mapping[str, str]) -> frozenset[str]:
    """Find the values to mask: of variables with a secret's name, and the credentials in URLs of any variable.

    Args:
        environ: names to values. The file system is asked whether a value is the path of something that exists (an
            agent's socket, a file of credentials), which is no secret.

    Returns:
        The values, in every form in which they are likely to turn up, see `forms`.
    """
    found: set[str] = set()
    for name, value in environ.items():
        if "://" in value:
            found |= url_secrets(value)
        if looks_secret(name) and not (os.path.isabs(value) and os.path.exists(value)):
            found |= forms(value)
    # ``https://me@host`` is no token, and masking it would make every path below the home directory unreadable.
    return frozenset(found).difference(environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME"))


def looks_secret(name: str) -> bool:
    """Whether the name of a variable or of an option is that of a secret."""
    lowered = name.lower()
    if not any(hint in lowered for hint in _HINTS):
        return False
    words = _words(name)
    if words == ["pwd"] or (words[-1] in _ABOUT and "webhook" not in words):
        return False
    return (
        not _WORDS.isdisjoint(words)
        or any(word.rstrip("0123456789").endswith(_ENDINGS) for word in words)
        or any(pair in _PAIRS for pair in pairwise(words))
    )


def _words(name: str) -> list[str]:
    """The words of ``SNAKE_CASE``, ``kebab-case``, ``camelCase`` and mixtures of them, in lower case."""
    words = [""]
    for letter, following in pairwise(f"{name} "):
        last = words[-1][-1:]
        if not letter.isalnum():
            words.append("")
        elif letter.isupper() and last and (not last.isupper() or following.islower()):
            words.append(letter)
        else:
            words[-1] += letter
    return [word.lower() for word in words if word]


def forms(value: str, shortest: int = SHORTEST) -> frozenset[str]:
    """The forms in which a secret turns up: whole, each longer line of it, percent-encoded (RFC 3986, section 2.1).

    Args:
        value: the secret; white space around it does not count.
        shortest: forms with fewer characters are left out, as is what is too common to be a secret.
    """
    whole = value.strip()
    if _is_common(whole):
        return frozenset()
    lines = whole.splitlines()
    found = {whole}
    if len(lines) > 1:
        found.update(line for line in map(str.strip, lines) if len(line) >= SHORTEST_LINE)
    elif not _UNRESERVED.issuperset(whole):
        found |= {_percent_encoded(whole, _UNRESERVED), _percent_encoded(whole, _UNRESERVED | {"/"})}
    return frozenset(form for form in found if len(form) >= shortest and not _is_common(form))


def _is_common(value: str) -> bool:
    return (
        value.lower() in _COMMON
        or (value.isdigit() and len(value) < SHORTEST_NUMBER)
        or len(frozenset(value)) == 1  # a placeholder such as xxxxxxxx, or a mask
    )


def _percent_encoded(text: str, safe: frozenset[str]) -> str:
    data = _to_bytes(text)
    return "".join(chr(byte) if chr(byte) in safe else f"%{byte:02X}" for byte in data)


def _percent_decoded(text: str) -> str:
    head, *parts = text.split("%")
    data = bytearray(_to_bytes(head))
    for part in parts:
        code, rest = part[:2], part[2:]
        coded = len(code) == 2 and _HEX.issuperset(code)  # noqa: PLR2004
        data += bytes.fromhex(code) + _to_bytes(rest) if coded else _to_bytes(f"%{part}")
    return data.decode("utf-8", "surrogateescape")


def _to_bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character, which no environment variable can hold but a plugin's text can
        return text.encode("utf-8", "surrogatepass")


def url_secrets(text: str) -> frozenset[str]:
    """The credentials in all URLs of a text: passwords, and user names that serve as one (``https://TOKEN@host``).

    Returns:
        As they are written and percent-decoded, with the `forms` of both.
    """
    found: set[str] = set()
    for before, after in pairwise(text.split("://")):
        user, colon, password = _userinfo(after).partition(":")
        if password not in _NO_PASSWORD:
            found.add(password)
        elif user not in _USERS and (colon or not before.endswith(("ssh", "sftp"))):
            found.add(user)
    found |= {_percent_decoded(secret) for secret in found if "%" in secret}
    return frozenset[str]().union(*map(forms, found))


def _userinfo(text: str) -> str:
    """What stands before the ``@`` in a text that starts with the authority of a URL (RFC 3986, section 3.2)."""
    url = _before(text, " \t\r\n\"'<>`")
    authority = _before(url, "/?#")
    port = authority.partition(":")[2]
    if "@" not in authority and port and not port.isdigit() and authority[0] != "[":
        # No port: then this is a password that holds one of the three and should have been percent-encoded.
        authority = url
    return authority.rpartition("@")[0]


def _before(text: str, ends: str) -> str:
    for end in ends:
        text = text.partition(end)[0]
    return text


class _Secrets(NamedTuple):
    """The same secrets as text and as bytes; replaced as one, so that no thread sees half a change."""

    texts: frozenset[str]
    encoded: frozenset[bytes]


class Masker:
    """Replaces secrets by ``***``; the longest first, where several begin at one place."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Take secrets as they are (see `secret_values`); empty ones don't count."""
        self._lock = threading.Lock()
        self._secrets = _Secrets(frozenset(), frozenset())
        self._extend(values)

    def _extend(self, values: Iterable[str]) -> None:
        with self._lock:
            texts = self._secrets.texts.union(filter(None, values))
            self._secrets = _Secrets(texts, frozenset(map(_to_bytes, texts)))

    def add(self, value: str) -> None:
        """Mask a value, in all its `forms`, from now on; any thread may call this at any time."""
        if not self._secrets.texts.issuperset(found := forms(value, SHORTEST_ASKED)):
            self._extend(found)

    @property
    def encoded(self) -> frozenset[bytes]:
        """The secrets of this moment, as UTF-8."""
        return self._secrets.encoded

    def mask_text(self, text: str) -> str:
        """The text without its secrets; the very same object if it holds none."""
        return mask(text, self._secrets.texts, MASK)

    def mask_bytes(self, data: bytes) -> bytes:
        """The data without its secrets (as UTF-8); the very same object if it holds none."""
        return mask(data, self._secrets.encoded, MASK.encode())

    def stream(self) -> Stream:
        """A filter for data that comes piece by piece."""
        return Stream(self)


class Stream:
    """Masks data that comes piece by piece as if it had come at once; for one thread.

    It holds back only what could still become a secret, at most one character less than the longest of them.
    """

    def __init__(self, masker: Masker) -> None:
        """Follow a masker; what is added to it later counts from the next piece on."""
        self._masker = masker
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be said for sure about all data so far; the very same object where there are no secrets."""
        secrets = self._masker.encoded
        if not (secrets or self._held):
            return data
        data = self._held + data
        done: list[bytes] = []
        position = 0
        unsure = unsure_from(data, 0, secrets)
        for start, end in places(data, secrets):
            if start >= unsure:
                break
            done += data[position:start], MASK.encode()
            position = end
            if end > unsure:
                unsure = unsure_from(data, end, secrets)
        self._held = data[unsure:]
        return b"".join((*done, data[position:unsure]))

    def flush(self) -> bytes:
        """The rest: nothing more will come."""
        held, self._held = self._held, b""
        return self._masker.mask_bytes(held)


def mask_argv(argv: Sequence[str], masker: Masker) -> tuple[str, ...]:
    """A command line that may be shown: without known secrets, credentials in URLs and values of secret-looking options.

    The value of ``--token=VALUE``, ``TOKEN=VALUE`` and ``--token VALUE`` is masked whatever it is; one-letter options
    mean something else to each program, so they are left alone.
    """
    shown: list[str] = []
    expects_secret = False
    for argument in argv:
        if expects_secret and not argument.startswith("-"):
            shown.append(MASK)
            expects_secret = False
            continue
        name, equals, value = argument.partition("=")
        named = _UNRESERVED.issuperset(name) and looks_secret(name)
        expects_secret = named and not equals and name.startswith("--")
        masked = f"{name}={MASK}" if named and value else mask(argument, url_secrets(argument), MASK)
        shown.append(masker.mask_text(masked))
    return tuple(shown)
