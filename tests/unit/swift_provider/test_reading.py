# SPDX-License-Identifier: Apache-2.0
"""Answers that are short, odd or long, from a scripted server."""

from __future__ import annotations

import pytest
from onespace_swift import SwiftProvider
from unit.swift_provider.scripted import (
    Script,
)

from onespace_core.provider import (
    ByteRange,
    BytesBody,
    ConnectionFailed,
    IntegrityError,
    IterableBody,
    LargeKind,
    UnknownProviderError,
)

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def test_a_redirect_does_not_get_our_token(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("301 Moved", b"", f"Location: {script.url}/elsewhere")
    with pytest.raises(UnknownProviderError):
        provider.head_object("k")
    assert len(script.requests) == 1


def test_a_short_answer_is_an_error_and_its_connection_is_dropped(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"half", length=8)
    with provider.get_object("k") as reader, pytest.raises(ConnectionFailed):
        b"".join(reader)
    script.answer("204 OK")
    provider.head_bucket()


def test_a_reader_closed_early_does_not_spoil_the_next_call(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"HTTP/1.1 200 OK\r\n\r\n" * 100)
    provider.get_object("k").close()
    script.answer("204 OK", b"", "X-Container-Object-Count: 5")
    assert provider.head_bucket().object_count == 5


def test_a_range_that_is_ignored_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"0123456789")
    with pytest.raises(UnknownProviderError):
        provider.get_object("k", byte_range=ByteRange(first=5))


def test_a_store_that_has_other_bytes_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("201 Created", b"", f"Etag: {EMPTY_MD5}")
    with pytest.raises(IntegrityError):
        provider.put_object("k", IterableBody([b"data"], size=4))
    script.answer("201 Created", b"", f'Etag: "{EMPTY_MD5}"')
    result = provider.put_object("k", BytesBody(b""))
    assert result.etag == EMPTY_MD5


def test_more_headers_than_http_client_takes_are_read(
    script: Script, provider: SwiftProvider
) -> None:
    many = [f"X-Object-Meta-N{n}: v{n}" for n in range(300)]
    script.answer("200 OK", b"", *many)
    assert len(provider.head_object("k").metadata) == 300


def test_a_name_that_is_not_ascii_hides_no_other_header(
    script: Script, provider: SwiftProvider
) -> None:
    name = "X-Object-Meta-Gr\u00f6\u00dfe".encode().decode("latin-1")
    script.answer(
        "200 OK", b"", f"{name}: 1", "X-Object-Meta-A%41: 2", "Etag: abc"
    )
    info = provider.head_object("k")
    assert dict(info.metadata) == {"gr\u00f6\u00dfe": "1", "a%41": "2"}
    assert info.etag == "abc"


def test_a_page_that_is_not_a_listing_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    for page in (b"<html>", b"{}", b'[{"bytes": 1}]', b'[{"name": "a"}]'):
        script.answer("200 OK", page)
        with pytest.raises(UnknownProviderError):
            provider.list_objects()


def test_listed_etags_are_those_of_head(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer(
        "200 OK",
        b'[{"name": "a", "bytes": 1, "hash": "x; s3_etag=y", '
        b'"last_modified": "2026-01-02T03:04:05.678900"}, '
        b'{"name": "b", "bytes": 2, "hash": "m", "slo_etag": "\\"s\\""}]',
    )
    page = provider.list_objects(limit=10)
    assert [info.etag for info in page.objects] == ["x", "s"]
    kinds = [info.large for info in page.objects]
    assert kinds == [None, LargeKind.STATIC]
    assert page.objects[0].last_modified is not None
    assert page.objects[0].last_modified.microsecond == 678900
    assert page.next_marker == "b"  # a short page is not the end
