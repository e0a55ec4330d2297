# SPDX-License-Identifier: Apache-2.0
"""What a memory store keeps, and how it is copied in and out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import threading
from collections.abc import Callable, Iterator, Mapping

from onespace_core.provider.body import CHUNK_SIZE, Body
from onespace_core.provider.errors import IntegrityError, ObjectNotFound
from onespace_core.provider.types import BucketInfo, ObjectInfo


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the store.

    :param op: contract method, or ``create_bucket``, ``delete_bucket``.
    :param bucket: as resolved; None for requests of the account.
    :param key: if the request had one.
    """

    op: str
    bucket: str | None = None
    key: str | None = None


@dataclasses.dataclass(slots=True)
class Bucket:
    """A bucket's own data, and its objects by key."""

    info: BucketInfo
    objects: dict[str, tuple[ObjectInfo, bytes]] = dataclasses.field(
        default_factory=dict
    )


class MemoryStore:
    """The buckets that several :class:`MemoryProvider` share.

    :param buckets: names of buckets to begin with.
    :param secret: what a provider has to know; None lets everybody in.
    :param down: whether nobody can be reached; may be changed at any time.
    :param clock: returns the time of a write, aware and UTC.
    """

    def __init__(
        self,
        *buckets: str,
        secret: str | None = None,
        down: bool = False,
        clock: Callable[[], datetime.datetime] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.secret = secret
        self.down = down
        self.now = clock or _utc_now
        self.buckets: dict[str, Bucket] = {}
        for name in buckets:
            self.add_bucket(name)

    def add_bucket(
        self, name: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Make a bucket; return whether it is new."""
        with self.lock:
            if name in self.buckets:
                return False
            info = BucketInfo(
                name=name, created=self.now(), metadata=dict(metadata or {})
            )
            self.buckets[name] = Bucket(info)
            return True


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def find(bucket: Bucket, key: str) -> tuple[ObjectInfo, bytes]:
    """Return an object and its bytes, or raise ``ObjectNotFound``."""
    if key not in bucket.objects:
        raise ObjectNotFound("no such object")
    return bucket.objects[key]


def copied(info: ObjectInfo) -> ObjectInfo:
    """Return an equal value that shares nothing that can change."""
    return dataclasses.replace(
        info, metadata=dict(info.metadata), system=dict(info.system)
    )


def figures(bucket: Bucket) -> BucketInfo:
    """Return a bucket with its counts of now."""
    return dataclasses.replace(
        bucket.info,
        object_count=len(bucket.objects),
        bytes_used=sum(info.size for info, _data in bucket.objects.values()),
        metadata=dict(bucket.info.metadata),
    )


def chunks(data: bytes) -> Iterator[bytes]:
    """Cut bytes into chunks, none empty."""
    for start in range(0, len(data), CHUNK_SIZE):
        yield data[start : start + CHUNK_SIZE]


def read_body(body: Body) -> bytes:
    """Return all bytes of a body; close its stream whatever happens."""
    with contextlib.closing(body.open()) as stream:
        data = bytearray()
        while chunk := stream.read(CHUNK_SIZE):
            data += chunk
            if body.size is not None and len(data) > body.size:
                raise IntegrityError("the body is longer than it promised")
    if body.size is not None and len(data) < body.size:
        raise IntegrityError("the body is shorter than it promised")
    return bytes(data)
