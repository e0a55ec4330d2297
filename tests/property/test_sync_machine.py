# SPDX-License-Identifier: Apache-2.0
"""Nodes, replicas and a store that fail in every order Hypothesis finds.

The model is one container. Each node has a replica of its database that
lags, a job of its own and a state file. Reads of objects give any version
that some replica may have. Nodes work side by side; users write in between;
requests fail before or after they were done; nodes crash; clocks move; the
ring and databases change.

What must hold: when all is quiet again, the store is equal to the
container. In the second machine the nodes move objects away: then the store
has the newest version of whatever no user deleted, though nothing is left in
the container, and no copy ever goes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import random
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from servers.crawler_fakes import KEY, Clock, ReplicaDatabase, located
from servers.fake_source import FakeSource, stamp

from onespace_core.concurrency import GreenletExit, GreenPool, sleep, spawn
from onespace_core.crawler.job import Job, OutageError, Tuning
from onespace_core.crawler.rows import Row
from onespace_core.layers.retry import RetryLayer
from onespace_core.namespace.keys import layout_for
from onespace_core.provider import (
    ConnectionFailed,
    KeyScheme,
    OperationTimeout,
    ServiceUnavailable,
)
from onespace_core.state import StateStore
from onespace_core.sync.engine import SyncEngine, SyncPolicy
from onespace_core.sync.stamp import read_stamp, user_metadata
from onespace_core.telemetry import SyncRecorder
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

EXAMPLES = int(os.environ.get("ONESPACE_SYNC_EXAMPLES", "200"))
#: Each of them is 8 to 16 things that happen.
STEPS = 8
SLACK = 10.0
LOG = logging.getLogger("test.machine")
LOG.setLevel(logging.CRITICAL + 1)
NAMES = ("a", "ü")
LAYOUT = layout_for(
    KeyScheme.HASHED, account="AUTH_t", container="c", bucket="b"
)
CONDITIONS = [
    {},
    {"conditional_replace": False},
    {"conditional_put": False, "conditional_replace": False},
]


class CrashError(GreenletExit):
    """The process is gone: nothing handles this, and nobody prints it."""


class World:
    """What all nodes share."""

    def __init__(self, seed, capabilities, policy):
        self.policy = policy
        self.random = random.Random(seed)
        self.clock = Clock()
        self.source = FakeSource()
        self.memory = MemoryProvider(
            MemoryStore("b"), capabilities=capabilities
        )
        self.fault_rate = 0.0
        self.lag_rate = 0.0
        #: What users do while nodes work: functions.
        self.writes = []
        #: Copies that became older, with the stamp that they had.
        self.regressed = {}
        #: Copies of the newest live version that a node has deleted.
        self.removed = set()

    def pause(self):
        """Let others run, and users write, at any request."""
        for _ in range(self.random.randrange(3)):
            sleep(0)
        if self.writes and self.random.random() < 0.25:
            self.writes.pop(0)()

    @contextlib.contextmanager
    def watched(self, op):
        """Note where a node replaces or deletes a newer copy.

        A race may do so; then the node has to notice.
        """
        before = self.stamps()
        yield
        if op == "delete_object":
            for name, versions in self.source.versions.items():
                stamped = before.get(LAYOUT.key(name))
                gone = LAYOUT.key(name) not in self.stamps()
                if gone and stamped == versions[-1].timestamp:
                    self.removed.add(name)
        if op == "put_object":
            after = self.stamps()
            for key in before.keys() & after.keys():
                if after[key] < before[key]:
                    self.regressed[key] = before[key]

    def stamps(self):
        objects = self.memory.store.buckets["b"].objects
        return {
            key: read_stamp(info.metadata).timestamp
            for key, (info, _data) in objects.items()
        }

    def fault(self, op, _key):
        if self.random.random() >= self.fault_rate:
            return None
        error = self.random.choice(
            [ServiceUnavailable, ConnectionFailed, OperationTimeout]
        )
        if op == "put_object" and self.random.random() < 0.3:
            return Fault(truncate=self.random.randrange(3), error=error)
        return Fault(error=error, after=self.random.random() < 0.5)


class NodeSource:
    """The container as a node sees it: replicas lag, requests take time."""

    def __init__(self, node):
        self._node = node

    def head(self, name, *, policy_index=None, newest):
        return self._read("head", name, newest)

    def open(self, name, *, policy_index=None, newest):
        return self._read("open", name, newest)

    def delete(self, name, *, timestamp, policy_index=None):
        """Delete as an archive does; its row reaches this node's replica."""
        world = self._node.world
        self._node.live()
        world.pause()
        self._node.live()
        done = world.source.delete(name, timestamp=timestamp)
        if done:
            version = world.source.versions[name][-1]
            self._node.database.merge(row_of(name, version, timestamp))
        self._node.count_down()
        return done

    def _read(self, op, name, newest):
        world = self._node.world
        self._node.live()
        world.pause()
        self._node.live()
        source = world.source
        if not newest and world.random.random() < world.lag_rate:
            count = len(source.versions.get(name, ()))
            source.script = [world.random.choice([None, *range(count)])]
        found = getattr(source, op)(name, newest=newest)
        source.script = []
        return found


class NodeProvider(FaultyLayer):
    """The store as a node sees it: requests take time, nodes crash."""

    def __init__(self, node, inner):
        super().__init__(inner)
        self._node = node

    def around(self, method, /, *args, **kwargs):
        self._node.live()
        self._node.world.pause()
        self._node.count_down()
        with self._node.world.watched(method.__name__):
            result = method(*args, **kwargs)
        self._node.world.pause()
        self._node.count_down()
        return result


class Node:
    """A job with its state, over a replica of the database."""

    def __init__(self, world, number, path):
        self.world = world
        self.number = number
        self.share = number
        self.path = path
        self.database = ReplicaDatabase(f"db{number}")
        self.skew = 0.0
        self.start()

    def start(self):
        """Start as after a crash: only the state file is left."""
        self.crash_in = None
        self.dead = False
        self.pool = GreenPool(3)
        self.store = StateStore(self.path, LOG)
        world = self.world
        faulty = FaultyLayer(world.memory, world.fault)
        plain = NodeProvider(self, faulty)
        retry = RetryLayer(
            plain, max_attempts=2, sleep=lambda _s: None, logger=LOG
        )
        engine = SyncEngine(
            retry,
            plain,
            LAYOUT,
            NodeSource(self),
            world.policy,
            SyncRecorder(),
            save_receipt=lambda receipt: self.store.save_receipt(KEY, receipt),
        )
        self.job = Job(
            KEY,
            "f",
            engine,
            self.store,
            self.pool,
            Tuning(chunk=2, turn=2, slack=SLACK, max_delay=60.0),
            LOG,
            clock=lambda: world.clock() + self.skew,
            open_database=self.database.open,
        )

    def live(self):
        if self.dead:
            raise CrashError

    def count_down(self):
        self.live()
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.dead = True
                raise CrashError

    def located(self, nodes):
        return located(nodes, [self.share])

    def turn(self, nodes):
        """Do one turn; come back to life after a crash."""
        try:
            return self.job.turn(self.located(nodes))
        except OutageError:
            return False
        except CrashError:
            self.pool.waitall()
            self.store.close()
            self.start()
            return False


def row_of(name, version, data_timestamp):
    """Return the row of a version."""
    info = None if version.data is None else version.info(name)
    return Row(
        rowid=0,
        name=name,
        deleted=info is None,
        timestamp=version.timestamp,
        data_timestamp=data_timestamp,
        size=info.size if info else 0,
        etag=info.etag if info else "noetag",
        content_type=version.content_type,
        policy_index=0,
    )


class SyncMachine(RuleBasedStateMachine):
    """See the module."""

    POLICY = SyncPolicy()

    @initialize(
        seed=st.integers(0, 2**32),
        nodes=st.sampled_from([1, 1, 2, 3]),
        conditions=st.sampled_from(CONDITIONS),
        md5=st.booleans(),
    )
    def begin(self, seed, nodes, conditions, md5):
        self.folder = tempfile.mkdtemp(prefix="onespace-machine-")
        capabilities = dataclasses.replace(
            EVERYTHING, etag_is_md5=md5, **conditions
        )
        self.world = World(seed, capabilities, self.POLICY)
        self.nodes = [
            Node(self.world, n, os.path.join(self.folder, f"{n}.sqlite"))
            for n in range(nodes)
        ]
        self.idents = 0

    # -- users --------------------------------------------------------------

    def _write(self, name, where, data, color):
        """Put (bytes), post (data is ... ) or delete (None) an object."""
        world = self.world
        world.clock.now += 0.5
        now = world.clock.now
        versions = world.source.versions.get(name, [])
        live = versions and versions[-1].data is not None
        data_timestamp = stamp(now)
        if data is ...:
            if not live:
                return
            data = versions[-1].data
            old = next(
                row
                for node in self.nodes
                for row in sorted(
                    node.database.rows, key=lambda r: r.timestamp
                )
                if row.name == name
            )
            data_timestamp = old.data_timestamp
        if data is None and not live:
            return
        metadata = () if data is None else (("color", color),)
        version = world.source.put(
            name,
            now,
            data,
            metadata=metadata,
            content_type=f"text/{color}",
        )
        row = row_of(name, version, data_timestamp)
        for number, node in enumerate(self.nodes):
            if where >> number & 1 or number == where % len(self.nodes):
                node.database.merge(row)

    writes = st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAMES),
            "where": st.integers(0, 7),
            "data": st.sampled_from(
                [b"1111", b"2222", b"longer one", b"", ..., ..., None, None]
            ),
            "color": st.sampled_from(["red", "blue"]),
        }
    )

    write_steps = st.tuples(st.just("user"), writes)

    # -- the cluster ----------------------------------------------------------

    cluster_steps = st.tuples(
        st.just("cluster"),
        st.fixed_dictionaries(
            {
                "what": st.sampled_from(
                    [
                        "replicate",
                        "replicate",
                        "wait",
                        "clock",
                        "rebuild",
                        "ring",
                    ]
                ),
                "one": st.integers(0, 2),
                "other": st.integers(0, 2),
                "seconds": st.sampled_from(
                    [-70.0, -5.0, 1.0, 20.0, 70.0, 700.0]
                ),
            }
        ),
    )

    def cluster_changes(self, what, one, other, seconds):
        first = self.nodes[one % len(self.nodes)]
        second = self.nodes[other % len(self.nodes)]
        if what == "replicate":
            first.database.replicate_to(second.database)
        elif what == "wait":
            self.world.clock.now += abs(seconds)
        elif what == "clock":
            first.skew = seconds
        elif what == "rebuild":
            self.idents += 1
            first.database.rebuild(
                f"new{self.idents}", lambda _row: self.world.random.random()
            )
        else:
            one_share, first.share = first.share, second.share
            second.share = one_share

    # -- nodes ---------------------------------------------------------------

    work_steps = st.tuples(
        st.just("work"),
        st.fixed_dictionaries(
            {
                "who": st.sampled_from([7, 7, 7, 1, 2, 4, 3]),
                "faults": st.sampled_from([0.0, 0.0, 0.15, 0.5]),
                "lag": st.sampled_from([0.0, 0.3, 0.8]),
                "crash": st.one_of(st.none(), st.integers(0, 4)),
                "during": st.lists(writes, max_size=3),
            }
        ),
    )

    @rule(
        steps=st.lists(
            st.one_of(
                write_steps, work_steps, write_steps, work_steps, cluster_steps
            ),
            min_size=8,
            max_size=16,
        )
    )
    def things_happen(self, steps):
        for kind, what in steps:
            if kind == "user":
                self._write(**what)
            elif kind == "cluster":
                self.cluster_changes(**what)
            else:
                self.nodes_work(what)

    def nodes_work(self, work):
        world = self.world
        world.fault_rate, world.lag_rate = work["faults"], work["lag"]
        world.writes = [
            lambda w=write: self._write(**w) for write in work["during"]
        ]
        working = [n for n in self.nodes if work["who"] >> n.number & 1]
        crash = work["crash"]
        if crash is not None and working:
            working[crash % len(working)].crash_in = crash
        before = self._whole()
        world.removed.clear()
        world.regressed.clear()
        self._work(working)
        for node in self.nodes:
            node.crash_in = None
        world.writes = []
        if crash is None and not work["faults"]:
            # (What users wrote meanwhile may not have been copied yet.)
            before |= world.removed
            lost = before - self._whole() - self._deleted()
            assert not lost, f"{lost} went from the remote though it is live"
            self._noticed()

    def _noticed(self):
        """Check that an older version that won is owed, or was mended."""
        owed = {
            LAYOUT.key(entry.name)
            for node in self.nodes
            for _key, entry in node.store.entries(KEY)
        }
        stamps = self.world.stamps()
        for key, old in self.world.regressed.items():
            mended = stamps.get(key, old) >= old
            assert mended or key in owed, f"{key}: an older version won"

    def _whole(self):
        """Return names that are live here and have a copy there."""
        objects = self.world.memory.store.buckets["b"].objects
        return {
            name
            for name, versions in self.world.source.versions.items()
            if versions[-1].data is not None and LAYOUT.key(name) in objects
        }

    def _deleted(self):
        """Return names whose deletion a node may have propagated."""
        return {
            name
            for name, versions in self.world.source.versions.items()
            if versions[-1].data is None
        }

    def _work(self, nodes):
        threads = [spawn(node.turn, len(self.nodes)) for node in nodes]
        return [thread.wait() for thread in threads]

    # -- what must hold -------------------------------------------------------

    def all_is_quiet(self):
        """Let everything catch up; then both sides must be equal."""
        world = self.world
        world.fault_rate = world.lag_rate = 0.0
        for node in self.nodes:
            node.crash_in, node.skew = None, 0.0
        for _ in range(4):
            self._replicate()
            world.clock.now += SLACK + 61.0
            while any(self._work(self.nodes)):
                pass
        for node in self.nodes:
            owed = [entry for _key, entry in node.store.entries(KEY)]
            assert owed == [], f"node {node.number} still owes something"
        self._compare()

    def _replicate(self):
        for _ in self.nodes:
            for source in self.nodes:
                for target in self.nodes:
                    source.database.replicate_to(target.database)

    def _compare(self):
        objects = self.world.memory.store.buckets["b"].objects
        for name, versions in self.world.source.versions.items():
            newest = versions[-1]
            found = objects.get(LAYOUT.key(name))
            if newest.data is None:
                assert found is None, f"{name} was deleted, but is there"
                continue
            assert found is not None, f"{name} is lost at the remote"
            info, data = found
            local = newest.info(name)
            assert data == newest.data
            assert user_metadata(info.metadata) == dict(local.metadata)
            assert info.content_type == local.content_type
            assert read_stamp(info.metadata).timestamp == newest.timestamp

    def teardown(self):
        if not hasattr(self, "nodes"):
            return
        try:
            self.all_is_quiet()
            # Nothing is left to do, and doing it again changes nothing.
            before = len(self.world.memory.calls)
            self._work(self.nodes)
            assert len(self.world.memory.calls) == before
        finally:
            for node in self.nodes:
                with contextlib.suppress(Exception):
                    node.store.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class ArchiveMachine(SyncMachine):
    """Nodes move objects to the store; deletions of users stay here."""

    POLICY = SyncPolicy(propagate_delete=False, retain_local=False)

    def nodes_work(self, work):
        before = self._copies()
        super().nodes_work(work)
        lost = before - self._copies()
        assert not lost, f"{lost} went from the store"

    def _copies(self):
        return set(self.world.memory.store.buckets["b"].objects)

    def _compare(self):
        objects = self.world.memory.store.buckets["b"].objects
        for name, versions in self.world.source.versions.items():
            # A tombstone with an offset is ours.
            newest = next(
                v
                for v in reversed(versions)
                if v.data is not None or "_" not in v.timestamp
            )
            assert versions[-1].data is None, f"{name} was not moved"
            if newest.data is None:
                continue
            found = objects.get(LAYOUT.key(name))
            assert found is not None, f"the only copy of {name} is lost"
            info, data = found
            local = newest.info(name)
            assert data == newest.data
            assert user_metadata(info.metadata) == dict(local.metadata)
            assert info.content_type == local.content_type


@pytest.mark.slow
@pytest.mark.parametrize("machine", [SyncMachine, ArchiveMachine])
def test_quiet_store_has_what_it_should_whatever_happened_before(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        ),
    )
