# SPDX-License-Identifier: Apache-2.0
"""What was done, counted, and where the figures go."""

from onespace_core.telemetry.recorder import (
    Figures,
    Meter,
    SyncRecorder,
    statsd_client,
    statsd_prefix,
)
from onespace_core.telemetry.requests import RequestMeter

__all__ = [
    "Figures",
    "Meter",
    "RequestMeter",
    "SyncRecorder",
    "statsd_client",
    "statsd_prefix",
]
