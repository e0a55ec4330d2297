# SPDX-License-Identifier: Apache-2.0
"""What is owed: rows that did not settle."""

from __future__ import annotations

import math
from collections.abc import Iterable

from onespace_core.state.file import HERE, StateFile, args_of, marks
from onespace_core.state.model import ContainerKey, Entry, Kind

_COLUMNS = (
    "name, kind, reason, attempts, first, due, row, deleted, timestamp, "
    "data_timestamp, size, etag, content_type, policy_index"
)
#: Entries of one kind within a span of time. Each is a walk along an index,
#: so that a hundred thousand that are not due cost nothing.
_SPAN = (
    f"SELECT {_COLUMNS} FROM ledger "
    f"WHERE {HERE} AND kind = ? AND due > ? AND due <= ?"
)
_RETRIED = (Kind.FAILED, Kind.WAITING)


class Ledger(StateFile):
    """Entries of rows to try again; one for each name of a container."""

    def due(
        self,
        key: ContainerKey,
        now: float,
        limit: int,
        *,
        latest: float = math.inf,
        everything: bool = False,
    ) -> list[Entry]:
        """Return entries to try again, the longest due first.

        :param latest: what failed or waits and is due after it is due now:
            the clock was ahead when it was written, and has been set back.
        :param everything: what failed or waits is due whatever its time.
        """
        spans = [(Kind.SCHEDULED, -math.inf, now)]
        for kind in _RETRIED:
            if everything or now >= latest:
                spans.append((kind, -math.inf, math.inf))
                continue
            spans.append((kind, -math.inf, now))
            if latest < math.inf:
                spans.append((kind, latest, math.inf))
        args: list[object] = []
        for kind, after, until in spans:
            args += [*args_of(key), kind.value, after, until]
        rows = self._execute(
            " UNION ALL ".join([_SPAN] * len(spans)) + " ORDER BY due LIMIT ?",
            (*args, limit),
        )
        return [_entry(row) for row in rows]

    def entries(
        self,
        key: ContainerKey | None = None,
        *,
        limit: int = 1000,
        scheduled: bool = False,
    ) -> list[tuple[ContainerKey, Entry]]:
        """Return what is owed, for people to look at.

        What failed or waits comes first, the oldest in front.

        :param scheduled: whether to include rows whose time has not come.
        """
        conditions = [] if key is None else [HERE]
        if not scheduled:
            conditions.append("kind != 'scheduled'")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._execute(
            f"SELECT mapping, account, container, {_COLUMNS} FROM ledger "
            f"{where} ORDER BY kind = 'skipped', first LIMIT ?",
            (*(() if key is None else args_of(key)), limit),
        )
        return [(ContainerKey(*row[:3]), _entry(row[3:])) for row in rows]

    def owes(self, key: ContainerKey) -> bool:
        """Return whether anything at all is owed in a container."""
        return bool(
            self._execute(
                f"SELECT 1 FROM ledger WHERE {HERE} LIMIT 1", args_of(key)
            )
        )

    def attempts(self, key: ContainerKey, name: str) -> tuple[int, float]:
        """Return how often a name was tried, and since when; (0, 0.0)."""
        rows = self._execute(
            f"SELECT attempts, first FROM ledger WHERE {HERE} "
            "AND name = ? AND kind NOT IN ('skipped', 'scheduled')",
            (*args_of(key), name),
        )
        return (rows[0][0], rows[0][1]) if rows else (0, 0.0)

    def owes_newer(self, key: ContainerKey, name: str, timestamp: str) -> bool:
        """Return whether a newer row of that name is owed."""
        return bool(
            self._execute(
                f"SELECT 1 FROM ledger WHERE {HERE} AND name = ? "
                "AND timestamp > ?",
                (*args_of(key), name, timestamp),
            )
        )

    def _enter(self, key: ContainerKey, entries: Iterable[Entry]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO ledger (mapping, account, container, "
            f"{_COLUMNS}) VALUES ({marks(17)})",
            [(*args_of(key), *_values(entry)) for entry in entries],
        )

    def _strike(self, key: ContainerKey, names: Iterable[str]) -> None:
        self._connection.executemany(
            f"DELETE FROM ledger WHERE {HERE} AND name = ?",
            [(*args_of(key), name) for name in names],
        )


def _values(entry: Entry) -> tuple[object, ...]:
    return (
        entry.name,
        entry.kind.value,
        entry.reason,
        entry.attempts,
        entry.first,
        entry.due,
        entry.rowid,
        int(entry.deleted),
        entry.timestamp,
        entry.data_timestamp,
        entry.size,
        entry.etag,
        entry.content_type,
        entry.policy_index,
    )


def _entry(row: tuple[object, ...]) -> Entry:
    values = list(row)
    values[1] = Kind(values[1])
    values[7] = bool(values[7])
    return Entry(*values)  # type: ignore[arg-type] # as the table has them
