# SPDX-License-Identifier: Apache-2.0
"""Benchmark the shunt: what it costs where it has nothing to do, and how
much it serves where it has.

Two proxies of one Swift, one with the shunt in its pipeline, get the same
requests in turn over one connection each. Then the one with the shunt is
asked for what only MinIO has: its rates are those of one proxy process. See
bench/sync.py for what is needed (MinIO too).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import http.client
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import world

_SIZE = 4096
_CLIENTS = 8
#: What is asked in turn: name of the row, method, and what is asked for.
_HITS = (
    ("GET 4 KiB", "GET", "hits/{few}"),
    ("HEAD", "HEAD", "hits/{few}"),
    ("PUT 4 KiB", "PUT", "hits/new-{few}"),
    ("LIST 100 names", "GET", "plain?limit=100"),
)


class Client:
    """One connection to one proxy."""

    def __init__(self, port: int, account: str, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, 60)
        self._root = f"/v1/{account}/"
        self._headers = {"X-Auth-Token": token}

    def ask(self, method: str, path: str) -> int:
        """Make a request; return its status."""
        self._connection.request(
            method,
            self._root + path,
            body=b"x" * _SIZE if method == "PUT" else None,
            headers=self._headers,
        )
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--requests", type=int, default=50)
    options = parser.parse_args()
    from servers.s3 import running_minio

    with (
        world.running_world(world.default_folder()) as running,
        _minio(running_minio, running.folder()) as server,
    ):
        bench = Bench(running, server)
        bench.fill()
        print("local hits: time with the shunt / without, in turn")
        for name, method, path in _HITS:
            ratios = bench.overhead(
                method, path, options.rounds, options.requests
            )
            print(
                f"  {name:16} median {statistics.median(ratios):.3f}"
                f"  quartiles {_quartiles(ratios)}"
            )
        print(f"remote, {_CLIENTS} clients, one proxy: requests/s")
        for name, path in (
            ("misses", "hits/none-{all}"),
            ("remote GETs 4 KiB", "hits/far-{few}"),
            ("merged LISTs of 100", "hits?limit=100&prefix=far"),
        ):
            rate, cpu = bench.rate(path, 1000)
            print(f"  {name:20} {rate:6.0f}   {cpu:5.2f} ms of its CPU each")
        server.stop()
        print("1000 GETs of nothing, the remote down: seconds")
        bench.rate("hits/dead-{all}", 50)
        for name, port in (("shunt", bench.shunted), ("stock", bench.stock)):
            rate, _ = bench.rate("hits/storm-{all}", 1000, port)
            print(f"  {name:20} {1000 / rate:6.2f}")
    return 0


class _Server:
    """MinIO, which can be stopped before the block ends."""

    def __init__(self, stack: contextlib.ExitStack, server: object) -> None:
        self.options = server.options(preset="minio")
        self.stop: Callable[[], None] = stack.close


@contextlib.contextmanager
def _minio(running_minio: object, base: pathlib.Path) -> Iterator[_Server]:
    with contextlib.ExitStack() as stack:
        yield _Server(stack, stack.enter_context(running_minio(base)))


class Bench:
    """The two proxies, and the store behind one of them."""

    def __init__(self, running: world.World, server: _Server) -> None:
        self._running = running
        self._account = running.account.name
        self._token = running.token
        self._server = server
        self.stock = running.info["port"]
        conf = running.folder() / "onespace.conf"
        login = "".join(f"{k} = {v}\n" for k, v in server.options.items())
        conf.write_text(
            f"[DEFAULT]\nstate_dir = {conf.parent}\n"
            f"[credentials:far]\nprovider = s3-compatible\n{login}"
            f"[mapping:hits]\ncredentials = far\naccount = {self._account}\n"
            "container = hits\nbucket = bucket\ncustom_prefix =\n"
            "merge_namespaces = true\n"
        )
        self.shunted, self._pid = running.cluster.start_shunted_proxy(
            {"conf_file": str(conf)}
        )

    def fill(self) -> None:
        """Write what is here, and what is only there."""
        from servers.rig import make_provider

        from onespace_core.provider import BytesBody

        for container in ("hits", "plain"):
            self._running.ask("PUT", container)
        for number in range(200):
            data = b"x" * _SIZE
            self._running.ask("PUT", f"hits/{number}", data)
            self._running.ask("PUT", f"plain/name-{number:03}", b"")
        remote = make_provider(
            "s3-compatible", "bucket", **self._server.options
        )
        remote.create_bucket()
        for number in range(200):
            remote.put_object(f"far-{number}", BytesBody(b"x" * _SIZE))
        remote.close()

    def _client(self, port: int) -> Client:
        return Client(port, self._account, self._token)

    def overhead(
        self, method: str, path: str, rounds: int, requests: int
    ) -> list[float]:
        """Return, for each round, time with the shunt by time without."""
        with (
            contextlib.closing(self._client(self.stock)) as stock,
            contextlib.closing(self._client(self.shunted)) as shunted,
        ):
            both = [stock, shunted]
            for client in both:
                _many(client, method, path, requests)
            ratios = []
            for number in range(rounds):
                took = {}
                for client in both if number % 2 else both[::-1]:
                    started = time.perf_counter()
                    _many(client, method, path, requests)
                    took[client] = time.perf_counter() - started
                ratios.append(took[shunted] / took[stock])
        return ratios

    def rate(
        self, path: str, requests: int, port: int | None = None
    ) -> tuple[float, float]:
        """Let several clients ask at once.

        :returns: requests a second, and milliseconds of CPU that the proxy
            with the shunt took for each.
        """

        def work(first: int) -> None:
            with contextlib.closing(
                self._client(port or self.shunted)
            ) as client:
                for number in range(first, requests, _CLIENTS):
                    client.ask("GET", _filled(path, number))

        cpu = world.cpu_of(self._pid)
        started = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(work, range(_CLIENTS)))
        wall = time.perf_counter() - started
        cpu = world.cpu_of(self._pid) - cpu
        return requests / wall, 1000 * cpu / requests


def _many(client: Client, method: str, path: str, requests: int) -> None:
    for number in range(requests):
        status = client.ask(method, _filled(path, number))
        if status // 100 != 2:
            message = f"{method} {path} answered {status}"
            raise RuntimeError(message)


def _filled(path: str, number: int) -> str:
    """Return a path: ``all`` differ, ``few`` come again."""
    return path.format(all=number, few=number % 200)


def _quartiles(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.3f}-{high:.3f}"


if __name__ == "__main__":
    sys.exit(main())
