# SPDX-License-Identifier: Apache-2.0
"""How a handler answers for a row."""

from __future__ import annotations

from typing import Protocol

from onespace_core.crawler.rows import Row
from onespace_core.provider.errors import OnespaceError


class RowWaitsError(OnespaceError):
    """Nothing is wrong, but the row cannot be handled yet.

    :param until: when it can be, seconds since the epoch, if that is known:
        the row is then tried at that time and not before. None means soon,
        with pauses that grow.
    """

    def __init__(self, reason: str, until: float | None = None) -> None:
        super().__init__(reason)
        self.until = until


class RowSkippedError(OnespaceError):
    """This version cannot handle the row; it is recorded and reported."""


class Handler(Protocol):
    """What is done with the rows of one container.

    One handler serves many greenthreads; the crawler never gives it two rows
    of one name at a time.
    """

    def handle(self, row: Row, *, again: bool) -> None:
        """Handle a row; returning means that it is settled.

        Handling a row twice has the effect of handling it once.

        :param again: whether the work was probably done before, here or by
            another node, so that looking first is cheaper than doing.

        :raises RowWaitsError: try again later.
        :raises RowSkippedError: record it, and do not try again.
        :raises Exception: anything else: it failed, try again with backoff.
        """
        ...

    def outage(self, exc: Exception) -> str | None:
        """Return what is wrong with the whole store, judged by an error.

        :returns: a reason if no row can succeed now, so that the container
            is left as it is; None if the error is the row's own.
        """
        ...
