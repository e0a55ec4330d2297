# SPDX-License-Identifier: Apache-2.0
"""Rules by age in the lifecycle configurations of real servers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from servers.proxy import FaultProxy
from servers.s3 import S3Server
from servers.s3_buckets import make, own_bucket

from onespace_core.provider import (
    AgeRule,
    AlreadyExists,
    BucketNotFound,
    BytesBody,
    InvalidRequest,
    NotSupported,
    ObjectNotFound,
    PermissionDenied,
    ServiceUnavailable,
)

OURS = AgeRule(rule_id="onespace-1", prefix="1ab/acc/con/", delete_after=33)
#: What others have in their buckets.
THEIRS = [
    {
        "ID": "logs",
        "Filter": {"Prefix": "logs/"},
        "Status": "Enabled",
        "Expiration": {"Days": 7},
    },
    {
        "ID": "off",
        "Filter": {"Prefix": ""},
        "Status": "Disabled",
        "Expiration": {"Days": 1},
    },
    {
        "ID": "tagged <&> \u00fc",
        "Filter": {
            "And": {
                "Prefix": "1ab/",
                "Tags": [{"Key": "a", "Value": "b"}],
            }
        },
        "Status": "Enabled",
        "Expiration": {"Days": 2},
    },
]


def plain_client(server: S3Server) -> Any:
    """Somebody else's client."""
    return botocore.session.Session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(s3={"addressing_style": "path"}),
    )


class Bucket:
    """A bucket with rules, seen by somebody else."""

    def __init__(self, server: S3Server, name: str) -> None:
        self.name = name
        self._client = plain_client(server)

    def set_rules(self, rules: list[Any]) -> None:
        self._client.put_bucket_lifecycle_configuration(
            Bucket=self.name, LifecycleConfiguration={"Rules": rules}
        )

    def rules(self) -> list[Any]:
        with contextlib.suppress(self._client.exceptions.ClientError):
            answer = self._client.get_bucket_lifecycle_configuration(
                Bucket=self.name
            )
            return list(answer["Rules"])
        return []


@pytest.fixture(params=["moto_server", "radosgw", "minio"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each server that has lifecycle rules."""
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def bucket(server: S3Server) -> Iterator[Bucket]:
    with own_bucket(server) as name:
        yield Bucket(server, name)


@pytest.fixture
def behind(
    server: S3Server, bucket: Bucket
) -> Iterator[tuple[FaultProxy, Any]]:
    with FaultProxy(server.host, server.port) as proxy:
        provider = make(server, bucket.name, endpoint=proxy.url)
        yield proxy, provider
        provider.close()


def test_case_72_a_rule_is_made_kept_and_dropped(
    behind: tuple[FaultProxy, Any], bucket: Bucket
) -> None:
    proxy, provider = behind
    assert provider.drop_age_rule(OURS.rule_id) is False
    assert provider.put_age_rule(OURS) is True
    (rule,) = bucket.rules()
    assert rule["ID"] == OURS.rule_id
    assert rule["Filter"]["Prefix"] == OURS.prefix
    assert rule["Expiration"] == {"Days": 33}
    assert rule["Status"] == "Enabled"

    proxy.reset()
    assert provider.put_age_rule(OURS) is False
    assert [request.method for request in proxy.requests] == ["GET"]

    assert provider.drop_age_rule("another") is False
    assert provider.drop_age_rule(OURS.rule_id) is True
    assert bucket.rules() == []
    assert provider.drop_age_rule(OURS.rule_id) is False


def test_case_72_only_our_rule_is_replaced(
    behind: tuple[FaultProxy, Any], bucket: Bucket
) -> None:
    _, provider = behind
    bucket.set_rules(THEIRS)
    # As the server tells them, which is not always as they were written.
    theirs = bucket.rules()
    assert provider.put_age_rule(OURS) is True
    second = AgeRule(rule_id="onespace-2", prefix="other/", delete_after=1)
    assert provider.put_age_rule(second) is True
    assert [rule for rule in bucket.rules() if rule in theirs] == theirs

    longer = AgeRule(rule_id=OURS.rule_id, prefix=OURS.prefix, delete_after=34)
    assert provider.put_age_rule(longer) is True
    rules = bucket.rules()
    assert [rule for rule in rules if rule in theirs] == theirs
    days = {rule["ID"]: rule["Expiration"]["Days"] for rule in rules}
    assert (days["onespace-1"], days["onespace-2"]) == (34, 1)
    assert len(rules) == 5

    assert provider.drop_age_rule(OURS.rule_id) is True
    assert provider.drop_age_rule("onespace-2") is True
    assert bucket.rules() == theirs


def test_rules_in_the_old_form_stay_so(
    behind: tuple[FaultProxy, Any], bucket: Bucket
) -> None:
    _, provider = behind
    old = {
        "ID": "old",
        "Prefix": "logs/",
        "Status": "Enabled",
        "Expiration": {"Days": 7},
    }
    bucket.set_rules([old])
    theirs = bucket.rules()
    assert provider.put_age_rule(OURS) is True
    assert provider.put_age_rule(OURS) is False
    rules = bucket.rules()
    assert rules[0] == theirs[0] or theirs[0] in rules
    assert provider.drop_age_rule(OURS.rule_id) is True
    assert bucket.rules() == theirs


@pytest.mark.parametrize("prefix", ["", "1ab/", "1ab/acc/con/"])
def test_case_72_a_rule_of_somebody_else_is_in_the_way(
    behind: tuple[FaultProxy, Any], bucket: Bucket, prefix: str
) -> None:
    proxy, provider = behind
    rule = {
        "ID": "everything",
        "Filter": {"Prefix": prefix},
        "Status": "Enabled",
        "Expiration": {"Days": 400},
    }
    bucket.set_rules([THEIRS[0], rule])
    theirs = bucket.rules()
    with pytest.raises(AlreadyExists, match="everything") as caught:
        provider.put_age_rule(OURS)
    assert caught.value.hint
    assert (caught.value.op, caught.value.bucket) == (
        "put_age_rule",
        bucket.name,
    )
    assert bucket.rules() == theirs
    assert proxy.count("PUT") == 0


@pytest.mark.parametrize(
    "prefix", ["", "a b/\u00fc+%41&<>'\"/", "tab\there/", "\U0001f600/"]
)
def test_prefixes_are_kept(
    behind: tuple[FaultProxy, Any], bucket: Bucket, prefix: str
) -> None:
    _, provider = behind
    rule = AgeRule(rule_id="r <&> 1", prefix=prefix, delete_after=2)
    assert provider.put_age_rule(rule) is True
    (there,) = bucket.rules()
    assert (there.get("Filter") or there)["Prefix"] == prefix
    assert provider.put_age_rule(rule) is False
    assert provider.drop_age_rule("r <&> 1") is True


def test_rules_of_several_buckets_are_apart(
    server: S3Server, bucket: Bucket
) -> None:
    with own_bucket(server) as other:
        provider = make(server, bucket.name)
        assert provider.put_age_rule(OURS, bucket=other) is True
        assert bucket.rules() == []
        assert provider.put_age_rule(OURS) is True
        assert provider.drop_age_rule(OURS.rule_id, bucket=other) is True
        assert len(bucket.rules()) == 1


def test_objects_move_by_age(radosgw: S3Server) -> None:
    with own_bucket(radosgw) as name:
        provider = make(radosgw, name)
        rule = AgeRule(
            rule_id="m",
            prefix="p/",
            delete_after=9,
            move_after=(3, "STANDARD"),
        )
        assert provider.put_age_rule(rule) is True
        assert provider.put_age_rule(rule) is False
        (there,) = Bucket(radosgw, name).rules()
        assert there["Transitions"] == [
            {"Days": 3, "StorageClass": "STANDARD"}
        ]


def test_the_store_deletes_what_is_old_enough(radosgw: S3Server) -> None:
    """A day of this server has ten seconds."""
    with own_bucket(radosgw) as name:
        provider = make(radosgw, name)
        rule = AgeRule(rule_id="r", prefix="old/", delete_after=1)
        assert provider.put_age_rule(rule) is True
        provider.put_object("old/k", BytesBody(b"1"))
        upload = provider.start_upload("old/large")
        part = provider.upload_part("old/large", upload, 1, BytesBody(b"1"))
        provider.complete_upload("old/large", upload, [part])
        provider.put_object("young", BytesBody(b"1"))
        deadline = time.monotonic() + 120
        while provider.list_objects(prefix="old/").objects:
            assert time.monotonic() < deadline, "nothing was deleted"
            time.sleep(1)
        with pytest.raises(ObjectNotFound):
            provider.head_object("old/k")
        assert provider.get_object("young").read() == b"1"


# -- stores without rules ---------------------------------------------------


@pytest.mark.parametrize("fixture", ["s3api", "versitygw"])
def test_a_store_without_rules_says_so(request: Any, fixture: str) -> None:
    server = request.getfixturevalue(fixture)
    with (
        own_bucket(server) as name,
        FaultProxy(server.host, server.port) as proxy,
    ):
        provider = make(server, name, endpoint=proxy.url)
        provider.put_object("k", BytesBody(b"1"))
        for call in (
            lambda: provider.put_age_rule(OURS),
            lambda: provider.drop_age_rule(OURS.rule_id),
        ):
            with pytest.raises(NotSupported) as caught:
                call()
            assert caught.value.hint
        # To Swift's s3api, DELETE of the rules is DELETE of the bucket.
        assert proxy.count("DELETE") == 0
        assert provider.head_bucket()


# -- what goes wrong --------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>login</html>"])
def test_an_answer_that_is_not_s3s_changes_nothing(
    behind: tuple[FaultProxy, Any], bucket: Bucket, body: bytes
) -> None:
    proxy, provider = behind
    assert provider.put_age_rule(OURS) is True
    proxy.reset()
    proxy.fail(9, 200, body=body, match="GET")
    for call in (
        lambda: provider.put_age_rule(OURS),
        lambda: provider.drop_age_rule(OURS.rule_id),
    ):
        with pytest.raises(ServiceUnavailable):
            call()
    assert proxy.count("PUT") == proxy.count("DELETE") == 0


def test_a_denied_look_is_not_taken_for_no_rules(
    behind: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    proxy.fail(1, 403, body=denied, match="GET")
    with pytest.raises(PermissionDenied):
        provider.put_age_rule(OURS)
    assert proxy.count("PUT") == 0


def test_no_bucket_no_rules(server: S3Server) -> None:
    provider = make(server, "no-bucket-of-that-name")
    with pytest.raises(BucketNotFound):
        provider.put_age_rule(OURS)
    with pytest.raises(BucketNotFound):
        provider.drop_age_rule("r")


@pytest.mark.parametrize(
    "rule",
    [
        AgeRule(rule_id="", prefix="", delete_after=1),
        AgeRule(rule_id="r" * 256, prefix="", delete_after=1),
        AgeRule(rule_id="r", prefix=""),
        AgeRule(rule_id="r", prefix="", delete_after=0),
        AgeRule(rule_id="r", prefix="\x01", delete_after=1),
        AgeRule(rule_id="r", prefix="\ud800", delete_after=1),
        AgeRule(rule_id="r", prefix="", delete_after=3, move_after=(3, "X")),
    ],
)
def test_a_rule_that_cannot_be_asks_nothing(
    behind: tuple[FaultProxy, Any], rule: AgeRule
) -> None:
    proxy, provider = behind
    with pytest.raises(InvalidRequest):
        provider.put_age_rule(rule)
    assert proxy.requests == []
