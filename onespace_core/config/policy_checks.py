# SPDX-License-Identifier: Apache-2.0
"""Combinations of the policy's options that are refused; see :mod:`.checks`.

They would lose data, or do nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from onespace_core.config.finding import Finding, Rule
from onespace_core.config.model import Mapping
from onespace_core.provider.types import KeyScheme

_DAY = 86400
_SEGMENTS = re.compile(r"[_+.]segments$")


def archive_deletes_itself(mapping: Mapping) -> Finding | None:
    """Refuse to propagate deletes that we make ourselves (T-01)."""
    if mapping.retain_local or not mapping.propagate_delete:
        return None
    return Finding(
        "propagate_delete",
        "objects that have gone to the remote store are deleted here"
        " (retain_local = false); propagate_delete = true would delete the"
        " remote copy as well",
        "write propagate_delete = false",
    )


def sync_keeps_objects(mapping: Mapping) -> Finding | None:
    """Refuse to delete local objects in a mode that says it copies."""
    if mapping.retain_local or mapping.mode == "lifecycle":
        return None
    return Finding(
        "retain_local",
        f"mode = {mapping.mode} keeps the local objects",
        "write mode = lifecycle to move them",
    )


def copy_goes_with_the_object(mapping: Mapping) -> Finding | None:
    """Refuse copies that should live longer and would not (T-57).

    Swift's expirer leaves the same tombstone as a client.
    """
    if not (mapping.propagate_delete and mapping.propagate_expiration_offset):
        return None
    return Finding(
        "propagate_expiration_offset",
        "when the local object expires, propagate_delete = true deletes the"
        " copy, which should live longer",
        "write propagate_delete = false",
    )


def offset_of_nothing(mapping: Mapping) -> Finding | None:
    """Refuse an offset to a time that is not propagated."""
    if mapping.propagate_expiration or not mapping.propagate_expiration_offset:
        return None
    return Finding(
        "propagate_expiration_offset",
        "this needs propagate_expiration",
        "write propagate_expiration = true",
    )


def part_of_a_day(mapping: Mapping) -> Finding | None:
    """Refuse an age that a rule of S3's would round, perhaps to none."""
    if mapping.key_scheme is not KeyScheme.HASHED:
        return None
    if not mapping.remote_delete_after % _DAY:
        return None
    return Finding(
        "remote_delete_after",
        "S3 counts in whole days",
        "write 1d, 2d and so on",
    )


def class_of_no_store(mapping: Mapping) -> Finding | None:
    """Refuse a class where there are none, or where the copy is gone."""
    if mapping.storage_class_after is None:
        return None
    # A provider whose store has classes has the option for new objects.
    if "storage_class" not in mapping.settings:
        return Finding(
            "storage_class_after",
            f"{mapping.provider} has no storage classes",
            "leave it out",
        )
    end = mapping.remote_delete_after
    if not end or mapping.storage_class_after[0] < end:
        return None
    return Finding(
        "storage_class_after",
        "remote_delete_after deletes the copy before that",
        "write a shorter age",
    )


def segments_would_go(mapping: Mapping) -> Finding | None:
    """Refuse to move segments away from below their manifests.

    As far as it can be seen here: by the container's name.
    """
    if mapping.retain_local or mapping.exclude_pattern is not None:
        return None
    if not (mapping.per_account or _SEGMENTS.search(mapping.container)):
        return None
    return Finding(
        "retain_local",
        "retain_local = false in a container with segments of large objects"
        " would delete them while their manifests are still here",
        "exclude them by exclude_pattern, or do not map that container",
    )


def dynamic_copy(mapping: Mapping) -> Finding | None:
    """Refuse copies that a listing makes.

    A dynamic manifest is all that is listed below its prefix at the time of
    reading: a stray, missing or late name changes the bytes of the copy, and
    nothing tells. A static one is the same bytes for good.
    """
    if mapping.convert_dlo:
        return None
    return Finding(
        "convert_dlo",
        "a dynamic copy is whatever is listed below its prefix when it is"
        " read, which nothing can verify; copies are static",
        "leave it out",
    )


def joined_segments(mapping: Mapping) -> Finding | None:
    """Refuse min_segment_size where nothing would come of it."""
    if not mapping.min_segment_size or mapping.convert_dlo:
        return None
    return Finding(
        "min_segment_size",
        "this needs convert_dlo",
        "write convert_dlo = true",
    )


#: Options for stores whose large objects and containers are Swift's, with
#: what others have in their place.
_SWIFT_ONLY = {
    "min_segment_size": "has no segments to join",
    "sync_container_metadata": "has no place for a container's metadata",
    "sync_container_acl": "has no place for a container's ACLs",
}


def not_for_this_store(mapping: Mapping) -> Finding | None:
    """Refuse what only another Swift can do."""
    if mapping.key_scheme is not KeyScheme.HASHED:
        return None
    for name, instead in _SWIFT_ONLY.items():
        if getattr(mapping, name):
            return Finding(
                name, f"{mapping.provider} {instead}", "leave it out"
            )
    return None


def acl_without_metadata(mapping: Mapping) -> Finding | None:
    """Refuse ACLs where container metadata is not copied."""
    if not mapping.sync_container_acl or mapping.sync_container_metadata:
        return None
    return Finding(
        "sync_container_acl",
        "this needs sync_container_metadata",
        "write sync_container_metadata = true",
    )


POLICY_RULES: Sequence[Rule] = (
    archive_deletes_itself,
    sync_keeps_objects,
    copy_goes_with_the_object,
    offset_of_nothing,
    part_of_a_day,
    class_of_no_store,
    segments_would_go,
    dynamic_copy,
    joined_segments,
    not_for_this_store,
    acl_without_metadata,
)


def undermined(
    mappings: Sequence[Mapping],
) -> Iterator[tuple[Mapping, Mapping]]:
    """Yield one that moves objects and one that deletes copies of the same.

    To Swift, a deletion that onespace made looks like a client's: the copies
    of the second would go as the first one works.
    """
    deleting: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        if mapping.propagate_delete:
            deleting.setdefault(mapping.account, []).append(mapping)
    for mover in mappings:
        if mover.retain_local:
            continue
        for other in deleting.get(mover.account, ()):
            same = mover.container == other.container
            if other is not mover and (
                same or mover.per_account or other.per_account
            ):
                yield mover, other
