# SPDX-License-Identifier: Apache-2.0
"""A standalone Swift as a child of this process."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from onespace_core.swift.standalone.folder import Layout, StandaloneError

_READY_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LOOK_EVERY = 0.02
_LOG_LINES = 20


class StandaloneProcess:
    """A standalone Swift in a process of its own, which ends with ours.

    ::

        with StandaloneProcess.start(folder) as swift:
            swift.info["auth_url"]

    It stops when its standard input closes, so it survives neither the end
    nor a ``kill -9`` of the process that started it. Nothing of Swift or
    eventlet is imported here. Its output is appended to ``standalone.log``
    in its folder.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], info: Mapping[str, Any]
    ) -> None:
        self._process = process
        self._info = dict(info)

    @classmethod
    def start(
        cls,
        folder: str | os.PathLike[str],
        *,
        port: int = 0,
        users: Sequence[str] = (),
        extra: Sequence[str] = (),
    ) -> Self:
        """Start one and wait until it serves.

        :param folder: a new, an empty, or a standalone's folder.
        :param port: 0 takes a free one.
        :param users: each ``ACCOUNT:USER:KEY``; none means the default user.
        :param extra: more arguments of ``onespace standalone``.
        :raises StandaloneError: it ended, or was not ready in a minute; with
            the last lines of its log. Nothing is left running.
        :raises OSError: the folder cannot hold the log.
        """
        layout = Layout(pathlib.Path(folder).absolute())
        layout.folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "onespace_core.cli.main", "standalone"),
            *(str(layout.folder), "--port", str(port)),
            "--until-stdin-closes",
            *(part for user in users for part in ("--user", user)),
            *extra,
        ]
        with open(layout.log, "ab", opener=_open_private) as log:
            log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        try:
            info = _wait_until_ready(process, layout)
        except StandaloneError as exc:
            _end(process)
            raise StandaloneError(
                f"{exc}; its log ends:\n{_tail(layout.log, log_start)}"
            ) from None
        except BaseException:
            _end(process)
            raise
        return cls(process, info)

    @property
    def info(self) -> dict[str, Any]:
        """What its ``standalone.json`` held: addresses, users, paths."""
        return dict(self._info)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Stop it as SIGTERM does, and wait; again is fine.

        :returns: its exit code, 0 after a clean stop; negative where a
            signal ended it.
        """
        if self.running:
            self._process.terminate()
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = self.kill()
        self._close_stdin()
        return code

    def kill(self) -> int:
        """End it as ``kill -9`` does, and wait; again is fine."""
        self._process.kill()
        self._close_stdin()
        return self._process.wait()

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _open_private(path: str, flags: int) -> int:
    # The greeting, which has the keys, is in the log.
    return os.open(path, flags, mode=0o600)


def _wait_until_ready(
    process: subprocess.Popen[bytes], layout: Layout
) -> Mapping[str, Any]:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        code = process.poll()
        if code is not None:
            raise StandaloneError(
                f"the standalone Swift in {layout.folder} ended with {code}"
            )
        try:
            info = json.loads(layout.info.read_text())
        except FileNotFoundError:
            info = {}
        if info.get("pid") == process.pid:  # not of one that was killed
            return dict(info)
        time.sleep(_LOOK_EVERY)
    raise StandaloneError(
        f"the standalone Swift in {layout.folder} was not ready after "
        f"{_READY_SECONDS:.0f} s"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _tail(log: pathlib.Path, start: int) -> str:
    with log.open("rb") as stream:
        stream.seek(start)
        text = stream.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-_LOG_LINES:])
