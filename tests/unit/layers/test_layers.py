# SPDX-License-Identifier: Apache-2.0
"""Every layer forwards the whole contract."""

import inspect
import logging

import pytest

from onespace_core import layers
from onespace_core.layers import (
    Layer,
    ObserveLayer,
    PrefixLayer,
    ReadOnlyLayer,
    RetryLayer,
    Throttle,
    ThrottleLayer,
)
from onespace_core.provider import (
    CONTRACT,
    BucketAdmin,
    ByteRange,
    BytesBody,
    Capabilities,
    Conditions,
    InvalidRequest,
    KeyScheme,
    ObjectInfo,
    ObjectNotFound,
    ObjectPage,
    Provider,
    ProviderSettings,
    ShuntRequest,
    SourceObject,
    UnknownProviderError,
)
from onespace_core.testing.faulty import FaultyLayer
from onespace_core.testing.leaks import LeakTrackingLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore

LAYERS = {
    "Layer": Layer,
    "PrefixLayer": lambda inner: PrefixLayer(inner, "p/"),
    "RetryLayer": lambda inner: RetryLayer(
        inner, logger=logging.getLogger("test")
    ),
    "ThrottleLayer": lambda inner: ThrottleLayer(inner, Throttle()),
    "ObserveLayer": lambda inner: ObserveLayer(
        inner, lambda event: None, logger=logging.getLogger("test")
    ),
    "ReadOnlyLayer": ReadOnlyLayer,
    "FaultyLayer": FaultyLayer,
    "LeakTrackingLayer": LeakTrackingLayer,
}

#: Arguments that differ from every default, for each of the nine.
ARGUMENTS = {
    "head_account": ((), {}),
    "list_buckets": ((), {"prefix": "x", "marker": "xa", "limit": 3}),
    "head_bucket": (("x",), {}),
    "list_objects": (
        (),
        {
            "prefix": "x",
            "delimiter": "/",
            "marker": "xa",
            "limit": 3,
            "bucket": "x",
        },
    ),
    "head_object": (
        ("k",),
        {"conditions": Conditions(if_match="e"), "bucket": "x"},
    ),
    "get_object": (
        ("k",),
        {
            "byte_range": ByteRange(first=1),
            "conditions": Conditions(if_match="e"),
            "bucket": "x",
        },
    ),
    "put_object": (
        ("k", BytesBody(b"1")),
        {
            "metadata": {"m": "v"},
            "content_type": "text/x",
            "system": {"cache-control": "no"},
            "conditions": Conditions(if_match="e"),
            "bucket": "x",
        },
    ),
    "post_object": (
        ("k", {"m": "v"}),
        {
            "content_type": "text/x",
            "system": {"cache-control": "no"},
            "bucket": "x",
        },
    ),
    "delete_object": (("k",), {"bucket": "x"}),
}

DERIVED = {
    "update_metadata": (("k", {"m": "v"}), {"head_object"}),
    "upload_object": (
        (
            SourceObject(
                info=ObjectInfo(key="k", size=1), body=BytesBody(b"1")
            ),
        ),
        {"head_object"},
    ),
    "shunt_object": (
        (ShuntRequest(method="GET", headers={}), "k"),
        {"get_object"},
    ),
    "shunt_post": (
        (ShuntRequest(method="POST", headers={}), "k"),
        {"post_object"},
    ),
    "shunt_delete": (
        (ShuntRequest(method="DELETE", headers={}), "k"),
        {"delete_object"},
    ),
}


#: What the read-only layer refuses; its own tests see to it.
WRITES = {
    "put_object",
    "post_object",
    "delete_object",
    "update_metadata",
    "upload_object",
    "shunt_post",
    "shunt_delete",
    "create_bucket",
    "delete_bucket",
}


def forwarded(names):
    """Return each layer with each of the names that it has to forward."""
    return [
        pytest.param(LAYERS[layer], name, id=f"{layer}-{name}")
        for layer in LAYERS
        for name in names
        if not (layer == "ReadOnlyLayer" and name in WRITES)
    ]


class Seen(Exception):
    """Raised with what reached the inner provider."""


class Spy(MemoryProvider):
    """Raises what each of the nine was called with."""


def _spy(name):
    def method(self, *args, **kwargs):
        raise Seen(name, args, kwargs)

    method.__name__ = name
    return method


for _name in (*ARGUMENTS, "create_bucket", "delete_bucket"):
    setattr(Spy, _name, _spy(_name))


@pytest.fixture(params=LAYERS)
def wrap(request):
    return LAYERS[request.param]


def spied():
    return Spy(MemoryStore())


def test_the_arguments_above_are_the_whole_contract():
    assert sorted([*ARGUMENTS, *DERIVED]) == sorted(CONTRACT)
    for name, (args, kwargs) in ARGUMENTS.items():
        parameters = list(
            inspect.signature(getattr(Provider, name)).parameters
        )
        assert len(args) + len(kwargs) == len(parameters) - 1, name


def test_every_layer_is_looked_at():
    ours = {
        name
        for name, value in vars(layers).items()
        if isinstance(value, type) and issubclass(value, Layer)
    }
    assert ours <= set(LAYERS)


@pytest.mark.parametrize(("wrap", "name"), forwarded(ARGUMENTS))
def test_a_layer_forwards_every_argument(wrap, name):
    args, kwargs = ARGUMENTS[name]
    with pytest.raises(Seen) as caught:
        getattr(wrap(spied()), name)(*args, **kwargs)
    seen, seen_args, seen_kwargs = caught.value.args
    assert seen == name
    assert seen_kwargs.keys() == kwargs.keys()
    for option in kwargs.keys() - {"prefix", "marker"}:
        assert seen_kwargs[option] == kwargs[option]
    for given, arrived in zip(args, seen_args, strict=True):
        if isinstance(given, BytesBody):
            assert (arrived.size, arrived.md5) == (given.size, given.md5)
        elif given == "k":
            assert arrived in {"k", "p/k"}
        else:
            assert arrived == given


@pytest.mark.parametrize(("wrap", "name"), forwarded(DERIVED))
def test_a_derived_method_runs_over_the_layers_own_nine(wrap, name):
    args, first = DERIVED[name]
    with pytest.raises(Seen) as caught:
        getattr(wrap(spied()), name)(*args, bucket="x")
    seen, seen_args, seen_kwargs = caught.value.args
    assert seen in first
    assert seen_kwargs["bucket"] == "x"
    if wrap is LAYERS["PrefixLayer"]:
        assert seen_args[0] == "p/k"


@pytest.mark.parametrize(
    ("wrap", "name"), forwarded(["create_bucket", "delete_bucket"])
)
def test_a_layer_forwards_bucket_administration(wrap, name):
    layer = wrap(spied())
    assert isinstance(layer, BucketAdmin)
    with pytest.raises(Seen) as caught:
        getattr(layer, name)("x")
    assert caught.value.args[:2] == (name, ("x",))


def test_a_layer_around_no_bucket_admin_is_none(wrap):
    class Plain(Layer):
        def __init__(self, provider):
            self.inner = provider

    plain = Plain(MemoryProvider(MemoryStore()))
    assert not isinstance(plain, BucketAdmin)
    assert not isinstance(wrap(plain), BucketAdmin)


def test_a_layer_shows_what_the_inner_provider_is(wrap):
    inner = MemoryProvider(
        MemoryStore(),
        capabilities=Capabilities(range_get=True),
        key_scheme=KeyScheme.PLAIN,
    )
    layer = wrap(inner)
    assert layer.capabilities == inner.capabilities
    assert layer.location == inner.location
    assert layer.KEY_SCHEME is KeyScheme.PLAIN


def test_closing_a_layer_closes_the_inner_provider(wrap):
    inner = MemoryProvider(MemoryStore("b"), bucket="b")
    layer = wrap(inner)
    layer.close()
    layer.close()
    with pytest.raises(InvalidRequest):
        inner.head_bucket()


def test_a_layer_is_not_made_of_settings():
    with pytest.raises(TypeError, match="around a provider"):
        Layer.from_settings(
            ProviderSettings({}), logger=logging.getLogger("test")
        )


def prefixed(prefix="p/"):
    memory = MemoryProvider(MemoryStore("b"), bucket="b")
    return memory, PrefixLayer(memory, prefix)


def test_a_prefix_keeps_two_layers_apart():
    memory, one = prefixed("one/")
    two = PrefixLayer(memory, "two/")
    one.put_object("k", BytesBody(b"1"))
    two.put_object("k", BytesBody(b"2"))
    assert one.get_object("k").read() == b"1"
    assert [info.key for info in two.list_objects().objects] == ["k"]
    keys = [info.key for info in memory.list_objects().objects]
    assert keys == ["one/k", "two/k"]


def test_an_error_under_a_prefix_names_the_callers_key():
    _memory, layer = prefixed()
    with pytest.raises(ObjectNotFound) as caught:
        layer.head_object("k")
    assert caught.value.key == "k"


def test_an_empty_key_under_a_prefix_never_reaches_the_store():
    memory, layer = prefixed()
    with pytest.raises(InvalidRequest):
        layer.delete_object("")
    assert memory.calls == []


def test_a_prefix_leaves_less_room_for_keys():
    memory, layer = prefixed("\u00e9/")
    room = layer.capabilities.max_key_bytes
    assert room == memory.capabilities.max_key_bytes - 3


def test_a_key_outside_the_prefix_is_loud():
    class Sloppy(MemoryProvider):
        def list_objects(self, **options):
            return ObjectPage(objects=[ObjectInfo(key="other", size=1)])

    layer = PrefixLayer(Sloppy(MemoryStore("b"), bucket="b"), "p/")
    with pytest.raises(UnknownProviderError, match="not under the prefix"):
        layer.list_objects()
