# SPDX-License-Identifier: Apache-2.0
"""Parts side by side, and which way a store is written to."""

from functools import partial

import pytest
from servers.fake_source import FakeSource
from servers.large_world import KEY, S3_LIKE, LargeWorld

from onespace_core.concurrency import Event, kill, sleep, spawn
from onespace_core.provider import KeyScheme, MultipartUpload
from onespace_core.provider.protocols import PROTOCOLS
from onespace_core.sync.concat import ConcatCopier
from onespace_core.sync.engine import SyncPolicy
from onespace_core.sync.multipart import MultipartCopier
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.segments import SegmentCopier
from onespace_core.sync.sending import side_by_side
from onespace_core.sync.strategy import choose


def test_no_more_than_the_workers_run_at_a_time():
    running, most, done = set(), [], []

    def job(number):
        running.add(number)
        most.append(len(running))
        sleep(0)
        running.discard(number)
        done.append(number)

    side_by_side((partial(job, number) for number in range(9)), 3)
    assert sorted(done) == list(range(9))
    assert max(most) == 3


def test_after_an_error_those_that_run_end_and_no_other_begins():
    begun, ended = [], []

    def job(number):
        begun.append(number)
        sleep(0)
        if number == 1:
            raise ValueError(number)
        sleep(0)
        ended.append(number)

    with pytest.raises(ValueError, match="1"):
        side_by_side((partial(job, number) for number in range(99)), 3)
    assert begun[:3] == [0, 1, 2]
    assert set(begun) - {1} == set(ended)
    assert len(begun) < 6


def test_what_runs_is_ended_with_its_caller():
    begun, ended, closed = [], [], []
    never = Event()

    def job(number):
        begun.append(number)
        try:
            never.wait()
            ended.append(number)
        finally:
            closed.append(number)

    caller = spawn(
        side_by_side, (partial(job, number) for number in range(9)), 3
    )
    while len(begun) < 3:
        sleep(0)
    kill(caller)
    while not caller.dead:
        sleep(0)
    assert sorted(closed) == [0, 1, 2]
    assert ended == []
    assert begun == [0, 1, 2]


@pytest.mark.parametrize(
    ("protocols", "kind"),
    [
        (S3_LIKE, MultipartCopier),
        (S3_LIKE - {MultipartUpload}, ConcatCopier),
        (frozenset(PROTOCOLS), SegmentCopier),
    ],
)
def test_the_way_follows_from_what_the_store_offers(tmp_path, protocols, kind):
    world = LargeWorld(
        tmp_path,
        protocols=protocols,
        large_objects=len(protocols) == len(PROTOCOLS),
        key_scheme=KeyScheme.HASHED,
    )
    remote = RemoteObjects(world.memory, world.layout)
    copier = choose(remote, FakeSource(), SyncPolicy(), world.state, KEY)
    assert type(copier) is kind
    world.state.close()
