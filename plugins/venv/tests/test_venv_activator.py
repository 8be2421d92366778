from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kern.api import API, Activation, EnvSpec
from kern_venv.activator import VenvActivator
from kern_venv.adopter import VenvAdopter
from kern_venv.provider import VenvProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern_venv.interpreters import Interpreter


def applied(activation: Activation, environ: dict[str, str]) -> dict[str, str]:
    result = {key: value for key, value in environ.items() if key not in activation.delta.unset}
    result |= activation.delta.set
    for key, values in activation.delta.prepend.items():
        result[key] = os.pathsep.join([*values, result.get(key, "")])
    return result


def test_commands_run_in_the_environment(context: Any, make_spec: Callable[..., EnvSpec]) -> None:
    spec = make_spec("py", location="é env")
    environment = VenvProvider().provision(spec, context)
    with VenvActivator().activate(environment, context) as activation:
        environ = applied(activation, {"PATH": os.environ["PATH"], "PYTHONHOME": "/nowhere"})
    said = subprocess.run(
        ["sh", "-c", "python -c 'import sys; print(sys.prefix)'"], env=environ, capture_output=True, check=True
    )
    assert os.fsdecode(said.stdout).strip() == spec.location
    assert environ["VIRTUAL_ENV"] == spec.location
    assert activation.prefix == ()
    assert VenvActivator.api == API


def test_an_adopted_environment_is_never_changed(context: Any, make_spec: Callable[..., EnvSpec]) -> None:
    spec = make_spec("py")
    VenvProvider().provision(spec, context)
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in Path(spec.location).rglob("*"))
    ran = len(context.ran)
    for location in (spec.location, os.path.join(spec.location, "bin", "python"), os.path.join("..", "env")):
        found = VenvAdopter().adopt(location, context)
        assert found is not None
        adopted = found.environment
        assert adopted.location == spec.location
        assert adopted.interpreter == os.path.join(spec.location, "bin", "python")
        assert (adopted.activator, adopted.watch, adopted.facts["kind"]) == ("venv", (), "environment")
    assert sorted((str(path), path.lstat().st_mtime_ns) for path in Path(spec.location).rglob("*")) == before
    assert len(context.ran) == ran


def test_a_bare_interpreter_is_no_virtual_env(context: Any, interpreter: Callable[[str], Interpreter]) -> None:
    program = interpreter("py").path
    prefix = os.path.dirname(os.path.dirname(program))
    for location in (program, prefix):
        found = VenvAdopter().adopt(location, context)
        assert found is not None
        adopted = found.environment
        assert adopted.facts["kind"] == "interpreter"
        assert adopted.facts["version"].startswith("3.")
        with VenvActivator().activate(adopted, context) as activation:
            environ = applied(
                activation, {"PATH": "/usr/bin", "VIRTUAL_ENV": "/other", "VIRTUAL_ENV_PROMPT": "(other) "}
            )
        assert set(environ) == {"PATH"}
        assert environ["PATH"].split(os.pathsep)[0] == os.path.join(prefix, "bin")


def test_what_is_of_another_kind_is_left_to_others(context: Any, tmp_path: Path) -> None:
    (tmp_path / "conda/bin").mkdir(parents=True)
    (tmp_path / "conda/conda-meta").mkdir()
    (tmp_path / "conda/bin/python").write_text("\x7fELF")
    (tmp_path / "conda/bin/python").chmod(0o755)
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "half").mkdir()
    (tmp_path / "half/pyvenv.cfg").touch()
    for name in ("conda", "tool", "half", "absent", "."):
        assert VenvAdopter().adopt(str(tmp_path / name), context) is None
