"""Reading wheels and source distributions that somebody else made, good, foreign and damaged."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import StepFailed
from kern_wheel.archives import unpack_sdist
from kern_wheel.editable import EditableBuilder
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kern.api import Artifact, Context

METADATA = """\
Metadata-Version: 2.4
Name: Demo.Thing
Version: 1.0
Requires-Python: >=3.9
Provides-Extra: test
Requires-Dist: pytest>=8; extra == "test"
Requires-Dist: attrs
Summary: ü

A body. Requires-Dist: nothing
"""
FILES = {
    "demo.py": "answer = 42\n",
    "demo-1.0.dist-info/METADATA": METADATA,
    "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n",
    "demo-1.0.dist-info/RECORD": "one\n",
}


def wheel(
    path: Path, files: Mapping[str, str] = FILES, *, year: int = 2000, mode: int = 0o644, backwards: bool = False
) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in sorted(files.items(), reverse=backwards):
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr = mode << 16
            archive.writestr(info, text)
    return str(path)


def sdist(
    path: Path, files: Mapping[str, str], *, mtime: int = 0, mode: int = 0o644, links: Mapping[str, str] = {}
) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(text.encode()), mtime, mode
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return str(path)


@pytest.fixture
def read(new_context: Callable[[], Context]) -> Callable[[str], Artifact]:
    def reading(path: str) -> Artifact:
        builder = WheelBuilder() if path.endswith(".whl") else SdistBuilder()
        artifact = builder.read(path, new_context())
        assert artifact is not None
        return artifact

    return reading


def test_a_wheel_is_described(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    artifact = read(wheel(tmp_path / "demo-1.0-py2.py3-none-any.whl"))
    assert (artifact.kind, artifact.name, artifact.version) == ("wheel", "Demo.Thing", "1.0")
    assert artifact.requirements == ("Provides-Extra: test", "attrs", 'pytest>=8; extra == "test"')
    assert artifact.facts == {"tags": "py2-none-any py3-none-any", "requires_python": ">=3.9"}


def test_a_digest_is_of_the_content_alone(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    first = read(wheel(tmp_path / "demo-1.0-py3-none-any.whl")).digest
    record = FILES | {"demo-1.0.dist-info/RECORD": "two\n"}
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "demo-1.0-py3-none-any.whl"
    assert read(wheel(other, record, year=2024, mode=0o664, backwards=True)).digest == first


@pytest.mark.parametrize(
    "change",
    [{"demo.py": "answer = 43\n"}, {"more.py": ""}, {"demo-1.0.dist-info/METADATA": METADATA + "x"}],
    ids=["content", "another file", "metadata"],
)
def test_a_digest_sees_changes(change: dict[str, str], tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    first = read(wheel(tmp_path / "demo-1.0-py3-none-any.whl")).digest
    assert read(wheel(tmp_path / "demo-1.0-py3-none-any.whl", FILES | change)).digest != first


def test_a_digest_sees_that_a_file_became_executable(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    first = read(wheel(tmp_path / "demo-1.0-py3-none-any.whl")).digest
    assert read(wheel(tmp_path / "demo-1.0-py3-none-any.whl", mode=0o755)).digest != first


@pytest.mark.parametrize("name", ["../demo.py", "/demo.py", "a/../../demo.py", "..\\demo.py"])
def test_a_wheel_that_leads_out_of_itself_is_refused(
    name: str, tmp_path: Path, read: Callable[[str], Artifact]
) -> None:
    with pytest.raises(StepFailed, match="leads out"):
        read(wheel(tmp_path / "demo-1.0-py3-none-any.whl", FILES | {name: ""}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_wheel_with_a_file_twice_is_refused(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    path = wheel(tmp_path / "demo-1.0-py3-none-any.whl")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo.py", "other = 1\n")
    with pytest.raises(StepFailed, match="twice"):
        read(path)


def test_damaged_wheels_are_refused_in_words(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    whole = (tmp_path / "demo-1.0-py3-none-any.whl", tmp_path / "bad-1.0-py3-none-any.whl")
    data = Path(wheel(whole[0])).read_bytes()
    flipped = data.replace(b"answer = 42", b"answer = 43")
    for damaged in (b"", b"no zip", data[: len(data) // 2], flipped):
        whole[1].write_bytes(damaged)
        with pytest.raises(StepFailed, match="is damaged") as caught:
            read(str(whole[1]))
        assert caught.value.where == str(whole[1])


@pytest.mark.parametrize("missing", ["METADATA", "Name", "Version"])
def test_a_wheel_without_metadata_is_refused(missing: str, tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    files = dict(FILES)
    text = files.pop("demo-1.0.dist-info/METADATA")
    if missing != "METADATA":
        files["demo-1.0.dist-info/METADATA"] = text.replace(f"{missing}:", "X-Other:")
    with pytest.raises(StepFailed, match="damaged"):
        read(wheel(tmp_path / "demo-1.0-py3-none-any.whl", files))


def test_a_wheel_of_another_name_is_refused(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    with pytest.raises(StepFailed, match="damaged"):
        read(wheel(tmp_path / "no tags at all.whl"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    for name in ("demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"):
        with pytest.raises(StepFailed):
            read(str(tmp_path / name))


def test_foreign_files_are_left_to_others(tmp_path: Path, new_context: Callable[[], Context]) -> None:
    for name in ("demo.conda", "demo-1.0.zip", "folder"):
        path = tmp_path / name
        path.touch()
        for builder in (WheelBuilder(), SdistBuilder(), EditableBuilder()):
            assert builder.read(str(path), new_context()) is None
    other = sdist(tmp_path / "package.tar.gz", {"package/package.json": "{}"})
    assert SdistBuilder().read(other, new_context()) is None
    assert SdistBuilder().read(wheel(tmp_path / "demo-1.0-py3-none-any.whl"), new_context()) is None


SOURCES = {"demo-1.0/PKG-INFO": METADATA, "demo-1.0/demo.py": "answer = 42\n"}


def test_an_sdist_is_described(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    artifact = read(sdist(tmp_path / "demo-1.0.tar.gz", SOURCES))
    assert (artifact.kind, artifact.name, artifact.version) == ("sdist", "Demo.Thing", "1.0")
    assert artifact.requirements == ("Provides-Extra: test", "attrs", 'pytest>=8; extra == "test"')
    assert artifact.facts == {"requires_python": ">=3.9"}


@pytest.mark.parametrize(
    "metadata", [METADATA.replace("Summary: ü", "Dynamic: requires-dist"), METADATA.replace("2.4", "2.1")]
)
def test_requirements_that_may_change_make_every_content_count(
    metadata: str, tmp_path: Path, read: Callable[[str], Artifact]
) -> None:
    first, again, changed = (
        read(sdist(tmp_path / f"{name}.tar.gz", SOURCES | {"demo-1.0/PKG-INFO": metadata, "demo-1.0/demo.py": text}))
        for name, text in (("a", "x"), ("b", "x"), ("c", "y"))
    )
    assert first.requirements == again.requirements
    assert first.requirements != changed.requirements


def test_an_sdists_digest_is_of_the_content_alone(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    first = read(sdist(tmp_path / "a.tar.gz", SOURCES)).digest
    swapped = dict(reversed(SOURCES.items()))
    assert read(sdist(tmp_path / "b.tar.gz", swapped, mtime=99, mode=0o600)).digest == first
    assert read(sdist(tmp_path / "c.tar.gz", SOURCES, mode=0o755)).digest != first
    assert read(sdist(tmp_path / "d.tar.gz", SOURCES | {"demo-1.0/demo.py": "x"})).digest != first
    linked = [read(sdist(tmp_path / "e.tar.gz", SOURCES, links={"demo-1.0/l": to})).digest for to in ("x", "y")]
    assert len({first, *linked}) == 3


def test_damaged_sdists_are_refused_in_words(tmp_path: Path, read: Callable[[str], Artifact]) -> None:
    long = SOURCES | {"demo-1.0/data": os.urandom(50_000).hex()}
    data = Path(sdist(tmp_path / "whole.tar.gz", long)).read_bytes()
    path = tmp_path / "demo-1.0.tar.gz"
    for damaged in (b"", b"no archive", data[: len(data) // 2], data[:99] + b"xxxx" + data[103:]):
        path.write_bytes(damaged)
        with pytest.raises(StepFailed, match="is damaged"):
            read(str(path))


def test_an_sdist_is_unpacked_inside_its_directory_or_not_at_all(tmp_path: Path) -> None:
    work = tmp_path / "work"
    for number, (files, links) in enumerate(
        [
            ({"../demo.py": ""}, {}),
            ({"demo-1.0/PKG-INFO": ""}, {"demo-1.0/link": "/etc"}),
            ({"demo-1.0/PKG-INFO": ""}, {"demo-1.0/link": "../../.."}),
            ({"demo-1.0/PKG-INFO": "", "other/x": ""}, {}),
        ]
    ):
        directory = work / str(number)
        directory.mkdir(parents=True)
        with pytest.raises(StepFailed, match="damaged"):
            unpack_sdist(sdist(tmp_path / "bad.tar.gz", files, links=links), str(directory))
    assert not (work / "demo.py").exists()
    tree = unpack_sdist(sdist(tmp_path / "good.tar.gz", SOURCES), str(work))
    assert Path(tree, "demo.py").read_text() == "answer = 42\n"


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", ["fine", "above", "absolute", "link"])
def test_unpacking_leaves_its_directory_on_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, old: bool
) -> None:
    if old:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    archive, target = tmp_path / "demo-1.0.tar.gz", tmp_path / "unpacked"
    target.mkdir()
    names = {"fine": "demo-1.0/setup.py", "above": "demo-1.0/../../out.py", "absolute": str(tmp_path / "out.py")}
    with tarfile.open(archive, "w:gz") as writing:
        member = tarfile.TarInfo(names.get(kind, "demo-1.0/link"))
        member.mode = 0o755
        if kind == "link":
            member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path)
            writing.addfile(member)
        else:
            member.size = 4
            writing.addfile(member, io.BytesIO(b"x=1\n"))
    if kind == "fine":
        tree = Path(unpack_sdist(str(archive), str(target)))
        assert (tree / "setup.py").read_text() == "x=1\n"
        assert (tree / "setup.py").stat().st_mode & 0o100
    elif kind == "absolute" and hasattr(tarfile, "data_filter"):
        unpack_sdist(str(archive), str(target))  # the filter makes it relative
    else:
        with pytest.raises(StepFailed):
            unpack_sdist(str(archive), str(target))
    assert not (tmp_path / "out.py").exists()
