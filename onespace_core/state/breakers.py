# SPDX-License-Identifier: Apache-2.0
"""What a breaker of deletions has seen, and whether it has tripped."""

from __future__ import annotations

from collections.abc import Mapping

from onespace_core.state.file import StateFile, args_of, marks
from onespace_core.state.model import ContainerKey

_WAITING = "mapping = ? AND kind = 'waiting' AND deleted = 1"


class Breakers(StateFile):
    """Deletions counted by container and slot of time, for each mapping."""

    def breaker_tripped(self) -> dict[str, tuple[str, float]]:
        """Return the mappings whose deletions are paused.

        :returns: reason, and since when (seconds since the epoch).
        """
        rows = self._execute(
            "SELECT mapping, reason, tripped FROM breaker "
            "WHERE tripped IS NOT NULL"
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def granted_deletions(self, mapping: str) -> int:
        """Return how many deletions go through whatever the limits say."""
        rows = self._execute(
            "SELECT granted FROM breaker WHERE mapping = ?", (mapping,)
        )
        return int(rows[0][0]) if rows else 0

    def deletions(self, mapping: str) -> dict[tuple[ContainerKey, int], int]:
        """Return what was counted: by container and beginning of a slot."""
        rows = self._execute(
            "SELECT mapping, account, container, slot, count FROM deletions "
            "WHERE mapping = ?",
            (mapping,),
        )
        return {(ContainerKey(*row[:3]), row[3]): row[4] for row in rows}

    def save_deletions(
        self,
        mapping: str,
        counts: Mapping[tuple[ContainerKey, int], int],
        granted: int,
        *,
        span: tuple[int, int],
        tripped: tuple[str, float] | None = None,
    ) -> None:
        """Save what was counted, and whether that was too much.

        :param counts: those that changed; they replace what was saved.
        :param span: first and last slot that matter; others are dropped.
        :param tripped: reason, and when.
        """
        reason, when = tripped or ("", None)
        with self._transaction(durable=tripped is not None):
            self._connection.executemany(
                f"INSERT OR REPLACE INTO deletions VALUES ({marks(5)})",
                [
                    (*args_of(key), slot, count)
                    for (key, slot), count in counts.items()
                ],
            )
            self._connection.execute(
                "DELETE FROM deletions WHERE mapping = ? "
                "AND slot NOT BETWEEN ? AND ?",
                (mapping, *span),
            )
            self._connection.execute(
                f"INSERT OR REPLACE INTO breaker VALUES ({marks(4)})",
                (mapping, granted, when, reason),
            )

    def waiting_deletions(self, mapping: str) -> int:
        """Return how many deletions wait in the ledger."""
        rows = self._execute(
            f"SELECT count(*) FROM ledger WHERE {_WAITING}", (mapping,)
        )
        return int(rows[0][0])

    def resume_deletions(self, mapping: str, now: float) -> int | None:
        """Let the deletions that wait go through, and count anew.

        What waits now is granted beyond the limits: counted again it would
        trip the breaker at once. It becomes due now.

        :returns: how many are granted; None if the breaker has not tripped,
            and nothing was changed.
        """
        with self._transaction(durable=True):
            if not self._connection.execute(
                "SELECT 1 FROM breaker WHERE mapping = ? "
                "AND tripped IS NOT NULL",
                (mapping,),
            ).fetchall():
                return None
            granted = self._connection.execute(
                f"UPDATE ledger SET due = ? WHERE {_WAITING}", (now, mapping)
            ).rowcount
            self._connection.execute(
                "DELETE FROM deletions WHERE mapping = ?", (mapping,)
            )
            self._connection.execute(
                "UPDATE breaker SET granted = ?, tripped = NULL, reason = '' "
                "WHERE mapping = ?",
                (granted, mapping),
            )
        return granted
