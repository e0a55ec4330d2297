# SPDX-License-Identifier: Apache-2.0
"""Segments at another Swift that a sweep deletes while they are used again."""

import time

import pytest
from servers.engine_world import T0
from servers.large_world import LargeWorld

from onespace_core.provider import KeyScheme
from onespace_core.provider.protocols import PROTOCOLS
from onespace_core.sync.engine import SyncPolicy
from onespace_core.sync.segments import SegmentCopier

DAY = 86400


class SegmentWorld(LargeWorld):
    """A store that has manifests; what is there was written long ago.

    :param later: seconds by which our clock is ahead of the store's.
    """

    def __init__(self, folder, later=DAY, **policy):
        self.later = later
        super().__init__(
            folder,
            policy=SyncPolicy(part_workers=1, **policy),
            protocols=frozenset(PROTOCOLS),
            key_scheme=KeyScheme.PLAIN,
            large_objects=True,
            metadata_post=True,
        )
        self.put_segments(a=b"first", b=b"second")
        self.put_slo("one", segments="ab")
        self.handle("one")
        self.put_slo("two", T0 + 1, segments="ab")
        self.sent()

    def _copier(self, remote):
        return SegmentCopier(
            remote.provider,
            remote,
            self.source,
            self.policy,
            clock=lambda: time.time() + self.later,
        )

    @property
    def beside(self):
        return self.memory.store.buckets["b_segments"].objects


@pytest.mark.parametrize(
    ("later", "grace", "posts"),
    [
        (DAY, DAY, True),
        (DAY * 0.51, DAY, True),
        (DAY * 0.49, DAY, False),
        (0, DAY, False),
        (DAY, 0, False),
    ],
)
def test_touched_is_what_has_less_than_half_of_its_grace(
    tmp_path, later, grace, posts
):
    world = SegmentWorld(tmp_path, later, segment_grace=grace)
    world.handle("two")
    assert world.sent().count("post_object") == 2 * posts
    world.state.close()


@pytest.mark.parametrize("minimum", [0, 100])
def test_segment_that_goes_before_it_is_touched_is_sent_again(
    tmp_path, minimum
):
    world = SegmentWorld(tmp_path, min_segment_size=minimum)
    before = set(world.beside)
    assert len(before) == (1 if minimum else 2)

    def sweep(op, args):
        if op == "post_object":
            del world.beside[args[0]]

    world.wire.before = sweep
    world.handle("two")
    assert set(world.beside) == before
    with world.memory.get_object("two") as reader:
        assert reader.read() == b"firstsecond"
    world.state.close()
