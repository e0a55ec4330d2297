# SPDX-License-Identifier: Apache-2.0
"""A store that is only planned with: reads pass, writes are noted.

A plan runs the code of a real pass, so that there is nothing that could
drift from it. This layer answers its writes as the store would have.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import ParamSpec, TypeVar, cast

from onespace_core.provider import (
    AgeRule,
    Body,
    BucketNotFound,
    ByteRange,
    Conditions,
    LargeKind,
    MultipartUpload,
    NotSupported,
    ObjectInfo,
    Part,
    PutResult,
    Segment,
)
from onespace_core.sync.parts import etag_of
from onespace_core.sync.planning_base import (
    OCTETS,
    PlannedNine,
    refuse,
    shown,
)
from onespace_core.sync.planning_book import PlannedUpload

P = ParamSpec("P")
T = TypeVar("T")


class _AsExpected(str):
    """An ETag that only the store could say; it equals any other.

    That of a part which the store would have copied by itself.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = str.__hash__


class PlanningLayer(PlannedNine):
    """Counts reads and passes them on; notes writes and makes none.

    Bodies are not read. What was noted is seen by later reads. Before a
    write, the store is looked at where its answer depends on what it has:
    those looks are not counted, since no real pass makes them.

    What cannot be known is taken to succeed: permissions, quotas.

    :param provider: only read; refuse writes below it as well.
    :param capabilities: of the store, writes included.
    :param book: where all is noted; several layers may share it.
    """

    # -- copies -----------------------------------------------------------

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
        """See :class:`onespace_core.provider.ObjectCopy`."""
        self.require_bucket(bucket)
        self.tally.request("copy")
        origin = source_bucket, source
        info = self.there(origin, self.look(origin))
        if if_match not in (None, info.etag):
            refuse((bucket, key))
        self.tally.name("copy", shown((bucket, key)))
        if metadata is not None:
            info = dataclasses.replace(
                info,
                metadata=dict(metadata),
                content_type=content_type or OCTETS,
                system=dict(system or {}),
            )
        return self.made(
            (bucket, key), dataclasses.replace(info, key=key, native=None)
        )

    # -- parts ------------------------------------------------------------

    def start_upload(
        self,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> str:
        """See :class:`onespace_core.provider.MultipartUpload`."""
        self.require_bucket(bucket)
        self.tally.request("start upload")
        self.tally.name("start upload", shown((bucket, key)))
        upload_id = f"planned-{self.book.invent()}"
        self.book.uploads[upload_id] = PlannedUpload(
            dict(metadata or {}), content_type, dict(system or {})
        )
        return upload_id

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Body,
        *,
        bucket: str | None = None,
    ) -> Part:
        """See :class:`onespace_core.provider.MultipartUpload`."""
        del key, bucket
        self.tally.request("part")
        size = body.size or 0
        self.tally.bytes += size
        return self._part(upload_id, number, self.etag_of(body), size)

    def copy_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        source: str,
        *,
        byte_range: ByteRange | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> Part:
        """See :class:`onespace_core.provider.MultipartUpload`."""
        self.tally.request("part copy")
        origin = source_bucket, source
        info = self.there(origin, self.look(origin))
        if if_match not in (None, info.etag):
            refuse((bucket, key))
        first, last = 0, info.size - 1
        if byte_range is not None:
            first = byte_range.first
            last = last if byte_range.last is None else byte_range.last
        etag = _AsExpected(self.book.invent())
        return self._part(upload_id, number, etag, last - first + 1)

    def list_parts(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> Sequence[Part]:
        """See :class:`onespace_core.provider.MultipartUpload`."""
        planned = self.book.uploads.get(upload_id)
        if planned is None:
            inner = cast("MultipartUpload", self.inner)
            return self.around(inner.list_parts, key, upload_id, bucket=bucket)
        self.tally.request("list")
        return [
            Part(number=number, etag=etag, size=size)
            for number, (etag, size) in sorted(planned.parts.items())
        ]

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :class:`onespace_core.provider.MultipartUpload`.

        Of an upload that an earlier pass began, the headers are not known.
        """
        self._require_claims(conditions, key)
        self.tally.request("complete upload")
        self.require((bucket, key), conditions)
        planned = self.book.uploads.pop(upload_id, None)
        self.tally.name("complete upload", shown((bucket, key)))
        etag = self.book.invent()
        if self._capabilities.etag_is_md5:
            with contextlib.suppress(ValueError):
                etag = etag_of(part.etag for part in parts)
        return self.made(
            (bucket, key),
            ObjectInfo(
                key=key,
                size=sum(part.size or 0 for part in parts),
                etag=etag,
                content_type=(planned and planned.content_type) or OCTETS,
                metadata=planned.metadata if planned else {},
                system=planned.system if planned else {},
            ),
        )

    def abort_upload(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> None:
        """See :class:`onespace_core.provider.MultipartUpload`."""
        self.tally.request("abort upload")
        self.tally.name("abort upload", shown((bucket, key)))
        self.book.uploads.pop(upload_id, None)

    # -- manifests --------------------------------------------------------

    def put_manifest(
        self,
        key: str,
        segments: Sequence[Segment],
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :class:`onespace_core.provider.LargeObjects`."""
        self.require_bucket(bucket)
        self.tally.request("put")
        self.require((bucket, key), conditions)
        self.tally.name("put", shown((bucket, key)))
        joined = "".join(segment.etag or "" for segment in segments)
        return self.made(
            (bucket, key),
            ObjectInfo(
                key=key,
                size=sum(_length(segment) for segment in segments),
                etag=_md5(joined),
                content_type=content_type or OCTETS,
                metadata=dict(metadata or {}),
                system=dict(system or {}),
                large=LargeKind.STATIC,
            ),
        )

    def put_dynamic_manifest(
        self,
        key: str,
        prefix: str,
        *,
        segments_bucket: str,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :class:`onespace_core.provider.LargeObjects`.

        How many bytes would be behind it is not known.
        """
        del prefix, segments_bucket
        self.require_bucket(bucket)
        self.tally.request("put")
        self.tally.name("put", shown((bucket, key)))
        return self.made(
            (bucket, key),
            ObjectInfo(
                key=key,
                size=0,
                etag=self.book.invent(),
                content_type=content_type or OCTETS,
                metadata=dict(metadata or {}),
                system=dict(system or {}),
                large=LargeKind.DYNAMIC,
            ),
        )

    # -- buckets ----------------------------------------------------------

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """See :class:`onespace_core.provider.BucketAdmin`."""
        del metadata
        self.tally.request("bucket")
        try:
            self.require_bucket(bucket)
        except BucketNotFound:
            self.book.made.add(bucket)
            self.tally.name("bucket", bucket or "")
            return True
        return False

    def delete_bucket(self, bucket: str | None = None) -> None:
        """See :class:`onespace_core.provider.BucketAdmin`."""
        self.tally.request("bucket")
        self.book.made.discard(bucket)

    def post_bucket(
        self,
        metadata: Mapping[str, str],
        *,
        acl: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :class:`onespace_core.provider.BucketMetadata`."""
        del metadata, acl
        self.require_bucket(bucket)
        self.tally.request("post")
        self.tally.name("post", bucket or "")

    def put_age_rule(
        self, rule: AgeRule, *, bucket: str | None = None
    ) -> bool:
        """See :class:`onespace_core.provider.AgeRules`."""
        self.require_bucket(bucket)
        self.tally.request("rule")
        self.tally.name("rule", f"{rule.rule_id}: {rule.prefix or '*'}")
        return True

    def drop_age_rule(
        self, rule_id: str, *, bucket: str | None = None
    ) -> bool:
        """See :class:`onespace_core.provider.AgeRules`."""
        del bucket
        self.tally.request("rule")
        self.tally.name("rule", f"drop {rule_id}")
        return True

    # -- what parts need -------------------------------------------------

    def _require_claims(self, conditions: Conditions | None, key: str) -> None:
        able = self._capabilities
        if conditions is None:
            return
        if (conditions.if_none_match and not able.conditional_complete) or (
            conditions.if_match and not able.conditional_complete_replace
        ):
            raise NotSupported("no such condition", key=key)

    def _part(self, upload_id: str, number: int, etag: str, size: int) -> Part:
        planned = self.book.uploads.get(upload_id)
        if planned is not None:
            planned.parts[number] = etag, size
        return Part(number=number, etag=etag, size=size)


def _length(segment: Segment) -> int:
    last = (segment.size or 0) - 1 if segment.last is None else segment.last
    return last - segment.first + 1


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
