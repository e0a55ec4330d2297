# SPDX-License-Identifier: Apache-2.0
"""User metadata in headers."""

from __future__ import annotations

import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onespace_s3 import metadata

from onespace_core.provider import InvalidRequest

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WORDS = st.sampled_from(
    ["=?UTF-8?Q?a?=", "=?", "?=", "=?utf-8?b?w6k=?=", " ", "\n ", "é", "x"]
)


@given(TEXT)
def test_any_text_comes_back(value: str) -> None:
    assert metadata.decode_value(metadata.encode_value(value)) == value


@given(st.lists(WORDS).map("".join))
def test_text_like_encoded_words_comes_back(value: str) -> None:
    assert metadata.decode_value(metadata.encode_value(value)) == value


@given(TEXT)
def test_what_is_sent_is_one_line_of_printable_ascii(value: str) -> None:
    sent = metadata.encode_value(value)
    assert sent == sent.strip()
    assert sent.isascii()
    assert sent == "" or sent.isprintable()


@given(st.text(st.characters(min_codepoint=0xA0, exclude_categories=["Cs"])))
def test_an_encoded_word_is_what_the_email_package_reads(value: str) -> None:
    sent = metadata.encode_value(value)
    if sent != value:
        decoded = email.header.make_header(email.header.decode_header(sent))
        assert str(decoded) == value


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a b: c", "a b: c"),
        ("", ""),
        ("a=b,%41", "a=b,%41"),
        ("\u00e9", "=?UTF-8?B?w6k=?="),
        ("\x04w", "=?UTF-8?Q?=04w?="),
        ("h\x04", "=?UTF-8?Q?h=04?="),
        ("\x04" * 5, "=?UTF-8?B?BAQEBAQ=?="),
        (" a", "=?UTF-8?Q?_a?="),
        ("a\n", "=?UTF-8?Q?a=0A?="),
        ("=?UTF-8?Q?a?=", "=?UTF-8?B?PT9VVEYtOD9RP2E/PQ==?="),
    ],
)
def test_values_are_sent_as_swift_and_1space_write_them(
    value: str, sent: str
) -> None:
    assert metadata.encode_value(value) == sent


def test_a_long_value_is_one_word() -> None:
    sent = metadata.encode_value("\u00e9" * 200)
    assert "\n" not in sent
    assert sent.count("=?UTF-8") == 1


def test_folded_words_of_1space_are_read() -> None:
    value = "\u00fc" * 200
    written = email.header.Header(value, charset="UTF-8").encode()
    assert "\n " in written
    assert metadata.decode_value(written) == value


def test_words_that_cut_a_character_in_two_are_read() -> None:
    assert metadata.decode_value("=?utf-8?B?ww==?= =?utf-8?Q?=A9?=") == "é"


def test_words_of_other_charsets_are_read() -> None:
    assert metadata.decode_value("=?iso-8859-1?Q?=FC?= x") == "\u00fc x"


@pytest.mark.parametrize(
    "value",
    [
        "=?nonsense?Q?a?=",
        "=?UTF-8?B?*?=",
        "=?UTF-8?B?w6?=",
        "=?UTF-8?Q?=FF?=",
        "=?UTF-8?X?a?=",
        "50%41+",
    ],
)
def test_what_cannot_be_decoded_stays(value: str) -> None:
    assert metadata.decode_value(value) == value


def test_raw_utf8_is_read_as_such() -> None:
    assert metadata.decode_value("é".encode().decode("latin-1")) == "é"


def test_raw_latin1_is_read_as_such() -> None:
    assert metadata.decode_value("\u00fc") == "\u00fc"


def test_names_are_lower_case() -> None:
    assert metadata.to_headers({"Color": "x"}) == {"color": "x"}
    assert metadata.from_headers({"COLOR": "x"}) == {"color": "x"}
    assert metadata.to_headers(None) == metadata.from_headers(None) == {}


@pytest.mark.parametrize("name", ["ünï", "a b", "", "a:b", "a\n", "a\r\nb"])
def test_a_name_that_is_no_header_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        metadata.to_headers({"good": "1", name: "x"})
    assert ascii(name) in str(caught.value)


def test_a_value_with_a_surrogate_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        metadata.to_headers({"a": "\ud800"})


def test_size_counts_what_is_written() -> None:
    headers = metadata.to_headers({"ab": "\u00e9"})
    assert metadata.size(headers) == len("ab") + len("=?UTF-8?B?w6k=?=")


def test_manifest_markers_are_ordinary_names() -> None:
    pair = {"x-object-manifest": "a/b c", "x-static-large-object": "True"}
    assert metadata.to_headers(pair) == pair


def test_system_headers_are_the_sdks_parameters() -> None:
    assert metadata.system_parameters({"content-encoding": "gzip"}) == {
        "ContentEncoding": "gzip"
    }


@pytest.mark.parametrize(
    "system",
    [{"content-type": "a/b"}, {"cache-control": "ü"}, {"cache-control": "\n"}],
)
def test_system_headers_that_cannot_be_kept_are_refused(
    system: dict[str, str],
) -> None:
    with pytest.raises(InvalidRequest):
        metadata.system_parameters(system)
