# SPDX-License-Identifier: Apache-2.0
"""The state store: cursors and mappings, and all that is kept beside them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Set

from onespace_core.state.breakers import Breakers
from onespace_core.state.file import HERE, args_of, marks
from onespace_core.state.garbage import Garbage
from onespace_core.state.ledger import Ledger
from onespace_core.state.model import (
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    Summary,
)
from onespace_core.state.notes import Notes
from onespace_core.state.receipts import Receipts
from onespace_core.state.uploads import Uploads

#: What is dropped with a mapping. Receipts and uploads are not: see there.
_OF_MAPPINGS = ("cursor", "ledger", "health", "breaker", "deletions")


class StateStore(Ledger, Receipts, Uploads, Breakers, Notes, Garbage):
    """Durable progress of one node; see :class:`StateFile` for opening it.

    Every change is one transaction.
    """

    # -- cursors ----------------------------------------------------------

    def cursor(
        self, key: ContainerKey, database_id: str, fingerprint: str
    ) -> Cursor:
        """Return how far that database was read under that fingerprint.

        A database that was rebuilt, or a mapping that was changed, starts
        again at 0 for both passes; what was owed then is forgotten, since
        the rows are read again.
        """
        rows = self._execute(
            "SELECT database_id, fingerprint, scanned, verified, shares "
            f"FROM cursor WHERE {HERE}",
            args_of(key),
        )
        if rows:
            found = Cursor(*rows[0])
            if (found.database_id, found.fingerprint) == (
                database_id,
                fingerprint,
            ):
                return found
            with self._transaction():
                self._forget(key)
        return Cursor(database_id, fingerprint)

    def commit(
        self,
        key: ContainerKey,
        cursor: Cursor,
        *,
        settled: Iterable[str] = (),
        owed: Iterable[Entry] = (),
    ) -> None:
        """Save progress in one transaction.

        :param settled: names that are no longer owed.
        :param owed: rows that are; an entry replaces one of the same name.
        :raises StateError: nothing was saved, for instance because the disk
            is full.
        """
        with self._transaction():
            self._strike(key, settled)
            self._enter(key, owed)
            self._connection.execute(
                "INSERT OR REPLACE INTO cursor (mapping, account, container, "
                "database_id, fingerprint, scanned, verified, updated, "
                f"shares) VALUES ({marks(9)})",
                (
                    *args_of(key),
                    cursor.database_id,
                    cursor.fingerprint,
                    cursor.scanned,
                    cursor.verified,
                    time.time(),
                    cursor.shares,
                ),
            )

    # -- mappings ---------------------------------------------------------

    def report_health(
        self, mapping: str, reason: str | None, retry_at: float = 0.0
    ) -> None:
        """Note that a mapping's store cannot be used, or (None) can again."""
        with self._transaction():
            if reason is None:
                self._connection.execute(
                    "DELETE FROM health WHERE mapping = ?", (mapping,)
                )
                return
            self._connection.execute(
                "INSERT INTO health VALUES (?, ?, ?, ?) ON CONFLICT "
                "(mapping) DO UPDATE SET reason = excluded.reason, "
                "retry_at = excluded.retry_at",
                (mapping, reason, time.time(), retry_at),
            )

    def health(self) -> dict[str, tuple[str, float, float]]:
        """Return the mappings in trouble: reason, since when, next try."""
        rows = self._execute("SELECT * FROM health")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def containers(self, mapping: str, account: str) -> list[str]:
        """Return the containers of a mapping that have state."""
        rows = self._execute(
            "SELECT container FROM cursor WHERE mapping = ? AND account = ?",
            (mapping, account),
        )
        return [container for (container,) in rows]

    def forget(self, key: ContainerKey) -> None:
        """Drop how far a container was read, and what is owed in it.

        Its receipts and its open uploads stay.
        """
        with self._transaction():
            self._forget(key)

    def keep_only(self, mappings: Set[str]) -> None:
        """Drop progress of mappings that are no longer configured.

        Their receipts and open uploads stay.
        """
        for table in _OF_MAPPINGS:
            names = {
                name
                for (name,) in self._execute(
                    f"SELECT DISTINCT mapping FROM {table}"
                )
            }
            with self._transaction():
                self._connection.executemany(
                    f"DELETE FROM {table} WHERE mapping = ?",
                    [(name,) for name in names - mappings],
                )

    def summaries(self) -> list[Summary]:
        """Return what is owed, one line for each container with state.

        What shards owe counts as their root's; its cursor is its own.
        """
        cursors = {
            ContainerKey(*row[:3]): Cursor(*row[3:])
            for row in self._execute(
                "SELECT mapping, account, container, database_id, "
                "fingerprint, scanned, verified FROM cursor"
            )
        }
        kinds: dict[ContainerKey, dict[Kind, _Figures]] = {
            key.root: {} for key in cursors
        }
        for row in self._execute(
            "SELECT mapping, account, container, kind, count(*), min(first), "
            "min(due) FROM ledger GROUP BY 1, 2, 3, 4"
        ):
            found = kinds.setdefault(ContainerKey(*row[:3]).root, {})
            kind, figures = Kind(row[3]), row[4:]
            found[kind] = _added(found.get(kind), figures)
        return [
            _summary(key, cursors.get(key), kinds[key])
            for key in sorted(
                kinds, key=lambda k: (k.mapping, k.account, k.container)
            )
        ]

    def _forget(self, key: ContainerKey) -> None:
        for table in ("cursor", "ledger"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE {HERE}", args_of(key)
            )


#: How many there are, when the first was owed, when the first is due.
_Figures = tuple[int, float, float]


def _added(one: _Figures | None, other: _Figures) -> _Figures:
    if one is None:
        return other
    return one[0] + other[0], min(one[1], other[1]), min(one[2], other[2])


def _summary(
    key: ContainerKey, cursor: Cursor | None, kinds: dict[Kind, _Figures]
) -> Summary:
    def count(kind: Kind) -> int:
        return kinds[kind][0] if kind in kinds else 0

    wrong = (Kind.FAILED, Kind.WAITING)
    scheduled = kinds.get(Kind.SCHEDULED)
    return Summary(
        key,
        cursor,
        failed=count(Kind.FAILED),
        waiting=count(Kind.WAITING),
        skipped=count(Kind.SKIPPED),
        oldest=min((kinds[k][1] for k in wrong if k in kinds), default=None),
        scheduled=count(Kind.SCHEDULED),
        next_due=scheduled[2] if scheduled else None,
    )
