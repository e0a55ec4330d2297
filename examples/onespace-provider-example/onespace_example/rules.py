# SPDX-License-Identifier: Apache-2.0
"""What the contract asks of every store, apart from where bytes are."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import IO, Any

from onespace_core.provider import (
    CHUNK_SIZE,
    EXPIRY,
    SYSTEM_HEADERS,
    Body,
    ByteRange,
    Capabilities,
    Conditions,
    IntegrityError,
    InvalidRequest,
    PreconditionFailed,
    RangeNotSatisfiable,
)

CAPABILITIES = Capabilities(
    range_get=True,
    conditional_put=True,
    conditional_replace=True,
    list_has_metadata=True,
    metadata_post=True,
    delete_reports_missing=True,
    account_stats=True,
    etag_is_md5=True,
    max_object_size=1_000_000_000,  # what SQLite allows
)


def page_size(limit: int | None) -> int:
    """Return how many entries a page has."""
    most = CAPABILITIES.max_list_limit
    if limit is not None and limit < 1:
        raise InvalidRequest("a limit is 1 or more")
    return most if limit is None else min(limit, most)


def check_key(key: str) -> None:
    """Refuse an empty key."""
    if not key:
        raise InvalidRequest("the key is empty")


def unclaimed_read(conditions: Conditions | None) -> str | None:
    """Return what is wrong with asking for these, if anything is."""
    if conditions is not None and conditions != Conditions():
        return "conditions of reads are not claimed"
    return None


def unclaimed_write(
    conditions: Conditions | None, system: Mapping[str, str] | None
) -> str | None:
    """Return what is wrong with asking for these, if anything is."""
    given = conditions or Conditions()
    claimed = Conditions(
        if_match=given.if_match, if_none_match=given.if_none_match
    )
    if given != claimed or given.if_none_match not in (None, "*"):
        return "this condition of writes is not claimed"
    if EXPIRY in (system or {}):
        return "that an object expires is not claimed"
    return None


def check_conditions(conditions: Conditions | None, etag: str | None) -> None:
    """Evaluate the conditions of a PUT; call it within its transaction.

    :param etag: of the object that is there; None means there is none.
    """
    given = conditions or Conditions()
    if given.if_none_match and etag is not None:
        raise PreconditionFailed("there is an object")
    if given.if_match and (etag is None or given.if_match not in ("*", etag)):
        raise PreconditionFailed("it is another version, or none")


def check_version(if_match: str | None, etag: str) -> None:
    """Refuse to copy another version than the one that is wanted."""
    if if_match not in (None, etag):
        raise PreconditionFailed("it is another version")


def check_kept(metadata: Mapping[str, str] | None, *others: object) -> None:
    """Refuse a copy that keeps the metadata and changes something else."""
    if metadata is None and any(each is not None for each in others):
        raise InvalidRequest("a type or headers are given with metadata only")


def headers(
    metadata: Mapping[str, str] | None,
    system: Mapping[str, str] | None,
    content_type: str | None,
) -> dict[str, Any]:
    """Return the columns of an object that its headers say."""
    lowered = {name.lower(): v for name, v in (metadata or {}).items()}
    ours = {name.lower(): v for name, v in (system or {}).items()}
    if "" in lowered or ours.keys() - SYSTEM_HEADERS:
        raise InvalidRequest("such a header cannot be kept")
    return {
        "metadata": json.dumps(lowered),
        "system": json.dumps(ours),
        "content_type": content_type or "application/octet-stream",
        "modified": datetime.datetime.now(datetime.UTC).isoformat(),
    }


def spool(body: Body, file: IO[bytes]) -> str:
    """Write a body to a file; return its MD5.

    :raises IntegrityError: it is not what it says it is.
    """
    most = CAPABILITIES.max_object_size or 0
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    stream = body.open()
    try:
        while data := stream.read(CHUNK_SIZE):
            size += len(data)
            if size > most:
                raise InvalidRequest(f"more than {most} bytes")
            if body.size is not None and size > body.size:
                raise IntegrityError(f"more than {body.size} bytes")
            digest.update(data)
            file.write(data)
    finally:
        stream.close()
    if body.size is not None and size < body.size:
        raise IntegrityError(f"{size} bytes instead of {body.size}")
    if body.md5 is not None and body.md5 != digest.hexdigest():
        raise IntegrityError("the bytes are not those of the MD5")
    return digest.hexdigest()


def resolve(byte_range: ByteRange | None, size: int) -> tuple[int, int]:
    """Return the first byte and the one behind the last."""
    if byte_range is None:
        return 0, size
    first = byte_range.first
    last = size - 1 if byte_range.last is None else byte_range.last
    if first < 0:
        first = max(size + first, 0)
    end = min(last + 1, size)
    if first >= end:
        raise RangeNotSatisfiable(f"the object has {size} bytes")
    return first, end
