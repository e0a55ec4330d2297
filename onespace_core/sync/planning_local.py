# SPDX-License-Identifier: Apache-2.0
"""The local cluster as a plan sees it: read, and never written to."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from onespace_core.swift.internal import LocalSwift
from onespace_core.swift.source import (
    LocalManifest,
    LocalObject,
    LocalReader,
    Source,
    SourceError,
)
from onespace_core.sync.planning_book import Tally


class ReadingSwift(LocalSwift):
    """Refuses every request that could change the cluster."""

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        *,
        acceptable: Collection[int] = (2, 404),
    ) -> Any:  # a swob Response; Swift has no types
        """See :meth:`LocalSwift.request`.

        :raises SourceError: also if it is not a read.
        """
        if method not in ("GET", "HEAD"):
            message = f"a plan makes no local {method}"
            raise SourceError(message)
        return super().request(
            method, path, headers, params, acceptable=acceptable
        )


class _Unread:
    """A stream that nobody reads, since nothing is sent."""

    def read(self, size: int = -1, /) -> NoReturn:
        """Refuse.

        :raises SourceError: always.
        """
        del size
        message = "a plan reads no bytes"
        raise SourceError(message)

    def close(self) -> None:
        """Do nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Closed:
    """An object that was looked at instead of opened."""

    info: LocalObject
    stream: _Unread

    def close(self) -> None:
        """Do nothing."""


class PlanningSource:
    """A local container; notes deletions, and makes none.

    Bodies stay where they are: to open an object is to look at it. (A large
    object's manifest is read.)

    :param tally: where deletions are noted.
    :param container: its name, for the names there.
    """

    def __init__(self, source: Source, tally: Tally, container: str) -> None:
        self._source = source
        self._tally = tally
        self._container = container

    def head(
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> LocalObject | None:
        """See :class:`Source`."""
        return self._source.head(
            name, policy_index=policy_index, newest=newest
        )

    def open(
        self,
        name: str,
        *,
        policy_index: int | None = None,
        newest: bool,
        span: tuple[int, int] | None = None,
    ) -> LocalReader | None:
        """See :class:`Source`; what it returns cannot be read."""
        del span
        info = self._source.head(
            name, policy_index=policy_index, newest=newest
        )
        return None if info is None else _Closed(info, _Unread())

    def manifest(
        self, local: LocalObject, *, policy_index: int | None = None
    ) -> LocalManifest:
        """See :class:`Source`."""
        return self._source.manifest(local, policy_index=policy_index)

    def sibling(self, container: str) -> Source:
        """See :class:`Source`."""
        return PlanningSource(
            self._source.sibling(container), self._tally, container
        )

    def delete(
        self,
        name: str,
        *,
        timestamp: str,
        policy_index: int | None = None,
    ) -> bool:
        """See :class:`Source`; nothing is deleted."""
        found = self._source.head(name, policy_index=policy_index, newest=True)
        if found is None or found.timestamp >= timestamp:
            return False
        self._tally.gone_here(f"{self._container}/{name}", found.size)
        return True
