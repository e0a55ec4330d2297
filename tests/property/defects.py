# SPDX-License-Identifier: Apache-2.0
"""What the programs before this one did wrong, put into this one.

Each is a function that takes pytest's ``monkeypatch`` and breaks the product
as the trap of that number says. A machine that does not see it is blind.
"""

from __future__ import annotations

import contextlib
import dataclasses

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import ObjectNotFound, ProviderError
from onespace_core.swift.source import LocalKind
from onespace_core.swift.timestamps import tombstone_after
from onespace_core.sync import archive, copy, decide, delete, segments
from onespace_core.sync.beside import Manifests
from onespace_core.sync.remote import RemoteObjects


def own_deletions_are_propagated(patch):
    """T-01: the tombstone of an archive deletes the archived copy."""
    patch.setattr(decide, "made_by_us", lambda *_times: False)


def only_manifests_of_dynamic_ones_are_copied(patch):
    """T-02: a dynamic large object is copied as its empty manifest."""
    patch.setattr(copy, "_LARGE", (LocalKind.SLO,))
    patch.setattr(copy, "require_copyable", lambda _local: None)


def segments_go_with_their_manifest(patch):
    """T-04: segments are deleted, whoever else needs them."""
    whole = archive.Archiver.archive

    def archive_all(self, row, copied):
        local, members = copied.local, ()
        if local.kind is not LocalKind.PLAIN:
            found = self._source.head(local.name, newest=True)
            if found is not None:
                members = self._source.manifest(found).members
        whole(self, row, copied)
        for container, name, _md5 in members:
            sibling = self._source.sibling(container)
            sibling.delete(name, timestamp="9999999999.00000")

    patch.setattr(archive.Archiver, "archive", archive_all)


def failed_posts_count_as_done(patch):
    """T-05: nobody looks at the answer to a POST."""
    relabel = RemoteObjects.relabel

    def careless(self, name, headers, remote):
        with contextlib.suppress(ProviderError):
            relabel(self, name, headers, remote)

    patch.setattr(RemoteObjects, "relabel", careless)


def any_replica_is_believed(patch):
    """T-06: the bytes are read of whichever replica answers."""

    def open_any(self, row, *, newest):
        reader = self._source.open(row.name, policy_index=0, newest=False)
        if reader is None:
            raise RowWaitsError("not there")
        return reader

    patch.setattr(copy.Copier, "_open", open_any)


def segment_containers_are_one(patch):
    """T-11: segments of equal names overwrite each other."""

    def placed(self, piece):
        _container, name, _etag = segments._identity(piece)
        provider = self._remote.provider
        try:
            there = provider.head_object(name, bucket=self._bucket)
        except ObjectNotFound:
            there = None
        if there is None or there.etag != piece.etag:
            if there is not None:
                provider.delete_object(name, bucket=self._bucket)
            self._write(name, piece)
        return name

    patch.setattr(segments._Sending, "_placed", placed)


def ranges_are_dropped(patch):
    """T-13: a range of a segment becomes the whole segment."""
    segment = segments._Sending._segment

    def whole(self, piece):
        made = segment(self, piece)
        return dataclasses.replace(made, first=0, last=None)

    patch.setattr(segments._Sending, "_segment", whole)


def missing_manifests_stay_missing(patch):
    """T-16: equal bytes are enough; nobody looks for the manifest."""
    patch.setattr(Manifests, "settle", lambda _self, _task: None)


def newer_headers_are_not_looked_for(patch):
    """T-19: headers written since the copy go with the local object."""

    def archive_at_once(self, row, copied):
        local = copied.local
        remote = self._verified(local)
        if self._settle and not copied.created:
            self._wait_for_late_writes(local, remote)
        deleted = self._clock()
        self._receipts.save(self._receipt(local, remote, deleted=deleted))
        self._source.delete(
            local.name,
            timestamp=tombstone_after(local.timestamp),
            policy_index=row.policy_index,
        )

    patch.setattr(archive.Archiver, "archive", archive_at_once)


def segments_go_with_the_remote_manifest(patch):
    """T-25: a remote manifest is deleted with all that it names."""

    def remove(self, name, remote):
        del remote
        key = self._remote.layout.key(name)
        manifest = self._manifests.get_manifest(
            key, bucket=self._remote.layout.bucket
        )
        self._remote.delete(name)
        for each in manifest.segments if manifest else ():
            self._remote.provider.delete_object(each.key, bucket=each.bucket)

    patch.setattr(segments.SegmentCopier, "remove", remove)
    # Swift says of a copy that it is a manifest; the store in memory does
    # not, so that every copy is taken for one.
    patch.setattr(delete, "is_large", lambda _remote: True)


def tombstones_always_win(patch):
    """T-26: a tombstone deletes the copy, however old it is."""

    def at_once(self, row, *, again):
        if self._remote.head(row.name) is not None:
            self._delete_copy(row.name, self._remote.head(row.name))

    patch.setattr(delete.Deleter, "delete", at_once)


def missing_objects_count_as_done(patch):
    """T-40: what no replica has just now is never copied."""
    whole = copy.Copier.copy

    def careless(self, row, *, again):
        try:
            return whole(self, row, again=again)
        except RowWaitsError as exc:
            if "no replica" not in str(exc):
                raise
            return None

    patch.setattr(copy.Copier, "copy", careless)


#: By the number of the trap: the defect, and the machine that must see it.
DEFECTS = {
    "T-01": (own_deletions_are_propagated, "ArchiveMachine"),
    "T-02": (only_manifests_of_dynamic_ones_are_copied, "LargeSyncMachine"),
    "T-04": (segments_go_with_their_manifest, "LargeArchiveMachine"),
    "T-05": (failed_posts_count_as_done, "SyncMachine"),
    "T-06": (any_replica_is_believed, "SyncMachine"),
    "T-11": (segment_containers_are_one, "LargeSyncMachine"),
    "T-13": (ranges_are_dropped, "LargeSyncMachine"),
    "T-16": (missing_manifests_stay_missing, "LargeSyncMachine"),
    "T-19": (newer_headers_are_not_looked_for, "ArchiveMachine"),
    "T-25": (segments_go_with_the_remote_manifest, "LargeSyncMachine"),
    "T-26": (tombstones_always_win, "SyncMachine"),
    "T-40": (missing_objects_count_as_done, "SyncMachine"),
}
