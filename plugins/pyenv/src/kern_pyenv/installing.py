"""Having pyenv install a version that an environment asks for: only where the user said so, one at a time.

``pyenv install`` takes archives from its cache or from a mirror where its own variables (``PYTHON_BUILD_*``) say so; they
are passed on. A file beside the version says that kern is installing it. It is locked for that time; if it is there
and free, whoever made it was killed, and what it left behind is half an installation.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_pyenv.availability import find_obstacle, find_pyenv, missing_version
from kern_pyenv.finding import find, forget, root_to_install, to_install, wishes_of
from kern_pyenv.naming import is_name
from kern_pyenv.roots import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context, EnvSpec
    from kern_pyenv.finding import Wishes
    from kern_venv.api import Interpreter

_PATIENCE = 0.2


def provide(spec: EnvSpec, context: Context) -> Interpreter:
    """Find the interpreter of an environment, or have it installed.

    Raises:
        StepFailed: there is none, and it may not or could not be installed.
    """
    found = find(spec, context.environ)
    if found is not None:
        return found
    wishes = wishes_of(spec, context.environ)
    obstacle = find_obstacle(spec, context)
    if obstacle is not None:
        raise StepFailed(obstacle.reason, where=spec.name, hint=obstacle.hint)
    _install(wishes, context)
    forget()
    found = find(spec, context.environ)
    if found is None:
        missing = missing_version(wishes, context.environ)
        raise StepFailed(f"pyenv install ended well, but {missing.reason}", where=spec.name, hint=missing.hint)
    return found


def _install(wishes: Wishes, context: Context) -> None:
    root, program = root_to_install(wishes), find_pyenv(wishes, context.environ)
    environ = _environ(root, context.environ)
    versions = os.path.join(root, "versions")
    _make_folder(versions)
    name = _full_name(program, to_install(wishes), root, environ, context)
    with context.lock("install"), _marked(os.path.join(versions, MARK + name), context) as interrupted:
        place = os.path.join(versions, name)
        if interrupted:
            context.say(f"{place} is half an installation, so it is removed")
            _remove(place)
        if os.path.isdir(os.path.join(place, "bin")):
            return  # another kern was quicker
        if os.path.lexists(place):
            raise StepFailed(f"{place} is there, but holds no interpreter", where=place, hint="is it still needed?")
        _run(Command(argv=(program, "install", "--skip-existing", name), cwd=root, environ=environ), place, context)


def _run(command: Command, place: str, context: Context) -> None:
    """Install; whatever ends it early, nothing half-made stays."""
    try:
        context.run(command)
    except StepFailed as error:
        _remove(place)
        message = f"pyenv could not install {os.path.basename(place)}{_reason(error.tail)}"
        raise StepFailed(message, where=error.where, hint=_hint(error.tail), log=error.log, tail=error.tail) from None
    except BaseException:
        _remove(place)
        raise


def _reason(tail: str) -> str:
    said = (line.strip().removeprefix("error: ") for line in tail.splitlines() if line.strip().startswith("error: "))
    return next((f": {line}" for line in said), "")


def _hint(tail: str) -> str:
    if "failed to download" in tail:
        return "put the archive into the folder cache of pyenv's root, or name a mirror in PYTHON_BUILD_MIRROR_URL"
    if "definition not found" in tail:
        return "pyenv install --list shows the versions that this pyenv knows; a newer pyenv knows more"
    return "pyenv's page on build problems: https://github.com/pyenv/pyenv/wiki/Common-build-problems"


def _environ(root: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Give pyenv its root, and no selection of the user's: a version that is not there would stop it."""
    kept = {name: value for name, value in environ.items() if name not in ("PYENV_VERSION", "PYENV_DIR")}
    return {**kept, "PYENV_ROOT": root}


def _full_name(program: str, name: str, root: str, environ: Mapping[str, str], context: Context) -> str:
    """Ask pyenv which version a prefix stands for among those that it could install."""
    command = Command(argv=(program, "latest", "--known", name), cwd=root, environ=environ, timeout=120.0)
    completed = context.run(command, check=False, echo=False)
    answer = completed.stdout.strip()
    return answer if completed.exit_code == 0 and is_name(answer) else name


@contextmanager
def _marked(path: str, context: Context) -> Iterator[bool]:
    """Hold the file that says that a version is being installed; gives whether somebody was killed doing so."""
    descriptor, interrupted = _take(path, context)
    try:
        os.write(descriptor, b"kern is installing this version\n")
        yield interrupted
    finally:
        os.unlink(path)
        os.close(descriptor)


def _take(path: str, context: Context) -> tuple[int, bool]:
    """Open and lock a file, which another process may be taking away just then."""
    import time
    from fcntl import LOCK_EX, LOCK_NB, flock

    said = False
    while True:
        descriptor = _open(path)
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
            if _is_same(descriptor, path):
                return descriptor, os.fstat(descriptor).st_size > 0
        except BlockingIOError:
            if not said:
                context.say(f"waiting for another kern to install {path.rpartition(MARK)[2]}")
            said = True
            time.sleep(_PATIENCE)
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise StepFailed(f"nothing can be installed in {os.path.dirname(path)}: {error.strerror}", where=path) from None


def _is_same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise StepFailed(f"{path} can't be made: {error.strerror}", where=path) from None


def _remove(place: str) -> None:
    from shutil import rmtree

    if os.path.islink(place):
        os.unlink(place)
    else:
        rmtree(place, ignore_errors=True)
