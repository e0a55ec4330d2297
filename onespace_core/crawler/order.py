# SPDX-License-Identifier: Apache-2.0
"""Rows done by their timestamps, and those that come too late for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from onespace_core.crawler.batch import Batch, Runner, age
from onespace_core.crawler.owed import one_line
from onespace_core.crawler.rows import Row
from onespace_core.state import ContainerKey


class Order:
    """How far the rows of a container were done, by their timestamps.

    It is not kept over a restart: the first row after one is never late.
    """

    def __init__(self, key: ContainerKey, logger: logging.Logger) -> None:
        self._key = key
        self._logger = logger
        self._reached = ""
        #: Rows that were done after a newer one.
        self.late = 0

    def run(self, runner: Runner, rows: Sequence[Row], now: float) -> Batch:
        """Handle rows, the oldest first; tell of those that come late.

        :param now: seconds since the epoch; a row from the future makes no
            later one late.
        """
        rows = sorted(rows, key=age)
        late = [row for row in rows if row.timestamp < self._reached]
        if late:
            self.late += len(late)
            self._logger.warning(
                "%s: %d rows of %s/%s are older than what was done already, "
                "such as %s; they are done now, out of order",
                self._key.mapping,
                len(late),
                self._key.account,
                self._key.container,
                one_line(late[0].name),
            )
        batch = runner.run(rows, again=False, in_order=True)
        done = (r.row for r in batch.results if r.done)
        past = (row.timestamp for row in done if row.seconds <= now)
        self._reached = max(self._reached, max(past, default=""))
        return batch
