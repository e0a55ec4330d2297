# SPDX-License-Identifier: Apache-2.0
"""What a Swift answers, or does not, as errors of the contract.

The one place that knows Swift's status codes (Swift API reference; 498 is
Swift's own for too many requests, ``swift.common.middleware.ratelimit``).
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import html
import re
from collections.abc import Iterator, Mapping

from urllib3 import exceptions as urllib3_errors

from onespace_core.provider import (
    AlreadyExists,
    BucketNotFound,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    NotFound,
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

NAME = "swift"

#: An error, its reason, and what can be done about it.
Row = tuple[type[ProviderError], str, str | None]

_TOO_LARGE = 413

_LOGIN_HINT = "check the options user, key and auth_url"
_URL_HINT = "check the options auth_url and auth_type"
_RIGHTS_HINT = (
    "check what the user may do in this account and container, and the "
    "option remote_account"
)
_SIZE_HINT = (
    "over a quota of the account or container, or over the cluster's "
    "max_file_size"
)

#: Status -> what it is, in our words, and what to do about it.
_STATUSES: Mapping[int, Row] = {
    304: (NotModified, "not modified", None),
    400: (InvalidRequest, "the store refuses the request", None),
    401: (Unauthenticated, "a new token was refused as well", _LOGIN_HINT),
    403: (
        PermissionDenied,
        "access denied",
        _RIGHTS_HINT,
    ),
    404: (NotFound, "not found", "check the option remote_account"),
    405: (NotSupported, "the store does not know this method", None),
    408: (OperationTimeout, "the store waited too long for us", None),
    409: (AlreadyExists, "conflict", None),
    411: (InvalidRequest, "the store needs a size", None),
    412: (PreconditionFailed, "a condition does not hold", None),
    413: (
        QuotaExceeded,
        "too large",
        _SIZE_HINT,
    ),
    414: (InvalidRequest, "the name is too long", None),
    416: (RangeNotSatisfiable, "no such bytes", None),
    422: (IntegrityError, "the bytes are not what MD5 says", None),
    429: (RateLimited, "rate limited", None),
    498: (RateLimited, "rate limited", None),
    499: (ConnectionFailed, "the store lost our connection", None),
    500: (ServiceUnavailable, "the store failed", None),
    502: (ServiceUnavailable, "the store's front end failed", None),
    503: (ServiceUnavailable, "the store is not available", None),
    504: (OperationTimeout, "the store's front end waited too long", None),
    507: (ServiceUnavailable, "devices of the store are not ready", None),
}

#: What differs where the request was about an object.
_OBJECT_STATUSES: Mapping[int, Row] = {
    # Two writes with one timestamp, or clocks that differ: a later one wins.
    409: (ServiceUnavailable, "another write of it was newer", None),
}

#: What differs where the request was a login.
_LOGIN_STATUSES: Mapping[int, Row] = {
    200: (Unauthenticated, "the login named no storage URL", _URL_HINT),
    401: (Unauthenticated, "the login was refused", _LOGIN_HINT),
    403: (Unauthenticated, "the login was refused", _LOGIN_HINT),
    404: (Unauthenticated, "there is nothing to log in to", _URL_HINT),
    405: (Unauthenticated, "there is nothing to log in to", _URL_HINT),
}

_NOT_FOUND: Mapping[type[NotFound], str] = {
    BucketNotFound: "no such container",
    ObjectNotFound: "no such object",
}


class Refused(Exception):
    """The store answered, but not with a success.

    :param status: its HTTP status.
    :param headers: its headers, names in lower case.
    :param text: what it said, one line without secrets.
    :param login: whether the request was a login.
    """

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        text: str = "",
        *,
        login: bool = False,
    ) -> None:
        super().__init__(f"HTTP {status}{': ' if text else ''}{text}")
        self.status = status
        self.headers = headers or {}
        self.text = text
        self.login = login


class Unreachable(Exception):
    """The login service could not be reached."""


class TimedOut(Exception):
    """The login service did not answer in time."""


class NoEndpoint(Exception):
    """The login's catalogue has no object store for us."""


class BadAnswer(Exception):
    """The answer is not what the Swift API says it is."""


class SourceFailed(Exception):
    """Reading the body that should be sent failed.

    Keeps an error of the local side apart from those of the connection.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


#: Exception -> what it is; the first that fits counts.
_EXCEPTIONS: tuple[tuple[type[Exception], Row], ...] = (
    (
        urllib3_errors.ProxyError,
        (ConnectionFailed, "no connection", "check the option proxy"),
    ),
    (
        urllib3_errors.SSLError,
        (
            ConnectionFailed,
            "TLS failed",
            "check ca_bundle, and whether the store wants http://",
        ),
    ),
    (
        urllib3_errors.NameResolutionError,
        (ConnectionFailed, "the host name is not known", None),
    ),
    (
        urllib3_errors.NewConnectionError,
        (ConnectionFailed, "no connection", None),
    ),
    (
        urllib3_errors.ConnectTimeoutError,
        (ConnectionFailed, "no connection in time", None),
    ),
    (
        urllib3_errors.ReadTimeoutError,
        (OperationTimeout, "no answer in time", None),
    ),
    (
        urllib3_errors.ProtocolError,
        (ConnectionFailed, "the connection broke", None),
    ),
    (Unreachable, (ConnectionFailed, "no connection to log in", None)),
    (TimedOut, (OperationTimeout, "the login took too long", None)),
    (
        NoEndpoint,
        (
            Unauthenticated,
            "the login's catalogue has no object-store endpoint for us",
            "check the options region and endpoint_type",
        ),
    ),
    (BadAnswer, (UnknownProviderError, "the answer makes no sense", None)),
)
_KNOWN: tuple[type[Exception], ...] = (
    *(kind for kind, _row in _EXCEPTIONS),
    urllib3_errors.HTTPError,
)

_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")
_MAX_TEXT = 200


def plain_text(body: bytes, secrets: tuple[str, ...] = ()) -> str:
    """Return an error page as one short line, without the secrets."""
    text = html.unescape(_TAG.sub(" ", body.decode("utf-8", "replace")))
    for secret in secrets:
        text = text.replace(secret, "***")
    return _SPACE.sub(" ", text).strip()[:_MAX_TEXT]


@contextlib.contextmanager
def translate(
    op: str,
    *,
    bucket: str | None = None,
    key: str | None = None,
    missing: type[NotFound] = NotFound,
    too_large: Row | None = None,
) -> Iterator[None]:
    """Let only errors of the contract out, each saying what was asked.

    What a *body* raised while it was read comes out as it was raised.

    :param op: contract method.
    :param missing: what HTTP 404 means here.
    :param too_large: what HTTP 413 means here, unless it is of a quota.
    """
    try:
        yield
    except SourceFailed as exc:
        if isinstance(exc.cause, ProviderError):
            _name(exc.cause, op, bucket, key)
        raise exc.cause from exc.cause.__cause__
    except ProviderError as exc:
        _name(exc, op, bucket, key)
        raise
    except Refused as exc:
        error = _from_answer(
            exc, missing, too_large, about_object=key is not None
        )
        _name(error, op, bucket, key)
        raise error from exc
    except _KNOWN as exc:
        error = _from_exception(exc)
        _name(error, op, bucket, key)
        raise error from exc


def _name(
    error: ProviderError, op: str, bucket: str | None, key: str | None
) -> None:
    error.provider = error.provider or NAME
    error.op = error.op or op
    error.bucket = bucket if error.bucket is None else error.bucket
    error.key = key if error.key is None else error.key


def _from_answer(
    exc: Refused,
    missing: type[NotFound],
    too_large: Row | None,
    *,
    about_object: bool,
) -> ProviderError:
    status = exc.status
    row = _STATUSES.get(status) or _other(status)
    if exc.login:
        row = _LOGIN_STATUSES.get(status, row)
    elif about_object:
        row = _OBJECT_STATUSES.get(status, row)
    if status == _TOO_LARGE and too_large and "quota" not in exc.text.lower():
        row = too_large
    kind, reason, hint = row
    if kind is NotFound and missing in _NOT_FOUND:
        kind, reason, hint = missing, _NOT_FOUND[missing], None
    if kind is InvalidRequest and exc.text:
        reason = f"{reason}: {exc.text}"
    error = kind(
        reason,
        status=status,
        request_id=exc.headers.get("x-trans-id")
        or exc.headers.get("x-openstack-request-id"),
        hint=hint,
    )
    if isinstance(error, TransientError):
        error.retry_after = _retry_after(exc.headers.get("retry-after"))
    return error


def _other(status: int) -> Row:
    if status >= 500:
        return ServiceUnavailable, "the store failed", None
    return UnknownProviderError, "an answer that Swift does not give", None


def _retry_after(value: str | None) -> float | None:
    """Return seconds, from seconds or a date (RFC 9110 10.2.3)."""
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    left = (when - datetime.datetime.now(datetime.UTC)).total_seconds()
    return max(left, 0.0)


def _from_exception(exc: Exception) -> ProviderError:
    # A send that takes too long arrives as a broken connection.
    if any(isinstance(arg, TimeoutError) for arg in exc.args):
        return OperationTimeout("the store did not take our bytes in time")
    for known, (kind, reason, hint) in _EXCEPTIONS:
        if isinstance(exc, known):
            detail = _system_error(exc)
            return kind(f"{reason}: {detail}" if detail else reason, hint=hint)
    return UnknownProviderError(type(exc).__name__)


def _system_error(exc: BaseException | None) -> str | None:
    """Return what the operating system said, such as connection refused."""
    while exc is not None:
        for error in (exc, *exc.args):
            if isinstance(error, OSError) and error.strerror:
                return error.strerror
        exc = exc.__cause__
    return None
