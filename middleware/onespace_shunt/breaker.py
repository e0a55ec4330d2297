# SPDX-License-Identifier: Apache-2.0
"""Leaving a store alone that does not answer.

Without it every 404 of the local cluster would wait for a dead store's
timeout. While it is open, clients are told at once that nobody knows, and
one request at a time finds out whether the store is back.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from onespace_core.layers.base import Layer
from onespace_core.provider import (
    ConnectionFailed,
    OperationTimeout,
    Provider,
    ProviderError,
    ServiceUnavailable,
)

P = ParamSpec("P")
T = TypeVar("T")

#: Failures in a row that open it.
FAILURES = 5
#: Seconds that it stays open at first, and at most.
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 60.0

#: Errors that say that the store is not there, rather than what it thinks.
_DOWN = (ConnectionFailed, OperationTimeout, ServiceUnavailable)


class Breaker:
    """Whether a store may be asked; safe for threads and greenthreads.

    Closed, it lets all pass. :data:`FAILURES` failures in a row open it for
    a pause; then one request is let through. If that fails the pause
    doubles, if it succeeds all is as before.

    :param clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are turned away, but for a probe."""
        return self._until is not None

    def enter(self) -> float | None:
        """Ask to make a request.

        :returns: None: go on, and tell how it ended. Else the seconds to
            wait before asking again.
        """
        with self._lock:
            if self._until is None:
                return None
            left = self._until - self._clock()
            if left > 0 or self._probing:
                return max(left, 1.0)
            self._probing = True
            return None

    def succeeded(self) -> None:
        """Note that the store answered, whatever it said."""
        with self._lock:
            self._failures = 0
            self._pause = FIRST_PAUSE
            self._until = None
            self._probing = False

    def failed(self) -> None:
        """Note that the store did not answer."""
        with self._lock:
            self._failures += 1
            if self._probing:
                self._probing = False
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._until = self._clock() + self._pause
            elif self._until is None and self._failures >= FAILURES:
                self._until = self._clock() + self._pause

    def abandoned(self) -> None:
        """Note that a request was given up, so that nothing is known."""
        with self._lock:
            self._probing = False


class BreakerLayer(Layer):
    """Asks a breaker before each request, and tells it the outcome."""

    def __init__(self, provider: Provider, breaker: Breaker) -> None:
        super().__init__(provider)
        self._breaker = breaker

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request.

        :raises ServiceUnavailable: it is open; no retry layer repeats it.
        """
        wait = self._breaker.enter()
        if wait is not None:
            refused = ServiceUnavailable(
                "the store has not answered for a while",
                retry_after=math.ceil(wait),
                op=method.__name__,
            )
            refused.retries_exhausted = True
            raise refused
        try:
            result = method(*args, **kwargs)
        except _DOWN:
            self._breaker.failed()
            raise
        except ProviderError:
            self._breaker.succeeded()
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return result
