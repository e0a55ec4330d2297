# SPDX-License-Identifier: Apache-2.0
"""Writing: everything is prepared aside, and one rename makes it so.

PUT, in this order; each step is on the disk before the next one begins::

    1  %tmp/NAME.data           the bytes, read to their end and verified
    2  %tmp/NAME.meta           the description, which names these bytes
    3  .../stem%vNAME           the bytes are moved beside the object
    4  .../stem%meta            the description replaces the old one: done
    5  .../stem%vOLD            the old bytes are removed

POST is 2 and 4 with a description that names the same bytes; DELETE moves the
description away. Whatever stops a writer, there is the old object or the new.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import hashlib
import os
import secrets
from collections.abc import Mapping

from onespace_core.provider import (
    CHUNK_SIZE,
    Body,
    Conditions,
    ConnectionFailed,
    IntegrityError,
    PutResult,
    ServiceUnavailable,
    Stream,
)
from onespace_file import rules, tree
from onespace_file.errors import Damaged
from onespace_file.names import ObjectPath
from onespace_file.reader import find, load
from onespace_file.record import DEFAULT_TYPE, Record
from onespace_file.store import Bucket
from onespace_file.temp import Temp, noted, write_all

#: How often a directory may be removed while something is put there.
_TRIES = 100


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Headers:
    """What a request says of an object beside its bytes, checked."""

    metadata: Mapping[str, str]
    system: Mapping[str, str]
    content_type: str | None

    @classmethod
    def checked(
        cls,
        metadata: Mapping[str, str] | None,
        system: Mapping[str, str] | None,
        content_type: str | None,
    ) -> Headers:
        """Return them with names in lower case.

        :raises InvalidRequest: they cannot be kept.
        """
        made = cls(
            metadata=rules.lowered(metadata),
            system=rules.lowered(system),
            content_type=content_type,
        )
        rules.check_headers(made.metadata, made.system)
        return made


def put(
    bucket: Bucket,
    key: str,
    body: Body,
    headers: Headers,
    conditions: Conditions | None,
) -> PutResult:
    """Write an object; see the contract."""
    # Once before the bytes are read, once when nobody else may write.
    _check_write(bucket, key, conditions)
    with bucket.temp() as folder, Temp(bucket, folder) as temp:
        size, md5 = _receive(body, temp)
        temp.describe(
            Record(
                key=key,
                version=temp.version,
                size=size,
                md5=md5,
                modified=datetime.datetime.now(datetime.UTC),
                content_type=headers.content_type or DEFAULT_TYPE,
                metadata=headers.metadata,
                system=headers.system,
            )
        )
        with bucket.locked(key):
            old = _check_write(bucket, key, conditions)
            with noted(bucket, folder, old) as note:
                path = bucket.names.path(key)
                _commit(bucket, path, temp)
                if old and note and not _drop(bucket, path, old):
                    note.keep()
    return PutResult(etag=md5)


def _check_write(
    bucket: Bucket, key: str, conditions: Conditions | None
) -> Record | None:
    try:
        old = load(bucket, key)
    except Damaged as exc:
        # Of another key: writing would destroy that one. Unreadable: to
        # write anew is what mends it, unless it matters what is there.
        if exc.__cause__ is None or conditions not in (None, Conditions()):
            raise
        old = None
    rules.check_write(old, conditions)
    return old


def _receive(body: Body, temp: Temp) -> tuple[int, str]:
    """Write all bytes of a body aside; return their number and MD5.

    :raises IntegrityError: they are not what was promised.
    """
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    with contextlib.closing(body.open()) as stream, temp.bytes_file() as file:
        while chunk := _read(stream):
            size += len(chunk)
            if body.size is not None and size > body.size:
                raise IntegrityError("the body is longer than it promised")
            digest.update(chunk)
            write_all(file, chunk)
        if body.size is not None and size < body.size:
            raise IntegrityError("the body is shorter than it promised")
        if body.md5 is not None and body.md5.lower() != digest.hexdigest():
            raise IntegrityError("the body does not have the promised MD5")
    return size, digest.hexdigest()


def _read(stream: Stream) -> bytes:
    try:
        return stream.read(CHUNK_SIZE)
    except OSError as exc:
        # Not this store's: it must not look like a full disk here.
        raise ConnectionFailed("the body cannot be read") from exc


def _commit(bucket: Bucket, path: ObjectPath, temp: Temp) -> None:
    """Move bytes and description into place: steps 3 and 4."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            _commit_once(bucket, path, temp)
            return
    raise ServiceUnavailable("the object's folder is removed all the time")


def _commit_once(bucket: Bucket, path: ObjectPath, temp: Temp) -> None:
    """Try once.

    :raises FileNotFoundError: a directory was removed, because it became
        empty, between being opened and being used; nothing was moved.
    """
    durable = bucket.durable
    try:
        with durable.made(bucket.fd, path.folders) as folder:
            _move(temp.folder, temp.data, folder, path.data(temp.version))
            try:
                durable.folder(folder)
                _move(temp.folder, temp.meta, folder, path.meta)
            except OSError as exc:
                if not _take_back(folder, path, temp.version):
                    temp.keep()
                if isinstance(exc, FileNotFoundError):
                    raise ServiceUnavailable("a file was taken away") from exc
                raise
            durable.folder(folder)
    except BaseException:
        tree.prune(bucket.fd, path.folders)
        raise


def _take_back(folder: int, path: ObjectPath, version: str) -> bool:
    """Remove bytes again unless the description may have been replaced.

    A network file system may have done what it reports as failed.

    :returns: whether it is certain that no useless bytes are left.
    """
    with contextlib.suppress(OSError, Damaged):
        try:
            text = tree.read_file(path.meta, folder)
            if Record.from_json(text).version == version:
                return True
        except FileNotFoundError:
            pass
        os.unlink(path.data(version), dir_fd=folder)
        return True
    return False


def _move(source: int, name: bytes, target: int, new_name: bytes) -> None:
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def _drop(bucket: Bucket, path: ObjectPath, old: Record) -> bool:
    """Remove bytes that no description names any more; never fails.

    Says nothing to a log: a greenthread may give way there, and the key's
    lock is held, for which another one of this process would wait for ever.

    :returns: False: they are there, and a cleaner has to remove them.
    """
    try:
        with tree.opened(bucket.fd, path.folders) as folder:
            os.unlink(path.data(old.version), dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def post(bucket: Bucket, key: str, headers: Headers) -> None:
    """Replace an object's description; see the contract."""
    find(bucket, key)
    with (
        bucket.temp() as folder,
        Temp(bucket, folder) as temp,
        bucket.locked(key),
    ):
        old = find(bucket, key)
        temp.describe(
            dataclasses.replace(
                old,
                modified=datetime.datetime.now(datetime.UTC),
                content_type=headers.content_type or old.content_type,
                metadata=headers.metadata,
                system=headers.system,
            )
        )
        path = bucket.names.path(key)
        with tree.opened(bucket.fd, path.folders) as there:
            _move(folder, temp.meta, there, path.meta)
            bucket.durable.folder(there)


def delete(bucket: Bucket, key: str) -> bool:
    """Delete an object; return whether it was there."""
    if load(bucket, key) is None:
        return False
    path = bucket.names.path(key)
    with bucket.temp() as folder, bucket.locked(key):
        old = load(bucket, key)
        if old is None:
            return False
        note = f"{secrets.token_hex(8)}.meta".encode()
        with tree.opened(bucket.fd, path.folders) as there:
            _remove_meta(path, there, folder, note)
            bucket.durable.folder(there)
        if _drop(bucket, path, old):
            with contextlib.suppress(OSError):
                os.unlink(note, dir_fd=folder)
    tree.prune(bucket.fd, path.folders)
    return True


def _remove_meta(path: ObjectPath, there: int, temp: int, note: bytes) -> None:
    """Take the description away; it becomes the note of its bytes."""
    try:
        _move(there, path.meta, temp, note)
    except OSError as exc:
        # To move may need room in the folder; to delete must not.
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        os.unlink(path.meta, dir_fd=there)
