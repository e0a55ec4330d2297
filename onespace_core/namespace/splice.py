# SPDX-License-Identifier: Apache-2.0
"""Two listings of one container as one.

What comes out is what one Swift container would list that held the objects
of both sides, the local one where both have an object.
"""

from __future__ import annotations

from collections.abc import Iterator

from onespace_core.namespace.entries import Entry, ListingBroken
from onespace_core.namespace.location import LOCAL
from onespace_core.namespace.query import ListingQuery


def splice(
    local: Iterator[Entry], remote: Iterator[Entry], query: ListingQuery
) -> Iterator[Entry]:
    """Yield the entries of both sides in the listing's order.

    An entry of both sides is the local one: the remote copy may be older.
    It gets the locations of the remote one and the local one's.

    Both sides have to be answers to ``query`` already. Neither is asked for
    an entry before it is needed, nor after the limit is reached; and
    whatever one of them raises goes through.

    :param local: as Swift gives it. Its order is not checked: Swift may do
        what it likes with its own listing.
    :param remote: as :func:`~onespace_core.namespace.remote.list_objects`
        gives it.
    :raises ListingBroken: the remote side is not in order.
    """
    ours, theirs = _Side(local), _Side(_in_order(remote, query))
    for _ in range(query.limit):
        here, there = ours.head(), theirs.head()
        if here is None and there is None:
            return
        if there is None or (here and query.follows(there.name, here.name)):
            yield ours.take()
        elif here is None or query.follows(here.name, there.name):
            yield theirs.take()
        else:
            yield ours.take().at(*theirs.take().locations, LOCAL)


class _Side:
    """An iterator that can be looked into, one entry ahead."""

    def __init__(self, entries: Iterator[Entry]):
        self._entries = entries
        self._head: Entry | None = None
        self._ended = False

    def head(self) -> Entry | None:
        """Return the next entry and leave it there; None: the end."""
        if self._head is None and not self._ended:
            self._head = next(self._entries, None)
            self._ended = self._head is None
        return self._head

    def take(self) -> Entry:
        """Return the entry that ``head`` has shown."""
        entry, self._head = self._head, None
        if entry is None:
            raise LookupError("nothing was shown")
        return entry


def _in_order(
    entries: Iterator[Entry], query: ListingQuery
) -> Iterator[Entry]:
    last: str | None = None
    for entry in entries:
        if last is not None and not query.follows(entry.name, last):
            raise ListingBroken("the remote listing is not in its order")
        last = entry.name
        yield entry
