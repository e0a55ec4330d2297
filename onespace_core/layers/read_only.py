# SPDX-License-Identifier: Apache-2.0
"""A store that is only looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import NoReturn, ParamSpec, TypeVar

from onespace_core.layers.arguments import bucket_of, key_of
from onespace_core.layers.base import Layer
from onespace_core.provider.base import Progress
from onespace_core.provider.errors import NotSupported
from onespace_core.provider.types import (
    Capabilities,
    ObjectInfo,
    SourceObject,
)

P = ParamSpec("P")
T = TypeVar("T")

#: Requests that change nothing. A list of writes would let a new one pass.
_READS = frozenset(
    {
        "head_account",
        "list_buckets",
        "head_bucket",
        "list_objects",
        "head_object",
        "get_object",
        "list_parts",
        "list_uploads",
        "get_manifest",
    }
)


class ReadOnlyLayer(Layer):
    """Refuses whatever would change the store, before any request.

    Every write raises ``NotSupported``, also one that would find nothing to
    change; ``shunt_post`` and ``shunt_delete`` answer 501. Reads pass.
    """

    @property
    def capabilities(self) -> Capabilities:
        """The inner provider's, without those of writes."""
        return dataclasses.replace(
            self.inner.capabilities,
            conditional_put=False,
            conditional_replace=False,
            conditional_complete=False,
            conditional_complete_replace=False,
            metadata_post=False,
            delete_reports_missing=False,
            object_expiry=False,
            part_copy=False,
        )

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Pass a read on; refuse a write.

        :raises NotSupported: for whatever is not known to be a read.
        """
        op = method.__name__
        if op not in _READS:
            _refuse(op, bucket_of(op, args, kwargs), key_of(op, args))
        return method(*args, **kwargs)

    def update_metadata(
        self,
        key: str,
        metadata: Mapping[str, str],  # noqa: ARG002 - of the contract
        *,
        remote: ObjectInfo | None = None,  # noqa: ARG002 - likewise
        bucket: str | None = None,
    ) -> NoReturn:
        """Refuse before the HEAD that it would begin with.

        :raises NotSupported: always.
        """
        _refuse("update_metadata", bucket, key)

    def upload_object(
        self,
        source: SourceObject,
        *,
        bucket: str | None = None,
        on_progress: Progress | None = None,  # noqa: ARG002 - of the contract
    ) -> NoReturn:
        """Refuse before the HEAD that it would begin with.

        :raises NotSupported: always.
        """
        _refuse("upload_object", bucket, source.info.key)


def _refuse(op: str, bucket: str | None, key: str | None) -> NoReturn:
    raise NotSupported(
        "this store is read only here", op=op, bucket=bucket, key=key
    )
