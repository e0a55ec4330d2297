# SPDX-License-Identifier: Apache-2.0
"""A container whose replicas lag and whose reads break, by script."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json

from onespace_core.provider import OnespaceError
from onespace_core.swift.source import (
    LocalKind,
    LocalManifest,
    LocalObject,
    ManifestError,
    Piece,
    SourceChangedError,
    SourceError,
)


def stamp(seconds, offset=0):
    """Return a timestamp in Swift's internal format."""
    text = f"{seconds:016.5f}"
    return f"{text}_{offset:016x}" if offset else text


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of an object; ``data=None`` is a tombstone.

    :param pieces: of a static large object; ``data`` is its manifest.
    :param dynamic: container and prefix of a dynamic large object.
    """

    timestamp: str
    data: bytes | None = b""
    metadata: tuple = ()
    content_type: str = "text/plain"
    kind: LocalKind = LocalKind.PLAIN
    etag: str | None = None
    system: tuple = ()
    delete_at: int | None = None
    headers: tuple = ()
    pieces: tuple = ()
    members: tuple = ()
    dynamic: tuple | None = None

    def info(self, name):
        return LocalObject(
            name=name,
            timestamp=self.timestamp,
            size=len(self.data),
            etag=self.etag or md5(self.data),
            content_type=self.content_type,
            metadata=dict(self.metadata),
            system=dict(self.system),
            kind=self.kind,
            delete_at=self.delete_at,
            headers=dict(self.headers),
        )


class FakeReader:
    """An open version; ``cut`` bytes of it pass, then it breaks."""

    def __init__(self, source, info, data, cut):
        self.info = info
        self.closed = 0
        self._source = source
        self.stream = _Stream(data, cut)
        source.opened.append(self)

    def close(self):
        self.closed += 1


class _Stream:
    def __init__(self, data, cut):
        self._bytes = io.BytesIO(data)
        self._left = cut

    def read(self, size=-1, /):
        if self._left is None:
            return self._bytes.read(size)
        if self._left == 0:
            raise SourceError("reading broke off")
        whole = size < 0
        data = self._bytes.read(self._left if whole else min(size, self._left))
        self._left -= len(data)
        if whole and self._left == 0:
            raise SourceError("reading broke off")
        return data

    def close(self):
        pass


class FakeSource:
    """Objects by name, each with the versions that replicas have.

    A read with ``newest`` gives the newest; another gives what ``script``
    names next (an index into the versions, oldest first; an exception is
    raised; None is a 404), and the newest where the script has ended.

    :param container: its name; ``sibling`` gives others of the account,
        each a FakeSource of its own.
    :ivar calls: all that was asked for, in order: ``("head" or "open",
        name, newest)``, ``("manifest", name, None)`` and ``("delete", name,
        timestamp)``.
    :ivar spans: the span of every open.
    :ivar policies: the policy index of every call.
    :ivar broken: what every call raises, if set.
    :ivar errors: by ``(op, name)``, what the next such calls raise.
    :ivar cuts: by name, after how many bytes the next streams break.
    :ivar longer: by name, bytes that a stream has beyond its size.
    :ivar on_read: called with op, name and newest before each answer; may
        write.
    """

    def __init__(self, container="c", account=None):
        self.container = container
        self.broken = None
        self.versions = {}
        self.script = []
        self.calls = []
        self.spans = []
        self.policies = []
        self.opened = []
        self.errors = {}
        self.cuts = {}
        self.longer = {}
        self.on_read = None
        self._account = {} if account is None else account
        self._account[container] = self

    # -- what clients of the cluster do --------------------------------------

    def put(self, name, seconds, data=b"x", **changes):
        """Add a newer version; return it."""
        version = Version(stamp(seconds), data, **changes)
        self.versions.setdefault(name, []).append(version)
        return version

    def put_slo(self, name, seconds, *segments, **changes):
        """Add a static large object; return the version.

        :param segments: pieces, or ``(container, name)`` of plain objects,
            which are taken whole.
        """
        pieces = tuple(
            segment
            if isinstance(segment, Piece)
            else self.sibling(segment[0]).piece(segment[1])
            for segment in segments
        )
        raw = json.dumps(
            [
                {
                    "name": f"/{piece.container}/{piece.name}",
                    "hash": piece.etag,
                    "bytes": piece.size,
                    "range": f"{piece.first}-{piece.last}",
                }
                for piece in pieces
            ]
        )
        changes.setdefault("members", _members(pieces))
        return self.put(
            name,
            seconds,
            raw.encode(),
            kind=LocalKind.SLO,
            pieces=pieces,
            **changes,
        )

    def put_dlo(self, name, seconds, container, prefix, **changes):
        """Add a dynamic large object; return the version."""
        changes.setdefault("data", b"")
        return self.put(
            name,
            seconds,
            kind=LocalKind.DLO,
            dynamic=(container, prefix),
            **changes,
        )

    def remove(self, name, seconds):
        """Let a client delete an object; return the tombstone."""
        return self.put(name, seconds, None)

    def piece(self, name, first=0, last=None):
        """Return the newest version of a plain object as a piece."""
        info = self.versions[name][-1].info(name)
        return Piece(
            container=self.container,
            name=name,
            size=info.size,
            etag=info.etag,
            first=first,
            last=info.size - 1 if last is None else last,
        )

    # -- what the engine asks for --------------------------------------------

    def head(self, name, *, policy_index=None, newest):
        version = self._read("head", name, newest, policy_index)
        return version and version.info(name)

    def open(self, name, *, policy_index=None, newest, span=None):
        self.spans.append(span)
        version = self._read("open", name, newest, policy_index)
        if version is None:
            return None
        cut = self.cuts.get(name, [])
        data = version.data
        if span is not None:
            first, last = span
            if not 0 <= first <= last < len(data):
                raise SourceError("local GET answered 416")
            data = data[first : last + 1]
        data += self.longer.get(name, b"")
        return FakeReader(
            self, version.info(name), data, cut.pop(0) if cut else None
        )

    def manifest(self, local, *, policy_index=None):
        self._begin("manifest", local.name, None, policy_index)
        version = self._newest(local.name)
        if version is None or version.info(local.name) != local:
            raise SourceChangedError(f"{local.name} changed")
        pieces, members = version.pieces, version.members
        if version.dynamic is not None:
            pieces = self.sibling(version.dynamic[0]).listed(
                version.dynamic[1]
            )
            members = _members(pieces)
        elif version.kind is not LocalKind.SLO:
            raise ManifestError(f"{local.name} is no large object")
        return LocalManifest(
            info=local,
            pieces=pieces,
            raw=version.data,
            dynamic=version.dynamic,
            members=members,
        )

    def sibling(self, container):
        return self._account.get(container) or FakeSource(
            container, self._account
        )

    def delete(self, name, seconds=None, *, timestamp=None, policy_index=None):
        """Delete as Swift does; with ``seconds``, the same as ``remove``."""
        if seconds is not None:
            return self.remove(name, seconds)
        self._begin("delete", name, timestamp, policy_index)
        version = self._newest(name)
        if version is None or version.timestamp >= timestamp:
            return False
        self.versions[name].append(Version(timestamp, None))
        return True

    # ------------------------------------------------------------------------

    def listed(self, prefix):
        """Return the objects that begin with a prefix, as pieces."""
        return tuple(
            self.piece(name)
            for name in sorted(self.versions, key=str.encode)
            if name.startswith(prefix)
            and self._newest(name) is not None
            and self._newest(name).data
        )

    def _newest(self, name):
        versions = self.versions.get(name)
        if not versions or versions[-1].data is None:
            return None
        return versions[-1]

    def _begin(self, op, name, detail, policy_index):
        self.policies.append(policy_index)
        if self.broken is not None:
            raise self.broken
        self.calls.append((op, name, detail))
        if self.on_read is not None:
            self.on_read(op, name, detail)
        if self.errors.get((op, name)):
            raise self.errors[op, name].pop(0)

    def _read(self, op, name, newest, policy_index):
        self._begin(op, name, newest, policy_index)
        versions = self.versions.get(name, [])
        step = -1
        if not newest and self.script:
            step = self.script.pop(0)
        if isinstance(step, OnespaceError):
            raise step
        if step is None or not versions:
            return None
        version = versions[step]
        return None if version.data is None else version


def _members(pieces):
    found = {
        (piece.container, piece.name, piece.etag): None
        for piece in pieces
        if piece.data is None
    }
    return tuple(found)
