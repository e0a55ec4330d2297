# SPDX-License-Identifier: Apache-2.0
"""Deleting local segments whose large object is archived."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from onespace_core.provider import OnespaceError
from onespace_core.state import Candidate
from onespace_core.swift.references import Account, Place, ReferenceScan
from onespace_core.swift.source import LocalKind, LocalObject, Source
from onespace_core.swift.timestamps import tombstone_after
from onespace_core.sync.decide import is_verified
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import read_stamp


class NotArchivedError(OnespaceError):
    """The store does not show the copy that has the segment's bytes."""


class LocalReaper:
    """A :class:`~onespace_core.sync.reaping.Reaper` of one account.

    :param source: returns a container of the account.
    :param remote: returns the store, for a container of the mapping.
    """

    def __init__(
        self,
        swift: Account,
        account: str,
        source: Callable[[str], Source],
        remote: Callable[[str], RemoteObjects],
        candidates: Collection[Candidate],
        go_on: Callable[[], bool],
    ) -> None:
        self._source = source
        self._remote = remote
        wanted: Mapping[Place, tuple[str, str]] = {
            (c.place, c.name): (c.version, c.etag) for c in candidates
        }
        self._scan = ReferenceScan(swift, account, wanted, go_on)
        self._archived: dict[tuple[str, str, str], bool] = {}

    def needed(
        self, candidates: Collection[Candidate], *, since: float
    ) -> Collection[Candidate]:
        """See :meth:`Reaper.needed`."""
        found = self._scan.find(since=since)
        return [
            each for each in candidates if (each.place, each.name) in found
        ]

    def delete(self, candidate: Candidate) -> bool:
        """See :meth:`Reaper.delete`.

        :raises NotArchivedError: its bytes may be nowhere else.
        """
        if not self._is_archived(candidate):
            return False
        source = self._source(candidate.place)
        now = source.head(candidate.name, newest=True)
        if (
            now is None
            or now.kind is not LocalKind.PLAIN
            or now.versioned
            or (now.timestamp, now.etag, now.size)
            != (candidate.version, candidate.etag, candidate.size)
        ):
            return False
        return source.delete(
            candidate.name, timestamp=tombstone_after(candidate.version)
        )

    def _is_archived(self, candidate: Candidate) -> bool:
        """Return whether the large object's copy is at the store.

        False means that a newer one is: nothing there has the bytes, and
        nothing here refers to them. Who wrote it may want them.
        """
        key = candidate.key.container, candidate.manifest, candidate.timestamp
        if key not in self._archived:
            remote = self._remote(candidate.key.container)
            copied = LocalObject(
                name=candidate.manifest,
                timestamp=candidate.timestamp,
                size=candidate.manifest_size,
                etag=candidate.manifest_etag,
                content_type="",
                metadata={},
                system={},
                kind=LocalKind.SLO,
            )
            found = remote.head(candidate.manifest)
            verified = is_verified(copied, found, remote.traits)
            stamp = None if found is None else read_stamp(found.metadata)
            if not verified and (
                stamp is None or stamp.timestamp <= candidate.timestamp
            ):
                message = (
                    f"the store does not show the copy of {candidate.manifest}"
                )
                raise NotArchivedError(message)
            self._archived[key] = verified
        return self._archived[key]
