# SPDX-License-Identifier: Apache-2.0
"""What the SDK raises, as errors of the contract."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import re
from collections.abc import Iterator, Mapping
from typing import Any

from onespace_core.provider import (
    ConnectionFailed,
    InvalidRequest,
    ObjectNotFound,
    OperationTimeout,
    ProviderError,
    ServiceUnavailable,
    TransientError,
    Unauthenticated,
    UnknownProviderError,
)
from onespace_s3.codes import CODES, REGION, STATUSES, Kind


@contextlib.contextmanager
def translate(
    op: str,
    bucket: str | None = None,
    key: str | None = None,
    *,
    provider: str = "s3",
) -> Iterator[None]:
    """Turn what the SDK raises into errors of the contract.

    An error of the contract that comes from inside gets the names it does
    not have yet. Anything else passes: it is a fault of ours, or of the
    body that is being sent.

    :param op: the contract's method.
    :param bucket: of the request.
    :param key: of the request.
    :param provider: the provider's name.
    """
    import botocore.exceptions
    import botocore.parsers
    import urllib3.exceptions

    try:
        yield
    except ProviderError as exc:
        _name(exc, op, bucket, key, provider)
        raise
    except botocore.exceptions.ClientError as exc:
        error = _answered(exc.response, op)
        _name(error, op, bucket, key, provider)
        raise error from exc
    except (
        botocore.exceptions.BotoCoreError,
        botocore.parsers.ResponseParserError,
        urllib3.exceptions.HTTPError,
    ) as exc:
        error = _unanswered(exc)
        _name(error, op, bucket, key, provider)
        raise error from exc


def _name(
    exc: ProviderError,
    op: str,
    bucket: str | None,
    key: str | None,
    provider: str,
) -> None:
    if exc.op is None:
        exc.op, exc.bucket, exc.key = op, bucket, key
        exc.provider = provider


def _answered(response: Mapping[str, Any], op: str) -> ProviderError:
    """Classify an answer that is an error."""
    about = response.get("ResponseMetadata", {})
    error = response.get("Error", {})
    status, code = about.get("HTTPStatusCode"), str(error.get("Code", ""))
    kind, reason, hint = _classify(status, code, op)
    if hint is None or REGION in hint:
        hint = _moved(status, about, error) or hint
    message = "" if code.isdigit() else str(error.get("Message") or "")
    more: dict[str, Any] = {}
    if issubclass(kind, TransientError):
        more["retry_after"] = _retry_after(about.get("HTTPHeaders", {}))
    return kind(
        f"{reason}: {message[:200]}" if message else reason,
        status=status,
        code=None if code.isdigit() else code or None,
        request_id=about.get("RequestId") or None,
        hint=hint,
        **more,
    )


def _moved(
    status: int | None, about: Mapping[str, Any], error: Mapping[str, Any]
) -> str | None:
    """Return what to write where a store says where the bucket is.

    Amazon names the region in a header or an element, and the host.
    """
    if status not in _ELSEWHERE:
        return None
    headers = about.get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or error.get("Region")
    for option, found in (
        ("region", region),
        ("endpoint", error.get("Endpoint")),
    ):
        if found and _HOST.fullmatch(found):
            return f"the store says: {option} = {found}"
    return None


#: Statuses of answers that may say where the bucket is; a HEAD that was
#: signed for another region is a 400.
_ELSEWHERE = frozenset({301, 302, 307, 400})
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,255}")


def _classify(
    status: int | None, code: str, op: str
) -> tuple[Kind, str, str | None]:
    found = CODES.get(code) or STATUSES.get(status or 0)
    if found is None and status is not None and status >= 500:
        found = CODES["ServiceUnavailable"]
    if found is None:
        return UnknownProviderError, f"unexpected answer {code}", None
    if found[0] is ObjectNotFound and op in _BUCKET_OPS:
        return CODES["NoSuchBucket"]
    return found


#: Operations on a bucket, where a 404 without a body means the bucket.
_BUCKET_OPS = frozenset(
    {
        "head_bucket",
        "list_objects",
        "create_bucket",
        "delete_bucket",
        "start_upload",
        "list_uploads",
        "put_age_rule",
        "drop_age_rule",
    }
)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds from ``Retry-After`` (RFC 9110 section 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    now = datetime.datetime.now(datetime.UTC)
    return max(0.0, (when.astimezone(datetime.UTC) - now).total_seconds())


def _unanswered(exc: Exception) -> ProviderError:
    """Classify what happened where there is no whole answer.

    Texts of the SDK are not repeated: some hold addresses with a user.
    """
    import botocore.exceptions as sdk
    import urllib3.exceptions as http
    from botocore.parsers import ResponseParserError

    table: tuple[tuple[tuple[type[Exception], ...], Kind, str, str], ...] = (
        (
            (sdk.ConnectTimeoutError, sdk.ReadTimeoutError, http.TimeoutError),
            OperationTimeout,
            "the store did not answer in time",
            "",
        ),
        (
            (sdk.SSLError, http.SSLError),
            ConnectionFailed,
            "no trusted connection",
            "check ca_bundle, and whether endpoint begins with http://",
        ),
        (
            (sdk.ProxyConnectionError, http.ProxyError),
            ConnectionFailed,
            "no connection through the proxy",
            "check the option proxy",
        ),
        (
            (
                sdk.HTTPClientError,
                sdk.ConnectionError,
                sdk.ResponseStreamingError,
                sdk.IncompleteReadError,
                http.HTTPError,
            ),
            ConnectionFailed,
            "the connection failed",
            "",
        ),
        (
            (
                sdk.NoCredentialsError,
                sdk.PartialCredentialsError,
                sdk.CredentialRetrievalError,
                sdk.TokenRetrievalError,
            ),
            Unauthenticated,
            "no credentials were found",
            "set access_key and secret_key, or profile",
        ),
        (
            # Only a body that cannot be sent twice meets this: the SDK was
            # told another region and wants to send it there. The next
            # attempt goes there at once.
            (sdk.UnseekableStreamError,),
            ServiceUnavailable,
            "the bucket is in another region",
            REGION,
        ),
        (
            (ResponseParserError,),
            ServiceUnavailable,
            "the answer cannot be understood",
            "check that endpoint is an S3 endpoint",
        ),
        (
            (sdk.ParamValidationError, sdk.ValidationError),
            InvalidRequest,
            "the request cannot be made",
            "",
        ),
    )
    for classes, kind, reason, hint in table:
        if isinstance(exc, classes):
            cause = _os_error(exc)
            text = f"{reason}: {cause}" if cause else reason
            return kind(text, hint=hint or None)
    return UnknownProviderError(f"the SDK failed: {type(exc).__name__}")


def _os_error(exc: BaseException) -> str | None:
    """Return what the operating system said, from a chain of errors."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return None
