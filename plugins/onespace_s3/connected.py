# SPDX-License-Identifier: Apache-2.0
"""What every group of a provider's methods needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

from onespace_core.provider import Capabilities, InvalidRequest
from onespace_s3 import request
from onespace_s3.errors import translate
from onespace_s3.setup import Setup


class Connected:
    """A client and a setup; names are checked, errors translated.

    :param client: a botocore client, whose own retries are off.
    :param setup: what the settings mean.
    """

    NAME: ClassVar[str] = "s3"

    def __init__(self, client: Any, setup: Setup) -> None:
        self._open_client = client
        self._setup = setup

    @property
    def capabilities(self) -> Capabilities:
        """What this instance can do."""
        return self._setup.capabilities

    @property
    def location(self) -> str:
        """``s3://`` and the endpoint or region."""
        return self._setup.location

    def close(self) -> None:
        """Drop the pool's connections."""
        client, self._open_client = self._open_client, None
        if client is not None:
            client.close()

    @property
    def _client(self) -> Any:
        if self._open_client is None:
            raise InvalidRequest("the provider was closed")
        return self._open_client

    @contextlib.contextmanager
    def _on_object(
        self, op: str, bucket: str | None, key: str
    ) -> Iterator[dict[str, str]]:
        """Give the SDK's names for bucket and key, checked."""
        name = bucket or self._setup.bucket
        with self._translate(op, name, key):
            yield self._names(bucket, key)

    @contextlib.contextmanager
    def _on_upload(
        self, op: str, bucket: str | None, key: str, upload_id: str
    ) -> Iterator[dict[str, str]]:
        """Give the SDK's names for bucket, key and upload, checked."""
        with self._on_object(op, bucket, key) as names:
            if not upload_id:
                # In a request it would not be a part but the whole object.
                raise InvalidRequest("the id of an upload is not empty")
            yield {**names, "UploadId": upload_id}

    def _names(self, bucket: str | None, key: str) -> dict[str, str]:
        request.check_key(key, self.capabilities)
        name = request.check_bucket(bucket or self._setup.bucket)
        return {"Bucket": name, "Key": key}

    @contextlib.contextmanager
    def _on_bucket(self, op: str, bucket: str | None) -> Iterator[str]:
        name = bucket or self._setup.bucket
        with self._translate(op, name):
            yield request.check_bucket(name)

    def _translate(
        self, op: str, bucket: str | None, key: str | None = None
    ) -> contextlib.AbstractContextManager[None]:
        return translate(op, bucket, key, provider=self.NAME)
