# SPDX-License-Identifier: Apache-2.0
"""What memory promises beyond the contract."""

import dataclasses
import datetime
import logging

import pytest

from onespace_core.provider import (
    EXPIRY,
    PROTOCOLS,
    AgeRule,
    BucketAdmin,
    BytesBody,
    Capabilities,
    Conditions,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    LargeObjects,
    NotSupported,
    ObjectNotFound,
    ProviderSettings,
    Segment,
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


def test_every_capability_is_on():
    off = [
        field.name
        for field in dataclasses.fields(Capabilities)
        if not getattr(EVERYTHING, field.name)
    ]
    assert off == []


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


class Clock:
    def __init__(self):
        self.now = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)

    def __call__(self):
        return self.now

    def after(self, seconds):
        return str(int(self.now.timestamp()) + seconds)


def test_an_object_expires_by_the_stores_clock():
    clock = Clock()
    memory = MemoryProvider(MemoryStore("b", clock=clock), bucket="b")
    for key, seconds in (("soon", 10), ("late", 11)):
        memory.put_object(
            key, BytesBody(b"1"), system={EXPIRY: clock.after(seconds)}
        )
    clock.now += datetime.timedelta(seconds=10)
    assert [info.key for info in memory.list_objects().objects] == ["late"]
    with pytest.raises(ObjectNotFound):
        memory.get_object("soon")
    assert memory.head_bucket().object_count == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "\u0663"])
def test_an_expiry_that_is_no_number_is_refused(memory, value):
    with pytest.raises(InvalidRequest):
        memory.put_object("k", BytesBody(b"1"), system={EXPIRY: value})


def test_an_expiry_in_the_past_is_refused():
    clock = Clock()
    memory = MemoryProvider(MemoryStore("b", clock=clock), bucket="b")
    for call in (
        lambda system: memory.put_object("k", BytesBody(b""), system=system),
        lambda system: memory.start_upload("k", system=system),
    ):
        with pytest.raises(InvalidRequest):
            call({EXPIRY: clock.after(0)})


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.__name__)
def test_a_protocol_is_offered_if_it_is_asked_for(protocol):
    only = MemoryProvider(MemoryStore(), protocols=[protocol])
    assert [p for p in PROTOCOLS if isinstance(only, p)] == [protocol]
    everything = MemoryProvider(MemoryStore())
    assert [p for p in PROTOCOLS if isinstance(everything, p)] == [*PROTOCOLS]


def test_what_is_offered_and_what_is_claimed_agree():
    plain = MemoryProvider(MemoryStore(), capabilities=Capabilities())
    assert not isinstance(plain, LargeObjects)
    bare = MemoryProvider(MemoryStore(), protocols=())
    assert not bare.capabilities.large_objects
    assert not bare.capabilities.part_copy


def test_limits_of_parts_can_be_given():
    small = dataclasses.replace(
        EVERYTHING, min_part_size=2, max_part_size=4, max_parts=2
    )
    memory = MemoryProvider(MemoryStore("b"), bucket="b", capabilities=small)
    upload = memory.start_upload("k")
    for number, data in ((3, b"12"), (1, b"12345")):
        with pytest.raises(InvalidRequest):
            memory.upload_part("k", upload, number, BytesBody(data))
    parts = [
        memory.upload_part("k", upload, number, BytesBody(data))
        for number, data in ((1, b"12"), (2, b"3"))
    ]
    memory.complete_upload("k", upload, parts)
    assert memory.get_object("k").read() == b"123"


def test_a_static_manifest_whose_segment_changed_is_not_read(memory):
    memory.put_object("s", BytesBody(b"12"))
    memory.put_manifest("k", [Segment(bucket="b", key="s")])
    memory.put_object("s", BytesBody(b"34"))
    with pytest.raises(IntegrityError):
        memory.get_object("k")
    memory.delete_object("s")
    with pytest.raises(IntegrityError):
        memory.get_object("k")


def test_a_copy_of_a_large_object_is_a_plain_one(memory):
    memory.put_object("s", BytesBody(b"12"))
    memory.put_manifest("k", [Segment(bucket="b", key="s")] * 2)
    memory.copy_object("k", "copy")
    assert memory.get_manifest("copy") is None
    assert memory.get_object("copy").read() == b"1212"


def test_a_manifest_of_itself_is_refused(memory):
    memory.put_dynamic_manifest("k", "k", segments_bucket="b")
    with pytest.raises(InvalidRequest):
        memory.get_object("k")


def test_a_copy_beyond_the_limit_is_refused():
    small = dataclasses.replace(EVERYTHING, max_object_size=3)
    memory = MemoryProvider(MemoryStore("b"), bucket="b", capabilities=small)
    memory.put_object("s", BytesBody(b"12"))
    memory.put_manifest("k", [Segment(bucket="b", key="s")] * 2)
    with pytest.raises(InvalidRequest):
        memory.copy_object("k", "copy")


def test_rules_and_access_lists_are_recorded(memory):
    rule = AgeRule(rule_id="r", prefix="p/", move_after=(3, "COLD"))
    memory.put_age_rule(rule)
    memory.post_bucket({}, acl={"read": ".r:*"})
    bucket = memory.store.buckets["b"]
    assert bucket.rules == {"r": rule}
    assert bucket.acl == {"read": ".r:*"}
    with pytest.raises(InvalidRequest):
        memory.post_bucket({}, acl={"execute": "x"})


def test_settings_make_a_store_with_their_bucket():
    made = MemoryProvider.from_settings(
        ProviderSettings({}, bucket="x"), logger=logging.getLogger("test")
    )
    assert made.head_bucket().name == "x"
