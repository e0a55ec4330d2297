# SPDX-License-Identifier: Apache-2.0
"""Segments that perhaps nothing needs any more, until that is known."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterable, Iterator

from onespace_core.state.file import StateFile, marks
from onespace_core.state.model import ContainerKey

_COLUMNS = (
    "mapping, account, container, name, side, place, segment, version, etag, "
    "size, timestamp, manifest_etag, manifest_size, noted"
)
_BATCH = 1000


class Side(enum.Enum):
    """Which side a segment is on."""

    LOCAL = "local"
    REMOTE = "remote"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A segment whose manifest has gone, or is about to.

    :param key: the container of the manifest; a shard's root.
    :param manifest: its name, for messages and to look for the copy.
    :param place: container or bucket of the segment.
    :param name: the segment's name or key.
    :param version: a local one's timestamp, in Swift's internal format;
        empty for a remote one.
    :param etag: MD5 of its bytes.
    :param size: its bytes.
    :param timestamp: of the manifest that was copied; empty if remote.
    :param manifest_etag: what its copy is stamped with.
    :param manifest_size: bytes of the large object.
    :param noted: seconds since the epoch.
    """

    side: Side
    key: ContainerKey
    manifest: str
    place: str
    name: str
    version: str
    etag: str
    size: int
    timestamp: str
    manifest_etag: str
    manifest_size: int
    noted: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What the last sweep of a mapping came to.

    :param ended: seconds since the epoch.
    :param took: seconds.
    :param deleted: segments that are gone.
    :param needed: those that something refers to; they were struck.
    :param kept: those that stay noted.
    :param reason: why it was broken off, or why some stay; empty: all well.
    """

    ended: float
    took: float = 0.0
    deleted: int = 0
    needed: int = 0
    kept: int = 0
    reason: str = ""


class Garbage(StateFile):
    """Candidates by side, place and name; a later note replaces an earlier.

    Like receipts they outlive a mapping that is taken out of the file: they
    are all that is known of what it left.
    """

    def note_garbage(self, candidates: Iterable[Candidate]) -> None:
        """Note segments; on the disk when this returns.

        :raises StateError: nothing was noted; let no manifest go.
        """
        rows = [_row(each) for each in candidates]
        if not rows:
            return
        with self._transaction(durable=True):
            self._connection.executemany(
                f"INSERT OR REPLACE INTO garbage ({_COLUMNS}) "
                f"VALUES ({marks(14)})",
                rows,
            )

    def garbage(
        self, mapping: str, side: Side, before: float
    ) -> Iterator[Candidate]:
        """Give the candidates of a mapping that were noted before a time.

        They are in the order of their places and names.
        """
        place, segment = "", ""
        while True:
            rows = self._execute(
                f"SELECT {_COLUMNS} FROM garbage WHERE mapping = ? AND "
                "side = ? AND noted <= ? AND (place, segment) > (?, ?) "
                "ORDER BY place, segment LIMIT ?",
                (mapping, side.value, before, place, segment, _BATCH),
            )
            for row in rows:
                yield _candidate(row)
            if len(rows) < _BATCH:
                return
            place, segment = rows[-1][5:7]

    def has_garbage(self, mapping: str, side: Side, before: float) -> bool:
        """Return whether any was noted before a time."""
        return bool(
            self._execute(
                "SELECT 1 FROM garbage WHERE mapping = ? AND side = ? "
                "AND noted <= ? LIMIT 1",
                (mapping, side.value, before),
            )
        )

    def strike_garbage(self, candidates: Iterable[Candidate]) -> None:
        """Strike candidates, unless they were noted again meanwhile."""
        with self._transaction():
            self._connection.executemany(
                "DELETE FROM garbage WHERE mapping = ? AND side = ? AND "
                "place = ? AND segment = ? AND noted = ?",
                [
                    (c.key.mapping, c.side.value, c.place, c.name, c.noted)
                    for c in candidates
                ],
            )

    def garbage_noted(self) -> dict[tuple[str, Side], int]:
        """Return how many candidates each mapping has, by side."""
        rows = self._execute(
            "SELECT mapping, side, count(*) FROM garbage GROUP BY 1, 2"
        )
        return {(row[0], Side(row[1])): row[2] for row in rows}

    # -- sweeps -----------------------------------------------------------

    def save_sweep(
        self, mapping: str, side: Side, report: SweepReport
    ) -> None:
        """Save what a sweep came to, in place of the one before."""
        with self._transaction():
            self._connection.execute(
                f"INSERT OR REPLACE INTO sweep VALUES ({marks(3)})",
                (mapping, side.value, json.dumps(dataclasses.asdict(report))),
            )

    def last_sweep(self, mapping: str, side: Side) -> SweepReport | None:
        """Return what the last sweep of a mapping came to, if there was one.

        Cheap: it is asked for at every poll.
        """
        rows = self._execute(
            "SELECT report FROM sweep WHERE mapping = ? AND side = ?",
            (mapping, side.value),
        )
        return SweepReport(**json.loads(rows[0][0])) if rows else None

    def sweeps(self) -> dict[tuple[str, Side], SweepReport]:
        """Return what the last sweeps came to."""
        rows = self._execute("SELECT mapping, side, report FROM sweep")
        return {
            (row[0], Side(row[1])): SweepReport(**json.loads(row[2]))
            for row in rows
        }


def _row(candidate: Candidate) -> tuple[object, ...]:
    c = candidate
    return (
        *(c.key.mapping, c.key.account, c.key.container, c.manifest),
        *(c.side.value, c.place, c.name, c.version, c.etag, c.size),
        *(c.timestamp, c.manifest_etag, c.manifest_size, c.noted),
    )


def _candidate(row: tuple[object, ...]) -> Candidate:
    mapping, account, container, manifest, side, *rest = row
    names = [each.name for each in dataclasses.fields(Candidate)[3:]]
    return Candidate(
        side=Side(side),
        key=ContainerKey(str(mapping), str(account), str(container)),
        manifest=str(manifest),
        **dict(zip(names, rest, strict=True)),  # type: ignore[arg-type]
    )
