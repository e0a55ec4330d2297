# SPDX-License-Identifier: Apache-2.0
"""Failures of a store as answers to a client; pure."""

from __future__ import annotations

import math
from typing import Any

from swift.common.swob import Request, Response

from onespace_core.namespace.entries import ListingBroken
from onespace_core.namespace.remote import ReverseTooLong
from onespace_core.provider import (
    BucketNotFound,
    IntegrityError,
    InvalidRequest,
    NotSupported,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    TransientError,
    Unauthenticated,
    UnknownProviderError,
)

#: Seconds after which a client may try again, where the store names none.
RETRY_AFTER = 5
_UNAVAILABLE = 503
_BAD_GATEWAY = 502

#: Never the text of an error: it may name keys, buckets and hosts.
_TEXTS = {
    400: "This listing takes too long in reverse: give a prefix.\n",
    _BAD_GATEWAY: "The remote store gave an answer that cannot be used.\n",
    _UNAVAILABLE: "The remote store cannot be asked now.\n",
}


def status_of(error: Exception) -> int:
    """Return the status by which a client is told of a failure.

    Never 401 or 403: it is not the client who was refused. Never 404: that
    an object is nowhere, only an answer of its store can say.
    """
    if isinstance(error, ReverseTooLong):
        return 400
    if isinstance(
        error,
        ListingBroken
        | IntegrityError
        | InvalidRequest
        | NotSupported
        | QuotaExceeded
        | PreconditionFailed
        | UnknownProviderError,
    ):
        return _BAD_GATEWAY
    return _UNAVAILABLE


def is_operators(error: Exception) -> bool:
    """Return whether an operator has to mend it: it does not pass."""
    return isinstance(
        error, Unauthenticated | PermissionDenied | BucketNotFound
    )


def failure(request: Request, error: Exception) -> Response:
    """Return the answer to a request that a store failed."""
    status = status_of(error)
    headers: dict[str, Any] = {"Content-Type": "text/plain; charset=utf-8"}
    if status == _UNAVAILABLE:
        wait = RETRY_AFTER
        if isinstance(error, TransientError) and error.retry_after:
            wait = max(1, math.ceil(error.retry_after))
        headers["Retry-After"] = str(wait)
    return Response(
        request=request,
        status=status,
        headers=headers,
        body=_TEXTS[status].encode(),
    )
