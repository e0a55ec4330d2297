# SPDX-License-Identifier: Apache-2.0
"""The source is a Swift of separate processes, as operators run it."""

import pytest


@pytest.mark.parametrize("policy", ["Policy-0", "silver"])
def test_container_of_each_storage_policy_is_copied(
    make_rig, swift_1x1, policy
):
    rig = make_rig("radosgw", swift=swift_1x1.info)
    rig.local.delete_bucket()
    rig.connection.put_container(
        rig.container, headers={"X-Storage-Policy": policy}
    )
    rig.put("o", b"data", about="fröhlich")
    rig.put("gone", b"data")
    rig.once()
    rig.local.delete_object("gone")
    rig.local.post_object("o", {"about": "changed"})
    rig.once()
    rig.assert_equal()
    assert rig.there().keys() == {"o"}


def test_pipeline_of_the_cluster_can_be_used(make_rig, swift_1x1):
    rig = make_rig(
        "radosgw",
        swift=swift_1x1.info,
        default={
            "internal_client_path": swift_1x1.info["internal_client_path"]
        },
    )
    rig.put("o", b"data")
    rig.once()
    rig.assert_equal()


def test_unusable_pipeline_is_a_clear_error(make_rig, swift_1x1, tmp_path):
    path = tmp_path / "internal-client.conf"
    path.write_text("[pipeline:main]\npipeline = nonsense\n")
    rig = make_rig(
        "radosgw",
        swift=swift_1x1.info,
        default={"internal_client_path": path},
    )
    done = rig.once(code=2)
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_symlink_is_skipped_and_its_target_copied(make_rig, swift_1x1):
    rig = make_rig("radosgw", swift=swift_1x1.info)
    rig.put("target", b"data")
    rig.connection.put_object(
        rig.container,
        "link",
        b"",
        headers={"X-Symlink-Target": f"{rig.container}/target"},
    )
    done = rig.once()
    assert rig.there().keys() == {"target"}
    assert "skipped 1" in done.stderr
