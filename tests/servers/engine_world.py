# SPDX-License-Identifier: Apache-2.0
"""The sync engine over a store in memory and a container by script."""

import dataclasses

from onespace_core.crawler.rows import Row
from onespace_core.namespace.keys import layout_for
from onespace_core.provider import BytesBody, KeyScheme
from onespace_core.sync.engine import SyncEngine, SyncPolicy
from onespace_core.sync.stamp import STAMP, Stamp, read_stamp
from onespace_core.telemetry import SyncRecorder
from onespace_core.testing.faulty import FaultyLayer
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)
from servers.fake_source import FakeSource, stamp

T0 = 1700000000
LAYOUT = layout_for(
    KeyScheme.HASHED, account="AUTH_t", container="c", bucket="b"
)


class Hooked(FaultyLayer):
    """Calls a function before or after a request of some kind, once."""

    def __init__(self, provider):
        super().__init__(provider, ())
        self.before = {}
        self.after = {}

    def around(self, method, /, *args, **kwargs):
        op = method.__name__
        if op in self.before:
            self.before.pop(op)()
        result = method(*args, **kwargs)
        if op in self.after:
            self.after.pop(op)()
        return result


class Receipts(list):
    """All receipts that were saved, oldest first."""

    def save(self, receipt):
        self.append(receipt)

    def of(self, name):
        return next((r for r in reversed(self) if r.name == name), None)


class World:
    """An engine, its container and its store."""

    def __init__(
        self,
        *,
        policy=None,
        faults=(),
        key_scheme=KeyScheme.HASHED,
        prepare=None,
        large=None,
        brake=None,
        settle=3600.0,
        **switches,
    ):
        self.source = FakeSource()
        self._settle = settle
        #: Receipts that were saved.
        self.receipts = Receipts()
        self.now = T0 + 10.0
        self._large = large
        self._brake = brake
        capabilities = dataclasses.replace(EVERYTHING, **switches)
        self.memory = MemoryProvider(
            MemoryStore("b"), capabilities=capabilities, key_scheme=key_scheme
        )
        self.hooks = Hooked(self.memory)
        self.faulty = FaultyLayer(self.hooks, faults)
        self.recorder = SyncRecorder()
        self.engine = self.new_engine(policy, prepare)

    def new_engine(self, policy=None, prepare=None, source=None):
        return SyncEngine(
            self.faulty,
            self.faulty,
            LAYOUT,
            source or self.source,
            policy or SyncPolicy(),
            self.recorder,
            prepare=prepare,
            container="c",
            large=self._large,
            receipts=self.receipts,
            settle=self._settle,
            brake=self._brake,
            clock=lambda: self.now,
        )

    def row(self, name="o", **changes):
        version = self.source.versions[name][-1]
        info = None if version.data is None else version.info(name)
        values = {
            "rowid": 1,
            "name": name,
            "deleted": info is None,
            "timestamp": version.timestamp,
            "data_timestamp": version.timestamp,
            "size": info.size if info else 0,
            "etag": info.etag if info else "noetag",
            "content_type": version.content_type,
            "policy_index": 0,
            **changes,
        }
        return Row(**values)

    def handle(self, name="o", *, again=False, **changes):
        self.engine.handle(self.row(name, **changes), again=again)

    @property
    def objects(self):
        return self.memory.store.buckets["b"].objects

    def at_remote(self, name="o"):
        found = self.objects.get(LAYOUT.key(name))
        return found and found[1]

    def info(self, name="o"):
        return self.objects[LAYOUT.key(name)][0]

    def stamp(self, name="o"):
        return read_stamp(self.info(name).metadata).timestamp

    def calls(self):
        made = [call.op for call in self.memory.calls]
        self.memory.calls.clear()
        return made

    def put_remote(self, data, seconds=None, metadata=None, name="o"):
        marks = dict(metadata or {})
        if seconds is not None:
            md5 = BytesBody(data).md5
            marks[STAMP] = Stamp(stamp(seconds), md5).encode()
        self.memory.put_object(
            LAYOUT.key(name),
            BytesBody(data),
            metadata=marks,
            content_type="text/plain",
            bucket="b",
        )
        self.memory.calls.clear()

    def all_closed(self):
        return all(reader.closed for reader in self.source.opened)
