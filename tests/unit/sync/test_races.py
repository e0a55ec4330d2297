# SPDX-License-Identifier: Apache-2.0
"""A write that is late must not replace the only copy of a newer version.

A node has looked at the store and sends an older version; before its last
byte is there, another node copies a newer one and archives it.
"""

import contextlib
import dataclasses

import pytest
from servers.engine_world import T0, World
from servers.fake_source import stamp
from servers.large_world import LargeWorld

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import ConnectionFailed
from onespace_core.sync.policy import SyncPolicy
from onespace_core.testing.faulty import Fault

ARCHIVE = SyncPolicy(propagate_delete=False, retain_local=False)
CONDITIONS = ("put", "replace", "complete", "complete_replace")
NONE = {f"conditional_{name}": False for name in CONDITIONS}
#: As a Swift is.
CREATES = {
    "conditional_replace": False,
    "conditional_complete_replace": False,
}
#: Seconds; what the engine waits for if nobody says otherwise.
SETTLE = 3600


def is_here(world, data):
    return world.source.versions["o"][-1].data == data


def waits(world, row=None):
    """Handle a row that has to wait; return for how long."""
    with pytest.raises(RowWaitsError) as caught:
        world.engine.handle(row or world.row(), again=True)
    return caught.value.until - world.now


@pytest.mark.parametrize("conditions", [NONE, CREATES, {}])
@pytest.mark.parametrize("there", [False, True])
def test_late_write_costs_no_version(conditions, there):
    world = World(policy=ARCHIVE, **conditions)
    if there:
        world.put_remote(b"oldest", T0 - 1)
    world.source.put("o", T0, b"older")
    late, other = world.row(), world.new_engine(ARCHIVE)

    def handle(engine, row):
        with contextlib.suppress(RowWaitsError):
            engine.handle(row, again=True)

    def meanwhile():
        world.source.put("o", T0 + 1, b"newer")
        handle(other, world.row())

    world.hooks.before["put_object"] = meanwhile
    handle(world.engine, late)
    for _ in range(3):
        assert is_here(world, b"newer") or world.at_remote() == b"newer"
        world.now += SETTLE
        if not is_here(world, None):
            handle(other, world.row())
    assert world.at_remote() == b"newer"
    assert is_here(world, None)


def test_copy_without_a_condition_has_to_stand_for_a_while():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"hello")
    assert waits(world) == SETTLE
    assert world.at_remote() == b"hello"
    world.now += SETTLE - 1
    assert waits(world) == 1
    assert is_here(world, b"hello")
    world.now += 1
    world.handle(again=True)
    assert is_here(world, None)
    assert [r.deleted for r in world.receipts] == [None, world.now]


def test_the_wait_goes_on_after_a_restart():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"hello")
    waits(world)
    world.now += SETTLE
    world.new_engine(ARCHIVE).handle(world.row(), again=False)
    assert is_here(world, None)


@pytest.mark.parametrize("data", [b"hello", b"later"])
def test_another_copy_has_to_stand_from_the_beginning(data):
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"hello")
    waits(world)
    world.now += SETTLE / 2
    world.put_remote(data, T0)
    assert waits(world) == SETTLE
    assert world.at_remote() == b"hello"
    world.now += SETTLE / 2
    assert waits(world) == SETTLE / 2


def test_a_clock_that_was_set_back_makes_it_wait_again():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"hello")
    waits(world)
    world.now -= 10 * SETTLE
    assert waits(world) == SETTLE


def test_copy_that_was_created_need_not_wait():
    world = World(policy=ARCHIVE, **CREATES)
    world.source.put("o", T0, b"hello")
    world.handle()
    assert is_here(world, None)


def test_copy_that_replaced_another_waits_even_so():
    world = World(policy=ARCHIVE, **CREATES)
    world.put_remote(b"older", T0 - 1)
    world.source.put("o", T0, b"hello")
    assert waits(world) == SETTLE


def test_upload_that_ends_without_a_condition_makes_created_ones_wait():
    world = World(policy=ARCHIVE, conditional_complete=False)
    world.source.put("o", T0, b"hello")
    assert waits(world) == SETTLE


def test_copy_that_was_created_under_a_condition_waits_for_nothing():
    world = World(policy=ARCHIVE)
    world.source.put("o", T0, b"hello")
    world.handle()
    assert is_here(world, None)
    assert world.calls() == ["put_object", "head_object"]


def test_conditions_on_bytes_do_not_spare_the_wait():
    """The same bytes may have been there twice, with other headers."""
    world = World(policy=ARCHIVE)
    world.put_remote(b"older", T0 - 1)
    world.source.put("o", T0, b"hello")
    assert waits(world) == SETTLE
    world.now += SETTLE
    world.handle(again=True)
    assert is_here(world, None)


def test_write_that_lands_after_the_last_look_is_outwaited():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0 + 1, b"newer")
    waits(world)
    world.put_remote(b"older", T0)
    world.now += SETTLE
    assert waits(world) == SETTLE
    assert world.at_remote() == b"newer"


def test_late_headers_of_the_same_bytes_are_outwaited_at_any_store():
    world = World(policy=ARCHIVE)
    world.put_remote(b"x", T0, {"a": "old"})
    world.source.put("o", T0 + 1, b"x", metadata=(("a", "new"),))
    row = world.row(data_timestamp=stamp(T0))
    assert waits(world, row) == SETTLE
    world.put_remote(b"x", T0, {"a": "old"})
    world.now += SETTLE
    assert waits(world, row) == SETTLE
    assert world.info().metadata["a"] == "new"
    world.now += SETTLE
    world.engine.handle(row, again=True)
    assert is_here(world, None)
    assert world.info().metadata["a"] == "new"


def test_the_store_is_looked_at_before_the_last_byte():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"older")
    late = world.row()

    def meanwhile():
        world.source.put("o", T0 + 1, b"newer")
        world.put_remote(b"newer", T0 + 1)

    world.hooks.before["put_object"] = meanwhile
    world.engine.handle(late, again=False)
    assert world.at_remote() == b"newer"
    assert world.stamp() == stamp(T0 + 1)


def test_nothing_has_a_last_byte_as_well():
    world = World(policy=ARCHIVE, **NONE)
    world.source.put("o", T0, b"")
    late = world.row()
    world.hooks.before["put_object"] = lambda: world.put_remote(b"n", T0 + 1)
    world.engine.handle(late, again=False)
    assert world.at_remote() == b"n"


def test_a_look_that_fails_is_what_went_wrong():
    world = World(
        policy=ARCHIVE,
        faults=[Fault(op="head_object", skip=1, error=ConnectionFailed)],
        **NONE,
    )
    world.source.put("o", T0, b"hello")
    with pytest.raises(ConnectionFailed):
        world.handle()
    assert world.at_remote() is None


def test_who_keeps_local_objects_does_not_look_again():
    world = World(**NONE)
    world.source.put("o", T0, b"hello")
    world.handle()
    assert world.calls() == ["head_object", "put_object"]


def test_copy_onto_itself_is_not_for_the_only_copy():
    world = World(policy=ARCHIVE, metadata_post=False)
    world.put_remote(b"hello", T0 - 1)
    world.source.put("o", T0, b"hello", metadata=(("a", "1"),))
    assert waits(world) == SETTLE
    assert "copy_object" not in world.calls()
    assert world.info().metadata["a"] == "1"


def test_large_object_waits_as_well(tmp_path):
    policy = dataclasses.replace(ARCHIVE, part_size=16, multipart_threshold=32)
    world = LargeWorld(tmp_path, policy=policy, **NONE)
    world.put_segments(a=b"a" * 16, b=b"b" * 16, c=b"c" * 16)
    world.put_slo()
    assert waits(world, row=world.row(size=48)) == SETTLE
    world.now += SETTLE
    world.handle(again=True, size=48)
    assert is_here(world, None)
    assert world.manifest() is not None
