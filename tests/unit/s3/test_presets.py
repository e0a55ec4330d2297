# SPDX-License-Identifier: Apache-2.0
"""Presets fill in what nobody wrote; Google is asked as Google wants it."""

import configparser
import http.server
import logging
import pathlib
import re
import threading
import urllib.parse

import pytest
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


@pytest.fixture
def captured():
    """An address, and the requests that came to it."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append((self.command, self.path, dict(self.headers)))
            body = LISTING if self.command == "GET" else b""
            self.send_response(200)
            self.send_header("ETag", '"c4ca4238a0b923820dcc509a6f75849b"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = answer  # noqa: N815

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()
    thread.join()


def query(path):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)


def test_google_is_not_asked_to_encode_listings(captured):
    url, requests = captured
    page = build(GoogleInteropProvider, endpoint=url).list_objects(marker="a")
    ((_command, path, _headers),) = requests
    assert query(path)["start-after"] == ["a"]
    assert "encoding-type" not in query(path)
    assert [info.key for info in page.objects] == ["a%41+b&c"]


def test_other_stores_are_asked_to_encode_listings(captured):
    url, requests = captured
    build(endpoint=url).list_objects()
    ((_command, path, _headers),) = requests
    assert query(path)["encoding-type"] == ["url"]


def test_google_is_sent_no_encryption_and_signed_with_hmac_keys(captured):
    url, requests = captured
    build(GoogleInteropProvider, endpoint=url).put_object("k", BytesBody("1"))
    ((command, path, headers),) = requests
    assert (command, path) == ("PUT", "/b/k")
    names = {name.lower() for name in headers}
    assert not [name for name in names if "encryption" in name]
    assert "content-md5" in names
    assert re.match(
        r"AWS4-HMAC-SHA256 Credential=k/\d{8}/auto/s3/",
        headers["Authorization"],
    )


@pytest.mark.parametrize(
    "conditions", [Conditions(if_none_match="*"), Conditions(if_match="e")]
)
def test_google_is_never_asked_to_keep_a_condition(captured, conditions):
    url, requests = captured
    provider = build(GoogleInteropProvider, endpoint=url)
    with pytest.raises(NotSupported):
        provider.put_object("k", BytesBody("1"), conditions=conditions)
    assert requests == []
