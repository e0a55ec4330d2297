# SPDX-License-Identifier: Apache-2.0
"""What was done, counted, and where the figures go."""

from onespace_core.telemetry.recorder import (
    Figures,
    SyncRecorder,
    statsd_client,
    statsd_prefix,
)

__all__ = ["Figures", "SyncRecorder", "statsd_client", "statsd_prefix"]
