# SPDX-License-Identifier: Apache-2.0
"""GET of a container: what is here and what is in its store, as one listing.

Swift answers first. Its page has at most as many entries as the client wants,
so the merged one is made in memory: a failure of the store can still become
an answer of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from swift.common.swob import Request, Response

from onespace_core.namespace.entries import (
    Entry,
    ListingBroken,
    local_entries,
)
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.remote import list_objects
from onespace_core.namespace.splice import splice
from onespace_core.provider import BucketNotFound
from onespace_shunt.stores import Place

#: Names the mapping whose objects a listing lacks.
PARTIAL = "X-Onespace-Partial"


def local_page(body: bytes) -> list[Entry]:
    """Return the entries of Swift's own answer.

    :raises ListingBroken: it is no listing.
    """
    try:
        records = json.loads(body)
    except ValueError as exc:
        raise ListingBroken("the local listing is no JSON") from exc
    return list(local_entries(records))


def merged(
    local: Sequence[Entry],
    place: Place,
    container: str,
    query: ListingQuery,
    *,
    expose_location: bool,
) -> list[Entry]:
    """Return the listing of both sides.

    :raises OnespaceError: the store's side is not known.
    """
    remote = _remote(place, container, query)
    entries = list(splice(iter(local), remote, query))
    if not expose_location:
        return [entry.at() for entry in entries]
    return entries


def _remote(
    place: Place, container: str, query: ListingQuery
) -> Iterator[Entry]:
    try:
        yield from list_objects(
            place.provider,
            place.layout(container),
            query,
            location=place.location(container),
        )
    except BucketNotFound:
        if not place.makes_buckets:
            raise


def response(
    request: Request,
    headers: Sequence[tuple[str, str]],
    entries: Sequence[Entry],
    **more: Any,
) -> Response:
    """Return a listing with the local answer's headers, as JSON.

    Swift's ``listing_formats``, which is above us in every pipeline, has
    asked for JSON and makes of it what the client wants.

    :param more: headers beside these.
    """
    kept = {
        name: value
        for name, value in headers
        if name.lower() not in ("content-length", "content-type")
    }
    return Response(
        request=request,
        headers={
            **kept,
            "Content-Type": "application/json; charset=utf-8",
            **more,
        },
        body=json.dumps([entry.shown() for entry in entries]).encode("ascii"),
    )
