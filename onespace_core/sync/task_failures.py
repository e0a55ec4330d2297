# SPDX-License-Identifier: Apache-2.0
"""What went wrong with container tasks, kept for an operator to see.

The log says it once; the state says it as long as it is so.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from onespace_core.state import ContainerKey

#: Beginning of a note's name; the task's own follows.
_PREFIX = "failed "


class AllNotes(Protocol):
    """Reads the notes of all containers; see the state."""

    def notes(self, beginning: str) -> Mapping[tuple[ContainerKey, str], str]:
        """Return those whose names begin so."""
        ...


class FailureNotes(Protocol):
    """Writes the notes of one container."""

    def load(self, name: str) -> str | None:
        """Return a note, or None."""
        ...

    def save(self, name: str, value: str | None) -> None:
        """Write a note; None removes it."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class TaskFailure:
    """A container task that cannot be done.

    :param task: which one, such as ``age-rules``.
    :param reason: one line, and what to do about it.
    :param since: seconds since the epoch.
    """

    key: ContainerKey
    task: str
    reason: str
    since: float


class TaskFailures:
    """Notes failures of one container; writes only what is new.

    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        notes: FailureNotes,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._notes = notes
        self._clock = clock
        #: Reasons by task, as they are on disk.
        self._noted: dict[str, str | None] = {}

    def tell(self, task: str, reason: str | None) -> None:
        """Note that a task fails, or (None) that it does not.

        :raises StateError: it could not be noted.
        """
        name = note_of(task)
        if task not in self._noted:
            note = self._notes.load(name)
            self._noted[task] = note and json.loads(note)["reason"]
        if self._noted[task] == reason:
            return
        value = {"reason": reason, "since": self._clock()}
        self._notes.save(name, json.dumps(value) if reason else None)
        self._noted[task] = reason


def note_of(task: str) -> str:
    """Return what the note of a task's failure is called."""
    return _PREFIX + task


def failures(store: AllNotes) -> list[TaskFailure]:
    """Return all container tasks that failed when they were tried last."""
    found = []
    for (key, name), note in store.notes(_PREFIX).items():
        value = json.loads(note)
        task = name.removeprefix(_PREFIX)
        found.append(TaskFailure(key, task, value["reason"], value["since"]))
    return sorted(
        found,
        key=lambda each: (
            *(each.key.mapping, each.key.account, each.key.container),
            each.task,
        ),
    )
