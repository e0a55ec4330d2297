# SPDX-License-Identifier: Apache-2.0
"""What a store is asked; what is listed is tested in tests/property."""

import dataclasses

import pytest

from onespace_core.namespace.entries import ListingBroken
from onespace_core.namespace.keys import KeyLayout
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.remote import (
    ReverseTooLong,
    list_buckets,
    list_objects,
)
from onespace_core.provider import (
    BucketPage,
    BytesBody,
    ConnectionFailed,
    ObjectInfo,
    ObjectPage,
)
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

PLAIN = KeyLayout("bucket", "", ".manifests/")
PREFIXED = KeyLayout("bucket", "1f/a/c/", "1f/.manifests/a/c/")


def provider_of(*keys, page=1000, **claims):
    provider = MemoryProvider(
        MemoryStore("bucket"),
        bucket="bucket",
        capabilities=dataclasses.replace(
            EVERYTHING, max_list_limit=page, **claims
        ),
    )
    for key in keys:
        provider.put_object(key, BytesBody(b"12345"))
    provider.calls.clear()
    return provider


def names(provider, layout=PLAIN, **query):
    asked = ListingQuery(**{"limit": 10_000, **query})
    listed = list_objects(provider, layout, asked, location="R")
    return [entry.name for entry in listed]


def requests(provider):
    return len(provider.calls)


def test_object_is_described_as_swift_describes_one():
    provider = provider_of("1f/a/c/x")
    info = provider.head_object("1f/a/c/x")
    (entry,) = list_objects(
        provider, PREFIXED, ListingQuery(limit=9), location="R"
    )
    written = info.last_modified
    assert dict(entry.shown()) == {
        "bytes": 5,
        "hash": "827ccb0eea8a706c4c34a16891f84e7b",
        "name": "x",
        "content_type": entry.record["content_type"],
        "last_modified": written.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "content_location": ["R"],
    }
    assert list(entry.shown()) == [
        "bytes",
        "hash",
        "name",
        "content_type",
        "last_modified",
        "content_location",
    ]


def test_case_s19_one_request_fills_the_limit():
    provider = provider_of("a/x", "unicod\u00e9", "z/1", "z/2", "zzzzz")
    assert names(provider, delimiter="/", limit=4) == [
        "a/",
        "unicod\u00e9",
        "z/",
        "zzzzz",
    ]
    assert requests(provider) == 1


def test_case_s21_pages_end_after_a_name_of_several_bytes():
    keys = ["1", "2", "3", "4", "\u00e9"]
    provider = provider_of(*keys, page=2)
    assert names(provider) == keys
    assert requests(provider) == 3


def test_page_is_asked_for_when_it_is_wanted():
    provider = provider_of("a", "b", "c", page=2)
    listed = list_objects(provider, PLAIN, ListingQuery(limit=9), location="R")
    assert requests(provider) == 0
    assert [next(listed).name, next(listed).name] == ["a", "b"]
    assert requests(provider) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"marker": "b", "end_marker": "b"},
        {"marker": "c", "end_marker": "b"},
        {"prefix": "a", "marker": "b"},
        {"prefix": "a", "marker": "b", "delimiter": "/"},
        {"marker": "a", "end_marker": "b", "reverse": True},
    ],
)
def test_what_must_be_empty_costs_nothing(query):
    provider = provider_of("a", "b", "c")
    assert names(provider, **query) == []
    assert requests(provider) == 0


def test_end_marker_ends_the_requests():
    provider = provider_of(*"abcdef", page=2)
    assert names(provider, end_marker="d") == ["a", "b", "c"]
    assert requests(provider) == 2


def test_marker_below_the_prefix_is_not_asked_for():
    provider = provider_of("a", "pa", "pb")
    assert names(provider, prefix="p", marker="a") == ["pa", "pb"]


def test_marker_within_a_subdir_costs_one_request_more():
    provider = provider_of("a/b", "a/d", "e")
    assert names(provider, delimiter="/", marker="a/c") == ["a/", "e"]
    assert requests(provider) == 2
    provider.calls.clear()
    assert names(provider, delimiter="/", marker="a/d") == ["e"]


def test_manifests_are_no_objects():
    manifest = PLAIN.manifest_key("big")
    provider = provider_of("big", manifest, ".b", "z")
    assert names(provider) == [".b", "big", "z"]
    assert names(provider, delimiter="/") == [".b", "big", "z"]
    assert names(provider, delimiter=".") == [".", "big", "z"]
    assert names(provider_of("z", manifest), delimiter=".") == ["z"]


def test_large_directory_is_passed_where_the_store_cannot_roll_up():
    keys = [f"d/{number:04}" for number in range(300)]
    provider = provider_of("a", *keys, "e", page=10, list_delimiter=False)
    assert names(provider, delimiter="/") == ["a", "d/", "e"]
    assert requests(provider) == 2


def test_manifests_at_the_end_of_a_page_hide_no_object():
    provider = provider_of(PLAIN.manifest_key("big"), ".z", page=1)
    assert names(provider, delimiter=".") == ["."]


def test_path_passes_large_directories_too():
    keys = [f"p/d/{number:04}" for number in range(300)]
    provider = provider_of("p/", "p/a", *keys, "p/e/", "p/f", page=10)
    assert names(provider, prefix="p/", delimiter="/", objects_only=True) == [
        "p/a",
        "p/e/",
        "p/f",
    ]
    assert requests(provider) == 2


def test_reverse_keeps_the_last_and_reads_all_before_them():
    keys = [f"{number:03}" for number in range(100)]
    provider = provider_of(*keys, page=30)
    assert names(provider, reverse=True, limit=3) == ["099", "098", "097"]
    assert names(provider, reverse=True, limit=2, marker="050") == [
        "049",
        "048",
    ]


def test_reverse_of_too_much_is_refused():
    provider = provider_of(*"abcdef", page=2)

    def listed(**query):
        asked = ListingQuery(reverse=True, **query)
        return [
            entry.name
            for entry in list_objects(
                provider, PLAIN, asked, location="R", reverse_most=4
            )
        ]

    with pytest.raises(ReverseTooLong):
        listed(limit=1)
    assert listed(limit=1, end_marker="b") == ["f"]
    assert listed(limit=9, marker="d") == ["c", "b", "a"]


class Scripted:
    """A store that answers scripted pages; only listings are asked for."""

    capabilities = EVERYTHING

    def __init__(self, *pages):
        self.pages = list(pages)

    def _next(self):
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page

    def list_objects(self, **_query):
        return self._next()

    def list_buckets(self, **_query):
        return self._next()


def page_of(*keys, more):
    infos = [ObjectInfo(key=key, size=0) for key in keys]
    return ObjectPage(objects=infos, next_marker=keys[-1] if more else None)


@pytest.mark.parametrize("reverse", [False, True])
def test_page_that_fails_is_never_the_end(reverse):
    provider = Scripted(page_of("a", "b", more=True), ConnectionFailed("gone"))
    with pytest.raises(ConnectionFailed):
        names(provider, reverse=reverse)


@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("reverse", [False, True])
def test_store_that_does_not_go_on_is_an_error(delimiter, reverse):
    page = page_of("a", "b", more=True)
    provider = Scripted(page, page, page)
    with pytest.raises(ListingBroken):
        names(provider, delimiter=delimiter, reverse=reverse)


def test_reserved_names_are_not_listed():
    page = page_of("a", "b\0c", more=False)
    provider = Scripted(page)
    assert names(provider) == ["a"]


def buckets(provider, root="", **query):
    asked = ListingQuery(**{"limit": 10_000, **query})
    listed = list_buckets(provider, asked, location="R", root=root)
    return [entry.name for entry in listed]


def test_case_s22_buckets_with_marker_and_limit():
    provider = MemoryProvider(
        MemoryStore(*"abcdef"),
        bucket=None,
        capabilities=dataclasses.replace(EVERYTHING, max_list_limit=2),
    )
    assert buckets(provider) == list("abcdef")
    assert buckets(provider, marker="b", limit=3) == list("cde")
    assert buckets(provider, end_marker="c") == list("ab")
    assert buckets(provider, reverse=True, limit=2) == list("fe")


def test_buckets_of_another_root_are_not_containers():
    provider = MemoryProvider(MemoryStore("a", "p-", "p-a", "q"))
    assert buckets(provider, root="p-") == ["a"]


def test_buckets_that_do_not_go_on_are_an_error():
    page = BucketPage(buckets=(), next_marker="a")
    provider = Scripted(page, page)
    with pytest.raises(ListingBroken):
        buckets(provider)


def test_buckets_that_fail_are_never_the_end():
    page = BucketPage(buckets=(), next_marker="a")
    provider = Scripted(page, ConnectionFailed("gone"))
    with pytest.raises(ConnectionFailed):
        buckets(provider)
