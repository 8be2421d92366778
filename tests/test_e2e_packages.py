"""Which packages kern builds, how often, for whom, and what makes it build again.

The packages are built by a backend of their own that writes down each build; the extension module by setuptools.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Project

SHOW = "commands = [['python', '-c', 'import demo; print(demo.__file__, demo.answer)']]\n"


def pure(project: Project, config: str, files: dict[str, str] | None = None) -> Project:
    """The counted package with a configuration."""
    return project.package(files).config(config)


def test_nothing_defined_builds_a_source_distribution(project: Project, own: str) -> None:
    pure(project, f"env_list = ['{own}']\n[env]\n{SHOW}")
    row = project.run().rows()[own]
    assert row["artifact"]["kind"] == "sdist"
    assert row["artifact"]["path"].endswith("demo-1.0.tar.gz")
    assert row["made"] == ["built sdist", "made environment"]
    assert row["installed"] == {"demo": "1.0"}
    assert [line.split()[0] for line in project.builds()] == ["sdist", "wheel"]  # the wheel is made by the installer


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_wheel_is_tested_as_it_is_built_not_from_the_tree(project: Project, own: str, installer: str) -> None:
    pure(project, f"env_list = ['{own}']\n[env]\ninstaller = '{installer}'\npackage = 'wheel'\n{SHOW}")
    row = project.run().rows()[own]
    assert row["artifact"]["kind"] == "wheel"
    assert len(project.builds()) == 1
    log = (project.work / "logs/latest" / f"{own}.log").read_text()
    assert f"{project.environment(own)}/lib/" in log
    assert "42" in log


def test_a_wheel_can_be_built_from_the_source_distribution(project: Project, own: str) -> None:
    pure(
        project, f"env_list = ['{own}']\n[env]\n{SHOW}[package.sdist]\n[package.wheel]\nfrom = 'sdist'\nmatch = 'py*'\n"
    )
    (project / "src" / "demo" / "left_over.so.txt").write_text("")
    row = project.run().rows()[own]
    assert row["artifact"]["kind"] == "wheel"
    assert "built wheel" in row["made"]
    assert [line.split()[0] for line in project.builds()] == ["sdist", "wheel"]
    assert project.run().rows()[own]["made"] == []
    assert project.builds() == []


def test_an_editable_package_follows_the_tree_without_a_build(project: Project, own: str) -> None:
    pure(
        project,
        f"env_list = ['{own}']\n[env]\npackage = 'editable'\n{SHOW}",
        files={"src/demo/more.py": "x = 1\n", "src/demo/__init__.py": "from demo.more import x as answer\n"},
    )
    project.run()
    assert [line.split()[0] for line in project.builds()] == ["editable"]
    (project / "src/demo/more.py").write_text("x = 'changed'\n")
    row = project.run().rows()[own]
    assert row["made"] == []
    assert project.builds() == []
    log = (project.work / "logs/latest" / f"{own}.log").read_text()
    assert str(project / "src") in log
    assert "changed" in log


def test_several_packages_give_one_row_each(project: Project, own: str) -> None:
    pure(project, f"env_list = ['{own}']\n[env]\npackages = ['sdist', 'wheel', 'editable']\n{SHOW}")
    done = project.run()
    assert list(done.rows()) == [f"({kind}) {own}" for kind in ("sdist", "wheel", "editable")]
    assert [row["artifact"]["kind"] for row in done.json["rows"]] == ["sdist", "wheel", "editable"]
    interpreters = {row["interpreter"] for row in done.json["rows"]}
    assert len(interpreters) == 3
    assert set(done.outcomes().values()) == {"passed"}


def test_packages_are_chosen_by_request_then_factor_then_match(project: Project) -> None:
    pure(
        project,
        "env_list = ['a-asked', 'a-sdist', 'a-matched', 'a-none', 'a-skip', 'a-mine']\n"
        "[env.asked]\npackage = 'editable'\n[env.none]\npackage = 'none'\n[env.skip]\nskip_install = true\n"
        "[package.sdist]\nmatch = 'x'\n[package.wheel]\nmatch = ['matched', 'a-matched']\n"
        "[package.editable]\nmatch = 'a'\n[package.mine]\nbuilder = 'wheel'\n",
    )
    found = {row["row"]: row["package"] for row in project.kern("list", "--json", code=0).json["environments"]}
    assert found == {
        "a-asked": "editable",
        "a-sdist": "sdist",
        "a-matched": "wheel",
        "a-none": "",
        "a-skip": "",
        "a-mine": "mine",
    }
    why = project.kern("list", "--why", code=0).out
    assert "match 'a-matched' of package.wheel is the most specific" in why
    assert "the factor 'sdist' is a package definition" in why
    assert "skip_install is set" in why


def test_only_what_a_selected_row_needs_is_built(project: Project) -> None:
    pure(
        project,
        f"env_list = ['a', 'b']\n[env]\n{SHOW}[env.a]\npackage = 'wheel'\n[env.b]\npackage = 'none'\ncommands = []\n",
    )
    project.run("b")
    assert project.builds() == []


def test_one_pure_wheel_is_built_once_for_all_interpreters(project: Project, several: list[str]) -> None:
    pure(project, f"env_list = {several}\n[env]\npackage = 'wheel'\n{SHOW}")
    done = project.run("-j", "2")
    assert len(project.builds()) == 1
    assert len({row["artifact"]["path"] for row in done.json["rows"]}) == 1
    assert set(done.outcomes().values()) == {"passed"}


def test_a_wheel_for_one_interpreter_is_built_for_each(project: Project, several: list[str]) -> None:
    pure(project, f"env_list = {several}\n[env]\npackage = 'wheel'\n{SHOW}", files={"tag.txt": "native\n"})
    done = project.run()
    assert len(project.builds()) == len(several)
    names = [os.path.basename(row["artifact"]["path"]) for row in done.json["rows"]]
    assert names == [f"demo-1.0-cp{factor[2:]}-cp{factor[2:]}-linux_x86_64.whl" for factor in several]
    assert project.run().json["rows"][0]["made"] == []
    assert project.builds() == []


EXTENSION = {
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    '[project]\nname = "native"\nversion = "1.0"\n'
    '[tool.setuptools]\next-modules = [{name = "native", sources = ["native.c"]}]\n',
    "native.c": """
        #include <Python.h>
        static PyObject *version(PyObject *self, PyObject *ignored) { return PyUnicode_FromString(PY_VERSION); }
        static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, methods};
        PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
        """,
}


@pytest.mark.skipif(shutil.which("gcc") is None and shutil.which("cc") is None, reason="there is no C compiler")
def test_an_extension_module_is_compiled_with_each_interpreter(
    make_project: Callable[..., Project], several: list[str]
) -> None:
    check = "import native, sys; print(native.version(), sys.version.split()[0]); assert native.version() == sys.version.split()[0]"
    project = make_project(online=True).write(EXTENSION)
    project.config(f"env_list = {several}\n[env]\npackage = 'wheel'\ncommands = [['python', '-c', '{check}']]\n")
    done = project.run()
    assert set(done.outcomes().values()) == {"passed"}
    names = [os.path.basename(row["artifact"]["path"]) for row in done.json["rows"]]
    assert [name.split("-")[2] for name in names] == [f"cp{factor[2:]}" for factor in several]
    assert [row["made"] for row in project.run().json["rows"]] == [[]] * len(several)


@pytest.fixture
def ready(project: Project) -> Project:
    """A project with a wheel that has been built and tested in ``a``; ``b`` has no package."""
    pure(
        project,
        f"env_list = ['a', 'b']\n[env]\n{SHOW}[env.a]\npackage = 'wheel'\n[env.b]\npackage = 'none'\ncommands = []\n",
        files={".gitignore": "ignored/\n*.log\n"},
    )
    project.run()
    assert len(project.builds()) == 1
    return project


def test_a_changed_source_builds_again_and_reinstalls_just_that(ready: Project) -> None:
    before = ready.stamp("b")
    (ready / "src/demo/__init__.py").write_text("answer = 43\n")
    plan = ready.kern("plan", code=0).out
    assert "changed: src/demo/__init__.py" in plan
    rows = ready.run().rows()
    assert rows["a"]["made"] == ["built wheel", "reinstalled package"]
    assert "43" in (ready.work / "logs/latest/a.log").read_text()
    assert rows["b"]["made"] == []
    assert ready.stamp("b") == before
    assert len(ready.builds()) == 1


def test_what_was_added_to_an_environment_does_not_become_a_part_of_it(ready: Project) -> None:
    added = ready.environment("a") / "lib/written-by-an-activation-script"
    added.write_text("first")
    (ready / "src/demo/__init__.py").write_text("answer = 43\n")
    assert "reinstalled package" in ready.run().rows()["a"]["made"]
    added.write_text("second time")
    assert ready.run().rows()["a"]["made"] == []


def test_a_file_that_left_the_package_leaves_the_environment(project: Project) -> None:
    check = "commands = [['python', '-c', 'import importlib.util as u; print(u.find_spec(\"demo.old\"))']]\n"
    pure(
        project,
        f"env_list = ['a']\n[env]\npackage = 'wheel'\n{check}",
        files={"src/demo/old.py": ""},
    )
    project.run()
    assert "ModuleSpec" in (project.work / "logs/latest/a.log").read_text()
    (project / "src/demo/old.py").unlink()
    project.run()
    assert (project.work / "logs/latest/a.log").read_text().splitlines()[-1] == "None"


def test_what_changes_no_source_builds_nothing(ready: Project) -> None:
    source = ready / "src/demo/__init__.py"
    os.utime(source, (1, 1))
    assert ready.run().rows()["a"]["made"] == []
    source.write_text(source.read_text())
    ready.write({"ignored/x.py": "", "trace.log": "", "src/demo/__pycache__/x.pyc": "", ".pytest_cache/x": ""})
    assert ready.run().rows()["a"]["made"] == []
    assert ready.builds() == []


def test_an_edit_of_kern_toml_builds_nothing(ready: Project) -> None:
    ready.config((ready / "kern.toml").read_text() + "timeout = 100\n")
    assert ready.run().rows()["a"]["made"] == []
    assert ready.builds() == []


def test_what_git_ignores_is_no_source(ready: Project) -> None:
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    subprocess.run(["git", "init", "-q"], cwd=ready.root, check=True, env=ready.variables())
    ready.write({".git/info/exclude": "secret-notes\n"})
    ready.run()
    ready.builds()
    ready.write({"secret-notes": "", "ignored/deep/y.py": ""})
    assert ready.run().rows()["a"]["made"] == []
    ready.write({"notes": ""})
    ready.run()
    assert len(ready.builds()) == 1


def test_going_back_to_an_earlier_source_takes_the_earlier_wheel(ready: Project) -> None:
    source = ready / "src/demo/__init__.py"
    source.write_text("answer = 43\n")
    ready.run()
    source.write_text("answer = 42\n")
    assert ready.run().rows()["a"]["made"] == ["reinstalled package"]
    assert "42" in (ready.work / "logs/latest/a.log").read_text()
    assert len(ready.builds()) == 1


def test_new_requirements_of_the_package_remake_its_environment(ready: Project) -> None:
    ready.write({"metadata.txt": "Requires-Dist: apple\n"})
    row = ready.run().rows()["a"]
    assert row["made"] == ["built wheel", "made environment"]
    assert row["installed"] == {"apple": "2.0", "demo": "1.0"}
    (ready / "metadata.txt").unlink()
    assert ready.run().rows()["a"]["installed"] == {"demo": "1.0"}


def test_a_lost_wheel_is_built_again(ready: Project) -> None:
    shutil.rmtree(ready.work / "artifacts")
    assert "gone" in ready.kern("plan", code=0).out
    ready.run()
    assert len(ready.builds()) == 1


def test_recreate_builds_and_makes_everything(ready: Project) -> None:
    rows = ready.run("--recreate").rows()
    assert rows["a"]["made"] == ["built wheel", "made environment"]
    assert rows["b"]["made"] == ["made environment"]
    assert len(ready.builds()) == 1


def test_sources_limit_what_a_package_depends_on(project: Project) -> None:
    pure(project, f"env_list = ['a']\n[env]\n{SHOW}[package.wheel]\nsources = ['/src', '*.toml']\n")
    project.run()
    project.builds()
    project.write({"docs/page.md": "new"})
    assert project.run().rows()["a"]["made"] == []
    project.write({"src/demo/new.py": ""})
    project.run()
    assert len(project.builds()) == 1


def test_build_copies_the_packages_out(project: Project) -> None:
    pure(project, "env_list = ['a']\n[env]\npackages = ['sdist', 'wheel']\n")
    out = project.root.parent / "out"
    done = project.kern("build", "-o", "../out", "--json", code=0)
    names = ["demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl"]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert [(item["kind"], item["path"]) for item in done.json["artifacts"]] == [
        (kind, str(out / name)) for kind, name in zip(("sdist", "wheel"), names, strict=True)
    ]
    assert tarfile.is_tarfile(out / names[0])
    assert zipfile.is_zipfile(out / names[1])
    assert len(project.builds()) == 2
    project.kern("build", "wheel", code=0)
    assert [path.name for path in (project / "dist").iterdir()] == names[1:]
    assert project.builds() == []


@pytest.fixture
def shipped(make_project: Callable[..., Project], several: list[str]) -> Path:
    """A folder with native wheels for all but the first of several interpreters, and a pure one for the rest."""
    project = pure(make_project("upstream"), f"env_list = {several[1:]}\n[env]\npackage = 'wheel'\n")
    project.write({"tag.txt": "native\n"}).kern("build", code=0)
    project.write({"tag.txt": "py3-none-any\n"}).kern("build", code=0)
    return project / "dist"


def test_ready_packages_are_chosen_by_their_tags_and_nothing_is_built(
    project: Project, shipped: Path, several: list[str]
) -> None:
    pure(project, f"env_list = {several}\n[env]\npackage = 'wheel'\n{SHOW}")
    done = project.run("--package", str(shipped))
    names = [os.path.basename(row["artifact"]["path"]).split("-")[2] for row in done.json["rows"]]
    assert names == ["py3", *(f"cp{factor[2:]}" for factor in several[1:])]
    assert not project.builds()
    native = next(path for path in shipped.iterdir() if "none" not in path.name)
    refused = project.kern("run", "--package", str(native), several[0], code=3)
    assert f"none of the given packages fits {several[0]}" in refused.out
    assert native.name in refused.out


def test_a_package_that_is_none_is_refused(project: Project) -> None:
    pure(project, "env_list = ['a']\n").write({"notes.txt": "x"})
    assert "notes.txt holds no package" in project.error("run", "--package", "notes.txt")
    assert "there is nothing at" in project.error("run", "--package", "nowhere")


def test_requires_python_speaks_against_an_interpreter_before_anything_is_made(
    project: Project, several: list[str]
) -> None:
    project.package().config(f"env_list = {several}\n[env]\npackage = 'wheel'\n{SHOW}")
    text = (project / "pyproject.toml").read_text()
    minor = several[-1][3:]
    (project / "pyproject.toml").write_text(text.replace("[project]", f'[project]\nrequires-python = ">=3.{minor}"'))
    plan = project.kern("plan", code=0).out
    assert f"error  {several[0]}: the package requires Python >=3.{minor}" in plan
    done = project.run(code=3)
    assert done.outcomes() == {**dict.fromkeys(several[:-1], "error"), several[-1]: "passed"}
    assert not project.environment(several[0]).exists()
    assert len(project.builds()) == 1


def test_a_build_that_fails_ends_with_3_its_log_and_the_last_lines(project: Project) -> None:
    pure(
        project,
        f"env_list = ['a', 'b']\n[env]\n{SHOW}[env.a]\npackage = 'wheel'\n[env.b]\npackage = 'none'\ncommands = ['true']\n",
        files={"broken.txt": ""},
    )
    failed = project.kern("run", code=3)
    assert "  | the compiler is out of steam" in failed.out, str(failed)
    assert "compiling part 1\n" not in failed.out
    log = next(line.split("log: ")[1] for line in failed.out.splitlines() if "log: " in line)
    with open(log, encoding="utf-8") as file:
        assert "compiling part 1\n" in file.read()
    assert failed.out.count("the compiler is out of steam") == 1
    assert project.run(code=3).outcomes() == {"a": "error", "b": "passed"}
    built = project.kern("build", "wheel", code=3)
    assert "the compiler is out of steam" in built.err
    assert not (project / "dist").exists()


def test_a_failed_build_is_tried_again_and_heals(project: Project) -> None:
    pure(project, f"env_list = ['a']\n[env]\npackage = 'wheel'\n{SHOW}", files={"broken.txt": ""})
    project.run(code=3)
    (project / "broken.txt").unlink()
    assert project.run().rows()["a"]["made"] == ["built wheel", "made environment"]


def test_a_build_leaves_nothing_in_the_tree_and_sees_no_other_packages(project: Project) -> None:
    pure(project, f"env_list = ['a']\n[env]\npackages = ['sdist', 'wheel']\n{SHOW}")
    before = {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}
    project.run()
    after = {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}
    assert {path.relative_to(project.root).parts[0] for path in after - before} == {".kern"}


def test_the_environment_of_a_build_has_its_requirements_alone_and_is_kept(project: Project, tmp_path: Path) -> None:
    pure(project, f"env_list = ['a']\n[env]\npackage = 'wheel'\n{SHOW}")
    for name, before, after in (
        ("pyproject.toml", "requires = []", 'requires = ["apple<2"]'),
        ("backend/own_backend.py", "import base64,", "import apple; assert apple.VERSION == '1.0'\nimport base64,"),
    ):
        text = (project / name).read_text()
        assert before in text
        (project / name).write_text(text.replace(before, after))
    env = {"KERN_CACHE_DIR": str(tmp_path / "cache")}

    def build_log(answer: int) -> str:
        (project / "src/demo/__init__.py").write_text(f"answer = {answer}\n")
        assert "built wheel" in project.run(env=env).rows()["a"]["made"]
        return "".join(path.read_text() for path in (project.work / "logs/latest").glob("build-*.log"))

    assert "apple" in build_log(1)
    assert "apple" not in build_log(2)
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("apple<2", "apple>=2"))
    failed = project.kern("run", env=env, code=3)
    assert "AssertionError" in failed.out


def test_a_folder_without_a_package_says_how_to_go_on(project: Project) -> None:
    project.config("env_list = ['a']\n[env]\npackage = 'wheel'\n")
    failed = project.kern("run", code=3)
    assert "there is nothing to build" in failed.out
    assert 'package = "none"' in failed.out
