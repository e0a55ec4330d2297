# SPDX-License-Identifier: Apache-2.0
"""The Swift provider under the contract suite, against a real Swift."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from onespace_swift import SwiftProvider
from servers.ports import free_ports

from onespace_core.provider import (
    Provider,
    ProviderSettings,
    ServiceUnavailable,
)
from onespace_core.testing import contract
from onespace_core.testing.harness import Harness


class SwiftHarness(Harness):
    """A container of its own in a standalone Swift."""

    def __init__(self, info: dict[str, Any]) -> None:
        user = info["users"][0]
        self.bucket = f"contract-{uuid.uuid4().hex[:12]}"
        self.missing_bucket = f"missing-{uuid.uuid4().hex[:12]}"
        self.secrets = (user["key"],)
        self._options = {
            "auth_url": info["auth_url"],
            "user": f"{user['account']}:{user['user']}",
            "key": user["key"],
        }

    def _make(self, **options: Any) -> SwiftProvider:
        return SwiftProvider.from_settings(
            ProviderSettings.from_options(
                (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS),
                {**self._options, **options},
                bucket=self.bucket,
            ),
            logger=logging.getLogger("test"),
        )

    def make_provider(self) -> SwiftProvider:
        return self._make()

    def make_denied(self) -> SwiftProvider:
        return self._make(key="not-the-key")

    def make_unreachable(self) -> SwiftProvider:
        (port,) = free_ports(["127.0.0.1"])
        return self._make(auth_url=f"http://127.0.0.1:{port}/auth/v1.0")


class TestSwift(contract.ProviderContract):
    """Claims everything that Swift has."""

    @pytest.fixture
    def harness(self, standalone: Any) -> Iterator[SwiftHarness]:
        harness = SwiftHarness(standalone.info)
        provider = harness.make_provider()
        provider.create_bucket()
        yield harness
        provider.delete_bucket()
        provider.close()

    @pytest.mark.xfail(
        raises=AssertionError,
        reason="Swift looks for the object before it reads the body, so two "
        "that begin at the same time may both create it",
        strict=False,
    )
    def test_one_of_many_creates(self, provider: Provider) -> None:
        super().test_one_of_many_creates(provider)

    @pytest.mark.xfail(
        raises=ServiceUnavailable,
        reason="with one replica, Swift may answer 503 to a GET while the "
        "object is replaced; the retry layer asks again",
        strict=False,
    )
    def test_readers_see_one_object_or_the_other(
        self, provider: Provider
    ) -> None:
        super().test_readers_see_one_object_or_the_other(provider)
