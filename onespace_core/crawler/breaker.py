# SPDX-License-Identifier: Apache-2.0
"""A breaker: too many deletions at once are paused, until someone looks.

A mirror repeats mistakes. Whoever deletes a container's objects by accident
deletes the copies as well, seconds later. So the deletions of a mapping are
counted, and paused when there are more than an operator calls usual.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping

from onespace_core.state import Breakers, ContainerKey

#: Slots of a window: what is counted leaves it in so many steps.
_SLOTS = 60
#: Deletions after which counts are saved, so that a restart forgets few.
_SAVE_COUNT = 50
_SAVE_SECONDS = 5.0
#: Seconds after which a tripped breaker looks whether it was resumed.
_LOOK_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is too much within a window.

    :param number: deletions of a mapping; 0 for no limit.
    :param share: deletions of a container, as a part (0 to 1) of the objects
        that it had: those that are in it now, and those deleted within the
        window. 0 for no limit.
    :param floor: deletions of a container from which on the share counts.
    :param window: seconds.
    """

    number: int = 0
    share: float = 0.0
    floor: int = 100
    window: float = 3600.0

    @property
    def off(self) -> bool:
        """Whether nothing is ever too much."""
        return self.number <= 0 and self.share <= 0


def too_many(
    limits: Limits, *, mapping: int, container: int, objects: int
) -> str | None:
    """Return why a deletion is one too many, or None.

    :param mapping: deletions of the mapping within the window, this one
        included.
    :param container: the same of its container.
    :param objects: what is in the container now.
    """
    span = f"within {limits.window:.0f} s"
    if 0 < limits.number < mapping:
        return f"more than {limits.number} deletions {span}"
    had = objects + container
    enough = container >= max(1, limits.floor)
    if limits.share > 0 and enough and container > limits.share * had:
        return (
            f"{container} of {had} objects of a container were deleted "
            f"{span}, more than {limits.share:.0%}"
        )
    return None


class _Window:
    """Deletions by container and slot, with their sums."""

    def __init__(self, counts: Mapping[tuple[ContainerKey, int], int]) -> None:
        self._slots: dict[tuple[ContainerKey, int], int] = {}
        self._sums: dict[ContainerKey, int] = {}
        self._newest = 0
        self.total = 0
        for (key, slot), count in counts.items():
            self.add(key, slot, count)

    def add(self, key: ContainerKey, slot: int, count: int) -> None:
        self._slots[key, slot] = self.count(key, slot) + count
        self._sums[key] = self.of(key) + count
        self.total += count

    def count(self, key: ContainerKey, slot: int) -> int:
        return self._slots.get((key, slot), 0)

    def of(self, key: ContainerKey) -> int:
        return self._sums.get(key, 0)

    def newest(self, key: ContainerKey) -> int | None:
        """Return a container's newest slot with a deletion in it."""
        found = (s for (k, s), n in self._slots.items() if k == key and n > 0)
        return max(found, default=None)

    def move(self, begin: float, slot: int) -> None:
        """Let go of what is not between ``begin`` and the present slot.

        What is later was counted before the clock was set back; it would
        stay for as long.
        """
        if slot == self._newest:
            return
        self._newest = slot
        for key, old in [
            each for each in self._slots if not begin <= each[1] <= slot
        ]:
            self.add(key, old, -self.count(key, old))
            del self._slots[key, old]
            if not self._sums[key]:
                del self._sums[key]


class Breaker:
    """The breaker of one mapping; ask it before each deletion.

    Once tripped it stays so, over restarts too, until
    :meth:`Breakers.resume_deletions`; a daemon that runs notices. Switching
    the limits off resumes as well.

    :param store: where counts are kept; a restart forgets the last few.
    """

    def __init__(
        self,
        mapping: str,
        limits: Limits,
        store: Breakers,
        logger: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._mapping = mapping
        self._limits = limits
        self._store = store
        self._logger = logger
        self._clock = clock
        self._window = _Window({})
        self._changed: set[tuple[ContainerKey, int]] = set()
        self._granted = 0
        self._unsaved = 0
        self._saved_at = self._looked_at = clock()
        self._tripped = False
        if limits.off:
            store.resume_deletions(mapping, clock())
        self._load()

    def allow(self, key: ContainerKey, objects: int) -> bool:
        """Return whether one more deletion may be propagated, and count it.

        :param key: the container, the root of a sharded one.
        :param objects: how many are in it now.
        :returns: False while deletions are paused: the row waits, and is
            asked for again.
        :raises StateError: counts cannot be saved; nothing was allowed.
        """
        if self._limits.off:
            return True
        now = self._clock()
        if self._tripped and not self._resumed(now):
            return False
        if self._granted > 0:
            self._granted -= 1
        else:
            reason = self._judge(key, objects, now)
            if reason is not None:
                self._trip(reason, now)
                return False
            self._count(key, self._slot(now), 1)
        self._unsaved += 1
        if (
            self._unsaved >= _SAVE_COUNT
            or abs(now - self._saved_at) > _SAVE_SECONDS
        ):
            self.flush()
        return True

    def take_back(self, key: ContainerKey) -> None:
        """Say that a deletion that was allowed did not happen."""
        newest = self._window.newest(key)
        if self._granted > 0 or newest is None:
            self._granted += 1
        else:
            self._count(key, newest, -1)

    def flush(self) -> None:
        """Save what was counted."""
        self._save(self._clock(), None)

    # -- counting ---------------------------------------------------------

    def _slot(self, now: float) -> int:
        length = self._limits.window / _SLOTS
        return int(now - now % length)

    def _count(self, key: ContainerKey, slot: int, count: int) -> None:
        self._window.add(key, slot, count)
        self._changed.add((key, slot))

    def _judge(
        self, key: ContainerKey, objects: int, now: float
    ) -> str | None:
        self._window.move(now - self._limits.window, self._slot(now))
        return too_many(
            self._limits,
            mapping=self._window.total + 1,
            container=self._window.of(key) + 1,
            objects=objects,
        )

    def _trip(self, reason: str, now: float) -> None:
        self._save(now, (reason, now))
        self._tripped = True
        self._looked_at = now
        self._logger.error(
            "%s: deletions are paused: %s; copies go on. To let the "
            "deletions go through: onespace-sync --resume-deletes %s",
            self._mapping,
            reason,
            self._mapping,
        )

    # -- state ------------------------------------------------------------

    def _resumed(self, now: float) -> bool:
        if abs(now - self._looked_at) < _LOOK_SECONDS:
            return False
        self._looked_at = now
        self._load()
        if self._tripped:
            return False
        self._logger.warning(
            "%s: deletions go on; %d that waited are let through",
            self._mapping,
            self._granted,
        )
        return True

    def _load(self) -> None:
        self._tripped = self._mapping in self._store.breaker_tripped()
        self._granted = self._store.granted_deletions(self._mapping)
        self._window = _Window(self._store.deletions(self._mapping))
        self._changed.clear()

    def _save(self, now: float, tripped: tuple[str, float] | None) -> None:
        if self._tripped:
            return  # it is saved, and may have been resumed since
        self._store.save_deletions(
            self._mapping,
            {each: self._window.count(*each) for each in self._changed},
            self._granted,
            span=(int(now - self._limits.window), self._slot(now)),
            tripped=tripped,
        )
        self._changed.clear()
        self._unsaved = 0
        self._saved_at = now
