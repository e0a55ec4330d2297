# SPDX-License-Identifier: Apache-2.0
"""What is on the disk, in which order, and what never is."""

import json
import os

import pytest
from onespace_file import FileProvider, buckets
from unit.file.conftest import files, provider_of

from onespace_core.provider import (
    AlreadyExists,
    BytesBody,
    Conditions,
    ConfigError,
    IntegrityError,
    InvalidRequest,
    NotSupported,
    ObjectNotFound,
    PermissionDenied,
    PreconditionFailed,
    ProviderError,
    ProviderSettings,
)


def test_an_object_can_be_read_without_onespace(provider, place):
    provider.put_object(
        "2026/Z\u00fcrich.jpg",
        BytesBody(b"bytes"),
        metadata={"Mood": "fr\u00f6hlich"},
        content_type="image/jpeg",
    )
    meta, data = files(place)
    assert meta == "2026/Z\u00fcrich.jpg%meta"
    assert data.startswith("2026/Z\u00fcrich.jpg%v")
    assert (place / data).read_bytes() == b"bytes"
    record = json.loads((place / meta).read_text())
    assert record["key"] == "2026/Z\u00fcrich.jpg"
    assert record["metadata"] == {"mood": "fr\u00f6hlich"}
    assert data.endswith(record["version"])


def test_nothing_is_left_of_old_versions_and_deleted_objects(provider, place):
    for data in (b"1", b"22", b"333"):
        provider.put_object("a/b", BytesBody(data))
        provider.post_object("a/b", {"n": "1"})
    assert len(files(place)) == 2
    assert provider.delete_object("a/b") is True
    assert provider.delete_object("a/b") is False
    assert files(place) == []
    assert sorted(os.listdir(place)) == ["%bucket", "%lock", "%tmp"]


def test_files_are_their_owners_alone(provider, place):
    provider.put_object("a/b", BytesBody(b"1"))
    for path in place.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_each_step_is_on_the_disk_before_the_next(
    provider, place, monkeypatch
):
    provider.put_object("d/a", BytesBody(b"old"))
    steps = []

    def name(fd):
        path = os.readlink(f"/proc/self/fd/{fd}").removeprefix(str(place))
        return path.rpartition(".")[2] if "." in path else path

    def kind(target):
        text = os.fsdecode(target)
        return text.rpartition("%")[2][0]

    real = {each: getattr(os, each) for each in ("fsync", "rename", "unlink")}
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: (steps.append(f"sync {name(fd)}"), real["fsync"](fd)),
    )

    def rename(old, new, **fds):
        steps.append(f"rename {kind(new)}")
        real["rename"](old, new, **fds)

    def unlink(target, **fds):
        real["unlink"](target, **fds)
        if b"%" in target:
            steps.append(f"unlink {kind(target)}")

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "unlink", unlink)
    provider.put_object("d/a", BytesBody(b"new"))
    assert steps == [
        "sync data",
        "sync meta",
        *("rename v", "sync /d", "rename m", "sync /d", "unlink v"),
    ]
    del steps[:]
    # Each folder that is new is made known before an object is in it.
    provider.put_object("x/y/a", BytesBody(b"new"))
    assert steps == [
        "sync data",
        "sync meta",
        *("sync ", "sync /x", "rename v", "sync /x/y"),
        *("rename m", "sync /x/y"),
    ]
    del steps[:]
    provider.post_object("x/y/a", {"n": "1"})
    assert steps == ["sync meta", "rename m", "sync /x/y"]


def test_a_folder_made_by_somebody_else_is_synced_once(
    provider, place, monkeypatch
):
    (place / "theirs").mkdir()
    synced = []
    fsync = os.fsync

    def watched(fd):
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", watched)
    provider.put_object("theirs/a", BytesBody(b""))
    assert synced.count(str(place)) == 1
    provider.put_object("theirs/b", BytesBody(b""))
    assert synced.count(str(place)) == 1


def test_without_fsync_nothing_is_synced(folder, provider, monkeypatch):
    def refuse(fd):
        pytest.fail("fsync was called")

    monkeypatch.setattr(os, "fsync", refuse)
    provider_of(folder, fsync=False).put_object("a/b", BytesBody(b"1"))


def test_a_folder_that_is_no_bucket_is_not_one(folder, provider):
    (folder / "lost+found").mkdir()
    names = [each.name for each in provider.list_buckets().buckets]
    assert names == ["bucket"]


@pytest.mark.parametrize("name", ["..", ".", "a b", "A", "%tmp", "\u00e9"])
def test_a_bucket_of_any_name_stays_in_the_folder(folder, provider, name):
    before = set(os.listdir(folder.parent))
    assert provider.create_bucket(name, metadata={"m": "\u00e9"}) is True
    info = provider.head_bucket(name)
    assert (info.name, info.metadata) == (name, {"m": "\u00e9"})
    assert name in [each.name for each in provider.list_buckets().buckets]
    assert len(os.listdir(folder)) == 3
    provider.delete_bucket(name)
    assert set(os.listdir(folder.parent)) == before


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a" * 200, "\ud800"])
def test_a_bucket_of_an_impossible_name_is_refused(provider, name):
    with pytest.raises(InvalidRequest):
        provider.create_bucket(name)


def test_a_bucket_with_foreign_files_is_not_deleted(provider, place):
    (place / "thesis.txt").write_text("the only copy")
    with pytest.raises(AlreadyExists, match=r"thesis\.txt"):
        provider.delete_bucket()
    assert (place / "thesis.txt").exists()
    provider.put_object("a", BytesBody(b"1"))


def test_links_lead_nowhere(provider, place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (place / "out").symlink_to(outside)
    (place / "a%meta").symlink_to(outside / "secret")
    for key in ("out/x", "a"):
        with pytest.raises(PermissionDenied, match="symbolic link"):
            provider.put_object(key, BytesBody(b"1"))
        with pytest.raises(PermissionDenied):
            provider.get_object(key)
    # What is behind it is not listed, and not left out silently either.
    for prefix in ("o", "a"):
        with pytest.raises(PermissionDenied, match="symbolic link"):
            provider.list_objects(prefix=prefix)
    assert os.listdir(outside) == ["secret"]


def test_a_version_in_a_description_cannot_name_another_file(provider, place):
    provider.put_object("a", BytesBody(b"1"))
    meta = place / "a%meta"
    record = json.loads(meta.read_text())
    record["version"] = "/../../../etc/passwd"
    meta.write_text(json.dumps(record))
    with pytest.raises(IntegrityError):
        provider.get_object("a")


def test_the_description_of_another_key_is_never_taken_nor_replaced(
    provider, place
):
    # As on a file system that takes both names for one.
    provider.put_object("a", BytesBody(b"1"))
    (place / "a%meta").rename(place / "b%meta")
    for call in (
        lambda: provider.get_object("b"),
        lambda: provider.put_object("b", BytesBody(b"2")),
        lambda: provider.delete_object("b"),
    ):
        with pytest.raises(IntegrityError, match="another key"):
            call()
    assert json.loads((place / "b%meta").read_text())["key"] == "a"


def test_an_unreadable_description_is_an_error_until_written_anew(
    provider, place
):
    provider.put_object("a", BytesBody(b"1"))
    (place / "a%meta").write_text("{")
    with pytest.raises(IntegrityError, match="restore"):
        provider.head_object("a")
    new = Conditions(if_none_match="*")
    with pytest.raises(IntegrityError):
        provider.put_object("a", BytesBody(b"2"), conditions=new)
    provider.put_object("a", BytesBody(b"2"))
    assert provider.get_object("a").read() == b"2"


def test_bytes_that_are_missing_or_short_are_an_error(provider, place):
    provider.put_object("a", BytesBody(b"12345"))
    data = place / files(place)[1]
    data.write_bytes(b"123")
    with pytest.raises(IntegrityError, match="3 bytes"):
        provider.get_object("a")
    data.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        provider.get_object("a")


def test_a_reader_goes_on_when_its_object_is_replaced(provider):
    provider.put_object("a", BytesBody(b"old" * 50_000))
    with provider.get_object("a") as reader:
        provider.put_object("a", BytesBody(b"new"))
        provider.delete_object("a")
        assert b"".join(reader) == b"old" * 50_000


def test_conditions_that_no_capability_stands_for_are_refused(provider):
    provider.put_object("a", BytesBody(b"1"))
    when = provider.head_object("a").last_modified
    for each in (
        Conditions(if_none_match="0" * 32),
        Conditions(if_unmodified_since=when),
    ):
        with pytest.raises(NotSupported):
            provider.put_object("a", BytesBody(b"2"), conditions=each)


def test_names_are_exact_where_the_file_system_is(provider, place):
    assert json.loads((place / "%bucket").read_text())["folded"] is False


def test_where_case_does_not_count_keys_are_kept_apart_by_other_letters(
    folder, provider, monkeypatch
):
    # No such file system can be made here: it answers to any name.
    with monkeypatch.context() as patch:
        patch.setattr(buckets, "_exists", lambda name, _fd: b"PROBE" in name)
        provider.create_bucket("folded")
    mine = provider_of(folder, bucket="folded")
    keys = ["A", "a", "E\u0301/x", "e\u0301/x", "\u00e9/x", "\u00c9/x"]
    for key in keys:
        mine.put_object(key, BytesBody(key))
    assert [mine.get_object(key).read().decode() for key in keys] == keys
    listed = [info.key for info in mine.list_objects().objects]
    assert listed == sorted(keys)
    names = files(folder / "folded")
    metas = {name.lower() for name in names if name.endswith("%meta")}
    assert len(metas) == len(keys)
    assert all(name.isascii() for name in names)


def test_a_condition_that_fails_reads_no_body(provider):
    provider.put_object("a", BytesBody(b"1"))

    class Unread(BytesBody):
        def open(self):
            pytest.fail("the body was opened")

    new = Conditions(if_none_match="*")
    with pytest.raises(PreconditionFailed):
        provider.put_object("a", Unread(b"2"), conditions=new)


def test_a_source_that_fails_is_not_taken_for_a_full_disk(provider, place):
    class Broken:
        def read(self, size=-1):
            raise OSError(28, "No space left on the source's own disk")

        def close(self):
            pass

    body = BytesBody(b"1")
    body.open = Broken
    with pytest.raises(Exception, match="body cannot be read") as caught:
        provider.put_object("a", body)
    assert caught.value.retryable
    assert files(place) == []
    with pytest.raises(ObjectNotFound):
        provider.head_object("a")


@pytest.mark.parametrize("folder", [None, "", "relative/folder"])
def test_a_folder_that_is_not_absolute_is_refused(folder):
    settings = ProviderSettings.from_options(
        FileProvider.OPTS, {"folder": folder}
    )
    with pytest.raises(ConfigError) as caught:
        FileProvider.from_settings(settings, logger=None)
    assert caught.value.option == "folder"


def test_no_descriptor_stays_open_whatever_happens(provider, place):
    def all_sorts():
        provider.put_object("a/b", BytesBody(b"1"))
        provider.post_object("a/b", {"n": "1"})
        provider.get_object("a/b").close()
        provider.list_objects(delimiter="/")
        provider.delete_object("a/b")
        for call in (
            lambda: provider.get_object("a/b"),
            lambda: provider.post_object("a/b", {}),
            lambda: provider.head_bucket("missing"),
            lambda: provider.put_object(
                "a", BytesBody(b"1"), conditions=Conditions(if_match="0")
            ),
            lambda: provider.put_object("link/a", BytesBody(b"1")),
        ):
            with pytest.raises(ProviderError):
                call()

    (place / "link").write_text("a file where a folder should be")
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        all_sorts()
    assert os.listdir("/proc/self/fd") == before
