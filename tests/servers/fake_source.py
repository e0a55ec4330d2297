# SPDX-License-Identifier: Apache-2.0
"""A container whose replicas lag and whose reads break, by script."""

from __future__ import annotations

import dataclasses
import hashlib
import io

from onespace_core.provider import OnespaceError
from onespace_core.swift.source import LocalKind, LocalObject, SourceError


def stamp(seconds, offset=0):
    """Return a timestamp in Swift's internal format."""
    text = f"{seconds:016.5f}"
    return f"{text}_{offset:016x}" if offset else text


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of an object; ``data=None`` is a tombstone."""

    timestamp: str
    data: bytes | None = b""
    metadata: tuple = ()
    content_type: str = "text/plain"
    kind: LocalKind = LocalKind.PLAIN
    etag: str | None = None

    def info(self, name):
        digest = hashlib.md5(self.data, usedforsecurity=False).hexdigest()
        return LocalObject(
            name=name,
            timestamp=self.timestamp,
            size=len(self.data),
            etag=self.etag or digest,
            content_type=self.content_type,
            metadata=dict(self.metadata),
            system={},
            kind=self.kind,
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
        data = self._bytes.read(min(size, self._left) if size > 0 else -1)
        self._left -= len(data)
        return data

    def close(self):
        pass


class FakeSource:
    """Objects by name, each with the versions that replicas have.

    A read with ``newest`` gives the newest; another gives what ``script``
    names next (an index into the versions, oldest first; an exception is
    raised; None is a 404), and the newest where the script has ended.

    :ivar calls: every read: ``("head" or "open", name, newest)``.
    :ivar cuts: by name, after how many bytes the next streams break.
    :ivar longer: by name, bytes that a stream has beyond its size.
    :ivar on_open: called before each open; may write.
    """

    def __init__(self):
        #: What every call raises, if set.
        self.broken = None
        self.versions = {}
        self.script = []
        self.calls = []
        self.policies = []
        self.opened = []
        self.cuts = {}
        self.longer = {}
        self.on_read = None

    def put(self, name, seconds, data=b"x", **changes):
        """Add a newer version; return it."""
        version = Version(stamp(seconds), data, **changes)
        self.versions.setdefault(name, []).append(version)
        return version

    def delete(self, name, seconds):
        return self.put(name, seconds, None)

    def _pick(self, op, name, newest):
        if self.broken is not None:
            raise self.broken
        self.calls.append((op, name, newest))
        if self.on_read is not None:
            self.on_read(op, name, newest)
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

    def head(self, name, *, policy_index=None, newest):
        self.policies.append(policy_index)
        version = self._pick("head", name, newest)
        return version and version.info(name)

    def open(self, name, *, policy_index=None, newest):
        self.policies.append(policy_index)
        version = self._pick("open", name, newest)
        if version is None:
            return None
        cut = self.cuts.get(name, [])
        data = version.data + self.longer.get(name, b"")
        return FakeReader(
            self, version.info(name), data, cut.pop(0) if cut else None
        )
