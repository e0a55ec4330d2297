# SPDX-License-Identifier: Apache-2.0
"""One restore at a time for an object, and few at a time in all."""

from __future__ import annotations

from collections.abc import Hashable

from onespace_core.concurrency import Event, Timeout


class Flight:
    """The restore of one object, under way."""

    def __init__(self) -> None:
        self._landed = Event()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, good or bad; return whether it came in time."""
        with Timeout(seconds, exception=False):
            self._landed.wait()
            return True
        return False

    def land(self) -> None:
        """Let all go on who wait; a second call does nothing."""
        if not self._landed.ready():
            self._landed.send()


class Flights:
    """Who restores what, in this process.

    :param limit: restores at the same time; more are not begun.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._flying: dict[Hashable, Flight] = {}

    def flying(self, key: Hashable) -> Flight | None:
        """Return the restore of an object that is under way, if one is."""
        return self._flying.get(key)

    def take_off(self, key: Hashable) -> bool:
        """Begin one; False if one is under way, or there are too many.

        Whoever got True calls :meth:`land`, whatever happens.
        """
        if key in self._flying or len(self._flying) >= self._limit:
            return False
        self._flying[key] = Flight()
        return True

    def land(self, key: Hashable) -> None:
        """End one; without effect if it is not under way."""
        flight = self._flying.pop(key, None)
        if flight is not None:
            flight.land()
