# SPDX-License-Identifier: Apache-2.0
"""The SQLite file: connections, errors, tables."""

from __future__ import annotations

import contextlib
import datetime
import json
import pathlib
import sqlite3
from collections.abc import Iterator, Mapping
from typing import IO, Any

from onespace_core.provider import (
    CHUNK_SIZE,
    BucketNotFound,
    ConnectionFailed,
    InvalidRequest,
    ObjectInfo,
    ObjectNotFound,
    ProviderError,
    QuotaExceeded,
    ServiceUnavailable,
    UnknownProviderError,
)

#: Keys are bytes, so that SQLite sorts them as the contract wants.
TABLES = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    system TEXT NOT NULL,
    UNIQUE (bucket, key)
);
"""
COLUMNS = (
    "id, key, length(body) AS size, etag, modified, content_type, metadata,"
    " system"
)


def connect(path: str, *, create: bool = False) -> sqlite3.Connection:
    """Open the file, which has to be there unless ``create``.

    A missing file is loud: a disk may not be mounted.
    """
    mode = "rwc" if create else "rw"
    uri = f"{pathlib.Path(path).absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=30,
        isolation_level=None,  # transactions are begun where we say so
        check_same_thread=False,  # a reader may be closed by another thread
    )
    connection.row_factory = sqlite3.Row
    if create:
        # Readers of a file in this mode do not keep writers out.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLES)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all that is in the block, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite may have ended it itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def translated(op: str, bucket: str | None, key: str | None) -> Iterator[None]:
    """Turn SQLite's errors into those of the contract, and say where."""
    try:
        yield
    except sqlite3.Error as exc:
        kind = _KINDS.get(_name(exc), UnknownProviderError)
        raise kind(
            str(exc),
            op=op,
            provider="example",
            bucket=bucket,
            key=key,
            code=_name(exc),
        ) from exc
    except ProviderError as exc:
        exc.op, exc.provider, exc.bucket, exc.key = op, "example", bucket, key
        raise


_KINDS: dict[str, type[ProviderError]] = {
    "SQLITE_BUSY": ServiceUnavailable,
    "SQLITE_LOCKED": ServiceUnavailable,
    "SQLITE_CANTOPEN": ConnectionFailed,
    "SQLITE_FULL": QuotaExceeded,
}


def _name(exc: sqlite3.Error) -> str:
    return getattr(exc, "sqlite_errorname", None) or type(exc).__name__


def info(row: sqlite3.Row) -> ObjectInfo:
    """Return what the contract says of an object."""
    return ObjectInfo(
        key=row["key"].decode(),
        size=row["size"],
        etag=row["etag"],
        last_modified=datetime.datetime.fromisoformat(row["modified"]),
        content_type=row["content_type"],
        metadata=json.loads(row["metadata"]),
        system=json.loads(row["system"]),
    )


def check_bucket(db: sqlite3.Connection, name: str) -> None:
    """Refuse a bucket that is not there, or none at all."""
    if not name:
        raise InvalidRequest("no bucket is named")
    if not db.execute(
        "SELECT 1 FROM buckets WHERE name = ?", (name,)
    ).fetchone():
        raise BucketNotFound("there is no such bucket")


def find(db: sqlite3.Connection, name: str, key: str) -> sqlite3.Row:
    """Return an object's row, without its bytes."""
    if not key:
        raise InvalidRequest("the key is empty")
    row: sqlite3.Row | None = db.execute(
        f"SELECT {COLUMNS} FROM objects"  # noqa: S608 - columns are ours
        " WHERE bucket = ? AND key = ?",
        (name, key.encode()),
    ).fetchone()
    if row is None:
        check_bucket(db, name)
        raise ObjectNotFound("there is no such object")
    return row


def etag(db: sqlite3.Connection, name: str, key: str) -> str | None:
    """Return an object's ETag; None if there is no object."""
    try:
        return str(find(db, name, key)["etag"])
    except ObjectNotFound:
        return None


def copy(
    db: sqlite3.Connection,
    source: int,
    name: str,
    key: str,
    row: Mapping[str, Any],
) -> None:
    """Write a row with the bytes of another, within a transaction."""
    db.execute(
        "REPLACE INTO objects (bucket, key, body, etag, modified,"
        " content_type, metadata, system)"
        " SELECT ?, ?, body, etag, ?, ?, ?, ? FROM objects WHERE id = ?",
        (
            name,
            key.encode(),
            row["modified"],
            row["content_type"],
            row["metadata"],
            row["system"],
            source,
        ),
    )


def replace(
    db: sqlite3.Connection,
    name: str,
    key: str,
    row: Mapping[str, Any],
    spool: IO[bytes],
) -> None:
    """Write a row and its bytes, within a transaction."""
    size = spool.tell()
    spool.seek(0)
    done = db.execute(
        "REPLACE INTO objects (bucket, key, body, etag, modified,"
        " content_type, metadata, system)"
        " VALUES (?, ?, zeroblob(?), ?, ?, ?, ?, ?)",
        (
            name,
            key.encode(),
            size,
            row["etag"],
            row["modified"],
            row["content_type"],
            row["metadata"],
            row["system"],
        ),
    )
    with db.blobopen("objects", "body", done.lastrowid or 0) as blob:
        while data := spool.read(CHUNK_SIZE):
            blob.write(data)


def chunks(
    blob: sqlite3.Blob, left: int, *, bucket: str, key: str
) -> Iterator[bytes]:
    """Yield the next ``left`` bytes of a body."""
    with translated("get_object", bucket, key):
        while left > 0:
            data = blob.read(min(CHUNK_SIZE, left))
            left -= len(data)
            yield data
