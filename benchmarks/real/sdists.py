"""From a name, a version and a digest to a source tree, without building anything and without trusting anybody.

The index is asked directly (PEP 503, PEP 691): `pip download` would run the project's build backend for its metadata
before anybody has seen the archive. Index, extra indexes and certificate are those of pip's configuration; proxies are
those of the environment.
"""

from __future__ import annotations

import hashlib
import html.parser
import json
import os
import ssl
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
SECONDS = 180


class FetchError(Exception):
    """An sdist can't be had; the text says why."""


def fetch(name: str, version: str, sha256: str, folder: str) -> str:
    """Path of the sdist in ``folder``, downloaded unless it is there already.

    Raises:
        FetchError: no index has it, or what was got is something else than what was asked for.
    """
    file_name = f"{name}-{version}.tar.gz"
    path = os.path.join(folder, file_name)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        content = _read(_address(name, file_name))[0]
        _verify(content, sha256, file_name)
        _publish(content, path)
    with open(path, "rb") as file:
        _verify(file.read(), sha256, path)
    return path


def unpack(path: str, folder: str) -> str:
    """Unpack an sdist into a new folder; the path of the one directory in it.

    Raises:
        FetchError: it has not exactly one directory at the top, as PEP 625 wants, or tries to leave the folder.
    """
    os.makedirs(folder)
    try:
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise FetchError(f"{path} can't be unpacked: {error}") from error
    names = os.listdir(folder)
    if len(names) != 1:
        raise FetchError(f"{path} has {len(names)} entries at the top instead of one directory")
    return os.path.join(folder, names[0])


def _verify(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FetchError(f"{what} has the sha256 {found}, and not {sha256}")


def _publish(content: bytes, path: str) -> None:
    partial = f"{path}.{os.getpid()}"
    with open(partial, "wb") as file:
        file.write(content)
    os.replace(partial, path)


def _address(name: str, file_name: str) -> str:
    """Where the file is, by the first index that lists it."""
    failures = []
    for index in _indexes():
        try:
            listed = _listed(f"{index.rstrip('/')}/{name}/")
        except FetchError as error:
            failures.append(str(error))
            continue
        if file_name in listed:
            return listed[file_name]
        failures.append(f"{index} does not list it")
    raise FetchError(f"{file_name} can't be had: {'; '.join(failures)}")


def _listed(page: str) -> dict[str, str]:
    """File names of a project's page to addresses."""
    content, kind = _read(page + "index.html" if page.startswith("file:") else page)
    if kind.endswith("+json"):
        found = {item["filename"]: item["url"] for item in json.loads(content)["files"]}
    else:
        found = _anchors(content.decode("utf-8", "replace"))
    return {name: urllib.parse.urljoin(page, address) for name, address in found.items()}


def _anchors(text: str) -> dict[str, str]:
    parser = _Anchors()
    parser.feed(text)
    return {os.path.basename(urllib.parse.unquote(urllib.parse.urlparse(link).path)): link for link in parser.links}


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links.extend(value for key, value in attrs if tag == "a" and key == "href" and value)


def _read(address: str) -> tuple[bytes, str]:
    """Content and media type."""
    request = urllib.request.Request(address, headers={"Accept": ACCEPT})
    context = ssl.create_default_context(cafile=_setting("cert") or None)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
            return answer.read(), answer.headers.get_content_type()
    except OSError as error:
        raise FetchError(f"{address}: {error}") from error


def _indexes() -> list[str]:
    return [_setting("index-url") or "https://pypi.org/simple", *_setting("extra-index-url").split()]


def _setting(name: str) -> str:
    """What pip's configuration says, the environment first; empty where it says nothing."""
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if value is not None:
        return value
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{name}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""
