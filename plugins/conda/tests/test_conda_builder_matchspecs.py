"""Version specifiers in conda's words mean what they mean in PEP 440: rattler and packaging are asked side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from kern_conda.matchspecs import Untranslatable, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packaging.specifiers import Specifier

    Matches = Callable[[str, list[str]], list[bool]]

# rattler can crash the interpreter that it is loaded in when that ends, so it answers from a process that ends at once.
SERVER = """
import json, os, sys
from rattler import BuildString, MatchSpec, PackageRecord
for line in sys.stdin:
    spec, versions = json.loads(line)
    records = [PackageRecord("x", each, BuildString("0"), 0, "noarch", None, None) for each in versions]
    print(json.dumps([MatchSpec(f"x {spec}".strip()).matches(each) for each in records]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def matches() -> Iterator[Matches]:
    argv = [sys.executable, "-c", SERVER]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(spec: str, versions: list[str]) -> list[bool]:
            print(json.dumps([spec, versions]), file=process.stdin, flush=True)
            answer: list[bool] = json.loads(process.stdout.readline())
            return answer

        yield ask
        process.stdin.close()


small = st.integers(0, 3)
releases = st.lists(small, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
epochs = st.sampled_from(["", "", "", "1!"])
stages = st.sampled_from(["", "", "", "a1", "b2", "rc1", ".post1"])
versions = st.tuples(epochs, releases, stages).map(lambda parts: str(Version("".join(parts))))
longer = st.tuples(epochs, small, small, st.sampled_from(["", ".1", ".0"])).map(
    lambda parts: f"{parts[0]}{parts[1]}.{parts[2]}{parts[3]}"
)
clauses = st.one_of(
    st.tuples(st.sampled_from([">=", "<=", "<", ">", "==", "!="]), versions).map("".join),
    st.tuples(st.sampled_from(["==", "!="]), epochs, releases, st.just(".*")).map("".join),
    longer.map("~={}".format),
)


@settings(max_examples=400)
@given(st.lists(clauses, max_size=3), st.lists(versions, min_size=1, max_size=12))
def test_both_take_the_same_versions(matches: Matches, texts: list[str], candidates: list[str]) -> None:
    specifiers = SpecifierSet(",".join(texts))
    asked = [each for each in candidates if not any(_known_difference(Version(each), one) for one in specifiers)]
    assume(asked)
    wanted = [specifiers.contains(each, prereleases=True) for each in asked]
    assert matches(translate(specifiers), asked) == wanted, (translate(specifiers), asked)


def _known_difference(version: Version, specifier: Specifier) -> bool:
    """What `kern_conda.matchspecs` says is not carried over."""
    bound = Version(specifier.version.removesuffix(".*"))
    if specifier.operator == ">" and version.is_postrelease and _stripped(version.release) == _stripped(bound.release):
        return True
    if specifier.operator == "<" and bound.is_postrelease and version.is_prerelease:
        return True
    return any(
        (one.is_postrelease or one.is_prerelease) and len(one.release) < len(other.release)
        for one, other in ((version, bound), (bound, version))
    )


def _stripped(release: tuple[int, ...]) -> tuple[int, ...]:
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return release


@pytest.mark.parametrize(
    ("specifier", "spec"),
    [
        ("", ""),
        ("~=8.1", ">=8.1,8.*"),
        ("~=1.4.5a4", ">=1.4.5a4,1.4.*"),
        ("~=2.2.post3", ">=2.2.post3,2.*"),
        ("~=1!2.3.0", ">=1!2.3.0,1!2.3.*"),
        ("==8.*", "8.*"),
        (">=1,==8.*", "8.*,>=1"),
        ("!=1.5.*,>=1", ">=1,!=1.5.*"),
        (">=3.9,<4", ">=3.9,<4a0"),
        ("<2.0.0", "<2a0"),
        ("<2.0rc1", "<2.0rc1"),
        ("<0", "<0a0"),
        ("==1.0+cu118", "==1.0+cu118"),
        (">=1.0-1", ">=1.0.post1"),
        ("== V1.0.0RC1", "==1.0.0rc1"),
    ],
)
def test_translations(specifier: str, spec: str) -> None:
    assert translate(SpecifierSet(specifier)) == spec


def test_text_is_not_compared() -> None:
    with pytest.raises(Untranslatable, match=r"^===1\.0 compares text"):
        translate(SpecifierSet("===1.0,>0"))


def test_local_versions(matches: Matches) -> None:
    assert matches(translate(SpecifierSet("==1.0+cu118")), ["1.0+cu118", "1.0", "1.0+cpu"]) == [True, False, False]
