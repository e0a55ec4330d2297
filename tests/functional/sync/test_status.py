# SPDX-License-Identifier: Apache-2.0
"""``onespace status`` beside real work: what is owed, and why."""

import logging
import os
import re
import subprocess
import sys
import time

import pytest
from servers.ports import free_ports
from servers.rig import eventually
from servers.rows import add_rows

from onespace_core.state import ContainerKey, Entry, Kind, StateStore

LOG = logging.getLogger("test")


def status(rig, *arguments, code=0, **options):
    """Run the command; check that it is calm and changes nothing."""
    before = state_files(rig)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "onespace_core.cli.main", "status"),
            *("--config", str(rig.config), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert state_files(rig) == before
    return done


def state_files(rig):
    """Return what is in the state folder, but for SQLite's own helpers."""
    if not rig.state_dir.is_dir():
        return None
    return {
        path.name
        for path in rig.state_dir.iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }


def figures(done, mapping="main"):
    """Return row, failed, waiting and skipped of a mapping's container.

    None if nothing was read of it yet.
    """
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == mapping:
            return tuple(int(word) for word in words[2:])
    return None


def test_nothing_owed_is_one_line_for_each_container(rig):
    rig.put("o", b"data")
    rig.once()
    done = status(rig)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2
    assert f"{rig.account}/{rig.container}" in done.stdout
    assert figures(done) == (1, 0, 0, 0)


def test_failed_waiting_and_skipped_objects_are_named_with_reasons(rig):
    rig.put("fine", b"data")
    rig.put("n" * 1024, b"data")
    rig.connection.put_object(
        rig.container,
        "link",
        b"",
        headers={"X-Symlink-Target": f"{rig.container}/fine"},
    )
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {"name": "ghost\nline", "timestamp": f"{time.time():.5f}"},
    )
    rig.once(code=1)
    done = status(rig)
    assert figures(done)[1:] == (1, 1, 1)
    failed, waiting, skipped = (
        re.findall(f"^{kind}: (.*)$", done.stdout, re.M)
        for kind in ("failed", "waiting", "skipped")
    )
    where = f"{rig.account}/{rig.container}/"
    assert failed[0].startswith(where + "n" * 1024 + " since 20")
    assert "1024" in failed[0].partition("since")[2]
    assert "(tried 1 times, next in " in failed[0]
    assert waiting[0].startswith(where + r"ghost\nline since ")
    assert "no replica has it" in waiting[0]
    assert "symlink" in skipped[0]
    assert "tried" not in skipped[0]
    assert "fine" not in done.stdout


def test_the_list_of_objects_can_be_short_or_long(rig):
    for number in range(25):
        rig.connection.put_object(
            rig.container,
            f"link{number}",
            b"",
            headers={"X-Symlink-Target": f"{rig.container}/fine"},
        )
    rig.once()

    def listed(*arguments):
        return status(rig, *arguments).stdout.count("skipped: ")

    assert listed() == 20
    assert "... and 5 more" in status(rig).stdout
    assert listed("--objects", "100") == 25
    assert "more" not in status(rig, "--objects", "100").stdout
    assert listed("--objects", "0") == 0
    assert "... and 25 more" in status(rig, "--objects", "0").stdout
    status(rig, "--objects", "-1", code=2)


def test_a_mapping_whose_store_is_down_is_in_trouble_until_it_is_back(rig):
    endpoint = rig.options["endpoint"]
    (port,) = free_ports(["127.0.0.1"])
    rig.options["endpoint"] = f"http://127.0.0.1:{port}"
    rig.write_config()
    rig.put("o", b"data")
    rig.once(code=1)
    done = status(rig)
    assert re.search(
        rf"^mapping main is in trouble since 20.*{rig.bucket}.*; "
        r"next try in \d+ s$",
        done.stdout,
        re.M,
    )
    assert rig.options["secret_key"] not in done.stdout
    rig.options["endpoint"] = endpoint
    rig.write_config()
    rig.once()
    assert "trouble" not in status(rig).stdout


def change_state(rig, change):
    """Let a function change what the daemon has left."""
    store = StateStore(str(rig.state_dir / "sync.sqlite"), LOG)
    try:
        return change(store)
    finally:
        store.close()


def owe(rig, *names, kind, **changes):
    """Put rows that are not in the container's database into the ledger."""
    key = ContainerKey("main", rig.account, rig.container)
    values = {
        "kind": kind,
        "reason": "so it is",
        "attempts": 0,
        "first": time.time(),
        "due": time.time() + 3600,
        "rowid": 1,
        "deleted": False,
        "timestamp": "1700000000.00000",
        "data_timestamp": "1700000000.00000",
        "size": 0,
        "etag": "",
        "content_type": "",
        "policy_index": 0,
    }
    entries = [Entry(name, **{**values, **changes}) for name in names]

    def change(store):
        (summary,) = store.summaries()
        store.commit(key, summary.cursor, owed=entries)

    change_state(rig, change)


def test_scheduled_rows_are_nothing_that_is_left_undone(rig):
    rig.put("o", b"data")
    rig.once()
    due = time.time() + 7200
    owe(rig, "a", "b", kind=Kind.SCHEDULED, due=due)
    rig.once()  # its exit code is 0
    done = status(rig)
    assert figures(done) == (1, 0, 0, 0)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(due))
    assert f"scheduled: 2 (next at {when})" in done.stdout
    assert "so it is" not in done.stdout
    assert "more" not in done.stdout


def test_paused_deletions_are_named_and_resumed(rig):
    rig.put("o", b"data")
    rig.once()
    change_state(
        rig,
        lambda store: store.save_deletions(
            "main", {}, 0, span=(0, 1), tripped=("too many", 1000.0)
        ),
    )
    owe(rig, "a", "b", kind=Kind.WAITING, deleted=True)
    (line,) = (
        line for line in status(rig).stdout.splitlines() if "paused" in line
    )
    assert line.startswith("mapping main: deletions are paused since 1970-01")
    assert "too many; 2 wait" in line
    assert "onespace-sync --resume-deletes main" in line

    def resume(name, code=0):
        done = subprocess.run(
            rig.command("--resume-deletes", name),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    assert "there are: main" in resume("mian", 2).stderr
    assert "paused" in status(rig).stdout
    with rig.daemon() as daemon:
        eventually(lambda: "following" in rig.log())
        assert (
            resume("main").stdout == "mapping main: 2 deletions go through\n"
        )
        # They became due, and were done.
        eventually(lambda: figures(status(rig)) == (1, 0, 0, 0))
        assert rig.stop(daemon) == 0
    assert "paused" not in status(rig).stdout
    assert "are not paused" in resume("main").stdout
    os.unlink(rig.state_dir / "sync.sqlite")
    assert "no state" in resume("main", 1).stderr


def rows_read(rig):
    return (figures(status(rig)) or (0,))[0]


def test_it_works_beside_a_daemon_and_sees_its_progress(rig):
    with rig.daemon() as daemon:
        eventually(lambda: "following" in rig.log())
        for number in range(3):
            rig.put(f"o{number}", b"data")
            eventually(lambda: rows_read(rig) > number)  # noqa: B023
        assert rig.stop(daemon) == 0
    assert figures(status(rig)) == (3, 0, 0, 0)
    assert "cannot use the state" not in rig.log()


def test_no_state_yet_says_so_and_makes_none(rig):
    done = status(rig, code=1)
    assert done.stdout == ""
    assert str(rig.state_dir) in done.stderr
    assert "no state" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mapping_that_was_never_read_here_is_not_hidden(rig):
    rig.put("o", b"data")
    rig.once()
    rig.write_config(
        "[mapping:second]\ncredentials = remote\nbucket = other\n"
        f"account = {rig.account}\ncontainer = nowhere\n"
    )
    done = status(rig)
    assert "mapping second: nothing has been read on this node yet" in (
        done.stdout
    )
    assert figures(done) == (1, 0, 0, 0)


def test_what_is_wrong_with_the_configuration_is_said_beside_the_rest(rig):
    rig.put("o", b"data")
    rig.once()
    rig.write_config("[mapping:typo]\ncredentials = nobody\n")
    done = status(rig)
    assert "mapping:typo" in done.stderr
    assert figures(done) == (1, 0, 0, 0)


def test_a_wrong_default_section_is_no_place_to_look_for_state(rig):
    rig.default["state_dir"] = "relative/path"
    rig.write_config()
    done = status(rig, code=2)
    assert done.stdout == ""
    assert "state_dir" in done.stderr


def test_a_configuration_that_is_not_there_is_named(rig):
    rig.config.unlink()
    done = status(rig, code=2)
    assert str(rig.config) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("damage", [b"", b"not a database" * 999])
def test_damaged_state_is_one_line_and_left_alone(rig, damage):
    path = rig.state_dir / "sync.sqlite"
    path.write_bytes(damage)
    done = status(rig, code=1)
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert path.read_bytes() == damage


def test_a_reader_that_went_away_is_no_traceback(rig):
    rig.put("o", b"data")
    rig.once()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "onespace_core.cli.main"),
                *("status", "--config", str(rig.config)),
            ],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""


def test_a_container_task_that_fails_is_named_until_it_does_not(make_rig):
    rig = make_rig("s3api", mapping={"remote_delete_after": "33d"})
    rig.put("o", b"data")
    rig.once()

    def failed():
        said = status(rig).stdout.splitlines()
        return [line for line in said if "age-rules" in line]

    (line,) = failed()
    assert line.startswith(
        f"mapping main, {rig.account}/{rig.container}: age-rules failed "
        f"since {time.strftime('%Y-')}"
    )
    assert "lifecycle rules" in line
    assert "take remote_delete_after and storage_class_after out" in line
    rig.once()
    assert failed() == [line], "it has failed since then"
    del rig.mapping["remote_delete_after"]
    rig.write_config()
    rig.once()
    assert failed() == []


def test_failed_tasks_of_a_container_that_is_gone_are_forgotten(make_rig):
    rig = make_rig("s3api", mapping={"remote_delete_after": "33d"})
    rig.once()
    assert "age-rules failed" in status(rig).stdout
    rig.mapping["container"] = "another"
    rig.write_config()
    rig.once()
    assert f"/{rig.container}: age-rules" not in status(rig).stdout


def test_state_that_was_deleted_under_a_daemon_needs_a_restart(rig):
    rig.put("o", b"data")
    with rig.daemon() as daemon:
        eventually(lambda: rig.there().keys() == {"o"})
        os.unlink(rig.state_dir / "sync.sqlite")
        done = status(rig, code=1)
        assert f"onespace-sync (pid {daemon.pid}) runs" in done.stderr
        assert "restart onespace-sync" in done.stderr
        rig.stop(daemon)
    assert "has onespace-sync run" in status(rig, code=1).stderr
