# SPDX-License-Identifier: Apache-2.0
"""A store within a store: all keys under one prefix."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from onespace_core.layers.base import Layer
from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.errors import (
    InvalidRequest,
    ProviderError,
    UnknownProviderError,
)
from onespace_core.provider.types import (
    ByteRange,
    Capabilities,
    Conditions,
    ObjectInfo,
    ObjectPage,
    PutResult,
)

P = ParamSpec("P")
T = TypeVar("T")


class PrefixLayer(Layer):
    """Puts a prefix in front of every key, and takes it off again.

    Listings, readers and errors show keys without it. Buckets and the
    account are passed on as they are: their figures count everything.

    :param provider: where requests go.
    :param prefix: text in front of each key; may be empty.
    """

    def __init__(self, provider: Provider, prefix: str) -> None:
        super().__init__(provider)
        self._prefix = prefix

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request; take the prefix off an error's key."""
        try:
            return method(*args, **kwargs)
        except ProviderError as exc:
            if exc.key is not None:
                exc.key = exc.key.removeprefix(self._prefix)
            raise

    @property
    def capabilities(self) -> Capabilities:
        """The inner provider's, with room for the prefix taken off keys."""
        inner = self.inner.capabilities
        if inner.max_key_bytes is None:
            return inner
        room = inner.max_key_bytes - len(self._prefix.encode())
        return dataclasses.replace(inner, max_key_bytes=room)

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
        page = super().list_objects(
            prefix=self._prefix + prefix,
            delimiter=delimiter,
            marker=self._prefix + marker if marker else "",
            limit=limit,
            bucket=bucket,
        )
        return ObjectPage(
            objects=[self._strip_info(info) for info in page.objects],
            prefixes=[self._strip(each) for each in page.prefixes],
            next_marker=None
            if page.next_marker is None
            else self._strip(page.next_marker),
        )

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """See :meth:`Provider.head_object`."""
        full = self._full("head_object", key, bucket)
        info = super().head_object(full, conditions=conditions, bucket=bucket)
        return self._strip_info(info)

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        reader = super().get_object(
            self._full("get_object", key, bucket),
            byte_range=byte_range,
            conditions=conditions,
            bucket=bucket,
        )
        reader.info = self._strip_info(reader.info)
        return reader

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
        return super().put_object(
            self._full("put_object", key, bucket),
            body,
            metadata=metadata,
            content_type=content_type,
            system=system,
            conditions=conditions,
            bucket=bucket,
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
        super().post_object(
            self._full("post_object", key, bucket),
            metadata,
            content_type=content_type,
            system=system,
            bucket=bucket,
        )

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """See :meth:`Provider.delete_object`."""
        full = self._full("delete_object", key, bucket)
        return super().delete_object(full, bucket=bucket)

    def _full(self, op: str, key: str, bucket: str | None) -> str:
        if not key:  # with the prefix it would name another object
            raise InvalidRequest(
                "the key is empty", op=op, bucket=bucket, key=key
            )
        return self._prefix + key

    def _strip_info(self, info: ObjectInfo) -> ObjectInfo:
        return dataclasses.replace(info, key=self._strip(info.key))

    def _strip(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise UnknownProviderError(
                f"the store listed {key!r}, which is not under the prefix",
                op="list_objects",
            )
        return key[len(self._prefix) :]
