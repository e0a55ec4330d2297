# SPDX-License-Identifier: Apache-2.0
"""Stores that lie, refuse, are full, or lose their bucket half-way."""

import re

import pytest
from servers.rig import eventually

from onespace_core.provider import BytesBody

MIB = 1 << 20
ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}
MODES = [{}, ARCHIVE]
#: A PUT of an object, not of a part.
PUT = r"^PUT /[^/?]+/[^?]+$"
#: The store's answer where it refuses; S3's form of errors.
ERROR = "<Error><Code>{0}</Code><Message>{0}</Message></Error>"
XML = {"Content-Type": "application/xml"}


def refuse(proxy, status, code, match):
    proxy.fail(
        10**6,
        status,
        match=match,
        body=ERROR.format(code).encode(),
        headers=XML,
    )


# -- answers that are not true ---------------------------------------------


def test_store_that_says_yes_and_keeps_nothing_costs_no_local_object(proxied):
    rig, proxy = proxied(mapping=ARCHIVE)
    rig.put("o", b"data")
    etag = BytesBody(b"data").md5
    proxy.fail(10**6, 200, match=PUT, headers={"ETag": f'"{etag}"'})
    done = rig.once(code=1)
    assert rig.here()["o"].data == b"data"
    assert "does not show the copy" in done.stderr
    assert "does not show the copy" in rig.status()
    proxy.reset()
    rig.once()
    assert rig.here() == {}
    assert rig.there()["o"].data == b"data"


@pytest.mark.parametrize("mapping", MODES)
def test_store_that_has_other_bytes_is_not_believed(proxied, mapping):
    """Its answer names another MD5 than that of what was sent."""
    rig, proxy = proxied(mapping=mapping)
    rig.put("o", b"data")
    other = BytesBody(b"other").md5
    proxy.fail(1, 200, match=PUT, headers={"ETag": f'"{other}"'})
    done = rig.once(code=1)
    assert rig.here()["o"].data == b"data"
    assert "MD5" in done.stderr
    assert "/o " in rig.status()
    rig.once()
    assert rig.there()["o"].data == b"data"


@pytest.mark.parametrize("mapping", MODES)
@pytest.mark.parametrize(
    "body",
    [
        ERROR.format("InternalError").encode(),
        b"<html>busy</html>",
        b"",
    ],
)
def test_completion_that_is_an_error_with_200_makes_no_copy(
    proxied, mapping, body
):
    rig, proxy = proxied(
        mapping={**mapping, "multipart_threshold": "5MiB"},
        default={"retry_deadline": 1},
    )
    data = b"x" * (11 * MIB)
    rig.put("o", data)
    proxy.fail(10**6, 200, match="POST .*uploadId=", body=body, headers=XML)
    done = rig.once(code=1)
    assert "Traceback" not in done.stderr
    assert rig.here()["o"].data == data
    assert rig.there() == {}
    assert "/o " in rig.status()
    proxy.reset()
    rig.once()
    assert rig.there()["o"].data == data
    assert proxy.count("PUT", "partNumber=") == 0
    assert list(rig.remote.list_uploads()) == []


# -- refusals --------------------------------------------------------------


@pytest.mark.parametrize("mapping", MODES)
def test_store_that_is_read_only_costs_nothing_and_is_caught_up(
    proxied, mapping
):
    rig, proxy = proxied(mapping=mapping)
    rig.put("old", b"1")
    rig.once()
    for number in range(3):
        rig.put(f"o{number}", b"2")
    rig.put("old", b"changed")
    refuse(proxy, 403, "AccessDenied", r"^(PUT|POST|DELETE) ")
    done = rig.once(code=1)
    assert rig.there()["old"].data == b"1"
    assert rig.there().keys() == {"old"}
    assert rig.here().keys() == {"old", "o0", "o1", "o2"}
    assert "Traceback" not in done.stderr
    assert "AccessDenied" in rig.status()
    proxy.reset()
    rig.once()
    assert rig.there().keys() == {"old", "o0", "o1", "o2"}
    assert rig.there()["old"].data == b"changed"


def test_deletion_that_is_refused_is_owed_until_it_is_allowed(proxied):
    rig, proxy = proxied()
    rig.put("o", b"1")
    rig.once()
    rig.local.delete_object("o")
    refuse(proxy, 403, "AccessDenied", r"^DELETE ")
    done = rig.once(code=1)
    assert rig.there().keys() == {"o"}
    assert "/o " in done.stderr
    proxy.reset()
    rig.once()
    assert rig.there() == {}


@pytest.mark.parametrize("mapping", MODES)
@pytest.mark.parametrize(
    ("code", "number", "words"),
    [
        ("QuotaExceeded", 403, "quota"),
        ("XMinioStorageFull", 507, "full"),
        ("EntityTooLarge", 400, "too large"),
        ("MetadataTooLarge", 400, "metadata"),
        ("InvalidArgument", 400, "InvalidArgument"),
    ],
)
def test_object_that_is_refused_is_named_and_others_go_on(
    proxied, mapping, code, number, words
):
    rig, proxy = proxied(mapping=mapping)
    rig.put("big", b"2")
    rig.put("small", b"1")
    key = re.escape(rig.layout.key("big"))
    refuse(proxy, number, code, rf"^PUT .*{key}")
    done = rig.once(code=1)
    assert rig.there().keys() == {"small"}
    assert "big" in rig.here()
    for text in (done.stderr, rig.status()):
        (line,) = [each for each in text.splitlines() if "/big " in each]
        assert words in line
    proxy.reset()
    rig.once()
    assert rig.there().keys() == {"small", "big"}


def test_bucket_that_is_lost_half_way_stops_the_mapping_not_the_rest(proxied):
    rig, _proxy = proxied(mapping=ARCHIVE)
    for number in range(30):
        rig.put(f"o{number:02}", b"data")
    with rig.daemon() as daemon:
        eventually(lambda: len(rig.here()) == 0)
        before = rig.there()
        for key in list(before):
            rig.remote.delete_object(rig.layout.key(key))
        rig.remote.delete_bucket()
        rig.put("later", b"data")
        eventually(lambda: "cannot be worked on" in rig.log())
        assert rig.here().keys() == {"later"}
        (line,) = [
            each for each in rig.status().splitlines() if "in trouble" in each
        ]
        assert rig.bucket in line
        rig.remote.create_bucket()
        eventually(lambda: rig.here() == {}, 60)
        assert rig.there().keys() == {"later"}
        assert rig.stop(daemon) == 0


# -- rules of the bucket ---------------------------------------------------


def foreign_rule(prefix):
    return {
        "ID": "of the bucket's owner",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": 7},
    }


def rules(client, bucket):
    found = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    return {rule["ID"]: rule for rule in found["Rules"]}


def s3_client(rig):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=rig.options["endpoint"],
        aws_access_key_id=rig.options["access_key"],
        aws_secret_access_key=rig.options["secret_key"],
        region_name="us-east-1",
    )


RULE_STORES = pytest.mark.parametrize(
    "store", ["moto_server", "radosgw", "minio"]
)


def with_foreign_rule(rig, prefix):
    """Write somebody's rule; return a function that reads all rules."""
    client = s3_client(rig)
    client.put_bucket_lifecycle_configuration(
        Bucket=rig.bucket,
        LifecycleConfiguration={"Rules": [foreign_rule(prefix)]},
    )
    return lambda: rules(client, rig.bucket)


@RULE_STORES
def test_rule_of_somebody_else_survives_ours(make_rig, store):
    rig = make_rig(store, mapping={"remote_delete_after": "10d"})
    rules_now = with_foreign_rule(rig, "logs/")
    before = rules_now()
    rig.put("o", b"data")
    rig.once()
    during = rules_now()
    assert len(during) > 1
    assert during.items() >= before.items()
    del rig.mapping["remote_delete_after"]
    rig.write_config()
    rig.once()
    assert rules_now() == before


@RULE_STORES
@pytest.mark.parametrize("prefix", ["", "ours"])
def test_rule_for_the_same_objects_is_named_and_left_alone(
    make_rig, store, prefix
):
    rig = make_rig(store, mapping={"remote_delete_after": "10d"})
    rules_now = with_foreign_rule(rig, prefix and rig.layout.root)
    before = rules_now()
    rig.put("o", b"data")
    done = rig.once()
    assert rules_now() == before
    assert rig.there()["o"].data == b"data"
    assert "of the bucket's owner" in done.stderr
    assert "disable that rule" in done.stderr


def test_rules_that_may_not_be_read_are_named_and_objects_go_on(proxied):
    rig, proxy = proxied(mapping={"remote_delete_after": "10d"})
    rig.put("o", b"data")
    refuse(proxy, 403, "AccessDenied", r"[?&]lifecycle")
    done = rig.once()
    assert rig.there()["o"].data == b"data"
    assert "AccessDenied" in done.stderr
    assert proxy.count("PUT", "lifecycle") == 0
