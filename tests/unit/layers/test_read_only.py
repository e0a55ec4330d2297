# SPDX-License-Identifier: Apache-2.0
"""A read-only store is never written, nor asked in vain."""

import pytest

from onespace_core.layers import ReadOnlyLayer
from onespace_core.provider import (
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
}


@pytest.fixture
def memory():
    memory = MemoryProvider(MemoryStore("b", "empty"), bucket="b")
    memory.put_object("k", BytesBody(b"1"), metadata={"m": "old"})
    memory.calls.clear()
    return memory


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_refused_before_any_request(memory, name):
    with pytest.raises(NotSupported, match="read only") as caught:
        getattr(ReadOnlyLayer(memory), name)(*WRITES[name])
    assert memory.calls == []
    assert caught.value.op == name


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


def test_no_ability_to_write_is_claimed(memory):
    claims = ReadOnlyLayer(memory).capabilities
    assert memory.capabilities.conditional_put
    assert not claims.conditional_put
    assert not claims.conditional_replace
    assert claims.range_get == memory.capabilities.range_get
