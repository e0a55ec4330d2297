# SPDX-License-Identifier: Apache-2.0
"""Notes: what was done to a remote container as a whole."""

from __future__ import annotations

from onespace_core.state.file import HERE, StateFile, args_of, marks
from onespace_core.state.model import ContainerKey


class Notes(StateFile):
    """One text for each container and name.

    Notes outlive a mapping that is taken out of the file: when it comes
    back, what was done at the store is still known.
    """

    def note(self, key: ContainerKey, name: str) -> str | None:
        """Return a note, or None."""
        rows = self._execute(
            f"SELECT value FROM note WHERE {HERE} AND name = ?",
            (*args_of(key), name),
        )
        return str(rows[0][0]) if rows else None

    def save_note(
        self, key: ContainerKey, name: str, value: str | None
    ) -> None:
        """Write a note in place of an older one; None removes it."""
        with self._transaction():
            if value is None:
                self._connection.execute(
                    f"DELETE FROM note WHERE {HERE} AND name = ?",
                    (*args_of(key), name),
                )
                return
            self._connection.execute(
                f"INSERT OR REPLACE INTO note VALUES ({marks(5)})",
                (*args_of(key), name, value),
            )

    def notes(self, beginning: str) -> dict[tuple[ContainerKey, str], str]:
        """Return all notes whose names begin so, by container and name."""
        rows = self._execute(
            "SELECT mapping, account, container, name, value FROM note "
            "WHERE substr(name, 1, ?) = ?",
            (len(beginning), beginning),
        )
        return {(ContainerKey(*row[:3]), row[3]): row[4] for row in rows}
