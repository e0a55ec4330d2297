# SPDX-License-Identifier: Apache-2.0
"""The engine over a store in memory and a container by script."""

import dataclasses
import logging
import re

import pytest
from servers.engine_world import LAYOUT, T0, World
from servers.fake_source import stamp

from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.layers.retry import RetryLayer
from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    KeyScheme,
    PermissionDenied,
    ServiceUnavailable,
    Unauthenticated,
)
from onespace_core.swift.source import LocalKind, SourceError
from onespace_core.sync.engine import SyncEngine, SyncPolicy
from onespace_core.sync.stamp import STAMP, Stamp
from onespace_core.testing.faulty import Fault, FaultyLayer

LOG = logging.getLogger("test.engine")


# -- the common cases --------------------------------------------------------


def test_new_object_costs_one_open_and_one_conditional_put():
    world = World()
    world.source.put("o", T0, b"hello", metadata=(("color", "Blü"),))
    world.handle()
    assert world.calls() == ["put_object"]
    assert world.source.calls == [("open", "o", False)]
    assert world.at_remote() == b"hello"
    assert world.info().metadata["color"] == "Blü"
    assert world.info().content_type == "text/plain"
    assert world.stamp() == stamp(T0)
    assert world.all_closed()
    assert world.recorder.figures().copied == 1
    assert world.recorder.figures().bytes == 5


def test_case_6_object_without_bytes_is_copied():
    world = World()
    world.source.put("o", T0, b"")
    world.handle()
    assert world.at_remote() == b""


def test_case_4_copy_that_is_there_is_left_alone_without_a_write():
    world = World()
    world.source.put("o", T0, b"hello")
    world.handle()
    world.calls()
    world.source.calls.clear()
    world.handle(again=True)
    assert world.calls() == ["head_object"]
    assert world.source.calls == [("head", "o", False)]
    assert world.recorder.figures().copied == 1


def test_case_5_overwritten_object_is_replaced_under_a_condition():
    world = World()
    world.source.put("o", T0, b"old!")
    world.handle()
    world.source.put("o", T0 + 1, b"newer")
    world.calls()
    world.handle()
    assert world.calls() == ["put_object", "head_object", "put_object"]
    assert world.at_remote() == b"newer"
    assert world.stamp() == stamp(T0 + 1)
    world.source.put("o", T0 + 2, b"newest")
    world.handle()
    assert world.calls() == ["head_object", "put_object"]


def test_case_7_changed_metadata_costs_no_bytes():
    world = World()
    world.source.put("o", T0, b"data")
    world.handle()
    world.source.put("o", T0 + 1, b"data", metadata=(("a", "b: c"),))
    world.calls()
    world.source.calls.clear()
    world.handle(data_timestamp=stamp(T0))
    assert world.calls() == ["head_object", "post_object"]
    assert [call[0] for call in world.source.calls] == ["head", "head"]
    assert world.info().metadata["a"] == "b: c"
    assert world.stamp() == stamp(T0 + 1)
    assert world.recorder.figures().copied == 1


def test_case_12_changed_content_type_is_posted():
    world = World()
    world.source.put("o", T0, b"data")
    world.handle()
    world.source.put("o", T0 + 1, b"data", content_type="text/html")
    world.handle(data_timestamp=stamp(T0))
    assert world.info().content_type == "text/html"


def test_case_13_archived_object_with_new_metadata_is_sent_again():
    world = World()
    world.source.put("o", T0, b"data")
    world.handle()
    key = LAYOUT.key("o")
    info, data = world.objects[key]
    world.objects[key] = (dataclasses.replace(info, archived=True), data)
    world.source.put("o", T0 + 1, b"data", metadata=(("a", "1"),))
    world.calls()
    world.handle(data_timestamp=stamp(T0))
    assert "post_object" not in world.calls()
    assert world.info().metadata["a"] == "1"


def test_copy_of_1space_gets_no_write_if_it_is_equal():
    world = World()
    world.source.put("o", T0, b"data", metadata=(("a", "1"),))
    world.put_remote(b"data", metadata={"a": "1"})
    world.handle(again=True)
    assert world.calls() == ["head_object"]


def test_copy_of_1space_that_differs_is_replaced():
    world = World()
    world.source.put("o", T0, b"new bytes")
    world.put_remote(b"old")
    world.handle(again=True)
    assert world.at_remote() == b"new bytes"


def test_users_item_that_is_named_like_our_stamp_changes_nothing():
    world = World()
    forged = Stamp(stamp(T0 + 10**6), "0" * 32).encode()
    world.source.put("o", T0, b"data", metadata=((STAMP, forged),))
    world.handle()
    assert world.stamp() == stamp(T0)
    world.calls()
    world.handle(again=True)
    assert world.calls() == ["head_object"], "no POST for ever"


# -- sources that lag, break or change ---------------------------------------


@pytest.mark.parametrize("cut", [0, 3])
def test_case_15_source_that_breaks_off_leaves_nothing(cut):
    world = World()
    world.source.put("o", T0, b"hello")
    world.source.cuts["o"] = [cut]
    with pytest.raises(SourceError, match="broke off"):
        world.handle()
    assert world.at_remote() is None
    assert world.all_closed()
    world.handle(again=True)
    assert world.at_remote() == b"hello"


def test_case_15_corrupt_bytes_are_refused():
    world = World()
    world.source.put("o", T0, b"rotten", etag="0" * 32)
    with pytest.raises(IntegrityError):
        world.handle()
    assert world.at_remote() is None
    assert world.all_closed()


def test_case_15_source_that_is_too_long_is_refused():
    world = World()
    world.source.put("o", T0, b"hello")
    world.source.longer["o"] = b"and more"
    with pytest.raises(IntegrityError):
        world.handle()
    assert world.at_remote() is None


def test_case_15_failed_overwrite_keeps_the_older_copy():
    world = World()
    world.put_remote(b"older", T0)
    world.source.put("o", T0 + 1, b"newer and longer")
    world.source.cuts["o"] = [4]
    with pytest.raises(SourceError):
        world.handle(again=True)
    assert world.at_remote() == b"older"


def test_source_error_comes_out_of_what_the_provider_made_of_it():
    class Wrapping(FaultyLayer):
        def around(self, method, /, *args, **kwargs):
            try:
                return method(*args, **kwargs)
            except SourceError as exc:
                raise ConnectionFailed("sending failed") from exc

    world = World()
    world.faulty = Wrapping(world.memory)
    engine = world.new_engine()
    world.source.put("o", T0, b"hello")
    world.source.cuts["o"] = [2]
    with pytest.raises(SourceError, match="broke off"):
        engine.handle(world.row(), again=False)


def test_store_that_fails_after_the_source_did_is_named_as_the_cause():
    """Else an outage of the store would look like a row's own failure."""
    world = World()
    outer = world

    class Wrapping(FaultyLayer):
        tries = 0

        def around(self, method, /, *args, **kwargs):
            if method.__name__ != "put_object":
                return method(*args, **kwargs)
            Wrapping.tries += 1
            if Wrapping.tries > 1:
                outer.memory.store.down = True
                # As a provider does that opens a body before it connects.
                args[1].open().close()
            try:
                return method(*args, **kwargs)
            except SourceError as exc:
                raise ConnectionFailed("sending failed") from exc

    world.faulty = RetryLayer(
        Wrapping(world.memory),
        sleep=lambda _seconds: None,
        max_attempts=2,
        logger=LOG,
    )
    engine = world.new_engine()
    world.source.put("o", T0, b"hello")
    world.source.cuts["o"] = [2]
    with pytest.raises(ConnectionFailed) as caught:
        engine.handle(world.row(), again=False)
    assert engine.outage(caught.value)


def test_case_16_replica_that_is_older_than_the_row_is_not_copied():
    world = World()
    world.source.put("o", T0, b"stale")
    late = stamp(T0 + 5)
    row = world.row(timestamp=late, data_timestamp=late)
    with pytest.raises(RowWaitsError, match="older than the listing"):
        world.engine.handle(row, again=False)
    assert world.calls() == []
    assert world.all_closed()
    world.source.put("o", T0 + 5, b"fresh")
    world.engine.handle(row, again=True)
    assert world.at_remote() == b"fresh"


def test_stale_first_answer_makes_every_replica_be_asked():
    world = World()
    world.source.put("o", T0, b"stale")
    world.source.put("o", T0 + 5, b"fresh")
    world.source.script = [0]
    world.handle()
    assert world.at_remote() == b"fresh"
    assert [call[2] for call in world.source.calls] == [False, True]
    assert world.all_closed()


def test_case_17_fresh_head_and_stale_get_is_not_a_stale_copy():
    world = World()
    world.source.put("o", T0, b"stale")
    world.source.put("o", T0 + 5, b"fresh")
    world.put_remote(b"other", T0 - 1)
    world.source.script = [-1, 0]
    world.handle(again=True)
    assert world.at_remote() == b"fresh"


def test_case_18_listed_object_that_no_replica_has_waits():
    world = World()
    world.source.put("o", T0, b"x")
    row = world.row()
    world.source.versions["o"].clear()
    with pytest.raises(RowWaitsError, match="no replica"):
        world.engine.handle(row, again=False)
    with pytest.raises(RowWaitsError, match="no replica"):
        world.engine.handle(row, again=True)


def test_retry_that_meets_another_version_starts_over_with_the_newest():
    world = World(faults=[Fault(op="put_object", truncate=2)])
    world.faulty = RetryLayer(
        world.faulty,
        sleep=lambda _seconds: None,
        logger=LOG,
    )
    world.engine = world.new_engine()
    world.source.put("o", T0, b"first version")
    row = world.row()

    def overwrite(op, _name, _newest):
        if len(world.source.calls) == 2 and op == "open":
            world.source.put("o", T0 + 1, b"second")

    world.source.on_read = overwrite
    world.engine.handle(row, again=False)
    assert world.at_remote() == b"second"
    assert world.stamp() == stamp(T0 + 1)
    assert world.all_closed()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    "kind", [k for k in LocalKind if k is not LocalKind.PLAIN]
)
def test_what_is_no_plain_object_is_skipped_and_not_copied(kind, again):
    world = World()
    world.source.put("o", T0, b"manifest", kind=kind)
    with pytest.raises(RowSkippedError, match="not handled"):
        world.handle(again=again)
    assert world.at_remote() is None
    assert world.all_closed()


def test_plain_copy_is_kept_when_the_object_becomes_a_large_one():
    world = World()
    world.put_remote(b"12345678", T0)
    world.source.put("o", T0 + 1, b"manifest", kind=LocalKind.SLO)
    with pytest.raises(RowSkippedError):
        world.handle(again=True)
    assert world.at_remote() == b"12345678"


# -- races -------------------------------------------------------------------


def test_create_race_lost_to_an_older_version_ends_with_ours():
    world = World()
    world.source.put("o", T0 + 1, b"ours")
    world.hooks.before["put_object"] = lambda: world.put_remote(b"old", T0)
    world.handle()
    assert world.at_remote() == b"ours"


def test_create_race_lost_to_a_newer_version_leaves_it():
    world = World()
    world.source.put("o", T0, b"ours")
    world.hooks.before["put_object"] = lambda: world.put_remote(b"new", T0 + 1)
    world.handle()
    assert world.at_remote() == b"new"
    assert world.recorder.figures().others == {"remote newer": 1}


def test_create_race_lost_to_our_own_lost_answer_is_settled():
    world = World(
        faults=[Fault(op="put_object", error=ServiceUnavailable, after=True)]
    )
    world.faulty = RetryLayer(
        world.faulty,
        sleep=lambda _seconds: None,
        logger=LOG,
    )
    world.engine = world.new_engine()
    world.source.put("o", T0, b"ours")
    world.handle()
    assert world.at_remote() == b"ours"
    assert world.calls() == ["put_object", "put_object", "head_object"]


def test_replace_race_with_conditions_never_overwrites_the_newer_copy():
    world = World()
    world.put_remote(b"oldest", T0)
    world.source.put("o", T0 + 1, b"ours")
    world.hooks.before["put_object"] = lambda: world.put_remote(b"new", T0 + 2)
    world.handle(again=True)
    assert world.at_remote() == b"new"


def test_condition_that_cannot_tell_two_versions_of_equal_bytes_is_confirmed():
    world = World()
    world.put_remote(b"same", T0)
    world.source.put("o", T0 + 1, b"ours")
    row = world.row()

    def another_node():
        world.source.put("o", T0 + 2, b"same")
        world.put_remote(b"same", T0 + 2)

    world.hooks.before["put_object"] = another_node
    with pytest.raises(RowWaitsError, match="changed while"):
        world.engine.handle(row, again=True)
    world.engine.handle(row, again=True)
    assert world.at_remote() == b"same"
    assert world.stamp() == stamp(T0 + 2)


@pytest.mark.parametrize("there", [True, False])
def test_race_without_conditions_ends_with_the_newest_in_the_end(there):
    world = World(conditional_put=False, conditional_replace=False)
    if there:
        world.put_remote(b"oldest", T0)
    world.source.put("o", T0 + 1, b"ours")
    row = world.row()

    def another_node():
        # It has copied a newer version while our write was under way.
        world.source.put("o", T0 + 2, b"newest")
        world.put_remote(b"newest", T0 + 2)

    world.hooks.before["put_object"] = another_node
    with pytest.raises(RowWaitsError, match="changed while"):
        world.engine.handle(row, again=True)
    assert world.at_remote() == b"ours", "else this proves nothing"
    world.engine.handle(row, again=True)
    assert world.at_remote() == b"newest"
    assert world.stamp() == stamp(T0 + 2)


def test_late_write_is_noticed_though_the_first_replica_lags():
    world = World(conditional_put=False, conditional_replace=False)
    world.source.put("o", T0 + 1, b"ours")
    row = world.row()
    world.hooks.before["put_object"] = lambda: world.source.put(
        "o", T0 + 2, b"newest"
    )
    world.source.script = [0, 0, 0]
    with pytest.raises(RowWaitsError):
        world.engine.handle(row, again=True)


def test_write_without_conditions_is_confirmed_and_settled():
    world = World(conditional_put=False, conditional_replace=False)
    world.source.put("o", T0, b"ours")
    world.handle()
    assert world.calls() == ["head_object", "put_object"]
    assert world.at_remote() == b"ours"


def test_store_without_conditions_keeps_a_copy_that_is_newer():
    world = World(conditional_put=False, conditional_replace=False)
    world.put_remote(b"newer", T0 + 9)
    world.source.put("o", T0, b"older")
    world.handle()
    assert world.at_remote() == b"newer"
    assert world.calls() == ["head_object"]


def test_store_with_opaque_etags_never_gets_a_label_without_its_bytes():
    world = World(etag_is_md5=False)
    world.put_remote(b"old", T0)
    world.source.put("o", T0, b"old")
    world.source.put("o", T0 + 1, b"old", metadata=(("a", "1"),))
    world.handle(again=True, data_timestamp=stamp(T0))
    assert "post_object" not in world.calls()
    assert world.stamp() == stamp(T0 + 1)


def test_post_that_may_have_labelled_newer_bytes_is_noticed():
    world = World()
    world.put_remote(b"old", T0)
    world.source.put("o", T0, b"old")
    world.source.put("o", T0 + 1, b"old", metadata=(("a", "1"),))
    row = world.row(data_timestamp=stamp(T0))

    def another_node():
        world.source.put("o", T0 + 2, b"new")
        world.put_remote(b"new", T0 + 2)

    world.hooks.before["post_object"] = another_node
    with pytest.raises(RowWaitsError, match="changed while"):
        world.engine.handle(row, again=True)
    world.engine.handle(row, again=True)
    assert world.at_remote() == b"new"
    assert world.stamp() == stamp(T0 + 2)


def test_post_to_a_copy_that_was_just_deleted_waits():
    world = World()
    world.put_remote(b"old", T0)
    world.source.put("o", T0 + 1, b"old", metadata=(("a", "1"),))
    world.hooks.before["post_object"] = world.objects.clear
    with pytest.raises(RowWaitsError, match="changed just now"):
        world.handle(data_timestamp=stamp(T0))
    world.handle(again=True, data_timestamp=stamp(T0))
    assert world.at_remote() == b"old"


def test_key_that_somebody_keeps_writing_is_put_off():
    world = World()
    world.source.put("o", T0 + 100, b"ours")
    data = iter(range(100))

    class Busy(FaultyLayer):
        def around(self, method, /, *args, **kwargs):
            if method.__name__ == "put_object":
                world.put_remote(b"%d" % next(data), T0)
            return method(*args, **kwargs)

    world.faulty = Busy(world.memory)
    with pytest.raises(RowWaitsError, match="keeps writing"):
        world.new_engine().handle(world.row(), again=False)


# -- deletions ---------------------------------------------------------------


def test_case_21_deletion_is_propagated():
    world = World()
    world.put_remote(b"x", T0)
    world.source.put("o", T0)
    world.source.delete("o", T0 + 1)
    world.handle()
    assert world.at_remote() is None
    assert world.calls() == ["head_object", "delete_object"]
    assert world.recorder.figures().deleted == 1


def test_case_22_deletion_is_not_propagated_if_the_operator_says_so():
    world = World(policy=SyncPolicy(propagate_delete=False))
    world.put_remote(b"x", T0)
    world.source.delete("o", T0 + 1)
    world.handle()
    assert world.at_remote() == b"x"
    assert world.calls() == []
    assert world.source.calls == []


def test_case_23_deletion_of_what_is_gone_succeeds_without_a_local_look():
    world = World()
    world.source.delete("o", T0)
    world.handle()
    assert world.calls() == ["head_object"]
    assert world.source.calls == []
    assert world.recorder.figures().deleted == 1


def test_case_27_old_tombstone_of_a_revived_object_is_superseded():
    world = World()
    world.source.delete("o", T0)
    row = world.row()
    world.source.put("o", T0 + 1, b"again")
    world.put_remote(b"again")  # without a stamp: only the local look saves
    world.engine.handle(row, again=False)
    assert world.at_remote() == b"again"
    assert world.recorder.figures().others == {"delete superseded": 1}


def test_tombstone_leaves_a_newer_copy_whose_object_is_gone_too():
    world = World()
    world.put_remote(b"newer", T0 + 5)
    world.source.delete("o", T0)
    world.handle()
    assert world.at_remote() == b"newer"


def revive(world):
    world.put_remote(b"old", T0)
    world.source.delete("o", T0 + 1)
    row = world.row(policy_index=7)

    def another_node():
        world.source.put("o", T0 + 2, b"revived")
        world.put_remote(b"revived", T0 + 2)

    world.hooks.before["delete_object"] = another_node
    return row


def test_object_that_was_written_during_the_delete_is_put_back():
    world = World()
    row = revive(world)
    world.engine.handle(row, again=False)
    assert world.at_remote() == b"revived"
    assert world.stamp() == stamp(T0 + 2)
    assert world.all_closed()
    assert 7 not in world.source.policies, "the tombstone's policy"


def test_object_that_could_not_be_put_back_is_put_back_by_the_retry():
    world = World()
    row = revive(world)
    world.source.cuts["o"] = [1]
    with pytest.raises(SourceError):
        world.engine.handle(row, again=False)
    assert world.at_remote() is None
    world.engine.handle(row, again=True)
    assert world.at_remote() == b"revived"


def test_case_21_deletion_of_a_large_object_takes_its_manifest_along():
    world = World()
    world.put_remote(b"x", metadata={"x-static-large-object": "True"})
    manifest = LAYOUT.manifest_key("o")
    world.memory.put_object(manifest, BytesBody(b"[]"), bucket="b")
    world.source.delete("o", T0)
    world.handle()
    assert world.objects == {}


def test_plain_object_that_replaces_a_large_one_drops_its_manifest():
    world = World()
    world.put_remote(b"x", metadata={"x-static-large-object": "True"})
    manifest = LAYOUT.manifest_key("o")
    world.memory.put_object(manifest, BytesBody(b"[]"), bucket="b")
    world.source.put("o", T0, b"plain now")
    world.handle(again=True)
    assert world.objects.keys() == {LAYOUT.key("o")}


def test_large_object_on_a_store_with_plain_keys_is_left_and_reported():
    world = World(key_scheme=KeyScheme.PLAIN)
    world.put_remote(b"x", metadata={"x-object-manifest": "s/p"})
    world.source.delete("o", T0)
    with pytest.raises(RowSkippedError, match="leaves it"):
        world.handle()
    assert world.at_remote() == b"x"


def test_case_28_excluded_names_are_left_alone_live_or_deleted():
    policy = SyncPolicy(exclude=re.compile("tmp/"))
    world = World(policy=policy)
    world.source.put("tmp/a", T0)
    world.source.delete("tmp/b", T0)
    world.source.put("not-tmp/c", T0)
    world.handle("tmp/a")
    world.handle("tmp/b")
    assert world.calls() == []
    assert world.source.calls == []
    world.handle("not-tmp/c")
    assert world.at_remote("not-tmp/c") == b"x"


# -- outages -----------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("x"), InvalidRequest("x")])
def test_rows_own_error_is_no_outage_and_is_not_probed(error):
    world = World()
    world.memory.store.down = True
    assert world.engine.outage(error) is None


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailable("x"),
        ConnectionFailed("x"),
        Unauthenticated("x"),
        BucketNotFound("x"),
    ],
)
def test_store_that_answers_the_probe_is_up(error):
    world = World()
    assert world.engine.outage(error) is None
    assert world.calls() == ["head_bucket"]
    world.memory.store.down = True
    assert "down" in world.engine.outage(error)


def test_missing_bucket_is_an_outage():
    world = World()
    world.memory.store.buckets.clear()
    world.source.put("o", T0)
    with pytest.raises(BucketNotFound) as caught:
        world.handle()
    assert world.engine.outage(caught.value)


def test_one_refused_key_is_no_outage_while_others_succeed():
    world = World(faults=[Fault(op="head_bucket", error=PermissionDenied)])
    refused = PermissionDenied("this key")
    world.source.put("o", T0)
    world.handle()
    assert world.engine.outage(refused) is None


def test_everything_refused_is_an_outage():
    world = World(faults=[Fault(op="head_bucket", error=PermissionDenied)])
    assert world.engine.outage(PermissionDenied("this key"))


# -- remote containers that we make ------------------------------------------


class Preparing:
    """Makes the bucket; counts."""

    def __init__(self):
        self.world = None
        self.ready = False
        self.made = 0

    def __call__(self):
        if not self.ready:
            self.ready = True
            self.made += self.world.memory.create_bucket("b")

    def forget(self):
        self.ready = False


@pytest.fixture
def made():
    preparing = Preparing()
    world = World(prepare=preparing)
    preparing.world = world
    world.memory.store.buckets.clear()
    return world, preparing


def test_remote_container_is_made_before_the_first_copy(made):
    world, preparing = made
    world.source.put("o", T0)
    world.source.put("p", T0)
    world.handle("o")
    world.handle("p")
    assert preparing.made == 1
    assert world.at_remote("p") == b"x"


def test_remote_container_that_vanished_is_made_again(made):
    world, preparing = made
    world.source.put("o", T0)
    world.handle()
    world.memory.store.buckets.clear()
    with pytest.raises(BucketNotFound) as caught:
        world.handle()
    assert world.engine.outage(caught.value) is None, "others go on"
    world.handle(again=True)
    assert world.at_remote() == b"x"
    world.memory.store.buckets.clear()
    with pytest.raises(BucketNotFound):
        world.handle(again=True)
    world.handle(again=True)
    assert preparing.made == 3


def test_deletion_in_a_container_that_was_never_made_succeeds(made):
    world, preparing = made
    world.source.delete("o", T0)
    world.handle()
    assert preparing.made == 0


def test_local_cluster_that_gives_nothing_is_an_outage_not_many_failures():
    world = World()
    world.source.put("o", T0, b"data")
    row = world.row()
    world.source.broken = SourceError("local GET answered 503")
    reasons = []
    for _ in range(25):
        with pytest.raises(SourceError) as caught:
            world.engine.handle(row, again=False)
        reasons.append(world.engine.outage(caught.value))
    assert reasons[0] is None
    assert "local cluster" in reasons[-1]
    world.source.broken = None
    world.engine.handle(row, again=False)
    assert world.engine.outage(SourceError("one object")) is None


def test_rows_that_are_tried_again_do_not_tell_of_the_cluster():
    world = World()
    world.source.put("o", T0, b"data")
    row = world.row()
    world.source.broken = SourceError("rotten")
    for _ in range(25):
        with pytest.raises(SourceError) as caught:
            world.engine.handle(row, again=True)
        assert world.engine.outage(caught.value) is None


@pytest.mark.parametrize("deleted", [False, True])
def test_t_12_object_at_a_manifests_key_is_skipped(deleted):
    """A large object's manifest would overwrite its only copy."""
    world = World(large_objects=False)
    layout = dataclasses.replace(
        LAYOUT, root="p/", manifest_root="p/.manifests/"
    )
    world.engine = SyncEngine(
        world.faulty,
        world.faulty,
        layout,
        world.source,
        SyncPolicy(),
        world.recorder,
    )
    name = layout.name(layout.manifest_key("slo"))
    world.source.put(name, T0, b"mine")
    if deleted:
        world.source.delete(name, T0 + 1)
    with pytest.raises(RowSkippedError, match="manifest"):
        world.handle(name)
    assert world.calls() == []
