"""Records of packages as JSON and back, in the worker process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rattler import RepoDataRecord


def from_json(values: Sequence[dict[str, Any]]) -> list[RepoDataRecord]:
    """Make records of what `requests.solve` answered."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="kern-conda-") as scratch:
        return [_record(value, Path(scratch, "index.json")) for value in values]


def _record(value: dict[str, Any], scratch: Path) -> RepoDataRecord:
    """Go through a file: rattler reads a record's JSON from nowhere else."""
    from rattler import PackageRecord, RepoDataRecord

    scratch.write_text(json.dumps(value), encoding="utf-8")
    known = PackageRecord.from_index_json(scratch, value.get("size"), value.get("sha256"), value.get("md5"))
    return RepoDataRecord(known, value["fn"], value["url"], value.get("channel") or "")


def as_json(records: Sequence[RepoDataRecord]) -> list[Any]:
    """Say records as JSON values, which `from_json` reads."""
    return [json.loads(record.to_json()) for record in records]
