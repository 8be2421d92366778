"""What ``deps`` may hold: requirements, ``-r`` and ``-c`` files with all that they include, and local paths.

Read by the rules of pip's requirements file format (https://pip.pypa.io/en/stable/reference/requirements-file-format):
a file named in a file is relative to that file, a local path is relative to the project.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REQUIREMENT = "requirement"
FILE = "file"
CONSTRAINT = "constraint"
EDITABLE = "editable"
PATH = "path"
OPTION = "option"

_OPTIONS = (
    (FILE, ("-r", "--requirement", "--requirements")),
    (CONSTRAINT, ("-c", "--constraint", "--constraints")),
    (EDITABLE, ("-e", "--editable")),
)
_ARCHIVES = (".whl", ".tar.gz", ".zip")
_LEFT_OUT = frozenset(("__pycache__", "build", "dist", "node_modules"))
_METADATA_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


class Entry(NamedTuple):
    """One entry of ``deps`` or one line of a requirements file: which kind, and its value without the option."""

    kind: str
    value: str


def parse_entry(text: str) -> Entry:
    """Tell what an entry is: a requirement, a file, a constraint file, an editable, a path or another option."""
    text = text.strip()
    for kind, names in _OPTIONS:
        value = _option_value(text, names)
        if value is not None:
            return Entry(kind, value)
    if text.startswith("-"):
        return Entry(OPTION, text)
    return Entry(PATH if _is_local(text) else REQUIREMENT, text)


def located(entry: Entry, folder: str) -> str:
    """Make the value of an entry absolute where it is a place on this machine."""
    value = entry.value
    if entry.kind not in (FILE, CONSTRAINT, EDITABLE, PATH) or is_url(value):
        return value
    return os.path.normpath(os.path.join(folder, os.path.expanduser(value)))


def is_url(text: str) -> bool:
    """Whether a value names something that is not a path of this machine."""
    return "://" in text or text.startswith("file:") or " @ " in text


def contents(texts: Sequence[str], project_dir: str, origin: str) -> dict[str, str]:
    """Read everything on this machine that entries depend on.

    Args:
        texts: entries of ``deps``.
        project_dir: what they are relative to.
        origin: the key that holds them, for messages.

    Returns:
        Path (relative to the project, where it is inside) to content; for the tree of a local path, a digest.

    Raises:
        ConfigError: a file does not exist or can't be read.
    """
    found: dict[str, str] = {}
    _collect(texts, project_dir, project_dir, origin, found)
    return found


def read_file(path: str, origin: str) -> str:
    """Read a file that the configuration names.

    Raises:
        ConfigError: with a did-you-mean, if there is no such file.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        raise ConfigError(
            f"{origin} names {path}, which does not exist", where=origin, hint=similar_path(path)
        ) from None
    except OSError as error:
        raise ConfigError(f"{origin} names {path}, which can't be read: {error.strerror}", where=origin) from None


def logical_lines(text: str) -> Iterator[str]:
    """Split a requirements file into lines that mean something: continued ones joined, comments left out."""
    pending = ""
    for raw in text.splitlines():
        line = pending + raw
        pending = ""
        if line.endswith("\\"):
            pending = line[:-1]
            continue
        stripped = _without_comment(line)
        if stripped:
            yield stripped
    if _without_comment(pending):
        yield _without_comment(pending)


def without_extras(path: str) -> str:
    """Take ``[extra]`` from the end of a path."""
    return path.rpartition("[")[0] if path.endswith("]") and "[" in path else path


def _collect(texts: Sequence[str], folder: str, project_dir: str, origin: str, found: dict[str, str]) -> None:
    for text in texts:
        entry = parse_entry(text)
        if entry.kind in (FILE, CONSTRAINT) and not is_url(entry.value):
            _collect_file(located(entry, folder), project_dir, origin, found)
        elif entry.kind in (EDITABLE, PATH) and not is_url(entry.value):
            path = without_extras(located(entry, project_dir))
            found[_shown(path, project_dir)] = _tree(path, origin, editable=entry.kind == EDITABLE)


def _collect_file(path: str, project_dir: str, origin: str, found: dict[str, str]) -> None:
    shown = _shown(path, project_dir)
    if shown in found:
        return
    found[shown] = text = read_file(path, origin)
    lines = [line for line in logical_lines(text) if line[0] in "-./~" or line.endswith((*_ARCHIVES, "]"))]
    _collect(lines, os.path.dirname(path), project_dir, shown, found)


def _shown(path: str, project_dir: str) -> str:
    inside = path.startswith(os.path.join(project_dir, ""))
    return path[len(project_dir) :].lstrip(os.sep) if inside else path


def _tree(path: str, origin: str, *, editable: bool) -> str:
    if os.path.isfile(path):
        status = os.stat(path)
        return f"{status.st_size}:{status.st_mtime_ns}"
    if not os.path.isdir(path):
        raise ConfigError(f"{origin} names {path}, which does not exist", where=origin, hint=similar_path(path))
    if editable:
        known = (os.path.join(path, name) for name in _METADATA_FILES)
        return "\0".join(read_file(name, origin) for name in known if os.path.isfile(name))
    from hashlib import sha256

    return sha256("\0".join(_walk(path)).encode("utf-8", "surrogateescape")).hexdigest()


def _walk(directory: str) -> Iterator[str]:
    """List the files of a source tree with size and time; what tools leave behind there is not listed."""
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.name in _LEFT_OUT or entry.name.endswith(".egg-info"):
                continue
            if not entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield f"{entry.path}:{status.st_size}:{status.st_mtime_ns}"
            elif not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from _walk(entry.path)


def _option_value(text: str, names: Sequence[str]) -> str | None:
    for name in names:
        rest = text[len(name) :]
        if not text.startswith(name):
            continue
        if rest[:1] in ("", " ", "\t", "=") or not name.startswith("--"):
            return _unquoted(rest.lstrip(" \t=").strip())
    return None


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _is_local(text: str) -> bool:
    if is_url(text):
        return False
    return text.startswith(("./", "../", "/", "~/")) or without_extras(text) in (".", "..") or text.endswith(_ARCHIVES)


def _without_comment(line: str) -> str:
    line = line.strip()
    return "" if line.startswith("#") else line.partition(" #")[0].strip()


def similar_path(path: str) -> str:
    """Ask ``did you mean ...?`` for a path that is not there; empty where nothing beside it has such a name."""
    from difflib import get_close_matches

    try:
        names = os.listdir(os.path.dirname(path))
    except OSError:
        return ""
    close = get_close_matches(os.path.basename(path), names, 1)
    return f"did you mean {close[0]!r}?" if close else ""
