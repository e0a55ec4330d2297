# SPDX-License-Identifier: Apache-2.0
"""An object being read from S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from onespace_core.provider import CHUNK_SIZE, ObjectReader
from onespace_s3 import info


def open_reader(
    key: str,
    answer: Mapping[str, Any],
    translated: Callable[[], AbstractContextManager[None]],
) -> ObjectReader:
    """Return a reader over the answer to a GET.

    Closing it before the end drops the connection: what is left may be
    gigabytes.

    :param key: the object's key.
    :param answer: what the SDK answered.
    :param translated: gives a context that turns the SDK's errors into the
        contract's.
    """
    body = answer["Body"]
    try:
        about = info.from_head(key, answer)
        length = int(answer.get("ContentLength", about.size))
    except BaseException:
        body.close()
        raise
    content_range = answer.get("ContentRange")
    return ObjectReader(
        about,
        _chunks(body, translated),
        length=length,
        closer=body.close,
        status=200 if content_range is None else 206,
        content_range=content_range,
    )


def _chunks(
    body: Any, translated: Callable[[], AbstractContextManager[None]]
) -> Iterator[bytes]:
    while True:
        with translated():
            chunk = body.read(CHUNK_SIZE)
        if not chunk:
            return
        yield chunk
