# SPDX-License-Identifier: Apache-2.0
"""The file provider under the contract suite, bare and under layers."""

import logging
import os
import random

import pytest
from onespace_file import FileProvider

from onespace_core import layers
from onespace_core.provider import (
    ConnectionFailed,
    ProviderSettings,
    RateLimited,
)
from onespace_core.testing import contract, faulty


class FileHarness(contract.Harness):
    """Three buckets in a new folder."""

    bucket = "bucket"
    missing_bucket = "missing"

    def __init__(self, tmp_path):
        self._folder = tmp_path / "store"
        self._folder.mkdir()
        (self._folder / ".onespace-store").touch()
        self._gone = tmp_path / "unmounted"
        self._gone.mkdir()
        self._denied = tmp_path / "denied"
        self._denied.mkdir(mode=0)
        for name in ("aaa", self.bucket, "zzz"):
            self._provider(self._folder).create_bucket(name)

    def wrap(self, provider):
        return provider

    def _provider(self, folder):
        # The disk is waited for in tests of its own: here are 1,001 keys.
        return FileProvider.from_settings(
            ProviderSettings.from_options(
                (*FileProvider.OPTS, *FileProvider.TARGET_OPTS),
                {"folder": str(folder), "fsync": False},
                bucket=self.bucket,
            ),
            logger=logging.getLogger("onespace.test"),
        )

    def make_provider(self):
        return self.wrap(self._provider(self._folder))

    def make_denied(self):
        if os.geteuid() == 0:
            return None  # root may everything; the unit tests have EROFS
        return self.wrap(self._provider(self._denied))

    def make_unreachable(self):
        """An empty folder: the mount point of a disk that is not there."""
        return self.wrap(self._provider(self._gone))


class PrefixHarness(FileHarness):
    def wrap(self, provider):
        return layers.PrefixLayer(provider, "under/a%41 \u00e9/")


class RetryHarness(FileHarness):
    """Requests are refused or never arrive, two of five on average."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
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
    REPEATABLE = ("put_object", "post_object", "list_objects", "get_object")

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


class TestFile(contract.ProviderContract):
    @pytest.fixture
    def harness(self, tmp_path):
        return FileHarness(tmp_path)


class TestFileUnderPrefix(contract.ProviderContract):
    @pytest.fixture
    def harness(self, tmp_path):
        return PrefixHarness(tmp_path)


class TestFileUnderRetryAndFaults(contract.ProviderContract):
    @pytest.fixture
    def harness(self, tmp_path):
        harness = RetryHarness(tmp_path)
        yield harness
        assert harness.weather.struck
