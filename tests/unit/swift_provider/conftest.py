# SPDX-License-Identifier: Apache-2.0
"""A scripted server for each test, and a provider that talks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from onespace_swift import SwiftProvider
from unit.swift_provider.scripted import Script, provider_of, scripted_server


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def provider(script: Script) -> Iterator[SwiftProvider]:
    provider = provider_of(script.url)
    yield provider
    provider.close()
