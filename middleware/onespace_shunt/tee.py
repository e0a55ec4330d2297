# SPDX-License-Identifier: Apache-2.0
"""One body for two readers: a client, and whoever keeps a copy.

The client comes first. Whatever becomes of the copy, the client gets every
byte; if the client goes, the copy is given up. Memory is bounded by
:data:`DEPTH` chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from swift.common.exceptions import ChunkReadError

from onespace_core.concurrency import Empty, Queue, spawn

#: Chunks that the copy may be behind the client.
DEPTH = 15


class Feed:
    """The copy's side: what Swift reads as the body of a PUT.

    Made by :class:`Tee`; used in one greenthread.
    """

    def __init__(self) -> None:
        self._queue: Queue = Queue(DEPTH)
        self._rest = b""
        self._ended = False
        self._closed = False

    # -- the client's side ------------------------------------------------

    def give(self, chunk: bytes) -> None:
        """Hand a chunk over; waits for a slow copy, not for a dead one."""
        if not self._closed:
            self._queue.put(chunk)

    def end(self) -> None:
        """Say that the body was given whole."""
        self.give(b"")

    def abort(self) -> None:
        """Say that no more comes, although it is not whole.

        Does not wait: the copy notices when it has read what there is.
        """
        if not self._closed:
            spawn(self._queue.put, None)

    # -- the copy's side --------------------------------------------------

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; nothing only at the whole end.

        :raises ChunkReadError: the client has gone, or the store failed;
            Swift then throws away what it has.
        """
        while not self._rest and not self._ended:
            chunk = self._queue.get()
            if chunk is None:
                self._ended = True
                message = "the body was given up"
                raise ChunkReadError(message)
            self._ended = chunk == b""
            self._rest = chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def skip(self, size: int) -> None:
        """Read that much away; raises as :meth:`read` does."""
        while size:
            data = self.read(min(size, 65536))
            if not data:
                message = "the body was shorter than its manifest"
                raise ChunkReadError(message)
            size -= len(data)

    def close(self) -> None:
        """Take no more: the client is no longer waited for."""
        self._closed = True
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                return


class Part:
    """The next bytes of a feed, as a file: the body of one PUT."""

    def __init__(self, feed: Feed, size: int) -> None:
        self._feed = feed
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; see :meth:`Feed.read`."""
        if size < 0 or size > self._left:
            size = self._left
        if not size:
            return b""
        data = self._feed.read(size)
        self._left -= len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return what :meth:`read` does; a body has no lines."""
        return self.read(size)


class Tee:
    """A response body that is also written elsewhere.

    :param body: the chunks; its ``close`` is called once, in any case.
    :param size: bytes it has to have.
    :param write: runs in a greenthread of its own and reads the feed; its
        errors are its own.
    """

    def __init__(
        self,
        body: Iterator[bytes],
        close: Callable[[], None],
        size: int,
        write: Callable[[Feed], None],
    ) -> None:
        self._body = body
        self._close = close
        self._left = size
        self._closed = False
        self._feed = Feed()
        spawn(self._run, write)
        self._end_if_whole()

    def _end_if_whole(self) -> None:
        # At the last byte, not when the body is asked for more: whether a
        # server does that is its own affair.
        if not self._left:
            self._feed.end()

    def _run(self, write: Callable[[Feed], None]) -> None:
        try:
            write(self._feed)
        finally:
            self._feed.close()

    def __iter__(self) -> Iterator[bytes]:
        # Whoever closes what this returns may not close us: some of Swift's
        # filters keep the iterator alone.
        try:
            for chunk in self._body:
                if chunk:
                    self._left -= len(chunk)
                    self._feed.give(chunk)
                    self._end_if_whole()
                    yield chunk
            if self._left:
                message = f"{self._left} bytes are missing"
                raise ChunkReadError(message)
        finally:
            self.close()

    def close(self) -> None:
        """Close the body; a copy that is not whole is given up.

        Twice is fine.
        """
        if self._closed:
            return
        self._closed = True
        if self._left:
            self._feed.abort()
        self._close()
