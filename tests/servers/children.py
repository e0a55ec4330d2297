# SPDX-License-Identifier: Apache-2.0
"""Server processes that never outlive the tests."""

from __future__ import annotations

import pathlib
import shutil
import signal
import subprocess
from collections.abc import Sequence

import pytest


def require_program(name: str, hint: str) -> str:
    """Return the path of a program, or skip the test, saying how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: {hint}")
    return path


def hear_ctrl_c() -> None:
    """Let a child obey SIGINT; for ``preexec_fn``.

    Who runs the tests in the background of a shell has it ignored, and a
    child inherits that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Processes:
    """Named processes, each with a log, ended by their ids.

    :param logs: folder for ``NAME.log``.
    """

    def __init__(self, logs: pathlib.Path) -> None:
        self._setpriv = require_program(
            "setpriv", "apt-get install util-linux"
        )
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, name: str) -> subprocess.Popen[bytes]:
        return self._running[name]

    def start(
        self, name: str, command: Sequence[str]
    ) -> subprocess.Popen[bytes]:
        """Start a process; it gets SIGTERM if the tests die."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [self._setpriv, "--pdeathsig", "TERM", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running[name] = process
        return process

    def log(self, name: str) -> pathlib.Path:
        """Return the path of a process's log."""
        return self._logs / f"{name}.log"

    def stop(self, *names: str, number: int = signal.SIGTERM) -> None:
        """Send a signal to some and wait for their ends; kill after 10 s."""
        ending = [
            self._running.pop(name) for name in names if name in self._running
        ]
        for process in ending:
            process.send_signal(number)
        for process in ending:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_all(self) -> None:
        """End every process."""
        self.stop(*self._running)
