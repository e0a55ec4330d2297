# SPDX-License-Identifier: Apache-2.0
"""Manifests of large objects, without any I/O.

Swift's forms are those of its ``slo`` and ``dlo`` middleware: a static one is
stored as a JSON list, a dynamic one is a header with a container and a
prefix, URL-encoded.
"""

from __future__ import annotations

import base64
import bisect
import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from onespace_core.swift.source import ManifestError, Piece

#: Manifests within each other, the outermost counted: as many as Swift reads.
MAX_LEVELS = 10
#: Pieces of one large object; Swift lets a manifest name a thousand.
MAX_PIECES = 100_000

_RANGE = re.compile(r"(\d+)-(\d+)")
_SWIFT_BYTES = re.compile(r';\s*swift_bytes="?(\d+)"?\s*(?:;|$)')
_TRUE = frozenset(("true", "1", "yes", "on", "t", "y"))


def md5(data: bytes) -> str:
    """Return the MD5 in hex, as Swift's ETags have it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One segment that a static manifest names.

    :param size: bytes of the whole segment; of a nested large object, what
        it gives to a client.
    :param etag: MD5 of a plain object; a nested one's own ETag.
    :param first: first byte that counts.
    :param last: last one, inclusive; before ``first`` if there is none.
    :param nested: whether it is a static large object itself.
    :param data: the bytes, where the manifest has them inside.
    :param digest: what it adds to the ETag of the large object.
    """

    container: str
    name: str
    size: int
    etag: str
    first: int
    last: int
    digest: str
    nested: bool = False
    data: bytes | None = None

    @property
    def length(self) -> int:
        """Bytes that count."""
        return self.last - self.first + 1

    @property
    def place(self) -> tuple[str, str]:
        """Container and name."""
        return self.container, self.name


class StaticManifest:
    """A manifest that was parsed.

    :ivar size: bytes of the large object.
    :ivar etag: the large object's own, which Swift gives to a client.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        ends = list(itertools.accumulate(e.length for e in self.entries))
        self.size = ends[-1] if ends else 0
        self._starts = [0, *ends[:-1]]
        self.etag = md5("".join(e.digest for e in self.entries).encode())

    def within(
        self, first: int, last: int
    ) -> Iterator[tuple[Entry, int, int]]:
        """Give the entries that hold these bytes of the large object.

        :returns: entry, and first and last byte that count of it; those
            without bytes are left out.
        """
        index = max(bisect.bisect_right(self._starts, first) - 1, 0)
        for at in range(index, len(self.entries)):
            start, entry = self._starts[at], self.entries[at]
            if start > last:
                return
            if entry.length:
                low = max(first - start, 0)
                high = min(last - start, entry.length - 1)
                yield entry, entry.first + low, entry.first + high


def parse_static(name: str, raw: bytes) -> StaticManifest:
    """Parse the stored body of a static large object.

    :param name: of the object, for messages.
    :raises ManifestError: Swift could not read it either.
    """
    try:
        found = json.loads(raw)
    except ValueError as exc:
        message = f"the manifest of {name} is no JSON"
        raise ManifestError(message) from exc
    if not isinstance(found, list):
        message = f"the manifest of {name} is no list"
        raise ManifestError(message)
    return StaticManifest(
        _entry(f"entry {number} of the manifest of {name}", item)
        for number, item in enumerate(found)
    )


def _entry(label: str, item: Any) -> Entry:
    try:
        return _inline(item) if "data" in item else _segment(item)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        message = f"{label} cannot be read: {exc}"
        raise ManifestError(message) from exc


def _inline(item: Mapping[str, Any]) -> Entry:
    data = base64.b64decode(item["data"], validate=True)
    digest = md5(data)
    return Entry(
        container="",
        name="",
        size=len(data),
        etag=digest,
        first=0,
        last=len(data) - 1,
        digest=digest,
        data=data,
    )


def _segment(item: Mapping[str, Any]) -> Entry:
    # The path is in the manifest as it is; nothing of it is URL-encoded.
    container, slash, name = item["name"].lstrip("/").partition("/")
    if not (container and slash and name):
        message = f"{item['name']!r} is no path of an object"
        raise ValueError(message)
    nested = str(item.get("sub_slo", "")).lower() in _TRUE
    size = int(item["bytes"])
    # Old manifests have the size of the nested manifest itself there.
    told = _SWIFT_BYTES.search(item.get("content_type") or "")
    if nested and told:
        size = int(told[1])
    etag = item["hash"].strip('"').lower()
    first, last, digest = 0, size - 1, etag
    if item.get("range") is not None:
        digest = f"{etag}:{item['range']};"
        found = _RANGE.fullmatch(item["range"])
        if found is None or not int(found[1]) <= int(found[2]) < size:
            message = f"range {item['range']!r} of {size} bytes"
            raise ValueError(message)
        first, last = int(found[1]), int(found[2])
    if size < 0:
        message = f"{size} bytes"
        raise ValueError(message)
    return Entry(
        container=container,
        name=name,
        size=size,
        etag=etag,
        first=first,
        last=last,
        digest=digest,
        nested=nested,
    )


def flatten(
    place: tuple[str, str],
    manifest: StaticManifest,
    nested: Callable[[Entry], StaticManifest],
) -> Iterator[Piece]:
    """Give the pieces of a static large object in order.

    :param place: container and name of its manifest.
    :param nested: returns the manifest of an entry; is asked as often as
        the entry occurs.
    :raises ManifestError: too many pieces or levels, a manifest that
        contains itself, or one with fewer bytes than another relies on.
    """
    # Each entry that is visited gives a piece at least, so their number
    # bounds the work too, whatever refers to whatever.
    whole = _slice((place,), manifest, 0, manifest.size - 1, nested)
    for number, piece in enumerate(whole):
        if number == MAX_PIECES:
            message = f"{place[1]} has more than {MAX_PIECES} pieces"
            raise ManifestError(message)
        yield piece


def _slice(
    path: tuple[tuple[str, str], ...],
    manifest: StaticManifest,
    first: int,
    last: int,
    nested: Callable[[Entry], StaticManifest],
) -> Iterator[Piece]:
    for entry, low, high in manifest.within(first, last):
        if entry.data is not None:
            yield _of_bytes(entry.data[low : high + 1])
        elif entry.nested:
            _check_path(path, entry)
            inner = nested(entry)
            if high >= inner.size:
                message = (
                    f"segment {entry.container}/{entry.name} has "
                    f"{inner.size} bytes, not {entry.size}"
                )
                raise ManifestError(message)
            yield from _slice((*path, entry.place), inner, low, high, nested)
        else:
            yield Piece(
                container=entry.container,
                name=entry.name,
                size=entry.size,
                etag=entry.etag,
                first=low,
                last=high,
            )


def _check_path(path: tuple[tuple[str, str], ...], entry: Entry) -> None:
    label = f"segment {entry.container}/{entry.name}"
    if entry.place in path:
        message = f"{label} contains itself"
        raise ManifestError(message)
    if len(path) >= MAX_LEVELS:
        message = f"{label} is nested more than {MAX_LEVELS} deep"
        raise ManifestError(message)


def _of_bytes(data: bytes) -> Piece:
    return Piece(
        container="",
        name="",
        size=len(data),
        etag=md5(data),
        first=0,
        last=len(data) - 1,
        data=data,
    )


# -- dynamic ones ------------------------------------------------------------


def dynamic_target(name: str, header: str) -> tuple[str, str]:
    """Return container and prefix of an ``X-Object-Manifest``.

    The whole header is decoded before it is split, as Swift does it.

    :param name: of the object, for messages.
    :param header: its value, as text.
    :raises ManifestError: Swift could not follow it either.
    """
    try:
        text = unquote(header, errors="strict")
    except UnicodeDecodeError as exc:
        message = f"X-Object-Manifest of {name} is no UTF-8"
        raise ManifestError(message) from exc
    container, slash, prefix = text.partition("/")
    if not (container and slash):
        message = f"X-Object-Manifest of {name} is not container/prefix"
        raise ManifestError(message)
    return container, prefix


def listed_piece(container: str, row: Mapping[str, Any]) -> Piece:
    """Return a row of a container's listing as a piece; it may be empty.

    A dynamic large object, itself or another one, gives its stored body as a
    segment: what the listing says. A static one and a symlink give a client
    of Swift other bytes than are listed: the beginning of a JSON text, or
    too few. Nobody wants a copy of that.

    :param row: of the JSON listing, whatever filters the proxy has.
    :raises ManifestError: it is a static large object or a symlink.
    """
    name = row["name"]
    etag, *parameters = (part.strip() for part in row["hash"].split(";"))
    noted = {parameter.partition("=")[0] for parameter in parameters}
    for sign, kind in _UNSERVED.items():
        if sign in noted or sign in row:
            message = (
                f"segment {container}/{name} of a dynamic large object is "
                f"{kind}, which Swift does not serve as one"
            )
            raise ManifestError(message)
    return Piece(
        container=container,
        name=name,
        size=row["bytes"],
        etag=etag.strip('"').lower(),
        first=0,
        last=row["bytes"] - 1,
    )


#: Parameters of a hash, which the filters of a proxy turn into names.
_UNSERVED = {
    "slo_etag": "a static large object",
    "symlink_target": "a symlink",
    "symlink_path": "a symlink",
}
