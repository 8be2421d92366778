"""The three builders on a project with a backend of its own: no network, nothing installed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import ConfigError, StepFailed
from kern_wheel.editable import EditableBuilder
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from kern.api import Builder
    from plugins.wheel.tests.conftest import Contexts, Packages, Rows, Trees


SDIST, WHEEL, EDITABLE = SdistBuilder(), WheelBuilder(), EditableBuilder()


@pytest.mark.parametrize("name", ["project", "with spaces", "ünï-çødé %d 100%"])
def test_a_wheel_is_built_from_the_tree(
    name: str, in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    context = new_context()
    artifact = WHEEL.build(package(in_tree(name=name)), row("py312"), None, context)
    assert (artifact.kind, artifact.name, artifact.version) == ("wheel", "demo", "1.0")
    assert os.path.dirname(artifact.path) == context.output_dir
    assert artifact.facts["tags"] == "py3-none-any"
    assert context.hooks() == ["get_requires_for_build_wheel", "build_wheel"]


def test_the_rows_interpreter_builds(in_tree: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    look = "import sys\nimport own_backend\ndef build_wheel(*args):\n    print(sys.version_info[:2], sys.prefix)\n    return own_backend.build_wheel(*args)\n"
    root = in_tree({"tools/looking.py": look})
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text().replace('"own_backend"', '"looking"'))
    for minor in (11, 13):
        context = new_context()
        WHEEL.build(package(root), row(f"py3{minor}"), None, context)
        log = Path(context.work_dir, "step.log").read_text()
        assert f"(3, {minor}) {context.cache_dir}/build-environments/" in log


def test_hooks_see_the_build_environment_first_and_no_alien_modules(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    context = new_context()
    context.environ = {**context.environ, "PYTHONPATH": "/alien", "VIRTUAL_ENV": "/alien"}
    WHEEL.build(package(in_tree()), row("py312"), None, context)
    hook = context.commands[-1]
    assert hook.environ is not None
    assert hook.environ["PATH"].split(os.pathsep)[0] == os.path.dirname(hook.argv[0])
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & hook.environ.keys()


def test_config_settings_reach_the_backend(in_tree: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    artifact = WHEEL.build(package(in_tree(), tag="py2-none-any"), row("py312"), None, new_context())
    assert artifact.facts["tags"] == "py2-none-any"


def test_equal_content_has_an_equal_digest_whenever_it_is_built(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    for builder in (WHEEL, SDIST):
        first, again = (builder.build(package(root), row("py312"), None, new_context()) for _ in range(2))
        assert first.digest == again.digest
        (root / "src" / "demo.py").write_text(f"answer = '{builder.produces}'\n")
        assert builder.build(package(root), row("py312"), None, new_context()).digest != first.digest


def test_a_wheel_is_built_from_an_sdist_and_not_from_the_tree(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    sdist = SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    assert (sdist.kind, sdist.requirements) == ("sdist", ())
    (root / "src" / "demo.py").write_text("changed = True\n")
    context = new_context()
    artifact = WHEEL.build(package(root, source="sdist"), row("py312"), sdist, context)
    with zipfile.ZipFile(artifact.path) as archive:
        assert archive.read("demo.py") == b"answer = 42\n"
    assert all(str(command.cwd).startswith(context.work_dir) for command in context.commands[-2:])


def test_only_a_wheel_is_built_from_another_package(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    wheel = WHEEL.build(package(root), row("py312"), None, new_context())
    for builder in (SDIST, EDITABLE, WHEEL):
        with pytest.raises(ConfigError, match="can't be built from wheel"):
            builder.build(package(root, source="wheel"), row("py312"), wheel, new_context())


def test_kerns_own_folder_in_a_package_is_an_error(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    """This backend packs whatever it finds."""
    root = in_tree({".kern/envs/py312/secret": "", "src/.kernel": ""})
    with pytest.raises(StepFailed, match="packed kern's folder") as caught:
        SDIST.build(package(root, "sdist"), row("py312"), None, new_context())
    assert ".gitignore" in caught.value.hint


def test_builds_in_one_tree_take_turns(in_tree: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    root = in_tree()
    locks = []
    for name in ("py311", "py312"):
        context = new_context()
        WHEEL.build(package(root), row(name), None, context)
        locks += [each for each in context.locked if each.startswith("tree-")]
    assert len(locks) == 2
    assert len(set(locks)) == 1


def test_a_backend_without_editable_builds_is_named(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    with pytest.raises(StepFailed, match="own_backend can't make editable builds") as caught:
        EDITABLE.build(package(in_tree()), row("py312"), None, new_context())
    assert 'package = "wheel"' in caught.value.hint


def test_a_failing_backend_shows_its_last_lines_and_its_log(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree({"tools/own_backend.py": "def build_wheel(*args):\n    raise RuntimeError('the widget is gone')\n"})
    context = new_context()
    with pytest.raises(StepFailed, match="own_backend failed in build_wheel") as caught:
        WHEEL.build(package(root), row("py312"), None, context)
    assert context.hooks() == ["get_requires_for_build_wheel", "build_wheel"]
    assert "the widget is gone" in caught.value.tail
    assert "the widget is gone" in Path(caught.value.log).read_text()
    assert caught.value.where == str(root)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 'nothing.whl'", "no file that it made"),
        ("return '../own_backend.py'", "no file that it made"),
        ("return None", "no file that it made"),
        ("import os; os._exit(0)", "without an answer"),
        ("return object()", "failed in build_wheel"),
    ],
)
def test_a_backend_that_answers_nonsense_is_named(
    body: str, message: str, in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree({"tools/own_backend.py": f"def build_wheel(*args):\n    {body}\n"})
    with pytest.raises(StepFailed, match=message):
        WHEEL.build(package(root), row("py312"), None, new_context())


@pytest.mark.parametrize(("builder", "name"), [(WHEEL, "demo-1.0-py3-none-any.whl"), (SDIST, "demo-1.0.tar.gz")])
def test_a_backend_that_makes_no_archive_is_named(
    builder: Builder, name: str, in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    body = f"    open(a[0] + '/{name}', 'w').close()\n    return '{name}'\n"
    root = in_tree({"tools/own_backend.py": f"def build_wheel(*a):\n{body}\n\nbuild_sdist = build_wheel\n"})
    with pytest.raises(StepFailed, match="is damaged"):
        builder.build(package(root), row("py312"), None, new_context())


def test_extra_requirements_that_are_no_list_are_refused(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree({"tools/own_backend.py": "def get_requires_for_build_wheel(*args):\n    return 'text'\n"})
    with pytest.raises(StepFailed, match="no list"):
        WHEEL.build(package(root), row("py312"), None, new_context())


def test_a_backend_that_cannot_be_imported_is_named_with_its_key(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    (root / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "no_such_backend"\n')
    with pytest.raises(StepFailed, match="no_such_backend can't be imported") as caught:
        WHEEL.build(package(root), row("py312"), None, new_context())
    assert caught.value.where.endswith("pyproject.toml build-system")


def test_a_requirement_that_is_none_names_file_and_key(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    (root / "pyproject.toml").write_text('[build-system]\nrequires = ["--index-url=http://example.invalid"]\n')
    with pytest.raises(ConfigError, match="no requirement") as caught:
        WHEEL.build(package(root), row("py312"), None, new_context())
    assert caught.value.where.endswith("pyproject.toml build-system.requires")


def test_a_backends_warnings_are_in_the_log(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = in_tree()
    with open(root / "tools" / "own_backend.py", "a") as stream:
        stream.write(
            "import warnings\nold = build_wheel\ndef build_wheel(*a):\n    warnings.warn('watch out')\n    return old(*a)\n"
        )
    context = new_context()
    WHEEL.build(package(root), row("py312"), None, context)
    assert any("watch out" in line for line in context.said)


def test_a_missing_interpreter_is_said(in_tree: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    with pytest.raises(StepFailed, match="no Python interpreter"):
        WHEEL.build(package(in_tree()), row("py399"), None, new_context())


def test_a_python_too_old_for_any_backend_is_said(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    with pytest.raises(StepFailed, match=r"no build backend runs on Python 2\.7"):
        WHEEL.build(package(in_tree()), row("py27"), None, new_context())


def test_an_sdist_does_not_need_the_rows_interpreter(
    in_tree: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    for name in ("py399", "py36"):
        assert SDIST.build(package(in_tree(), "sdist"), row(name), None, new_context()).version == "1.0"
