# SPDX-License-Identifier: Apache-2.0
"""Large objects to a store that makes one object of many parts."""

import dataclasses
import hashlib
import itertools

import pytest
from servers.engine_world import T0
from servers.fake_source import stamp
from servers.large_world import KEY, S3_LIKE, LargeWorld

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import (
    BytesBody,
    ConnectionFailed,
    IntegrityError,
    MultipartUpload,
    NotSupported,
    ObjectCopy,
    ObjectNotFound,
    PermissionDenied,
    PutResult,
    ServiceUnavailable,
)
from onespace_core.swift.source import SourceError
from onespace_core.sync.engine import SyncPolicy
from onespace_core.sync.parts import etag_of
from onespace_core.sync.stamp import STAMP

A, B, C = b"a" * 10, b"b" * 12, b"c" * 3
MARK = "x-static-large-object"
DAY = 86400


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def make(tmp_path):
    made = []

    def build(**changes):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        world = LargeWorld(folder, **changes)
        world.put_segments(a=A, b=B, c=C)
        made.append(world)
        return world

    yield build
    for world in made:
        world.state.close()


@pytest.fixture
def world(make):
    return make()


@pytest.fixture
def slo(world):
    """A world whose SLO ``o`` was copied."""
    world.put_slo(metadata=(("color", "Blü"),))
    world.handle()
    world.sent()
    return world


def assert_whole(world, data=A + B + C, seconds=T0, name="o"):
    """Check a copy with all that belongs to it, and nothing else."""
    assert world.at_remote(name) == data
    assert world.stamp(name) == stamp(seconds)
    assert world.info(name).metadata[MARK] == "True"
    info, raw = world.manifest(name)
    assert raw == world.source.versions[name][-1].data
    assert info.content_type == "application/json"
    assert info.metadata[STAMP] == world.info(name).metadata[STAMP]
    assert world.open_there() == []
    assert world.noted() == []
    for source in (world.source, world.segments):
        assert all(reader.closed for reader in source.opened)


# -- put ---------------------------------------------------------------------


def test_case_46_slo_is_one_object_with_1space_s_etag_and_a_manifest(world):
    world.put_slo(metadata=(("color", "Blü"),))
    world.handle()
    assert_whole(world)
    assert world.info().etag == etag_of([md5(A), md5(B), md5(C)])
    assert world.info().metadata["color"] == "Blü"
    assert world.info().content_type == "text/plain"
    assert world.sent() == [
        "start_upload",
        *["upload_part"] * 3,
        "complete_upload",
        "put_object",
    ]
    assert world.recorder.figures().copied == 1
    assert world.recorder.figures().bytes == len(A + B + C)


def test_slo_of_one_segment_keeps_the_rule_of_the_etag(world):
    world.put_slo(segments="c")
    world.handle()
    assert_whole(world, C)
    assert world.info().etag == etag_of([md5(C)])


def test_segment_that_is_too_small_goes_with_its_neighbour(world):
    world.put_slo(segments="aca")
    world.handle()
    assert_whole(world, A + C + A)
    assert world.info().etag == etag_of([md5(A + C), md5(A)])
    world.sent()
    world.handle(again=True)
    assert world.sent() == []


def test_ranges_are_copied_as_they_are(world):
    pieces = [world.segments.piece("b", 1, 9), world.segments.piece("a", 3)]
    world.source.put_slo("o", T0, *pieces)
    world.handle()
    assert_whole(world, B[1:10] + A[3:])
    assert sorted(world.segments.spans) == [(1, 9), (3, 9)]


def test_upload_is_noted_before_it_has_a_part(world):
    world.put_slo()
    seen = []
    world.wire.before = lambda op, _args: seen.append((op, world.noted()))
    world.handle()
    noted = dict(reversed(seen))
    assert noted["start_upload"] == []
    (upload,) = noted["upload_part"]
    assert upload.key == world.layout.key("o")
    assert upload.bucket == "b"
    assert upload.parts == ()
    assert len(noted["complete_upload"][0].parts) == 3
    assert noted["put_object"], "the manifest is written before it is dropped"


def test_large_plain_object_is_cut_and_has_no_mark(world):
    data = bytes(range(40))
    world.source.put("o", T0, data)
    world.handle(policy_index=2)
    assert world.at_remote() == data
    assert world.info().etag.endswith("-3")
    assert MARK not in world.info().metadata
    assert world.manifest() is None
    assert world.noted() == []
    assert set(world.source.policies) == {2, None}
    world.sent()
    world.handle(again=True)
    assert world.sent() == []


def test_dlo_is_flattened_without_a_mark(world):
    # Not even with a mark that its owner wrote.
    spoof = ((MARK, "True"), ("x-object-manifest", "segs/"))
    world.source.put_dlo("o", T0, "segs", "", metadata=spoof)
    world.handle()
    assert world.at_remote() == A + B + C
    assert not {MARK, "x-object-manifest"} & set(world.info().metadata)
    assert world.manifest() is None
    world.sent()
    world.handle(again=True)
    assert world.sent() == []


def test_case_67_empty_dlo_is_an_empty_object(world):
    world.source.put_dlo("o", T0, "segs", "nothing/")
    world.handle()
    assert world.at_remote() == b""
    assert world.noted() == []
    world.sent()
    world.handle(again=True)
    assert world.sent() == []


def test_dlo_whose_members_changed_is_sent_anew(world):
    world.source.put_dlo("o", T0, "segs", "")
    world.handle()
    world.put_segments(T0 + 1, b=b"B" * 12)
    world.handle(again=True)
    assert world.at_remote() == A + b"B" * 12 + C


def test_overwritten_slo_is_replaced_with_its_manifest(slo):
    slo.put_segments(T0 + 1, a=b"A" * 10)
    slo.put_slo(seconds=T0 + 1)
    slo.handle()
    assert_whole(slo, b"A" * 10 + B + C, T0 + 1)


@pytest.mark.parametrize("prefix", ["", "a"])
def test_manifest_goes_when_a_dlo_replaces_the_slo(slo, prefix):
    # With the same bytes it is but another label.
    slo.source.put_dlo("o", T0 + 1, "segs", prefix)
    slo.handle()
    assert slo.at_remote() == (A if prefix else A + B + C)
    assert MARK not in slo.info().metadata
    assert slo.manifest() is None
    assert slo.noted() == []


def test_manifest_goes_when_a_plain_object_replaces_the_slo(slo):
    slo.source.put("o", T0 + 1, b"plain")
    slo.handle()
    assert slo.at_remote() == b"plain"
    assert slo.manifest() is None


# -- what is there already ---------------------------------------------------


def test_case_47_unchanged_slo_costs_reads_only(slo):
    slo.handle(again=True)
    assert slo.sent() == []
    assert slo.recorder.figures().copied == 1


def test_copy_of_1space_s_is_found_again_by_its_etag(slo):
    info, data = slo.objects[slo.layout.key("o")]
    bare = {k: v for k, v in info.metadata.items() if k != STAMP}
    key = slo.layout.key("o")
    slo.objects[key] = (dataclasses.replace(info, metadata=bare), data)
    slo.segments.calls.clear()
    slo.handle(again=True)
    assert_whole(slo)
    assert "upload_part" not in slo.sent()
    assert slo.segments.calls == []


def test_trap_16_missing_manifest_is_written_on_the_next_visit(slo):
    del slo.objects[slo.layout.manifest_key("o")]
    slo.handle(again=True)
    assert slo.sent() == ["put_object"]
    assert_whole(slo)


def test_manifest_of_another_version_is_replaced(slo):
    key = slo.layout.manifest_key("o")
    slo.memory.put_object(key, BytesBody(b"[]"), metadata={STAMP: "other"})
    slo.handle(again=True)
    assert_whole(slo)


# -- relabel -----------------------------------------------------------------


def test_case_47_changed_metadata_moves_no_byte_and_keeps_the_etag(slo):
    before = slo.info().etag
    slo.segments.calls.clear()
    slo.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    slo.handle()
    assert_whole(slo, seconds=T0 + 1)
    assert slo.info().etag == before
    assert slo.info().metadata["color"] == "Red"
    assert slo.segments.calls == []
    assert slo.sent() == [
        "start_upload",
        *["copy_part"] * 3,
        "complete_upload",
        "put_object",
    ]


@pytest.mark.parametrize("op", ["copy_part", "complete_upload"])
def test_trap_17_failed_relabel_is_aborted(slo, op):
    slo.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    slo.wire.fail(op, ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        slo.handle()
    assert slo.open_there() == []
    assert slo.noted() == []
    assert slo.info().metadata["color"] == "Blü"
    slo.handle(again=True)
    assert_whole(slo, seconds=T0 + 1)


def test_relabel_never_labels_bytes_of_somebody_else(slo):
    slo.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))

    def overwrite(op, _args):
        if op == "copy_part":
            slo.wire.before = lambda _op, _args: None
            slo.put_remote(b"newer", T0 + 2)

    slo.wire.before = overwrite
    slo.handle()
    assert slo.at_remote() == b"newer"
    assert slo.open_there() == []


def test_relabel_that_the_store_cannot_do_with_a_key_writes_it_anew(slo):
    slo.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    slo.wire.fail("copy_part", NotSupported, times=3)
    slo.handle()
    assert_whole(slo, seconds=T0 + 1)
    assert slo.info().metadata["color"] == "Red"


def test_relabel_without_part_copy_is_one_copy(make):
    world = make(part_copy=False)
    world.put_slo()
    world.handle()
    world.sent()
    world.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    world.handle()
    assert world.sent() == ["copy_object", "put_object"]
    assert_whole(world, seconds=T0 + 1)
    world.handle(again=True)
    assert world.sent() == []


def test_relabel_of_what_is_too_large_for_a_copy_writes_it_anew(make):
    world = make(part_copy=False, max_object_size=300)
    world.put_segments(x=b"x" * 200, y=b"y" * 200)
    world.put_slo(segments="xy")
    world.handle()
    world.put_slo(seconds=T0 + 1, segments="xy", metadata=(("color", "Red"),))
    world.sent()
    world.handle()
    assert world.sent().count("upload_part") == 2
    assert_whole(world, b"x" * 200 + b"y" * 200, T0 + 1)
    assert world.info().metadata["color"] == "Red"


def test_relabel_in_place_where_the_store_can(make):
    world = make(metadata_post=True, part_copy=True)
    world.put_slo()
    world.handle()
    world.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    world.sent()
    world.handle()
    assert world.sent() == ["post_object", "put_object"]
    assert_whole(world, seconds=T0 + 1)


# -- failures ----------------------------------------------------------------


def test_case_50_part_that_fails_leaves_no_half_object(make):
    one = SyncPolicy(part_size=16, part_workers=1)
    world = make(policy=one)
    world.put_slo()
    world.wire.fail("upload_part", ServiceUnavailable, number=2)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    assert world.sent() == ["start_upload", "upload_part", "upload_part"]
    assert world.at_remote() is None
    assert [n for n, _size, _md5 in world.noted()[0].parts] == [1]
    world.handle(again=True)
    assert world.sent() == [
        "list_parts",
        *["upload_part"] * 2,
        "complete_upload",
        "put_object",
    ]
    assert_whole(world)


def test_parts_that_run_beside_a_failure_are_kept(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=3))
    world.put_slo()
    world.wire.fail("upload_part", ServiceUnavailable, number=1)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    numbers = [n for n, _size, _md5 in world.noted()[0].parts]
    world.sent()
    world.handle(again=True)
    assert world.sent().count("upload_part") == 3 - len(numbers)
    assert_whole(world)


@pytest.mark.parametrize(
    "op", ["start_upload", "list_parts", "complete_upload", "put_object"]
)
@pytest.mark.parametrize("done", [False, True])
def test_any_request_may_fail_or_lose_its_answer(make, op, done):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo()
    world.wire.fail("upload_part", ServiceUnavailable, number=3)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    if op == "start_upload":
        world.state.drop_upload(*_only(world))
    world.wire.before = world.wire.after = lambda _op, _args: None
    world.wire.fail(op, ConnectionFailed, done=done)
    with pytest.raises(ConnectionFailed):
        world.handle(again=True)
    world.handle(again=True)
    assert world.at_remote() == A + B + C
    assert world.manifest() is not None
    assert world.noted() == []


def _only(world):
    (upload,) = world.noted()
    return KEY, upload.name, upload.upload_id


def test_case_51_manifest_that_failed_is_written_on_the_next_visit(world):
    world.put_slo()
    world.wire.fail("put_object", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    assert world.at_remote() == A + B + C
    assert world.manifest() is None
    world.sent()
    world.handle(again=True)
    assert world.sent() == ["abort_upload", "put_object"]
    assert_whole(world)


@pytest.mark.parametrize("conditional", [True, False])
def test_complete_whose_answer_was_lost_is_recognised(make, conditional):
    # The retry layer asks again, and hears that there is no such upload.
    world = make(conditional_put=conditional, retries=True)
    world.put_slo()
    world.wire.fail("complete_upload", ConnectionFailed, done=True)
    world.handle()
    assert_whole(world)
    assert world.sent().count("complete_upload") == 2
    assert world.recorder.figures().copied == 1


def test_part_is_tried_again_as_a_part(make):
    world = make(retries=True)
    world.put_slo()
    world.wire.fail("upload_part", ServiceUnavailable, times=2)
    world.handle()
    assert_whole(world)
    assert world.sent().count("upload_part") == 5
    assert world.sent().count("start_upload") == 0


def test_condition_that_another_node_s_same_copy_breaks_is_no_failure(world):
    world.put_slo()

    def overtake(op, args):
        if op == "complete_upload":
            world.wire.before = lambda _op, _args: None
            upload = world.memory.store.buckets["b"].uploads[args[1]]
            world.memory.put_object(
                args[0],
                BytesBody(A + B + C),
                metadata=upload.metadata,
                content_type=upload.content_type,
            )

    world.wire.before = overtake
    world.handle()
    assert_whole(world)


@pytest.mark.parametrize("claims", [True, False])
def test_store_without_conditions_on_complete_is_looked_at_last(make, claims):
    world = make(conditional_put=claims)
    real = world.memory.complete_upload

    def complete(*args, conditions=None, **kwargs):
        if conditions is not None:
            raise NotSupported("not here")
        return real(*args, **kwargs)

    world.memory.complete_upload = complete
    world.put_slo()
    world.handle()
    assert_whole(world)
    asked = [op for op in world.wire.requests if op != "upload_part"]
    assert asked[-3:] == ["head_object", "complete_upload", "put_object"]
    world.put_slo(seconds=T0 + 1, segments="ba")

    def overwrite(op, _args):
        if op == "upload_part":
            world.wire.before = lambda _op, _args: None
            world.put_remote(b"newer", T0 + 2)

    world.wire.before = overwrite
    world.handle()
    assert world.at_remote() == b"newer"


def test_upload_that_somebody_aborted_begins_anew(world):
    world.put_slo()

    def abort(op, args):
        if op == "complete_upload":
            world.wire.before = lambda _op, _args: None
            world.memory.abort_upload(args[0], args[1])

    world.wire.before = abort
    with pytest.raises(ObjectNotFound):
        world.handle()
    assert world.noted() == []
    assert world.at_remote() is None
    world.handle(again=True)
    assert_whole(world)


def test_object_that_somebody_wrote_meanwhile_is_not_replaced(world):
    world.put_slo()

    def overwrite(op, _args):
        if op == "complete_upload":
            world.wire.before = lambda _op, _args: None
            world.put_remote(b"newer", T0 + 2)

    world.wire.before = overwrite
    world.handle()
    assert world.at_remote() == b"newer"
    assert world.manifest() is None
    assert world.recorder.figures().others["remote newer"] == 1


def test_older_copy_that_came_between_is_replaced_without_sending_again(
    world,
):
    world.put_slo()

    def overwrite(op, _args):
        if op == "complete_upload":
            world.wire.before = lambda _op, _args: None
            world.put_remote(b"older", T0 - 2)

    world.wire.before = overwrite
    world.handle()
    assert_whole(world)
    assert world.sent().count("upload_part") == 3


def test_wrong_bytes_of_a_part_are_noticed_and_sent_again(world):
    world.put_slo(segments="ca")
    spoiled = [b"wrong bytes!!"]

    def spoil(op, args):
        if op == "upload_part" and spoiled:
            upload = world.memory.store.buckets["b"].uploads[args[1]]
            part, _data = upload.parts[args[2]]
            data = spoiled.pop()
            etag = md5(data)
            upload.parts[args[2]] = (
                dataclasses.replace(part, etag=etag),
                data,
            )

    # The answer tells of the wrong one as well.
    world.wire.after = spoil
    real = world.memory.upload_part
    world.memory.upload_part = lambda *args, **kw: dataclasses.replace(
        real(*args, **kw), **({"etag": "0" * 32} if spoiled else {})
    )
    with pytest.raises(IntegrityError):
        world.handle()
    assert world.at_remote() is None
    world.handle(again=True)
    assert_whole(world, C + A)


@pytest.mark.parametrize("claims", [True, False])
def test_object_that_is_not_what_it_says_is_deleted(make, claims):
    world = make(etag_is_md5=claims)
    world.put_slo()
    real = world.memory.complete_upload

    def short(*args, **kwargs):
        real(*args, **kwargs)
        info, data = world.objects[world.layout.key("o")]
        world.objects[world.layout.key("o")] = (
            dataclasses.replace(info, size=3, etag="0" * 32 + "-3"),
            data[:3],
        )
        return PutResult(etag="0" * 32 + "-3")

    world.memory.complete_upload = short
    with pytest.raises(IntegrityError, match="they were deleted"):
        world.handle()
    assert world.at_remote() is None
    world.memory.complete_upload = real
    world.handle(again=True)
    assert_whole(world)


def test_store_whose_etags_say_nothing_is_asked_for_the_size(make):
    world = make(etag_is_md5=False)
    world.put_slo()
    world.handle()
    assert_whole(world)
    assert world.wire.requests[-2:] == ["head_object", "put_object"]
    world.sent()
    world.handle(again=True)
    assert world.sent() == []


def test_segment_that_cannot_be_read_is_the_cluster_s_error(world):
    world.put_slo()
    world.segments.errors["open", "b"] = [SourceError("no answer")] * 2
    with pytest.raises(SourceError, match="no answer"):
        world.handle()
    assert world.at_remote() is None
    assert len(world.noted()) == 1


@pytest.mark.parametrize("op", ["upload_part", "put_object"])
def test_provider_s_words_for_a_failed_read_are_not_what_is_told(make, op):
    parts = op == "upload_part"
    world = make(protocols=S3_LIKE if parts else S3_LIKE - {MultipartUpload})
    real = getattr(world.memory, op)

    def wrapped(*args, **kwargs):
        try:
            return real(*args, **kwargs)
        except SourceError as exc:
            raise ConnectionFailed("it broke") from exc

    setattr(world.memory, op, wrapped)
    world.put_slo()
    world.segments.errors["open", "b"] = [SourceError("no answer")]
    with pytest.raises(SourceError, match="no answer"):
        world.handle()


# -- versions ----------------------------------------------------------------


def test_parts_of_two_versions_never_mix(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo()
    world.wire.fail("upload_part", ServiceUnavailable, number=3)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    (old,) = world.noted()
    world.put_segments(T0 + 1, b=b"B" * 12)
    world.put_slo(seconds=T0 + 1)
    world.sent()
    world.handle()
    assert world.sent()[:3] == ["abort_upload", "start_upload", "upload_part"]
    assert_whole(world, A + b"B" * 12 + C, T0 + 1)
    assert old not in world.noted()


def test_segment_that_changes_in_the_middle_stops_the_copy(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo()

    def change(op, args):
        if op == "upload_part" and args[2] == 2:
            world.wire.before = lambda _op, _args: None
            world.put_segments(T0 + 1, b=b"B" * 12)

    world.wire.before = change
    with pytest.raises(RowWaitsError):
        world.handle()
    assert world.at_remote() is None
    # Its manifest is still the local one, and so are the other parts.
    assert len(world.noted()) == 1


def test_upload_is_given_up_where_the_version_changed_meanwhile(make):
    policy = SyncPolicy(part_size=16, part_workers=1, multipart_threshold=32)
    world = make(policy=policy)
    world.source.put("o", T0, bytes(40))

    def change(op, args):
        if op == "upload_part" and args[2] == 2:
            world.wire.before = lambda _op, _args: None
            world.source.put("o", T0 + 1, b"x" * 40)

    world.wire.before = change
    world.handle()
    assert world.at_remote() == b"x" * 40
    assert world.stamp() == stamp(T0 + 1)
    assert world.open_there() == []
    assert world.noted() == []


def test_upload_is_given_up_at_once_if_the_object_is_small_by_now(make):
    policy = SyncPolicy(part_size=16, part_workers=1, multipart_threshold=32)
    world = make(policy=policy)
    world.source.put("o", T0, bytes(40))

    def change(op, args):
        if op == "upload_part" and args[2] == 2:
            world.wire.before = lambda _op, _args: None
            world.source.put("o", T0 + 1, b"small")

    world.wire.before = change
    with pytest.raises(SourceError, match="416"):
        world.handle()
    assert world.open_there() == []
    assert world.noted() == []


def test_same_bytes_with_other_headers_are_another_upload(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo(metadata=(("color", "Blue"),))
    world.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    world.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    world.handle()
    assert_whole(world, seconds=T0 + 1)
    assert world.info().metadata["color"] == "Red"


def test_other_part_size_is_another_upload(make):
    world = make(policy=SyncPolicy(part_size=16, multipart_threshold=32))
    world.source.put("o", T0, bytes(range(40)))
    world.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    world.policy = SyncPolicy(part_size=20, multipart_threshold=32)
    world.start()
    world.handle(again=True)
    assert world.at_remote() == bytes(range(40))
    assert world.info().etag.endswith("-2")
    assert world.open_there() == []


def test_parts_that_were_not_noted_are_known_by_their_md5(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo(segments="baac")
    world.wire.fail("upload_part", ServiceUnavailable, number=3, times=2)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    (upload,) = world.noted()
    # As after a power cut: parts are noted without waiting for the disk.
    world.state.save_upload(
        _only(world)[0], dataclasses.replace(upload, parts=())
    )
    world.sent()
    with pytest.raises(ServiceUnavailable):
        world.handle(again=True)
    assert world.sent() == ["list_parts", "upload_part"]
    world.handle(again=True)
    assert_whole(world, B + A + A + C)


def test_part_that_is_not_the_noted_one_is_sent_again(make):
    world = make(policy=SyncPolicy(part_size=16, part_workers=1))
    world.put_slo(segments="aca")
    world.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle()
    (upload,) = world.noted()
    other = BytesBody(b"wrong bytes, 13")
    world.memory.upload_part(upload.key, upload.upload_id, 2, other)
    world.memory.upload_part(upload.key, upload.upload_id, 7, other)
    world.sent()
    world.handle(again=True)
    assert world.sent() == [
        "list_parts",
        "upload_part",
        "complete_upload",
        "put_object",
    ]
    assert_whole(world, A + C + A)


# -- ends at any point -------------------------------------------------------


def _crashes(world, act, check):
    """End a process at every request, and see that the next one mends it."""
    for number, done in itertools.product(range(1, 40), (False, True)):
        fresh = world()
        act(fresh, None)
        fresh.wire.requests.clear()
        fresh.wire.end_at(number, done=done)
        ended = fresh.wire
        with fresh.ended():
            act(fresh, "again")
        if not ended.dead:
            return number
        act(fresh, "again")
        check(fresh)
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("workers", [1, 3])
def test_ended_at_any_request_the_next_process_completes_it(make, workers):
    def prepared():
        policy = SyncPolicy(part_size=16, part_workers=workers)
        world = make(policy=policy)
        world.put_slo(segments="aca")
        return world

    def act(world, step):
        if step:
            world.handle(again=True)

    def check(world):
        assert world.at_remote() == A + C + A
        assert world.manifest()[1] == world.source.versions["o"][-1].data
        assert world.noted() == []
        # The one whose begin was not noted is found by listing.
        assert len(world.open_there()) <= 1
        for upload in world.open_there():
            assert not upload.parts

    assert _crashes(prepared, act, check) > 5


def test_ended_at_any_request_a_replacement_is_completed(make):
    def prepared():
        world = make(policy=SyncPolicy(part_size=16, part_workers=1))
        world.put_slo()
        world.handle()
        world.source.put_dlo("o", T0 + 1, "segs", "a")
        world.put_segments(T0 + 1, a2=B)
        return world

    def act(world, step):
        if step:
            world.handle(again=True)

    def check(world):
        assert world.at_remote() == A + B
        assert world.stamp() == stamp(T0 + 1)
        assert world.manifest() is None
        assert world.noted() == []

    assert _crashes(prepared, act, check) > 5


def test_ended_at_any_request_a_relabel_is_completed(make):
    def prepared():
        world = make(policy=SyncPolicy(part_size=16, part_workers=1))
        world.put_slo()
        world.handle()
        world.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
        return world

    def act(world, step):
        if step:
            world.handle(again=True)

    def check(world):
        assert world.at_remote() == A + B + C
        assert world.info().metadata["color"] == "Red"
        assert world.manifest()[0].metadata[STAMP].startswith(stamp(T0 + 1))
        assert world.noted() == []
        assert "upload_part" not in world.sent()

    assert _crashes(prepared, act, check) > 5


def test_ended_at_any_request_a_removal_is_completed(make):
    def prepared():
        world = make()
        world.put_slo()
        world.handle()
        world.source.remove("o", T0 + 1)
        return world

    def act(world, step):
        if step:
            world.handle(again=True)

    def check(world):
        assert world.objects == {}

    assert _crashes(prepared, act, check) > 2


# -- removal, and what is stale ----------------------------------------------


def test_removal_takes_copy_manifest_and_open_uploads(slo):
    slo.put_slo(seconds=T0 + 1, segments="ab")
    slo.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        slo.handle()
    slo.source.remove("o", T0 + 2)
    slo.handle()
    assert slo.objects == {}
    assert slo.noted() == []
    assert slo.open_there() == []


def test_store_that_refuses_to_abort_does_not_stop_the_copy(slo):
    slo.put_slo(seconds=T0 + 1, segments="ab")
    slo.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        slo.handle()
    slo.put_slo(seconds=T0 + 2, segments="ba")
    slo.now += 1
    slo.wire.fail("abort_upload", PermissionDenied, times=9)
    slo.handle()
    assert slo.at_remote() == B + A
    assert len(slo.noted()) == 1, "to be aborted another time"
    slo.wire.before = lambda _op, _args: None
    slo.handle(again=True)
    assert slo.noted() == []


def interrupted(world, name="o"):
    world.put_slo(name)
    world.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle(name)
    world.wire.before = lambda _op, _args: None


def test_upload_of_a_live_version_is_kept_until_it_is_old(world):
    interrupted(world)
    assert world.copier.abort_stale(world.now, 7 * DAY) == 0
    assert len(world.noted()) == 1
    world.now += 7 * DAY + 1
    assert world.copier.abort_stale(world.now, 7 * DAY) == 1
    assert world.noted() == []
    assert world.open_there() == []


def test_upload_that_was_gone_on_with_is_young_again(world):
    interrupted(world)
    world.now += 6 * DAY
    world.wire.fail("complete_upload", ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        world.handle(again=True)
    world.now += 6 * DAY
    assert world.copier.abort_stale(world.now, 7 * DAY) == 0


@pytest.mark.parametrize("gone", [True, False])
def test_upload_of_a_version_that_was_replaced_is_stale_at_once(world, gone):
    interrupted(world)
    if gone:
        world.source.remove("o", T0 + 1)
    else:
        world.source.put("o", T0 + 1, b"plain")
    assert world.copier.abort_stale(world.now, 7 * DAY) == 1
    assert world.noted() == []


def test_upload_is_not_stale_because_the_cluster_does_not_answer(world):
    interrupted(world)
    world.source.broken = SourceError("no answer")
    assert world.copier.abort_stale(world.now, 7 * DAY) == 0


def test_upload_that_is_being_sent_is_never_stale(world):
    world.put_slo()
    aborted = []

    def look(op, _args):
        if op == "complete_upload":
            later = world.now + 30 * DAY
            aborted.append(world.copier.abort_stale(later, DAY))

    world.wire.before = look
    world.handle()
    assert aborted == [0]
    assert_whole(world)


def test_uploads_that_are_not_noted_are_found_by_listing(world):
    key = world.layout.key("lost")
    world.memory.start_upload(key)
    world.memory.start_upload("somebody/else")
    begun = world.open_there()[0].started.timestamp()
    assert world.copier.abort_stale(begun + DAY - 1, DAY) == 0
    assert world.copier.abort_stale(begun + DAY + 1, DAY) == 1
    assert [each.key for each in world.open_there()] == ["somebody/else"]


def test_one_that_cannot_be_aborted_does_not_keep_the_others(world):
    interrupted(world, "o")
    interrupted(world, "p")
    world.wire.fail("abort_upload", PermissionDenied)
    world.now += 8 * DAY
    with pytest.raises(PermissionDenied):
        world.copier.abort_stale(world.now, 7 * DAY)
    assert len(world.noted()) == 1
    assert world.copier.abort_stale(world.now, 7 * DAY) == 1


# -- stores without parts ----------------------------------------------------


@pytest.fixture
def flat(make):
    return make(protocols=S3_LIKE - {MultipartUpload, ObjectCopy})


def test_without_parts_it_is_one_put_and_a_manifest(flat):
    flat.put_slo(metadata=(("color", "Blü"),))
    flat.handle()
    assert_whole(flat)
    assert flat.info().etag == md5(A + B + C)
    assert flat.sent() == ["put_object", "put_object"]
    assert flat.recorder.figures().bytes == len(A + B + C)
    flat.handle(again=True)
    assert flat.sent() == []


def test_without_parts_a_large_plain_object_is_verified_by_its_md5(flat):
    flat.source.put("o", T0, bytes(range(40)))
    flat.handle()
    assert flat.at_remote() == bytes(range(40))
    assert MARK not in flat.info().metadata
    flat.sent()
    flat.handle(again=True)
    assert flat.sent() == []


def test_without_parts_a_lost_manifest_comes_back(flat):
    flat.put_slo()
    flat.wire.fail("put_object", ServiceUnavailable, skip=1)
    with pytest.raises(ServiceUnavailable):
        flat.handle()
    flat.handle(again=True)
    assert_whole(flat)


def test_without_parts_a_broken_read_is_the_cluster_s_error(flat):
    flat.put_slo()
    flat.segments.cuts["b"] = [3]
    with pytest.raises(SourceError, match="broke off"):
        flat.handle()
    assert flat.at_remote() is None


def test_without_parts_wrong_bytes_are_deleted(flat):
    flat.put_slo()
    real = flat.memory.put_object

    def spoil(key, *args, **kwargs):
        real(key, *args, **kwargs)
        info, _data = flat.objects[key]
        flat.objects[key] = (dataclasses.replace(info, etag="0" * 32), b"")
        return PutResult()

    flat.memory.put_object = spoil
    with pytest.raises(IntegrityError, match="they were deleted"):
        flat.handle()
    assert flat.at_remote() is None


def test_without_parts_removal_takes_the_manifest_too(flat):
    flat.put_slo()
    flat.handle()
    flat.source.remove("o", T0 + 1)
    flat.handle()
    assert flat.objects == {}


def test_without_parts_relabel_moves_no_byte_if_the_store_copies(make):
    world = make(protocols=S3_LIKE - {MultipartUpload}, part_copy=False)
    world.put_slo()
    world.handle()
    world.put_slo(seconds=T0 + 1, metadata=(("color", "Red"),))
    world.sent()
    world.handle()
    assert world.sent() == ["copy_object", "put_object"]
    assert_whole(world, seconds=T0 + 1)
