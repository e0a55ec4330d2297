# SPDX-License-Identifier: Apache-2.0
"""How every request to a memory store begins, and how an object is kept."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Self

from onespace_core.provider.base import Provider
from onespace_core.provider.errors import (
    BucketNotFound,
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    ProviderError,
    Unauthenticated,
)
from onespace_core.provider.large import Manifest
from onespace_core.provider.protocols import (
    PROTOCOLS,
    LargeObjects,
    MultipartUpload,
    withholding,
)
from onespace_core.provider.types import (
    EXPIRY,
    BucketInfo,
    Capabilities,
    Conditions,
    KeyScheme,
    ObjectInfo,
    PutResult,
)
from onespace_core.testing import _memory_rules as rules
from onespace_core.testing._memory_store import Bucket, Call, MemoryStore

#: What a memory store claims: everything, and parts of eight bytes or more.
EVERYTHING = Capabilities(
    range_get=True,
    conditional_get=True,
    conditional_put=True,
    conditional_replace=True,
    conditional_complete=True,
    conditional_complete_replace=True,
    list_delimiter=True,
    list_has_metadata=True,
    metadata_post=True,
    delete_reports_missing=True,
    account_stats=True,
    etag_is_md5=True,
    large_objects=True,
    object_expiry=True,
    part_copy=True,
    min_part_size=8,
    max_part_size=5 * 2**30,
    max_parts=10_000,
    max_object_size=5 * 2**30,
    max_key_bytes=1024,
    max_metadata_bytes=8192,
)


class MemoryBase(Provider):
    """What the parts of a :class:`MemoryProvider` share."""

    def __new__(
        cls,
        store: MemoryStore,  # noqa: ARG004 - of __init__
        *,
        capabilities: Capabilities = EVERYTHING,
        protocols: Collection[type] | None = None,
        **_others: Any,
    ) -> Self:
        """Make one of a class that offers just what is asked for."""
        offered = set(PROTOCOLS if protocols is None else protocols)
        if not capabilities.large_objects:
            offered.discard(LargeObjects)
        withheld = frozenset(set(PROTOCOLS) - offered)
        return super().__new__(withholding(cls, withheld))

    def __init__(
        self,
        store: MemoryStore,
        *,
        bucket: str | None = None,
        capabilities: Capabilities = EVERYTHING,
        protocols: Collection[type] | None = None,  # noqa: ARG002 - of __new__
        key_scheme: KeyScheme = KeyScheme.HASHED,
        secret: str | None = None,
    ) -> None:
        self.store = store
        self.KEY_SCHEME = key_scheme  # type: ignore[misc]  # as tests need it
        self.calls: list[Call] = []
        self._bucket = bucket
        self._capabilities = dataclasses.replace(
            capabilities,
            large_objects=isinstance(self, LargeObjects),
            part_copy=capabilities.part_copy
            and isinstance(self, MultipartUpload),
        )
        self._secret = secret
        self._closed = False

    # -- how every request begins -----------------------------------------

    def _need(
        self,
        capability: str,
        op: str,
        bucket: str | None,
        key: str | None = None,
    ) -> None:
        if not getattr(self._capabilities, capability, False):
            with self._describe(op, bucket, key):
                raise NotSupported(f"{capability} is not claimed")

    def _need_for_write(
        self,
        op: str,
        bucket: str | None,
        key: str,
        *,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
    ) -> None:
        if EXPIRY in rules.names_lowered(system):
            self._need("object_expiry", op, bucket, key)
        completion = op == "complete_upload"
        for need in rules.write_needs(conditions, completion=completion):
            self._need(need, op, bucket, key)

    @contextlib.contextmanager
    def _request(
        self, op: str, bucket: str | None = None, key: str | None = None
    ) -> Iterator[Bucket]:
        """Record a request; hold the store while it is answered."""
        with self._describe(op, bucket, key) as name, self.store.lock:
            if op in {"head_account", "list_buckets"}:
                self._enter(op)
                yield Bucket(BucketInfo(name=""))
                return
            if key is not None:
                rules.check_key(key)
            self._enter(op, name, key)
            yield self._there(name)

    def _enter(
        self, op: str, bucket: str | None = None, key: str | None = None
    ) -> None:
        if self._closed:
            raise InvalidRequest("the provider is closed")
        if self.store.down:
            raise ConnectionFailed("the store is down")
        self.calls.append(Call(op, bucket, key))
        if self.store.secret not in (None, self._secret):
            raise Unauthenticated("wrong secret")

    def _there(self, bucket: str) -> Bucket:
        """Return a bucket without what has expired."""
        if bucket not in self.store.buckets:
            raise BucketNotFound("no such bucket")
        there = self.store.buckets[bucket]
        there.expire(self.store.now())
        return there

    @contextlib.contextmanager
    def _describe(
        self, op: str, bucket: str | None = None, key: str | None = None
    ) -> Iterator[str]:
        """Give errors their operation and names; yield the bucket's name."""
        name = self._bucket if bucket is None else bucket
        try:
            yield name or ""
        except ProviderError as exc:
            if exc.op is None:
                exc.op, exc.provider = op, "memory"
                exc.bucket, exc.key = name, key
            raise

    # -- how an object is kept --------------------------------------------

    def _check_headers(
        self,
        key: str,
        metadata: Mapping[str, str] | None,
        system: Mapping[str, str] | None,
    ) -> None:
        rules.check_key(key, self._capabilities)
        rules.check_metadata(metadata, system, self._capabilities)
        rules.check_expiry(system, self.store.now())

    def _etag(self, md5: str) -> str:
        return md5 if self._capabilities.etag_is_md5 else f"{md5}-1"

    def _keep(
        self,
        there: Bucket,
        key: str,
        data: bytes,
        *,
        etag: str,
        metadata: Mapping[str, str] | None,
        content_type: str | None,
        system: Mapping[str, str] | None,
        conditions: Conditions | None = None,
        manifest: Manifest | None = None,
        size: int | None = None,
    ) -> PutResult:
        """Write an object if the conditions hold."""
        old = there.objects.get(key)
        rules.check_write(old[0] if old else None, conditions)
        info = ObjectInfo(
            key=key,
            size=len(data) if size is None else size,
            etag=etag,
            last_modified=self.store.now(),
            content_type=content_type or "application/octet-stream",
            metadata=rules.names_lowered(metadata),
            system=rules.names_lowered(system),
            large=manifest.kind if manifest else None,
        )
        there.write(info, data, manifest)
        return PutResult(etag=etag)
