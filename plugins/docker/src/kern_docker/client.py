"""A program of its own: run one command in a kept container, in this directory, with these variables.

The engines' own ``exec`` passes no signal on, and knows neither the directory nor the variables of who calls it. So this
stands between: ``python client.py ENGINE CONTAINER PATH DIRECTORY FACTS COMMAND...``, where FACTS is JSON: the variables of
the engine, and what those that mean something on the host alone are there, as checksums. It says a signal that it gets to
the command inside, and ends with the command's exit code. Standard library only, and nothing heavy: it starts with each command.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import zlib

TYPE_CHECKING = False  # typing itself is heavy
if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER = ("PATH", "PWD", "OLDPWD", "SHLVL", "_")
"""Variables that are the container's own in any case."""
HOST = (
    *("HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME", "MAIL", "TERMINFO"),
    *("TMPDIR", "TEMP", "TMP", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"),
    *("GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "NETRC", "REGISTRY_AUTH_FILE", "PIP_CONFIG_FILE"),
)
"""Variables that mean something on the host alone: paths, and who the user is there. With another value they go inside."""
HOST_PREFIXES = ("XDG_", "LD_", "DYLD_", "NIX_", "DOCKER_", "CONTAINER_", "CONTAINERS_", "SSH_", "DBUS_")
LOADER = ("LD_", "DYLD_")
"""How the names of those begin that would change the engine's own program."""
MARKED = 'echo $$ > "$1" && shift && exec "$@"'
"""Inside: write down the number of the command, then become it."""
PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Inside:
    """Where a command runs: the engine and its variables, the container, and the file with the command's number."""

    def __init__(self, engine: str, container: str, note: str, environ: dict[str, str]) -> None:
        """Keep them together."""
        self.engine, self.container, self.note, self.environ = engine, container, note, environ


def main(words: list[str]) -> int:
    """Run the command; the exit code is its own."""
    engine, container, path, place, facts, *command = words
    own, host = json.loads(facts)["own"], json.loads(facts)["host"]
    note = os.path.join(place, f"command.{container}.{os.getpid()}")
    argv = [
        *(engine, "exec", *attached(), "-w", os.getcwd(), *variables(os.environ, host), "-e", f"PATH={path}"),
        *(container, "sh", "-c", MARKED, "sh", note, *command),
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(LOADER)} | own
    inside = Inside(engine, container, note, environ)
    told: list[int] = []

    def pass_on(number: int, _: object) -> None:
        told.append(number)
        tell(inside, number)

    for number in PASSED:
        signal.signal(number, pass_on)
    if os.isatty(0):
        child = os.posix_spawn(engine, argv, environ)
    else:  # in a group of its own: a signal to this one's group is said to the command inside, not to the engine
        child = os.posix_spawn(engine, argv, environ, setpgroup=0)
    try:
        code = wait(child)
        if told:  # what it started in the background ignores SIGINT, and is not to outlive it
            tell(inside, signal.SIGKILL)
        return code
    finally:
        if os.path.exists(note):
            os.unlink(note)


def attached() -> list[str]:
    """Flags that hand standard input on, where there is any, and the terminal."""
    if os.isatty(0):
        return ["-i", "-t"] if os.isatty(1) else ["-i"]
    try:
        nothing = os.path.sameopenfile(0, os.open(os.devnull, os.O_RDONLY))
    except OSError:
        nothing = True
    return [] if nothing else ["-i"]


def hidden(name: str) -> bool:
    """Whether a variable means something on the host alone."""
    return name in NEVER or name in HOST or name.startswith(HOST_PREFIXES)


def variables(environ: Mapping[str, str], host: Mapping[str, int]) -> list[str]:
    """Flags for the variables that go inside; the engine reads most values from its own environment.

    Args:
        environ: the variables of the command.
        host: checksums of those of the host that are `hidden`.
    """
    words = []
    for name, value in sorted(environ.items()):
        if not hidden(name):
            words += ["-e", name]
        elif name not in NEVER and host.get(name) != zlib.crc32(os.fsencode(value)):
            words += ["-e", f"{name}={value}"]
    return words


def tell(inside: Inside, number: int) -> None:
    """Say a signal to the command inside, and to its group; after SIGTERM it has a moment, since kern's next is SIGKILL."""
    try:
        with open(inside.note, encoding="ascii") as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return  # it has not begun, or is over
    line = f"kill -{number} -{pid} 2>/dev/null || kill -{number} {pid} 2>/dev/null"
    if number == signal.SIGTERM:
        line = f"{line}; sleep 0.3; kill -9 -{pid} 2>/dev/null"
    argv = [inside.engine, "exec", inside.container, "sh", "-c", line]
    wait(os.posix_spawn(inside.engine, argv, inside.environ, setpgroup=0))


def wait(pid: int) -> int:
    """The exit code of a child."""
    while True:
        try:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except InterruptedError:
            continue
        except ChildProcessError:
            return 0
        return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
