from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Artifact, EnvSpec, PackageSpec
from kern.errors import StepFailed
from kern_venv.lock_files import read_inputs, table_of_inputs
from kern_venv.lock_inputs import package_requirements, python_version, requirements_of, stated_requirements
from kern_venv.locker import VenvLocker, lock_name
from kern_venv.provider import VenvProvider

Make = Callable[..., Path]
Spec = Callable[..., EnvSpec]
locker, provider = VenvLocker(), VenvProvider()


def locked(spec: EnvSpec, context: Any, artifact: Artifact | None = None, upgrade: Any = ()) -> dict[str, str]:
    """Lock, and give names and versions."""
    path = Path(spec.project_dir, locker.path(spec, artifact is not None))
    locker.lock(spec, str(path), locker.inputs(spec, context), artifact, upgrade, context)
    table = tomllib.loads(path.read_text())
    files = [file for package in table["packages"] for file in package.get("wheels", [package.get("archive")])]
    assert all(re.fullmatch("[0-9a-f]{64}", file["hashes"]["sha256"]) for file in files)
    return {package["name"]: package["version"] for package in table["packages"]}


def test_names_that_are_different_give_files_that_are(make_spec: Spec) -> None:
    assert lock_name("py312") == "pylock.py312.toml"
    names = ["py3.12", "py3-12", "py3_12", "py312", "py3.1.2"]
    assert len({lock_name(name) for name in names}) == len(names)
    assert all(re.fullmatch(r"pylock\.[^.]+\.toml", lock_name(name)) for name in names)


def test_what_has_nothing_to_lock(make_spec: Spec) -> None:
    assert locker.path(make_spec(), packaged=False) == ""
    assert locker.path(make_spec(), packaged=True) == "pylock.py311.toml"
    assert locker.path(make_spec(deps=("leaf",)), packaged=False) == "pylock.py311.toml"
    assert locker.path(make_spec(pylock="pylock.toml"), packaged=True) == ""


def test_the_package_is_left_out_and_what_it_requires_is_in(
    context: Any, make_spec: Spec, make_wheel: Make, as_artifact: Callable[..., Artifact]
) -> None:
    for name in ("leaf", "twig", "extra"):
        make_wheel(name)
    tested = make_wheel("tested", requires=("leaf",), extras={"more": "extra"})
    spec = make_spec("py", deps=("twig",), extras=("more",))
    assert locked(spec, context, as_artifact(tested)) == {"leaf": "1.0", "twig": "1.0", "extra": "1.0"}
    spec = spec._replace(lock=str(Path(spec.project_dir, "pylock.py.toml")))
    environment = provider.provision(spec, context)
    got = provider.install(spec, environment, [as_artifact(tested)], context)
    assert got == {"leaf": "1.0", "twig": "1.0", "extra": "1.0", "tested": "1.0"}


def test_versions_are_kept_until_they_may_change(context: Any, make_spec: Spec, make_wheel: Make) -> None:
    for name in ("leaf", "twig"):
        make_wheel(name)
    spec = make_spec(deps=("leaf", "twig"))
    assert locked(spec, context) == {"leaf": "1.0", "twig": "1.0"}
    for name in ("leaf", "twig"):
        make_wheel(name, "2.0")
    assert locked(spec, context) == {"leaf": "1.0", "twig": "1.0"}
    assert locked(spec, context, upgrade=("twig",)) == {"leaf": "1.0", "twig": "2.0"}
    assert locked(spec._replace(options=spec.options._replace(deps=("leaf",))), context) == {"leaf": "1.0"}
    assert locked(spec, context, upgrade=None) == {"leaf": "2.0", "twig": "2.0"}


def test_all_platforms_or_the_one_of_the_name(context: Any, make_spec: Spec, make_wheel: Make) -> None:
    make_wheel("leaf", requires=("windowed; sys_platform == 'win32'",))
    make_wheel("windowed")
    spec = make_spec(deps=("leaf",))
    assert locked(spec, context) == {"leaf": "1.0", "windowed": "1.0"}
    assert "sys_platform == 'win32'" in Path(spec.project_dir, "pylock.py311.toml").read_text()
    assert locked(make_spec("py311-linux", deps=("leaf",)), context) == {"leaf": "1.0"}


def test_a_failure_leaves_the_lock_alone_and_is_in_uv_s_words(context: Any, make_spec: Spec, make_wheel: Make) -> None:
    make_wheel("leaf")
    spec = make_spec(deps=("leaf",))
    locked(spec, context)
    path = Path(spec.project_dir, "pylock.py311.toml")
    before = path.read_text()
    with pytest.raises(StepFailed, match="uv can't resolve it") as caught:
        locked(make_spec(deps=("leaf>1",)), context)
    assert "leaf>1" in caught.value.tail
    assert path.read_text() == before
    assert [entry.name for entry in path.parent.glob("pylock*")] == [path.name]


def test_a_password_gets_into_no_lock(context: Any, make_spec: Spec, make_wheel: Make) -> None:
    leaf = make_wheel("leaf")
    spec = make_spec(deps=(f"leaf @ file://{leaf}",))
    context.environ["PIP_INDEX_URL"] = "https://me:h%40rd@index.example/simple"
    locked(spec, context)
    assert "h%40rd" in context.secrets
    assert "rd@" not in Path(spec.project_dir, "pylock.py311.toml").read_text()
    spec = make_spec(deps=("leaf @ https://me:secret@files.example/leaf-1.0-py3-none-any.whl",))
    assert "secret" not in str(locker.inputs(spec, context))


def test_files_count_by_content(context: Any, make_spec: Spec) -> None:
    spec = make_spec(deps=("-r a.txt",), constraints=("c.txt",))
    root = Path(spec.project_dir)
    for name, text in (("a.txt", "-r b.txt\nleaf\n"), ("b.txt", "twig\n"), ("c.txt", "leaf<3\n")):
        (root / name).write_text(text)
    before = locker.inputs(spec, context)
    assert [name for name in before if name.startswith("content")] == [f"content of {n}.txt" for n in "abc"]
    (root / "b.txt").write_text("twig>1\n")
    after = locker.inputs(spec, context)
    assert [name for name in after if after[name] != before[name]] == ["content of b.txt"]


@pytest.mark.parametrize(
    ("name", "options", "version"),
    [("py312", {}, "3.12"), ("lint", {"base_python": ("3.99",)}, "3.99"), ("pypy310", {}, "pypy 3.10")],
)
def test_the_version_is_known_where_no_such_python_is(
    name: str, options: dict[str, Any], version: str, context: Any, make_spec: Spec, tmp_path: Path
) -> None:
    context.environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert python_version(make_spec(name, **options), context) == version


def test_a_project_s_own_word_is_what_its_wheel_says(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname="x"\nversion="1"\ndependencies=["B_b >= 1,<2", "a ; python_version>\'3\'"]\n'
        "[project.optional-dependencies]\nTe_st = [\"c ; os_name=='x' or os_name=='y'\", 'd[e]']\n"
    )
    wheel = Artifact(
        "wheel", "", "x", "1", "",
        (
            'd[e]; extra == "te-st"', "b-b<2,>=1", 'a; python_version > "3"', "Provides-Extra: te-st",
            'c; (os_name == "x" or os_name == "y") and extra == "te-st"',
        ),
    )  # fmt: skip
    assert stated_requirements(str(tmp_path)) == requirements_of(wheel)
    package = PackageSpec("wheel", "wheel", str(tmp_path), None)
    assert locker.requires(package, None, None) == locker.requires(package, wheel, None)  # type: ignore[arg-type]


def test_an_old_sdist_is_believed_last(tmp_path: Path) -> None:
    old = Artifact("sdist", "", "x", "1", "", ("sdist 12ab",))
    listing = old._replace(requirements=("a>1", "sdist 12ab"))
    assert package_requirements(str(tmp_path), old) is None
    assert package_requirements(str(tmp_path), listing) == ["a>1"]
    (tmp_path / "pyproject.toml").write_text('[project]\nname="x"\nversion="1"\ndependencies=["b"]\n')
    assert package_requirements(str(tmp_path), listing) == ["b"]
    assert package_requirements(str(tmp_path), old._replace(requirements=())) == []


WRONG = ("dynamic=3", "dependencies=3", "dependencies=[3]", "optional-dependencies=3", "optional-dependencies={x=3}")


@pytest.mark.parametrize(
    "text",
    [
        *("", "not toml", "project=3", "[project]\nname='x'\ndynamic=['dependencies']\n"),
        *(f"[project]\nname='x'\n{wrong}\n" for wrong in WRONG),
    ],
)
def test_a_project_that_leaves_it_to_its_backend(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert stated_requirements(str(tmp_path)) is None


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, st.one_of(TEXT, st.lists(TEXT), st.booleans(), st.integers(-9, 9))))
def test_inputs_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "pylock.any.toml"
    path.write_text('lock-version = "1.0"\n' + table_of_inputs(inputs), encoding="utf-8", newline="")
    assert read_inputs(str(path)) == inputs
    assert tomllib.loads(path.read_bytes().decode())["tool"]["kern"] == inputs


def test_what_kern_has_not_written(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    assert read_inputs(str(path)) is None
    for text in ("", 'lock-version = "1.0"\n', "\n[tool.kern]\nbroken"):
        path.write_text(text)
        assert read_inputs(str(path)) is None
