# SPDX-License-Identifier: Apache-2.0
"""Manifests on their way, and answers that no Swift gives on order."""

from __future__ import annotations

import hashlib
import json

import pytest
from onespace_swift import SwiftProvider, manifest
from onespace_swift.errors import BadAnswer
from unit.swift_provider.scripted import Script, make

from onespace_core.provider import (
    BucketNotFound,
    IntegrityError,
    InvalidRequest,
    Manifest,
    NotSupported,
    ObjectNotFound,
    OperationTimeout,
    ProviderError,
    QuotaExceeded,
    Segment,
    UnknownProviderError,
)

STATIC = "X-Static-Large-Object: True"


def segment(key: str = "s", **changes: object) -> Segment:
    return Segment(bucket="c", key=key, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (
            {"name": "/c/s", "hash": "e", "bytes": 9},
            segment(etag="e", size=9),
        ),
        (
            {"path": "/c/s", "etag": "e", "size_bytes": 9},
            segment(etag="e", size=9),
        ),
        ({"path": "c/a//b/"}, segment("a//b/")),
        ({"name": "/c/s", "bytes": 9, "sub_slo": True}, segment(size=9)),
        (
            {"name": "/c/s", "bytes": 9, "range": "2-4"},
            segment(size=9, first=2, last=4),
        ),
        (
            {"name": "/c/s", "bytes": 9, "range": "0-0"},
            segment(size=9, first=0, last=0),
        ),
        ({"path": "/c/s", "range": "2-"}, segment(first=2)),
        (
            {"path": "/c/s", "size_bytes": 9, "range": "-2"},
            segment(size=9, first=7),
        ),
        (
            {"path": "/c/s", "size_bytes": 9, "range": "-20"},
            segment(size=9, first=0),
        ),
    ],
)
def test_every_form_of_an_entry_is_read(
    entry: dict[str, object], wanted: Segment
) -> None:
    found = manifest.decode(json.dumps([entry]).encode())
    assert found == Manifest(segments=(wanted,))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"{}x",
        b'["a"]',
        b'[{"hash": "e"}]',
        b'[{"name": "/c"}]',
        b'[{"name": "/c/"}]',
        b'[{"name": 7}]',
        b'[{"name": "/c/s", "range": "x"}]',
        b'[{"name": "/c/s", "range": "-"}]',
        b'[{"name": "/c/s", "range": "-3"}]',
    ],
)
def test_what_is_no_manifest_is_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        manifest.decode(body)


def test_a_manifest_with_bytes_of_its_own_is_refused() -> None:
    body = b'[{"name": "/c/s"}, {"data": "aGVsbG8="}]'
    with pytest.raises(NotSupported, match="bytes of its own"):
        manifest.decode(body)


def test_whole_segments_are_sent_with_the_etag_that_they_make() -> None:
    """A store without large objects then refuses the manifest."""
    both = [segment("1", etag="a" * 32), segment("2", etag="b" * 32)]
    text = "a" * 32 + "b" * 32
    md5 = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert manifest.etag_of(both) == md5
    for odd in (
        segment("3"),
        segment("3", etag="c", first=1),
        segment("3", etag="c", last=1),
    ):
        assert manifest.etag_of([*both, odd]) is None


def test_a_store_that_keeps_the_manifest_as_bytes_is_noticed(
    script: Script, provider: SwiftProvider
) -> None:
    body = manifest.encode([segment()])
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    script.answer("201 Created", b"", f"Etag: {md5}")
    with pytest.raises(NotSupported):
        provider.put_manifest("k", [segment()])


def test_a_store_that_refuses_the_manifest_as_bytes_says_so(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("422 Unprocessable Entity")
    with pytest.raises(IntegrityError):
        provider.put_manifest("k", [segment(etag="a" * 32)])
    assert len(script.requests[0][2]["etag"]) == 32


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"Number of object-backed segments must be <= 1000", InvalidRequest),
        (b"Upload exceeds quota.", QuotaExceeded),
    ],
)
def test_too_many_segments_are_no_full_store(
    script: Script, provider: SwiftProvider, text: bytes, kind: type[Exception]
) -> None:
    script.answer("413 Too Large", text)
    script.answer("413 Too Large", text)
    with pytest.raises(kind):
        provider.put_manifest("k", [segment()])
    with pytest.raises(kind):
        provider.copy_object("s", "k")


def test_an_object_replaced_before_its_manifest_came(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"", STATIC)
    script.answer("200 OK", b"now these are plain bytes")
    assert provider.get_manifest("k") is None
    script.answer("200 OK", b"", STATIC)
    script.answer("200 OK", b"", "X-Object-Manifest: c/a%2Fb/")
    assert provider.get_manifest("k") == Manifest(dynamic=("c", "a/b/"))


@pytest.mark.parametrize("value", ["c", "/s", "%2Fs"])
def test_a_dynamic_manifest_that_makes_no_sense(
    script: Script, provider: SwiftProvider, value: str
) -> None:
    script.answer("200 OK", b"", f"X-Object-Manifest: {value}")
    with pytest.raises(UnknownProviderError):
        provider.get_manifest("k")


def test_a_manifest_that_is_none_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"", STATIC)
    script.answer("200 OK", b"not JSON", STATIC)
    with pytest.raises(UnknownProviderError) as caught:
        provider.get_manifest("k")
    assert (caught.value.op, caught.value.key) == ("get_manifest", "k")


def test_a_missing_source_is_told_from_a_missing_container(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("404 Not Found")
    script.answer("204 No Content")
    with pytest.raises(ObjectNotFound) as caught:
        provider.copy_object("s", "k", source_bucket="other")
    assert (caught.value.bucket, caught.value.key) == ("other", "s")
    script.answer("404 Not Found")
    script.answer("404 Not Found")
    with pytest.raises(BucketNotFound) as missing:
        provider.copy_object("s", "k", source_bucket="other")
    assert missing.value.bucket == "b"


def test_a_copy_that_takes_too_long_may_still_come(script: Script) -> None:
    from unit.swift_provider.scripted import provider_of

    provider = provider_of(script.url, read_timeout=0.2)
    script.answers.append(b"")
    with pytest.raises(OperationTimeout):
        provider.copy_object("s", "k")


def test_what_cannot_be_is_refused_before_any_request() -> None:
    provider = make(auth_url="http://127.0.0.1:1/", user="u", key="k")
    calls = [
        lambda: provider.put_manifest("k", []),
        lambda: provider.put_manifest("k", [segment("")]),
        lambda: provider.put_manifest("k", [segment(first=-1)]),
        lambda: provider.put_manifest("k", [Segment(bucket="a/b", key="s")]),
        lambda: provider.put_dynamic_manifest("k", "", segments_bucket="c"),
        lambda: provider.put_dynamic_manifest("k", "s", segments_bucket="/"),
        lambda: provider.copy_object("s", "k", content_type="text/x"),
        lambda: provider.copy_object("s", "k", system={}),
        lambda: provider.copy_object("s", "k", if_match='a"b'),
        lambda: provider.post_bucket({}, acl={"delete": "a"}),
        lambda: provider.post_bucket({}, acl={"read": "a\r\nX-Evil: 1"}),
        lambda: provider.post_bucket({"a_b": "1"}),
        lambda: provider.post_bucket({"\u65e5": "1"}),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(ProviderError) as caught:
            call()
        assert type(caught.value) is InvalidRequest, number
