# SPDX-License-Identifier: Apache-2.0
"""Copies: one version is read, and written as any other object is."""

from __future__ import annotations

from onespace_core.provider import (
    Conditions,
    IterableBody,
    ObjectReader,
    PutResult,
)
from onespace_file import writer
from onespace_file.store import Bucket


def copy(
    source: ObjectReader,
    bucket: Bucket,
    key: str,
    headers: writer.Headers | None,
    *,
    only: str | None = None,
) -> PutResult:
    """Write what a reader gives; whole or not at all.

    The reader has that version's file open, so that it does not matter
    whether the object is replaced or deleted meanwhile.

    :param source: closed in any case.
    :param headers: what the copy has beside its bytes; None means all that
        the source has.
    :param only: ETag of what the copy may replace; None means anything.
    :raises PreconditionFailed: it would replace something else.
    :raises IntegrityError: the source's bytes are not what its MD5 says; so
        a damaged object is not copied.
    """
    info = source.info
    if headers is None:
        headers = writer.Headers(
            metadata=info.metadata,
            system=info.system,
            content_type=info.content_type,
        )
    with source:
        body = IterableBody(source, size=info.size)
        body.md5 = info.etag
        conditions = Conditions(if_match=only)
        return writer.put(bucket, key, body, headers, conditions)
