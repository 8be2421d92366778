"""conda environments made on a real channel, through contexts as the kernel lends them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from kern.api import API, Artifact
from kern.errors import ConfigError, StepFailed
from kern.testing import FakeActivator, ProviderCase, ProviderContract, Workbench
from kern_conda.options import CondaOptions
from kern_conda.provider import CondaProvider
from plugins.conda.tests import conda_channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Environment, EnvSpec

provider = CondaProvider()


class TestContract(ProviderContract):
    @pytest.fixture
    def case(self, channel: str) -> ProviderCase:
        options = {"channels": [channel], "conda_deps": ["small-0"], "environment_file": "environment.yml"}
        return ProviderCase(
            driver=provider,
            factors=(f"py3{minor(channel)}", "conda"),
            options=options,
            changes=[
                {"conda_deps": ["small-1"]},
                {"deps": ["attrs"]},
                {"channel_priority": "flexible"},
                {"link": "copy"},
                {"virtual_packages": ["__cuda=12"]},
                {"channels": [channel, "https://example.org/other"]},
                {"activation": "wrap"},
            ],
            files={"environment.yml": "dependencies: [small-2]\nvariables: {DEMO: one}\n"},
            file_changes={"environment.yml": "dependencies: [small-2]\nvariables: {DEMO: two}\n"},
            activator=FakeActivator(),
        )


def minor(channel: str) -> int:
    """The minor version of a Python that the channel has."""
    names = [path.name for path in Path(channel.removeprefix("file://")).glob("*/python-3.*.conda")]
    return max(int(name.split("-")[1].split(".")[1]) for name in names)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("conda")))
    made.environ.update({"UV_NO_INDEX": "1", "PIP_NO_INDEX": "1", "HOME": made.root})
    made.environ.pop("CONDARC", None)
    yield made
    made.close()


@pytest.fixture
def describe(bench: Workbench, channel: str, request: pytest.FixtureRequest) -> Any:
    """Make a spec of options; ``python=True`` has the factor of the channel's newest Python."""

    def make(where: str = "", *, python: bool = False, **table: Any) -> EnvSpec:
        factors = (f"py3{minor(channel)}", "conda") if python else ("conda",)
        place = f"{request.node.name} {where}"
        return bench.spec(provider, factors, {"channels": [channel], **table}, place)

    return make


def make(bench: Workbench, spec: EnvSpec, *artifacts: Artifact) -> tuple[Environment, dict[str, str]]:
    """Make an environment, and list what is installed in it."""
    place = Path(spec.location)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    context = bench.context()
    environment = provider.provision(spec, context)
    return environment, dict(provider.install(spec, environment, list(artifacts), context))


def failure(bench: Workbench, spec: EnvSpec, *artifacts: Artifact) -> StepFailed:
    """Make an environment that can't be made."""
    with pytest.raises(StepFailed) as raised:
        make(bench, spec, *artifacts)
    return raised.value


def wheel(folder: Path, name: str, version: str = "1.0", requires: str = "", module: str = "") -> Path:
    """A wheel of one module."""
    info = f"{name}-{version}.dist-info"
    lines = [f"Requires-Dist: {requires}"] if requires else []
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", module or f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", "\n".join(head) + "\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def run(environment: Environment, code: str) -> str:
    """Run code in an environment's Python."""
    assert environment.interpreter is not None
    argv = [environment.interpreter, "-I", "-c", code]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def conda_package(folder: Path, version: str, code: str, *, depends: str = "python", extra: str = "") -> Artifact:
    """The package under test, ``apple`` as in the channel, with other content."""
    info = f"site-packages/apple-{version}.dist-info"
    more = f"Provides-Extra: more\nRequires-Dist: {extra}; extra == 'more'\n" if extra else ""
    files = {
        "site-packages/apple.py": conda_channel.text(code),
        f"{info}/METADATA": conda_channel.text(f"Metadata-Version: 2.1\nName: apple\nVersion: {version}\n{more}"),
        f"{info}/INSTALLER": conda_channel.text("conda\n"),
    }
    package = conda_channel.Package("apple", version, files, (depends,), "pyh0_0", "python")
    name, entry = conda_channel.write(folder, package)
    path = str(folder / "noarch" / name)
    return Artifact(kind="conda", path=path, name="apple", version=version, digest=entry["sha256"])


def test_the_contract() -> None:
    assert provider.api == API
    assert provider.Options is CondaOptions
    assert provider.accepts == ("conda", "wheel", "sdist", "editable")
    assert [provider.claims(factor) for factor in ("py312", "py3.12", "pypy39", "conda", "linux")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_no_python_unless_something_asks_for_it(bench: Workbench, describe: Any) -> None:
    environment, installed = make(bench, describe(conda_deps=("small-0",)))
    assert installed == {"small-0": "1.0"}
    shown = subprocess.run([f"{environment.location}/bin/small-0"], capture_output=True, text=True, check=True)
    assert shown.stdout == "small-0\n"
    assert make(bench, describe("empty"))[1] == {}


def test_conda_first_then_pypi_which_never_replaces_it(
    bench: Workbench, describe: Any, tmp_path: Path, channel: str
) -> None:
    links = tmp_path / "links"
    wheel(links, "leaf", requires="apple")
    wheel(links, "apple", "1.0", module="VERSION = 'from PyPI'\n")
    wheel(links, "apple", "9.0")
    bench.environ["UV_FIND_LINKS"] = bench.environ["PIP_FIND_LINKS"] = links.as_uri()
    try:
        environment, installed = make(bench, describe(python=True, conda_deps=("apple ==1.0",), deps=("leaf", "apple")))
        assert (installed["apple"], installed["leaf"]) == ("1.0", "1.0")
        assert installed["python"].startswith(f"3.{minor(channel)}")
        shown = run(environment, "import apple, leaf, sys; print(apple.VERSION, leaf.__file__.startswith(sys.prefix))")
        assert shown == "1.0 True"
        context: Any = bench.context()
        context.distrust = True  # what uv's cache holds is not believed, and taken from the index again
        provider.install(describe(python=True, deps=("leaf", "apple")), environment, [], context)
        assert run(environment, "import apple; print(apple.VERSION)") == "1.0"
        told = failure(bench, describe("conflict", conda_deps=("apple ==2.0",), deps=("apple<2",)))
        assert "conda installed apple 2.0" in told.hint
        assert "apple<2" in told.tail
    finally:
        del bench.environ["UV_FIND_LINKS"], bench.environ["PIP_FIND_LINKS"]


def test_a_wheel_is_installed_and_brought_up_to_date(bench: Workbench, describe: Any, tmp_path: Path) -> None:
    spec = describe(python=True)
    first = wheel(tmp_path / "one", "tested", requires="")
    artifact = Artifact(kind="wheel", path=str(first), name="tested", version="1.0", digest="1")
    environment, installed = make(bench, spec, artifact)
    assert installed["tested"] == "1.0"
    before = os.stat(f"{environment.location}/conda-meta").st_mtime_ns
    second = wheel(tmp_path / "two", "tested", "2.0")
    newer = artifact._replace(path=str(second), version="2.0", digest="2")
    assert provider.install(spec, environment, [newer], bench.context())["tested"] == "2.0"
    assert run(environment, "import tested; print(tested.VERSION)") == "2.0"
    assert os.stat(f"{environment.location}/conda-meta").st_mtime_ns == before


def test_a_conda_package_is_taken_before_the_channels_of_its_name(
    bench: Workbench, describe: Any, tmp_path: Path
) -> None:
    spec = describe(python=True, extras=("more",), channel_priority="disabled")
    links = tmp_path / "links"
    wheel(links, "leaf")
    bench.environ["UV_FIND_LINKS"] = bench.environ["PIP_FIND_LINKS"] = links.as_uri()
    try:
        first = conda_package(tmp_path / "one", "1.0", "VERSION = 'mine'\n", extra="leaf")
        environment, installed = make(bench, spec, first)
        assert (installed["apple"], installed["leaf"]) == ("1.0", "1.0")
        assert run(environment, "import apple; print(apple.VERSION)") == "mine"
        code = "VERSION = 'mine again'\n"
        again = conda_package(tmp_path / "two", "1.0", code, depends="small-3", extra="leaf")
        installed = dict(provider.install(spec, environment, [again], bench.context()))
        assert (installed["apple"], installed["small-3"], installed["leaf"]) == ("1.0", "1.0", "1.0")
        assert run(environment, "import apple; print(apple.VERSION)") == "mine again"
        with pytest.raises(ConfigError, match="has no extra 'nope'"):
            make(bench, describe("extra", python=True, extras=("nope",)), first)
    finally:
        del bench.environ["UV_FIND_LINKS"], bench.environ["PIP_FIND_LINKS"]


def test_an_environment_file(bench: Workbench, describe: Any, tmp_path: Path, channel: str) -> None:
    wheel(tmp_path / "links", "leaf")
    text = f"""
name: whatever
channels: [{channel}, nodefaults]
dependencies:
  - small-4 =1.0
  - pip: ["--requirement requirements.txt"]
variables: {{DEMO: "1"}}
"""
    bench.write({"ci/environment.yml": text, "ci/requirements.txt": "leaf\n"})
    bench.environ["UV_FIND_LINKS"] = bench.environ["PIP_FIND_LINKS"] = (tmp_path / "links").as_uri()
    try:
        spec = describe(channels=(), environment_file="ci/environment.yml")
        assert "leaf" in json.dumps(dict(provider.fingerprint(spec, bench.context())))
        environment, installed = make(bench, spec)
        assert {"small-4", "leaf", "python"} <= set(installed)
        state = json.loads(Path(environment.location, "conda-meta/state").read_text())
        assert state == {"env_vars": {"DEMO": "1"}}
    finally:
        del bench.environ["UV_FIND_LINKS"], bench.environ["PIP_FIND_LINKS"]
    for wrong, reason in (
        ("- a\n", "is not an environment file"),
        ("dependencies: [{npm: [x]}]\n", "npm"),
        ("a: [", "YAML"),
    ):
        bench.write({"wrong.yml": wrong})
        with pytest.raises(ConfigError, match=reason):
            make(bench, describe("wrong", environment_file="wrong.yml"))
    with pytest.raises(ConfigError, match="does not exist") as raised:
        provider.fingerprint(describe(environment_file="wrnog.yml"), bench.context())
    assert raised.value.hint == "did you mean 'wrong.yml'?"


def test_the_solver_explains_itself(bench: Workbench, describe: Any, channel: str) -> None:
    told = failure(bench, describe(conda_deps=("tool-a >=2", "tool-b"), virtual_packages=("__cuda=12",)))
    assert told.message == "the packages do not go together"
    assert "tool-b 1.0 would require" in told.tail
    assert "specs: tool-a >=2, tool-b" in told.tail
    assert f"channels: {channel}" in told.tail
    assert "virtual packages: __cuda=12" in told.tail
    assert "requirement" in told.hint
    told = failure(bench, describe("absent", conda_deps=("smal-0",)))
    assert "No candidates were found for smal-0" in told.tail
    assert "channels" in told.hint


def test_a_channel_that_is_not_there_is_named(bench: Workbench, describe: Any, tmp_path: Path) -> None:
    told = failure(bench, describe(channels=(str(tmp_path / "nowhere"),), conda_deps=("small-0",)))
    assert f"{tmp_path}/nowhere" in told.message
    assert told.where == "channels"
    told = failure(
        bench, describe(channels=("http://me:hidden@127.0.0.1:9/t/tok-en/x",), conda_deps=("x",), offline=True)
    )
    assert "offline" in told.hint
    assert "127.0.0.1:9" in told.message
    assert "hidden" not in f"{told.message}{told.tail}"
    assert "tok-en" not in f"{told.message}{told.tail}"


def test_a_spec_that_is_none(bench: Workbench, describe: Any) -> None:
    told = failure(bench, describe(conda_deps=("small-0 [",)))
    assert told.where == "conda_deps"
    assert "'small-0 [' is no MatchSpec" in told.message
    for wrong in ("-c conda-forge", "./here"):
        found = provider.probe(describe(conda_deps=(wrong,)), bench.context())
        assert found is not None
        assert not found.missing
        assert wrong in found.reason


def test_files_are_linked_or_copied(bench: Workbench, describe: Any) -> None:
    file = "bin/small-5"
    linked = [make(bench, describe(where, conda_deps=("small-5",)))[0] for where in ("a", "b")]
    assert len({os.stat(f"{one.location}/{file}").st_ino for one in linked}) == 1
    copied, _ = make(bench, describe("c", conda_deps=("small-5",), link="copy"))
    assert os.stat(f"{copied.location}/{file}").st_nlink == 1


def test_a_poisoned_cache_is_healed(bench: Workbench, describe: Any) -> None:
    first, _ = make(bench, describe("a", conda_deps=("small-6",)))
    script = Path(first.location, "bin/small-6")
    script.write_text("#!/bin/sh\necho poison\n")
    other, _ = make(bench, describe("d", conda_deps=("small-7",)))
    Path(other.location, "bin/small-7").chmod(0o244)
    spec = describe("b", conda_deps=("small-6", "small-7"))
    shutil.rmtree(spec.location, ignore_errors=True)
    os.makedirs(spec.location)
    context: Any = bench.context()
    context.distrust = True
    environment = provider.provision(spec, context)
    provider.install(spec, environment, [], context)
    assert Path(environment.location, "bin/small-6").read_text() == "#!/bin/sh\necho small-6\n"
    assert os.stat(f"{environment.location}/bin/small-7").st_mode & 0o777 == 0o755
    third, _ = make(bench, describe("c", conda_deps=("small-6",)))
    assert Path(third.location, "bin/small-6").read_text() == "#!/bin/sh\necho small-6\n"


def test_eight_at_once_from_an_empty_cache(tmp_path: Path, channel: str) -> None:
    bench = Workbench(str(tmp_path))
    try:
        names = [f"small-{number}" for number in range(8)]
        table = {"channels": [channel], "conda_deps": names}
        specs = [bench.spec(provider, ("conda",), table, f"at once {number}") for number in range(8)]
        bench.supervisor()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda spec: make(bench, spec)[1], specs))
        assert found == [dict.fromkeys(names, "1.0")] * 8
        for spec in specs:
            assert len(list(Path(spec.location, "share").glob("*/part-*"))) == 160
    finally:
        bench.close()


def test_a_path_that_is_too_long_for_packages(bench: Workbench, describe: Any, tmp_path: Path) -> None:
    program = conda_channel.File(
        b"\0" + conda_channel.PLACEHOLDER.encode() + b"\0", 0o755, placeholder=conda_channel.PLACEHOLDER, binary=True
    )
    package = conda_channel.Package("native", "1.0", {"bin/native": program})
    name, entry = conda_channel.write(tmp_path, package)
    path = str(tmp_path / entry["subdir"] / name)
    artifact = Artifact(kind="conda", path=path, name="native", version="1.0", digest=entry["sha256"])
    spec = describe()
    assert make(bench, spec, artifact)[1] == {"native": "1.0"}
    long = spec._replace(location=os.path.join(spec.location, *["x" * 90] * 3))
    told = failure(bench, long, artifact)
    assert "255 characters" in told.message


def test_link_scripts_run_only_if_wanted(bench: Workbench, describe: Any) -> None:
    quiet, _ = make(bench, describe("a", conda_deps=("postlink-demo",)))
    assert not os.path.exists(f"{quiet.location}/postlink-ran")
    loud, _ = make(bench, describe("b", conda_deps=("postlink-demo",), link_scripts=True))
    assert os.path.exists(f"{loud.location}/postlink-ran")


def test_what_is_no_prefix_is_not_written_into(bench: Workbench, describe: Any) -> None:
    environment, _ = make(bench, describe(conda_deps=("small-0",)))
    os.unlink(f"{environment.location}/conda-meta/history")
    with pytest.raises(StepFailed, match="no conda environment"):
        provider.install(describe(conda_deps=("small-0",)), environment, [], bench.context())


def test_probe_says_what_can_not_be(bench: Workbench, describe: Any) -> None:
    def reason(**table: Any) -> str:
        found = provider.probe(describe(**table), bench.context())
        return found.reason if found else ""

    assert "don't run on this machine" in reason(conda_platform="win-64")
    assert "virtual package" in reason(virtual_packages=("cuda",))
    assert "pixi" in reason(engine="pixi")
    assert "there is no mamba on PATH" in reason(engine="mamba")
    assert "there is no /nowhere/conda" in reason(engine="conda", engine_path="/nowhere/conda")
    two = bench.spec(provider, ("py311", "py312", "conda"), {}, "two")
    found = provider.probe(two, bench.context())
    assert found is not None
    assert "python 3.11.*" in found.reason
