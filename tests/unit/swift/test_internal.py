# SPDX-License-Identifier: Apache-2.0
"""What InternalClient answers as values, and its bodies as streams."""

import json

import pytest
from swift.common.exceptions import ChunkReadTimeout
from swift.common.internal_client import UnexpectedResponse
from swift.common.swob import Response, str_to_wsgi

from onespace_core.swift.internal import LocalSwift
from onespace_core.swift.objects import SwiftReader, local_object
from onespace_core.swift.source import (
    LocalKind,
    LocalObject,
    SourceChangedError,
    SourceError,
)


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
        (
            "X-Object-Transient-Sysmeta-Crypto-Meta-A",
            "{}",
            LocalKind.ENCRYPTED,
        ),
    ],
)
def test_kind_is_seen_in_headers(header, value, kind):
    assert local_object("o", {**headers(), header: value}).kind is kind


def test_encrypted_manifest_cannot_be_read_and_is_called_encrypted():
    found = local_object(
        "o",
        headers(
            X_Static_Large_Object="True",
            X_Object_Sysmeta_Crypto_Body_Meta="{}",
        ),
    )
    assert found.kind is LocalKind.ENCRYPTED


@pytest.mark.parametrize(
    ("value", "delete_at"), [("1800000000", 1800000000), ("soon", None)]
)
def test_expiry_is_seconds_or_never(value, delete_at):
    found = local_object("o", headers(X_Delete_At=value))
    assert found.delete_at == delete_at
    assert local_object("o", headers()).delete_at is None


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


# -- spans -------------------------------------------------------------------


def part(status, content_range, chunks):
    more = {"Content-Range": content_range} if content_range else {}
    response = Response(status=status, headers={**headers(), **more})
    response.app_iter = chunks.generate()
    return response


def open_part(status, content_range, chunks, span=(1, 3)):
    client = FakeClient(part(status, content_range, chunks))
    source = LocalSwift(client).container("a", "c")
    opened = source.open("o", newest=False, span=span)
    assert client.asked[0][2] == {"Range": f"bytes={span[0]}-{span[1]}"}
    return opened


def test_span_has_its_own_length_and_the_objects_size():
    opened = open_part(206, "bytes 1-3/9", Chunks(b"abc"))
    assert opened.info.size == 9
    assert opened.stream.read() == b"abc"


@pytest.mark.parametrize(
    ("body", "problem"), [(b"ab", "1 bytes early"), (b"abc", "longer")]
)
def test_span_that_is_short_or_long_is_an_error(body, problem):
    chunks = [body, b"d"] if problem == "longer" else [body]
    opened = open_part(206, "bytes 1-3/9", Chunks(*chunks))
    with pytest.raises(SourceError, match=problem):
        opened.stream.read()


@pytest.mark.parametrize(
    ("status", "content_range", "error"),
    [
        (206, "bytes 1-2/3", SourceChangedError),
        (206, "bytes 0-3/9", SourceChangedError),
        (416, "bytes */1", SourceChangedError),
        (206, None, SourceError),
        (206, "bytes 1-3/*", SourceError),
        (200, None, SourceError),
    ],
)
def test_answer_without_the_span_is_closed(status, content_range, error):
    chunks = Chunks(b"abc")
    with pytest.raises(error) as caught:
        open_part(status, content_range, chunks)
    assert type(caught.value) is error
    assert chunks.closed == 1


# -- deletions ---------------------------------------------------------------

AFTER = "1700000000.12345_0000000000000001"


@pytest.mark.parametrize(
    ("status", "deleted"), [(204, True), (404, False), (409, False)]
)
def test_deletion_has_its_time_and_says_whether_it_was_done(status, deleted):
    client = FakeClient(
        Response(status=200, headers=headers()), Response(status=status)
    )
    source = LocalSwift(client).container("a", "c")
    assert source.delete("o", timestamp=AFTER, policy_index=1) is deleted
    policy = {"X-Backend-Storage-Policy-Index": "1"}
    assert client.asked == [
        (
            "HEAD",
            "/v1/a/c/o",
            {**policy, "X-Newest": "true"},
            {"symlink": "get"},
        ),
        ("DELETE", "/v1/a/c/o", {**policy, "X-Timestamp": AFTER}, None),
    ]


@pytest.mark.parametrize("newest", [AFTER, "1700000000.12346"])
def test_nothing_is_deleted_where_something_newer_was_seen(newest):
    client = FakeClient(
        Response(status=200, headers=headers(X_Backend_Timestamp=newest))
    )
    source = LocalSwift(client).container("a", "c")
    assert source.delete("o", timestamp=AFTER) is False
    assert len(client.asked) == 1


def test_deletion_is_sent_even_where_no_replica_that_answers_has_it():
    client = FakeClient(Response(status=404), Response(status=204))
    source = LocalSwift(client).container("a", "c")
    assert source.delete("o", timestamp=AFTER) is True


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
            {"symlink": "get"},
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


def test_objects_under_a_prefix_are_listed_page_by_page():
    client = FakeClient(listing("ü/a"), listing("ü/b"), listing())
    rows = LocalSwift(client).listing("acct", "c c", "ü/")
    assert [row["name"] for row in rows] == ["ü/a", "ü/b"]
    prefix = {"format": "json", "prefix": str_to_wsgi("ü/")}
    assert [asked[1] for asked in client.asked] == ["/v1/acct/c%20c"] * 3
    assert [asked[3] for asked in client.asked] == [
        prefix,
        {**prefix, "marker": str_to_wsgi("ü/a")},
        {**prefix, "marker": str_to_wsgi("ü/b")},
    ]


def test_container_that_is_missing_is_not_an_empty_one():
    client = FakeClient(Response(status=404), listing())
    swift = LocalSwift(client)
    assert swift.listing("acct", "c", "p") is None
    assert list(swift.listing("acct", "c", "p")) == []


@pytest.mark.parametrize("answer", [Response(status=404), refused(503)])
def test_container_that_goes_while_it_is_listed_is_an_error(answer):
    rows = LocalSwift(FakeClient(listing("a"), answer)).listing("a", "c", "")
    assert next(rows)["name"] == "a"
    with pytest.raises(SourceError):
        next(rows)


def test_shards_that_are_no_shards_are_an_error():
    client = FakeClient(listing("an object"))
    with pytest.raises(SourceError, match="something else"):
        LocalSwift(client).shard_ranges("acct", "c")
