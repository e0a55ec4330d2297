# SPDX-License-Identifier: Apache-2.0
"""A merged listing is what one container with both sides' objects lists.

There are three: what Swift's own databases list, a model a few lines long,
and what is spliced from pages of both sides. The first two agree on any
names and any query; so do the last two on any two sets of names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from servers.listing_model import model

from onespace_core.namespace.entries import local_entries
from onespace_core.namespace.keys import KeyLayout
from onespace_core.namespace.query import ListingQuery
from onespace_core.namespace.remote import list_buckets, list_objects
from onespace_core.namespace.splice import splice
from onespace_core.provider import BytesBody
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

EXAMPLES = int(os.environ.get("ONESPACE_SPLICE_EXAMPLES", "150"))
#: What follows another character by one; a slash is followed by a 0.
LETTERS = "/0a-b\u00e9\U0001f600."
MANIFEST = f".manifests/{'0' * 64}.swift_slo_manifest"

names = st.text(LETTERS, min_size=1, max_size=5)
#: Many names that begin alike, in few directories.
deep = st.lists(
    st.sampled_from(["a", "b", "0", "", "\u00e9", "a-"]),
    min_size=1,
    max_size=4,
).map("/".join)
name_sets = st.sets(st.one_of(names, deep.filter(bool)), max_size=14)
short = st.text(LETTERS, max_size=3)


@st.composite
def queries(draw, *, paths=True):
    marks = st.one_of(st.just(""), short, deep)
    query = ListingQuery(
        limit=draw(st.integers(0, 8)),
        marker=draw(marks),
        end_marker=draw(marks),
        prefix=draw(st.one_of(st.just(""), short)),
        delimiter=draw(st.sampled_from(["", "/", "/", "-", "//", "a/", "."])),
        reverse=draw(st.booleans()),
    )
    if paths and draw(st.integers(0, 4)) == 0:
        path = draw(short)
        return dataclasses.replace(
            query,
            prefix=f"{path.rstrip('/')}/" if path else "",
            delimiter="/",
            objects_only=True,
        )
    return query


def swift_misses(stored, query):
    """Return what Swift does not list with ``path=`` though it is there."""
    if not query.objects_only:
        return set()
    directories = {
        name[: at + 1]
        for name in stored
        if query.admits(name)
        and 0 <= (at := name.find("/", len(query.prefix))) < len(name) - 1
    }
    if query.reverse:
        return directories
    return {name[:-1] + "0" for name in directories}


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    """Swift's own database of a container; filled for each example."""
    from swift.common.utils import Timestamp
    from swift.container.backend import ContainerBroker

    path = tmp_path_factory.mktemp("container") / "c.db"
    broker = ContainerBroker(str(path), account="a", container="c")
    broker.initialize(Timestamp(1).internal, 0)
    return broker


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    from swift.account.backend import AccountBroker
    from swift.common.utils import Timestamp

    path = tmp_path_factory.mktemp("account") / "a.db"
    broker = AccountBroker(str(path), account="a")
    broker.initialize(Timestamp(1).internal, None)
    return broker


def fill(broker, table, stored):
    with broker.get() as conn:
        conn.execute(f"DELETE FROM {table}")
        conn.commit()
    if table == "object":
        broker.merge_items(
            [
                {
                    "name": name,
                    "created_at": "0000000001.00000",
                    "size": 1,
                    "content_type": "local",
                    "etag": "local",
                    "deleted": 0,
                    "storage_policy_index": 0,
                    "ctype_timestamp": None,
                    "meta_timestamp": None,
                }
                for name in stored
            ]
        )
    else:
        broker.merge_items(
            [
                {
                    "name": name,
                    "put_timestamp": "0000000001.00000",
                    "delete_timestamp": "0",
                    "object_count": 1,
                    "bytes_used": 1,
                    "deleted": 0,
                    "storage_policy_index": 0,
                }
                for name in stored
            ]
        )


def broker_lists(broker, query, marker, limit):
    """Return records of a page as Swift's servers make them."""
    if hasattr(broker, "list_objects_iter"):
        path = query.prefix.rstrip("/") if query.objects_only else None
        if query.objects_only and query.prefix == "/":
            path = "/"
        rows = broker.list_objects_iter(
            limit,
            marker,
            query.end_marker,
            query.prefix or None,
            query.delimiter or None,
            path,
            reverse=query.reverse,
        )
        return [
            {"subdir": row[0]}
            if row[3] is None
            else {
                "bytes": row[2],
                "hash": row[4],
                "name": row[0],
                "content_type": row[3],
                "last_modified": "1970-01-01T00:00:01.000000",
            }
            for row in rows
        ]
    rows = broker.list_containers_iter(
        limit,
        marker,
        query.end_marker,
        query.prefix or None,
        query.delimiter or None,
        query.reverse,
    )
    return [
        {"subdir": row[0]}
        if row[5]
        else {
            "name": row[0],
            "count": row[1],
            "bytes": row[2],
            "last_modified": "1970-01-01T00:00:01.000000",
        }
        for row in rows
    ]


def kinds(records):
    return [
        (each.get("subdir", each.get("name")), "subdir" in each)
        for each in records
    ]


def local_side(broker, query, page_size, account=False):
    """Yield the local entries page by page, each asked for when it is due."""
    marker, left = query.marker, query.limit
    while left > 0:
        asked = min(left, page_size)
        records = broker_lists(broker, query, marker, asked)
        page = list(local_entries(records, account=account))
        yield from page
        if len(page) < asked:
            return
        left -= asked
        marker = page[-1].name


bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@bounded
@given(name_sets, queries())
@example({"a/b/c", "a/b0"}, ListingQuery(limit=5, prefix="a/", delimiter="/"))
def test_model_lists_what_swift_lists_of_a_container(container, stored, query):
    fill(container, "object", stored)
    records = broker_lists(container, query, query.marker, query.limit)
    expected = model(stored - swift_misses(stored, query), query)
    assert kinds(records) == expected


@bounded
@given(name_sets, queries(paths=False))
def test_model_lists_what_swift_lists_of_an_account(account, stored, query):
    fill(account, "container", stored)
    records = broker_lists(account, query, query.marker, query.limit)
    assert kinds(records) == model(stored, query)


layouts = st.sampled_from(
    [
        KeyLayout("bucket", "", ".manifests/"),
        KeyLayout("bucket", "p/", "p/.manifests/"),
        KeyLayout("bucket", "1f/a/c/", "1f/.manifests/a/c/"),
    ]
)


def store_of(stored, layout, *, page, rolls_up):
    provider = MemoryProvider(
        MemoryStore("bucket"),
        bucket="bucket",
        capabilities=dataclasses.replace(
            EVERYTHING, max_list_limit=page, list_delimiter=rolls_up
        ),
    )
    foreign = {"1f/a/b/x", "1f/a/d/x", "o/x", "q", "p", "p.", "p0"}
    keys = {layout.key(name) for name in stored}
    keys |= {key for key in foreign if layout.name(key) is None}
    keys |= {layout.manifest_root + MANIFEST.partition("/")[2]}
    keys |= {layout.manifest_root + "x"}
    for key in keys:
        provider.put_object(key, BytesBody(b"remote"))
    provider.calls.clear()
    return provider


@bounded
@given(
    here=name_sets,
    there=name_sets,
    query=queries(),
    layout=layouts,
    pages=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    rolls_up=st.booleans(),
)
@example(
    here=set(),
    there={".\u00e9"},
    query=ListingQuery(limit=1, delimiter="."),
    layout=KeyLayout("bucket", "", ".manifests/"),
    pages=(1, 1),
    rolls_up=False,
)
def test_spliced_container_lists_what_one_container_would(
    container, here, there, query, layout, pages, rolls_up
):
    there = {name for name in there if not name.startswith(".manifests/")}
    fill(container, "object", here)
    provider = store_of(there, layout, page=pages[1], rolls_up=rolls_up)
    spliced = list(
        splice(
            local_side(container, query, pages[0]),
            list_objects(provider, layout, query, location="R"),
            query,
        )
    )
    missed = swift_misses(here, query) - there
    everything = dataclasses.replace(query, limit=100)
    expected = model((here - missed) | there, query)
    assert kinds([e.record for e in spliced]) == expected
    ours = dict(model(here - swift_misses(here, query), everything))
    theirs = dict(model(there, everything))
    for entry in spliced:
        where = {
            (True, False): (),
            (False, True): ("R",),
            (True, True): ("R", "swift"),
        }[entry.name in ours, entry.name in theirs]
        assert entry.locations == where
        if "hash" in entry.record:
            assert (entry.record["hash"] == "local") is (entry.name in ours)


@bounded
@given(
    here=name_sets,
    there=name_sets,
    query=queries(paths=False),
    pages=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    root=st.sampled_from(["", "b", "b-"]),
)
def test_spliced_account_lists_what_one_account_would(
    account, here, there, query, pages, root
):
    fill(account, "container", here)
    store = MemoryStore(*{root + name for name in there})
    if root:
        for other in ("a", "c", root):
            with contextlib.suppress(ValueError):
                store.add_bucket(other)
    provider = MemoryProvider(
        store,
        bucket=None,
        capabilities=dataclasses.replace(EVERYTHING, max_list_limit=pages[1]),
    )
    spliced = splice(
        local_side(account, query, pages[0], account=True),
        list_buckets(provider, query, location="R", root=root),
        query,
    )
    assert kinds([e.record for e in spliced]) == model(here | there, query)


@bounded
@given(
    here=name_sets,
    there=name_sets,
    query=queries(),
    limit=st.integers(1, 4),
)
def test_client_who_follows_markers_sees_all_once(here, there, query, limit):
    def side(stored, asked):
        listed = model(stored, asked)
        return local_entries(
            [{"subdir" if sub else "name": name} for name, sub in listed]
        )

    asked, seen = dataclasses.replace(query, limit=limit), []
    while True:
        page = list(splice(side(here, asked), side(there, asked), asked))
        if not page:
            break
        seen += [entry.name for entry in page]
        asked = dataclasses.replace(asked, marker=page[-1].name)
    everything = dataclasses.replace(query, limit=100)
    assert seen == [name for name, _ in model(here | there, everything)]


@bounded
@given(here=name_sets, there=name_sets, limit=st.integers(0, 6))
def test_no_side_is_asked_for_more_than_is_listed(here, there, limit):
    asked = {"here": 0, "there": 0}

    def counted(side, stored):
        for entry in local_entries([{"name": n} for n in sorted(stored)]):
            asked[side] += 1
            yield entry

    query = ListingQuery(limit=limit)
    spliced = splice(counted("here", here), counted("there", there), query)
    got = list(spliced)
    assert len(got) == min(limit, len(here | there))
    last = [entry.name for entry in got][-1:]
    for side, stored in (("here", here), ("there", there)):
        shown = len([n for n in stored if last and n <= last[0]])
        assert asked[side] <= shown + 1


def test_pages_are_not_kept_in_mind():
    """A million entries of each side pass through one at a time."""

    def endless(step):
        for number in itertools.count(0, step):
            yield {"name": f"{number:012}"}

    def side(step):
        return local_entries(endless(step))

    spliced = splice(side(2), side(3), ListingQuery(limit=10**9))
    got = [entry.name for entry in itertools.islice(spliced, 1000)]
    assert len(set(got)) == 1000
    assert got == sorted(got)
