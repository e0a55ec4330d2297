# SPDX-License-Identifier: Apache-2.0
"""Propagating deletions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.provider import KeyScheme, ObjectInfo
from onespace_core.swift.source import Source
from onespace_core.sync.copy import Copier
from onespace_core.sync.decide import Action, decide_tombstone, is_large
from onespace_core.sync.large import LargeCopier
from onespace_core.sync.remote import RemoteObjects
from onespace_core.telemetry import SyncRecorder


class Brake(Protocol):
    """Stops deletions that are too many to be meant."""

    def __call__(self) -> bool:
        """Return whether one more may be made; count it if so."""
        ...

    def take_back(self) -> None:
        """Say that one that was allowed was not made."""
        ...


class Deleter:
    """Propagates the deletions of one container.

    :param removing: called with a name and its copy before that is deleted;
        what it raises keeps the copy.
    :param brake: asked before each; None lets all pass.
    """

    def __init__(
        self,
        remote: RemoteObjects,
        source: Source,
        copier: Copier,
        recorder: SyncRecorder,
        large: LargeCopier | None,
        brake: Brake | None,
        *,
        removing: Callable[[str, ObjectInfo], None] | None = None,
    ) -> None:
        self._remote = remote
        self._source = source
        self._copier = copier
        self._recorder = recorder
        self._large = large
        self._brake = brake
        self._removing = removing

    def delete(self, row: Row, *, again: bool) -> None:
        """Delete the copy, unless it is of a newer version.

        :raises RowWaitsError: deletions are paused.
        """
        remote = self._remote.head(row.name)
        local = None
        if remote is not None or again:
            local = self._source.head(row.name, newest=True)
        action = decide_tombstone(row.timestamp, remote, local)
        if action is Action.DELETE and remote is not None:
            self._remove(row, remote)
        elif remote is None and local is not None:
            # An earlier try deleted it, and could not put it back.
            self._copier.put_back(row.name)
        if action is Action.REMOTE_NEWER or local is not None:
            self._recorder.done("delete superseded")
        else:
            self._recorder.deleted()

    def _remove(self, row: Row, remote: ObjectInfo) -> None:
        if self._brake is not None and not self._brake():
            message = (
                "deletions of this mapping are paused, there were too many; "
                "see onespace status"
            )
            raise RowWaitsError(message)
        try:
            if self._removing is not None:
                self._removing(row.name, remote)
            self._delete_copy(row.name, remote)
        except BaseException:
            if self._brake is not None:
                self._brake.take_back()
            raise
        # Between our look and the delete somebody may have written the
        # object again and another node copied it: put it back.
        self._copier.put_back(row.name)

    def _delete_copy(self, name: str, remote: ObjectInfo) -> None:
        if not is_large(remote):
            self._remote.delete(name)
        elif self._large is not None:
            self._large.remove(name, remote)
        elif self._remote.provider.KEY_SCHEME is KeyScheme.PLAIN:
            message = "a large object at the remote: this version leaves it"
            raise RowSkippedError(message)
        else:
            self._remote.delete(name)
            self._remote.drop_manifest(name)
