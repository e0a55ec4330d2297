# SPDX-License-Identifier: Apache-2.0
"""A Ceph cluster of one of each, with its S3 gateway, on loopback.

One monitor, one OSD, one radosgw, all in the foreground below a folder of
their own; keys are made before the monitor, so that nothing has to be asked
for afterwards. The settings that matter: one copy of everything, one
placement group a pool, no health warning about either; cephx stays on,
because radosgw does not start without it.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import uuid
from collections.abc import Iterator

from .children import Processes, require_program
from .ports import free_ports, wait_for_listener

_MEND = (
    "apt-get install --no-install-recommends"
    " ceph-mon ceph-osd radosgw ceph-common"
)

_PROGRAMS = (
    "ceph",
    "ceph-authtool",
    "ceph-mon",
    "ceph-osd",
    "monmaptool",
    "radosgw",
    "radosgw-admin",
)

_CONF = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
mon initial members = a
public network = 127.0.0.0/8
auth allow insecure global id reclaim = false
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = 10737418240
bluestore fsck on mount = false
run dir = {base}
admin socket =
pid file =
log file = {base}/$name.log
keyring = {base}/keyring
[mon.a]
mon data = {base}/mon
[osd.0]
osd data = {base}/osd
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{rgw}
rgw lc debug interval = 10
rgw enable usage log = false
"""

_KEYS = {
    "mon.": ["mon", "allow *"],
    "client.admin": ["mon", "allow *", "osd", "allow *"],
    "osd.0": ["mon", "allow profile osd", "osd", "allow *"],
    "client.rgw.a": ["mon", "allow rw", "osd", "allow rwx"],
}


@contextlib.contextmanager
def radosgw(
    base: pathlib.Path, access_key: str, secret_key: str
) -> Iterator[int]:
    """Run a cluster until the block ends; give the gateway's port.

    One user exists, with the given keys. Skips the test where Ceph is not
    installed.
    """
    program = {name: require_program(name, _MEND) for name in _PROGRAMS}
    conf = base / "ceph.conf"
    mon_v2, mon_v1, port = free_ports(["127.0.0.1"] * 3)
    fsid = str(uuid.uuid4())
    conf.write_text(
        _CONF.format(
            base=base, fsid=fsid, mon_v2=mon_v2, mon_v1=mon_v1, rgw=port
        )
    )

    def run(name: str, *arguments: str) -> None:
        _run([program[name], "-c", str(conf), *arguments])

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [program[name], "-c", str(conf), "-f", *arguments]
        return processes.start(name, command)

    _make_keys(program["ceph-authtool"], base / "keyring")
    monmap = str(base / "monmap")
    address = f"[v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]"
    make = [program["monmaptool"], "--create", "--fsid", fsid]
    _run([*make, "--addv", "a", address, monmap])
    (base / "mon").mkdir()
    (base / "osd").mkdir()
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
    processes = Processes(base / "log")
    try:
        start("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        run("ceph", "--connect-timeout", "60", "osd", "new", osd, "0")
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        start("ceph-osd", "-i", "0")
        gateway = start("radosgw", "-n", "client.rgw.a")
        wait_for_listener("127.0.0.1", port, gateway, 120)
        user = ["--uid=tester", "--display-name=tester"]
        keys = [f"--access-key={access_key}", f"--secret-key={secret_key}"]
        run("radosgw-admin", "user", "create", *user, *keys)
        yield port
    finally:
        processes.stop("radosgw", "ceph-osd", "ceph-mon")


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def _make_keys(authtool: str, keyring: pathlib.Path) -> None:
    for number, (name, caps) in enumerate(_KEYS.items()):
        command = [authtool, str(keyring), "--gen-key", "-n", name]
        if number == 0:
            command.insert(1, "--create-keyring")
        for service, cap in zip(caps[::2], caps[1::2], strict=True):
            command += ["--cap", service, cap]
        _run(command)
    os.chmod(keyring, 0o600)
