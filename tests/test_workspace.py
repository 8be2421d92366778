"""The repository itself: every tool sees every package, every module keeps to its budget, nothing names one machine."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
PACKAGES = ("core/src/kern", *(f"plugins/{name}/src/kern_{name}" for name in PLUGINS))
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGER: tuple[str, ...] = ()
"""Longer than the budget by decision, each with its reason."""
LINES = 300
FUNCTION_LINES = 50
NESTING = 4
NESTED = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar, ast.Match, ast.AsyncFor, ast.AsyncWith)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def ran(*argv: str) -> str:
    """What a command prints in the repository; it must be good."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{argv} -> {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def tracked() -> list[str]:
    """The files of the repository; where git does not know them, those that lie there."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    said = ran(git, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in said.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def collected() -> str:
    """What pytest finds below the folders of all packages."""
    return ran(sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "core", "plugins")


@pytest.mark.parametrize("folder", ["core/tests", *(f"plugins/{name}/tests" for name in PLUGINS)])
def test_pytest_finds_the_tests_of_every_package(folder: str, collected: str) -> None:
    """pytest leaves out folders called venv or build, unless it is told not to."""
    files = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("test_*.py")}
    assert {line.partition("::")[0] for line in names_in(collected, folder)} == files


def names_in(said: str, folder: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(f"{folder}/") and "::" in line]


def test_the_example_needs_nothing_of_kerns_own_tests() -> None:
    """Its environments have pytest and no more; a ``conftest.py`` above it would be imported there."""
    code = "import sys; sys.modules['hypothesis'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    example = ROOT / "examples" / "hello"
    environ = {**os.environ, "PYTHONPATH": str(example / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    argv = [sys.executable, "-c", code, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*argv, "tests"], cwd=example, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/test_hello.py::" in done.stdout


def test_no_two_test_files_have_one_name() -> None:
    names = [path.name for folder in ("core", "plugins", "tests") for path in (ROOT / folder).rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("package", PACKAGES)
def test_ruff_looks_into_every_package(package: str) -> None:
    """ruff leaves out folders called venv, build or dist, unless it is told not to."""
    shown = {str(Path(line).resolve()) for line in ran(tool("ruff"), "check", "--show-files").splitlines()}
    there = {str(path.resolve()) for path in (ROOT / package).rglob("*.py")}
    assert there <= shown, sorted(there - shown)
    assert there


def test_git_ignores_no_source_file() -> None:
    known = set(tracked())
    there = {str(path.relative_to(ROOT)) for path in MODULES}
    assert there <= known, sorted(there - known)


def test_the_contracts_between_modules_are_kept() -> None:
    said = ran(tool("lint-imports"), "--no-cache")
    counts = re.search(r"Contracts: (\d+) kept, (\d+) broken", said)
    assert counts is not None, said
    assert int(counts[1]) >= 6
    assert int(counts[2]) == 0


def test_every_module_of_the_kernel_is_forbidden_to_plugins_or_theirs() -> None:
    """import-linter has to be told each of them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (plugins,) = (each for each in contracts if each["name"].startswith("plugins see"))
    kernel = ROOT / "core" / "src" / "kern"
    there = {path.stem for path in kernel.glob("*.py")} | {path.parent.name for path in kernel.glob("*/__init__.py")}
    theirs = {"__init__", "__main__", "api", "testing"}
    assert {f"kern.{name}" for name in there - theirs} == set(plugins["forbidden_modules"])


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]


def depth(node: ast.AST) -> int:
    """How many statements with a body are inside of each other; ``elif`` is no deeper than its ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTION, ast.ClassDef)):
            continue
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, NESTED) and not chained))
    return deepest


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_keeps_to_its_budget(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if str(path.relative_to(ROOT)) not in LONGER:
        assert len(text.splitlines()) <= LINES
    for function in functions(ast.parse(text)):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{function.name} in line {function.lineno} has {lines} lines"
        assert depth(function) <= NESTING, f"{function.name} in line {function.lineno} is nested {depth(function)} deep"


def test_no_file_names_the_folders_of_one_machine() -> None:
    """Put together here, so that this file does not hold what it looks for."""
    folders = {"/ro" + "ot/", "/wo" + "rk/", f"{Path.home()}/"} - {"//"}
    named = re.compile(rb"(?<![\w.\])}>-])(" + b"|".join(re.escape(folder.encode()) for folder in folders) + b")")
    assert named.search(("cd /wo" + "rk/main").encode())
    assert not named.search(("{tmp_path}/wo" + "rk/envs and elsewhere/wo" + "rk/envs").encode())
    found = []
    for name in tracked():
        for match in named.finditer((ROOT / name).read_bytes()):
            found.append(f"{name}: {match.string[match.start() : match.end() + 30]!r}")
    assert found == []
