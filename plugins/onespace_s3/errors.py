# SPDX-License-Identifier: Apache-2.0
"""What the SDK raises, as errors of the contract.

The one place that knows S3's error codes (S3 API reference, "Error
responses"; the codes that only radosgw, MinIO or Swift use are marked).
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
from collections.abc import Iterator, Mapping
from typing import Any

from onespace_core.provider import (
    AlreadyExists,
    BucketNotFound,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    NotModified,
    NotSupported,
    ObjectNotFound,
    OperationTimeout,
    PermissionDenied,
    PreconditionFailed,
    ProviderError,
    QuotaExceeded,
    RangeNotSatisfiable,
    RateLimited,
    ServiceUnavailable,
    TransientError,
    Unauthenticated,
    UnknownProviderError,
)

_Kind = type[ProviderError]

_CREDENTIALS = "check access_key, secret_key and session_token"
_REGION = "check the option region, and endpoint if one is set"
_CLOCK = "the clock of this machine or of the store is wrong"
_ARCHIVED = "the object is archived: restore it first, or write it anew"

#: S3's code -> what it is, in our words, and what to do about it.
_CODES: Mapping[str, tuple[_Kind, str, str | None]] = {
    "AccessDenied": (
        PermissionDenied,
        "access denied",
        "check what the access key may do with this bucket",
    ),
    "AccountProblem": (PermissionDenied, "the account has a problem", None),
    "AllAccessDisabled": (PermissionDenied, "access is disabled", None),
    "AuthorizationHeaderMalformed": (
        Unauthenticated,
        "the store does not accept the signature",
        _REGION,
    ),
    "BadDigest": (IntegrityError, "the bytes are not what MD5 says", None),
    "BucketAlreadyExists": (AlreadyExists, "the bucket name is taken", None),
    "BucketAlreadyOwnedByYou": (AlreadyExists, "the bucket exists", None),
    "BucketNotEmpty": (AlreadyExists, "the bucket is not empty", None),
    "ConditionalRequestConflict": (
        ServiceUnavailable,
        "another write to this key is under way",
        None,
    ),
    "ConnectionClosed": (ConnectionFailed, "the connection broke", None),
    "EntityTooLarge": (InvalidRequest, "the object is too large", None),
    "EntityTooSmall": (InvalidRequest, "a part is too small", None),
    "ExpiredToken": (
        Unauthenticated,
        "the session token has expired",
        "renew session_token",
    ),
    "IllegalLocationConstraintException": (
        InvalidRequest,
        "the bucket is in another region",
        _REGION,
    ),
    "IncompleteBody": (ConnectionFailed, "the request was cut short", None),
    "InternalError": (ServiceUnavailable, "the store has a problem", None),
    "InvalidAccessKeyId": (
        Unauthenticated,
        "the access key does not exist",
        _CREDENTIALS,
    ),
    "InvalidBucketName": (InvalidRequest, "no such name is allowed", None),
    "InvalidDigest": (IntegrityError, "the MD5 is not valid", None),
    "InvalidObjectState": (
        InvalidRequest,
        "the object is archived",
        _ARCHIVED,
    ),
    "InvalidPart": (
        InvalidRequest,
        "a part is not there, or has another ETag",
        None,
    ),
    "InvalidPartOrder": (InvalidRequest, "the parts are in disorder", None),
    "InvalidRange": (RangeNotSatisfiable, "the range is not there", None),
    "InvalidStorageClass": (
        InvalidRequest,
        "the store has no such storage class",
        "check the option storage_class",
    ),
    "InvalidToken": (
        Unauthenticated,
        "the session token is not valid",
        _CREDENTIALS,
    ),
    "KeyTooLongError": (InvalidRequest, "the key is too long", None),
    "MetadataTooLarge": (InvalidRequest, "too much metadata", None),
    "NoSuchBucket": (BucketNotFound, "the bucket is not there", None),
    "NoSuchKey": (ObjectNotFound, "the object is not there", None),
    "NoSuchUpload": (
        ObjectNotFound,
        "there is no such upload, or no longer",
        None,
    ),
    "NotImplemented": (NotSupported, "the store cannot do this", None),
    "NotSignedUp": (Unauthenticated, "the account has no S3", None),
    "ObjectNotInActiveTierError": (
        InvalidRequest,
        "the object is archived",
        _ARCHIVED,
    ),
    "OperationAborted": (ServiceUnavailable, "another operation runs", None),
    "PermanentRedirect": (
        InvalidRequest,
        "the bucket is at another endpoint",
        _REGION,
    ),
    "PreconditionFailed": (
        PreconditionFailed,
        "a condition does not hold",
        None,
    ),
    # radosgw
    "QuotaExceeded": (QuotaExceeded, "the quota is used up", None),
    "RequestLimitExceeded": (RateLimited, "the store asks for patience", None),
    "RequestTimeTooSkewed": (Unauthenticated, "the clocks differ", _CLOCK),
    "RequestTimeout": (OperationTimeout, "the request took too long", None),
    "ServiceUnavailable": (
        ServiceUnavailable,
        "the store is not available",
        None,
    ),
    "SignatureDoesNotMatch": (
        Unauthenticated,
        "the signature is wrong",
        _CREDENTIALS + "; check signature_version",
    ),
    "SlowDown": (RateLimited, "the store asks for patience", None),
    # MinIO
    "SlowDownRead": (RateLimited, "the store asks for patience", None),
    "SlowDownWrite": (RateLimited, "the store asks for patience", None),
    "TemporaryRedirect": (
        ServiceUnavailable,
        "the bucket is moving",
        None,
    ),
    "Throttling": (RateLimited, "the store asks for patience", None),
    "ThrottlingException": (RateLimited, "the store asks for patience", None),
    "TokenRefreshRequired": (
        Unauthenticated,
        "the session token must be renewed",
        "renew session_token",
    ),
    "TooManyBuckets": (QuotaExceeded, "no more buckets are allowed", None),
    "XAmzContentSHA256Mismatch": (
        IntegrityError,
        "the bytes are not what SHA-256 says",
        None,
    ),
    # MinIO
    "XMinioStorageFull": (QuotaExceeded, "the store is full", None),
}

#: HTTP status -> the same, where there is no code that we know: answers to
#: HEAD have no body.
_STATUSES: Mapping[int, tuple[_Kind, str, str | None]] = {
    301: _CODES["PermanentRedirect"],
    304: (NotModified, "the object was not modified", None),
    307: _CODES["TemporaryRedirect"],
    400: (InvalidRequest, "the store refuses the request", None),
    401: (Unauthenticated, "the store wants other credentials", _CREDENTIALS),
    403: (
        PermissionDenied,
        "access denied",
        _CREDENTIALS + ", and what the access key may do with this bucket",
    ),
    404: _CODES["NoSuchKey"],
    405: (InvalidRequest, "the store does not allow this", None),
    408: _CODES["RequestTimeout"],
    409: (AlreadyExists, "the store reports a conflict", None),
    411: _CODES["IncompleteBody"],
    412: _CODES["PreconditionFailed"],
    413: _CODES["EntityTooLarge"],
    416: _CODES["InvalidRange"],
    429: _CODES["SlowDown"],
    501: _CODES["NotImplemented"],
    507: _CODES["QuotaExceeded"],
}


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


def _classify(
    status: int | None, code: str, op: str
) -> tuple[_Kind, str, str | None]:
    found = _CODES.get(code) or _STATUSES.get(status or 0)
    if found is None and status is not None and status >= 500:
        found = _CODES["ServiceUnavailable"]
    if found is None:
        return UnknownProviderError, f"unexpected answer {code}", None
    if found[0] is ObjectNotFound and op in _BUCKET_OPS:
        return _CODES["NoSuchBucket"]
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

    table: tuple[tuple[tuple[type[Exception], ...], _Kind, str, str], ...] = (
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
            "check ca_bundle and endpoint",
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
            _REGION,
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
