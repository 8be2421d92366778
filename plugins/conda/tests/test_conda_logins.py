"""Logins in the addresses of channels: real servers that want them, and not a trace of them afterwards."""

from __future__ import annotations

import base64
import json
import os
import threading
from contextlib import nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import EnvSpec
from kern.errors import StepFailed
from kern.testing import RecordingContext, Workbench
from kern_conda import requests
from kern_conda.lock_inputs import lock_inputs
from kern_conda.logins import lent, login_of, logins_of
from kern_conda.options import CondaOptions
from kern_conda.provider import CondaProvider
from kern_conda.questions import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PASSWORD, TOKEN = "p@ss w0rd/!", "T0ken-of-77"
WRITTEN = "p%40ss%20w0rd%2F!"


class _Guarded(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """Give what is asked for to those who say who they are."""
        if self._known():
            super().do_GET()

    def do_HEAD(self) -> None:
        """Just as well."""
        if self._known():
            super().do_HEAD()

    def _known(self) -> bool:
        if self.path.startswith(f"/t/{TOKEN}/"):
            self.path = self.path.removeprefix(f"/t/{TOKEN}")
            return True
        if self.headers["Authorization"] == "Basic " + base64.b64encode(f"bob:{PASSWORD}".encode()).decode():
            return True
        self.send_error(401)
        return False

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@pytest.fixture(scope="module")
def guarded(channel: str) -> Iterator[str]:
    """Host and port of a server that wants a login."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=channel.removeprefix("file://")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("logins")))
    made.environ["HOME"] = made.root
    yield made
    made.close()


def holding(root: str) -> list[str]:
    """The files below a directory that hold what nobody should see."""
    secrets = [text.encode() for text in (PASSWORD, WRITTEN, TOKEN)]
    files = [path for path in Path(root).rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if any(secret in path.read_bytes() for secret in secrets)]


@pytest.mark.parametrize("login", [f"bob:{WRITTEN}@{{}}", f"{{}}/t/{TOKEN}"])
def test_what_is_installed_knows_no_login(bench: Workbench, guarded: str, login: str) -> None:
    prefix = os.path.join(bench.root, f"by-{len(login)}")
    address = "http://" + login.format(guarded)
    question = Question(specs=("tool-b", f"{address}::small-0"), channels=(address,))
    records = requests.install(prefix, question, bench.context())
    assert os.path.exists(f"{prefix}/bin/tool-b")
    assert {record["channel"].rstrip("/") for record in records} == {f"http://{guarded}"}
    noted = json.loads(next(Path(prefix, "conda-meta").glob("tool-b-*.json")).read_text())
    assert noted["url"].startswith(f"http://{guarded}/")
    requests.solve(question._replace(offline=True), bench.context())
    with pytest.raises(StepFailed):
        requests.solve(question._replace(specs=("no-such-package",)), bench.context())
    assert holding(bench.root) == []


def test_a_login_that_is_wrong_or_missing(bench: Workbench, guarded: str) -> None:
    for address in (f"http://{guarded}", f"http://bob:wrong-{TOKEN}@{guarded}"):
        with pytest.raises(StepFailed, match="401 Unauthorized") as raised:
            requests.solve(Question(specs=("tool-b",), channels=(address,)), bench.context())
        assert raised.value.hint.startswith("the channel wants a login")
    assert holding(bench.root) == []


def test_the_users_own_logins_count_beside(
    bench: Workbench, guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".rattler").mkdir()
    own = {"127.0.0.1": {"BasicHTTP": {"username": "bob", "password": PASSWORD}}}
    (tmp_path / ".rattler/credentials.json").write_text(json.dumps(own))
    (tmp_path / "other.json").write_text("{}")
    monkeypatch.setitem(bench.environ, "HOME", str(tmp_path))
    monkeypatch.setitem(bench.environ, "RATTLER_AUTH_FILE", str(tmp_path / "other.json"))
    for channels in (
        (f"http://{guarded}",),
        (f"http://{guarded}", f"http://a:b@localhost:{guarded.rpartition(':')[2]}"),
    ):
        with pytest.raises(StepFailed, match="localhost") if channels[1:] else nullcontext():
            assert requests.solve(Question(specs=("tool-b",), channels=channels), bench.context())


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://host/x", ("https://host/x", "", "", "host")),
        ("https://me:pw@host:8/x", ("https://host:8/x", "me:pw", "", "host")),
        ("https://host/t/tok/x/y", ("https://host/x/y", "", "https://host/t/tok/x/y", "host")),
        ("http://me:pw@[::1]:8/t/tok", ("http://[::1]:8", "me:pw", "http://[::1]:8/t/tok", "[::1]")),
        ("https://host/t/", ("https://host/t/", "", "", "host")),
        ("https://host/team/x@y", ("https://host/team/x@y", "", "", "host")),
        ("file:///t/tok/x", ("file:///t/tok/x", "", "", "")),
        ("conda-forge", ("conda-forge", "", "", "")),
    ],
)
def test_the_parts_of_an_address(url: str, parts: tuple[str, ...]) -> None:
    login = login_of(url)
    assert (*login, login.host) == parts


def test_two_logins_of_one_host_stay_where_they_are() -> None:
    found = logins_of(("https://a:1@host/x", "https://b:2@host/y", "https://host/t/one/z", "https://host/t/two/z"))
    assert found.addresses == {"https://a:1@host/x": "https://host/x", "https://host/t/one/z": "https://host/z"}
    assert found.hosts == {"host": "a:1"}
    assert found.tokens == {"https://host/z": "https://host/t/one/z"}


@given(st.text(), st.sampled_from(["http://me:s3cret@host/a", "http://host/t/s3cret/a"]))
def test_no_place_of_a_request_keeps_an_address(text: str, url: str) -> None:
    value = {"channels": [url], "specs": [f"{url}::six", text], "records": [{"url": f"{url}/noarch/x.conda"}]}
    found = logins_of((url,)).without(value)
    assert found["channels"] == ["http://host/a"]
    assert found["specs"] == ["http://host/a::six", text.replace(url, "http://host/a")]
    assert found["records"] == [{"url": "http://host/a/noarch/x.conda"}]


def test_the_file_of_logins_is_private_and_short_lived(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"other": {"BearerToken": "x"}, "host": {"BearerToken": "y"}}')
    logins = logins_of((f"https://bob:{WRITTEN}@host/a",))
    with lent(logins, {"RATTLER_AUTH_FILE": str(tmp_path / "own.json"), "A": "1"}, str(tmp_path)) as environ:
        path = environ["RATTLER_AUTH_FILE"]
        assert oct(os.stat(path).st_mode)[-3:] == "600"
        wanted = {"BasicHTTP": {"username": "bob", "password": PASSWORD}}
        assert json.loads(Path(path).read_text()) == {"other": {"BearerToken": "x"}, "host": wanted}
    assert not os.path.exists(path)
    with lent(logins_of(("https://host/a",)), {"A": "1"}, str(tmp_path)) as environ:
        assert environ == {"A": "1"}


def test_what_is_shown_has_no_login(tmp_path: Path) -> None:
    channels = ("https://me:hush@host/a", f"https://host/t/{TOKEN}/b", "conda-forge")
    context = RecordingContext(str(tmp_path))
    spec = EnvSpec("x-conda", ("x", "conda"), CondaOptions(channels=channels), "/e", str(tmp_path))
    CondaProvider().requirements(spec, context)
    assert context.secrets == {"hush", TOKEN}


def test_a_lock_answers_whatever_login(tmp_path: Path) -> None:
    def inputs(channel: str) -> Mapping[str, Any]:
        options = CondaOptions(channels=(channel,), conda_deps=(f"{channel}::six",))
        return lock_inputs(EnvSpec("x-conda", ("x",), options, "/e", str(tmp_path)), RecordingContext(str(tmp_path)))

    assert inputs("https://me:hush@host/a") == inputs(f"https://host/t/{TOKEN}/a") == inputs("https://host/a")
    assert inputs("https://host/a")["channels"] == ["https://host/a"]
