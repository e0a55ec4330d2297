# SPDX-License-Identifier: Apache-2.0
"""The nine methods of a store that is only planned with.

See :mod:`onespace_core.sync.planning`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import NoReturn, ParamSpec, TypeVar

from onespace_core.layers.arguments import bucket_of, key_of
from onespace_core.layers.base import Layer
from onespace_core.provider import (
    Body,
    BucketInfo,
    Capabilities,
    Conditions,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    ObjectPage,
    PermissionDenied,
    PreconditionFailed,
    Provider,
    PutResult,
)
from onespace_core.sync.pieces import PiecesBody
from onespace_core.sync.planning_book import Book, Place

P = ParamSpec("P")
T = TypeVar("T")

#: What requests that change nothing count as.
_READS = {
    "head_account": "head",
    "head_bucket": "head",
    "head_object": "head",
    "get_object": "get",
    "get_manifest": "manifest",
    "list_buckets": "list",
    "list_objects": "list",
    "list_parts": "list",
    "list_uploads": "list",
}
#: Content type of what has none.
OCTETS = "application/octet-stream"


class PlannedNine(Layer):
    """The nine of :class:`~onespace_core.sync.planning.PlanningLayer`."""

    def __init__(
        self, provider: Provider, capabilities: Capabilities, book: Book
    ) -> None:
        super().__init__(provider)
        self._capabilities = capabilities
        self.book = book
        self.tally = book.tally

    @property
    def capabilities(self) -> Capabilities:
        """The store's own."""
        return self._capabilities

    # -- reads ------------------------------------------------------------

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Count a read and pass it on.

        :raises NotSupported: it is a write that this layer does not know.
        """
        op = method.__name__
        if op not in _READS:
            raise NotSupported(
                "a plan does not know this request",
                op=op,
                bucket=bucket_of(op, args, kwargs),
                key=key_of(op, args),
            )
        self.tally.request(_READS[op])
        return method(*args, **kwargs)

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """See :meth:`Provider.head_bucket`."""
        if bucket in self.book.made:
            self.tally.request("head")
            return BucketInfo(name=bucket or "")
        return super().head_bucket(bucket)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """See :meth:`Provider.list_objects`; what is planned is not in it."""
        if bucket in self.book.made:
            self.tally.request("list")
            return ObjectPage(objects=())
        return super().list_objects(
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            limit=limit,
            bucket=bucket,
        )

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """See :meth:`Provider.head_object`."""
        place = bucket, key
        found = self.book.found(place)
        if found is not None and found[1]:
            self.tally.request("head")
            return self.there(place, found[0])
        if bucket in self.book.made:
            self.tally.request("head")
            return self.there(place, None)
        try:
            info = super().head_object(
                key, conditions=conditions, bucket=bucket
            )
        except ObjectNotFound:
            self.book.note(place, None, planned=False)
            raise
        self.book.note(place, info, planned=False)
        return info

    # -- the nine's writes ------------------------------------------------

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
        """See :meth:`Provider.put_object`; the body is not opened."""
        self.require_bucket(bucket)
        self.tally.request("put")
        size = body.size or 0
        try:
            self.require((bucket, key), conditions)
        except PreconditionFailed:
            self.tally.refused += size
            raise
        self.tally.bytes += size
        self.tally.name("put", shown((bucket, key)))
        return self.made(
            (bucket, key),
            ObjectInfo(
                key=key,
                size=size,
                etag=self.etag_of(body),
                content_type=content_type or OCTETS,
                metadata=dict(metadata or {}),
                system=dict(system or {}),
            ),
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
        kind = "post" if self._capabilities.metadata_post else "copy"
        self.tally.request(kind)
        place = bucket, key
        info = self.there(place, self.look(place))
        self.tally.name(kind, shown(place))
        self.book.note(
            place,
            dataclasses.replace(
                info,
                metadata=dict(metadata),
                content_type=content_type or info.content_type,
                system=dict(system or {}),
            ),
        )

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """See :meth:`Provider.delete_object`."""
        self.tally.request("delete")
        place = bucket, key
        there = self.look(place) is not None
        if there:
            self.tally.deleted += 1
            self.tally.name("delete", shown(place))
        self.book.note(place, None)
        return there if self._capabilities.delete_reports_missing else None

    # -- answering as the store would -------------------------------------

    def look(self, place: Place) -> ObjectInfo | None:
        """Return what is, or would be, at a place; not counted."""
        found = self.book.found(place)
        if found is not None:
            return found[0]
        bucket, key = place
        if bucket in self.book.made:
            return None
        try:
            info = self.inner.head_object(key, bucket=bucket)
        except ObjectNotFound:
            info = None
        self.book.note(place, info, planned=False)
        return info

    def there(self, place: Place, info: ObjectInfo | None) -> ObjectInfo:
        """Return an object that has to be there, or raise as a store."""
        if info is None:
            raise ObjectNotFound(
                "it is not there", bucket=place[0], key=place[1]
            )
        return info

    def require_bucket(self, bucket: str | None) -> None:
        """Raise ``BucketNotFound`` as a write would; looks once."""
        if bucket in self.book.known or bucket in self.book.made:
            return
        # Who may write may not be allowed to look.
        with contextlib.suppress(PermissionDenied):
            self.inner.head_bucket(bucket)
        self.book.known.add(bucket)

    def require(self, place: Place, conditions: Conditions | None) -> None:
        """Raise ``PreconditionFailed`` where a condition does not hold."""
        if conditions is None:
            return
        info = self.look(place)
        if conditions.if_none_match == "*" and info is not None:
            refuse(place)
        wanted = conditions.if_match
        if wanted is not None and (info is None or info.etag != wanted):
            refuse(place)

    def made(self, place: Place, info: ObjectInfo) -> PutResult:
        """Note an object that would have been written."""
        self.book.note(place, info)
        return PutResult(etag=info.etag)

    def etag_of(self, body: Body) -> str:
        """Return what the store would call a body's bytes."""
        etag = body.md5 or self.book.invent()
        if isinstance(body, PiecesBody):
            # It compares, and would know if it had been read.
            body.sent_md5 = etag
        return etag


def refuse(place: Place) -> NoReturn:
    """Answer that a condition does not hold."""
    raise PreconditionFailed(
        "something else is there", bucket=place[0], key=place[1]
    )


def shown(place: Place) -> str:
    """Return bucket and key as one name."""
    bucket, key = place
    return key if bucket is None else f"{bucket}/{key}"
