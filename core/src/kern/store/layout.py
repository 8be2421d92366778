"""The work directory: its folders, and safe names in it.

It holds nothing but what kern makes, and a tag says so: a directory that somebody else keeps things in is refused.
Every write goes through descriptors of the folders on the way, none of which may be a symbolic link: a checkout that
somebody else made can't lead kern out of the work directory. The work directory itself may be a link, made by the user.
"""

from __future__ import annotations

import os

from kern.errors import KernError
from kern.store.files import PREFIX, create_file, failure, random_name, write_file

FOLDERS = ("envs", "records", "artifacts", "locks", "logs", "tmp", "trash")
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+@-")
_LONGEST_NAME = 150
_TRIES = 10
_DIGITS = 32
_HEX = frozenset("0123456789abcdef")
_WORK = DIRECTORY & ~os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
TAG = "CACHEDIR.TAG"
"""The file that says what a directory is for (https://bford.info/cachedir/)."""
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"
_MADE = b"# What is in here was made by kern and can be made again: https://bford.info/cachedir/\n"


def own_name(label: str = "") -> str:
    """A new name that says that kern made what has it: ``kern-[LABEL-]<32 hex>``."""
    return f"{PREFIX}{safe_name(label)[:60]}-{random_name()}" if label else PREFIX + random_name()


def is_own_name(name: str) -> bool:
    """Whether `own_name` gave this name: what has it may be deleted without further proof."""
    digits = name[-_DIGITS:]
    return (
        name.startswith(PREFIX) and name[:-_DIGITS][-1:] == "-" and len(digits) == _DIGITS and _HEX.issuperset(digits)
    )


def safe_name(name: str) -> str:
    """A file name for any text: different texts get different names, usual ones stay as they are.

    Args:
        name: any text but the empty one.

    Returns:
        One path component without a leading dot, at most 200 characters long.
    """
    if not name:
        raise KernError("a name is empty, so nothing can be stored under it")
    if len(name) <= _LONGEST_NAME and name[0] != "." and _PLAIN.issuperset(name):
        return name
    data = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in data)
    if text[0] == ".":
        text = "%2E" + text[1:]
    if len(text) <= _LONGEST_NAME:
        return text
    import hashlib

    return f"{text[:80]}%-{hashlib.blake2b(data, digest_size=20).hexdigest()}"


def environment_path(work: str, name: str) -> str:
    """Absolute path of the directory of the environment ``name``."""
    return os.path.join(work, "envs", one_component(name))


def artifact_path(work: str, key: str) -> str:
    """Absolute path of the directory of the artifact with ``key``."""
    return os.path.join(work, "artifacts", one_component(key))


def one_component(name: str) -> str:
    """The name itself, if it is one component of a path and stays where it is put.

    Raises:
        KernError: it is not.
    """
    if name in {"", ".", ".."} or "/" in name or os.sep in name or "\0" in name:
        raise KernError(f"{name!r} can't be the name of a folder", hint="choose a name without slashes")
    return name


def find_folder(work: str, *parts: str) -> int | None:
    """Open a folder below the work directory for reading; makes nothing.

    Returns:
        A descriptor for the caller to close, ``None`` if the folder is not there.

    Raises:
        KernError: it, or a folder above it, is a symbolic link or not a folder, or can't be opened.
    """
    return _walk(work, parts, make=False)


def make_folder(work: str, *parts: str) -> int:
    """Open a folder below the work directory, making what is missing on the way.

    Returns:
        A descriptor for the caller to close.

    Raises:
        StepFailed: the disk is full or read-only.
        KernError: it, or a folder above it, is a symbolic link or not a folder, or can't be opened.
    """
    descriptor = _walk(work, parts, make=True)
    if descriptor is None:
        raise KernError("a folder vanished while it was made", where=os.path.join(work, *parts), hint="try again")
    return descriptor


def _walk(work: str, parts: tuple[str, ...], *, make: bool) -> int | None:
    descriptor = _open_work(work, make=make)
    path = work
    for part in parts:
        if descriptor is None:
            return None
        path = f"{path}/{part}"
        parent = descriptor
        try:
            descriptor = _open_below(parent, part, path, make=make)
        finally:
            os.close(parent)
    return descriptor


def _open_work(work: str, *, make: bool) -> int | None:
    try:
        try:
            descriptor = os.open(work, _WORK)
        except FileNotFoundError:
            if not make:
                return None
            os.makedirs(work, exist_ok=True)
            descriptor = os.open(work, _WORK)
        if make:
            _claim(descriptor, work)
    except OSError as error:
        raise failure(error, work) from None
    return descriptor


def claim(work: str) -> None:
    """Make a directory for what kern makes, and nothing else, and mark it; see `is_marked`.

    Raises:
        StepFailed: the disk is full or read-only.
        KernError: somebody else keeps things in it, or it can't be used for another reason.
    """
    os.close(make_folder(work))


def _claim(descriptor: int, work: str) -> None:
    """Mark a directory that is empty, refuse one that somebody else keeps things in; closes it where that fails."""
    try:
        if is_marked(work, descriptor):
            return
        if all(is_own_name(name[1:]) for name in os.listdir(descriptor)):
            _mark(descriptor)
        elif not is_marked(work, descriptor):  # by another kern that began meanwhile
            raise KernError(
                f"{work} has no mark of kern in {TAG}, so it is somebody else's and kern leaves it alone",
                where=work,
                hint="let KERN_WORK_DIR, or KERN_CACHE_DIR for the cache, name a new or an empty directory",
            )
    except BaseException:
        os.close(descriptor)
        raise


def is_marked(work: str, folder: int | None = None) -> bool:
    """Whether the tag in a directory is kern's, which vouches for all of it; ``folder`` is its descriptor."""
    try:
        tag = os.open(f"{work}/{TAG}" if folder is None else TAG, _READ, dir_fd=folder)
    except OSError:
        return False
    try:
        head = os.read(tag, len(_SIGNATURE + _MADE))
    except OSError:
        return False
    finally:
        os.close(tag)
    return head.startswith(_SIGNATURE) and b" kern " in head


def _mark(work: int) -> None:
    """Keep git and backups away from what can be made again; a kern that dies in between has marked it as its own."""
    write_file(work, TAG, _SIGNATURE + _MADE, mode=0o666)
    try:
        create_file(work, ".gitignore", b"*\n", mode=0o666)
    except FileExistsError:
        pass


def _open_below(parent: int, part: str, path: str, *, make: bool) -> int | None:
    try:
        for _ in range(_TRIES if make else 1):
            try:
                return os.open(part, DIRECTORY, dir_fd=parent)
            except FileNotFoundError:
                if make:
                    _make_below(parent, part)
    except OSError as error:
        raise failure(error, path) from None
    return None


def _make_below(parent: int, part: str) -> None:
    try:
        os.mkdir(part, dir_fd=parent)
    except FileExistsError:
        pass
