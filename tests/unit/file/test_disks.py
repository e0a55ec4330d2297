# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, read-only, away, or where none should be."""

import contextlib
import os
import subprocess

import pytest
from unit.file.conftest import files, prepare, provider_of

from onespace_core.provider import (
    BytesBody,
    PermissionDenied,
    QuotaExceeded,
    ServiceUnavailable,
)


def test_a_folder_without_marker_is_a_disk_that_is_not_mounted(folder):
    folder.mkdir()
    provider = provider_of(folder)
    for call in (
        provider.create_bucket,
        provider.head_account,
        lambda: provider.put_object("a", BytesBody(b"1")),
    ):
        with pytest.raises(ServiceUnavailable, match=r"\.onespace-store"):
            call()
    assert os.listdir(folder) == []
    folder.rmdir()
    with pytest.raises(ServiceUnavailable):
        provider.create_bucket()
    assert not folder.exists()


def fill(path):
    with (
        contextlib.suppress(OSError),
        path.open("wb", buffering=0) as file,
    ):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_is_named_and_keeps_the_old_object(small_disk):
    provider = prepare(small_disk)
    place = small_disk / "bucket"
    provider.put_object("a/b", BytesBody(b"old"), metadata={"m": "old"})
    before = files(place)
    for key in ("a/b", "new/c"):
        with pytest.raises(QuotaExceeded) as caught:
            provider.put_object(key, BytesBody(bytes(2 << 20)))
        assert caught.value.hint
    assert files(place) == before
    assert not (place / "new").exists()
    (place / "fill").write_bytes(bytes(900_000))
    fill(small_disk / "rest")
    with pytest.raises(QuotaExceeded):
        provider.post_object("a/b", {"m": "new"})
    assert provider.get_object("a/b").read() == b"old"
    assert provider.head_object("a/b").metadata == {"m": "old"}
    assert provider.delete_object("a/b") is True
    assert files(place) == ["fill"]


def test_a_disk_that_is_read_only_is_named_and_read(small_disk):
    provider = prepare(small_disk)
    provider.put_object("a", BytesBody(b"1"))
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    for call in (
        lambda: provider.put_object("a", BytesBody(b"2")),
        lambda: provider.post_object("a", {}),
        lambda: provider.delete_object("a"),
        lambda: provider.create_bucket("b"),
    ):
        with pytest.raises(PermissionDenied):
            call()
    fresh = provider_of(small_disk)
    assert fresh.get_object("a").read() == b"1"
    assert len(fresh.list_objects().objects) == 1


def test_a_disk_inside_a_bucket_is_refused(provider, place, small_disk):
    (place / "other").mkdir()
    bind = ["mount", "--bind", str(small_disk), str(place / "other")]
    subprocess.run(bind, check=True)
    try:
        with pytest.raises(PermissionDenied, match="mounted"):
            provider.put_object("other/a", BytesBody(b"1"))
        assert files(place) == []
    finally:
        subprocess.run(["umount", str(place / "other")], check=True)


def test_a_disk_unmounted_meanwhile_is_not_written_over(small_disk):
    provider = prepare(small_disk)
    provider.put_object("a", BytesBody(b"1"))
    subprocess.run(["umount", str(small_disk)], check=True)
    try:
        with pytest.raises(ServiceUnavailable):
            provider.put_object("a", BytesBody(b"2"))
        with pytest.raises(ServiceUnavailable):
            provider.list_objects()
        assert os.listdir(small_disk) == []
    finally:
        again = ["mount", "-t", "tmpfs", "none", str(small_disk)]
        subprocess.run(again, check=True)
