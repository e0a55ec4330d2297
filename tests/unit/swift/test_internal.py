# SPDX-License-Identifier: Apache-2.0
"""What InternalClient answers as values, and its bodies as streams."""

import json

import pytest
from swift.common.exceptions import ChunkReadTimeout
from swift.common.internal_client import UnexpectedResponse
from swift.common.swob import Response, str_to_wsgi

from onespace_core.swift.internal import LocalSwift, SwiftReader, local_object
from onespace_core.swift.source import LocalKind, LocalObject, SourceError


def headers(**more):
    return {
        "Content-Length": "5",
        "Content-Type": "text/plain",
        "Etag": '"5D41402ABC4B2A76B9719D911017C592"',
        "X-Timestamp": "1700000000.12345",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }


# -- headers -----------------------------------------------------------------


def test_headers_become_a_value():
    found = local_object("o", headers())
    assert found.name == "o"
    assert found.size == 5
    assert found.etag == "5d41402abc4b2a76b9719d911017c592"
    assert found.content_type == "text/plain"
    assert found.timestamp == "1700000000.12345"
    assert found.kind is LocalKind.PLAIN
    assert found.metadata == {}
    assert found.system == {}


def test_offset_of_the_timestamp_is_kept():
    internal = "1700000000.12345_0000000000000002"
    found = local_object("o", headers(X_Backend_Timestamp=internal))
    assert found.timestamp == internal
    assert found.timestamp > "1700000000.12345"


def test_metadata_is_text_with_lower_case_names():
    wsgi = {
        str_to_wsgi("X-Object-Meta-Größe"): str_to_wsgi("Zwölf ☃"),
        "X-Object-Meta-Plain": "As It Is",
    }
    found = local_object("o", {**headers(), **wsgi})
    assert found.metadata == {"größe": "Zwölf ☃", "plain": "As It Is"}


def test_content_type_is_text_in_its_own_case():
    found = local_object(
        "o", headers(Content_Type=str_to_wsgi('Text/X; a="ü"'))
    )
    assert found.content_type == 'Text/X; a="ü"'


def test_system_headers_are_told_from_metadata():
    found = local_object(
        "o",
        headers(
            Content_Encoding="gzip",
            Cache_Control="no-cache",
            X_Delete_At="1800000000",
            X_Object_Meta_Content_Encoding="mine",
        ),
    )
    assert found.system["content-encoding"] == "gzip"
    assert found.system["cache-control"] == "no-cache"
    assert found.metadata == {"content-encoding": "mine"}


@pytest.mark.parametrize(
    ("header", "value", "kind"),
    [
        ("X-Static-Large-Object", "True", LocalKind.SLO),
        ("x-static-large-object", "true", LocalKind.SLO),
        ("X-Static-Large-Object", "False", LocalKind.PLAIN),
        ("X-Object-Manifest", "c/p", LocalKind.DLO),
        ("X-Object-Sysmeta-Symlink-Target", "c/o", LocalKind.SYMLINK),
        ("X-Symlink-Target", "c/o", LocalKind.SYMLINK),
        ("X-Object-Sysmeta-Crypto-Body-Meta", "{}", LocalKind.ENCRYPTED),
        ("X-Object-Meta-Symlink-Target", "c/o", LocalKind.PLAIN),
    ],
)
def test_kind_is_seen_in_headers(header, value, kind):
    assert local_object("o", {**headers(), header: value}).kind is kind


# -- streams -----------------------------------------------------------------


class Chunks:
    """What Swift gives: a generator whose end and closing are noted."""

    def __init__(self, *chunks, error=None):
        self.chunks = chunks
        self.error = error
        self.begun = self.ended = self.closed = 0

    def generate(self):
        self.begun += 1
        try:
            yield from self.chunks
            if self.error is not None:
                raise self.error
            self.ended += 1
        finally:
            self.closed += 1


def reader(chunks, size):
    info = LocalObject(
        name="o",
        timestamp="1700000000.00000",
        size=size,
        etag="e",
        content_type="t",
        metadata={},
        system={},
    )
    return SwiftReader(info, chunks.generate())


def test_stream_gives_the_bytes_and_sees_a_clean_end_once():
    chunks = Chunks(b"ab", b"cde")
    opened = reader(chunks, 5)
    read = opened.stream.read
    assert [read(3), read(3), read(3), read(3)] == [b"ab", b"cde", b"", b""]
    assert chunks.ended == 1, "seen before it is closed"
    opened.close()
    opened.close()
    assert (chunks.ended, chunks.closed) == (1, 1)


def test_small_reads_cut_chunks():
    chunks = Chunks(b"abcde")
    opened = reader(chunks, 5)
    assert [opened.stream.read(2) for _ in range(4)] == [
        b"ab",
        b"cd",
        b"e",
        b"",
    ]


def test_reader_that_was_never_read_closes_what_is_behind_it():
    chunks = Chunks(b"abc", b"de")
    reader(chunks, 5).close()
    assert chunks.begun == 1, "else its finally never runs"
    assert chunks.closed == 1


def test_reader_that_was_read_in_part_closes_what_is_behind_it():
    chunks = Chunks(b"abc", b"de")
    opened = reader(chunks, 5)
    opened.stream.read(1)
    opened.close()
    assert chunks.closed == 1


def test_object_without_bytes_ends_cleanly():
    chunks = Chunks()
    opened = reader(chunks, 0)
    assert opened.stream.read() == b""
    opened.close()
    assert (chunks.ended, chunks.closed) == (1, 1)


def test_short_body_is_an_error_and_no_end():
    opened = reader(Chunks(b"abc"), 5)
    assert opened.stream.read(3) == b"abc"
    with pytest.raises(SourceError, match="2 bytes early"):
        opened.stream.read(3)


def test_long_body_is_an_error():
    opened = reader(Chunks(b"abcde", b"more"), 5)
    with pytest.raises(SourceError, match="longer"):
        opened.stream.read(10)


@pytest.mark.parametrize("error", [OSError("reset"), ChunkReadTimeout(None)])
def test_broken_body_is_a_source_error_though_a_timeout_is_no_exception(error):
    chunks = Chunks(b"abc", error=error)
    opened = reader(chunks, 5)
    opened.stream.read(3)
    with pytest.raises(SourceError, match="broke off"):
        opened.stream.read(3)
    opened.close()
    assert chunks.closed == 1


def test_closing_never_fails():
    reader(Chunks(error=ChunkReadTimeout(None)), 5).close()


# -- requests ----------------------------------------------------------------


class FakeClient:
    """Answers with what it is given; raises errors."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def make_request(self, method, path, headers, acceptable, params=None):
        self.asked.append((method, path, dict(headers), params))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def refused(status, app_iter=()):
    response = Response(status=status, app_iter=list(app_iter))
    return UnexpectedResponse("unexpected", response)


def broken_body():
    yield b"["
    raise ChunkReadTimeout(None)


def test_path_is_quoted_and_policy_and_newest_are_asked_for():
    client = FakeClient(
        Response(status=200, headers=headers(), app_iter=[b"hello"])
    )
    source = LocalSwift(client).container("AUTH_ü", "c c")
    opened = source.open("a/b?ö", policy_index=2, newest=True)
    assert client.asked == [
        (
            "GET",
            "/v1/AUTH_%C3%BC/c%20c/a/b%3F%C3%B6",
            {"X-Backend-Storage-Policy-Index": "2", "X-Newest": "true"},
            None,
        )
    ]
    assert opened.stream.read() == b"hello"


def test_what_is_missing_is_none():
    client = FakeClient(Response(status=404), Response(status=404))
    source = LocalSwift(client).container("a", "c")
    assert source.head("o", newest=False) is None
    assert source.open("o", newest=False) is None
    assert client.asked[0][2] == {}


@pytest.mark.parametrize(
    "error", [refused(503), OSError("no route"), ChunkReadTimeout(None)]
)
def test_no_answer_is_a_source_error(error):
    source = LocalSwift(FakeClient(error)).container("a", "c")
    with pytest.raises(SourceError):
        source.head("o", newest=False)


def test_error_whose_body_hangs_is_a_source_error():
    response = Response(status=503)
    response.app_iter = broken_body()
    error = UnexpectedResponse("unexpected", response)
    source = LocalSwift(FakeClient(error)).container("a", "c")
    with pytest.raises(SourceError, match="503"):
        source.open("o", newest=False)


def test_answer_that_cannot_be_understood_is_closed():
    chunks = Chunks(b"hello")
    response = Response(status=200, headers={"X-Timestamp": "1"})
    response.app_iter = chunks.generate()
    source = LocalSwift(FakeClient(response)).container("a", "c")
    with pytest.raises((KeyError, ValueError)):
        source.open("o", newest=False)
    assert chunks.closed == 1


def listing(*names):
    body = json.dumps([{"name": name} for name in names]).encode()
    return Response(status=200, body=body)


def test_listing_goes_on_until_a_page_is_empty_without_reserved_names():
    client = FakeClient(
        listing("a", "\x00versions\x00a"), listing("ü"), listing()
    )
    assert list(LocalSwift(client).containers("acct")) == ["a", "ü"]
    assert client.asked[2][3]["marker"] == str_to_wsgi("ü")


@pytest.mark.parametrize("status", [204, 404])
def test_account_that_is_not_there_lists_nothing(status):
    client = FakeClient(Response(status=status))
    assert list(LocalSwift(client).containers("acct")) == []


def test_listing_that_hangs_is_a_source_error():
    response = Response(status=200)
    response.app_iter = broken_body()
    with pytest.raises(SourceError):
        list(LocalSwift(FakeClient(response)).containers("acct"))


def test_listing_that_fails_half_way_is_an_error_and_no_short_list():
    client = FakeClient(listing("a"), refused(503))
    with pytest.raises(SourceError):
        list(LocalSwift(client).containers("acct"))
