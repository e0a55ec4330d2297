# SPDX-License-Identifier: Apache-2.0
"""Every error that onespace raises, as one tree.

::

    OnespaceError
    ├─ ConfigError (ValueError)       what an operator wrote cannot be used
    ├─ PluginError                    a plugin cannot be used
    │  ├─ PluginNotFound
    │  ├─ PluginLoadError             its SDK is missing; the hint mends it
    │  └─ PluginApiMismatch           written for another contract version
    └─ ProviderError                  a store answered, or did not
       ├─ NotFound
       │  ├─ BucketNotFound
       │  └─ ObjectNotFound
       ├─ AlreadyExists
       ├─ NotModified
       ├─ PreconditionFailed
       ├─ RangeNotSatisfiable
       ├─ Unauthenticated             our credentials, not our client's
       ├─ PermissionDenied            likewise
       ├─ InvalidRequest              bad key, too large, bad metadata
       ├─ QuotaExceeded
       ├─ NotSupported                a capability that is not claimed
       ├─ IntegrityError              bytes are not the bytes promised
       ├─ UnknownProviderError        could not be classified
       └─ TransientError              retryable
          ├─ RateLimited
          ├─ ServiceUnavailable
          ├─ ConnectionFailed
          └─ OperationTimeout
    StreamError (RuntimeError)        a programmer's fault
    ├─ StreamClosed
    └─ StreamConsumed

The class is the *kind*; ``retryable`` is the *status*. Act on these, never on
the message. Messages are one line and never hold a secret.
"""

from __future__ import annotations

from typing import ClassVar


class OnespaceError(Exception):
    """The root of all errors that are not a programmer's fault."""


class ConfigError(OnespaceError, ValueError):
    """A setting cannot be used.

    :param reason: what is wrong, one sentence without a full stop.
    :param section: configuration section, such as ``mapping:photos``.
    :param option: option name in that section.
    :param path: the file it was read from.
    :param hint: what to write instead.
    """

    def __init__(
        self,
        reason: str,
        *,
        section: str | None = None,
        option: str | None = None,
        path: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.section = section
        self.option = option
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        where = self.path or ""
        if self.section:
            where += f" [{self.section}]"
        if self.option:
            where += f" {self.option}"
        text = f"{where.strip()}: {self.reason}" if where else self.reason
        return f"{text} ({self.hint})" if self.hint else text


class PluginError(OnespaceError):
    """A plugin cannot be used.

    :param hint: what the operator does about it, such as a ``pip`` command.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}; {self.hint}" if self.hint else text


class PluginNotFound(PluginError):
    """No plugin of that name is installed."""


class PluginLoadError(PluginError):
    """The plugin is installed, but something it imports is not."""


class PluginApiMismatch(PluginError):
    """The plugin was written for another version of the contract."""


class ProviderError(OnespaceError):
    """A store did not do what was asked.

    :param reason: what happened, without the operation and the names.
    :param op: contract method, such as ``put_object``.
    :param provider: provider name, such as ``s3``.
    :param bucket: bucket of the request, if it had one.
    :param key: key of the request, if it had one.
    :param status: HTTP status that the store answered, if any.
    :param code: the store's own error code, such as ``SlowDown``.
    :param request_id: the store's request id, for its support desk.
    :param hint: what an operator can do about it.
    """

    #: Whether the same call may succeed later without any change.
    retryable: ClassVar[bool] = False
    #: HTTP status for a client who asked *us* (see ``shunt_object``).
    http_status: ClassVar[int] = 502
    #: Set by the retry layer when it gave up, so that nobody retries twice.
    retries_exhausted = False

    def __init__(
        self,
        reason: str = "",
        *,
        op: str | None = None,
        provider: str | None = None,
        bucket: str | None = None,
        key: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.op = op
        self.provider = provider
        self.bucket = bucket
        self.key = key
        self.status = status
        self.code = code
        self.request_id = request_id
        self.hint = hint

    def __str__(self) -> str:
        """One line: ``put_object s3://b/k: rate limited (SlowDown, ...)``."""
        where = ""
        if self.bucket is not None:
            where = f"{self.provider or 'store'}://{self.bucket}"
            if self.key is not None:
                where += f"/{self.key}"
        head = " ".join(part for part in (self.op, where) if part)
        notes = [
            note
            for note in (
                self.code,
                f"HTTP {self.status}" if self.status else None,
                f"request {self.request_id}" if self.request_id else None,
            )
            if note
        ]
        text = self.reason or type(self).__name__
        if notes:
            text += f" ({', '.join(notes)})"
        if self.hint:
            text += f"; {self.hint}"
        line = f"{head}: {text}" if head else text
        return line.translate(_ONE_LINE)


_ONE_LINE = {ord("\n"): "\\n", ord("\r"): "\\r", 0: "\\0"}


class NotFound(ProviderError):
    """What was asked for is not there."""

    http_status = 404


class BucketNotFound(NotFound):
    """The bucket is not there, or not ours to see."""


class ObjectNotFound(NotFound):
    """The bucket has no such key."""


class AlreadyExists(ProviderError):
    """What should be created is there already."""

    http_status = 409


class NotModified(ProviderError):
    """A read condition says that the reader has the current object."""

    http_status = 304


class PreconditionFailed(ProviderError):
    """A condition of the request does not hold; nothing was changed."""

    http_status = 412


class RangeNotSatisfiable(ProviderError):
    """The object has no byte in the range that was asked for."""

    http_status = 416


class Unauthenticated(ProviderError):
    """The store does not accept our credentials."""

    http_status = 503


class PermissionDenied(ProviderError):
    """Our credentials are known, but may not do this."""

    http_status = 503


class InvalidRequest(ProviderError):
    """The store refuses the request itself: key, size or metadata."""

    http_status = 400


class QuotaExceeded(ProviderError):
    """The store has no room left for us."""

    http_status = 507


class NotSupported(ProviderError):
    """The instance does not claim that capability; no request was made."""

    http_status = 501


class IntegrityError(ProviderError):
    """Bytes were short, long or different; no object was made of them."""

    http_status = 502


class UnknownProviderError(ProviderError):
    """The error could not be classified; ``__cause__`` has the original."""

    http_status = 502


class TransientError(ProviderError):
    """It may work later.

    :param retry_after: seconds the store asked us to wait, if it did.
    """

    retryable = True
    http_status = 503

    def __init__(
        self,
        reason: str = "",
        *,
        retry_after: float | None = None,
        op: str | None = None,
        provider: str | None = None,
        bucket: str | None = None,
        key: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(
            reason,
            op=op,
            provider=provider,
            bucket=bucket,
            key=key,
            status=status,
            code=code,
            request_id=request_id,
            hint=hint,
        )
        self.retry_after = retry_after


class RateLimited(TransientError):
    """The store asks us to slow down."""


class ServiceUnavailable(TransientError):
    """The store answered that it cannot answer (500, 503, ...)."""


class ConnectionFailed(TransientError):
    """No connection, or it broke before the answer was complete."""

    http_status = 502


class OperationTimeout(TransientError):
    """The store did not answer in time; what it did is not known."""

    http_status = 504


class StreamError(RuntimeError):
    """A reader was used against its contract: a programmer's fault."""


class StreamClosed(StreamError):
    """The reader was closed before it was read."""


class StreamConsumed(StreamError):
    """The reader was already read; open the object again."""
