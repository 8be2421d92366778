"""Links from page to page lead somewhere: the file is there, and so is the heading."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {".git", ".kern", ".venv", "node_modules", "build", "dist"}
LINK = re.compile(r"(?<!\\)\[[^\]\[]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *(```|~~~)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.endswith("_cache"))
        found += [Path(folder, name) for name in sorted(files) if name.endswith(".md")]
    return found


def prose(path: Path) -> list[str]:
    """The lines of a page that are no code."""
    lines, code = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if FENCE.match(line):
            code = not code
        elif not code:
            lines.append(line)
    return lines


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them: lower case, no punctuation, dashes for blanks, numbered if repeated."""
    found: set[str] = set()
    for line in prose(path):
        if not line.startswith("#"):
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        again = 0
        while (name := f"{slug}-{again}" if again else slug) in found:
            again += 1
        found.add(name)
    return found


def links(path: Path) -> list[str]:
    text = re.sub(r"`[^`]*`", "", "\n".join(prose(path)))
    return [target for target in LINK.findall(text) if not ELSEWHERE.match(target)]


def dead(path: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for target in links(path):
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        if not place.exists() or (anchor and (place.is_dir() or anchor not in anchors(place))):
            found.append(target)
    return found


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert dead(path) == []


def test_every_page_is_in_the_index() -> None:
    docs = ROOT / "docs"
    linked = {(docs / target.partition("#")[0]).resolve() for target in links(docs / "index.md")}
    assert [path.name for path in sorted(docs.glob("*.md")) if path.name != "index.md" and path not in linked] == []


def test_every_plugin_is_on_the_first_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
    assert folders
    assert [name for name in folders if f"kern-{name}" not in text] == []


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        title = (ROOT / "docs" / "decisions" / name).read_text(encoding="utf-8").splitlines()[0]
        assert title.startswith(f"# {name[:4]} "), name


def test_the_checker_sees_what_is_dead(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `page`, with: signs\n## Twice\n## Twice\n[a](#a-page-with-signs) [b](#twice-1) [c](page.md#twice)\n"
        "[d](#nothing) [e](other.md) `[f](code.md)` [g](https://example.org/#x)\n```\n[h](fenced.md)\n```\n"
    )
    assert dead(page) == ["#nothing", "other.md"]
