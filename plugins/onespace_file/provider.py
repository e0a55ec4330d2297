# SPDX-License-Identifier: Apache-2.0
"""A local folder as a provider."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

from onespace_core.provider import (
    AccountInfo,
    Body,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    ConfigError,
    InvalidRequest,
    ObjectInfo,
    ObjectPage,
    ObjectReader,
    PreconditionFailed,
    Provider,
    ProviderError,
    ProviderSettings,
    PutResult,
    ServiceUnavailable,
)
from onespace_file import buckets, copying, lister, reader, rules, temp, writer
from onespace_file.errors import PROVIDER, translate
from onespace_file.options import OPTS
from onespace_file.store import Bucket, Store

#: Seconds between two looks for what killed processes left, in one bucket.
_CLEAN_EVERY = 3600.0


class FileProvider(Provider):
    """A folder of a local (or well-behaved network) file system.

    Each bucket is a sub-folder, each part of a key a folder in it; an
    object's bytes are a file, beside one with its description
    (:mod:`onespace_file.names`). Object and description change in one step,
    which is on the disk before a call returns (:mod:`onespace_file.writer`).
    May be used by many threads and processes at once, which lock each other
    out key by key.

    Memory: one chunk of 64 KiB for each transfer; for a listing one page
    with its metadata, and a page of names for each level of folders.

    :param folder: the store; absolute.
    :param fsync: whether a write waits for the disk.
    :param bucket: the bucket that None means.
    :param logger: told what was cleaned up after killed processes.
    """

    NAME: ClassVar[str] = PROVIDER
    OPTS = OPTS

    def __init__(
        self,
        folder: str,
        *,
        fsync: bool,
        bucket: str | None,
        logger: logging.Logger,
    ) -> None:
        self._store = Store(folder, sync=fsync)
        self._bucket = bucket
        self._logger = logger
        self._closed = False
        self._lock = threading.Lock()
        self._cleaned: dict[str, float] = {}

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,  # noqa: ARG003 - there is no pool
    ) -> Self:
        """Build an instance; see the contract.

        :raises ConfigError: ``folder`` is not an absolute path.
        """
        folder = settings["folder"]
        if not folder or not os.path.isabs(folder):
            raise ConfigError(
                "the store's folder is an absolute path", option="folder"
            )
        return cls(
            folder,
            fsync=settings["fsync"],
            bucket=settings.bucket,
            logger=logger,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What this instance can do."""
        return rules.CAPABILITIES

    @property
    def location(self) -> str:
        """``file://`` and the folder."""
        return f"file://{self._store.folder}"

    def close(self) -> None:
        """Refuse what comes after; nothing is held."""
        self._closed = True

    # -- accounts and buckets ---------------------------------------------

    def head_account(self) -> AccountInfo:
        """Count the buckets; to count objects would be to visit them."""
        with self._operation("head_account"):
            return AccountInfo(bucket_count=buckets.count(self._store))

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """List the folders that are buckets; see the contract."""
        with self._operation("list_buckets"):
            return buckets.list_page(
                self._store, prefix=prefix, marker=marker, limit=limit
            )

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """Return what was said when the bucket was made; see the contract."""
        with self._on_bucket("head_bucket", bucket) as there:
            return there.info

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Make a bucket's folder; see ``BucketAdmin``."""
        name = self._bucket if bucket is None else bucket
        with self._operation("create_bucket", name):
            return buckets.create(self._store, name, metadata)

    def delete_bucket(self, bucket: str | None = None) -> None:
        """Remove an empty bucket's folder; see ``BucketAdmin``.

        :raises AlreadyExists: also if there are files that are not ours.
        """
        name = self._bucket if bucket is None else bucket
        with self._operation("delete_bucket", name):
            buckets.delete(self._store, name)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """List one page of objects; see the contract.

        :raises IntegrityError: an object's description cannot be read: a
            listing without it would say that it is gone.
        """
        with self._on_bucket("list_objects", bucket) as there:
            return lister.list_objects(
                there,
                prefix=prefix,
                delimiter=delimiter,
                marker=marker,
                limit=limit,
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
        with self._on_object("head_object", bucket, key) as there:
            record = reader.find(there, key)
            rules.check_read(record, conditions)
            return record.info()

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """Open an object for reading; see the contract.

        :raises IntegrityError: the file with the bytes is missing or has
            another size than it was written with.
        """
        with self._on_object("get_object", bucket, key) as there:
            return reader.open_reader(there, key, byte_range, conditions)

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
        """Write an object; see the contract.

        :raises QuotaExceeded: the disk is full; the old object is there.
        """
        op = "put_object"
        with self._operation(op, bucket or self._bucket, key):
            rules.check_write_supported(conditions)
            headers = writer.Headers.checked(metadata, system, content_type)
        with self._on_object(op, bucket, key) as there:
            self._clean(there)
            return writer.put(there, key, body, headers, conditions)

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Replace an object's description; see the contract."""
        op = "post_object"
        with self._operation(op, bucket or self._bucket, key):
            headers = writer.Headers.checked(metadata, system, content_type)
        with self._on_object(op, bucket, key) as there:
            self._clean(there)
            writer.post(there, key, headers)

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """Delete an object; return whether it was there."""
        with self._on_object("delete_object", bucket, key) as there:
            self._clean(there)
            return writer.delete(there, key)

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
        """Copy an object's file; see ``ObjectCopy``.

        :raises IntegrityError: the source is damaged; nothing is written.
        :raises ServiceUnavailable: it was to be copied onto itself, and was
            replaced or deleted meanwhile; nothing is written. With
            ``if_match`` that is ``PreconditionFailed``.
        """
        op = "copy_object"
        headers = None
        with self._operation(op, bucket or self._bucket, key):
            if metadata is not None:
                headers = writer.Headers.checked(
                    metadata, system, content_type
                )
            elif content_type is not None or system is not None:
                reason = "a copy that keeps its metadata keeps the rest"
                raise InvalidRequest(reason)
        with self._on_object(op, source_bucket, source) as there:
            opened = reader.open_reader(
                there, source, None, Conditions(if_match=if_match)
            )
        with opened, self._on_object(op, bucket, key) as there:
            self._clean(there)
            onto_itself = (source, source_bucket or self._bucket) == (
                key,
                bucket or self._bucket,
            )
            if not onto_itself:
                return copying.copy(opened, there, key, headers)
            try:
                return copying.copy(
                    opened, there, key, headers, only=opened.info.etag
                )
            except PreconditionFailed as exc:
                if if_match is not None:
                    raise
                reason = "the object was replaced while it was copied"
                raise ServiceUnavailable(reason) from exc

    # -- what every method needs ------------------------------------------

    @contextlib.contextmanager
    def _operation(
        self, op: str, bucket: str | None = None, key: str | None = None
    ) -> Iterator[None]:
        with translate(op, bucket, key):
            if self._closed:
                raise InvalidRequest("the provider was closed")
            yield

    @contextlib.contextmanager
    def _on_bucket(self, op: str, bucket: str | None) -> Iterator[Bucket]:
        name = self._bucket if bucket is None else bucket
        with self._operation(op, name), self._store.bucket(name) as there:
            yield there

    @contextlib.contextmanager
    def _on_object(
        self, op: str, bucket: str | None, key: str
    ) -> Iterator[Bucket]:
        name = self._bucket if bucket is None else bucket
        with self._operation(op, name, key):
            rules.check_key(key)
            with self._store.bucket(name) as there:
                yield there

    def _clean(self, bucket: Bucket) -> None:
        """Clean up after killed processes, now and then."""
        now, name = time.monotonic(), bucket.info.name
        with self._lock:
            if now - self._cleaned.get(name, -_CLEAN_EVERY) < _CLEAN_EVERY:
                return
            self._cleaned[name] = now
        try:
            count = temp.clean(bucket)
        except (OSError, ProviderError) as exc:
            # What is asked for may work all the same, and comes first.
            self._logger.warning("bucket %r: not cleaned: %s", name, exc)
            return
        if count:
            self._logger.info(
                "bucket %r: cleaned up after %d unfinished writes",
                name,
                count,
            )
