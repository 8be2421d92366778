"""Real backends from the package index, real compilers, real interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import Artifact, StepFailed
from kern_venv.api import find_interpreter, install, make_virtual_environment
from kern_wheel.editable import EditableBuilder
from kern_wheel.fitting import PURE
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.wheel.tests.conftest import Contexts, Packages, Rows, Trees


SDIST, WHEEL, EDITABLE = SdistBuilder(), WheelBuilder(), EditableBuilder()
PYTHONS = ("py311", "py312", "py313")

C_SOURCE = """
    #define PY_SSIZE_T_CLEAN
    #include <Python.h>

    static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(ANSWER); }
    static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
    static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, methods};
    PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
    """
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=70.1"]\nbuild-backend = "setuptools.build_meta"\n'


def native(limited: bool = False) -> dict[str, str]:
    """A project with an extension module; for one Python each, or for all from 3.11 on."""
    extension = '"native", ["native.c"], define_macros=[("ANSWER", "42")'
    extension += ', ("Py_LIMITED_API", "0x030b0000")], py_limited_api=True' if limited else "]"
    options = ', options={"bdist_wheel": {"py_limited_api": "cp311"}}' if limited else ""
    return {
        "pyproject.toml": SETUPTOOLS,
        "setup.py": f"from setuptools import Extension, setup\nsetup(name='native', version='1.0', "
        f"ext_modules=[Extension({extension})]{options})\n",
        "native.c": C_SOURCE,
    }


HATCHLING = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"

        [project]
        name = "pure-thing"
        version = "1.2"
        requires-python = ">=3.12"
        dependencies = ["packaging>=20"]
        optional-dependencies.test = ["pytest"]
        """,
    "src/pure_thing/__init__.py": "answer = 42\n",
}
FLIT = {
    "pyproject.toml": """
        [build-system]
        requires = ["flit_core>=3.2,<4"]
        build-backend = "flit_core.buildapi"

        [project]
        name = "pure_thing"
        version = "1.2"
        description = "a thing"
        dependencies = ["packaging>=20"]
        optional-dependencies.test = ["pytest"]
        requires-python = ">=3.12"
        """,
    "src/pure_thing/__init__.py": "answer = 42\n",
}
SETUPTOOLS_PURE = {
    "pyproject.toml": SETUPTOOLS
    + "\n[project]\n"
    + "\n".join(line.strip() for line in FLIT["pyproject.toml"].splitlines()[6:]),
    "src/pure_thing/__init__.py": "answer = 42\n",
}


@pytest.fixture
def environment(new_context: Contexts, tmp_path: Path) -> Callable[..., str]:
    """An environment of an interpreter, with an artifact in it; answers its Python."""

    def make(name: str, artifact: Artifact) -> str:
        interpreter = find_interpreter((name,), os.environ)
        assert interpreter is not None
        location = str(tmp_path / "environments" / name)
        os.makedirs(location)
        context = new_context()
        python = make_virtual_environment(location, interpreter, context)
        install(python, [], context, prefix=location, artifacts=[f"{artifact.name} @ {Path(artifact.path).as_uri()}"])
        return python

    return make


def ask(python: str, code: str) -> str:
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def test_an_extension_module_is_built_by_and_for_each_python(
    write: Trees, new_context: Contexts, package: Packages, row: Rows, environment: Callable[..., str]
) -> None:
    built = package(write(native()))
    wheels = {name: WHEEL.build(built, row(name), None, new_context()) for name in PYTHONS}
    for name, artifact in wheels.items():
        tag = name.replace("py", "cp")
        assert WHEEL.variant(built, row(name), new_context()) == tag
        assert artifact.facts["tags"].startswith(f"{tag}-{tag}-linux")
        fits = {other: WHEEL.fit(artifact, row(other), new_context()) for other in PYTHONS}
        assert [other for other, rank in fits.items() if rank is not None] == [name]
        assert 0 <= (fits[name] or 0) < PURE
        assert ask(environment(name, artifact), "import native; print(native.answer())") == "42"
    assert len({artifact.digest for artifact in wheels.values()}) == 3


def test_a_wheel_of_the_stable_abi_is_built_once_and_fits_all_later(
    write: Trees, new_context: Contexts, package: Packages, row: Rows, environment: Callable[..., str]
) -> None:
    artifact = WHEEL.build(package(write(native(limited=True))), row("py311"), None, new_context())
    assert artifact.facts["tags"].startswith("cp311-abi3-linux")
    ranks = [WHEEL.fit(artifact, row(name), new_context()) for name in PYTHONS]
    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    assert WHEEL.fit(artifact, row("py310"), new_context()) is None
    assert ask(environment("py313", artifact), "import native; print(native.answer())") == "42"


@pytest.mark.parametrize("files", [HATCHLING, FLIT, SETUPTOOLS_PURE], ids=["hatchling", "flit", "setuptools"])
def test_pure_projects_of_every_backend(
    files: Mapping[str, str], write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write(files)
    wheel = WHEEL.build(package(root), row("py312"), None, new_context())
    sdist = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    assert (wheel.name.replace("_", "-"), wheel.version) == ("pure-thing", "1.2")
    assert wheel.facts == {"tags": "py3-none-any", "requires_python": ">=3.12"}
    assert (sdist.name.replace("_", "-"), sdist.facts["requires_python"]) == ("pure-thing", ">=3.12")
    for artifact in (wheel, sdist):
        assert "Provides-Extra: test" in artifact.requirements
        assert "packaging>=20" in artifact.requirements
    assert [WHEEL.fit(wheel, row(name), new_context()) for name in PYTHONS] == [None, PURE, PURE]
    assert [SDIST.fit(sdist, row(name), new_context()) for name in PYTHONS] == [None, 0, 0]


@pytest.mark.parametrize("files", [HATCHLING, FLIT, SETUPTOOLS_PURE], ids=["hatchling", "flit", "setuptools"])
def test_a_digest_follows_the_content_with_every_backend(
    files: Mapping[str, str], write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write(files)

    def digests() -> set[str]:
        sdist = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
        wheel = WHEEL.build(package(root), row("py312"), None, new_context())
        through = WHEEL.build(package(root, source="sdist"), row("py312"), sdist, new_context())
        assert wheel.digest == through.digest
        return {sdist.digest, wheel.digest}

    first = digests()
    os.utime(root / "src" / "pure_thing" / "__init__.py", (0, 2_000_000_000))
    assert digests() == first
    (root / "src" / "pure_thing" / "__init__.py").write_text("answer = 43\n")
    assert not digests() & first


@pytest.mark.parametrize("files", [HATCHLING, FLIT, SETUPTOOLS_PURE], ids=["hatchling", "flit", "setuptools"])
def test_an_editable_follows_the_tree(
    files: Mapping[str, str],
    write: Trees,
    new_context: Contexts,
    package: Packages,
    row: Rows,
    environment: Callable[..., str],
) -> None:
    root = write(files, "some where")
    artifact = EDITABLE.build(package(root), row("py312"), None, new_context())
    assert artifact.kind == "editable"
    python = environment("py312", artifact)
    question = "import pure_thing; print(pure_thing.answer, pure_thing.__file__)"
    assert ask(python, question) == f"42 {root / 'src' / 'pure_thing' / '__init__.py'}"
    (root / "src" / "pure_thing" / "__init__.py").write_text("answer = 43000\n")
    assert ask(python, question).startswith("43000 ")


@pytest.mark.parametrize("files", [HATCHLING, FLIT, SETUPTOOLS_PURE], ids=["hatchling", "flit", "setuptools"])
def test_kerns_own_folder_is_never_packed(
    files: Mapping[str, str], write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write(files)
    first = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    write({".kern/envs/py312/secret.py": ""})
    again = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    assert again.digest == first.digest


def test_the_stand_in_for_a_backend_is_seen_by_nobody(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    look = """
        import os, sys
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface

        class Look(BuildHookInterface):
            def initialize(self, version, build_data):
                print("seen:", "PYTHONPATH" in os.environ, any("shims" in path for path in sys.path))
        """
    text = HATCHLING["pyproject.toml"].rstrip() + "\n        [tool.hatch.build.hooks.custom]\n"
    root = write({**HATCHLING, "pyproject.toml": text, "hatch_build.py": look})
    context = new_context()
    WHEEL.build(package(root), row("py312"), None, context)
    assert "seen: False False" in Path(context.work_dir, "step.log").read_text()


def test_a_module_that_was_deleted_is_not_in_the_next_wheel(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write({**SETUPTOOLS_PURE, "src/pure_thing/gone.py": ""})
    WHEEL.build(package(root), row("py312"), None, new_context())
    (root / "src" / "pure_thing" / "gone.py").unlink()
    artifact = WHEEL.build(package(root), row("py312"), None, new_context())
    with zipfile.ZipFile(artifact.path) as archive:
        assert not any("gone" in name for name in archive.namelist())
    assert not (root / "build").exists()


def test_a_project_with_setup_py_alone(write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    root = write(
        {
            "setup.py": "from setuptools import setup\nimport helper\nsetup(name='old', version=helper.version, py_modules=['old'])\n",
            "helper.py": "version = '0.1'\n",
            "old.py": "",
        }
    )
    artifact = WHEEL.build(package(root), row("py312"), None, new_context())
    assert (artifact.name, artifact.version, artifact.facts["tags"]) == ("old", "0.1", "py3-none-any")
    (root / "MANIFEST.in").write_text("include helper.py\n")
    sdist = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    again = WHEEL.build(package(root, source="sdist"), row("py312"), sdist, new_context())
    with zipfile.ZipFile(again.path) as archive:
        assert "old.py" in archive.namelist()


@pytest.mark.parametrize("name", ["py38", "py39"])
def test_older_pythons_build_too(name: str, write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    files = {
        "setup.py": "from setuptools import setup\nsetup(name='old', version='0.1', py_modules=['old'])\n",
        "old.py": "",
    }
    artifact = WHEEL.build(package(write(files)), row(name), None, new_context())
    assert artifact.facts["tags"] == "py3-none-any"


def test_what_setup_py_asks_for_is_there(write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    text = "from setuptools import setup\ntry:\n    import flit_core\n    found = '1'\nexcept ImportError:\n    found = '0'\n"
    text += "setup(name='asking', version=found, setup_requires=['flit_core'], py_modules=[])\n"
    root = write({"pyproject.toml": SETUPTOOLS, "setup.py": text})
    assert WHEEL.build(package(root), row("py312"), None, new_context()).version == "1"


def test_a_failing_setup_py_shows_its_last_lines(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write(
        {"pyproject.toml": SETUPTOOLS, "setup.py": "print('before')\nraise SystemExit('no libwidget found')\n"}
    )
    with pytest.raises(StepFailed, match=r"setuptools\.build_meta failed in get_requires_for_build_wheel") as caught:
        WHEEL.build(package(root), row("py312"), None, new_context())
    assert "no libwidget found" in caught.value.tail
    assert "no libwidget found" in Path(caught.value.log).read_text()


def test_a_failing_compiler_shows_its_last_lines(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write({**native(), "native.c": "#error no widget here\n"})
    with pytest.raises(StepFailed, match="failed in build_wheel") as caught:
        WHEEL.build(package(root), row("py312"), None, new_context())
    assert "no widget here" in Path(caught.value.log).read_text()


def test_the_python_that_runs_the_tests_is_left_alone(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    before = sorted(os.listdir(os.path.join(sys.prefix, "bin")))
    WHEEL.build(package(write(FLIT)), row("py"), None, new_context())
    assert sorted(os.listdir(os.path.join(sys.prefix, "bin"))) == before
