# SPDX-License-Identifier: Apache-2.0
"""What every call has: a client, the names, errors that say them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onespace_core.provider import (
    BucketNotFound,
    InvalidRequest,
    NotFound,
    ObjectNotFound,
)
from onespace_swift import headers
from onespace_swift.client import Client
from onespace_swift.errors import Row, translate


class Calls:
    """Base of what offers a part of the contract.

    :param bucket: container of calls that name none, if there is one.
    """

    def __init__(self, client: Client, bucket: str | None) -> None:
        self._client = client
        self._bucket = bucket

    def _name(self, bucket: str | None) -> str:
        name = self._bucket if bucket is None else bucket
        if name is None:
            raise InvalidRequest(
                "neither the call nor the settings name a bucket"
            )
        return name

    @contextmanager
    def _about_bucket(self, op: str, bucket: str | None) -> Iterator[str]:
        with translate(op):
            name = self._name(bucket)
        with translate(op, bucket=name, missing=BucketNotFound):
            yield name

    @contextmanager
    def _about_object(
        self,
        op: str,
        key: str,
        bucket: str | None,
        *,
        missing: type[NotFound] = ObjectNotFound,
        too_large: Row | None = None,
    ) -> Iterator[str]:
        with translate(op, key=key):
            name = self._name(bucket)
        with translate(
            op, bucket=name, key=key, missing=missing, too_large=too_large
        ):
            yield headers.path(name, key)
