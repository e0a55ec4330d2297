# SPDX-License-Identifier: Apache-2.0
"""``onespace plan`` between real servers: it says what then happens."""

import collections
import contextlib
import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from servers.proxy import FaultProxy
from servers.rig import eventually

MIB = 1 << 20
STORES = ("s3api", "moto_server", "swift")
#: What the plan's kinds are on the wire.
METHODS = {
    "head": "HEAD",
    "get": "GET",
    "list": "GET",
    "manifest": "GET",
    "put": "PUT",
    "bucket": "PUT",
    "part": "PUT",
    "part copy": "PUT",
    "copy": "PUT",
    "post": "POST",
    "start upload": "POST",
    "complete upload": "POST",
    "abort upload": "DELETE",
    "delete": "DELETE",
}
COPIES = re.compile(r"copied (\d+) objects \((\d+) bytes\)")


class Planner:
    """A rig, and the command beside it."""

    def __init__(self, rig):
        self.rig = rig

    def run(self, *arguments, code=0):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "onespace_core.cli.main", "plan"),
                *("--config", str(self.rig.config), *arguments),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def plan(self, *arguments, code=0, name="main"):
        """Plan; see to it that nothing has changed; return the mapping's."""
        before = self.everything()
        done = self.run("--json", *arguments, code=code)
        assert self.everything() == before
        return json.loads(done.stdout)["mappings"][name]

    def everything(self):
        """Return all that a plan must not touch."""
        return (
            _listed(self.rig.local),
            _listed(self.rig.remote),
            self.state_files(),
        )

    @property
    def state_file(self):
        return self.rig.state_dir / "sync.sqlite"

    def state_files(self):
        return {
            path.name: (
                hashlib.sha256(path.read_bytes()).hexdigest(),
                path.stat().st_mtime_ns,
            )
            for path in self.rig.state_dir.iterdir()
        }


def _listed(provider):
    page = provider.list_objects()
    return [
        (each.key, each.size, each.etag, each.last_modified)
        for each in page.objects
    ]


def test_new_objects_are_planned_and_then_copied(rig):
    planner = Planner(rig)
    rig.put("a", b"12345", color="red")
    rig.put("b/ü", b"")
    found = planner.plan()
    assert (found["copied"], found["bytes"]) == (2, 5)
    assert found["problem"] is None
    rig.once()
    rig.assert_equal()
    found = planner.plan()
    assert (found["copied"], found["bytes"], found["requests"]) == (0, 0, {})


@pytest.fixture(params=STORES)
def watched(request, make_rig):
    """A function that makes a rig whose requests a proxy sees."""
    with contextlib.ExitStack() as stack:

        def make(**changes):
            if request.param == "swift":
                server = request.getfixturevalue("second_standalone")
                there = urlsplit(server.info["auth_url"])
                option, path = "auth_url", there.path
                host, port = there.hostname, there.port
            else:
                server = request.getfixturevalue(request.param)
                option, path = "endpoint", ""
                host, port = server.host, server.port
            proxy = stack.enter_context(FaultProxy(host, port))
            # One row after the other: else the number of looks may differ.
            changes["default"] = {"workers": 1, **changes.get("default", {})}
            rig = make_rig(
                request.param, options={option: proxy.url + path}, **changes
            )
            return Planner(rig), proxy

        yield make


def methods(plan):
    counts = collections.Counter()
    for kind, count in plan["requests"].items():
        counts[METHODS[kind]] += count
    return counts


def made(proxy):
    return collections.Counter(
        request.method
        for request in proxy.requests
        if "/auth/" not in request.path
    )


def requests_match(plan, seen):
    """Compare a plan with what was seen on the wire.

    A provider looks by itself before it changes an object where it is, and
    at each copied part of a store that keeps no conditions.
    """
    counts = collections.Counter(plan["requests"])
    planned = methods(plan)
    looks = seen.pop("HEAD", 0) + seen.pop("GET", 0)
    looks -= planned.pop("HEAD", 0) + planned.pop("GET", 0)
    assert planned == seen
    least = counts["post"] + counts["copy"]
    most = least + counts["manifest"] + 2 * counts["part copy"]
    assert least <= looks <= most, (plan["requests"], looks)


def compared(planner, proxy, code=0):
    """Plan, do it, and compare; return the plan and the program's word."""
    found = planner.plan()
    assert found["problem"] is None
    before = {each[0] for each in _listed(planner.rig.remote)}
    proxy.reset()
    done = planner.rig.once(code=code)
    seen = made(proxy)
    after = {each[0] for each in _listed(planner.rig.remote)}
    requests_match(found, seen)
    assert found["deleted"] == len(before - after)
    copied, sent = COPIES.search(done.stderr).groups()
    assert found["copied"] == int(copied)
    return found, done.stderr, int(sent)


def test_plan_is_what_then_happens(watched):
    planner, proxy = watched(mapping={"exclude_pattern": "no/.*"})
    rig = planner.rig
    for name in ("old", "label", "gone", "same"):
        rig.put(name, b"first")
    compared(planner, proxy)
    rig.put("new", b"12345")
    rig.put("old", b"second!")
    rig.put("no/thing", b"excluded")
    rig.connection.post_object(
        rig.container, "label", {"X-Object-Meta-Color": "blue"}
    )
    rig.connection.delete_object(rig.container, "gone")
    found, _said, sent = compared(planner, proxy)
    assert (found["copied"], found["bytes"]) == (2, 12)
    # Whether a row is sent without a look before depends on the one before.
    assert sent == 12 + found["bytes_refused"]
    assert found["deleted"] == 1
    assert found["settled"]["excluded"] == 1
    assert found["settled"]["post"] == 1
    assert {each.rpartition("/")[2] for each in found["names"]["put"]} == {
        "new",
        "old",
    }
    found, _said, _sent = compared(planner, proxy)
    assert found["requests"] == {}


def test_first_pass_after_the_state_was_lost(watched):
    """What is there is found: nothing would be copied again."""
    planner, proxy = watched()
    rig = planner.rig
    rig.put("a", b"1")
    rig.put("b", b"2")
    rig.once()
    (rig.state_dir / "sync.sqlite").unlink()
    found, _said, _sent = compared(planner, proxy)
    assert (found["copied"], found["settled"]["noop"]) == (0, 2)


ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}


def test_archive(watched):
    planner, proxy = watched(mapping=ARCHIVE)
    rig = planner.rig
    rig.put("a", b"12345")
    rig.put("b", b"")
    found, said, _sent = compared(planner, proxy)
    assert (found["deleted_here"], found["bytes_here"]) == (2, 5)
    assert "archived 2" in said
    assert rig.here() == {}


def test_too_young_rows_wait_and_say_until_when(watched):
    planner, proxy = watched(mapping={**ARCHIVE, "copy_after": "1h"})
    planner.rig.put("young", b"12345")
    found, _said, _sent = compared(planner, proxy)
    assert (found["copied"], found["deleted_here"]) == (0, 0)
    (owed,) = found["owed"]
    assert (owed["kind"], owed["count"]) == ("scheduled", 1)
    with planner.rig.state() as state:
        (summary,) = state.summaries()
    assert summary.next_due == pytest.approx(owed["due"])


def put_slo(rig, name, sizes):
    segments = f"{rig.container}_parts"
    rig.connection.put_container(segments)
    manifest = []
    for number, size in enumerate(sizes):
        rig.connection.put_object(
            segments, f"{number}", bytes([65 + number]) * size
        )
        manifest.append({"path": f"/{segments}/{number}"})
    rig.connection.put_object(
        rig.container,
        name,
        json.dumps(manifest),
        query_string="multipart-manifest=put",
    )


@pytest.mark.parametrize("archive", [False, True])
def test_large_objects(watched, archive):
    mapping = {"multipart_threshold": "5M", "part_size": "5M"}
    planner, proxy = watched(
        mapping={**mapping, **(ARCHIVE if archive else {})}
    )
    rig = planner.rig
    put_slo(rig, "slo", (5 * MIB, 5 * MIB, 1000))
    rig.put("plain", b"x" * (6 * MIB))
    found, _said, sent = compared(planner, proxy)
    assert found["copied"] == 2
    # The manifest that is kept beside the copy is sent as well.
    assert found["bytes"] >= sent == 16 * MIB + 1000
    assert found["deleted_here"] == 2 * archive
    if archive:
        return
    rig.connection.post_object(
        rig.container, "slo", {"X-Object-Meta-Color": "blue"}
    )
    found, _said, sent = compared(planner, proxy)
    assert (sent, found["settled"]["post"]) == (0, 1)
    assert found["bytes"] < 1000, "a manifest beside it, at most"
    rig.connection.delete_object(rig.container, "slo")
    rig.put("plain", b"small")
    found, _said, sent = compared(planner, proxy)
    assert (found["bytes"], sent) == (5, 5 + found["bytes_refused"])


# -- the state directory ------------------------------------------------------


def test_killed_daemon_state_is_read_as_it_was_left(rig):
    planner = Planner(rig)
    rig.put("a", b"1")
    with rig.daemon() as process:
        eventually(rig.there)
        with rig.state() as state:
            eventually(lambda: state.summaries()[0].cursor.scanned > 0)
        process.kill()
        process.wait()
    assert (rig.state_dir / "sync.sqlite-wal").exists()
    rig.put("b", b"22")
    found = planner.plan()
    assert (found["copied"], found["bytes"]) == (1, 2)


def test_beside_a_running_daemon_that_goes_on(rig):
    planner = Planner(rig)
    rig.put("a", b"1")
    with rig.daemon() as process:
        eventually(rig.there)
        found = json.loads(planner.run("--json").stdout)["mappings"]["main"]
        assert (found["problem"], found["copied"]) == (None, 0)
        rig.put("b", b"2")
        eventually(lambda: "b" in rig.there())
        assert rig.stop(process) == 0
    assert rig.log().count("ERROR") == 0


def test_newer_state_is_refused_and_left(rig):
    planner = Planner(rig)
    rig.put("a")
    rig.once()
    with contextlib.closing(sqlite3.connect(planner.state_file)) as state:
        state.execute("PRAGMA user_version = 999")
    before = planner.everything()
    done = planner.run(code=1)
    assert "newer onespace" in done.stderr
    assert str(planner.state_file) in done.stderr
    assert planner.everything() == before


def test_damaged_state_is_refused_and_left(rig):
    planner = Planner(rig)
    planner.state_file.write_bytes(b"no database" * 1000)
    before = planner.everything()
    done = planner.run(code=1)
    assert "not a database" in done.stderr
    assert planner.everything() == before


def test_missing_state_folder_is_a_problem_of_the_configuration(rig):
    rig.default["state_dir"] = rig.folder / "nowhere"
    rig.write_config()
    done = Planner(rig).run(code=2)
    assert "nowhere is not a folder" in done.stderr
    assert not (rig.folder / "nowhere").exists()


# -- what is wrong with mappings ----------------------------------------------


def test_unknown_mapping_is_named_with_those_that_are(rig):
    done = Planner(rig).run("wrong", code=2)
    assert "there is no [mapping:wrong]" in done.stderr
    assert "main" in done.stderr


def other_mapping(rig, **options):
    """Add a mapping of the same container to the configuration."""
    credentials = {"provider": rig.provider, **rig.options, **options}
    lines = [f"{key} = {value}" for key, value in credentials.items()]
    rig.write_config(
        "[credentials:other]\n" + "\n".join(lines) + "\n\n[mapping:other]\n"
        f"mode = sync\ncredentials = other\naccount = {rig.account}\n"
        f"container = {rig.container}\nbucket = {rig.bucket}-2\n"
    )


def test_one_store_is_down_and_the_other_mapping_is_planned(rig):
    planner = Planner(rig)
    rig.put("a", b"123")
    other_mapping(rig, endpoint="http://127.0.0.1:1")
    found = planner.plan(code=1)
    assert (found["copied"], found["problem"]) == (1, None)
    found = planner.plan(code=1, name="other")
    assert found["copied"] == 0
    assert "127.0.0.1:1" in found["problem"]
    done = planner.run(code=1)
    assert "mapping other: cannot be planned: " in done.stdout
    assert planner.plan("main")["copied"] == 1


def test_wrong_key_and_missing_bucket_are_told(rig):
    planner = Planner(rig)
    rig.put("a", b"123")
    secret = "wrong-secret-nobody-may-see"
    other_mapping(rig, secret_key=secret)
    done = planner.run(code=1)
    assert "mapping other: cannot be planned: " in done.stdout
    assert secret not in done.stdout + done.stderr
    other_mapping(rig)
    found = planner.plan(code=1, name="other")
    assert f"{rig.bucket}-2" in found["problem"]


def test_breaker_that_would_trip_is_told(make_rig):
    rig = make_rig("s3api", mapping={"delete_breaker_number": "3"})
    planner = Planner(rig)
    for number in range(8):
        rig.put(f"o{number}")
    rig.once()
    for number in range(8):
        rig.connection.delete_object(rig.container, f"o{number}")
    found = planner.plan()
    assert found["deleted"] == 3
    assert "more than 3 deletions" in found["paused"]
    assert sum(each["count"] for each in found["owed"]) == 5
    with rig.state() as state:
        assert not state.summaries()[0].waiting


def test_table_and_names(rig):
    rig.put("a", b"12345")
    planner = Planner(rig)
    shown = planner.run("-v", "--objects", "1").stdout
    header, row, *rest = shown.splitlines()
    assert header.split()[:3] == ["mapping", "copy", "bytes"]
    assert row.split()[:3] == ["main", "1", "5"]
    assert any(line.endswith("/a") for line in rest)
    assert planner.run().stdout.count("\n") < shown.count("\n")


def test_t_12_object_at_a_manifests_key_is_skipped(make_rig):
    rig = make_rig(mapping={"custom_prefix": "p"})
    name = rig.layout.name(rig.layout.manifest_key("slo"))
    rig.put(name, b"mine")
    planner = Planner(rig)
    found = planner.plan()
    (owed,) = found["owed"]
    assert (owed["kind"], owed["count"]) == ("skipped", 1)
    assert "manifest" in owed["reason"]
    assert (found["copied"], found["requests"]) == (0, {})
