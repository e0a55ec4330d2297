# SPDX-License-Identifier: Apache-2.0
"""Listings of accounts and containers, as pages of the contract."""

from __future__ import annotations

import datetime
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from onespace_core.provider import (
    BucketInfo,
    BucketPage,
    LargeKind,
    ObjectInfo,
    ObjectPage,
)
from onespace_swift.errors import BadAnswer
from onespace_swift.headers import check_text, unquote_etag

#: What ``container_listing_limit`` is, unless an operator changed it.
MAX_LIMIT = 10_000


def query(
    *,
    prefix: str,
    marker: str,
    limit: int | None,
    delimiter: str | None = None,
) -> str:
    """Return the query of a listing.

    :raises InvalidRequest: a text that no name can have.
    """
    texts = {"prefix": prefix, "marker": marker, "delimiter": delimiter or ""}
    for text in texts.values():
        check_text(text)
    values = {"format": "json"}
    values |= {name: text for name, text in texts.items() if text}
    if limit is not None:
        values["limit"] = str(min(limit, MAX_LIMIT))
    return urllib.parse.urlencode(values, quote_via=urllib.parse.quote)


def bucket_page(body: bytes) -> BucketPage:
    """Return a page of containers.

    A page may be short though more follow (sharded or merged listings, and
    stores that are only like Swift): only an empty one is the end.

    :raises BadAnswer: it is not a listing.
    """
    entries = _entries(body)
    try:
        buckets = [_bucket(entry) for entry in entries if "name" in entry]
        return BucketPage(buckets=buckets, next_marker=_last(entries))
    except (KeyError, TypeError, ValueError) as exc:
        raise BadAnswer("not a listing") from exc


def object_page(body: bytes) -> ObjectPage:
    """Return a page of objects; see :func:`bucket_page`.

    :raises BadAnswer: it is not a listing.
    """
    entries = _entries(body)
    try:
        return ObjectPage(
            objects=[_object(entry) for entry in entries if "name" in entry],
            prefixes=[e["subdir"] for e in entries if "subdir" in e],
            next_marker=_last(entries),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise BadAnswer("not a listing") from exc


def _entries(body: bytes) -> list[Mapping[str, Any]]:
    if not body:  # HTTP 204
        return []
    try:
        entries = json.loads(body)
    except ValueError as exc:
        raise BadAnswer("a listing that is not JSON") from exc
    if not isinstance(entries, list):
        raise BadAnswer("a listing that is not a list")
    return entries


def _last(entries: list[Mapping[str, Any]]) -> str | None:
    if not entries:
        return None
    last = entries[-1]
    name: str = last["name"] if "name" in last else last["subdir"]
    return name


def _bucket(entry: Mapping[str, Any]) -> BucketInfo:
    return BucketInfo(
        name=entry["name"],
        created=_time(entry.get("last_modified")),
        object_count=entry.get("count"),
        bytes_used=entry.get("bytes"),
    )


def _object(entry: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        key=entry["name"],
        size=int(entry["bytes"]),
        # That of a large object's manifest is not what HEAD says.
        etag=unquote_etag(entry.get("slo_etag") or entry.get("hash")),
        last_modified=_time(entry.get("last_modified")),
        content_type=entry.get("content_type"),
        # Of a dynamic one a listing says nothing.
        large=LargeKind.STATIC if "slo_etag" in entry else None,
        native=entry,
    )


def _time(value: str | None) -> datetime.datetime | None:
    """Parse a listing's time: ISO 8601, UTC though it does not say so."""
    if not value:
        return None
    when = datetime.datetime.fromisoformat(value)
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
