# SPDX-License-Identifier: Apache-2.0
"""Object names that are being worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onespace_core.concurrency import Semaphore


class BusyNames:
    """Keeps two rows of one name from being handled at a time.

    Shared by the jobs of a container and its shards: while Swift moves rows
    between their databases, a name may be in several.
    """

    def __init__(self) -> None:
        self._locks: dict[str, Semaphore] = {}
        self._users: dict[str, int] = {}

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait until nobody else holds the name, and hold it."""
        lock = self._locks.setdefault(name, Semaphore())
        self._users[name] = self._users.get(name, 0) + 1
        try:
            with lock:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]
