# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon at random moments: nothing is lost."""

import random
import subprocess
import time

import pytest
from servers.rig import eventually

ROUNDS = 200
SEED = 20261125


class Client:
    """Writes at random, as applications do, from one seed."""

    def __init__(self, rig, rng):
        self._rig = rig
        self._rng = rng
        self._names = [f"dir{n % 3}/ö{n}" for n in range(25)]
        self._live = set()

    def act(self):
        name = self._rng.choice(self._names)
        kind = self._rng.choice(["put", "put", "post", "delete"])
        if kind == "put" or name not in self._live:
            size = self._rng.choice([0, 1, 100, 5000, 70_000, 300_000])
            self._rig.put(
                name,
                self._rng.randbytes(size),
                self._rng.choice(["text/plain", "image/png"]),
                n=str(self._rng.random()),
            )
            self._live.add(name)
        elif kind == "post":
            self._rig.local.post_object(
                name, {"n": str(self._rng.random()), "mood": "fröhlich"}
            )
        else:
            self._rig.local.delete_object(name)
            self._live.discard(name)


class Daemon:
    """A daemon that is killed again and again."""

    def __init__(self, rig):
        self._rig = rig
        self._process = None
        self.kills = 0

    def ensure(self):
        if self._process is None:
            with (self._rig.folder / "daemon.log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._rig.command(), stdout=log, stderr=log
                )

    def kill(self):
        if self._process is not None:
            assert self._process.poll() is None, self._rig.log()
            self._process.kill()
            self._process.wait()
            self._process = None
            self.kills += 1


@pytest.mark.slow
@pytest.mark.parametrize("store", ["radosgw", "s3api", "swift"])
def test_killed_at_random_moments_both_sides_are_equal_in_the_end(
    make_rig, store
):
    rng = random.Random(SEED)
    rig = make_rig(store, default={"poll_interval": 0.05})
    client, daemon = Client(rig, rng), Daemon(rig)
    try:
        for _ in range(ROUNDS if store == "radosgw" else ROUNDS // 4):
            daemon.ensure()
            for _ in range(rng.randrange(1, 6)):
                client.act()
            if rng.random() < 0.3:
                time.sleep(rng.random() * 1.5)
                daemon.kill()
    finally:
        daemon.kill()
    assert daemon.kills > 10
    rig.once()
    rig.assert_equal()
    assert "Traceback" not in rig.log()
    assert "is corrupt" not in rig.log()


def test_stop_ends_what_is_under_way_and_loses_nothing(rig):
    for number in range(50):
        rig.put(f"o{number}", b"x" * 10_000)
    with rig.daemon() as daemon:
        eventually(lambda: "following" in rig.log())
        time.sleep(0.1)
        assert rig.stop(daemon) == 0
    done = rig.once()
    rig.assert_equal()
    assert "failed 0" in done.stderr


def test_daemon_copies_what_is_written_while_it_runs(any_rig):
    with any_rig.daemon() as daemon:
        any_rig.put("o", b"1")
        eventually(lambda: any_rig.there().keys() == {"o"})
        any_rig.put("o", b"2")
        any_rig.put("p", b"3")
        eventually(lambda: any_rig.there() == any_rig.here())
        any_rig.local.delete_object("o")
        eventually(lambda: any_rig.there().keys() == {"p"})
        assert any_rig.stop(daemon) == 0
    any_rig.assert_equal()
