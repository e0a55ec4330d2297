# SPDX-License-Identifier: Apache-2.0
"""Counters of the sync engine, and their statsd names.

The names are 1space's, so that an operator's dashboards go on working.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote

import statsd


class Counter(Protocol):
    """What the recorder needs of a statsd client."""

    def incr(self, stat: str, count: int = 1) -> object:
        """Add to a counter."""
        ...


class Meter(Counter, Protocol):
    """A statsd client; many threads may use it at once."""

    def timing(self, stat: str, delta: float) -> object:
        """Note that something took so many milliseconds."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What was done since the start.

    :param copied: objects whose bytes were sent.
    :param bytes: bytes read for that; those of retries count again.
    :param deleted: deletions propagated, also if the copy was gone.
    :param others: everything else, by what it was.
    """

    copied: int
    bytes: int
    deleted: int
    others: Mapping[str, int]


class SyncRecorder:
    """Counts for one container of one mapping.

    :param counter: a statsd client, or None.
    :param prefix: see :func:`statsd_prefix`.
    """

    def __init__(
        self, counter: Counter | None = None, prefix: str = ""
    ) -> None:
        self._counter = counter
        self._prefix = prefix
        self._copied = 0
        self._bytes = 0
        self._deleted = 0
        self._others: collections.Counter[str] = collections.Counter()

    @property
    def succeeded(self) -> bool:
        """Whether anything was written at the store since the start."""
        return bool(self._copied or self._deleted or self._others.get("post"))

    def copied(self, size: int) -> None:
        """Note that an object's bytes were sent."""
        self._copied += 1
        self._bytes += size
        self._send("copied_objects", 1)
        self._send("bytes", size)

    def deleted(self) -> None:
        """Note that a deletion was propagated."""
        self._deleted += 1
        self._send("deleted_objects", 1)

    def archived(self) -> None:
        """Note that a local object was deleted, since the store has it."""
        self._others["archived"] += 1
        self._send("archived_objects", 1)

    def reaped(self, what: str, count: int) -> None:
        """Note that so many segments were deleted, since nothing needs them.

        :param what: on which side, such as ``local segments``.
        """
        self._others[f"{what} deleted"] += count
        self._send(f"deleted_{what.replace(' ', '_')}", count)

    def done(self, what: str) -> None:
        """Note that a row was settled in another way."""
        self._others[what] += 1

    def figures(self) -> Figures:
        """Return the figures so far."""
        return Figures(
            self._copied, self._bytes, self._deleted, dict(self._others)
        )

    def _send(self, metric: str, count: int) -> None:
        if self._counter is not None and count:
            self._counter.incr(f"{self._prefix}.{metric}", count)


def statsd_prefix(
    *,
    endpoint: str,
    account: str,
    bucket: str,
    custom_prefix: str | None,
    container: str,
) -> str:
    """Return what 1space puts in front of a container's metrics.

    :param endpoint: the store's, or ``S3`` for Amazon.
    """
    target = bucket if custom_prefix is None else f"{bucket}/{custom_prefix}"
    return ".".join(map(escaped, (endpoint, account, target, container)))


def escaped(part: str) -> str:
    """Return a part of a metric's name.

    It is percent-encoded and its dots are ``%2E``, so that dots separate
    parts only.
    """
    return quote(part, safe="").replace(".", "%2E")


def statsd_client(
    host: str | None, port: int, prefix: str | None
) -> Meter | None:
    """Return a client that sends UDP, or None without a host."""
    if not host:
        return None
    client: Meter = statsd.StatsClient(host, port, prefix=prefix)
    return client
