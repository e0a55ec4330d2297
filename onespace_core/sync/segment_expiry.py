# SPDX-License-Identifier: Apache-2.0
"""How long the segments at another Swift stay: as long as their manifests.

They never expire before them. And one that is used again is touched, so that
a sweep that cannot see the new manifest yet sees that somebody needs it.

A segment may be needed by several copies, and none of them knows the others.
So its time is only ever made later, or taken away: a segment that has none
never gets one. What nobody needs any more may stay, what somebody needs may
not go.

Swift knows no condition for POST. Two copies that make the time of one segment
later at the same moment may leave the earlier of both times; the next visit to
either of them puts that right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from functools import partial

from onespace_core.provider import (
    EXPIRY,
    BucketNotFound,
    ObjectInfo,
    ObjectNotFound,
    Provider,
    Segment,
)
from onespace_core.sync.sending import side_by_side
from onespace_core.sync.travel import Headers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a copy needs of its segments.

    :param until: when they may go, seconds since the epoch; None: never.
    :param touched: likewise; one that was last written before is touched,
        0 touches none. A POST renews the time of an object's last change
        (Swift API, "Create or update object metadata").
    """

    until: int | None
    touched: float = 0.0


def needed_until(manifest: Headers, addition: int) -> int | None:
    """Return how long a copy needs its segments.

    :param manifest: what the copy carries.
    :param addition: seconds that they have to outlive it.
    :returns: seconds since the epoch; None for ever.
    """
    end = manifest.system.get(EXPIRY)
    return None if end is None else int(end) + addition


def too_early(there: ObjectInfo, until: int | None) -> bool:
    """Return whether a segment expires before it may."""
    end = there.system.get(EXPIRY)
    return end is not None and (until is None or int(end) < until)


def system_for(until: int | None) -> dict[str, str]:
    """Return the system headers of a segment that is written anew."""
    return {} if until is None else {EXPIRY: str(until)}


def too_old(there: ObjectInfo, touched: float) -> bool:
    """Return whether a sweep might take a segment for forgotten."""
    last = there.last_modified
    return last is not None and last.timestamp() < touched


def keep(
    provider: Provider, bucket: str, there: ObjectInfo, need: Need
) -> None:
    """Make a segment stay as long as it has to; one that does is left alone.

    What is beside its bytes stays, but for the time at which it expires.

    :param there: the segment, as HEAD answered just now.
    :raises ObjectNotFound: it has gone since.
    """
    system = dict(there.system)
    if too_early(there, need.until):
        del system[EXPIRY]
        system.update(system_for(need.until))
    elif not too_old(there, need.touched):
        return
    provider.post_object(
        there.key,
        there.metadata,
        content_type=there.content_type,
        system=system,
        bucket=bucket,
    )


def keep_all(
    provider: Provider,
    segments: Collection[Segment],
    need: Need,
    workers: int,
) -> bool:
    """Make all segments of a copy stay as long as they have to.

    :returns: whether all are there; otherwise the copy has to be made anew.
    """
    names = {(segment.bucket, segment.key) for segment in segments}
    missing: list[str] = []

    def look(bucket: str, key: str) -> None:
        try:
            there = provider.head_object(key, bucket=bucket)
            keep(provider, bucket, there, need)
        except (ObjectNotFound, BucketNotFound):
            missing.append(key)

    side_by_side((partial(look, *each) for each in names), workers)
    return not missing
