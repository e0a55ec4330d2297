# SPDX-License-Identifier: Apache-2.0
import pytest

from onespace_core.namespace.entries import ListingBroken, local_entries
from onespace_core.namespace.pages import Page, pull, swift_page
from onespace_core.namespace.query import ListingQuery


def entries(*names):
    return list(
        local_entries(
            {"subdir" if name.endswith("/") else "name": name}
            for name in names
        )
    )


class Scripted:
    """Answers pages in turn and notes what was asked."""

    def __init__(self, *pages):
        self.pages = list(pages)
        self.asked = []

    def __call__(self, marker, limit):
        self.asked.append((marker, limit))
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page


def names(entries_):
    return [each.name for each in entries_]


def test_markers_are_followed_to_the_end():
    fetch = Scripted(
        Page(entries("a", "b"), "b"), Page(entries("c", "\u00e9"))
    )
    query = ListingQuery(limit=10)
    assert names(pull(fetch, query, page_size=2)) == ["a", "b", "c", "\u00e9"]
    assert fetch.asked == [("", 2), ("b", 2)]


def test_no_more_is_asked_for_than_the_limit():
    fetch = Scripted(
        Page(entries("a", "b"), "b"), Page(entries("c", "d"), "d")
    )
    got = pull(fetch, ListingQuery(limit=3), page_size=2)
    assert names(got) == ["a", "b", "c"]
    assert fetch.asked == [("", 2), ("b", 1)]


def test_nothing_is_asked_for_before_it_is_wanted():
    fetch = Scripted(Page(entries("a", "b"), "b"), OSError())
    got = pull(fetch, ListingQuery(limit=9, marker="A"))
    assert fetch.asked == []
    assert names([next(got), next(got)]) == ["a", "b"]
    assert fetch.asked == [("A", 9)]


def test_limit_of_nothing_asks_nothing():
    assert list(pull(Scripted(), ListingQuery(limit=0))) == []


def test_page_that_fails_is_never_the_end():
    fetch = Scripted(Page(entries("a"), "a"), OSError("page 2"))
    got = pull(fetch, ListingQuery(limit=9))
    assert next(got).name == "a"
    with pytest.raises(OSError, match="page 2"):
        next(got)


def test_empty_page_is_the_end_only_without_a_marker():
    fetch = Scripted(Page([], "b"), Page(entries("c")))
    assert names(pull(fetch, ListingQuery(limit=9))) == ["c"]


@pytest.mark.parametrize("page", [Page([], "a"), Page(entries("a"), "a")])
def test_same_page_for_ever_is_an_error(page):
    fetch = Scripted(*[page] * 3)
    with pytest.raises(ListingBroken):
        list(pull(fetch, ListingQuery(limit=9)))


def test_store_that_ignores_the_marker_is_an_error():
    fetch = Scripted(*[Page(entries("a", "b"), "b")] * 2)
    with pytest.raises(ListingBroken):
        list(pull(fetch, ListingQuery(limit=9)))


def test_reverse_goes_down():
    query = ListingQuery(limit=9, reverse=True, marker="z")
    fetch = Scripted(Page(entries("b"), "b"), Page(entries("a")))
    assert names(pull(fetch, query)) == ["b", "a"]
    fetch = Scripted(Page(entries("b"), "b"), Page(entries("c")))
    with pytest.raises(ListingBroken):
        list(pull(fetch, query))


def test_subdir_that_the_marker_lies_in_comes_first():
    query = ListingQuery(limit=9, marker="a/b", delimiter="/")
    fetch = Scripted(Page(entries("a/"), "a/"), Page(entries("b")))
    assert names(pull(fetch, query, page_size=1)) == ["a/", "b"]
    fetch = Scripted(Page(entries("a/"), "a/"), Page([], "a/"))
    with pytest.raises(ListingBroken):
        list(pull(fetch, query, page_size=1))


def test_page_larger_than_asked_for_is_cut():
    fetch = Scripted(Page(entries("a", "b", "c")))
    assert names(pull(fetch, ListingQuery(limit=2))) == ["a", "b"]


def test_short_page_of_swift_is_the_last():
    assert swift_page(entries("a", "b"), 2).next_marker == "b"
    assert swift_page(entries("a/"), 1).next_marker == "a/"
    assert swift_page(entries("a"), 2).next_marker is None
    assert swift_page([], 0).next_marker is None
