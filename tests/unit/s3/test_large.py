# SPDX-License-Identifier: Apache-2.0
"""Requests of the optional protocols, where they would be sent.

Answers are written here: those of stores that cannot be reached.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from onespace_s3 import (
    GoogleInteropProvider,
    S3CompatibleProvider,
    S3Provider,
)

from onespace_core.provider import (
    AgeRule,
    AgeRules,
    BytesBody,
    CallbackBody,
    Conditions,
    IntegrityError,
    InvalidRequest,
    MultipartUpload,
    NotSupported,
    ObjectCopy,
    Part,
    ProviderSettings,
    ServiceUnavailable,
)

GIB = 1 << 30
OURS = AgeRule(rule_id="ours", prefix="a/", delete_after=3)
THEIRS = (
    b"<Rule><ID>theirs</ID><Filter><Prefix>x/</Prefix></Filter>"
    b"<Status>Enabled</Status><Novelty>1</Novelty></Rule>"
)
PARTS = [Part(number=1, etag="0" * 32)]
#: What the S3 API reference gives as answers.
STARTED = (
    b"<InitiateMultipartUploadResult><UploadId>u</UploadId>"
    b"</InitiateMultipartUploadResult>"
)
COMPLETED = (
    b"<CompleteMultipartUploadResult><Key>k</Key><ETag>%s</ETag>"
    b"</CompleteMultipartUploadResult>"
)


class Script:
    """Gives one answer after another, and keeps the requests."""

    def __init__(self, provider: Any, *answers: tuple[int, bytes]) -> None:
        self.requests: list[Any] = []
        self.headers: dict[str, str] = {}
        self._answers = list(answers)
        provider._client.meta.events.register("before-send.s3", self._take)

    def then(self, *answers: tuple[int, bytes]) -> None:
        """Begin anew with other answers."""
        self.requests.clear()
        self._answers = list(answers)

    def _take(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        while hasattr(request.body, "read") and request.body.read(1 << 20):
            pass
        status, body = self._answers.pop(0)
        raw = io.BytesIO(body)
        raw.stream = lambda **_: iter([body])  # type: ignore[attr-defined]
        return AWSResponse(request.url, status, self.headers, raw)


def build(kind: Any = S3Provider, **values: Any) -> Any:
    if kind is S3CompatibleProvider:
        values.setdefault("endpoint", "https://store.example")
    return kind.from_settings(
        ProviderSettings.from_options(
            (*kind.OPTS, *kind.TARGET_OPTS),
            {"access_key": "k", "secret_key": "s", **values},
            bucket="b",
        ),
        logger=logging.getLogger("test"),
    )


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# -- claims -----------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [S3Provider, S3CompatibleProvider, GoogleInteropProvider]
)
def test_what_each_provider_offers(kind: Any) -> None:
    provider = build(kind)
    google = kind is GoogleInteropProvider
    assert isinstance(provider, MultipartUpload)
    assert isinstance(provider, ObjectCopy)
    assert isinstance(provider, AgeRules) is not google
    claims = provider.capabilities
    assert claims.part_copy is not google
    assert claims.min_part_size == 5 << 20
    assert claims.max_part_size == claims.max_object_size == 5 * GIB
    assert claims.max_parts == 10_000


def test_google_makes_no_parts_of_objects() -> None:
    provider = build(GoogleInteropProvider)
    script = Script(provider)
    with pytest.raises(NotSupported):
        provider.copy_part("k", "u", 1, "s")
    with pytest.raises(NotSupported):
        provider.complete_upload(
            "k", "u", PARTS, conditions=Conditions(if_none_match="*")
        )
    assert script.requests == []


@pytest.mark.parametrize(
    ("kind", "values", "creates", "replaces"),
    [
        (S3Provider, {}, True, True),
        (S3Provider, {"endpoint": "https://store.example"}, False, False),
        (S3CompatibleProvider, {}, False, False),
        (S3CompatibleProvider, {"preset": "radosgw"}, False, False),
        (S3CompatibleProvider, {"preset": "minio"}, True, True),
        (S3CompatibleProvider, {"preset": "swift-s3api"}, True, False),
        (S3CompatibleProvider, {"preset": "r2"}, True, True),
        (S3CompatibleProvider, {"conditional_complete": "yes"}, True, True),
        (
            S3CompatibleProvider,
            {"preset": "minio", "conditional_complete": "no"},
            False,
            False,
        ),
    ],
)
def test_conditions_on_completions(
    kind: Any, values: dict[str, Any], creates: bool, replaces: bool
) -> None:
    provider = build(kind, **values)
    answer = (200, COMPLETED % b'"e-1"')
    script = Script(provider)
    for conditions, claimed, header, value in (
        (Conditions(if_none_match="*"), creates, "If-None-Match", "*"),
        (Conditions(if_match="old"), replaces, "If-Match", "old"),
    ):
        script.then(answer)
        if claimed:
            provider.complete_upload("k", "u", PARTS, conditions=conditions)
            assert text(script.requests[0].headers[header]) == value
        else:
            with pytest.raises(NotSupported) as caught:
                provider.complete_upload(
                    "k", "u", PARTS, conditions=conditions
                )
            assert "conditional_complete" in str(caught.value.hint)
            assert script.requests == []


# -- parts ------------------------------------------------------------------


def test_an_upload_has_the_settings_of_an_object() -> None:
    provider = build(storage_class="STANDARD_IA")
    script = Script(provider, (200, STARTED))
    provider.start_upload("k", metadata={"m": "\u00fc"}, content_type="a/b")
    headers = script.requests[0].headers
    assert text(headers["x-amz-server-side-encryption"]) == "AES256"
    assert text(headers["x-amz-storage-class"]) == "STANDARD_IA"
    assert text(headers["x-amz-meta-m"]) == "=?UTF-8?B?w7w=?="
    assert "x-amz-checksum-algorithm" not in headers


def test_a_part_that_is_too_large_is_not_sent() -> None:
    provider = build()
    script = Script(provider)
    body = CallbackBody(io.BytesIO, size=5 * GIB + 1)
    with pytest.raises(InvalidRequest):
        provider.upload_part("k", "u", 1, body)
    assert script.requests == []


def test_the_bytes_of_a_part_are_compared() -> None:
    provider = build()
    script = Script(provider, (200, b""), (200, b""))
    script.headers["ETag"] = '"%s"' % ("0" * 32)
    with pytest.raises(IntegrityError):
        provider.upload_part("k", "u", 1, BytesBody(b"1"))
    digest = base64.b64encode(hashlib.md5(b"1").digest()).decode()
    assert text(script.requests[0].headers["Content-MD5"]) == digest
    encrypted = build(encryption="aws:kms")
    script = Script(encrypted, (200, b""))
    script.headers["ETag"] = '"other"'
    part = encrypted.upload_part("k", "u", 1, BytesBody(b"1"))
    assert part.etag == "other"


def test_a_store_that_says_no_etag() -> None:
    """As radosgw 16: it is known what the ETag will be."""
    provider = build()
    parts = [
        Part(number=2, etag=hashlib.md5(b"2").hexdigest()),
        Part(number=1, etag=hashlib.md5(b"1").hexdigest()),
    ]
    script = Script(provider, (200, COMPLETED % b""))
    both = hashlib.md5(b"1").digest() + hashlib.md5(b"2").digest()
    result = provider.complete_upload("k", "u", parts)
    assert result.etag == f"{hashlib.md5(both).hexdigest()}-2"
    script.then((200, COMPLETED % b""))
    unknown = [Part(number=1, etag="not an MD5")]
    assert provider.complete_upload("k", "u", unknown).etag is None


def test_a_store_that_ignores_the_source_made_no_part() -> None:
    provider = build()
    Script(provider, (200, b""))
    with pytest.raises(ServiceUnavailable):
        provider.copy_part("k", "u", 1, "s")


@pytest.mark.parametrize("answers", [1, 2])
def test_a_listing_without_end_ends(answers: int) -> None:
    provider = build()
    same = (
        b"<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
        b"<IsTruncated>true</IsTruncated><Upload><Key>k</Key><UploadId>u"
        b"</UploadId></Upload></ListMultipartUploadsResult>"
    )
    parts = (
        b"<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>1"
        b"</PartNumber><ETag>e</ETag></Part></ListPartsResult>"
    )
    nothing = (
        b"<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"
    )
    script = Script(provider, (200, same), (200, same))
    with pytest.raises(ServiceUnavailable):
        list(provider.list_uploads())
    page = parts if answers == 2 else nothing
    script.then(*[(200, page)] * answers)
    with pytest.raises(ServiceUnavailable):
        provider.list_parts("k", "u")


# -- rules ------------------------------------------------------------------


def configuration(*rules: bytes) -> bytes:
    inside = b"".join(rules)
    return b"<LifecycleConfiguration>%s</LifecycleConfiguration>" % inside


def test_a_rule_goes_out_with_what_was_there() -> None:
    provider = build()
    script = Script(provider, (200, configuration(THEIRS)), (200, b""))
    size = "x-amz-transition-default-minimum-object-size"
    script.headers[size] = "varies_by_storage_class"
    assert provider.put_age_rule(OURS) is True
    sent = script.requests[1]
    assert THEIRS in sent.body
    assert text(sent.headers[size]) == "varies_by_storage_class"
    digest = base64.b64encode(hashlib.md5(sent.body).digest()).decode()
    assert text(sent.headers["Content-MD5"]) == digest
    assert not [name for name in sent.headers if "crc" in name.lower()]


def test_the_last_rule_goes_with_the_configuration() -> None:
    provider = build()
    ours = b"<Rule><ID>ours</ID><Status>Enabled</Status></Rule>"
    script = Script(provider, (200, configuration(ours)), (204, b""))
    assert provider.drop_age_rule("ours") is True
    assert script.requests[1].method == "DELETE"
    assert script.requests[1].url.endswith("?lifecycle")
    script.then((200, configuration(THEIRS, ours)), (200, b""))
    assert provider.drop_age_rule("ours") is True
    assert script.requests[1].body == configuration(THEIRS)


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed")]
)
def test_a_store_without_rules(status: int, code: str) -> None:
    provider = build()
    body = f"<Error><Code>{code}</Code></Error>".encode()
    Script(provider, (status, body), (status, body))
    for call in (provider.put_age_rule, provider.drop_age_rule):
        with pytest.raises(NotSupported) as caught:
            call(OURS if call == provider.put_age_rule else "ours")
        assert caught.value.hint
