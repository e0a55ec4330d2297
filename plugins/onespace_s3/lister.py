# SPDX-License-Identifier: Apache-2.0
"""Listings of buckets and of objects."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from onespace_core.provider import (
    BucketInfo,
    BucketPage,
    ObjectPage,
    ServiceUnavailable,
)
from onespace_s3 import info

#: Entries on one page: what S3 allows.
MAX_KEYS = 1000
#: Sorts after every key that continues a rolled-up prefix.
_LAST = "\U0010ffff"


def list_objects(
    client: Any,
    bucket: str,
    *,
    prefix: str,
    delimiter: str | None,
    marker: str,
    limit: int | None,
    encode: bool,
) -> ObjectPage:
    """Return one page of ``ListObjectsV2``.

    The marker of the next page is a key or prefix, so that another process
    can go on. A page that holds nothing but what the caller has seen is not
    given: the next one is asked for.

    :param encode: ask for URL-encoded keys, without which some keys make a
        listing that cannot be read.
    :raises ServiceUnavailable: the store gives neither entries nor a way to
        go on, but says that there is more.
    """
    parameters: dict[str, Any] = {
        "Bucket": bucket,
        "MaxKeys": min(limit or MAX_KEYS, MAX_KEYS),
    }
    if encode:
        # Said here, it is ours to undo: the SDK stumbles over what some
        # stores repeat of the request.
        parameters["EncodingType"] = "url"
    if prefix:
        parameters["Prefix"] = prefix
    if delimiter:
        parameters["Delimiter"] = delimiter
    if marker:
        parameters["StartAfter"] = _start_after(marker, delimiter)
    while True:
        answer = client.list_objects_v2(**parameters)
        objects, prefixes = _entries(answer)
        page = _page(objects, prefixes, marker, bool(answer["IsTruncated"]))
        if page.objects or page.prefixes or not answer["IsTruncated"]:
            return page
        parameters.update(_go_on([*objects, *prefixes], answer, delimiter))


def _start_after(marker: str, delimiter: str | None) -> str:
    """Return where a listing goes on after a marker.

    Stores differ in whether a rolled-up prefix comes again if it is itself
    the marker: skip all that it rolls up.
    """
    if delimiter and marker.endswith(delimiter):
        return marker + _LAST
    return marker


def _go_on(
    names: list[str], answer: Mapping[str, Any], delimiter: str | None
) -> dict[str, str]:
    """Return where to go on after a page with nothing new on it.

    :raises ServiceUnavailable: the store does not say how.
    """
    if names:
        last = max(names, key=str.encode)
        return {"StartAfter": _start_after(last, delimiter)}
    token = answer.get("NextContinuationToken")
    if not token:
        raise ServiceUnavailable("the store stopped in the middle of a list")
    return {"ContinuationToken": token}


def _entries(
    answer: Mapping[str, Any],
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """Return entries by key, and prefixes, decoded once.

    :raises ServiceUnavailable: the answer has not what a listing has.
    """
    decode: Callable[[str], str] = (
        urllib.parse.unquote_plus
        if answer.get("EncodingType") == "url"
        else str
    )
    try:
        objects = {
            decode(entry["Key"]): entry
            for entry in answer.get("Contents") or ()
        }
        prefixes = [
            decode(entry["Prefix"])
            for entry in answer.get("CommonPrefixes") or ()
        ]
        answer["IsTruncated"]
    except (KeyError, TypeError) as exc:
        raise ServiceUnavailable("the listing cannot be understood") from exc
    return objects, prefixes


def _page(
    objects: Mapping[str, Mapping[str, Any]],
    prefixes: list[str],
    marker: str,
    truncated: bool,
) -> ObjectPage:
    """Return what is new on a page.

    A rolled-up prefix that is not after the marker comes again from stores
    that have more keys below it.
    """
    after = marker.encode()
    new = {key for key in objects if key.encode() > after}
    new_prefixes = [name for name in prefixes if name.encode() > after]
    last = max([*new, *new_prefixes], key=str.encode, default=None)
    return ObjectPage(
        objects=[
            info.from_listing(key, entry)
            for key, entry in objects.items()
            if key in new
        ],
        prefixes=new_prefixes,
        next_marker=last if truncated else None,
    )


def list_buckets(
    client: Any,
    *,
    prefix: str = "",
    marker: str = "",
    limit: int | None = None,
) -> BucketPage:
    """Return buckets in name order, cut to what was asked for here.

    Most stores know no parameters; one that gives pages is followed.
    """
    found: list[BucketInfo] = []
    parameters: dict[str, Any] = {}
    while True:
        answer = client.list_buckets(**parameters)
        found += [
            BucketInfo(
                name=entry["Name"], created=info.utc(entry.get("CreationDate"))
            )
            for entry in answer.get("Buckets") or ()
        ]
        token = answer.get("ContinuationToken")
        if not token:
            break
        parameters["ContinuationToken"] = token
    wanted = sorted(
        (
            bucket
            for bucket in found
            if bucket.name.startswith(prefix) and bucket.name > marker
        ),
        key=lambda bucket: bucket.name,
    )
    page = wanted if limit is None else wanted[:limit]
    more = len(page) < len(wanted)
    return BucketPage(
        buckets=page, next_marker=page[-1].name if more else None
    )
