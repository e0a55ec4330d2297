# SPDX-License-Identifier: Apache-2.0
"""Reading what local large objects are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any

from onespace_core.swift.manifests import (
    MAX_PIECES,
    Entry,
    StaticManifest,
    dynamic_target,
    flatten,
    listed_piece,
    md5,
    parse_static,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    LocalObject,
    LocalReader,
    ManifestError,
    Piece,
    Source,
    SourceChangedError,
    SourceError,
)

#: Bytes of all the manifests of one large object. Each is in memory.
MAX_BYTES = 64 * 2**20

#: Lists what a container has under a prefix, in order; None: no container.
Listing = Callable[[str, str], Iterable[Mapping[str, Any]] | None]


def read_manifest(
    source: Source,
    container: str,
    local: LocalObject,
    policy_index: int | None,
    listing: Listing,
) -> LocalManifest:
    """See :meth:`onespace_core.swift.source.Source.manifest`.

    Segments are not asked for: who reads a piece compares the version that
    it opened. A nested manifest is read, from another replica if the first
    has not the one that the manifest around it names.

    :param source: the object's container.
    :param container: its name.
    :param listing: of containers of the same account.
    """
    reading = _Reading(source, container)
    info, raw = reading.version(local, policy_index)
    if info.kind is LocalKind.SLO:
        return reading.static(info, raw)
    if info.kind is LocalKind.DLO:
        return reading.dynamic(info, raw, listing)
    message = f"{info.name} is a {info.kind.value}, no large object"
    raise ManifestError(message)


class _Reading:
    """The reading of one large object."""

    def __init__(self, source: Source, container: str) -> None:
        self._source = source
        self._container = container
        self._bytes_left = MAX_BYTES
        self._nested: dict[tuple[str, str], StaticManifest] = {}
        self._members: dict[tuple[str, str], str] = {}

    def version(
        self, local: LocalObject, policy_index: int | None
    ) -> tuple[LocalObject, bytes]:
        """Return this version and its stored body."""
        # The first replica that answers may have another version.
        for newest in (False, True):
            reader = self._source.open(
                local.name, policy_index=policy_index, newest=newest
            )
            if reader is None:
                continue
            with closing(reader):
                info = reader.info
                if _version(info) == _version(local):
                    return info, self._body(local.name, reader)
        message = f"{local.name} changed before its manifest was read"
        raise SourceChangedError(message)

    def static(self, info: LocalObject, raw: bytes) -> LocalManifest:
        manifest = parse_static(info.name, raw)
        place = self._container, info.name
        pieces = []
        for piece in flatten(place, manifest, self._inner):
            pieces.append(piece)
            if piece.data is None:
                self._add(piece.container, piece.name, piece.etag)
        for entry in manifest.entries:
            if not entry.length and entry.data is None:
                self._add(*entry.place, entry.etag)
        return self._result(info, raw, pieces)

    def dynamic(
        self, info: LocalObject, raw: bytes, listing: Listing
    ) -> LocalManifest:
        target = dynamic_target(info.name, info.headers["x-object-manifest"])
        container, prefix = target
        rows = listing(container, prefix)
        if rows is None:
            message = f"container {container} of {info.name} is missing"
            raise ManifestError(message)
        pieces = []
        for number, row in enumerate(rows):
            if number == MAX_PIECES:
                message = f"{info.name} has more than {MAX_PIECES} segments"
                raise ManifestError(message)
            piece = listed_piece(container, row)
            if piece.length:
                pieces.append(piece)
            if (container, piece.name) != (self._container, info.name):
                self._add(container, piece.name, piece.etag)
        return self._result(info, raw, pieces, target)

    def _inner(self, entry: Entry) -> StaticManifest:
        known = self._nested.get(entry.place)
        if known is None:
            known = self._read_inner(entry)
            self._nested[entry.place] = known
        if known.etag != entry.etag:
            message = f"segment {_label(entry)} is named with two ETags"
            raise ManifestError(message)
        return known

    def _read_inner(self, entry: Entry) -> StaticManifest:
        source = self._source.sibling(entry.container)
        problem = "is missing"
        for newest in (False, True):
            reader = source.open(entry.name, newest=newest)
            if reader is None:
                continue
            with closing(reader):
                problem = "is no static large object any more"
                if reader.info.kind is LocalKind.SLO:
                    raw = self._body(_label(entry), reader)
                    manifest = parse_static(_label(entry), raw)
                    if manifest.etag == entry.etag:
                        self._add(*entry.place, reader.info.etag)
                        return manifest
                    problem = f"is another one by now, not {entry.etag}"
        message = f"segment {_label(entry)} {problem}"
        raise ManifestError(message)

    def _body(self, label: str, reader: LocalReader) -> bytes:
        self._bytes_left -= reader.info.size
        if self._bytes_left < 0:
            message = f"{label} and its manifests are above {MAX_BYTES} bytes"
            raise ManifestError(message)
        raw = reader.stream.read()
        if md5(raw) != reader.info.etag:
            message = f"the manifest of {label} was not read as it was stored"
            raise SourceError(message)
        return raw

    def _add(self, container: str, name: str, etag: str) -> None:
        if self._members.setdefault((container, name), etag) != etag:
            message = f"segment {container}/{name} is named with two MD5s"
            raise ManifestError(message)

    def _result(
        self,
        info: LocalObject,
        raw: bytes,
        pieces: list[Piece],
        target: tuple[str, str] | None = None,
    ) -> LocalManifest:
        return LocalManifest(
            info=info,
            pieces=tuple(pieces),
            raw=raw,
            dynamic=target,
            members=tuple(
                (container, name, etag)
                for (container, name), etag in self._members.items()
            ),
        )


def _label(entry: Entry) -> str:
    return f"{entry.container}/{entry.name}"


def _version(info: LocalObject) -> tuple[str, str]:
    return info.timestamp, info.etag
