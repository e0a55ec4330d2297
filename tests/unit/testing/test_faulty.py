# SPDX-License-Identifier: Apache-2.0
"""Faults strike when the script says so, and only then."""

import time

import pytest

from onespace_core.provider import (
    BytesBody,
    ConnectionFailed,
    IntegrityError,
    ObjectNotFound,
    RateLimited,
    ServiceUnavailable,
)
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.leaks import LeakTrackingLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore


@pytest.fixture
def memory():
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    memory.put_object("a", BytesBody(b"0123456789"))
    memory.calls.clear()
    return memory


def outcomes(call, count):
    names = []
    for _ in range(count):
        try:
            call()
        except Exception as exc:  # noqa: BLE001 - its class is what counts
            names.append(type(exc).__name__)
        else:
            names.append("ok")
    return names


def test_without_a_script_everything_passes(memory):
    assert FaultyLayer(memory).get_object("a").read() == b"0123456789"


def test_a_fault_skips_strikes_and_ends(memory):
    layer = FaultyLayer(memory, [Fault(skip=1, times=2, error=RateLimited)])
    got = outcomes(lambda: layer.head_object("a"), 5)
    assert got == ["ok", "RateLimited", "RateLimited", "ok", "ok"]
    assert len(memory.calls) == 3


def test_a_fault_without_end_always_strikes(memory):
    layer = FaultyLayer(memory, [Fault(times=None, error=RateLimited)])
    assert set(outcomes(lambda: layer.head_object("a"), 9)) == {"RateLimited"}


def test_a_fault_is_for_its_operation_and_key(memory):
    fault = Fault(op="head_object", key="x", times=None, error=RateLimited)
    layer = FaultyLayer(memory, [fault])
    layer.head_object("a")
    layer.delete_object("x")
    with pytest.raises(RateLimited) as caught:
        layer.head_object("x")
    assert (caught.value.op, caught.value.key) == ("head_object", "x")


def test_the_first_fault_that_is_due_strikes(memory):
    layer = FaultyLayer(
        memory,
        [
            Fault(error=RateLimited),
            Fault(times=2, error=ServiceUnavailable),
        ],
    )
    got = outcomes(lambda: layer.head_object("a"), 3)
    assert got == ["RateLimited", "ServiceUnavailable", "ok"]


def test_each_strike_raises_an_error_of_its_own(memory):
    layer = FaultyLayer(memory, [Fault(times=2, error=RateLimited)])
    errors = []
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            layer.head_object("a")
        errors.append(caught.value)
    assert errors[0] is not errors[1]


def test_an_error_before_leaves_the_store_and_one_after_does_not(memory):
    before = FaultyLayer(memory, [Fault(error=ConnectionFailed)])
    with pytest.raises(ConnectionFailed):
        before.delete_object("a")
    assert memory.head_object("a").size == 10
    after = FaultyLayer(memory, [Fault(error=ConnectionFailed, after=True)])
    with pytest.raises(ConnectionFailed):
        after.delete_object("a")
    with pytest.raises(ObjectNotFound):
        memory.head_object("a")


def test_an_answer_that_is_lost_leaves_no_reader_open(memory):
    tracked = LeakTrackingLayer(memory)
    layer = FaultyLayer(tracked, [Fault(error=ConnectionFailed, after=True)])
    with pytest.raises(ConnectionFailed):
        layer.get_object("a")
    tracked.tracker.check()


def test_a_delay_sleeps_and_then_answers(memory, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    layer = FaultyLayer(memory, [Fault(delay=3.5)])
    assert layer.head_object("a").size == 10
    assert slept == [3.5]


@pytest.mark.parametrize(
    ("error", "raised"),
    [(None, IntegrityError), (ConnectionFailed, ConnectionFailed)],
)
def test_a_reader_is_truncated(memory, error, raised):
    layer = FaultyLayer(memory, [Fault(truncate=4, error=error)])
    given = []
    with layer.get_object("a") as reader:
        chunks = iter(reader)
        given.append(next(chunks))
        with pytest.raises(raised):
            next(chunks)
    assert given == [b"0123"]


def test_a_truncated_reader_closes_the_one_below(memory):
    tracked = LeakTrackingLayer(memory)
    layer = FaultyLayer(tracked, [Fault(truncate=4)])
    layer.get_object("a").close()
    tracked.tracker.check()


@pytest.mark.parametrize(
    ("error", "raised"),
    [(None, ConnectionFailed), (RateLimited, RateLimited)],
)
@pytest.mark.parametrize("truncate", [0, 3, 5])
def test_a_body_is_truncated_and_nothing_is_written(
    memory, truncate, error, raised
):
    layer = FaultyLayer(memory, [Fault(truncate=truncate, error=error)])
    with pytest.raises(raised):
        layer.put_object("a", BytesBody(b"12345"))
    assert memory.get_object("a").read() == b"0123456789"


def test_a_part_is_truncated_and_is_not_there(memory):
    upload = memory.start_upload("up")
    layer = FaultyLayer(memory, [Fault(op="upload_part", truncate=3)])
    with pytest.raises(ConnectionFailed):
        layer.upload_part("up", upload, 1, BytesBody(b"12345"))
    assert memory.list_parts("up", upload) == []


def test_a_copy_fails_by_the_key_it_writes(memory):
    layer = FaultyLayer(memory, [Fault(key="copy", error=RateLimited)])
    layer.copy_object("a", "other")
    with pytest.raises(RateLimited) as caught:
        layer.copy_object("a", "copy", bucket="b")
    error = caught.value
    assert (error.op, error.bucket, error.key) == ("copy_object", "b", "copy")


def test_a_script_can_be_a_function(memory):
    asked = []

    def script(op, key):
        asked.append((op, key))
        return Fault(error=RateLimited) if op == "delete_object" else None

    layer = FaultyLayer(memory, script)
    layer.head_bucket()
    with pytest.raises(RateLimited):
        layer.delete_object("a")
    assert asked == [("head_bucket", None), ("delete_object", "a")]
