# SPDX-License-Identifier: Apache-2.0
"""What travels with an object's bytes: pure, no I/O.

Everything a client can see of an object does: user metadata, content type,
system headers, the time of its expiry and its timestamp. What a store has no
place for travels as metadata of ours, so that the way back loses nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from onespace_core.provider import EXPIRY, ObjectInfo
from onespace_core.swift.source import LocalObject
from onespace_core.sync.stamp import RESERVED, STAMP, Stamp, user_metadata

#: Metadata item with the X-Delete-At of the local object, where the copy
#: does not expire with it.
DELETE_AT = "onespace-delete-at"
#: Metadata item with the age, in seconds, that the copy was given; the time
#: then stays what it is until the policy changes.
EXPIRES_AFTER = "onespace-expires-after"

#: What 1space noted in S3 metadata on objects that have a manifest, and
#: what Swift does.
LARGE_MARKS = frozenset({"x-static-large-object", "x-object-manifest"})

_NOT_COMPARED = (RESERVED - {DELETE_AT, EXPIRES_AFTER}) | LARGE_MARKS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRules:
    """When copies expire, at stores whose objects can.

    :param propagate: give the copy the local object's X-Delete-At.
    :param offset: seconds added to that.
    :param after: seconds from the upload to the copy's end, for objects
        whose X-Delete-At is not propagated; 0 means never.
    :param addition: seconds that segments live longer than the manifest of
        their copy.
    """

    propagate: bool = False
    offset: int = 0
    after: int = 0
    addition: int = 86400

    @property
    def any(self) -> bool:
        """Whether any copy expires."""
        return self.propagate or self.after > 0


@dataclasses.dataclass(frozen=True, slots=True)
class Headers:
    """All that is written beside the bytes."""

    metadata: Mapping[str, str]
    content_type: str
    system: Mapping[str, str]


def headers_for(
    local: LocalObject,
    remote: ObjectInfo | None,
    rules: ExpiryRules,
    *,
    object_expiry: bool,
    now: float,
) -> Headers:
    """Return what the copy of a local object has to carry.

    :param remote: the copy whose bytes stay; None for one that is written
        anew, whose time then begins.
    :param object_expiry: whether the store's objects can expire.
    :param now: seconds since the epoch.
    """
    # A user's item that is named like one of ours is not sent.
    metadata = user_metadata(local.metadata)
    system = dict(local.system)
    propagated = False
    if object_expiry:
        propagated = rules.propagate and local.delete_at is not None
        if propagated and local.delete_at is not None:
            system[EXPIRY] = str(local.delete_at + rules.offset)
        elif rules.after:
            metadata[EXPIRES_AFTER] = str(rules.after)
            system[EXPIRY] = _aged(remote, rules.after, now)
    if local.delete_at is not None and not propagated:
        metadata[DELETE_AT] = str(local.delete_at)
    metadata[STAMP] = Stamp(local.timestamp, local.etag).encode()
    return Headers(metadata, local.content_type, system)


def _aged(remote: ObjectInfo | None, after: int, now: float) -> str:
    """Return the end of a copy; one that has been set stays."""
    if remote is not None and remote.metadata.get(EXPIRES_AFTER) == str(after):
        kept = remote.system.get(EXPIRY)
        if kept is not None:
            return kept
    return str(int(now) + after)


def same_headers(wanted: Headers, remote: ObjectInfo) -> bool:
    """Return whether a copy carries what it has to, its stamp apart."""
    return (
        _compared(wanted.metadata) == _compared(remote.metadata)
        and wanted.content_type == remote.content_type
        and dict(wanted.system) == dict(remote.system)
    )


def _compared(metadata: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in metadata.items() if k not in _NOT_COMPARED}
