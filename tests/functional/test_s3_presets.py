# SPDX-License-Identifier: Apache-2.0
"""Presets of stores that run here claim what those stores do."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest
from onespace_s3 import S3CompatibleProvider

from onespace_core.provider import ProviderSettings
from onespace_core.testing.verify import Outcome, Result, verify

#: What a store is known to do wrong, whatever the preset.
KNOWN = {"minio": {"lists an object whose key goes on after another's"}}
CLAIMED = {"radosgw": 2, "minio": 2, "s3api": 1}


@pytest.mark.parametrize(
    ("fixture", "preset"),
    [("radosgw", "radosgw"), ("minio", "minio"), ("s3api", "swift-s3api")],
)
def test_a_preset_is_right(request: Any, fixture: str, preset: str) -> None:
    server = request.getfixturevalue(fixture)
    provider = S3CompatibleProvider.from_settings(
        ProviderSettings.from_options(
            (*S3CompatibleProvider.OPTS, *S3CompatibleProvider.TARGET_OPTS),
            {
                "endpoint": server.endpoint,
                "access_key": server.access_key,
                "secret_key": server.secret_key,
                "preset": preset,
            },
            bucket=f"preset-{uuid.uuid4().hex[:12]}",
        ),
        logger=logging.getLogger("test"),
    )
    provider.create_bucket()
    results: list[Result] = []
    try:
        verify(provider, results.append, settle=2)
    finally:
        provider.delete_bucket()
        provider.close()
    failed = {r.title for r in results if r.outcome is Outcome.FAILED}
    assert failed == KNOWN.get(fixture, set())
    passed = {r.title for r in results if r.outcome is Outcome.PASSED}
    conditions = {title for title in passed if "Match" in title}
    assert len(conditions) == CLAIMED[fixture]
