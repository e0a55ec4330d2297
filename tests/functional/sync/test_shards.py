# SPDX-License-Identifier: Apache-2.0
"""Containers that a real sharder of Swift has spread over shards."""

import glob
import os
import pathlib
import subprocess
import sys

import pytest
from servers.rig import eventually
from servers.rows import add_rows


class Sharding:
    """One container of a rig, and what Swift's tools do with it."""

    def __init__(self, cluster, account, container, folder, merge=False):
        self.cluster = cluster
        self.path = add_rows(cluster.info, account, container)
        # As the cluster's, but one range is done in a pass; and ranges that
        # are small, as all of these, are merged again only if asked for.
        layout = cluster.layout
        conf = layout.server_conf("container", layout.nodes[0]).read_text()
        changes = {"cleave_batch_size = 100": "cleave_batch_size = 1"}
        if not merge:
            changes["auto_shard = true"] = "auto_shard = false"
        for old, new in changes.items():
            assert old in conf
            conf = conf.replace(old, new)
        self.conf = folder / f"sharder-{container}.conf"
        self.conf.write_text(conf)

    def _run(self, module, path, *arguments):
        done = subprocess.run(
            [*self.cluster._command(module, path), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def find(self, rows_per_shard):
        """Divide the names, and let the sharder begin."""
        self._run(
            "swift.cli.manage_shard_ranges",
            pathlib.Path(self.path),
            *("find_and_replace", str(rows_per_shard), "--enable"),
        )

    def step(self):
        """Let the sharder do one range of each container."""
        self._run("swift.container.sharder", self.conf, "once", "-v")

    def files(self):
        folder = os.path.dirname(self.path)
        return sorted(glob.glob(f"{folder}/*.db"))

    @property
    def state(self):
        files = self.files()
        if len(files) > 1:
            return "sharding"
        return "sharded" if "_" in os.path.basename(files[0]) else "unsharded"

    def finish(self):
        for _ in range(20):
            if self.state == "sharded":
                return
            self.step()
        raise AssertionError(f"still {self.files()}")

    def shard(self, rows_per_shard):
        self.find(rows_per_shard)
        self.finish()


@pytest.fixture
def make_sharded(make_rig, swift_1x1, tmp_path):
    """A function that makes a rig and what shards its container."""

    def make(merge=False, **changes):
        rig = make_rig("radosgw", swift=swift_1x1.info, **changes)
        return rig, Sharding(
            swift_1x1, rig.account, rig.container, tmp_path, merge
        )

    return make


class Objects(dict):
    """What a rig's container should hold; Swift's listing of one that is
    being sharded lags, and is not asked."""

    def __init__(self, rig):
        super().__init__()
        self.rig = rig
        self.touched = []

    def put(self, name, data):
        self.rig.put(name, data)
        self[name] = data
        self.touched.append(name)

    def fill(self, first, end):
        for number in range(first, end):
            self.put(f"o{number:03}", f"data {number}".encode())

    def delete(self, name):
        self.rig.local.delete_object(name)
        del self[name]
        self.touched.append(name)

    def are_there(self):
        return {n: held.data for n, held in self.rig.there().items()} == self

    def assert_there(self, but=()):
        there = {n: held.data for n, held in self.rig.there().items()}
        assert {n: data for n, data in there.items() if n not in but} == {
            n: data for n, data in self.items() if n not in but
        }


def status(rig):
    done = subprocess.run(
        [
            sys.executable, "-m", "onespace_core.cli.main", "status",
            "--config", str(rig.config),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_case_77_container_is_followed_before_and_after_it_is_sharded(
    make_sharded,
):
    rig, sharding = make_sharded()
    objects = Objects(rig)
    objects.fill(0, 30)
    rig.once()
    before = {f"o{n:03}": rig.remote_head(f"o{n:03}") for n in range(30)}
    sharding.shard(10)
    objects.fill(30, 40)
    done = rig.once()
    assert "copied 10 objects" in done.stderr
    objects.assert_there()
    for name, info in before.items():
        assert rig.remote_head(name).last_modified == info.last_modified
    # Figures and what is owed are the root's; shards are not seen.
    (line,) = (x for x in status(rig).splitlines() if x.startswith("main "))
    assert f"{rig.account}/{rig.container}" in line
    assert ".shards_" not in status(rig)
    assert "copied 0 objects" in rig.once().stderr


def test_changes_in_shards_are_changes_of_the_container(make_sharded):
    rig, sharding = make_sharded()
    objects = Objects(rig)
    objects.fill(0, 30)
    rig.once()
    sharding.shard(10)
    rig.once()
    objects.delete("o005")
    objects.delete("o025")
    objects.put("o015", b"rewritten")
    rig.local.post_object("o016", {"about": "changed"})
    done = rig.once()
    assert "copied 1 objects" in done.stderr
    assert "deleted 2" in done.stderr
    objects.assert_there()
    assert rig.there()["o016"].metadata == {"about": "changed"}


def test_nothing_is_lost_while_a_container_is_being_sharded(make_sharded):
    """What is in which database differs at each of the steps."""
    rig, sharding = make_sharded(merge=True)
    objects = Objects(rig)
    objects.fill(0, 20)
    objects.delete("o003")
    rig.once()
    objects.fill(20, 50)  # not read before it begins
    objects.delete("o013")
    sharding.find(10)
    states = []
    objects.touched.clear()
    changed = objects.touched
    for number in range(20):
        sharding.step()
        states.append(sharding.state)
        objects.put(f"new{number:03}", b"while it goes on")
        objects.put(f"o{20 + number:03}", b"rewritten")
        objects.delete(f"o{number + 30:03}")
        if number:
            objects.delete(f"new{number - 1:03}")
        if number != 1:  # one step goes by unseen
            # What changes meanwhile may be in the fresh database of the
            # root, until the sharder moves it to its shard; where only the
            # former row is yet, it waits.
            subprocess.run(rig.command("--once"), check=False, timeout=120)
            objects.assert_there(but=changed)
        if states[-1] == "sharded":
            break
    assert states.count("sharding") > 2, states
    assert states[-1] == "sharded"
    for _ in range(4):
        # Shards this small are merged again: rows move once more.
        sharding.step()
        subprocess.run(rig.command("--once"), check=False, timeout=120)
    rig.once()
    objects.assert_there()


def test_case_78_shards_of_another_root_are_not_adopted(
    make_rig, swift_1x1, tmp_path, unique_name
):
    rig = make_rig("radosgw", swift=swift_1x1.info, container=unique_name)
    others = (unique_name + "bar", unique_name + "-x")
    objects = Objects(rig)
    objects.fill(0, 20)
    for container in (unique_name, *others):
        rig.connection.put_container(container)
        if container in others:
            for number in range(20):
                rig.connection.put_object(container, f"o{number:03}", b"d")
        Sharding(swift_1x1, rig.account, container, tmp_path).shard(10)
    objects.put("x", b"alive")
    for container in others:
        rig.connection.put_object(container, "x", b"to be deleted")
        rig.connection.delete_object(container, "x")
        rig.connection.put_object(container, "theirs", b"data")
    rig.once()
    objects.assert_there()


def test_case_79_one_worker_does_all_shards(make_sharded):
    rig, sharding = make_sharded(
        default={"container_workers": 1, "workers": 1}
    )
    objects = Objects(rig)
    objects.fill(0, 50)
    sharding.shard(8)
    rig.once()
    objects.assert_there()
    with rig.state() as store:
        shards = store.containers("main", f".shards_{rig.account}")
    assert len(shards) >= 5


def test_daemon_follows_shards_that_come_while_it_runs(make_sharded):
    rig, sharding = make_sharded(
        default={"poll_interval": 1, "discovery_interval": 1}
    )
    objects = Objects(rig)
    objects.fill(0, 20)
    with rig.daemon() as daemon:
        eventually(objects.are_there)
        sharding.shard(10)
        objects.fill(20, 25)
        objects.delete("o000")
        eventually(objects.are_there, 60)
        assert rig.stop(daemon) == 0
    assert "Traceback" not in rig.log()


def test_state_of_a_sharded_container_goes_with_it(make_sharded):
    rig, sharding = make_sharded()
    objects = Objects(rig)
    objects.fill(0, 20)
    sharding.shard(10)
    rig.once()
    for number in range(20):
        objects.delete(f"o{number:03}")
    rig.once()
    assert rig.there() == {}
