# SPDX-License-Identifier: Apache-2.0
"""Large objects for stores that take an object in one request only.

The bytes of all segments are one PUT, so what fails begins anew. Memory for
one large object: what one transfer needs.
"""

from __future__ import annotations

from collections.abc import Collection

from onespace_core.provider import ObjectInfo
from onespace_core.swift.source import LocalManifest, Source
from onespace_core.sync.beside import SLO_MARK, Manifests
from onespace_core.sync.body import source_first
from onespace_core.sync.large import LargeTask, check_made
from onespace_core.sync.pieces import PiecesBody, opener_for
from onespace_core.sync.remote import RemoteObjects


class ConcatCopier:
    """Writes large objects in one piece; a ``LargeCopier``.

    :param source: the local container.
    """

    def __init__(self, remote: RemoteObjects, source: Source) -> None:
        self._remote = remote
        self._source = source
        self._manifests = Manifests(remote)
        self._etag_is_md5 = remote.provider.capabilities.etag_is_md5

    def etags(self, manifest: LocalManifest) -> Collection[str]:
        """See :class:`LargeCopier`."""
        md5 = _whole(manifest)
        return (md5,) if md5 is not None and self._etag_is_md5 else ()

    def put(self, task: LargeTask) -> int:
        """See :class:`LargeCopier`."""
        body = PiecesBody(
            task.manifest.pieces,
            opener_for(self._source, task),
            md5=_whole(task.manifest),
        )
        headers = self._manifests.marked(task)
        with source_first(body):
            self._remote.put(task.local.name, body, headers, task.remote)
        check_made(
            self._remote,
            task,
            lambda info: (
                info.size == body.size
                and (not self._etag_is_md5 or info.etag == body.sent_md5)
            ),
            of=str(body.size),
        )
        self._manifests.write(task)
        return body.bytes_read

    def relabel(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`."""
        if task.remote is None:
            message = "there is no copy to relabel"
            raise TypeError(message)
        if self._remote.traits.rewrites:
            self.put(task)
            return
        self._remote.relabel(
            task.local.name, self._manifests.marked(task), task.remote
        )
        self._manifests.drop_former(task)

    def settle(self, task: LargeTask) -> None:
        """See :class:`LargeCopier`."""
        self._manifests.settle(task)

    def replaced(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`."""
        if SLO_MARK[0] in remote.metadata:
            self._manifests.drop(name)

    def remove(self, name: str, remote: ObjectInfo) -> None:
        """See :class:`LargeCopier`.

        The manifest goes first: if we end there, the copy is found again.
        """
        self.replaced(name, remote)
        self._remote.delete(name)


def _whole(manifest: LocalManifest) -> str | None:
    """Return the MD5 of all bytes, where one whole object has them."""
    if len(manifest.pieces) == 1 and manifest.pieces[0].whole:
        return manifest.pieces[0].etag
    return None
