# SPDX-License-Identifier: Apache-2.0
"""Dynamic large objects, and segments in the same container, to a Swift."""

import json

DYNAMIC = "X-Object-Manifest"


def there(rig, bucket):
    page = rig.remote.list_objects(bucket=bucket)
    return {info.key: info.last_modified for info in page.objects}


def same(rig, name):
    here = rig.connection.get_object(rig.container, name)[1]
    with rig.remote.get_object(name) as reader:
        assert reader.read() == here


def put_dynamic(rig, count):
    rig.connection.put_container("ségs")
    for number in range(count):
        rig.connection.put_object("ségs", f"pré fix/{number}", b"x" * number)
    header = {DYNAMIC: "s%C3%A9gs/pr%C3%A9%20fix/"}
    rig.connection.put_object(rig.container, "dlo", b"", headers=header)
    return header


def test_case_63_69_metadata_of_a_dynamic_one_sends_no_segment(swift_rig):
    rig = swift_rig
    header = put_dynamic(rig, 3)
    rig.once()
    same(rig, "dlo")
    before = there(rig, f"{rig.bucket}_segments")
    rig.connection.post_object(
        rig.container, "dlo", {"X-Object-Meta-Color": "red", **header}
    )
    assert "copied 0 objects" in rig.once().stderr
    assert rig.remote_head("dlo").metadata["color"] == "red"
    assert there(rig, f"{rig.bucket}_segments") == before
    same(rig, "dlo")


def test_case_64_a_segment_more_is_sent_alone(swift_rig):
    rig = swift_rig
    header = put_dynamic(rig, 3)
    rig.once()
    before = there(rig, f"{rig.bucket}_segments")
    rig.connection.put_object("ségs", "pré fix/3", b"new")
    rig.connection.post_object(rig.container, "dlo", header)
    rig.once()
    after = there(rig, f"{rig.bucket}_segments")
    assert after == {**before, **after}
    assert after.keys() - before.keys() == {"ségs/pré fix/3"}
    same(rig, "dlo")


def test_case_58_segments_in_the_same_container_that_are_excluded(make_rig):
    rig = make_rig("swift", mapping={"exclude_pattern": r"\w+/\d+\.\d+/\d+$"})
    names = [f"o/1.5/{number}" for number in range(3)]
    for name in names:
        rig.connection.put_object(rig.container, name, name * 10)
    rig.connection.put_object(
        rig.container,
        "o",
        json.dumps([{"path": f"/{rig.container}/{name}"} for name in names]),
        query_string="multipart-manifest=put",
    )
    rig.once()
    assert there(rig, rig.bucket).keys() == {"o"}
    same(rig, "o")
