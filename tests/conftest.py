# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests; each lives with the server that it starts."""

import pytest
from servers.cluster import (  # noqa: F401 - fixtures
    second_standalone,
    standalone,
    swift_1x1,
    swift_3x3,
    unique_name,
)
from servers.keystone import keystone_swift_fixture  # noqa: F401 - a fixture
from servers.s3 import (  # noqa: F401 - fixtures
    minio,
    moto_server,
    radosgw,
    s3_server,
    s3api,
    versitygw,
)
from servers.s3_buckets import (  # noqa: F401 - fixtures
    s3_behind_proxy,
    s3_bucket,
    s3_provider,
)


def pytest_configure(config: pytest.Config) -> None:
    """Make known the marker that the fixture ``s3_server`` reads."""
    config.addinivalue_line(
        "markers",
        "deviates(*servers, reason): is expected to fail with these servers",
    )
