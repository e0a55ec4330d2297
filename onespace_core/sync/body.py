# SPDX-License-Identifier: Apache-2.0
"""A local object as a body that a provider can send, and send again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from onespace_core.provider import ProviderError, Stream
from onespace_core.swift.source import (
    LocalObject,
    LocalReader,
    Source,
    SourceChangedError,
    SourceError,
)


class LocalBody:
    """The bytes of one version of a local object.

    The first ``open`` gives the stream that is open already; a later one
    reads the object again and insists on the same version, since a retry
    must not send half of one version and half of another.

    A provider may wrap an error of the stream into one of its own; what the
    stream that was opened last raised is kept in ``failure``.

    :param source: where to read it again.
    :param reader: the open object; the caller closes it.
    :param policy_index: as it was opened with.
    """

    replayable = True

    def __init__(
        self, source: Source, reader: LocalReader, policy_index: int | None
    ) -> None:
        self._source = source
        self._reader = reader
        self._policy_index = policy_index
        self._untouched = True
        self.size: int | None = reader.info.size
        self.md5: str | None = reader.info.etag
        self.failure: Exception | None = None
        self.bytes_read = 0

    def open(self) -> Stream:
        """Return a stream at the first byte.

        :raises SourceChangedError: the object is now another version.
        :raises SourceError: it could not be read again.
        """
        # What goes wrong from now on is not the last try's fault.
        self.failure = None
        if self._untouched:
            return _Tracked(self, self._reader.stream, None)
        try:
            return self._reopen()
        except SourceError as exc:
            self.failure = exc
            raise

    def _reopen(self) -> Stream:
        wanted = self._reader.info
        # The first replica that answers may have another version.
        for newest in (False, True):
            again = self._source.open(
                wanted.name, policy_index=self._policy_index, newest=newest
            )
            if again is None:
                continue
            if _version(again.info) == _version(wanted):
                return _Tracked(self, again.stream, again)
            again.close()
        message = f"{wanted.name} changed while it was copied"
        raise SourceChangedError(message)

    def note_read(self, count: int) -> None:
        """Count bytes; from now on the first stream is used up."""
        self._untouched = False
        self.bytes_read += count


class _Tracked:
    """A stream that tells its body what was read and what went wrong."""

    def __init__(
        self, body: LocalBody, stream: Stream, owner: LocalReader | None
    ) -> None:
        self._body = body
        self._stream = stream
        self._owner = owner

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._stream.read(size)
        except Exception as exc:
            self._body.failure = exc
            raise
        self._body.note_read(len(data))
        return data

    def close(self) -> None:
        """Close what ``open`` opened; the first reader is its caller's."""
        if self._owner is not None:
            self._owner.close()


def _version(info: LocalObject) -> tuple[str, str, int]:
    return info.timestamp, info.etag, info.size


class ReadsSource(Protocol):
    """A body that remembers what went wrong with the local cluster."""

    failure: Exception | None


@contextlib.contextmanager
def source_first(body: ReadsSource) -> Iterator[None]:
    """Raise what the local cluster did wrong, not what a provider made of it.

    :param body: what the provider is given inside the block.
    """
    try:
        yield
    except ProviderError:
        if body.failure is not None:
            raise body.failure from None
        raise
