# SPDX-License-Identifier: Apache-2.0
"""Requests and bytes are held back, in order, without loss."""

import subprocess
import sys
import threading

import pytest

from onespace_core.layers import Throttle, ThrottleLayer
from onespace_core.layers.throttle import TokenBucket
from onespace_core.provider import BytesBody, CallbackBody
from onespace_core.testing.leaks import LeakTrackingLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 100.0
        self.waits = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def throttled(clock, **limits):
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    throttle = Throttle(clock=clock, sleep=clock.sleep, **limits)
    return memory, ThrottleLayer(memory, throttle)


def test_requests_come_at_the_rate(clock):
    _memory, layer = throttled(clock, requests_per_second=4)
    for _ in range(41):
        layer.head_bucket()
    assert clock.now == pytest.approx(110)


def test_less_than_one_request_each_second_is_possible(clock):
    _memory, layer = throttled(clock, requests_per_second=0.5)
    for _ in range(4):
        layer.head_bucket()
    assert clock.waits == pytest.approx([2, 2, 2])


def test_every_operation_counts(clock):
    memory, layer = throttled(clock, requests_per_second=1)
    layer.put_object("k", BytesBody(b"1"))
    layer.head_object("k")
    layer.get_object("k").close()
    layer.list_objects()
    layer.post_object("k", {})
    layer.delete_object("k")
    layer.create_bucket("new")
    assert len(clock.waits) == len(memory.calls) - 1


def test_a_pause_does_not_save_up_a_flood(clock):
    _memory, layer = throttled(clock, requests_per_second=16)
    clock.now += 3600
    started = clock.now
    for _ in range(32):
        layer.head_bucket()
    # One part of eight comes at once: at most 9/8 of the rate in a second.
    assert clock.now - started == pytest.approx(30 / 16)


def test_a_body_is_sent_at_the_rate(clock):
    memory, layer = throttled(clock, bytes_per_second=1000)
    data = bytes(10_000)
    layer.put_object("k", BytesBody(data))
    assert memory.get_object("k").read() == data
    assert clock.now - 100 == pytest.approx(9.875)


def test_an_object_is_received_at_the_rate(clock):
    memory, layer = throttled(clock, bytes_per_second=1000)
    data = bytes(range(250)) * 40
    memory.put_object("k", BytesBody(data))
    with layer.get_object("k") as reader:
        pieces = list(reader)
    assert b"".join(pieces) == data
    assert clock.now - 100 == pytest.approx(9.875)
    assert max(map(len, pieces)) == 125


def test_a_slow_rate_makes_no_long_pause(clock):
    _memory, layer = throttled(clock, bytes_per_second=100)
    layer.put_object("k", BytesBody(bytes(1000)))
    assert max(clock.waits) < 0.25


def test_bytes_wait_while_they_flow_and_not_before(clock):
    memory, layer = throttled(clock, bytes_per_second=1000)
    memory.put_object("k", BytesBody(bytes(5000)))
    with layer.get_object("k") as reader:
        chunks = iter(reader)
        next(chunks)
    assert clock.now - 100 < 0.2


def test_no_limit_never_waits(clock):
    _memory, layer = throttled(clock)
    layer.put_object("k", BytesBody(bytes(1 << 20)))
    assert len(layer.get_object("k").read()) == 1 << 20
    assert clock.waits == []


def test_layers_with_one_throttle_share_its_rate(clock):
    throttle = Throttle(requests_per_second=1, clock=clock, sleep=clock.sleep)
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    one, two = (ThrottleLayer(memory, throttle) for _ in range(2))
    for _ in range(5):
        one.head_bucket()
        two.head_bucket()
    assert clock.now - 100 == pytest.approx(9)


def test_who_asks_first_is_served_first(clock):
    bucket = TokenBucket(2, burst=1, clock=clock)
    waits = [bucket.take(1) for _ in range(5)]
    assert waits == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_many_threads_take_no_more_than_there_is():
    bucket = TokenBucket(1000, burst=1, clock=lambda: 0.0)
    waits = []

    def take():
        waits.extend([bucket.take(1) for _ in range(500)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([n / 1000 for n in range(4000)])


def test_bytes_of_parts_are_held_back(clock):
    _memory, layer = throttled(clock, bytes_per_second=1000)
    upload = layer.start_upload("k")
    part = layer.upload_part("k", upload, 1, BytesBody(bytes(10_000)))
    assert clock.now == pytest.approx(110, abs=0.2)
    layer.complete_upload("k", upload, [part])
    layer.copy_object("k", "l")
    assert clock.now == pytest.approx(110, abs=0.2)


def test_requests_of_protocols_count(clock):
    _memory, layer = throttled(clock, requests_per_second=1)
    upload = layer.start_upload("k")
    list(layer.list_uploads())
    layer.abort_upload("k", upload)
    assert clock.waits == pytest.approx([1, 1])


def test_nobody_is_kept_from_asking_while_another_waits():
    waiting, release = threading.Event(), threading.Event()

    def sleep(seconds):
        waiting.set()
        assert release.wait(10)

    throttle = Throttle(bytes_per_second=1000, sleep=sleep)
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    layer = ThrottleLayer(memory, throttle)
    sender = threading.Thread(
        target=layer.put_object, args=("k", BytesBody(bytes(500)))
    )
    sender.start()
    try:
        assert waiting.wait(10)
        layer.head_bucket()  # would hang if the sender held anything
    finally:
        release.set()
        sender.join()


def test_a_body_keeps_what_it_says_of_itself(clock):
    class Spy(MemoryProvider):
        def put_object(self, key, body, **options):
            self.body = body
            return super().put_object(key, body, **options)

    spy = Spy(MemoryStore("b"), bucket="b")
    given = CallbackBody(
        BytesBody(b"12").open, size=2, md5=BytesBody("12").md5
    )
    layer = ThrottleLayer(spy, Throttle(clock=clock, sleep=clock.sleep))
    layer.put_object("k", given)
    for name in ("size", "md5", "replayable"):
        assert getattr(spy.body, name) == getattr(given, name)
    assert spy.body.open().read() == b"12"


def test_readers_and_streams_are_closed(clock):
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    inner = LeakTrackingLayer(memory)
    throttle = Throttle(clock=clock, sleep=clock.sleep, bytes_per_second=10)
    outer = LeakTrackingLayer(ThrottleLayer(inner, throttle), inner.tracker)
    outer.put_object("k", BytesBody(b"12"))
    outer.get_object("k").close()
    inner.tracker.check()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_is_refused(limit):
    with pytest.raises(ValueError, match="more than 0"):
        Throttle(requests_per_second=limit)
    with pytest.raises(ValueError, match="more than 0"):
        Throttle(bytes_per_second=limit)


def test_the_sleep_that_is_not_given_is_looked_up_at_each_wait(monkeypatch):
    waits = []
    layer = ThrottleLayer(
        MemoryProvider(MemoryStore("b"), bucket="b"),
        Throttle(requests_per_second=0.01),
    )
    monkeypatch.setattr("time.sleep", waits.append)
    layer.head_bucket()
    layer.head_bucket()
    assert waits == pytest.approx([100], abs=1)


GREEN = """
from onespace_core import concurrency
concurrency.patch()
from onespace_core.layers import Throttle, ThrottleLayer
from onespace_core.provider import BytesBody
from onespace_core.testing.memory import MemoryProvider, MemoryStore

memory = MemoryProvider(MemoryStore("b"), bucket="b")
throttle = Throttle(bytes_per_second=1000, sleep=concurrency.sleep)
layer = ThrottleLayer(memory, throttle)
sender = concurrency.spawn(layer.put_object, "k", BytesBody(bytes(500)))
ticks = 0
while not sender.dead:
    concurrency.sleep(0.01)
    ticks += 1
assert memory.get_object("k").read() == bytes(500)
assert ticks > 10, ticks
"""


def test_a_greenthread_that_waits_lets_the_others_run():
    subprocess.run([sys.executable, "-c", GREEN], check=True, timeout=60)
