"""What is decided by looking alone: which expression, which store path, what a build leaves in the variables."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import ConfigError, EnvDelta, StepFailed, Unavailable
from kern_nix.changes import FILE, Entry, cleaned, read_entry, write_entry
from kern_nix.evaluating import has_hook
from kern_nix.failing import explained, hook_explained
from kern_nix.fingerprint import expression_inputs, named_inputs, search_path
from kern_nix.packages import python_path
from kern_nix.programs import mask_tokens
from kern_nix.pythons import check_factor
from kern_nix.store_paths import read_name, store_path, watch_store
from kern_nix.subject import PACKAGE_FILES, Subject, Wish, choose_subject, local_directory

if TYPE_CHECKING:
    from pathlib import Path

HASH = "dy9c26nvqdsgakps748rwkc3qiqlwgxc"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello-2.12.1", ("hello", "2.12.1")),
        ("python3.11-requests-2.31.0", ("requests", "2.31.0")),
        ("python3-3.11.7-env", ("python3", "3.11.7-env")),
        ("gtk+-3.24", ("gtk+", "3.24")),
        ("demo-shell-env", ("demo-shell-env", "")),
        ("demo-unstable-2023-01-01", ("demo-unstable", "2023-01-01")),
    ],
)
def test_the_name_of_a_store_path_says_name_and_version(name: str, expected: tuple[str, str]) -> None:
    found = read_name(f"/nix/store/{HASH}-{name}")
    assert found is not None
    assert found == (HASH, *expected)


@pytest.mark.parametrize("path", ["/nix/store", "/usr/bin", f"/nix/store/{HASH}", f"/nix/store/{HASH[:-1]}-x", "/", ""])
def test_what_is_no_store_path_is_none(path: str) -> None:
    assert read_name(path) is None


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    found = read_name(text)
    assert found is None or (len(found.digest) == 32 and (found.name or found.version))


def test_a_store_path_that_is_gone_is_none(tmp_path: Path) -> None:
    place = tmp_path / f"{HASH}-demo-1"
    link = tmp_path / "result"
    link.symlink_to(place)
    assert store_path(str(link)) == ""
    place.mkdir()
    assert store_path(str(link)) == str(place)
    (place / "lib").mkdir()
    assert store_path(str(link / "lib")) == ""


def test_store_paths_are_watched_through_a_link(tmp_path: Path) -> None:
    store, location = tmp_path / "store", tmp_path / "environment"
    (store / f"{HASH}-b/deep").mkdir(parents=True)
    location.mkdir()
    for path in (f"{HASH}-a", f"{HASH}-b/deep/file"):
        (store / path).write_text("x")
    found = watch_store(str(location), (str(store / f"{HASH}-a"), str(store / f"{HASH}-b")))
    assert found == (f"nix/store/{HASH}-a", f"nix/store/{HASH}-b/deep/file")
    assert all((location / path).is_file() for path in found)


def choose(base: Path, *usual: str, **wish: Any) -> Subject | Unavailable:
    return choose_subject(Wish(**wish), str(base), *([usual] if usual else []))


def test_the_expression_of_a_directory(tmp_path: Path) -> None:
    nothing = choose(tmp_path)
    assert isinstance(nothing, Unavailable)
    assert not nothing.missing
    for name, shown in (("default.nix", "default.nix"), ("flake.nix", "."), ("shell.nix", "shell.nix")):
        (tmp_path / name).write_text("{}")
        found = choose(tmp_path)
        assert isinstance(found, Subject)
        assert found.shown == shown
    package = choose(tmp_path, *PACKAGE_FILES)
    assert isinstance(package, Subject)
    assert package.file == str(tmp_path / "default.nix")


def test_what_is_said_of_an_expression(tmp_path: Path) -> None:
    (tmp_path / "nix").mkdir()
    (tmp_path / "nix/dev.nix").write_text("{}")
    (tmp_path / "flake.nix").write_text("{}")
    said = choose(tmp_path, nix_file="nix/dev.nix", attr="shell", nix_args=("--argstr", "a", "b"), impure=True)
    assert said == Subject(
        "nix/dev.nix -A shell",
        str(tmp_path),
        file=str(tmp_path / "nix/dev.nix"),
        attr="shell",
        directory=str(tmp_path / "nix"),
        arguments=("--argstr", "a", "b"),
    )
    flake = choose(tmp_path, flake=".", attr="dev", impure=True)
    assert isinstance(flake, Subject)
    assert (flake.flake, flake.directory, flake.arguments) == (
        ".#dev",
        str(tmp_path),
        ("--impure", "--no-write-lock-file"),
    )
    remote = choose(tmp_path, flake="github:NixOS/nixpkgs#hello")
    assert isinstance(remote, Subject)
    assert remote.directory == ""
    below = choose(tmp_path, flake="nix#dev")
    assert isinstance(below, Subject)
    assert (below.flake, below.directory) == ("./nix#dev", str(tmp_path))


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"nix_file": "a.nix", "flake": "."}, "nix_file and flake are both set"),
        ({"nix_file": "a.nix"}, "there is no a.nix, which nix_file names"),
        ({"flake": ".#a", "attr": "b"}, "attr and the attribute in flake are both set"),
        ({"flake": "./sub"}, "there is no flake.nix in "),
    ],
)
def test_contradictions_are_no_missing_tools(tmp_path: Path, wish: dict[str, Any], reason: str) -> None:
    (tmp_path / ".git").mkdir()
    found = choose(tmp_path, **wish)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)
    assert not found.missing


def test_where_a_flake_is(tmp_path: Path) -> None:
    base = str(tmp_path)
    places = {".#x": base, "#x": base, "./sub?dir=a#x": f"{base}/sub", "path:/a/b#x": "/a/b", "git+file:///a/b": "/a/b"}
    assert {reference: local_directory(reference, base) for reference in places} == places
    assert {local_directory(name, base) for name in ("nixpkgs#hello", "github:a/b")} == {""}


def test_the_inputs_of_an_expression(tmp_path: Path) -> None:
    for name in (
        "shell.nix",
        "deep/er/other.nix",
        ".kern/hidden.nix",
        "node_modules/x.nix",
        "readme.txt",
        "flake.lock",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "loop").symlink_to(tmp_path)
    subject = choose(tmp_path)
    assert isinstance(subject, Subject)
    environ = {"PATH": "", "HOME": str(tmp_path), "NIX_PATH": f"nixpkgs={tmp_path}/channel:https://example.org/x"}
    found = expression_inputs(subject, environ)
    assert sorted(found["nix files"]) == ["deep/er/other.nix", "flake.lock", "shell.nix"]
    (tmp_path / "deep/er/other.nix").write_text("changed")
    assert expression_inputs(subject, environ)["nix files"] != found["nix files"]
    (tmp_path / "generation-1").mkdir()
    (tmp_path / "channel").symlink_to("generation-1")
    assert search_path(environ) == [f"nixpkgs={tmp_path}/generation-1", "https://example.org/x"]
    with pytest.raises(ConfigError, match=r"absent\.txt can't be read"):
        named_inputs(("absent.txt",), str(tmp_path))


def test_what_builds_leave_is_taken_away() -> None:
    given_ = {
        "NIX_BUILD_TOP": "/tmp/nix-shell.x",
        "TMPDIR": "/tmp/nix-shell.x",
        "TMP": "/data",
        "HOME": "/homeless-shelter",
        "SSL_CERT_FILE": "/no-cert-file.crt",
        "NIX_SSL_CERT_FILE": "/etc/certificates",
        "shellHook": "true",
        "GREETING": "hello",
        "BASH_FUNC_f%%": "() { :; }",
    }
    found = cleaned(EnvDelta(set=given_, unset=("GONE", "shellHook"), prepend={"PATH": ("/nix/bin",)}))
    assert dict(found.set) == {
        "TMP": "/data",
        "NIX_SSL_CERT_FILE": "/etc/certificates",
        "GREETING": "hello",
        "BASH_FUNC_f%%": "() { :; }",
    }
    assert found.unset == ("GONE",)
    assert found.prepend == {"PATH": ("/nix/bin",)}


@given(st.dictionaries(st.text(min_size=1), st.text()), st.lists(st.text()), st.booleans())
def test_an_entry_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], gone: list[str], hook: bool
) -> None:
    place = str(tmp_path_factory.mktemp("entry"))
    entry = Entry(EnvDelta(set=variables, unset=tuple(gone), prepend={"PATH": ("/a", "/b")}), hook)
    write_entry(place, entry)
    assert read_entry(place) == entry


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"set": {}, "unset": [], "prepend": [], "hook": 1}', "\0"])
def test_a_damaged_entry_is_an_error_of_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StepFailed, match="can't be read"):
        read_entry(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "hook"),
    [
        ("shellHook=''", False),
        ("unset shellHook", False),
        ("shellHook='echo x'", True),
        ("shellHook='\necho x\n'", True),
    ],
)
def test_whether_there_is_a_hook(tmp_path: Path, line: str, hook: bool) -> None:
    script = tmp_path / "script"
    script.write_text(f"unset shellHook\nA='1'\n{line}\nexport shellHook\neval \"$shellHook\"\n")
    assert has_hook(str(script)) is hook


def test_the_modules_of_a_package_and_of_what_it_propagates(tmp_path: Path) -> None:
    for name in ("package", "one", "two"):
        (tmp_path / name / "lib/python3.11/site-packages").mkdir(parents=True)
        (tmp_path / name / "nix-support").mkdir()
    support = "nix-support/propagated-build-inputs"
    (tmp_path / "package" / support).write_text(f"{tmp_path}/one {tmp_path}/package\n")
    (tmp_path / "one" / support).write_text(f"{tmp_path}/two {tmp_path}/one {tmp_path}/absent")
    package = str(tmp_path / "package")
    expected = [os.path.join(tmp_path, name, "lib/python3.11/site-packages") for name in ("package", "one", "two")]
    assert python_path(package, "3.11.7") == expected
    assert python_path(package, "") == []
    with pytest.raises(StepFailed, match=r"was built for python3\.11, the environment has Python 3\.12\.1"):
        python_path(package, "3.12.1")


@pytest.mark.parametrize(
    ("factors", "version", "right"),
    [
        (("py311", "nix"), "3.11.7", True),
        (("py3.11.7",), "3.11.7", True),
        (("py3", "py"), "3.11.7", True),
        (("pytest", "pylint", "x"), "", True),
        (("py312",), "3.11.7", False),
        (("py311",), "", False),
        (("py31",), "3.11.7", False),
    ],
)
def test_a_name_promises_a_python(factors: tuple[str, ...], version: str, right: bool) -> None:
    spec: Any = SimpleNamespace(factors=factors, name="-".join(factors))
    python: Any = SimpleNamespace(version=version) if version else None
    if right:
        check_factor(spec, python, "shell.nix")
    else:
        with pytest.raises(ConfigError, match=r"shell\.nix (gives Python 3\.11\.7|has no Python), but the name"):
            check_factor(spec, python, "shell.nix")


def test_access_tokens_are_masked() -> None:
    masked: list[str] = []
    settings = "substituters =\nextra-access-tokens = github.com=abc gitlab.com=PAT:def\naccess-tokens = a=ghi"
    context: Any = SimpleNamespace(environ={"NIX_CONFIG": settings}, ask_secret=masked.append)
    mask_tokens(context)
    assert masked == ["abc", "PAT:def", "ghi"]


BUILT = """building '/nix/store/x-a.drv'...
error: builder for '/nix/store/x-a.drv' failed with exit code 7;
       last 1 log lines:
       > boom
error: 1 dependencies of derivation '/nix/store/x-b.drv' failed to build"""


@pytest.mark.parametrize(
    ("tail", "reason", "where", "hint"),
    [
        (
            "error: undefined variable 'x'\n\n       at /p q/bad.nix:1:49:\n",
            "undefined variable 'x'",
            "/p q/bad.nix:1:49",
            "",
        ),
        (BUILT, "builder for '/nix/store/x-a.drv' failed with exit code 7", "a.nix", ""),
        (
            "error: attribute 'bas' not found\n  Did you mean bash?\n",
            "attribute 'bas' not found",
            "a.nix",
            "did you mean bash?",
        ),
        ("error: '/p' is forbidden in pure eval mode", "'/p' is forbidden in pure eval mode", "a.nix", "impure = true"),
    ],
)
def test_what_nix_says_becomes_one_error_with_a_place(tail: str, reason: str, where: str, hint: str) -> None:
    with pytest.raises(StepFailed) as caught, explained(Subject("a.nix", "/p", file="/p/a.nix"), "evaluate"):
        raise StepFailed("bash failed with exit code 1", where="bash -c ...", tail=tail)
    assert caught.value.message == f"nix could not evaluate a.nix: {reason}"
    assert caught.value.where == where
    assert hint in caught.value.hint


def test_a_hook_that_fails_is_not_said_to_be_nix_s_fault() -> None:
    with pytest.raises(StepFailed) as caught, hook_explained("a.nix"):
        raise StepFailed("bash failed with exit code 3", where="bash -c ...")
    assert caught.value.message == "the shellHook of a.nix did not come to its end: bash failed with exit code 3"
    assert caught.value.where == "a.nix"
