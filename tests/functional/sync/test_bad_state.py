# SPDX-License-Identifier: Apache-2.0
"""A state that is lost, damaged, full or in use costs no object."""

import sqlite3
import subprocess
import sys

import pytest
from servers.rig import eventually

from onespace_core.state import ContainerKey

ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}


def state_file(rig):
    return rig.state_dir / "sync.sqlite"


def drop(rig):
    for path in rig.state_dir.glob("sync.sqlite*"):
        path.unlink()


def empty(rig):
    drop(rig)
    state_file(rig).touch()


def truncate(rig):
    size = state_file(rig).stat().st_size
    with state_file(rig).open("r+b") as file:
        file.truncate(size // 2)


def overwrite(rig):
    state_file(rig).write_bytes(b"no database" * 1000)


def status(rig):
    return subprocess.run(
        [
            *(sys.executable, "-m", "onespace_core.cli.main", "status"),
            *("--config", str(rig.config)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def receipt(rig, name):
    key = ContainerKey("main", rig.account, rig.container)
    with rig.state() as state:
        return state.receipt(key, name)


@pytest.mark.parametrize("damage", [drop, empty, truncate, overwrite])
@pytest.mark.parametrize("store", ["s3api", "swift"])
def test_what_we_deleted_here_stays_there_when_the_state_is_lost(
    make_rig, store, damage
):
    """The worst: no receipt is left, and deletions are propagated."""
    rig = make_rig(store, mapping=ARCHIVE)
    rig.put("a", b"one", color="blue")
    rig.put("b", b"two")
    rig.once()
    assert rig.here() == {}
    archived = rig.there()
    assert archived.keys() == {"a", "b"}
    damage(rig)
    rig.mapping = {"mode": "sync", "propagate_delete": "true"}
    rig.write_config()
    rig.once()
    rig.once()
    assert rig.there() == archived


def test_state_that_is_deleted_under_a_daemon_costs_no_local_object(make_rig):
    """A receipt in a file that has no name any more is none."""
    rig = make_rig("s3api", mapping=ARCHIVE)
    rig.put("before", b"1")
    with rig.daemon() as daemon:
        eventually(lambda: rig.here() == {})
        drop(rig)
        rig.put("after", b"2")
        eventually(lambda: "after" in rig.there())
        said = eventually(
            lambda: [
                line
                for line in rig.log().splitlines()
                if "deleted or replaced" in line
            ]
        )
        assert str(state_file(rig)) in said[0]
        assert "restart" in said[0]
        assert rig.here().keys() == {"after"}
        told = status(rig)
        assert "was deleted; restart" in told.stderr
        rig.stop(daemon)
    rig.once()
    rig.once()
    assert rig.here() == {}
    assert rig.there().keys() == {"before", "after"}
    assert receipt(rig, "after") is not None


@pytest.fixture
def tiny_disk(tmp_path):
    """A folder that is a file system of its own, with 16 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leave no room in a folder; return the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                pass
    return filler


def test_full_disk_costs_no_local_object_and_is_said(make_rig, tiny_disk):
    rig = make_rig("s3api", mapping=ARCHIVE)
    rig.state_dir = rig.default["state_dir"] = tiny_disk
    rig.write_config()
    names = {f"o{number}-{'x' * 900}" for number in range(40)}
    with rig.daemon() as daemon:
        rig.put("first", b"1")
        eventually(lambda: rig.here() == {})
        filler = fill(tiny_disk)
        for name in names:
            rig.put(name, b"2")
        said = eventually(
            lambda: [
                line
                for line in rig.log().splitlines()
                if "mapping main cannot be worked on" in line
            ]
        )
        assert str(state_file(rig)) in said[0]
        assert "make room" in said[0]
        gone = names - rig.here().keys()
        assert len(gone) < len(names)
        assert all(receipt(rig, name) is not None for name in gone)
        # Somebody makes room, and nothing else has to be done.
        filler.unlink()
        eventually(lambda: rig.here() == {}, 60)
        assert rig.stop(daemon) == 0
    assert rig.there().keys() == {"first", *names}
    assert "Traceback" not in rig.log()
    assert all(receipt(rig, name) is not None for name in names)


def test_state_of_a_newer_version_is_refused_and_left_alone(rig):
    rig.put("o", b"data")
    rig.once()
    with sqlite3.connect(state_file(rig)) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = state_file(rig).read_bytes()
    done = rig.once(code=1)
    assert "newer onespace" in done.stderr
    assert "upgrade" in done.stderr
    assert "Traceback" not in done.stderr
    told = status(rig)
    assert told.returncode == 1
    assert "newer onespace" in told.stderr
    assert state_file(rig).read_bytes() == before


def test_state_that_another_program_locks_is_said_as_such(rig):
    rig.put("o", b"data")
    rig.once()
    rig.put("p", b"data")
    database = sqlite3.connect(state_file(rig), isolation_level=None)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN EXCLUSIVE")
    done = rig.once(code=1)
    assert "another program" in done.stderr
    assert "Traceback" not in done.stderr
    database.execute("ROLLBACK")
    database.close()
    rig.once()
    rig.assert_equal()


def test_state_that_is_a_folder_is_said(rig):
    state_file(rig).mkdir()
    done = rig.once(code=1)
    assert str(state_file(rig)) in done.stderr
    assert "Traceback" not in done.stderr
    assert state_file(rig).is_dir()


def test_deletion_while_the_state_was_lost_is_propagated_all_the_same(rig):
    rig.put("gone", b"1")
    rig.put("kept", b"2")
    rig.once()
    drop(rig)
    rig.local.delete_object("gone")
    rig.once()
    assert rig.there().keys() == {"kept"}
