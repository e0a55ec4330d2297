# SPDX-License-Identifier: Apache-2.0
"""A state file that goes away under its user, and what SQLite says of it."""

import logging
import os
import sqlite3

import pytest

from onespace_core.state import ContainerKey, Receipt, StateError, StateStore

KEY = ContainerKey("m", "AUTH_t", "c")
RECEIPT = Receipt(
    name="o",
    timestamp="1700000000.00000",
    etag="e",
    size=1,
    remote_etag="e",
    verified=1.0,
    deleted=1.0,
)


@pytest.fixture
def store(tmp_path):
    found = StateStore(str(tmp_path / "s.sqlite"), logging.getLogger("t"))
    yield found
    found.close()


def delete(path):
    os.unlink(path)


def replace(path):
    os.rename(path, path + ".old")
    sqlite3.connect(path).close()


@pytest.mark.parametrize("lose", [delete, replace])
def test_receipt_is_not_saved_in_a_file_without_its_name(store, lose):
    store.save_receipt(KEY, RECEIPT)
    lose(store.path)
    with pytest.raises(StateError, match=r"deleted or replaced.*restart"):
        store.save_receipt(KEY, RECEIPT)


def test_file_that_is_lost_while_it_is_written_is_noticed(store):
    with (
        pytest.raises(StateError, match="deleted or replaced"),
        store._transaction(durable=True),
    ):
        delete(store.path)


def test_lock_of_another_program_is_called_one(store):
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(StateError, match="another program"):
        store.save_receipt(KEY, RECEIPT)
    other.close()
