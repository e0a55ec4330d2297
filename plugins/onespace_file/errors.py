# SPDX-License-Identifier: Apache-2.0
"""What the operating system raises, as errors of the contract.

The one place that knows error numbers (errno(3)).
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping

from onespace_core.provider import (
    IntegrityError,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    ServiceUnavailable,
    UnknownProviderError,
)

PROVIDER = "file"

_Kind = type[ProviderError]

_RIGHTS = "check the rights of the folder and how its disk is mounted"
_FULL = "make room on the disk, or raise the quota"
_LINK = "nothing in the store may be a symbolic link or a foreign file"
_DISK = "check the disk and the kernel's log"

#: Error number -> what it is, and what to do about it.
_ERRNOS: Mapping[int, tuple[_Kind, str | None]] = {
    errno.EACCES: (PermissionDenied, _RIGHTS),
    errno.EPERM: (PermissionDenied, _RIGHTS),
    errno.EROFS: (PermissionDenied, _RIGHTS),
    errno.ENOSPC: (QuotaExceeded, _FULL),
    errno.EDQUOT: (QuotaExceeded, _FULL),
    errno.EFBIG: (InvalidRequest, "the file system allows no larger file"),
    errno.ENAMETOOLONG: (InvalidRequest, None),
    errno.EILSEQ: (InvalidRequest, "the file system refuses the name"),
    errno.EINVAL: (InvalidRequest, "the file system refuses the name"),
    errno.ELOOP: (PermissionDenied, _LINK),
    errno.ENOTDIR: (PermissionDenied, _LINK),
    errno.EISDIR: (PermissionDenied, _LINK),
    errno.EXDEV: (
        PermissionDenied,
        "nothing may be mounted inside a bucket",
    ),
    errno.EMFILE: (ServiceUnavailable, "raise the limit of open files"),
    errno.ENFILE: (ServiceUnavailable, "raise the limit of open files"),
    errno.EIO: (ServiceUnavailable, _DISK),
    errno.ENODEV: (ServiceUnavailable, _DISK),
    errno.ENXIO: (ServiceUnavailable, _DISK),
    errno.ENOTCONN: (ServiceUnavailable, _DISK),
    errno.ESTALE: (ServiceUnavailable, _DISK),
    errno.ETIMEDOUT: (ServiceUnavailable, _DISK),
    errno.ENOLCK: (ServiceUnavailable, "the file system has no locks left"),
    errno.EBUSY: (ServiceUnavailable, None),
    # Missing objects and buckets are noticed where they are looked for;
    # anything else that is gone was taken away during the operation.
    errno.ENOENT: (ServiceUnavailable, "is the disk still mounted?"),
}


class Damaged(IntegrityError):
    """A description that onespace did not write, or not as it is now."""


@contextlib.contextmanager
def translate(
    op: str, bucket: str | None = None, key: str | None = None
) -> Iterator[None]:
    """Turn errors of the operating system into those of the contract.

    :param op: contract method, for the error.
    :param bucket: as resolved.
    :param key: if the operation has one.
    """
    try:
        yield
    except ProviderError as exc:
        _name(exc, op, bucket, key)
        raise
    except OSError as exc:
        error = _classify(exc)
        _name(error, op, bucket, key)
        raise error from exc


def _classify(exc: OSError) -> ProviderError:
    reason = exc.strerror or type(exc).__name__
    found = _ERRNOS.get(exc.errno or 0)
    if found is None:
        return UnknownProviderError(reason)
    kind, hint = found
    return kind(reason, code=errno.errorcode[exc.errno or 0], hint=hint)


def _name(
    exc: ProviderError, op: str, bucket: str | None, key: str | None
) -> None:
    if exc.op is None:
        exc.op, exc.bucket, exc.key = op, bucket, key
        exc.provider = PROVIDER
