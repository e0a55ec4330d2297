# SPDX-License-Identifier: Apache-2.0
"""From a row that did not settle to a ledger entry, and back."""

from __future__ import annotations

import logging
import random

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import Row
from onespace_core.state import ContainerKey, Entry, Kind

#: First delay of a row that failed, by whether a retry alone may help.
_FIRST_DELAY = {True: 1.0, False: 60.0}


def entry_of(
    row: Row,
    error: BaseException,
    *,
    attempts: int,
    first: float,
    now: float,
    longest: float,
) -> Entry:
    """Return what the ledger has to hold.

    :param attempts: tries before this one.
    :param first: when the first try was, seconds since the epoch; 0 if this
        one was.
    :param longest: bound of the pause before the next try, seconds.
    """
    kind, due = Kind.SCHEDULED, time_of(error, now)
    if due is None:
        kind = _kind(error)
        due = now + _delay(error, attempts, longest)
        attempts += 1
    else:
        # Nothing was tried.
        attempts, first = 0, now
    return Entry(
        name=row.name,
        kind=kind,
        reason=one_line(str(error) or repr(error)),
        attempts=attempts,
        first=first or now,
        due=due,
        rowid=row.rowid,
        deleted=row.deleted,
        timestamp=row.timestamp,
        data_timestamp=row.data_timestamp,
        size=row.size,
        etag=row.etag,
        content_type=row.content_type,
        policy_index=row.policy_index,
    )


def time_of(error: BaseException, now: float) -> float | None:
    """Return when a row is to be tried, if that is known and yet to come.

    One whose time has come and that waits all the same would be tried over
    and over: it waits like any other.
    """
    until = error.until if isinstance(error, RowWaitsError) else None
    return until if until is not None and until > now else None


def row_of(entry: Entry) -> Row:
    """Return the row that an entry was made of."""
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


def report(
    logger: logging.Logger,
    key: ContainerKey,
    entry: Entry,
    error: BaseException,
    now: float,
) -> None:
    """Tell the log what became of a row."""
    where = f"{key.mapping}: {key.account}/{key.container}"
    name = one_line(entry.name)
    if entry.kind is Kind.SKIPPED:
        logger.warning("%s/%s was skipped: %s", where, name, entry.reason)
    elif entry.kind is Kind.SCHEDULED:
        logger.debug(
            "%s/%s is due in %.0f s: %s",
            where,
            name,
            entry.due - now,
            entry.reason,
        )
    elif entry.kind is Kind.WAITING:
        logger.info("%s/%s waits: %s", where, name, entry.reason)
    else:
        logger.error(
            "%s/%s failed (try %d, row %d): %s; next try in %.0f s",
            where,
            name,
            entry.attempts,
            entry.rowid,
            entry.reason,
            entry.due - now,
        )
        logger.debug("traceback of row %d", entry.rowid, exc_info=error)


def one_line(text: str) -> str:
    """Return text that a line of a log, and SQLite, can hold.

    A lone surrogate, as in a header that is no UTF-8, cannot be stored: the
    transaction, and with it the whole container, would fail each time.
    """
    plain = text.encode("utf-8", "backslashreplace").decode()
    if plain.isprintable():
        return plain
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in plain
    )


def _kind(error: BaseException) -> Kind:
    if isinstance(error, RowSkippedError):
        return Kind.SKIPPED
    if isinstance(error, RowWaitsError):
        return Kind.WAITING
    return Kind.FAILED


def _delay(error: BaseException, attempts: int, longest: float) -> float:
    """Return the pause before the next try: exponential, full jitter.

    What a retry alone does not mend starts with a longer pause.
    """
    helps = getattr(error, "retryable", True)
    first = _FIRST_DELAY[bool(helps)]
    ceiling = min(longest, first * 2.0 ** min(attempts, 30))
    return ceiling / 2 + random.uniform(0, ceiling / 2)  # noqa: S311 - jitter
