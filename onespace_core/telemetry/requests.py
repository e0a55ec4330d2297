# SPDX-License-Identifier: Apache-2.0
"""Requests to a store, counted and timed for statsd."""

from __future__ import annotations

from onespace_core.layers.observe import Event
from onespace_core.telemetry.recorder import Meter, escaped


class RequestMeter:
    """Tells statsd of every request of one mapping; an ``Observer``.

    Under ``requests.<mapping>``: the counter ``<operation>.<outcome>`` and
    the timer ``<operation>``, in milliseconds, of each request, and the
    counters ``bytes_sent`` and ``bytes_received``. What the operations and
    outcomes are, see :class:`onespace_core.layers.observe.Event`.

    :param meter: a statsd client; may be called by many threads at once.
    :param mapping: its name.
    """

    def __init__(self, meter: Meter, mapping: str) -> None:
        self._meter = meter
        self._prefix = f"requests.{escaped(mapping)}"

    def __call__(self, event: Event, /) -> None:
        """Tell of one request."""
        operation = f"{self._prefix}.{event.op}"
        self._meter.incr(f"{operation}.{event.outcome}", 1)
        self._meter.timing(operation, event.seconds * 1000)
        for name, count in (
            ("bytes_sent", event.bytes_sent),
            ("bytes_received", event.bytes_received),
        ):
            if count:
                self._meter.incr(f"{self._prefix}.{name}", count)
