# SPDX-License-Identifier: Apache-2.0
"""Large objects: what every way of copying them has in common."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection
from typing import Protocol

from onespace_core.provider import (
    IntegrityError,
    ObjectInfo,
    PreconditionFailed,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    LocalObject,
    Piece,
)
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import Headers


@dataclasses.dataclass(frozen=True, slots=True)
class LargeTask:
    """One version of a large object, and what is at the store.

    :param local: as :func:`logical` made it.
    :param manifest: what it is made of.
    :param remote: the copy that is there; None if there is none.
    :param headers: what the copy has to carry.
    :param policy_index: storage policy to look for the object in.
    """

    local: LocalObject
    manifest: LocalManifest
    remote: ObjectInfo | None
    headers: Headers
    policy_index: int | None


class LargeCopier(Protocol):
    """Writes large objects to one kind of store.

    Errors are those of providers and sources, and
    :class:`~onespace_core.provider.PreconditionFailed` where somebody else
    wrote since the remote was looked at.
    """

    def etags(self, manifest: LocalManifest) -> Collection[str]:
        """Return what the store calls an object of just these bytes."""
        ...

    def put(self, task: LargeTask) -> int:
        """Write the copy: visible at once, whole, after all its parts.

        Afterwards it cleans up what only the replaced copy needed.

        :returns: bytes read here for it.
        """
        ...

    def relabel(self, task: LargeTask) -> None:
        """Write all that is beside the bytes; no byte comes here."""
        ...

    def settle(self, task: LargeTask) -> None:
        """Make sure that what belongs beside a good copy is there."""
        ...

    def replaced(self, name: str, remote: ObjectInfo) -> None:
        """Clean up what a large copy needed; a plain one replaced it."""
        ...

    def remove(self, name: str, remote: ObjectInfo) -> None:
        """Delete a large copy, and what only it needs."""
        ...


def logical(local: LocalObject, manifest: LocalManifest) -> LocalObject:
    """Return a large object as a client sees it: its size is the whole's.

    The etag of a static one is the MD5 of its stored manifest; of a dynamic
    one the MD5 of its members' etags, which 1space took as well.
    """
    if local.kind is LocalKind.PLAIN:
        return local
    etag = local.etag
    if local.kind is LocalKind.DLO:
        joined = "".join(md5 for _container, _name, md5 in manifest.members)
        etag = hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()
    return dataclasses.replace(local, size=manifest.size, etag=etag)


def check_made(
    remote: RemoteObjects,
    task: LargeTask,
    right: Callable[[ObjectInfo], bool],
    *,
    of: str,
) -> None:
    """Look at a copy that was just written, and delete a wrong one.

    Left there, its stamp would say that it is this version.

    :param right: whether what HEAD answers is what was sent.
    :param of: what that was, for the error.
    :raises PreconditionFailed: somebody else has written it since.
    :raises IntegrityError: it was wrong.
    """
    name = task.local.name
    info = remote.head(name)
    stamp = task.headers.metadata[STAMP]
    if info is None or info.metadata.get(STAMP) != stamp:
        reason = "somebody else has written it meanwhile"
        raise PreconditionFailed(reason, key=name)
    if right(info):
        return
    remote.delete(name)
    reason = (
        f"the store made {info.size} bytes with the ETag {info.etag} of "
        f"{of}; they were deleted"
    )
    raise IntegrityError(reason, key=name)


def plain_manifest(container: str, local: LocalObject) -> LocalManifest:
    """Return a plain object as if it was made of one piece: itself."""
    piece = Piece(
        container=container,
        name=local.name,
        size=local.size,
        etag=local.etag,
        first=0,
        last=local.size - 1,
    )
    return LocalManifest(
        info=local,
        pieces=(piece,) if local.size else (),
        raw=b"",
        members=((container, local.name, local.etag),),
    )
