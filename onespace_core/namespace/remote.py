# SPDX-License-Identifier: Apache-2.0
"""A store's listing as Swift would list the same objects.

A store lists keys from the first to the last, after a marker, and may roll
up prefixes. Swift's listings can also end before a marker, run backwards,
and show a subdir that a marker lies in. What the store does not do is done
here, and no more than a page is kept.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator

from onespace_core.namespace.entries import (
    ContainerEntry,
    Entry,
    ListingBroken,
    ObjectEntry,
    SubdirEntry,
)
from onespace_core.namespace.keys import KeyLayout
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.rollup import rolled_up
from onespace_core.provider import (
    ObjectInfo,
    ObjectPage,
    OnespaceError,
    Provider,
)

#: How many entries a store may be asked for to answer one query in reverse.
REVERSE_MOST = 100_000

#: No name is greater than a subdir followed by this, but such as go on with
#: the same character; they are in the same subdir.
_LAST = "\U0010ffff"
#: Swift keeps names with this character for itself.
_RESERVED = "\0"


class ReverseTooLong(OnespaceError):
    """Too much lies within the markers to list it from its end.

    A store lists forwards only, so all that lies before the entries asked
    for has to be read. A prefix, a delimiter or an ``end_marker`` helps.
    """


def list_objects(
    provider: Provider,
    layout: KeyLayout,
    query: ListingQuery,
    *,
    location: str,
    reverse_most: int = REVERSE_MOST,
) -> Iterator[Entry]:
    """Yield what a store has of a container, as Swift would list it.

    Lazy: a page is asked for when its first entry is wanted. Keys outside
    of the layout are left out, and all where manifests of large objects lie.

    Costs one request a page, and one more for a subdir that a marker lies
    in. Only a slash is left to the store to roll up: other delimiters are
    rare, and not every store knows all of them (older Swifts refuse more
    than one character). Then, and with ``objects_only``, all keys are read but
    those of a subdir that goes on after the end of a page.

    :param location: what ``content_location`` is to say of an entry.
    :param reverse_most: how many entries of the store to read at most to
        answer in reverse. Of these only ``query.limit`` are kept.
    :raises ReverseTooLong: that was not enough.
    :raises ListingBroken: the store answers the same page again.
    :raises ProviderError: the store does not answer. Never the end of the
        listing.
    """
    listing = _Objects(provider, layout, query, location, reverse_most)
    return _directed(listing.ascending(), query)


def list_buckets(
    provider: Provider,
    query: ListingQuery,
    *,
    location: str,
    root: str = "",
    reverse_most: int = REVERSE_MOST,
) -> Iterator[Entry]:
    """Yield a store's buckets, as Swift would list containers.

    :param root: what the names of all buckets that count start with; a
        container's name is what follows.

    The rest is as with :func:`list_objects`.
    """
    return _directed(
        rolled_up(
            _containers(provider, query, location, root, reverse_most), query
        ),
        query,
    )


def _directed(
    ascending: Iterator[Entry], query: ListingQuery
) -> Iterator[Entry]:
    """Yield at most ``limit`` entries, from the end that is asked for."""
    if not query.limit or (query.upper and query.lower >= query.upper):
        return
    if query.reverse:
        yield from reversed(collections.deque(ascending, query.limit))
        return
    yield from itertools.islice(ascending, query.limit)


class _Meter:
    """Counts what a store lists while it is read for its end."""

    def __init__(self, query: ListingQuery, most: int):
        self._left = most if query.reverse else None

    def count(self, entries: int) -> None:
        if self._left is None:
            return
        self._left -= entries
        if self._left < 0:
            raise ReverseTooLong("too many names to list them in reverse")


class _Objects:
    """One query to one store. Everything it yields is ascending."""

    def __init__(
        self,
        provider: Provider,
        layout: KeyLayout,
        query: ListingQuery,
        location: str,
        reverse_most: int,
    ):
        self._provider = provider
        self._layout = layout
        self._query = query
        self._location = location
        self._meter = _Meter(query, reverse_most)
        self._manifests = layout.name(layout.manifest_root)
        self._size = None if query.reverse else query.limit

    def ascending(self) -> Iterator[Entry]:
        """Yield all that the query admits, rolled up."""
        query = self._query
        can_roll_up = self._provider.capabilities.list_delimiter
        if query.delimiter == "/" and not query.objects_only and can_roll_up:
            return self._store_rolls_up()
        return rolled_up(
            self._stored(query.prefix, self._size, skip=True), query
        )

    def _store_rolls_up(self) -> Iterator[Entry]:
        query = self._query
        marker = query.lower
        begun = query.directory(marker)
        if begun and begun != marker:
            # Stores differ in whether they show a subdir that the marker
            # lies in; so the store is asked for what comes after it.
            if self._holds(begun):
                yield SubdirEntry.of(begun, self._location)
            marker = begun
        pages = self._pages(
            query.prefix, marker, self._size, delimiter=query.delimiter
        )
        for page in pages:
            for name, info in self._named(page):
                if name <= marker:
                    # A store that passes over its marker; or shows the
                    # subdir that it lies in.
                    continue
                if query.upper and name >= query.upper:
                    return
                if info is not None:
                    yield self._entry(name, info)
                elif not query.upper.startswith(name) or self._holds(name):
                    yield SubdirEntry.of(name, self._location)

    def _holds(self, directory: str) -> bool:
        """Return whether anything in a subdir is between the markers."""
        return any(self._stored(directory, 1))

    def _stored(
        self, prefix: str, size: int | None, *, skip: bool = False
    ) -> Iterator[Entry]:
        """Yield objects under a prefix that the query admits."""
        pages = self._pages(prefix, self._query.lower, size, skip=skip)
        for page in pages:
            for name, info in self._named(page):
                if self._query.upper and name >= self._query.upper:
                    return
                if info is not None and self._query.admits(name):
                    yield self._entry(name, info)

    def _named(
        self, page: ObjectPage
    ) -> Iterator[tuple[str, ObjectInfo | None]]:
        """Yield the names on a page in their order; None: a subdir."""
        found: list[tuple[str, ObjectInfo | None]] = [
            (self._name(info.key), info) for info in page.objects
        ]
        found.extend((self._name(key), None) for key in page.prefixes)
        found.sort(key=lambda each: each[0])
        return ((name, info) for name, info in found if name)

    def _name(self, key: str) -> str:
        """Return the name that a key stands for; empty: not to be listed."""
        name = self._layout.name(key)
        if name is None or _RESERVED in name:
            return ""
        if self._manifests and name.startswith(self._manifests):
            return ""
        return name

    def _entry(self, name: str, info: ObjectInfo) -> Entry:
        return ObjectEntry.of(
            name,
            size=info.size,
            etag=info.etag,
            content_type=info.content_type,
            last_modified=info.last_modified,
            location=self._location,
        )

    def _pages(
        self,
        prefix: str,
        marker: str,
        size: int | None,
        *,
        delimiter: str = "",
        skip: bool = False,
    ) -> Iterator[ObjectPage]:
        """Yield the store's pages.

        :param skip: pass what is left of a subdir that fills a page.
        """
        root = self._layout.root
        key = root + marker if marker >= prefix else ""
        if key and not marker.startswith(prefix):
            return
        while True:
            page = self._provider.list_objects(
                prefix=root + prefix,
                delimiter=delimiter or None,
                marker="" if key == root else key,
                limit=size,
                bucket=self._layout.bucket,
            )
            self._meter.count(len(page.objects) + len(page.prefixes))
            yield page
            following = page.next_marker
            if following is None:
                return
            if following <= key:
                raise ListingBroken("the remote listing does not go on")
            key = self._past(page, following) if skip else following

    def _past(self, page: ObjectPage, following: str) -> str:
        """Return where to go on: behind the subdir that a page ends in.

        Only if an object that is listed is in it: what the page ends with
        may be a manifest, beside objects that are still to come.
        """
        names = (self._name(info.key) for info in page.objects)
        last = max(filter(self._query.admits, names), default="")
        directory = self._query.directory(last) if last else None
        if directory is None:
            return following
        return max(following, self._layout.key(directory + _LAST))


def _containers(
    provider: Provider,
    query: ListingQuery,
    location: str,
    root: str,
    reverse_most: int,
) -> Iterator[Entry]:
    """Yield the containers from the lower marker on, ascending."""
    meter = _Meter(query, reverse_most)
    marker = root + query.lower if query.lower >= query.prefix else ""
    while True:
        page = provider.list_buckets(
            prefix=root + query.prefix,
            marker=marker,
            limit=None if query.reverse else query.limit,
        )
        meter.count(len(page.buckets))
        for info in page.buckets:
            name = info.name.removeprefix(root)
            if query.upper and name >= query.upper:
                return
            if info.name.startswith(root) and name:
                yield ContainerEntry.of(
                    name,
                    count=info.object_count,
                    size=info.bytes_used,
                    last_modified=info.created,
                    location=location,
                )
        if page.next_marker is None:
            return
        if page.next_marker <= marker:
            raise ListingBroken("the remote listing does not go on")
        marker = page.next_marker
