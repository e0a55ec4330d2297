# SPDX-License-Identifier: Apache-2.0
"""Every request is told of once, and observers harm none."""

import dataclasses
import itertools
import logging

import pytest

from onespace_core.layers import (
    Event,
    ObserveLayer,
    PrefixLayer,
    RetryLayer,
)
from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    Conditions,
    IntegrityError,
    ObjectNotFound,
    PreconditionFailed,
    RateLimited,
)
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore

LOG = logging.getLogger("onespace.test")


def memory():
    return MemoryProvider(MemoryStore("b"), bucket="b")


def observed(inner=None, observer=None):
    events = []
    ticks = itertools.count()
    layer = ObserveLayer(
        inner or memory(),
        observer or events.append,
        clock=lambda: float(next(ticks)),
        logger=LOG,
    )
    return events, layer


def test_a_request_is_told_of():
    events, layer = observed()
    layer.head_bucket("b")
    assert events == [
        Event(op="head_bucket", bucket="b", outcome="ok", seconds=1.0)
    ]


def test_each_operation_has_its_name():
    events, layer = observed(PrefixLayer(memory(), "p/"))
    layer.create_bucket("new")
    layer.put_object("k", BytesBody(b"1"), bucket="new")
    layer.delete_object("k", bucket="new")
    layer.delete_bucket("new")
    layer.list_objects()
    assert [(each.op, each.bucket) for each in events] == [
        ("create_bucket", "new"),
        ("put_object", "new"),
        ("delete_object", "new"),
        ("delete_bucket", "new"),
        ("list_objects", None),
    ]


def test_an_error_is_told_by_its_class_and_raised():
    events, layer = observed()
    with pytest.raises(ObjectNotFound):
        layer.head_object("missing")
    with pytest.raises(ObjectNotFound):
        layer.get_object("missing")
    with pytest.raises(PreconditionFailed):
        layer.put_object(
            "k", BytesBody(b"1"), conditions=Conditions(if_match="e")
        )
    assert [each.outcome for each in events] == [
        "ObjectNotFound",
        "ObjectNotFound",
        "PreconditionFailed",
    ]


def test_bytes_are_counted_both_ways():
    events, layer = observed()
    layer.put_object("k", BytesBody(bytes(100_000)))
    layer.get_object("k").read()
    put, got = events
    assert (put.bytes_sent, put.bytes_received) == (100_000, 0)
    assert (got.bytes_sent, got.bytes_received) == (0, 100_000)


def test_bytes_of_parts_are_counted():
    events, layer = observed()
    upload = layer.start_upload("k", bucket="b")
    layer.upload_part("k", upload, 1, BytesBody(bytes(70_000)), bucket="b")
    layer.post_bucket({"m": "v"}, bucket="b")
    told = [(each.op, each.bucket, each.bytes_sent) for each in events]
    assert told == [
        ("start_upload", "b", 0),
        ("upload_part", "b", 70_000),
        ("post_bucket", "b", 0),
    ]


def test_a_listing_of_uploads_is_told_of_at_its_end():
    events, layer = observed()
    layer.start_upload("k")
    layer.start_upload("l")
    events.clear()
    listed = layer.list_uploads(bucket="b")
    assert next(listed)
    assert events == []
    listed.close()
    assert [(each.op, each.outcome) for each in events] == [
        ("list_uploads", "ok")
    ]
    assert len(list(layer.list_uploads())) == 2
    with pytest.raises(BucketNotFound):
        list(layer.list_uploads(bucket="missing"))
    assert [each.outcome for each in events] == ["ok", "ok", "BucketNotFound"]


def test_a_reader_is_told_of_once_and_when_it_is_closed():
    events, layer = observed()
    layer.put_object("k", BytesBody(bytes(200_000)))
    events.clear()
    reader = layer.get_object("k")
    first = next(iter(reader))
    assert events == []
    reader.close()
    reader.close()
    (event,) = events
    assert (event.outcome, event.bytes_received) == ("ok", len(first))


def test_a_reader_that_breaks_is_told_of_as_broken():
    cut = FaultyLayer(memory(), [Fault(op="get_object", truncate=3)])
    events, layer = observed(cut)
    layer.put_object("k", BytesBody(b"12345"))
    events.clear()
    with pytest.raises(IntegrityError):
        layer.get_object("k").read()
    (event,) = events
    assert (event.outcome, event.bytes_received) == ("IntegrityError", 3)


def test_under_retry_every_try_is_told_of_and_above_it_one_request():
    tries, below = observed(
        FaultyLayer(memory(), [Fault(op="put_object", error=RateLimited)])
    )
    calls, above = observed(
        RetryLayer(below, sleep=lambda seconds: None, logger=LOG)
    )
    above.put_object("k", BytesBody(b"12"))
    assert [each.outcome for each in tries] == ["RateLimited", "ok"]
    assert [each.outcome for each in calls] == ["ok"]


def test_an_interruption_is_told_of():
    events, layer = observed(
        FaultyLayer(
            memory(),
            [Fault(error=lambda *a, **k: KeyboardInterrupt())],
        )
    )
    with pytest.raises(KeyboardInterrupt):
        layer.head_account()
    assert events[0].outcome == "KeyboardInterrupt"


def test_an_observer_that_raises_harms_nothing_and_is_told_once(caplog):
    def observer(event):
        raise RuntimeError("token=s3cr3t")

    _events, layer = observed(observer=observer)
    layer.put_object("k", BytesBody(b"12"))
    assert layer.get_object("k").read() == b"12"
    with pytest.raises(ObjectNotFound):
        layer.head_object("missing")
    (record,) = caplog.records
    assert "RuntimeError" in record.getMessage()
    assert "s3cr3t" not in caplog.text


def test_an_event_has_no_room_for_a_key_or_a_secret():
    assert [field.name for field in dataclasses.fields(Event)] == [
        "op",
        "bucket",
        "outcome",
        "seconds",
        "bytes_sent",
        "bytes_received",
    ]
