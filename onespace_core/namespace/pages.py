# SPDX-License-Identifier: Apache-2.0
"""Following a listing from page to page.

A page that fails fails the listing: its error goes through, and is never
taken for the end. Whoever believes that a listing is complete deletes what
it does not show.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from onespace_core.namespace.entries import Entry, ListingBroken
from onespace_core.namespace.query import ListingQuery


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Some entries in the listing's order.

    :param next_marker: the marker of the next page; None only at the end.
    """

    entries: Sequence[Entry]
    next_marker: str | None = None


#: Asks for a page: a marker and at most how many entries.
FetchPage = Callable[[str, int], Page]


def swift_page(entries: Sequence[Entry], asked: int) -> Page:
    """Return a page that Swift gave: a short one is the last."""
    more = len(entries) >= asked and len(entries) > 0
    return Page(entries, entries[-1].name if more else None)


def pull(
    fetch_page: FetchPage, query: ListingQuery, *, page_size: int | None = None
) -> Iterator[Entry]:
    """Yield the entries of a listing, page after page, up to its limit.

    A page is asked for when its first entry is wanted, not before.

    :param fetch_page: asks for the page after a marker. Prefix, delimiter,
        direction and the other marker are its own business.
    :param query: where to begin, how many entries, and the direction.
    :param page_size: at most how many to ask for at once.
    :raises ListingBroken: entries or markers do not go on: a store that
        answers the same page for ever would never end.
    """
    marker, left, last = query.marker, query.limit, None
    while left > 0:
        page = fetch_page(marker, min(left, page_size or left))
        for entry in page.entries[:left]:
            if last is not None and not query.follows(entry.name, last):
                raise ListingBroken("a listing is not in its order")
            last = entry.name
            yield entry
        left -= len(page.entries)
        if page.next_marker is None:
            return
        if not _advances(query, marker, page.next_marker):
            raise ListingBroken("a listing does not go on")
        marker = page.next_marker


def _advances(query: ListingQuery, marker: str, following: str) -> bool:
    """Return whether the next marker goes on.

    A client may begin within a subdir. Swift shows that subdir, which comes
    before the client's marker.
    """
    if not marker or query.follows(following, marker):
        return True
    began_within = query.directory(marker) if marker == query.marker else None
    return following == began_within != marker
