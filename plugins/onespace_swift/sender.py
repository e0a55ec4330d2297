# SPDX-License-Identifier: Apache-2.0
"""A body on its way to the store, checked while it passes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from onespace_core.provider import CHUNK_SIZE, Body, IntegrityError, Stream
from onespace_swift.errors import SourceFailed


class Sender:
    """Chunks of a body: exactly its ``size`` bytes, or an error.

    The body is opened when the first chunk is asked for, which is after
    there is a connection: a source that was opened early would time out
    while we wait. The last bytes are given only when the body is known to
    end there, so that the store never has the whole of a body that is too
    long. Holds one chunk.

    Iterate once, then close.

    :param body: what to send.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._stream: Stream | None = None
        self._left = body.size
        self._digest = hashlib.md5(usedforsecurity=False)
        #: Whether the body was opened.
        self.started = False
        #: Whether all of it was given.
        self.finished = False

    @property
    def md5(self) -> str:
        """Hex MD5 of what was given; as the body says, if it does."""
        return self._body.md5 or self._digest.hexdigest()

    def check_empty(self) -> None:
        """Check that a body of no bytes has none, before anything is sent.

        :raises SourceFailed: it has some, or cannot be read.
        """
        for _chunk in self:
            pass

    def __iter__(self) -> Iterator[bytes]:
        """Return the chunks, none of them empty.

        :raises SourceFailed: the body is short or long, or reading it
            raised.
        """
        while chunk := self._take():
            yield chunk
        self.finished = True

    def _take(self) -> bytes:
        try:
            if self._stream is None:
                self.started = True
                self._stream = self._body.open()
            return self._checked(self._stream)
        except Exception as exc:
            # Whatever it is, it is not the connection that failed.
            raise SourceFailed(exc) from exc

    def _checked(self, stream: Stream) -> bytes:
        chunk = stream.read(CHUNK_SIZE)
        if self._body.md5 is None:
            self._digest.update(chunk)
        if self._left is None:
            return chunk
        self._left -= len(chunk)
        if self._left < 0 or (chunk and self._left == 0 and stream.read(1)):
            reason = f"the body is longer than its {self._body.size} bytes"
            raise IntegrityError(reason)
        if not chunk and self._left:
            reason = f"the body ended {self._left} bytes early"
            raise IntegrityError(reason)
        return chunk

    def close(self) -> None:
        """Close what was opened; twice is fine."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
