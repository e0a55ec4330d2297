# SPDX-License-Identifier: Apache-2.0
"""What S3 says of an object, as the contract's values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from onespace_core.provider import (
    SYSTEM_HEADERS,
    ByteRange,
    Conditions,
    ObjectInfo,
    ServiceUnavailable,
)
from onespace_s3 import metadata

_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def from_head(key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    """Return an object from the answer to a HEAD or GET.

    :raises ServiceUnavailable: the answer lacks what S3 always says, so
        that it is somebody else's, such as a proxy's.
    """
    if not answer.get("ETag"):
        raise ServiceUnavailable(
            "the answer has no ETag",
            hint="check that endpoint is an S3 endpoint",
        )
    storage_class = _storage_class(answer)
    return ObjectInfo(
        key=key,
        size=_size(answer),
        etag=unquoted(answer.get("ETag")),
        last_modified=utc(answer.get("LastModified")),
        content_type=answer.get("ContentType"),
        metadata=metadata.from_headers(answer.get("Metadata")),
        system=_system(answer),
        storage_class=storage_class,
        archived=_archived(storage_class, answer),
        native=answer,
    )


def from_listing(key: str, entry: Mapping[str, Any]) -> ObjectInfo:
    """Return an object from an entry of a listing.

    A listing does not say whether an archived object was restored: it
    counts as archived.
    """
    storage_class = _storage_class(entry)
    return ObjectInfo(
        key=key,
        size=entry.get("Size", 0),
        etag=unquoted(entry.get("ETag")),
        last_modified=utc(entry.get("LastModified")),
        storage_class=storage_class,
        archived=storage_class in _ARCHIVES,
        native=entry,
    )


def unquoted(etag: str | None) -> str | None:
    """Return an ETag without its quotes."""
    return etag.strip('"') if etag is not None else None


def quoted(etag: str) -> str:
    """Return an ETag, or several that only lack the outer quotes."""
    if etag == "*":
        return etag
    head = "" if etag.startswith('W/"') else '"'
    return f'{head}{etag}"'


def condition_parameters(conditions: Conditions | None) -> dict[str, Any]:
    """Return read conditions as parameters of the SDK's calls."""
    if conditions is None:
        return {}
    parameters = {
        "IfMatch": conditions.if_match and quoted(conditions.if_match),
        "IfNoneMatch": conditions.if_none_match
        and quoted(conditions.if_none_match),
        "IfModifiedSince": conditions.if_modified_since,
        "IfUnmodifiedSince": conditions.if_unmodified_since,
    }
    return {
        name: value for name, value in parameters.items() if value is not None
    }


def range_parameters(byte_range: ByteRange | None) -> dict[str, str]:
    """Return a range as a parameter of the SDK's calls."""
    return {} if byte_range is None else {"Range": byte_range.header()}


def _size(answer: Mapping[str, Any]) -> int:
    """Return the whole object's size, also where a range was read."""
    total = str(answer.get("ContentRange", "")).rpartition("/")[2]
    if total.isdigit():
        return int(total)
    size = answer.get("ContentLength")
    if size is None:
        raise ServiceUnavailable("the answer has no length")
    return int(size)


def _storage_class(answer: Mapping[str, Any]) -> str | None:
    found = answer.get("StorageClass")
    return None if found in (None, "STANDARD") else str(found)


def _archived(storage_class: str | None, answer: Mapping[str, Any]) -> bool:
    restored = 'ongoing-request="false"' in answer.get("Restore", "")
    # Intelligent tiering has archives of its own, under another header.
    tier = answer.get("ArchiveStatus")
    return not restored and (storage_class in _ARCHIVES or bool(tier))


def _system(answer: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in SYSTEM_HEADERS:
        value = answer.get(metadata.parameter(name))
        if name == "content-encoding" and value:
            # A form of the request, which some stores keep by mistake.
            tokens = (token.strip() for token in value.split(","))
            value = ", ".join(t for t in tokens if t != "aws-chunked")
        if value:
            found[name] = value
    return found


def utc(when: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time of the SDK in UTC."""
    return None if when is None else when.astimezone(datetime.UTC)
