"""An index of our own, with a password: pip's configuration must reach uv, the password no command line."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kern_venv.installed import installed
from kern_venv.installing import install
from kern_venv.interpreters import Interpreter
from kern_venv.making import make_virtual_environment

Find = Callable[[str], Interpreter]
Make = Callable[..., Path]
PASSWORD = "s3cr%40t-word"
DECODED = "s3cr@t-word"


class Index(ThreadingHTTPServer):
    """A simple index (PEP 503) over a folder of wheels, behind basic authentication."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[str] = []

    def url(self, *, user: str = f"someone:{PASSWORD}@") -> str:
        return f"http://{user}127.0.0.1:{self.server_port}/simple"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Index)
        server.asked.append(self.path)
        expected = "Basic " + base64.b64encode(f"someone:{DECODED}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.answer(server.folder)

    def answer(self, folder: Path) -> None:
        name = self.path.rstrip("/").rpartition("/")[2]
        if self.path.startswith("/simple/"):
            files = sorted(path.name for path in folder.glob(f"{name}-*.whl"))
            body = "".join(f'<a href="/files/{file}">{file}</a>\n' for file in files).encode()
            kind = "text/html"
        else:
            files, body, kind = [name], (folder / name).read_bytes(), "application/octet-stream"
        self.send_response(200 if files else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    (tmp_path / "served").mkdir()
    server = Index(tmp_path / "served")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def set_up(context: Any, interpreter: Find, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    def make(settings: str, installer: str) -> tuple[str, str]:
        (tmp_path / "pip.conf").write_text(settings)
        kept = {key: value for key, value in context.environ.items() if key != "UV_OFFLINE"}
        direct = {"NO_PROXY": "127.0.0.1", "UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
        context.environ = {**kept, **direct}
        location = str(tmp_path / "env")
        python = make_virtual_environment(location, interpreter("py"), context, seed_pip=installer == "pip")
        return python, location

    return make


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("key", ["index-url", "extra-index-url", "find-links"])
def test_pips_configuration_holds_for_both(
    installer: str, key: str, context: Any, index: Index, make_wheel: Make, set_up: Callable[..., tuple[str, str]]
) -> None:
    make_wheel("served", folder=index.folder)
    url = index.url() + ("/served/" if key == "find-links" else "")
    without = "no-index = true" if key == "find-links" else ""
    other = f"index-url = {index.url()}/none" if key == "extra-index-url" else ""
    python, location = set_up(f"[global]\n{key} = {url}\n{without}\n{other}\n", installer)
    install(python, ["served"], context, prefix=location, installer=installer)
    assert installed(location)["served"] == "1.0"
    assert any(path.startswith("/files/") for path in index.asked)


def test_no_password_on_any_command_line_and_all_are_masked(
    context: Any, index: Index, make_wheel: Make, set_up: Callable[..., tuple[str, str]]
) -> None:
    make_wheel("served", folder=index.folder)
    wheel = make_wheel("direct", folder=index.folder)
    python, location = set_up(f"[global]\nindex-url = {index.url()}\n", "uv")
    host = index.url().removesuffix("/simple")
    install(python, ["served", f"direct @ {host}/files/{wheel.name}"], context, prefix=location, installer="uv")
    assert installed(location) == {"direct": "1.0", "served": "1.0"}
    words = " ".join(word for command in context.ran for word in command.argv)
    assert PASSWORD not in words
    assert DECODED not in words
    assert {PASSWORD, DECODED} <= context.secrets


def test_an_extra_index_is_as_good_as_the_first_as_in_pip(
    context: Any, index: Index, make_wheel: Make, set_up: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    make_wheel("served", "2.0", folder=index.folder)
    old = tmp_path / "local" / "served"
    wheel = make_wheel("served", "1.0", folder=old)
    (old / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    python, location = set_up(f"[global]\nindex-url = {index.url()}\nextra-index-url = {old.parent.as_uri()}\n", "uv")
    install(python, ["served>=2"], context, prefix=location, installer="uv")
    assert installed(location) == {"served": "2.0"}


def test_what_uv_was_told_itself_wins(
    context: Any, index: Index, make_wheel: Make, set_up: Callable[..., tuple[str, str]]
) -> None:
    make_wheel("served", folder=index.folder)
    python, location = set_up("[global]\nindex-url = http://127.0.0.1:9/wrong\n", "uv")
    context.environ = {**context.environ, "UV_DEFAULT_INDEX": index.url()}
    install(python, ["served"], context, prefix=location, installer="uv")
    assert installed(location) == {"served": "1.0"}


def test_an_index_in_the_projects_uv_toml_wins(
    context: Any, index: Index, make_wheel: Make, set_up: Callable[..., tuple[str, str]]
) -> None:
    make_wheel("served", folder=index.folder)
    python, location = set_up("[global]\nindex-url = http://127.0.0.1:9/wrong\n", "uv")
    Path(context.project_dir, "uv.toml").write_text(f'index-url = "{index.url()}"\n')
    install(python, ["served"], context, prefix=location, installer="uv")
    assert installed(location) == {"served": "1.0"}
