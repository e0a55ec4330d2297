# SPDX-License-Identifier: Apache-2.0
"""A mapping's store with the layers that the daemon puts around it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from onespace_core.layers import (
    ObserveLayer,
    RetryLayer,
    Throttle,
    ThrottleLayer,
)
from onespace_core.provider import Provider
from onespace_core.telemetry import Meter, RequestMeter

if TYPE_CHECKING:
    from onespace_core.config import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """One store, seen in two ways.

    :param provider: for the work; requests that may succeed later are
        repeated.
    :param probe: for questions that are asked once. It is the same store,
        under the same limits, and is counted as well.
    """

    provider: Provider
    probe: Provider


def layered(
    plain: Provider,
    mapping: Mapping,
    *,
    meter: Meter | None,
    deadline: float,
    sleep: Callable[[float], None],
    logger: logging.Logger,
) -> Store:
    """Put a mapping's layers around its store.

    From the inside out: what observes is next to the store, so that every
    try is counted and its time has no waiting of ours in it; what throttles
    is around that, so that every try takes its turn; retry is outermost. The
    limits are the mapping's: call this once for each.

    :param meter: where requests are counted; None counts none.
    :param deadline: of the retry layer, in seconds.
    :param sleep: lets others work meanwhile.
    """
    probe = plain
    if meter is not None:
        probe = ObserveLayer(
            probe, RequestMeter(meter, mapping.name), logger=logger
        )
    if mapping.requests_per_second or mapping.bytes_per_second:
        throttle = Throttle(
            requests_per_second=mapping.requests_per_second or None,
            bytes_per_second=mapping.bytes_per_second or None,
            sleep=sleep,
        )
        probe = ThrottleLayer(probe, throttle)
    provider = RetryLayer(probe, deadline=deadline, sleep=sleep, logger=logger)
    return Store(provider, probe)
