# SPDX-License-Identifier: Apache-2.0
"""Deleting segments at another Swift whose manifest was deleted or replaced.

Only segments that we put there: those that a copy of ours was made of, in
the container beside it. What else may refer to them is in the remote
container itself.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from onespace_core.namespace.keys import SEGMENTS
from onespace_core.provider import (
    BucketNotFound,
    LargeObjects,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    Provider,
)
from onespace_core.state import Candidate, ContainerKey, Side
from onespace_core.swift.source import SourceError
from onespace_core.sync.reaping import GarbageStore
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.sending import side_by_side
from onespace_core.sync.stamp import read_stamp

#: Objects that are asked for side by side, and at a time.
_WORKERS, _BATCH = 4, 200


class RemoteNotes:
    """Notes the segments of a copy before its manifest goes.

    :param key: the local container; a shard's root.
    :param store_id: says which store it is; see :func:`store_id`.
    """

    def __init__(
        self,
        store: GarbageStore,
        key: ContainerKey,
        remote: RemoteObjects,
        provider: LargeObjects,
        store_id: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._key = key
        self._remote = remote
        self._manifests = provider
        self._id = store_id
        self._clock = clock
        self._bucket = remote.layout.segments_bucket

    def note(self, name: str, remote: ObjectInfo) -> None:
        """Note the segments of a large copy, if the copy is ours.

        :param remote: the copy, as HEAD answered.
        :raises ProviderError: its manifest cannot be read; keep it.
        """
        if read_stamp(remote.metadata) is None:
            return
        layout = self._remote.layout
        try:
            manifest = self._manifests.get_manifest(
                layout.key(name), bucket=layout.bucket
            )
        except (ObjectNotFound, NotSupported):
            return  # it is gone; or has bytes of its own: we did not make it
        if manifest is None:
            return
        # Copies of ours are never dynamic.
        found = {
            segment.key: (segment.etag or "", segment.size or 0)
            for segment in manifest.segments
            if segment.bucket == self._bucket
        }
        noted = self._clock()
        self._store.note_garbage(
            Candidate(
                side=Side.REMOTE,
                key=self._key,
                manifest=name,
                place=self._bucket,
                name=key,
                version=self._id,
                etag=etag,
                size=size,
                timestamp="",
                manifest_etag=remote.etag or "",
                manifest_size=remote.size,
                noted=noted,
            )
            for key, (etag, size) in found.items()
        )


class RemoteReaper:
    """A :class:`~onespace_core.sync.reaping.Reaper` of a remote Swift.

    :param provider: the store, with its retry layer.
    :param manifests: the same one.
    :param before: seconds since the epoch; a segment that was written or
        touched since then is somebody's.
    """

    def __init__(
        self,
        provider: Provider,
        manifests: LargeObjects,
        candidates: Collection[Candidate],
        go_on: Callable[[], bool],
        before: float,
    ) -> None:
        self._provider = provider
        self._manifests = manifests
        self._go_on = go_on
        self._before = before
        self._names: dict[str, set[str]] = {}
        for each in candidates:
            self._names.setdefault(each.place, set()).add(each.name)

    def needed(
        self, candidates: Collection[Candidate], *, since: float
    ) -> Collection[Candidate]:
        """See :meth:`Reaper.needed`."""
        found: set[tuple[str, str]] = set()
        for place in self._names:
            bucket = place.removesuffix(SEGMENTS)
            rows: Iterable[ObjectInfo] = _objects(self._provider, bucket, "")
            changed = (
                info
                for info in rows
                if info.last_modified is None
                or info.last_modified.timestamp() >= since
            )
            while batch := list(itertools.islice(changed, _BATCH)):
                if not self._go_on():
                    message = "it was stopped"
                    raise SourceError(message)
                side_by_side(
                    (
                        partial(self._look, bucket, info.key, found)
                        for info in batch
                    ),
                    _WORKERS,
                )
        return [
            each for each in candidates if (each.place, each.name) in found
        ]

    def _look(
        self, bucket: str, key: str, found: set[tuple[str, str]]
    ) -> None:
        try:
            manifest = self._manifests.get_manifest(key, bucket=bucket)
        except ObjectNotFound:
            return  # deleted since it was listed
        if manifest is None:
            return
        for segment in manifest.segments:
            if segment.key in self._names.get(segment.bucket, ()):
                found.add((segment.bucket, segment.key))
        if manifest.dynamic is not None:
            place, prefix = manifest.dynamic
            found.update(
                (place, name)
                for name in self._names.get(place, ())
                if name.startswith(prefix)
            )

    def delete(self, candidate: Candidate) -> bool | None:
        """See :meth:`Reaper.delete`."""
        key, bucket = candidate.name, candidate.place
        try:
            now = self._provider.head_object(key, bucket=bucket)
        except (ObjectNotFound, BucketNotFound):
            return False
        if (now.etag, now.size) != (candidate.etag, candidate.size):
            return False
        if (
            now.last_modified is None
            or now.last_modified.timestamp() > self._before
        ):
            return None
        self._provider.delete_object(key, bucket=bucket)
        return True


def store_id(provider: str, identity: Iterable[tuple[str, str]]) -> str:
    """Return what tells a store from others; made of nothing secret."""
    text = repr((provider, sorted(identity)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _objects(
    provider: Provider, bucket: str, prefix: str
) -> Iterator[ObjectInfo]:
    marker: str | None = ""
    while marker is not None:
        page = provider.list_objects(
            prefix=prefix, marker=marker, bucket=bucket
        )
        yield from page.objects
        marker = page.next_marker
