"""What is asked for, in words: names of channels, environment files, MatchSpecs, and command lines of other engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Adopted, Completed, Environment, EnvSpec
from kern.errors import ConfigError, StepFailed
from kern.testing import RecordingContext
from kern_conda import __version__, condarc, drift
from kern_conda.channels import channels_of_specs, resolve_channels
from kern_conda.condarc import CHANNEL_ALIAS, DEFAULT_CHANNELS, Condarc, read_condarc
from kern_conda.engines import engine_arguments, engine_variables, exact_spec, find_engine, install_with_engine
from kern_conda.environment_file import pip_files, read_environment_file
from kern_conda.explaining import explain
from kern_conda.filling import fill
from kern_conda.network import package_cache
from kern_conda.options import CondaOptions
from kern_conda.platforms import architecture_package, machine_platform, runs_here
from kern_conda.prefixes import make_prefix, present_packages, python_distributions
from kern_conda.provider import CondaProvider
from kern_conda.questions import Linking, Question
from kern_conda.secrets import secrets_of, without_secrets
from kern_conda.wishes import gather_wishes, python_specs, spec_name

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = "/nowhere"


def spec_of(*factors: str, project: str = NOWHERE, **table: Any) -> EnvSpec:
    """A spec of options."""
    options = CondaOptions(**table)
    return EnvSpec(
        name="-".join(factors) or "conda", factors=factors, options=options, location="/e", project_dir=project
    )


# ------------------------------------------------------------------------------------------------ conda's configuration


def configuration(tmp_path: Path, text: str, **environ: str) -> Condarc:
    """Read a condarc as the only one there is."""
    (tmp_path / "condarc").write_text(text)
    return read_condarc({"HOME": str(tmp_path), "CONDARC": str(tmp_path / "condarc"), **environ})


def test_no_configuration_is_condas_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(condarc, "_SYSTEM", ())
    assert read_condarc({"HOME": str(tmp_path)}) == Condarc(
        custom_channels={}, custom_multichannels={}, proxy_servers={}
    )


def test_a_condarc(tmp_path: Path) -> None:
    found = configuration(
        tmp_path,
        """
channels: [mine, conda-forge]
channel_alias: https://mirror.example/conda/
ssl_verify: ~/own.pem
proxy_servers: {https: "http://${WHO}@proxy:3128"}
envs_dirs: [~/envs]
offline: yes
custom_multichannels: {group: [a, b]}
""",
        WHO="me",
    )
    assert found.channels == ("mine", "conda-forge")
    assert found.channel_alias == "https://mirror.example/conda"
    assert (found.verify, found.certificates) == (True, str(tmp_path / "own.pem"))
    assert found.proxy_servers == {"https": "http://me@proxy:3128"}
    assert found.envs_dirs == (str(tmp_path / "envs"),)
    assert found.offline
    assert found.custom_multichannels == {"group": ("a", "b")}
    assert not configuration(tmp_path, "ssl_verify: false\n").verify


def test_later_files_and_variables_win(tmp_path: Path) -> None:
    (tmp_path / ".condarc").write_text("channels: [user, shared]\nchannel_alias: https://user\n")
    found = configuration(tmp_path, "channels: [stated, shared]\n", CONDA_CHANNEL_ALIAS="https://variable")
    assert found.channels == ("stated", "shared", "user")
    assert found.channel_alias == "https://variable"
    with pytest.raises(ConfigError, match="can't be read"):
        configuration(tmp_path, "a: [\n")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ((), (f"{CHANNEL_ALIAS}/conda-forge",)),
        (("bioconda", "nodefaults"), (f"{CHANNEL_ALIAS}/bioconda",)),
        (("defaults",), DEFAULT_CHANNELS),
        (("pkgs/main",), ("https://repo.anaconda.com/pkgs/main",)),
        (("https://host/x/", "https://host/x"), ("https://host/x",)),
        (("./here",), ("file:///nowhere/here",)),
        (("/with space",), ("file:///with%20space",)),
        (("company/label/dev",), ("https://intern/company/label/dev",)),
        (("group",), (f"{CHANNEL_ALIAS}/group", f"{CHANNEL_ALIAS}/b")),
    ],
)
def test_names_of_channels(stated: tuple[str, ...], expected: tuple[str, ...]) -> None:
    known = Condarc(custom_channels={"company": "https://intern/"}, custom_multichannels={"group": ("group", "b")})
    assert resolve_channels(stated, known, NOWHERE) == expected


def test_channels_of_specs_are_channels_too() -> None:
    known = Condarc(custom_channels={"company": "https://intern/"}, custom_multichannels={"group": ("a", "b")})
    stated = ("numpy", "company::x >=1", "https://h/c/::y[build=0]", "group::z", "./here::w")
    specs, channels = channels_of_specs(stated, known, NOWHERE)
    assert specs == (
        "numpy",
        "https://intern/company::x >=1",
        "https://h/c::y[build=0]",
        "group::z",
        "file:///nowhere/here::w",
    )
    assert channels == (
        "https://intern/company",
        "https://h/c",
        f"{CHANNEL_ALIAS}/a",
        f"{CHANNEL_ALIAS}/b",
        "file:///nowhere/here",
    )


def test_channels_of_the_configuration_come_before_the_default() -> None:
    known = Condarc(channels=("mine", "defaults"), default_channels=("defaults", "https://d"))
    assert resolve_channels((), known, NOWHERE)[0] == f"{CHANNEL_ALIAS}/mine"
    assert "https://d" in resolve_channels((), known, NOWHERE)


def test_secrets_in_addresses() -> None:
    assert set(secrets_of("https://me:se%2Fcret@host/x")) == {"se%2Fcret", "se/cret"}
    assert set(secrets_of("https://host/t/tok-1/x")) == {"tok-1"}
    assert list(secrets_of("https://host/team/x")) == []
    assert without_secrets("https://me:secret@host/t/tok-1/x") == "https://me:***@host/t/***/x"


# ------------------------------------------------------------------------------------------------ what is asked for


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        ("py312", "python 3.12.*"),
        ("py3.12.1", "python 3.12.1"),
        ("py3", "python 3.*"),
        ("py", "python"),
        ("pypy39", "python 3.9.* *_pypy*"),
        ("py313t", "python 3.13.* *_cp313t"),
    ],
)
def test_factors_are_pythons(factor: str, expected: str) -> None:
    assert python_specs(("linux", factor, "conda")) == (expected,)


def test_two_pythons_are_one_too_many() -> None:
    with pytest.raises(ConfigError, match="py"):
        python_specs(("py311", "py312"))


def test_python_comes_where_something_needs_it() -> None:
    assert gather_wishes(spec_of("conda", conda_deps=("a",)), Condarc()).conda == ("a",)
    assert gather_wishes(spec_of("conda", deps=("a",)), Condarc()).conda == ("python",)
    assert gather_wishes(spec_of("conda"), Condarc(), python=True).conda == ("python",)
    stated = spec_of("conda", deps=("a",), conda_deps=("conda-forge::python=3.11",))
    assert gather_wishes(stated, Condarc()).conda == (f"{CHANNEL_ALIAS}/conda-forge::python=3.11",)


@given(
    st.from_regex(r"[a-z_][a-z0-9_.-]{0,12}", fullmatch=True), st.sampled_from(["", " >=2", "=1.2", "==1", "[build=x]"])
)
def test_names_of_specs(name: str, rest: str) -> None:
    assert spec_name(f"{name}{rest}") == name
    assert spec_name(f"https://h/c::{name}{rest}") == name


def test_an_environment_file_beside_others(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/e.yml").write_text(
        "channels: [./chan, conda-forge]\ndependencies: [a, pip: [-e ../lib, ./x.whl, 'b @ https://h/b.whl', c]]\n"
    )
    found = read_environment_file("ci/e.yml", str(tmp_path))
    assert found.channels == ("./ci/chan", "conda-forge")
    assert found.conda == ("a",)
    assert found.pypi == ("-e ./lib", "./ci/x.whl", "b @ https://h/b.whl", "c")
    assert pip_files((tmp_path / "ci/e.yml").read_text(), "ci/e.yml")[1:] == ("-e ./lib", "./ci/x.whl")
    assert read_environment_file("", str(tmp_path)).conda == ()


def test_platforms() -> None:
    assert runs_here(machine_platform())
    assert runs_here("noarch")
    assert not runs_here("win-64")
    assert architecture_package("") == architecture_package(machine_platform()) == ""


# ------------------------------------------------------------------------------------------------ other engines


def test_a_question_as_a_command_line() -> None:
    question = Question(
        specs=("python 3.12.*", "numpy"), channels=("https://a", "https://b"), platform="osx-64", offline=True
    )
    question = question._replace(
        virtual_packages=("__cuda=12", "__archspec=1=x86_64", "__unix"), channel_priority="flexible"
    )
    assert engine_arguments("conda", "/bin/conda", "/p r", question) == (
        *("/bin/conda", "install", "-p", "/p r", "--json", "-y", "--override-channels", "-c", "https://a"),
        *("-c", "https://b", "--offline", "python 3.12.*", "numpy"),
    )
    assert engine_arguments("micromamba", "/bin/micromamba", "/p r", question)[4] == "-q"
    assert engine_variables(question, "copy") == {
        "CONDA_CHANNEL_PRIORITY": "flexible",
        "MAMBA_CHANNEL_PRIORITY": "flexible",
        "CONDA_SUBDIR": "osx-64",
        "CONDA_ALWAYS_COPY": "true",
        "MAMBA_ALWAYS_COPY": "true",
        "CONDA_SAFETY_CHECKS": "enabled",
        "CONDA_REGISTER_ENVS": "false",
        "CONDA_PIP_INTEROP_ENABLED": "false",
        "MAMBA_COMPILE_PYC": "false",
        "CONDA_OVERRIDE_CUDA": "12",
        "CONDA_OVERRIDE_ARCHSPEC": "x86_64",
    }
    assert "CONDA_ALWAYS_COPY" not in engine_variables(question, "auto")
    assert engine_variables(question, "hard")["CONDA_ALWAYS_COPY"] == "false"
    assert exact_spec("/x/noarch/my-pkg-1.0-py_0.conda") == "my-pkg=1.0=py_0"


def test_finding_an_engine(tmp_path: Path) -> None:
    program = tmp_path / "mamba"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_engine(CondaOptions(engine="mamba"), {"PATH": str(tmp_path)}) == str(program)
    assert find_engine(CondaOptions(engine="mamba"), {"PATH": "", "MAMBA_EXE": str(program)}) == str(program)
    assert find_engine(CondaOptions(engine="micromamba"), {"PATH": "", "MAMBA_EXE": str(program)}) is None
    assert find_engine(CondaOptions(engine="conda", engine_path=str(program)), {}) == str(program)
    assert find_engine(CondaOptions(engine="conda"), {"PATH": str(tmp_path)}) is None


def asked(tmp_path: Path, engine: str, completed: Completed, **more: Any) -> tuple[RecordingContext, StepFailed | None]:
    """Have an engine that ends like this install ``x`` into an empty prefix."""
    (tmp_path / "p").mkdir(exist_ok=True)
    prefix = make_prefix(str(tmp_path / "p"))
    context = RecordingContext(str(tmp_path), answer=lambda _: completed, environ={"A": "b"}, **more)
    question = Question(specs=("x",), channels=("https://u:pw@h/c",))
    try:
        install_with_engine(engine, f"/bin/{engine}", prefix, question, Linking(), context)
    except StepFailed as error:
        return context, error
    return context, None


UNSATISFIABLE = {
    "exception_name": "UnsatisfiableError",
    "message": "x needs y",
    "error": "UnsatisfiableError: x needs y",
}
CORRUPT = {"message": "Multiple", "errors": [{"message": "a is corrupted"}, {"message": "b is corrupted"}]}


@pytest.mark.parametrize(
    ("completed", "message", "tail"),
    [
        (Completed(1, json.dumps({"success": False, "message": "no"})), "conda could not install", "no"),
        (Completed(1, json.dumps(UNSATISFIABLE)), "the packages do not go together", "x needs y\nspecs: x"),
        (
            Completed(1, json.dumps({"solver_problems": ["nothing provides x"]})),
            "do not go together",
            "nothing provides",
        ),
        (Completed(1, json.dumps(CORRUPT)), "conda could not install", "a is corrupted\nb is corrupted"),
        (Completed(1, 'note {\n{"message": "no"}'), "conda could not install", "no"),
        (Completed(2, "not JSON {"), "conda could not install", "not JSON {"),
        (Completed(0, json.dumps({"error": "Exiting 1", "message": "Exiting 1"})), "conda could not", "Exiting 1"),
        (Completed(0, json.dumps({"success": True})), "ended well, but has not installed x", ""),
        (Completed(0, ""), "ended well, but has not installed x", ""),
    ],
)
def test_what_an_engine_says_is_the_errors_tail(tmp_path: Path, completed: Completed, message: str, tail: str) -> None:
    context, error = asked(tmp_path, "conda", completed)
    assert error is not None
    assert message in error.message
    assert error.tail.startswith(tail)
    assert "pw" not in error.tail
    assert context.secrets == {"pw"}
    assert (context.ran[0].environ or {})["A"] == "b"


@pytest.mark.parametrize(
    ("engine", "locked"),
    [("conda", ["engine-conda"]), ("mamba", ["engine-mamba"]), ("micromamba", ["engine-micromamba"])],
)
def test_no_two_of_what_knows_no_locks_run_at_once(tmp_path: Path, engine: str, locked: list[str]) -> None:
    assert asked(tmp_path, engine, Completed(0))[0].locked == locked


def test_a_damaged_cache_is_tried_once_more_without_it(tmp_path: Path) -> None:
    given_up = Completed(0, json.dumps({"exception_name": "CondaSystemExit", "message": "Exiting 1"}))
    context, error = asked(tmp_path, "conda", given_up)
    assert [("CONDA_PKGS_DIRS" in (one.environ or {})) for one in context.ran] == [False, True]
    assert error is not None
    assert "clean --packages" in error.hint
    (tmp_path / "other").mkdir()
    assert len(asked(tmp_path / "other", "conda", given_up, distrust=True)[0].ran) == 1


def test_caches_are_not_believed_where_they_can_be_wrong(tmp_path: Path) -> None:
    def variables(engine: str, **more: bool) -> Mapping[str, str]:
        place = tmp_path / f"{engine} {more}"
        place.mkdir()
        return asked(place, engine, Completed(0), **more)[0].ran[0].environ or {}

    assert "CONDA_EXTRA_SAFETY_CHECKS" not in variables("conda", recreate=False)
    assert "CONDA_PKGS_DIRS" in variables("conda", distrust=True)
    assert variables("conda", recreate=True)["CONDA_LOCAL_REPODATA_TTL"] == "0"
    own = variables("micromamba", distrust=True)
    assert own["CONDA_EXTRA_SAFETY_CHECKS"] == "true"
    assert "CONDA_PKGS_DIRS" in own


def test_an_engine_that_has_gone_is_one_sentence(tmp_path: Path) -> None:
    location = tmp_path / "prefix"
    location.mkdir()
    make_prefix(str(location))
    spec = spec_of("conda", engine="mamba", conda_deps=("a",), channels=("https://c",))
    context = RecordingContext(str(tmp_path), environ={"PATH": "", "HOME": str(tmp_path)})
    with pytest.raises(StepFailed, match="there is no mamba"):
        fill(spec, Environment(location=str(location), activator="conda"), [], context)


# ------------------------------------------------------------------------------------------------ what is there


def test_a_prefix_tells_what_it_has(tmp_path: Path) -> None:
    make_prefix(str(tmp_path))
    with pytest.raises(StepFailed, match="not empty"):
        make_prefix(str(tmp_path))
    site = "lib/python3.12/site-packages"
    files = [f"{site}/My_Thing-1.0.dist-info/METADATA", f"{site}/old-2.0-py3.12.egg-info/PKG-INFO"]
    files += [f"{site}/flat-3.0-py3.12.egg-info", f"{site}/my_thing/METADATA", "bin/x"]
    record = {"name": "my-thing", "version": "1.0", "files": files}
    (tmp_path / "conda-meta/my-thing-1.0-0.json").write_text(json.dumps(record))
    packages = present_packages(str(tmp_path))
    assert [(one.name, one.version) for one in packages] == [("my-thing", "1.0")]
    assert python_distributions(packages) == {"My_Thing": "1.0", "flat": "3.0", "old": "2.0"}
    (tmp_path / "conda-meta/broken-1.0-0.json").write_text("{")
    with pytest.raises(StepFailed, match="is damaged"):
        present_packages(str(tmp_path))


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("1.26.4", "1.26.*", True),
        ("1.26.4", "=1.26", True),
        ("1.26.4", "1.26", False),
        ("1.26", "==1.26.0", True),
        ("2.0", ">=1.2,<2", False),
        ("2.0", ">=1.2,<2|2.*", True),
        ("1.9", "!=1.9.*", False),
        ("1.9", "~=1.4", True),
        ("3.1", "*", True),
        ("2024a", ">2023c", True),
    ],
)
def test_versions_of_specs(version: str, wanted: str, *, expected: bool) -> None:
    assert drift.matches(version, wanted) is expected


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_a_version_is_itself(numbers: list[int]) -> None:
    version = ".".join(map(str, numbers))
    assert drift.matches(version, f"=={version}")
    assert drift.matches(version, f"={version}")
    assert drift.matches(version, f">={version},<={version}")
    assert not drift.matches(version, f">{version}")


def test_what_an_existing_environment_lacks(tmp_path: Path) -> None:
    environment = Environment(location="/e", activator="conda", interpreter="/e/bin/python")
    installed = {"python": "3.12.1", "numpy": "1.26.4", "attrs": "23.1"}
    adopted = Adopted(environment=environment, certainty=3, why="", installed=installed)
    wanted = ("numpy >=2 py_0", "zlib", "python=3.12", "conda-forge::attrs 23.*[build=x]")
    spec = spec_of("py311", project=str(tmp_path), conda_deps=wanted, deps=("attrs>=24",))
    found = CondaProvider().drift(spec, adopted, RecordingContext(str(tmp_path)))
    assert found[:3] == ("python is 3.12.1, wanted 3.11.*", "numpy is 1.26.4, wanted >=2", "zlib is not installed")
    assert len(found) == 4
    assert "attrs" in found[3]


def test_the_python_of_another_kind_is_one_too(tmp_path: Path) -> None:
    environment = Environment(location="/e", activator="venv", facts={"version": "3.11.2"})
    adopted = Adopted(environment=environment, certainty=1, why="", installed={"six": "1.16"})
    spec = spec_of(
        "py311", project=str(tmp_path), conda_deps=("six", "python <3.13"), deps=("six; python_version>'3.11'",)
    )
    assert CondaProvider().drift(spec, adopted, RecordingContext(str(tmp_path))) == ()
    spec = spec_of("py312", project=str(tmp_path), deps=("nothere; python_version>'3.11'",))
    found = CondaProvider().drift(spec, adopted, RecordingContext(str(tmp_path)))
    assert found == ("python is 3.11.2, wanted 3.12.*",)


def test_other_failures_are_told_too() -> None:
    told = explain({"kind": "InstallerError", "message": "failed to link x\nCaused by: disk is full"}, None)
    assert told.message == "the packages could not be installed: disk is full"
    assert "failed to link" in told.tail
    assert explain({"kind": "LockError", "message": "L lacks x"}, None).message == "L lacks x"


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("GatewayError", "x\nCaused by: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("GatewayError", "x\nCaused by: connection refused", "address right"),
        ("SolverError", "because of: x 1 is excluded because candidate not in requested channel: 'b'", "spec names"),
        ("SpecError", "'a b c d' is no MatchSpec: x", "numpy >=2"),
    ],
)
def test_hints_fit_what_went_wrong(kind: str, message: str, hint: str) -> None:
    assert hint in explain({"kind": kind, "message": message}, Question(("x",), ("file:///a",))).hint


def test_packages_are_kept_where_they_can_be_written(tmp_path: Path) -> None:
    def place(stated: str) -> str:
        return package_cache(RecordingContext(str(tmp_path), environ={"CONDA_PKGS_DIRS": stated}))

    own = place("")
    assert own.endswith("/pkgs")
    assert place(f"{tmp_path}/new/one, {tmp_path}") == f"{tmp_path}/new/one"
    (tmp_path / "file").write_text("")
    assert place(f"{tmp_path}/file,{tmp_path}/two") == f"{tmp_path}/two"
    assert place(f"{tmp_path}/file/x,{tmp_path}/file") == own


def test_every_option_explains_itself() -> None:
    assert all(f"        {name}: " in (CondaOptions.__doc__ or "") for name in CondaOptions._fields)


def test_the_version_is_the_distributions() -> None:
    import tomllib

    described = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    assert described["project"]["version"] == __version__
