# SPDX-License-Identifier: Apache-2.0
"""Bodies that are sent, readers that are read."""

import hashlib
import io
import itertools

import pytest

from onespace_core.provider import (
    CHUNK_SIZE,
    BytesBody,
    CallbackBody,
    ChunkStream,
    IntegrityError,
    IterableBody,
    ObjectInfo,
    ObjectReader,
    StreamClosed,
    StreamConsumed,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore


def closable(chunks):
    """Return a generator and the list that tells when it is closed."""
    closed = []

    def generate():
        try:
            yield from chunks
        finally:
            closed.append(True)

    return generate(), closed


def test_case_94_of_an_endless_iterator_88_bytes_are_stored():
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    body = IterableBody(itertools.repeat(b"0123456789"), size=88)
    memory.put_object("k", body)
    assert memory.head_object("k").size == 88
    assert memory.get_object("k").read() == (b"0123456789" * 9)[:88]


def test_case_94_text_without_a_size_is_stored_as_utf_8():
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    memory.put_object("k", BytesBody("gr\u00fc\u00df \U0001f600"))
    assert (
        memory.get_object("k").read().decode() == "gr\u00fc\u00df \U0001f600"
    )


def test_a_bytes_body_knows_size_and_md5_and_opens_often():
    body = BytesBody(b"data")
    assert (body.size, body.replayable) == (4, True)
    assert body.md5 == hashlib.md5(b"data").hexdigest()
    assert [body.open().read() for _ in range(2)] == [b"data", b"data"]


def test_a_callback_body_calls_back_each_time():
    opened = []

    def opener():
        opened.append(True)
        return io.BytesIO(b"data")

    body = CallbackBody(opener, size=4, md5="m")
    assert [body.open().read() for _ in range(2)] == [b"data", b"data"]
    assert len(opened) == 2
    assert (body.size, body.md5, body.replayable) == (4, "m", True)


def test_an_iterable_body_opens_once():
    body = IterableBody([b"data"])
    assert body.open().read() == b"data"
    with pytest.raises(StreamConsumed):
        body.open()


@pytest.mark.parametrize("size", [None, 6])
@pytest.mark.parametrize("step", [1, 2, 4, 100, -1])
def test_a_chunk_stream_gives_every_byte_at_any_step(size, step):
    stream = ChunkStream([b"ab", b"", b"cdef"], size=size)
    pieces = list(iter(lambda: stream.read(step), b""))
    assert b"".join(pieces) == b"abcdef"
    assert stream.read(step) == b""


def test_a_chunk_stream_that_ends_early_raises():
    stream = ChunkStream([b"abc"], size=5)
    assert stream.read(3) == b"abc"
    with pytest.raises(IntegrityError, match="2 bytes early"):
        stream.read(3)


def test_a_chunk_stream_takes_no_chunk_after_its_size():
    asked = []

    def chunks():
        for number in range(3):
            asked.append(number)
            yield b"ab"

    stream = ChunkStream(chunks(), size=2)
    assert stream.read() == b"ab"
    assert asked == [0]


def test_case_98_closing_a_chunk_stream_closes_the_iterator_once():
    chunks, closed = closable([b"ab", b"cd"])
    stream = ChunkStream(chunks)
    stream.read(1)
    stream.close()
    stream.close()
    assert closed == [True]
    with pytest.raises(StreamClosed):
        stream.read()


def test_closing_a_chunk_stream_closes_an_iterable_with_a_close():
    class Response:
        closed = 0

        def __iter__(self):
            return iter([b"ab"])

        def close(self):
            self.closed += 1

    response = Response()
    ChunkStream(response).close()
    assert response.closed == 1


def reader(chunks, length, **options):
    return ObjectReader(
        ObjectInfo(key="k", size=length), chunks, length=length, **options
    )


def test_a_reader_gives_no_empty_chunk():
    assert list(reader([b"", b"ab", b""], 2)) == [b"ab"]


@pytest.mark.parametrize("chunks", [[b"abc"], [], [b"ab", b""]])
def test_a_reader_that_is_cut_short_raises(chunks):
    with pytest.raises(IntegrityError, match="early") as caught:
        list(reader(chunks, 4))
    assert caught.value.key == "k"


def test_a_reader_gives_no_byte_beyond_its_length():
    chunks = iter(reader([b"ab", b"cde"], 4))
    assert next(chunks) == b"ab"
    with pytest.raises(IntegrityError, match="more than"):
        next(chunks)


def test_case_98_a_reader_calls_its_closer_once():
    closed = []
    one = reader([b"ab"], 2, closer=lambda: closed.append(True))
    with one:
        assert next(iter(one)) == b"ab"
    one.close()
    assert closed == [True]


def test_reading_all_closes_also_where_it_fails():
    closed = []
    one = reader([b"a"], 2, closer=lambda: closed.append(True))
    with pytest.raises(IntegrityError):
        one.read()
    assert closed == [True]


def test_a_reader_is_read_once_and_not_after_it_was_closed():
    one = reader([b"ab"], 2)
    assert list(one) == [b"ab"]
    with pytest.raises(StreamConsumed):
        iter(one)
    one.close()
    with pytest.raises(StreamClosed):
        iter(one)


def test_a_chunk_is_small():
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    memory.put_object("k", BytesBody(b"x" * (2 * CHUNK_SIZE + 1)))
    sizes = [len(chunk) for chunk in memory.get_object("k")]
    assert sizes == [CHUNK_SIZE, CHUNK_SIZE, 1]
