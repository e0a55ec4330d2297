# SPDX-License-Identifier: Apache-2.0
"""What is made of a client's headers, and of a remote object's."""

import json

import pytest
from onespace_shunt.answers import failure, status_of
from onespace_shunt.reading import byte_range, etag_conditions, raw_form
from swift.common.swob import Request

from onespace_core.namespace.entries import ListingBroken
from onespace_core.provider import (
    BucketNotFound,
    ByteRange,
    ConnectionFailed,
    IntegrityError,
    OperationTimeout,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    UnknownProviderError,
)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("bytes=0-5", ByteRange(first=0, last=5)),
        ("bytes=4-", ByteRange(first=4)),
        ("bytes=-3", ByteRange(first=-3)),
        ("bytes=-0", None),
        ("bytes=5-4", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=\u0661-", None),
        ("lines=0-5", None),
        ("", None),
        (None, None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_range(value, wanted):
    assert byte_range(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ('"a", "b"', None),
        ("*", None),
        ('W/"abc"', None),
        ("", None),
    ],
)
def test_an_etag_that_a_store_is_asked_for(value, wanted):
    found = etag_conditions({"If-Match": value})
    assert (found.if_match if found else None) == wanted


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionFailed("x"), 503),
        (OperationTimeout("x"), 503),
        (RateLimited("x"), 503),
        (Unauthenticated("x"), 503),
        (PermissionDenied("x"), 503),
        (BucketNotFound("x"), 503),
        (UnknownProviderError("x"), 502),
        (IntegrityError("x"), 502),
        (ListingBroken("x"), 502),
        (ZeroDivisionError("x"), 503),
    ],
)
def test_case_S25_S26_an_error_of_a_store_is_never_the_clients(error, status):
    assert status_of(error) == status
    answer = failure(Request.blank("/"), error)
    assert answer.status_int == status
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_a_store_says_when_to_come_back():
    error = RateLimited("x", retry_after=12.3)
    answer = failure(Request.blank("/"), error)
    assert answer.headers["Retry-After"] == "13"


def test_a_manifest_in_the_form_of_a_put():
    stored = [
        {
            "name": "/c/o",
            "hash": "abc",
            "bytes": 3,
            "range": "0-1",
            "content_type": "x/y",
        },
        {"data": "eA=="},
    ]
    assert json.loads(raw_form(json.dumps(stored).encode())) == [
        {"path": "/c/o", "etag": "abc", "size_bytes": 3, "range": "0-1"},
        {"data": "eA=="},
    ]
