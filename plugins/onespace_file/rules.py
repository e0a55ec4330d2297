# SPDX-License-Identifier: Apache-2.0
"""What requests may ask, and the conditions of RFC 9110 section 13."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from onespace_core.provider import (
    EXPIRY,
    SYSTEM_HEADERS,
    ByteRange,
    Capabilities,
    Conditions,
    InvalidRequest,
    NotModified,
    NotSupported,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from onespace_file.record import Record

MAX_PAGE = 10_000

CAPABILITIES = Capabilities(
    range_get=True,
    conditional_get=True,
    conditional_put=True,
    conditional_replace=True,
    list_delimiter=True,
    list_has_metadata=True,
    metadata_post=True,
    delete_reports_missing=True,
    etag_is_md5=True,
    max_key_bytes=1024,
    # Bounds what a page of a listing may hold in memory.
    max_metadata_bytes=65536,
    max_list_limit=MAX_PAGE,
)


def check_key(key: str) -> None:
    """Refuse a key that is empty, no UTF-8 or too long."""
    if not key:
        raise InvalidRequest("the key is empty")
    try:
        size = len(key.encode())
    except UnicodeEncodeError as exc:
        raise InvalidRequest("the key has surrogates") from exc
    most = CAPABILITIES.max_key_bytes or 0
    if size > most:
        raise InvalidRequest(f"the key is {size} bytes, {most} are allowed")


def lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers with names in lower case."""
    return {name.lower(): value for name, value in (headers or {}).items()}


def check_headers(
    metadata: Mapping[str, str], system: Mapping[str, str]
) -> None:
    """Refuse a nameless name, a foreign system header, and too much.

    :raises NotSupported: a time of deletion, which nobody would keep.
    """
    if EXPIRY in system:
        raise NotSupported("files do not expire")
    foreign = sorted(set(system) - SYSTEM_HEADERS)
    if foreign:
        raise InvalidRequest(f"{foreign[0]!a} is not a system header")
    if "" in metadata:
        raise InvalidRequest("a metadata name is empty")
    try:
        size = sum(len((n + v).encode()) for n, v in metadata.items())
    except UnicodeEncodeError as exc:
        raise InvalidRequest("metadata is not valid text") from exc
    most = CAPABILITIES.max_metadata_bytes or 0
    if size > most:
        raise InvalidRequest(f"metadata is {size} bytes, {most} are allowed")


def page_size(limit: int | None) -> int:
    """Return how many entries a page has."""
    if limit is not None and limit < 1:
        raise InvalidRequest(f"a limit of {limit}; it is 1 or more")
    return MAX_PAGE if limit is None else min(limit, MAX_PAGE)


def resolve(byte_range: ByteRange, size: int) -> tuple[int, int]:
    """Return the first byte and the one behind the last (14.1.2)."""
    if byte_range.first < 0:
        first, end = max(size + byte_range.first, 0), size
    else:
        last = size if byte_range.last is None else byte_range.last
        first, end = byte_range.first, min(last + 1, size)
    if first >= end:
        raise RangeNotSatisfiable(f"the object has {size} bytes")
    return first, end


def check_read(record: Record, conditions: Conditions | None) -> None:
    """Evaluate the conditions of a read in the order of section 13.2.2."""
    if conditions is None:
        return
    # HTTP dates have whole seconds.
    written = record.modified.replace(microsecond=0)
    if conditions.if_match is not None:
        if conditions.if_match not in ("*", record.md5):
            raise PreconditionFailed("if_match: it is another version")
    elif _after(written, conditions.if_unmodified_since):
        raise PreconditionFailed("if_unmodified_since: written since")
    if conditions.if_none_match is not None:
        if conditions.if_none_match in ("*", record.md5):
            raise NotModified("if_none_match: it is that version")
    elif conditions.if_modified_since and not _after(
        written, conditions.if_modified_since
    ):
        raise NotModified("if_modified_since: not written since")


def _after(
    written: datetime.datetime, since: datetime.datetime | None
) -> bool:
    return since is not None and written > since.replace(microsecond=0)


def check_write_supported(conditions: Conditions | None) -> None:
    """Refuse conditions of a PUT that no capability stands for."""
    given = conditions or Conditions()
    if given.if_none_match not in (None, "*"):
        raise NotSupported("if_none_match with an etag, on PUT")
    if given.if_modified_since or given.if_unmodified_since:
        raise NotSupported("a time as condition of a PUT")


def check_write(old: Record | None, conditions: Conditions | None) -> None:
    """Evaluate the conditions of a PUT against what is there."""
    given = conditions or Conditions()
    if given.if_none_match is not None and old is not None:
        raise PreconditionFailed("if_none_match: there is an object")
    if given.if_match is not None and (
        old is None or given.if_match not in ("*", old.md5)
    ):
        raise PreconditionFailed("if_match: it is another version, or none")
