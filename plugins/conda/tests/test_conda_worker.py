"""The requests to rattler, each a real process: what they answer, what they refuse, and what an end by a signal means."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from kern.api import Completed
from kern.errors import StepFailed
from kern.testing import KernProject, RecordingContext, Workbench
from kern_conda import requests
from kern_conda.asking import run_worker
from kern_conda.questions import Linking, Question
from plugins.conda.tests import conda_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kern.api import Command

WORKING_MODULES = ("rattler", "yaml", "packaging", "asyncio")


class _Silent(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        """A proxy is asked for whole addresses."""
        return super().translate_path(urlsplit(path).path)

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("worker")))
    made.environ["HOME"] = made.root
    yield made
    made.close()


@pytest.fixture
def serve(channel: str) -> Iterator[Callable[..., ThreadingHTTPServer]]:
    """Serve the channel over HTTP; with ``certificate``, over HTTPS."""
    servers = []

    def start(certificate: Path | None = None) -> ThreadingHTTPServer:
        handler = partial(_Silent, directory=channel.removeprefix("file://"))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if certificate is not None:
            secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secured.load_cert_chain(certificate)
            server.socket = secured.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def names(records: Any) -> list[str]:
    """The packages of an answer."""
    return sorted(record["name"] for record in records)


def test_a_solution_can_be_installed_later(bench: Workbench, channel: str) -> None:
    records = requests.solve(Question(specs=("tool-b", "small-0"), channels=(channel,)), bench.context())
    assert names(records) == ["libbase", "small-0", "tool-b"]
    assert all(record["sha256"] and record["url"].startswith(channel) for record in records)
    prefix = os.path.join(bench.root, "later")
    assert names(requests.install(prefix, json.loads(json.dumps(records)), bench.context())) == names(records)
    assert sorted(name.rpartition("-1.0")[0] for name in os.listdir(f"{prefix}/conda-meta") if "-" in name)
    fewer = [record for record in records if record["name"] == "small-0"]
    requests.install(prefix, fewer, bench.context())
    assert os.path.exists(f"{prefix}/bin/small-0")
    assert not os.path.exists(f"{prefix}/bin/tool-b")


def test_solving_for_another_machine(bench: Workbench, channel: str, tmp_path: Path) -> None:
    index = {"info": {"subdir": "osx-arm64"}, "packages": {}, "packages.conda": {}, "repodata_version": 1}
    entry = {"name": "thing", "version": "1", "build": "0", "build_number": 0, "depends": ["__osx >=11"]}
    index["packages.conda"] = {"thing-1-0.conda": {**entry, "subdir": "osx-arm64", "sha256": "0" * 64, "size": 1}}
    for subdir, content in (("osx-arm64", index), ("noarch", {**index, "packages.conda": {}})):
        (tmp_path / subdir).mkdir()
        (tmp_path / subdir / "repodata.json").write_text(json.dumps(content))
    question = Question(specs=("thing",), channels=(tmp_path.as_uri(),), platform="osx-arm64", detect=False)
    with pytest.raises(StepFailed) as raised:
        requests.solve(question, bench.context())
    assert "__osx" in raised.value.tail
    found = requests.solve(question._replace(virtual_packages=("__osx=12",)), bench.context())
    assert names(found) == ["thing"]


def test_strict_priority_knows_what_a_channel_has(bench: Workbench, channel: str, tmp_path: Path) -> None:
    conda_channel.write_channel(tmp_path, [conda_channel.tool("tool-a", "0.1")])
    question = Question(specs=("tool-a >=1", "small-0"), channels=(tmp_path.as_uri(), channel))
    with pytest.raises(StepFailed) as raised:
        requests.solve(question, bench.context())
    assert "strict channel priority" in raised.value.tail
    assert "channel_priority = 'flexible'" in raised.value.hint
    for changed in (
        question._replace(channel_priority="flexible"),
        question._replace(specs=(f"{channel}::tool-a >=1", "small-0")),
        question._replace(channels=question.channels[::-1]),
    ):
        found = {one["name"]: one["version"] for one in requests.solve(changed, bench.context())}
        assert (found["tool-a"], found["small-0"]) == ("2.0", "1.0")


def test_a_preferred_record_is_kept(bench: Workbench, channel: str) -> None:
    old = requests.solve(Question(specs=("tool-a ==1.0",), channels=(channel,)), bench.context())
    kept = requests.solve(Question(specs=("tool-a",), channels=(channel,), preferred=old), bench.context())
    newest = requests.solve(Question(specs=("tool-a",), channels=(channel,)), bench.context())
    assert {record["version"] for record in kept if record["name"] == "tool-a"} == {"1.0"}
    assert {record["version"] for record in newest if record["name"] == "tool-a"} == {"2.0"}


@pytest.mark.parametrize("remote", [False, True])
def test_a_wrong_hash_stops(
    bench: Workbench, channel: str, serve: Callable[..., ThreadingHTTPServer], *, remote: bool, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{serve().server_port}" if remote else channel
    (record,) = requests.solve(Question(specs=("small-1",), channels=(address,)), bench.context())
    wrong = {**record, "sha256": "0" * 64}
    with pytest.raises(StepFailed, match="hash mismatch") as raised:
        requests.install(str(tmp_path / "prefix"), [wrong], bench.context())
    assert "do not use it" in raised.value.hint
    assert not os.path.exists(tmp_path / "prefix/bin/small-1")
    requests.install(str(tmp_path / "right"), [record], bench.context())
    for _ in range(2):  # the cache has a package of that name now, and a failure changes nothing about that
        with pytest.raises(StepFailed, match="hash mismatch"):
            requests.install(str(tmp_path / "again"), [wrong], bench.context())


def test_offline_takes_what_was_read_before(
    bench: Workbench, serve: Callable[..., ThreadingHTTPServer], tmp_path: Path
) -> None:
    server = serve()
    question = Question(specs=("small-2",), channels=(f"http://127.0.0.1:{server.server_port}",))
    requests.install(str(tmp_path / "online"), question, bench.context())
    requests.solve(question._replace(specs=("small-2", "small-3")), bench.context())
    server.shutdown()
    server.server_close()
    offline = question._replace(offline=True)
    requests.install(str(tmp_path / "offline"), offline, bench.context(), Linking(offline=True))
    assert os.path.exists(tmp_path / "offline/bin/small-2")
    more = offline._replace(specs=("small-3",))
    with pytest.raises(StepFailed, match=r"offline, and not in the cache: small-3") as raised:
        requests.install(str(tmp_path / "more"), more, bench.context(), Linking(offline=True))
    assert "CONDA_OFFLINE" in raised.value.hint


def test_certificates(bench: Workbench, serve: Callable[..., ThreadingHTTPServer], tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    named = ("-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")
    kind = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    argv = (openssl, "req", *kind, *named, "-keyout", key, "-out", certificate)
    subprocess.run(argv, check=True, capture_output=True)
    (tmp_path / "both.pem").write_text(key.read_text() + certificate.read_text())
    server = serve(tmp_path / "both.pem")
    question = Question(specs=("small-0",), channels=(f"https://localhost:{server.server_port}",))
    condarc = tmp_path / "condarc"
    bench.environ |= {"CONDARC": str(condarc), "no_proxy": "localhost"}
    try:
        condarc.write_text(f"ssl_verify: {certificate}\n")
        assert names(requests.solve(question, bench.context())) == ["small-0"]
        condarc.write_text("ssl_verify: false\n")
        assert names(requests.solve(question, bench.context())) == ["small-0"]
        server.socket.close()
    finally:
        del bench.environ["CONDARC"]


def test_a_proxy_of_the_condarc(bench: Workbench, serve: Callable[..., ThreadingHTTPServer], tmp_path: Path) -> None:
    proxy = serve()
    condarc = tmp_path / "condarc"
    condarc.write_text(f"proxy_servers: {{http: 'http://me:hidden@127.0.0.1:{proxy.server_port}'}}\n")
    before = dict(bench.environ)
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        bench.environ.pop(name, None)
    bench.environ["CONDARC"] = str(condarc)
    try:
        question = Question(specs=("small-0",), channels=("http://channel.invalid",))
        assert names(requests.solve(question, bench.context())) == ["small-0"]
    finally:
        bench.environ.clear()
        bench.environ.update(before)


def test_an_index_is_written(bench: Workbench, channel: str, tmp_path: Path) -> None:
    source = next(Path(channel.removeprefix("file://")).glob("*/small-4-1.0-*.conda"))
    (tmp_path / source.parent.name).mkdir()
    shutil.copy(source, tmp_path / source.parent.name)
    requests.index(str(tmp_path), bench.context())
    found = requests.solve(Question(specs=("small-4",), channels=(tmp_path.as_uri(),)), bench.context())
    assert names(found) == ["small-4"]


def lock_of(records: Any, platform: str, path: Path, **changes: str) -> Path:
    """Write a ``conda-lock.yml`` of records, by its format's description."""
    packages = [
        {
            "name": record["name"],
            "version": record["version"],
            "manager": "conda",
            "platform": platform,
            "dependencies": {},
            "url": record["url"],
            "hash": {"sha256": record["sha256"], **changes},
            "category": "main",
            "optional": False,
        }
        for record in records
    ]
    channels = [{"url": str(record["channel"]), "used_env_vars": []} for record in records[:1]]
    metadata = {"content_hash": {platform: "0" * 64}, "channels": channels, "platforms": [platform], "sources": []}
    path.write_text(json.dumps({"version": 1, "metadata": metadata, "package": packages}))
    return path


def test_a_lock_is_installed_exactly(bench: Workbench, channel: str, tmp_path: Path) -> None:
    from kern_conda.platforms import machine_platform

    records = requests.solve(Question(specs=("tool-a ==1.0",), channels=(channel,)), bench.context())
    path = lock_of(records, machine_platform(), tmp_path / "conda-lock.yml")
    locked = requests.install_locked(str(path), str(tmp_path / "prefix"), bench.context())
    assert names(locked.records) == ["libbase", "tool-a"]
    assert locked.pypi == ()
    assert os.path.exists(tmp_path / "prefix/bin/tool-a")
    with pytest.raises(StepFailed, match="has no packages for win-64"):
        requests.read_lock(str(path), "win-64", bench.context())
    wrong = lock_of(records, machine_platform(), tmp_path / "wrong-conda-lock.yml", sha256="0" * 64)
    with pytest.raises(StepFailed, match="hash mismatch"):
        requests.install_locked(str(wrong), str(tmp_path / "other"), bench.context())
    tool = next(Path(channel.removeprefix("file://")).glob("*/tool-b-1.0-*.conda"))
    added = requests.install_locked(str(path), str(tmp_path / "prefix"), bench.context(), packages=[str(tool)])
    assert names(added.records) == ["libbase", "tool-a", "tool-b"]
    few = lock_of([one for one in records if one["name"] == "tool-a"], machine_platform(), tmp_path / "few.yml")
    with pytest.raises(StepFailed, match="lacks libbase"):
        requests.install_locked(str(few), str(tmp_path / "few"), bench.context(), packages=[str(tool)])


class _Answers:
    """A worker that a signal ends, once before it has answered, then after."""

    def __init__(self, *ends: int, answers: tuple[bool, ...]) -> None:
        self.ends = list(zip(ends, answers, strict=True))
        self.asked: list[tuple[str, str]] = []

    def __call__(self, command: Command) -> Completed:
        code, answers = self.ends.pop(0)
        request = Path(command.argv[-2])
        self.asked.append((request.read_text(), oct(request.stat().st_mode)[-3:]))
        if answers:
            Path(command.argv[-1]).write_text('{"records": []}')
        return Completed(exit_code=code, stdout="said this\n")


def test_an_answer_counts_however_the_worker_ended(tmp_path: Path) -> None:
    worker = _Answers(-11, -11, answers=(False, True))
    context = RecordingContext(str(tmp_path), answer=worker, environ={"HOME": str(tmp_path)})
    assert run_worker({"action": "solve"}, context) == {"records": []}
    assert len(context.ran) == 2
    assert [(json.loads(text)["action"], mode) for text, mode in worker.asked] == [("solve", "600")] * 2
    assert not any(os.path.exists(command.argv[-2]) for command in context.ran)


def test_a_worker_without_an_answer_is_an_error(tmp_path: Path) -> None:
    context = RecordingContext(str(tmp_path), answer=_Answers(1, answers=(False,)), environ={"HOME": str(tmp_path)})
    with pytest.raises(StepFailed, match="exit code 1") as raised:
        run_worker({"action": "solve"}, context)
    assert raised.value.tail == "said this\n"
    always = RecordingContext(str(tmp_path), answer=_Answers(-9, -9, -9, answers=(False,) * 3), environ={"HOME": "/"})
    with pytest.raises(StepFailed, match="signal 9"):
        run_worker({"action": "solve"}, always)


def test_secrets_in_addresses_are_masked(tmp_path: Path) -> None:
    worker = _Answers(0, answers=(True,))
    context = RecordingContext(str(tmp_path), answer=worker, environ={"HOME": str(tmp_path)})
    channels = ("https://me:pass%20word@host/a", "https://host/t/tok-123/b")
    run_worker({"action": "solve", "question": Question(channels=channels)._asdict()}, context)
    assert context.secrets == {"pass%20word", "pass word", "tok-123"}
    assert not any("tok-123" in word for command in context.ran for word in command.argv)


def test_deciding_imports_nothing_that_works() -> None:
    code = (
        "import sys\n"
        "from kern.testing import RecordingContext\n"
        "from kern.api import EnvSpec\n"
        "from kern_conda.provider import CondaProvider as P\n"
        "spec = EnvSpec('py312-conda', ('py312', 'conda'), P.Options(channels=('https://h/c',), conda_deps=('a',)), '/x', '/y')\n"
        "context = RecordingContext('/nowhere', environ={'HOME': '/nowhere'})\n"
        "assert P().probe(spec, context) is None\n"
        "assert P().fingerprint(spec, context)['engine'].startswith('rattler 0.')\n"
        "P().claims('py312')\n"
        f"print([name for name in {WORKING_MODULES!r} if name in sys.modules])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


TOOLS = """
requires = ["kern-conda"]
env_list = ["tools-conda"]
[env.tools-conda]
package = "none"
channels = ["{channel}"]
conda_deps = ["small-0", "actdemo"]
commands = [["small-0"]]
"""


def test_through_the_command_line(kern_project: KernProject, channel: str) -> None:
    """Made, used again without rattler, repaired after a file was deleted, and after one was edited in place."""
    kern_project.write({"kern.toml": TOOLS.format(channel=channel)})
    kern_project.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    looked = [kern_project.kern(*verb, code=0) for verb in (["list"], ["show", "tools-conda"], ["plan"])]
    assert not [name for outcome in looked for name in imported(outcome.err) if name in WORKING_MODULES]
    assert kern_project.run().outcomes == {"tools-conda": "passed"}
    again = kern_project.kern("run", code=0)
    assert "reused" in again.out
    assert not {"rattler", "yaml", "packaging"} & set(imported(again.err))
    del kern_project.environ["PYTHONPROFILEIMPORTTIME"]
    script = Path(kern_project.root, ".kern/envs/tools-conda/bin/small-0")
    script.unlink()
    assert "made environment" in kern_project.kern("run", code=0).out
    whole = script.read_text()
    script.write_text("#!/bin/sh\nexit 1\n")
    assert "made environment" in kern_project.kern("run", code=0).out
    assert script.read_text() == whole
    kern_project.write({"kern.toml": TOOLS.format(channel=channel).replace('"actdemo"', '"tool-a >=2", "tool-b"')})
    failed = kern_project.kern("run", code=3)
    assert "the packages do not go together" in f"{failed.out}{failed.err}"
    assert "tool-b 1.0 would require" in f"{failed.out}{failed.err}"


def imported(stderr: str) -> list[str]:
    """The modules that a process with ``PYTHONPROFILEIMPORTTIME`` says it has imported."""
    lines = (line for line in stderr.splitlines() if line.startswith("import time:"))
    return [line.rpartition("|")[2].strip() for line in lines]
