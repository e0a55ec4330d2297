# SPDX-License-Identifier: Apache-2.0
"""Presets fill in what nobody wrote; Google is asked as Google wants it."""

import configparser
import io
import logging
import pathlib
import re
import urllib.parse

import pytest
from botocore.awsrequest import AWSResponse
from onespace_s3 import (
    GoogleInteropProvider,
    S3CompatibleProvider,
    S3Provider,
)
from onespace_s3.presets import PRESETS

from onespace_core.provider import (
    BytesBody,
    Conditions,
    NotSupported,
    ProviderSettings,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
LISTING = b"""<?xml version="1.0"?><ListBucketResult>
<IsTruncated>false</IsTruncated><Contents><Key>a%41+b&amp;c</Key>
<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag>
<Size>1</Size></Contents></ListBucketResult>"""


def build(kind=S3CompatibleProvider, **values):
    if kind is not GoogleInteropProvider:
        values.setdefault("endpoint", "https://store.example")
    return kind.from_settings(
        ProviderSettings.from_options(
            (*kind.OPTS, *kind.TARGET_OPTS),
            {"access_key": "k", "secret_key": "s", **values},
            bucket="b",
        ),
        logger=logging.getLogger("test"),
    )


def region(provider):
    return provider._client.meta.region_name


def writes(provider):
    claims = provider.capabilities
    return claims.conditional_put, claims.conditional_replace


CLAIMS = {
    "radosgw": (True, True),
    "minio": (True, True),
    "swift-s3api": (True, False),
    "wasabi": (False, False),
    "b2": (False, False),
    "r2": (True, True),
    "ovh": (True, True),
}


def test_every_preset_is_looked_at():
    assert CLAIMS.keys() == PRESETS.keys()
    (option,) = (o for o in S3CompatibleProvider.OPTS if o.dest == "preset")
    assert [value for value, _ in option.type.choices.items()] == list(PRESETS)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_preset_claims_what_is_known(name):
    assert writes(build(preset=name)) == CLAIMS[name]


def test_without_a_preset_no_condition_is_claimed():
    assert writes(build()) == (False, False)


@pytest.mark.parametrize(
    ("written", "claims"),
    [("no", (False, False)), ("create", (True, False))],
)
def test_what_is_written_wins(written, claims):
    provider = build(
        preset="radosgw", conditional_writes=written, region="here"
    )
    assert writes(provider) == claims
    assert region(provider) == "here"


def test_a_region_that_is_written_wins():
    assert region(build(preset="r2", region="us-east-1")) == "us-east-1"


@pytest.mark.parametrize(
    ("preset", "endpoint", "expected"),
    [
        ("r2", "https://x.r2.cloudflarestorage.com", "auto"),
        ("wasabi", "https://s3.eu-central-1.wasabisys.com", "eu-central-1"),
        ("wasabi", "https://s3.wasabisys.com", "us-east-1"),
        ("b2", "https://s3.us-west-004.backblazeb2.com", "us-west-004"),
        ("b2", "https://s3.us.evil.example", "us-east-1"),
        ("ovh", "https://s3.gra.io.cloud.ovh.net", "gra"),
        ("minio", "http://127.0.0.1:9000", "us-east-1"),
    ],
)
def test_the_region_is_that_of_the_address(
    preset, endpoint, expected, monkeypatch, tmp_path
):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert region(build(preset=preset, endpoint=endpoint)) == expected


def test_limits_are_the_presets():
    assert build(preset="r2").capabilities.max_metadata_bytes == 8192
    assert build(preset="b2").capabilities.max_metadata_bytes is None


def test_amazon_is_as_it_was():
    provider = build(S3Provider, endpoint=None)
    assert writes(provider) == (True, True)
    assert provider.capabilities.max_metadata_bytes == 2048


def test_google_has_an_entry_point():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    points = parser["options.entry_points"]["onespace.providers"]
    assert "gcs-interop = onespace_s3:GoogleInteropProvider" in points


def test_google_needs_no_address_and_claims_no_condition():
    provider = build(GoogleInteropProvider)
    assert provider.location == "s3://storage.googleapis.com"
    assert writes(provider) == (False, False)
    assert provider.capabilities.max_metadata_bytes == 8192


def test_google_has_no_option_for_what_it_cannot_do():
    kind = GoogleInteropProvider
    names = {opt.dest for opt in (*kind.OPTS, *kind.TARGET_OPTS)}
    assert not names & {"conditional_writes", "encryption", "kms_key_id"}


class Raw(io.BytesIO):
    """An answer's body as the SDK reads it."""

    def stream(self, **_):
        return [self.getvalue()]


@pytest.fixture
def captured():
    """A function that builds a provider, and the requests it makes."""
    requests = []

    def answer(request, **_):
        body = request.body
        while hasattr(body, "read") and body.read(1 << 20):
            pass
        requests.append(request)
        content = LISTING if request.method == "GET" else b""
        headers = {"ETag": '"c4ca4238a0b923820dcc509a6f75849b"'}
        headers["Content-Length"] = str(len(content))
        return AWSResponse(request.url, 200, headers, Raw(content))

    def make(kind=S3CompatibleProvider):
        provider = build(kind)
        provider._client.meta.events.register("before-send.s3", answer)
        return provider

    return make, requests


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


def query(path):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)


def test_google_is_not_asked_to_encode_listings(captured):
    make, requests = captured
    page = make(GoogleInteropProvider).list_objects(marker="a")
    (request,) = requests
    assert query(request.url)["start-after"] == ["a"]
    assert "encoding-type" not in query(request.url)
    assert [info.key for info in page.objects] == ["a%41+b&c"]


def test_other_stores_are_asked_to_encode_listings(captured):
    make, requests = captured
    make().list_objects()
    (request,) = requests
    assert query(request.url)["encoding-type"] == ["url"]


def test_google_is_sent_no_encryption_and_signed_with_hmac_keys(captured):
    make, requests = captured
    make(GoogleInteropProvider).put_object("k", BytesBody("1"))
    (request,) = requests
    assert request.method == "PUT"
    assert request.url == "https://storage.googleapis.com/b/k"
    names = {name.lower() for name in request.headers}
    assert not [name for name in names if "encryption" in name]
    assert "content-md5" in names
    assert re.match(
        r"AWS4-HMAC-SHA256 Credential=k/\d{8}/auto/s3/",
        as_text(request.headers["Authorization"]),
    )


@pytest.mark.parametrize(
    "conditions", [Conditions(if_none_match="*"), Conditions(if_match="e")]
)
def test_google_is_never_asked_to_keep_a_condition(captured, conditions):
    make, requests = captured
    provider = make(GoogleInteropProvider)
    with pytest.raises(NotSupported):
        provider.put_object("k", BytesBody("1"), conditions=conditions)
    assert requests == []
