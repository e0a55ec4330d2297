# SPDX-License-Identifier: Apache-2.0
"""Receipts: what lets a local object be deleted, and says that we did."""

from __future__ import annotations

from collections.abc import Set

from onespace_core.state.file import HERE, StateFile, args_of, marks
from onespace_core.state.model import ContainerKey, Receipt

_COLUMNS = "name, timestamp, etag, size, remote_etag, verified, deleted"


class Receipts(StateFile):
    """One receipt for each name of a container; the newest.

    Receipts outlive everything else: a tombstone that is read again, because
    a cursor was reset or a container came back, is told by its receipt from
    the deletion of a client. So neither :meth:`StateStore.forget` nor
    :meth:`StateStore.keep_only` touches them; :meth:`prune_receipts` does.
    """

    def save_receipt(self, key: ContainerKey, receipt: Receipt) -> None:
        """Save a receipt in place of an older one of that name.

        It is on the disk when this returns, and a power cut does not undo
        it: otherwise the local object could be gone and the receipt as well,
        and the remote copy, then the only one, would be deleted for a
        tombstone that nobody knows as ours.

        :raises StateError: it was not saved; delete nothing.
        """
        with self._transaction(durable=True):
            self._connection.execute(
                "INSERT OR REPLACE INTO receipt (mapping, account, "
                f"container, {_COLUMNS}) VALUES ({marks(10)})",
                (
                    *args_of(key),
                    receipt.name,
                    receipt.timestamp,
                    receipt.etag,
                    receipt.size,
                    receipt.remote_etag,
                    receipt.verified,
                    receipt.deleted,
                ),
            )

    def receipt(self, key: ContainerKey, name: str) -> Receipt | None:
        """Return the receipt of a name, if there is one."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM receipt WHERE {HERE} AND name = ?",
            (*args_of(key), name),
        )
        return Receipt(*rows[0]) if rows else None

    def drop_receipt(self, key: ContainerKey, name: str) -> None:
        """Drop a receipt: the copy that it speaks of is gone."""
        with self._transaction(durable=True):
            self._connection.execute(
                f"DELETE FROM receipt WHERE {HERE} AND name = ?",
                (*args_of(key), name),
            )

    def receipts_made(self, key: ContainerKey) -> int:
        """Return for how many names of a container there is a receipt."""
        rows = self._execute(
            f"SELECT count(*) FROM receipt WHERE {HERE}", args_of(key)
        )
        return int(rows[0][0])

    def prune_receipts(self, before: float, mappings: Set[str]) -> int:
        """Drop receipts that no tombstone can ask for any more.

        :param before: seconds since the epoch; longer ago than Swift keeps
            tombstones (``reclaim_age``, a week by default) and than a node
            may be away and come back with them.
        :param mappings: those that are configured. Of the others a receipt
            of an object that we have not deleted goes too, once it is so
            old.
        :returns: how many were dropped.
        """
        with self._transaction():
            cursor = self._connection.execute(
                "DELETE FROM receipt WHERE deleted < ?", (before,)
            )
            dropped = cursor.rowcount
            for (mapping,) in self._connection.execute(
                "SELECT DISTINCT mapping FROM receipt"
            ).fetchall():
                if mapping not in mappings:
                    dropped += self._connection.execute(
                        "DELETE FROM receipt WHERE mapping = ? "
                        "AND deleted IS NULL AND verified < ?",
                        (mapping, before),
                    ).rowcount
        return dropped
