# SPDX-License-Identifier: Apache-2.0
"""The local cluster as the engine asks it: spans, deletions, containers."""

from __future__ import annotations

import hashlib
import time
import uuid

import pytest
import swiftclient
from servers.local_swift import local_swift

from onespace_core.swift.source import LocalKind, SourceChangedError
from onespace_core.swift.timestamps import made_by_us, tombstone_after


class World:
    """A container of a real Swift, from both sides."""

    def __init__(self, info, local):
        user = info["users"][0]
        self.account = f"AUTH_{user['account']}"
        self.swift = swiftclient.Connection(
            info["auth_url"],
            f"{user['account']}:{user['user']}",
            user["key"],
            retries=0,
        )
        self.local = local
        self.container = f"lokal ö {uuid.uuid4().hex[:8]}"
        self.swift.put_container(self.container)
        self.source = local.container(self.account, self.container)

    def put(self, name, data=b"data", **headers):
        self.swift.put_object(self.container, name, data, headers=headers)
        return self.source.head(name)

    def names(self):
        return [
            row["name"] for row in self.swift.get_container(self.container)[1]
        ]

    def call(self, function):
        return self.local.call(function, self.account, self.container)


@pytest.fixture(scope="module")
def standalone_local(standalone):
    with local_swift(standalone.info) as local:
        yield local


@pytest.fixture
def world(standalone, standalone_local):
    return World(standalone.info, standalone_local)


# -- what an object is -------------------------------------------------------


def test_expiry_and_all_headers_are_told_as_text(world):
    due = int(time.time()) + 1000
    found = world.put(
        "o", **{"X-Delete-At": str(due), "X-Object-Meta-Größe": "Zwölf ☃"}
    )
    assert found.delete_at == due
    assert found.headers["x-object-meta-größe"] == "Zwölf ☃"
    assert found.headers["x-delete-at"] == str(due)
    assert world.put("p").delete_at is None


def test_symlink_is_one_whatever_the_pipeline(world, standalone):
    world.put("target")
    link = swiftclient.client.quote(f"{world.container}/target")
    assert world.put("link", b"", **{"X-Symlink-Target": link}).size == 0
    path = standalone.info["internal_client_path"]
    with local_swift(standalone.info, path) as local:
        source = local.container(world.account, world.container)
        for answer in (source.head("link"), source.read("link")[0]):
            assert answer.kind is LocalKind.SYMLINK
        assert source.head("target").kind is LocalKind.PLAIN


# -- spans -------------------------------------------------------------------


@pytest.mark.parametrize("span", [(0, 0), (3, 6), (9, 9), (0, 9)])
def test_span_gives_its_bytes_and_the_whole_objects_info(world, span):
    data = b"0123456789"
    whole = world.put("o", data)
    info, read = world.source.read("o", span=span)
    assert read == data[span[0] : span[1] + 1]
    assert info == whole
    assert info.etag == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_span_of_a_manifest_is_of_its_stored_body(world):
    world.put("o", b"body", **{"X-Object-Manifest": "c/p"})
    info, read = world.source.read("o", span=(1, 2))
    assert (info.kind, info.size, read) == (LocalKind.DLO, 4, b"od")


@pytest.mark.parametrize("span", [(3, 10), (10, 12)])
def test_span_beyond_the_end_is_of_an_object_that_changed(world, span):
    world.put("o", b"0123456789")
    with pytest.raises(SourceChangedError, match=r"o has no bytes"):
        world.source.read("o", span=span)


def test_span_of_nothing_is_a_mistake(world):
    with pytest.raises(ValueError, match="no bytes"):
        world.source.read("o", span=(4, 3))
    assert world.source.read("missing", span=(0, 3)) is None


# -- deletions ---------------------------------------------------------------


def test_deletion_just_after_a_version_deletes_it_and_leaves_a_sign(world):
    version = world.put("o")
    world.put("other")
    when = tombstone_after(version.timestamp)
    assert world.source.delete("o", timestamp=when) is True
    assert world.source.head("o", newest=True) is None
    assert world.names() == ["other"]
    assert world.source.delete("o", timestamp=when) is False


def test_newer_version_survives_the_deletion_of_an_older_one(world):
    old = world.put("o", b"old")
    new = world.put("o", b"new")
    when = tombstone_after(old.timestamp)
    assert world.source.delete("o", timestamp=when) is False
    assert world.source.read("o") == (new, b"new")


def test_swift_itself_refuses_to_delete_a_newer_version(world):
    """What protects an object that is written after the look at it."""
    old = world.put("o", b"old")
    new = world.put("o", b"new")
    when = tombstone_after(old.timestamp)
    status = world.local.call(
        "raw_delete", world.account, world.container, ("o", when)
    )
    assert status == 409
    assert world.source.head("o") == new


def test_newer_metadata_survives_too(world):
    old = world.put("o")
    world.swift.post_object(world.container, "o", {"X-Object-Meta-A": "b"})
    changed = world.source.head("o")
    assert changed.timestamp > old.timestamp
    when = tombstone_after(old.timestamp)
    assert world.source.delete("o", timestamp=when) is False
    assert world.source.head("o").metadata == {"a": "b"}
    when = tombstone_after(changed.timestamp)
    assert world.source.delete("o", timestamp=when) is True
    assert world.source.head("o", newest=True) is None
    assert world.names() == []


def test_object_can_be_written_again_after_our_deletion(world):
    version = world.put("o")
    world.source.delete("o", timestamp=tombstone_after(version.timestamp))
    again = world.put("o", b"again")
    assert world.source.read("o") == (again, b"again")
    assert world.names() == ["o"]


def test_row_of_our_deletion_has_its_time(world, standalone):
    version = world.put("o")
    when = tombstone_after(version.timestamp)
    world.source.delete("o", timestamp=when)
    rows = world.local.call(
        "rows", world.account, world.container, (standalone.info["devices"],)
    )
    assert rows == [("o", when, 1)]
    assert made_by_us(rows[0][1], version.timestamp)


def test_deletion_of_what_was_never_there(world):
    when = "1700000000.00000_0000000000000001"
    assert world.source.delete("missing", timestamp=when) is False


def test_deletion_in_the_policy_that_is_named(swift_1x1):
    with local_swift(swift_1x1.info) as local:
        world = World(swift_1x1.info, local)
        version = world.put("o")
        when = tombstone_after(version.timestamp)
        assert not world.source.delete("o", timestamp=when, policy_index=1)
        assert world.source.head("o") == version
        assert world.source.delete("o", timestamp=when, policy_index=0)
        assert world.source.head("o") is None


def test_deletion_with_a_node_down_and_a_newer_write_it_missed(swift_3x3):
    with local_swift(swift_3x3.info) as local:
        world = World(swift_3x3.info, local)
        old = world.put("o", b"old")
        with swift_3x3.node_down(3):
            new = world.put("o", b"new")
        when = tombstone_after(old.timestamp)
        assert world.source.delete("o", timestamp=when) is False
        assert world.source.read("o", newest=True) == (new, b"new")
        when = tombstone_after(new.timestamp)
        assert world.source.delete("o", timestamp=when) is True
        assert world.source.head("o", newest=True) is None


# -- containers --------------------------------------------------------------


def test_headers_of_a_container_with_who_may_use_it(world):
    world.put("o", b"12345")
    world.swift.post_container(
        world.container,
        {
            "X-Container-Read": ".r:*,.rlistings",
            "X-Container-Write": "test:tester",
            "X-Container-Meta-Farbe": "grün",
        },
    )
    found = world.call("container_headers")
    assert found["x-container-read"] == ".r:*,.rlistings"
    assert found["x-container-write"] == "test:tester"
    assert found["x-container-meta-farbe"] == "grün"
    assert found["x-container-object-count"] == "1"
    assert "x-storage-policy" in found or (
        "x-backend-storage-policy-index" in found
    )


def test_container_that_is_missing_has_no_headers(world):
    missing = ("container_headers", world.account, "missing")
    assert world.local.call(*missing) is None
    assert world.local.call("shard_ranges", world.account, "missing") == []
    assert world.call("shard_ranges") == []
