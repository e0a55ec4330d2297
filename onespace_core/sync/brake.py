# SPDX-License-Identifier: Apache-2.0
"""The breaker of deletions, as one container's engine sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from onespace_core.crawler.breaker import Breaker
from onespace_core.state import ContainerKey

#: Seconds for which a container's number of objects is good enough.
_COUNT_AGE = 10.0


class Containers(Protocol):
    """Where a container's headers come from."""

    def container_headers(
        self, account: str, container: str
    ) -> dict[str, str] | None:
        """Return what a HEAD of a container answers, or None."""
        ...


class ContainerBrake:
    """Asks the mapping's breaker with the size of the container.

    :param key: the container; the root of a sharded one.
    :param containers: asked for its number of objects now and then; one
        that is gone has none.
    """

    def __init__(
        self,
        breaker: Breaker,
        key: ContainerKey,
        containers: Containers,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._breaker = breaker
        self._key = key
        self._containers = containers
        self._clock = clock
        self._objects = 0
        self._counted = float("-inf")

    def __call__(self) -> bool:
        """See :class:`onespace_core.sync.delete.Brake`.

        :raises SourceError: the local cluster does not say how many there
            are; nothing was allowed.
        """
        now = self._clock()
        if abs(now - self._counted) > _COUNT_AGE:
            headers = self._containers.container_headers(
                self._key.account, self._key.container
            )
            self._objects = int(
                (headers or {}).get("x-container-object-count", "0")
            )
            self._counted = now
        return self._breaker.allow(self._key, self._objects)

    def take_back(self) -> None:
        """Say that a deletion that was allowed did not happen."""
        self._breaker.take_back(self._key)
