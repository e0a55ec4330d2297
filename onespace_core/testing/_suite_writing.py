# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on PUT."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections.abc import Callable

import pytest

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    Conditions,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    IterableBody,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
    ProviderError,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    put,
    settle,
    walk,
    without,
)
from onespace_core.testing._suite_values import (
    AWKWARD_KEYS,
    AWKWARD_VALUES,
    EDGE_VALUES,
    LYING_BODIES,
    StrangeBody,
)
from onespace_core.testing.harness import Harness


class PutContract(SuiteBase):
    """What PUT promises."""

    @pytest.mark.parametrize("key", AWKWARD_KEYS.values(), ids=AWKWARD_KEYS)
    def test_an_awkward_key_is_kept(
        self, provider: Provider, harness: Harness, key: str
    ) -> None:
        """Written, read, listed and deleted under exactly that key."""
        put(provider, key, data=key.encode())
        settle(harness)
        assert [info.key for info in walk(provider)] == [key]
        assert provider.head_object(key).key == key
        assert get(provider, key) == key.encode()
        provider.delete_object(key)
        with pytest.raises(ObjectNotFound):
            provider.head_object(key)

    @pytest.mark.parametrize("key", [".", "..", "a/../b", "a/./b", "../a"])
    def test_dot_segments_are_kept_or_refused(
        self, provider: Provider, harness: Harness, key: str
    ) -> None:
        """A path is never tidied up: that would be another object."""
        try:
            put(provider, key)
        except InvalidRequest:
            assert walk(provider) == []
            return
        settle(harness)
        assert [info.key for info in walk(provider)] == [key]
        assert get(provider, key) == b"data"

    def test_keys_that_look_alike_are_two_objects(
        self, provider: Provider
    ) -> None:
        """Nothing is normalised, decoded or folded."""
        keys = ["\u00e9", "e\u0301", "%C3%A9", "a", "A", "a ", "a+", "a%20"]
        for key in keys:
            put(provider, key, data=key.encode())
        assert [get(provider, key).decode() for key in keys] == keys

    @pytest.mark.parametrize(
        "value", AWKWARD_VALUES.values(), ids=AWKWARD_VALUES
    )
    def test_an_awkward_metadata_value_is_kept(
        self, provider: Provider, value: str
    ) -> None:
        """Metadata is any text, by HEAD and by GET."""
        provider.put_object("a", BytesBody(b""), metadata={"name": value})
        assert dict(provider.head_object("a").metadata) == {"name": value}
        with provider.get_object("a") as reader:
            assert dict(reader.info.metadata) == {"name": value}

    @pytest.mark.parametrize("value", EDGE_VALUES.values(), ids=EDGE_VALUES)
    def test_an_edge_metadata_value_is_kept_or_refused(
        self, provider: Provider, value: str
    ) -> None:
        """What a service cannot hold is refused, never changed."""
        try:
            provider.put_object("a", BytesBody(b""), metadata={"name": value})
        except InvalidRequest:
            with pytest.raises(ObjectNotFound):
                provider.head_object("a")
            return
        assert dict(provider.head_object("a").metadata) == {"name": value}

    def test_metadata_names_keep_their_characters(
        self, provider: Provider
    ) -> None:
        """Names come back lower case, without a prefix, none missing."""
        metadata = {"a": "1", "two-words": "2", "x-amz-meta-b": "3", "9": "4"}
        provider.put_object("a", BytesBody(b""), metadata=metadata)
        assert dict(provider.head_object("a").metadata) == metadata

    def test_an_empty_body_is_an_empty_object(
        self, provider: Provider
    ) -> None:
        """Zero bytes are an object."""
        put(provider, "a", data=b"")
        assert provider.head_object("a").size == 0

    def test_text_is_utf_8(self, provider: Provider) -> None:
        """A body of text is its UTF-8 bytes."""
        provider.put_object("a", BytesBody("\u00e9\U0001f600"))
        assert get(provider, "a") == "\u00e9\U0001f600".encode()

    def test_an_endless_iterable_gives_what_was_promised(
        self, provider: Provider
    ) -> None:
        """Of an endless body exactly ``size`` bytes are taken."""
        endless = itertools.repeat(b"0123456789")
        provider.put_object("a", IterableBody(endless, size=88))
        assert get(provider, "a") == (b"0123456789" * 9)[:88]

    def test_a_body_of_unknown_size_is_stored_or_refused(
        self, provider: Provider
    ) -> None:
        """Whole, or ``NotSupported`` and not at all."""
        body = IterableBody(iter([b"one", b"two"]))
        try:
            provider.put_object("a", body)
        except NotSupported:
            with pytest.raises(ObjectNotFound):
                provider.head_object("a")
            return
        assert get(provider, "a") == b"onetwo"

    @pytest.mark.parametrize(
        ("data", "size", "md5"), LYING_BODIES.values(), ids=LYING_BODIES
    )
    def test_a_body_that_lies_leaves_the_old_object(
        self, provider: Provider, data: bytes, size: int, md5: str | None
    ) -> None:
        """``IntegrityError``; what was there is there, stream closed."""
        put(provider, "a", data=b"old")
        body = StrangeBody(data, size=size, md5=md5)
        with pytest.raises(IntegrityError):
            provider.put_object("a", body, metadata={"m": "new"})
        assert get(provider, "a") == b"old"
        assert dict(provider.head_object("a").metadata) == {}
        assert body.opened == body.closed > 0

    def test_a_body_that_breaks_leaves_the_old_object(
        self, provider: Provider
    ) -> None:
        """The source's error is raised; nothing was written."""
        put(provider, "a", data=b"old")
        error = ConnectionFailed("the source broke", op="get_object")
        body = StrangeBody(b"half", size=8, error=error)
        with pytest.raises(ProviderError):
            provider.put_object("a", body)
        assert get(provider, "a") == b"old"
        assert body.opened == body.closed > 0

    def test_every_stream_is_closed(self, provider: Provider) -> None:
        """What the provider opens it closes, however often it opens."""
        body = StrangeBody(b"12345", size=5)
        provider.put_object("a", body)
        assert body.opened == body.closed > 0

    def test_put_replaces_everything(self, provider: Provider) -> None:
        """Bytes, type and metadata of the old object are gone."""
        provider.put_object(
            "a",
            BytesBody(b"old"),
            metadata={"old": "1"},
            content_type="text/old",
            system={"content-language": "de"},
        )
        provider.put_object("a", BytesBody(b"new"), metadata={"new": "2"})
        info = provider.head_object("a")
        assert get(provider, "a") == b"new"
        assert dict(info.metadata) == {"new": "2"}
        assert info.content_type == "application/octet-stream"
        assert dict(info.system) == {}

    def test_system_headers_are_kept(self, provider: Provider) -> None:
        """Those of ``SYSTEM_HEADERS``, and nothing else is among them."""
        system = {
            "cache-control": "max-age=60",
            "content-disposition": 'attachment; filename="a b"',
            "content-encoding": "x-test",
            "content-language": "de",
        }
        provider.put_object("a", BytesBody(b"1"), system=system)
        assert dict(provider.head_object("a").system) == system

    def test_an_encoded_body_is_not_decoded(self, provider: Provider) -> None:
        """``content-encoding`` is a label: bytes come back as they went."""
        data = gzip.compress(b"text" * 100)
        provider.put_object(
            "a", BytesBody(data), system={"content-encoding": "gzip"}
        )
        with provider.get_object("a") as reader:
            assert reader.length == len(data)
            assert b"".join(reader) == data

    @claims("etag_is_md5")
    def test_the_etag_is_the_md5(self, provider: Provider) -> None:
        """With ``etag_is_md5`` of whatever one PUT wrote."""
        put(provider, "a", data=b"data")
        md5 = hashlib.md5(b"data", usedforsecurity=False).hexdigest()
        assert provider.head_object("a").etag == md5

    @claims("conditional_put")
    def test_create_only_does_not_replace(self, provider: Provider) -> None:
        """The first wins; the second is ``PreconditionFailed``."""
        new = Conditions(if_none_match="*")
        provider.put_object("a", BytesBody(b"first"), conditions=new)
        with pytest.raises(PreconditionFailed):
            provider.put_object("a", BytesBody(b"second"), conditions=new)
        assert get(provider, "a") == b"first"

    @claims("conditional_replace")
    def test_replace_only_that_version(self, provider: Provider) -> None:
        """Another version, or none, is ``PreconditionFailed``."""
        put(provider, "a", data=b"first")
        first = Conditions(if_match=provider.head_object("a").etag)
        provider.put_object("a", BytesBody(b"second"), conditions=first)
        for key in ("a", "missing"):
            with pytest.raises(PreconditionFailed):
                provider.put_object(key, BytesBody(b"3"), conditions=first)
        assert get(provider, "a") == b"second"

    @without("conditional_put")
    def test_create_only_that_is_not_claimed_is_refused(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``NotSupported`` before any request, which nobody would answer."""
        refused(provider, harness, Conditions(if_none_match="*"))

    @without("conditional_replace")
    def test_replace_only_that_is_not_claimed_is_refused(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``NotSupported`` before any request, which nobody would answer."""
        refused(provider, harness, Conditions(if_match="0" * 32))

    @claims("max_metadata_bytes")
    def test_too_much_metadata_is_refused(self, provider: Provider) -> None:
        """Beyond ``max_metadata_bytes`` it is ``InvalidRequest``."""
        most = provider.capabilities.max_metadata_bytes or 0
        pieces = {f"n{i}": "v" * 200 for i in range(most // 200 + 1)}
        with pytest.raises(InvalidRequest):
            provider.put_object("a", BytesBody(b""), metadata=pieces)

    @claims("max_key_bytes")
    def test_a_key_beyond_the_limit_is_refused(
        self, provider: Provider
    ) -> None:
        """The longest key is kept; one byte more is ``InvalidRequest``."""
        most = provider.capabilities.max_key_bytes or 0
        longest = "\u00e9" * (most // 2) + "a" * (most % 2)
        put(provider, longest)
        assert get(provider, longest) == b"data"
        with pytest.raises(InvalidRequest):
            put(provider, longest + "b")

    def test_put_to_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness
    ) -> None:
        """No bucket is made on the way."""
        missing = harness.missing_bucket
        with pytest.raises(BucketNotFound):
            provider.put_object("a", BytesBody(b"1"), bucket=missing)
        with pytest.raises(BucketNotFound):
            provider.head_bucket(missing)


def refused(
    provider: Provider, harness: Harness, conditions: Conditions
) -> None:
    """Prove that a PUT is refused without a request."""
    maker: Callable[[], Provider | None] = harness.make_unreachable
    for each in (provider, maker()):
        if each is not None:
            with pytest.raises(NotSupported):
                each.put_object("a", BytesBody(b""), conditions=conditions)
