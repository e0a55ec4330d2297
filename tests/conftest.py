# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests; each lives with the server that it starts."""

from servers.cluster import (  # noqa: F401 - fixtures
    second_standalone,
    standalone,
    swift_1x1,
    swift_3x3,
    unique_name,
)
from servers.s3 import (  # noqa: F401 - fixtures
    minio,
    moto_server,
    radosgw,
    s3_server,
    s3api,
)
from servers.s3_buckets import (  # noqa: F401 - fixtures
    s3_behind_proxy,
    s3_bucket,
    s3_provider,
)
