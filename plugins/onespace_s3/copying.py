# SPDX-License-Identifier: Apache-2.0
"""Objects copied by the store; that is also how S3 changes metadata."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from onespace_core.provider import (
    InvalidRequest,
    ObjectInfo,
    PreconditionFailed,
    PutResult,
    ServiceUnavailable,
)
from onespace_s3 import info, request
from onespace_s3.connected import Connected


class Copies(Connected):
    """``ObjectCopy``, and ``post_object`` as a copy onto itself."""

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
        """Copy an object; see ``ObjectCopy``.

        Encryption and storage class are those of the settings. A copy onto
        itself costs a HEAD more: S3 refuses one that changes nothing.

        :raises PreconditionFailed: the source is another version. Where the
            store ignores the condition, it is looked at before and after: a
            copy of one that was replaced at that very time is there then.
        """
        with self._on_object("copy_object", bucket, key) as names:
            origin = self._names(source_bucket or bucket, source)
            headers = self._headers_of_copy(metadata, content_type, system)
            if origin != names:
                with self._version(origin, if_match) as version:
                    return self._copied(names, {**headers, **version})
            there = self._source(names)
            _compare(there, if_match)
            headers = headers or self._headers_of_copy(
                there.metadata, there.content_type, there.system
            )
            version = _version_parameters(names, there.etag)
            return self._copied(names, {**headers, **version})

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """Replace metadata by a copy onto itself; see the contract.

        :raises PreconditionFailed: the object was replaced meanwhile
            (possible only where ``content_type`` is None).
        """
        with self._on_object("post_object", bucket, key) as names:
            headers = request.header_parameters(
                metadata, content_type, system, self.capabilities
            )
            unchanged = None
            if content_type is None:
                there = self._source(names)
                unchanged = there.etag
                headers["ContentType"] = (
                    there.content_type or request.DEFAULT_TYPE
                )
            version = _version_parameters(names, unchanged)
            self._copied(names, {**headers, **version})

    def _source(self, names: Mapping[str, str]) -> ObjectInfo:
        """Look at what is to be copied.

        :raises InvalidRequest: it is archived.
        """
        answer = self._client.head_object(**names)
        there = info.from_head(names["Key"], answer)
        if there.archived:
            raise InvalidRequest("the object is archived")
        return there

    def _headers_of_copy(
        self,
        metadata: Mapping[str, str] | None,
        content_type: str | None,
        system: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        """Return parameters of the SDK's call; none keeps the source's."""
        if metadata is not None:
            return request.header_parameters(
                metadata, content_type, system, self.capabilities
            )
        if content_type is not None or system is not None:
            raise InvalidRequest(
                "content type and system headers are kept, or replaced"
                " together with the metadata"
            )
        return {}

    def _copied(
        self, names: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> PutResult:
        """Copy, with the source's own headers if there are no others."""
        replaces = "Metadata" in parameters
        answer = self._client.copy_object(
            **names,
            **self._setup.write_parameters,
            **parameters,
            MetadataDirective="REPLACE" if replaces else "COPY",
        )
        result = answer.get("CopyObjectResult")
        if not result:
            raise ServiceUnavailable("the store did not confirm the copy")
        return PutResult(
            etag=info.unquoted(result.get("ETag")),
            version=answer.get("VersionId"),
        )

    @contextlib.contextmanager
    def _version(
        self, origin: Mapping[str, str], if_match: str | None
    ) -> Iterator[dict[str, Any]]:
        """Give a source as parameters of the SDK's call, made inside.

        A condition that the store may ignore is looked at by ourselves.

        :raises PreconditionFailed: the source is another version.
        """
        looks = if_match is not None and not self._setup.copy_conditions
        if looks:
            _compare(self._source(origin), if_match)
        yield _version_parameters(origin, if_match)
        if looks:
            _compare(self._source(origin), if_match)


def _version_parameters(
    origin: Mapping[str, str], if_match: str | None
) -> dict[str, Any]:
    parameters: dict[str, Any] = {"CopySource": dict(origin)}
    if if_match is not None:
        parameters["CopySourceIfMatch"] = info.quoted(if_match)
    return parameters


def _compare(there: ObjectInfo, if_match: str | None) -> None:
    if if_match is not None and there.etag != if_match:
        raise PreconditionFailed("the source is another version")
