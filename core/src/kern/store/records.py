"""Records: small JSON objects that say what is true of an environment, an artifact, a source tree.

A record is replaced as a whole or not at all. Its content is never trusted: what can't be read as a record of this
version and this name is the same as no record, and the thing that it described is made again.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kern.store.files import failure, read_object, write_file
from kern.store.layout import find_folder, make_folder, one_component, safe_name

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
"""Version of what stands in a record; another number is read as no record."""


def read_record(work: str, kind: str, name: str) -> dict[str, Any] | None:
    """Read what is known about something.

    Args:
        work: absolute path of the work directory.
        kind: what sort of thing, ``env`` or ``artifact``; one component of a path.
        name: its name, any text.

    Returns:
        The value last written, or ``None``: never written, damaged, of another version, of another name.

    Raises:
        KernError: there is a record, but it can't be read.
    """
    path = _path(work, kind, name)
    try:
        content = read_object(path)
    except OSError as error:
        raise failure(error, path) from None
    if content is None or content.get("schema") != SCHEMA or content.get("name") != name:
        return None
    value = content.get("value")
    return value if isinstance(value, dict) else None


def write_record(work: str, kind: str, name: str, value: Mapping[str, Any], *, durable: bool = False) -> None:
    """Replace a record atomically. Only its user can read it.

    Without ``durable`` a power cut may take the record back to an older state or damage it, both of which are noticed;
    with it, the record is on the disk afterwards. What the record speaks of is not: see `flush`.

    Args:
        work: absolute path of the work directory.
        kind: what sort of thing; one component of a path.
        name: its name, any text.
        value: a JSON object.
        durable: wait until it would survive a power cut.

    Raises:
        StepFailed: the disk is full or read-only; the old record stands and nothing else is left.
        KernError: it can't be written for another reason.
    """
    content = {"schema": SCHEMA, "name": name, "value": value}
    data = json.dumps(content, separators=(",", ":")).encode()
    folder = make_folder(work, "records", one_component(kind))
    try:
        write_file(folder, f"{safe_name(name)}.json", data, durable=durable)
    except OSError as error:
        raise failure(error, _path(work, kind, name)) from None
    finally:
        os.close(folder)


def remove_record(work: str, kind: str, name: str) -> None:
    """Forget a record; a missing one is fine.

    Raises:
        StepFailed: the file system is read-only.
        KernError: it can't be removed for another reason.
    """
    folder = find_folder(work, "records", one_component(kind))
    if folder is None:
        return
    try:
        os.unlink(f"{safe_name(name)}.json", dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise failure(error, _path(work, kind, name)) from None
    finally:
        os.close(folder)


def _path(work: str, kind: str, name: str) -> str:
    return f"{work}/records/{one_component(kind)}/{safe_name(name)}.json"


def read_records(work: str, kind: str) -> list[dict[str, Any]]:
    """The values of all records of a kind that can be read, in no order."""
    folder = f"{work}/records/{one_component(kind)}"
    try:
        files = [name for name in os.listdir(folder) if name.endswith(".json")]
    except OSError:
        return []
    found = (_readable(f"{folder}/{name}") for name in files)
    current = [content.get("value") for content in found if content is not None and content.get("schema") == SCHEMA]
    return [value for value in current if isinstance(value, dict)]


def _readable(path: str) -> dict[str, Any] | None:
    try:
        return read_object(path)
    except OSError:
        return None
