# SPDX-License-Identifier: Apache-2.0
"""Two mappings that would overwrite each other's remote objects."""

import time

import pytest

from onespace_core.config import remote
from onespace_core.namespace import keys
from onespace_core.provider import KeyScheme

CEPH = {"endpoint": "http://ceph:8000"}
FAR = {"auth_url": "http://far/auth/v1.0", "user": "team:anna"}


def plain(**values):
    values.setdefault("settings", FAR)
    return {"key_scheme": KeyScheme.PLAIN, "provider": "swift", **values}


HASH = keys.hash_prefix("AUTH_a", "photos")

MEET = [
    # the same container twice, and as part of its account
    ({}, {}),
    ({}, {"container": "*"}),
    ({"container": "*"}, {"container": "*"}),
    # prefixes, within each other
    ({"custom_prefix": "p"}, {"custom_prefix": "/p/", "account": "AUTH_b"}),
    ({"custom_prefix": "p"}, {"custom_prefix": "p/q", "account": "AUTH_b"}),
    ({"custom_prefix": ""}, {"custom_prefix": "p"}),
    ({"custom_prefix": "p/.manifests"}, {"custom_prefix": "p"}),
    # a prefix and hashed keys
    ({"custom_prefix": ""}, {}),
    ({"custom_prefix": HASH}, {}),
    ({"custom_prefix": f"{HASH}/AUTH_a/photos"}, {"container": "photos"}),
    ({"custom_prefix": f"{HASH}/.manifests"}, {"container": "photos"}),
    # a prefix and a whole account
    ({"custom_prefix": ""}, {"container": "*"}),
    ({"custom_prefix": "4dbbd"}, {"container": "*"}),
    ({"custom_prefix": "4dbbd/AUTH_a"}, {"container": "*"}),
    ({"custom_prefix": "4dbbd/.manifests/AUTH_a"}, {"container": "*"}),
    # one store by several names
    (
        {"settings": {"endpoint": "https://s3.amazonaws.com"}},
        {"settings": {"endpoint": "https://s3.eu-west-1.amazonaws.com/"}},
    ),
    ({"settings": {"endpoint": "https://s3.amazonaws.com"}}, {}),
    (
        {"settings": CEPH, "provider": "s3-compatible"},
        {"settings": {"endpoint": "HTTP://Ceph.:8000/"}},
    ),
    (
        {"settings": {"endpoint": "http://h:80"}},
        {"settings": {"endpoint": "http://h"}},
    ),
    # plain names
    (plain(), plain(account="AUTH_b")),
    (plain(container="*"), plain(bucket="b-photos", account="AUTH_b")),
    (plain(container="*"), plain(container="*", bucket="bb")),
    (
        plain(settings={**FAR, "user": "team:anna"}),
        plain(settings={**FAR, "user": "team:bert"}),
    ),
    (
        plain(settings={**FAR, "remote_account": "AUTH_x"}),
        plain(settings={**FAR, "user": "z:z", "remote_account": "AUTH_x"}),
    ),
]

PART = [
    ({}, {"bucket": "c"}),
    ({}, {"container": "docs"}),
    ({}, {"account": "AUTH_b"}),
    ({"container": "*"}, {"container": "*", "account": "AUTH_b"}),
    ({"custom_prefix": "p"}, {"custom_prefix": "pp"}),
    ({"custom_prefix": "p"}, {}),
    ({"custom_prefix": "photos"}, {"container": "*"}),
    ({"custom_prefix": "4dbbd/AUTH_b"}, {"container": "*"}),
    ({"custom_prefix": "4dbbd12"}, {"container": "*"}),
    ({"settings": CEPH}, {}),
    ({"settings": CEPH}, {"settings": {"endpoint": "http://ceph:8001"}}),
    (plain(), plain(bucket="bb")),
    (plain(container="*", bucket="a-"), plain(bucket="b-photos")),
    (plain(container="*", bucket="a-"), plain(container="*", bucket="b-")),
    (
        plain(settings={**FAR, "user": "team:anna"}),
        plain(settings={**FAR, "user": "other:anna"}),
    ),
    (
        plain(settings={**FAR, "project_name": "x"}),
        plain(settings={**FAR, "project_name": "y"}),
    ),
    (
        plain(settings={**FAR, "project_name": "x"}),
        plain(
            settings={
                **FAR,
                "project_name": "x",
                "project_domain_name": "other",
            }
        ),
    ),
    (plain(settings=CEPH), {"settings": CEPH}),
]


def _pairs(make, one, other):
    mappings = [make(name="one", **one), make(name="other", **other)]
    return {frozenset((a.name, b.name)) for a, b in remote.pairs(mappings)}


@pytest.mark.parametrize(("one", "other"), MEET)
def test_mappings_that_meet_are_found_in_both_orders(make, one, other):
    expected = {frozenset(("one", "other"))}
    assert _pairs(make, one, other) == expected
    assert _pairs(make, other, one) == expected


@pytest.mark.parametrize(("one", "other"), PART)
def test_mappings_that_do_not_meet_are_left_alone(make, one, other):
    assert _pairs(make, one, other) == set()
    assert _pairs(make, other, one) == set()


def test_a_mapping_does_not_meet_itself(make):
    assert list(remote.pairs([make(custom_prefix="p")])) == []


def test_thousands_of_mappings_are_compared_in_no_time(make):
    many = [make(name=str(n), container=f"c{n}") for n in range(3000)]
    start = time.monotonic()
    assert list(remote.pairs(many)) == []
    assert time.monotonic() - start < 5


def test_both_mappings_are_refused_and_name_each_other(load, good):
    config = load(
        good,
        """
        [mapping:again]
        profile = archive
        container = photos
        [mapping:docs]
        profile = archive
        container = docs
        """,
    )
    assert [each.name for each in config.mappings] == ["docs"]
    texts = {each.section: str(each) for each in config.problems}
    assert set(texts) == {"mapping:photos", "mapping:again"}
    assert "again" in texts["mapping:photos"]
    assert "photos" in texts["mapping:again"]


def test_a_mapping_that_will_not_run_stops_no_other(load, good):
    config = load(
        good,
        """
        [mapping:again]
        profile = archive
        container = photos
        mode = migration
        """,
    )
    assert [each.name for each in config.mappings] == ["photos"]
    assert {(e.section, e.option) for e in config.problems} == {
        ("mapping:again", "mode"),
        ("mapping:again", "bucket"),
    }


@pytest.mark.parametrize(
    "address",
    [
        "https://s3.amazonaws.com",
        "https://S3.AmazonAWS.COM.",
        "https://s3.amazonaws.com:443/",
        "https://s3.cn-north-1.amazonaws.com.cn/x",
        "http://amazonaws.com",
    ],
)
def test_amazon_is_known_by_its_host(address):
    """T-52: port, slash and China's domain were not recognised."""
    assert remote.is_amazon(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://amazonaws.com.example.org",
        "https://myamazonaws.com",
        "https://example.org/amazonaws.com",
        "https://[",
        "",
    ],
)
def test_others_are_not_amazon(address):
    assert not remote.is_amazon(address)
