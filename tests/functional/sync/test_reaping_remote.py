# SPDX-License-Identifier: Apache-2.0
"""Segments at another Swift whose copy was deleted or replaced."""

import json
import time
import urllib.parse

import pytest
import swiftclient
from servers.proxy import FaultProxy

from onespace_core.provider import BytesBody, ObjectNotFound
from onespace_core.state import Side

NAMES = ["s/00", "s/01", "s/02"]


class There:
    """A rig to a Swift, and what is beside its remote container."""

    def __init__(self, rig):
        self.rig = rig
        self.local = rig.connection
        self.segments = f"{rig.container}_seg"
        self.beside = f"{rig.bucket}_segments"
        self.local.put_container(self.segments)
        self.remote = swiftclient.Connection(
            rig.options["auth_url"], rig.options["user"], rig.options["key"]
        )

    def put(self, *names, seed=b""):
        for name in names:
            self.local.put_object(
                self.segments, name, (name.encode() + seed) * 100
            )

    def slo(self, name, names):
        entries = [{"path": f"/{self.segments}/{n}"} for n in names]
        self.local.put_object(
            self.rig.container,
            name,
            json.dumps(entries),
            query_string="multipart-manifest=put",
        )

    def dlo(self, name, prefix):
        self.local.put_object(
            self.rig.container,
            name,
            b"",
            headers={"X-Object-Manifest": f"{self.segments}/{prefix}"},
        )

    def delete(self, name):
        self.local.delete_object(self.rig.container, name)

    def left(self):
        try:
            found = self.remote.get_container(self.beside)[1]
        except swiftclient.ClientException:
            return []
        return [
            each["name"].removeprefix(f"{self.segments}/") for each in found
        ]

    def noted(self):
        with self.rig.state() as state:
            return state.garbage_noted().get(("main", Side.REMOTE), 0)

    def report(self):
        with self.rig.state() as state:
            return state.sweeps()["main", Side.REMOTE]

    def is_gone(self, name):
        try:
            self.rig.remote_head(name)
        except ObjectNotFound:
            return True
        return False

    def grace(self, value):
        self.rig.mapping["segment_grace"] = value
        self.rig.write_config()


@pytest.fixture
def there(make_rig):
    return There(make_rig("swift", mapping={"segment_grace": "0"}))


def test_case_24_deleted_slo_takes_its_segments(there):
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    assert there.left() == NAMES
    there.delete("slo")
    there.rig.once()
    assert there.is_gone("slo")
    assert there.left() == []
    assert there.noted() == 0


def test_case_25_deleted_dlo_takes_its_segments(there):
    there.put(*NAMES, "s2/x")
    there.dlo("dlo", "s/")
    there.slo("slo", ["s2/x"])
    there.rig.once()
    there.delete("dlo")
    there.rig.once()
    assert there.is_gone("dlo")
    assert there.left() == ["s2/x"]


@pytest.mark.parametrize("missing", ["container", "segment"])
def test_case_25_missing_segments_are_no_failure(there, missing):
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    gone = NAMES if missing == "container" else NAMES[:1]
    for name in gone:
        there.remote.delete_object(there.beside, f"{there.segments}/{name}")
    if missing == "container":
        there.remote.delete_container(there.beside)
    there.delete("slo")
    there.rig.once()
    assert there.is_gone("slo")
    assert there.left() == []
    assert there.noted() == 0


def test_case_26_segment_that_cannot_be_deleted_is_tried_again(make_rig):
    plain = make_rig("swift")
    parts = urllib.parse.urlsplit(plain.options["auth_url"])
    with FaultProxy(parts.hostname, parts.port) as proxy:
        # The store's own address follows from how it is asked.
        by_way = urllib.parse.urlsplit(proxy.url).netloc
        there = There(
            make_rig(
                "swift",
                options={"auth_url": parts._replace(netloc=by_way).geturl()},
                mapping={"segment_grace": "0"},
            )
        )
        there.put(*NAMES)
        there.slo("slo", NAMES)
        there.rig.once()
        there.delete("slo")
        proxy.fail(10**6, 500, match=f"DELETE .*{there.beside}.*01")
        done = there.rig.once(code=1)
        assert there.is_gone("slo")
        assert "s/01" in done.stderr
        assert there.left() == ["s/01"]
        assert there.noted() == 1
        proxy.reset()
        there.rig.once()
        assert there.left() == []
        assert there.noted() == 0


def test_t_25_segments_of_another_object_are_kept(there):
    there.put(*NAMES)
    there.slo("one", NAMES[:2])
    there.slo("two", NAMES[1:])
    there.rig.once()
    there.delete("one")
    there.rig.once()
    assert there.left() == NAMES[1:]
    assert there.rig.there().keys() == {"two"}
    there.delete("two")
    there.rig.once()
    assert there.left() == []


def test_t_25_segments_of_somebody_elses_object_are_kept(there):
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    path = f"/{there.beside}/{there.segments}/{NAMES[0]}"
    there.remote.put_object(
        there.rig.bucket,
        "theirs",
        json.dumps([{"path": path}]),
        query_string="multipart-manifest=put",
    )
    there.delete("slo")
    there.rig.once()
    assert there.left() == NAMES[:1]


def test_t_59_segments_of_a_replaced_copy_go(there):
    there.put(*NAMES)
    there.slo("o", NAMES[:2])
    there.rig.once()
    there.slo("o", NAMES[1:])
    there.rig.once()
    assert there.left() == NAMES[1:]
    there.rig.local.put_object("o", BytesBody(b"plain"))
    there.rig.once()
    assert there.left() == []
    assert there.rig.there()["o"].data == b"plain"


def test_deleted_and_written_again_before_the_sweep(there):
    there.grace("1h")
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    there.delete("slo")
    there.rig.once()
    assert there.noted() == 3
    there.slo("again", NAMES)
    there.grace("0")
    there.rig.once()
    assert there.left() == NAMES
    assert there.report().needed == 3


def test_kept_segments_are_young_for_the_time_of_grace(there):
    there.grace("1d")
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    there.delete("slo")
    there.rig.once()
    there.rig.once()
    assert there.left() == NAMES
    assert there.noted() == 3


def test_what_somebody_else_put_beside_the_copies_stays(there):
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    there.remote.put_object(there.beside, "theirs", b"1")
    there.delete("slo")
    there.rig.once()
    assert there.left() == ["theirs"]


def last_written(there, *names):
    return [
        there.rig.remote.head_object(
            f"{there.segments}/{name}", bucket=there.beside
        ).last_modified
        for name in names
    ]


@pytest.mark.parametrize(
    ("grace", "touched"), [("2", True), ("1d", False), ("0", False)]
)
@pytest.mark.parametrize("joined", [False, True])
def test_segments_that_are_used_again_are_touched(
    make_rig, grace, touched, joined
):
    mapping = {"segment_grace": grace}
    if joined:
        mapping |= {"min_segment_size": "1000000", "convert_dlo": "true"}
    there = There(make_rig("swift", mapping=mapping))
    there.put(*NAMES)
    there.slo("one", NAMES)
    there.rig.once()
    keys = there.left()
    assert len(keys) == (1 if joined else 3)
    for key in keys:
        there.remote.post_object(
            there.beside,
            f"{there.segments}/{key}",
            {
                **headers_of(there, key),
                "Content-Type": "image/x",
                "X-Object-Meta-Color": "Blü",
            },
        )
    written = last_written(there, *keys)
    headers = [headers_of(there, key) for key in keys]
    time.sleep(1.1)
    there.slo("two", NAMES)
    there.rig.once()
    assert there.rig.there().keys() == {"one", "two"}
    now = last_written(there, *keys)
    assert [new > old for new, old in zip(now, written, strict=True)] == [
        touched
    ] * len(keys)
    assert [headers_of(there, key) for key in keys] == headers


def headers_of(there, key):
    found = there.remote.head_object(there.beside, f"{there.segments}/{key}")
    return {
        name: value
        for name, value in found.items()
        if name.startswith("x-object-meta-") or name == "content-type"
    }


def test_a_sweep_keeps_what_a_manifest_on_its_way_needs(make_rig):
    """The new manifest cannot be seen: only the touch tells of it."""
    plain = make_rig("swift")
    parts = urllib.parse.urlsplit(plain.options["auth_url"])
    with FaultProxy(parts.hostname, parts.port) as proxy:
        by_way = urllib.parse.urlsplit(proxy.url).netloc
        there = There(
            make_rig(
                "swift",
                options={"auth_url": parts._replace(netloc=by_way).geturl()},
                mapping={"segment_grace": "1h"},
            )
        )
        there.put(*NAMES)
        there.slo("one", NAMES)
        there.rig.once()
        there.delete("one")
        there.rig.once()
        assert there.noted() == 3
        there.grace("15")
        time.sleep(15)
        there.slo("two", NAMES)
        proxy.fail(10**6, 500, match=f"PUT .*{there.rig.bucket}/two")
        there.rig.once(code=1)
        assert there.report().kept == 3
        assert there.left() == NAMES
        proxy.reset()
        there.rig.once()
        assert there.rig.there().keys() == {"two"}


@pytest.mark.parametrize("change", ["settle", "relabel"])
def test_segments_of_a_copy_that_is_made_anew_are_noted(make_rig, change):
    """It missed one, and is cut in another way now."""
    there = There(
        make_rig(
            "swift",
            mapping={"segment_grace": "0", "remote_delete_after": "30d"},
        )
    )
    there.put(*NAMES)
    there.slo("slo", NAMES)
    there.rig.once()
    there.remote.delete_object(there.beside, f"{there.segments}/{NAMES[0]}")
    there.rig.mapping |= {"min_segment_size": "1000000", "convert_dlo": "true"}
    there.rig.write_config()
    if change == "relabel":
        there.local.post_object(
            there.rig.container, "slo", {"X-Object-Meta-Color": "red"}
        )
    (there.rig.state_dir / "sync.sqlite").unlink()
    there.rig.once()
    assert there.rig.there().keys() == {"slo"}
    assert [key.partition("/")[0] for key in there.left()] == [".joined"]
