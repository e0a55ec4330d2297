# SPDX-License-Identifier: Apache-2.0
"""The remote containers that an account mapping makes."""

import pytest

from onespace_core.concurrency import Event, sleep, spawn
from onespace_core.provider import BucketNotFound, ConnectionFailed
from onespace_core.sync.remote_container import RemoteContainer
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore


def ops(memory):
    return [call.op for call in memory.calls]


def test_it_is_made_once_and_then_costs_nothing():
    memory = MemoryProvider(MemoryStore())
    prepare = RemoteContainer(memory, "c")
    prepare()
    prepare()
    assert ops(memory) == ["head_bucket", "create_bucket"]


def test_one_that_is_there_is_left_alone():
    memory = MemoryProvider(MemoryStore("c"))
    RemoteContainer(memory, "c")()
    assert ops(memory) == ["head_bucket"]


def test_one_that_vanished_is_made_again_after_forget():
    memory = MemoryProvider(MemoryStore())
    prepare = RemoteContainer(memory, "c")
    prepare()
    memory.store.buckets.clear()
    prepare.forget()
    prepare()
    assert "c" in memory.store.buckets


def test_store_that_makes_no_buckets_says_that_it_is_missing():
    faulty = FaultyLayer(
        MemoryProvider(MemoryStore("c")),
        [Fault(op="head_bucket", error=BucketNotFound)],
    )

    class NoAdmin:
        head_bucket = faulty.head_bucket

    with pytest.raises(BucketNotFound):
        RemoteContainer(NoAdmin(), "c")()


def test_store_that_hangs_is_asked_once_for_all_rows_that_wait():
    gate = Event()
    asked = []

    class Hanging:
        def head_bucket(self, _bucket):
            asked.append(1)
            gate.wait()
            raise ConnectionFailed("timed out")

    prepare = RemoteContainer(Hanging(), "c")

    def row():
        with pytest.raises(ConnectionFailed):
            prepare()

    rows = [spawn(row) for _ in range(10)]
    sleep(0)
    gate.send()
    for each in rows:
        each.wait()
    assert len(asked) == 1
    row()
    assert len(asked) == 2, "later ones ask again"
