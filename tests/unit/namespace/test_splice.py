# SPDX-License-Identifier: Apache-2.0
"""Cases of the list; what holds for any names is in tests/property."""

import pytest

from onespace_core.namespace.entries import (
    ListingBroken,
    ObjectEntry,
    SubdirEntry,
    local_entries,
)
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.splice import splice


def local(*names):
    return local_entries(
        {"subdir" if n[-1] in "/-" else "name": n, "hash": "new"}
        for n in names
    )


def remote(*names):
    for name in names:
        if name[-1] in "/-":
            yield SubdirEntry.of(name, "R")
        else:
            yield ObjectEntry.of(
                name,
                size=1,
                etag="old",
                content_type=None,
                last_modified=None,
                location="R",
            )


def shown(ours, theirs, **query):
    asked = ListingQuery(**{"limit": 100, **query})
    return [(e.name, e.locations) for e in splice(ours, theirs, asked)]


def test_case_s19_limit_counts_both_sides():
    assert shown(
        local("a", "unicod\u00e9"),
        remote("a/", "unicod\u00e9", "z/", "zzzzz"),
        delimiter="/",
        limit=4,
    ) == [
        ("a", ()),
        ("a/", ("R",)),
        ("unicod\u00e9", ("R", "swift")),
        ("z/", ("R",)),
    ]


def test_case_s28d_subdirs_of_an_account():
    assert [
        name
        for name, _ in shown(
            local("abc-", "xyz-"), remote("unicod\u00e9-"), delimiter="-"
        )
    ] == ["abc-", "unicod\u00e9-", "xyz-"]


def test_local_object_wins_and_is_in_both_places():
    asked = ListingQuery(limit=9)
    (entry,) = splice(local("a"), remote("a"), asked)
    assert entry.shown() == {
        "name": "a",
        "hash": "new",
        "content_location": ["R", "swift"],
    }


def test_local_record_is_the_same_object():
    record = {"name": "a", "odd": [1]}
    (entry,) = splice(local_entries([record]), remote(), ListingQuery(limit=9))
    assert entry.shown() is record


def test_order_is_that_of_bytes_and_not_of_utf16():
    got = shown(local("\U0001f600"), remote("\uff5e"))
    assert [name for name, _ in got] == ["\uff5e", "\U0001f600"]


def test_reverse():
    got = shown(local("d", "b"), remote("c", "b", "a"), reverse=True)
    assert [name for name, _ in got] == ["d", "c", "b", "a"]


def failing(entries):
    yield from entries
    raise OSError("the store is gone")


def test_what_one_side_raises_is_never_its_end():
    asked = ListingQuery(limit=100)
    spliced = splice(local("a", "c"), failing(remote("b")), asked)
    assert [next(spliced).name, next(spliced).name] == ["a", "b"]
    with pytest.raises(OSError, match="the store is gone"):
        next(spliced)


def test_side_is_not_asked_once_the_limit_is_reached():
    asked = ListingQuery(limit=2)
    spliced = splice(failing(local("a")), failing(remote("b")), asked)
    with pytest.raises(OSError, match="gone"):
        # The local side ended in an error: what follows is not known.
        list(spliced)
    asked = ListingQuery(limit=1)
    spliced = splice(failing(local("a")), failing(remote("a")), asked)
    assert [entry.name for entry in spliced] == ["a"]


def test_limit_of_nothing_asks_nothing():
    asked = ListingQuery(limit=0)
    assert list(splice(failing([]), failing([]), asked)) == []


@pytest.mark.parametrize(
    ("names", "reverse"), [("ba", False), ("aa", False), ("ab", True)]
)
def test_remote_out_of_order_is_an_error(names, reverse):
    asked = ListingQuery(limit=9, reverse=reverse)
    with pytest.raises(ListingBroken):
        list(splice(local(), remote(*names), asked))
