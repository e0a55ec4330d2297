# SPDX-License-Identifier: Apache-2.0
"""Multipart uploads that were begun, so that none is left at a store."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from onespace_core.state.file import HERE, StateFile, args_of, marks
from onespace_core.state.model import ContainerKey, Upload

_COLUMNS = "name, version, key, upload_id, started, bucket"
_ONE = f"{HERE} AND name = ? AND upload_id = ?"


class Uploads(StateFile):
    """Open uploads; each stays until it is dropped by name.

    A store keeps, and charges for, the parts of an upload that nobody ends.
    So what is here goes only through :meth:`drop_upload`, which is called
    after the upload was completed or aborted: it outlives a cursor that is
    reset and a container that is forgotten.
    """

    def save_upload(self, key: ContainerKey, upload: Upload) -> None:
        """Note an upload that was begun, with the parts it has.

        Another one of that name stays beside it, to be aborted. It is on the
        disk when this returns.
        """
        with self._transaction(durable=True):
            self._drop(key, upload.name, upload.upload_id)
            number = self._connection.execute(
                f"INSERT INTO upload (mapping, account, container, "
                f"{_COLUMNS}) VALUES ({marks(9)})",
                (
                    *args_of(key),
                    upload.name,
                    upload.version,
                    upload.key,
                    upload.upload_id,
                    upload.started,
                    upload.bucket,
                ),
            ).lastrowid
            self._connection.executemany(
                f"INSERT INTO part VALUES ({marks(4)})",
                [(number, *part) for part in upload.parts],
            )

    def add_part(
        self,
        key: ContainerKey,
        name: str,
        upload_id: str,
        *,
        number: int,
        size: int,
        md5: str,
    ) -> None:
        """Note a part that the store has; one sent again replaces it.

        Cheap: a power cut may undo it, and costs sending the part again.
        Does nothing if the upload was dropped.
        """
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO part SELECT id, ?, ?, ? FROM upload "
                f"WHERE {_ONE}",
                (number, size, md5, *args_of(key), name, upload_id),
            )

    def open_upload(self, key: ContainerKey, name: str) -> Upload | None:
        """Return the upload of a name that was begun last, if any."""
        rows = self._execute(
            f"SELECT id, {_COLUMNS} FROM upload WHERE {HERE} AND name = ? "
            "ORDER BY started DESC, id DESC LIMIT 1",
            (*args_of(key), name),
        )
        return self._upload(rows[0]) if rows else None

    def open_uploads(self, mapping: str) -> list[tuple[ContainerKey, Upload]]:
        """Return all uploads of a mapping, the oldest first."""
        rows = self._execute(
            f"SELECT mapping, account, container, id, {_COLUMNS} "
            "FROM upload WHERE mapping = ? ORDER BY started, id",
            (mapping,),
        )
        return [
            (ContainerKey(*row[:3]), self._upload(row[3:])) for row in rows
        ]

    def stray_uploads(
        self, mappings: Set[str]
    ) -> list[tuple[ContainerKey, Upload]]:
        """Return the uploads of mappings that are no longer configured.

        Nobody here has the credentials to abort them; they are named to the
        operator, and kept in case the mapping comes back.
        """
        return [
            found
            for (name,) in self._execute("SELECT DISTINCT mapping FROM upload")
            if name not in mappings
            for found in self.open_uploads(name)
        ]

    def drop_upload(
        self, key: ContainerKey, name: str, upload_id: str
    ) -> None:
        """Forget an upload that was completed or aborted."""
        with self._transaction():
            self._drop(key, name, upload_id)

    def _drop(self, key: ContainerKey, name: str, upload_id: str) -> None:
        where = (*args_of(key), name, upload_id)
        self._connection.execute(
            "DELETE FROM part WHERE upload IN "
            f"(SELECT id FROM upload WHERE {_ONE})",
            where,
        )
        self._connection.execute(f"DELETE FROM upload WHERE {_ONE}", where)

    def _upload(self, row: tuple[Any, ...]) -> Upload:
        number, name, version, key, upload_id, started, bucket = row
        parts = self._execute(
            "SELECT number, size, md5 FROM part WHERE upload = ? "
            "ORDER BY number",
            (number,),
        )
        return Upload(
            name=name,
            version=version,
            key=key,
            upload_id=upload_id,
            started=started,
            parts=tuple((part[0], part[1], part[2]) for part in parts),
            bucket=bucket,
        )
