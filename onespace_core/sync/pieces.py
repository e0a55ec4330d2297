# SPDX-License-Identifier: Apache-2.0
"""Pieces of local objects as one body that a provider can send again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from onespace_core.provider import CHUNK_SIZE, Stream, StreamClosed
from onespace_core.swift.source import (
    LocalKind,
    LocalObject,
    LocalReader,
    Piece,
    Source,
    SourceChangedError,
    SourceError,
)
from onespace_core.sync.large import LargeTask

if TYPE_CHECKING:
    from hashlib import _Hash

#: Opens the bytes of a piece that are in an object, of just this version.
OpenPiece = Callable[[Piece], LocalReader]


def opener_for(source: Source, task: LargeTask) -> OpenPiece:
    """Return what opens the pieces of one version of a large object.

    It raises :class:`SourceChangedError` where no replica has a piece as it
    has to be: a plain object of this timestamp and MD5, a segment of the
    size and MD5 that its manifest says.
    """
    local = task.local

    def same_version(info: LocalObject) -> bool:
        return (info.timestamp, info.etag, info.size) == (
            local.timestamp,
            local.etag,
            local.size,
        )

    def open_piece(piece: Piece) -> LocalReader:
        if local.kind is LocalKind.PLAIN:
            return _open(source, piece, same_version, task.policy_index)
        sibling = source.sibling(piece.container)
        return _open(
            sibling,
            piece,
            lambda info: (info.etag, info.size) == (piece.etag, piece.size),
            None,
        )

    return open_piece


def _open(
    source: Source,
    piece: Piece,
    matches: Callable[[LocalObject], bool],
    policy_index: int | None,
) -> LocalReader:
    span = None if piece.whole else (piece.first, piece.last)
    # The first replica that answers may have another version.
    for newest in (False, True):
        try:
            reader = source.open(
                piece.name, policy_index=policy_index, newest=newest, span=span
            )
        except SourceChangedError:
            continue  # it has too few bytes for the span
        if reader is not None:
            if matches(reader.info):
                return reader
            reader.close()
    where = f"{piece.container}/{piece.name}"
    message = f"{where} is not what it was when the copy began"
    raise SourceChangedError(message)


class PiecesBody:
    """The bytes of some pieces, one after another.

    A piece is opened when its first byte is asked for: Swift gives up on who
    opens an object and lets it wait. Each time the body is opened all is
    read anew, of the same versions.

    A piece that is read as a whole is compared with its MD5 before its last
    bytes are given away; a wrong one is a :class:`SourceError`. Of a range
    only the version is known to be right.

    A provider may wrap an error of the stream into one of its own; what the
    stream that was opened last raised is kept in ``failure``.

    :param pieces: in order.
    :param open_piece: see :func:`opener_for`.
    :param md5: what is known of the MD5 of all bytes.
    :ivar bytes_read: bytes that came from the local cluster, by all streams.
    :ivar sent_md5: of all bytes, as they were read; None before the end was
        reached by the stream that was opened last.
    """

    replayable = True

    def __init__(
        self,
        pieces: Sequence[Piece],
        open_piece: OpenPiece,
        *,
        md5: str | None = None,
    ) -> None:
        self.pieces = tuple(pieces)
        self.open_piece = open_piece
        self.size: int | None = sum(piece.length for piece in pieces)
        self.md5 = md5
        self.failure: Exception | None = None
        self.bytes_read = 0
        self.sent_md5: str | None = None

    def open(self) -> Stream:
        """Return a stream at the first byte; nothing local is opened yet."""
        # What goes wrong from now on is not the last try's fault.
        self.failure = None
        self.sent_md5 = None
        return _PiecesStream(self)


class _PiecesStream:
    """Reads forward through the pieces; at most one of them is open."""

    def __init__(self, body: PiecesBody) -> None:
        self._body = body
        self._coming = list(reversed(body.pieces))
        self._current: _OpenedPiece | None = None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._closed = False
        if not self._coming:
            body.sent_md5 = self._md5.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_SIZE), b""))
        if self._closed:
            message = "the stream is closed"
            raise StreamClosed(message)
        try:
            return self._read(size)
        except Exception as exc:
            self._body.failure = exc
            self.close()
            raise

    def _read(self, size: int) -> bytes:
        if size == 0 or (self._current is None and not self._coming):
            return b""
        if self._current is None:
            self._current = _OpenedPiece(
                self._coming.pop(), self._body.open_piece
            )
        current = self._current
        data = current.read(size)
        self._md5.update(data)
        self._body.bytes_read += len(data) * (current.piece.data is None)
        if not current.left:
            current.close()
            self._current = None
            if not self._coming:
                self._body.sent_md5 = self._md5.hexdigest()
        return data

    def close(self) -> None:
        """Let go of the piece that is open; twice is fine."""
        self._closed = True
        self._coming.clear()
        if self._current is not None:
            self._current.close()
            self._current = None


class _OpenedPiece:
    """A piece being read: exactly its bytes, or an error."""

    def __init__(self, piece: Piece, open_piece: OpenPiece) -> None:
        self.piece = piece
        self.left = piece.length
        self._reader: LocalReader | None = None
        self._md5: _Hash | None = None
        self._stream: Stream
        if piece.data is not None:
            # Its first byte is that of the manifest's bytes.
            self._stream = io.BytesIO(piece.data[piece.first :])
            return
        if piece.whole:
            self._md5 = hashlib.md5(usedforsecurity=False)
        self._reader = open_piece(piece)
        self._stream = self._reader.stream

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self.left))
        self.left -= len(data)
        if self._md5 is not None:
            self._md5.update(data)
        if not data:
            self._fail(f"ended {self.left} bytes early")
        if not self.left:
            self._end()
        return data

    def _end(self) -> None:
        if self._reader is None:
            return
        # Swift wants to see its end read, else it counts as broken off.
        if self._stream.read(1):
            self._fail("has more bytes than it should")
        if self._md5 and self._md5.hexdigest() != self.piece.etag:
            self._fail("was read with another MD5 than its own")

    def _fail(self, reason: str) -> None:
        message = f"{self.piece.container}/{self.piece.name} {reason}"
        raise SourceError(message)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
