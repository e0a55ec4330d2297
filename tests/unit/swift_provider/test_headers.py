# SPDX-License-Identifier: Apache-2.0
"""Names and values: what travels as it is, and what does not."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onespace_swift import headers

from onespace_core.provider import (
    Conditions,
    InvalidRequest,
    NotSupported,
)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "two words",
        "a\tb",
        "100%41",
        "Größe",
        "\u00e0",
        "\u00a0edge\u3000",
        "\U0001f600",
        "=?UTF-8?Q?a?=",
        "=?UTF-8?B?w6k=?=",
        "=?UTF-8?B?not base64?=",
        "é" * 100,
    ],
)
def test_an_ordinary_value_is_what_other_clients_see(value: str) -> None:
    assert headers.escape(value) == value
    assert headers.unescape(value) == value


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a\nb", "=?UTF-8?B?YQpi?="),
        (" a", "=?UTF-8?B?IGE=?="),
        ("a\t", "=?UTF-8?B?YQk=?="),
        ("\0", "=?UTF-8?B?AA==?="),
        ("\x7f", "=?UTF-8?B?fw==?="),
        # Looks like our own word, so it is escaped itself.
        ("=?UTF-8?B?YQpi?=", "=?UTF-8?B?PT9VVEYtOD9CP1lRcGk/PQ==?="),
    ],
)
def test_what_a_header_cannot_hold_is_one_encoded_word(
    value: str, sent: str
) -> None:
    assert headers.escape(value) == sent
    assert headers.unescape(sent) == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_survives_and_fits_in_a_header(value: str) -> None:
    sent = headers.escape(value)
    assert headers.unescape(sent) == value
    assert not any(ord(c) < 32 and c != "\t" for c in sent)
    assert sent == sent.strip(" \t")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_escaping_twice_can_be_undone_twice(value: str) -> None:
    twice = headers.escape(headers.escape(value))
    assert headers.unescape(headers.unescape(twice)) == value


def test_a_surrogate_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        headers.escape("\ud800")
    with pytest.raises(InvalidRequest):
        headers.path("c", "\ud800")


@pytest.mark.parametrize("name", ["a_b", "", "a b", "a:b", "a\nb", "a\0"])
def test_a_name_that_does_not_survive_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        headers.metadata_headers({name: "v"})


def test_names_are_sent_lower_case_with_the_prefix() -> None:
    sent = headers.metadata_headers({"Color": "Red", "größe": "1"})
    assert sent == {
        b"x-object-meta-color": b"Red",
        "x-object-meta-größe".encode(): b"1",
    }


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/b", "/c/a/b"),
        ("a//b/", "/c/a//b/"),
        ("%41?x#y", "/c/%2541%3Fx%23y"),
        ("a/../b", "/c/a/%2E%2E/b"),
        (".", "/c/%2E"),
        ("..a/...", "/c/..a/..."),
        ("a\nb", "/c/a%0Ab"),
        ("\U0001f600", "/c/%F0%9F%98%80"),
    ],
)
def test_a_path_names_exactly_that_object(key: str, path: str) -> None:
    assert headers.path("c", key) == path


@pytest.mark.parametrize(
    "names", [("",), ("c", ""), ("a/b",), ("a/b", "k"), ("c", "a\0b")]
)
def test_a_name_that_would_mean_something_else_is_refused(
    names: tuple[str, ...],
) -> None:
    with pytest.raises(InvalidRequest):
        headers.path(*names)


def test_a_header_cannot_be_smuggled_in() -> None:
    with pytest.raises(InvalidRequest):
        headers.system_headers("text/plain\r\nX-Evil: 1", None)
    with pytest.raises(InvalidRequest):
        headers.system_headers(None, {"cache-control": "a\nb"})
    with pytest.raises(InvalidRequest):
        headers.system_headers(None, {"x-delete-after": "1"})
    with pytest.raises(InvalidRequest):
        headers.condition_headers(Conditions(if_match='a"\r\nX: 1'))


@pytest.mark.parametrize(
    ("etag", "plain"),
    [
        ('"abc"', "abc"),
        ("abc", "abc"),
        ("abc; s3_etag=def-2; s3_etag_is=x", "abc"),
        ('"abc";slo_etag=1', "abc"),
        ("", None),
        (None, None),
    ],
)
def test_etags_come_unquoted_and_alone(
    etag: str | None, plain: str | None
) -> None:
    assert headers.unquote_etag(etag) == plain


def test_conditions_are_quoted_and_rounded_up() -> None:
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=datetime.UTC)
    assert headers.condition_headers(
        Conditions(
            if_match="abc",
            if_none_match="*",
            if_modified_since=when,
            if_unmodified_since=when.replace(microsecond=0),
        )
    ) == {
        "if-match": '"abc"',
        "if-none-match": "*",
        "if-modified-since": "Fri, 02 Jan 2026 03:04:06 GMT",
        "if-unmodified-since": "Fri, 02 Jan 2026 03:04:05 GMT",
    }


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(if_match="abc"),
        Conditions(if_none_match="abc"),
        Conditions(if_none_match="*", if_match="abc"),
        Conditions(if_modified_since=datetime.datetime.now(datetime.UTC)),
    ],
)
def test_a_put_condition_that_swift_ignores_is_refused(
    conditions: Conditions,
) -> None:
    with pytest.raises(NotSupported):
        headers.put_condition_headers(conditions)


def test_times_are_precise_where_the_store_says_so() -> None:
    precise = headers.timestamp({"x-timestamp": "1764034069.12345"})
    assert precise is not None
    assert precise.microsecond == 123450
    assert precise.tzinfo is datetime.UTC
    rounded = headers.timestamp(
        {"last-modified": "Tue, 25 Nov 2025 01:27:50 GMT"}
    )
    assert rounded == datetime.datetime(
        2025, 11, 25, 1, 27, 50, tzinfo=datetime.UTC
    )
    assert headers.timestamp({"x-timestamp": "nan"}) is None
    assert headers.timestamp({}) is None


def test_keys_of_containers_and_accounts_are_left_out() -> None:
    found = {
        "x-container-meta-temp-url-key": "s1",
        "x-container-meta-temp-url-key-2": "s2",
        "x-container-meta-color": "red",
        "x-account-meta-temp-url-key": "s3",
        "x-container-sync-key": "s4",
    }
    assert dict(headers.bucket_info("c", found).metadata) == {"color": "red"}
    shown = headers.without_secrets(found)
    assert shown == {"x-container-meta-color": "red"}
