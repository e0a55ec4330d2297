# SPDX-License-Identifier: Apache-2.0
"""The tables of the state file, and how it is opened."""

from __future__ import annotations

import enum
import sqlite3
from urllib.parse import quote

from onespace_core.provider.errors import OnespaceError

#: Raised when the tables change; a file of another version is migrated or
#: refused, never guessed at.
SCHEMA_VERSION = 3

#: How a transaction is written. The usual one is not waited for: after a
#: power cut progress may be a little behind, and rows are done once more. A
#: durable one is on the disk when it returns, with all that came before it.
USUAL, DURABLE = "NORMAL", "FULL"

#: What each version added to the one before. Statements, not a script: a
#: script would end the transaction that makes a migration all or nothing.
_VERSIONS: dict[int, tuple[str, ...]] = {
    1: (
        """
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
        ) WITHOUT ROWID
        """,
        """
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
        ) WITHOUT ROWID
        """,
        """
        CREATE INDEX IF NOT EXISTS ledger_due
            ON ledger (mapping, account, container, kind, due)
        """,
        """
        CREATE TABLE IF NOT EXISTS health (
            mapping TEXT NOT NULL PRIMARY KEY,
            reason TEXT NOT NULL,
            since REAL NOT NULL,
            retry_at REAL NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    2: (
        """
        CREATE TABLE note (
            mapping TEXT NOT NULL,
            account TEXT NOT NULL,
            container TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (mapping, account, container, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE receipt (
            mapping TEXT NOT NULL,
            account TEXT NOT NULL,
            container TEXT NOT NULL,
            name TEXT NOT NULL,
            timestamp TEXT NOT NULL,
            etag TEXT NOT NULL,
            size INTEGER NOT NULL,
            remote_etag TEXT NOT NULL,
            verified REAL NOT NULL,
            deleted REAL,
            PRIMARY KEY (mapping, account, container, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE INDEX receipt_deleted
            ON receipt (deleted) WHERE deleted IS NOT NULL
        """,
        """
        CREATE TABLE upload (
            id INTEGER PRIMARY KEY,
            mapping TEXT NOT NULL,
            account TEXT NOT NULL,
            container TEXT NOT NULL,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            key TEXT NOT NULL,
            upload_id TEXT NOT NULL,
            started REAL NOT NULL,
            bucket TEXT NOT NULL,
            UNIQUE (mapping, account, container, name, upload_id)
        )
        """,
        """
        CREATE TABLE part (
            upload INTEGER NOT NULL,
            number INTEGER NOT NULL,
            size INTEGER NOT NULL,
            md5 TEXT NOT NULL,
            PRIMARY KEY (upload, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE breaker (
            mapping TEXT NOT NULL PRIMARY KEY,
            granted INTEGER NOT NULL,
            tripped REAL,
            reason TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE deletions (
            mapping TEXT NOT NULL,
            account TEXT NOT NULL,
            container TEXT NOT NULL,
            slot INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (mapping, account, container, slot)
        ) WITHOUT ROWID
        """,
    ),
    3: (
        """
        CREATE TABLE garbage (
            mapping TEXT NOT NULL,
            account TEXT NOT NULL,
            container TEXT NOT NULL,
            name TEXT NOT NULL,
            side TEXT NOT NULL,
            place TEXT NOT NULL,
            segment TEXT NOT NULL,
            version TEXT NOT NULL,
            etag TEXT NOT NULL,
            size INTEGER NOT NULL,
            timestamp TEXT NOT NULL,
            manifest_etag TEXT NOT NULL,
            manifest_size INTEGER NOT NULL,
            noted REAL NOT NULL,
            PRIMARY KEY (mapping, side, place, segment)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE sweep (
            mapping TEXT NOT NULL,
            side TEXT NOT NULL,
            report TEXT NOT NULL,
            PRIMARY KEY (mapping, side)
        ) WITHOUT ROWID
        """,
    ),
}


class StateError(OnespaceError):
    """The state cannot be read or written; the message says what to do."""


class Access(enum.Enum):
    """What a program may do with the file."""

    #: The daemon's: creates, migrates and, if it is damaged, replaces it.
    OWNER = "owner"
    #: Of a command beside a daemon: writes to a file that is as it should
    #: be, and touches no other.
    GUEST = "guest"
    #: For status: changes nothing.
    READER = "reader"


def open_database(path: str, access: Access) -> sqlite3.Connection:
    """Open the file; its owner gets it with the present tables.

    A reader of a file that an older version left reads a copy in memory.

    :raises sqlite3.OperationalError: not now: locked, no permission, ...
    :raises sqlite3.DatabaseError: it is no database, or a damaged one.
    :raises StateError: it was written by a newer version; or, for a guest,
        by an older one.
    """
    connection = _connect(path, access)
    try:
        if access is Access.OWNER:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {USUAL}")
        version = _version(connection)
        if version > SCHEMA_VERSION:
            message = (
                f"{path} was written by a newer onespace (schema {version}, "
                f"this one knows {SCHEMA_VERSION}); upgrade, or use another "
                "state_dir"
            )
            raise StateError(message)
        if access is Access.OWNER:
            if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                message = "quick_check failed"
                raise sqlite3.DatabaseError(message)
            _migrate(connection)
        elif version < SCHEMA_VERSION:
            return _without_migration(connection, path, access, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: str, access: Access) -> sqlite3.Connection:
    if access is Access.OWNER:
        return sqlite3.connect(path, isolation_level=None, timeout=30)
    mode = "ro" if access is Access.READER else "rw"
    return sqlite3.connect(
        f"file:{quote(path)}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=30,
    )


def _without_migration(
    connection: sqlite3.Connection, path: str, access: Access, version: int
) -> sqlite3.Connection:
    if access is Access.GUEST:
        message = (
            f"{path} was written by an older onespace (schema {version}, "
            f"this one needs {SCHEMA_VERSION}); start onespace-sync of this "
            "version first"
        )
        raise StateError(message)
    if version == 0:
        # No state at all: whoever reads a table will hear so.
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    _migrate(copy)
    return copy


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, in one transaction."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for version in range(_version(connection) + 1, SCHEMA_VERSION + 1):
            for statement in _VERSIONS[version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def is_operational(exc: sqlite3.DatabaseError) -> bool:
    """Tell "not now" (locked, no permission) from "this is no database"."""
    return isinstance(exc, sqlite3.OperationalError)


#: What to do about what SQLite says, by the low byte of its result code
#: (https://www.sqlite.org/rescode.html).
_TO_DO = {
    sqlite3.SQLITE_BUSY: (
        "another program has it open and keeps it locked; end that one, such "
        "as a backup or sqlite3 by hand"
    ),
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: (
        "its disk cannot be read or written; see what the kernel logged"
    ),
}
_LOOK = "check that its folder exists and is writable by this user"


def advice(path: str, exc: Exception) -> str:
    """Return a message that says what to do."""
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    to_do = _TO_DO.get(code, _LOOK)
    return f"cannot use the state file {path}: {exc}; {to_do}"
