# SPDX-License-Identifier: Apache-2.0
"""Containers that keep versions: their current ones are copied."""

from __future__ import annotations

import pytest

ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}


@pytest.fixture(params=["s3api", "swift"])
def kind(request):
    return request.param


def _keep_versions(rig):
    rig.connection.post_container(
        rig.container, headers={"X-Versions-Enabled": "true"}
    )


def test_current_versions_are_copied(make_rig, kind):
    rig = make_rig(kind)
    rig.put("before", b"0")
    _keep_versions(rig)
    rig.put("a", b"first")
    rig.put("a", b"second!", color="blue")
    rig.put("gone", b"1")
    rig.once()
    assert {name: held.data for name, held in rig.there().items()} == {
        "before": b"0",
        "a": b"second!",
        "gone": b"1",
    }
    rig.connection.delete_object(rig.container, "gone")
    rig.connection.post_object(
        rig.container, "a", headers={"X-Object-Meta-Color": "red"}
    )
    rig.once()
    assert rig.there().keys() == {"before", "a"}
    assert rig.remote_head("a").metadata["color"] == "red"
    written = rig.remote_head("a").last_modified
    rig.once()
    assert rig.remote_head("a").last_modified == written


def test_an_archive_leaves_them(make_rig, kind):
    rig = make_rig(kind, mapping=ARCHIVE)
    _keep_versions(rig)
    rig.put("a", b"first")
    rig.put("a", b"second!")
    rig.once()
    assert rig.there()["a"].data == b"second!"
    assert rig.here()["a"].data == b"second!"
