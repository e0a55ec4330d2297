# SPDX-License-Identifier: Apache-2.0
"""What stays open is named."""

import pytest

from onespace_core.provider import BytesBody
from onespace_core.testing.leaks import (
    LeakError,
    LeakTracker,
    LeakTrackingLayer,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore


@pytest.fixture
def layer():
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    memory.put_object("a", BytesBody(b"data"))
    return LeakTrackingLayer(memory)


def test_a_reader_that_stays_open_is_named(layer):
    reader = layer.get_object("a")
    with pytest.raises(LeakError, match="reader of a"):
        layer.tracker.check()
    reader.close()
    reader.close()
    layer.tracker.check()


def test_a_reader_that_is_read_is_not_closed_yet(layer):
    reader = layer.get_object("a")
    assert list(reader) == [b"data"]
    assert layer.tracker.still_open() == ["reader of a"]


def test_a_stream_that_a_provider_leaves_open_is_named():
    class Careless(MemoryProvider):
        def put_object(self, key, body, **options):
            body.open().read()

    careless = Careless(MemoryStore("b"), bucket="b")
    layer = LeakTrackingLayer(careless)
    layer.put_object("n", BytesBody(b"data"))
    with pytest.raises(LeakError, match="stream for n"):
        layer.tracker.check()


def test_a_stream_of_a_part_that_is_left_open_is_named():
    class Careless(MemoryProvider):
        def upload_part(self, key, upload_id, number, body, *, bucket=None):
            body.open().read()

    layer = LeakTrackingLayer(Careless(MemoryStore("b"), bucket="b"))
    layer.upload_part("n", "id", 1, BytesBody(b"data"))
    with pytest.raises(LeakError, match="stream for n"):
        layer.tracker.check()


def test_a_stream_that_is_closed_is_forgotten(layer):
    layer.put_object("n", BytesBody(b"data"))
    assert layer.get_object("n").read() == b"data"
    layer.tracker.check()


def leak_in(tracker, layer, error=None):
    with tracker:
        LeakTrackingLayer(layer.inner, tracker).get_object("a")
        if error is not None:
            raise error


def test_a_tracker_checks_at_its_end(layer):
    with pytest.raises(LeakError):
        leak_in(LeakTracker(), layer)


def test_a_tracker_does_not_hide_another_error(layer):
    with pytest.raises(ZeroDivisionError):
        leak_in(LeakTracker(), layer, ZeroDivisionError())
