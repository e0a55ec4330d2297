# SPDX-License-Identifier: Apache-2.0
"""Prove that what is opened is closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Self

from onespace_core.layers.base import Layer
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader, Stream
from onespace_core.provider.types import ByteRange, Conditions, PutResult


class LeakError(AssertionError):
    """Something is still open."""


class LeakTracker:
    """Knows what is open.

    As a context manager it raises :class:`LeakError` at the end, unless
    another error is on its way.
    """

    def __init__(self) -> None:
        self._open: dict[int, str] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def opened(self, what: str) -> Callable[[], None]:
        """Note that something was opened.

        :param what: named in the error, such as ``reader of photo.jpg``.
        :returns: to be called when it is closed; more than once is fine.
        """
        with self._lock:
            number = next(self._numbers)
            self._open[number] = what

        def closed() -> None:
            with self._lock:
                self._open.pop(number, None)

        return closed

    def still_open(self) -> list[str]:
        """Return what is open, in the order it was opened."""
        with self._lock:
            return list(self._open.values())

    def check(self) -> None:
        """Do nothing if everything is closed.

        :raises LeakError: naming what is not.
        """
        left = self.still_open()
        if left:
            raise LeakError(f"not closed: {', '.join(left)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, *rest: object
    ) -> None:
        if kind is None:
            self.check()


class LeakTrackingLayer(Layer):
    """Tracks the readers that callers get and the streams a provider opens.

    :param provider: whose callers, and who itself, is under suspicion.
    :param tracker: where it is noted; a new one if None.
    """

    def __init__(
        self, provider: Provider, tracker: LeakTracker | None = None
    ) -> None:
        super().__init__(provider)
        self.tracker = tracker or LeakTracker()

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        reader = super().get_object(
            key, byte_range=byte_range, conditions=conditions, bucket=bucket
        )
        closed = self.tracker.opened(f"reader of {key}")

        def close() -> None:
            reader.close()
            closed()

        return ObjectReader(
            reader.info,
            reader,
            length=reader.length,
            closer=close,
            status=reader.status,
            content_range=reader.content_range,
        )

    def put_object(
        self,
        key: str,
        body: Body,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :meth:`Provider.put_object`."""
        return super().put_object(
            key,
            TrackedBody(body, self.tracker, f"stream for {key}"),
            metadata=metadata,
            content_type=content_type,
            system=system,
            conditions=conditions,
            bucket=bucket,
        )


class TrackedBody:
    """A body whose streams are tracked.

    :param body: what is tracked.
    :param tracker: where it is noted.
    :param what: named if it stays open.
    """

    def __init__(self, body: Body, tracker: LeakTracker, what: str) -> None:
        self._body = body
        self._tracker = tracker
        self._what = what
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable

    def open(self) -> Stream:
        """Return a stream that is noted until it is closed."""
        return _TrackedStream(
            self._body.open(), self._tracker.opened(self._what)
        )


class _TrackedStream:
    def __init__(self, stream: Stream, closed: Callable[[], None]) -> None:
        self._stream = stream
        self._closed = closed

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()
        self._closed()
