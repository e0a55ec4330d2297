# SPDX-License-Identifier: Apache-2.0
"""A store in memory that keeps the whole contract, strictly.

It is the reference: the contract suite is valid as long as this passes it
with every capability on. It is also what engines are tested with.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import Iterator, Mapping
from typing import Self

from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.errors import (
    AlreadyExists,
    BucketNotFound,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    NotSupported,
    ProviderError,
    Unauthenticated,
)
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import (
    AccountInfo,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    KeyScheme,
    ObjectInfo,
    ObjectPage,
    PutResult,
)
from onespace_core.testing import _memory_rules as rules
from onespace_core.testing._memory_store import (
    Bucket,
    Call,
    MemoryStore,
    chunks,
    copied,
    figures,
    find,
    read_body,
)

__all__ = ["EVERYTHING", "Call", "MemoryProvider", "MemoryStore"]

#: What a memory store claims: everything but manifests, which only Swift has.
EVERYTHING = Capabilities(
    range_get=True,
    conditional_get=True,
    conditional_put=True,
    conditional_replace=True,
    list_delimiter=True,
    list_has_metadata=True,
    metadata_post=True,
    delete_reports_missing=True,
    account_stats=True,
    etag_is_md5=True,
    max_object_size=5 * 2**30,
    max_key_bytes=1024,
    max_metadata_bytes=8192,
)


class MemoryProvider(Provider):
    """One set of credentials for a :class:`MemoryStore`; a ``BucketAdmin``.

    Writes are atomic and what is stored or returned is a copy.

    :param store: shared by all who should see the same objects.
    :param bucket: what ``bucket=None`` means.
    :param capabilities: what to claim; what is not claimed is not done.
    :param key_scheme: as a provider class has it.
    :param secret: compared with the store's.

    :ivar calls: every request so far, in order; clear it at will.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        bucket: str | None = None,
        capabilities: Capabilities = EVERYTHING,
        key_scheme: KeyScheme = KeyScheme.HASHED,
        secret: str | None = None,
    ) -> None:
        self.store = store
        self.KEY_SCHEME = key_scheme  # type: ignore[misc]  # as tests need it
        self.calls: list[Call] = []
        self._bucket = bucket
        self._capabilities = capabilities
        self._secret = secret
        self._closed = False

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> Self:
        """Build one over a new store that has the settings' bucket."""
        del logger, concurrency
        names = [] if settings.bucket is None else [settings.bucket]
        return cls(MemoryStore(*names), bucket=settings.bucket)

    @property
    def capabilities(self) -> Capabilities:
        """What it was made with."""
        return self._capabilities

    @property
    def location(self) -> str:
        """Always ``memory://``."""
        return "memory://"

    def close(self) -> None:
        """Refuse what comes after; twice is fine."""
        self._closed = True

    def head_account(self) -> AccountInfo:
        """See :meth:`Provider.head_account`."""
        with self._request("head_account"):
            if not self._capabilities.account_stats:
                return AccountInfo()
            infos = [figures(each) for each in self.store.buckets.values()]
            return AccountInfo(
                bucket_count=len(infos),
                object_count=sum(info.object_count or 0 for info in infos),
                bytes_used=sum(info.bytes_used or 0 for info in infos),
            )

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """See :meth:`Provider.list_buckets`."""
        with self._request("list_buckets"):
            most = rules.page_size(limit, self._capabilities.max_list_limit)
            names = [
                name
                for name in sorted(self.store.buckets)
                if name.startswith(prefix) and name > marker
            ]
            more = len(names) > most
            return BucketPage(
                buckets=[
                    figures(self.store.buckets[name]) for name in names[:most]
                ],
                next_marker=names[most - 1] if more else None,
            )

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """See :meth:`Provider.head_bucket`."""
        with self._request("head_bucket", bucket) as there:
            return figures(there)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """See :meth:`Provider.list_objects`."""
        if delimiter:
            self._need("list_delimiter", "list_objects", bucket)
        with self._request("list_objects", bucket) as there:
            entries, next_marker = rules.listing(
                there.objects,
                prefix=prefix,
                delimiter=delimiter,
                marker=marker,
                most=rules.page_size(limit, self._capabilities.max_list_limit),
            )
            return ObjectPage(
                objects=[
                    self._listed(there.objects[entry][0])
                    for entry, is_prefix in entries
                    if not is_prefix
                ],
                prefixes=[entry for entry, is_prefix in entries if is_prefix],
                next_marker=next_marker,
            )

    def _listed(self, info: ObjectInfo) -> ObjectInfo:
        if self._capabilities.list_has_metadata:
            return copied(info)
        return dataclasses.replace(info, metadata={}, system={})

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """See :meth:`Provider.head_object`."""
        if conditions not in (None, Conditions()):
            self._need("conditional_get", "head_object", bucket, key)
        with self._request("head_object", bucket, key) as there:
            info, _data = find(there, key)
            rules.check_read(info, conditions)
            return copied(info)

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        if byte_range is not None:
            self._need("range_get", "get_object", bucket, key)
        if conditions not in (None, Conditions()):
            self._need("conditional_get", "get_object", bucket, key)
        with self._request("get_object", bucket, key) as there:
            info, data = find(there, key)
            rules.check_read(info, conditions)
            if byte_range is None:
                return ObjectReader(
                    copied(info), chunks(data), length=len(data)
                )
            first, end = rules.resolve_range(byte_range, len(data))
            return ObjectReader(
                copied(info),
                chunks(data[first:end]),
                length=end - first,
                status=206,
                content_range=f"bytes {first}-{end - 1}/{len(data)}",
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
        """See :meth:`Provider.put_object`."""
        for need in rules.write_needs(conditions):
            self._need(need, "put_object", bucket, key)
        with self._request("put_object", bucket, key):
            rules.check_key(key, self._capabilities)
            rules.check_metadata(metadata, system, self._capabilities)
            rules.check_size(body.size, self._capabilities)
        with self._describe("put_object", bucket, key):
            data = read_body(body)
            rules.check_size(len(data), self._capabilities)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        with self._describe("put_object", bucket, key) as name:
            if body.md5 is not None and body.md5 != md5:
                raise IntegrityError("the body does not have the promised MD5")
            with self.store.lock:
                there = self._there(name)
                old = there.objects.get(key)
                rules.check_write(old[0] if old else None, conditions)
                info = ObjectInfo(
                    key=key,
                    size=len(data),
                    etag=md5 if self._capabilities.etag_is_md5 else f"{md5}-1",
                    last_modified=self.store.now(),
                    content_type=content_type or "application/octet-stream",
                    metadata=rules.names_lowered(metadata),
                    system=rules.names_lowered(system),
                )
                there.objects[key] = (info, data)
        return PutResult(etag=info.etag)

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :meth:`Provider.post_object`."""
        with self._request("post_object", bucket, key) as there:
            rules.check_metadata(metadata, system, self._capabilities)
            info, data = find(there, key)
            changed = dataclasses.replace(
                info,
                metadata=rules.names_lowered(metadata),
                system=rules.names_lowered(system),
                content_type=content_type or info.content_type,
                last_modified=self.store.now(),
            )
            there.objects[key] = (changed, data)

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """See :meth:`Provider.delete_object`."""
        with self._request("delete_object", bucket, key) as there:
            existed = there.objects.pop(key, None) is not None
            if self._capabilities.delete_reports_missing:
                return existed
            return None

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """See :meth:`BucketAdmin.create_bucket`."""
        with self._describe("create_bucket", bucket) as name:
            self._enter("create_bucket", name)
            return self.store.add_bucket(name, metadata)

    def delete_bucket(self, bucket: str | None = None) -> None:
        """See :meth:`BucketAdmin.delete_bucket`."""
        with (
            self._describe("delete_bucket", bucket) as name,
            self.store.lock,
        ):
            self._enter("delete_bucket", name)
            there = self.store.buckets.get(name)
            if there is not None and there.objects:
                raise AlreadyExists("the bucket has objects")
            self.store.buckets.pop(name, None)

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
        if bucket not in self.store.buckets:
            raise BucketNotFound("no such bucket")
        return self.store.buckets[bucket]

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
