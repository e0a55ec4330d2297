# SPDX-License-Identifier: Apache-2.0
"""Large objects for stores with manifests of their own: another Swift.

Segments are copied first, each as an object of its own in a container beside
the remote one, then the manifest that names them: no manifest is ever
visible without its bytes. A segment that is there already is not sent again.

A segment's key has the name of its local container, so that two containers
never collide. One whose bytes changed under the same name gets a key of its
own: whatever was written before may still refer to the former bytes. For the
same reason no segment goes with its manifest: what a manifest names is noted
before it is deleted or replaced, and a sweep takes what nothing needs any more
(:mod:`onespace_core.sync.reaping_remote`).

A dynamic large object becomes a static one of the same bytes, since only that
says which segments it is made of.

Memory for one large object: ``part_workers`` times what one transfer needs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Collection
from functools import partial

from onespace_core.provider import (
    EXPIRY,
    BucketNotFound,
    IntegrityError,
    LargeObjects,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    PreconditionFailed,
    Segment,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    Piece,
    Source,
    SourceError,
)
from onespace_core.sync import joining, segment_expiry
from onespace_core.sync.body import source_first
from onespace_core.sync.concat import ConcatCopier
from onespace_core.sync.large import LargeTask
from onespace_core.sync.pieces import OpenPiece, PiecesBody, opener_for
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.reaping_remote import RemoteNotes
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.remote_container import RemoteContainer
from onespace_core.sync.sending import side_by_side
from onespace_core.sync.travel import same_headers

#: Container, name and MD5 of the object of a piece.
_Identity = tuple[str, str, str]


class SegmentCopier:
    """Copies segments, then their manifest; a ``LargeCopier``.

    A plain object that counts as large is one PUT: how much that may be is
    the remote cluster's to say.

    :param provider: the store with its manifests.
    :param remote: the same store, by local names.
    :param source: the local container.
    :param notes: told of a copy before it is made anew here; None where
        nobody has to know what it was made of.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        provider: LargeObjects,
        remote: RemoteObjects,
        source: Source,
        policy: SyncPolicy,
        *,
        notes: RemoteNotes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._manifests = provider
        self._remote = remote
        self._source = source
        self._policy = policy
        self._notes = notes
        self._clock = clock
        self._whole = ConcatCopier(remote, source)
        self._bucket = remote.layout.segments_bucket
        self._beside = RemoteContainer(remote.provider, self._bucket)

    def etags(self, manifest: LocalManifest) -> Collection[str]:
        """See :class:`LargeCopier`."""
        pieces = manifest.pieces
        if not pieces or not all(p.whole and p.data is None for p in pieces):
            return ()
        joined = "".join(piece.etag for piece in pieces)
        return (_md5(joined.encode()),)

    def put(self, task: LargeTask) -> int:
        """See :class:`LargeCopier`."""
        if task.local.kind is LocalKind.PLAIN or not task.manifest.pieces:
            return self._whole.put(task)
        sending = _Sending(
            self._remote,
            self._bucket,
            opener_for(self._source, task),
            segment_expiry.Need(
                until=self._needed_until(task), touched=self._touched()
            ),
        )
        self._beside()
        try:
            segments = sending.send(
                joining.joined(
                    task.manifest.pieces, self._policy.min_segment_size
                ),
                self._policy.part_workers,
            )
        except BucketNotFound:
            self._beside.forget()
            raise
        self._manifests.put_manifest(
            self._remote.layout.key(task.local.name),
            segments,
            metadata=task.headers.metadata,
            content_type=task.headers.content_type,
            system=task.headers.system,
            conditions=self._remote.conditions(task.remote),
            bucket=self._remote.layout.bucket,
        )
        return sending.bytes_read

    def relabel(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`.

        The segments' time is made later before the manifest's is. Where one
        of them is gone, the copy is made anew.
        """
        if task.remote is None:
            message = "there is no copy to relabel"
            raise TypeError(message)
        if not self._may_expire(task.remote) or self._kept(task):
            self._remote.relabel(task.local.name, task.headers, task.remote)
        else:
            self._put_anew(task)

    def settle(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`.

        Where copies expire, the segments of a good one are looked at: they
        have to outlive it.
        """
        if (
            task.remote is not None
            and same_headers(task.headers, task.remote)
            and self._may_expire(task.remote)
            and not self._kept(task)
        ):
            self._put_anew(task)

    def _put_anew(self, task: LargeTask) -> None:
        """Write a copy again that misses a segment.

        It may be cut in another way by now, so that what it was made of is
        needed no more.
        """
        if self._notes is not None and task.remote is not None:
            self._notes.note(task.local.name, task.remote)
        self.put(task)

    def _may_expire(self, remote: ObjectInfo) -> bool:
        return self._policy.expiry.any or EXPIRY in remote.system

    def _kept(self, task: LargeTask) -> bool:
        """Make the segments of a copy outlive it.

        :returns: whether all are there.
        """
        try:
            manifest = self._manifests.get_manifest(
                self._remote.layout.key(task.local.name),
                bucket=self._remote.layout.bucket,
            )
        except NotSupported:
            return True  # it has bytes of its own: we did not make it
        if manifest is None:
            return True
        return segment_expiry.keep_all(
            self._remote.provider,
            manifest.segments,
            # The sweep sees them in the manifest: they need no touch.
            segment_expiry.Need(until=self._needed_until(task)),
            self._policy.part_workers,
        )

    def _needed_until(self, task: LargeTask) -> int | None:
        return segment_expiry.needed_until(
            task.headers, self._policy.expiry.addition
        )

    def _touched(self) -> float:
        """Return since when a segment is young enough to be used again.

        With half of its grace left, there is time to write the manifest.
        """
        grace = self._policy.segment_grace
        return self._clock() - grace / 2 if grace else 0.0

    def replaced(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`.

        Nothing is beside a manifest; its segments were noted before.
        """

    def remove(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`; its segments were noted before."""
        del remote
        self._remote.delete(name)


class _Sending:
    """The segments of one large object on their way."""

    def __init__(
        self,
        remote: RemoteObjects,
        bucket: str,
        open_piece: OpenPiece,
        need: segment_expiry.Need,
    ) -> None:
        self._remote = remote
        self._bucket = bucket
        self._open_piece = open_piece
        self._need = need
        self._keys: dict[_Identity, str] = {}
        self._joined: dict[str, Segment] = {}
        self.bytes_read = 0

    def send(
        self, groups: Collection[tuple[Piece, ...]], workers: int
    ) -> list[Segment]:
        """Send what is not there; return all, in order.

        What was sent before a failure is found the next time.

        :param groups: pieces; those of one group become one segment.
        """
        alone = {_identity(g[0]): g[0] for g in groups if len(g) == 1}
        joined = {joining.name_of(g): g for g in groups if len(g) > 1}
        side_by_side(
            (
                *(partial(self._send, *each) for each in alone.items()),
                *(partial(self._join, *each) for each in joined.items()),
            ),
            workers,
        )
        return [
            self._segment(group[0])
            if len(group) == 1
            else self._joined[joining.name_of(group)]
            for group in groups
        ]

    def _join(self, name: str, group: tuple[Piece, ...]) -> None:
        """Make one segment of some pieces, unless it is there."""
        key = f"{group[0].container}/.joined/{name}"
        size = sum(piece.length for piece in group)
        provider, bucket = self._remote.provider, self._bucket
        try:
            there = provider.head_object(key, bucket=bucket)
            made_of = there.metadata.get(joining.JOINED)
            if (made_of, there.size) != (name, size) or there.etag is None:
                message = f"somebody else writes {key} in {bucket}"
                raise SourceError(message)
            segment_expiry.keep(provider, bucket, there, self._need)
            etag = there.etag
        except ObjectNotFound:
            # Perhaps a sweep deleted it just now.
            etag = self._write_joined(key, name, group)
        self._joined[name] = Segment(
            bucket=bucket, key=key, size=size, etag=etag
        )

    def _write_joined(
        self, key: str, name: str, group: tuple[Piece, ...]
    ) -> str:
        """Write some pieces as one object, each checked as it passes."""
        body = PiecesBody(group, self._open_piece)
        provider, bucket = self._remote.provider, self._bucket
        try:
            with source_first(body):
                made = provider.put_object(
                    key,
                    body,
                    metadata={joining.JOINED: name},
                    system=segment_expiry.system_for(self._need.until),
                    conditions=self._remote.conditions(None),
                    bucket=bucket,
                )
        finally:
            self.bytes_read += body.bytes_read
        if body.sent_md5 is None or made.etag != body.sent_md5:
            provider.delete_object(key, bucket=bucket)
            reason = "a joined segment arrived as other bytes; it was deleted"
            raise IntegrityError(reason, key=key)
        return made.etag

    def _send(self, identity: _Identity, piece: Piece) -> None:
        self._keys[identity] = self._placed(piece)

    def _placed(self, piece: Piece) -> str:
        """Return the key that has the piece's object; send it if need be."""
        _container, name, etag = _identity(piece)
        plain = f"{piece.container}/{name}"
        for key in (plain, f"{plain}.{etag}"):
            try:
                if self._is_there(key, etag, _size(piece)):
                    return key
            except ObjectNotFound:
                # Perhaps a sweep deleted it just now.
                try:
                    self._write(key, piece)
                except PreconditionFailed:
                    continue  # another node was first; perhaps with the same
                return key
        message = f"somebody else writes {plain} in {self._bucket}"
        raise SourceError(message)

    def _is_there(self, key: str, etag: str, size: int) -> bool:
        """Return whether a segment is just this; make it stay if it is.

        :raises ObjectNotFound: there is none.
        """
        provider = self._remote.provider
        there = provider.head_object(key, bucket=self._bucket)
        if (there.etag, there.size) != (etag, size):
            return False
        segment_expiry.keep(provider, self._bucket, there, self._need)
        return True

    def _write(self, key: str, piece: Piece) -> None:
        size = _size(piece)
        whole = dataclasses.replace(piece, size=size, first=0, last=size - 1)
        body = PiecesBody((whole,), self._open_piece, md5=_identity(piece)[2])
        try:
            with source_first(body):
                self._remote.provider.put_object(
                    key,
                    body,
                    system=segment_expiry.system_for(self._need.until),
                    conditions=self._remote.conditions(None),
                    bucket=self._bucket,
                )
        finally:
            self.bytes_read += body.bytes_read

    def _segment(self, piece: Piece) -> Segment:
        size = _size(piece)
        return Segment(
            bucket=self._bucket,
            key=self._keys[_identity(piece)],
            size=size,
            etag=_identity(piece)[2],
            first=piece.first,
            last=None if piece.last == size - 1 else piece.last,
        )


def _identity(piece: Piece) -> _Identity:
    """Return what the object of a piece is, whichever range is meant."""
    if piece.data is None:
        return piece.container, piece.name, piece.etag
    md5 = _md5(piece.data)
    return piece.container, f".inline/{md5}", md5


def _size(piece: Piece) -> int:
    return piece.size if piece.data is None else len(piece.data)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
