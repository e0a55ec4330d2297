# SPDX-License-Identifier: Apache-2.0
"""Bodies and readers whose bytes are told of as they pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from onespace_core.provider.body import (
    CHUNK_SIZE,
    Body,
    ObjectReader,
    Stream,
)

#: Is called with a number of bytes, more than 0.
Passed = Callable[[int], object]


class PassingBody:
    """A body whose bytes are told of as they are read.

    :param body: where they come from.
    :param passed: called after each read, before its bytes are given.
    :param piece: most bytes of one read; None means no bound.
    """

    def __init__(
        self, body: Body, passed: Passed, *, piece: int | None = None
    ) -> None:
        self._body = body
        self._passed = passed
        self._piece = piece
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable

    def open(self) -> Stream:
        """Return a stream at the first byte."""
        return _PassingStream(self._body.open(), self._passed, self._piece)


class _PassingStream:
    def __init__(
        self, stream: Stream, passed: Passed, piece: int | None
    ) -> None:
        self._stream = stream
        self._passed = passed
        self._piece = piece

    def read(self, size: int = -1, /) -> bytes:
        if self._piece is not None:
            if size < 0:
                whole = iter(lambda: self.read(CHUNK_SIZE), b"")
                return b"".join(whole)
            size = min(size, self._piece)
        data = self._stream.read(size)
        if data:
            self._passed(len(data))
        return data

    def close(self) -> None:
        self._stream.close()


def passing(
    chunks: Iterable[bytes], passed: Passed, *, piece: int | None = None
) -> Iterator[bytes]:
    """Yield chunks, cut into pieces, each told of before it is given."""
    for chunk in chunks:
        step = piece or len(chunk)
        for start in range(0, len(chunk), step):
            part = chunk[start : start + step]
            passed(len(part))
            yield part


def reader_over(
    reader: ObjectReader,
    chunks: Iterable[bytes],
    *,
    closer: Callable[[], None] | None = None,
) -> ObjectReader:
    """Return a reader of the same object whose bytes are these.

    :param closer: None closes the other reader.
    """
    return ObjectReader(
        reader.info,
        chunks,
        length=reader.length,
        closer=closer or reader.close,
        status=reader.status,
        content_range=reader.content_range,
    )
