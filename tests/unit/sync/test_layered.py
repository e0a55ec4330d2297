# SPDX-License-Identifier: Apache-2.0
"""The layers around a mapping's store, from its options."""

import collections
import logging

import pytest

from onespace_core.config import Mapping
from onespace_core.provider import (
    BytesBody,
    ConnectionFailed,
    ObjectNotFound,
    ProviderSettings,
)
from onespace_core.sync.layered import layered
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore

LOG = logging.getLogger("test")


class Meter:
    def __init__(self):
        self.counts = collections.Counter()
        self.timed = collections.Counter()

    def incr(self, stat, count=1):
        self.counts[stat] += count

    def timing(self, stat, delta):
        assert delta >= 0
        self.timed[stat] += 1


@pytest.fixture
def build():
    """Make a store in memory, with layers; return it and its pauses."""

    def build(*faults, meter=None, **options):
        plain = FaultyLayer(
            MemoryProvider(MemoryStore("bucket"), bucket="bucket"), faults
        )
        mapping = Mapping(
            name="photos",
            account="AUTH_a",
            container="photos",
            bucket="bucket",
            provider="memory",
            settings=ProviderSettings({}),
            **options,
        )
        pauses = []
        store = layered(
            plain,
            mapping,
            meter=meter,
            deadline=60,
            sleep=pauses.append,
            logger=LOG,
        )
        return store, pauses

    return build


def failing(times):
    return Fault(op="put_object", error=ConnectionFailed, times=times)


def test_without_limits_nobody_waits(build):
    store, pauses = build()
    for number in range(100):
        store.provider.put_object(str(number), BytesBody(b"data" * 1000))
    assert pauses == []


def test_requests_wait_for_their_turn(build):
    store, pauses = build(requests_per_second=0.001)
    store.provider.put_object("o", BytesBody(b"data"))
    assert pauses == []
    store.provider.head_object("o")
    assert len(pauses) == 1
    store.provider.head_object("o")
    assert len(pauses) == 2
    assert pauses[1] > pauses[0] > 900


def test_every_try_waits_for_its_turn(build):
    store, pauses = build(failing(2), requests_per_second=0.001)
    store.provider.put_object("o", BytesBody(b"data"))
    assert len([pause for pause in pauses if pause > 900]) == 2


def test_bytes_wait_for_their_turn(build):
    store, pauses = build(bytes_per_second=1000)
    store.provider.put_object("o", BytesBody(b"x" * 10_000))
    # Nobody sleeps here, so that the waits add up as the clock stands still.
    assert max(pauses) > 9
    with store.provider.get_object("o") as reader:
        assert reader.read() == b"x" * 10_000
    assert max(pauses) > 19


def test_questions_are_under_the_same_limits(build):
    store, pauses = build(requests_per_second=0.001)
    store.provider.head_bucket()
    store.probe.head_bucket()
    assert len(pauses) == 1


def test_each_mapping_has_its_own_limits(build):
    one, one_waits = build(requests_per_second=0.001)
    other, other_waits = build(requests_per_second=0.001)
    one.provider.head_bucket()
    other.provider.head_bucket()
    assert one_waits == other_waits == []


def test_every_try_is_counted_by_its_outcome(build):
    meter = Meter()
    store, _ = build(failing(2), meter=meter)
    store.provider.put_object("o", BytesBody(b"data"))
    store.probe.head_bucket()
    with pytest.raises(ObjectNotFound):
        store.provider.head_object("missing")
    assert meter.counts == {
        "requests.photos.put_object.ConnectionFailed": 2,
        "requests.photos.put_object.ok": 1,
        "requests.photos.head_bucket.ok": 1,
        "requests.photos.head_object.ObjectNotFound": 1,
        "requests.photos.bytes_sent": 4,
    }
    assert meter.timed == {
        "requests.photos.put_object": 3,
        "requests.photos.head_bucket": 1,
        "requests.photos.head_object": 1,
    }


def test_a_question_is_asked_once(build):
    meter = Meter()
    fault = Fault(op="head_bucket", error=ConnectionFailed, times=1)
    store, pauses = build(fault, meter=meter)
    with pytest.raises(ConnectionFailed):
        store.probe.head_bucket()
    assert meter.counts == {"requests.photos.head_bucket.ConnectionFailed": 1}
    assert pauses == []
