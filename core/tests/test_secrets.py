"""Which values are secrets, and that none of them gets through, however the data is cut."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kern.secrets import Masker, forms, looks_secret, mask_argv, secret_values, url_secrets

if TYPE_CHECKING:
    from pathlib import Path

SECRET_NAMES = [
    "TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN2",
    "GITHUBTOKEN",
    "UV_PUBLISH_TOKEN",
    "npm_config__authToken",
    "authtoken",
    "SESSION_TOKEN",
    "SECRET",
    "CLIENT_SECRET",
    "DJANGO_SECRET_KEY",
    "PASSWORD",
    "PGPASSWORD",
    "my-password",
    "dbPassword",
    "PASSWORD1",
    "PASSWD",
    "DB_PASS",
    "SSHPASS",
    "PASSPHRASE",
    "GPG_PASSPHRASE",
    "MYSQL_PWD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "accessKey",
    "API_KEY",
    "APIKEY",
    "apiKey",
    "MyAPIKey",
    "OPENAI_API_KEYS",
    "PRIVATE_KEY",
    "SSH_KEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CREDS",
    "HTTP_AUTH",
    "OAuthHeader",
    "COOKIE",
    "SESSION_COOKIES",
    "JWT",
    "BEARER",
    "SLACK_WEBHOOK_URL",
    "AZURE_STORAGE_CONNECTION_STRING",
    "UV_INDEX_MINE_PASSWORD",
]
OTHER_NAMES = [
    "PATH",
    "HOME",
    "PWD",
    "OLDPWD",
    "KEYBOARD",
    "MONKEY",
    "GIT_ASKPASS",
    "COMPASS",
    "AUTHOR",
    "GIT_AUTHOR_NAME",
    "SECRETARY",
    "TOKENIZERS_PARALLELISM",
    "PUBLIC_KEY",
    "CACHE_KEY",
    "PASSED",
    "BYPASS",
    "KEY",
    "TOKEN_FILE",
    "PASSWORD_FILE",
    "AUTH_URL",
    "AUTH_METHOD",
    "SECRET_NAME",
    "credential-helper",
    "XAUTHORITY",
    "_",
    "1",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)
    assert secret_values({name: "hunter2-hunter2"}) == {"hunter2-hunter2"}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_names_of_other_things(name: str) -> None:
    assert not looks_secret(name)
    assert secret_values({name: "hunter2-hunter2"}) == frozenset()


@pytest.mark.parametrize(
    "value", ["", "abc12", "  abc12 ", "true", "False", "1234567", "xxxxxxxx", "********", "password", "PostgreS"]
)
def test_values_that_everybody_has_are_no_secrets(value: str) -> None:
    assert secret_values({"MY_TOKEN": value}) == frozenset()


@pytest.mark.parametrize("value", ["abc123", "12345678", "Passw0rd", "/9j/4AAQSkZJRg"])
def test_values_that_are_secrets(value: str) -> None:
    assert value in secret_values({"MY_TOKEN": value})


def test_a_path_that_exists_is_no_secret(tmp_path: Path) -> None:
    assert secret_values({"SSH_AUTH_SOCK": str(tmp_path)}) == frozenset()
    assert str(tmp_path / "gone") in secret_values({"SSH_AUTH_SOCK": str(tmp_path / "gone")})


def test_white_space_around_a_secret_does_not_count() -> None:
    assert secret_values({"MY_TOKEN": " abc123\n"}) == {"abc123"}


def test_each_longer_line_is_a_secret_too() -> None:
    key = "-----BEGIN KEY-----\r\nMIIEvQIBADAN\r\nBgkq==\r\n-----END KEY-----\n"
    assert secret_values({"DEPLOY_KEY": key}) == {
        key.strip(),
        "-----BEGIN KEY-----",
        "MIIEvQIBADAN",
        "-----END KEY-----",
    }


def test_a_secret_turns_up_percent_encoded() -> None:
    assert forms("p@ss/wörd") == {"p@ss/wörd", "p%40ss%2Fw%C3%B6rd", "p%40ss/w%C3%B6rd"}
    assert forms("simple-1._~") == {"simple-1._~"}


@given(st.text(min_size=8).filter(lambda text: len(text.splitlines()) == 1 and text == text.strip()))
def test_encoded_forms_are_those_of_the_standard_library(text: str) -> None:
    try:
        encoded = quote(text, safe="")
    except UnicodeEncodeError:
        encoded = text
    found = forms(text)
    assert not found or {text, encoded} <= found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:s3cr3t-pw@host/simple", ["s3cr3t-pw"]),
        ("https://user:p%40ss%2fword@host", ["p%40ss%2fword", "p@ss/word"]),
        ("https://user:bad%zz%4@host", ["bad%zz%4"]),
        ("https://me%40mail.org:s3cr3t-pw@host", ["s3cr3t-pw"]),
        ("https://ghp_abcdef@github.com/a/b", ["ghp_abcdef"]),
        ("https://ghp_abcdef:@github.com", ["ghp_abcdef"]),
        ("https://ghp_abcdef:x-oauth-basic@github.com", ["ghp_abcdef"]),
        ("git+https://ghp_abcdef@github.com/a/b@v1", ["ghp_abcdef"]),
        ("https://__token__:pypi-AgEIcHl@upload.pypi.org", ["pypi-AgEIcHl"]),
        ("https://x-access-token@github.com", []),
        ("https://host/simple https://u:first-1@a\nhttp://u:second@b/c", ["first-1", "second"]),
        ("https://u:first-1@a,https://u:second@b", ["first-1", "second"]),
        ("postgres://u:p:w:x:y@db/x?a=b@c", ["p:w:x:y"]),
        ("postgres://u:pa/ss?wo#rd@db/x", ["pa/ss?wo#rd"]),
        ("mongodb://u:s3cr3t-pw@a:1,b:2/x", ["s3cr3t-pw"]),
        ("index=https://u:p@ss@w0rd@host", ["p@ss@w0rd"]),
        ('"https://u:s3cr3t-pw@host"', ["s3cr3t-pw"]),
        ("https://host:8080/x@longer-name", []),
        ("https://[::1]:8080/x@longer-name", []),
        ("https://host/x@longer-name", []),
        ("https://host/?mail=somebody@example.org", []),
        ("ssh://somebody@host/x", []),
        ("git+ssh://somebody@host/x", []),
        ("sftp://somebody:s3cr3t-pw@host/x", ["s3cr3t-pw"]),
        ("https://user:short@host", []),
        ("https://user:hidden <https://other.host/@x>", []),
        ("://", []),
        ("somebody@example.org", []),
    ],
)
def test_credentials_in_urls(text: str, expected: list[str]) -> None:
    assert set(expected) <= url_secrets(text)
    plain = {form for form in url_secrets(text) if not re.search("%[0-9A-F]{2}", form)}
    assert plain <= set(expected)
    assert secret_values({"ANYTHING": text}) == url_secrets(text)


def test_one_s_own_user_name_is_no_secret() -> None:
    host = {"USER": "somebody", "REPOSITORY": "https://somebody@host/x", "OTHER": "https://another1@host/x"}
    assert secret_values(host) == {"another1"}


def test_the_longest_secret_at_a_place_goes_first() -> None:
    masker = Masker(["abc", "abcdef", "def", ""])
    assert masker.mask_text("abcdef abc def abcdabcdef") == "*** *** *** ***d***"
    assert masker.mask_bytes(b"abcabcdefdef") == b"*********"


def test_secrets_are_found_in_any_script() -> None:
    masker = Masker(["pässwörd", "\udcff\udcfe raw", "\ud800 half"])
    assert masker.mask_text("<pässwörd>") == "<***>"
    assert masker.mask_bytes("<pässwörd>".encode() + b"\xff\xfe raw") == b"<***>***"
    assert masker.mask_text("\ud800 half") == "***"


def test_nothing_is_copied_without_need() -> None:
    data, text = bytes(bytearray(b"some data")), str(bytearray(b"some text"), "ascii")
    assert Masker().stream().feed(data) is data
    assert Masker().mask_bytes(data) is data
    assert Masker(["secret"]).mask_bytes(data) is data
    assert Masker(["secret"]).mask_text(text) is text


def test_a_stream_holds_back_no_more_than_it_must() -> None:
    stream = Masker(["secret", "set"]).stream()
    assert stream.feed(b"the se") == b"the "
    assert stream.feed(b"cond secre") == b"second "
    assert stream.feed(b"t s") == b"*** "
    assert stream.feed(b"set") == b"s***"
    assert stream.feed(b" sec") == b" "
    assert stream.flush() == b"sec"
    assert stream.flush() == b""


def test_a_stream_waits_for_the_longer_secret() -> None:
    stream = Masker(["abc", "abcdef"]).stream()
    assert stream.feed(b"-abc") == b"-"
    assert stream.feed(b"de") == b""
    assert stream.feed(b"f") == b"***"
    assert stream.feed(b"abcd") == b""
    assert stream.flush() == b"***d"


def test_a_stream_learns_new_secrets() -> None:
    masker = Masker()
    stream = masker.stream()
    assert stream.feed(b"hunter2-one") == b"hunter2-one"
    masker.add("hunter2-one")
    assert stream.feed(b"hunter2-one") == b"***"


def test_added_values_are_masked_in_all_forms() -> None:
    masker = Masker(["first!"])
    masker.add("p@ssword")
    masker.add("line number 1\nline number 2")
    masker.add("p@ssword")
    masker.add("a1b2")
    for common in ("", "a", "true", "None", "123456"):
        masker.add(common)
    text = "first! p@ssword p%40ssword line number 2 a1b2 true None a 123456"
    assert masker.mask_text(text) == "*** *** *** *** *** true None a 123456"
    assert masker.mask_bytes(text.encode()) == masker.mask_text(text).encode()


def test_no_value_is_lost_when_threads_add_at_once() -> None:
    masker = Masker()
    values = [[f"value-{thread}-{number};" for number in range(200)] for thread in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda mine=mine: list(map(masker.add, mine))) for mine in values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    text = "".join(value for mine in values for value in mine)
    assert masker.mask_text(text) == "***" * 1600


SECRETS = st.lists(st.text("abc", min_size=1, max_size=6), max_size=4)
PIECES = st.lists(st.text("abcd", max_size=8).map(str.encode), max_size=8)


@given(secrets=SECRETS, pieces=PIECES)
@example(secrets=["xab", "abcd"], pieces=[b"xab", b"cd"])
@example(secrets=["ab", "bcd"], pieces=[b"ab", b"cd"])
@example(secrets=["aab"], pieces=[b"aa", b"ab"])
def test_a_stream_masks_as_if_all_came_at_once(secrets: list[str], pieces: list[bytes]) -> None:
    masker = Masker(secrets)
    stream = masker.stream()
    whole = b"".join(pieces)
    longest = max(map(len, secrets), default=1)
    done = b""
    for piece in pieces:
        done += stream.feed(piece)
        assert len(stream._held) < longest
    done += stream.flush()
    assert done == masker.mask_bytes(whole)
    assert done.decode() == masker.mask_text(whole.decode())
    for secret in secrets:
        assert secret.encode() not in done


@given(secrets=SECRETS, data=st.text("abcd", max_size=30))
def test_masking_is_what_a_regular_expression_would_do(secrets: list[str], data: str) -> None:
    pattern = "|".join(sorted(secrets, key=len, reverse=True)) or "(?!)"
    assert Masker(secrets).mask_text(data) == re.sub(pattern, "***", data)


@given(
    secrets=st.lists(st.binary(min_size=3, max_size=9), max_size=3), pieces=st.lists(st.binary(max_size=20), max_size=6)
)
def test_data_without_secrets_is_untouched(secrets: list[bytes], pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    absent = [secret.decode("utf-8", "surrogateescape") for secret in secrets if secret not in whole]
    stream = Masker(absent).stream()
    assert b"".join(map(stream.feed, pieces)) + stream.flush() == whole


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("prog --token=abc --verbose", "prog --token=*** --verbose"),
        ("prog --token= x", "prog --token= x"),
        ("prog --password abc tests", "prog --password *** tests"),
        ("prog --password --verbose abc", "prog --password --verbose abc"),
        ("prog --api-key abc --token", "prog --api-key *** --token"),
        ("prog --password-file abc --keyboard=x", "prog --password-file abc --keyboard=x"),
        ("prog -p abc -token abc", "prog -p abc -token abc"),
        ("env MY_TOKEN=abc prog -DdbPassword=x", "env MY_TOKEN=*** prog -DdbPassword=***"),
        ("pytest tests/test_token.py::test[a=b]", "pytest tests/test_token.py::test[a=b]"),
        ("git clone https://me:s3cr3t-pw@host/x", "git clone https://me:***@host/x"),
        ("prog --url=https://ghp_abcdef@host known-one", "prog --url=https://***@host ***"),
        ("prog --known-one=1", "prog --***=1"),
        ("", ""),
    ],
)
def test_a_command_line_may_be_shown(argv: str, expected: str) -> None:
    assert mask_argv(argv.split(), Masker(["known-one"])) == tuple(expected.split())


def test_finding_secrets_does_not_import_heavy_modules() -> None:
    code = (
        "import sys; before = set(sys.modules); import kern.secrets, typing; "
        "print(*{'subprocess', 'pathlib', 'hashlib', 'urllib.parse', 'inspect', 'dataclasses'} & set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
