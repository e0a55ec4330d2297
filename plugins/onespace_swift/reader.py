# SPDX-License-Identifier: Apache-2.0
"""An answer to GET, as a reader of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator

from onespace_core.provider import ObjectReader
from onespace_swift import headers
from onespace_swift.client import Answer
from onespace_swift.errors import BadAnswer, translate

#: RFC 9110 section 14.4.
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_PARTIAL = 206


def object_reader(
    answer: Answer, *, bucket: str, key: str, ranged: bool
) -> ObjectReader:
    """Return a reader that owns the answer's connection.

    :param ranged: whether a range was asked for.
    :raises BadAnswer: no length, or the range was ignored; the connection
        is dropped.
    """
    try:
        length = headers.number(answer.headers, "content-length")
        if length is None:
            raise BadAnswer("no length")
        if ranged != (answer.status == _PARTIAL):
            raise BadAnswer("the range was ignored")
        content_range = answer.headers.get("content-range")
        size = length
        if ranged:
            match = _CONTENT_RANGE.fullmatch(content_range or "")
            if match is None:
                raise BadAnswer("no range")
            size = int(match[3])
        return ObjectReader(
            headers.object_info(key, answer.headers, size),
            _chunks(answer, bucket, key),
            length=length,
            closer=answer.close,
            status=answer.status,
            content_range=content_range if ranged else None,
        )
    except BaseException:
        answer.close()
        raise


def _chunks(answer: Answer, bucket: str, key: str) -> Iterator[bytes]:
    with translate("get_object", bucket=bucket, key=key):
        yield from answer.chunks()
