# SPDX-License-Identifier: Apache-2.0
"""What the SDK raises, as errors of the contract."""

from __future__ import annotations

import datetime
import email.utils
from typing import Any

import botocore.exceptions
import pytest
import urllib3.exceptions
from onespace_s3.errors import translate

from onespace_core import provider as contract
from onespace_core.provider import ProviderError, TransientError


def answered(
    status: int,
    code: str,
    *,
    op: str = "get_object",
    headers: dict[str, str] | None = None,
    message: str = "",
) -> ProviderError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "RequestId": "4F00",
            "HTTPHeaders": headers or {},
        },
    }
    return raised(botocore.exceptions.ClientError(response, "GetObject"), op)


def raised(exc: Exception, op: str = "get_object") -> ProviderError:
    with pytest.raises(ProviderError) as caught, translate(op, "b", "k"):
        raise exc
    assert caught.value.__cause__ in (exc, None)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadDigest", contract.IntegrityError),
        (400, "EntityTooLarge", contract.InvalidRequest),
        (400, "ExpiredToken", contract.Unauthenticated),
        (400, "RequestTimeout", contract.OperationTimeout),
        (400, "Unheard", contract.InvalidRequest),
        (403, "AccessDenied", contract.PermissionDenied),
        (403, "InvalidAccessKeyId", contract.Unauthenticated),
        (403, "InvalidObjectState", contract.InvalidRequest),
        (403, "QuotaExceeded", contract.QuotaExceeded),
        (403, "RequestTimeTooSkewed", contract.Unauthenticated),
        (403, "SignatureDoesNotMatch", contract.Unauthenticated),
        (404, "NoSuchBucket", contract.BucketNotFound),
        (404, "NoSuchKey", contract.ObjectNotFound),
        (409, "BucketAlreadyExists", contract.AlreadyExists),
        (409, "BucketNotEmpty", contract.AlreadyExists),
        (409, "ConditionalRequestConflict", contract.ServiceUnavailable),
        (412, "PreconditionFailed", contract.PreconditionFailed),
        (416, "InvalidRange", contract.RangeNotSatisfiable),
        (418, "Teapot", contract.UnknownProviderError),
        (500, "InternalError", contract.ServiceUnavailable),
        (501, "NotImplemented", contract.NotSupported),
        (503, "SlowDown", contract.RateLimited),
        (503, "ServiceUnavailable", contract.ServiceUnavailable),
        (507, "XMinioStorageFull", contract.QuotaExceeded),
    ],
)
def test_a_code_of_s3_has_a_kind(
    status: int, code: str, kind: type[ProviderError]
) -> None:
    error = answered(status, code)
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (
        status,
        code,
        "4F00",
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, contract.InvalidRequest),
        (304, contract.NotModified),
        (400, contract.InvalidRequest),
        (401, contract.Unauthenticated),
        (403, contract.PermissionDenied),
        (404, contract.ObjectNotFound),
        (408, contract.OperationTimeout),
        (412, contract.PreconditionFailed),
        (416, contract.RangeNotSatisfiable),
        (429, contract.RateLimited),
        (502, contract.ServiceUnavailable),
        (503, contract.ServiceUnavailable),
        (599, contract.ServiceUnavailable),
    ],
)
def test_a_status_without_a_body_has_a_kind(
    status: int, kind: type[ProviderError]
) -> None:
    error = answered(status, str(status))
    assert type(error) is kind
    assert error.code is None


def test_404_of_an_operation_on_a_bucket_means_the_bucket() -> None:
    error = answered(404, "404", op="head_bucket")
    assert type(error) is contract.BucketNotFound


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("SignatureDoesNotMatch", "secret_key"),
        ("InvalidAccessKeyId", "access_key"),
        ("ExpiredToken", "session_token"),
        ("RequestTimeTooSkewed", "clock"),
        ("PermanentRedirect", "region"),
    ],
)
def test_a_hint_says_what_to_check(code: str, word: str) -> None:
    assert word in (answered(403, code).hint or "")


def test_retry_after_is_read_in_seconds_and_as_a_date() -> None:
    error = answered(503, "SlowDown", headers={"retry-after": "7"})
    assert isinstance(error, TransientError)
    assert error.retry_after == 7
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
    date = email.utils.format_datetime(when, usegmt=True)
    error = answered(503, "503", headers={"retry-after": date})
    assert isinstance(error, TransientError)
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60


@pytest.mark.parametrize("value", ["", "soon", "-3"])
def test_retry_after_that_makes_no_sense_is_no_error(value: str) -> None:
    error = answered(503, "SlowDown", headers={"retry-after": value})
    assert isinstance(error, contract.RateLimited)
    assert not error.retry_after


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (
            botocore.exceptions.ConnectTimeoutError(endpoint_url="u"),
            contract.OperationTimeout,
        ),
        (
            botocore.exceptions.ReadTimeoutError(endpoint_url="u"),
            contract.OperationTimeout,
        ),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="u"),
            contract.ConnectionFailed,
        ),
        (
            botocore.exceptions.ConnectionClosedError(endpoint_url="u"),
            contract.ConnectionFailed,
        ),
        (
            botocore.exceptions.SSLError(endpoint_url="u", error="e"),
            contract.ConnectionFailed,
        ),
        (
            botocore.exceptions.ProxyConnectionError(
                proxy_url="http://u:pw@p"
            ),
            contract.ConnectionFailed,
        ),
        (
            botocore.exceptions.IncompleteReadError(
                actual_bytes=1, expected_bytes=2
            ),
            contract.ConnectionFailed,
        ),
        (
            botocore.exceptions.NoCredentialsError(),
            contract.Unauthenticated,
        ),
        (
            botocore.exceptions.ParamValidationError(report="r"),
            contract.InvalidRequest,
        ),
        (
            botocore.exceptions.UnseekableStreamError(stream_object="s"),
            contract.ServiceUnavailable,
        ),
        (
            botocore.exceptions.DataNotFoundError(data_path="p"),
            contract.UnknownProviderError,
        ),
        (urllib3.exceptions.SSLError("e"), contract.ConnectionFailed),
    ],
)
def test_a_failure_without_an_answer_has_a_kind(
    exc: Exception, kind: type[ProviderError]
) -> None:
    error = raised(exc)
    assert type(error) is kind
    assert "pw" not in str(error)


def test_names_are_set_and_those_that_are_there_stay() -> None:
    error = raised(contract.IntegrityError("short"), "put_object")
    assert str(error) == "put_object s3://b/k: short"
    inner = contract.IntegrityError("short", op="get_object", key="other")
    assert raised(inner, "put_object").op == "get_object"


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), translate("get_object"):
        _ = 1 / 0


def test_the_message_is_one_short_line() -> None:
    text = str(answered(400, "InvalidArgument", message="a\nb" * 1000))
    assert "\n" not in text
    assert len(text) < 500
