# SPDX-License-Identifier: Apache-2.0
"""What the contract suite has to know of the servers, each in one place."""

from __future__ import annotations

import logging
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any, TypeVar

from onespace_s3 import S3Provider
from onespace_swift import SwiftProvider

from onespace_core.provider import ProviderSettings
from onespace_core.testing.harness import Harness

from .ports import free_ports
from .s3 import S3Server

OwnHarness = TypeVar("OwnHarness", "S3Harness", "SwiftHarness")

#: Tests that a store without lifecycle rules fails: the provider says so when
#: it is asked, since S3 has no way to ask before.
NO_AGE_RULES = dict.fromkeys(
    (
        "test_a_rule_is_added_replaced_and_dropped",
        "test_rules_stand_side_by_side",
        "test_somebody_elses_rule_for_ours_is_kept[]",
        "test_somebody_elses_rule_for_ours_is_kept[p]",
        "test_somebody_elses_rule_for_ours_is_kept[p/]",
        "test_rules_of_a_missing_bucket_raise",
    ),
    "the store has no lifecycle rules; the provider says so when it is asked",
)
#: Why a test of uploads fails at Swift's S3 API.
NEWLINE_OF_SWIFT = (
    "s3api lists the upload of a key with a line break with its id at the end"
)


class S3Harness(Harness):
    """A bucket of its own on a server."""

    def __init__(self, server: S3Server) -> None:
        self.bucket = f"contract-{uuid.uuid4().hex[:12]}"
        self.missing_bucket = f"missing-{uuid.uuid4().hex[:12]}"
        self.secrets = (server.secret_key,)
        self._server = server

    def _make(self, **changes: Any) -> S3Provider:
        return S3Provider.from_settings(
            ProviderSettings.from_options(
                (*S3Provider.OPTS, *S3Provider.TARGET_OPTS),
                self._server.options(**changes),
                bucket=self.bucket,
            ),
            logger=logging.getLogger("test"),
        )

    def make_provider(self) -> S3Provider:
        return self._make()

    def make_denied(self) -> S3Provider | None:
        if not self._server.checks_signatures:
            return None
        return self._make(secret_key="not-the-secret")

    def make_unreachable(self) -> S3Provider:
        (port,) = free_ports(["127.0.0.1"])
        return self._make(endpoint=f"http://127.0.0.1:{port}")


class SwiftHarness(Harness):
    """A container of its own in some Swift.

    :param options: the provider's, as somebody who may write.
    """

    def __init__(self, options: dict[str, str]) -> None:
        self.bucket = f"contract-{uuid.uuid4().hex[:12]}"
        self.missing_bucket = f"missing-{uuid.uuid4().hex[:12]}"
        self.secrets = (options["key"],)
        self._options = options

    @classmethod
    def of(cls, info: dict[str, Any]) -> SwiftHarness:
        """Return one for the first user of a Swift with TempAuth."""
        user = info["users"][0]
        return cls(
            {
                "auth_url": info["auth_url"],
                "user": f"{user['account']}:{user['user']}",
                "key": user["key"],
            }
        )

    def _make(self, **options: str) -> SwiftProvider:
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
        path = urllib.parse.urlsplit(self._options["auth_url"]).path
        return self._make(auth_url=f"http://127.0.0.1:{port}{path}")


def in_own_bucket(harness: OwnHarness) -> Iterator[OwnHarness]:
    """Make its bucket, and remove it at the end; for a fixture."""
    provider = harness.make_provider()
    provider.create_bucket()
    yield harness
    provider.delete_bucket()
    provider.close()
