# SPDX-License-Identifier: Apache-2.0
"""Google's configuration of the S3 provider, against a double.

Google's own service cannot be reached here: what is proved is that this
configuration keeps the contract at a store that behaves like Amazon's.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from onespace_s3 import GoogleInteropProvider
from servers.ports import free_ports
from servers.s3 import S3Server

from onespace_core.provider import Provider, ProviderSettings
from onespace_core.testing import contract
from onespace_core.testing.harness import Harness


class GoogleHarness(Harness):
    """A bucket of its own on a server."""

    def __init__(self, server: S3Server) -> None:
        self.bucket = f"contract-{uuid.uuid4().hex[:12]}"
        self.missing_bucket = f"missing-{uuid.uuid4().hex[:12]}"
        self.secrets = (server.secret_key,)
        self._server = server

    def _make(self, **changes: Any) -> GoogleInteropProvider:
        kind = GoogleInteropProvider
        values = {
            "endpoint": self._server.endpoint,
            "access_key": self._server.access_key,
            "secret_key": self._server.secret_key,
            # The double makes no buckets in Google's "auto".
            "region": self._server.region,
            **changes,
        }
        return kind.from_settings(
            ProviderSettings.from_options(
                (*kind.OPTS, *kind.TARGET_OPTS), values, bucket=self.bucket
            ),
            logger=logging.getLogger("test"),
        )

    def make_provider(self) -> GoogleInteropProvider:
        return self._make()

    def make_unreachable(self) -> GoogleInteropProvider:
        (port,) = free_ports(["127.0.0.1"])
        return self._make(endpoint=f"http://127.0.0.1:{port}")


class TestGoogleInteropOnMoto(contract.ProviderContract):
    """Without encoded listings and conditions on writes."""

    known_failures: ClassVar[dict[str, str]] = {
        **{
            f"{test}[newline]": "moto has no route for a line break in a key"
            for test in (
                "test_an_upload_to_an_awkward_key",
                "test_an_awkward_key_is_copied",
            )
        },
        "test_a_part_that_lies_is_not_there[other-md5]": "moto ignores"
        " Content-MD5; the provider finds out afterwards",
        "test_an_upload_that_is_not_there_is_named_as_such": "moto answers"
        " 500 to a part of an upload that it does not know",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls, moto_server: S3Server) -> Iterator[GoogleHarness]:
        harness = GoogleHarness(moto_server)
        provider = harness.make_provider()
        provider.create_bucket()
        yield harness
        provider.delete_bucket()
        provider.close()

    @pytest.mark.xfail(reason="moto has no route for a line break in a key")
    @pytest.mark.parametrize(
        "key", contract.AWKWARD_KEYS.values(), ids=contract.AWKWARD_KEYS
    )
    def test_an_awkward_key_is_kept(
        self, provider: Provider, harness: Harness, key: str
    ) -> None:
        super().test_an_awkward_key_is_kept(provider, harness, key)

    @pytest.mark.xfail(reason="moto replaces an object in several steps")
    def test_readers_see_one_object_or_the_other(
        self, provider: Provider
    ) -> None:
        super().test_readers_see_one_object_or_the_other(provider)

    @pytest.mark.xfail(
        reason="moto ignores Content-MD5; the provider finds out afterwards",
    )
    @pytest.mark.parametrize(
        ("data", "size", "md5"),
        [
            pytest.param(b"short", 10, None, id="short"),
            pytest.param(b"much too long", 10, None, id="long"),
            pytest.param(b"not that", 8, "0" * 32, id="other-md5"),
            pytest.param(b"", 1, None, id="nothing"),
        ],
    )
    def test_a_body_that_lies_leaves_the_old_object(
        self, provider: Provider, data: bytes, size: int, md5: str | None
    ) -> None:
        super().test_a_body_that_lies_leaves_the_old_object(
            provider, data, size, md5
        )
