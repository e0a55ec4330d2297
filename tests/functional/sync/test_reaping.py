# SPDX-License-Identifier: Apache-2.0
"""Segments go only when nothing refers to them, here and at the store."""

import contextlib
import json
import pathlib
import subprocess

import pytest
import swiftclient
from servers.rig import eventually

from onespace_core.state import Side
from onespace_core.swift.standalone.process import StandaloneProcess

ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
    "retain_local_segments": "false",
    "segment_grace": "0",
}
NAMES = ["s/00", "s/01", "s/02"]


@pytest.fixture(scope="session")
def standalone(tmp_path_factory):
    """A Swift of our own: any doubt in an account keeps all segments."""
    folder = tmp_path_factory.mktemp("reaping")
    with StandaloneProcess.start(folder) as process:
        yield process


class Here:
    """What clients of the local cluster do with large objects."""

    def __init__(self, rig):
        self.rig = rig
        self.connection = rig.connection
        self.segments = f"{rig.container}_seg"
        self.connection.put_container(self.segments)

    def put(self, *names, seed=b""):
        for name in names:
            self.connection.put_object(
                self.segments, name, (name.encode() + seed) * 100
            )

    def slo(self, name, names, container=None):
        entries = [{"path": f"/{self.segments}/{n}"} for n in names]
        self.entries(name, entries, container)

    def entries(self, name, entries, container=None):
        self.connection.put_object(
            container or self.rig.container,
            name,
            json.dumps(entries),
            query_string="multipart-manifest=put",
        )

    def dlo(self, name, prefix):
        self.connection.put_object(
            self.rig.container,
            name,
            b"",
            headers={"X-Object-Manifest": f"{self.segments}/{prefix}"},
        )

    def get(self, name):
        return self.connection.get_object(self.rig.container, name)[1]

    def left(self):
        return [
            each["name"]
            for each in self.connection.get_container(self.segments)[1]
        ]

    def noted(self):
        with self.rig.state() as state:
            return state.garbage_noted().get(("main", Side.LOCAL), 0)

    def report(self):
        with self.rig.state() as state:
            return state.sweeps()["main", Side.LOCAL]


@pytest.fixture
def here(make_rig):
    return Here(make_rig("swift", mapping=ARCHIVE))


@pytest.fixture(params=["s3api", "swift"])
def either(request, make_rig):
    return Here(make_rig(request.param, mapping=ARCHIVE))


def test_case_39_archived_slo_takes_exactly_its_segments(either):
    either.put(*NAMES, "other")
    either.slo("slo", NAMES)
    before = either.get("slo")
    either.rig.once()
    assert either.rig.here() == {}
    assert either.left() == ["other"]
    assert either.noted() == 0
    assert either.rig.there()["slo"].data == before


def test_case_41_segments_are_kept_where_the_operator_says_so(make_rig):
    here = Here(
        make_rig("s3api", mapping={**ARCHIVE, "retain_local_segments": "true"})
    )
    here.put(*NAMES)
    here.slo("slo", NAMES)
    here.rig.once()
    assert here.rig.here() == {}
    assert here.left() == NAMES


def test_case_42_segments_of_another_object_are_kept(either):
    either.put(*NAMES)
    either.connection.put_container(f"{either.segments}_2")
    either.slo("one", NAMES[:2])
    either.slo("two", NAMES[1:], f"{either.segments}_2")
    before = either.connection.get_object(f"{either.segments}_2", "two")[1]
    either.rig.once()
    assert either.left() == NAMES[1:]
    again = either.connection.get_object(f"{either.segments}_2", "two")[1]
    assert again == before


def test_case_43_neighbours_of_a_dynamic_objects_prefix_are_kept(either):
    either.put("segs/obj/1", "segs/obj/2", "segs/obj2/x")
    either.dlo("dlo", "segs/obj/")
    before = either.get("dlo")
    either.rig.once()
    assert either.rig.here() == {}
    assert either.left() == ["segs/obj2/x"]
    assert either.rig.there()["dlo"].data == before


def test_t_04_segment_that_was_written_since_is_kept(here):
    here.rig.mapping["segment_grace"] = "1h"
    here.rig.write_config()
    here.put(*NAMES)
    here.slo("slo", NAMES)
    here.rig.once()
    assert here.left() == NAMES
    assert here.noted() == 3
    here.put(NAMES[1], seed=b"new")
    here.rig.mapping["segment_grace"] = "0"
    here.rig.write_config()
    here.rig.once()
    assert here.left() == [NAMES[1]]
    assert here.noted() == 0


def test_segments_are_young_for_the_time_of_grace(here):
    here.rig.mapping["segment_grace"] = "1d"
    here.rig.write_config()
    here.put(*NAMES)
    here.slo("slo", NAMES)
    here.rig.once()
    here.rig.once()
    assert here.left() == NAMES
    assert here.noted() == 3


def test_copy_that_is_gone_from_the_store_keeps_the_segments(here):
    here.rig.mapping["segment_grace"] = "1h"
    here.rig.write_config()
    here.put(*NAMES)
    here.slo("slo", NAMES)
    here.rig.once()
    here.rig.remote.delete_object("slo")
    here.rig.mapping["segment_grace"] = "0"
    here.rig.write_config()
    done = here.rig.once(code=1)
    assert "does not show the copy of slo" in done.stderr
    assert here.left() == NAMES
    assert here.report().kept == 3


@pytest.mark.parametrize("what", ["dlo", "dlo with bytes", "nested", "range"])
def test_whatever_refers_to_a_segment_keeps_it(here, what):
    here.put(*NAMES)
    elsewhere = f"{here.segments}_2"
    here.connection.put_container(elsewhere)
    here.slo("slo", NAMES)
    if what.startswith("dlo"):
        here.connection.put_object(
            elsewhere,
            "o",
            b"bytes" if "bytes" in what else b"",
            headers={"X-Object-Manifest": f"{here.segments}/s%2F0"},
        )
    elif what == "range":
        here.entries(
            "o",
            [{"path": f"/{here.segments}/{n}", "range": "0-9"} for n in NAMES],
            elsewhere,
        )
    else:
        here.slo("inner", NAMES, elsewhere)
        here.entries("o", [{"path": f"/{elsewhere}/inner"}], elsewhere)
    before = here.connection.get_object(elsewhere, "o")[1]
    here.rig.once()
    assert here.rig.here() == {}
    assert here.left() == NAMES
    assert here.connection.get_object(elsewhere, "o")[1] == before
    assert here.noted() == 0
    assert here.report().needed == 3


def test_only_whole_segments_are_taken(here):
    here.put(*NAMES)
    here.entries(
        "slo",
        [
            {"path": f"/{here.segments}/{NAMES[0]}"},
            {"path": f"/{here.segments}/{NAMES[1]}", "range": "0-9"},
            {"data": "aW5saW5l"},
        ],
    )
    here.rig.once()
    assert here.rig.here() == {}
    assert here.left() == NAMES[1:]


def waiting(rig):
    """Archive a large object; its segments wait for the next sweep."""
    here = Here(rig)
    rig.mapping["segment_grace"] = "1h"
    rig.write_config()
    here.put(*NAMES)
    here.slo("slo", NAMES)
    rig.once()
    assert here.left() == NAMES
    rig.mapping["segment_grace"] = "0"
    rig.write_config()
    return here


def files_of(rig, suffix):
    """Return files of the local cluster, the newest last."""
    found = pathlib.Path(rig.swift["devices"]).rglob(f"*{suffix}")
    return sorted(found, key=lambda path: path.stat().st_mtime)


def test_container_that_cannot_be_read_keeps_everything(make_rig):
    rig = make_rig("swift", mapping=ARCHIVE)
    here = waiting(rig)
    elsewhere = f"{here.segments}_2"
    here.connection.put_container(elsewhere)
    here.slo("other", NAMES, elsewhere)
    database = [
        path
        for path in files_of(rig, ".db")
        if elsewhere.encode() in path.read_bytes()
        and "containers" in path.parts
    ][-1]
    aside = database.with_suffix(".aside")
    database.rename(aside)
    try:
        done = rig.once(code=1)
    finally:
        aside.rename(database)
    assert "nothing more was deleted" in done.stderr
    assert here.left() == NAMES
    assert here.noted() == 3
    assert "nothing more was deleted" in rig.status()
    rig.once()
    assert here.left() == NAMES
    assert here.report().needed == 3


def test_manifest_that_cannot_be_read_keeps_everything(make_rig):
    rig = make_rig("swift", mapping=ARCHIVE)
    here = waiting(rig)
    elsewhere = f"{here.segments}_2"
    here.connection.put_container(elsewhere)
    here.slo("other", NAMES, elsewhere)
    manifest = files_of(rig, ".data")[-1]
    right = manifest.read_bytes()
    manifest.write_bytes(right[:-1] + b"X")
    try:
        done = rig.once(code=1)
    finally:
        # The account is that of other tests as well.
        with contextlib.suppress(swiftclient.ClientException):
            here.connection.delete_object(elsewhere, "other")
    assert f"{elsewhere}/other" in done.stderr
    assert here.left() == NAMES
    assert here.noted() == 3


def test_sweep_that_is_killed_is_finished_by_the_next(make_rig):
    rig = make_rig("swift", mapping=ARCHIVE)
    here = Here(rig)
    rig.mapping["segment_grace"] = "1h"
    rig.write_config()
    names = [f"s/{number:03}" for number in range(150)]
    here.put(*names)
    here.slo("slo", names)
    rig.once()
    rig.mapping["segment_grace"] = "0"
    rig.write_config()
    process = subprocess.Popen(rig.command("--once"))
    try:
        eventually(lambda: 0 < len(here.left()) < 150, 60)
    finally:
        process.kill()
        process.wait()
    assert here.noted() > 0
    rig.once()
    assert here.left() == []
    assert here.noted() == 0


def test_case_42_shared_segments_go_after_the_last_archived_object(either):
    either.put(*NAMES)
    either.slo("one", NAMES[:2])
    either.slo("two", NAMES[1:])
    either.rig.once()
    assert either.rig.here() == {}
    assert either.left() == []
    assert either.rig.there().keys() == {"one", "two"}


def test_running_daemon_sweeps_too(make_rig):
    rig = make_rig("s3api", mapping=ARCHIVE, default={"poll_interval": "1s"})
    here = Here(rig)
    here.put(*NAMES)
    here.slo("slo", NAMES)
    with rig.daemon() as process:
        eventually(lambda: here.left() == [], 60)
        assert rig.stop(process) == 0
    assert "local segments: 3 deleted" in rig.log()
    assert "3 deleted, 0 still needed, 0 kept" in rig.status()
