# SPDX-License-Identifier: Apache-2.0
"""The contract holds under each layer that only looks or waits."""

from __future__ import annotations

import itertools
import logging

import pytest

from onespace_core import layers
from onespace_core.provider import PROTOCOLS, Provider
from onespace_core.testing import contract, memory

SECRET = "correct-horse-battery"


class LayerHarness(contract.Harness):
    """A store in memory whose providers are wrapped.

    :param wrap: puts the layers on.
    """

    bucket = "bucket"
    missing_bucket = "missing"
    secrets = (SECRET, "wrong-horse")

    def __init__(self, wrap):
        self._wrap = wrap
        self._store = memory.MemoryStore(
            "aaa", self.bucket, "zzz", secret=SECRET
        )

    def _make(self, store, secret):
        return self._wrap(
            memory.MemoryProvider(store, bucket=self.bucket, secret=secret)
        )

    def make_provider(self):
        return self._make(self._store, SECRET)

    def make_denied(self):
        return self._make(self._store, "wrong-horse")

    def make_unreachable(self):
        return self._make(memory.MemoryStore(down=True), SECRET)


class TestThrottle(contract.ProviderContract):
    """Slow enough to wait often, with a sleep that only counts."""

    @pytest.fixture
    def harness(self):
        waits = []
        throttle = layers.Throttle(
            requests_per_second=1,
            bytes_per_second=256,
            clock=lambda: 0.0,
            sleep=waits.append,
        )
        yield LayerHarness(lambda inner: layers.ThrottleLayer(inner, throttle))
        assert waits


class TestObserve(contract.ProviderContract):
    """Everything is told of; the observer raises at every third event."""

    @pytest.fixture
    def harness(self):
        events = []

        def observer(event):
            events.append(event)
            if len(events) % 3 == 0:
                raise RuntimeError(SECRET)

        yield LayerHarness(
            lambda inner: layers.ObserveLayer(
                inner, observer, logger=logging.getLogger("onespace.test")
            )
        )
        assert events
        assert SECRET not in repr(events)


class TestReadOnly(contract.ProviderContract):
    """Reads through the layer; writes of the suite go round it."""

    @pytest.fixture
    def harness(self):
        return LayerHarness(_ReadsThroughReadOnly)


class _ReadsThroughReadOnly(layers.Layer):
    """Sends reads through a read-only layer, and writes past it."""

    READS = frozenset({"list_parts", "list_uploads", "get_manifest"})
    WRITES = frozenset(
        {
            "put_object",
            "post_object",
            "delete_object",
            *itertools.chain.from_iterable(PROTOCOLS.values()),
        }
    ).difference(READS)

    def __init__(self, provider: Provider) -> None:
        super().__init__(provider)
        self._reads = layers.ReadOnlyLayer(provider)

    def around(self, method, /, *args, **kwargs):
        name = method.__name__
        if name in self.WRITES:
            return method(*args, **kwargs)
        return getattr(self._reads, name)(*args, **kwargs)


class TestAllTogether(contract.ProviderContract):
    """A whole stack, in the order that a daemon would use."""

    @pytest.fixture
    def harness(self):
        logger = logging.getLogger("onespace.test")
        throttle = layers.Throttle(
            requests_per_second=1e9, bytes_per_second=1e12
        )

        def wrap(inner):
            stack = layers.PrefixLayer(inner, "some/\u00e9/")
            stack = layers.ThrottleLayer(stack, throttle)
            stack = layers.ObserveLayer(
                stack, lambda event: None, logger=logger
            )
            return layers.RetryLayer(
                stack, sleep=lambda seconds: None, logger=logger
            )

        return LayerHarness(wrap)
