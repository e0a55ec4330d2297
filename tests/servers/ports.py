# SPDX-License-Identifier: Apache-2.0
"""Free ports, and waiting for who listens on them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Sequence


def free_ports(hosts: Sequence[str]) -> list[int]:
    """Return a free port for each host, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in hosts]
        for sock, host in zip(sockets, hosts, strict=True):
            sock.bind((host, 0))
        return [sock.getsockname()[1] for sock in sockets]


def wait_for_listener(
    host: str,
    port: int,
    process: subprocess.Popen[bytes],
    seconds: float = 60,
) -> None:
    """Return once a process accepts connections.

    :raises RuntimeError: it ended, or does not in time.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), 2).close()
        except OSError as exc:
            if process.poll() is not None:
                raise RuntimeError(
                    f"{process.args} ended with {process.returncode}"
                ) from exc
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{process.args} does not listen on {host}:{port}"
                ) from exc
            time.sleep(0.05)
        else:
            return
