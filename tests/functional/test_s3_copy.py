# SPDX-License-Identifier: Apache-2.0
"""Copies inside of real servers, beyond the contract suite."""

from __future__ import annotations

from typing import Any

import pytest
from servers.proxy import FaultProxy
from servers.s3 import S3Server
from servers.s3_buckets import make, own_bucket

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    InvalidRequest,
    ObjectNotFound,
    PreconditionFailed,
    ServiceUnavailable,
)

WRONG = "0" * 32
MINE = {"m": "\u00fcn\u00ef"}


@pytest.fixture
def provider(s3_provider: Any) -> Any:
    return s3_provider


@pytest.fixture
def behind_proxy(s3_behind_proxy: Any) -> Any:
    return s3_behind_proxy


def put_source(provider: Any, key: str = "s") -> str:
    result = provider.put_object(
        key,
        BytesBody(b"bytes"),
        metadata=MINE,
        content_type="text/x",
        system={"cache-control": "no-store"},
    )
    return str(result.etag)


@pytest.mark.parametrize("source", ["s", "%41", "a+b", "a b/\u00fc&#", "50%"])
def test_a_copy_is_like_its_source(provider: Any, source: str) -> None:
    etag = put_source(provider, source)
    result = provider.copy_object(source, "k", if_match=etag)
    with provider.get_object("k") as reader:
        there = reader.info
        assert reader.read() == b"bytes"
    assert there.metadata == MINE
    assert there.content_type == "text/x"
    assert there.system == {"cache-control": "no-store"}
    assert there.etag == result.etag == etag


def test_a_copy_may_have_headers_of_its_own(provider: Any) -> None:
    put_source(provider)
    provider.copy_object("s", "k", metadata={"o": "1"})
    there = provider.head_object("k")
    assert there.metadata == {"o": "1"}
    assert there.content_type == "application/octet-stream"
    assert there.system == {}
    provider.copy_object(
        "s",
        "k",
        metadata={},
        content_type="a/b",
        system={"content-language": "de"},
    )
    there = provider.head_object("k")
    assert (there.metadata, there.content_type) == ({}, "a/b")
    assert there.system == {"content-language": "de"}
    assert provider.head_object("s").metadata == MINE


def test_a_copy_onto_itself(provider: Any) -> None:
    etag = put_source(provider)
    provider.copy_object("s", "s")
    there = provider.head_object("s")
    assert (there.metadata, there.content_type) == (MINE, "text/x")
    assert there.system == {"cache-control": "no-store"}
    provider.copy_object("s", "s", metadata={"n": "1"}, if_match=etag)
    assert provider.head_object("s").metadata == {"n": "1"}
    for metadata in (None, {"o": "1"}):
        with pytest.raises(PreconditionFailed):
            provider.copy_object("s", "s", metadata=metadata, if_match=WRONG)
    assert provider.head_object("s").metadata == {"n": "1"}
    assert provider.get_object("s").read() == b"bytes"


def test_another_version_is_not_copied(provider: Any) -> None:
    put_source(provider)
    provider.put_object("k", BytesBody(b"old"))
    with pytest.raises(PreconditionFailed):
        provider.copy_object("s", "k", if_match=WRONG)
    with pytest.raises(ObjectNotFound):
        provider.copy_object("missing", "k")
    with pytest.raises(ObjectNotFound):
        provider.copy_object("missing", "k", if_match=WRONG)
    assert provider.get_object("k").read() == b"old"


def test_a_copy_into_another_bucket(
    provider: Any, s3_server: S3Server, s3_bucket: str
) -> None:
    put_source(provider)
    with own_bucket(s3_server) as other:
        provider.copy_object("s", "k", bucket=other, source_bucket=s3_bucket)
        assert provider.get_object("k", bucket=other).read() == b"bytes"
        with pytest.raises(ObjectNotFound):
            provider.head_object("k")
    with pytest.raises(BucketNotFound):
        provider.copy_object("s", "k", bucket="no-bucket-of-that-name")


def test_an_object_of_parts_is_copied_whole(provider: Any) -> None:
    first = bytes(5 << 20)
    upload = provider.start_upload("s", metadata=MINE)
    parts = [
        provider.upload_part("s", upload, 1, BytesBody(first)),
        provider.upload_part("s", upload, 2, BytesBody(b"end")),
    ]
    result = provider.complete_upload("s", upload, parts)
    provider.copy_object("s", "k", if_match=result.etag)
    assert provider.get_object("k").read() == first + b"end"
    provider.post_object("s", {"o": "1"})
    provider.copy_object("s", "s")
    with provider.get_object("s") as reader:
        assert reader.info.metadata == {"o": "1"}
        assert reader.read() == first + b"end"


def test_headers_without_metadata_are_refused(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    proxy, provider = behind_proxy
    for headers in (
        {"content_type": "a/b"},
        {"system": {"cache-control": "x"}},
    ):
        with pytest.raises(InvalidRequest):
            provider.copy_object("s", "k", **headers)
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<Error><Code>InternalError</Code></Error>", ServiceUnavailable),
        (b"<Error><Code>NoSuchKey</Code></Error>", ObjectNotFound),
        (b"<CopyObjectResult><ETag>", ServiceUnavailable),
        (b"", ServiceUnavailable),
    ],
)
def test_a_success_that_holds_none_is_an_error(
    behind_proxy: tuple[FaultProxy, Any], body: bytes, kind: Any
) -> None:
    proxy, provider = behind_proxy
    put_source(provider)
    proxy.fail(3, 200, body=body, match="PUT")
    with pytest.raises(kind):
        provider.copy_object("s", "k")
    with pytest.raises(kind):
        provider.post_object("s", {}, content_type="a/b")
    with pytest.raises(kind):
        provider.post_object("s", {})


def test_what_others_say_of_a_source_they_cannot_read(
    behind_proxy: tuple[FaultProxy, Any],
) -> None:
    """Amazon's answers: no server here has archives or such large objects."""
    proxy, provider = behind_proxy
    put_source(provider)
    for status, code in ((403, "InvalidObjectState"), (400, "InvalidRequest")):
        body = f"<Error><Code>{code}</Code></Error>".encode()
        proxy.fail(2, status, body=body, match="PUT")
        with pytest.raises(InvalidRequest):
            provider.copy_object("s", "k")


def test_a_source_replaced_while_it_is_copied(radosgw: S3Server) -> None:
    """A server that ignores the condition: seen afterwards."""
    with own_bucket(radosgw) as bucket:
        writer = make(radosgw, bucket)
        with FaultProxy(radosgw.host, radosgw.port) as proxy:
            provider = make(radosgw, bucket, endpoint=proxy.url)
            etag = put_source(provider)
            client = provider._client
            client.meta.events.register(
                "before-call.s3.CopyObject",
                lambda **_: (
                    writer.put_object("s", BytesBody(b"newer")) and None
                ),
            )
            with pytest.raises(PreconditionFailed):
                provider.copy_object("s", "k", if_match=etag)
