# SPDX-License-Identifier: Apache-2.0
"""What a memory store keeps, and how it is copied in and out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping

from onespace_core.provider.body import CHUNK_SIZE, Body
from onespace_core.provider.errors import IntegrityError, ObjectNotFound
from onespace_core.provider.large import AgeRule, Manifest, Part
from onespace_core.provider.types import BucketInfo, ObjectInfo
from onespace_core.testing import _memory_rules as rules


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the store.

    :param op: method of the contract, or of an optional protocol.
    :param bucket: as resolved; None for requests of the account.
    :param key: if the request had one.
    """

    op: str
    bucket: str | None = None
    key: str | None = None


@dataclasses.dataclass(slots=True)
class Upload:
    """An upload that is open: what the object will have, and its parts."""

    key: str
    started: datetime.datetime
    metadata: Mapping[str, str]
    content_type: str | None
    system: Mapping[str, str]
    parts: dict[int, tuple[Part, bytes]] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(slots=True)
class Bucket:
    """A bucket's own data, and what is in it.

    :param objects: by key; a manifest has no bytes here.
    :param manifests: by key, of those objects that are one.
    :param uploads: by id.
    :param rules: by id; nothing ages by them.
    """

    info: BucketInfo
    objects: dict[str, tuple[ObjectInfo, bytes]] = dataclasses.field(
        default_factory=dict
    )
    manifests: dict[str, Manifest] = dataclasses.field(default_factory=dict)
    uploads: dict[str, Upload] = dataclasses.field(default_factory=dict)
    acl: dict[str, str] = dataclasses.field(default_factory=dict)
    rules: dict[str, AgeRule] = dataclasses.field(default_factory=dict)

    def write(
        self, info: ObjectInfo, data: bytes, manifest: Manifest | None = None
    ) -> None:
        """Put an object, or a manifest, in the place of what is there."""
        self.remove(info.key)
        self.objects[info.key] = (info, data)
        if manifest is not None:
            self.manifests[info.key] = manifest

    def remove(self, key: str) -> bool:
        """Remove an object; return whether it was there."""
        self.manifests.pop(key, None)
        return self.objects.pop(key, None) is not None

    def expire(self, now: datetime.datetime) -> None:
        """Remove every object whose time has come."""
        for key, (info, _data) in list(self.objects.items()):
            when = rules.expiry(info.system)
            if when is not None and when <= now.timestamp():
                self.remove(key)


class MemoryStore:
    """The buckets that several :class:`MemoryProvider` share.

    :param buckets: names of buckets to begin with.
    :param secret: what a provider has to know; None lets everybody in.
    :param down: whether nobody can be reached; may be changed at any time.
    :param clock: returns the time, aware and UTC: of a write, and for what
        expires.

    :ivar buckets: by name; ``acl`` and ``rules`` of a bucket are what was
        recorded.
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
                name=name,
                created=self.now(),
                metadata=rules.names_lowered(metadata),
            )
            self.buckets[name] = Bucket(info)
            return True


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def find(bucket: Bucket, key: str) -> tuple[ObjectInfo, bytes]:
    """Return an object and its own bytes, or raise ``ObjectNotFound``."""
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


def md5_of(data: bytes) -> str:
    """Return the hex MD5 of bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def read_body(body: Body) -> bytes:
    """Return all bytes of a body; close its stream whatever happens.

    :raises IntegrityError: its size or its MD5 is not what it promised.
    """
    with contextlib.closing(body.open()) as stream:
        data = bytearray()
        while chunk := stream.read(CHUNK_SIZE):
            data += chunk
            if body.size is not None and len(data) > body.size:
                raise IntegrityError("the body is longer than it promised")
    if body.size is not None and len(data) < body.size:
        raise IntegrityError("the body is shorter than it promised")
    whole = bytes(data)
    if body.md5 not in (None, md5_of(whole)):
        raise IntegrityError("the body does not have the promised MD5")
    return whole
