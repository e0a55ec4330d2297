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
    :param etag: MD5 of the body, lower case.
    :param metadata: user metadata, names lower case, values text.
    :param system: see :data:`onespace_core.provider.SYSTEM_HEADERS`.
    """

    name: str
    timestamp: str
    size: int
    etag: str
    content_type: str
    metadata: Mapping[str, str]
    system: Mapping[str, str]
    kind: LocalKind = LocalKind.PLAIN


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

    Both calls raise :class:`SourceError` if the cluster does not answer.
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
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> LocalReader | None:
        """Open the object for reading, or return None; likewise."""
        ...


class SourceError(OnespaceError):
    """The local cluster did not answer as it should; may work later."""


class SourceChangedError(SourceError):
    """The object changed while it was being read; read it again."""
