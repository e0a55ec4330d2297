# SPDX-License-Identifier: Apache-2.0
"""The folder, its buckets, and the locks of a bucket.

::

    FOLDER/.onespace-store      made by an operator: this is the store
    FOLDER/photos/              a bucket
    FOLDER/photos/%bucket       its name, and how names are written in it
    FOLDER/photos/%lock/00-3f   locks of keys, by hash; never removed
    FOLDER/photos/%tmp/         what is being written
    FOLDER/photos/2026/...      objects, see ``names``

The folder is opened anew by each operation, so that a disk that is unmounted
or mounted meanwhile is noticed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from onespace_core.provider import (
    BucketInfo,
    BucketNotFound,
    InvalidRequest,
    ServiceUnavailable,
)
from onespace_file import names, tree
from onespace_file.errors import Damaged

MARKER = b".onespace-store"

#: Made with the bucket, so that a full disk does not keep anybody from
#: deleting.
LOCK_NAMES = tuple(f"{number:02x}".encode() for number in range(64))

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket while an operation uses it.

    :param info: its name and what was said when it was made.
    :param fd: its folder.
    :param marker: its ``%bucket`` file, on which writers hold a shared lock.
    :param names: how keys are written in it.
    :param durable: makes what is written last.
    """

    info: BucketInfo
    fd: int
    marker: int
    names: names.Names
    durable: tree.Durable

    @contextlib.contextmanager
    def temp(self) -> Iterator[int]:
        """Give the folder for what is being written."""
        with tree.opened(self.fd, [names.TEMP]) as fd:
            yield fd

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Be the only one, of all processes, who changes a key.

        Held for some renames only, never while bytes move, and never by a
        greenthread that gives way. Kept by the kernel (flock(2)), so a
        killed process leaves none behind.

        :raises BucketNotFound: it was removed meanwhile.
        """
        fcntl.flock(self.marker, fcntl.LOCK_SH)
        if not os.fstat(self.marker).st_nlink:
            raise BucketNotFound("the bucket was deleted")
        lock_name = LOCK_NAMES[zlib.crc32(key.encode()) % len(LOCK_NAMES)]
        with tree.opened(self.fd, [names.LOCKS]) as locks:
            lock = tree.open_file(lock_name, locks, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class Store:
    """A folder with buckets.

    :param folder: its path; may be a symbolic link.
    :param sync: whether what is written is on the disk before it is done.
    """

    def __init__(self, folder: str, *, sync: bool) -> None:
        self.folder = folder
        self.durable = tree.Durable(sync=sync)

    @contextlib.contextmanager
    def root(self) -> Iterator[int]:
        """Give the folder.

        :raises ServiceUnavailable: it is not there, or is not the store.
        """
        try:
            fd = os.open(self.folder, _FOLDER)
        except FileNotFoundError as exc:
            raise _not_mounted("there is no such folder") from exc
        try:
            _check_marker(fd)
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def bucket(self, name: str | None) -> Iterator[Bucket]:
        """Give a bucket.

        :raises BucketNotFound: it is not there.
        :raises InvalidRequest: no name was given or set.
        """
        folder = folder_of(name)
        with self.root() as root, contextlib.ExitStack() as stack:
            try:
                fd = tree.open_folder(folder, root)
                stack.callback(os.close, fd)
                marker = tree.open_file(names.BUCKET, fd)
            except FileNotFoundError as exc:
                raise BucketNotFound("no such bucket") from exc
            file = stack.enter_context(open(marker, "rb", buffering=0))
            info, naming = from_marker(file.readall())
            if info.name != name:
                raise Damaged("the bucket's file %bucket has another name")
            try:
                yield Bucket(
                    info=info,
                    fd=fd,
                    marker=marker,
                    names=naming,
                    durable=self.durable,
                )
            except FileNotFoundError as exc:
                if os.fstat(marker).st_nlink:
                    raise
                raise BucketNotFound("the bucket was deleted") from exc


def _check_marker(root: int) -> None:
    try:
        os.stat(MARKER, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError as exc:
        raise _not_mounted(f"it has no file {MARKER.decode()}") from exc


def _not_mounted(reason: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"the store's folder is not there: {reason}",
        hint="mount its disk; if it is to be a new store, make the folder and"
        f" an empty file {MARKER.decode()} in it",
    )


def folder_of(name: str | None) -> bytes:
    """Return the name of a bucket's folder.

    Buckets are written as if names were folded: what the root does is not
    known before there is a bucket.

    :raises InvalidRequest: no bucket can have that name.
    """
    if not name:
        raise InvalidRequest("no bucket was given")
    try:
        folder = names.Names(folded=True).single(name)
    except UnicodeEncodeError as exc:
        raise InvalidRequest("the bucket's name has surrogates") from exc
    if folder is None or "/" in name:
        raise InvalidRequest(
            f"no bucket can be called {name!a}",
            hint=f"it has a slash, or is longer than {names.LONGEST} bytes"
            " as it is written on the disk",
        )
    return folder


def to_marker(
    name: str, metadata: Mapping[str, str] | None, *, folded: bool
) -> bytes:
    """Return what a ``%bucket`` file says of a bucket that is made now."""
    document = {
        "name": name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(),
        "folded": folded,
        "metadata": dict(metadata or {}),
    }
    return f"{json.dumps(document, indent=1)}\n".encode()


def from_marker(data: bytes) -> tuple[BucketInfo, names.Names]:
    """Return what a ``%bucket`` file says.

    :raises Damaged: it cannot be understood; to guess how names are written
        would be to miss objects.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        created = datetime.datetime.fromisoformat(document["created"])
        info = BucketInfo(
            name=document["name"],
            created=created.astimezone(datetime.UTC),
            metadata=dict(document["metadata"]),
        )
        return info, names.Names(folded=bool(document["folded"]))
    except (ValueError, KeyError, TypeError) as exc:
        raise Damaged(
            "the bucket's file %bucket cannot be read",
            hint="restore it from a backup",
        ) from exc
