# SPDX-License-Identifier: Apache-2.0
"""A store in memory that keeps the whole contract, strictly.

It is the reference: the contract suite is valid as long as this passes it
with every capability on. It is also what engines are tested with.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Self

from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import (
    AccountInfo,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    ObjectInfo,
    ObjectPage,
    PutResult,
)
from onespace_core.testing import _memory_rules as rules
from onespace_core.testing._memory_admin import Admin
from onespace_core.testing._memory_base import EVERYTHING
from onespace_core.testing._memory_multipart import Multipart
from onespace_core.testing._memory_store import (
    Call,
    MemoryStore,
    chunks,
    copied,
    figures,
    find,
    md5_of,
    read_body,
)

__all__ = ["EVERYTHING", "Call", "MemoryProvider", "MemoryStore"]


class MemoryProvider(Multipart, Admin):
    """One set of credentials for a :class:`MemoryStore`.

    Offers every optional protocol. Writes are atomic and what is stored or
    returned is a copy. Rules by age and access lists are only recorded.

    :param store: shared by all who should see the same objects.
    :param bucket: what ``bucket=None`` means.
    :param capabilities: what to claim; what is not claimed is not done. The
        limits of parts are among them.
    :param protocols: keys of :data:`PROTOCOLS` to offer; None means all.
        ``LargeObjects`` is offered only if ``large_objects`` is claimed too.
    :param key_scheme: as a provider class has it.
    :param secret: compared with the store's.

    :ivar calls: every request so far, in order; clear it at will.
    """

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
        """What it was made with, and offers."""
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
            info, _data = self._whole(there, key)
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
            info, data = self._whole(there, key)
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
        op = "put_object"
        self._need_for_write(
            op, bucket, key, system=system, conditions=conditions
        )
        with self._request(op, bucket, key):
            self._check_headers(key, metadata, system)
            rules.check_size(body.size, self._capabilities)
        with self._describe(op, bucket, key):
            data = read_body(body)
            rules.check_size(len(data), self._capabilities)
        with self._describe(op, bucket, key) as name, self.store.lock:
            return self._keep(
                self._there(name),
                key,
                data,
                etag=self._etag(md5_of(data)),
                metadata=metadata,
                content_type=content_type,
                system=system,
                conditions=conditions,
            )

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
        self._need_for_write("post_object", bucket, key, system=system)
        with self._request("post_object", bucket, key) as there:
            rules.check_metadata(metadata, system, self._capabilities)
            rules.check_expiry(system, self.store.now())
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
            existed = there.remove(key)
            if self._capabilities.delete_reports_missing:
                return existed
            return None
