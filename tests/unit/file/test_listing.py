# SPDX-License-Identifier: Apache-2.0
"""Listings equal those of the reference, whatever the keys."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onespace_file import lister, names
from unit.file.conftest import prepare, provider_of

from onespace_core.provider import BytesBody, IntegrityError
from onespace_core.testing.memory import MemoryProvider, MemoryStore

PIECES = ["a", "b", "/", "-", "0", ".", "\n", "\u00e9", "\uffff", "a" * 11]
TEXT = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
KEYS = st.sets(TEXT.filter(bool), max_size=12)


def listing(provider, **asked):
    found, marker = [], asked.pop("marker", "")
    while marker is not None:
        page = provider.list_objects(marker=marker, **asked)
        assert len(page.objects) + len(page.prefixes) <= asked["limit"]
        found.append(
            ([info.key for info in page.objects], list(page.prefixes))
        )
        marker = page.next_marker
    return found


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    keys=KEYS,
    prefix=TEXT,
    marker=TEXT,
    delimiter=st.sampled_from([None, None, "/", "a", "-0"]),
    limit=st.integers(1, 6),
)
def test_pages_are_those_of_the_reference(
    monkeypatch, keys, prefix, marker, delimiter, limit
):
    # As short as the longest escape: names often go on in another folder.
    monkeypatch.setattr(names, "LONGEST", 12)
    monkeypatch.setattr(lister, "_LEAST_KEPT", 1)
    asked = {
        "prefix": prefix,
        "marker": marker,
        "delimiter": delimiter,
        "limit": limit,
    }
    memory = MemoryProvider(MemoryStore("bucket"), bucket="bucket")
    with tempfile.TemporaryDirectory() as place:
        Path(place, ".onespace-store").touch()
        provider = provider_of(place, fsync=False)
        provider.create_bucket()
        for key in keys:
            for each in (memory, provider):
                each.put_object(key, BytesBody(key))
        assert listing(provider, **asked) == listing(memory, **asked)


def test_pages_of_a_wide_folder_are_complete(provider, monkeypatch):
    monkeypatch.setattr(lister, "_LEAST_KEPT", 1)
    keys = [f"d/{number:03}" for number in range(120)]
    for key in keys:
        provider.put_object(key, BytesBody(b""))
    pages = listing(provider, limit=7, prefix="d/")
    assert [key for objects, _ in pages for key in objects] == keys


def test_empty_folders_are_no_prefixes(provider, place):
    (place / "left" / "over").mkdir(parents=True)
    provider.put_object("a/b", BytesBody(b""))
    page = provider.list_objects(delimiter="/")
    assert list(page.prefixes) == ["a/"]


def test_foreign_files_are_not_listed(provider, place):
    provider.put_object("a", BytesBody(b""))
    (place / "photo.jpg").write_text("put here by hand")
    (place / ".nfs0001").touch()
    (place / "My Photos").mkdir()
    assert [info.key for info in provider.list_objects().objects] == ["a"]


def test_folders_outside_prefix_and_marker_are_not_read(provider, monkeypatch):
    for key in ("a/1", "b/1", "b/c/1", "b/d/1", "e/1"):
        provider.put_object(key, BytesBody(b""))
    read = []
    scandir = os.scandir

    def watched(fd):
        read.append(os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2])
        return scandir(fd)

    monkeypatch.setattr(os, "scandir", watched)
    page = provider.list_objects(prefix="b/", marker="b/c0")
    assert [info.key for info in page.objects] == ["b/d/1"]
    assert read == ["b", "d"]
    del read[:]
    assert provider.list_objects(delimiter="/", limit=1).prefixes == ["a/"]
    assert read == ["bucket", "a", "b"]


def test_an_object_that_cannot_be_described_is_not_left_out(provider, place):
    provider.put_object("a", BytesBody(b""))
    (place / "a%meta").write_text("{}")
    with pytest.raises(IntegrityError):
        provider.list_objects()


def test_a_key_of_a_thousand_folders_is_an_object(folder, provider):
    provider = provider_of(folder, fsync=False)
    key = "/" * 1024
    provider.put_object(key, BytesBody(b"deep"))
    assert provider.get_object(key).read() == b"deep"
    assert [info.key for info in provider.list_objects().objects] == [key]
    assert provider.delete_object(key) is True
    provider.delete_bucket()


def test_memory_of_a_listing_is_a_page_of_names(tmp_path):
    provider = prepare(tmp_path / "s")
    for number in range(60):
        provider.put_object(f"{number:02}", BytesBody(b""))
    with provider._store.bucket("bucket") as bucket:
        walk = lister._Walk(bucket, prefix="", marker="", most=5)
        seen = []
        for waiting in walk:
            seen.append(waiting.base)
            assert len(walk._heap) <= 6
    assert len(seen) == 60
