"""``environment.yml`` as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.api import ConfigError
from kern_conda.environment_file import pip_files, read_environment_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("entry", "there", "below"),
    [
        (".", "./.", "./ci"),
        ("..", "./..", "./."),
        (".[dev,test]", "./.[dev,test]", "./ci[dev,test]"),
        ("-e .[dev]", "-e ./.[dev]", "-e ./ci[dev]"),
        ("-e ..[dev]", "-e ./..[dev]", "-e ./.[dev]"),
        ("--requirement=r.txt", "--requirement ./r.txt", "--requirement ./ci/r.txt"),
        ("-r  sub/r.txt", "-r ./sub/r.txt", "-r ./ci/sub/r.txt"),
        ("-r /r.txt", "-r /r.txt", "-r /r.txt"),
        ("-e git+https://host/x@main", "-e git+https://host/x@main", "-e git+https://host/x@main"),
        ("requests[socks]>=2; python_version < '4'", "requests[socks]>=2; python_version < '4'", None),
        ("--index-url https://host/simple", "--index-url https://host/simple", None),
        ("--no-binary=numpy", "--no-binary=numpy", None),
    ],
)
def test_paths_are_relative_to_the_file(tmp_path: Path, entry: str, there: str, below: str | None) -> None:
    text = f'dependencies:\n  - pip:\n    - "{entry}"\n'
    (tmp_path / "ci").mkdir()
    for name, wanted in (("e.yml", there), ("ci/e.yml", there if below is None else below)):
        (tmp_path / name).write_text(text)
        assert read_environment_file(name, str(tmp_path)).pypi == (wanted,)
        local = wanted.startswith(("-r", "-e", "--r", "./"))
        assert pip_files(text, name) == ((wanted.partition("[")[0],) if local else ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "dependencies:\n  - a\n  - pip:\n    - --no-binary=:none:\n",
            "`pip` in e.yml is no text but {'--no-binary=:none'",
        ),
        ("dependencies:\n  - 3.12\n", "`dependencies` in e.yml is no text but 3.12"),
        ("dependencies:\n  - a\n  -\n", "`dependencies` in e.yml is no text but None"),
        ("dependencies:\n  - sel(win): pywin32\n", r"a section 'sel\(win\)'"),
        ("dependencies: a\n", "is not a list"),
    ],
)
def test_what_is_no_entry_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "e.yml").write_text(text)
    with pytest.raises(ConfigError, match=words) as refused:
        read_environment_file("e.yml", str(tmp_path))
    assert refused.value.where == "e.yml"
