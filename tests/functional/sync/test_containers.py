# SPDX-License-Identifier: Apache-2.0
"""Container metadata, rules by age and expiry, on real servers."""

import time

import swiftclient

from onespace_core.provider import EXPIRY


def remote_headers(rig):
    connection = swiftclient.Connection(
        rig.options["auth_url"], rig.options["user"], rig.options["key"]
    )
    return connection.head_container(rig.bucket)


def test_case_73_metadata_and_access_lists_of_the_container(make_rig):
    rig = make_rig(
        "swift",
        mapping={
            "sync_container_metadata": "true",
            "sync_container_acl": "true",
        },
    )
    rig.connection.post_container(
        rig.container,
        {"X-Container-Meta-Color": "Blü", "X-Container-Read": ".r:*"},
    )
    rig.once()
    headers = remote_headers(rig)
    assert headers["x-container-meta-color"] == "Blü"
    assert headers["x-container-read"] == ".r:*"
    rig.connection.post_container(
        rig.container, {"X-Container-Meta-Color": "", "X-Container-Read": ""}
    )
    rig.once()
    headers = remote_headers(rig)
    assert "x-container-meta-color" not in headers
    assert "x-container-read" not in headers


def test_case_73_nothing_is_copied_unless_asked_for(swift_rig):
    rig = swift_rig
    rig.connection.post_container(
        rig.container, {"X-Container-Meta-Color": "red"}
    )
    rig.once()
    assert "x-container-meta-color" not in remote_headers(rig)


def test_case_72_rule_of_the_bucket_comes_and_goes(make_rig):
    rig = make_rig("radosgw", mapping={"remote_delete_after": "33d"})
    rig.put("a", b"1")
    rig.once()
    rig.once()
    assert rules(rig) == [
        (rig.layout.root, 33),
        (rig.layout.manifest_root, 33),
    ]
    del rig.mapping["remote_delete_after"]
    rig.write_config()
    rig.once()
    assert rules(rig) == []


def test_t_33_store_without_rules_gets_its_objects_all_the_same(make_rig):
    rig = make_rig("s3api", mapping={"remote_delete_after": "33d"})
    rig.put("a", b"1")
    done = rig.once()
    assert rig.there().keys() == {"a"}
    assert "objects go on" in done.stderr


def test_case_71_copy_expires_and_a_second_look_moves_nothing(make_rig):
    rig = make_rig("swift", mapping={"remote_delete_after": "1d"})
    before = int(time.time())
    rig.put("a", b"1")
    rig.once()
    first = rig.remote_head("a")
    assert before <= int(first.system[EXPIRY]) - 86400 <= time.time()
    (rig.state_dir / "sync.sqlite").unlink()
    rig.once()
    assert rig.remote_head("a").system == first.system
    assert rig.remote_head("a").last_modified == first.last_modified


def test_case_70_expiry_travels_with_its_offset(make_rig):
    rig = make_rig(
        "swift",
        mapping={
            "propagate_expiration": "true",
            "propagate_expiration_offset": "1h",
            "propagate_delete": "false",
        },
    )
    end = int(time.time()) + 5000
    rig.connection.put_object(
        rig.container, "a", b"1", headers={"X-Delete-At": str(end)}
    )
    rig.once()
    assert rig.remote_head("a").system[EXPIRY] == str(end + 3600)


def test_expiry_travels_to_s3_as_metadata(rig):
    end = int(time.time()) + 5000
    rig.connection.put_object(
        rig.container, "a", b"1", headers={"X-Delete-At": str(end)}
    )
    rig.once()
    assert rig.remote_head("a").metadata["onespace-delete-at"] == str(end)


def rules(rig):
    """Return prefix and days of every rule of the bucket."""
    client = rig.remote._client
    try:
        answer = client.get_bucket_lifecycle_configuration(Bucket=rig.bucket)
    except client.exceptions.ClientError as exc:
        if exc.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []
    return [
        (
            rule.get("Filter", {}).get("Prefix", rule.get("Prefix")),
            rule["Expiration"]["Days"],
        )
        for rule in answer["Rules"]
    ]
