# SPDX-License-Identifier: Apache-2.0
"""Bytes on their way: bodies that are sent, readers that are read.

A *body* can be opened more than once, which is what lets the retry layer
send it again. A *reader* is an object being read; it is closed, read or not.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Protocol, Self

from onespace_core.provider.errors import (
    IntegrityError,
    StreamClosed,
    StreamConsumed,
)
from onespace_core.provider.types import ObjectInfo

#: Bytes read at a time; also the bound of what one transfer holds in memory.
CHUNK_SIZE = 65536


class Stream(Protocol):
    """What ``Body.open`` gives: read forward, then close."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; empty only at the end."""
        ...

    def close(self) -> None:
        """Let go of what is behind it; twice is fine."""
        ...


class Body(Protocol):
    """Bytes that can be sent, and sent again after a failure.

    Duties of who writes one: ``open`` gives the bytes from the start each
    time if ``replayable``; reading fewer or more than ``size`` bytes is an
    error the *stream* raises, or the provider does.

    Duties of the provider who sends one: it reads forward, holds at most one
    chunk (or one part for each worker), and closes every stream it opened,
    on error as well.

    :ivar size: bytes; None if not known before the end.
    :ivar md5: hex MD5 of the bytes if known before sending, so that the
        store can verify them; None otherwise.
    :ivar replayable: whether ``open`` works more than once.
    """

    @property
    def size(self) -> int | None:
        """Bytes of the whole body, or None."""
        ...

    @property
    def md5(self) -> str | None:
        """Hex MD5 of the whole body, or None."""
        ...

    @property
    def replayable(self) -> bool:
        """Whether ``open`` may be called again."""
        ...

    def open(self) -> Stream:
        """Return a stream at the first byte.

        :raises StreamConsumed: opened before and not replayable.
        """
        ...


class BytesBody:
    """A body in memory, with its MD5.

    :param data: the bytes; text is encoded as UTF-8.
    """

    replayable = True

    def __init__(self, data: bytes | str) -> None:
        self._data = data.encode() if isinstance(data, str) else data
        self.size: int = len(self._data)
        self.md5: str | None = hashlib.md5(
            self._data, usedforsecurity=False
        ).hexdigest()

    def open(self) -> BinaryIO:
        """Return a stream over the bytes."""
        return io.BytesIO(self._data)


class CallbackBody:
    """A body that a function opens, each time from the start.

    :param opener: returns a new stream at the first byte.
    :param size: bytes, or None.
    :param md5: hex MD5, or None.
    """

    replayable = True

    def __init__(
        self,
        opener: Callable[[], Stream],
        *,
        size: int | None,
        md5: str | None = None,
    ) -> None:
        self._opener = opener
        self.size = size
        self.md5 = md5

    def open(self) -> Stream:
        """Return what the function returns."""
        return self._opener()


class IterableBody:
    """A body from an iterable of chunks, taken once.

    Exactly ``size`` bytes are taken if it is given: an endless iterable is
    fine, a short one raises :class:`IntegrityError` from ``read``.
    """

    replayable = False
    md5: str | None = None

    def __init__(
        self, chunks: Iterable[bytes], *, size: int | None = None
    ) -> None:
        self._chunks: Iterable[bytes] | None = chunks
        self.size = size

    def open(self) -> Stream:
        """Return the stream, the first time.

        :raises StreamConsumed: the second time.
        """
        if self._chunks is None:
            reason = "this body can be opened only once"
            raise StreamConsumed(reason)
        chunks, self._chunks = self._chunks, None
        return ChunkStream(chunks, size=self.size)


class ChunkStream:
    """A stream over chunks, of exactly ``size`` bytes if given.

    Closing it closes the iterable and its iterator, if they can be closed.
    """

    def __init__(
        self, chunks: Iterable[bytes], *, size: int | None = None
    ) -> None:
        self._source = chunks
        self._iterator = iter(chunks)
        self._left = size
        self._buffer = b""
        self._ended = False
        self._closed = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, empty only at the end.

        :raises IntegrityError: the chunks end before the promised size.
        :raises StreamClosed: after ``close``.
        """
        if self._closed:
            reason = "the stream is closed"
            raise StreamClosed(reason)
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_SIZE), b""))
        while not self._buffer and not self._ended:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _fill(self) -> None:
        if self._left == 0:
            self._ended = True
            return
        chunk = next(self._iterator, None)
        if chunk is None:
            self._ended = True
            if self._left:
                reason = f"the body ended {self._left} bytes early"
                raise IntegrityError(reason)
            return
        if self._left is not None:
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        self._buffer = chunk

    def close(self) -> None:
        """Close the iterator under it; twice is fine."""
        if self._closed:
            return
        self._closed = True
        # An iterable with a generator as its iterator needs both closed.
        for thing in (self._iterator, self._source):
            close = getattr(thing, "close", None)
            if close is not None:
                close()


class ObjectReader:
    """An object being read: iterate once, close always.

    Iterating gives non-empty chunks. If they end before ``length`` bytes,
    or go on after, the iterator raises :class:`IntegrityError`: a client
    that was promised a length must not be left waiting, nor be given
    bytes of another answer.

    :param info: the object; ``info.size`` is the size of the whole object,
        also where a range is read.
    :param chunks: where the bytes come from.
    :param length: bytes that this reader gives; for a range, its length.
    :param closer: gives the connection back or drops it; called once.
    :param status: 206 where a range is read, else 200.
    :param content_range: value of ``Content-Range`` where a range is read.
    """

    def __init__(
        self,
        info: ObjectInfo,
        chunks: Iterable[bytes],
        *,
        length: int,
        closer: Callable[[], None] | None = None,
        status: int = 200,
        content_range: str | None = None,
    ) -> None:
        self.info = info
        self.length = length
        self.status = status
        self.content_range = content_range
        self._chunks = chunks
        self._closer = closer
        self._closed = False
        self._consumed = False

    def __iter__(self) -> Iterator[bytes]:
        """Return the chunks.

        :raises StreamConsumed: iterated before.
        :raises StreamClosed: closed before.
        """
        if self._closed:
            reason = "the reader is closed"
            raise StreamClosed(reason)
        if self._consumed:
            reason = "the reader was read before; get the object again"
            raise StreamConsumed(reason)
        self._consumed = True
        return self._enforce()

    def _enforce(self) -> Iterator[bytes]:
        left = self.length
        for chunk in self._chunks:
            if not chunk:
                continue
            left -= len(chunk)
            if left < 0:
                reason = f"the store sent more than {self.length} bytes"
                raise IntegrityError(reason, key=self.info.key)
            yield chunk
        if left:
            reason = f"the store stopped {left} bytes early"
            raise IntegrityError(reason, key=self.info.key)

    def read(self) -> bytes:
        """Return all bytes and close; for small objects."""
        try:
            return b"".join(self)
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back; read or not, twice is fine."""
        if not self._closed:
            self._closed = True
            if self._closer is not None:
                self._closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
