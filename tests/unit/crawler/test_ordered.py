# SPDX-License-Identifier: Apache-2.0
"""A container whose writes are repeated in the order of their timestamps."""

import logging

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

from onespace_core.concurrency import sleep
from onespace_core.crawler.job import OutageError
from onespace_core.provider import ServiceUnavailable
from onespace_core.state import StateStore

LOG = logging.getLogger("test")


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


@pytest.fixture
def handler():
    return FakeHandler()


def ordered(database, handler, store, clock=None, **tuning):
    return make_job(
        database, handler, store, clock, ordered=True, watermark=60.0, **tuning
    )


def scanned(store):
    return store.cursor(KEY, "db", "f").scanned


def test_rows_are_done_one_by_one_the_oldest_first(store, handler):
    ages = [500, 900, 700, 600, 800]
    rows = [make_row(n, age=age) for n, age in enumerate(ages, 1)]
    running = []

    def handle(row, *, again):
        assert not running
        running.append(row)
        sleep(0)
        running.pop()
        handler.seen.append((row, again))

    handler.handle = handle
    job = ordered(FakeDatabase(rows), handler, store)
    job.turn(located())
    assert handler.names == ["o2", "o5", "o3", "o4", "o1"]
    assert (scanned(store), job.late) == (5, 0)


def test_young_row_waits_for_older_ones_and_is_not_forgotten(store, handler):
    clock = Clock()
    database = FakeDatabase([make_row(1, age=100), make_row(2, age=10)])
    job = ordered(database, handler, store, clock)
    job.turn(located())
    assert handler.names == ["o1"]
    assert scanned(store) == 1
    database.rows.append(make_row(3, age=30))
    database.version += 1
    job.turn(located())
    assert handler.names == ["o1"]
    clock.now += 55  # the files have not changed since
    job.turn(located())
    assert handler.names == ["o1", "o3", "o2"]
    assert job.late == 0


def test_late_row_is_done_counted_and_named(store, handler, caplog):
    database = FakeDatabase([make_row(1, age=100)])
    job = ordered(database, handler, store)
    job.turn(located())
    database.rows.append(make_row(2, "late", age=200))
    database.version += 1
    job.turn(located())
    assert handler.names == ["o1", "late"]
    assert job.late == 1
    assert "such as late" in caplog.text


def test_row_of_the_future_stops_nothing(store, handler):
    rows = [make_row(1, age=-(10**6)), make_row(2, age=100)]
    database = FakeDatabase(rows)
    job = ordered(database, handler, store)
    job.turn(located())
    assert handler.names == ["o2", "o1"]
    database.rows.append(make_row(3, age=90))
    database.version += 1
    job.turn(located())
    assert job.late == 0


def test_outage_leaves_what_comes_after_in_place(store, handler):
    rows = [make_row(n, age=1000 - n) for n in range(1, 6)]
    handler.errors["o3"] = ServiceUnavailable("x")
    handler.down = "the endpoint is down"
    job = ordered(FakeDatabase(rows), handler, store)
    with pytest.raises(OutageError):
        job.turn(located())
    assert handler.names == ["o1", "o2", "o3"]
    assert scanned(store) == 2
    handler.errors.clear()
    job.turn(located())
    assert handler.names[3:] == ["o3", "o4", "o5"]


def test_row_that_fails_stops_no_other(store, handler):
    rows = [make_row(n, age=1000 - n) for n in range(1, 4)]
    handler.errors["o2"] = ServiceUnavailable("x")
    ordered(FakeDatabase(rows), handler, store).turn(located())
    assert handler.names == ["o1", "o2", "o3"]
    assert [e.name for _key, e in store.entries(KEY)] == ["o2"]
    assert scanned(store) == 3
