# SPDX-License-Identifier: Apache-2.0
"""Large objects for stores that make one object of many parts (S3).

Each segment becomes a part, where the store's limits allow it: then nothing
is sent twice after a failure, and the ETag of the copy follows from those of
the segments. Parts that are there stay there, through errors and restarts,
as long as the local version is the same.

Memory for one large object: ``part_workers`` times what one transfer needs,
which is a chunk of 64 KiB, what the local cluster's client has read ahead
and what the provider's client buffers; and a kilobyte for each segment
of the manifest. The size of the object and of its parts does not matter.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Sequence
from functools import partial

from onespace_core.provider import (
    BytesBody,
    MultipartUpload,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    Part,
    PreconditionFailed,
    PutResult,
)
from onespace_core.state import Upload
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    Source,
    SourceError,
)
from onespace_core.sync.beside import SLO_MARK, Manifests
from onespace_core.sync.large import LargeTask, check_made
from onespace_core.sync.parts import (
    PartLimits,
    PlannedPart,
    cut_evenly,
    etag_of,
    plan_parts,
)
from onespace_core.sync.pieces import opener_for
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.sending import copy_parts, send_part, side_by_side
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import Headers, same_headers
from onespace_core.sync.uploads import Uploads, version_of

#: What S3 calls an object that was made of parts.
_OF_PARTS = re.compile(r"[0-9a-f]{32}-\d+")


class MultipartCopier:
    """Writes large objects part by part; a ``LargeCopier``.

    :param provider: the one behind ``remote``.
    :param source: the local container.
    :param uploads: the container's.
    """

    def __init__(
        self,
        provider: MultipartUpload,
        remote: RemoteObjects,
        source: Source,
        policy: SyncPolicy,
        uploads: Uploads,
    ) -> None:
        self._provider = provider
        self._remote = remote
        self._source = source
        self._policy = policy
        self._uploads = uploads
        self._manifests = Manifests(remote)
        self._capabilities = remote.provider.capabilities
        self._limits = PartLimits.of(self._capabilities)

    # -- LargeCopier ------------------------------------------------------

    def etags(self, manifest: LocalManifest) -> Collection[str]:
        """See :class:`LargeCopier`."""
        if not self._capabilities.etag_is_md5:
            return ()
        plan = self._plan(manifest)
        md5s = [part.md5 for part in plan if part.md5 is not None]
        if not plan or len(md5s) < len(plan):
            return ()
        # A copy of one part may have been copied since, as a plain object.
        return {etag_of(md5s), *(md5s if len(md5s) == 1 else ())}

    def put(self, task: LargeTask) -> int:
        """See :class:`LargeCopier`.

        After an error the upload stays open: the next try sends only what
        is missing. One of another version is given up.
        """
        with self._uploads.busy(task.local.name):
            return self._put(task)

    def relabel(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`.

        What is made of parts is copied part by part within the store, so
        that its ETag stays, and what is too large for one copy as well.
        Where the store cannot do that, it is written anew, of bytes that are
        read here.
        """
        remote = task.remote
        if remote is None:
            message = "there is no copy to relabel"
            raise TypeError(message)
        with self._uploads.busy(task.local.name):
            if self._is_copied_in_parts(remote):
                try:
                    self._copy_parts(task, remote)
                except NotSupported:  # with just this key
                    self._put(task)
            elif self._is_too_large(remote) or self._remote.traits.rewrites:
                self._put(task)
            else:
                self._remote.relabel(
                    task.local.name, self._manifests.marked(task), remote
                )
                self._manifests.drop_former(task)

    def settle(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`; mends what a crash has left."""
        name = task.local.name
        # If there is one, its copy was completed and then we were ended:
        # before the manifest of the replaced copy was deleted, maybe.
        ended_early = self._uploads.abort_all(name)
        if ended_early and task.local.kind is not LocalKind.SLO:
            self._manifests.drop(name)
        self._manifests.settle(task)

    def replaced(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`."""
        self._uploads.abort_all(name)
        if SLO_MARK[0] in remote.metadata:
            self._manifests.drop(name)

    def remove(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`.

        The manifest goes first: if we end there, the copy is found again.
        """
        self.replaced(name, remote)
        self._remote.delete(name)

    def abort_stale(self, now: float, older_than: float) -> int:
        """Abort uploads that nobody will complete; return their number.

        :param now: seconds since the epoch.
        :param older_than: seconds; see :meth:`Uploads.abort_stale`.
        """
        return self._uploads.abort_stale(
            self._source, now=now, older_than=older_than
        )

    # -- put --------------------------------------------------------------

    def _plan(self, manifest: LocalManifest) -> tuple[PlannedPart, ...]:
        plain = manifest.info.kind is LocalKind.PLAIN
        cut = cut_evenly if plain else plan_parts
        return cut(manifest.pieces, self._limits, self._policy.part_size)

    def _put(self, task: LargeTask) -> int:
        name = task.local.name
        plan = self._plan(task.manifest)
        headers = self._manifests.marked(task)
        if not plan:
            # Nothing can be made of no parts.
            self._remote.put(name, BytesBody(b""), headers, task.remote)
            self._manifests.write(task)
            self._uploads.abort_all(name)
            return 0
        upload, parts = self._begin(task, headers, plan)
        try:
            bytes_read = self._send(task, upload, plan, parts)
        except SourceError:
            self._uploads.abort_if_superseded(upload, self._source)
            raise
        self._complete(task, headers, upload, parts)
        # The upload is forgotten last: as long as it is noted, `settle`
        # knows that this may not have been done.
        self._manifests.write(task)
        self._uploads.drop(upload)
        return bytes_read

    def _begin(
        self,
        task: LargeTask,
        headers: Headers,
        plan: Sequence[PlannedPart],
    ) -> tuple[Upload, dict[int, Part]]:
        """Return an open upload of this version, and the parts it has."""
        name = task.local.name
        version = version_of(headers, plan)
        upload = self._uploads.take(name, version)
        if upload is not None:
            try:
                there = self._uploads.go_on(upload)
            except ObjectNotFound:
                self._uploads.drop(upload)
            else:
                return upload, self._kept(upload, plan, there)
        return self._uploads.begin(name, version, headers), {}

    def _kept(
        self,
        upload: Upload,
        plan: Sequence[PlannedPart],
        there: Sequence[Part],
    ) -> dict[int, Part]:
        """Return the parts at the store that are sure to be the wanted ones.

        Those that we noted, and those whose MD5 we know from the manifest.
        """
        noted = {number: (size, md5) for number, size, md5 in upload.parts}
        kept = {}
        for part in there:
            if not 1 <= part.number <= len(plan):
                continue
            planned = plan[part.number - 1]
            known = self._capabilities.etag_is_md5 and part.etag == planned.md5
            if known or noted.get(part.number) == (planned.length, part.etag):
                kept[part.number] = part
        return kept

    def _send(
        self,
        task: LargeTask,
        upload: Upload,
        plan: Sequence[PlannedPart],
        parts: dict[int, Part],
    ) -> int:
        """Send the parts that are missing; return bytes read for them."""
        open_piece = opener_for(self._source, task)
        counts: list[int] = []

        def send(number: int, planned: PlannedPart) -> None:
            part = send_part(
                self._provider,
                upload,
                number,
                planned,
                open_piece,
                etag_is_md5=self._capabilities.etag_is_md5,
                count=counts.append,
            )
            self._uploads.note(upload, part, planned.length)
            parts[number] = part

        side_by_side(
            (
                partial(send, number, planned)
                for number, planned in enumerate(plan, 1)
                if number not in parts
            ),
            self._policy.part_workers,
        )
        return sum(counts)

    # -- complete ---------------------------------------------------------

    def _complete(
        self,
        task: LargeTask,
        headers: Headers,
        upload: Upload,
        parts: dict[int, Part],
    ) -> None:
        """Show the object, and make sure that it is the wanted one.

        :raises PreconditionFailed: somebody else wrote since we looked.
        :raises ObjectNotFound: the upload is gone, and made no object.
        :raises IntegrityError: the store made something else of it, which
            was deleted again.
        """
        ordered = [parts[number] for number in range(1, len(parts) + 1)]
        try:
            result = self._completed(task, upload, ordered)
        except (ObjectNotFound, PreconditionFailed) as exc:
            # An earlier try may have done it, and its answer was lost; or
            # another node has copied the same version.
            if self._is_there(task, headers):
                self._uploads.abort_all(task.local.name)
                return
            if isinstance(exc, ObjectNotFound):
                self._uploads.drop(upload)
            raise
        self._verify(task, ordered, result.etag)

    def _completed(
        self, task: LargeTask, upload: Upload, parts: Sequence[Part]
    ) -> PutResult:
        complete = partial(
            self._provider.complete_upload,
            upload.key,
            upload.upload_id,
            parts,
            bucket=upload.bucket or None,
        )
        conditions = self._remote.conditions(task.remote)
        if conditions is not None:
            # Some stores keep conditions on a PUT, and none here.
            with contextlib.suppress(NotSupported):
                return complete(conditions=conditions)
        # The parts took their time: look as late as possible.
        self._remote.check_unchanged(task.local.name, task.remote)
        return complete()

    def _is_there(self, task: LargeTask, headers: Headers) -> bool:
        info = self._remote.head(task.local.name)
        return (
            info is not None
            and info.size == task.local.size
            and info.metadata.get(STAMP) == headers.metadata[STAMP]
            and same_headers(headers, info)
        )

    def _verify(
        self, task: LargeTask, parts: Sequence[Part], etag: str | None
    ) -> None:
        expected = None
        if self._capabilities.etag_is_md5:
            expected = etag_of(part.etag for part in parts)
            if etag == expected:
                return

        def right(info: ObjectInfo) -> bool:
            # The store may call it something else, in its own way.
            ours = expected is None or not _OF_PARTS.fullmatch(info.etag or "")
            return info.size == task.local.size and (
                ours or info.etag == expected
            )

        check_made(self._remote, task, right, of=f"{len(parts)} parts")

    # -- relabel ----------------------------------------------------------

    def _is_copied_in_parts(self, remote: ObjectInfo) -> bool:
        if not self._capabilities.part_copy:
            return False
        if self._capabilities.metadata_post:
            return False
        return "-" in (remote.etag or "") or self._is_too_large(remote)

    def _is_too_large(self, remote: ObjectInfo) -> bool:
        most = self._capabilities.max_object_size
        posts = self._capabilities.metadata_post
        return most is not None and remote.size > most and not posts

    def _copy_parts(self, task: LargeTask, remote: ObjectInfo) -> None:
        """Make the object anew of its own bytes, with other headers."""
        name = task.local.name
        self._uploads.abort_all(name)
        headers = self._manifests.marked(task)
        # It is noted so that a restart finds it, and aborts it: it is never
        # gone on with.
        version = f"{headers.metadata[STAMP]} relabel"
        upload = self._uploads.begin(name, version, headers)
        try:
            parts = copy_parts(
                self._provider,
                upload,
                self._plan(task.manifest),
                remote.etag,
                etag_is_md5=self._capabilities.etag_is_md5,
                workers=self._policy.part_workers,
            )
            self._complete(task, headers, upload, parts)
        except Exception:
            self._uploads.abort_all(name)
            raise
        self._manifests.drop_former(task)
        self._uploads.drop(upload)
