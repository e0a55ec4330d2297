# SPDX-License-Identifier: Apache-2.0
"""Rows handled side by side, and what became of them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Sequence

from onespace_core.concurrency import GreenPool, Timeout
from onespace_core.crawler.names import BusyNames
from onespace_core.crawler.outcome import (
    Handler,
    RowSkippedError,
    RowWaitsError,
)
from onespace_core.crawler.rows import Row

#: A row number beyond all others.
NO_END = float("inf")


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What became of a row.

    :param done: False for a row that was not tried, or that met an outage.
    """

    row: Row
    error: BaseException | None = None
    done: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """What became of rows, and why not all of them were done."""

    results: Sequence[Result]
    outage: str | None

    def first_undone(self) -> float:
        """Return the lowest row number that is not done; no end if none."""
        undone = (r.row.rowid for r in self.results if not r.done)
        return min(undone, default=NO_END)


class Runner:
    """Gives rows to a handler, many at a time.

    :param pool: greenthreads, shared with other runners.
    :param names: those in work, shared with runners that may meet them.
    """

    def __init__(
        self,
        handler: Handler,
        pool: GreenPool,
        names: BusyNames,
        logger: logging.Logger,
    ) -> None:
        self._handler = handler
        self._pool = pool
        self._names = names
        self._logger = logger
        self.stopped = False

    def stop(self) -> None:
        """Let no further row begin; those under way go on."""
        self.stopped = True

    def run(
        self, rows: Sequence[Row], *, again: bool, in_order: bool = False
    ) -> Batch:
        """Handle rows side by side; all have ended when it returns.

        Rows of one name come one after the other, the oldest first.

        :param again: see :meth:`Handler.handle`.
        :param in_order: all rows come one after the other, as given.
        """
        outages: list[str] = []
        waiting = []
        results: list[Result] = []
        lines = ([rows] if rows else []) if in_order else _by_name(rows)
        for same in lines:
            if outages or self.stopped:
                results += [Result(row, done=False) for row in same]
            else:
                waiting.append(
                    self._pool.spawn(self._handle_all, same, again, outages)
                )
        for thread in waiting:
            results += thread.wait()
        return Batch(results, outages[0] if outages else None)

    def _handle_all(
        self, rows: Sequence[Row], again: bool, outages: list[str]
    ) -> list[Result]:
        results = []
        for row in rows:
            with self._names.hold(row.name):
                results.append(self._handle(row, again, outages))
        return results

    def _handle(self, row: Row, again: bool, outages: list[str]) -> Result:
        if outages or self.stopped:
            return Result(row, done=False)
        try:
            self._handler.handle(row, again=again)
        except (RowWaitsError, RowSkippedError) as exc:
            return Result(row, exc)
        except (Exception, Timeout) as exc:  # noqa: BLE001 - one row never stops others
            reason = self._outage(exc)
            if reason is not None:
                outages.append(reason)
            return Result(row, exc, done=reason is None)
        return Result(row)

    def _outage(self, error: BaseException) -> str | None:
        if not isinstance(error, Exception):
            return None  # a timeout of the local cluster
        try:
            return self._handler.outage(error)
        except (Exception, Timeout):
            self._logger.exception("the probe of a store failed")
            return None


def age(row: Row) -> tuple[str, int]:
    """Return what sorts rows of one name from the oldest to the newest."""
    return row.timestamp, row.rowid


def _by_name(rows: Iterable[Row]) -> Iterable[Sequence[Row]]:
    """Return rows by name, each name's from the oldest to the newest.

    A database holds two rows of one name where Swift's reconciler moves an
    object to another policy: it dates the moved one after what it clears up
    behind it (``swift/container/reconciler.py``), so that the newest row says
    what is true in the end. The older one is not left out all the same: a
    tombstone of another policy may be dated after a live object that it does
    not concern, and the live row alone has it copied.
    """
    names: dict[str, list[Row]] = {}
    for row in rows:
        names.setdefault(row.name, []).append(row)
    return [sorted(same, key=age) for same in names.values()]
