# SPDX-License-Identifier: Apache-2.0
"""Swift as an operator runs it: processes, nodes, replicas."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from onespace_core.swift.standalone.process import StandaloneProcess

from .children import Processes, require_program
from .cluster_conf import KINDS, USERS, ClusterLayout, Node, write_cluster
from .ports import free_ports, wait_for_listener

_RUN_SWIFT = pathlib.Path(__file__).with_name("run_swift.py")
_PACKAGES = {"account": "account", "container": "container", "object": "obj"}


class SwiftCluster:
    """A running Swift; ``info`` has the keys of ``StandaloneProcess.info``.

    :param base: an empty folder.
    """

    def __init__(self, base: pathlib.Path, *, nodes: int, replicas: int):
        self._memcached = require_program(
            "memcached", "apt-get install memcached"
        )
        self._rsync = require_program("rsync", "apt-get install rsync")
        self.layout = ClusterLayout.choose(base, nodes, replicas)
        self._processes = Processes(base / "log")
        write_cluster(self.layout)

    @property
    def info(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.layout.proxy_port}"
        return {
            "host": "127.0.0.1",
            "port": self.layout.proxy_port,
            "url": url,
            "auth_url": f"{url}/auth/v1.0",
            "s3_endpoint": url,
            "swift_dir": str(self.layout.etc),
            "devices": str(self.layout.devices(self.layout.nodes[0])),
            "internal_client_path": str(self.layout.internal_client_conf),
            "users": [
                {"account": account, "user": user, "key": key}
                for account, user, key, _ in USERS
            ],
        }

    def start(self) -> None:
        """Start every server; return when all listen."""
        layout = self.layout
        memcached = self._processes.start(
            "memcached",
            [
                *(self._memcached, "-l", "127.0.0.1", "-U", "0", "-m", "64"),
                *("-p", str(layout.memcached_port)),
                *(("-u", "root") if os.geteuid() == 0 else ()),
            ],
        )
        rsync = self._processes.start(
            "rsync",
            [
                *(self._rsync, "--daemon", "--no-detach"),
                f"--config={layout.rsyncd_conf}",
            ],
        )
        for node in layout.nodes:
            self._launch_node(node)
        proxy = self._swift("proxy", "swift.proxy.server", layout.proxy_conf)
        wait_for_listener("127.0.0.1", layout.memcached_port, memcached)
        wait_for_listener("127.0.0.1", layout.rsync_port, rsync)
        for node in layout.nodes:
            self._wait_for_node(node)
        wait_for_listener("127.0.0.1", layout.proxy_port, proxy)

    def stop(self) -> None:
        """End every process."""
        self._processes.stop_all()

    def start_node(self, number: int) -> None:
        """Start the three servers of a node; numbers are from 1."""
        node = self.layout.nodes[number - 1]
        self._launch_node(node)
        self._wait_for_node(node)

    def stop_node(self, number: int) -> None:
        """Stop the three servers of a node."""
        self._processes.stop(*(f"{kind}{number}" for kind in KINDS))

    def kill_node(self, number: int) -> None:
        """End the three servers of a node as a power cut would."""
        self._processes.stop(
            *(f"{kind}{number}" for kind in KINDS), number=signal.SIGKILL
        )

    @contextlib.contextmanager
    def node_down(self, number: int) -> Iterator[None]:
        """Stop a node, and start it again at the end."""
        self.stop_node(number)
        try:
            yield
        finally:
            self.start_node(number)

    def start_shunted_proxy(
        self, options: Mapping[str, str]
    ) -> tuple[int, int]:
        """Start one more proxy of the same cluster, with the shunt in it.

        :param options: of the filter; ``conf_file`` is one.
        :returns: its port and its process.
        """
        (port,) = free_ports(["127.0.0.1"])
        text = self.layout.proxy_conf.read_text()
        for old, new in (
            (f"bind_port = {self.layout.proxy_port}", f"bind_port = {port}"),
            (" staticweb copy ", " staticweb copy shunt "),
        ):
            if old not in text:
                message = f"{self.layout.proxy_conf} has no {old!r}"
                raise RuntimeError(message)
            text = text.replace(old, new)
        conf = self.layout.etc / f"proxy-{port}.conf"
        lines = (f"{name} = {value}\n" for name, value in options.items())
        conf.write_text(
            f"{text}\n[filter:shunt]\nuse = egg:onespace#shunt\n"
            + "".join(lines)
        )
        proxy = self._swift(f"proxy-{port}", "swift.proxy.server", conf)
        wait_for_listener("127.0.0.1", port, proxy)
        return port, proxy.pid

    def once(self, *daemons: str, nodes: tuple[int, ...] = ()) -> None:
        """Let daemons make one pass, one after another, on each node.

        :param daemons: such as ``container-replicator``.
        :param nodes: numbers; all where none is given.
        :raises RuntimeError: one of them failed; with its log.
        """
        for daemon in daemons:
            kind, role = daemon.split("-")
            for node in self.layout.nodes:
                if nodes and node.number not in nodes:
                    continue
                self._run_once(
                    f"{daemon}{node.number}",
                    f"swift.{_PACKAGES[kind]}.{role}",
                    self.layout.server_conf(kind, node),
                )

    def _run_once(self, name: str, module: str, conf: pathlib.Path) -> None:
        done = subprocess.run(
            [*self._command(module, conf), "once", "-v"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        with self._processes.log(name).open("ab") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            raise RuntimeError(
                f"{name} ended with {done.returncode}: "
                + done.stderr.decode(errors="replace")[-2000:]
            )

    def _command(self, module: str, conf: pathlib.Path) -> list[str]:
        return [
            *(sys.executable, "-W", "ignore", str(_RUN_SWIFT)),
            *(str(self.layout.etc), module, str(conf)),
        ]

    def _swift(
        self, name: str, module: str, conf: pathlib.Path
    ) -> subprocess.Popen[bytes]:
        return self._processes.start(
            name, [*self._command(module, conf), "-v"]
        )

    def _launch_node(self, node: Node) -> None:
        for kind in KINDS:
            self._swift(
                f"{kind}{node.number}",
                f"swift.{_PACKAGES[kind]}.server",
                self.layout.server_conf(kind, node),
            )

    def _wait_for_node(self, node: Node) -> None:
        for kind in KINDS:
            process = self._processes[f"{kind}{node.number}"]
            wait_for_listener(node.ip, node.ports[kind], process)


@contextlib.contextmanager
def running_cluster(
    base: pathlib.Path, *, nodes: int, replicas: int
) -> Iterator[SwiftCluster]:
    """Give a cluster and end it, whatever happens."""
    cluster = SwiftCluster(base, nodes=nodes, replicas=replicas)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def standalone(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StandaloneProcess]:
    """A standalone Swift for all tests of the session."""
    folder = tmp_path_factory.mktemp("standalone")
    with StandaloneProcess.start(folder) as swift:
        yield swift


@pytest.fixture(scope="session")
def second_standalone(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StandaloneProcess]:
    """Another one: "the cloud", or the other side of a migration."""
    folder = tmp_path_factory.mktemp("second-standalone")
    with StandaloneProcess.start(folder) as swift:
        yield swift


@pytest.fixture(scope="session")
def swift_1x1(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SwiftCluster]:
    """Swift with one node and one replica, as separate processes."""
    base = tmp_path_factory.mktemp("swift-1x1")
    with running_cluster(base, nodes=1, replicas=1) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def swift_3x3(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SwiftCluster]:
    """Swift with three nodes and three replicas.

    A test that stops a node starts it again (``node_down`` does).
    """
    base = tmp_path_factory.mktemp("swift-3x3")
    with running_cluster(base, nodes=3, replicas=3) as cluster:
        yield cluster


@pytest.fixture
def unique_name() -> str:
    """A name for an account or container that nobody else uses."""
    return f"t-{uuid.uuid4().hex[:12]}"
