# SPDX-License-Identifier: Apache-2.0
"""Making, removing and listing buckets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping

from onespace_core.provider import (
    AlreadyExists,
    BucketNotFound,
    BucketPage,
)
from onespace_file import lister, names, rules, store, temp, tree
from onespace_file.store import Bucket, Store

_OURS = {names.BUCKET, names.TEMP, names.LOCKS}


@contextlib.contextmanager
def _alone(store_: Store) -> Iterator[int]:
    """Give the store's folder while nobody else makes or removes buckets."""
    with store_.root() as root:
        marker = tree.open_file(store.MARKER, root, os.O_RDWR)
        try:
            fcntl.flock(marker, fcntl.LOCK_EX)
            yield root
        finally:
            os.close(marker)


def create(
    store_: Store, name: str | None, metadata: Mapping[str, str] | None
) -> bool:
    """Make a bucket; return whether it is new."""
    folder = store.folder_of(name)
    with (
        _alone(store_) as root,
        store_.durable.made(root, [folder]) as fd,
        store_.durable.made(fd, [names.TEMP]) as temp_fd,
        store_.durable.made(fd, [names.LOCKS]) as locks,
    ):
        if _exists(names.BUCKET, fd):
            return False
        for lock in store.LOCK_NAMES:
            os.close(tree.open_file(lock, locks, os.O_RDWR | os.O_CREAT))
        text = store.to_marker(
            name or "", metadata, folded=_is_folded(temp_fd)
        )
        made = secrets.token_hex(8).encode()
        marker = tree.open_file(made, temp_fd, os.O_RDWR | os.O_CREAT)
        try:
            temp.write_all(marker, text)
            store_.durable.file(marker)
        finally:
            os.close(marker)
        os.rename(made, names.BUCKET, src_dir_fd=temp_fd, dst_dir_fd=fd)
        store_.durable.folder(fd)
        return True


def _exists(name: bytes, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_folded(folder: int) -> bool:
    """Find out whether a file system takes different names for one."""
    base = secrets.token_hex(8)
    probe = f"{base}-probe-\u00e9".encode()
    os.close(tree.open_file(probe, folder, os.O_RDWR | os.O_CREAT))
    try:
        return any(
            _exists(f"{base}-{other}".encode(), folder)
            for other in ("PROBE-\u00e9", "probe-\u00c9", "probe-e\u0301")
        ) or probe not in map(os.fsencode, os.listdir(folder))
    finally:
        os.unlink(probe, dir_fd=folder)


def delete(store_: Store, name: str | None) -> None:
    """Remove a bucket without objects; one that is not there is a success.

    :raises AlreadyExists: it has objects, or files that are not ours.
    """
    folder = store.folder_of(name)
    with _alone(store_) as root:
        if not _exists(folder + b"/" + names.BUCKET, root):
            return
        with store_.bucket(name) as bucket:
            temp.clean(bucket)
            # Nobody writes from here on; who waits finds the bucket gone.
            fcntl.flock(bucket.marker, fcntl.LOCK_EX)
            if lister.list_objects(bucket, limit=1).objects:
                raise AlreadyExists("the bucket has objects")
            _empty(bucket)
            os.unlink(names.BUCKET, dir_fd=bucket.fd)
            bucket.durable.folder(bucket.fd)
            for each in (names.TEMP, names.LOCKS):
                _remove_folder(each, bucket.fd)
        os.rmdir(folder, dir_fd=root)
        store_.durable.folder(root)


def _empty(bucket: Bucket) -> None:
    """Remove bytes that no object has, and empty folders; nothing else."""
    for _path, folders, files, fd in os.fwalk(
        ".", topdown=False, dir_fd=bucket.fd
    ):
        for file in files:
            entry = bucket.names.read(file, is_folder=False)
            if entry is not None and entry.kind is names.Kind.BYTES:
                os.unlink(file, dir_fd=fd)
        for folder in folders:
            if os.fsencode(folder) not in _OURS:
                with contextlib.suppress(OSError):
                    os.rmdir(folder, dir_fd=fd)
    foreign = set(map(os.fsencode, os.listdir(bucket.fd))) - _OURS
    if foreign:
        raise AlreadyExists(
            "the bucket's folder has files that are not onespace's",
            hint=f"look at {min(foreign)!a}",
        )


def _remove_folder(name: bytes, parent: int) -> None:
    with tree.opened(parent, [name]) as fd:
        for each in os.listdir(fd):
            os.unlink(each, dir_fd=fd)
    os.rmdir(name, dir_fd=parent)


def list_page(
    store_: Store, *, prefix: str, marker: str, limit: int | None
) -> BucketPage:
    """List buckets in name order; folders without ``%bucket`` are none."""
    most = rules.page_size(limit)
    with store_.root() as root:
        found = sorted(
            name
            for name in _bucket_names(root)
            if name.startswith(prefix) and name > marker
        )
    infos = []
    for name in found[:most]:
        # It may be deleted meanwhile.
        with (
            contextlib.suppress(BucketNotFound),
            store_.bucket(name) as bucket,
        ):
            infos.append(bucket.info)
    more = len(found) > most
    return BucketPage(
        buckets=infos, next_marker=found[most - 1] if more else None
    )


def count(store_: Store) -> int:
    """Return how many buckets there are."""
    with store_.root() as root:
        return sum(1 for _ in _bucket_names(root))


def _bucket_names(root: int) -> Iterator[str]:
    naming = names.Names(folded=True)
    with os.scandir(root) as entries:
        for each in entries:
            if not each.is_dir(follow_symlinks=False):
                continue
            entry = naming.read(each.name, is_folder=True)
            if entry is None or entry.kind is not names.Kind.FOLDER:
                continue
            path = os.fsencode(each.name) + b"/" + names.BUCKET
            if entry.text and _exists(path, root):
                yield entry.text
