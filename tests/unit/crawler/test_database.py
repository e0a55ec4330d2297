# SPDX-License-Identifier: Apache-2.0
"""Reading container databases, and leaving them where they are."""

from __future__ import annotations

import logging
import pathlib
import sqlite3

import pytest
from swift.common.utils import Timestamp
from swift.container.backend import ContainerBroker

from onespace_core.crawler.database import (
    Database,
    DatabaseUnavailableError,
    Located,
)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A database where Swift has it: quarantine is five folders above."""
    folder = tmp_path / "device" / "containers" / "1" / "abc" / "hash"
    path = folder / "hash.db"
    broker = ContainerBroker(str(path), account="a", container="c")
    broker.initialize(Timestamp("1000000000").internal, 0)
    broker.put_object(
        "name", Timestamp("1000000001").internal, 3, "text/plain", "etag"
    )
    broker.get_info()
    return path


def _database(path: pathlib.Path) -> Database:
    located = Located(str(path), 1, frozenset({0}))
    return Database(located, "a", "c", logging.getLogger("test"))


def test_rows_are_read(path: pathlib.Path) -> None:
    assert [row.name for row in _database(path).rows_since(-1, 10)] == ["name"]


@pytest.mark.parametrize("error", ["disk I/O error", "malformed database"])
def test_a_database_that_cannot_be_read_stays_where_it_is(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    text = "database disk image is malformed" if "mal" in error else error
    database = _database(path)

    def fail(*_arguments: object) -> None:
        raise sqlite3.DatabaseError(text)

    monkeypatch.setattr(ContainerBroker, "_commit_puts_stale_ok", fail)
    monkeypatch.setattr(
        "swift.common.db.GreenDBConnection.execute", fail, raising=True
    )
    with pytest.raises(DatabaseUnavailableError):
        database.rows_since(-1, 10)
    assert path.exists()


def test_a_rotten_database_stays_where_it_is(path: pathlib.Path) -> None:
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(DatabaseUnavailableError):
        _database(path).rows_since(-1, 10)
    assert path.exists()
