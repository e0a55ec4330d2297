# SPDX-License-Identifier: Apache-2.0
"""Listings in byte order, page by page, from a tree of folders.

What is to be visited waits in a heap, by the least key that it can give: an
object gives its own, a folder one that starts with the folder's. The least
one is taken: an object is the next of the listing, a folder is read and its
names join the heap. So folders are read only when their turn comes, those
outside prefix and marker never, and those that a delimiter rolls up only as
far as to know that there is an object in them.

A folder is read once for each page on the way to the page's entries; of its
names no more than a page are kept, and if that was not enough it is read
again from there. So memory is a page for each level, whatever a folder holds.
"""

from __future__ import annotations

import dataclasses
import heapq
import os
from collections.abc import Iterator

from onespace_core.provider import ObjectInfo, ObjectPage, PermissionDenied
from onespace_file import names, rules, tree
from onespace_file.names import Kind
from onespace_file.reader import load_in
from onespace_file.record import Record
from onespace_file.store import Bucket

#: Names of a folder that are kept even for a small page.
_LEAST_KEPT = 1000

#: Text sorts by code point, which is the order of its UTF-8 bytes.
_Bound = tuple[str, int]


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class _Waiting:
    """An object, or a folder that may give objects.

    :param bound: no key from here is less than its text; the number makes
        names of one folder differ.
    :param base: what all keys from here start with.
    :param path: the folder, or the folder the object is in.
    :param after: of a folder: only its names after this bound.
    """

    bound: _Bound
    base: str = dataclasses.field(compare=False)
    path: tuple[bytes, ...] = dataclasses.field(compare=False)
    is_object: bool = dataclasses.field(compare=False)
    after: _Bound = dataclasses.field(compare=False, default=("", -1))


class _Walk:
    """The keys of a bucket in order, with those passed over that need be.

    :param marker: only keys after it.
    :param most: names of a folder to keep at a time, 1 or more.
    """

    def __init__(
        self, bucket: Bucket, *, prefix: str, marker: str, most: int
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._marker = marker
        self._most = most
        self._skipped: str | None = None
        # Everything with the prefix is in the folder of its last slash.
        *parts, _rest = prefix.split("/")
        base = "".join(f"{part}/" for part in parts)
        self._heap = [
            _Waiting(
                (base, 0), base, bucket.names.folders(parts), is_object=False
            )
        ]

    def skip(self, prefix: str) -> None:
        """Pass over all further keys that start with it."""
        self._skipped = prefix

    def __iter__(self) -> Iterator[_Waiting]:
        while self._heap:
            waiting = heapq.heappop(self._heap)
            if self._is_skipped(waiting.base):
                continue
            if waiting.is_object:
                yield waiting
            else:
                self._read(waiting)

    def _is_skipped(self, base: str) -> bool:
        return self._skipped is not None and base.startswith(self._skipped)

    def _read(self, folder: _Waiting) -> None:
        try:
            with tree.opened(self._bucket.fd, folder.path) as fd:
                found = heapq.nsmallest(self._most, self._children(fd, folder))
        except FileNotFoundError:
            return  # removed since it was seen
        for child in found:
            heapq.heappush(self._heap, child)
        if len(found) == self._most:
            last = found[-1].bound
            rest = dataclasses.replace(folder, bound=last, after=last)
            heapq.heappush(self._heap, rest)

    def _children(self, fd: int, folder: _Waiting) -> Iterator[_Waiting]:
        read = self._bucket.names.read
        with os.scandir(fd) as entries:
            for each in entries:
                # Half of all names are of bytes; they are in no listing.
                is_folder = not each.name.endswith(names.META)
                if is_folder and each.is_file(follow_symlinks=False):
                    continue
                entry = read(each.name, is_folder=is_folder)
                if entry is None:
                    continue
                if each.is_symlink():
                    raise _link(each.name)
                if is_folder and not each.is_dir(follow_symlinks=False):
                    continue
                child = _child(folder, entry, os.fsencode(each.name))
                if child.bound > folder.after and self._is_wanted(child):
                    yield child

    def _is_wanted(self, child: _Waiting) -> bool:
        base, marker = child.base, self._marker
        if self._is_skipped(base):
            return False
        if child.is_object:
            return base > marker and base.startswith(self._prefix)
        return (base > marker or marker.startswith(base)) and (
            base.startswith(self._prefix) or self._prefix.startswith(base)
        )


def _link(name: str) -> PermissionDenied:
    return PermissionDenied(
        f"{name!a} in the store is a symbolic link",
        hint="links are not followed, and a listing without what is behind"
        " it would be wrong: put what it leads to in its place",
    )


def _child(folder: _Waiting, entry: names.Entry, name: bytes) -> _Waiting:
    base = folder.base + entry.text
    if entry.kind is Kind.OBJECT:
        return _Waiting((base, 0), base, folder.path, is_object=True)
    if entry.kind is Kind.FOLDER:
        base += "/"
    number = 1 if entry.kind is Kind.FOLDER else 2
    return _Waiting(
        (base, number), base, (*folder.path, name), is_object=False
    )


def list_objects(
    bucket: Bucket,
    *,
    prefix: str = "",
    delimiter: str | None = None,
    marker: str = "",
    limit: int | None = None,
) -> ObjectPage:
    """Return one page; see the contract."""
    most = rules.page_size(limit)
    walk = _Walk(
        bucket, prefix=prefix, marker=marker, most=max(most + 1, _LEAST_KEPT)
    )
    objects: list[ObjectInfo] = []
    prefixes: list[str] = []
    last = ""
    with _Descriptions(bucket) as descriptions:
        for waiting in walk:
            key = waiting.base
            rolled = _rolled(key, prefix, delimiter)
            if rolled is not None:
                walk.skip(rolled)
                if rolled <= marker:
                    continue
            if len(objects) + len(prefixes) == most:
                return ObjectPage(
                    objects=objects, prefixes=prefixes, next_marker=last
                )
            if rolled is not None:
                prefixes.append(rolled)
                last = rolled
                continue
            record = descriptions.of(waiting)
            if record is not None:
                objects.append(record.info())
                last = key
    return ObjectPage(objects=objects, prefixes=prefixes)


def _rolled(key: str, prefix: str, delimiter: str | None) -> str | None:
    """Return the prefix that stands for a key; None if the key does."""
    if not delimiter:
        return None
    head, found, _tail = key[len(prefix) :].partition(delimiter)
    return prefix + head + delimiter if found else None


class _Descriptions:
    """Reads descriptions; keeps the folder of the last one open."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._path: tuple[bytes, ...] | None = None
        self._fd = -1

    def of(self, waiting: _Waiting) -> Record | None:
        """Return an object's description; None if it is gone."""
        key = waiting.base
        name = self._bucket.names.path(key).meta
        try:
            return load_in(self._folder(waiting.path), name, key)
        except FileNotFoundError:
            return None

    def _folder(self, path: tuple[bytes, ...]) -> int:
        if path != self._path:
            self._close()
            with tree.opened(self._bucket.fd, path) as fd:
                self._fd, self._path = os.dup(fd), path
        return self._fd

    def _close(self) -> None:
        if self._path is not None:
            os.close(self._fd)
            self._path = None

    def __enter__(self) -> _Descriptions:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()
