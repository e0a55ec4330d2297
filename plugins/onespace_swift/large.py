# SPDX-License-Identifier: Apache-2.0
"""Static and dynamic large objects."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    Conditions,
    InvalidRequest,
    LargeKind,
    Manifest,
    NotSupported,
    PutResult,
    Segment,
)
from onespace_swift import headers, manifest
from onespace_swift.calls import Calls
from onespace_swift.errors import Refused, Row

_BAD_REQUEST = 400
_PUT = "multipart-manifest=put"

_TOO_MANY: Row = (
    InvalidRequest,
    "more segments than the store allows in a manifest",
    "see slo in the cluster's /info",
)


class LargeObjectCalls(Calls):
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
        """See :meth:`LargeObjects.put_manifest`.

        The store looks at each segment before it answers: with many, that
        takes a while, and ``read_timeout`` has to allow it.

        :raises NotSupported: the store has no static large objects. It is
            noticed before it can replace anything if all segments are whole
            and have an ETag.
        """
        with self._about_object(
            "put_manifest",
            key,
            bucket,
            missing=BucketNotFound,
            too_large=_TOO_MANY,
        ) as path:
            body = BytesBody(manifest.encode(segments))
            more: headers.Sent = {
                **headers.put_condition_headers(conditions),
                **headers.object_headers(metadata, content_type, system),
            }
            etag = manifest.etag_of(segments)
            if etag is not None:
                # A store that takes the manifest for an object's bytes
                # refuses them, as they have another MD5.
                more["etag"] = etag
            try:
                answer = self._client.put(
                    path, body, query=_PUT, headers=more, etag_is_md5=False
                )
            except Refused as exc:
                if exc.status == _BAD_REQUEST:
                    # The names of segments are escaped there.
                    exc.text = urllib.parse.unquote(exc.text)
                raise
            result = headers.put_result(answer)
            if result.etag == body.md5:
                reason = "the store has no static large objects"
                raise NotSupported(reason)
            return result

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
        """See :meth:`LargeObjects.put_dynamic_manifest`.

        The ETag of the result is that of no bytes; what HEAD says changes
        with the segments.

        :raises InvalidRequest: an empty prefix, which Swift does not know.
        """
        with self._about_object(
            "put_dynamic_manifest", key, bucket, missing=BucketNotFound
        ) as path:
            more = headers.object_headers(metadata, content_type, system)
            more[headers.DYNAMIC] = manifest.dynamic_header(
                segments_bucket, prefix
            )
            answer = self._client.put(path, BytesBody(b""), headers=more)
            return headers.put_result(answer)

    def get_manifest(
        self, key: str, *, bucket: str | None = None
    ) -> Manifest | None:
        """See :meth:`LargeObjects.get_manifest`.

        A HEAD says what the object is; only a static large object costs a
        GET as well, of the manifest.

        :raises NotSupported: the manifest holds bytes itself.
        """
        with self._about_object("get_manifest", key, bucket) as path:
            found, _ = self._client.call("HEAD", path, query=manifest.AS_IT_IS)
            if headers.large_kind(found) is not LargeKind.STATIC:
                return manifest.from_headers(found)
            answer = self._client.open("GET", path, query=manifest.AS_IT_IS)
            if headers.large_kind(answer.headers) is not LargeKind.STATIC:
                # It was replaced in between; its bytes are not wanted.
                answer.close()
                return manifest.from_headers(answer.headers)
            return manifest.decode(answer.read())
