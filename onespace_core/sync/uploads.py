# SPDX-License-Identifier: Apache-2.0
"""The open uploads of one container: begun, continued, given up.

A store keeps, and charges for, the parts of an upload that nobody ends. So
each is in the state before its first part is sent, and leaves it only after
it was completed or aborted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from onespace_core.provider import (
    EXPIRY,
    BucketNotFound,
    MultipartUpload,
    OpenUpload,
    Part,
    ProviderError,
)
from onespace_core.state import ContainerKey, Upload
from onespace_core.swift.source import Source, SourceError
from onespace_core.sync.parts import PlannedPart
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import Headers


class UploadStore(Protocol):
    """What the state does for uploads; see :class:`StateStore`."""

    def save_upload(self, key: ContainerKey, upload: Upload) -> None:
        """Note one durably, in place of what was noted of the same id."""
        ...

    def add_part(
        self,
        key: ContainerKey,
        name: str,
        upload_id: str,
        *,
        number: int,
        size: int,
        md5: str,
    ) -> None:
        """Note a part that the store has."""
        ...

    def open_upload(self, key: ContainerKey, name: str) -> Upload | None:
        """Return an object's that was begun last, if any."""
        ...

    def open_uploads(self, mapping: str) -> list[tuple[ContainerKey, Upload]]:
        """Return all of a mapping."""
        ...

    def drop_upload(
        self, key: ContainerKey, name: str, upload_id: str
    ) -> None:
        """Forget one that was ended."""
        ...


class Uploads:
    """The open uploads of one container, in the state and at the store.

    :param provider: the one behind ``remote``.
    :param store: where they are noted.
    :param key: whose they are.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        provider: MultipartUpload,
        remote: RemoteObjects,
        store: UploadStore,
        key: ContainerKey,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._remote = remote
        self._store = store
        self._key = key
        self._clock = clock
        # Objects that are being sent just now, by this process.
        self._busy: set[str] = set()

    @contextlib.contextmanager
    def busy(self, name: str) -> Iterator[None]:
        """Keep the uploads of an object from being called stale."""
        self._busy.add(name)
        try:
            yield
        finally:
            self._busy.discard(name)

    # -- one object's -----------------------------------------------------

    def take(self, name: str, version: str) -> Upload | None:
        """Return the upload of a version, to go on with.

        One of another version is given up.
        """
        upload = self._store.open_upload(self._key, name)
        if upload is None or upload.version == version:
            return upload
        self._give_up(upload)
        return None

    def begin(self, name: str, version: str, headers: Headers) -> Upload:
        """Begin an upload, and note it before it has a part.

        :param version: what is sent; its first word is a timestamp.
        :raises BucketNotFound: the bucket is not there.
        """
        layout = self._remote.layout
        key = layout.key(name)
        try:
            upload_id = self._provider.start_upload(
                key,
                metadata=headers.metadata,
                content_type=headers.content_type,
                system=headers.system,
                bucket=layout.bucket,
            )
        except BucketNotFound:
            self._remote.forget()
            raise
        upload = Upload(
            name=name,
            version=version,
            key=key,
            upload_id=upload_id,
            started=self._clock(),
            bucket=layout.bucket,
        )
        self._store.save_upload(self._key, upload)
        return upload

    def go_on(self, upload: Upload) -> Sequence[Part]:
        """Take an upload up again; its time begins anew.

        :returns: the parts that the store has.
        :raises ObjectNotFound: it was completed or aborted.
        """
        there = self._provider.list_parts(
            upload.key, upload.upload_id, bucket=_bucket(upload)
        )
        self._store.save_upload(
            self._key, dataclasses.replace(upload, started=self._clock())
        )
        return there

    def note(self, upload: Upload, part: Part, size: int) -> None:
        """Note a part that the store has, with what it calls it."""
        self._store.add_part(
            self._key,
            upload.name,
            upload.upload_id,
            number=part.number,
            size=size,
            md5=part.etag,
        )

    def drop(self, upload: Upload) -> None:
        """Forget an upload that was completed or aborted."""
        self._store.drop_upload(self._key, upload.name, upload.upload_id)

    def abort(self, upload: Upload) -> None:
        """Give an upload up, and forget it if that worked."""
        self._provider.abort_upload(
            upload.key, upload.upload_id, bucket=_bucket(upload)
        )
        self.drop(upload)

    def abort_if_superseded(self, upload: Upload, source: Source) -> None:
        """Give an upload up if its version is not the local one any more."""
        if _superseded(upload, source):
            self._give_up(upload)

    def abort_all(self, name: str) -> bool:
        """Give all uploads of an object up; return whether there was one.

        A store that refuses does not stop the caller: what is still noted is
        tried again by :meth:`abort_stale`.
        """
        found = False
        while upload := self._store.open_upload(self._key, name):
            found = True
            if not self._give_up(upload):
                break
        return found

    def _give_up(self, upload: Upload) -> bool:
        try:
            self.abort(upload)
        except ProviderError:
            return False
        return True

    # -- what nobody will complete ----------------------------------------

    def abort_stale(
        self, source: Source, *, now: float, older_than: float
    ) -> int:
        """Abort what nobody will complete; return how many there were.

        That is each noted upload of a version that the local cluster has
        replaced, or that was last worked on before ``now - older_than``; and
        each upload below the container's root that was begun before that and
        is not noted: its begin was not, or the state was lost. (Another
        node's that took so long is aborted as well; it then begins anew.)

        Where the container has no root of its own in the bucket, what is not
        noted is left alone: it may be anybody's.

        :param source: the container.
        :raises ProviderError: one could not be aborted; the others were.
        """
        failures: list[ProviderError] = []
        count = 0
        noted = self._noted()
        for upload in noted:
            old = upload.started < now - older_than
            if upload.name in self._busy:
                continue
            if old or _superseded(upload, source):
                with _collected(failures):
                    self.abort(upload)
                    count += 1
        known = {upload.upload_id for upload in noted}
        for lost in self._listed(now - older_than):
            if lost.upload_id in known:
                continue
            with _collected(failures):
                self._provider.abort_upload(
                    lost.key,
                    lost.upload_id,
                    bucket=self._remote.layout.bucket,
                )
                count += 1
        if failures:
            raise failures[0]
        return count

    def _listed(self, before: float) -> list[OpenUpload]:
        layout = self._remote.layout
        if not layout.root:
            return []
        try:
            return [
                each
                for each in self._provider.list_uploads(
                    prefix=layout.root, bucket=layout.bucket
                )
                if each.started is not None
                and each.started.timestamp() < before
                and each.key.startswith(layout.root)
            ]
        except BucketNotFound:
            return []

    def _noted(self) -> list[Upload]:
        return [
            upload
            for key, upload in self._store.open_uploads(self._key.mapping)
            if key == self._key
        ]


def version_of(headers: Headers, plan: Sequence[PlannedPart]) -> str:
    """Return what is sent: the stamp, and how it is cut and labelled.

    A part of any other upload is of no use. (When the copy expires may
    depend on when it is made; that does not count.)
    """
    system = {k: v for k, v in headers.system.items() if k != EXPIRY}
    said = [
        [headers.metadata, headers.content_type, system],
        [
            [(p.container, p.name, p.etag, p.first, p.last) for p in each]
            for each in (part.pieces for part in plan)
        ],
    ]
    text = json.dumps(said, default=dict, sort_keys=True)
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"{headers.metadata[STAMP]} {digest}"


def _bucket(upload: Upload) -> str | None:
    return upload.bucket or None


def _superseded(upload: Upload, source: Source) -> bool:
    """Return whether the local cluster has a newer version, or none."""
    try:
        local = source.head(upload.name, newest=True)
    except SourceError:
        return False
    timestamp = upload.version.partition(" ")[0]
    return local is None or local.timestamp > timestamp


@contextlib.contextmanager
def _collected(failures: list[ProviderError]) -> Iterator[None]:
    try:
        yield
    except ProviderError as exc:
        failures.append(exc)
