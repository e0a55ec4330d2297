# SPDX-License-Identifier: Apache-2.0
"""The SQLite file that all parts of the state share."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onespace_core.state.model import ContainerKey
from onespace_core.state.schema import (
    DURABLE,
    USUAL,
    Access,
    StateError,
    advice,
    is_operational,
    open_database,
)

#: Condition on the three columns that name a container of a mapping; see
#: :func:`args_of`.
HERE = "mapping = ? AND account = ? AND container = ?"


class StateFile:
    """One connection to one file; what is kept in it is said by subclasses.

    Use it from one thread. A file that SQLite cannot read is renamed by its
    owner to ``<file>.corrupt-<time>`` and a new one is begun: everything is
    then compared again, and the log says so.

    :param path: the file; its folder must exist.
    :param logger: where a corrupt file is reported.
    :param read_only: for status: never creates nor changes anything.
    :param access: the same, in more detail.
    :raises StateError: the file can be neither opened nor set aside, or was
        written by a newer version.
    """

    def __init__(
        self,
        path: str,
        logger: logging.Logger,
        *,
        read_only: bool = False,
        access: Access | None = None,
    ) -> None:
        if access is None:
            access = Access.READER if read_only else Access.OWNER
        self.path = path
        self._logger = logger
        #: Where a corrupt file was put, if one was found.
        self.set_aside: str | None = None
        try:
            self._connection = open_database(path, access)
        except sqlite3.DatabaseError as exc:
            if access is not Access.OWNER or is_operational(exc):
                raise StateError(advice(path, exc)) from exc
            self._set_aside(exc)
            try:
                self._connection = open_database(path, access)
            except sqlite3.Error as again:
                raise StateError(advice(path, again)) from again
        #: The file that we have open; a reader of an old one has a copy.
        self._opened = None if access is Access.READER else _identity(path)

    def _set_aside(self, cause: Exception) -> None:
        aside = f"{self.path}.corrupt-{time.strftime('%Y%m%dT%H%M%S')}"
        try:
            os.replace(self.path, aside)
            for suffix in ("-wal", "-shm"):
                if os.path.exists(self.path + suffix):
                    os.replace(self.path + suffix, aside + suffix)
        except OSError as exc:
            raise StateError(advice(self.path, exc)) from exc
        self.set_aside = aside
        self._logger.error(
            "the state file %s is corrupt (%s); it is now %s, and every "
            "container is compared again from its first row",
            self.path,
            cause,
            aside,
        )

    def close(self) -> None:
        """Close the file; twice is fine."""
        self._connection.close()

    def _execute(
        self, sql: str, args: tuple[object, ...] = ()
    ) -> list[tuple[Any, ...]]:
        # Rows are read here: a damaged page is found while they are.
        try:
            return self._connection.execute(sql, args).fetchall()
        except sqlite3.Error as exc:
            raise StateError(advice(self.path, exc)) from exc

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Write all or nothing.

        :param durable: whether a power cut must not undo it; costs a wait
            for the disk.
        :raises StateError: nothing was written; or it was, into a file that
            nobody will find again.
        """
        self._require_name()
        try:
            if durable:
                self._connection.execute(f"PRAGMA synchronous = {DURABLE}")
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield
            finally:
                if durable:
                    self._connection.execute(f"PRAGMA synchronous = {USUAL}")
        except sqlite3.Error as exc:
            raise StateError(advice(self.path, exc)) from exc
        if durable:
            self._require_name()

    def _require_name(self) -> None:
        """Refuse to write to a file that has lost its name.

        Who deletes the file of a program that runs does not stop it: it
        would go on to write receipts that are gone when it ends.
        """
        if self._opened is not None and _identity(self.path) != self._opened:
            message = (
                f"the state file {self.path} was deleted or replaced while "
                "it was in use; restart onespace-sync, which then compares "
                "everything again from the first row"
            )
            raise StateError(message)


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from another of that name; None: no file."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def args_of(key: ContainerKey) -> tuple[str, str, str]:
    """Return the values for :data:`HERE`."""
    return key.mapping, key.account, key.container


def marks(count: int) -> str:
    """Return that many placeholders."""
    return ", ".join("?" * count)
