# SPDX-License-Identifier: Apache-2.0
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

from onespace_core.concurrency import GreenPool, sleep
from onespace_core.crawler.job import Job, Tuning
from onespace_core.crawler.names import BusyNames
from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.crawler.poller import Poller, Target
from onespace_core.crawler.shards import ShardFinder
from onespace_core.provider import ServiceUnavailable
from onespace_core.state import ContainerKey, Cursor, Kind, StateStore

LOG = logging.getLogger("test.shards")


def shard_of(root, number=0):
    """Return account and container of a shard, as Swift names it."""
    return ".shards_AUTH_test", f"{root}-{'0' * 32}-1700000000.00000-{number}"


def keys(*shards, mapping="m"):
    return [ContainerKey(mapping, *shard) for shard in shards]


@pytest.fixture
def store(tmp_path):
    opened = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield opened
    opened.close()


@pytest.fixture
def handler():
    return FakeHandler()


def owed(store, key=KEY):
    return {entry.name: entry for _key, entry in store.entries(key)}


# -- names that are busy -----------------------------------------------------


def test_name_is_held_by_one_at_a_time_and_others_beside_it():
    names, log, pool = BusyNames(), [], GreenPool(10)

    def work(name):
        with names.hold(name):
            log.append(f"+{name}")
            sleep(0)
            sleep(0)
            log.append(f"-{name}")

    for name in ("x", "x", "y", "x"):
        pool.spawn(work, name)
    pool.waitall()
    assert [each for each in log if "x" in each] == ["+x", "-x"] * 3
    assert log.index("+y") < log.index("-x")
    assert not names._locks


def test_name_is_free_again_after_an_error():
    names = BusyNames()
    with pytest.raises(ValueError, match="x"), names.hold("x"):
        raise ValueError("x")
    with names.hold("x"):
        assert list(names._locks) == ["x"]
    assert not names._locks


def test_jobs_of_a_root_and_its_shards_share_their_names(store, handler):
    names, running, most = BusyNames(), [], []
    shard = ContainerKey("m", *shard_of("c"))

    def handle(row, *, again):
        running.append(row.name)
        most.append(running.count("x"))
        sleep(0)
        running.remove(row.name)

    handler.handle = handle
    pool = GreenPool(10)
    for key in (KEY, shard):
        database = FakeDatabase([make_row(1, "x"), make_row(2)])
        job = Job(
            key, "f", handler, store, GreenPool(4), Tuning(), LOG,
            names=names, clock=Clock(), open_database=database.open,
        )  # fmt: skip
        pool.spawn(job.turn, located())
    pool.waitall()
    assert max(most) == 1
    assert len(most) == 4


# -- rows that Swift moves ---------------------------------------------------


@pytest.mark.parametrize("state", ["sharding", "sharded"])
def test_row_that_was_moved_to_a_shard_is_owed_there_and_not_here(
    store, handler, state
):
    clock = Clock()
    database = FakeDatabase([make_row(1), make_row(2), make_row(3)])
    handler.errors = {f"o{n}": ServiceUnavailable("x") for n in (1, 2)}
    job = make_job(database, handler, store, clock)
    job.turn(located())
    assert owed(store).keys() == {"o1", "o2"}
    database.state = state
    database.rows = database.rows[1:]
    database.version += 1
    handler.seen.clear()
    clock.now += 10
    job.turn(located())
    assert handler.names == ["o2"]
    assert owed(store).keys() == {"o2"}


def test_tombstone_that_is_gone_from_a_shard_stays_owed(store, handler):
    """It was reclaimed, or moved: nobody knows, and it does no harm."""
    clock = Clock()
    database = FakeDatabase([make_row(1, deleted=True)])
    handler.errors["o1"] = ServiceUnavailable("x")
    job = make_job(database, handler, store, clock)
    job.turn(located())
    database.state, database.rows = "sharded", []
    clock.now += 10
    job.turn(located())
    assert owed(store)["o1"].attempts == 2


def test_row_that_is_gone_from_no_shard_stays_owed(store, handler):
    clock = Clock()
    database = FakeDatabase([make_row(1)])
    handler.errors["o1"] = ServiceUnavailable("x")
    job = make_job(database, handler, store, clock)
    job.turn(located())
    database.rows = []
    clock.now += 10
    job.turn(located())
    assert owed(store)["o1"].attempts == 2


def test_live_row_of_a_retiring_database_does_not_wait_for_its_object(
    store, handler
):
    """It may have been deleted: only its shard would have the tombstone."""
    database = FakeDatabase(
        [make_row(1), make_row(2, deleted=True), make_row(3), make_row(4)]
    )
    database.state = "sharding"
    handler.errors = {
        "o1": RowWaitsError("no replica has it"),
        "o2": RowWaitsError("deletions are paused"),
        "o3": ServiceUnavailable("x"),
        "o4": RowWaitsError("too young", Clock.now + 100),
    }
    make_job(database, handler, store).turn(located())
    kinds = {e.name: e.kind for _key, e in store.entries(KEY, scheduled=True)}
    assert kinds == {
        "o2": Kind.WAITING,
        "o3": Kind.FAILED,
        "o4": Kind.SCHEDULED,
    }


# -- finding shards ----------------------------------------------------------


class Locator:
    """Finds containers that are in ``here``."""

    def __init__(self, *here):
        self.here = set(here)

    def locate(self, _account, container):
        return located() if container in self.here else None


class Cluster:
    """Answers for the shards of containers, and counts the questions."""

    def __init__(self, **shards):
        self.shards = shards
        self.asked = []

    def ask(self, account, container):
        self.asked.append(container)
        answer = self.shards.get(container, [])
        if isinstance(answer, Exception):
            raise answer
        return answer


class Opened:
    def __init__(self, shards):
        self._shards = shards

    def shards(self):
        if isinstance(self._shards, Exception):
            raise self._shards
        return self._shards


def finder(locator, clock=None, **local):
    return ShardFinder(
        locator,
        LOG,
        clock=clock or Clock(),
        open_database=lambda _located, _account, name, _log: Opened(
            local.get(name, [])
        ),
    )


def roots(*names):
    return [ContainerKey("m", "AUTH_test", name) for name in names]


def test_shards_are_those_that_the_roots_database_lists():
    found = finder(Locator("a", "b"), a=[shard_of("a"), shard_of("a", 1)])
    cluster = Cluster()
    assert found.find(roots("a", "b"), cluster.ask) == keys(
        shard_of("a"), shard_of("a", 1)
    )
    assert cluster.asked == []


def test_cluster_is_asked_for_others_and_not_at_each_round():
    clock = Clock()
    cluster = Cluster(a=[shard_of("a")])
    found = finder(Locator(), clock)
    for _ in range(5):
        assert found.find(roots("a"), cluster.ask) == keys(shard_of("a"))
        clock.now += 50
    assert cluster.asked == ["a"]
    clock.now += 300
    cluster.shards["a"] = [shard_of("a", 7)]
    assert found.find(roots("a"), cluster.ask) == keys(shard_of("a", 7))
    assert found.find(roots("a"), None) == keys(shard_of("a", 7))


def test_who_cannot_be_asked_keeps_its_shards_and_stops_no_other(caplog):
    local = {"b": [shard_of("b")], "c": [shard_of("c")]}
    clock = Clock()
    found = finder(Locator("b", "c"), clock, **local)
    cluster = Cluster(a=[shard_of("a")])
    everything = keys(shard_of("a"), shard_of("b"), shard_of("c"))
    assert found.find(roots("a", "b", "c"), cluster.ask) == everything
    cluster.shards["a"] = RuntimeError("503")
    local["b"] = RuntimeError("locked")
    found._open_database = lambda _l, _a, name, _log: Opened(local[name])
    clock.now += 1000
    assert found.find(roots("a", "b", "c"), cluster.ask) == everything
    assert "503" in caplog.text
    assert "locked" in caplog.text


def test_container_that_is_sharded_no_longer_has_no_shards():
    clock = Clock()
    cluster = Cluster(a=[shard_of("a")])
    found = finder(Locator(), clock)
    found.find(roots("a"), cluster.ask)
    clock.now += 1000
    cluster.shards["a"] = []
    assert found.find(roots("a"), cluster.ask) == []


def test_case_78_shard_with_the_name_of_another_root_is_refused(caplog):
    found = finder(Locator("foo"), foo=[shard_of("foobar"), shard_of("foo")])
    assert found.find(roots("foo"), None) == keys(shard_of("foo"))
    assert "foobar-" in caplog.text


# -- the poller --------------------------------------------------------------


class IdleJob:
    settled = 0

    def __init__(self, key):
        self.key = key
        self.turns = 0

    def turn(self, _located, *, everything=False):
        self.turns += 1
        return False

    def stop(self):
        pass


class World:
    """A poller with one worker; the cluster tells the shards."""

    def __init__(self, store, locator, cluster, containers=("a",)):
        self.jobs = {}
        self.clock = Clock()
        self.poller = Poller(
            [
                Target(
                    name="m",
                    account="AUTH_test",
                    containers=lambda: containers,
                    make_job=self._make_job,
                    shards=cluster.ask,
                )
            ],
            locator,
            store,
            1,
            LOG,
            interval=0.0,
            discovery=30.0,
            clock=self.clock,
        )

    def _make_job(self, key):
        self.jobs[key] = IdleJob(key)
        return self.jobs[key]

    def round(self):
        self.clock.now += 1000
        self.poller._round(everything=False)
        self.poller.wait()


def test_case_79_one_worker_gives_each_shard_that_is_here_its_turn(store):
    shards = [shard_of("a", n) for n in range(5)]
    here = Locator(*(container for _account, container in shards[:4]))
    world = World(store, here, Cluster(a=shards))
    for _ in range(3):
        world.round()
    assert {
        key: job.turns for key, job in world.jobs.items()
    } == dict.fromkeys(keys(*shards[:4]), 3)


def test_shard_that_is_listed_no_longer_is_followed_until_it_is_gone(store):
    shard = shard_of("a")
    (key,) = keys(shard)
    store.commit(key, Cursor("db", "f", 1))
    here = Locator(shard[1])
    world = World(store, here, Cluster(), containers=())
    world.round()
    assert world.jobs[key].turns == 1
    here.here.clear()
    world.round()
    assert world.jobs[key].turns == 1
    assert store.containers("m", shard[0]) == []
