# SPDX-License-Identifier: Apache-2.0
import logging

import pytest
from servers.crawler_fakes import (
    KEY,
    NOW,
    Clock,
    FakeDatabase,
    FakeHandler,
    located,
    make_job,
    make_row,
)

from onespace_core.concurrency import sleep
from onespace_core.crawler.job import OutageError
from onespace_core.crawler.outcome import RowSkippedError, RowWaitsError
from onespace_core.crawler.rows import share
from onespace_core.provider import InvalidRequest, ServiceUnavailable
from onespace_core.state import Kind, StateStore

LOG = logging.getLogger("test")


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


@pytest.fixture
def handler():
    return FakeHandler()


def cursor(store, ident="db", fingerprint="f"):
    found = store.cursor(KEY, ident, fingerprint)
    return found.scanned, found.verified


def owed(store):
    return {entry.name: entry for _key, entry in store.entries(KEY)}


def scheduled(store):
    found = store.entries(KEY, scheduled=True)
    return {e.name: e for _key, e in found if e.kind is Kind.SCHEDULED}


def test_every_row_is_handled_once_over_many_chunks(store, handler):
    database = FakeDatabase(make_row(n) for n in range(1, 26))
    job = make_job(database, handler, store, chunk=10)
    while job.turn(located()):
        pass
    job.turn(located())
    assert sorted(handler.names) == sorted(f"o{n}" for n in range(1, 26))
    assert cursor(store) == (25, 0)


def test_turn_ends_before_a_backlog_so_that_others_get_theirs(store, handler):
    database = FakeDatabase(make_row(n) for n in range(1, 100))
    job = make_job(database, handler, store, chunk=10, turn=2)
    assert job.turn(located()) is True
    assert len(handler.seen) == 20


@pytest.mark.parametrize("replicas", range(1, 7))
def test_case_80_each_row_is_done_first_by_exactly_one_node(
    tmp_path, replicas
):
    rows = [make_row(n, age=10) for n in range(1, 60)]
    seen = []
    for index in range(replicas):
        handler = FakeHandler()
        path = str(tmp_path / f"{index}.sqlite")
        store = StateStore(path, LOG)
        job = make_job(FakeDatabase(rows), handler, store)
        job.turn(located(replicas, [index]))
        assert all(share(n, replicas) == index for n in handler.names)
        seen += handler.names
        store.close()
    assert sorted(seen) == sorted(row.name for row in rows)


def test_case_80_own_rows_end_before_others_begin(store, handler):
    rows = [make_row(n) for n in range(1, 60)]
    job = make_job(FakeDatabase(rows), handler, store, chunk=7)
    while job.turn(located(3, [1])):
        pass
    again = [flag for _row, flag in handler.seen]
    assert again == sorted(again), "False (own) before True (others)"
    assert sorted(handler.names) == sorted(row.name for row in rows)


def test_case_81_rows_of_a_dead_node_are_taken_over_after_slack(
    store, handler
):
    clock = Clock()
    rows = [make_row(n, age=0) for n in range(1, 30)]
    job = make_job(FakeDatabase(rows), handler, store, clock)
    job.turn(located(3, [0]))
    mine = {row.name for row in rows if share(row.name, 3) == 0}
    assert set(handler.names) == mine
    clock.now = NOW + 3601
    job.turn(located(3, [0]))
    assert set(handler.names) == {row.name for row in rows}


def test_case_82_rows_newer_than_slack_are_verified_later(store, handler):
    clock = Clock()
    theirs = next(n for n in range(1, 99) if share(f"o{n}", 2) == 1)
    database = FakeDatabase([make_row(theirs, age=3599)])
    job = make_job(database, handler, store, clock)
    job.turn(located(2, [0]))
    assert handler.names == []
    clock.now += 100
    job.turn(located(2, [0]))
    assert handler.names == [f"o{theirs}"]


def test_row_of_the_future_does_not_block_those_behind(store, handler):
    names = [f"o{n}" for n in range(1, 99) if share(f"o{n}", 2) == 1][:2]
    rows = [
        make_row(1, names[0], age=-1000000),
        make_row(2, names[1], age=7200),
    ]
    job = make_job(FakeDatabase(rows), handler, store)
    job.turn(located(2, [0]))
    assert handler.names == names


def test_case_83_failing_row_stops_neither_siblings_nor_progress(
    store, handler, caplog
):
    database = FakeDatabase([make_row(1), make_row(2, "böse"), make_row(3)])
    handler.errors["böse"] = InvalidRequest("no such thing")
    with caplog.at_level(logging.DEBUG):
        make_job(database, handler, store).turn(located())
    assert set(handler.names) == {"o1", "böse", "o3"}
    assert cursor(store) == (3, 0)
    assert owed(store).keys() == {"böse"}
    assert owed(store)["böse"].kind is Kind.FAILED
    levels = {
        record.levelno: record
        for record in caplog.records
        if record.name == "test.job"
    }
    assert "böse" in levels[logging.ERROR].getMessage()
    assert levels[logging.ERROR].exc_info is None
    assert levels[logging.DEBUG].exc_info


def test_failed_row_is_tried_again_when_due_and_then_settled(store, handler):
    clock = Clock()
    database = FakeDatabase([make_row(1)])
    handler.errors["o1"] = ServiceUnavailable("busy")
    job = make_job(database, handler, store, clock)
    job.turn(located())
    job.turn(located())
    assert len(handler.seen) == 1, "not before it is due"
    clock.now += 3600
    job.turn(located())
    assert len(handler.seen) == 2
    assert owed(store)["o1"].attempts == 2
    assert owed(store)["o1"].first == NOW
    handler.errors.clear()
    clock.now += 7200
    job.turn(located())
    assert owed(store) == {}


def test_pauses_grow_and_stay_below_the_limit(store, handler):
    clock = Clock()
    handler.errors["o1"] = ServiceUnavailable("busy")
    job = make_job(
        FakeDatabase([make_row(1)]), handler, store, clock, max_delay=100.0
    )
    pauses = []
    for _ in range(20):
        job.turn(located())
        pauses.append(owed(store)["o1"].due - clock.now)
        clock.now += 101
    assert pauses[0] <= 1.0
    assert 50.0 <= pauses[-1] <= 100.0


def test_newer_row_of_the_name_settles_the_old_entry(store, handler):
    clock = Clock()
    database = FakeDatabase([make_row(1, "x")])
    handler.errors["x"] = InvalidRequest("too long")
    job = make_job(database, handler, store, clock)
    job.turn(located())
    handler.errors.clear()
    database.rows = [make_row(2, "x", deleted=True)]
    database.version += 1
    job.turn(located())
    assert owed(store) == {}


def test_waiting_row_is_no_failure(store, handler, caplog):
    handler.errors["o1"] = RowWaitsError("replica lags")
    with caplog.at_level(logging.INFO):
        make_job(FakeDatabase([make_row(1)]), handler, store).turn(located())
    assert owed(store)["o1"].kind is Kind.WAITING
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_case_36_row_whose_time_is_known_is_tried_then_and_not_before(
    store, handler, caplog
):
    clock = Clock()
    due = NOW + 10**6
    handler.errors["o1"] = RowWaitsError("too young", due)
    job = make_job(
        FakeDatabase([make_row(1), make_row(2)]), handler, store, clock
    )
    with caplog.at_level(logging.INFO):
        job.turn(located())
    assert caplog.records == []
    assert cursor(store) == (2, 0)
    assert scheduled(store)["o1"].due == due
    assert scheduled(store)["o1"].attempts == 0
    handler.seen.clear()
    for _ in range(5):
        clock.now += 100000
        job.turn(located())
        job.turn(located(), everything=True)
    assert handler.seen == []
    handler.errors.clear()
    clock.now = due
    job.turn(located())
    assert handler.names == ["o1"]
    assert scheduled(store) == {}


def test_scheduled_rows_stay_so_when_the_clock_is_set_back(store, handler):
    clock = Clock()
    handler.errors["o1"] = RowWaitsError("too young", NOW + 10)
    job = make_job(FakeDatabase([make_row(1)]), handler, store, clock)
    job.turn(located())
    clock.now -= 10**6
    job.turn(located())
    assert len(handler.seen) == 1


def test_time_that_has_come_is_no_reason_to_try_over_and_over(store, handler):
    clock = Clock()
    handler.errors["o1"] = RowWaitsError("too young", NOW)
    job = make_job(FakeDatabase([make_row(1)]), handler, store, clock)
    while job.turn(located()):
        pass
    assert owed(store)["o1"].kind is Kind.WAITING
    assert owed(store)["o1"].due > NOW


def test_newer_row_takes_the_place_of_a_scheduled_one(store, handler):
    clock = Clock()
    database = FakeDatabase([make_row(1, "x")])
    handler.errors["x"] = RowWaitsError("too young", NOW + 10)
    job = make_job(database, handler, store, clock)
    job.turn(located())
    handler.errors["x"] = RowWaitsError("too young", NOW + 500)
    database.rows = [make_row(2, "x", age=10)]
    database.version += 1
    job.turn(located())
    assert scheduled(store)["x"].due == NOW + 500
    assert scheduled(store)["x"].rowid == 2
    clock.now += 10
    handler.seen.clear()
    job.turn(located())
    assert handler.seen == []


def test_scheduled_row_that_fails_at_its_time_fails_for_the_first_time(
    store, handler
):
    clock = Clock()
    handler.errors["o1"] = RowWaitsError("too young", NOW + 10**6)
    job = make_job(FakeDatabase([make_row(1)]), handler, store, clock)
    job.turn(located())
    clock.now += 10**6
    handler.errors["o1"] = ServiceUnavailable("busy")
    job.turn(located())
    entry = owed(store)["o1"]
    assert (entry.kind, entry.attempts) == (Kind.FAILED, 1)
    assert entry.first == clock.now
    handler.errors["o1"] = RowWaitsError("younger", clock.now + 7200)
    clock.now += 3600
    job.turn(located())
    assert scheduled(store)["o1"].attempts == 0


def test_rows_of_one_name_are_handled_in_turn_the_oldest_first(store, handler):
    rows = [
        make_row(1, "x", age=10, policy_index=1),
        make_row(2, "y"),
        make_row(3, "x", age=20, deleted=True),
        make_row(4, "x", age=15, policy_index=2),
    ]
    running = []

    def handle(row, *, again):
        assert row.name not in running
        running.append(row.name)
        sleep(0)
        running.remove(row.name)
        handler.seen.append((row, again))

    handler.handle, seen = handle, handler.seen
    make_job(FakeDatabase(rows), handler, store).turn(located())
    assert [row.rowid for row, _ in seen if row.name == "x"] == [3, 4, 1]
    assert len(seen) == 4
    assert cursor(store) == (4, 0)


@pytest.mark.parametrize("newest_fails", [False, True])
def test_of_rows_of_one_name_the_newest_says_what_is_owed(
    store, handler, newest_fails
):
    rows = [make_row(1, "x", age=10), make_row(2, "x", age=20)]
    failing = rows[0] if newest_fails else rows[1]

    def handle(row, *, again):
        if row == failing:
            message = "no"
            raise InvalidRequest(message)

    handler.handle = handle
    make_job(FakeDatabase(rows), handler, store).turn(located())
    if newest_fails:
        assert owed(store)["x"].rowid == 1
    else:
        assert owed(store) == {}


def test_outage_between_rows_of_one_name_leaves_both_to_do(store, handler):
    rows = [make_row(1, "x", age=10), make_row(2, "x", age=20)]
    handler.errors["x"] = ServiceUnavailable("x")
    handler.down = "the endpoint is down"
    job = make_job(FakeDatabase(rows), handler, store)
    with pytest.raises(OutageError):
        job.turn(located())
    assert len(handler.seen) == 1
    assert cursor(store) == (0, 0)


def test_skipped_row_is_recorded_and_not_tried_again(store, handler):
    clock = Clock()
    handler.errors["o1"] = RowSkippedError("a static large object")
    job = make_job(FakeDatabase([make_row(1)]), handler, store, clock)
    job.turn(located())
    clock.now += 10**6
    job.turn(located())
    assert len(handler.seen) == 1
    assert owed(store)["o1"].reason == "a static large object"


def test_outage_saves_nothing_and_stops_the_chunk(store, handler):
    handler.errors = {f"o{n}": ServiceUnavailable("x") for n in range(1, 99)}
    handler.down = "the endpoint is down"
    database = FakeDatabase(make_row(n) for n in range(1, 99))
    job = make_job(database, handler, store)
    with pytest.raises(OutageError, match="endpoint is down"):
        job.turn(located())
    assert len(handler.seen) < 98
    assert cursor(store) == (0, 0)
    assert owed(store) == {}
    handler.errors, handler.down = {}, None
    job.turn(located())
    assert set(handler.names) == {f"o{n}" for n in range(1, 99)}


@pytest.mark.parametrize("change", ["fingerprint", "database"])
def test_case_84_change_reads_all_rows_again(store, handler, change):
    database = FakeDatabase([make_row(1), make_row(2)])
    make_job(database, handler, store).turn(located())
    changed = "g" if change == "fingerprint" else "f"
    if change == "database":
        database.ident = "rebuilt"
    make_job(database, handler, store, fingerprint=changed).turn(located())
    assert sorted(handler.names) == ["o1", "o1", "o2", "o2"]


def test_case_90_all_shares_of_a_host_are_its_own(store, handler):
    rows = [make_row(n, age=1) for n in range(1, 60)]
    make_job(FakeDatabase(rows), handler, store).turn(located(3, [0, 2]))
    assert set(handler.names) == {
        row.name for row in rows if share(row.name, 3) in (0, 2)
    }
    assert not any(again for _row, again in handler.seen)


def test_case_91_chunk_without_own_rows_moves_the_cursor(store, handler):
    theirs = [f"o{n}" for n in range(999) if share(f"o{n}", 2) == 1][:20]
    mine = next(f"o{n}" for n in range(999) if share(f"o{n}", 2) == 0)
    rows = [make_row(n, name, age=1) for n, name in enumerate(theirs, 1)]
    rows.append(make_row(50, mine, age=1))
    job = make_job(FakeDatabase(rows), handler, store, chunk=5)
    job.turn(located(2, [0]))
    assert handler.names == [mine]
    assert cursor(store) == (50, 0)


def test_unchanged_database_is_not_read(store, handler):
    database = FakeDatabase([make_row(1)])
    job = make_job(database, handler, store)
    job.turn(located())
    reads = database.reads
    for _ in range(5):
        assert job.turn(located()) is False
    assert database.reads == reads


def test_database_is_read_again_after_a_change_and_now_and_then(
    store, handler
):
    clock = Clock()
    database = FakeDatabase([make_row(1)])
    job = make_job(database, handler, store, clock)
    job.turn(located())
    database.rows.append(make_row(2))
    database.version += 1
    job.turn(located())
    assert handler.names == ["o1", "o2"]
    database.rows.append(make_row(3))  # unnoticed: same file times
    clock.now += 61
    job.turn(located())
    assert handler.names == ["o1", "o2", "o3"]


def test_fresh_change_is_looked_at_again_since_file_times_are_coarse(
    store, handler
):
    database = FakeDatabase([make_row(1)])
    database.version = int((NOW - 1) * 1e9)
    job = make_job(database, handler, store)
    job.turn(located())
    database.rows.append(make_row(2))  # in the same tick of the clock
    job.turn(located())
    assert handler.names == ["o1", "o2"]


def test_case_87_state_of_a_deleted_container_goes_once_it_is_drained(
    store, handler
):
    database = FakeDatabase([make_row(1, deleted=True)])
    database.deleted = True
    handler.errors["o1"] = ServiceUnavailable("busy")
    clock = Clock()
    job = make_job(database, handler, store, clock)
    job.turn(located())
    assert store.summaries(), "something is owed still"
    handler.errors.clear()
    clock.now += 61
    job.turn(located())
    job.turn(located())
    clock.now += 61
    job.turn(located())
    assert store.summaries() == []
    count = len(handler.seen)
    for _ in range(3):
        clock.now += 100
        job.turn(located())
    assert len(handler.seen) == count


def test_stopped_job_saves_only_what_is_done(store, handler):
    database = FakeDatabase(make_row(n) for n in range(1, 10))
    job = make_job(database, handler, store)
    job.stop()
    job.turn(located())
    assert cursor(store) == (0, 0)
