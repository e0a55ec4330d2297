# SPDX-License-Identifier: Apache-2.0
"""Which segments at another Swift are noted, and which of them go."""

import datetime
import logging

import pytest
from servers.engine_world import T0
from servers.fake_source import stamp

from onespace_core.namespace.keys import layout_for
from onespace_core.provider import (
    BytesBody,
    KeyScheme,
    NotSupported,
    Segment,
    ServiceUnavailable,
)
from onespace_core.state import ContainerKey, Side, StateStore
from onespace_core.sync.reaping_remote import (
    RemoteNotes,
    RemoteReaper,
    store_id,
)
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import STAMP, Stamp
from onespace_core.testing.memory import MemoryProvider, MemoryStore

LOG = logging.getLogger("test")
KEY = ContainerKey("m", "AUTH_t", "c")
LAYOUT = layout_for(
    KeyScheme.PLAIN, account="AUTH_t", container="c", bucket="b"
)
OURS = {STAMP: Stamp(stamp(T0), BytesBody(b"m").md5).encode()}


class World:
    """A store with copies of large objects."""

    def __init__(self, store):
        self.store = store
        self.provider = MemoryProvider(
            MemoryStore("b"), key_scheme=KeyScheme.PLAIN
        )
        self.provider.create_bucket("b_segments")
        self.remote = RemoteObjects(self.provider, LAYOUT)

    def slo(self, name, *keys, metadata=OURS, bucket="b_segments"):
        segments = []
        for key in keys:
            body = BytesBody(key.encode())
            self.provider.put_object(key, body, bucket=bucket)
            segments.append(
                Segment(
                    bucket=bucket,
                    key=key,
                    size=len(key.encode()),
                    etag=body.md5,
                )
            )
        self.provider.put_manifest(
            name, segments, metadata=metadata, bucket="b"
        )

    def note(self, name):
        RemoteNotes(
            self.store,
            KEY,
            self.remote,
            self.provider,
            "here",
            clock=lambda: T0,
        ).note(name, self.remote.head(name))
        return self.noted()

    def noted(self):
        return list(self.store.garbage("m", Side.REMOTE, 1e12))

    def reaper(self, before=float("inf"), go_on=lambda: True):
        return RemoteReaper(
            self.provider, self.provider, self.noted(), go_on, before
        )

    def left(self):
        page = self.provider.list_objects(bucket="b_segments")
        return [info.key for info in page.objects]


@pytest.fixture
def world(tmp_path):
    store = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield World(store)
    store.close()


def test_segments_of_a_copy_are_noted_with_size_and_md5(world):
    world.slo("o", "c/1", "c/2")
    found = world.note("o")
    assert [each.name for each in found] == ["c/1", "c/2"]
    assert {each.place for each in found} == {"b_segments"}
    assert {each.version for each in found} == {"here"}
    assert [each.etag for each in found] == [
        BytesBody(name).md5 for name in (b"c/1", b"c/2")
    ]


def test_what_we_did_not_write_is_not_noted(world):
    world.slo("theirs", "c/1", metadata={})
    assert world.note("theirs") == []
    world.slo("elsewhere", "c/1", bucket="b")
    assert world.note("elsewhere") == []
    world.provider.put_object(
        "plain", BytesBody(b"1"), metadata=OURS, bucket="b"
    )
    assert world.note("plain") == []


def test_manifest_that_we_cannot_have_made_is_not_noted(world):
    world.slo("o", "c/1")

    def inline(*_args, **_kwargs):
        raise NotSupported("bytes of its own")

    world.provider.get_manifest = inline
    assert world.note("o") == []


def test_manifest_that_cannot_be_read_now_is_kept(world):
    world.slo("o", "c/1")

    def down(*_args, **_kwargs):
        raise ServiceUnavailable("503")

    world.provider.get_manifest = down
    with pytest.raises(ServiceUnavailable):
        world.note("o")


def test_manifests_of_anybody_need_their_segments(world):
    world.slo("o", "c/1", "c/2", "c/3")
    found = world.note("o")
    world.provider.delete_object("o", bucket="b")
    world.slo("theirs", "c/2", metadata={})
    world.provider.put_dynamic_manifest(
        "dynamic", "c/3", segments_bucket="b_segments", bucket="b"
    )
    needed = world.reaper().needed(found, since=0.0)
    assert [each.name for each in needed] == ["c/2", "c/3"]


def test_manifest_that_cannot_be_read_is_a_doubt(world):
    world.slo("o", "c/1")
    found = world.note("o")

    def down(*_args, **_kwargs):
        raise ServiceUnavailable("503")

    world.provider.get_manifest = down
    with pytest.raises(ServiceUnavailable):
        world.reaper().needed(found, since=0.0)


def test_segment_that_was_touched_since_waits(world):
    world.slo("o", "c/1")
    (each,) = world.note("o")
    written = world.provider.head_object("c/1", bucket="b_segments")
    before = written.last_modified - datetime.timedelta(seconds=1)
    assert world.reaper(before.timestamp()).delete(each) is None
    assert world.left() == ["c/1"]
    assert world.reaper(written.last_modified.timestamp()).delete(each)
    assert world.left() == []


def test_segment_that_is_another_or_gone_is_none_of_ours(world):
    world.slo("o", "c/1")
    (each,) = world.note("o")
    world.provider.put_object("c/1", BytesBody(b"new"), bucket="b_segments")
    assert world.reaper().delete(each) is False
    assert world.left() == ["c/1"]
    world.provider.delete_object("c/1", bucket="b_segments")
    assert world.reaper().delete(each) is False


def test_a_store_is_told_from_another_by_where_it_is():
    assert store_id("swift", [("a", "1"), ("b", "2")]) == store_id(
        "swift", [("b", "2"), ("a", "1")]
    )
    assert store_id("swift", [("a", "1")]) != store_id("swift", [("a", "2")])
