# SPDX-License-Identifier: Apache-2.0
"""A cache inside the process, where Swift expects memcached.

``local_cache`` is a WSGI filter that stands in the place of Swift's
``cache``::

    [filter:cache]
    use = egg:onespace#local_cache
    # bytes of all keys and values together
    max_bytes = 67108864
    max_entries = 100000

It suits a Swift that is one process (``onespace standalone``) and the
private pipeline of a daemon. Between two processes nothing is shared: what
one caches, the other does not see change, so give such a proxy short
``recheck_container_existence`` and ``recheck_account_existence`` times. A
token of tempauth is known only to the process that issued it, and lost when
that ends.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import threading
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from swift.common.exceptions import MemcacheConnectionError

MAX_BYTES = 64 * 2**20
MAX_ENTRIES = 100_000
#: Counters are unsigned and of 64 bits in memcached.
_COUNTER_LIMIT = 2**64

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """A stored value; ``expires`` is None for never."""

    data: bytes
    is_json: bool
    expires: float | None


class LocalCache:
    """What Swift uses of its ``MemcacheRing``, kept in this process.

    Values are serialised on the way in and out as in ``MemcacheRing``: a
    tuple comes back as a list, and no caller can change what another one
    holds. The least recently used entries make room for new ones. Safe for
    threads and greenthreads; nothing here waits for anything but its lock.

    ``time`` is in seconds from now; 0 keeps the value until it is evicted,
    a negative one expires it at once. ``raise_on_error``, ``server_key`` and
    ``min_compress_len`` are accepted, for the signatures, and mean nothing
    here: there is no server that could fail or be chosen.

    Without a length on purpose: Swift tests its cache for truth.

    :param max_bytes: of all keys and values together, more than 0. A value
        that alone is larger is not kept (and replaces nothing: the older
        value is forgotten, as memcached does).
    :param max_entries: more than 0.
    :param now: a clock that never goes back.
    :raises ValueError: a limit is not positive.
    """

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        max_entries: int = MAX_ENTRIES,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        if max_bytes <= 0 or max_entries <= 0:
            raise ValueError("max_bytes and max_entries must be positive")
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._now = now
        self._lock = threading.Lock()
        self._bytes = 0
        self._entries: collections.OrderedDict[str, _Entry] = (
            collections.OrderedDict()
        )

    def set(
        self,
        key: str,
        value: Any,
        serialize: bool = True,
        time: float = 0,
        min_compress_len: int = 0,
        raise_on_error: bool = False,
    ) -> None:
        """Store a value.

        :param value: anything JSON can hold; text where ``serialize`` is
            False, which ``get`` gives back as bytes.
        :raises TypeError: JSON cannot hold it.
        """
        del min_compress_len, raise_on_error
        data = _encode(value, serialize)
        with self._lock:
            self._store(key, _Entry(data, serialize, self._deadline(time)))

    def get(self, key: str, raise_on_error: bool = False) -> Any:
        """Return the value, or None where there is none."""
        del raise_on_error
        with self._lock:
            entry = self._find(key)
        if entry is None:
            return None
        return json.loads(entry.data) if entry.is_json else entry.data

    def incr(self, key: str, delta: float = 1, time: float = 0) -> int:
        """Add to a counter and return what it then holds.

        A counter that is not there starts from 0 and lives for ``time``; an
        existing one keeps its time. It never goes below 0.

        :param delta: cut to a whole number; may be negative.
        :raises MemcacheConnectionError: the value is not a number, which is
            what ``MemcacheRing`` raises then.
        """
        step = int(delta)
        with self._lock:
            entry = self._find(key)
            if entry is None:
                entry = _Entry(b"0", False, self._deadline(time))
            if not entry.data.isdigit():
                raise MemcacheConnectionError(f"{key!r} is not a counter")
            value = max(0, int(entry.data) + step) % _COUNTER_LIMIT
            self._store(
                key, dataclasses.replace(entry, data=str(value).encode())
            )
        return value

    def decr(self, key: str, delta: float = 1, time: float = 0) -> int:
        """Take from a counter; see :meth:`incr`."""
        return self.incr(key, delta=-int(delta), time=time)

    def delete(self, key: str, server_key: str | None = None) -> None:
        """Forget a value; one that is not there is no error."""
        del server_key
        with self._lock:
            self._drop(key)

    def set_multi(
        self,
        mapping: Mapping[str, Any],
        server_key: str,
        serialize: bool = True,
        time: float = 0,
        min_compress_len: int = 0,
    ) -> None:
        """Store several values; see :meth:`set`."""
        del server_key, min_compress_len
        for key, value in mapping.items():
            self.set(key, value, serialize=serialize, time=time)

    def get_multi(self, keys: Sequence[str], server_key: str) -> list[Any]:
        """Return the values in the order of ``keys``, None for a gap."""
        del server_key
        return [self.get(key) for key in keys]

    def _deadline(self, time: float) -> float | None:
        return self._now() + time if time else None

    def _find(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires is not None and entry.expires <= self._now():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _cost(key, entry)

    def _store(self, key: str, entry: _Entry) -> None:
        self._drop(key)
        cost = _cost(key, entry)
        if cost > self._max_bytes:
            return
        self._entries[key] = entry
        self._bytes += cost
        while (
            self._bytes > self._max_bytes
            or len(self._entries) > self._max_entries
        ):
            self._drop(next(iter(self._entries)))


def _cost(key: str, entry: _Entry) -> int:
    return len(key) + len(entry.data)


def _encode(value: Any, serialize: bool) -> bytes:
    if serialize:
        if isinstance(value, bytes):
            value = value.decode()
        return json.dumps(value).encode()
    return value if isinstance(value, bytes) else str(value).encode()


class LocalCacheMiddleware:
    """Put one :class:`LocalCache` into each request's environment."""

    def __init__(self, app: WSGIApp, cache: LocalCache) -> None:
        self.app = app
        self.cache = cache

    def __call__(
        self, env: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request with the cache in ``env["swift.cache"]``."""
        env["swift.cache"] = self.cache
        return self.app(env, start_response)


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[WSGIApp], LocalCacheMiddleware]:
    """Return the filter for PasteDeploy; each filter has its own cache.

    :raises ValueError: a limit is not a positive whole number.
    """
    conf = {**global_conf, **local_conf}
    cache = LocalCache(
        max_bytes=int(conf.get("max_bytes", MAX_BYTES)),
        max_entries=int(conf.get("max_entries", MAX_ENTRIES)),
    )
    return lambda app: LocalCacheMiddleware(app, cache)
