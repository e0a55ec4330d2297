# SPDX-License-Identifier: Apache-2.0
"""What stores are known not to have, for a few seconds.

Clients ask for what is nowhere all the time (before a PUT, for instance).
Memcache is shared by the proxies; without it each process remembers alone.

A name that was written here is marked for longer than any store takes to
answer: an answer that is older than the write is not remembered, for the
object may have been archived meanwhile.
"""

from __future__ import annotations

import collections
import hashlib
import math
import threading
import time
from collections.abc import Callable
from typing import Any

_MOST = 10_000
#: Seconds for which a write is noted.
_WRITTEN_FOR = 60.0
#: What is noted of a name.
_WRITTEN, _MISSING = 0, 1


class Missing:
    """Names that a store did not have when it was asked last.

    :param ttl: seconds; 0 remembers nothing.
    :param clock: seconds that only go forward.
    """

    def __init__(
        self, ttl: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: collections.OrderedDict[str, tuple[int, float]] = (
            collections.OrderedDict()
        )

    def knows(self, cache: Any, *name: str) -> bool:
        """Return whether it was missing a moment ago.

        :param cache: Swift's memcache client, or None; never raises.
        """
        if not self._ttl:
            return False
        return self._get(cache, _key(name)) == _MISSING

    def remember(self, cache: Any, *name: str) -> None:
        """Note that a store has no such object, unless it was written."""
        if not self._ttl:
            return
        key = _key(name)
        if self._get(cache, key) != _WRITTEN:
            self._set(cache, key, _MISSING, self._ttl)

    def forget(self, cache: Any, *name: str) -> None:
        """Note that it was written, and may be there from now on."""
        if self._ttl:
            self._set(cache, _key(name), _WRITTEN, _WRITTEN_FOR)

    def _get(self, cache: Any, key: str) -> Any:
        if cache is not None:
            return cache.get(key)
        with self._lock:
            what, until = self._noted.get(key, (None, 0.0))
            return what if until > self._clock() else None

    def _set(self, cache: Any, key: str, what: int, seconds: float) -> None:
        if cache is not None:
            # Whole seconds; 0 would be for ever.
            cache.set(key, what, time=math.ceil(seconds))
            return
        with self._lock:
            self._noted[key] = what, self._clock() + seconds
            self._noted.move_to_end(key)
            while len(self._noted) > _MOST:
                self._noted.popitem(last=False)


def _key(name: tuple[str, ...]) -> str:
    text = "/".join(name).encode(errors="surrogateescape")
    digest = hashlib.sha256(text).hexdigest()
    return f"onespace/missing/{digest}"
