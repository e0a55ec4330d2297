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
from collections.abc import Callable, Sequence, Set

from onespace_core.concurrency import GreenPool
from onespace_core.crawler.batch import NO_END, Batch, Runner, age
from onespace_core.crawler.database import Database, Located
from onespace_core.crawler.names import BusyNames
from onespace_core.crawler.order import Order
from onespace_core.crawler.outcome import Handler
from onespace_core.crawler.owed import entry_of, report, row_of
from onespace_core.crawler.rows import Row, older_than, share
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import (
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    StateStore,
)

#: A database whose files changed less than so many seconds ago is read again
#: though their times have not moved: file times are coarser than a write.
_SETTLE_TIME = 2.0


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
    :param ordered: whether rows of this host's share are done one after the
        other, by their timestamps. None of another name overtakes; a row
        that fails is tried again later, and is late then.
    :param watermark: seconds that an ordered row waits for older ones, which
        other nodes may be about to bring.
    """

    chunk: int = 1000
    turn: int = 10
    slack: float = 3600.0
    max_delay: float = 3600.0
    recheck: float = 60.0
    ordered: bool = False
    watermark: float = 60.0


class Job:
    """The work on one container; keep it, so that idle turns stay cheap.

    :param key: whose progress it is.
    :param fingerprint: the mapping's; a change reads all rows again.
    :param pool: greenthreads for rows, shared by the jobs of one mapping.
    :param names: shared by the jobs of a container and its shards.
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
        names: BusyNames | None = None,
        clock: Callable[[], float] = time.time,
        open_database: Callable[..., Database] = Database,
    ) -> None:
        self.key = key
        self._fingerprint = fingerprint
        self._store = store
        self._runner = Runner(handler, pool, names or BusyNames(), logger)
        self._tuning = tuning
        self._logger = logger
        self._clock = clock
        self._open_database = open_database
        self._begun = clock()
        #: Rows that were settled since the beginning.
        self.settled = 0
        self._order = Order(key, logger)
        self._held_back = False
        self._quiet: tuple[tuple[object, ...], float] | None = None
        self._gone = False

    @property
    def late(self) -> int:
        """Rows that were done after a newer one, where order matters."""
        return self._order.late

    def stop(self) -> None:
        """Let no further row begin; those under way go on."""
        self._runner.stop()

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
        more = self._own(database)
        if everything:
            self._owed_all(database)
        else:
            more = self._owed(database) or more
        if not more:
            # Another node is just now doing the others of a backlog.
            more = self._others(database)
        if not more and not self._runner.stopped and not self._held_back:
            self._quiet = (token, self._clock())
            self._gone = self._forget_if_gone(database)
        return more and not self._runner.stopped

    def _forget_if_gone(self, database: Database) -> bool:
        """Drop the state of a container that was deleted and is drained."""
        if not database.is_deleted():
            return False
        if self._store.owes(self.key):
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
            found = database.rows_since(cursor.scanned, self._tuning.chunk)
            rows = self._ripe(found)
            if not rows:
                return False
            mine = [row for row in rows if self._is_ours(database, row)]
            if self._tuning.ordered:
                batch = self._order.run(self._runner, mine, self._clock())
            else:
                batch = self._runner.run(mine, again=False)
            last = _last_done(rows, batch)
            if last is not None:
                cursor = dataclasses.replace(cursor, scanned=last)
                self._save(database, cursor, batch, last)
            if self._interrupted(batch):
                return True
            if len(rows) < self._tuning.chunk:
                return False
        return True

    def _ripe(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the leading rows that need not wait for older ones."""
        if not self._tuning.ordered:
            return rows
        ripe = older_than(rows, self._clock(), self._tuning.watermark)
        self._held_back = len(ripe) < len(rows)
        return ripe

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
            batch = self._runner.run(theirs, again=True)
            last = _last_done(old, batch)
            if last is not None:
                cursor = dataclasses.replace(cursor, verified=last)
                self._save(database, cursor, batch, last)
            if self._interrupted(batch):
                return True
            if len(old) < self._tuning.chunk:
                return False
        return True

    def _interrupted(self, batch: Batch) -> bool:
        """Return whether to stop here, as asked.

        :raises OutageError: or because of the store.
        """
        if batch.outage is not None:
            raise OutageError(batch.outage)
        return self._runner.stopped

    def _old_enough(self, rows: Sequence[Row]) -> list[Row]:
        """Return the leading rows that are past the slack."""
        return older_than(rows, self._clock(), self._tuning.slack)

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
        """Try again, once, all that was owed before this job began.

        But nothing whose time is known and has not come.
        """
        seen: set[str] = set()
        while not self._runner.stopped:
            limit = self._tuning.chunk + len(seen)
            found = self._store.due(
                self.key, self._clock(), limit, everything=True
            )
            entries = [entry for entry in found if entry.name not in seen]
            if not entries:
                return
            seen.update(entry.name for entry in entries)
            self._retry(
                database, [e for e in entries if e.first < self._begun]
            )

    def _retry(self, database: Database, entries: Sequence[Entry]) -> None:
        moved = self._moved(database, entries)
        rows = [row_of(entry) for entry in entries if entry.name not in moved]
        batch = self._runner.run(rows, again=True)
        self._save(database, self._cursor(database), batch, NO_END, moved)
        self._interrupted(batch)

    def _moved(self, database: Database, entries: Sequence[Entry]) -> Set[str]:
        """Return names whose rows Swift has moved to another shard.

        They are owed no longer: the other shard's job reads them, and what
        has become of the object since is only known there. A tombstone may
        have been reclaimed instead; it is kept, and settles by itself.
        """
        if self.key.root == self.key and not database.is_sharded():
            return frozenset()
        live = [entry.name for entry in entries if not entry.deleted]
        return set(live) - database.holds(live)

    # -- rows -------------------------------------------------------------

    def _save(
        self,
        database: Database,
        cursor: Cursor,
        batch: Batch,
        last: float,
        moved: Set[str] = frozenset(),
    ) -> None:
        """Save the outcome of rows up to a row number.

        :param moved: names that are owed no longer.
        """
        newer = self._store.owes_newer
        done = [
            r
            for r in batch.results
            if r.done
            and r.row.rowid <= last
            and not newer(self.key, r.row.name, r.row.timestamp)
        ]
        # Of two rows of one name the newer says what is owed.
        newest = {
            r.row.name: r for r in sorted(done, key=lambda r: age(r.row))
        }.values()
        settled = [r.row.name for r in newest if r.error is None]
        owed = [
            self._entry(r.row, r.error) for r in newest if r.error is not None
        ]
        left = {e.name for e in owed if self._is_left(database, e)}
        self._store.commit(
            self.key,
            cursor,
            settled=[*settled, *moved, *left],
            owed=[entry for entry in owed if entry.name not in left],
        )
        self.settled += len(settled)

    def _is_left(self, database: Database, entry: Entry) -> bool:
        """Return whether a row that waits is left to a shard.

        Of a database that retires, all rows are read again there. What has
        become of the object since is written there only: it would wait here
        for an object that was deleted.
        """
        return (
            entry.kind is Kind.WAITING
            and not entry.deleted
            and database.is_retiring()
        )

    def _entry(self, row: Row, error: BaseException) -> Entry:
        now = self._clock()
        attempts, first = self._store.attempts(self.key, row.name)
        entry = entry_of(
            row,
            error,
            attempts=attempts,
            first=first,
            now=now,
            longest=self._tuning.max_delay,
        )
        report(self._logger, self.key, entry, error, now)
        return entry


def _last_done(rows: Sequence[Row], batch: Batch) -> int | None:
    """Return the number of the last row before the first that is not done."""
    end = batch.first_undone()
    return max((row.rowid for row in rows if row.rowid < end), default=None)
