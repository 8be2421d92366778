from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import sys_tags

from kern.errors import StepFailed
from kern_venv import tags
from kern_venv.interpreters import Interpreter
from kern_venv.tags import target_tags

Find = Callable[[str], Interpreter]


@pytest.fixture(autouse=True)
def forget() -> None:
    tags._cache.clear()


def words(interpreter: Interpreter, context: Any) -> list[str]:
    return list(map(str, target_tags(interpreter, context)))


def test_the_running_interpreters_tags_are_those_it_says_itself(context: Any, interpreter: Find) -> None:
    assert target_tags(interpreter("py"), context) == list(sys_tags())
    assert context.ran == []


@pytest.mark.parametrize("wanted", ["py36", "py37", "py38", "py39", "py310", "py312", "py313", "py314"])
def test_another_interpreters_tags_are_those_that_its_pip_says(
    wanted: str, context: Any, interpreter: Find, tmp_path: Path
) -> None:
    from kern.api import Command

    found = interpreter(wanted)
    minor = f"{found.version[0]}{found.version[1]}"
    soabi = context.run(
        Command(argv=(found.path, "-c", "import sysconfig; print(sysconfig.get_config_var('SOABI'))")), echo=False
    ).stdout
    abi = "cp" + soabi.split("-")[1]
    ours = words(found, context)
    assert ours[0].startswith(f"cp{minor}-{abi}-")
    assert f"cp{minor}-none-any" in ours
    assert "py3-none-any" in ours
    assert any(tag.startswith("cp36-abi3-") for tag in ours)
    assert not any(tag.startswith(f"cp{found.version[0]}{found.version[1] + 1}-") for tag in ours)
    assert len(context.ran) == 1


def test_the_build_without_a_lock_takes_no_stable_abi_and_no_other_builds_wheels(
    context: Any, interpreter: Find
) -> None:
    threaded = interpreter("py")._replace(version=(3, 13, 0), free_threaded=True, identity="t")
    ours = words(threaded, context)
    assert ours[0].startswith("cp313-cp313t-")
    assert not any("-abi3-" in tag or "-cp313-" in tag for tag in ours)
    assert "py3-none-any" in ours


def test_python_2_is_asked_once(context: Any, interpreter: Find) -> None:
    found = interpreter("py27")
    first = words(found, context)
    assert first[0].startswith(("cp27-cp27mu-", "cp27-cp27m-"))
    tags._cache.clear()
    assert words(found, context) == first
    assert len(context.ran) == 1


def test_pypy_is_asked_once_and_the_answer_kept(context: Any, tmp_path: Path) -> None:
    program = tmp_path / "pypy3.10"
    answer = {"soabi": "pypy310-pp73-x86_64-linux-gnu", "wide": "", "version": [3, 10, 14]}
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(answer)!r})\n")
    program.chmod(0o755)
    pypy = Interpreter(str(program), "pypy", (3,), free_threaded=False, identity="pypy one")
    ours = words(pypy, context)
    assert ours[0].startswith("pp310-pypy310_pp73-")
    assert "pp3-none-any" in ours
    assert "py310-none-any" in ours
    tags._cache.clear()
    program.unlink()
    assert words(pypy, context) == ours
    (kept,) = os.listdir(context.cache_dir)
    Path(context.cache_dir, kept).write_text("half")
    tags._cache.clear()
    with pytest.raises(StepFailed):
        words(pypy, context)


def test_an_interpreter_that_does_not_answer_is_said(context: Any, tmp_path: Path) -> None:
    program = tmp_path / "pypy3"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    pypy = Interpreter(str(program), "pypy", (3,), free_threaded=False, identity="pypy two")
    with pytest.raises(StepFailed, match="exit code 3"):
        target_tags(pypy, context)
