# SPDX-License-Identifier: Apache-2.0
import dataclasses
import logging

import pytest

from onespace_core.state import ContainerKey, Cursor, StateStore, Upload

KEY = ContainerKey("m", "AUTH_test", "c")
OTHER = ContainerKey("m2", "AUTH_test", "c")
LOG = logging.getLogger("test")
UPLOAD = Upload("x", "v1", "pre/x", "id1", 100.0, ((1, 5, "m1"),), "bucket")


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


def add(store, number, *, upload_id="id1", md5=None):
    store.add_part(
        KEY, "x", upload_id, number=number, size=5, md5=md5 or f"m{number}"
    )


def test_upload_survives_a_restart_with_its_parts_in_order(store):
    assert store.open_upload(KEY, "x") is None
    store.save_upload(KEY, UPLOAD)
    for number in (3, 2, 10):
        add(store, number)
    store.close()
    again = StateStore(store.path, LOG)
    found = again.open_upload(KEY, "x")
    assert [part[0] for part in found.parts] == [1, 2, 3, 10]
    assert dataclasses.replace(found, parts=UPLOAD.parts) == UPLOAD
    assert again.open_upload(OTHER, "x") is None
    again.close()


def test_part_that_is_sent_again_replaces_the_former(store):
    store.save_upload(KEY, UPLOAD)
    add(store, 1, md5="other")
    assert store.open_upload(KEY, "x").parts == ((1, 5, "other"),)


def test_part_of_an_upload_that_was_dropped_is_not_kept(store):
    store.save_upload(KEY, UPLOAD)
    store.drop_upload(KEY, "x", "id1")
    add(store, 2)
    assert store.open_upload(KEY, "x") is None
    assert store._execute("SELECT * FROM part") == []


def test_parts_of_a_dropped_upload_are_not_those_of_the_next(store):
    store.save_upload(KEY, UPLOAD)
    store.drop_upload(KEY, "x", "id1")
    store.save_upload(KEY, dataclasses.replace(UPLOAD, parts=()))
    assert store.open_upload(KEY, "x").parts == ()


def test_another_upload_of_the_name_is_not_lost_sight_of(store):
    """A policy that changed begins a new one; the old has to be aborted."""
    store.save_upload(KEY, UPLOAD)
    newer = dataclasses.replace(UPLOAD, upload_id="id2", started=200.0)
    store.save_upload(KEY, newer)
    assert store.open_upload(KEY, "x") == newer
    assert store.open_uploads("m") == [(KEY, UPLOAD), (KEY, newer)]
    store.drop_upload(KEY, "x", "id2")
    assert store.open_upload(KEY, "x") == UPLOAD


def test_same_upload_saved_again_replaces_its_parts(store):
    store.save_upload(KEY, UPLOAD)
    again = dataclasses.replace(UPLOAD, version="v2", parts=((7, 1, "m7"),))
    store.save_upload(KEY, again)
    assert store.open_uploads("m") == [(KEY, again)]
    assert len(store._execute("SELECT * FROM part")) == 1


def test_uploads_outlive_progress_until_they_are_dropped(store):
    store.commit(KEY, Cursor("db", "f", 7))
    store.save_upload(KEY, UPLOAD)
    store.cursor(KEY, "db", "another fingerprint")
    store.forget(KEY)
    assert store.open_uploads("m") == [(KEY, UPLOAD)]
    assert store.open_uploads("m2") == []


def test_uploads_of_a_mapping_that_is_gone_are_named_and_kept(store):
    store.save_upload(KEY, UPLOAD)
    store.save_upload(OTHER, UPLOAD)
    store.keep_only({"m2"})
    assert store.stray_uploads({"m2"}) == [(KEY, UPLOAD)]
    assert store.open_uploads("m") == [(KEY, UPLOAD)], "it may come back"
    store.drop_upload(KEY, "x", "id1")
    assert store.stray_uploads({"m2"}) == []


def test_upload_is_on_the_disk_and_a_part_is_cheap(store):
    said = []
    store._connection.set_trace_callback(said.append)
    store.save_upload(KEY, UPLOAD)
    assert "PRAGMA synchronous = FULL" in said
    said.clear()
    add(store, 2)
    assert len([s for s in said if s.startswith("INSERT")]) == 1
    assert not [s for s in said if "FULL" in s]
