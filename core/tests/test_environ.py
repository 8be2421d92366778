"""The allow-list and changes of the environment."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import EnvDelta
from kern.environ import DEFAULT_PASS, TOOL_PASS, allowed, apply
from kern.secrets import looks_secret

HOST = {"PATH": "/bin", "LC_ALL": "C", "LC_TIME": "C", "LCD": "x", "MY_TOKEN": "t", "path": "lower"}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("", ""),
        ("PATH", "PATH"),
        ("NOT_THERE", ""),
        ("LC_*", "LC_ALL LC_TIME"),
        ("*", "PATH LC_ALL LC_TIME LCD MY_TOKEN path"),
        ("* !MY_TOKEN", "PATH LC_ALL LC_TIME LCD path"),
        ("* !*T*", "LC_ALL LCD path"),
        ("LC_* !LC_* LC_ALL", "LC_ALL"),
        ("!PATH PATH", "PATH"),
        ("L*_*E", "LC_TIME"),
        ("MY_TOKEN PATH", "PATH MY_TOKEN"),
    ],
)
def test_patterns_count_in_order(patterns: str, expected: str) -> None:
    assert list(allowed(HOST, patterns.split(), ignore_case=False)) == expected.split()


def test_values_are_the_host_s() -> None:
    assert allowed(HOST, ["PATH"]) == {"PATH": "/bin"}


def test_windows_names_are_the_same_in_both_cases() -> None:
    host = {"Path": "a", "SystemRoot": "b", "Other": "c"}
    assert allowed(host, ["PATH", "systemr*"], ignore_case=True) == {"Path": "a", "SystemRoot": "b"}
    assert allowed(host, ["*", "!pATH"], ignore_case=True) == {"SystemRoot": "b", "Other": "c"}
    assert allowed(host, ["PATH", "systemr*"], ignore_case=False) == {}


@given(
    host=st.dictionaries(st.text("AB_", max_size=4), st.just("x")),
    patterns=st.lists(st.text("AB_*", min_size=1, max_size=4), max_size=4),
    taken=st.lists(st.text("AB_*", min_size=1, max_size=4), max_size=2),
)
def test_wildcards_are_the_shell_s(host: dict[str, str], patterns: list[str], taken: list[str]) -> None:
    found = allowed(host, [*patterns, *("!" + pattern for pattern in taken)], ignore_case=False)
    for name in host:
        wanted = any(fnmatchcase(name, pattern) for pattern in patterns)
        assert (name in found) == (wanted and not any(fnmatchcase(name, pattern) for pattern in taken))


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "CI",
        "GITHUB_RUN_ID",
        "https_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "PKG_CONFIG",
        "PKG_CONFIG_PATH",
        "CC",
        "LD_LIBRARY_PATH",
        "NO_COLOR",
        "SYSTEMROOT",
        "SOURCE_DATE_EPOCH",
        "NETRC",
    ],
)
def test_every_command_sees(name: str) -> None:
    assert allowed({name: "x"}, DEFAULT_PASS) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONPATH",
        "PYTHONHOME",
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "GITHUB_TOKEN",
        "GITHUB_ENV",
        "CI_JOB_TOKEN",
        "MY_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "DATABASE_URL",
        "SSH_AUTH_SOCK",
        "PIP_INDEX_URL",
        "UV_PUBLISH_TOKEN",
        "TWINE_PASSWORD",
        "npm_config__authToken",
        "PLAIN_HOST_VAR",
        "DISPLAY",
    ],
)
def test_no_command_sees_unless_asked_for(name: str) -> None:
    assert allowed({name: "x"}, DEFAULT_PASS) == {}
    assert allowed({name: "x"}, (*DEFAULT_PASS, name)) == {name: "x"}


def test_tools_see_more_but_not_where_to_publish_or_to_install() -> None:
    host = dict.fromkeys(["PIP_INDEX_URL", "UV_INDEX_MINE_PASSWORD", "SSH_AUTH_SOCK", "CARGO_HOME", "CMAKE_ARGS"], "x")
    host |= dict.fromkeys(["PYENV_ROOT", "PYENV_VERSION", "PYTHON_BUILD_CACHE_PATH", "PYTHON_BUILD_MIRROR_URL"], "x")
    hidden = ["UV_PUBLISH_TOKEN", "PIP_TARGET", "PIP_USER", "UV_SYSTEM_PYTHON", "CARGO_REGISTRY_TOKEN", "GIT_DIR"]
    assert allowed({**host, **dict.fromkeys(hidden, "x")}, (*DEFAULT_PASS, *TOOL_PASS)) == host


def test_no_default_is_a_secret_s_name_or_lets_a_whole_family_through() -> None:
    assert not [pattern for pattern in DEFAULT_PASS if looks_secret(pattern)]
    assert [pattern for pattern in DEFAULT_PASS if "*" in pattern] == ["LC_*", "CLICOLOR*", "PKG_CONFIG_*"]
    assert len(set(DEFAULT_PASS)) == len(DEFAULT_PASS)
    assert not set(DEFAULT_PASS) & set(TOOL_PASS)


def test_what_a_row_passes_counts_after_the_defaults() -> None:
    host = {"PATH": "/bin", "HOME": "/home/me", "LANG": "C", "MINE": "host", "OTHER": "x"}
    assert allowed(host, (*DEFAULT_PASS, "MINE", "!HOME")) == {"PATH": "/bin", "LANG": "C", "MINE": "host"}


def test_a_change_unsets_then_sets_then_prepends() -> None:
    environ = {"A": "1", "B": "2", "C": "3", "PATH": "/bin", "OLD": "/old"}
    delta = EnvDelta(
        unset=("A", "B", "OLD", "NEVER_THERE"),
        set={"B": "new", "LIB": "/lib"},
        prepend={"PATH": ("/env/bin", "/more"), "LIB": ("/env/lib",), "OLD": ("/fresh",), "NONE": ()},
    )
    assert apply(delta, environ) == {
        "C": "3",
        "B": "new",
        "PATH": os.pathsep.join(("/env/bin", "/more", "/bin")),
        "LIB": os.pathsep.join(("/env/lib", "/lib")),
        "OLD": "/fresh",
        "NONE": "",
    }
    assert environ["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("entries", "before", "after"),
    [
        ("/a", "/b:/a:/c", "/a:/b:/c"),
        ("/a:/a", "", "/a"),
        ("/a:/b", "/b:/a", "/a:/b"),
        ("", "/b", "/b"),
        (":/a:", "/b", "/a:/b"),
        ("/a", "/b::/c", "/a:/b::/c"),
    ],
)
def test_nothing_stands_twice_in_a_search_path(entries: str, before: str, after: str) -> None:
    delta = EnvDelta(prepend={"PATH": tuple(entries.split(":"))})
    assert apply(delta, {"PATH": before.replace(":", os.pathsep)}) == {"PATH": after.replace(":", os.pathsep)}


@given(
    environ=st.dictionaries(st.sampled_from("ABC"), st.text("/:x", max_size=5)),
    changed=st.dictionaries(st.sampled_from("ABC"), st.text("xyz", max_size=3)),
    unset=st.lists(st.sampled_from("ABC")),
    prepend=st.dictionaries(st.sampled_from("ABC"), st.lists(st.sampled_from(["/x", "/y"]), min_size=1).map(tuple)),
)
def test_a_change_applied_twice_is_a_change_applied_once(
    environ: dict[str, str], changed: dict[str, str], unset: list[str], prepend: dict[str, tuple[str, ...]]
) -> None:
    delta = EnvDelta(set=changed, unset=tuple(unset), prepend=prepend)
    once = apply(delta, environ)
    assert apply(delta, once) == once
    for name, entries in prepend.items():
        assert once[name].split(os.pathsep)[: len(set(entries))] == list(dict.fromkeys(entries))
