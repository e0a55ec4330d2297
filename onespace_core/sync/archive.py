# SPDX-License-Identifier: Apache-2.0
"""Deleting local objects that the store has: only against a receipt.

A receipt says that this very version, bytes and headers, was seen at the
store. It is on disk before the local object goes. The delete names the
version: newer data survives it, and newer metadata is looked for right
before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.state import Receipt
from onespace_core.swift.source import LocalObject, Source
from onespace_core.swift.timestamps import tombstone_after
from onespace_core.sync.decide import is_verified
from onespace_core.sync.remote import RemoteObjects
from onespace_core.telemetry import SyncRecorder


class SegmentNotes(Protocol):
    """Notes the segments of a large object before it goes."""

    def note(
        self,
        copied: LocalObject,
        now: LocalObject,
        policy_index: int | None,
    ) -> None:
        """Note them; see :class:`onespace_core.sync.reaping.LocalNotes`."""
        ...


class Archiver:
    """Makes room in one container.

    :param save: puts a receipt on disk; returns when it is there.
    :param notes: notes the segments of a large object, which may go later;
        None leaves them where they are.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        remote: RemoteObjects,
        source: Source,
        save: Callable[[Receipt], None],
        recorder: SyncRecorder,
        *,
        notes: SegmentNotes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._remote = remote
        self._source = source
        self._save = save
        self._recorder = recorder
        self._notes = notes
        self._clock = clock

    def archive(self, row: Row, local: LocalObject) -> None:
        """Delete the local object, if the store has this version of it.

        :param local: the version that was copied; see :meth:`Copier.copy`.
        :raises RowWaitsError: it has not, or the object changed meanwhile;
            nothing was deleted.
        """
        receipt = self._verified(local)
        now = self._source.head(
            local.name, policy_index=row.policy_index, newest=True
        )
        if now is None:
            return  # somebody deleted it; there is a row for that
        if now.timestamp != local.timestamp:
            message = "it changed since it was copied"
            raise RowWaitsError(message)
        if self._notes is not None:
            self._notes.note(local, now, row.policy_index)
        self._save(receipt)
        if self._source.delete(
            local.name,
            timestamp=tombstone_after(local.timestamp),
            policy_index=row.policy_index,
        ):
            self._recorder.archived()

    def _verified(self, local: LocalObject) -> Receipt:
        remote = self._remote.head(local.name)
        if remote is None or not is_verified(
            local, remote, self._remote.traits
        ):
            message = "the store does not show the copy that was made"
            raise RowWaitsError(message)
        return Receipt(
            name=local.name,
            timestamp=local.timestamp,
            etag=local.etag,
            size=local.size,
            remote_etag=remote.etag or "",
            verified=self._clock(),
            # Written before, since there is no time to write it after.
            deleted=self._clock(),
        )
