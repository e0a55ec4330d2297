# SPDX-License-Identifier: Apache-2.0
"""Copy, verify, delete here: what may and what may never be deleted."""

import dataclasses
import json

import pytest
from servers.engine_world import LAYOUT, T0, Receipts, World
from servers.fake_source import stamp

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import BytesBody, ServiceUnavailable
from onespace_core.swift.source import SourceError
from onespace_core.sync.policy import SyncPolicy
from onespace_core.sync.select import Criteria
from onespace_core.sync.stamp import STAMP
from onespace_core.testing.faulty import Fault

ARCHIVE = SyncPolicy(propagate_delete=False, retain_local=False)


def archive(**options):
    """Return a world where no write is late; test_races has those."""
    return World(policy=ARCHIVE, **{"settle": 0.0, **options})


def local_is_there(world, name="o"):
    return world.source.versions[name][-1].data is not None


def deletes(world):
    return [call for call in world.source.calls if call[0] == "delete"]


def test_archived_object_is_verified_noted_and_deleted_by_its_version():
    world = archive()
    world.source.put("o", T0, b"hello")
    world.handle()
    assert world.at_remote() == b"hello"
    assert not local_is_there(world)
    assert deletes(world) == [("delete", "o", stamp(T0, 1))]
    (receipt,) = world.receipts
    assert (receipt.name, receipt.timestamp) == ("o", stamp(T0))
    assert receipt.etag == BytesBody(b"hello").md5
    assert world.calls() == ["put_object", "head_object"]
    assert world.recorder.figures().others == {"archived": 1}


def test_case_33_copy_that_is_there_already_is_enough():
    world = archive()
    world.source.put("o", T0, b"hello")
    world.put_remote(b"hello", T0)
    world.handle(again=True)
    assert not local_is_there(world)
    assert "put_object" not in world.calls()


def test_copy_of_1space_is_stamped_before_it_counts():
    world = archive()
    world.source.put("o", T0, b"hello")
    world.put_remote(b"hello")
    world.handle(again=True)
    assert world.stamp() == stamp(T0)
    assert not local_is_there(world)


def test_case_30_version_written_between_copy_and_delete_survives():
    world = archive()
    world.source.put("o", T0, b"hello")
    row = world.row()

    def overwrite(op, _name, _detail):
        if op == "delete":
            world.source.put("o", T0 + 1, b"newer")

    world.source.on_read = overwrite
    world.engine.handle(row, again=False)
    assert local_is_there(world)
    world.source.on_read = None
    world.handle()
    assert world.at_remote() == b"newer"
    assert not local_is_there(world)


@pytest.mark.parametrize("when", ["head_object", "put_object"])
def test_case_31_metadata_posted_after_the_copy_is_not_lost(when):
    world = archive(settle=3600.0)
    world.source.put("o", T0, b"hello")
    row = world.row()
    world.hooks.after[when] = lambda: world.source.put(
        "o", T0 + 1, b"hello", metadata=(("a", "1"),)
    )
    with pytest.raises(RowWaitsError, match="changed"):
        world.engine.handle(row, again=False)
    assert local_is_there(world)
    assert deletes(world) == []
    with pytest.raises(RowWaitsError, match="late write"):
        world.handle(again=True, data_timestamp=stamp(T0))
    assert world.info().metadata["a"] == "1"
    world.now += 3600
    world.handle(again=True, data_timestamp=stamp(T0))
    assert world.info().metadata["a"] == "1"
    assert not local_is_there(world)


def test_case_34_failed_metadata_update_keeps_the_local_object():
    world = archive(faults=[Fault(op="post_object", error=ServiceUnavailable)])
    world.source.put("o", T0, b"hello", metadata=(("a", "1"),))
    world.put_remote(b"hello", T0 - 1)
    with pytest.raises(ServiceUnavailable):
        world.handle(again=True)
    assert local_is_there(world)
    assert world.receipts == []


@pytest.mark.parametrize("what", ["gone", "older", "shorter", "bare"])
def test_store_that_says_yes_and_has_something_else_costs_nothing(what):
    world = archive()
    world.source.put("o", T0, b"hello")
    key = LAYOUT.key("o")

    def lie():
        info, data = world.objects[key]
        if what == "gone":
            del world.objects[key]
        elif what == "older":
            world.put_remote(b"hello", T0 - 5)
        elif what == "shorter":
            world.objects[key] = (dataclasses.replace(info, size=4), data)
        else:
            metadata = {k: v for k, v in info.metadata.items() if k != STAMP}
            bare = dataclasses.replace(info, metadata=metadata)
            world.objects[key] = (bare, data)

    world.hooks.after["put_object"] = lie
    with pytest.raises(RowWaitsError, match="does not show"):
        world.handle()
    assert local_is_there(world)
    assert world.receipts == []


def test_receipt_that_cannot_be_saved_keeps_the_local_object():
    world = archive()
    world.source.put("o", T0, b"hello")

    class FullDisk(Receipts):
        def save(self, _receipt):
            raise OSError(28, "No space left on device")

    world.receipts = FullDisk()
    world.engine = world.new_engine(ARCHIVE)
    with pytest.raises(OSError, match="No space"):
        world.handle()
    assert local_is_there(world)


def test_local_delete_that_fails_is_tried_again_and_copies_nothing():
    world = archive()
    world.source.put("o", T0, b"hello")
    world.source.errors["delete", "o"] = [SourceError("503")]
    with pytest.raises(SourceError):
        world.handle()
    world.calls()
    world.handle(again=True)
    assert "put_object" not in world.calls()
    assert not local_is_there(world)


def test_object_that_a_client_deleted_meanwhile_is_not_deleted_again():
    world = archive()
    world.source.put("o", T0, b"hello")
    row = world.row()
    world.hooks.after["put_object"] = lambda: world.source.remove("o", T0 + 1)
    world.engine.handle(row, again=False)
    assert deletes(world) == []
    assert world.receipts == []


def test_older_version_from_a_replica_never_takes_the_newer_copy_with_it():
    world = archive()
    world.put_remote(b"newer", T0 + 5)
    world.source.put("o", T0, b"older")
    world.handle(again=True)
    assert local_is_there(world)
    assert world.at_remote() == b"newer"


def test_case_32_our_own_tombstone_never_deletes_the_copy():
    world = archive()
    world.source.put("o", T0, b"hello")
    world.handle()
    for policy in (ARCHIVE, SyncPolicy()):
        # Also after somebody has made a sync mapping of it.
        world.engine = world.new_engine(policy)
        world.handle(again=True)
        world.handle()
        assert world.at_remote() == b"hello"


# -- when, and which ---------------------------------------------------------


def test_case_35_young_object_is_left_alone_until_it_is_older():
    world = World(policy=SyncPolicy(copy_after=3600))
    world.source.put("o", T0, b"hello")
    world.now = T0 + 3600.0
    with pytest.raises(RowWaitsError) as caught:
        world.handle()
    assert caught.value.until == T0 + 3600.0
    assert world.calls() == []
    assert world.source.calls == []
    world.now += 0.001
    world.handle()
    assert world.at_remote() == b"hello"


def test_deletion_does_not_wait_for_an_age():
    world = World(policy=SyncPolicy(copy_after=3600))
    world.put_remote(b"x", T0)
    world.source.remove("o", T0 + 1)
    world.handle()
    assert world.at_remote() is None


def test_case_37_object_that_is_not_selected_stays_and_costs_no_request():
    criteria = Criteria.parse(json.dumps({"x-object-meta-msd": "bár"}))
    policy = dataclasses.replace(ARCHIVE, criteria=criteria)
    world = World(policy=policy)
    world.source.put("no", T0, b"1", headers=(("x-object-meta-msd", "foo"),))
    world.source.put("yes", T0, b"2", headers=(("x-object-meta-msd", "BÁR"),))
    world.handle("no")
    assert world.calls() == []
    assert [call[0] for call in world.source.calls] == ["head"]
    world.handle("yes")
    assert local_is_there(world, "no")
    assert not local_is_there(world, "yes")
    assert world.at_remote("yes") == b"2"


def test_only_included_names_are_copied_and_excluded_ones_never():
    import re

    policy = SyncPolicy(include=re.compile("a"), exclude=re.compile("ab"))
    world = World(policy=policy)
    for name in ("a1", "ab", "b"):
        world.source.put(name, T0)
        world.handle(name)
    assert world.at_remote("a1") == b"x"
    assert world.at_remote("ab") is None
    assert world.at_remote("b") is None


# -- too many deletions ------------------------------------------------------


def test_paused_deletion_waits_and_the_copy_stays():
    allowed = [False, True]
    world = World(brake=lambda: allowed.pop(0))
    world.put_remote(b"x", T0)
    world.source.remove("o", T0 + 1)
    with pytest.raises(RowWaitsError, match="paused"):
        world.handle()
    assert world.at_remote() == b"x"
    world.handle(again=True)
    assert world.at_remote() is None


def test_deletion_without_a_copy_does_not_count():
    asked = []
    world = World(brake=lambda: asked.append(1))
    world.source.remove("o", T0 + 1)
    world.handle()
    assert asked == []
