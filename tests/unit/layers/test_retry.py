# SPDX-License-Identifier: Apache-2.0
"""What is tried again, when, and for how long."""

import functools
import logging
import random
import time

import pytest

from onespace_core.layers import RetryLayer
from onespace_core.provider import (
    BytesBody,
    Conditions,
    ConnectionFailed,
    IterableBody,
    NotSupported,
    ObjectInfo,
    ObjectNotFound,
    OperationTimeout,
    PreconditionFailed,
    RateLimited,
    Segment,
    ServiceUnavailable,
    ShuntRequest,
    SourceObject,
    Upload,
)
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore

TRANSIENT = [
    RateLimited,
    ServiceUnavailable,
    ConnectionFailed,
    OperationTimeout,
]


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.fixture
def memory(clock):
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    memory.put_object("a", BytesBody(b"data"))
    memory.calls.clear()
    return memory


def retry(provider, *faults, **options):
    return RetryLayer(
        FaultyLayer(provider, faults),
        logger=logging.getLogger("test"),
        **options,
    )


def ops(memory):
    return [call.op for call in memory.calls]


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_retryable_error_is_tried_again(memory, error):
    layer = retry(memory, Fault(times=3, error=error))
    assert layer.head_object("a").size == 4


@pytest.mark.parametrize("error", [ObjectNotFound, PreconditionFailed])
def test_a_permanent_error_is_raised_at_once(memory, clock, error):
    layer = retry(memory, Fault(error=error))
    with pytest.raises(error) as caught:
        layer.head_object("a")
    assert caught.value.retries_exhausted is False
    assert clock.slept == []


def test_another_exception_is_raised_at_once(memory, clock):
    def make(reason, **names):
        return ZeroDivisionError(reason)

    with pytest.raises(ZeroDivisionError):
        retry(memory, Fault(error=make)).head_object("a")
    assert clock.slept == []


def test_giving_up_is_marked_and_logged(memory, caplog):
    layer = retry(memory, Fault(times=None, error=RateLimited), max_attempts=3)
    with pytest.raises(RateLimited) as caught:
        layer.head_object("a")
    assert caught.value.retries_exhausted is True
    assert "gave up" in caplog.text


def test_what_another_layer_gave_up_on_is_not_tried_again(memory, clock):
    inner = retry(memory, Fault(times=None, error=RateLimited), max_attempts=3)
    outer = RetryLayer(inner, logger=logging.getLogger("test"))
    with pytest.raises(RateLimited):
        outer.head_object("a")
    assert len(clock.slept) == 2


def test_waits_double_up_to_a_bound_and_are_random(memory, clock):
    class Most(random.Random):
        def uniform(self, low, high):
            assert low == 0
            return high

    layer = retry(
        memory,
        Fault(times=6, error=RateLimited),
        base_delay=1,
        max_delay=8,
        rng=Most(),
    )
    layer.head_object("a")
    assert clock.slept == [1, 2, 4, 8, 8, 8]


def test_jitter_is_full(memory, clock):
    for _ in range(20):
        retry(memory, Fault(error=RateLimited), base_delay=1).head_object("a")
    assert all(0 <= wait <= 1 for wait in clock.slept)
    assert len(set(clock.slept)) == 20
    assert min(clock.slept) < 0.5 < max(clock.slept)


def test_the_stores_own_wait_is_honoured(memory, clock):
    error = functools.partial(RateLimited, retry_after=7)
    retry(memory, Fault(error=error)).head_object("a")
    assert 7 <= clock.slept[0] <= 7.2


def test_a_wait_past_the_deadline_is_not_begun(memory, clock):
    error = functools.partial(RateLimited, retry_after=61)
    with pytest.raises(RateLimited) as caught:
        retry(memory, Fault(error=error)).head_object("a")
    assert clock.slept == []
    assert caught.value.retries_exhausted is True


def test_the_deadline_counts_from_the_first_try(memory, clock):
    error = functools.partial(RateLimited, retry_after=4)
    layer = retry(memory, Fault(times=None, error=error), deadline=10)
    with pytest.raises(RateLimited):
        layer.head_object("a")
    assert len(clock.slept) == 2
    assert sum(clock.slept) < 10


def test_a_slow_try_uses_up_the_deadline(memory, clock):
    slow = Fault(times=None, error=OperationTimeout, delay=30)
    with pytest.raises(OperationTimeout):
        retry(memory, slow).head_object("a")
    assert clock.slept.count(30) == 2


def test_sleep_is_looked_up_when_it_is_needed(memory, monkeypatch):
    layer = retry(memory, Fault(error=RateLimited))
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    layer.head_object("a")
    assert len(slept) == 1


def test_a_given_sleep_is_used(memory, clock):
    slept = []
    layer = retry(memory, Fault(error=RateLimited), sleep=slept.append)
    layer.head_object("a")
    assert (len(slept), clock.slept) == (1, [])


def test_a_body_is_sent_again_from_its_start(memory):
    layer = retry(memory, Fault(op="put_object", truncate=3))
    layer.put_object("n", BytesBody(b"whole"))
    assert memory.get_object("n").read() == b"whole"


def test_a_body_that_was_opened_and_cannot_be_replayed_is_sent_once(
    memory, clock
):
    layer = retry(memory, Fault(op="put_object", truncate=3))
    with pytest.raises(ConnectionFailed) as caught:
        layer.put_object("n", IterableBody([b"whole"], size=5))
    assert caught.value.retries_exhausted is False
    assert clock.slept == []
    with pytest.raises(ObjectNotFound):
        memory.head_object("n")


def test_a_body_that_was_not_opened_yet_is_sent_after_all(memory):
    layer = retry(memory, Fault(op="put_object", error=RateLimited))
    layer.put_object("n", IterableBody([b"whole"], size=5))
    assert memory.get_object("n").read() == b"whole"


def test_a_lost_answer_of_a_put_is_harmless(memory):
    lost = Fault(op="put_object", error=ConnectionFailed, after=True)
    retry(memory, lost).put_object("n", BytesBody(b"whole"))
    assert ops(memory) == ["put_object", "put_object"]


def test_a_lost_answer_of_a_create_raises_what_the_second_try_says(memory):
    lost = Fault(op="put_object", error=ConnectionFailed, after=True)
    with pytest.raises(PreconditionFailed):
        retry(memory, lost).put_object(
            "n", BytesBody(b"mine"), conditions=Conditions(if_none_match="*")
        )
    assert memory.get_object("n").read() == b"mine"


def test_a_delete_whose_answer_was_lost_does_not_say_missing(memory):
    lost = Fault(op="delete_object", error=OperationTimeout, after=True)
    assert retry(memory, lost).delete_object("a") is None


def test_a_delete_that_was_refused_first_still_says_missing(memory):
    refused = Fault(op="delete_object", error=RateLimited)
    assert retry(memory, refused).delete_object("missing") is False


def test_a_reader_that_breaks_is_the_callers_to_read_again(memory, clock):
    broken = Fault(op="get_object", truncate=2, error=ConnectionFailed)
    with pytest.raises(ConnectionFailed):
        retry(memory, broken).get_object("a").read()
    assert clock.slept == []


def test_a_derived_method_retries_each_request_alone(memory):
    layer = retry(memory, Fault(op="put_object", times=2, error=RateLimited))
    source = SourceObject(
        info=ObjectInfo(key="n", size=5), body=BytesBody(b"whole")
    )
    assert layer.upload_object(source) is Upload.PUT
    assert ops(memory) == ["head_object", "put_object"]


def test_a_shunt_answers_when_it_gives_up(memory):
    down = Fault(times=None, error=ServiceUnavailable)
    layer = retry(memory, down, max_attempts=2)
    request = ShuntRequest(method="GET", headers={})
    assert layer.shunt_object(request, "a").status == 503


def test_buckets_are_retried_as_well(memory):
    layer = retry(
        memory,
        Fault(op="create_bucket", error=RateLimited),
        Fault(op="delete_bucket", error=RateLimited),
    )
    assert layer.create_bucket("n") is True
    layer.delete_bucket("n")
    assert "n" not in memory.store.buckets


def started(memory, *parts, key="up"):
    """Begin an upload past the layer; return its id and its parts."""
    upload = memory.start_upload(key)
    sent = [
        memory.upload_part(key, upload, number, BytesBody(data))
        for number, data in enumerate(parts, 1)
    ]
    memory.calls.clear()
    return upload, sent


def test_a_part_is_sent_again(memory):
    upload, _none = started(memory)
    lost = Fault(op="upload_part", error=ConnectionFailed, after=True)
    broken = Fault(op="upload_part", truncate=2, error=ConnectionFailed)
    layer = retry(memory, lost, broken)
    part = layer.upload_part("up", upload, 1, BytesBody(b"whole"))
    assert memory.list_parts("up", upload) == [part]


def test_a_part_that_cannot_be_sent_again_is_not(memory, clock):
    upload, _none = started(memory)
    lost = Fault(op="upload_part", error=ConnectionFailed, after=True)
    body = IterableBody(iter([b"whole"]), size=5)
    with pytest.raises(ConnectionFailed) as caught:
        retry(memory, lost).upload_part("up", upload, 1, body)
    assert clock.slept == []
    assert caught.value.retries_exhausted is False


def test_a_part_that_was_not_opened_is_sent_again(memory):
    upload, _none = started(memory)
    refused = Fault(op="upload_part", error=RateLimited)
    body = IterableBody(iter([b"whole"]), size=5)
    part = retry(memory, refused).upload_part("up", upload, 1, body)
    assert part.size == 5


def test_a_lost_answer_of_a_start_leaves_an_upload_that_is_listed(memory):
    lost = Fault(op="start_upload", error=ConnectionFailed, after=True)
    layer = retry(memory, lost)
    upload = layer.start_upload("up")
    ids = {each.upload_id for each in layer.list_uploads()}
    assert len(ids) == 2
    assert upload in ids


def test_a_lost_answer_of_a_completion_is_the_callers_to_look_at(memory):
    upload, parts = started(memory, b"whole")
    lost = Fault(op="complete_upload", error=ConnectionFailed, after=True)
    layer = retry(memory, lost)
    with pytest.raises(ObjectNotFound):
        layer.complete_upload("up", upload, parts)
    assert layer.head_object("up").size == 5


def test_a_completion_that_was_refused_first_is_repeated(memory):
    upload, parts = started(memory, b"whole")
    refused = Fault(op="complete_upload", error=ServiceUnavailable)
    retry(memory, refused).complete_upload("up", upload, parts)
    assert memory.get_object("up").read() == b"whole"


def test_a_lost_answer_of_an_abort_is_harmless(memory):
    upload, _parts = started(memory, b"whole")
    lost = Fault(op="abort_upload", error=ConnectionFailed, after=True)
    retry(memory, lost).abort_upload("up", upload)
    assert list(memory.list_uploads()) == []


class BrokenListing(MemoryProvider):
    """Lists uploads, and breaks after so many of them, each time once."""

    breaks = ()

    def list_uploads(self, **options):
        most = self.breaks.pop(0) if self.breaks else None
        for number, each in enumerate(super().list_uploads(**options)):
            if number == most:
                raise ConnectionFailed("half-way", op="list_uploads")
            yield each


def test_a_listing_of_uploads_that_breaks_shows_each_once(clock):
    memory = BrokenListing(MemoryStore("b"), bucket="b")
    begun = [memory.start_upload(f"k{number}") for number in range(5)]
    memory.breaks = [0, 3, 4]
    listed = list(retry(memory).list_uploads())
    assert sorted(each.upload_id for each in listed) == sorted(begun)
    assert len(clock.slept) == 3


def test_a_listing_of_uploads_gives_up_in_the_end(clock):
    memory = BrokenListing(MemoryStore("b"), bucket="b")
    memory.start_upload("k")
    memory.breaks = [0] * 9
    with pytest.raises(ConnectionFailed) as caught:
        list(retry(memory, max_attempts=3).list_uploads())
    assert caught.value.retries_exhausted is True
    assert len(clock.slept) == 2


def test_copies_and_manifests_are_retried(memory):
    layer = retry(
        memory,
        Fault(op="copy_object", error=ConnectionFailed, after=True),
        Fault(op="put_manifest", error=RateLimited),
    )
    layer.copy_object("a", "copy")
    layer.put_manifest("large", [Segment(bucket="b", key="copy")])
    assert layer.get_object("large").read() == memory.get_object("a").read()


def test_not_supported_is_not_retried(memory, clock):
    with pytest.raises(NotSupported):
        retry(memory).put_object(
            "a",
            BytesBody(b""),
            conditions=Conditions(if_none_match="etag"),
        )
    assert clock.slept == []


def test_each_wait_is_logged_without_a_traceback(memory, caplog):
    caplog.set_level(logging.DEBUG)
    retry(memory, Fault(error=RateLimited)).head_object("a")
    (record,) = caplog.records
    assert "try 1 failed" in record.getMessage()
    assert record.exc_info is None
