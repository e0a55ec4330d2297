# SPDX-License-Identifier: Apache-2.0
"""Which segments are noted, and which of them go."""

import logging

import pytest
from servers.engine_world import LAYOUT, T0
from servers.fake_source import FakeSource, Version, stamp

from onespace_core.crawler.outcome import RowWaitsError
from onespace_core.provider import BytesBody, ServiceUnavailable
from onespace_core.state import ContainerKey, Side, StateStore
from onespace_core.swift.source import LocalKind, Piece, SourceError
from onespace_core.sync.large import logical
from onespace_core.sync.reaping import INTERVAL, LocalNotes, Sweeper
from onespace_core.sync.reaping_local import LocalReaper
from onespace_core.sync.remote import RemoteObjects
from onespace_core.sync.stamp import STAMP, Stamp
from onespace_core.testing.memory import MemoryProvider, MemoryStore

LOG = logging.getLogger("test")
KEY = ContainerKey("m", "AUTH_t", "c")
DAY = 86400.0


class World:
    """An archived large object whose segments are noted."""

    def __init__(self, store):
        self.store = store
        self.now = T0 + 10.0
        self.source = FakeSource()
        self.segments = self.source.sibling("segs")
        self.provider = MemoryProvider(MemoryStore("b"))
        self.remote = RemoteObjects(self.provider, LAYOUT)
        self.deleted = 0
        self.needed = set()
        self.doubt = None
        self.going = True
        self.scans = []

    def slo(self, *names, seconds=T0):
        for name in names:
            self.segments.put(name, T0 - 5, name.encode())
        return self.source.put_slo(
            "o", seconds, *[("segs", name) for name in names]
        )

    def note(self, copied=None):
        now = self.source.head("o", newest=True)
        manifest = self.source.manifest(now)
        notes = LocalNotes(self.store, KEY, self.source, clock=self.clock)
        notes.note(copied or logical(now, manifest), now, 0)

    def archive(self):
        """Write the copy, and delete the manifest here."""
        now = self.source.head("o", newest=True)
        whole = logical(now, self.source.manifest(now))
        self.provider.put_object(
            LAYOUT.key("o"),
            BytesBody(b"x" * whole.size),
            metadata={STAMP: Stamp(whole.timestamp, whole.etag).encode()},
            bucket="b",
        )
        self.source.remove("o", T0 + 1)

    def clock(self):
        return self.now

    def sweeper(self):
        return Sweeper(
            self.store,
            "m",
            Side.LOCAL,
            lambda each: each.key.account == "AUTH_t",
            self._reaper,
            DAY,
            LOG,
            swept=self._count,
            clock=self.clock,
        )

    def _count(self, number):
        self.deleted += number

    def _reaper(self, candidates, go_on, _before):
        reaper = LocalReaper(
            None,
            "AUTH_t",
            self.source.sibling,
            lambda _container: self.remote,
            candidates,
            go_on,
        )
        reaper.needed = self._needed
        return reaper

    def _needed(self, candidates, *, since):
        self.scans.append(since)
        if self.doubt is not None:
            raise self.doubt
        return [each for each in candidates if each.name in self.needed]

    def sweep(self):
        return self.sweeper().sweep(lambda: self.going)

    def noted(self):
        return [
            each.name for each in self.store.garbage("m", Side.LOCAL, 1e12)
        ]

    def left(self):
        return [
            name
            for name, versions in self.segments.versions.items()
            if versions[-1].data is not None
        ]

    def report(self):
        return self.store.sweeps()["m", Side.LOCAL]


@pytest.fixture
def world(tmp_path):
    store = StateStore(str(tmp_path / "state.sqlite"), LOG)
    yield World(store)
    store.close()


@pytest.fixture
def archived(world):
    """Three segments of an archived object, noted a day ago."""
    world.slo("s1", "s2", "s3")
    world.note()
    world.archive()
    world.now += DAY + 1
    return world


# -- noting ------------------------------------------------------------------


def test_whole_segments_are_noted_in_their_versions(world):
    world.slo("s1", "s2")
    world.note()
    found = list(world.store.garbage("m", Side.LOCAL, 1e12))
    assert [each.name for each in found] == ["s1", "s2"]
    assert {each.version for each in found} == {stamp(T0 - 5)}
    assert {each.timestamp for each in found} == {stamp(T0)}


def test_ranges_and_inline_bytes_are_not_noted(world):
    world.segments.put("s1", T0 - 5, b"12345")
    inline = Piece(
        container="", name="", size=1, etag="", first=0, last=0, data=b"1"
    )
    part = world.segments.piece("s1", 1, 2)
    world.source.put_slo("o", T0, part, inline, members=())
    world.note()
    assert world.noted() == []


@pytest.mark.parametrize(
    "other",
    [
        Version(stamp(T0 + 1), b"other"),
        Version(stamp(T0 + 1), None),
        Version(stamp(T0 - 5), b"s1", kind=LocalKind.SYMLINK),
        Version(stamp(T0 - 5), b"s1", kind=LocalKind.DLO),
    ],
)
def test_t_04_segment_that_is_something_else_is_not_noted(world, other):
    world.slo("s1", "s2")
    world.segments.versions["s1"].append(other)
    world.note()
    assert world.noted() == ["s2"]


def test_t_04_manifest_other_than_the_one_copied_notes_nothing(world):
    world.slo("s1")
    now = world.source.head("o", newest=True)
    copied = logical(now, world.source.manifest(now))
    world.slo("s2", seconds=T0 + 1)
    with pytest.raises(RowWaitsError):
        world.note(copied)
    assert world.noted() == []


# -- sweeping ----------------------------------------------------------------


def test_case_39_segments_go_by_their_versions(archived):
    assert archived.sweep()
    assert archived.left() == archived.noted() == []
    assert archived.deleted == archived.report().deleted == 3
    times = [
        call[2] for call in archived.segments.calls if call[0] == "delete"
    ]
    assert times == [stamp(T0 - 5, 1)] * 3


def test_nothing_goes_before_its_time(archived):
    archived.now -= 100
    assert archived.sweep()
    assert len(archived.left()) == 3
    assert archived.scans == []


def test_case_40_segment_that_cannot_be_deleted_is_tried_again(archived):
    archived.segments.errors["delete", "s2"] = [SourceError("503")]
    assert not archived.sweep()
    assert archived.left() == archived.noted() == ["s2"]
    assert archived.report().kept == 1
    assert "segs/s2: 503" in archived.report().reason
    archived.now += INTERVAL + 1
    assert archived.sweeper().due()
    assert archived.sweep()
    assert archived.left() == archived.noted() == []


def test_case_42_what_is_needed_stays_and_is_noted_no_more(archived):
    archived.needed = {"s2"}
    assert archived.sweep()
    assert archived.left() == ["s2"]
    assert archived.noted() == []
    assert archived.report().needed == 1


def test_any_doubt_keeps_everything(archived):
    archived.doubt = SourceError("c/x cannot be read")
    assert not archived.sweep()
    assert len(archived.left()) == len(archived.noted()) == 3
    assert "c/x cannot be read" in archived.report().reason


def test_what_is_written_meanwhile_is_looked_at_before_and_each_minute(
    archived,
):
    calls = []

    def slow(op, _name, _detail):
        if op == "delete":
            calls.append(op)
            archived.now += 61
            archived.needed = {"s3"}

    archived.segments.on_read = slow
    begun = archived.now
    assert archived.sweep()
    assert archived.left() == ["s3"]
    assert calls == ["delete"] * 2
    assert archived.scans[0] == 0.0
    assert len(archived.scans) > 2
    assert all(0 < since < begun for since in archived.scans[1:])


def test_a_doubt_in_the_middle_ends_it(archived):
    def doubt(op, _name, _detail):
        if op == "delete":
            archived.now += 61
            archived.doubt = SourceError("the listing broke off")

    archived.segments.on_read = doubt
    assert not archived.sweep()
    assert archived.left() == archived.noted() == ["s2", "s3"]
    assert archived.report().deleted == 1
    assert archived.report().kept == 2


def test_t_04_newer_segment_survives(archived):
    archived.segments.put("s2", T0 + 50, b"new")
    assert archived.sweep()
    assert archived.left() == ["s2"]
    assert archived.noted() == []


def test_t_02_copy_that_is_not_at_the_store_keeps_the_segments(archived):
    archived.provider.delete_object(LAYOUT.key("o"), bucket="b")
    assert not archived.sweep()
    assert len(archived.left()) == len(archived.noted()) == 3


def test_copy_of_a_newer_version_keeps_the_segments_for_good(archived):
    newer = Stamp(stamp(T0 + 70), BytesBody(b"new").md5).encode()
    archived.provider.put_object(
        LAYOUT.key("o"), BytesBody(b"new"), metadata={STAMP: newer}, bucket="b"
    )
    assert archived.sweep()
    assert len(archived.left()) == 3
    assert archived.noted() == []


def test_store_that_does_not_answer_keeps_the_segments(archived):
    def down(*_args, **_kwargs):
        raise ServiceUnavailable("503")

    archived.provider.head_object = down
    assert not archived.sweep()
    assert len(archived.left()) == len(archived.noted()) == 3


def test_a_sweep_that_is_stopped_keeps_the_rest(archived):
    archived.going = False
    assert not archived.sweep()
    assert len(archived.left()) == len(archived.noted()) == 3


def test_segment_that_is_gone_is_noted_no_more(archived):
    archived.segments.remove("s1", T0 + 60)
    assert archived.sweep()
    assert archived.noted() == []
    assert archived.deleted == 2


def test_sweeps_are_an_hour_apart_and_a_tenth_of_the_time(archived):
    def slow(op, _name, _detail):
        archived.now += 600 if op == "delete" else 0

    archived.segments.on_read = slow
    archived.segments.errors["delete", "s1"] = [SourceError("503")]
    assert archived.sweeper().due()
    archived.sweep()
    took = archived.report().took
    assert took == 1800
    archived.now += INTERVAL + 1
    assert not archived.sweeper().due()
    archived.now += took * 10
    assert archived.sweeper().due()


def test_other_accounts_candidates_are_left_alone(archived):
    archived.store.strike_garbage(
        list(archived.store.garbage("m", Side.LOCAL, 1e12))
    )
    notes = LocalNotes(
        archived.store,
        ContainerKey("m", "AUTH_other", "c"),
        archived.source,
        clock=archived.clock,
    )
    archived.slo("s1", seconds=T0 + 70)
    now = archived.source.head("o", newest=True)
    notes.note(logical(now, archived.source.manifest(now)), now, 0)
    archived.now += DAY + 1
    assert archived.sweep()
    assert "s1" in archived.left()
    assert archived.scans == []
