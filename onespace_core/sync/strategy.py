# SPDX-License-Identifier: Apache-2.0
"""Which way large objects are copied to a store."""

from __future__ import annotations

from onespace_core.provider import LargeObjects, MultipartUpload
from onespace_core.state import ContainerKey
from onespace_core.swift.source import Source
from onespace_core.sync.concat import ConcatCopier
from onespace_core.sync.large import LargeCopier
from onespace_core.sync.multipart import MultipartCopier
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.reaping_remote import RemoteNotes
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.segments import SegmentCopier
from onespace_core.sync.uploads import Uploads, UploadStore


def choose(
    remote: RemoteObjects,
    source: Source,
    policy: SyncPolicy,
    store: UploadStore,
    key: ContainerKey,
    notes: RemoteNotes | None = None,
) -> LargeCopier:
    """Return what copies large objects to a store.

    :param store: where open uploads are noted.
    :param key: the container; a shard's root, so that an upload is found
        again by whichever shard has the object.
    :param notes: told of a copy before it is made anew; None where nobody
        has to know what it was made of.
    """
    provider = remote.provider
    if isinstance(provider, LargeObjects):
        return SegmentCopier(
            provider,
            remote,
            source,
            policy,
            notes=notes,
        )
    if isinstance(provider, MultipartUpload):
        uploads = Uploads(provider, remote, store, key)
        return MultipartCopier(provider, remote, source, policy, uploads)
    return ConcatCopier(remote, source)
