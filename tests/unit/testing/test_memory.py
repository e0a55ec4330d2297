# SPDX-License-Identifier: Apache-2.0
"""What memory promises beyond the contract."""

import dataclasses
import datetime
import logging

import pytest

from onespace_core.provider import (
    BucketAdmin,
    BytesBody,
    Capabilities,
    Conditions,
    ConnectionFailed,
    InvalidRequest,
    NotSupported,
    ObjectNotFound,
    ProviderSettings,
    Unauthenticated,
)
from onespace_core.testing.memory import (
    EVERYTHING,
    Call,
    MemoryProvider,
    MemoryStore,
)


@pytest.fixture
def memory():
    return MemoryProvider(MemoryStore("b"), bucket="b")


def test_every_capability_is_on_but_the_one_that_only_swift_has():
    off = [
        field.name
        for field in dataclasses.fields(Capabilities)
        if not getattr(EVERYTHING, field.name)
    ]
    assert off == ["large_objects"]


def test_calls_are_recorded_as_they_reach_the_store(memory):
    memory.put_object("k", BytesBody(b"1"))
    with pytest.raises(ObjectNotFound):
        memory.head_object("missing")
    memory.list_objects()
    memory.list_buckets()
    assert memory.calls == [
        Call("put_object", "b", "k"),
        Call("head_object", "b", "missing"),
        Call("list_objects", "b"),
        Call("list_buckets"),
    ]


def test_what_is_not_supported_never_reaches_the_store():
    plain = MemoryProvider(
        MemoryStore("b"), bucket="b", capabilities=Capabilities()
    )
    with pytest.raises(NotSupported):
        plain.list_objects(delimiter="/")
    with pytest.raises(NotSupported):
        plain.head_object("k", conditions=Conditions(if_match="e"))
    assert plain.calls == []


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(if_none_match="an etag"),
        Conditions(if_modified_since=datetime.datetime.now(datetime.UTC)),
        Conditions(if_unmodified_since=datetime.datetime.now(datetime.UTC)),
    ],
)
def test_a_condition_that_no_capability_stands_for_is_refused(
    memory, conditions
):
    with pytest.raises(NotSupported):
        memory.put_object("k", BytesBody(b""), conditions=conditions)


def test_providers_of_one_store_see_the_same(memory):
    other = MemoryProvider(memory.store, bucket="b")
    memory.put_object("k", BytesBody(b"1"))
    assert other.get_object("k").read() == b"1"
    assert [call.op for call in other.calls] == ["get_object"]


def test_what_is_given_and_what_is_returned_are_copies(memory):
    metadata = {"m": "v"}
    memory.put_object("k", BytesBody(b"1"), metadata=metadata)
    metadata["m"] = "changed"
    memory.head_object("k").metadata["m"] = "changed"
    memory.list_objects().objects[0].metadata["m"] = "changed"
    assert memory.head_object("k").metadata == {"m": "v"}


def test_a_reader_shows_the_object_as_it_was(memory):
    memory.put_object("k", BytesBody(b"old"))
    reader = memory.get_object("k")
    memory.put_object("k", BytesBody(b"new"))
    assert reader.read() == b"old"


@pytest.mark.parametrize(
    "put",
    [
        {"key": "\ud800"},
        {"key": "k", "system": {"x-other": "1"}},
        {"key": "k", "metadata": {"": "1"}},
        {"key": "k", "metadata": {"m": "x" * 8193}},
    ],
)
def test_what_breaks_the_rules_is_refused(memory, put):
    with pytest.raises(InvalidRequest):
        memory.put_object(body=BytesBody(b""), **put)
    assert memory.list_objects().objects == []


def test_an_object_beyond_the_limit_is_refused():
    small = MemoryProvider(
        MemoryStore("b"),
        bucket="b",
        capabilities=Capabilities(max_object_size=3),
    )
    with pytest.raises(InvalidRequest):
        small.put_object("k", BytesBody(b"1234"))
    small.put_object("k", BytesBody(b"123"))


def test_a_limit_below_one_is_refused(memory):
    with pytest.raises(InvalidRequest):
        memory.list_objects(limit=0)


def test_a_closed_provider_refuses_and_others_go_on(memory):
    other = MemoryProvider(memory.store, bucket="b")
    memory.close()
    with pytest.raises(InvalidRequest, match="closed"):
        memory.head_bucket()
    assert other.head_bucket().name == "b"


def test_a_store_can_go_down_and_come_back(memory):
    memory.store.down = True
    with pytest.raises(ConnectionFailed):
        memory.head_bucket()
    memory.store.down = False
    assert memory.head_bucket().name == "b"


def test_a_store_with_a_secret_lets_only_those_in_who_know_it():
    store = MemoryStore("b", secret="s")
    assert MemoryProvider(store, bucket="b", secret="s").head_bucket()
    with pytest.raises(Unauthenticated):
        MemoryProvider(store, bucket="b").head_bucket()


def test_figures_count_what_is_there(memory):
    memory.create_bucket("c", metadata={"m": "v"})
    memory.put_object("k", BytesBody(b"123"))
    memory.put_object("k", BytesBody(b"12"), bucket="c")
    account = memory.head_account()
    figures = (account.bucket_count, account.object_count, account.bytes_used)
    assert figures == (2, 2, 5)
    bucket = memory.head_bucket("c")
    assert (bucket.object_count, bucket.bytes_used) == (1, 2)
    assert bucket.metadata == {"m": "v"}
    assert isinstance(memory, BucketAdmin)


def test_a_clock_can_be_given():
    when = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)
    memory = MemoryProvider(MemoryStore("b", clock=lambda: when), bucket="b")
    memory.put_object("k", BytesBody(b""))
    assert memory.head_object("k").last_modified == when


def test_settings_make_a_store_with_their_bucket():
    made = MemoryProvider.from_settings(
        ProviderSettings({}, bucket="x"), logger=logging.getLogger("test")
    )
    assert made.head_bucket().name == "x"
