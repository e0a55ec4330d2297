# SPDX-License-Identifier: Apache-2.0
"""A private copy of the state, for a plan to write to."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from urllib.parse import quote

from onespace_core.concurrency import sleep
from onespace_core.state import StateError, StateStore
from onespace_core.state.schema import advice

#: Times that a copy of the files is tried before SQLite is asked for one.
_TRIES = 2
#: Seconds after which the time of a file differs with every further write.
_SETTLE_TIME = 2.0
#: Of the database, and of what was not written into it yet.
_SUFFIXES = ("", "-wal")
#: Reasons that are told apart.
_REASONS = 100
_OTHER = "other reasons"


@dataclasses.dataclass(frozen=True, slots=True)
class Owed:
    """Rows that would be left, of one mapping, kind and reason.

    :param kind: ``failed``, ``waiting``, ``skipped`` or ``scheduled``.
    :param count: how many.
    :param due: when the first of them is tried, seconds since the epoch.
    :param names: the first of them, as container and object.
    """

    kind: str
    reason: str
    count: int
    due: float
    names: tuple[str, ...]


def copied_state(path: str, folder: str, logger: logging.Logger) -> StateStore:
    """Copy a state file and open the copy; no file is a first pass.

    A daemon may work with it meanwhile. Nothing beside it is written.

    :param path: the file.
    :param folder: where the copy goes; nobody else may write there.
    :raises StateError: it cannot be read, is damaged, or was written by a
        newer version.
    """
    copy = os.path.join(folder, os.path.basename(path))
    try:
        if _is_there(path):
            _copy(path, copy)
    except (OSError, sqlite3.Error) as exc:
        raise StateError(advice(path, exc)) from exc
    try:
        return StateStore(copy, logger)
    except StateError as exc:
        # The operator knows the file, not our copy of it.
        message = str(exc).replace(copy, path)
        raise StateError(message) from exc


def _is_there(path: str) -> bool:
    """Return whether a file exists.

    :raises OSError: nobody lets us look.
    """
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


def _copy(path: str, copy: str) -> None:
    if not any(_copy_quiet(path, copy) for _ in range(_TRIES)):
        # A daemon works with it: its file of shared memory is there already.
        source = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
        _remove(copy)
        with (
            contextlib.closing(source),
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    with contextlib.closing(sqlite3.connect(copy)) as found:
        said = found.execute("PRAGMA quick_check").fetchone()[0]
    if said != "ok":
        message = f"it is damaged: {said}"
        raise sqlite3.DatabaseError(message)


def _copy_quiet(path: str, copy: str) -> bool:
    """Copy the files that nobody writes to; return whether that is so.

    SQLite would write to the folder of a database that a killed daemon has
    left; it does so beside the copy now.
    """
    before = [_stat(path + suffix) for suffix in _SUFFIXES]
    newest = max((found[1] for found in before if found), default=0) / 1e9
    # Times of files are coarser than a write: what has just changed may
    # change again, and look the same.
    sleep(min(_SETTLE_TIME, max(0.0, newest + _SETTLE_TIME - time.time())))
    _remove(copy)
    for suffix, found in zip(_SUFFIXES, before, strict=True):
        if found is not None:
            shutil.copyfile(path + suffix, copy + suffix)
    return before == [_stat(path + suffix) for suffix in _SUFFIXES]


def _remove(copy: str) -> None:
    for suffix in (*_SUFFIXES, "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(copy + suffix)


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size


def owed_of(path: str, mapping: str, limit: int) -> list[Owed]:
    """Return what a mapping would owe after the pass, most first.

    :param path: of the copy.
    :param limit: names to give of each, 0 or more; more than a
        hundred reasons are counted together.
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT kind, reason, count(*), min(due) FROM ledger "
            "WHERE mapping = ? GROUP BY kind, reason "
            "ORDER BY count(*) DESC, kind, reason",
            (mapping,),
        )
        found = []
        for kind, reason, count, due in rows.fetchmany(_REASONS):
            names = _names(connection, mapping, kind, reason, limit)
            found.append(Owed(kind, reason, count, due, tuple(names)))
        others: dict[str, Owed] = {}
        for kind, _reason, count, due in rows:
            former = others.get(kind, Owed(kind, _OTHER, 0, due, ()))
            others[kind] = dataclasses.replace(
                former, count=former.count + count, due=min(former.due, due)
            )
    return [*found, *others.values()]


def _names(
    connection: sqlite3.Connection,
    mapping: str,
    kind: str,
    reason: str,
    limit: int,
) -> Iterator[str]:
    for container, name in connection.execute(
        "SELECT container, name FROM ledger WHERE mapping = ? AND kind = ? "
        "AND reason = ? ORDER BY due LIMIT ?",
        (mapping, kind, reason, limit),
    ):
        yield f"{container}/{name}"


def forget_troubles(store: StateStore) -> None:
    """Drop what earlier passes noted of stores, so that ours is seen."""
    for name in store.health():
        store.report_health(name, None)
