# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on the account, buckets and listings."""

from __future__ import annotations

import datetime

import pytest

from onespace_core.provider import (
    AccountInfo,
    BucketNotFound,
    BytesBody,
    NotSupported,
    Provider,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    pages,
    put,
    settle,
    walk,
    without,
)
from onespace_core.testing.harness import Harness

#: In UTF-8 byte order, which is neither UTF-16's nor anybody's alphabet.
#: U+FF5E is above U+D83D, with which the last one begins in UTF-16.
SORTED_KEYS = [
    "%41",
    "+",
    "A",
    "Z",
    "a",
    "a b",
    "a+b",
    "a/b",
    "a//b",
    "ab",
    "z",
    "\u00e9",
    "\u4e2d",
    "\uff5e",
    "\U0001f600",
]
SORTED_KEYS.sort(key=str.encode)


class AccountContract(SuiteBase):
    """What an account promises."""

    def test_head_account_gives_figures_or_none(
        self, provider: Provider
    ) -> None:
        """A figure is None or not negative."""
        info = provider.head_account()
        assert isinstance(info, AccountInfo)
        for figure in (info.bucket_count, info.object_count, info.bytes_used):
            assert figure is None or figure >= 0

    @claims("account_stats")
    def test_account_stats_are_counts(self, provider: Provider) -> None:
        """With ``account_stats`` no figure is None."""
        info = provider.head_account()
        assert info.bucket_count is not None
        assert info.object_count is not None
        assert info.bytes_used is not None

    def test_location_is_for_people(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``location`` is a text with a scheme, without a secret."""
        assert "://" in provider.location
        assert not [s for s in harness.secrets if s in provider.location]


class BucketContract(SuiteBase):
    """What buckets promise."""

    def test_the_bucket_is_listed(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A bucket that exists is in the listing."""
        page = provider.list_buckets(prefix=harness.bucket)
        assert harness.bucket in [each.name for each in page.buckets]

    def test_bucket_pages_visit_each_bucket_once_in_order(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Pages of one bucket, followed to the end, are the listing."""
        names: list[str] = []
        marker = ""
        while True:
            page = provider.list_buckets(marker=marker, limit=1)
            assert len(page.buckets) <= 1
            names += [each.name for each in page.buckets]
            if page.next_marker is None:
                break
            marker = page.next_marker
        assert harness.bucket in names
        assert names == sorted(set(names))

    def test_bucket_marker_is_exclusive(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A bucket named as marker is not listed."""
        page = provider.list_buckets(marker=harness.bucket)
        assert harness.bucket not in [each.name for each in page.buckets]

    def test_bucket_prefix_selects(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Only names with the prefix are listed."""
        page = provider.list_buckets(prefix=harness.bucket[:-1])
        names = [each.name for each in page.buckets]
        assert harness.bucket in names
        assert all(name.startswith(harness.bucket[:-1]) for name in names)

    def test_head_bucket_names_it(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``bucket=None`` is the settings' bucket, and may be named."""
        assert provider.head_bucket().name == harness.bucket
        assert provider.head_bucket(harness.bucket).name == harness.bucket

    def test_head_of_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A bucket that is not there is ``BucketNotFound``."""
        with pytest.raises(BucketNotFound):
            provider.head_bucket(harness.missing_bucket)


class ListingContract(SuiteBase):
    """What listings promise."""

    def test_an_empty_bucket_is_an_empty_page(
        self, provider: Provider
    ) -> None:
        """Nothing there: no objects, no prefixes, no next page."""
        page = provider.list_objects()
        assert list(page.objects) == []
        assert list(page.prefixes) == []
        assert page.next_marker is None

    def test_a_prefix_that_nothing_has_is_an_empty_page(
        self, provider: Provider, harness: Harness
    ) -> None:
        """An empty selection is not an error."""
        put(provider, "a")
        settle(harness)
        page = provider.list_objects(prefix="b")
        assert (list(page.objects), page.next_marker) == ([], None)

    def test_keys_are_in_byte_order(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Keys come in the order of their UTF-8 bytes, as they were put."""
        put(provider, *reversed(SORTED_KEYS))
        settle(harness)
        assert [info.key for info in walk(provider)] == SORTED_KEYS

    def test_marker_is_exclusive(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A key that is named as marker is not listed."""
        put(provider, "a", "b", "c")
        settle(harness)
        assert [i.key for i in walk(provider, marker="b")] == ["c"]

    def test_marker_need_not_exist(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A marker between two keys begins at the second."""
        put(provider, "a", "c")
        settle(harness)
        assert [i.key for i in walk(provider, marker="b")] == ["c"]

    def test_every_awkward_key_is_a_marker(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A marker is taken as it is: nothing in it is decoded."""
        put(provider, *SORTED_KEYS)
        settle(harness)
        for number, key in enumerate(SORTED_KEYS):
            rest = [info.key for info in walk(provider, marker=key)]
            assert rest == SORTED_KEYS[number + 1 :], key

    def test_prefix_selects(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Only keys that start with the prefix, taken literally."""
        put(provider, "a%41", "aA", "a+", "b")
        settle(harness)
        found = [info.key for info in walk(provider, prefix="a%")]
        assert found == ["a%41"]
        assert len(walk(provider, prefix="a")) == 3

    def test_limit_is_the_most(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A page has at most ``limit`` entries; the rest follows."""
        keys = ["a", "b", "c", "d", "e"]
        put(provider, *keys)
        settle(harness)
        sizes = [len(objects) for objects, _ in pages(provider, limit=2)]
        assert max(sizes) <= 2
        assert sum(sizes) == 5
        assert [i.key for i in walk(provider, limit=2)] == keys

    def test_a_limit_above_the_stores_own_is_capped(
        self, provider: Provider, harness: Harness
    ) -> None:
        """More than a page can hold is no error."""
        put(provider, "a", "b")
        settle(harness)
        limit = provider.capabilities.max_list_limit + 1
        assert [i.key for i in walk(provider, limit=limit)] == ["a", "b"]

    def test_1001_keys_are_all_listed(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A listing longer than the usual page is followed to its end."""
        if harness.minimal_data:
            pytest.skip("harness: minimal_data")
        keys = [f"{number:04}" for number in range(1001)]
        put(provider, *keys, data=b"")
        settle(harness)
        assert [info.key for info in walk(provider)] == keys

    @claims("list_delimiter")
    def test_delimiter_rolls_up(
        self, provider: Provider, harness: Harness
    ) -> None:
        """What follows the delimiter is one prefix, ending in it."""
        put(provider, "a", "b/1", "b/2", "b/c/3", "d//4")
        settle(harness)
        page = provider.list_objects(delimiter="/")
        assert [info.key for info in page.objects] == ["a"]
        assert list(page.prefixes) == ["b/", "d/"]

    @claims("list_delimiter")
    def test_delimiter_is_looked_for_after_the_prefix(
        self, provider: Provider, harness: Harness
    ) -> None:
        """The first delimiter behind the prefix counts, empty names too."""
        put(provider, "b/1", "b/c/3", "b//4", "bb/5")
        settle(harness)
        page = provider.list_objects(prefix="b/", delimiter="/")
        assert [info.key for info in page.objects] == ["b/1"]
        assert list(page.prefixes) == ["b//", "b/c/"]

    @claims("list_delimiter")
    def test_pages_with_a_delimiter_show_each_entry_once(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Prefixes count in a page, and none comes again in the next."""
        put(provider, "a", "b/1", "b/2", "c", "d/1", "e")
        settle(harness)
        objects: list[str] = []
        prefixes: list[str] = []
        for infos, names in pages(provider, delimiter="/", limit=1):
            assert len(infos) + len(names) <= 1
            objects += [info.key for info in infos]
            prefixes += names
        assert objects == ["a", "c", "e"]
        assert prefixes == ["b/", "d/"]

    @claims("list_delimiter")
    def test_marker_on_a_prefix_passes_it(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A prefix that is named as marker is not listed."""
        put(provider, "b/1", "c/1")
        settle(harness)
        page = provider.list_objects(delimiter="/", marker="b/")
        assert list(page.prefixes) == ["c/"]

    @without("list_delimiter")
    def test_delimiter_that_is_not_claimed_is_refused(
        self, provider: Provider
    ) -> None:
        """Without ``list_delimiter`` a delimiter is ``NotSupported``."""
        with pytest.raises(NotSupported):
            provider.list_objects(delimiter="/")

    def test_listed_objects_are_described(
        self, provider: Provider, harness: Harness
    ) -> None:
        """Size, time and an unquoted ETag are in the listing."""
        put(provider, "a", data=b"12345")
        settle(harness)
        (info,) = provider.list_objects().objects
        assert info.size == 5
        assert info.last_modified is not None
        assert info.last_modified.utcoffset() == datetime.timedelta(0)
        assert info.etag == provider.head_object("a").etag

    @claims("list_has_metadata")
    def test_listed_objects_have_their_metadata(
        self, provider: Provider, harness: Harness
    ) -> None:
        """With ``list_has_metadata`` no HEAD is needed."""
        provider.put_object(
            "a", BytesBody(b""), metadata={"color": "bl\u00e5"}
        )
        settle(harness)
        (info,) = provider.list_objects().objects
        assert dict(info.metadata) == {"color": "bl\u00e5"}

    def test_listing_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness
    ) -> None:
        """A bucket that is not there is not an empty one."""
        with pytest.raises(BucketNotFound):
            provider.list_objects(bucket=harness.missing_bucket)
