# SPDX-License-Identifier: Apache-2.0
"""Tell somebody what requests were made, and how they ended."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar

from onespace_core.layers.base import Layer
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader, Stream
from onespace_core.provider.types import ByteRange, Conditions, PutResult

P = ParamSpec("P")
T = TypeVar("T")

#: The outcome of a request that was answered.
OK = "ok"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One request. Has no key, no text of an error and no secret.

    :param op: contract method, ``create_bucket`` or ``delete_bucket``.
    :param bucket: of the request; None means the provider's own.
    :param outcome: :data:`OK`, or the name of the error's class, such as
        ``RateLimited``. ``NotModified`` and ``ObjectNotFound`` are answers
        that many callers expect.
    :param seconds: from the call to its end. For ``get_object``, to the end
        of its reader, so that the time the reader's user takes is in it.
    :param bytes_sent: read from the body, tries and all.
    :param bytes_received: given by the reader.
    """

    op: str
    bucket: str | None
    outcome: str
    seconds: float
    bytes_sent: int = 0
    bytes_received: int = 0


class Observer(Protocol):
    """Is told of every request, in the thread that made it.

    It should be quick: the caller waits. What it raises harms no call.
    """

    def __call__(self, event: Event, /) -> object:
        """Note a request that has ended; what is returned is ignored."""
        ...


class ObserveLayer(Layer):
    """Tells an observer of each request that it passes on.

    Above the retry layer, it sees what callers see; below, every try. Of
    ``get_object`` it tells once the reader is closed, or at once where there
    is none. The five derived methods are seen as the requests they make.

    :param provider: where requests go.
    :param observer: is told; may be called by many threads at once.
    :param clock: seconds that only go forward; None means
        ``time.monotonic``.
    :param logger: told once that the observer raises, by its class only.
    """

    def __init__(
        self,
        provider: Provider,
        observer: Observer,
        *,
        clock: Callable[[], float] | None = None,
        logger: logging.Logger,
    ) -> None:
        super().__init__(provider)
        self._observer = observer
        self._clock = clock or time.monotonic
        self._logger = logger
        self._has_complained = False

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request, and tell how it ended."""
        # A layer's own create_bucket is a method of another name.
        op = method.__name__.removeprefix("_")
        watch = self._watch(op, _bucket(op, args, kwargs))
        try:
            result = method(*args, **kwargs)
        except BaseException as exc:
            watch.ended(exc)
            raise
        watch.ended()
        return result

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        watch = self._watch("get_object", bucket)
        try:
            reader = self.inner.get_object(
                key,
                byte_range=byte_range,
                conditions=conditions,
                bucket=bucket,
            )
        except BaseException as exc:
            watch.ended(exc)
            raise

        def close() -> None:
            try:
                reader.close()
            finally:
                watch.ended()

        return ObjectReader(
            reader.info,
            _watched(reader, watch),
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
        watch = self._watch("put_object", bucket)
        try:
            result = self.inner.put_object(
                key,
                _WatchedBody(body, watch),
                metadata=metadata,
                content_type=content_type,
                system=system,
                conditions=conditions,
                bucket=bucket,
            )
        except BaseException as exc:
            watch.ended(exc)
            raise
        watch.ended()
        return result

    def _watch(self, op: str, bucket: str | None) -> _Watch:
        return _Watch(op, bucket, self._clock, self._tell)

    def _tell(self, event: Event) -> None:
        try:
            self._observer(event)
        except Exception as exc:  # noqa: BLE001 - it must harm no call
            if not self._has_complained:
                self._has_complained = True
                self._logger.warning(
                    "an observer raises %s; requests go on without it",
                    type(exc).__name__,
                )


class _Watch:
    """One request under way; tells of its end once."""

    def __init__(
        self,
        op: str,
        bucket: str | None,
        clock: Callable[[], float],
        tell: Callable[[Event], None],
    ) -> None:
        self.sent = 0
        self.received = 0
        self._op = op
        self._bucket = bucket
        self._clock = clock
        self._tell: Callable[[Event], None] | None = tell
        self._started = clock()

    def ended(self, error: BaseException | None = None) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(
                Event(
                    op=self._op,
                    bucket=self._bucket,
                    outcome=OK if error is None else type(error).__name__,
                    seconds=self._clock() - self._started,
                    bytes_sent=self.sent,
                    bytes_received=self.received,
                )
            )


def _bucket(
    op: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str | None:
    if op.endswith("_bucket"):
        return args[0] if args else None
    return kwargs.get("bucket")


def _watched(reader: ObjectReader, watch: _Watch) -> Iterator[bytes]:
    try:
        for chunk in reader:
            watch.received += len(chunk)
            yield chunk
    except GeneratorExit:
        raise  # the caller has read enough; closing tells of it
    except BaseException as exc:
        watch.ended(exc)
        raise


class _WatchedBody:
    """A body whose bytes are counted."""

    def __init__(self, body: Body, watch: _Watch) -> None:
        self._body = body
        self._watch = watch
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable

    def open(self) -> Stream:
        return _WatchedStream(self._body.open(), self._watch)


class _WatchedStream:
    def __init__(self, stream: Stream, watch: _Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._watch.sent += len(data)
        return data

    def close(self) -> None:
        self._stream.close()
