# SPDX-License-Identifier: Apache-2.0
"""Wrappers that implement the whole provider contract around another one.

They are put on from the inside out; retry is outermost, so that what it
calls again includes everything else. An observer above it sees what callers
see, one below it every try.
"""

from onespace_core.layers.base import Layer
from onespace_core.layers.observe import Event, ObserveLayer, Observer
from onespace_core.layers.prefix import PrefixLayer
from onespace_core.layers.read_only import ReadOnlyLayer
from onespace_core.layers.retry import RetryLayer
from onespace_core.layers.throttle import Throttle, ThrottleLayer

__all__ = [
    "Event",
    "Layer",
    "ObserveLayer",
    "Observer",
    "PrefixLayer",
    "ReadOnlyLayer",
    "RetryLayer",
    "Throttle",
    "ThrottleLayer",
]
