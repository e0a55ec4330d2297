# SPDX-License-Identifier: Apache-2.0
"""The reference: memory passes the whole suite, bare and under layers."""

import logging
import random

import pytest

from onespace_core import layers
from onespace_core.provider import ConnectionFailed, RateLimited
from onespace_core.testing import contract, faulty, memory

SECRET = "correct-horse-battery"


class MemoryHarness(contract.Harness):
    bucket = "bucket"
    missing_bucket = "missing"
    secrets = (SECRET, "wrong-horse")

    def __init__(self, **options):
        self._options = options
        self._store = memory.MemoryStore(
            "aaa", self.bucket, "zzz", secret=SECRET
        )

    def wrap(self, provider):
        return provider

    def _provider(self, **options):
        return memory.MemoryProvider(
            self._store, bucket=self.bucket, **self._options, **options
        )

    def make_provider(self):
        return self.wrap(self._provider(secret=SECRET))

    def make_denied(self):
        return self.wrap(self._provider(secret="wrong-horse"))

    def make_unreachable(self):
        down = memory.MemoryStore(down=True)
        return self.wrap(
            memory.MemoryProvider(down, bucket=self.bucket, **self._options)
        )


class PrefixHarness(MemoryHarness):
    def wrap(self, provider):
        return layers.PrefixLayer(provider, "under/a%41 \u00e9/")


class RetryHarness(MemoryHarness):
    """Requests are refused or never arrive, two of five on average."""

    def __init__(self, **options):
        super().__init__(**options)
        self.weather = Weather()

    def wrap(self, provider):
        return layers.RetryLayer(
            faulty.FaultyLayer(provider, self.weather),
            sleep=lambda seconds: None,
            rng=random.Random(1),
            max_attempts=5,
            logger=logging.getLogger("onespace.test"),
        )


class Weather:
    REPEATABLE = (
        "put_object",
        "post_object",
        "list_objects",
        "get_object",
        "copy_object",
        "upload_part",
        "list_parts",
        "list_uploads",
        "put_manifest",
    )

    def __init__(self):
        self._count = 0
        self.struck = 0

    def __call__(self, op, key):
        self._count += 1
        if self._count % 3 == 1:
            self.struck += 1
            return faulty.Fault(error=RateLimited)
        if self._count % 5 == 0 and op in self.REPEATABLE:
            self.struck += 1
            return faulty.Fault(error=ConnectionFailed)
        return None


class TestMemory(contract.ProviderContract):
    @pytest.fixture
    def harness(self):
        return MemoryHarness()


class TestMemoryThatClaimsNothing(contract.ProviderContract):
    @pytest.fixture
    def harness(self):
        return MemoryHarness(capabilities=memory.Capabilities())


class TestMemoryThatOffersNothing(contract.ProviderContract):
    @pytest.fixture
    def harness(self):
        return MemoryHarness(protocols=())


class TestMemoryUnderPrefix(contract.ProviderContract):
    @pytest.fixture
    def harness(self):
        return PrefixHarness()


class TestMemoryUnderRetryAndFaults(contract.ProviderContract):
    @pytest.fixture
    def harness(self):
        harness = RetryHarness()
        yield harness
        assert harness.weather.struck
