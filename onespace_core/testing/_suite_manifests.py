# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on objects made of other objects."""

from __future__ import annotations

import dataclasses

import pytest

from onespace_core.provider import (
    ByteRange,
    BytesBody,
    Conditions,
    InvalidRequest,
    LargeKind,
    LargeObjects,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
    Segment,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    offered,
    put,
    settle,
    walk,
)
from onespace_core.testing._suite_values import AWKWARD_KEYS
from onespace_core.testing.harness import Harness

#: Each with a prefix that it would be if it was decoded, encoded, stripped
#: or cut off: objects under that one are none of its segments.
_PREFIXES = {
    "plain": ("s/1-", "s/2-"),
    "percent": ("s/%41/", "s/A/"),
    "encoded-percent": ("s/%2541/", "s/%41/"),
    "space": ("s/a b /", "s/a b/"),
    "plus": ("s/a+b/", "s/a b/"),
    "query": ("s/a?b#c/", "s/a"),
    "unicode": ("s/\u00e9\U0001f600/", "s/e\u0301/"),
    "trailing-slash": ("s//", "s/a/"),
}


class ManifestContract(SuiteBase):
    """What ``LargeObjects`` promises."""

    @pytest.fixture
    def large(self, provider: Provider) -> LargeObjects:
        """Return the provider if it offers the protocol."""
        return offered(provider, LargeObjects)

    @pytest.fixture
    def segments(
        self, provider: Provider, harness: Harness, large: LargeObjects
    ) -> list[Segment]:
        """Write two segments."""
        del large
        return [
            written(provider, harness, f"s/{number}", data)
            for number, data in enumerate((b"01234", b"56789"))
        ]

    def test_large_objects_are_claimed_if_offered(
        self, provider: Provider
    ) -> None:
        """The capability and the protocol say the same."""
        claimed = provider.capabilities.large_objects
        assert claimed is isinstance(provider, LargeObjects)

    def test_a_manifest_is_the_bytes_of_its_segments(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """In their order, and one of them more than once."""
        one, two = segments
        done = large.put_manifest("a", [two, one, two])
        info = provider.head_object("a")
        assert get(provider, "a") == b"567890123456789"
        assert info.size == 15
        assert done.etag in (info.etag, None)
        assert '"' not in (info.etag or "")

    @claims("range_get")
    def test_a_range_of_a_manifest(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """Over the border of two segments."""
        large.put_manifest("a", segments)
        with provider.get_object(
            "a", byte_range=ByteRange(first=3, last=6)
        ) as reader:
            assert b"".join(reader) == b"3456"
            assert reader.content_range == "bytes 3-6/10"

    def test_a_segment_may_be_a_range(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """First and last byte belong to it."""
        one, two = segments
        parts = [
            dataclasses.replace(one, first=1, last=2),
            dataclasses.replace(two, first=3),
        ]
        large.put_manifest("a", parts)
        assert get(provider, "a") == b"1289"
        assert provider.head_object("a").size == 4
        manifest = large.get_manifest("a")
        assert manifest is not None
        first, second = manifest.segments
        assert (first.first, first.last) == (1, 2)
        assert second.first == 3
        assert second.last in (4, None)

    @pytest.mark.parametrize("key", AWKWARD_KEYS.values(), ids=AWKWARD_KEYS)
    def test_a_segment_with_an_awkward_key(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        key: str,
    ) -> None:
        """It is found, and ``get_manifest`` names that very key."""
        segment = written(provider, harness, key, b"data")
        large.put_manifest("m", [segment])
        assert get(provider, "m") == b"data"
        manifest = large.get_manifest("m")
        assert manifest is not None
        assert [each.key for each in manifest.segments] == [key]

    def test_the_store_looks_up_what_is_not_given(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """Size and ETag of a segment may be None; it is said later."""
        bare = [
            dataclasses.replace(each, size=None, etag=None)
            for each in segments
        ]
        large.put_manifest("a", bare)
        assert get(provider, "a") == b"0123456789"
        manifest = large.get_manifest("a")
        assert manifest is not None
        assert list(manifest.segments) == segments

    @pytest.mark.parametrize(
        "wrong",
        [
            {"etag": "0" * 32},
            {"size": 6},
            {"key": "s/missing"},
            {"bucket": "no-such-bucket-here"},
            {"first": 5},
        ],
        ids=lambda wrong: next(iter(wrong)),
    )
    def test_a_segment_that_is_wrong_leaves_the_old_object(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
        wrong: dict[str, str],
    ) -> None:
        """``InvalidRequest``; nothing was written."""
        put(provider, "a", data=b"old")
        one, two = segments
        bad = dataclasses.replace(two, **wrong)  # type: ignore[arg-type] # by its name
        with pytest.raises(InvalidRequest):
            large.put_manifest("a", [one, bad], metadata={"m": "1"})
        assert get(provider, "a") == b"old"
        assert dict(provider.head_object("a").metadata) == {}
        assert large.get_manifest("a") is None

    def test_a_manifest_of_nothing_is_refused(
        self, provider: Provider, large: LargeObjects
    ) -> None:
        """Without a segment it is ``InvalidRequest``."""
        with pytest.raises(InvalidRequest):
            large.put_manifest("a", [])
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")

    def test_a_manifest_comes_back_as_it_went(
        self,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """Bucket, key, size and ETag of each segment."""
        large.put_manifest("a", segments)
        manifest = large.get_manifest("a")
        assert manifest is not None
        assert list(manifest.segments) == segments
        assert manifest.dynamic is None

    def test_a_plain_object_has_no_manifest(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """None, also for one that has replaced a manifest."""
        put(provider, "plain")
        assert large.get_manifest("plain") is None
        large.put_manifest("a", segments)
        put(provider, "a", data=b"new")
        assert large.get_manifest("a") is None
        assert get(provider, "a") == b"new"
        with pytest.raises(ObjectNotFound):
            large.get_manifest("missing")

    @pytest.mark.parametrize("dynamic", [False, True])
    def test_a_manifest_keeps_what_describes_the_object(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        segments: list[Segment],
        dynamic: bool,
    ) -> None:
        """Metadata of any text, the type and system headers."""
        metadata = {"name": "bl\u00e5 \u4e2d\u6587 100%25"}
        system = {"cache-control": "max-age=60"}
        if dynamic:
            large.put_dynamic_manifest(
                "a",
                "s/",
                segments_bucket=harness.bucket,
                metadata=metadata,
                content_type="text/x",
                system=system,
            )
        else:
            large.put_manifest(
                "a",
                segments,
                metadata=metadata,
                content_type="text/x",
                system=system,
            )
        info = provider.head_object("a")
        assert dict(info.metadata) == metadata
        assert dict(info.system) == system
        assert info.content_type == "text/x"

    def test_an_object_says_that_it_is_a_manifest(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """HEAD and GET of each kind; a listing may be silent, never wrong."""
        put(provider, "plain")
        large.put_manifest("static", segments)
        large.put_dynamic_manifest(
            "dynamic", "s/", segments_bucket=harness.bucket
        )
        settle(harness)
        wanted = {
            "plain": None,
            "s/0": None,
            "static": LargeKind.STATIC,
            "dynamic": LargeKind.DYNAMIC,
        }
        for key, kind in wanted.items():
            assert provider.head_object(key).large is kind
            with provider.get_object(key) as reader:
                assert reader.info.large is kind
        for info in walk(provider):
            assert info.large in (None, wanted.get(info.key))
        put(provider, "static", data=b"plain now")
        assert provider.head_object("static").large is None

    @pytest.mark.parametrize("dynamic", [False, True])
    def test_a_post_leaves_a_manifest_what_it_is(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        segments: list[Segment],
        dynamic: bool,
    ) -> None:
        """Only metadata changes."""
        if dynamic:
            large.put_dynamic_manifest(
                "a", "s/", segments_bucket=harness.bucket
            )
        else:
            large.put_manifest("a", segments)
        before = large.get_manifest("a")
        provider.post_object("a", {"new": "1"})
        settle(harness)
        assert large.get_manifest("a") == before
        assert get(provider, "a") == b"0123456789"
        assert dict(provider.head_object("a").metadata) == {"new": "1"}

    def test_deleting_a_manifest_keeps_its_segments(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """They may be those of another object."""
        large.put_manifest("a", segments)
        large.put_dynamic_manifest("d", "s/", segments_bucket=harness.bucket)
        provider.delete_object("a")
        provider.delete_object("d")
        settle(harness)
        assert [info.key for info in walk(provider)] == ["s/0", "s/1"]
        assert get(provider, "s/0") == b"01234"

    @claims("conditional_put")
    def test_a_manifest_that_creates_only_does_not_replace(
        self,
        provider: Provider,
        large: LargeObjects,
        segments: list[Segment],
    ) -> None:
        """The second is ``PreconditionFailed``."""
        new = Conditions(if_none_match="*")
        large.put_manifest("a", segments, conditions=new)
        with pytest.raises(PreconditionFailed):
            large.put_manifest("a", segments[:1], conditions=new)
        assert get(provider, "a") == b"0123456789"

    @pytest.mark.parametrize(
        ("prefix", "decoy"), _PREFIXES.values(), ids=_PREFIXES
    )
    def test_a_dynamic_prefix_is_taken_as_it_is(
        self,
        provider: Provider,
        harness: Harness,
        large: LargeObjects,
        prefix: str,
        decoy: str,
    ) -> None:
        """Neither decoded, nor encoded twice, stripped or cut off."""
        put(provider, f"{prefix}2", data=b"second")
        put(provider, f"{prefix}1", data=b"first ")
        put(provider, f"{decoy}1", data=b"decoy")
        large.put_dynamic_manifest("a", prefix, segments_bucket=harness.bucket)
        settle(harness)
        assert get(provider, "a") == b"first second"
        manifest = large.get_manifest("a")
        assert manifest is not None
        assert manifest.dynamic == (harness.bucket, prefix)
        assert list(manifest.segments) == []

    def test_a_dynamic_manifest_shows_what_is_there(
        self, provider: Provider, harness: Harness, large: LargeObjects
    ) -> None:
        """A segment that comes later belongs to it."""
        large.put_dynamic_manifest("a", "s/", segments_bucket=harness.bucket)
        put(provider, "s/1", data=b"1")
        settle(harness)
        assert get(provider, "a") == b"1"
        provider.put_object("s/2", BytesBody(b"2"))
        settle(harness)
        assert get(provider, "a") == b"12"
        assert provider.head_object("a").size == 2


def written(
    provider: Provider, harness: Harness, key: str, data: bytes
) -> Segment:
    """Write a segment, and say what it is."""
    etag = provider.put_object(key, BytesBody(data)).etag
    return Segment(bucket=harness.bucket, key=key, size=len(data), etag=etag)
