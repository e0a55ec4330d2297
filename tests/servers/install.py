# SPDX-License-Identifier: Apache-2.0
"""Install the servers that the tests use, as far as this machine lets us.

Debian packages need root; MinIO and versitygw need Go. What cannot be
installed is said, and the tests that need it are skipped by name. Run it again
at any time: what is there is left alone. Nothing but the standard library is
needed.

Usage: python3 tests/servers/install.py
"""

import os
import pathlib
import shutil
import subprocess
import sys

DEBIAN = {
    "memcached": "memcached",
    "rsync": "rsync",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "radosgw": "radosgw",
    "radosgw-admin": "radosgw",
    "ceph": "ceph-common",
}
#: Programs that are built from source, by name.
GO = {
    "minio": "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
    "versitygw": "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
}


def main() -> int:
    """Install; always 0, since a test run without a server is still one."""
    cache = pathlib.Path(
        os.environ.get("ONESPACE_CACHE") or "~/.cache/onespace"
    ).expanduser()
    install_debian()
    for program, module in GO.items():
        install_go(program, module, cache / "bin")
    return 0


def install_debian() -> None:
    """Install Debian packages whose programs are missing."""
    missing = sorted(
        {
            package
            for program, package in DEBIAN.items()
            if shutil.which(program) is None
        }
    )
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        say(f"not installed (needs root on Debian): {' '.join(missing)}")
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        [
            *("apt-get", "install", "-qq", "-y"),
            *("--no-install-recommends", *missing),
        ],
    ):
        if run(command, environment):
            say(f"not installed: {' '.join(missing)}")
            return


def install_go(program: str, module: str, folder: pathlib.Path) -> None:
    """Build a program with Go, which takes some minutes the first time."""
    if (folder / program).exists() or shutil.which(program):
        return
    if shutil.which("go") is None:
        say(f"{program} is not built: there is no Go here")
        return
    folder.mkdir(parents=True, exist_ok=True)
    say(f"building {program}; this takes some minutes once")
    environment = {**os.environ, "GOBIN": str(folder)}
    if run(["go", "install", module], environment):
        say(f"{program} is not built")


def run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command quietly; show what it said if it failed."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        say(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.returncode


def say(text: str) -> None:
    """Print at once, so that a long build does not look like a hang."""
    print(f"servers for tests: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
