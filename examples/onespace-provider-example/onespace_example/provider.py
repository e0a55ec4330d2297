# SPDX-License-Identifier: Apache-2.0
"""The contract, method by method."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

from oslo_config import cfg

from onespace_core.provider import (
    AccountInfo,
    AlreadyExists,
    Body,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    InvalidRequest,
    NotSupported,
    ObjectInfo,
    ObjectPage,
    ObjectReader,
    Provider,
    ProviderSettings,
    PutResult,
)
from onespace_example import rules, store


class ExampleProvider(Provider):
    """Objects in one SQLite file on a local disk.

    Each request has a connection of its own, so that any number of threads
    may make some. A body is first written to a temporary file, so that the
    database is locked only while that is copied into it.

    :param path: the file; ``create_bucket`` makes it.
    :param bucket: what ``bucket=None`` means.
    """

    API_VERSION: ClassVar[tuple[int, int]] = (1, 0)
    OPTS = (
        cfg.StrOpt(
            "path",
            required=True,
            help="The SQLite file, on a local disk.",
        ),
    )

    def __init__(self, path: str, bucket: str | None) -> None:
        self._path = path
        self._bucket = bucket
        self._closed = False

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,  # noqa: ARG003 - there is nothing to log
        concurrency: int = 10,  # noqa: ARG003 - there is no pool
    ) -> Self:
        """Build an instance; see the contract."""
        return cls(settings["path"], settings.bucket)

    @property
    def capabilities(self) -> Capabilities:
        """The same for every file."""
        return rules.CAPABILITIES

    @property
    def location(self) -> str:
        """The file's path."""
        return f"example://{self._path}"

    def close(self) -> None:
        """Refuse what comes after."""
        self._closed = True

    @contextlib.contextmanager
    def _request(
        self,
        op: str,
        bucket: str | None = None,
        key: str | None = None,
        *,
        refuse: str | None = None,
    ) -> Iterator[tuple[sqlite3.Connection, str]]:
        """Give a connection and the name of the bucket.

        :param refuse: what is asked for and not claimed, if anything is.
        """
        name = bucket or self._bucket or ""
        with store.translated(op, name or None, key):
            if self._closed:
                raise InvalidRequest("the provider was closed")
            if refuse:
                raise NotSupported(refuse)
            create = op == "create_bucket"
            connection = store.connect(self._path, create=create)
            with contextlib.closing(connection):
                yield connection, name

    # -- the account and its buckets --------------------------------------

    def head_account(self) -> AccountInfo:
        """Count everything."""
        with self._request("head_account") as (db, _):
            (buckets,) = db.execute("SELECT count(*) FROM buckets").fetchone()
            objects, size = db.execute(
                "SELECT count(*), total(length(body)) FROM objects"
            ).fetchone()
        return AccountInfo(
            bucket_count=buckets, object_count=objects, bytes_used=int(size)
        )

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """List buckets; see the contract."""
        most = rules.page_size(limit)
        with self._request("list_buckets") as (db, _):
            rows = db.execute(
                "SELECT name FROM buckets WHERE name > ?"
                " AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
                (marker, len(prefix), prefix, most + 1),
            ).fetchall()
        names = [row["name"] for row in rows]
        return BucketPage(
            buckets=[BucketInfo(name=name) for name in names[:most]],
            next_marker=names[most - 1] if len(names) > most else None,
        )

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """Say whether a bucket is there, and how much is in it."""
        with self._request("head_bucket", bucket) as (db, name):
            store.check_bucket(db, name)
            count, size = db.execute(
                "SELECT count(*), total(length(body)) FROM objects"
                " WHERE bucket = ?",
                (name,),
            ).fetchone()
        return BucketInfo(name=name, object_count=count, bytes_used=int(size))

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Create a bucket; see ``BucketAdmin``."""
        refuse = "a bucket has no metadata here" if metadata else None
        with self._request("create_bucket", bucket, refuse=refuse) as (
            db,
            name,
        ):
            done = db.execute(
                "INSERT OR IGNORE INTO buckets VALUES (?)", (name,)
            )
            return done.rowcount == 1

    def delete_bucket(self, bucket: str | None = None) -> None:
        """Delete an empty bucket; see ``BucketAdmin``."""
        with (
            self._request("delete_bucket", bucket) as (db, name),
            store.transaction(db),
        ):
            if db.execute(
                "SELECT 1 FROM objects WHERE bucket = ?", (name,)
            ).fetchone():
                raise AlreadyExists("the bucket has objects")
            db.execute("DELETE FROM buckets WHERE name = ?", (name,))

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """List one page of objects; see the contract."""
        start = prefix.encode()
        refuse = "listings have no delimiter here" if delimiter else None
        with self._request("list_objects", bucket, refuse=refuse) as (
            db,
            name,
        ):
            most = rules.page_size(limit)
            store.check_bucket(db, name)
            rows = db.execute(
                f"SELECT {store.COLUMNS} FROM objects"  # noqa: S608 - ours
                " WHERE bucket = ? AND key > ? AND substr(key, 1, ?) = ?"
                " ORDER BY key LIMIT ?",
                (name, marker.encode(), len(start), start, most + 1),
            ).fetchall()
        infos = [store.info(row) for row in rows]
        return ObjectPage(
            objects=infos[:most],
            next_marker=infos[most - 1].key if len(infos) > most else None,
        )

    # -- objects ----------------------------------------------------------

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """Return an object without its bytes; see the contract."""
        refuse = rules.unclaimed_read(conditions)
        with self._request("head_object", bucket, key, refuse=refuse) as (
            db,
            name,
        ):
            return store.info(store.find(db, name, key))

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """Open an object; the reader has a connection of its own."""
        refuse = rules.unclaimed_read(conditions)
        with contextlib.ExitStack() as stack:
            db, name = stack.enter_context(
                self._request("get_object", bucket, key, refuse=refuse)
            )
            db.execute("BEGIN")  # one state of the file until we close it
            row = store.find(db, name, key)
            there = store.info(row)
            first, end = rules.resolve(byte_range, there.size)
            blob = stack.enter_context(
                db.blobopen("objects", "body", row["id"], readonly=True)
            )
            blob.seek(first)
            opened = stack.pop_all()
        part = f"bytes {first}-{end - 1}/{there.size}"
        return ObjectReader(
            there,
            store.chunks(blob, end - first, bucket=name, key=key),
            length=end - first,
            closer=opened.close,
            status=200 if byte_range is None else 206,
            content_range=None if byte_range is None else part,
        )

    def put_object(
        self,
        key: str,
        body: Body,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Write an object, whole or not at all; see the contract."""
        refuse = rules.unclaimed_write(conditions, system)
        with (
            self._request("put_object", bucket, key, refuse=refuse) as (
                db,
                name,
            ),
            tempfile.TemporaryFile() as spool,
        ):
            rules.check_key(key)
            row = rules.headers(metadata, system, content_type)
            store.check_bucket(db, name)
            row["etag"] = rules.spool(body, spool)
            with store.transaction(db):
                rules.check_conditions(conditions, store.etag(db, name, key))
                store.replace(db, name, key, row, spool)
        return PutResult(etag=row["etag"])

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Replace metadata in place; see the contract."""
        refuse = rules.unclaimed_write(None, system)
        with self._request("post_object", bucket, key, refuse=refuse) as (
            db,
            name,
        ):
            row = rules.headers(metadata, system, content_type)
            with store.transaction(db):
                old = store.find(db, name, key)
                db.execute(
                    "UPDATE objects SET metadata = ?, system = ?,"
                    " content_type = ?, modified = ? WHERE id = ?",
                    (
                        row["metadata"],
                        row["system"],
                        content_type or old["content_type"],
                        row["modified"],
                        old["id"],
                    ),
                )

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """Delete an object; say whether it was there."""
        with self._request("delete_object", bucket, key) as (db, name):
            rules.check_key(key)
            with store.transaction(db):
                store.check_bucket(db, name)
                done = db.execute(
                    "DELETE FROM objects WHERE bucket = ? AND key = ?",
                    (name, key.encode()),
                )
            return done.rowcount == 1

    def copy_object(
        self,
        source: str,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Copy an object within the file; see ``ObjectCopy``."""
        refuse = rules.unclaimed_write(None, system)
        with self._request("copy_object", bucket, key, refuse=refuse) as (
            db,
            name,
        ):
            rules.check_key(source)
            rules.check_key(key)
            rules.check_kept(metadata, content_type, system)
            row = rules.headers(metadata, system, content_type)
            with store.transaction(db):
                where = source_bucket or self._bucket or ""
                old = store.find(db, where, source)
                store.check_bucket(db, name)
                rules.check_version(if_match, old["etag"])
                if metadata is None:
                    row = {**dict(old), "modified": row["modified"]}
                store.copy(db, old["id"], name, key, row)
        return PutResult(etag=old["etag"])
