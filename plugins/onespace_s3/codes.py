# SPDX-License-Identifier: Apache-2.0
"""S3's error codes and statuses, as errors of the contract.

The one place that knows them (S3 API reference, "Error responses"; the codes
that only radosgw, MinIO or Swift use are marked).
"""

from __future__ import annotations

from collections.abc import Mapping

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
    Unauthenticated,
)

#: A class of error.
Kind = type[ProviderError]

_CREDENTIALS = "check access_key, secret_key and session_token"
#: What to do about a wrong region.
REGION = "check the option region, and endpoint if one is set"
_CLOCK = "the clock of this machine or of the store is wrong"
_ARCHIVED = "the object is archived: restore it first, or write it anew"

#: S3's code -> what it is, in our words, and what to do about it.
CODES: Mapping[str, tuple[Kind, str, str | None]] = {
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
        REGION,
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
        REGION,
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
        REGION,
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
        f"if it stays so, {REGION}",
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
STATUSES: Mapping[int, tuple[Kind, str, str | None]] = {
    301: CODES["PermanentRedirect"],
    302: (ServiceUnavailable, "the store sends us elsewhere", REGION),
    304: (NotModified, "the object was not modified", None),
    307: CODES["TemporaryRedirect"],
    400: (InvalidRequest, "the store refuses the request", None),
    401: (Unauthenticated, "the store wants other credentials", _CREDENTIALS),
    403: (
        PermissionDenied,
        "access denied",
        _CREDENTIALS + ", and what the access key may do with this bucket",
    ),
    404: CODES["NoSuchKey"],
    405: (InvalidRequest, "the store does not allow this", None),
    408: CODES["RequestTimeout"],
    409: (AlreadyExists, "the store reports a conflict", None),
    411: CODES["IncompleteBody"],
    412: CODES["PreconditionFailed"],
    413: CODES["EntityTooLarge"],
    416: CODES["InvalidRange"],
    429: CODES["SlowDown"],
    501: CODES["NotImplemented"],
    507: CODES["QuotaExceeded"],
}
