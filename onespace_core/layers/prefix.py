# SPDX-License-Identifier: Apache-2.0
"""A store within a store: all keys under one prefix."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from onespace_core.layers.arguments import bucket_of, with_keys
from onespace_core.layers.base import Layer
from onespace_core.provider.base import Provider
from onespace_core.provider.body import ObjectReader
from onespace_core.provider.errors import (
    InvalidRequest,
    ProviderError,
    UnknownProviderError,
)
from onespace_core.provider.large import Manifest, OpenUpload
from onespace_core.provider.types import (
    ByteRange,
    Capabilities,
    Conditions,
    ObjectInfo,
    ObjectPage,
)

P = ParamSpec("P")
T = TypeVar("T")


class PrefixLayer(Layer):
    """Puts a prefix in front of every key, and takes it off again.

    Listings, readers, manifests and errors show keys without it. Buckets and
    the account are passed on as they are: their figures count everything.
    Rules by age are for keys under the prefix; their ids are the bucket's.

    :param provider: where requests go.
    :param prefix: text in front of each key; may be empty.
    """

    def __init__(self, provider: Provider, prefix: str) -> None:
        super().__init__(provider)
        self._prefix = prefix

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request under the prefix; errors have the caller's key."""
        op = method.__name__
        request: Callable[..., T] = method
        try:
            return request(*self._prefixed(op, args), **kwargs)
        except ProviderError as exc:
            exc.op = exc.op or op
            if exc.bucket is None:
                exc.bucket = bucket_of(op, args, kwargs)
            self._strip_error(exc)
            raise

    def _prefixed(self, op: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        args = with_keys(op, args, self._full)
        if op == "put_manifest":  # of objects of this layer, in any bucket
            key, segments = args
            return key, [
                dataclasses.replace(each, key=self._prefix + each.key)
                for each in segments
            ]
        if op == "put_dynamic_manifest":
            key, prefix = args
            return key, self._prefix + prefix
        if op == "put_age_rule":
            (rule,) = args
            prefix = self._prefix + rule.prefix
            return (dataclasses.replace(rule, prefix=prefix),)
        return args

    def _full(self, key: str) -> str:
        if not key:  # with the prefix it would name another object
            raise InvalidRequest("the key is empty", key=key)
        return self._prefix + key

    def _strip_error(self, exc: ProviderError) -> None:
        if exc.key is not None:
            exc.key = exc.key.removeprefix(self._prefix)

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
        info = super().head_object(key, conditions=conditions, bucket=bucket)
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
            key,
            byte_range=byte_range,
            conditions=conditions,
            bucket=bucket,
        )
        reader.info = self._strip_info(reader.info)
        return reader

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """See :meth:`MultipartUpload.list_uploads`."""
        inner: Any = self.inner
        uploads = inner.list_uploads(
            prefix=self._prefix + prefix, bucket=bucket
        )
        try:
            for each in uploads:
                key = self._strip(each.key, "list_uploads")
                yield dataclasses.replace(each, key=key)
        except ProviderError as exc:
            self._strip_error(exc)
            raise

    def get_manifest(
        self, key: str, *, bucket: str | None = None
    ) -> Manifest | None:
        """See :meth:`LargeObjects.get_manifest`.

        :raises UnknownProviderError: a segment is not under the prefix, so
            that it has no name here.
        """
        inner: Any = self.inner
        op = "get_manifest"
        get: Callable[..., Manifest | None] = inner.get_manifest
        found = self.around(get, key, bucket=bucket)
        if found is None:
            return None
        if found.dynamic is not None:
            name, prefix = found.dynamic
            return Manifest(dynamic=(name, self._strip(prefix, op)))
        return Manifest(
            segments=[
                dataclasses.replace(each, key=self._strip(each.key, op))
                for each in found.segments
            ]
        )

    def _strip_info(self, info: ObjectInfo) -> ObjectInfo:
        return dataclasses.replace(info, key=self._strip(info.key))

    def _strip(self, key: str, op: str = "list_objects") -> str:
        if not key.startswith(self._prefix):
            raise UnknownProviderError(
                f"the store named {key!r}, which is not under the prefix",
                op=op,
            )
        return key[len(self._prefix) :]
