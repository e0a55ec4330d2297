# SPDX-License-Identifier: Apache-2.0
"""What a plan has noted: requests, and objects as they would be."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Mapping

from onespace_core.provider import ObjectInfo

#: Objects that are remembered as they would be. Only those of the rows that
#: are under way have to be; and segments that many manifests share.
_MOST_OBJECTS = 10_000


class Tally:
    """The requests of one mapping, and the first names of each kind.

    :param limit: names that are kept of a kind, 0 or more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.requests: collections.Counter[str] = collections.Counter()
        self.names: dict[str, list[str]] = {}
        #: Bytes that the store would be sent, and keep.
        self.bytes = 0
        #: Bytes of PUTs that it would refuse, since something is there.
        self.refused = 0
        #: Objects at the store that would go, manifests beside others too.
        self.deleted = 0
        #: Local objects that would go, and their bytes.
        self.deleted_here = 0
        self.bytes_here = 0

    def request(self, kind: str) -> None:
        """Count a request."""
        self.requests[kind] += 1

    def name(self, kind: str, name: str) -> None:
        """Keep a name, if there is room for it."""
        kept = self.names.setdefault(kind, [])
        if len(kept) < self._limit:
            kept.append(name)

    def gone_here(self, name: str, size: int) -> None:
        """Note a deletion in the local cluster.

        :param size: bytes that it makes free.
        """
        self.deleted_here += 1
        self.bytes_here += size
        self.name("local delete", name)


@dataclasses.dataclass(slots=True)
class PlannedUpload:
    """An upload that was not begun, and the sizes of its parts."""

    metadata: Mapping[str, str]
    content_type: str | None
    system: Mapping[str, str]
    parts: dict[int, tuple[str, int]] = dataclasses.field(default_factory=dict)


#: Bucket (None: the provider's own) and key.
Place = tuple[str | None, str]


class Book:
    """One mapping's store as it would be; shared by all ways to it."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        #: Buckets that are there, and those that would be made.
        self.known: set[str | None] = set()
        self.made: set[str | None] = set()
        self.uploads: dict[str, PlannedUpload] = {}
        self._objects: collections.OrderedDict[
            Place, tuple[ObjectInfo | None, bool]
        ] = collections.OrderedDict()
        self._number = 0

    def note(
        self, place: Place, info: ObjectInfo | None, *, planned: bool = True
    ) -> None:
        """Remember an object; None means that there is none.

        :param planned: whether it would be so, or is.
        """
        self._objects[place] = info, planned
        self._objects.move_to_end(place)
        if len(self._objects) > _MOST_OBJECTS:
            self._objects.popitem(last=False)

    def found(self, place: Place) -> tuple[ObjectInfo | None, bool] | None:
        """Return what was noted of a place; None if nothing was.

        The second says whether it is only planned.
        """
        return self._objects.get(place)

    def invent(self) -> str:
        """Return an MD5 that no other answer of ours has."""
        self._number += 1
        text = f"planned {self._number}".encode()
        return hashlib.md5(text, usedforsecurity=False).hexdigest()
