# SPDX-License-Identifier: Apache-2.0
"""Deletions that are too many to be meant wait for somebody to say so."""

import subprocess

OBJECTS = 8


def emptied(rig):
    for number in range(OBJECTS):
        rig.put(f"o{number}")
    rig.once()
    assert len(rig.there()) == OBJECTS
    for number in range(OBJECTS):
        rig.connection.delete_object(rig.container, f"o{number}")


def test_too_many_deletions_pause_and_go_on_when_they_are_meant(make_rig):
    rig = make_rig("s3api", mapping={"delete_breaker_number": "3"})
    emptied(rig)
    done = rig.once(code=1)
    assert len(rig.there()) == OBJECTS - 3
    assert "deletions are paused" in done.stderr
    rig.put("new")
    rig.once(code=1)
    assert len(rig.there()) == OBJECTS - 3 + 1, "copies go on"
    resumed = subprocess.run(
        rig.command("--resume-deletes", "main"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    rig.once()
    assert rig.there().keys() == {"new"}


def test_few_deletions_pass(make_rig):
    rig = make_rig("s3api")
    emptied(rig)
    rig.once()
    assert rig.there() == {}
