# SPDX-License-Identifier: Apache-2.0
"""Every layer forwards the whole contract."""

import inspect
import itertools
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
    PROTOCOLS,
    AgeRule,
    ByteRange,
    BytesBody,
    Capabilities,
    Conditions,
    InvalidRequest,
    KeyScheme,
    ObjectInfo,
    ObjectNotFound,
    ObjectPage,
    Part,
    ProviderSettings,
    Segment,
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


SEGMENT = Segment(bucket="x", key="s", size=1, etag="e", first=1, last=2)
DESCRIBED = {
    "metadata": {"m": "v"},
    "content_type": "text/x",
    "system": {"cache-control": "no"},
}
IF_MATCH = Conditions(if_match="e")

#: The same for every method of every optional protocol.
OFFERED = {
    "create_bucket": (("x",), {"metadata": {"m": "v"}}),
    "delete_bucket": (("x",), {}),
    "post_bucket": (
        ({"m": "v"},),
        {"acl": {"read": "a"}, "bucket": "x"},
    ),
    "copy_object": (
        ("k", "l"),
        {
            **DESCRIBED,
            "if_match": "e",
            "source_bucket": "y",
            "bucket": "x",
        },
    ),
    "start_upload": (("k",), {**DESCRIBED, "bucket": "x"}),
    "upload_part": (("k", "id", 3, BytesBody(b"1")), {"bucket": "x"}),
    "copy_part": (
        ("k", "id", 3, "l"),
        {
            "byte_range": ByteRange(first=1, last=2),
            "if_match": "e",
            "source_bucket": "y",
            "bucket": "x",
        },
    ),
    "list_parts": (("k", "id"), {"bucket": "x"}),
    "complete_upload": (
        ("k", "id", [Part(number=1, etag="e")]),
        {"conditions": IF_MATCH, "bucket": "x"},
    ),
    "abort_upload": (("k", "id"), {"bucket": "x"}),
    "list_uploads": ((), {"prefix": "x", "bucket": "x"}),
    "put_manifest": (
        ("k", [SEGMENT]),
        {**DESCRIBED, "conditions": IF_MATCH, "bucket": "x"},
    ),
    "put_dynamic_manifest": (
        ("k", "s/"),
        {"segments_bucket": "y", **DESCRIBED, "bucket": "x"},
    ),
    "get_manifest": (("k",), {"bucket": "x"}),
    "put_age_rule": (
        (AgeRule(rule_id="r", prefix="p", delete_after=1),),
        {"bucket": "x"},
    ),
    "drop_age_rule": (("r",), {"bucket": "x"}),
}

#: What the read-only layer refuses; its own tests see to it.
WRITES = {
    *(OFFERED.keys() - {"list_parts", "list_uploads", "get_manifest"}),
    "put_object",
    "post_object",
    "delete_object",
    "update_metadata",
    "upload_object",
    "shunt_post",
    "shunt_delete",
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


for _name in ARGUMENTS:
    setattr(Spy, _name, _spy(_name))


@pytest.fixture(params=LAYERS)
def wrap(request):
    return LAYERS[request.param]


def spied(arrived=None):
    """Return a spy that raises what it sees, or appends it to a list."""
    spy = Spy(MemoryStore())
    if arrived is not None:
        for name in OFFERED:
            setattr(spy, name, _recorded(name, arrived))
    return spy


def _recorded(name, arrived):
    def method(*args, **kwargs):
        arrived.append((name, args, kwargs))
        return [] if name == "list_uploads" else None

    method.__name__ = name
    return method


def test_the_arguments_above_are_the_whole_contract():
    assert sorted([*ARGUMENTS, *DERIVED]) == sorted(CONTRACT)
    assert sorted(OFFERED) == sorted(
        itertools.chain.from_iterable(PROTOCOLS.values())
    )
    for name, (args, kwargs) in {**ARGUMENTS, **OFFERED}.items():
        parameters = list(
            inspect.signature(getattr(MemoryProvider, name)).parameters
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


@pytest.mark.parametrize(("wrap", "name"), forwarded(OFFERED))
def test_a_layer_forwards_what_the_inner_provider_offers(wrap, name):
    args, kwargs = OFFERED[name]
    arrived = []
    inner = spied(arrived)
    result = getattr(wrap(inner), name)(*args, **kwargs)
    if name == "list_uploads":
        list(result)
    ((seen, seen_args, seen_kwargs),) = arrived
    assert seen == name
    assert seen_kwargs.keys() == kwargs.keys()
    for option in kwargs.keys() - {"prefix"}:
        assert seen_kwargs[option] == kwargs[option]
    assert len(seen_args) == len(args)
    if wrap is not LAYERS["PrefixLayer"]:
        for given, there in zip(args, seen_args, strict=True):
            if isinstance(given, BytesBody):
                assert (there.size, there.md5) == (given.size, given.md5)
            else:
                assert there == given


@pytest.mark.parametrize(("wrap", "name"), forwarded(OFFERED))
def test_a_layer_takes_arguments_by_name_too(wrap, name):
    args, kwargs = OFFERED[name]
    names = list(inspect.signature(getattr(MemoryProvider, name)).parameters)
    named = dict(zip(names[1:], args, strict=False))
    arrived = []
    result = getattr(wrap(spied(arrived)), name)(**named, **kwargs)
    if name == "list_uploads":
        list(result)
    assert [each[0] for each in arrived] == [name]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.__name__)
def test_a_layer_offers_just_what_the_inner_provider_offers(wrap, protocol):
    only = MemoryProvider(MemoryStore(), protocols=[protocol])
    others = MemoryProvider(
        MemoryStore(), protocols=[p for p in PROTOCOLS if p is not protocol]
    )
    for inner, layered in ((only, wrap(only)), (others, wrap(others))):
        assert [p for p in PROTOCOLS if isinstance(layered, p)] == [
            p for p in PROTOCOLS if isinstance(inner, p)
        ]
        assert isinstance(Layer(layered), protocol) is (inner is only)


def test_a_layer_keeps_its_name_and_class_whatever_it_offers(wrap):
    bare = wrap(MemoryProvider(MemoryStore(), protocols=()))
    full = wrap(MemoryProvider(MemoryStore()))
    assert type(bare).__qualname__ == type(full).__qualname__
    assert isinstance(bare, type(full))


def test_a_layer_looks_the_same_to_a_protocol_that_looks_at_classes(wrap):
    # As isinstance does since Python 3.12.
    bare = wrap(MemoryProvider(MemoryStore(), protocols=()))
    full = wrap(MemoryProvider(MemoryStore()))
    for name in itertools.chain.from_iterable(PROTOCOLS.values()):
        assert inspect.getattr_static(bare, name) is None
        assert callable(inspect.getattr_static(full, name))


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


def test_every_key_of_an_ability_is_under_the_prefix():
    memory, layer = prefixed()
    layer.put_object("s/%41", BytesBody(b"0123456789"))
    layer.put_object("s/b", BytesBody(b"end"))
    layer.copy_object("s/%41", "copy")
    upload = layer.start_upload("up")
    parts = [
        layer.copy_part("up", upload, 1, "s/%41"),
        layer.upload_part("up", upload, 2, BytesBody(b"end")),
    ]
    assert [each.key for each in layer.list_uploads(prefix="u")] == ["up"]
    assert [each.key for each in memory.list_uploads()] == ["p/up"]
    assert layer.list_parts("up", upload) == parts
    layer.complete_upload("up", upload, parts)
    segments = [
        Segment(bucket="b", key=key, size=size)
        for key, size in (("s/%41", 10), ("s/b", 3))
    ]
    layer.put_manifest("static", segments)
    layer.put_dynamic_manifest("dynamic", "s/", segments_bucket="b")
    names = ["copy", "dynamic", "s/%41", "s/b", "static", "up"]
    assert [info.key for info in layer.list_objects().objects] == names
    assert [info.key for info in memory.list_objects().objects] == [
        f"p/{name}" for name in names
    ]
    for key in ("up", "static", "dynamic"):
        assert layer.get_object(key).read() == b"0123456789end"
    static = layer.get_manifest("static").segments
    assert [each.key for each in static] == ["s/%41", "s/b"]
    assert layer.get_manifest("dynamic").dynamic == ("b", "s/")
    assert layer.get_manifest("copy") is None


def test_a_rule_under_a_prefix_is_for_its_keys_only():
    memory, layer = prefixed()
    layer.put_age_rule(AgeRule(rule_id="r", prefix="x/", delete_after=1))
    assert memory.store.buckets["b"].rules["r"].prefix == "p/x/"
    assert layer.drop_age_rule("r") is True


def test_a_manifest_of_keys_outside_the_prefix_is_loud():
    memory, layer = prefixed()
    memory.put_object("outside", BytesBody(b"1"))
    memory.put_manifest("p/k", [Segment(bucket="b", key="outside")])
    memory.put_dynamic_manifest("p/d", "out", segments_bucket="b")
    for key in ("k", "d"):
        with pytest.raises(UnknownProviderError, match="under the prefix"):
            layer.get_manifest(key)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.copy_object("", "k"),
        lambda p: p.copy_object("k", ""),
        lambda p: p.start_upload(""),
        lambda p: p.copy_part("k", "id", 1, ""),
        lambda p: p.put_manifest("", []),
    ],
)
def test_no_empty_key_of_an_ability_reaches_the_store(call):
    memory, layer = prefixed()
    with pytest.raises(InvalidRequest) as caught:
        call(layer)
    assert caught.value.op
    assert memory.calls == []


def test_errors_of_a_listing_of_uploads_name_the_callers_key():
    class Sloppy(MemoryProvider):
        def list_uploads(self, **options):
            raise ObjectNotFound("gone", op="list_uploads", key="p/k")
            yield

    layer = PrefixLayer(Sloppy(MemoryStore("b"), bucket="b"), "p/")
    with pytest.raises(ObjectNotFound) as caught:
        list(layer.list_uploads())
    assert caught.value.key == "k"
