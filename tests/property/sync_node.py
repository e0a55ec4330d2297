# SPDX-License-Identifier: Apache-2.0
"""A node of the model: a job over a replica, with a state file of its own.

Reads of objects give any version that some replica may have. Requests take
time, fail before or after they were done, and nodes crash.
"""

from __future__ import annotations

import dataclasses
import os

from property.sync_model import LOG, SLACK, tombstone_row
from servers.crawler_fakes import KEY, ReplicaDatabase, located

from onespace_core.concurrency import GreenletExit, GreenPool
from onespace_core.crawler.job import Job, OutageError, Tuning
from onespace_core.layers.retry import RetryLayer
from onespace_core.provider.protocols import LargeObjects, MultipartUpload
from onespace_core.state import StateStore
from onespace_core.swift.source import SourceError
from onespace_core.sync.archive import StoredReceipts
from onespace_core.sync.engine import SyncEngine
from onespace_core.sync.strategy import choose
from onespace_core.telemetry import SyncRecorder
from onespace_core.testing.faulty import FaultyLayer


class CrashError(GreenletExit):
    """The process is gone: nothing handles this, and nobody prints it."""


class NodeSource:
    """A container as a node sees it: replicas lag, requests take time."""

    def __init__(self, node, source):
        self._node = node
        self._source = source

    def head(self, name, *, policy_index=None, newest):
        return self._read("head", name, newest, policy_index)

    def open(self, name, *, policy_index=None, newest, span=None):
        return self._read("open", name, newest, policy_index, span=span)

    def manifest(self, local, *, policy_index=None):
        self._begin()
        return self._source.manifest(local, policy_index=policy_index)

    def sibling(self, container):
        return NodeSource(self._node, self._source.sibling(container))

    def delete(self, name, *, timestamp, policy_index=None):
        """Delete as Swift does; its row reaches this node's replica.

        Swift compares with the time of the bytes: headers that are newer do
        not save the object. The engine looks at those right before, and
        nobody can do better than that; so none are written here.
        """
        world, source = self._node.world, self._source
        self._node.live()
        world.pause(labelled=name)
        self._node.live()
        versions = source.versions.get(name)
        if not versions or versions[-1].data is None:
            return False
        version = versions[-1]
        written = getattr(version, "written", version.timestamp)
        if written >= timestamp:
            return False
        source.versions[name].append(
            dataclasses.replace(
                version, timestamp=timestamp, data=None, dynamic=None
            )
        )
        if source is not world.source:
            etag = version.info(name).etag
            world.segment_deleted(source.container, name, etag)
            return True
        world.archived(name, version)
        self._node.deleted(name, timestamp)
        self._node.count_down()
        return True

    def _begin(self):
        world = self._node.world
        self._node.live()
        world.pause()
        self._node.live()
        if world.random.random() < world.fault_rate * 0.2:
            raise SourceError("local 503")

    def _read(self, op, name, newest, policy_index, **more):
        self._begin()
        world, source = self._node.world, self._source
        lags = world.random.random() < world.lag_rate
        if lags and newest and op == "open" and policy_index is not None:
            # All replicas that answer are handoffs, which have nothing.
            return None
        if lags and not newest:
            count = len(source.versions.get(name, ()))
            source.script = [world.random.choice([None, *range(count)])]
        if op == "open" and world.random.random() < world.fault_rate * 0.2:
            source.cuts[name] = [world.random.randrange(4)]
        try:
            return getattr(source, op)(name, newest=newest, **more)
        finally:
            source.script = []
            source.cuts.clear()
            source.calls.clear()
            source.opened.clear()


class NodeProvider(FaultyLayer):
    """The store as a node sees it: requests take time, nodes crash."""

    # (A layer offers what its first argument offers.)
    def __init__(self, inner, node):
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


class NodeDatabase(ReplicaDatabase):
    """A replica that orders deletions and bytes as Swift does.

    A deletion is compared with the time of the bytes, whatever headers were
    written since.
    """

    def merge(self, row):
        old = next((r for r in self.rows if r.name == row.name), None)
        if old is not None and old.deleted != row.deleted:
            if _written(old) >= _written(row):
                return False
            self.rows.remove(old)
        return super().merge(row)


def _written(row):
    return row.timestamp if row.deleted else row.data_timestamp


class Node:
    """A job with its state, over a replica of the database."""

    def __init__(self, world, number, folder):
        self.world = world
        self.number = number
        self.share = number
        self.path = os.path.join(folder, f"{number}.sqlite")
        self.database = NodeDatabase(f"db{number}")
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
        plain = NodeProvider(faulty, self)
        retry = RetryLayer(
            plain, max_attempts=2, sleep=lambda _s: None, logger=LOG
        )
        for each in (LargeObjects, MultipartUpload):
            # Large objects go the way that the store offers, or none is seen.
            assert isinstance(retry, each) == isinstance(world.memory, each)
        source = NodeSource(self, world.source)

        def large(remote):
            return choose(remote, source, world.policy, self.store, KEY)

        engine = SyncEngine(
            retry,
            plain,
            world.layout,
            source,
            world.policy,
            SyncRecorder(),
            container="c",
            large=None if world.kind == "none" else large,
            receipts=StoredReceipts(self.store, KEY),
            settle=SLACK,
            clock=world.clock,
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

    def deleted(self, name, timestamp):
        """Take over the row of an own deletion."""
        self.database.merge(tombstone_row(name, timestamp))

    def turn(self, nodes):
        """Do one turn; come back to life after a crash."""
        try:
            return self.job.turn(located(nodes, [self.share]))
        except OutageError:
            return False
        except CrashError:
            self.pool.waitall()
            self.store.close()
            self.start()
            return False
