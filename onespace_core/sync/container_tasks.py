# SPDX-License-Identifier: Apache-2.0
"""Which container tasks a mapping has, and when they run.

They run whenever the containers of a mapping are looked for, before rows
are; rows never wait for one that fails.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from collections.abc import Mapping as Headers
from typing import TYPE_CHECKING, Protocol

from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import Provider
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import ContainerKey
from onespace_core.sync.containers import (
    Ageing,
    AgeRuleKeeper,
    ContainerTask,
    ContainerTasks,
    MetadataMirror,
)
from onespace_core.sync.remote import Preparation
from onespace_core.sync.task_failures import (
    TaskFailures,
    failures,
    note_of,
)

if TYPE_CHECKING:
    from onespace_core.config import Mapping

#: What reading a local container's headers is called among the tasks.
HEADERS = "headers"
#: All that may be noted as failed.
TASKS = (HEADERS, MetadataMirror.NOTE, AgeRuleKeeper.NOTE)


class NoteStore(Protocol):
    """What the state does for notes; see :class:`onespace_core.state`."""

    def note(self, key: ContainerKey, name: str) -> str | None:
        """Return a note, or None."""
        ...

    def save_note(
        self, key: ContainerKey, name: str, value: str | None
    ) -> None:
        """Write a note; None removes it."""
        ...

    def notes(self, beginning: str) -> Headers[tuple[ContainerKey, str], str]:
        """Return all notes whose names begin so."""
        ...


class ContainerNotes:
    """The notes of one container."""

    def __init__(self, store: NoteStore, key: ContainerKey) -> None:
        self._store = store
        self._key = key

    def load(self, name: str) -> str | None:
        """See :class:`onespace_core.sync.containers.Notes`."""
        return self._store.note(self._key, name)

    def save(self, name: str, value: str | None) -> None:
        """See :class:`onespace_core.sync.containers.Notes`."""
        self._store.save_note(self._key, name, value)


class TaskRunner:
    """Runs the tasks of a mapping's containers.

    :param headers: returns the headers of a local container, or None.
    :param prepare: makes the remote container, where the mapping does.
    """

    def __init__(
        self,
        mapping: Mapping,
        provider: Provider,
        store: NoteStore,
        headers: Callable[[str, str], Headers[str, str] | None],
        prepare: Callable[[str], Preparation | None],
        logger: logging.Logger,
    ) -> None:
        self._mapping = mapping
        self._provider = provider
        self._store = store
        self._headers = headers
        self._prepare = prepare
        self._logger = logger
        self._tasks: dict[str, ContainerTasks] = {}

    def run(self, container: str, layout: KeyLayout) -> None:
        """Do what is left to do for a container; raise nothing."""
        if container not in self._tasks:
            self._tasks[container] = self._build(container, layout)
        tasks = self._tasks[container]
        if not tasks.any:
            return
        try:
            found = self._headers(self._mapping.account, container)
        except OnespaceError as exc:
            tasks.failed(HEADERS, f"its headers cannot be read: {exc}")
            return
        tasks.succeeded(HEADERS)
        if found is not None:
            tasks(found)

    def keep_only(self, containers: Collection[str]) -> None:
        """Drop what was noted of containers that are no longer there.

        :raises StateError: nothing was dropped.
        """
        mapping = self._mapping
        for each in failures(self._store):
            key = each.key
            if key.mapping == mapping.name and (
                key.account != mapping.account
                or key.container not in containers
            ):
                self._store.save_note(key, note_of(each.task), None)
                self._tasks.pop(key.container, None)

    def _build(self, container: str, layout: KeyLayout) -> ContainerTasks:
        mapping = self._mapping
        key = ContainerKey(mapping.name, mapping.account, container)
        notes = ContainerNotes(self._store, key)
        tasks = self._of(layout, notes)
        made = ContainerTasks(
            tasks,
            f"{mapping.name}: {mapping.account}/{container}",
            TaskFailures(notes),
            self._logger,
        )
        # What is no longer asked for does not fail any more.
        for gone in set(TASKS) - {task.NOTE for task in tasks}:
            made.succeeded(gone)
        return made

    def _of(
        self, layout: KeyLayout, notes: ContainerNotes
    ) -> list[ContainerTask]:
        mapping = self._mapping
        tasks: list[ContainerTask] = []
        if mapping.sync_container_metadata:
            tasks.append(
                MetadataMirror(
                    self._provider,
                    layout.bucket,
                    notes,
                    acl=mapping.sync_container_acl,
                    prepare=self._prepare(layout.bucket),
                )
            )
        ageing = self._ageing()
        if ageing != Ageing() or notes.load(AgeRuleKeeper.NOTE):
            owner = hashlib.sha256(layout.root.encode()).hexdigest()[:16]
            tasks.append(
                AgeRuleKeeper(
                    self._provider,
                    layout,
                    notes,
                    ageing,
                    owner,
                    only=not mapping.retain_local,
                )
            )
        return tasks

    def _ageing(self) -> Ageing:
        """Return what rules are for: objects that cannot expire alone."""
        alone = self._provider.capabilities.object_expiry
        return Ageing(
            delete_after=0 if alone else self._mapping.remote_delete_after,
            move_after=self._mapping.storage_class_after,
        )
