# SPDX-License-Identifier: Apache-2.0
"""A database of rows and a handler that notes what it is given."""

from __future__ import annotations

import dataclasses
import logging

from onespace_core.concurrency import GreenPool
from onespace_core.crawler.database import Located
from onespace_core.crawler.job import Job, Tuning
from onespace_core.crawler.rows import Row
from onespace_core.state import ContainerKey

KEY = ContainerKey("m", "AUTH_test", "c")
NOW = 1700000000.0


def make_row(rowid, name=None, *, age=7200.0, **changes):
    stamp = f"{NOW - age:.5f}"
    values = {
        "rowid": rowid,
        "name": name or f"o{rowid}",
        "deleted": False,
        "timestamp": stamp,
        "data_timestamp": stamp,
        "size": 1,
        "etag": "e",
        "content_type": "text/plain",
        "policy_index": 0,
        **changes,
    }
    return Row(**values)


class FakeDatabase:
    """Rows in memory; ``version`` stands for the times of the files."""

    def __init__(self, rows=(), ident="db"):
        self.rows = list(rows)
        self.ident = ident
        self.version = 0
        self.deleted = False
        #: "unsharded", "sharding" or "sharded".
        self.state = "unsharded"
        self.reads = 0
        self.located = None

    def open(self, located, *_args):
        self.located = located
        return self

    def change_token(self):
        return ((1, self.version, 1), None)

    def identity(self):
        return self.ident

    def is_deleted(self):
        return self.deleted

    def is_sharded(self):
        return self.state != "unsharded"

    def is_retiring(self):
        return self.state == "sharding"

    def shards(self):
        return []

    def holds(self, names):
        return {row.name for row in self.rows} & set(names)

    def rows_since(self, rowid, limit):
        self.reads += 1
        return [row for row in self.rows if row.rowid > rowid][:limit]


class FakeHandler:
    """Notes rows; raises what ``errors`` has for a name."""

    def __init__(self):
        self.seen = []
        self.errors = {}
        self.down = None

    @property
    def names(self):
        return [row.name for row, _again in self.seen]

    def handle(self, row, *, again):
        self.seen.append((row, again))
        error = self.errors.get(row.name)
        if error is not None:
            raise error

    def outage(self, exc):
        return self.down


@dataclasses.dataclass
class Clock:
    now: float = NOW

    def __call__(self):
        return self.now


def located(replicas=1, shares=(0,)):
    return Located("/nowhere.db", replicas, frozenset(shares))


def make_job(database, handler, store, clock=None, fingerprint="f", **tuning):
    return Job(
        KEY,
        fingerprint,
        handler,
        store,
        GreenPool(4),
        Tuning(**{"slack": 3600.0, **tuning}),
        logging.getLogger("test.job"),
        clock=clock or Clock(),
        open_database=database.open,
    )


class ReplicaDatabase(FakeDatabase):
    """One node's replica: one row for each name, numbered as they came."""

    def __init__(self, ident="db"):
        super().__init__((), ident)
        self.last = 0

    def merge(self, row):
        """Take over a row if it is newer; return whether it was."""
        for old in self.rows:
            if old.name == row.name:
                if old.timestamp >= row.timestamp:
                    return False
                self.rows.remove(old)
                break
        self.last += 1
        self.rows.append(dataclasses.replace(row, rowid=self.last))
        self.version += 1
        return True

    def replicate_to(self, other):
        for row in list(self.rows):
            other.merge(row)

    def rebuild(self, ident, order):
        """Become another database with the same rows, numbered anew."""
        self.ident = ident
        rows, self.rows, self.last = self.rows, [], 0
        for row in sorted(rows, key=order):
            self.merge(row)
        self.version += 1
