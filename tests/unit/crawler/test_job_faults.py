# SPDX-License-Identifier: Apache-2.0
"""What must neither lose a row nor stop a container."""

import logging
import sqlite3

import pytest
from servers.crawler_fakes import (
    KEY,
    Clock,
    FakeDatabase,
    FakeHandler,
    located,
    make_job,
    make_row,
)
from swift.common.exceptions import ChunkReadTimeout

from onespace_core.concurrency import sleep
from onespace_core.crawler.job import OutageError
from onespace_core.crawler.rows import row_from_record, share
from onespace_core.provider import InvalidRequest, ServiceUnavailable
from onespace_core.state import StateError, StateStore

LOG = logging.getLogger("test")


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


@pytest.fixture
def handler():
    return FakeHandler()


def owed(store):
    return {entry.name: entry for _key, entry in store.entries(KEY)}


# -- the ring ----------------------------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
def test_row_that_was_another_nodes_is_done_when_the_ring_gives_it_to_us(
    store, handler, restart
):
    """Its former owner may be what was taken out of the ring."""
    rows = [make_row(n, age=1) for n in range(1, 30)]
    database = FakeDatabase(rows)
    job = make_job(database, handler, store)
    job.turn(located(2, [0]))
    theirs = {row.name for row in rows if share(row.name, 2) == 1}
    assert theirs
    assert not theirs & set(handler.names)
    if restart:
        job = make_job(database, handler, store)
    database.version += 1
    job.turn(located(2, [1]))
    assert theirs <= set(handler.names)


def test_row_that_was_ours_is_still_verified_after_the_ring_changed(
    store, handler
):
    clock = Clock()
    rows = [make_row(n, age=1) for n in range(1, 30)]
    database = FakeDatabase(rows)
    job = make_job(database, handler, store, clock)
    job.turn(located(2, [0]))
    handler.seen.clear()
    database.version += 1
    clock.now += 7200
    job.turn(located(2, [1]))
    assert set(handler.names) == {row.name for row in rows}


def test_ring_that_stays_the_same_costs_nothing(store, handler):
    rows = [make_row(n) for n in range(1, 30)]
    database = FakeDatabase(rows)
    make_job(database, handler, store).turn(located(2, [0]))
    make_job(database, handler, store).turn(located(2, [0]))
    assert len(handler.seen) == len(rows)


def test_others_rows_of_a_backlog_are_left_to_their_node(store, handler):
    database = FakeDatabase(make_row(n) for n in range(1, 100))
    job = make_job(database, handler, store, chunk=5, turn=2)
    job.turn(located(2, [0]))
    assert not any(again for _row, again in handler.seen)


# -- rows --------------------------------------------------------------------


class SlowHandler(FakeHandler):
    """Takes time, and notes what runs at the same time."""

    def __init__(self):
        super().__init__()
        self.running = 0

    def handle(self, row, *, again):
        self.running += 1
        try:
            sleep(0)
            super().handle(row, again=again)
        finally:
            self.running -= 1


def test_timeout_that_is_no_exception_fails_one_row_only(store):
    handler = SlowHandler()
    handler.errors["o2"] = ChunkReadTimeout(None)
    database = FakeDatabase(make_row(n) for n in range(1, 20))
    make_job(database, handler, store).turn(located())
    assert handler.running == 0
    assert owed(store).keys() == {"o2"}
    assert store.cursor(KEY, "db", "f").scanned == 19


def test_probe_that_fails_itself_fails_one_row_only(store, handler):
    def outage(_exc):
        raise RuntimeError("a defect in a plugin")

    handler.outage = outage
    handler.errors["o2"] = ServiceUnavailable("busy")
    database = FakeDatabase(make_row(n) for n in range(1, 20))
    make_job(database, handler, store).turn(located())
    assert owed(store).keys() == {"o2"}
    assert store.cursor(KEY, "db", "f").scanned == 19


def test_error_that_sqlite_cannot_hold_does_not_pin_the_container(
    store, handler
):
    handler.errors["o1"] = InvalidRequest("bad header \udcff\nsecond line")
    database = FakeDatabase([make_row(1), make_row(2)])
    make_job(database, handler, store).turn(located())
    assert store.cursor(KEY, "db", "f").scanned == 2
    assert owed(store)["o1"].reason == "bad header \\udcff\\nsecond line"


@pytest.mark.parametrize("created_at", ["", "nonsense", "1e99", "-5"])
def test_timestamp_that_cannot_be_read_is_the_oldest(created_at):
    row = row_from_record(
        {
            "ROWID": 1,
            "name": "o",
            "created_at": created_at,
            "size": 1,
            "content_type": "t",
            "etag": "e",
            "deleted": 0,
        }
    )
    assert row.timestamp == row.data_timestamp == "0000000000.00000"


def test_outage_in_the_middle_keeps_what_was_done_before_it(store, handler):
    """Else a store that is up now and then never gets further."""
    handler.errors["o6"] = ServiceUnavailable("down")
    handler.errors["o3"] = InvalidRequest("too long")
    handler.outage = lambda exc: (
        "down" if isinstance(exc, ServiceUnavailable) else None
    )
    database = FakeDatabase(make_row(n) for n in range(1, 20))
    job = make_job(database, handler, store)
    with pytest.raises(OutageError):
        job.turn(located())
    assert store.cursor(KEY, "db", "f").scanned == 5
    assert owed(store).keys() == {"o3"}
    handler.errors.clear()
    handler.seen.clear()
    job.turn(located())
    assert set(handler.names) >= {f"o{n}" for n in range(6, 20)}
    assert not {"o1", "o2"} & set(handler.names)


def test_older_row_of_a_name_does_not_settle_the_newer_one(store, handler):
    """Swift's reconciler leaves a tombstone in the policy it moved from."""
    database = FakeDatabase(
        [
            make_row(1, "x", age=100, policy_index=1),
            make_row(2, "x", age=200, deleted=True),
        ]
    )
    handler.errors["x"] = ServiceUnavailable("busy")
    job = make_job(database, handler, store, chunk=1)
    handler.handle = handle_only_tombstones(handler)
    job.turn(located())
    assert owed(store)["x"].deleted is False
    assert owed(store)["x"].policy_index == 1


def handle_only_tombstones(handler):
    def handle(row, *, again):
        if not row.deleted:
            raise ServiceUnavailable("busy")

    return handle


def test_clock_that_was_ahead_does_not_put_a_row_off_for_as_long(
    store, handler
):
    clock = Clock()
    clock.now += 10**8
    handler.errors["o1"] = ServiceUnavailable("busy")
    database = FakeDatabase([make_row(1)])
    job = make_job(database, handler, store, clock)
    job.turn(located())
    handler.errors.clear()
    clock.now -= 10**8
    job.turn(located())
    assert owed(store) == {}


# -- containers --------------------------------------------------------------


def test_deleted_container_is_not_forgotten_while_others_owe_deletions(
    store, handler
):
    clock = Clock()
    name = next(f"o{n}" for n in range(99) if share(f"o{n}", 2) == 1)
    database = FakeDatabase([make_row(1, name, age=10, deleted=True)])
    database.deleted = True
    job = make_job(database, handler, store, clock)
    job.turn(located(2, [0]))
    assert handler.names == []
    clock.now += 3700
    job.turn(located(2, [0]))
    assert handler.names == [name], "the dead node's deletion"
    assert store.containers(KEY.mapping, KEY.account) == []


def test_container_that_was_made_again_is_read_from_its_first_row(
    store, handler
):
    database = FakeDatabase([make_row(1, deleted=True)])
    database.deleted = True
    job = make_job(database, handler, store)
    job.turn(located())
    handler.seen.clear()
    database.deleted = False
    database.rows.append(make_row(2))
    database.version += 1
    job.turn(located())
    assert set(handler.names) == {"o1", "o2"}


# -- the state file ----------------------------------------------------------


class FullDisk:
    """A connection whose writes fail while ``full``."""

    def __init__(self, connection):
        self._connection = connection
        self.full = True

    def executemany(self, *args):
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.executemany(*args)

    def __enter__(self):
        return self._connection.__enter__()

    def __exit__(self, *exc):
        return self._connection.__exit__(*exc)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def test_full_disk_is_a_state_error_and_the_rows_are_done_again(
    store, handler
):
    disk = store._connection = FullDisk(store._connection)
    database = FakeDatabase([make_row(1), make_row(2)])
    job = make_job(database, handler, store)
    with pytest.raises(StateError, match="disk is full"):
        job.turn(located())
    assert job.settled == 0
    disk.full = False
    job.turn(located())
    assert handler.names == ["o1", "o2", "o1", "o2"]
    assert store.cursor(KEY, "db", "f").scanned == 2
