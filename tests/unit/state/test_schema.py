# SPDX-License-Identifier: Apache-2.0
"""State files of other versions, and of programs beside the daemon."""

import logging
import pathlib
import sqlite3

import pytest

from onespace_core.state import (
    Access,
    ContainerKey,
    Cursor,
    Kind,
    Receipt,
    StateError,
    StateStore,
)
from onespace_core.state.schema import SCHEMA_VERSION

LOG = logging.getLogger("test")
KEY = ContainerKey("m", "AUTH_test", "c")
VERSION_1 = pathlib.Path(__file__).with_name("version1.sql")


def version(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


@pytest.fixture
def old(tmp_path):
    """A file as schema 1 left it."""
    path = str(tmp_path / "state.sqlite")
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1.read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert version(path) == 1
    return path


def assert_nothing_lost(store):
    assert store.cursor(KEY, "db", "f") == Cursor("db", "f", 7, 3, "[0]/1")
    entries = {e.name: e for _key, e in store.entries(KEY)}
    assert entries["x"].attempts == 3
    assert entries["grün"].kind is Kind.SKIPPED
    assert store.health()["m2"][0] == "down"


def test_file_of_version_1_is_migrated_in_place(old):
    store = StateStore(old, LOG)
    assert store.set_aside is None
    assert_nothing_lost(store)
    receipt = Receipt("x", "1.0", "e", 1, "e", 5.0)
    store.save_receipt(KEY, receipt)
    store.close()
    assert version(old) == SCHEMA_VERSION
    again = StateStore(old, LOG)
    assert_nothing_lost(again)
    assert again.receipt(KEY, "x") == receipt
    again.close()


def test_migration_that_breaks_off_leaves_the_old_file(old, monkeypatch):
    from onespace_core.state import schema

    broken = (*schema._VERSIONS[2], "CREATE NONSENSE")
    with monkeypatch.context() as patch:
        patch.setitem(schema._VERSIONS, 2, broken)
        with pytest.raises(StateError):
            StateStore(old, LOG)
    assert version(old) == 1
    store = StateStore(old, LOG)
    assert_nothing_lost(store)
    store.close()


def test_reader_of_an_old_file_sees_it_and_leaves_it(old):
    store = StateStore(old, LOG, read_only=True)
    assert_nothing_lost(store)
    assert store.breaker_tripped() == {}
    assert [summary.key for summary in store.summaries()] == [KEY]
    store.close()
    assert version(old) == 1


def test_guest_does_not_migrate_a_file_under_a_running_daemon(old):
    with pytest.raises(StateError, match="older onespace"):
        StateStore(old, LOG, access=Access.GUEST)
    assert version(old) == 1


@pytest.mark.parametrize("damage", [b"", b"not a database" * 999])
def test_guest_neither_replaces_nor_fills_a_damaged_file(tmp_path, damage):
    path = tmp_path / "state.sqlite"
    path.write_bytes(damage)
    with pytest.raises(StateError):
        StateStore(str(path), LOG, access=Access.GUEST)
    assert path.read_bytes() == damage


def test_guest_makes_no_file(tmp_path):
    with pytest.raises(StateError):
        StateStore(str(tmp_path / "none"), LOG, access=Access.GUEST)
    assert list(tmp_path.iterdir()) == []


def test_path_may_have_any_character(tmp_path):
    path = str(tmp_path / "a?b#c%41 ü")
    owner = StateStore(path, LOG)
    owner.commit(KEY, Cursor("db", "f", 4))
    for access in (Access.GUEST, Access.READER):
        store = StateStore(path, LOG, access=access)
        assert store.cursor(KEY, "db", "f").scanned == 4
        store.close()
    owner.close()
