# SPDX-License-Identifier: Apache-2.0
"""The seam between the engine and the local Swift.

The engine reads local objects only through :class:`Source`. Today
InternalClient stands behind it; a mover that reads the disk can.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Protocol

from onespace_core.provider import OnespaceError, Stream


class LocalKind(enum.Enum):
    """What a local object is."""

    PLAIN = "plain object"
    SLO = "static large object"
    DLO = "dynamic large object"
    SYMLINK = "symlink"
    ENCRYPTED = "encrypted object (internal_client_path lacks its keys)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalObject:
    """One version of a local object, without its bytes.

    :param timestamp: of the newest change, in Swift's internal format.
    :param size: bytes of the stored body; of a large object, its
        manifest's.
    :param etag: MD5 of the stored body, lower case.
    :param metadata: user metadata, names lower case, values text.
    :param system: see :data:`onespace_core.provider.SYSTEM_HEADERS`.
    :param delete_at: when Swift deletes it by itself, seconds since the
        epoch; None means never.
    :param versioned: it is the current one of several versions; deleting
        it here would leave their bytes.
    :param headers: all of them, names lower case; for criteria of
        operators.
    """

    name: str
    timestamp: str
    size: int
    etag: str
    content_type: str
    metadata: Mapping[str, str]
    system: Mapping[str, str]
    kind: LocalKind = LocalKind.PLAIN
    delete_at: int | None = None
    versioned: bool = False
    headers: Mapping[str, str] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of a plain local object, or bytes written in a manifest.

    :param container: where the object is, in the same account.
    :param name: its name; empty where ``data`` is given.
    :param size: bytes of the whole object.
    :param etag: MD5 of the whole object, lower case.
    :param first: first byte that counts.
    :param last: last one, inclusive.
    :param data: the bytes themselves ("inline" segments).
    """

    container: str
    name: str
    size: int
    etag: str
    first: int
    last: int
    data: bytes | None = None

    @property
    def length(self) -> int:
        """Bytes that count."""
        return self.last - self.first + 1

    @property
    def whole(self) -> bool:
        """Whether it is all of the object."""
        return self.length == self.size


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalManifest:
    """What a local large object is made of.

    :param info: the version of the manifest that was read.
    :param pieces: in order, with nested manifests resolved; none is empty.
    :param raw: the stored body: Swift's own JSON for a static one.
    :param dynamic: container and prefix of a dynamic one, decoded.
    :param members: container, name and MD5 of every object that it needs,
        nested manifests included, each once.
    """

    info: LocalObject
    pieces: tuple[Piece, ...]
    raw: bytes
    dynamic: tuple[str, str] | None = None
    members: tuple[tuple[str, str, str], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the large object."""
        return sum(piece.length for piece in self.pieces)


class LocalReader(Protocol):
    """A local object that is open; close it, read or not."""

    @property
    def info(self) -> LocalObject:
        """The version that is open."""
        ...

    @property
    def stream(self) -> Stream:
        """Its bytes: exactly ``info.size``, or an error."""
        ...

    def close(self) -> None:
        """Close it; twice is fine."""
        ...


class Source(Protocol):
    """The objects of one local container.

    Every call raises :class:`SourceError` if the cluster does not answer.
    """

    def head(
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> LocalObject | None:
        """Return the object, or None if it is not there.

        :param policy_index: storage policy to look in; None means the
            container's own.
        :param newest: whether to ask every replica, not the first that
            answers.
        """
        ...

    def open(
        self,
        name: str,
        *,
        policy_index: int | None = None,
        newest: bool,
        span: tuple[int, int] | None = None,
    ) -> LocalReader | None:
        """Open the object for reading, or return None; likewise.

        :param span: first and last byte, inclusive; ``info`` is the whole
            object's all the same. None means all.
        """
        ...

    def manifest(
        self, local: LocalObject, *, policy_index: int | None = None
    ) -> LocalManifest:
        """Read what a large object is made of.

        :param local: a version of kind SLO or DLO.
        :raises SourceChangedError: it is another version by now.
        :raises ManifestError: it cannot be put together as it is.
        """
        ...

    def sibling(self, container: str) -> Source:
        """Return another container of the account as a source."""
        ...

    def delete(
        self,
        name: str,
        *,
        timestamp: str,
        policy_index: int | None = None,
    ) -> bool:
        """Delete every version older than ``timestamp``, and none newer.

        :param timestamp: of the deletion, in Swift's internal format.
        :returns: whether one was deleted; False if it was gone already, or
            a newer one is there.
        """
        ...


class SourceError(OnespaceError):
    """The local cluster did not answer as it should; may work later."""


class SourceChangedError(SourceError):
    """The object changed while it was being read; read it again."""


class ManifestError(OnespaceError):
    """A large object whose manifest is broken, or asks for too much.

    For instance a segment is missing, has another size or MD5 than noted,
    or a manifest contains itself. The message names the segment.
    """
