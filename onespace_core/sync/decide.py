# SPDX-License-Identifier: Apache-2.0
"""What to do with a row: pure decisions, no I/O."""

from __future__ import annotations

import dataclasses
import enum

from onespace_core.provider import ObjectInfo
from onespace_core.swift.source import LocalObject
from onespace_core.sync.stamp import read_stamp, user_metadata

#: What 1space noted in S3 metadata on objects that have a manifest, and
#: what Swift does.
LARGE_MARKS = ("x-static-large-object", "x-object-manifest")


class Action(enum.Enum):
    """What has to be done at the remote."""

    PUT = "put"
    POST = "post"
    DELETE = "delete"
    NOOP = "noop"
    #: The remote copy is of a newer version than this one.
    REMOTE_NEWER = "remote newer"


@dataclasses.dataclass(frozen=True, slots=True)
class RemoteTraits:
    """What has to be known of a store to compare with it."""

    etag_is_md5: bool


def decide_live(
    local: LocalObject, remote: ObjectInfo | None, traits: RemoteTraits
) -> Action:
    """Decide what makes the remote equal to a local object.

    :param remote: what HEAD answered; None if there is nothing.
    """
    if remote is None:
        return Action.PUT
    stamp = read_stamp(remote.metadata)
    if stamp is not None and stamp.timestamp > local.timestamp:
        return Action.REMOTE_NEWER
    if not _same_bytes(local, remote, traits):
        return Action.PUT
    # Equal bytes under an older stamp would give way to a version between.
    dated = stamp is None or stamp.timestamp == local.timestamp
    if dated and _same_headers(local, remote):
        return Action.NOOP
    # An archived object can be replaced, but not changed nor copied. And
    # where the bytes are known by their label alone, a label is never
    # written without them: another node may be replacing them just now.
    if remote.archived or not traits.etag_is_md5:
        return Action.PUT
    return Action.POST


def decide_tombstone(
    timestamp: str, remote: ObjectInfo | None, local: LocalObject | None
) -> Action:
    """Decide whether a deletion is propagated.

    :param timestamp: of the tombstone.
    :param remote: what HEAD answered; None if there is nothing.
    :param local: the live object, if there is one: then this tombstone is
        an old one from a replica that lags behind.
    """
    if remote is None or local is not None:
        return Action.NOOP
    stamp = read_stamp(remote.metadata)
    if stamp is not None and stamp.timestamp > timestamp:
        return Action.REMOTE_NEWER
    return Action.DELETE


def is_large(remote: ObjectInfo) -> bool:
    """Return whether a remote object is a manifest of a large object."""
    return any(mark in remote.metadata for mark in LARGE_MARKS)


def _same_bytes(
    local: LocalObject, remote: ObjectInfo, traits: RemoteTraits
) -> bool:
    if local.size != remote.size:
        return False
    whole = traits.etag_is_md5 and remote.etag and "-" not in remote.etag
    if whole:
        return remote.etag == local.etag
    stamp = read_stamp(remote.metadata)
    return stamp is not None and stamp.etag == local.etag


def _same_headers(local: LocalObject, remote: ObjectInfo) -> bool:
    return (
        # A user's item that is named like one of ours is not sent.
        user_metadata(local.metadata) == user_metadata(remote.metadata)
        and local.content_type == remote.content_type
        and dict(local.system) == dict(remote.system)
    )
