# SPDX-License-Identifier: Apache-2.0
"""What the state store holds, as immutable values."""

from __future__ import annotations

import dataclasses
import enum

#: Account in which Swift keeps the shards of an account's containers.
SHARDS_PREFIX = ".shards_"


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerKey:
    """Whose progress it is: one container of one mapping.

    Keyed by the mapping's name, so that two mappings of one container
    progress independently. Each shard of a container has a key of its own.
    """

    mapping: str
    account: str
    container: str

    @property
    def root(self) -> ContainerKey:
        """The container that users see; itself, unless this is a shard.

        Swift names a shard ``<root>-<hash of the parent>-<time>-<number>``
        (``ShardRange.make_path`` in ``swift.common.utils``); a root's name
        may have any number of dashes.
        """
        fields = self.container.rsplit("-", 3)
        if not self.account.startswith(SHARDS_PREFIX) or len(fields) < 4:
            return self
        return ContainerKey(
            self.mapping, self.account[len(SHARDS_PREFIX) :], fields[0]
        )


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
    #: Its time is known and has not come; not tried before it.
    SCHEDULED = "scheduled"
    #: This version cannot handle it; never tried again on its own.
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row that is owed, with all that is needed to handle it again.

    :param name: object name; one entry for each name of a container.
    :param kind: why.
    :param reason: one line for an operator; never a secret.
    :param attempts: how often it was tried; 0 for a scheduled one.
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
    """What is owed in one container, for status and exit codes.

    :param oldest: when the first of what failed or waits was first owed.
    :param scheduled: rows whose time has not come; nothing is wrong.
    :param next_due: when the first of those is to be done.
    """

    key: ContainerKey
    cursor: Cursor | None
    failed: int
    waiting: int
    skipped: int
    oldest: float | None
    scheduled: int = 0
    next_due: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """A record that one version of an object is durably at the remote.

    :param timestamp: of the version, in Swift's internal format.
    :param etag: of the local version.
    :param size: its bytes.
    :param remote_etag: of the copy, as the store reported it.
    :param verified: when the copy was last seen there, seconds since the
        epoch.
    :param deleted: when we deleted the local object; None if we have not.
    """

    name: str
    timestamp: str
    etag: str
    size: int
    remote_etag: str
    verified: float
    deleted: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was begun and not yet ended.

    :param name: object name.
    :param version: what is being sent, in the engine's own notation; parts
        of another version are of no use.
    :param key: where it goes in the store.
    :param upload_id: the store's name for it.
    :param started: seconds since the epoch.
    :param parts: what the store has: number, bytes, MD5; in order.
    :param bucket: where the key is; empty means the provider's own.
    """

    name: str
    version: str
    key: str
    upload_id: str
    started: float
    parts: tuple[tuple[int, int, str], ...] = ()
    bucket: str = ""
