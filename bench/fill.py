# SPDX-License-Identifier: Apache-2.0
"""Fill a Swift container fast: files and rows, without its servers.

Objects are written with Swift's DiskFile and ContainerBroker, the code that
its servers run, without a request for each. Nothing is flushed to the disk:
who needs the data after a power cut fills again. The servers may run. For
one node and one replica; the container exists.

Usage: python bench/fill.py SWIFT_DIR DEVICES ACCOUNT CONTAINER COUNT SIZE
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from onespace_core import concurrency
from onespace_core.swift.environment import use_swift_dir

_BATCH = 1000


def name_of(number: int) -> str:
    """Return the name of an object; they sort as they are numbered."""
    return f"folder{number // 1000:03d}/object-{number:07d}"


def content_of(name: str, size: int) -> bytes:
    """Return an object's bytes: different for each name, always the same."""
    seed = hashlib.sha256(name.encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


def fill(
    swift_dir: str,
    devices: str,
    account: str,
    container: str,
    count: int,
    size: int,
) -> None:
    """Write ``count`` objects of ``size`` bytes.

    :raises LookupError: the container has no database here.
    """
    use_swift_dir(swift_dir)
    broker = _broker(swift_dir, devices, account, container)
    write = _writer(swift_dir, devices, account, container)
    rows = (write(name_of(number), size) for number in range(count))
    for batch in _batches(rows):
        broker.merge_items(batch)


def _broker(swift_dir: str, devices: str, account: str, container: str) -> Any:
    from swift.common.ring import Ring
    from swift.common.utils import hash_path, storage_directory
    from swift.container.backend import ContainerBroker

    part, nodes = Ring(swift_dir, ring_name="container").get_nodes(
        account, container
    )
    hashed = hash_path(account, container)
    path = os.path.join(
        devices,
        nodes[0]["device"],
        storage_directory("containers", part, hashed),
        f"{hashed}.db",
    )
    broker = ContainerBroker(path, account=account, container=container)
    if not os.path.exists(path):
        message = f"{account}/{container} has no database at {path}"
        raise LookupError(message)
    return broker


def _writer(swift_dir: str, devices: str, account: str, container: str):
    from swift.common.ring import Ring
    from swift.common.storage_policy import POLICIES
    from swift.common.utils import Timestamp
    from swift.obj import diskfile

    diskfile.fsync = diskfile.fsync_dir = lambda _: None
    policy = POLICIES.default
    ring = Ring(swift_dir, ring_name=policy.ring_name)
    conf = {
        "devices": devices,
        "mount_check": "false",
        "disable_fallocate": "true",
    }
    manager = diskfile.DiskFileRouter(conf, logging.getLogger("fill"))[policy]

    def write(name: str, size: int) -> dict[str, Any]:
        part, nodes = ring.get_nodes(account, container, name)
        content = content_of(name, size)
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        stamp = Timestamp.now()
        file = manager.get_diskfile(
            nodes[0]["device"], part, account, container, name, policy=policy
        )
        with file.create(size=size) as writer:
            writer.write(content)
            writer.put(
                {
                    "X-Timestamp": stamp.internal,
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(size),
                    "ETag": etag,
                }
            )
            writer.commit(stamp)
        return {
            "name": name,
            "created_at": stamp.internal,
            "size": size,
            "content_type": "application/octet-stream",
            "etag": etag,
            "deleted": 0,
            "storage_policy_index": int(policy),
        }

    return write


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("swift_dir", "devices", "account", "container"):
        parser.add_argument(name)
    for name in ("count", "size"):
        parser.add_argument(name, type=int)
    # No threads for the disk: switching costs more than the writes.
    concurrency.tpool.set_num_threads(0)
    fill(**vars(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
