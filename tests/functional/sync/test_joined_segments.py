# SPDX-License-Identifier: Apache-2.0
"""Small segments go together at another Swift (``min_segment_size``)."""

import hashlib
import json

import pytest

from onespace_core.provider import ObjectNotFound
from onespace_core.sync.stamp import read_stamp


class Joining:
    """A rig to a Swift where small segments are joined."""

    def __init__(self, rig):
        self.rig = rig
        self.beside = f"{rig.bucket}_segments"

    def put_segments(self, *sizes, container="segs", prefix="s/"):
        self.rig.connection.put_container(container)
        names = []
        for number, size in enumerate(sizes):
            names.append(f"{prefix}{number:02}")
            self.rig.connection.put_object(
                container, names[-1], bytes([65 + number]) * size
            )
        return [f"/{container}/{name}" for name in names]

    def put_slo(self, name, paths):
        self.rig.connection.put_object(
            self.rig.container,
            name,
            json.dumps([{"path": path} for path in paths]),
            query_string="multipart-manifest=put",
        )

    def put_dlo(self, name, prefix):
        self.rig.connection.put_object(
            self.rig.container,
            name,
            b"",
            headers={"X-Object-Manifest": prefix},
        )

    def manifest(self, name):
        return self.rig.remote.get_manifest(name).segments

    def written(self):
        page = self.rig.remote.list_objects(bucket=self.beside)
        return {info.key: info.last_modified for info in page.objects}

    def nothing_again(self):
        """Look at everything once more, twice."""
        written = self.written()
        for _ in range(2):
            (self.rig.state_dir / "sync.sqlite").unlink()
            assert "copied 0 objects" in self.rig.once().stderr
        assert self.written() == written

    def same(self, name):
        here = self.rig.connection.get_object(self.rig.container, name)[1]
        with self.rig.remote.get_object(name) as reader:
            assert reader.read() == here
        return here

    def touch(self, name, **headers):
        self.rig.connection.post_object(
            self.rig.container, name, {"X-Object-Meta-Color": "red", **headers}
        )
        assert "copied 0 objects" in self.rig.once().stderr
        assert self.rig.remote_head(name).metadata["color"] == "red"


@pytest.fixture
def joining(make_rig):
    return Joining(make_rig("swift", mapping={"min_segment_size": "2000"}))


def test_case_56_small_segments_of_a_static_one_are_joined(joining):
    joining.put_slo("slo", joining.put_segments(1024, 1024, 512))
    joining.rig.once()
    data = joining.same("slo")
    segments = joining.manifest("slo")
    assert [each.size for each in segments] == [2048, 512]
    assert segments[0].etag == hashlib.md5(data[:2048]).hexdigest()
    local = joining.rig.connection.head_object(joining.rig.container, "slo")
    stamp = read_stamp(joining.rig.remote_head("slo").metadata)
    assert stamp is not None
    raw = joining.rig.connection.get_object(
        joining.rig.container, "slo", query_string="multipart-manifest=get"
    )
    assert local["x-static-large-object"] == "True"
    assert raw[0]["etag"].strip('"') != ""
    joining.nothing_again()
    joining.touch("slo")
    joining.nothing_again()


def test_case_65_66_a_dynamic_one_becomes_static_and_is_joined(joining):
    joining.put_segments(*[1024] * 10, prefix="d/")
    joining.put_dlo("dlo", "segs/d/")
    joining.rig.once()
    data = joining.same("dlo")
    segments = joining.manifest("dlo")
    assert [(each.size, each.etag) for each in segments] == [
        (2048, hashlib.md5(data[at : at + 2048]).hexdigest())
        for at in range(0, 10240, 2048)
    ]
    joining.nothing_again()
    joining.touch("dlo", **{"X-Object-Manifest": "segs/d/"})
    assert joining.manifest("dlo") == segments
    joining.nothing_again()


def test_case_67_no_segments_and_segments_without_bytes(joining):
    joining.put_segments(0, 100, 0, prefix="some/")
    joining.put_dlo("empty", "segs/none/")
    joining.put_dlo("some", "segs/some/")
    joining.rig.once()
    assert joining.same("empty") == b""
    assert len(joining.same("some")) == 100


def test_the_same_bytes_are_joined_once(joining):
    paths = joining.put_segments(1024, 1024, 512)
    joining.put_slo("one", paths)
    joining.rig.once()
    before = joining.written()
    joining.put_slo("two", paths)
    joining.rig.once()
    assert joining.written() == before
    joining.same("two")


def test_an_overwritten_segment_never_harms_an_older_copy(joining):
    paths = joining.put_segments(1024, 1024, 512)
    joining.put_slo("old", paths)
    joining.rig.once()
    before = joining.same("old")
    joining.rig.connection.put_object("segs", "s/00", b"other bytes" * 100)
    joining.put_slo("new", paths)
    joining.rig.once()
    assert joining.same("new") != before
    with joining.rig.remote.get_object("old") as reader:
        assert reader.read() == before


def test_case_68_a_segment_that_changed_leaves_nothing_wrong(joining):
    paths = joining.put_segments(1024, 1024, 512)
    joining.put_slo("slo", paths)
    joining.rig.connection.put_object("segs", "s/01", b"x" * 1024)
    joining.rig.once(code=1)
    assert not [key for key in joining.written() if ".joined/" in key]
    with pytest.raises(ObjectNotFound):
        joining.rig.remote_head("slo")
    joining.rig.connection.put_object("segs", "s/01", b"B" * 1024)
    joining.rig.once()
    joining.same("slo")
