# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - tests are no package
"""The whole contract, against a file of its own for each test."""

import logging

import pytest
from onespace_example import ExampleProvider

from onespace_core.provider import ProviderSettings
from onespace_core.testing import contract


class ExampleHarness(contract.Harness):
    """A new file with one bucket.

    :param folder: where the file is.
    """

    bucket = "bucket"
    missing_bucket = "missing"

    def __init__(self, folder):
        self._folder = folder
        self.make_provider().create_bucket()

    def _make(self, path):
        settings = ProviderSettings.from_options(
            ExampleProvider.OPTS, {"path": str(path)}, bucket=self.bucket
        )
        return ExampleProvider.from_settings(
            settings, logger=logging.getLogger("test")
        )

    def make_provider(self):
        """Return another connection to the same file."""
        return self._make(self._folder / "objects.sqlite")

    def make_unreachable(self):
        """Return one whose disk is not mounted."""
        return self._make(self._folder / "not-mounted" / "objects.sqlite")


class TestExample(contract.ProviderContract):
    """Proves every promise, or names the one that is broken."""

    @pytest.fixture
    def harness(self, tmp_path):
        """Return the store under test."""
        return ExampleHarness(tmp_path)
