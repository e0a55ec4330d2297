# SPDX-License-Identifier: Apache-2.0
"""A body whose last bytes wait for a last look at the store.

Where a store knows no conditions, what is there may change while a body is
on its way, which may take hours. A store shows nothing of a body before its
last byte: so the look that counts is the one right before that.
"""

from __future__ import annotations

from collections.abc import Callable

from onespace_core.provider import Body, Stream


class LastLook:
    """The bytes of another body.

    :param body: where they come from.
    :param look: called before the last bytes are given, each time that the
        body is sent; what it raises ends the stream, and is kept in
        ``failure`` (see :func:`onespace_core.sync.body.source_first`).
    """

    def __init__(self, body: Body, look: Callable[[], None]) -> None:
        self._body = body
        self._look = look
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable
        self.failure: Exception | None = None

    def open(self) -> Stream:
        """Return a stream at the first byte.

        :raises Exception: what an earlier look did: it is not sent again.
        """
        if self.failure is not None:
            raise self.failure
        if self.size == 0:
            # Nobody has to read what has no bytes.
            self.look()
        return _Watched(self, self._body.open())

    def look(self) -> None:
        """Have the last look."""
        try:
            self._look()
        except Exception as exc:
            self.failure = exc
            raise


class _Watched:
    def __init__(self, body: LastLook, stream: Stream) -> None:
        self._body = body
        self._stream = stream
        self._left = body.size
        self._looked = False

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
        if not self._looked and (not data or self._left == 0):
            self._looked = True
            self._body.look()
        return data

    def close(self) -> None:
        self._stream.close()
