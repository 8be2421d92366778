"""A wheel becomes a conda package: what is in it, that it is the same each time, and that rattler really installs it."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from kern.api import StepFailed
from kern.testing import Workbench
from kern_conda.conda_package import PLACEHOLDER, modification_time, write_noarch
from kern_conda.noarch import convert
from kern_conda.package_reader import read_package
from kern_conda.questions import Question
from kern_conda.requests import install
from kern_conda.zstandard_streams import compress, decompress
from plugins.conda.tests.conda_wheels import PURE, wheel, wish

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY_POINTS = """
[console_scripts]
demo = demo:main [fancy]
[gui_scripts]
Demo-Window = demo:main
[demo.plugins]
one = demo:main
"""
FILES = {
    "INFO/entry_points.txt": ENTRY_POINTS,
    "INFO/REQUESTED": "",
    "INFO/direct_url.json": "{}",
    "INFO/RECORD.jws": "signed",
    "sub/späß, x.txt": "text",
    "sub/tool.sh": "#!/bin/sh\n",
    "sub/fixed.txt": "fixed",
    "DATA/scripts/demo-tool": "#!python -I\nimport demo\nprint('tool', demo.VERSION)\n",
    "DATA/scripts/demo-shell": "#!/bin/sh\necho shell\n",
    "DATA/data/share/demo/data.txt": "data",
    "DATA/purelib/more.py": "MORE = 1\n",
}
MODES = {"sub/tool.sh": 0o100755, "sub/fixed.txt": 0o100444}
HEADERS = "Summary: shows  things\nLicense-Expression: MIT\nProject-URL: Homepage, https://example.org\n"


def package(folder: Path, path: str) -> str:
    folder.mkdir(exist_ok=True)
    return write_noarch(convert(path, wish()).contents, str(folder))


def members(path: str, part: str) -> dict[str, tuple[bytes, tarfile.TarInfo]]:
    """The files in the ``info`` or the ``pkg`` part of a package."""
    with ZipFile(path) as archive:
        name = next(each for each in archive.namelist() if each.startswith(f"{part}-"))
        data = decompress(archive.read(name))
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        return {each.name: (tar.extractfile(each).read(), each) for each in tar}  # type: ignore[union-attr]


def test_what_is_in_it(tmp_path: Path) -> None:
    source = wheel(tmp_path, headers=HEADERS + "Requires-Python: >=3.9\n", files=FILES, modes=MODES)
    path = package(tmp_path / "out", source)
    files, info = members(path, "pkg"), members(path, "info")
    assert sorted(files) == [
        "python-scripts/demo-shell",
        "python-scripts/demo-tool",
        "share/demo/data.txt",
        *(f"site-packages/demo-1.0.dist-info/{each}" for each in ("INSTALLER", "METADATA", "RECORD", "WHEEL")),
        "site-packages/demo-1.0.dist-info/entry_points.txt",
        "site-packages/demo.py",
        "site-packages/more.py",
        "site-packages/sub/fixed.txt",
        "site-packages/sub/späß, x.txt",
        "site-packages/sub/tool.sh",
    ]
    modes = {name.rpartition("/")[2]: tar.mode for name, (_, tar) in files.items()}
    assert [modes[each] for each in ("demo.py", "tool.sh", "fixed.txt", "demo-shell")] == [0o644, 0o755, 0o444, 0o755]
    documents = {name: json.loads(data) for name, (data, _) in info.items() if name.endswith(".json")}
    index = documents["info/index.json"]
    assert os.path.basename(path) == f"demo-1.0-{index['build']}.conda"
    assert (index["noarch"], index["subdir"], index["depends"]) == ("python", "noarch", ["python >=3.9"])
    assert documents["info/about.json"] == {"home": "https://example.org", "license": "MIT", "summary": "shows things"}
    assert documents["info/link.json"]["noarch"]["entry_points"] == ["demo = demo:main", "Demo-Window = demo:main"]
    listed = {each["_path"]: each for each in documents["info/paths.json"]["paths"]}
    assert sorted(listed) == sorted(files)
    assert [name for name, each in listed.items() if "prefix_placeholder" in each] == ["python-scripts/demo-tool"]
    assert info["info/has_prefix"][0].decode() == f'"{PLACEHOLDER}" text "python-scripts/demo-tool"\n'
    assert info["info/files"][0].decode().split("\n") == [*sorted(files), ""]


def test_equal_content_gives_equal_bytes_and_digests(tmp_path: Path) -> None:
    first = package(tmp_path / "1", wheel(tmp_path / "a", files=FILES))
    again = package(tmp_path / "2", wheel(tmp_path / "b", files=dict(reversed(FILES.items()))))
    assert Path(first).read_bytes() == Path(again).read_bytes()
    assert read_package(first)._replace(path="") == read_package(again)._replace(path="")
    others = [
        wheel(tmp_path / "c", files={**FILES, "sub/späß, x.txt": "TEXT"}),
        wheel(tmp_path / "d", files=FILES, modes={"sub/tool.sh": 0o100755}),
        wheel(tmp_path / "e", files=FILES, headers="Requires-Dist: x\n"),
        wheel(tmp_path / "f", files={**FILES, "INFO/entry_points.txt": ""}),
    ]
    found = [read_package(package(tmp_path / "2", each)) for each in others]
    assert len({read_package(first).digest, *(each.digest for each in found)}) == 5
    assert len({read_package(first).facts["build"], *(each.facts["build"] for each in found)}) == 5


def test_modules_of_one_size_have_different_times(tmp_path: Path) -> None:
    times = [
        members(package(tmp_path / each, wheel(tmp_path / each, files={"x.py": each})), "pkg")["site-packages/x.py"][1]
        for each in ("one", "two")
    ]
    assert times[0].size == times[1].size
    assert times[0].mtime != times[1].mtime
    assert all(1_262_304_000 <= modification_time(bytes([each])) < 1_600_000_000 for each in range(256))


def test_versions_are_spelt_as_conda_does(tmp_path: Path) -> None:
    path = package(tmp_path / "out", wheel(tmp_path, version="1!2.0.0-RC1"))
    assert (read_package(path).name, read_package(path).version) == ("demo", "1!2.0.0rc1")


@pytest.mark.parametrize(
    ("tags", "files", "message"),
    [
        (PURE.replace("py3-none-any", "cp312-cp312-linux_x86_64"), {}, "made for cp312-cp312-linux_x86_64"),
        (PURE.replace("true", "false"), {}, "only a pure Python wheel"),
        (PURE.replace("py3-", "py2-"), {}, "only a pure Python wheel of Python 3"),
        (PURE, {"DATA/headers/demo.h": ""}, "has headers in its .data"),
        (PURE, {"DATA/data/site-packages/x.py": ""}, "has data/site-packages/x.py"),
        (PURE, {"DATA/data/info/index.json": ""}, "no place for that"),
        (PURE, {"INFO/entry_points.txt": "[console_scripts\n"}, "entry_points.txt can't be read"),
    ],
)
def test_what_has_no_place_in_a_noarch_package(tmp_path: Path, tags: str, files: dict[str, str], message: str) -> None:
    with pytest.raises(StepFailed) as raised:
        convert(wheel(tmp_path, tags=tags, files=files), wish())
    assert message in raised.value.message
    assert "entry_points" in message or 'recipe = "recipe.yaml"' in raised.value.hint


def _reformatted(path: str, target: Path) -> str:
    """The same package in the older format."""
    with tarfile.open(target, "w:bz2") as archive:
        for part in ("info", "pkg"):
            for data, tar in members(path, part).values():
                archive.addfile(tar, BytesIO(data))
    return str(target)


def test_both_formats_are_read(tmp_path: Path) -> None:
    new = read_package(package(tmp_path / "out", wheel(tmp_path, headers="Requires-Dist: x>=1\n")))
    assert new.kind == "conda"
    assert new.requirements == ("python", "x >=1")
    assert (new.facts["noarch"], new.facts["subdir"]) == ("python", "noarch")
    old = read_package(_reformatted(new.path, tmp_path / "demo-1.0-0.tar.bz2"))
    assert old._replace(path=new.path) == new


@pytest.mark.parametrize("how", ["cut", "flipped", "text", "empty", "no index", "no list"])
def test_damage_is_noticed(tmp_path: Path, how: str) -> None:
    path = Path(package(tmp_path / "out", wheel(tmp_path, files={"big.bin": "".join(map(str, range(9000)))})))
    content = path.read_bytes()
    middle = content.index(b"pkg-") + 400
    broken = {
        "cut": content[: len(content) // 2],
        "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
        "text": b"no package",
        "empty": b"",
    }
    if how in broken:
        path.write_bytes(broken[how])
    else:
        information = {"info/index.json": "[]" if how == "no index" else '{"name": "x"}'}
        _write_information(path, information)
    with pytest.raises(StepFailed, match=r"^demo-1\.0-pyh[0-9a-f]{8}_0\.conda is damaged: "):
        read_package(str(path))


def _write_information(path: Path, files: dict[str, str]) -> None:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            tar = tarfile.TarInfo(name)
            tar.size = len(text)
            archive.addfile(tar, BytesIO(text.encode()))
    with ZipFile(path, "w") as archive:
        archive.writestr("info-x.tar.zst", compress(buffer.getvalue()))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("conda builder")))
    yield made
    made.close()


ASK = """
import json, sys
from importlib.metadata import distribution
import demo
found = distribution("demo")
print(json.dumps({
    "version": found.version, "module": demo.VERSION, "installer": found.read_text("INSTALLER"),
    "groups": sorted((each.group, each.name) for each in found.entry_points),
    "lost": [str(each) for each in found.files if not each.locate().exists()],
    "files": len(found.files),
}))
"""


def newest(channel: str) -> str:
    names = (each.name for each in Path(channel.removeprefix("file://")).glob("*/python-3.*.conda"))
    return max((name.split("-")[1] for name in names), key=lambda each: tuple(map(int, each.split("."))))


def test_rattler_installs_it_and_replaces_it(bench: Workbench, channel: str, tmp_path: Path) -> None:
    python = newest(channel)
    row = wish(python=(3, int(python.split(".")[1])))
    prefix = os.path.join(bench.root, "prefix")

    def put(**more: Any) -> None:
        source = wheel(tmp_path / "wheels", headers="Requires-Dist: apple<2\n", modes=MODES, **more)
        path = write_noarch(convert(source, row).contents, str(tmp_path))
        specs = (f"python {python}", "demo", "pip")
        install(prefix, Question(specs=specs, channels=(channel,), packages=(path,)), bench.context())

    def out(*argv: str) -> str:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    put(files=FILES)
    program = os.path.join(prefix, "bin", "python")
    found = json.loads(out(program, "-c", ASK))
    assert (found["version"], found["module"], found["installer"], found["lost"]) == ("1.0", "1.0", "conda\n", [])
    assert found["groups"] == [["console_scripts", "demo"], ["demo.plugins", "one"], ["gui_scripts", "Demo-Window"]]
    assert found["files"] == 15
    said = [out(os.path.join(prefix, "bin", each)) for each in ("demo", "Demo-Window", "demo-tool", "demo-shell")]
    assert said == ["demo 1.0\n", "demo 1.0\n", "tool 1.0\n", "shell\n"]
    assert Path(prefix, "share", "demo", "data.txt").read_text() == "data"
    listed = json.loads(out(program, "-m", "pip", "list", "--format=json"))
    assert {"name": "demo", "version": "1.0"} in listed
    assert "apple" in {each["name"] for each in listed}
    # The compiled module of the first is still there, and the second has the same size.
    put(files={**FILES, "demo.py": "VERSION = '9.9'\n\n\ndef main():\n    print('demo', VERSION)\n"})
    assert out(program, "-c", "import demo; print(demo.VERSION)") == "9.9\n"
