# SPDX-License-Identifier: Apache-2.0
"""Machines that let everything happen, in every order Hypothesis finds.

Nodes work side by side; users write in between; clocks move; the ring and
databases change. See :mod:`sync_model` and :mod:`sync_users`.

What must hold: when all is quiet again, the store is equal to the
container. In the archives the nodes move objects away: then the store has
the newest version of whatever no user deleted, though nothing is left in
the container, and no copy ever goes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from property.sync_model import NAMES, SLACK, World, make_store
from property.sync_node import Node
from property.sync_users import Users, steps
from servers.crawler_fakes import KEY

from onespace_core.concurrency import spawn
from onespace_core.crawler.rows import share
from onespace_core.swift.source import LocalKind
from onespace_core.sync.engine import SyncPolicy
from onespace_core.sync.stamp import read_stamp, user_metadata

#: Of plain objects, and of large ones too.
STEPS = (steps("plain"), steps("large"))
#: Bytes of which a segment has more, or is joined with the next.
JOINED = 12
#: Memory that is a folder: nobody waits for a disk there.
_MEMORY = pathlib.Path("/dev/shm")


class SyncMachine(RuleBasedStateMachine):
    """A store is kept equal to a container of plain objects."""

    POLICIES = (SyncPolicy(),)
    KINDS = ("none",)

    @initialize(
        seed=st.integers(0, 2**32),
        nodes=st.sampled_from([1, 1, 2, 3]),
        conditions=st.integers(0, 2),
        md5=st.booleans(),
        kind=st.integers(0, 11),
    )
    def begin(self, seed, nodes, conditions, md5, kind):
        kinds = self.KINDS
        policy = self.POLICIES[kind // len(kinds) % len(self.POLICIES)]
        self.policy = dataclasses.replace(
            policy, part_size=16, part_workers=2, multipart_threshold=32
        )
        kind = kinds[kind % len(kinds)]
        if policy.propagate_delete and not policy.retain_local:
            # Between one node's look and its deletion another may move a
            # newer version away: one reason why no configuration allows it.
            nodes = 1
        memory = make_store(kind, conditions=conditions, md5=md5)
        self.world = World(seed, kind, memory, self.policy)
        self.folder = tempfile.mkdtemp(
            prefix="onespace-machine-",
            dir=_MEMORY if _MEMORY.is_dir() else None,
        )
        self.nodes = [Node(self.world, n, self.folder) for n in range(nodes)]
        self.users = Users(self.world, self.nodes)
        self.users.begin()
        self.idents = 0

    @rule(data=st.data())
    def things_happen(self, data):
        for kind, what in data.draw(STEPS[self.world.kind != "none"]):
            if kind == "user":
                self.users.do(*what)
            elif kind == "cluster":
                self.cluster_changes(*what)
            else:
                self.nodes_work(*what)
            self.check()

    def check(self):
        """Fail for what was wrong after any request."""
        assert not self.world.wrong, self.world.wrong

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
            first.share, second.share = second.share, first.share

    # -- nodes ------------------------------------------------------------

    def nodes_work(self, conditions, during):
        who, faults, lag, crash = conditions
        world = self.world
        world.fault_rate, world.lag_rate = faults, lag
        world.writes = [
            (
                lambda write=write: self.users.do(*write),
                write[0] if write[2][0] == "post" else None,
            )
            for write in during
        ]
        working = [n for n in self.nodes if who >> n.number & 1]
        if crash is not None and working:
            working[crash % len(working)].crash_in = crash
        before = self._whole()
        world.removed.clear()
        world.regressed.clear()
        self._work(working)
        for node in self.nodes:
            node.crash_in = None
        world.writes = []
        if crash is None and not faults:
            # (What users wrote meanwhile may not have been copied yet.)
            before |= world.removed
            lost = before - self._whole() - self._deleted()
            assert not lost, f"{lost} went from the remote though it is live"
            self._noticed()
        self._nothing_is_forgotten()

    def _work(self, nodes):
        self.world.working = len(nodes)
        threads = [spawn(node.turn, len(self.nodes)) for node in nodes]
        return [thread.wait() for thread in threads]

    def _noticed(self):
        """Check that an older version that won is owed, or was mended."""
        owed = self._owed()
        stamps = self.world.stamps()
        for key, old in self.world.regressed.items():
            mended = stamps.get(key, old) >= old
            name = self.world.keys[key]
            assert mended or name in owed, f"{name}: an older version won"

    def _nothing_is_forgotten(self):
        """Check that what is not there is owed, or somebody comes to it."""
        owed, stamps = self._owed(), self.world.stamps()
        for name in set(NAMES) - owed:
            newest = self.users.newest(name)
            if newest is None:
                continue
            if stamps.get(self._key(name), "") < newest.timestamp:
                done = {self._has_done(n, name, newest) for n in self.nodes}
                forgotten = True in done and False not in done
                assert not forgotten, f"{name} is forgotten"

    def _has_done(self, node, name, newest):
        """Return whether a node has settled the row of the newest version.

        False if it comes to a row of that name, None if it has not got that
        version's.
        """
        row = next((r for r in node.database.rows if r.name == name), None)
        if row is None:
            return None
        cursor = node.store.cursor(KEY, node.database.identity(), "f")
        if cursor.shares != f"{[node.share]}/{len(self.nodes)}":
            return False
        own = share(name, len(self.nodes)) == node.share
        if (cursor.scanned if own else cursor.verified) < row.rowid:
            return False
        return True if row.timestamp == newest.timestamp else None

    def _owed(self):
        return {
            entry.name
            for node in self.nodes
            for _key, entry in node.store.entries(KEY)
        }

    def _whole(self):
        """Return names that are live here and have a copy there."""
        return {
            name
            for name in self.world.source.versions
            if self.users.newest(name) is not None
            and self.world.layout.key(name) in self.world.objects
        }

    def _deleted(self):
        """Return names whose deletion a node may have propagated."""
        return {
            name
            for name in self.world.source.versions
            if self.users.newest(name) is None
        }

    # -- what must hold ---------------------------------------------------

    def all_is_quiet(self):
        """Let everything catch up; then both sides must be equal."""
        world = self.world
        world.fault_rate = world.lag_rate = 0.0
        for node in self.nodes:
            node.crash_in, node.skew = None, 0.0
        self._settle()
        if world.kind != "none":
            left = self._owed() - self.users.broken()
            assert not left, f"{left} can be copied, and is still owed"
            self.users.repair()
            self._settle()
        assert not self._owed(), f"{self._owed()} is still owed"
        for name in NAMES:
            versions = world.source.versions.get(name)
            if versions:
                self._compare(name, versions)

    def _settle(self):
        for _ in range(4):
            before = len(self.world.memory.calls)
            self._replicate()
            self.world.clock.now += SLACK + 61.0
            while any(self._work(self.nodes)):
                pass
            self.check()
            same = len(self.world.memory.calls) == before
            if same and self._owed() <= self.users.broken():
                return

    def _replicate(self):
        for _ in self.nodes:
            for source in self.nodes:
                for target in self.nodes:
                    if source is not target:
                        source.database.replicate_to(target.database)

    def _compare(self, name, versions):
        if versions[-1].data is None:
            self._is_gone(name)
            return
        self._is_there(name, versions[-1])
        stamped = read_stamp(self.world.read(self._key(name))[0].metadata)
        assert stamped.timestamp == versions[-1].timestamp

    def _key(self, name):
        return self.world.layout.key(name)

    def _is_gone(self, name):
        found = self.world.read(self._key(name))
        assert found is None, f"{name} was deleted, but is there"

    def _is_there(self, name, version):
        found = self.world.read(self._key(name))
        assert found is not None, f"{name} is lost at the remote"
        info, data = found
        assert data in self._contents(name, version), f"{name}: other bytes"
        metadata = user_metadata(info.metadata)
        metadata.pop("x-static-large-object", None)
        assert metadata == dict(version.metadata), f"{name}: other metadata"
        assert info.content_type == version.content_type
        marked = "x-static-large-object" in info.metadata
        kept = self.world.kind in ("parts", "whole")
        assert marked == (kept and version.kind is LocalKind.SLO)
        if marked:
            manifest = self._manifests().get(name)
            assert manifest == version.data, f"{name}: not its manifest"

    def _contents(self, name, version):
        """Return the bytes of which the store has to have one."""
        return self.world.contents[name][version.timestamp][-1:]

    def _manifests(self):
        """Return the manifests that are kept beside copies, by name."""
        objects = self.world.objects
        return {
            name: objects[key][1]
            for key, name in self.world.beside.items()
            if key in objects
        }

    def teardown(self):
        if not hasattr(self, "users"):
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
    """Nodes move objects to the store.

    Deletions of users stay here, or are propagated. No configuration allows
    the latter; it must lose no object of an archive all the same.
    """

    POLICIES = (
        SyncPolicy(propagate_delete=False, retain_local=False),
        SyncPolicy(propagate_delete=True, retain_local=False),
    )

    def nodes_work(self, conditions, during):
        before = set(self.world.stamps())
        super().nodes_work(conditions, during)
        lost = before - set(self.world.stamps())
        if not self.policy.propagate_delete:
            assert not lost, f"{lost} went from the store"

    def _contents(self, name, version):
        # Members that changed just before it was moved are still here.
        return self.world.contents[name][version.timestamp]

    def _compare(self, name, versions):
        assert versions[-1].data is None, f"{name} was not moved"
        # A tombstone with an offset is ours.
        newest = next(
            v
            for v in reversed(versions)
            if v.data is not None or "_" not in v.timestamp
        )
        if newest.data is not None:
            self._is_there(name, newest)
        elif self.policy.propagate_delete:
            self._is_gone(name)


class LargeSyncMachine(SyncMachine):
    """A store is kept equal to a container with large objects.

    Segments are joined where they are small, or not.
    """

    POLICIES = (SyncPolicy(), SyncPolicy(min_segment_size=JOINED))
    KINDS = ("parts", "manifests", "whole")


class LargeArchiveMachine(ArchiveMachine):
    """Nodes move large objects to the store; their segments stay."""

    POLICIES = tuple(
        dataclasses.replace(policy, min_segment_size=size)
        for policy in ArchiveMachine.POLICIES
        for size in (0, JOINED)
    )
    KINDS = LargeSyncMachine.KINDS
