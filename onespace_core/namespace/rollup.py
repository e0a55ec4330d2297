# SPDX-License-Identifier: Apache-2.0
"""From stored names to what Swift lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onespace_core.namespace.entries import Entry, SubdirEntry
from onespace_core.namespace.query import ListingQuery


def rolled_up(
    entries: Iterable[Entry], query: ListingQuery
) -> Iterator[Entry]:
    """Yield what Swift lists of stored objects or containers.

    The limit is not applied. Each subdir is yielded once, with the locations
    of the first name in it.

    With ``objects_only`` all that belongs is listed; Swift itself misses an
    object now and then: one whose name is that of a subdirectory with the
    next higher character in place of the slash, and, in reverse, one with a
    slash at its end if there are others below it.

    :param entries: in the listing's order, or the other way round; names
        that the query does not admit may be among them.
    """
    last: str | None = None
    for entry in entries:
        if not query.admits(entry.name):
            continue
        directory = query.directory(entry.name)
        if query.objects_only:
            if entry.name != query.prefix and directory in (None, entry.name):
                yield entry
        elif directory is None:
            yield entry
        elif directory not in (last, query.lower):
            last = directory
            yield SubdirEntry.of(directory, *entry.locations)
