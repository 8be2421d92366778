from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kern.api import Artifact, Command, EnvSpec
from kern.errors import ConfigError, StepFailed
from kern_venv.locks import check_lock
from kern_venv.provider import VenvProvider

Make = Callable[..., Path]
provider = VenvProvider()


def lock_of(*wheels: Path, wrong: bool = False) -> str:
    text = 'lock-version = "1.0"\ncreated-by = "test"\n'
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(b"other" if wrong else wheel.read_bytes()).hexdigest()
        text += f'[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        text += f'wheels = [{{ name = "{wheel.name}", path = "{wheel}", hashes = {{ sha256 = "{digest}" }} }}]\n'
    return text


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_lock_is_all_that_an_environment_gets(
    installer: str,
    context: Any,
    make_spec: Callable[..., EnvSpec],
    make_wheel: Make,
    as_artifact: Callable[..., Artifact],
) -> None:
    make_wheel("leaf", "2.0")
    spec = make_spec("py", pylock="pylock.test.toml", installer=installer)
    Path(spec.project_dir, "pylock.test.toml").write_text(lock_of(make_wheel("leaf", "1.0")))
    before = provider.fingerprint(spec, context)
    environment = provider.provision(spec, context)
    for number in (1, 2):
        tested = make_wheel("tested", requires=("leaf>=2", "absent"), body=f"N = {number}\n")
        got = provider.install(spec, environment, [as_artifact(tested)], context)
        assert (got["leaf"], got["tested"], got.get("absent")) == ("1.0", "1.0", None)
        code = Command(argv=(environment.interpreter or "", "-c", "import tested; print(tested.N)"))
        assert context.run(code).stdout.strip() == str(number)
    Path(spec.project_dir, "pylock.test.toml").write_text(lock_of(make_wheel("leaf", "2.0")))
    assert provider.fingerprint(spec, context) != before


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_hash_that_does_not_match_is_refused(
    installer: str, context: Any, make_spec: Callable[..., EnvSpec], make_wheel: Make
) -> None:
    spec = make_spec("py", pylock="pylock.toml", installer=installer)
    Path(spec.project_dir, "pylock.toml").write_text(lock_of(make_wheel("leaf"), wrong=True))
    environment = provider.provision(spec, context)
    with pytest.raises(StepFailed):
        provider.install(spec, environment, [], context)


def test_a_pip_that_is_too_old_for_locks_is_said(
    context: Any, make_spec: Callable[..., EnvSpec], make_wheel: Make
) -> None:
    spec = make_spec("py", pylock="pylock.toml", installer="pip")
    Path(spec.project_dir, "pylock.toml").write_text(lock_of(make_wheel("leaf")))
    environment = provider.provision(spec, context)
    (folder,) = Path(spec.location).glob("lib/*/site-packages/pip-*.dist-info")
    folder.rename(folder.with_name("pip-24.0.dist-info"))
    with pytest.raises(StepFailed, match=r"pip 24\.0 can't install a lock file"):
        provider.install(spec, environment, [], context)


@pytest.mark.parametrize("name", ["pylock.toml", "sub/pylock.dev.toml"])
def test_names_of_locks(name: str) -> None:
    check_lock(SimpleNamespace(pylock=name, deps=(), dependency_groups=(), constraints=()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["lock.toml", "pylock.a.b.toml", "pylock..toml", "pylock.json", "pylockx.toml", "uv.lock"]
)
def test_names_that_installers_don_t_take_for_locks(name: str) -> None:
    options = SimpleNamespace(pylock=name, deps=(), dependency_groups=(), constraints=())
    with pytest.raises(ConfigError, match="must be called"):
        check_lock(options)  # type: ignore[arg-type]
