# SPDX-License-Identifier: Apache-2.0
"""What to do with a row: pure decisions, no I/O."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection

from onespace_core.provider import ObjectInfo
from onespace_core.swift.source import LocalKind, LocalObject
from onespace_core.swift.timestamps import made_by_us
from onespace_core.sync.stamp import read_stamp
from onespace_core.sync.travel import LARGE_MARKS, Headers, same_headers


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
    """What has to be known of a store to compare with it.

    :param etag_is_md5: see the capability.
    :param relabels_safely: headers can be changed under the condition that
        the bytes are still those we looked at.
    :param rewrites: headers are never changed alone: the bytes are written
        again with them, under a condition.
    :param object_expiry: see the capability.
    """

    etag_is_md5: bool
    relabels_safely: bool = False
    rewrites: bool = False
    object_expiry: bool = False


def decide_live(
    local: LocalObject,
    remote: ObjectInfo | None,
    wanted: Headers,
    traits: RemoteTraits,
    *,
    stamped: bool = False,
    etags: Collection[str] = (),
) -> Action:
    """Decide what makes the remote equal to a local object.

    :param local: of a large object, with the size of the whole and an etag
        of all its parts.
    :param remote: what HEAD answered; None if there is nothing.
    :param wanted: what the copy has to carry.
    :param stamped: whether the copy needs a stamp to be good enough, since
        more than its bytes depends on it.
    :param etags: what the store calls a large object of just these bytes;
        so that a copy of 1space's, which has no stamp, is found again.
    """
    if remote is None:
        return Action.PUT
    stamp = read_stamp(remote.metadata)
    if stamp is not None and stamp.timestamp > local.timestamp:
        return Action.REMOTE_NEWER
    known = remote.size == local.size and remote.etag in etags
    if not (known or same_bytes(local, remote, traits)):
        return Action.PUT
    # Equal bytes under an older stamp would give way to a version between.
    dated = (
        not stamped if stamp is None else stamp.timestamp == local.timestamp
    )
    if dated and same_headers(wanted, remote):
        return Action.NOOP
    # An archived object can be replaced, but not changed nor copied. And
    # where the bytes are known by their label alone, a label is never
    # written without them: another node may be replacing them just now.
    if remote.archived or not (traits.etag_is_md5 or traits.relabels_safely):
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
    if stamp is None:
        return Action.DELETE
    if stamp.timestamp > timestamp or made_by_us(timestamp, stamp.timestamp):
        # We deleted the local object because this copy is there.
        return Action.REMOTE_NEWER
    return Action.DELETE


def is_verified(
    local: LocalObject, remote: ObjectInfo | None, traits: RemoteTraits
) -> bool:
    """Return whether a store has just this version, bytes and stamp."""
    if remote is None:
        return False
    stamp = read_stamp(remote.metadata)
    return (
        stamp is not None
        and (stamp.timestamp, stamp.etag) == (local.timestamp, local.etag)
        and same_bytes(local, remote, traits)
    )


def is_large(remote: ObjectInfo) -> bool:
    """Return whether a remote object is a manifest of a large object."""
    return any(mark in remote.metadata for mark in LARGE_MARKS)


def same_bytes(
    local: LocalObject, remote: ObjectInfo, traits: RemoteTraits
) -> bool:
    """Return whether a copy has the bytes of a local object."""
    if local.size != remote.size:
        return False
    plain = local.kind is LocalKind.PLAIN
    if plain and traits.etag_is_md5 and remote.etag and "-" not in remote.etag:
        return remote.etag == local.etag
    stamp = read_stamp(remote.metadata)
    return stamp is not None and stamp.etag == local.etag
