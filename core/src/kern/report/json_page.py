"""The JSON document, written row by row so that the ends of ten thousand logs are never in memory at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kern.report.document import header, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.report.whole import Run


def pieces(run: Run) -> Iterator[str]:
    """The document of `kern.report.document.document`, one row a line."""
    head = header(run.finished, run.started, at=run.at, complete=run.complete)
    yield json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    yield ',\n "rows": ['
    for index, result in enumerate(run.finished.results):
        yield (",\n  " if index else "\n  ") + json.dumps(row(result), ensure_ascii=False)
    yield "\n ]\n}\n"
