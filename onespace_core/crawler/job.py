# SPDX-License-Identifier: Apache-2.0
"""One container of one mapping: from database rows to settled rows.

Three passes, in this order. *Own*: rows that this host's replicas do first.
*Owed*: what the ledger says is due. *Others*: rows that another host does
first, once they are old enough that it should have; so a dead node's share
is taken over.

The cursor moves past a row only in the transaction that either settles the
row or writes it into the ledger.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence

from onespace_core.concurrency import GreenPool
from onespace_core.crawler.database import Database, Located
from onespace_core.crawler.outcome import (
    Handler,
    RowSkippedError,
    RowWaitsError,
)
from onespace_core.crawler.rows import Row, share
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import ContainerKey, Cursor, Entry, Kind, StateStore

#: A database whose files changed less than so many seconds ago is read again
#: though their times have not moved: file times are coarser than a write.
_SETTLE_TIME = 2.0
#: First delay of a row that failed, by whether a retry alone may help.
_FIRST_DELAY = {True: 1.0, False: 60.0}
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
    error: Exception | None


class Job:
    """The work on one container; keep it, so that idle turns stay cheap.

    :param key: whose progress it is.
    :param fingerprint: the mapping's; a change reads all rows again.
    :param pool: greenthreads for rows, shared by all jobs.
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
        self._stopped = False

    def stop(self) -> None:
        """Let no further row begin; those under way go on."""
        self._stopped = True

    def turn(self, located: Located, *, everything: bool = False) -> bool:
        """Do a turn of work.

        :param located: where the container's database is.
        :param everything: try what the ledger holds though it is not due.
        :returns: whether there is more to do at once.
        :raises OutageError: the store cannot be used; nothing was saved
            that is not done.
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
        if database.is_sharded():
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
        more = self._others(database) or more
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
        if now - self._quiet[1] > self._tuning.recheck:
            return False
        times = [entry[1] / 1e9 for entry in token if entry is not None]  # type: ignore[index]
        return now - max(times, default=0.0) > _SETTLE_TIME

    # -- passes -----------------------------------------------------------

    def _cursor(self, database: Database) -> Cursor:
        return self._store.cursor(
            self.key, database.identity(), self._fingerprint
        )

    def _own(self, database: Database) -> bool:
        located = database.located
        cursor = self._cursor(database)
        for _ in range(self._tuning.turn):
            rows = database.rows_since(cursor.scanned, self._tuning.chunk)
            if not rows:
                return False
            mine = [
                row
                for row in rows
                if share(row.name, located.replicas) in located.shares
            ]
            results = self._run(mine, again=False)
            if self._stopped:
                return True
            cursor = dataclasses.replace(cursor, scanned=rows[-1].rowid)
            self._save(cursor, results)
            if len(rows) < self._tuning.chunk:
                return False
        return True

    def _others(self, database: Database) -> bool:
        located = database.located
        if len(located.shares) == located.replicas:
            return False
        cursor = self._cursor(database)
        for _ in range(self._tuning.turn):
            rows = database.rows_since(cursor.verified, self._tuning.chunk)
            old = self._old_enough(rows)
            if not old:
                return False
            theirs = [
                row
                for row in old
                if share(row.name, located.replicas) not in located.shares
            ]
            results = self._run(theirs, again=True)
            if self._stopped:
                return True
            cursor = dataclasses.replace(cursor, verified=old[-1].rowid)
            self._save(cursor, results)
            if len(old) < self._tuning.chunk:
                return False
        return True

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
        entries = self._store.due(self.key, self._clock(), limit)
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
        results = self._run([_row(entry) for entry in entries], again=True)
        if not self._stopped:
            self._save(self._cursor(database), results)

    # -- rows -------------------------------------------------------------

    def _run(self, rows: Iterable[Row], *, again: bool) -> list[_Result]:
        """Handle rows side by side.

        :raises OutageError: after those under way have ended.
        """
        outages: list[str] = []
        waiting = []
        for row in rows:
            if outages or self._stopped:
                break
            waiting.append(self._pool.spawn(self._handle, row, again, outages))
        results = [thread.wait() for thread in waiting]
        if outages:
            raise OutageError(outages[0])
        return results

    def _handle(self, row: Row, again: bool, outages: list[str]) -> _Result:
        if outages or self._stopped:
            return _Result(row, None)
        try:
            self._handler.handle(row, again=again)
        except Exception as exc:  # noqa: BLE001 - one row never stops others
            if not isinstance(exc, (RowWaitsError, RowSkippedError)):
                reason = self._handler.outage(exc)
                if reason is not None:
                    outages.append(reason)
            return _Result(row, exc)
        return _Result(row, None)

    def _save(self, cursor: Cursor, results: Sequence[_Result]) -> None:
        self.settled += sum(result.error is None for result in results)
        self._store.commit(
            self.key,
            cursor,
            settled=[r.row.name for r in results if r.error is None],
            owed=[
                self._entry(r.row, r.error)
                for r in results
                if r.error is not None
            ],
        )

    def _entry(self, row: Row, error: Exception) -> Entry:
        now = self._clock()
        attempts, first = self._store.attempts(self.key, row.name)
        kind = _kind(error)
        delay = _delay(error, attempts, self._tuning.max_delay)
        self._report(row, kind, error, attempts + 1, delay)
        return Entry(
            name=row.name,
            kind=kind,
            reason=str(error) or repr(error),
            attempts=attempts + 1,
            first=first or now,
            due=now + delay,
            rowid=row.rowid,
            deleted=row.deleted,
            timestamp=row.timestamp,
            data_timestamp=row.data_timestamp,
            size=row.size,
            etag=row.etag,
            content_type=row.content_type,
            policy_index=row.policy_index,
        )

    def _report(
        self,
        row: Row,
        kind: Kind,
        error: Exception,
        attempts: int,
        delay: float,
    ) -> None:
        where = f"{self.key.mapping}: {self.key.account}/{self.key.container}"
        if kind is Kind.SKIPPED:
            self._logger.warning(
                "%s/%s was skipped: %s", where, _one_line(row.name), error
            )
        elif kind is Kind.WAITING:
            self._logger.info(
                "%s/%s waits: %s", where, _one_line(row.name), error
            )
        else:
            self._logger.error(
                "%s/%s failed (try %d, row %d): %s; next try in %.0f s",
                where,
                _one_line(row.name),
                attempts,
                row.rowid,
                str(error) or repr(error),
                delay,
            )
            self._logger.debug(
                "traceback of row %d", row.rowid, exc_info=error
            )


def _kind(error: Exception) -> Kind:
    if isinstance(error, RowSkippedError):
        return Kind.SKIPPED
    if isinstance(error, RowWaitsError):
        return Kind.WAITING
    return Kind.FAILED


def _delay(error: Exception, attempts: int, longest: float) -> float:
    """Return the pause before the next try: exponential, full jitter.

    What a retry alone does not mend starts with a longer pause.
    """
    helps = getattr(error, "retryable", True)
    first = _FIRST_DELAY[bool(helps)]
    ceiling = min(longest, first * 2.0 ** min(attempts, 30))
    return ceiling / 2 + random.uniform(0, ceiling / 2)  # noqa: S311 - jitter


def _row(entry: Entry) -> Row:
    return Row(
        rowid=entry.rowid,
        name=entry.name,
        deleted=entry.deleted,
        timestamp=entry.timestamp,
        data_timestamp=entry.data_timestamp,
        size=entry.size,
        etag=entry.etag,
        content_type=entry.content_type,
        policy_index=entry.policy_index,
    )


def _one_line(name: str) -> str:
    return name.encode("unicode_escape").decode() if "\n" in name else name
