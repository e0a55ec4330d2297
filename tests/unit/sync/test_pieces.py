# SPDX-License-Identifier: Apache-2.0
"""Pieces of local objects as one body."""

import dataclasses
import hashlib

import pytest
from servers.fake_source import FakeSource, stamp

from onespace_core.provider import StreamClosed
from onespace_core.swift.source import (
    Piece,
    SourceChangedError,
    SourceError,
)
from onespace_core.sync.large import LargeTask, logical, plain_manifest
from onespace_core.sync.pieces import PiecesBody, opener_for
from onespace_core.sync.travel import Headers

T0 = 1700000000


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def inline(data):
    return Piece(
        container="",
        name="",
        size=len(data),
        etag=md5(data),
        first=0,
        last=len(data) - 1,
        data=data,
    )


@pytest.fixture
def source():
    made = FakeSource("c")
    segments = made.sibling("segs")
    segments.put("a", T0, b"aaaa")
    segments.put("b", T0, b"0123456789")
    made.put_slo("o", T0, ("segs", "a"), ("segs", "b"))
    return made


@pytest.fixture
def segments(source):
    return source.sibling("segs")


def task_of(source, name="o", policy_index=3):
    local = source.head(name, newest=True)
    manifest = (
        source.manifest(local)
        if source.versions[name][-1].pieces
        else plain_manifest("c", local)
    )
    source.calls.clear()
    source.policies.clear()
    return LargeTask(
        logical(local, manifest),
        manifest,
        None,
        Headers({}, "text/plain", {}),
        policy_index,
    )


def body_of(source, *pieces, md5=None, name="o"):
    task = task_of(source, name)
    return PiecesBody(
        pieces or task.manifest.pieces, opener_for(source, task), md5=md5
    )


def read(body, size=-1):
    stream = body.open()
    try:
        if size < 0:
            return stream.read()
        return b"".join(iter(lambda: stream.read(size), b""))
    finally:
        stream.close()


@pytest.mark.parametrize("size", [-1, 1, 3, 4, 100])
def test_pieces_follow_each_other(source, segments, size):
    body = body_of(source)
    assert body.size == 14
    assert body.sent_md5 is None
    assert read(body, size) == b"aaaa0123456789"
    assert body.bytes_read == 14
    assert body.sent_md5 == md5(b"aaaa0123456789")
    assert body.failure is None
    assert all(reader.closed for reader in segments.opened)


def test_trap_54_a_piece_is_opened_when_its_bytes_are_asked_for(
    source, segments
):
    stream = body_of(source).open()
    assert segments.calls == []
    assert stream.read(4) == b"aaaa"
    assert segments.calls == [("open", "a", False)]
    assert segments.opened[0].closed
    assert stream.read(1) == b"0"
    assert segments.calls[1:] == [("open", "b", False)]
    stream.close()
    stream.close()
    assert segments.opened[1].closed
    with pytest.raises(StreamClosed):
        stream.read(1)


def test_range_reads_no_other_byte(source, segments):
    body = body_of(source, segments.piece("b", 2, 5), inline(b"-"))
    assert read(body) == b"2345-"
    assert segments.spans == [(2, 5)]
    assert body.bytes_read == 4
    assert body.sent_md5 == md5(b"2345-")


def test_known_md5_is_told_before(source, segments):
    piece = segments.piece("a")
    assert body_of(source, piece, md5=piece.etag).md5 == md5(b"aaaa")
    assert body_of(source).md5 is None


def test_body_without_pieces_is_empty(source):
    task = task_of(source)
    body = PiecesBody((), opener_for(source, task))
    assert read(body) == b""
    assert body.sent_md5 == md5(b"")


def test_each_try_reads_everything_anew(source, segments):
    segments.cuts["b"] = [3]
    body = body_of(source)
    with pytest.raises(SourceError):
        read(body, 2)
    assert isinstance(body.failure, SourceError)
    assert body.sent_md5 is None
    assert read(body, 2) == b"aaaa0123456789"
    assert body.failure is None
    assert body.bytes_read == 4 + 3 + 14
    assert all(reader.closed for reader in segments.opened)


def test_segment_on_a_lagging_replica_is_asked_for_everywhere(
    source, segments
):
    segments.put("a", T0 + 1, b"bbbb")
    task = dataclasses.replace(task_of(source))
    body = PiecesBody((segments.piece("a"),), opener_for(source, task))
    segments.script = [0]
    assert read(body) == b"bbbb"
    assert segments.calls == [("open", "a", False), ("open", "a", True)]
    assert all(reader.closed for reader in segments.opened)


def test_replica_too_short_for_a_range_is_not_the_last_word(source, segments):
    body = body_of(source, segments.piece("b", 2, 5))
    segments.errors["open", "b"] = [SourceChangedError("416")]
    assert read(body) == b"2345"
    assert segments.calls == [("open", "b", False), ("open", "b", True)]


@pytest.mark.parametrize("data", [b"bbbb", b"aaaaa", None])
def test_segment_that_changed_or_went_is_noticed(source, segments, data):
    body = body_of(source)
    segments.put("a", T0 + 1, data)
    with pytest.raises(SourceChangedError, match="segs/a"):
        read(body)
    assert isinstance(body.failure, SourceChangedError)
    assert all(reader.closed for reader in segments.opened)


def test_case_15_bytes_that_are_not_those_of_the_md5(source, segments):
    segments.put("a", T0 + 1, b"rotten", etag=md5(b"fresh!"))
    body = body_of(source, segments.piece("a"))
    stream = body.open()
    assert stream.read(3) == b"rot"
    with pytest.raises(SourceError, match="another MD5"):
        stream.read(3)
    assert isinstance(body.failure, SourceError)


def test_bytes_beyond_the_size_are_noticed(source, segments):
    segments.longer["a"] = b"!"
    with pytest.raises(SourceError, match="more bytes"):
        read(body_of(source))


def test_bytes_that_are_missing_are_noticed(source, segments):
    segments.put("a", T0 + 1, b"aaa", etag=md5(b"aaa"))
    piece = dataclasses.replace(segments.piece("a"), size=4, last=3)
    task = task_of(source)

    def open_anyway(piece):
        return segments.open(piece.name, newest=False)

    body = PiecesBody((piece,), open_anyway)
    with pytest.raises(SourceError, match="1 bytes early"):
        read(body)
    assert task.local.size == 14


def test_plain_object_is_read_of_one_version_only(source):
    source.put("p", T0, b"0123456789")
    task = task_of(source, "p")
    (whole,) = task.manifest.pieces
    half = dataclasses.replace(whole, first=5)
    body = PiecesBody((half,), opener_for(source, task))
    assert read(body) == b"56789"
    assert source.policies == [3]
    # The same bytes at another time are another version.
    source.put("p", T0 + 1, b"0123456789")
    with pytest.raises(SourceChangedError):
        read(body)
    source.script = [0]
    assert read(body) == b"56789"
    assert task.local.timestamp == stamp(T0)


def test_error_of_the_cluster_is_kept_for_the_engine(source, segments):
    segments.errors["open", "b"] = [SourceError("no answer")]
    body = body_of(source)
    with pytest.raises(SourceError):
        read(body)
    assert str(body.failure) == "no answer"
