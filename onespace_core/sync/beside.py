# SPDX-License-Identifier: Apache-2.0
"""What is kept beside the bytes of a static large object: its manifest.

Where keys are hashed, a store has no manifests of its own. The copy is then
one object of all bytes, marked as 1space marked it, and the manifest is an
object at :meth:`KeyLayout.manifest_key`: a reader who wants the segments
back finds them there.
"""

from __future__ import annotations

import dataclasses

from onespace_core.provider import (
    BytesBody,
    KeyScheme,
    ObjectInfo,
    ObjectNotFound,
)
from onespace_core.swift.source import LocalKind
from onespace_core.sync.large import LargeTask
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import LARGE_MARKS, Headers

#: Metadata item of a copy that has a manifest beside it, and its value.
SLO_MARK = ("x-static-large-object", "True")


class Manifests:
    """The manifest objects of one container.

    They are written after the bytes and deleted before them: no manifest is
    ever without its bytes, and a crash in between leaves what the next visit
    mends.
    """

    def __init__(self, remote: RemoteObjects) -> None:
        self._remote = remote
        self._kept = remote.provider.KEY_SCHEME is KeyScheme.HASHED

    def marked(self, task: LargeTask) -> Headers:
        """Return what the copy carries; it says if it has a manifest.

        The copy of a dynamic one gets no mark: its members are not there,
        and a reader would look for them.
        """
        # A user's item of that name would be believed as well.
        metadata = {
            name: value
            for name, value in task.headers.metadata.items()
            if name not in LARGE_MARKS
        }
        if self._has_one(task):
            name, value = SLO_MARK
            metadata[name] = value
        return dataclasses.replace(task.headers, metadata=metadata)

    def write(self, task: LargeTask) -> None:
        """Write the manifest of a copy that was just written.

        If the new copy has none, that of the replaced one is deleted.
        """
        if self._has_one(task):
            self._put(task)
        else:
            self.drop_former(task)

    def drop_former(self, task: LargeTask) -> None:
        """Delete the manifest of the replaced copy, if the new has none."""
        marked = task.remote and SLO_MARK[0] in task.remote.metadata
        if marked and not self._has_one(task):
            self._remote.drop_manifest(task.local.name)

    def settle(self, task: LargeTask) -> None:
        """Write the manifest of a copy, unless this version's is there."""
        if not self._has_one(task):
            return
        there = self._head(task.local.name)
        if there is None or there.metadata.get(STAMP) != _stamp(task):
            self._put(task)

    def drop(self, name: str) -> None:
        """Delete the manifest; a missing one is a success."""
        self._remote.drop_manifest(name)

    def _has_one(self, task: LargeTask) -> bool:
        return self._kept and task.local.kind is LocalKind.SLO

    def _head(self, name: str) -> ObjectInfo | None:
        layout = self._remote.layout
        try:
            return self._remote.provider.head_object(
                layout.manifest_key(name), bucket=layout.bucket
            )
        except ObjectNotFound:
            return None

    def _put(self, task: LargeTask) -> None:
        layout = self._remote.layout
        self._remote.provider.put_object(
            layout.manifest_key(task.local.name),
            BytesBody(task.manifest.raw),
            metadata={STAMP: _stamp(task)},
            content_type="application/json",
            bucket=layout.bucket,
        )


def _stamp(task: LargeTask) -> str:
    return task.headers.metadata[STAMP]
