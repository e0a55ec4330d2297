# SPDX-License-Identifier: Apache-2.0
"""The tables of the state file, and how it is opened."""

from __future__ import annotations

import sqlite3

from onespace_core.provider.errors import OnespaceError

#: Raised when the tables change; a file of another version is migrated or
#: refused, never guessed at.
SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS cursor (
    mapping TEXT NOT NULL,
    account TEXT NOT NULL,
    container TEXT NOT NULL,
    database_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    scanned INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    updated REAL NOT NULL,
    shares TEXT NOT NULL,
    PRIMARY KEY (mapping, account, container)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    mapping TEXT NOT NULL,
    account TEXT NOT NULL,
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first REAL NOT NULL,
    due REAL NOT NULL,
    row INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    timestamp TEXT NOT NULL,
    data_timestamp TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    content_type TEXT NOT NULL,
    policy_index INTEGER NOT NULL,
    PRIMARY KEY (mapping, account, container, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_due
    ON ledger (mapping, account, container, kind, due);
CREATE TABLE IF NOT EXISTS health (
    mapping TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    retry_at REAL NOT NULL
) WITHOUT ROWID;
"""


class StateError(OnespaceError):
    """The state cannot be read or written; the message says what to do."""


def open_database(path: str, *, read_only: bool) -> sqlite3.Connection:
    """Open the file, with the tables in it unless ``read_only``.

    :raises sqlite3.OperationalError: not now: locked, no permission, ...
    :raises sqlite3.DatabaseError: it is no database, or a damaged one.
    :raises StateError: it was written by a newer version.
    """
    if read_only:
        connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, isolation_level=None
        )
    else:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            message = (
                f"{path} was written by a newer onespace (schema {version}, "
                f"this one knows {SCHEMA_VERSION}); upgrade, or use another "
                "state_dir"
            )
            raise StateError(message)
        if not read_only:
            if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                message = "quick_check failed"
                raise sqlite3.DatabaseError(message)
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_operational(exc: sqlite3.DatabaseError) -> bool:
    """Tell "not now" (locked, no permission) from "this is no database"."""
    return isinstance(exc, sqlite3.OperationalError)


def advice(path: str, exc: Exception) -> str:
    """Return a message that says what to look at."""
    return (
        f"cannot use the state file {path}: {exc}; check that its folder "
        "exists, is writable by this user, and that its disk is not full"
    )
