# SPDX-License-Identifier: Apache-2.0
"""What every scenario needs: a Swift, a sink, and counts of both.

Source requests are counted in the logs of Swift's own servers, so that they
are what the servers did and not what a client says.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

import fill

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "tests"))

from servers.children import Processes  # noqa: E402 - needs the path
from servers.cluster import SwiftCluster  # noqa: E402
from servers.ports import free_ports, wait_for_listener  # noqa: E402

STORAGE = ("account1", "container1", "object1")
#: A request in a log: of a storage server, or of the proxy.
_LINE = re.compile(r'"(GET|HEAD|PUT|POST|DELETE) /|[ ](GET|HEAD|PUT) /v1/')
#: Servers log a request after they have answered it.
_LOG_DELAY = 0.3
_MEMORY = "/dev/shm"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Account:
    """Who the contenders are at the source."""

    name: str
    user: str
    key: str


@dataclasses.dataclass(frozen=True)
class Reading:
    """Counters at one moment; the difference of two is what a run cost."""

    cpu: Mapping[str, float]
    logs: Mapping[str, int]


class World:
    """A running Swift with one node and one replica, and a sink.

    :param base: an empty folder, not in a path with spaces.
    """

    def __init__(self, base: pathlib.Path) -> None:
        self.base = base
        self.cluster = SwiftCluster(base / "swift", nodes=1, replicas=1)
        info = self.cluster.info
        user = info["users"][0]
        self.account = Account(
            f"AUTH_{user['account']}",
            f"{user['account']}:{user['user']}",
            user["key"],
        )
        self.info = info
        self.sink_port = free_ports(["127.0.0.1"])[0]
        self._helpers = Processes(base / "log")
        self.token = ""
        self._filled: dict[str, tuple[int, int]] = {}

    @property
    def sink_url(self) -> str:
        """Address of the sink."""
        return f"http://127.0.0.1:{self.sink_port}"

    def start(self) -> None:
        """Start every server; return when all answer."""
        self.cluster.start()
        sink = self._helpers.start(
            "sink",
            [sys.executable, str(BENCH / "sink.py"), str(self.sink_port)],
        )
        wait_for_listener("127.0.0.1", self.sink_port, sink)
        self.token = self._log_in()

    def stop(self) -> None:
        """End every server."""
        self.cluster.stop()
        self._helpers.stop_all()

    # -- the source -------------------------------------------------------

    def _log_in(self) -> str:
        with contextlib.closing(self._proxy()) as connection:
            connection.request(
                "GET",
                "/auth/v1.0",
                headers={
                    "X-Auth-User": self.account.user,
                    "X-Auth-Key": self.account.key,
                },
            )
            answer = connection.getresponse()
            answer.read()
            return str(answer.headers["X-Auth-Token"])

    def _proxy(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.info["port"], 60)

    def ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        """Make a request at the proxy, below the account.

        :raises RuntimeError: it does not succeed.
        """
        with contextlib.closing(self._proxy()) as connection:
            connection.request(
                method,
                f"/v1/{self.account.name}/{path}",
                body=data,
                headers={"X-Auth-Token": self.token},
            )
            answer = connection.getresponse()
            body = answer.read()
        if answer.status // 100 != 2:
            message = f"{method} {path} answered {answer.status}"
            raise RuntimeError(message)
        return body

    def fill(self, container: str, count: int, size: int) -> None:
        """Make a container of ``count`` objects of ``size`` bytes, once."""
        if container in self._filled:
            return
        self.ask("PUT", container)
        started = time.monotonic()
        subprocess.run(
            [
                *(sys.executable, "-W", "ignore", str(BENCH / "fill.py")),
                *(self.info["swift_dir"], self.info["devices"]),
                *(self.account.name, container, str(count), str(size)),
            ],
            stdin=subprocess.DEVNULL,
            check=True,
        )
        print(
            f"filled {container}: {count} x {size} B in "
            f"{time.monotonic() - started:.1f} s",
            file=sys.stderr,
        )
        self._filled[container] = (count, size)
        for number in {0, count // 2, count - 1}:
            name = fill.name_of(number)
            if self.ask("GET", f"{container}/{name}") != fill.content_of(
                name, size
            ):
                message = f"{container}/{name} is not what was written"
                raise RuntimeError(message)

    def local_copy(self, container: str) -> pathlib.Path:
        """Return the folder with a filled container's objects as files."""
        folder = self.base / "files" / container
        if not folder.exists():
            count, size = self._filled[container]
            for name in map(fill.name_of, range(count)):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(fill.content_of(name, size))
        return folder

    def folder(self, name: str | None = None) -> pathlib.Path:
        """Return a folder for runs: a new one, or that of a name."""
        if name is None:
            return pathlib.Path(tempfile.mkdtemp(dir=self.base))
        folder = self.base / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    # -- the sink ---------------------------------------------------------

    def sink(self, command: str) -> dict[str, Any]:
        """Ask the sink's control interface, such as ``stats``."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.sink_port, 60
        )
        with contextlib.closing(connection):
            connection.request("GET", f"/-/{command}")
            answer: dict[str, Any] = json.loads(
                connection.getresponse().read()
            )
            return answer

    def forget(self) -> None:
        """Empty the sink, and drop what runs have left in named folders."""
        self.sink("empty")
        shutil.rmtree(self.base / "runs", ignore_errors=True)

    # -- counters ---------------------------------------------------------

    def read(self) -> Reading:
        """Read the counters of Swift's processes."""
        time.sleep(_LOG_DELAY)
        return Reading(
            {name: cpu_of(self._pid(name)) for name in ("proxy", *STORAGE)},
            {
                name: self._log(name).stat().st_size
                for name in ("proxy", *STORAGE)
            },
        )

    def since(self, before: Reading) -> dict[str, Any]:
        """Return CPU seconds and requests of Swift since a reading."""
        after = self.read()
        spent = {
            name: after.cpu[name] - before.cpu[name] for name in after.cpu
        }
        requests: collections.Counter[str] = collections.Counter()
        for name, start in before.logs.items():
            with self._log(name).open("rb") as log:
                log.seek(start)
                text = log.read().decode(errors="replace")
            for match in _LINE.finditer(text):
                method = match[1] or match[2]
                requests[f"{name.rstrip('1')} {method}"] += 1
        return {
            "swift_cpu": sum(spent.values()),
            "proxy_cpu": spent["proxy"],
            "storage_cpu": sum(spent[name] for name in STORAGE),
            "source": dict(requests),
        }

    def _pid(self, name: str) -> int:
        return self.cluster._processes[name].pid

    def _log(self, name: str) -> pathlib.Path:
        return self.cluster._processes.log(name)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds, user and system, of a running process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / _TICK


def default_folder() -> str:
    """Return where temporary folders go: memory, if Swift can use it.

    A disk that others use would be measured with the contenders.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=_MEMORY) as file:
            os.setxattr(file.name, "user.swift", b"x")
    except OSError:
        return tempfile.gettempdir()
    return _MEMORY


@contextlib.contextmanager
def running_world(parent: str) -> Iterator[World]:
    """Give a world; end its processes and remove its folder, in any case."""
    with tempfile.TemporaryDirectory(
        prefix="onespace-bench-", dir=parent
    ) as folder:
        world = World(pathlib.Path(folder))
        try:
            world.start()
            yield world
        finally:
            world.stop()
