# SPDX-License-Identifier: Apache-2.0
"""The local replicas of container databases."""

from __future__ import annotations

import dataclasses
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, TypeVar

from swift.common.exceptions import LockTimeout
from swift.common.ring import Ring
from swift.common.utils import hash_path, ismount, storage_directory
from swift.common.utils import whataremyips as local_addresses
from swift.container.backend import SHARDED, SHARDING, ContainerBroker

from onespace_core.crawler.rows import Row, row_from_record
from onespace_core.provider.errors import OnespaceError

_T = TypeVar("_T")
#: (Swift's index of names begins with ``deleted``.)
_HELD = "SELECT name FROM object WHERE deleted IN (0, 1) AND name IN ({})"
#: SQLite's oldest limit is 999.
_MOST_ARGUMENTS = 500


class _ReadersBroker(ContainerBroker):  # type: ignore[misc]
    """Swift's access to a container database, for somebody who only reads.

    Swift's own moves a database away that it cannot read. A full disk or a
    limit of our process must not cost a replica of the cluster: whether one
    is rotten, Swift's auditor and servers find out for themselves.
    """

    def quarantine(self, reason: str) -> NoReturn:
        raise sqlite3.DatabaseError(reason)


class DatabaseUnavailableError(OnespaceError):
    """A database exists, but could not be read just now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Located:
    """A container's database on this host.

    :param path: database file; may be one that sharding has renamed.
    :param replicas: how many replicas the ring has for it.
    :param shares: which of them this host holds.
    """

    path: str
    replicas: int
    shares: frozenset[int]


class Locator:
    """Finds the databases that this host holds, by the container ring.

    Handoff copies are not looked for: Swift moves them to their place.

    :param swift_dir: folder of ``container.ring.gz``; the ring is reloaded
        when the file changes.
    :param devices: folder under which devices are mounted.
    :param bind_ip: the address that container servers of this host listen
        on; ``0.0.0.0`` means every address of the host.
    :param mount_check: whether to pass over a device that is not mounted.
    """

    def __init__(
        self,
        swift_dir: str,
        devices: str,
        *,
        bind_ip: str = "0.0.0.0",  # noqa: S104 - a name for "any", not a bind
        mount_check: bool = False,
    ) -> None:
        self._ring = Ring(swift_dir, ring_name="container")
        self._devices = devices
        self._mount_check = mount_check
        self._addresses = frozenset(local_addresses(bind_ip))

    def locate(self, account: str, container: str) -> Located | None:
        """Return the container's database here, or None.

        Makes no request: the ring says which hosts hold a replica, the file
        system whether it is there.
        """
        part, nodes = self._ring.get_nodes(account, container)
        here = [
            (index, node)
            for index, node in enumerate(nodes)
            if node["ip"] in self._addresses
        ]
        if not here:
            return None
        hashed = hash_path(account, container)
        for _index, node in here:
            path = self._path(node["device"], part, hashed)
            if path is not None:
                shares = frozenset(index for index, _node in here)
                return Located(path, len(nodes), shares)
        return None

    def _path(self, device: str, part: int, hashed: str) -> str | None:
        root = os.path.join(self._devices, device)
        if self._mount_check and not ismount(root):
            return None
        folder = os.path.join(
            root, storage_directory("containers", part, hashed)
        )
        path = os.path.join(folder, f"{hashed}.db")
        if os.path.exists(path):
            return path
        # A sharded container's database carries an epoch in its name.
        names = _listdir(folder)
        if any(n.startswith(hashed) and n.endswith(".db") for n in names):
            return path
        return None


def _listdir(folder: str) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return ()


class Database:
    """One replica of a container database, read only.

    (Swift's broker moves updates that wait in the ``.pending`` file into the
    database when it is read; every reader of Swift does so.)

    While a container is being sharded there are two files: one that retires,
    with all rows, and a fresh one. Rows are those of the retiring one. Swift
    copies them to the shards, tombstones too, before it removes the file, and
    moves there what still comes to the fresh one; so what is not read here in
    time is read there.

    :param located: what :meth:`Locator.locate` found.
    """

    def __init__(
        self,
        located: Located,
        account: str,
        container: str,
        logger: logging.Logger,
    ) -> None:
        self.located = located
        self._broker = _ReadersBroker(
            located.path,
            account=account,
            container=container,
            logger=logger,
            stale_reads_ok=True,
        )

    def change_token(self) -> tuple[object, ...]:
        """Return a value that differs after every change; a few stats."""
        files = self._broker.db_files or [self.located.path]
        return tuple(
            _stat(path) for path in (*files, self.located.path + ".pending")
        )

    def identity(self) -> str:
        """Return the id of this replica's database.

        A replica that was rebuilt has another one, and other row numbers.

        :raises DatabaseUnavailableError: it could not be read.
        """
        return str(self._read(lambda: self._rows().get_info())["id"])

    def is_deleted(self) -> bool:
        """Return whether the container was deleted."""
        return bool(self._read(self._broker.is_deleted))

    def is_sharded(self) -> bool:
        """Return whether Swift has moved, or is moving, rows to shards."""
        return self._read(self._broker.get_db_state) in (SHARDING, SHARDED)

    def is_retiring(self) -> bool:
        """Return whether Swift is copying its rows to shards just now."""
        return bool(self._read(self._broker.get_db_state) == SHARDING)

    def shards(self) -> list[tuple[str, str]]:
        """Return account and container of each shard, if it is sharded.

        Of all that are listed and not deleted, whatever their state: new
        rows go to a shard before old ones do.

        :raises DatabaseUnavailableError: it could not be read.
        """
        if not self.is_sharded():
            return []
        ranges = self._read(self._broker.get_shard_ranges)
        return [(each.account, each.container) for each in ranges]

    def holds(self, names: Sequence[str]) -> set[str]:
        """Return those of some names that have a row.

        :raises DatabaseUnavailableError: it could not be read.
        """
        return self._read(lambda: self._holds(names))

    def _holds(self, names: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._rows().get() as connection:
            for start in range(0, len(names), _MOST_ARGUMENTS):
                some = names[start : start + _MOST_ARGUMENTS]
                marks = ", ".join("?" * len(some))
                rows = connection.execute(_HELD.format(marks), some)
                found.update(row[0] for row in rows)
        return found

    def rows_since(self, rowid: int, limit: int) -> list[Row]:
        """Return the next rows in row order, those after ``rowid``.

        :raises DatabaseUnavailableError: it could not be read.
        """
        records = self._read(
            lambda: self._rows().get_items_since(rowid, limit)
        )
        return [row_from_record(record) for record in records]

    def _rows(self) -> ContainerBroker:
        files = self._broker.db_files[-2:]
        if not files:
            return self._broker
        # As Swift's get_brokers() makes them, but for readers. Anew each
        # time: the file may have been replaced.
        return _ReadersBroker(
            files[0],
            account=self._broker.account,
            container=self._broker.container,
            logger=self._broker.logger,
            stale_reads_ok=True,
            force_db_file=True,
            skip_commits=len(files) > 1,
        )

    def _read(self, function: Callable[[], _T]) -> _T:
        try:
            return function()
        except (Exception, LockTimeout) as exc:
            # sqlite3, swift and the file system each raise their own; all
            # mean: not now.
            message = f"cannot read {self.located.path}: {exc!r}"
            raise DatabaseUnavailableError(message) from exc


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size
