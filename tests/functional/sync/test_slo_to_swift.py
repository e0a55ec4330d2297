# SPDX-License-Identifier: Apache-2.0
"""Large objects to another Swift: segments first, then their manifest."""

import json

import pytest
import swiftclient

from onespace_core.provider import BytesBody, ObjectNotFound
from onespace_core.sync.stamp import read_stamp


class Large:
    """A rig to a Swift, with what clients do with large objects."""

    def __init__(self, rig):
        self.rig = rig
        self.beside = f"{rig.bucket}_segments"

    def put_segments(self, container, prefix="s", sizes=(1000, 1000, 24)):
        self.rig.connection.put_container(container)
        names = []
        for number, size in enumerate(sizes):
            name = f"{prefix}/{number:02}"
            self.rig.connection.put_object(
                container, name, f"{container}{number}".encode() * size
            )
            names.append(name)
        return names

    def put_slo(self, name, entries, **headers):
        self.rig.connection.put_object(
            self.rig.container,
            name,
            json.dumps(entries),
            headers=headers,
            query_string="multipart-manifest=put",
        )

    def segments_there(self):
        connection = swiftclient.Connection(
            self.rig.options["auth_url"],
            self.rig.options["user"],
            self.rig.options["key"],
        )
        try:
            found = connection.get_container(self.beside)[1]
        except swiftclient.ClientException:
            return {}
        return {each["name"]: each["last_modified"] for each in found}

    def same(self, name):
        here = self.rig.connection.get_object(self.rig.container, name)[1]
        with self.rig.remote.get_object(name) as reader:
            assert reader.read() == here
        return here


@pytest.fixture
def large(swift_rig):
    return Large(swift_rig)


def paths(container, names):
    return [{"path": f"/{container}/{name}"} for name in names]


def test_case_53_54_segments_then_manifest_and_nothing_the_second_time(large):
    names = large.put_segments("ségments")
    large.put_slo(
        "slo",
        paths("ségments", names),
        **{"X-Object-Meta-Color": "Blü", "Content-Type": "video/x"},
    )
    large.rig.once()
    large.same("slo")
    there = large.segments_there()
    assert there.keys() == {f"ségments/{name}" for name in names}
    info = large.rig.remote_head("slo")
    assert (info.metadata["color"], info.content_type) == ("Blü", "video/x")
    (large.rig.state_dir / "sync.sqlite").unlink()
    done = large.rig.once()
    assert "copied 0 objects" in done.stderr
    assert large.segments_there() == there
    large.rig.connection.post_object(
        large.rig.container, "slo", {"X-Object-Meta-Color": "red"}
    )
    done = large.rig.once()
    assert "copied 0 objects" in done.stderr
    assert large.rig.remote_head("slo").metadata["color"] == "red"
    assert large.segments_there() == there
    large.same("slo")


def test_case_55_shared_segments_are_sent_once(large):
    names = large.put_segments("segs")
    large.put_slo("one", paths("segs", names))
    large.rig.once()
    there = large.segments_there()
    large.put_slo("two", paths("segs", names[:2]))
    large.rig.once()
    assert large.segments_there() == there
    large.same("two")


def test_case_59_two_segment_containers_with_equal_names(large):
    one = large.put_segments("one")
    two = large.put_segments("two")
    large.put_slo("a", paths("one", one))
    large.put_slo("b", paths("two", two))
    large.rig.once()
    assert large.same("a") != large.same("b")


def test_case_60_61_nested_ranged_and_inline_segments(large):
    names = large.put_segments("segs")
    large.put_slo("inner", paths("segs", names))
    large.put_slo(
        "outer",
        [
            {"path": f"/{large.rig.container}/inner", "range": "500-8000"},
            {"data": "aW5saW5l"},
            {"path": f"/segs/{names[0]}", "range": "10-20"},
        ],
    )
    large.rig.once()
    large.same("outer")


def test_overwritten_segment_never_harms_the_copy_of_an_older_object(large):
    names = large.put_segments("segs")
    large.put_slo("old", paths("segs", names))
    large.rig.once()
    before = large.same("old")
    large.rig.connection.put_object("segs", names[0], b"other bytes")
    large.put_slo("new", paths("segs", names[:1]))
    large.rig.once()
    assert large.same("new") == b"other bytes"
    with large.rig.remote.get_object("old") as reader:
        assert reader.read() == before


def test_case_62_dynamic_large_object_arrives_with_its_data(large):
    large.put_segments("ségs", "pré fix")
    large.rig.connection.put_object(
        large.rig.container,
        "dlo",
        b"",
        headers={"X-Object-Manifest": "s%C3%A9gs/pr%C3%A9%20fix/"},
    )
    large.rig.once()
    large.same("dlo")
    done = large.rig.once()
    assert "copied 0 objects" in done.stderr


def test_manifest_without_a_segment_fails_alone_and_is_named(large):
    names = large.put_segments("segs")
    large.put_slo("slo", paths("segs", names))
    large.rig.connection.delete_object("segs", names[1])
    large.rig.put("plain", b"1")
    done = large.rig.once(code=1)
    assert names[1] in done.stderr
    assert large.rig.there().keys() == {"plain"}


def test_case_39_archived_large_object_leaves_its_segments_here(make_rig):
    large = Large(
        make_rig(
            "swift",
            mapping={
                "mode": "lifecycle",
                "retain_local": "false",
                "propagate_delete": "false",
            },
        )
    )
    names = large.put_segments("segs")
    large.put_slo("slo", paths("segs", names))
    here = large.rig.connection.get_object(large.rig.container, "slo")[1]
    large.rig.once()
    assert large.rig.here() == {}
    with large.rig.remote.get_object("slo") as reader:
        assert reader.read() == here
    assert len(large.rig.connection.get_container("segs")[1]) == 3


def test_deleted_large_object_is_deleted_there(large):
    names = large.put_segments("segs")
    large.put_slo("slo", paths("segs", names))
    large.rig.once()
    assert read_stamp(large.rig.remote_head("slo").metadata) is not None
    large.rig.connection.delete_object(large.rig.container, "slo")
    large.rig.once()
    with pytest.raises(ObjectNotFound):
        large.rig.remote_head("slo")


def test_plain_object_takes_the_place_of_a_large_one(large):
    names = large.put_segments("segs")
    large.put_slo("o", paths("segs", names))
    large.rig.once()
    large.rig.local.put_object("o", BytesBody(b"plain"))
    large.rig.once()
    assert large.same("o") == b"plain"
