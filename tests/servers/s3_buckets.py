# SPDX-License-Identifier: Apache-2.0
"""S3 providers of the tests, each over a bucket of its own."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from onespace_s3 import S3Provider

from onespace_core.provider import ProviderSettings

from .proxy import FaultProxy
from .s3 import S3Server


def make(
    server: S3Server, bucket: str, kind: Any = S3Provider, **options: Any
) -> Any:
    values = server.options(**options)
    return kind.from_settings(
        ProviderSettings.from_options(
            (*kind.OPTS, *kind.TARGET_OPTS), values, bucket=bucket
        ),
        logger=logging.getLogger("test"),
    )


@contextlib.contextmanager
def own_bucket(server: S3Server) -> Iterator[str]:
    bucket = f"func-{uuid.uuid4().hex[:12]}"
    provider = make(server, bucket)
    assert provider.create_bucket() is True
    assert provider.create_bucket() is False
    yield bucket
    before: list[str] = []
    while keys := [info.key for info in provider.list_objects().objects]:
        assert keys != before, f"cannot be deleted: {keys}"
        before = keys
        for key in keys:
            provider.delete_object(key)
    provider.delete_bucket()
    provider.delete_bucket()
    provider.close()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    with own_bucket(s3_server) as name:
        yield name


@pytest.fixture
def s3_provider(s3_server: S3Server, s3_bucket: str) -> Iterator[Any]:
    provider = make(s3_server, s3_bucket)
    yield provider
    provider.close()


@pytest.fixture
def s3_behind_proxy(
    s3_server: S3Server, s3_bucket: str
) -> Iterator[tuple[FaultProxy, Any]]:
    with FaultProxy(s3_server.host, s3_server.port) as proxy:
        provider = make(
            s3_server, s3_bucket, endpoint=proxy.url, read_timeout=2
        )
        yield proxy, provider
        provider.close()
