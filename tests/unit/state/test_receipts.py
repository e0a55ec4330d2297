# SPDX-License-Identifier: Apache-2.0
import dataclasses
import logging

import pytest

from onespace_core.state import ContainerKey, Cursor, Receipt, StateStore

KEY = ContainerKey("m", "AUTH_test", "c")
OTHER = ContainerKey("m2", "AUTH_test", "c")
LOG = logging.getLogger("test")
RECEIPT = Receipt("x", "1700000000.00001", "e", 3, "r-2", 100.0)


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


def named(name, **changes):
    return dataclasses.replace(RECEIPT, name=name, **changes)


def test_receipt_is_there_after_reopening(store):
    assert store.receipt(KEY, "x") is None
    store.save_receipt(KEY, RECEIPT)
    store.close()
    again = StateStore(store.path, LOG)
    assert again.receipt(KEY, "x") == RECEIPT
    assert again.receipt(OTHER, "x") is None
    again.close()


def test_newer_receipt_replaces_the_one_of_the_same_name(store):
    store.save_receipt(KEY, RECEIPT)
    newer = named("x", timestamp="1700000001.00001", deleted=200.0)
    store.save_receipt(KEY, newer)
    assert store.receipt(KEY, "x") == newer
    assert store.receipts_made(KEY) == 1
    assert store.receipts_made(OTHER) == 0


def test_receipt_of_a_copy_that_is_gone_can_be_dropped(store):
    store.save_receipt(KEY, RECEIPT)
    store.save_receipt(KEY, named("y"))
    store.drop_receipt(KEY, "x")
    assert store.receipt(KEY, "x") is None
    assert store.receipt(KEY, "y") == named("y")


def test_receipt_is_written_through_to_the_disk_and_progress_is_not(store):
    """What a power cut may undo is decided by one setting of SQLite."""
    said = []
    store._connection.set_trace_callback(said.append)
    store.save_receipt(KEY, RECEIPT)
    begun, ended = said.index("BEGIN IMMEDIATE"), said.index("COMMIT")
    assert "PRAGMA synchronous = FULL" in said[:begun]
    assert "PRAGMA synchronous = NORMAL" in said[ended:]
    said.clear()
    store.commit(KEY, Cursor("db", "f", 1))
    assert not [text for text in said if "FULL" in text]
    assert store._execute("PRAGMA synchronous") == [(1,)]


def test_disk_is_waited_for_no_longer_after_a_receipt_that_failed(store):
    with pytest.raises(ZeroDivisionError), store._transaction(durable=True):
        1 / 0  # noqa: B018 - to leave the block by an error
    assert store._execute("PRAGMA synchronous") == [(1,)]


def test_receipts_outlive_progress_of_containers_and_mappings(store):
    """The tombstone of our own deletion may be read again after it."""
    store.commit(KEY, Cursor("db", "f", 7))
    store.save_receipt(KEY, RECEIPT)
    store.cursor(KEY, "rebuilt", "f")
    store.forget(KEY)
    store.keep_only({"m2"})
    assert store.receipt(KEY, "x") == RECEIPT


def test_only_receipts_that_no_tombstone_asks_for_are_pruned(store):
    store.save_receipt(KEY, named("live", verified=1.0))
    store.save_receipt(KEY, named("old", deleted=99.0))
    store.save_receipt(KEY, named("new", deleted=101.0))
    store.save_receipt(OTHER, named("gone", verified=1.0))
    store.save_receipt(OTHER, named("kept", verified=101.0))
    assert store.prune_receipts(100.0, {"m"}) == 2
    assert store.receipt(KEY, "live")
    assert store.receipt(KEY, "new")
    assert store.receipt(OTHER, "kept")
    assert store.receipt(KEY, "old") is None
    assert store.receipt(OTHER, "gone") is None
    assert store.prune_receipts(100.0, {"m"}) == 0
