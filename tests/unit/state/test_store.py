# SPDX-License-Identifier: Apache-2.0
import logging
import os
import sqlite3
import subprocess
import sys

import pytest

from onespace_core.state import (
    ContainerKey,
    Cursor,
    Entry,
    Kind,
    StateError,
    StateStore,
)

KEY = ContainerKey("m", "AUTH_test", "c")
OTHER = ContainerKey("m2", "AUTH_test", "c")
LOG = logging.getLogger("test")


def entry(name, **changes):
    values = {
        "name": name,
        "kind": Kind.FAILED,
        "reason": "why",
        "attempts": 1,
        "first": 10.0,
        "due": 20.0,
        "rowid": 5,
        "deleted": False,
        "timestamp": "1700000000.00001",
        "data_timestamp": "1700000000.00001",
        "size": 3,
        "etag": "e",
        "content_type": "text/plain",
        "policy_index": 0,
        **changes,
    }
    return Entry(**values)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "state.sqlite")


@pytest.fixture
def store(path):
    opened = StateStore(path, LOG)
    yield opened
    opened.close()


def test_unknown_container_starts_at_zero(store):
    assert store.cursor(KEY, "db", "f") == Cursor("db", "f", 0, 0)


def test_progress_is_there_after_reopening(store, path):
    store.commit(KEY, Cursor("db", "f", 7, 3), owed=[entry("x")])
    again = StateStore(path, LOG)
    assert again.cursor(KEY, "db", "f") == Cursor("db", "f", 7, 3)
    assert again.due(KEY, 20.0, 10) == [entry("x")]
    again.close()


@pytest.mark.parametrize(
    ("database", "fingerprint"), [("other", "f"), ("db", "other")]
)
def test_case_84_change_rescans_both_passes_and_forgets_the_ledger(
    store, database, fingerprint
):
    store.commit(KEY, Cursor("db", "f", 7, 3), owed=[entry("x")])
    assert store.cursor(KEY, database, fingerprint) == Cursor(
        database, fingerprint, 0, 0
    )
    assert store.entries(KEY) == []
    # The stale value of one pass is not revived by saving the other.
    store.commit(KEY, Cursor(database, fingerprint, 1, 0))
    assert store.cursor(KEY, database, fingerprint).verified == 0


def test_case_86_two_mappings_of_one_container_progress_independently(store):
    store.commit(KEY, Cursor("db", "f", 7, 3))
    store.commit(OTHER, Cursor("db", "g", 1, 1))
    assert store.cursor(KEY, "db", "f").scanned == 7
    assert store.cursor(OTHER, "db", "g").scanned == 1


def test_case_87_state_of_a_mapping_that_is_gone_disappears(store, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    store.commit(KEY, Cursor("db", "f", 7, 3), owed=[entry("x")])
    store.commit(OTHER, Cursor("db", "f", 7, 3))
    store.keep_only({"m2"})
    assert [summary.key for summary in store.summaries()] == [OTHER]
    assert store.entries() == []
    assert foreign.exists()


def test_settled_name_leaves_the_ledger(store):
    store.commit(KEY, Cursor("db", "f", 1), owed=[entry("x"), entry("y")])
    store.commit(KEY, Cursor("db", "f", 2), settled=["x", "unknown"])
    assert [e.name for _key, e in store.entries(KEY)] == ["y"]


def test_newer_entry_replaces_the_one_of_the_same_name(store):
    store.commit(KEY, Cursor("db", "f", 1), owed=[entry("x")])
    store.commit(KEY, Cursor("db", "f", 2), owed=[entry("x", attempts=2)])
    assert store.attempts(KEY, "x") == (2, 10.0)


def test_entry_is_not_given_before_it_is_due(store):
    store.commit(KEY, Cursor("db", "f", 1), owed=[entry("x", due=50.0)])
    assert store.due(KEY, 49.9, 10) == []
    assert len(store.due(KEY, 50.0, 10)) == 1


def test_skipped_entry_is_never_due_but_counted(store):
    store.commit(
        KEY, Cursor("db", "f", 1), owed=[entry("x", kind=Kind.SKIPPED)]
    )
    assert store.due(KEY, float("inf"), 10) == []
    assert store.due(KEY, 0.0, 10, everything=True) == []
    (summary,) = store.summaries()
    assert (summary.failed, summary.waiting, summary.skipped) == (0, 0, 1)
    assert summary.oldest is None


def test_scheduled_entry_is_due_at_its_time_and_never_before(store):
    soon = entry("soon", kind=Kind.SCHEDULED, due=50.0, attempts=0)
    store.commit(KEY, Cursor("db", "f", 1), owed=[soon])
    assert store.due(KEY, 49.9, 10) == []
    assert store.due(KEY, 49.9, 10, everything=True) == []
    assert store.due(KEY, 10.0, 10, latest=20.0) == [], "no clock set back"
    assert store.due(KEY, 50.0, 10) == [soon]
    assert store.due(KEY, 50.0, 10, everything=True) == [soon]


def test_entries_of_all_kinds_are_due_in_the_order_of_their_times(store):
    kinds = (Kind.FAILED, Kind.WAITING, Kind.SCHEDULED)
    store.commit(
        KEY,
        Cursor("db", "f", 1),
        owed=[
            entry(f"{kind.value}{due}", kind=kind, due=float(due))
            for kind in kinds
            for due in (30, 10, 20, 99)
        ],
    )
    store.commit(OTHER, Cursor("db", "f", 1), owed=[entry("x", due=1.0)])
    due = [e.due for e in store.due(KEY, 30.0, 100)]
    assert due == sorted(due)
    assert len(due) == 9
    assert [e.due for e in store.due(KEY, 30.0, 4)] == due[:4]


def test_entry_that_is_due_too_late_is_due_as_the_clock_was_set_back(store):
    store.commit(
        KEY,
        Cursor("db", "f", 1),
        owed=[
            entry("far", due=10**9),
            entry("waits", due=10**9, kind=Kind.WAITING),
            entry("near", due=90.0),
        ],
    )
    found = store.due(KEY, 50.0, 10, latest=100.0)
    assert {e.name for e in found} == {"far", "waits"}
    found = store.due(KEY, 50.0, 10, everything=True)
    assert {e.name for e in found} == {"far", "waits", "near"}


def test_entries_that_are_not_due_are_not_read(store):
    """However many there are: each kind is looked up in an index."""
    plans = []
    store._connection.set_trace_callback(plans.append)
    store.due(KEY, 50.0, 10, latest=100.0)
    store._connection.set_trace_callback(None)
    # As SQLite quotes it: a number that no column can be named like.
    query = plans[0].replace("Inf", "9e999")
    steps = [row[3] for row in store._execute(f"EXPLAIN QUERY PLAN {query}")]
    looks = [step for step in steps if step.startswith("S")]
    assert len([step for step in looks if "ledger_due" in step]) == 5
    assert all("kind=? AND due" in step for step in looks)
    assert not [step for step in steps if "TEMP B-TREE" in step]


def test_scheduled_rows_are_counted_apart_and_listed_only_if_asked(store):
    store.commit(
        KEY,
        Cursor("db", "f", 1),
        owed=[
            entry("a", kind=Kind.SCHEDULED, due=50.0),
            entry("b", kind=Kind.SCHEDULED, due=40.0),
            entry("c", first=15.0),
        ],
    )
    (summary,) = store.summaries()
    assert (summary.failed, summary.waiting, summary.skipped) == (1, 0, 0)
    assert (summary.scheduled, summary.next_due) == (2, 40.0)
    assert summary.oldest == 15.0
    assert [e.name for _key, e in store.entries(KEY)] == ["c"]
    assert len(store.entries(KEY, scheduled=True)) == 3
    assert store.attempts(KEY, "a") == (0, 0.0)


def test_container_owes_whatever_the_kind(store):
    assert not store.owes(KEY)
    store.commit(
        KEY, Cursor("db", "f", 1), owed=[entry("a", kind=Kind.SCHEDULED)]
    )
    assert store.owes(KEY)
    assert not store.owes(OTHER)


def test_what_shards_owe_is_counted_for_their_root(store):
    shard = ContainerKey(
        "m", ".shards_AUTH_test", "c-" + "0" * 32 + "-1700000000.00000-0"
    )
    store.commit(KEY, Cursor("db", "f", 7), owed=[entry("a")])
    store.commit(
        shard, Cursor("db2", "f", 3), owed=[entry("b"), entry("c", first=5.0)]
    )
    (summary,) = store.summaries()
    assert summary.key == KEY
    assert summary.cursor.scanned == 7
    assert (summary.failed, summary.oldest) == (3, 5.0)


@pytest.mark.parametrize("root", ["c", "a-b", "a-b-c-d-e", "-", ".."])
def test_root_of_a_shard_may_have_any_name(root):
    name = f"{root}-{'f' * 32}-1700000000.00001-12"
    shard = ContainerKey("m", ".shards_AUTH_test", name)
    assert shard.root == ContainerKey("m", "AUTH_test", root)
    users = ContainerKey("m", "AUTH_test", name)
    assert users.root == users


@pytest.mark.parametrize("name", ["..", "a\nb", "\U0001f40d" * 60, "x" * 1024])
def test_any_name_is_kept(store, name):
    key = ContainerKey("m", "AUTH_test", name[:256])
    store.commit(key, Cursor("db", "f", 1), owed=[entry(name)])
    assert store.entries(key)[0][1].name == name


def test_corrupt_file_is_set_aside_and_said_so(path, caplog):
    with open(path, "wb") as file:
        file.write(b"this is not a database" * 1000)
    store = StateStore(path, LOG)
    assert store.cursor(KEY, "db", "f").scanned == 0
    store.commit(KEY, Cursor("db", "f", 1))
    assert store.set_aside is not None
    assert os.path.exists(store.set_aside)
    assert "corrupt" in caplog.text
    assert store.set_aside in caplog.text
    store.close()


def test_damaged_page_is_found_at_opening(path):
    store = StateStore(path, LOG)
    store.commit(
        KEY, Cursor("db", "f", 1), owed=[entry(f"{n:05}") for n in range(3000)]
    )
    store.close()
    with open(path, "r+b") as file:
        for page in range(2, 40, 3):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    again = StateStore(path, LOG)
    assert again.set_aside is not None
    again.close()


def test_file_of_a_newer_version_is_refused_not_replaced(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match="newer onespace"):
        StateStore(path, LOG)


def test_missing_folder_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(StateError, match="folder"):
        StateStore(str(tmp_path / "no" / "state"), LOG)


def test_reading_beside_a_writer_sees_what_was_committed(store, path):
    store.commit(KEY, Cursor("db", "f", 4))
    reader = StateStore(path, LOG, read_only=True)
    assert reader.summaries()[0].cursor.scanned == 4
    with pytest.raises(StateError):
        reader.commit(KEY, Cursor("db", "f", 5))
    reader.close()


_CRASHER = """
import logging, sys
from onespace_core.state import ContainerKey, Cursor, StateStore
store = StateStore(sys.argv[1], logging.getLogger())
key = ContainerKey("m", "a", "c")
n = store.cursor(key, "db", "f").scanned
print("ready", flush=True)
while True:
    n += 1
    store.commit(key, Cursor("db", "f", n, n))
"""


def test_case_85_kill_while_saving_leaves_the_old_or_the_new_state(path):
    seen = 0
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _CRASHER, path], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        process.stdout.close()
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        store = StateStore(path, LOG)
        assert store.set_aside is None
        cursor = store.cursor(ContainerKey("m", "a", "c"), "db", "f")
        assert cursor.scanned == cursor.verified >= seen
        seen = cursor.scanned
        store.close()
    assert seen > 0
