"""Report files: each parses, holds what it should, and none is ever half there."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tracemalloc
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern.errors import KernError, UsageError
from kern.events import (
    ERROR,
    FAILED,
    OUTCOMES,
    PASSED,
    CommandResult,
    Output,
    RowFinished,
    RowResult,
    RunFinished,
    RunStarted,
)
from kern.report import Together, file_reporter, junit, markdown
from kern.report.document import DOCUMENT_SCHEMA, document, text_of
from kern.report.files import publish
from kern.report.logs import decode, tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kern.events import Event

ENDINGS = ["json", "jsonl", "xml", "md", "html"]
STARTED = RunStarted(("a",), 1, False, "/p", "/l", False)


def written(path: Path, events: Iterable[Event]) -> str:
    reporter = file_reporter(str(path))
    for event in events:
        reporter(event)
    reporter.close()
    return path.read_bytes().decode()


def loads(text: str) -> Any:
    """JSON as strict as it gets: no NaN, no lone surrogate."""
    value = json.loads(text, parse_constant=pytest.fail)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT_SCHEMA)


def test_the_schema_knows_each_field() -> None:
    properties: Any = DOCUMENT_SCHEMA["properties"]
    row = properties["rows"]["items"]
    assert set(row["properties"]) == {*RowResult._fields, "output", "lossy"}
    assert set(row["properties"]["commands"]["items"]["properties"]) == set(CommandResult._fields)


def test_json_is_the_document_and_fits_the_schema(tmp_path: Path, story: Any) -> None:
    value = loads(written(tmp_path / "r.json", story.events))
    jsonschema.validate(value, DOCUMENT_SCHEMA, cls=jsonschema.Draft202012Validator)
    expected = document(story.finished, story.started)
    assert value == {**expected, "started": value["started"]}
    assert list(value) == list(expected)
    assert value["totals"] == dict.fromkeys(OUTCOMES, 1)
    assert value["exit_code"] == 1
    assert value["rows"][0]["artifact"]["kind"] == "wheel"
    assert value["rows"][0]["output"] is None
    assert not value["rows"][0]["lossy"]


def test_json_flags_what_was_no_utf8(tmp_path: Path, story: Any) -> None:
    row = loads(written(tmp_path / "r.json", story.events))["rows"][1]
    assert row["lossy"]
    assert "\N{REPLACEMENT CHARACTER}" in row["commands"][0]["argv"][1]
    output = row["output"]
    assert output["lossy"]
    assert base64.b64decode(output["base64"]) == (tmp_path / "logs" / "py313.log").read_bytes()


@given(st.binary())
def test_bytes_as_json_lose_nothing(data: bytes) -> None:
    value = text_of(data)
    exact = base64.b64decode(str(value["base64"])) if value["lossy"] else str(value["text"]).encode()
    assert exact == data


_ANY_TEXT = st.text(st.characters())
_ROWS = st.builds(
    RowResult,
    row=_ANY_TEXT,
    environment=_ANY_TEXT,
    package=_ANY_TEXT,
    outcome=st.sampled_from(OUTCOMES),
    reason=_ANY_TEXT,
    hint=_ANY_TEXT,
    seconds=st.floats(0, 1e6),
    commands=st.lists(
        st.builds(
            CommandResult,
            st.just("commands"),
            st.lists(_ANY_TEXT).map(tuple),
            st.integers(-64, 255),
            st.floats(0, 1e6),
            survivors=st.integers(0, 9),
            attempt=st.integers(1, 9),
        ),
        max_size=2,
    ).map(tuple),
    made=st.lists(_ANY_TEXT).map(tuple),
    artifact=st.dictionaries(_ANY_TEXT, _ANY_TEXT).map(lambda names: tuple(names.items())),
    installed=st.dictionaries(_ANY_TEXT, _ANY_TEXT).map(lambda names: tuple(names.items())),
)


@given(result=_ROWS, data=st.binary())
@settings(max_examples=50)
def test_any_row_in_any_format(tmp_path: Path, result: RowResult, data: bytes) -> None:
    log = tmp_path / "log"
    log.write_bytes(data)
    result = result._replace(log=str(log))
    events = (STARTED, Output(result.row, data), RowFinished(result), RunFinished((result,), 1, 1.0))
    jsonschema.validate(loads(written(tmp_path / "r.json", events)), DOCUMENT_SCHEMA)
    assert all(loads(line) for line in written(tmp_path / "r.jsonl", events).split("\n")[:-1])
    case = ET.fromstring(written(tmp_path / "r.xml", events)).find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", result.row)
    assert Tags(written(tmp_path / "r.html", events)).names <= Tags.EXPECTED
    table = written(tmp_path / "r.md", events).split("\n")[4]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", table)) == 5


class Tags(HTMLParser):
    """The names of the elements of a page, and its text."""

    EXPECTED = frozenset(
        [
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "h1",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "p",
            "code",
            "div",
            "span",
            "details",
            "summary",
            "b",
            "pre",
            "footer",
        ]
    )

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_one_safe_page(tmp_path: Path, story: Any) -> None:
    page = written(tmp_path / "r.html", story.events)
    tags = Tags(page)
    assert tags.names <= Tags.EXPECTED
    assert "<script>alert(1)</script>" in tags.text
    assert "http" not in page.replace("http-equiv", "")
    assert "\x1b" not in page
    assert "\x00" not in page
    assert all(outcome in tags.text for outcome in OUTCOMES)


def test_junit_has_a_case_for_each_row(tmp_path: Path, story: Any) -> None:
    root = ET.fromstring(written(tmp_path / "r.xml", story.events))
    suite = root.find("testsuite")
    assert root.tag == "testsuites"
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "2",
        "errors": "3",
        "skipped": "2",
    }
    marks = {
        case.get("name"): [child.tag for child in case if child.tag not in {"properties", "system-out"}]
        for case in suite.iter("testcase")
    }
    assert marks == {
        "(wheel) py312": [],
        "py313": ["failure"],
        "slow": ["failure"],
        "py38": ["error"],
        "win": ["skipped"],
        "docs": ["error"],
        "nightly": ["skipped"],
        "late": ["error"],
    }
    assert suite.findtext("testcase/system-out") == "4 passed\n"


def test_junit_has_the_end_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"0123456\n" * 100_000 + b"the end\n")
    row = RowResult("a", "a", "", FAILED, log=str(log))
    text = ET.fromstring(written(tmp_path / "r.xml", (STARTED, RunFinished((row,), 1, 1.0)))).findtext(".//system-out")
    assert text is not None
    assert text.endswith("the end\n")
    assert len(text) < 65 * 1024
    assert str(log) in text


@given(st.text(st.characters()))
def test_xml_holds_any_attribute(text: str) -> None:
    element = ET.fromstring(f'<a b="{junit.attribute(text)}">{junit.escape(text)}</a>')
    assert element.get("b") == (element.text or "")


def test_markdown_has_a_table_and_the_outputs(tmp_path: Path, story: Any) -> None:
    page = written(tmp_path / "r.md", story.events)
    lines = page.split("\n")
    assert lines[0].startswith("### kern: 1 passed, 1 failed, 1 timed out, 1 error")
    assert lines[4] == "| (wheel) py312 | passed | 1.2s | built wheel, made environment |"
    assert "<script>" not in page
    assert "\n````text\n" in page
    assert "Run the failed again: `kern run py313 slow py38 docs late`" in page


def test_markdown_stays_below_the_limit_of_a_summary(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 20_000)
    rows = tuple(RowResult(f"r{number}", f"r{number}", "", FAILED, log=str(log)) for number in range(200))
    page = written(tmp_path / "r.md", (STARTED, RunFinished(rows, 1, 1.0)))
    assert len(page.encode()) < 1 << 20
    assert "more rows are left out" in page
    assert markdown.escape("a_b|c") == "a\\_b\\|c"


def test_jsonl_is_written_as_it_goes(tmp_path: Path, story: Any) -> None:
    path = tmp_path / "r.jsonl"
    reporter = file_reporter(str(path))
    for number, event in enumerate(story.events):
        reporter(event)
        assert path.read_text().count("\n") >= number + 1
    reporter.close()
    records = [loads(line) for line in path.read_text().splitlines()]
    kinds = {record["type"] for record in records}
    assert kinds == {
        "run_started",
        "step_started",
        "step_finished",
        "command_started",
        "output",
        "row_finished",
        "notice",
        "run_finished",
    }
    assert all(isinstance(record["time"], float) for record in records)
    assert records[-1]["totals"] == dict.fromkeys(OUTCOMES, 1)


@given(st.text(), st.integers(1, 5))
def test_jsonl_does_not_break_characters(tmp_path: Path, text: str, size: int) -> None:
    data = text.encode()
    chunks = [data[place : place + size] for place in range(0, len(data), size)]
    events: list[Event] = [
        STARTED,
        *(Output("a", chunk) for chunk in chunks),
        RowFinished(RowResult("a", "a", "", PASSED)),
    ]
    records = [loads(line) for line in written(tmp_path / "r.jsonl", events).split("\n")[:-1]]
    outputs = [record for record in records if record["type"] == "output"]
    assert "".join(record["text"] for record in outputs) == text
    assert not any(record["lossy"] for record in outputs)


def test_jsonl_keeps_exact_bytes(tmp_path: Path) -> None:
    events: list[Event] = [
        STARTED,
        Output("a", b"ok \xc3"),
        Output("a", b"\xff"),
        RowFinished(RowResult("a", "a", "", PASSED)),
    ]
    records = [loads(line) for line in written(tmp_path / "r.jsonl", events).splitlines()]
    outputs = [record for record in records if record["type"] == "output"]
    assert (
        b"".join(
            base64.b64decode(record["base64"]) if record["lossy"] else record["text"].encode() for record in outputs
        )
        == b"ok \xc3\xff"
    )


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "jsonl"])
def test_pages_are_written_whole_or_not_at_all(tmp_path: Path, story: Any, ending: str) -> None:
    path = tmp_path / "new" / "folder" / f"r.{ending.upper()}"
    reporter = file_reporter(str(path))
    path.write_text("before")
    for event in story.events[:-1]:
        reporter(event)
    assert path.read_text() == "before"
    reporter(story.events[-1])
    assert path.read_text() != "before"
    reporter.close()
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "jsonl"])
def test_an_interrupted_run_is_said_to_be_incomplete(tmp_path: Path, story: Any, ending: str) -> None:
    text = written(tmp_path / f"r.{ending}", story.events[:-1])
    assert {"json": '"complete": false', "xml": 'type="interrupted"'}.get(ending, "the run did not end") in text
    if ending == "json":
        value = loads(text)
        jsonschema.validate(value, DOCUMENT_SCHEMA)
        assert value["exit_code"] is None
        assert len(value["rows"]) == 8


def test_a_run_that_never_began_writes_no_page(tmp_path: Path) -> None:
    file_reporter(str(tmp_path / "r.xml")).close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_mode_follows_the_umask(tmp_path: Path, story: Any, ending: str) -> None:
    before = os.umask(0o027)
    try:
        written(tmp_path / f"r.{ending}", story.events)
    finally:
        os.umask(before)
    assert (tmp_path / f"r.{ending}").stat().st_mode & 0o777 == 0o640


def test_a_failed_page_leaves_the_old_one(tmp_path: Path) -> None:
    def pieces() -> Iterator[str]:
        yield "half"
        raise OSError(28, "No space left on device")

    path = tmp_path / "r.md"
    path.write_text("before")
    with pytest.raises(OSError, match="No space"):
        publish(str(path), pieces())
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["r.md"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_said_at_the_end_and_stops_nobody(tmp_path: Path, story: Any, ending: str) -> None:
    full = tmp_path / f"full.{ending}"
    full.symlink_to("/dev/full")
    both = Together([file_reporter(str(full)), file_reporter(str(tmp_path / "good.md"))])
    for event in story.events:
        both(event)
    both.close()
    assert [failure.message for failure in both.failures] == ["the report can't be written: No space left on device"]
    assert isinstance(both.failures[0], KernError)
    assert (tmp_path / "good.md").exists()


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path, story: Any) -> None:
    pipe = tmp_path / "r.json"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(pipe)!r}).read())"], stdout=subprocess.PIPE
    ) as child:
        reporter = file_reporter(str(pipe))
        for event in story.events:
            reporter(event)
        reporter.close()
        assert loads(child.communicate()[0].decode())["schema"] == 1


def test_a_link_stays_a_link(tmp_path: Path, story: Any) -> None:
    target, link = tmp_path / "target.json", tmp_path / "r.json"
    link.symlink_to(target)
    written(link, story.events)
    assert link.is_symlink()
    assert target.exists()


@pytest.mark.parametrize("name", ["report", "r.txt", "r.json.gz", ".json"])
def test_an_unknown_ending(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as error:
        file_reporter(str(tmp_path / name))
    assert ".jsonl" in error.value.hint


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_place_that_can_not_be_written(tmp_path: Path, ending: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / f"d.{ending}").mkdir()
    for path in (tmp_path / "file" / f"r.{ending}", tmp_path / f"d.{ending}"):
        with pytest.raises(UsageError) as error:
            file_reporter(str(path))
        assert "can't be written" in error.value.message
        assert error.value.hint


@pytest.mark.parametrize("ending", ENDINGS)
def test_huge_logs_do_not_grow_the_memory(tmp_path: Path, ending: str) -> None:
    log = tmp_path / "log"
    log.touch()
    os.truncate(log, 1 << 32)
    rows = tuple(RowResult(f"r{number}", f"r{number}", "", FAILED, log=str(log)) for number in range(6))
    reporter = file_reporter(str(tmp_path / f"r.{ending}"))
    reporter(STARTED)
    tracemalloc.start()
    try:
        reporter(RunFinished(rows, 1, 1.0))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    reporter.close()


@given(st.binary(max_size=300), st.integers(1, 320))
def test_the_tail_of_a_log(tmp_path: Path, data: bytes, limit: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    excerpt = tail(str(path), limit)
    assert data.endswith(excerpt.data)
    assert len(excerpt.data) <= limit
    assert excerpt.truncated == (excerpt.data != data)


@given(st.text(), st.integers(1, 100))
def test_the_tail_begins_with_a_whole_character(tmp_path: Path, text: str, limit: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(text.encode())
    excerpt = tail(str(path), limit)
    assert decode(excerpt.data)[1] is False


@pytest.mark.parametrize("ending", ["md", "html", "xml"])
def test_a_page_shows_drift_once(tmp_path: Path, ending: str) -> None:
    row = RowResult("a", "a", "", PASSED, existing="/usr", drift=("pear is absent", "fig is 1.0"))
    strict = row._replace(outcome=ERROR, reason="not what a asks for: pear is absent; fig is 1.0")
    page = written(tmp_path / f"r.{ending}", (STARTED, RunFinished((row,), 0, 1.0)))
    assert "pear is absent; fig is 1.0" in page
    assert "/usr" in page
    lines = written(tmp_path / "s.md", (STARTED, RunFinished((strict,), 3, 1.0)))
    assert lines.count("pear is absent") == 1
