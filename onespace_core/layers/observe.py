# SPDX-License-Identifier: Apache-2.0
"""Tell somebody what requests were made, and how they ended."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar

from onespace_core.layers.arguments import bucket_of, with_body
from onespace_core.layers.base import Layer
from onespace_core.layers.stream import PassingBody, passing, reader_over
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.large import OpenUpload
from onespace_core.provider.types import ByteRange, Conditions

P = ParamSpec("P")
T = TypeVar("T")

#: The outcome of a request that was answered.
OK = "ok"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One request. Has no key, no text of an error and no secret.

    :param op: method of the contract or of an optional protocol.
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
    is none; of ``list_uploads`` once, when nobody goes on with it. The five
    derived methods are seen as the requests they make.

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
        op = method.__name__
        watch = self._watch(op, bucket_of(op, args, kwargs))

        def watched(body: Body) -> Body:
            return PassingBody(body, watch.sent)

        request: Callable[..., T] = method
        try:
            result = request(*with_body(op, args, watched), **kwargs)
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

        return reader_over(reader, _watched(reader, watch), closer=close)

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """See :meth:`MultipartUpload.list_uploads`."""
        inner: Any = self.inner
        watch = self._watch("list_uploads", bucket)
        try:
            yield from inner.list_uploads(prefix=prefix, bucket=bucket)
        except GeneratorExit:
            watch.ended()  # the caller has seen enough
            raise
        except BaseException as exc:
            watch.ended(exc)
            raise
        watch.ended()

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
        self._sent = 0
        self._received = 0
        self._op = op
        self._bucket = bucket
        self._clock = clock
        self._tell: Callable[[Event], None] | None = tell
        self._started = clock()

    def sent(self, count: int) -> None:
        self._sent += count

    def received(self, count: int) -> None:
        self._received += count

    def ended(self, error: BaseException | None = None) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(
                Event(
                    op=self._op,
                    bucket=self._bucket,
                    outcome=OK if error is None else type(error).__name__,
                    seconds=self._clock() - self._started,
                    bytes_sent=self._sent,
                    bytes_received=self._received,
                )
            )


def _watched(reader: ObjectReader, watch: _Watch) -> Iterator[bytes]:
    try:
        yield from passing(reader, watch.received)
    except GeneratorExit:
        raise  # the caller has read enough; closing tells of it
    except BaseException as exc:
        watch.ended(exc)
        raise
