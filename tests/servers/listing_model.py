# SPDX-License-Identifier: Apache-2.0
"""What Swift lists, in a few lines; proved by tests/property."""

from __future__ import annotations

from collections.abc import Iterable

from onespace_core.namespace.query import ListingQuery


def model(
    stored: Iterable[str], query: ListingQuery
) -> list[tuple[str, bool]]:
    """Return (name, whether it is a subdir) of what is listed."""
    low, high = query.marker, query.end_marker
    if query.reverse:
        low, high = high, low
    listed = set()
    for name in stored:
        if not name.startswith(query.prefix):
            continue
        if (low and name <= low) or (high and name >= high):
            continue
        head, found, tail = name[len(query.prefix) :].partition(
            query.delimiter or "\0"
        )
        if query.objects_only:
            if name != query.prefix and not tail:
                listed.add((name, False))
        elif not found:
            listed.add((name, False))
        elif query.prefix + head + found != low:
            listed.add((query.prefix + head + found, True))
    return sorted(listed, reverse=query.reverse)[: query.limit]
