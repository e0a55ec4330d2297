# SPDX-License-Identifier: Apache-2.0
"""Directories, opened one by one from their parent.

Nothing here follows a symbolic link, and no path is longer than one name:
whatever a tree holds, it is not left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Sequence

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

#: Only the owner reads what an application may have kept from others.
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def open_folder(name: bytes, parent: int) -> int:
    """Open a directory of a directory.

    :raises FileNotFoundError: it is not there.
    :raises NotADirectoryError: a file or a symbolic link is.
    """
    return os.open(name, _FOLDER, dir_fd=parent)


def open_file(name: bytes, parent: int, flags: int = os.O_RDONLY) -> int:
    """Open a file of a directory; never waits, as on a pipe."""
    return os.open(name, _FILE | flags, FILE_MODE, dir_fd=parent)


def read_file(name: bytes, parent: int) -> bytes:
    """Return all of a small file."""
    with open(open_file(name, parent), "rb", buffering=0) as file:
        return file.readall()


@contextlib.contextmanager
def opened(top: int, names: Sequence[bytes]) -> Iterator[int]:
    """Give the directory that is reached by names from another one.

    :raises FileNotFoundError: one of them is not there.
    """
    current = os.dup(top)
    try:
        for name in names:
            child = open_folder(name, current)
            os.close(current)
            current = child
        yield current
    finally:
        os.close(current)


class Durable:
    """Makes directories, and knows which ones are on the disk for good.

    Whoever finds a directory cannot know whether its maker has synced the
    parent yet, or was killed before. So each process syncs the parent of
    each directory once, and remembers it.

    :param sync: False: nothing is ever synced.
    """

    #: Directories that are remembered; they are forgotten all at once.
    MOST = 10_000

    def __init__(self, *, sync: bool) -> None:
        self._sync = sync
        self._lock = threading.Lock()
        self._known: set[tuple[int, int, int, bytes]] = set()

    def file(self, descriptor: int) -> None:
        """Wait until a file is on the disk."""
        if self._sync:
            os.fsync(descriptor)

    def folder(self, descriptor: int) -> None:
        """Wait until the names in a directory are on the disk."""
        if not self._sync:
            return
        try:
            os.fsync(descriptor)
        except OSError as exc:
            # Network file systems that do so synchronously say this.
            if exc.errno != errno.EINVAL:
                raise

    @contextlib.contextmanager
    def made(self, top: int, names: Sequence[bytes]) -> Iterator[int]:
        """Give a directory below another one, made where it is missing.

        :raises FileNotFoundError: somebody removes it all the time.
        """
        current = os.dup(top)
        try:
            for name in names:
                child = self._enter(name, current)
                os.close(current)
                current = child
            yield current
        finally:
            os.close(current)

    def _enter(self, name: bytes, parent: int) -> int:
        is_new = False
        try:
            child = open_folder(name, parent)
        except FileNotFoundError:
            is_new = True
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, FOLDER_MODE, dir_fd=parent)
            child = open_folder(name, parent)
        if self._sync:
            try:
                self._remember(name, parent, child, is_new=is_new)
            except BaseException:
                os.close(child)
                raise
        return child

    def _remember(
        self, name: bytes, parent: int, child: int, *, is_new: bool
    ) -> None:
        above, here = os.fstat(parent), os.fstat(child)
        token = (here.st_dev, above.st_ino, here.st_ino, name)
        with self._lock:
            # A new one may well have the inode of one that was removed.
            if token in self._known and not is_new:
                return
        self.folder(parent)
        with self._lock:
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known.add(token)


def prune(top: int, names: Sequence[bytes]) -> None:
    """Remove directories that have become empty, from the last one up.

    A directory in which somebody has just put something is not empty and
    stays; who wanted to finds it gone and makes it again.
    """
    current, depth = os.dup(top), 0
    try:
        for name in names:
            try:
                child = open_folder(name, current)
            except OSError:
                break
            os.close(current)
            current, depth = child, depth + 1
        for name in reversed(names[:depth]):
            parent = os.open(b"..", _FOLDER, dir_fd=current)
            os.close(current)
            current = parent
            os.rmdir(name, dir_fd=current)
    except OSError:
        pass  # not empty, or not ours to remove: it stays
    finally:
        os.close(current)
