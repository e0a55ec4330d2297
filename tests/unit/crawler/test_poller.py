# SPDX-License-Identifier: Apache-2.0
import dataclasses
import logging

import pytest
from servers.crawler_fakes import Clock, located

from onespace_core.concurrency import Event, sleep
from onespace_core.crawler.database import DatabaseUnavailableError
from onespace_core.crawler.job import OutageError
from onespace_core.crawler.poller import Poller, Target
from onespace_core.state import (
    ContainerKey,
    Cursor,
    StateError,
    StateStore,
)

LOG = logging.getLogger("test.poller")


class FakeJob:
    """Counts turns; ``script`` says what each turn does."""

    def __init__(self, key, script=()):
        self.key = key
        self.script = list(script)
        self.turns = 0
        self.settled = 0
        self.running = 0
        self.most_running = 0
        self.gate = None

    def turn(self, _located, *, everything=False):
        self.turns += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.gate is not None:
                self.gate.wait()
            step = self.script.pop(0) if self.script else None
            if isinstance(step, Exception):
                raise step
            self.settled += 1
            return bool(step)
        finally:
            self.running -= 1

    def stop(self):
        pass


class IdleJob(FakeJob):
    """Has no row to settle."""

    def turn(self, located_, *, everything=False):
        super().turn(located_, everything=everything)
        self.settled = 0
        return False


class Everywhere:
    """A locator that finds everything, but for some names."""

    def __init__(self, missing=()):
        self.missing = set(missing)

    def locate(self, _account, container):
        return None if container in self.missing else located()


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


class World:
    """A poller over fake jobs."""

    def __init__(self, store, targets, *, missing=(), discovery=30.0):
        self.clock = Clock()
        self.jobs = {}
        self.poller = Poller(
            [self._target(*target) for target in targets],
            Everywhere(missing),
            store,
            5,
            LOG,
            interval=0.0,
            discovery=discovery,
            clock=self.clock,
        )

    def _target(self, name, containers, script=()):
        def make_job(key):
            job = FakeJob(key, script)
            self.jobs[key.mapping, key.container] = job
            return job

        return Target(
            name=name, account="A", containers=containers, make_job=make_job
        )

    def round(self):
        self.poller._round(everything=False)
        self.poller.wait()


def test_every_container_of_every_mapping_gets_turns(store):
    world = World(store, [("m", lambda: ["a", "b"]), ("n", lambda: ["a"])])
    world.round()
    assert {key: job.turns for key, job in world.jobs.items()} == {
        ("m", "a"): 1,
        ("m", "b"): 1,
        ("n", "a"): 1,
    }


def test_case_88_failing_account_listing_stops_no_other_mapping(store, caplog):
    answers = [RuntimeError("503"), ["c"]]

    def listing():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    world = World(store, [("all", listing), ("one", lambda: ["x"])])
    world.round()
    assert world.jobs.keys() == {("one", "x")}
    assert "all" in store.health()
    assert "all" in caplog.text
    world.clock.now += 10
    world.round()
    assert ("all", "c") in world.jobs
    assert store.health() == {}


def test_case_89_container_that_is_being_worked_on_is_not_begun_again(store):
    world = World(store, [("m", lambda: ["a"])])
    world.round()
    job = world.jobs["m", "a"]
    job.gate = Event()
    for _ in range(3):
        world.poller._round(everything=False)
        sleep(0)
    job.gate.send()
    world.poller.wait()
    assert job.most_running == 1
    assert job.turns == 2


def test_outage_puts_one_mapping_off_for_longer_each_time(store, caplog):
    down = [OutageError("no route")] * 3
    world = World(store, [("m", lambda: ["a"], down), ("n", lambda: ["a"])])
    pauses = []
    for _ in range(3):
        world.round()
        (_reason, _since, retry_at) = store.health()["m"]
        pauses.append(retry_at - world.clock.now)
        world.round()
        world.clock.now = retry_at + 0.01
    assert pauses[0] < pauses[1] < pauses[2] <= 4.0
    assert world.jobs["m", "a"].turns == 3
    assert world.jobs["n", "a"].turns == 6
    world.round()
    assert store.health() == {}
    assert "no route" in caplog.text


def test_container_that_a_mapping_names_no_longer_is_left_alone(store):
    """Its rows would go to where the mapping's new container goes."""
    old, new = (ContainerKey("m", "A", name) for name in ("old", "new"))
    for key in (old, new, ContainerKey("m", ".shards_A", "old-0-1-2")):
        store.commit(key, Cursor("db", "f", 1))
    world = World(store, [("m", lambda: ["new"])])
    target = world.poller._mappings[0].target
    world.poller._mappings[0].target = dataclasses.replace(
        target, whole_account=False
    )
    world.round()
    assert world.jobs.keys() == {("m", "new")}
    assert [summary.key for summary in store.summaries()] == [new]


def test_idle_container_does_not_tell_that_the_store_is_back(store):
    store.report_health("m", "down", 0.0)
    world = World(store, [("m", lambda: ["a", "b"])])
    world.round()
    assert store.health() == {}, "rows were settled"
    store.report_health("m", "down", 0.0)
    world = World(store, [("m", lambda: ["a", "b"])])
    world.poller._mappings[0].jobs = {
        key: IdleJob(key)
        for key in (ContainerKey("m", "A", name) for name in ("a", "b"))
    }
    world.round()
    assert "m" in store.health()


def test_container_that_fails_stops_no_other(store, caplog):
    world = World(
        store,
        [
            ("m", lambda: ["a"], [ValueError("a defect")]),
            ("n", lambda: ["a"], [DatabaseUnavailableError("locked")]),
            ("o", lambda: ["a"]),
        ],
    )
    world.round()
    world.round()
    assert all(job.turns == 2 for job in world.jobs.values())
    assert "a defect" in caplog.text
    assert "locked" in caplog.text


def test_case_87_state_of_a_container_that_left_the_account_is_dropped(store):
    for name in ("here", "gone"):
        store.commit(ContainerKey("m", "A", name), Cursor("db", "f", 1))
    world = World(store, [("m", lambda: ["here"])], missing=["gone"])
    world.round()
    assert store.containers("m", "A") == ["here"]


def test_container_that_left_the_listing_is_followed_until_drained(store):
    store.commit(ContainerKey("m", "A", "deleted"), Cursor("db", "f", 1))
    world = World(store, [("m", lambda: ["here"])])
    world.round()
    assert world.jobs["m", "deleted"].turns == 1


def test_mapping_without_any_replica_here_is_said_once(store, caplog):
    world = World(store, [("m", lambda: ["a"])], missing=["a"])
    world.round()
    world.round()
    assert caplog.text.count("no database of A/a is on this node") == 1


def test_full_disk_is_no_reason_to_do_everything_twice_a_second(store):
    full = [StateError("disk full")] * 2
    world = World(store, [("m", lambda: ["a"], full)])
    world.round()
    world.round()
    assert world.jobs["m", "a"].turns == 1
    assert "disk full" in store.health()["m"][0]


def test_container_without_a_replica_here_is_passed_over(store):
    world = World(store, [("m", lambda: ["a", "b"])], missing=["b"])
    world.round()
    assert world.jobs.keys() == {("m", "a")}


def test_containers_are_listed_again_after_a_while_only(store):
    calls = []

    def listing():
        calls.append(1)
        return ["a"]

    world = World(store, [("m", listing)])
    world.round()
    world.round()
    assert len(calls) == 1
    world.clock.now += 31
    world.round()
    assert len(calls) == 2


def test_case_92_once_drains_a_backlog_and_then_tries_what_is_owed(store):
    world = World(store, [("m", lambda: ["a"], [True, True, False])])
    world.poller.run_once()
    assert world.jobs["m", "a"].turns == 4
    assert not world.poller.broken


def test_once_tells_that_something_is_broken(store):
    world = World(store, [("m", lambda: ["a"], [OutageError("down")])])
    world.poller.run_once()
    assert world.poller.broken
