# SPDX-License-Identifier: Apache-2.0
"""What is being written, and what a killed process leaves of it.

A write has a name of its own, 16 hexadecimal digits. Its description
``%tmp/NAME.meta`` is made first and removed (or becomes the object's) last;
whoever writes it holds a lock on it (flock(2)), which ends with the process.
The bytes are ``%tmp/NAME.data`` until they are moved beside the object.

So a description without a lock is what a killed process left, and says which
file of bytes may be in the tree without an object that refers to it. The
same kind of file notes the bytes of an object that is being replaced or
deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from typing import Self

from onespace_core.provider import BucketNotFound, ProviderError
from onespace_file import tree
from onespace_file.errors import Damaged
from onespace_file.reader import load
from onespace_file.record import Record
from onespace_file.store import Bucket

_NAME = re.compile(r"([0-9a-f]{16})\.(meta|data)")
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL


class Temp:
    """The files of one write; removed at its end unless they were moved.

    :param bucket: where it writes.
    :param folder: its ``%tmp``, open.

    :ivar version: the write's name.
    :ivar meta: name of the description.
    :ivar data: name of the bytes.
    """

    def __init__(self, bucket: Bucket, folder: int) -> None:
        self.folder = folder
        self._durable = bucket.durable
        self._is_kept = False
        self._meta = -1
        while self._meta < 0:
            self.version = secrets.token_hex(8)
            self.meta = f"{self.version}.meta".encode()
            self.data = f"{self.version}.data".encode()
            self._meta = self._make_meta()

    def _make_meta(self) -> int:
        """Return the description, locked; -1 if a cleaner was quicker."""
        fd = tree.open_file(self.meta, self.folder, _NEW)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return fd
        except BaseException:
            os.close(fd)
            self._unlink(self.meta)
            raise
        os.close(fd)
        return -1

    @contextlib.contextmanager
    def bytes_file(self) -> Iterator[int]:
        """Give the file for the bytes; at the end it is on the disk."""
        fd = tree.open_file(self.data, self.folder, _NEW)
        try:
            yield fd
            self._durable.file(fd)
        finally:
            os.close(fd)

    def describe(self, record: Record) -> None:
        """Write the description; after that it is on the disk."""
        self.note(record)
        self._durable.file(self._meta)

    def note(self, record: Record) -> None:
        """Write a description that is of use only to a cleaner."""
        write_all(self._meta, record.to_json())

    def keep(self) -> None:
        """Leave the description: a cleaner shall remove bytes by it."""
        self._is_kept = True

    def _unlink(self, name: bytes) -> None:
        # A full or failing disk must not hide the first error.
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._unlink(self.data)
        if not self._is_kept:
            self._unlink(self.meta)
        os.close(self._meta)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes, which write(2) may do in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextlib.contextmanager
def noted(
    bucket: Bucket, folder: int, old: Record | None
) -> Iterator[Temp | None]:
    """While the block replaces an object, note that its bytes may stay.

    If the block fails after it has replaced the object, the note is kept.
    """
    if old is None:
        yield None
        return
    with Temp(bucket, folder) as note:
        note.note(old)
        try:
            yield note
        except BaseException:
            if not _is_current(bucket, old):
                note.keep()
            raise


def _is_current(bucket: Bucket, record: Record) -> bool:
    try:
        current = load(bucket, record.key)
    except (OSError, ProviderError):
        return False
    return current is not None and current.version == record.version


def clean(bucket: Bucket) -> int:
    """Remove what killed processes left; return how many writes that were.

    What is still being written is left alone, whoever writes it.
    """
    count = 0
    with bucket.temp() as folder:
        for name in os.listdir(folder):
            found = _NAME.fullmatch(name)
            if found is None:
                continue
            if found[2] == "meta":
                count += _clean_write(bucket, folder, found[1])
            elif f"{found[1]}.meta" not in os.listdir(folder):
                count += _remove(folder, name.encode())
    return count


def _clean_write(bucket: Bucket, folder: int, version: str) -> bool:
    meta = f"{version}.meta".encode()
    try:
        fd = tree.open_file(meta, folder, os.O_RDWR)
    except FileNotFoundError:
        return False
    with open(fd, "rb", buffering=0) as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with contextlib.suppress(Damaged, BucketNotFound):
            # Damaged: killed before the bytes were moved.
            _drop_bytes(bucket, Record.from_json(file.readall()))
        _remove(folder, f"{version}.data".encode())
        return _remove(folder, meta)


def _remove(folder: int, name: bytes) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _drop_bytes(bucket: Bucket, left: Record) -> None:
    """Remove the bytes of a description unless the object refers to them."""
    path = bucket.names.path(left.key)
    with bucket.locked(left.key):
        current = load(bucket, left.key)
        if current is not None and current.version == left.version:
            return
        with (
            contextlib.suppress(FileNotFoundError),
            tree.opened(bucket.fd, path.folders) as fd,
        ):
            os.unlink(path.data(left.version), dir_fd=fd)
        tree.prune(bucket.fd, path.folders)
