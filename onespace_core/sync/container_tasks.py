# SPDX-License-Identifier: Apache-2.0
"""Which container tasks a mapping has, and when they run.

They run whenever the containers of a mapping are looked for, before rows
are; rows never wait for one that fails.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
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

if TYPE_CHECKING:
    from onespace_core.config import Mapping


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
        self._tasks: dict[str, ContainerTasks | None] = {}

    def run(self, container: str, layout: KeyLayout) -> None:
        """Do what is left to do for a container; raise nothing."""
        if container not in self._tasks:
            self._tasks[container] = self._build(container, layout)
        tasks = self._tasks[container]
        if tasks is None:
            return
        try:
            found = self._headers(self._mapping.account, container)
        except OnespaceError as exc:
            self._logger.warning(
                "%s: %s/%s: its headers cannot be read: %s; objects go on",
                self._mapping.name,
                self._mapping.account,
                container,
                exc,
            )
            return
        if found is not None:
            tasks(found)

    def _build(
        self, container: str, layout: KeyLayout
    ) -> ContainerTasks | None:
        mapping = self._mapping
        key = ContainerKey(mapping.name, mapping.account, container)
        notes = ContainerNotes(self._store, key)
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
                AgeRuleKeeper(self._provider, layout, notes, ageing, owner)
            )
        if not tasks:
            return None
        where = f"{mapping.name}: {mapping.account}/{container}"
        return ContainerTasks(tasks, where, self._logger)

    def _ageing(self) -> Ageing:
        """Return what rules are for: objects that cannot expire alone."""
        alone = self._provider.capabilities.object_expiry
        return Ageing(
            delete_after=0 if alone else self._mapping.remote_delete_after,
            move_after=self._mapping.storage_class_after,
        )
