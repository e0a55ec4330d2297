# SPDX-License-Identifier: Apache-2.0
"""A store in a temporary folder, and file systems of its own kind."""

import logging
import os
import subprocess
import traceback

import pytest
from onespace_file import FileProvider

BUCKET = "bucket"


def provider_of(folder, *, fsync=True, bucket=BUCKET):
    return FileProvider(
        str(folder),
        fsync=fsync,
        bucket=bucket,
        logger=logging.getLogger("onespace.test"),
    )


def prepare(folder):
    """Make a folder a store with one bucket; return its provider."""
    folder.mkdir(exist_ok=True)
    (folder / ".onespace-store").touch()
    provider = provider_of(folder)
    provider.create_bucket()
    return provider


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def provider(folder):
    provider = prepare(folder)
    yield provider
    provider.close()


@pytest.fixture
def place(folder, provider):
    """The bucket's folder."""
    return folder / BUCKET


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one MiB, and a function that makes it read-only."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def files(place):
    """Return the names of all files of objects and of writes."""
    return sorted(
        str(path.relative_to(place))
        for path in place.rglob("*")
        if path.is_file() and "%lock" not in path.parts
        if path.name != "%bucket"
    )


def fork(work):
    """Run a function in a process of its own; return its id."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing may leave the child
            traceback.print_exc()
            os._exit(1)
    return child


def codes(children):
    return [os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children]
