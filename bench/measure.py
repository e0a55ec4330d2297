# SPDX-License-Identifier: Apache-2.0
"""Running a contender, and what it cost."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

_SAMPLE = 0.05
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Job:
    """A command that moves objects.

    :param env: the whole environment, so that no proxy, profile or
        configuration of the user takes part.
    :param log: file for what it prints.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    log: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a run took.

    :param wall: seconds from start to end.
    :param cpu: seconds, user and system, of it and its children.
    :param rss: peak resident memory in MiB, of the process or that one of
        its children that has most.
    """

    wall: float
    cpu: float
    rss: float


class Running:
    """A job under way, whose peak memory is followed.

    The peak that wait4 gives cannot be used: it starts from that of the
    process that forked.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._peak = 0
        with job.log.open("ab") as log:
            self._started = time.monotonic()
            self.process = subprocess.Popen(
                job.command,
                env=job.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def _sample(self) -> None:
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        while not self._done.wait(_SAMPLE):
            with contextlib.suppress(OSError):
                for one in (pid, *children.read_text().split()):
                    status = pathlib.Path(f"/proc/{one}/status").read_text()
                    if found := _PEAK.search(status):
                        self._peak = max(self._peak, int(found[1]))

    def wait(self) -> Cost:
        """Wait for the end.

        :raises RuntimeError: it failed; with the end of what it printed.
        """
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self._started
        self._done.set()
        self._sampler.join()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode:
            tail = self.job.log.read_text(errors="replace")[-2000:]
            message = (
                f"{self.job.command[0]} ended with "
                f"{self.process.returncode}:\n{tail}"
            )
            raise RuntimeError(message)
        return Cost(wall, usage.ru_utime + usage.ru_stime, self._peak / 1024)

    def stop(self) -> Cost:
        """End it as an operator does."""
        self.process.terminate()
        return self.wait()


@contextlib.contextmanager
def running(job: Job) -> Iterator[Running]:
    """Run a job for a block; it does not outlive it."""
    run = Running(job)
    try:
        yield run
    finally:
        if run.process.returncode is None:
            run.process.kill()
            run.process.wait()


def run(job: Job) -> Cost:
    """Run a job to its end."""
    with running(job) as process:
        return process.wait()
