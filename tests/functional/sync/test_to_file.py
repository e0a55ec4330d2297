# SPDX-License-Identifier: Apache-2.0
"""The main job from a Swift to a folder."""

import os

import pytest
from servers.rig import Rig, eventually

NAMES = [
    "plain.jpg",
    "dir/sub/plain.jpg",
    "dir",
    "a//b",
    "/leading",
    "trailing/",
    "line\nbreak",
    "..",
    "a/../b",
    "%41",
    ".hidden",
    "UPPER",
    "upper",
    "x" * 700,
    "\u00fcn\u00efc\u00f6d\u00e9/\U0001f40d",
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / ".onespace-store").touch()
    return folder


@pytest.fixture
def rig(standalone, tmp_path, folder):
    place = tmp_path / "rig"
    place.mkdir()
    rig = Rig(place, standalone.info, "file", {"folder": str(folder)})
    yield rig
    rig.close()


def test_a_container_becomes_a_folder_and_stays_equal(rig):
    for name in NAMES:
        rig.put(name, f"body of {name}", about="\u00fc: ,=%")
    done = rig.once()
    rig.assert_equal()
    assert f"copied {len(NAMES)} objects" in done.stderr
    rig.put("plain.jpg", "another body", "image/jpeg")
    rig.local.post_object("dir", {"mood": "fr\u00f6hlich"})
    rig.local.delete_object("dir/sub/plain.jpg")
    rig.once()
    rig.assert_equal()
    assert len(rig.there()) == len(NAMES) - 1


def test_what_is_copied_can_be_read_without_onespace(rig, folder):
    rig.put("2026/photo.jpg", b"the bytes")
    rig.once()
    (found,) = folder.rglob("photo.jpg%v*")
    assert found.read_bytes() == b"the bytes"
    place = rig.layout.key("2026").split("/")
    assert found.parent.relative_to(folder / rig.bucket).parts == tuple(place)


def test_a_disk_that_is_not_mounted_is_waited_for(rig, folder):
    rig.put("before", b"1")
    rig.once()
    away = folder.with_name("away")
    folder.rename(away)
    folder.mkdir()
    rig.put("meanwhile", b"2")
    with rig.daemon() as process:
        eventually(lambda: "not there" in rig.log())
        assert os.listdir(folder) == []
        folder.rmdir()
        away.rename(folder)
        eventually(lambda: set(rig.there()) == {"before", "meanwhile"}, 60)
        assert rig.stop(process) == 0
    rig.assert_equal()
