# SPDX-License-Identifier: Apache-2.0
"""What a listing is made of.

An entry keeps what Swift's JSON says of it as it is. So a local entry is
shown exactly as Swift alone would show it, fields that onespace does not
know among them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from onespace_core.provider import OnespaceError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class ListingBroken(OnespaceError):
    """An answer is no listing, or does not go on as a listing does."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing; always of one of the classes below.

    :param name: the name of the object or container, or the whole subdir.
    :param record: what Swift's JSON says, keys in its order.
    :param locations: where it is: empty for what is local and nowhere else,
        else what ``content_location`` says.
    """

    name: str
    record: Mapping[str, Any]
    locations: tuple[str, ...] = ()

    def shown(self) -> Mapping[str, Any]:
        """Return the record with ``content_location`` last, if due."""
        if not self.locations:
            return self.record
        return {**self.record, "content_location": list(self.locations)}

    def at(self, *locations: str) -> Self:
        """Return the same entry with other locations."""
        return dataclasses.replace(self, locations=locations)


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectEntry(Entry):
    """An object."""

    @classmethod
    def of(
        cls,
        name: str,
        *,
        size: int,
        etag: str | None,
        content_type: str | None,
        last_modified: datetime.datetime | None,
        location: str,
    ) -> ObjectEntry:
        """Return an object of the remote.

        What the store does not say is as empty as Swift has it: an empty
        hash, ``application/octet-stream``, the epoch.
        """
        record = {
            "bytes": size,
            "hash": etag or "",
            "name": name,
            "content_type": content_type or "application/octet-stream",
            "last_modified": listed_time(last_modified),
        }
        return cls(name, record, (location,))


@dataclasses.dataclass(frozen=True, slots=True)
class SubdirEntry(Entry):
    """All names that go on after a delimiter, as one."""

    @classmethod
    def of(cls, name: str, *locations: str) -> SubdirEntry:
        """Return a subdir; its name ends in the delimiter."""
        return cls(name, {"subdir": name}, locations)


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerEntry(Entry):
    """A container, or a bucket that stands for one."""

    @classmethod
    def of(
        cls,
        name: str,
        *,
        count: int | None,
        size: int | None,
        last_modified: datetime.datetime | None,
        location: str,
    ) -> ContainerEntry:
        """Return a container of the remote; what is not known is 0."""
        record = {
            "name": name,
            "count": count or 0,
            "bytes": size or 0,
            "last_modified": listed_time(last_modified),
        }
        return cls(name, record, (location,))


def local_entries(
    records: Iterable[Mapping[str, Any]], *, account: bool = False
) -> Iterator[Entry]:
    """Yield the entries of a listing that Swift gave as JSON.

    :param records: the parsed JSON.
    :param account: the listing is of an account's containers.
    :raises ListingBroken: something in it is no entry.
    """
    kind = ContainerEntry if account else ObjectEntry
    for record in records:
        try:
            if "subdir" in record:
                yield SubdirEntry(record["subdir"], record)
            else:
                yield kind(record["name"], record)
        except (KeyError, TypeError) as exc:
            raise ListingBroken("the local listing has no names") from exc


def listed_time(moment: datetime.datetime | None) -> str:
    """Return a time as Swift's listings write it: UTC, no zone named."""
    moment = (moment or _EPOCH).astimezone(datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
