# SPDX-License-Identifier: Apache-2.0
"""Reading an object: its description, and the bytes that it names.

A writer puts the new bytes beside the old ones under a name of their own and
then replaces the description, in one step. So whoever has read a description
finds the bytes that belong to it, or finds them gone because there is a newer
description.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from onespace_core.provider import (
    CHUNK_SIZE,
    ByteRange,
    Conditions,
    IntegrityError,
    ObjectNotFound,
    ObjectReader,
    ServiceUnavailable,
    StreamClosed,
)
from onespace_file import rules, tree
from onespace_file.errors import Damaged, translate
from onespace_file.record import Record
from onespace_file.store import Bucket

#: How often an object may be replaced while it is being opened.
_TRIES = 100


def load(bucket: Bucket, key: str) -> Record | None:
    """Return the description of an object; None if there is none.

    :raises Damaged: it is not that of this key.
    """
    path = bucket.names.path(key)
    try:
        with tree.opened(bucket.fd, path.folders) as fd:
            return load_in(fd, path.meta, key)
    except FileNotFoundError:
        return None


def load_in(folder: int, name: bytes, key: str) -> Record:
    """Return a description in an open folder.

    :raises FileNotFoundError: there is none.
    :raises Damaged: it is not that of this key.
    """
    record = Record.from_json(tree.read_file(name, folder))
    if record.key != key:
        raise Damaged(
            "the description is that of another key",
            hint="it was copied by hand, or this file system takes two names"
            " for one: was the bucket copied from another file system?",
        )
    return record


def find(bucket: Bucket, key: str) -> Record:
    """Return the description of an object.

    :raises ObjectNotFound: there is none.
    """
    record = load(bucket, key)
    if record is None:
        raise ObjectNotFound("no such object")
    return record


def open_reader(
    bucket: Bucket,
    key: str,
    byte_range: ByteRange | None,
    conditions: Conditions | None,
) -> ObjectReader:
    """Open an object for reading; see the contract."""
    record, fd = _open(bucket, key, conditions)
    file = open(fd, "rb", buffering=0)  # noqa: SIM115 - the reader closes it
    try:
        length, status, content_range = record.size, 200, None
        if byte_range is not None:
            first, end = rules.resolve(byte_range, record.size)
            length, status = end - first, 206
            content_range = f"bytes {first}-{end - 1}/{record.size}"
            file.seek(first)
    except BaseException:
        file.close()
        raise

    def chunks() -> Iterator[bytes]:
        left = length
        with translate("get_object", bucket.info.name, key):
            while left:
                if file.closed:
                    raise StreamClosed("the reader is closed")
                chunk = file.read(min(left, CHUNK_SIZE))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk

    return ObjectReader(
        record.info(),
        chunks(),
        length=length,
        closer=file.close,
        status=status,
        content_range=content_range,
    )


def _open(
    bucket: Bucket, key: str, conditions: Conditions | None
) -> tuple[Record, int]:
    """Return a description and the open file of its bytes."""
    path = bucket.names.path(key)
    seen: str | None = None
    for _ in range(_TRIES):
        record = find(bucket, key)
        rules.check_read(record, conditions)
        try:
            with tree.opened(bucket.fd, path.folders) as folder:
                fd = tree.open_file(path.data(record.version), folder)
        except FileNotFoundError as exc:
            if record.version == seen:
                raise IntegrityError(
                    "the bytes are missing",
                    hint=f"there is no file {path.data(seen).decode()!a}",
                ) from exc
            seen = record.version
            continue
        size = os.fstat(fd).st_size
        if size != record.size:
            os.close(fd)
            raise IntegrityError(
                f"the file has {size} bytes, the object {record.size}"
            )
        return record, fd
    raise ServiceUnavailable("the object is replaced all the time")
