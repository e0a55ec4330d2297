# SPDX-License-Identifier: Apache-2.0
"""One container of one mapping: from database rows to settled rows.

Three passes, in this order. *Own*: rows that this host's replicas do first.
*Owed*: what the ledger says is due. *Others*: rows that another host does
first, once they are old enough that it should have; so a dead node's share
is taken over.

The cursor moves past a row only in the transaction that either settles the
row or writes it into the ledger. If a store goes down, or the daemon is
stopped, in the middle, what comes before the first row that is not done is
saved.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from onespace_core.concurrency import GreenPool, Timeout
from onespace_core.crawler.database import Database, Located
from onespace_core.crawler.outcome import (
    Handler,
    RowSkippedError,
    RowWaitsError,
)
from onespace_core.crawler.owed import entry_of, report, row_of
from onespace_core.crawler.rows import Row, share
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import ContainerKey, Cursor, Entry, StateStore

#: A database whose files changed less than so many seconds ago is read again
#: though their times have not moved: file times are coarser than a write.
_SETTLE_TIME = 2.0
_NO_END = float("inf")


class OutageError(OnespaceError):
    """The store behind a mapping cannot be used at all just now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a job works.

    :param chunk: rows read and settled at a time, 1 or more.
    :param turn: chunks of one turn, so that containers take turns.
    :param slack: seconds before another node's row is taken over.
    :param max_delay: longest pause between tries of one row, seconds.
    :param recheck: seconds after which a database that did not change is
        read again all the same.
    """

    chunk: int = 1000
    turn: int = 10
    slack: float = 3600.0
    max_delay: float = 3600.0
    recheck: float = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Result:
    row: Row
    error: BaseException | None = None
    #: False for a row that was not tried, or that met an outage.
    done: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class _Batch:
    """What became of rows, and why not all of them were done."""

    results: Sequence[_Result]
    outage: str | None

    def first_undone(self) -> float:
        """Return the lowest row number that is not done; no end if none."""
        undone = (r.row.rowid for r in self.results if not r.done)
        return min(undone, default=_NO_END)


class Job:
    """The work on one container; keep it, so that idle turns stay cheap.

    :param key: whose progress it is.
    :param fingerprint: the mapping's; a change reads all rows again.
    :param pool: greenthreads for rows, shared by the jobs of one mapping.
    :param clock: seconds since the epoch.
    :param open_database: opens what a locator found.
    """

    def __init__(
        self,
        key: ContainerKey,
        fingerprint: str,
        handler: Handler,
        store: StateStore,
        pool: GreenPool,
        tuning: Tuning,
        logger: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
        open_database: Callable[..., Database] = Database,
    ) -> None:
        self.key = key
        self._fingerprint = fingerprint
        self._handler = handler
        self._store = store
        self._pool = pool
        self._tuning = tuning
        self._logger = logger
        self._clock = clock
        self._open_database = open_database
        self._begun = clock()
        #: Rows that were settled since the beginning.
        self.settled = 0
        self._quiet: tuple[tuple[object, ...], float] | None = None
        self._gone = False
        self._said_sharded = False
        self._stopped = False

    def stop(self) -> None:
        """Let no further row begin; those under way go on."""
        self._stopped = True

    def turn(self, located: Located, *, everything: bool = False) -> bool:
        """Do a turn of work.

        :param located: where the container's database is.
        :param everything: try what the ledger holds though it is not due.
        :returns: whether there is more to do at once.
        :raises OutageError: the store cannot be used; what was done before
            the first row that was not is saved.
        :raises DatabaseUnavailableError: the database cannot be read now.
        """
        database = self._open_database(
            located, self.key.account, self.key.container, self._logger
        )
        token = database.change_token()
        if self._gone and self._quiet and self._quiet[0] == token:
            return False
        if not everything and self._is_quiet(token):
            return self._owed(database)
        if database.is_sharded() and not self._said_sharded:
            self._said_sharded = True
            self._logger.warning(
                "%s: %s/%s is sharded; the rows of its shards are not "
                "followed by this version",
                self.key.mapping,
                self.key.account,
                self.key.container,
            )
        more = self._own(database)
        if everything:
            self._owed_all(database)
        else:
            more = self._owed(database) or more
        if not more:
            # Another node is just now doing the others of a backlog.
            more = self._others(database)
        if not more and not self._stopped:
            self._quiet = (token, self._clock())
            self._gone = self._forget_if_gone(database)
        return more and not self._stopped

    def _forget_if_gone(self, database: Database) -> bool:
        """Drop the state of a container that was deleted and is drained."""
        if not database.is_deleted():
            return False
        if self._store.entries(self.key, limit=1):
            return False
        verified = self._cursor(database).verified
        if not self._all_ours(database) and database.rows_since(verified, 1):
            # Deletions that another node owes and that are too young yet.
            return False
        self._store.forget(self.key)
        self._logger.info(
            "%s: %s/%s was deleted and is drained; its state is dropped",
            self.key.mapping,
            self.key.account,
            self.key.container,
        )
        return True

    def _is_quiet(self, token: tuple[object, ...]) -> bool:
        """Return whether the database need not be opened at all."""
        if self._quiet is None or self._quiet[0] != token:
            return False
        now = self._clock()
        if abs(now - self._quiet[1]) > self._tuning.recheck:
            return False
        times = [entry[1] / 1e9 for entry in token if entry is not None]  # type: ignore[index]
        return now - max(times, default=0.0) > _SETTLE_TIME

    # -- passes -----------------------------------------------------------

    def _cursor(self, database: Database) -> Cursor:
        located = database.located
        shares = f"{sorted(located.shares)}/{located.replicas}"
        cursor = self._store.cursor(
            self.key, database.identity(), self._fingerprint
        )
        if cursor.shares == shares:
            return cursor
        # The ring gave this host other shares: rows that were passed over
        # as another node's are ours now, and the other way round.
        both = min(cursor.scanned, cursor.verified)
        return dataclasses.replace(
            cursor, scanned=both, verified=both, shares=shares
        )

    def _all_ours(self, database: Database) -> bool:
        return len(database.located.shares) == database.located.replicas

    def _is_ours(self, database: Database, row: Row) -> bool:
        located = database.located
        return share(row.name, located.replicas) in located.shares

    def _own(self, database: Database) -> bool:
        cursor = self._cursor(database)
        for _ in range(self._tuning.turn):
            rows = database.rows_since(cursor.scanned, self._tuning.chunk)
            if not rows:
                return False
            mine = [row for row in rows if self._is_ours(database, row)]
            batch = self._run(mine, again=False)
            last = _last_done(rows, batch)
            if last is not None:
                cursor = dataclasses.replace(cursor, scanned=last)
                self._save(cursor, batch, last)
            if self._interrupted(batch):
                return True
            if len(rows) < self._tuning.chunk:
                return False
        return True

    def _others(self, database: Database) -> bool:
        if self._all_ours(database):
            return False
        cursor = self._cursor(database)
        for _ in range(self._tuning.turn):
            rows = database.rows_since(cursor.verified, self._tuning.chunk)
            old = self._old_enough(rows)
            if not old:
                return False
            theirs = [row for row in old if not self._is_ours(database, row)]
            batch = self._run(theirs, again=True)
            last = _last_done(old, batch)
            if last is not None:
                cursor = dataclasses.replace(cursor, verified=last)
                self._save(cursor, batch, last)
            if self._interrupted(batch):
                return True
            if len(old) < self._tuning.chunk:
                return False
        return True

    def _interrupted(self, batch: _Batch) -> bool:
        """Return whether to stop here, as asked.

        :raises OutageError: or because of the store.
        """
        if batch.outage is not None:
            raise OutageError(batch.outage)
        return self._stopped

    def _old_enough(self, rows: Sequence[Row]) -> list[Row]:
        """Return the leading rows that are past the slack.

        A row from the future would block all behind it for as long; it is
        taken as it is.
        """
        now = self._clock()
        old: list[Row] = []
        for row in rows:
            age = now - float(row.timestamp.split("_")[0])
            if 0 <= age < self._tuning.slack:
                break
            old.append(row)
        return old

    def _owed(self, database: Database) -> bool:
        """Try again what is due; return whether there is more."""
        limit = self._tuning.chunk
        now = self._clock()
        entries = self._store.due(
            self.key, now, limit, latest=now + self._tuning.max_delay
        )
        if entries:
            self._retry(database, entries)
        return len(entries) == limit

    def _owed_all(self, database: Database) -> None:
        """Try again, once, all that was owed before this job began."""
        seen: set[str] = set()
        while not self._stopped:
            limit = self._tuning.chunk + len(seen)
            entries = [
                entry
                for entry in self._store.due(self.key, _NO_END, limit)
                if entry.name not in seen
            ]
            if not entries:
                return
            seen.update(entry.name for entry in entries)
            self._retry(
                database, [e for e in entries if e.first < self._begun]
            )

    def _retry(self, database: Database, entries: Sequence[Entry]) -> None:
        batch = self._run([row_of(entry) for entry in entries], again=True)
        self._save(self._cursor(database), batch, _NO_END)
        self._interrupted(batch)

    # -- rows -------------------------------------------------------------

    def _run(self, rows: Iterable[Row], *, again: bool) -> _Batch:
        """Handle rows side by side; all have ended when it returns."""
        outages: list[str] = []
        waiting = []
        untried = []
        for row in rows:
            if outages or self._stopped:
                untried.append(_Result(row, done=False))
            else:
                waiting.append(
                    self._pool.spawn(self._handle, row, again, outages)
                )
        results = [thread.wait() for thread in waiting]
        return _Batch(results + untried, outages[0] if outages else None)

    def _handle(self, row: Row, again: bool, outages: list[str]) -> _Result:
        if outages or self._stopped:
            return _Result(row, done=False)
        try:
            self._handler.handle(row, again=again)
        except (RowWaitsError, RowSkippedError) as exc:
            return _Result(row, exc)
        except (Exception, Timeout) as exc:  # noqa: BLE001 - one row never stops others
            reason = self._outage(exc)
            if reason is not None:
                outages.append(reason)
            return _Result(row, exc, done=reason is None)
        return _Result(row)

    def _outage(self, error: BaseException) -> str | None:
        if not isinstance(error, Exception):
            return None  # a timeout of the local cluster
        try:
            return self._handler.outage(error)
        except (Exception, Timeout):
            self._logger.exception("%s: the probe failed", self.key.mapping)
            return None

    def _save(self, cursor: Cursor, batch: _Batch, last: float) -> None:
        """Save the outcome of rows up to a row number."""
        # A database holds a second row of one name where Swift's reconciler
        # has moved an object between policies; the newer one counts.
        newer = self._store.owes_newer
        done = [
            r
            for r in batch.results
            if r.done
            and r.row.rowid <= last
            and not newer(self.key, r.row.name, r.row.timestamp)
        ]
        failed: dict[str, _Result] = {}
        for result in sorted(done, key=lambda r: r.row.timestamp):
            if result.error is not None:
                failed[result.row.name] = result
        settled = [r.row.name for r in done if r.error is None]
        self._store.commit(
            self.key,
            cursor,
            settled=settled,
            owed=[self._entry(r.row, r.error) for r in failed.values()],
        )
        self.settled += len(settled)

    def _entry(self, row: Row, error: BaseException | None) -> Entry:
        assert error is not None  # noqa: S101 - for mypy; see the caller
        now = self._clock()
        attempts, first = self._store.attempts(self.key, row.name)
        entry = entry_of(
            row,
            error,
            attempts=attempts + 1,
            first=first or now,
            now=now,
            longest=self._tuning.max_delay,
        )
        report(self._logger, self.key, entry, error, now)
        return entry


def _last_done(rows: Sequence[Row], batch: _Batch) -> int | None:
    """Return the number of the last row before the first that is not done."""
    end = batch.first_undone()
    return max((row.rowid for row in rows if row.rowid < end), default=None)
