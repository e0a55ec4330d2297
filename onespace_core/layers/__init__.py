# SPDX-License-Identifier: Apache-2.0
"""Wrappers that implement the whole provider contract around another one.

They are put on from the inside out; retry is outermost, so that what it
calls again includes everything else.
"""

from onespace_core.layers.base import Layer
from onespace_core.layers.prefix import PrefixLayer
from onespace_core.layers.retry import RetryLayer

__all__ = ["Layer", "PrefixLayer", "RetryLayer"]
