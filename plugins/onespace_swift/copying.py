# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes by itself."""

from __future__ import annotations

from collections.abc import Mapping

from onespace_core.provider import (
    Conditions,
    InvalidRequest,
    ObjectNotFound,
    PutResult,
)
from onespace_swift import headers
from onespace_swift.calls import Calls
from onespace_swift.errors import Refused, Row, translate

_NOT_FOUND = 404

_TOO_LARGE: Row = (
    InvalidRequest,
    "the object is larger than one that the store copies",
    None,
)


class CopyCalls(Calls):
    """``ObjectCopy``; see there."""

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
        """See :meth:`ObjectCopy.copy_object`.

        One PUT with ``X-Copy-From``. Swift reads the source with the
        request's own conditions, from the newest of its replicas, and
        writes what it reads: the version that ``if_match`` names is the one
        whose bytes are copied, whatever happens to the source meanwhile.
        Without ``metadata`` the time of its expiry is kept as well. A copy
        onto itself is a later write than one that comes between the two.

        Nothing comes back before the copy is there, so ``read_timeout`` has
        to be longer than a copy takes.
        """
        with translate("copy_object", key=key):
            where = self._name(source_bucket)
            name = self._name(bucket)
        with self._about_object(
            "copy_object", key, bucket, too_large=_TOO_LARGE
        ) as path:
            more: headers.Sent = {
                **_described(metadata, content_type, system),
                **headers.condition_headers(Conditions(if_match=if_match)),
                "x-copy-from": headers.path(where, source),
            }
            try:
                answer = self._client.open("PUT", path, headers=more)
            except Refused as exc:
                if exc.status == _NOT_FOUND:
                    self._tell_missing(name, where, source, exc)
                raise
            answer.read()
            return headers.put_result(answer.headers)

    def _tell_missing(
        self, name: str, where: str, source: str, cause: Refused
    ) -> None:
        """Raise for the container of the copy, or else for the source."""
        with self._about_bucket("copy_object", name):
            self._client.call("HEAD", headers.path(name))
        raise ObjectNotFound(
            "no such object to copy",
            bucket=where,
            key=source,
            status=cause.status,
            request_id=cause.headers.get("x-trans-id"),
        ) from cause


def _described(
    metadata: Mapping[str, str] | None,
    content_type: str | None,
    system: Mapping[str, str] | None,
) -> headers.Sent:
    if metadata is not None:
        return {
            **headers.object_headers(metadata, content_type, system),
            "x-fresh-metadata": "true",
        }
    if content_type is not None or system is not None:
        reason = "a copy that keeps its metadata keeps type and headers"
        raise InvalidRequest(reason)
    return {}
