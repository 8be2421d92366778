"""What kern keeps below its work directory (``<project>/.kern``, or elsewhere), and nowhere else.

::

    envs/NAME/              environments, made where they stay
    artifacts/KEY/          what was built
    records/KIND/NAME.json  what is true of them; written last
    locks/NAME.lock         see `lock`
    logs/TIME-PID/          see `new_run_directory`
    tmp/  trash/            of single steps; being deleted

Nothing is made before it is needed, and looking never writes. Every function takes the absolute path of the work
directory first. The order that makes a killed kern harmless, all of it under the lock of the thing:

    token = remake_directory(work, "env", name, path)   # the record says "making" before anything is changed
    ... fill the directory ...
    flush(path)
    write_record(work, "env", name, {"state": "ready", "token": token, ...}, durable=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.store.directories import (
        MAKING,
        MARKER,
        belongs_here,
        discard_directory,
        flush,
        make_directory,
        new_token,
        remake_directory,
        remove_directory,
    )
    from kern.store.files import free_bytes, low_space
    from kern.store.layout import artifact_path, environment_path, safe_name
    from kern.store.locks import lock
    from kern.store.logs import RunDirectory, log_path, new_run_directory, open_log
    from kern.store.records import read_record, read_records, remove_record, write_record
    from kern.store.removal import empty_trash
    from kern.store.temporary import temporary_directory, tidy

__all__ = [
    "MAKING",
    "MARKER",
    "RunDirectory",
    "artifact_path",
    "belongs_here",
    "discard_directory",
    "empty_trash",
    "environment_path",
    "flush",
    "free_bytes",
    "lock",
    "log_path",
    "low_space",
    "make_directory",
    "new_run_directory",
    "new_token",
    "open_log",
    "read_record",
    "read_records",
    "remake_directory",
    "remove_directory",
    "remove_record",
    "safe_name",
    "temporary_directory",
    "tidy",
    "write_record",
]

# Nine modules cost four milliseconds of every start, and most runs need three of them: each comes with its first name.
_MODULES = {
    "directories": (
        "MAKING",
        "MARKER",
        "belongs_here",
        "discard_directory",
        "flush",
        "make_directory",
        "new_token",
        "remake_directory",
        "remove_directory",
    ),
    "files": ("free_bytes", "low_space"),
    "layout": ("artifact_path", "environment_path", "safe_name"),
    "locks": ("lock",),
    "logs": ("RunDirectory", "log_path", "new_run_directory", "open_log"),
    "records": ("read_record", "read_records", "remove_record", "write_record"),
    "removal": ("empty_trash",),
    "temporary": ("temporary_directory", "tidy"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first asked for (PEP 562)."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
    globals()[name] = value
    return value
