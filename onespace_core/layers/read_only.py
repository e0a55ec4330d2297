# SPDX-License-Identifier: Apache-2.0
"""A store that is only looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NoReturn

from onespace_core.layers.base import Layer
from onespace_core.provider.base import Progress
from onespace_core.provider.body import Body
from onespace_core.provider.errors import NotSupported
from onespace_core.provider.types import (
    Capabilities,
    Conditions,
    ObjectInfo,
    SourceObject,
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
            metadata_post=False,
            delete_reports_missing=False,
        )

    def put_object(
        self,
        key: str,
        body: Body,  # noqa: ARG002 - of the contract
        *,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002 - likewise
        content_type: str | None = None,  # noqa: ARG002 - likewise
        system: Mapping[str, str] | None = None,  # noqa: ARG002 - likewise
        conditions: Conditions | None = None,  # noqa: ARG002 - likewise
        bucket: str | None = None,
    ) -> NoReturn:
        """Refuse.

        :raises NotSupported: always.
        """
        _refuse("put_object", bucket, key)

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],  # noqa: ARG002 - of the contract
        *,
        content_type: str | None = None,  # noqa: ARG002 - likewise
        system: Mapping[str, str] | None = None,  # noqa: ARG002 - likewise
        bucket: str | None = None,
    ) -> NoReturn:
        """Refuse.

        :raises NotSupported: always.
        """
        _refuse("post_object", bucket, key)

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> NoReturn:
        """Refuse.

        :raises NotSupported: always.
        """
        _refuse("delete_object", bucket, key)

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

    def _create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002 - likewise
    ) -> NoReturn:
        _refuse("create_bucket", bucket, None)

    def _delete_bucket(self, bucket: str | None = None) -> NoReturn:
        _refuse("delete_bucket", bucket, None)


def _refuse(op: str, bucket: str | None, key: str | None) -> NoReturn:
    raise NotSupported(
        "this store is read only here", op=op, bucket=bucket, key=key
    )
