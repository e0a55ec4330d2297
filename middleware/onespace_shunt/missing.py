# SPDX-License-Identifier: Apache-2.0
"""What stores are known not to have, for a few seconds.

Clients ask for what is nowhere all the time (before a PUT, for instance).
Memcache is shared by the proxies; without it each process remembers alone.
"""

from __future__ import annotations

import collections
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

_MOST = 10_000


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
        self._until: collections.OrderedDict[str, float] = (
            collections.OrderedDict()
        )

    def knows(self, cache: Any, *name: str) -> bool:
        """Return whether it was missing a moment ago.

        :param cache: Swift's memcache client, or None; never raises.
        """
        if not self._ttl:
            return False
        key = _key(name)
        if cache is not None:
            return bool(cache.get(key))
        with self._lock:
            return self._until.get(key, 0.0) > self._clock()

    def remember(self, cache: Any, *name: str) -> None:
        """Note that a store has no such object."""
        if not self._ttl:
            return
        key = _key(name)
        if cache is not None:
            cache.set(key, 1, time=self._ttl)
            return
        with self._lock:
            self._until[key] = self._clock() + self._ttl
            self._until.move_to_end(key)
            while len(self._until) > _MOST:
                self._until.popitem(last=False)

    def forget(self, cache: Any, *name: str) -> None:
        """Note that it may be there from now on."""
        if not self._ttl:
            return
        key = _key(name)
        if cache is not None:
            cache.delete(key)
            return
        with self._lock:
            self._until.pop(key, None)


def _key(name: tuple[str, ...]) -> str:
    text = "/".join(name).encode(errors="surrogateescape")
    digest = hashlib.sha256(text).hexdigest()
    return f"onespace/missing/{digest}"
