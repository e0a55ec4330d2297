# SPDX-License-Identifier: Apache-2.0
"""A read-only store is never written, nor asked in vain."""

import itertools

import pytest

from onespace_core.layers import ReadOnlyLayer
from onespace_core.provider import (
    PROTOCOLS,
    AgeRule,
    BytesBody,
    NotSupported,
    ObjectInfo,
    ShuntRequest,
    SourceObject,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore

SOURCE = SourceObject(info=ObjectInfo(key="k", size=1), body=BytesBody(b"1"))

WRITES = {
    "put_object": ("k", BytesBody(b"2")),
    "post_object": ("k", {}),
    "delete_object": ("k",),
    "update_metadata": ("k", {"m": "v"}),
    "upload_object": (SOURCE,),
    "create_bucket": ("new",),
    "delete_bucket": ("empty",),
    "post_bucket": ({"m": "v"},),
    "copy_object": ("k", "l"),
    "start_upload": ("k",),
    "upload_part": ("k", "id", 1, BytesBody(b"2")),
    "copy_part": ("k", "id", 1, "k"),
    "complete_upload": ("k", "id", []),
    "abort_upload": ("k", "id"),
    "put_manifest": ("k", []),
    "put_dynamic_manifest": ("k", "s/"),
    "put_age_rule": (AgeRule(rule_id="r", prefix=""),),
    "drop_age_rule": ("r",),
}

#: What some methods have to be given by name.
NAMED = {"put_dynamic_manifest": {"segments_bucket": "b"}}

READS = {"list_parts", "list_uploads", "get_manifest"}


@pytest.fixture
def memory():
    memory = MemoryProvider(MemoryStore("b", "empty"), bucket="b")
    memory.put_object("k", BytesBody(b"1"), metadata={"m": "old"})
    memory.calls.clear()
    return memory


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_refused_before_any_request(memory, name):
    with pytest.raises(NotSupported, match="read only") as caught:
        getattr(ReadOnlyLayer(memory), name)(
            *WRITES[name], **NAMED.get(name, {})
        )
    assert memory.calls == []
    assert caught.value.op == name


def test_every_method_of_a_protocol_is_a_write_or_a_read():
    methods = set(itertools.chain.from_iterable(PROTOCOLS.values()))
    assert methods - WRITES.keys() == READS


def test_a_refusal_names_bucket_and_key(memory):
    with pytest.raises(NotSupported) as caught:
        ReadOnlyLayer(memory).delete_object("k", bucket="b")
    assert (caught.value.bucket, caught.value.key) == ("b", "k")


@pytest.mark.parametrize("name", ["shunt_post", "shunt_delete"])
def test_a_shunted_write_is_answered_501(memory, name):
    request = ShuntRequest(method=name.partition("_")[2].upper(), headers={})
    answer = getattr(ReadOnlyLayer(memory), name)(request, "k")
    assert answer.status == 501
    assert memory.calls == []


def test_reads_pass(memory):
    layer = ReadOnlyLayer(memory)
    assert layer.get_object("k").read() == b"1"
    assert layer.head_object("k").metadata == {"m": "old"}
    assert [each.key for each in layer.list_objects().objects] == ["k"]
    request = ShuntRequest(method="GET", headers={})
    assert layer.shunt_object(request, "k").status == 200


def test_what_a_protocol_reads_passes(memory):
    upload = memory.start_upload("up")
    part = memory.upload_part("up", upload, 1, BytesBody(b"1"))
    layer = ReadOnlyLayer(memory)
    assert layer.list_parts("up", upload) == [part]
    assert [each.key for each in layer.list_uploads()] == ["up"]
    assert layer.get_manifest("k") is None


def test_no_ability_to_write_is_claimed(memory):
    claims = ReadOnlyLayer(memory).capabilities
    assert memory.capabilities.conditional_put
    assert not claims.conditional_put
    assert not claims.conditional_replace
    assert not claims.part_copy
    assert not claims.object_expiry
    assert claims.range_get == memory.capabilities.range_get
