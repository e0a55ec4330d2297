# SPDX-License-Identifier: Apache-2.0
"""Deleting local objects that the store has: only against a receipt.

A receipt says that this very version, bytes and headers, was seen at the
store. It is on disk before the local object goes. The delete names the
version: newer data survives it, and newer metadata is looked for right
before.

Another node may be about to write an older version, which it began to send
before it could see this one. A store's conditions, where it has any, are on
bytes: they do not tell two versions of the same bytes apart. So, unless the
copy was created where nothing was, the receipt is written first, and the local
object goes when no such write can be under way any more and the copy is still
the one that the receipt is of.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Protocol

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.provider import ObjectInfo
from onespace_core.state import ContainerKey, Receipt, StateStore
from onespace_core.swift.source import LocalObject, Source
from onespace_core.swift.timestamps import tombstone_after
from onespace_core.sync.copy import Copied
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


class Receipts(Protocol):
    """The receipts of one container."""

    def save(self, receipt: Receipt) -> None:
        """Put a receipt on disk; return when it is there."""
        ...

    def of(self, name: str) -> Receipt | None:
        """Return the last one of a name, or None."""
        ...


class StoredReceipts:
    """Those of the state file."""

    def __init__(self, store: StateStore, key: ContainerKey) -> None:
        self._store = store
        self._key = key

    def save(self, receipt: Receipt) -> None:
        """See :class:`Receipts`."""
        self._store.save_receipt(self._key, receipt)

    def of(self, name: str) -> Receipt | None:
        """See :class:`Receipts`."""
        return self._store.receipt(self._key, name)


class Archiver:
    """Makes room in one container.

    :param notes: notes the segments of a large object, which may go later;
        None leaves them where they are.
    :param settle: seconds; a write ends sooner after its last look at the
        store (see :meth:`RemoteObjects.put`).
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        remote: RemoteObjects,
        source: Source,
        receipts: Receipts,
        recorder: SyncRecorder,
        *,
        notes: SegmentNotes | None = None,
        settle: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._remote = remote
        self._source = source
        self._receipts = receipts
        self._recorder = recorder
        self._notes = notes
        self._settle = settle
        self._clock = clock

    def archive(self, row: Row, copied: Copied) -> None:
        """Delete the local object, if the store has this version of it.

        :raises RowWaitsError: it has not, or not for long enough, or the
            object changed meanwhile; nothing was deleted.
        """
        local = copied.local
        remote = self._verified(local)
        now = self._source.head(
            local.name, policy_index=row.policy_index, newest=True
        )
        if now is None:
            return  # somebody deleted it; there is a row for that
        if now.timestamp != local.timestamp:
            message = "it changed since it was copied"
            raise RowWaitsError(message)
        if self._settle and not copied.created:
            self._wait_for_late_writes(local, remote)
        if self._notes is not None:
            self._notes.note(local, now, row.policy_index)
        # It says so before, since there is no time to say it after.
        self._receipts.save(
            self._receipt(local, remote, deleted=self._clock())
        )
        if self._source.delete(
            local.name,
            timestamp=tombstone_after(local.timestamp),
            policy_index=row.policy_index,
        ):
            self._recorder.archived()

    def _wait_for_late_writes(
        self, local: LocalObject, remote: ObjectInfo
    ) -> None:
        """Return when the copy has stood for so long that it stays.

        Whoever replaces it without having seen it looked before it was
        there; so does whoever replaces what has replaced it. So it has to be
        this one copy all the time: another one of the same version counts
        from the beginning.
        """
        now = self._clock()
        since, receipt = now, self._receipt(local, remote)
        known = self._receipts.of(local.name)
        if known is not None and known.verified <= now:
            since = known.verified
        if known is None or known != dataclasses.replace(
            receipt, verified=since
        ):
            since = now
            self._receipts.save(receipt)
        if now < since + self._settle:
            message = "a late write may still replace the copy"
            raise RowWaitsError(message, until=since + self._settle)

    def _verified(self, local: LocalObject) -> ObjectInfo:
        remote = self._remote.head(local.name)
        if remote is None or not is_verified(
            local, remote, self._remote.traits
        ):
            message = "the store does not show the copy that was made"
            raise RowWaitsError(message)
        return remote

    def _receipt(
        self,
        local: LocalObject,
        remote: ObjectInfo,
        deleted: float | None = None,
    ) -> Receipt:
        return Receipt(
            name=local.name,
            timestamp=local.timestamp,
            etag=local.etag,
            size=local.size,
            remote_etag=f"{remote.etag or ''} {remote.last_modified or ''}",
            verified=self._clock(),
            deleted=deleted,
        )
