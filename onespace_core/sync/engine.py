# SPDX-License-Identifier: Apache-2.0
"""Doing what a row asks for: local container → one store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import (
    BucketNotFound,
    ObjectInfo,
    PermissionDenied,
    Provider,
    ProviderError,
    TransientError,
    Unauthenticated,
)
from onespace_core.swift.source import Source, SourceError
from onespace_core.sync.archive import Archiver, Receipts, SegmentNotes
from onespace_core.sync.copy import Copier
from onespace_core.sync.delete import Brake, Deleter
from onespace_core.sync.large import LargeCopier
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.remote import Preparation, RemoteObjects
from onespace_core.telemetry import SyncRecorder

__all__ = ["SyncEngine", "SyncPolicy"]

#: Rows in a row whose objects cannot be read before it is an outage.
_SOURCE_LIMIT = 20
#: Errors that may be the whole store's.
_STORE_ERRORS = (
    BucketNotFound,
    PermissionDenied,
    TransientError,
    Unauthenticated,
)


class ManifestNotes(Protocol):
    """Notes what a large copy at the store is made of."""

    def note(self, name: str, remote: ObjectInfo) -> None:
        """Note it, if it is one; before it goes."""
        ...


class SyncEngine:
    """Keeps the store equal to one container; a crawler ``Handler``.

    :param provider: the store, with its retry layer.
    :param probe: the same store without one, to ask whether it is there.
    :param layout: where the container's objects live in it.
    :param source: the container.
    :param recorder: told of everything that was done.
    :param prepare: called before a copy; None where an operator makes the
        remote container.
    :param container: the local one's name.
    :param credentials: name of their section, for messages.
    :param large: makes what copies large objects; None skips them.
    :param receipts: see :class:`Archiver`; needed where the policy does not
        keep local objects.
    :param settle: likewise.
    :param segment_notes: see :class:`Archiver`.
    :param manifest_notes: makes what is told of a copy before it is deleted
        or replaced; None where nobody has to know.
    :param brake: see :class:`Deleter`.
    """

    def __init__(
        self,
        provider: Provider,
        probe: Provider,
        layout: KeyLayout,
        source: Source,
        policy: SyncPolicy,
        recorder: SyncRecorder,
        *,
        prepare: Preparation | None = None,
        container: str = "",
        credentials: str = "",
        large: Callable[[RemoteObjects], LargeCopier] | None = None,
        receipts: Receipts | None = None,
        settle: float = 3600.0,
        segment_notes: SegmentNotes | None = None,
        manifest_notes: Callable[[RemoteObjects], ManifestNotes | None]
        | None = None,
        brake: Brake | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._probe = probe
        self._credentials = credentials
        self._policy = policy
        self._recorder = recorder
        self._clock = clock
        self._remote = RemoteObjects(
            provider, layout, prepare, only=not policy.retain_local
        )
        # Rows in a row that the local cluster did not give us.
        self._source_failures = 0
        copies_large = large(self._remote) if large is not None else None
        notes = manifest_notes(self._remote) if manifest_notes else None
        note = None if notes is None else notes.note
        self._copier = Copier(
            self._remote,
            container,
            source,
            policy,
            recorder,
            copies_large,
            replacing=note,
            clock=clock,
            on_answer=self._source_answers,
        )
        self._deleter = Deleter(
            self._remote,
            source,
            self._copier,
            recorder,
            copies_large,
            brake,
            removing=note,
        )
        self._archiver: Archiver | None = None
        if not policy.retain_local:
            if receipts is None:
                message = "a policy that deletes needs receipts"
                raise TypeError(message)
            self._archiver = Archiver(
                self._remote,
                source,
                receipts,
                recorder,
                notes=segment_notes,
                settle=settle,
                clock=clock,
            )

    # -- Handler ----------------------------------------------------------

    def handle(self, row: Row, *, again: bool) -> None:
        """See :class:`onespace_core.crawler.outcome.Handler`."""
        if self._left_alone(row.name):
            self._recorder.done("excluded")
        elif self._at_a_manifest(row.name):
            # A large object's copy would overwrite the only copy of this one.
            message = "its key there may be that of a large object's manifest"
            raise RowSkippedError(message)
        elif not row.deleted:
            self._wait_until_old(row)
            self._copy(row, again=again)
        elif self._policy.propagate_delete:
            self._deleter.delete(row, again=again)
        else:
            self._recorder.done("delete not propagated")

    def _left_alone(self, name: str) -> bool:
        exclude, include = self._policy.exclude, self._policy.include
        if exclude is not None and exclude.match(name):
            return True
        return include is not None and include.match(name) is None

    def _at_a_manifest(self, name: str) -> bool:
        remote = self._remote
        if remote.provider.capabilities.large_objects:
            return False  # no manifests beside the copies
        return remote.layout.meets_a_manifest(name)

    def _wait_until_old(self, row: Row) -> None:
        """Put a row off until it is older than the policy says."""
        if not self._policy.copy_after:
            return
        due = float(row.timestamp.split("_")[0]) + self._policy.copy_after
        if self._clock() <= due:
            message = "it is not old enough yet"
            raise RowWaitsError(message, until=due)

    def _copy(self, row: Row, *, again: bool) -> None:
        try:
            copied = self._copier.copy(row, again=again)
        except SourceError:
            self._source_failures += not again
            raise
        if copied is None or self._archiver is None:
            return
        if copied.local.versioned:
            # Deleting the name would free nothing: its versions stay.
            self._recorder.done("kept for its versions")
        else:
            self._archiver.archive(row, copied)

    def _source_answers(self) -> None:
        self._source_failures = 0

    def outage(self, exc: Exception) -> str | None:
        """Probe the bucket if the error may be the whole store's.

        A local cluster that gave none of the last rows counts as well: else
        every row of a backlog would go to the ledger one by one. (What is
        tried again does not count: some objects may be gone for good.)
        """
        if isinstance(exc, SourceError):
            if self._source_failures < _SOURCE_LIMIT:
                return None
            return f"the local cluster does not give its objects: {exc}"
        if not isinstance(exc, _STORE_ERRORS):
            return None
        if isinstance(exc, PermissionDenied) and self._recorder.succeeded:
            # Others go through: this one key is refused.
            return None
        if isinstance(exc, BucketNotFound) and self._remote.prepared:
            # One container's, and we make it: others go on.
            return None
        try:
            self._probe.head_bucket(self._remote.layout.bucket)
        except BucketNotFound as probe:
            return None if self._remote.prepared else self._where(probe)
        except ProviderError as probe:
            # A HEAD is refused without a word of why.
            told = isinstance(exc, Unauthenticated) and isinstance(
                probe, (PermissionDenied, Unauthenticated)
            )
            return self._where(exc if told else probe)
        return None

    def _where(self, error: Exception) -> str:
        text = f"{self._probe.location}: {error}"
        if self._credentials and isinstance(
            error, (PermissionDenied, Unauthenticated)
        ):
            text += f" (of [credentials:{self._credentials}])"
        return text
