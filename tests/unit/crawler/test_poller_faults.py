# SPDX-License-Identifier: Apache-2.0
"""One container, mapping or store that fails never stops the others."""

import logging
import time

import pytest
from servers.crawler_fakes import Clock, located
from swift.common.exceptions import ChunkReadTimeout

from onespace_core.concurrency import Event, sleep, spawn
from onespace_core.crawler.job import OutageError
from onespace_core.crawler.poller import Poller, Target
from onespace_core.state import StateError, StateStore

LOG = logging.getLogger("test.poller")


class Job:
    """Does ``work`` at each turn."""

    def __init__(self, key, work):
        self.key = key
        self.work = work
        self.turns = 0
        self.settled = 0
        self.stopped = False

    def turn(self, _located, *, everything=False):
        self.turns += 1
        more = self.work() if self.work else False
        self.settled += 1
        return more

    def stop(self):
        self.stopped = True


class Locator:
    """Finds everything; raises what ``errors`` has for a container."""

    def __init__(self):
        self.errors = {}

    def locate(self, _account, container):
        if container in self.errors:
            raise self.errors[container]
        return located()


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


class World:
    def __init__(self, store, targets, *, interval=0.0, workers=3):
        self.clock = Clock()
        self.locator = Locator()
        self.jobs = {}
        self.made = []
        self.poller = Poller(
            [self._target(*target) for target in targets],
            self.locator,
            store,
            workers,
            LOG,
            interval=interval,
            discovery=30.0,
            clock=self.clock,
        )

    def _target(self, name, containers, work=None):
        def make_job(key):
            self.made.append(key)
            job = self.jobs[key.mapping, key.container] = Job(key, work)
            return job

        return Target(
            name=name, account="A", containers=containers, make_job=make_job
        )

    def turns(self, mapping):
        return sum(j.turns for (m, _c), j in self.jobs.items() if m == mapping)

    def round(self):
        self.poller._round(everything=False)
        self.poller.wait()


def test_mapping_that_hangs_takes_no_place_from_the_others(store):
    gate = Event()
    many = [f"c{n}" for n in range(50)]
    world = World(
        store,
        [("dead", lambda: many, gate.wait), ("good", lambda: many)],
    )
    for _ in range(60):
        world.poller._round(everything=False)
        sleep(0)
    assert world.turns("good") >= 50
    assert world.turns("dead") == 3
    gate.send(False)
    world.poller.wait()


def test_containers_of_a_mapping_are_left_alone_after_the_first_outage(store):
    def down():
        sleep(0)
        raise OutageError("no route")

    many = [f"c{n}" for n in range(50)]
    world = World(store, [("dead", lambda: many, down)])
    world.round()
    assert world.turns("dead") <= 6


def test_clock_that_was_ahead_does_not_put_a_mapping_off_for_as_long(store):
    answers = [OutageError("down")]

    def work():
        if answers:
            raise answers.pop()

    world = World(store, [("m", lambda: ["a"], work)])
    world.clock.now += 10**8
    world.round()
    world.clock.now -= 10**8
    world.round()
    assert world.turns("m") == 2


def test_listing_that_hangs_stops_no_other_mapping(store):
    gate = Event()

    def listing():
        gate.wait()
        return ["a"]

    world = World(store, [("slow", listing), ("good", lambda: ["a"])])
    world.poller._round(everything=False)
    sleep(0)
    sleep(0)
    world.poller._round(everything=False)
    sleep(0)
    assert world.turns("good") >= 1
    gate.send()
    world.poller.wait()
    assert world.turns("slow") == 1


def test_timeout_that_is_no_exception_ends_neither_listing_nor_turn(store):
    answers = [ChunkReadTimeout(None), None]

    def listing():
        error = answers.pop(0)
        if error is not None:
            raise error
        return ["a"]

    def work():
        raise ChunkReadTimeout(None)

    world = World(store, [("m", listing), ("n", lambda: ["a"], work)])
    world.round()
    assert "m" in store.health()
    world.clock.now += 2
    world.round()
    assert world.turns("m") == 1
    assert world.turns("n") == 2


def test_listing_that_works_again_is_reported_though_nothing_changed(store):
    answers = [OSError("503"), None]

    def listing():
        error = answers.pop(0)
        if error is not None:
            raise error
        return []

    world = World(store, [("m", listing)])
    world.round()
    assert "m" in store.health()
    world.clock.now += 2
    world.round()
    assert store.health() == {}


@pytest.mark.parametrize(
    "error", [OSError("ring is cut short"), ChunkReadTimeout(None)]
)
def test_ring_that_cannot_be_read_stops_no_other_container(store, error):
    world = World(store, [("m", lambda: ["bad", "good"])])
    world.locator.errors["bad"] = error
    world.round()
    assert world.jobs.keys() == {("m", "good")}
    assert world.poller.broken
    world.locator.errors.clear()
    world.round()
    assert ("m", "bad") in world.jobs


def test_state_that_cannot_be_read_does_not_end_the_daemon(store):
    world = World(store, [("m", lambda: ["a"])])
    real, store.containers = store.containers, broken
    world.round()
    assert world.poller.broken
    store.containers = real
    world.round()
    assert world.turns("m") == 1


def broken(*_args):
    raise StateError("disk I/O error")


def test_backlog_is_not_held_up_until_the_next_round(store):
    turns = iter([True] * 20)
    world = World(
        store, [("m", lambda: ["a"], lambda: next(turns, False))], interval=9.0
    )
    world.round()
    assert world.turns("m") == 21


def test_backlog_gives_way_to_containers_that_wait(store):
    def work():
        sleep(0)
        return True

    many = [f"c{n}" for n in range(9)]
    world = World(store, [("m", lambda: many, work)], interval=9.0, workers=3)
    leader = spawn(world.poller._round, everything=False)
    for _ in range(40):
        sleep(0)
    assert len(world.jobs) == 9
    leader.wait()
    world.clock.now += 10
    world.poller.wait()


def test_stop_is_noticed_within_a_moment(store):
    world = World(store, [("m", lambda: ["a"])], interval=3600.0)
    running = spawn(world.poller.run_forever)
    sleep(0.05)
    started = time.monotonic()
    world.poller.stop()
    running.wait()
    assert time.monotonic() - started < 3.0
    assert world.jobs["m", "a"].stopped
