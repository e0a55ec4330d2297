# SPDX-License-Identifier: Apache-2.0
"""A memory store's manifests, and the bytes behind any key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from onespace_core.provider.errors import IntegrityError, InvalidRequest
from onespace_core.provider.large import Manifest, Segment
from onespace_core.provider.types import Conditions, ObjectInfo, PutResult
from onespace_core.testing._memory_base import MemoryBase
from onespace_core.testing._memory_store import Bucket, find, md5_of

#: Manifests of manifests that are followed, as by Swift.
_DEPTH = 10


class Large(MemoryBase):
    """``LargeObjects``; see there."""

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
        """See :meth:`LargeObjects.put_manifest`."""
        op = "put_manifest"
        self._need_for_write(
            op, bucket, key, system=system, conditions=conditions
        )
        with self._request(op, bucket, key) as there:
            self._check_headers(key, metadata, system)
            if not segments:
                raise InvalidRequest("a manifest has one segment or more")
            found = [self._verified(each) for each in segments]
            return self._keep(
                there,
                key,
                b"",
                etag=md5_of("".join(e.etag or "" for e in found).encode()),
                metadata=metadata,
                content_type=content_type,
                system=system,
                conditions=conditions,
                manifest=Manifest(segments=found),
                size=sum(_length(each) for each in found),
            )

    def _verified(self, segment: Segment) -> Segment:
        """Return a segment with size and ETag, or refuse it."""
        there = self.store.buckets.get(segment.bucket)
        if there is None or segment.key not in there.objects:
            raise InvalidRequest(f"no segment {segment.key!r}")
        info, _data = there.objects[segment.key]
        if segment.size not in (None, info.size):
            raise InvalidRequest(f"{segment.key!r} has another size")
        if segment.etag not in (None, info.etag):
            raise InvalidRequest(f"{segment.key!r} has another ETag")
        whole = dataclasses.replace(segment, size=info.size, etag=info.etag)
        if _length(whole) < 1:
            raise InvalidRequest(f"no byte of {segment.key!r}")
        return whole

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
        """See :meth:`LargeObjects.put_dynamic_manifest`."""
        op = "put_dynamic_manifest"
        self._need_for_write(op, bucket, key, system=system)
        with self._request(op, bucket, key) as there:
            self._check_headers(key, metadata, system)
            return self._keep(
                there,
                key,
                b"",
                etag=md5_of(b""),
                metadata=metadata,
                content_type=content_type,
                system=system,
                manifest=Manifest(dynamic=(segments_bucket, prefix)),
            )

    def get_manifest(
        self, key: str, *, bucket: str | None = None
    ) -> Manifest | None:
        """See :meth:`LargeObjects.get_manifest`."""
        with self._request("get_manifest", bucket, key) as there:
            find(there, key)
            return there.manifests.get(key)

    def _whole(
        self, there: Bucket, key: str, depth: int = _DEPTH
    ) -> tuple[ObjectInfo, bytes]:
        """Return an object and the bytes that a reader of it sees.

        :raises IntegrityError: a segment of a static one has changed.
        """
        info, data = find(there, key)
        manifest = there.manifests.get(key)
        if manifest is None:
            return info, data
        if depth == 0:
            raise InvalidRequest("manifests of manifests go too deep")
        if manifest.dynamic is None:
            pieces = [self._piece(s, depth - 1) for s in manifest.segments]
            return info, b"".join(pieces)
        name, prefix = manifest.dynamic
        where = self.store.buckets.get(name)
        keys = sorted(where.objects if where else ())
        found = [
            self._whole(where, each, depth - 1)
            for each in keys
            if where is not None and each.startswith(prefix)
        ]
        data = b"".join(piece for _info, piece in found)
        etags = "".join(each.etag or "" for each, _piece in found)
        info = dataclasses.replace(
            info, size=len(data), etag=md5_of(etags.encode())
        )
        return info, data

    def _piece(self, segment: Segment, depth: int) -> bytes:
        there = self.store.buckets.get(segment.bucket)
        if there is None or segment.key not in there.objects:
            raise IntegrityError(f"the segment {segment.key!r} is gone")
        info, data = self._whole(there, segment.key, depth)
        if info.etag != segment.etag:
            raise IntegrityError(f"the segment {segment.key!r} has changed")
        return data[segment.first :][: _length(segment)]


def _length(segment: Segment) -> int:
    size = segment.size or 0
    last = size - 1 if segment.last is None else segment.last
    return min(last, size - 1) - segment.first + 1
