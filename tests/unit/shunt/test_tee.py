# SPDX-License-Identifier: Apache-2.0
"""A body for a client and for a copy beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from onespace_shunt.tee import DEPTH, Feed, Part, Tee
from swift.common.exceptions import ChunkReadError

from onespace_core.concurrency import Event, Timeout, sleep


class Body:
    """Chunks that can be broken off, and know whether they were closed."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1


class Copy:
    """A writer that keeps what it reads."""

    def __init__(self) -> None:
        self.data = b""
        self.error: Exception | None = None
        self.ended = Event()

    def __call__(self, feed: Feed) -> None:
        try:
            while data := feed.read(3):
                self.data += data
        except ChunkReadError as exc:
            self.error = exc
        finally:
            self.ended.send()


def tee(body: Body, size: int, write: Callable[[Feed], None]) -> Tee:
    return Tee(iter(body), body.close, size, write)


@pytest.fixture(autouse=True)
def no_test_hangs() -> Iterator[None]:
    with Timeout(10):
        yield


def test_both_get_every_byte() -> None:
    body, copy = Body(b"abcd", b"", b"ef"), Copy()
    reading = tee(body, 6, copy)
    assert b"".join(reading) == b"abcdef"
    reading.close()
    copy.ended.wait()
    assert (copy.data, copy.error, body.closed) == (b"abcdef", None, 1)


def test_an_empty_body_is_whole_at_once() -> None:
    copy = Copy()
    reading = tee(Body(), 0, copy)
    copy.ended.wait()
    reading.close()
    assert (copy.data, copy.error) == (b"", None)


def test_the_copy_is_whole_with_the_last_byte() -> None:
    """A server need not ask once more to find the end."""
    copy = Copy()
    reading = tee(Body(b"ab", b"cd"), 4, copy)
    chunks = iter(reading)
    assert next(chunks) + next(chunks) == b"abcd"
    reading.close()
    copy.ended.wait()
    assert (copy.data, copy.error) == (b"abcd", None)


def test_a_client_that_leaves_ends_the_copy() -> None:
    body, copy = Body(b"ab", b"cd"), Copy()
    reading = tee(body, 4, copy)
    assert next(iter(reading)) == b"ab"
    reading.close()
    copy.ended.wait()
    assert copy.error is not None
    assert body.closed == 1


def test_closing_the_iterator_alone_is_enough() -> None:
    body, copy = Body(b"ab", b"cd"), Copy()
    chunks = iter(tee(body, 4, copy))
    assert next(chunks) == b"ab"
    chunks.close()
    copy.ended.wait()
    assert copy.error is not None
    assert body.closed == 1


def test_a_client_that_never_reads_ends_the_copy() -> None:
    body, copy = Body(b"ab"), Copy()
    tee(body, 2, copy).close()
    copy.ended.wait()
    assert copy.error is not None
    assert body.closed == 1


@pytest.mark.parametrize("error", [OSError("gone"), None])
def test_a_short_body_is_no_whole_one_for_either(
    error: Exception | None,
) -> None:
    body, copy = Body(b"ab", error=error), Copy()
    reading = tee(body, 4, copy)
    with pytest.raises((OSError, ChunkReadError)):
        list(reading)
    reading.close()
    copy.ended.wait()
    assert copy.error is not None
    assert body.closed == 1


@pytest.mark.parametrize("read_first", [0, 1])
def test_a_copy_that_ends_early_does_not_hold_the_client(
    read_first: int,
) -> None:
    chunks = [b"x" * 10] * (DEPTH * 4)

    def write(feed: Feed) -> None:
        for _ in range(read_first):
            feed.read(10)
        message = "no room"
        raise OSError(message)

    reading = tee(Body(*chunks), 10 * len(chunks), write)
    assert b"".join(reading) == b"".join(chunks)
    reading.close()


def test_a_copy_that_ends_while_the_client_waits_lets_it_go_on() -> None:
    chunks = [b"x"] * (DEPTH * 3)

    def write(feed: Feed) -> None:
        sleep(0.05)  # The queue is full by now.

    reading = tee(Body(*chunks), len(chunks), write)
    assert b"".join(reading) == b"".join(chunks)


def test_parts_share_a_feed_without_mixing() -> None:
    found = []
    ended = Event()

    def write(feed: Feed) -> None:
        first, second = Part(feed, 3), Part(feed, 2)
        while data := first.read(65536):
            found.append(data)
        feed.skip(2)
        while data := second.read():
            found.append(data)
        assert second.read() == b""
        ended.send()

    reading = tee(Body(b"abcd", b"efg"), 7, write)
    list(reading)
    ended.wait()
    assert found == [b"abc", b"fg"]


def test_skipping_more_than_there_is_is_an_error() -> None:
    error = Event()

    def write(feed: Feed) -> None:
        with pytest.raises(ChunkReadError):
            feed.skip(5)
        error.send()

    list(tee(Body(b"abcd"), 4, write))
    error.wait()
