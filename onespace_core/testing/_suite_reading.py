# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on HEAD and GET."""

from __future__ import annotations

import datetime

import pytest

from onespace_core.provider import (
    ByteRange,
    BytesBody,
    Conditions,
    NotFound,
    NotModified,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
    RangeNotSatisfiable,
    StreamClosed,
    StreamConsumed,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    put,
    without,
)
from onespace_core.testing.harness import Harness

#: More than any socket buffer, and no multiple of a chunk.
LARGE = bytes(range(256)) * 4099
#: More readers than any pool that a test's provider has.
MANY = 40

_HOUR = datetime.timedelta(hours=1)


class HeadContract(SuiteBase):
    """What HEAD promises."""

    def test_head_describes_the_object(self, provider: Provider) -> None:
        """Key, size, type and metadata are those of the PUT."""
        provider.put_object(
            "a/b",
            BytesBody(b"12345"),
            metadata={"color": "red"},
            content_type="text/plain",
        )
        info = provider.head_object("a/b")
        assert (info.key, info.size) == ("a/b", 5)
        assert info.content_type == "text/plain"
        assert dict(info.metadata) == {"color": "red"}
        assert info.archived is False

    def test_head_time_is_aware_and_utc(self, provider: Provider) -> None:
        """The time is near to ours and has UTC as its zone."""
        put(provider, "a")
        written = provider.head_object("a").last_modified
        assert written is not None
        assert written.utcoffset() == datetime.timedelta(0)
        assert abs(datetime.datetime.now(datetime.UTC) - written) < 24 * _HOUR

    def test_head_etag_is_not_quoted(self, provider: Provider) -> None:
        """No quotes around an ETag, neither of HEAD nor of PUT."""
        result = provider.put_object("a", BytesBody(b"data"))
        etag = provider.head_object("a").etag
        assert etag is not None
        assert '"' not in etag
        assert result.etag == etag

    def test_head_of_a_missing_object_raises(self, provider: Provider) -> None:
        """``ObjectNotFound``, also for a key that others start with."""
        put(provider, "a/b")
        for key in ("a", "a/", "a/b/c"):
            with pytest.raises(ObjectNotFound):
                provider.head_object(key)

    def test_head_in_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A HEAD may not be able to tell what is missing."""
        with pytest.raises(NotFound):
            provider.head_object("a", bucket=harness.missing_bucket)

    @claims("conditional_get")
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_none_match_of_the_version_is_not_modified(
        self, provider: Provider, method: str
    ) -> None:
        """The version that is there is ``NotModified``; another is read."""
        put(provider, "a")
        etag = provider.head_object("a").etag
        with pytest.raises(NotModified):
            read(provider, method, Conditions(if_none_match=etag))
        assert read(provider, method, Conditions(if_none_match="0" * 32)) == 4

    @claims("conditional_get")
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_match_of_another_version_fails(
        self, provider: Provider, method: str
    ) -> None:
        """Another version is ``PreconditionFailed``; that one is read."""
        put(provider, "a")
        etag = provider.head_object("a").etag
        with pytest.raises(PreconditionFailed):
            read(provider, method, Conditions(if_match="0" * 32))
        assert read(provider, method, Conditions(if_match=etag)) == 4

    @claims("conditional_get")
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_modified_since_compares_times(
        self, provider: Provider, method: str
    ) -> None:
        """Not written since: ``NotModified``."""
        put(provider, "a")
        written = provider.head_object("a").last_modified
        assert written is not None
        with pytest.raises(NotModified):
            read(provider, method, Conditions(if_modified_since=written))
        before = Conditions(if_modified_since=written - _HOUR)
        assert read(provider, method, before) == 4

    @claims("conditional_get")
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_if_unmodified_since_compares_times(
        self, provider: Provider, method: str
    ) -> None:
        """Written since: ``PreconditionFailed``."""
        put(provider, "a")
        written = provider.head_object("a").last_modified
        assert written is not None
        before = Conditions(if_unmodified_since=written - _HOUR)
        with pytest.raises(PreconditionFailed):
            read(provider, method, before)
        now = Conditions(if_unmodified_since=written)
        assert read(provider, method, now) == 4

    @without("conditional_get")
    @pytest.mark.parametrize("method", ["head_object", "get_object"])
    def test_read_conditions_that_are_not_claimed_are_refused(
        self, provider: Provider, harness: Harness, method: str
    ) -> None:
        """``NotSupported`` before any request, which nobody would answer."""
        for each in (provider, harness.make_unreachable()):
            if each is not None:
                with pytest.raises(NotSupported):
                    read(each, method, Conditions(if_match="0" * 32))


class GetContract(SuiteBase):
    """What GET promises."""

    def test_get_returns_the_bytes(self, provider: Provider) -> None:
        """Every byte, in chunks of which none is empty."""
        put(provider, "a", data=LARGE)
        with provider.get_object("a") as reader:
            assert (reader.length, reader.status) == (len(LARGE), 200)
            assert reader.content_range is None
            chunks = list(reader)
        assert b"".join(chunks) == LARGE
        assert all(chunks)

    def test_get_describes_the_object_as_head_does(
        self, provider: Provider
    ) -> None:
        """``info`` is complete."""
        provider.put_object(
            "a", BytesBody(b"1"), metadata={"m": "v"}, content_type="text/x"
        )
        with provider.get_object("a") as reader:
            assert reader.info == provider.head_object("a")

    def test_get_of_an_empty_object_is_empty(self, provider: Provider) -> None:
        """No chunk at all, and no error."""
        put(provider, "a", data=b"")
        with provider.get_object("a") as reader:
            assert reader.length == 0
            assert list(reader) == []

    def test_get_of_a_missing_object_raises(self, provider: Provider) -> None:
        """``ObjectNotFound`` at once, not when it is read."""
        with pytest.raises(ObjectNotFound):
            provider.get_object("a")

    @claims("range_get")
    @pytest.mark.parametrize(
        ("first", "last", "expected", "content_range"),
        [
            (0, 0, b"0", "bytes 0-0/10"),
            (2, 5, b"2345", "bytes 2-5/10"),
            (7, None, b"789", "bytes 7-9/10"),
            (8, 99, b"89", "bytes 8-9/10"),
            (-3, None, b"789", "bytes 7-9/10"),
            (-99, None, b"0123456789", "bytes 0-9/10"),
        ],
    )
    def test_a_range_is_inclusive(
        self,
        provider: Provider,
        first: int,
        last: int | None,
        expected: bytes,
        content_range: str,
    ) -> None:
        """First and last byte belong to it; ``info`` is the whole object."""
        put(provider, "a", data=b"0123456789")
        wanted = ByteRange(first=first, last=last)
        with provider.get_object("a", byte_range=wanted) as reader:
            assert b"".join(reader) == expected
            assert (reader.status, reader.length) == (206, len(expected))
            assert reader.content_range == content_range
            assert reader.info.size == 10

    @claims("range_get")
    def test_a_range_behind_the_end_raises(self, provider: Provider) -> None:
        """``RangeNotSatisfiable``, not an empty answer."""
        put(provider, "a", data=b"0123456789")
        with pytest.raises(RangeNotSatisfiable):
            provider.get_object("a", byte_range=ByteRange(first=10))

    @without("range_get")
    def test_a_range_that_is_not_claimed_is_refused(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``NotSupported`` before any request, which nobody would answer."""
        for each in (provider, harness.make_unreachable()):
            if each is not None:
                with pytest.raises(NotSupported):
                    each.get_object("a", byte_range=ByteRange(first=0))

    def test_a_reader_closed_early_gives_its_connection_back(
        self, provider: Provider
    ) -> None:
        """Readers that are closed unread or half-way use nothing up."""
        put(provider, "a", data=LARGE)
        for _ in range(MANY):
            provider.get_object("a").close()
            with provider.get_object("a") as reader:
                assert next(iter(reader))
        assert provider.head_object("a").size == len(LARGE)

    def test_a_reader_can_be_closed_twice(self, provider: Provider) -> None:
        """Closing is idempotent, and says so when it is read later."""
        put(provider, "a")
        reader = provider.get_object("a")
        reader.close()
        reader.close()
        with pytest.raises(StreamClosed):
            iter(reader)

    def test_a_reader_is_read_once(self, provider: Provider) -> None:
        """Reading again is an error, never an empty object."""
        put(provider, "a")
        with provider.get_object("a") as reader:
            assert b"".join(reader) == b"data"
            with pytest.raises(StreamConsumed):
                iter(reader)

    def test_two_readers_do_not_share(self, provider: Provider) -> None:
        """Objects can be read at the same time."""
        put(provider, "a", data=b"a" * 200_000)
        put(provider, "b", data=b"b" * 200_000)
        with provider.get_object("a") as one, provider.get_object("b") as two:
            first, second = iter(one), iter(two)
            heads = next(first), next(second)
            assert heads[0] + b"".join(first) == b"a" * 200_000
            assert heads[1] + b"".join(second) == b"b" * 200_000
        assert get(provider, "a") == b"a" * 200_000


def read(provider: Provider, method: str, conditions: Conditions) -> int:
    """Return the size that HEAD or GET of ``a`` says."""
    if method == "head_object":
        return provider.head_object("a", conditions=conditions).size
    return len(get(provider, "a", conditions=conditions))
