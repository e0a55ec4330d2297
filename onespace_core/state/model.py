# SPDX-License-Identifier: Apache-2.0
"""What the state store holds, as immutable values."""

from __future__ import annotations

import dataclasses
import enum


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerKey:
    """Whose progress it is: one container of one mapping.

    Keyed by the mapping's name, so that two mappings of one container
    progress independently.
    """

    mapping: str
    account: str
    container: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cursor:
    """How far a container's database has been read.

    :param database_id: the replica that the row numbers belong to.
    :param fingerprint: the mapping's, at that time.
    :param scanned: last row that was handled as our own share, or passed
        over as another node's.
    :param verified: last row that was handled as another node's.
    :param shares: which rows were ours, in the crawler's own notation;
        empty if that was not noted.
    """

    database_id: str
    fingerprint: str
    scanned: int = 0
    verified: int = 0
    shares: str = ""


class Kind(enum.Enum):
    """Why a row is in the ledger."""

    #: It went wrong; tried again with backoff until it works.
    FAILED = "failed"
    #: Nothing is wrong: it has to wait, for instance for a replica to catch
    #: up; tried again likewise.
    WAITING = "waiting"
    #: This version cannot handle it; never tried again on its own.
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row that is owed, with all that is needed to handle it again.

    :param name: object name; one entry for each name of a container.
    :param kind: why.
    :param reason: one line for an operator; never a secret.
    :param attempts: how often it was tried.
    :param first: when it was first owed, seconds since the epoch.
    :param due: when to try again, likewise.
    :param rowid: the row's number when it was last read.
    """

    name: str
    kind: Kind
    reason: str
    attempts: int
    first: float
    due: float
    rowid: int
    deleted: bool
    timestamp: str
    data_timestamp: str
    size: int
    etag: str
    content_type: str
    policy_index: int


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What is owed in one container, for status and exit codes."""

    key: ContainerKey
    cursor: Cursor | None
    failed: int
    waiting: int
    skipped: int
    oldest: float | None
