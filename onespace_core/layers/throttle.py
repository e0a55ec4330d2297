# SPDX-License-Identifier: Apache-2.0
"""No more than so many requests and bytes each second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from onespace_core.layers.arguments import with_body
from onespace_core.layers.base import Layer
from onespace_core.layers.stream import PassingBody, passing, reader_over
from onespace_core.provider.base import Provider
from onespace_core.provider.body import CHUNK_SIZE, Body, ObjectReader
from onespace_core.provider.types import ByteRange, Conditions

P = ParamSpec("P")
T = TypeVar("T")

#: Parts of a second. What a bucket saves up is one part, so that no second
#: after a pause sees twice the rate; and no piece of a body is larger, so
#: that a slow rate makes many short pauses, not one that outlasts the
#: store's timeouts, and so that transfers take turns.
_PARTS = 8


class TokenBucket:
    """Says how long to wait for so much of something.

    Who asks first is served first: each call takes its share at once, on
    credit if need be, and is told when that is paid. Nothing is held while
    somebody waits, and many threads or greenthreads may ask at once.

    :param rate: units each second, more than 0.
    :param burst: units that may pass at once after a pause, more than 0.
    :param clock: seconds that only go forward; None means
        ``time.monotonic``.
    :raises ValueError: the rate or the burst is not more than 0.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst: float,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if rate <= 0 or burst <= 0:
            raise ValueError("a rate and a burst are more than 0")
        self.rate = rate
        self._burst = burst
        self._clock = clock or time.monotonic
        self._level = burst
        self._at = self._clock()
        self._lock = threading.Lock()

    def take(self, amount: float) -> float:
        """Take ``amount`` units; return the seconds to wait for them.

        More than ``burst`` at once is allowed, and waited for in full.
        """
        with self._lock:
            now = self._clock()
            gained = (now - self._at) * self.rate
            self._level = min(self._burst, self._level + gained) - amount
            self._at = now
            return max(0.0, -self._level / self.rate)


class Throttle:
    """The limits that all workers of a process share.

    There is one daemon process on a node, so that a limit of this object is
    the node's. Two nodes, or a daemon and a command beside it, have a limit
    each: a store sees their sum.

    :param requests_per_second: None means no limit.
    :param bytes_per_second: sent and received together; None likewise.
    :param clock: see :class:`TokenBucket`.
    :param sleep: waits so many seconds, with no lock held. A process of
        greenthreads gives its own, ``concurrency.sleep``, so that only the
        one that waits stops; None means ``time.sleep``.
    :raises ValueError: a limit is not more than 0.
    """

    def __init__(
        self,
        *,
        requests_per_second: float | None = None,
        bytes_per_second: float | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._requests = _bucket(requests_per_second, clock)
        self._bytes = _bucket(bytes_per_second, clock)
        self._piece = CHUNK_SIZE
        if bytes_per_second is not None:
            self._piece = max(
                1, min(CHUNK_SIZE, int(bytes_per_second / _PARTS))
            )
        self._sleep = sleep or _sleep

    @property
    def piece(self) -> int:
        """Bytes that should be passed on at a time, at most."""
        return self._piece

    def request(self) -> None:
        """Wait until one more request may be made."""
        self._wait(self._requests, 1)

    def transfer(self, count: int) -> None:
        """Wait until so many bytes may pass."""
        self._wait(self._bytes, count)

    def _wait(self, bucket: TokenBucket | None, amount: float) -> None:
        if bucket is None:
            return
        seconds = bucket.take(amount)
        if seconds > 0:
            self._sleep(seconds)


def _bucket(
    rate: float | None, clock: Callable[[], float] | None
) -> TokenBucket | None:
    if rate is None:
        return None
    # At less than one request each second the first one still passes.
    return TokenBucket(rate, burst=max(1.0, rate / _PARTS), clock=clock)


class ThrottleLayer(Layer):
    """Holds requests and bytes back to the rate of a :class:`Throttle`.

    Bodies and readers are held back while their bytes flow; nothing is
    collected. Put it under the retry layer, so that tries count as well.
    What headers and listings weigh is not counted as bytes, nor what the
    store copies by itself. ``list_uploads`` counts as one request.

    :param provider: where requests go.
    :param throttle: the limits; give the same one to every layer that
        shares them.
    """

    def __init__(self, provider: Provider, throttle: Throttle) -> None:
        super().__init__(provider)
        self._throttle = throttle

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request when its turn has come."""
        self._throttle.request()
        request: Callable[..., T] = method
        op = method.__name__
        return request(*with_body(op, args, self._slowed), **kwargs)

    def _slowed(self, body: Body) -> Body:
        limits = self._throttle
        return PassingBody(body, limits.transfer, piece=limits.piece)

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
        limits = self._throttle
        pieces = passing(reader, limits.transfer, piece=limits.piece)
        return reader_over(reader, pieces)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
