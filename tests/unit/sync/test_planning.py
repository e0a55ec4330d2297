# SPDX-License-Identifier: Apache-2.0
"""The planning layer: nothing passes it that writes."""

import logging
import sqlite3

import pytest

from onespace_core.layers import ReadOnlyLayer
from onespace_core.layers.read_only import _READS as READS
from onespace_core.provider import (
    CONTRACT,
    PROTOCOLS,
    BucketNotFound,
    BytesBody,
    CallbackBody,
    Conditions,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
)
from onespace_core.state import ContainerKey, StateError, StateStore
from onespace_core.sync.planning import PlanningLayer
from onespace_core.sync.planning_book import Book, Tally
from onespace_core.sync.planning_state import copied_state
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

LOG = logging.getLogger("test")
#: Written once for all, over the nine.
DERIVED = (
    "update_metadata",
    "upload_object",
    "shunt_object",
    "shunt_post",
    "shunt_delete",
)


def unread(size):
    def fail():
        message = "a body was opened"
        raise AssertionError(message)

    return CallbackBody(fail, size=size, md5="0" * 32)


@pytest.fixture
def plain():
    provider = MemoryProvider(
        MemoryStore(), bucket="bucket", capabilities=EVERYTHING
    )
    provider.create_bucket()
    provider.put_object("there", BytesBody(b"bytes"), metadata={"a": "1"})
    return provider


@pytest.fixture
def tally():
    return Tally(2)


@pytest.fixture
def planned(plain, tally):
    return PlanningLayer(ReadOnlyLayer(plain), plain.capabilities, Book(tally))


def test_every_write_of_the_contract_is_planned():
    """A new one would be refused until somebody thinks of it here."""
    writes = {
        name
        for names in (*PROTOCOLS.values(), CONTRACT)
        for name in names
        if name not in READS and name not in DERIVED
    }
    for name in writes:
        method = getattr(PlanningLayer, name)
        assert method.__module__.startswith("onespace_core.sync.planning"), (
            name
        )


def test_what_is_planned_is_seen_and_not_there(planned, plain, tally):
    result = planned.put_object("new", unread(7), metadata={"b": "2"})
    info = planned.head_object("new")
    assert (info.size, info.etag) == (7, result.etag)
    assert info.metadata == {"b": "2"}
    planned.post_object("there", {"c": "3"})
    assert planned.head_object("there").metadata == {"c": "3"}
    assert planned.delete_object("there") is True
    assert planned.delete_object("there") is False
    with pytest.raises(ObjectNotFound):
        planned.head_object("there")
    assert plain.head_object("there").metadata == {"a": "1"}
    with pytest.raises(ObjectNotFound):
        plain.head_object("new")
    assert tally.requests == {"put": 1, "head": 3, "post": 1, "delete": 2}
    assert (tally.bytes, tally.deleted) == (7, 1)


def test_conditions_are_answered_as_by_the_store(planned, tally):
    only_new = Conditions(if_none_match="*")
    with pytest.raises(PreconditionFailed):
        planned.put_object("there", unread(3), conditions=only_new)
    assert (tally.bytes, tally.refused) == (0, 3)
    planned.put_object("new", unread(3), conditions=only_new)
    with pytest.raises(PreconditionFailed):
        planned.put_object("new", unread(3), conditions=only_new)
    with pytest.raises(PreconditionFailed):
        planned.put_object(
            "there", unread(3), conditions=Conditions(if_match="other")
        )


def test_missing_bucket_is_found_out_and_a_planned_one_is_there(planned):
    with pytest.raises(BucketNotFound):
        planned.put_object("a", unread(1), bucket="nowhere")
    assert planned.create_bucket("nowhere") is True
    assert planned.create_bucket("nowhere") is False
    planned.head_bucket("nowhere")
    with pytest.raises(ObjectNotFound):
        planned.head_object("a", bucket="nowhere")
    planned.put_object("a", unread(1), bucket="nowhere")
    assert planned.list_objects(bucket="nowhere").objects == ()


def test_parts_become_an_object(planned, plain, tally):
    upload = planned.start_upload("big", metadata={"a": "1"})
    parts = [
        planned.upload_part("big", upload, number, unread(10))
        for number in (1, 2)
    ]
    assert list(planned.list_parts("big", upload)) == parts
    planned.complete_upload("big", upload, parts)
    info = planned.head_object("big")
    assert (info.size, info.metadata) == (20, {"a": "1"})
    assert info.etag.endswith("-2")
    assert list(plain.list_uploads()) == []
    assert (tally.requests["part"], tally.bytes) == (2, 20)


def test_names_are_bounded_and_counts_are_not(planned, tally):
    for number in range(5):
        planned.put_object(f"o{number}", unread(1))
    assert tally.names["put"] == ["o0", "o1"]
    assert tally.requests["put"] == 5


def test_second_line_refuses_what_the_first_forgets(planned):
    with pytest.raises(NotSupported):
        planned.inner.put_object("a", unread(1))
    with pytest.raises(NotSupported):
        planned.around(planned.inner.inner.delete_object, "there")


# -- the copied state ---------------------------------------------------------

KEY = ContainerKey("m", "AUTH_t", "c")


def test_copy_has_what_an_open_state_has_and_keeps_its_own(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    path = str(tmp_path / "sync.sqlite")
    store = StateStore(path, LOG)
    store.save_note(KEY, "n", "before")
    copy = copied_state(path, str(folder), LOG)
    assert copy.note(KEY, "n") == "before"
    copy.save_note(KEY, "n", "planned")
    assert store.note(KEY, "n") == "before"
    store.save_note(KEY, "n", "after")
    assert copy.note(KEY, "n") == "planned"
    copy.close()
    store.close()


def test_no_state_is_a_first_pass(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    store = copied_state(str(tmp_path / "sync.sqlite"), str(folder), LOG)
    assert store.summaries() == []
    store.close()
    assert [each.name for each in tmp_path.iterdir()] == ["copy"]


def test_unreadable_state_is_named(tmp_path, monkeypatch):
    path = tmp_path / "sync.sqlite"
    path.touch()

    def refuse(*_args):
        raise PermissionError(13, "Permission denied", str(path))

    # Root, who may run the tests, may read everything.
    monkeypatch.setattr("shutil.copyfile", refuse)
    with pytest.raises(StateError, match="Permission denied"):
        copied_state(str(path), str(tmp_path), LOG)


def test_damaged_state_is_refused(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    path = tmp_path / "sync.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany(
            "INSERT INTO t VALUES (?)", [("x" * 500,)] * 200
        )
    connection.close()
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)
    with pytest.raises(StateError, match=str(path)):
        copied_state(str(path), str(folder), LOG)
    assert path.read_bytes() == data
