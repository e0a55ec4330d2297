# SPDX-License-Identifier: Apache-2.0
"""Prove that what is opened is closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import ParamSpec, Self, TypeVar

from onespace_core.layers.arguments import key_of, with_body
from onespace_core.layers.base import Layer
from onespace_core.layers.stream import reader_over
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader, Stream
from onespace_core.provider.types import ByteRange, Conditions

P = ParamSpec("P")
T = TypeVar("T")


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

        return reader_over(reader, reader, closer=close)

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request; note the streams of its body."""
        op = method.__name__
        what = f"stream for {key_of(op, args)}"

        def tracked(body: Body) -> Body:
            return TrackedBody(body, self.tracker, what)

        request: Callable[..., T] = method
        return request(*with_body(op, args, tracked), **kwargs)


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
