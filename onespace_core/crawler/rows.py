# SPDX-License-Identifier: Apache-2.0
"""Rows of a container database, and whose work they are."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from swift.common.utils import decode_timestamps

_UNKNOWN = "0000000000.00000"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One object of a container, as its database knows it.

    A database holds one row for each name and policy: a change replaces it
    under a new ``rowid``. (Two policies have a name only while Swift's
    reconciler moves an object to the right one.) Timestamps are in Swift's
    internal format, which sorts as text.

    :param rowid: the row's number in *this* replica of the database.
    :param name: object name.
    :param deleted: whether this is a tombstone.
    :param timestamp: of the newest change: data, content type or metadata.
    :param data_timestamp: of the newest data.
    :param size: bytes.
    :param etag: MD5 of the body, or of the manifest.
    :param content_type: as listed.
    :param policy_index: storage policy the object was written with.
    """

    rowid: int
    name: str
    deleted: bool
    timestamp: str
    data_timestamp: str
    size: int
    etag: str
    content_type: str
    policy_index: int

    @property
    def metadata_changed(self) -> bool:
        """Whether the newest change left the data alone."""
        return self.timestamp > self.data_timestamp

    @property
    def seconds(self) -> float:
        """The time of the newest change, seconds since the epoch."""
        return float(self.timestamp.split("_")[0])


def row_from_record(record: Mapping[str, Any]) -> Row:
    """Return a row of what Swift's broker gives."""
    data, meta = _timestamps(record["created_at"])
    return Row(
        rowid=record["ROWID"],
        name=record["name"],
        deleted=bool(record["deleted"]),
        timestamp=meta,
        data_timestamp=data,
        size=record["size"],
        # Parameters follow the hash in a database that no middleware tidied.
        etag=record["etag"].split(";")[0].strip().strip('"'),
        content_type=record["content_type"],
        policy_index=record.get("storage_policy_index", 0),
    )


def _timestamps(created_at: str) -> tuple[str, str]:
    """Return the timestamps of data and of the newest change.

    One that cannot be read counts as the oldest of all: the object is then
    copied as it is, and a deletion gives way to everything newer. To raise
    would stop the container at this row for ever.
    """
    try:
        data, _content_type, meta = decode_timestamps(created_at)
    except (ValueError, TypeError):
        return _UNKNOWN, _UNKNOWN
    return data.internal, meta.internal


def older_than(rows: Sequence[Row], now: float, seconds: float) -> list[Row]:
    """Return the leading rows that are so old.

    A row from the future would block all behind it for as long; it is taken
    as it is.
    """
    old: list[Row] = []
    for row in rows:
        if 0 <= now - row.seconds < seconds:
            break
        old.append(row)
    return old


def share(name: str, replicas: int) -> int:
    """Return which replica's node does a row first.

    Depends on the name only, so that all replicas agree though they number
    their rows differently. The same function as 1space's, so that a mixed
    fleet does no work twice.
    """
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return int(digest[-6:], 16) % replicas
