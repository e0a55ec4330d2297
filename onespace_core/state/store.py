# SPDX-License-Identifier: Apache-2.0
"""The state store: one SQLite file."""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Any

from onespace_core.state.model import (
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    Summary,
)
from onespace_core.state.schema import (
    StateError,
    advice,
    is_operational,
    open_database,
)

_ENTRY = (
    "name, kind, reason, attempts, first, due, row, deleted, timestamp, "
    "data_timestamp, size, etag, content_type, policy_index"
)
_HERE = "mapping = ? AND account = ? AND container = ?"


class StateStore:
    """Durable progress of one node.

    Use it from one thread. A file that SQLite cannot read is renamed to
    ``<file>.corrupt-<time>`` and a new one is begun: everything is then
    compared again, nothing is lost, and the log says so.

    :param path: the file; its folder must exist.
    :param logger: where a corrupt file is reported.
    :param read_only: for status: never creates nor changes anything.
    :raises StateError: the file can be neither opened nor set aside, or was
        written by a newer version.
    """

    def __init__(
        self,
        path: str,
        logger: logging.Logger,
        *,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self._logger = logger
        #: Where a corrupt file was put, if one was found.
        self.set_aside: str | None = None
        try:
            self._connection = open_database(path, read_only=read_only)
        except sqlite3.DatabaseError as exc:
            if read_only or is_operational(exc):
                raise StateError(advice(path, exc)) from exc
            self._set_aside(exc)
            try:
                self._connection = open_database(path, read_only=False)
            except sqlite3.Error as again:
                raise StateError(advice(path, again)) from again

    def _set_aside(self, cause: Exception) -> None:
        aside = f"{self.path}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}"
        try:
            os.replace(self.path, aside)
            for suffix in ("-wal", "-shm"):
                if os.path.exists(self.path + suffix):
                    os.replace(self.path + suffix, aside + suffix)
        except OSError as exc:
            raise StateError(advice(self.path, exc)) from exc
        self.set_aside = aside
        self._logger.error(
            "the state file %s is corrupt (%s); it is now %s, and every "
            "container is compared again from its first row",
            self.path,
            cause,
            aside,
        )

    def close(self) -> None:
        """Close the file; twice is fine."""
        self._connection.close()

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
            f"FROM cursor WHERE {_HERE}",
            _args(key),
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
        where = _args(key)
        with self._transaction():
            self._connection.executemany(
                f"DELETE FROM ledger WHERE {_HERE} AND name = ?",
                [(*where, name) for name in settled],
            )
            self._connection.executemany(
                f"INSERT OR REPLACE INTO ledger (mapping, account, "
                f"container, {_ENTRY}) VALUES ({_marks(17)})",
                [(*where, *_entry_values(entry)) for entry in owed],
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO cursor (mapping, account, container, "
                "database_id, fingerprint, scanned, verified, updated, "
                f"shares) VALUES ({_marks(9)})",
                (
                    *where,
                    cursor.database_id,
                    cursor.fingerprint,
                    cursor.scanned,
                    cursor.verified,
                    time.time(),
                    cursor.shares,
                ),
            )

    # -- the ledger -------------------------------------------------------

    def due(
        self,
        key: ContainerKey,
        now: float,
        limit: int,
        *,
        latest: float = math.inf,
    ) -> list[Entry]:
        """Return entries to try again, the longest due first.

        :param latest: an entry that is due after it is due now: the clock
            was ahead when it was written, and has been set back.
        """
        rows = self._execute(
            f"SELECT {_ENTRY} FROM ledger WHERE {_HERE} "
            "AND kind != 'skipped' AND (due <= ? OR due > ?) "
            "ORDER BY due LIMIT ?",
            (*_args(key), now, latest, limit),
        )
        return [_entry(row) for row in rows]

    def entries(
        self, key: ContainerKey | None = None, *, limit: int = 1000
    ) -> list[tuple[ContainerKey, Entry]]:
        """Return what is owed, for people to look at.

        What failed or waits comes first, the oldest in front.
        """
        where, args = (
            ("", ())
            if key is None
            else (
                f"WHERE {_HERE}",
                _args(key),
            )
        )
        rows = self._execute(
            f"SELECT mapping, account, container, {_ENTRY} FROM ledger "
            f"{where} ORDER BY kind = 'skipped', first LIMIT ?",
            (*args, limit),
        )
        return [(ContainerKey(*row[:3]), _entry(row[3:])) for row in rows]

    def attempts(self, key: ContainerKey, name: str) -> tuple[int, float]:
        """Return how often a name was tried, and since when; (0, 0.0)."""
        rows = self._execute(
            f"SELECT attempts, first FROM ledger WHERE {_HERE} "
            "AND name = ? AND kind != 'skipped'",
            (*_args(key), name),
        )
        return (rows[0][0], rows[0][1]) if rows else (0, 0.0)

    def owes_newer(self, key: ContainerKey, name: str, timestamp: str) -> bool:
        """Return whether a newer row of that name is owed."""
        return bool(
            self._execute(
                f"SELECT 1 FROM ledger WHERE {_HERE} AND name = ? "
                "AND timestamp > ?",
                (*_args(key), name, timestamp),
            )
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
        rows = self._execute("SELECT * FROM health", ())
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def containers(self, mapping: str, account: str) -> list[str]:
        """Return the containers of a mapping that have state."""
        rows = self._execute(
            "SELECT container FROM cursor WHERE mapping = ? AND account = ?",
            (mapping, account),
        )
        return [container for (container,) in rows]

    def forget(self, key: ContainerKey) -> None:
        """Drop everything about one container of one mapping."""
        with self._transaction():
            self._forget(key)

    def keep_only(self, mappings: Set[str]) -> None:
        """Drop everything about mappings that are no longer configured."""
        for table in ("cursor", "ledger", "health"):
            names = {
                name
                for (name,) in self._execute(
                    f"SELECT DISTINCT mapping FROM {table}", ()
                )
            }
            with self._transaction():
                self._connection.executemany(
                    f"DELETE FROM {table} WHERE mapping = ?",
                    [(name,) for name in names - mappings],
                )

    def summaries(self) -> list[Summary]:
        """Return what is owed, one line for each container with state."""
        cursors = {
            ContainerKey(*row[:3]): Cursor(*row[3:])
            for row in self._execute(
                "SELECT mapping, account, container, database_id, "
                "fingerprint, scanned, verified FROM cursor",
                (),
            )
        }
        counts: dict[ContainerKey, dict[str, tuple[int, float]]] = {}
        for row in self._execute(
            "SELECT mapping, account, container, kind, count(*), min(first) "
            "FROM ledger GROUP BY 1, 2, 3, 4",
            (),
        ):
            counts.setdefault(ContainerKey(*row[:3]), {})[row[3]] = row[4:]
        return [
            _summary(key, cursors.get(key), counts.get(key, {}))
            for key in sorted(
                cursors.keys() | counts.keys(),
                key=lambda k: (k.mapping, k.account, k.container),
            )
        ]

    # -- SQLite -----------------------------------------------------------

    def _forget(self, key: ContainerKey) -> None:
        for table in ("cursor", "ledger"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE {_HERE}", _args(key)
            )

    def _execute(
        self, sql: str, args: tuple[object, ...]
    ) -> list[tuple[Any, ...]]:
        # Rows are read here: a damaged page is found while they are.
        try:
            return self._connection.execute(sql, args).fetchall()
        except sqlite3.Error as exc:
            raise StateError(advice(self.path, exc)) from exc

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
        except sqlite3.Error as exc:
            raise StateError(advice(self.path, exc)) from exc


def _args(key: ContainerKey) -> tuple[str, str, str]:
    return key.mapping, key.account, key.container


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _entry_values(entry: Entry) -> tuple[object, ...]:
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


def _summary(
    key: ContainerKey,
    cursor: Cursor | None,
    counts: dict[str, tuple[int, float]],
) -> Summary:
    def count(kind: Kind) -> int:
        return counts.get(kind.value, (0, 0.0))[0]

    owed = [first for kind, (_n, first) in counts.items() if kind != "skipped"]
    return Summary(
        key,
        cursor,
        failed=count(Kind.FAILED),
        waiting=count(Kind.WAITING),
        skipped=count(Kind.SKIPPED),
        oldest=min(owed, default=None),
    )
