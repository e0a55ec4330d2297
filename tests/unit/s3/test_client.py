# SPDX-License-Identifier: Apache-2.0
"""Settings, and the requests that are made of them.

Amazon's own endpoint cannot be asked here: the requests for it are looked
at where the SDK would send them. What a server can prove is in
``tests/functional/test_s3_provider.py``.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from onespace_s3 import S3CompatibleProvider, S3Provider

from onespace_core.provider import (
    BytesBody,
    CallbackBody,
    Conditions,
    ConfigError,
    InvalidRequest,
    NotSupported,
    ProviderSettings,
)

KEYS = {"access_key": "AKIATEST", "secret_key": "wJalrSecret"}


def settings(kind: Any = S3Provider, **values: Any) -> ProviderSettings:
    return ProviderSettings.from_options(
        (*kind.OPTS, *kind.TARGET_OPTS), values, bucket="bucket"
    )


def make(kind: Any = S3Provider, **values: Any) -> Any:
    return kind.from_settings(
        settings(kind, **{**KEYS, **values}), logger=logging.getLogger("test")
    )


_COPIED = b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"


class _Raw(io.BytesIO):
    """An answer's body as the SDK reads it."""

    def stream(self, **_: Any) -> list[bytes]:
        return [_COPIED]


class Wire:
    """Takes the requests of a provider where they would be sent."""

    def __init__(self, provider: Any) -> None:
        self.requests: list[Any] = []
        provider._client.meta.events.register("before-send.s3", self._take)

    def _take(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        body = request.body
        size = 0
        while body is not None and hasattr(body, "read") and body.read(1):
            size += 1
            body.read(1 << 20)
        headers = {"ETag": '"e"', "Content-Length": str(len(_COPIED))}
        return AWSResponse(request.url, 200, headers, _Raw())

    def header(self, name: str) -> str | None:
        value = self.requests[-1].headers.get(name)
        return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "https://s3.amazonaws.com",
        "https://s3.eu-central-1.amazonaws.com/",
        "https://S3.EU-WEST-1.amazonaws.com:443/",
        "https://s3.cn-north-1.amazonaws.com.cn",
    ],
)
def test_case_14_amazon_encrypts_by_default(endpoint: str | None) -> None:
    provider = make(endpoint=endpoint, etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"1"))
    assert wire.header("x-amz-server-side-encryption") == "AES256"
    provider.post_object("k", {}, content_type="a/b")
    assert wire.header("x-amz-server-side-encryption") == "AES256"
    assert wire.header("x-amz-metadata-directive") == "REPLACE"


@pytest.mark.parametrize(
    "values",
    [
        {"encryption": "none"},
        {"endpoint": "https://notamazonaws.com"},
        {"endpoint": "https://amazonaws.com.example.org"},
        {"endpoint": "https://storage.googleapis.com"},
        {"endpoint": "http://127.0.0.1:1/amazonaws.com"},
    ],
)
def test_case_14_others_and_who_says_none_do_not_encrypt(
    values: dict[str, Any],
) -> None:
    provider = make(**values, etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"1"))
    assert wire.header("x-amz-server-side-encryption") is None


def test_kms_is_asked_for_and_its_etag_is_no_md5() -> None:
    provider = make(encryption="aws:kms", kms_key_id="key-1")
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"1"))
    assert wire.header("x-amz-server-side-encryption") == "aws:kms"
    assert wire.header("x-amz-server-side-encryption-aws-kms-key-id") == (
        "key-1"
    )
    assert provider.capabilities.etag_is_md5 is False


def test_the_storage_class_is_sent_with_put_and_post() -> None:
    provider = make(storage_class="STANDARD_IA", etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"1"))
    assert wire.header("x-amz-storage-class") == "STANDARD_IA"
    provider.post_object("k", {}, content_type="a/b")
    assert wire.header("x-amz-storage-class") == "STANDARD_IA"


def test_a_put_is_lean() -> None:
    """No checksum beside the MD5, no second hash, no wait for a word."""
    provider = make(etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"x" * 100_000))
    assert wire.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD"
    assert wire.header("content-length") == "100000"
    assert wire.header("content-md5") is not None
    names = {name.lower() for name in wire.requests[-1].headers}
    assert not {name for name in names if "checksum" in name}
    assert not names & {"expect", "transfer-encoding", "content-encoding"}
    assert str(wire.header("user-agent")).startswith("onespace/")


@pytest.mark.parametrize(
    ("size", "expect"), [((1 << 20) - 1, None), (1 << 20, "100-continue")]
)
def test_only_large_bodies_wait_for_a_word(
    size: int, expect: str | None
) -> None:
    provider = make(etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"x" * size))
    assert wire.header("expect") == expect


def test_the_payload_is_signed_if_asked() -> None:
    provider = make(payload_signing=True, etag_is_md5=False)
    wire = Wire(provider)
    provider.put_object("k", BytesBody(b"x" * 200_000))
    assert len(str(wire.header("x-amz-content-sha256"))) == 64


def test_a_session_token_is_sent() -> None:
    provider = make(session_token="token")
    wire = Wire(provider)
    provider.head_object("k")
    assert wire.header("x-amz-security-token") == "token"


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "https://bucket.s3.amazonaws.com/k"),
        ({"region": "eu-west-1"}, "https://bucket.s3.eu-west-1."),
        ({"addressing_style": "path"}, "https://s3.amazonaws.com/bucket/k"),
        ({"endpoint": "http://h:1"}, "http://h:1/bucket/k"),
        (
            {"endpoint": "http://h:1", "addressing_style": "virtual"},
            "http://bucket.h:1/k",
        ),
    ],
)
def test_addresses(
    values: dict[str, Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere:9")
    provider = make(**values)
    wire = Wire(provider)
    provider.head_object("k")
    assert wire.requests[-1].url.startswith(url)


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"endpoint": "ftp://host"}, "endpoint"),
        ({"endpoint": "host:80"}, "endpoint"),
        ({"endpoint": "http://host:no"}, "endpoint"),
        ({"endpoint": "http://"}, "endpoint"),
        ({"endpoint": "http://user:wJalrSecret@host"}, "endpoint"),
        ({"endpoint": "http://host/?a=b"}, "endpoint"),
        ({"access_key": None}, "access_key"),
        ({"secret_key": None}, "secret_key"),
        ({"profile": "p"}, "profile"),
        (
            {"access_key": None, "secret_key": None, "session_token": "t"},
            "session_token",
        ),
        (
            {"access_key": None, "secret_key": None, "profile": "nobody"},
            "profile",
        ),
        ({"kms_key_id": "k"}, "kms_key_id"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    values: dict[str, Any], option: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**values)
    assert caught.value.option == option
    assert "wJalrSecret" not in str(caught.value)


def test_a_compatible_store_needs_an_endpoint() -> None:
    with pytest.raises(ConfigError):
        make(S3CompatibleProvider)


def test_a_compatible_store_claims_no_conditional_writes() -> None:
    provider = make(S3CompatibleProvider, endpoint="http://h")
    assert not provider.capabilities.conditional_put
    assert not provider.capabilities.conditional_replace
    assert make().capabilities.conditional_replace


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(if_none_match="*"),
        Conditions(if_match="e"),
    ],
)
def test_a_condition_that_is_not_claimed_is_refused_before_any_request(
    conditions: Conditions,
) -> None:
    provider = make(conditional_writes="no")
    wire = Wire(provider)
    with pytest.raises(NotSupported):
        provider.put_object("k", BytesBody(b""), conditions=conditions)
    assert wire.requests == []


@pytest.mark.parametrize("key", ["", "k" * 1025, "é" * 513, "\ud800"])
def test_a_key_that_cannot_be_is_refused_before_any_request(key: str) -> None:
    """An empty one would make a deletion that of the bucket."""
    provider = make()
    wire = Wire(provider)
    for call in (
        lambda: provider.delete_object(key),
        lambda: provider.head_object(key),
        lambda: provider.get_object(key),
        lambda: provider.put_object(key, BytesBody(b"")),
        lambda: provider.post_object(key, {}),
    ):
        with pytest.raises(InvalidRequest):
            call()
    assert wire.requests == []


@pytest.mark.parametrize("bucket", ["a/b", "a?b", "a b", "ünï"])
def test_a_bucket_that_cannot_be_is_refused_before_any_request(
    bucket: str,
) -> None:
    provider = make()
    wire = Wire(provider)
    with pytest.raises(InvalidRequest):
        provider.delete_object("k", bucket=bucket)
    assert wire.requests == []


def test_metadata_beyond_amazons_limit_is_refused_before_any_request() -> None:
    provider = make()
    wire = Wire(provider)
    with pytest.raises(InvalidRequest):
        provider.put_object(
            "k", BytesBody(b""), metadata={"a": "x" * 1000, "b": "é" * 600}
        )
    assert wire.requests == []


def test_more_than_one_put_can_hold_is_refused_before_any_request() -> None:
    provider = make()
    wire = Wire(provider)
    body = CallbackBody(io.BytesIO, size=(5 << 30) + 1)
    with pytest.raises(InvalidRequest):
        provider.put_object("k", body)
    assert wire.requests == []


def test_no_secret_is_shown() -> None:
    provider = make(proxy="http://user:wJalrSecret@proxy:3128")
    shown = f"{provider!r} {provider.location} {provider._setup!r}"
    assert "wJalrSecret" not in shown
    secret = {opt.name for opt in S3Provider.OPTS if opt.secret}
    assert secret == {"secret_key", "session_token", "proxy"}


def test_every_option_has_help() -> None:
    for kind in (S3Provider, S3CompatibleProvider):
        for option in (*kind.OPTS, *kind.TARGET_OPTS):
            assert option.help


def test_a_closed_provider_fails() -> None:
    provider = make()
    provider.close()
    with pytest.raises(InvalidRequest):
        provider.head_object("k")


def test_importing_the_package_imports_no_sdk() -> None:
    code = (
        "import sys, onespace_s3;"
        " sys.exit('botocore' in sys.modules or 'urllib3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, check=False
    )
    assert done.returncode == 0
