# SPDX-License-Identifier: Apache-2.0
"""A Swift as the provider meets it: settings, other clients, a proxy."""

from __future__ import annotations

import contextlib
import http.client
import logging
import threading
import urllib.parse
from collections.abc import Iterator

# From the module: eventlet puts servers of its own at http.server.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from onespace_swift import SwiftProvider

from onespace_core.provider import ProviderSettings


class Swift:
    """Makes providers of one real Swift, each for a container of its own."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        user = info["users"][0]
        self.account = f"AUTH_{user['account']}"
        self.options = {
            "auth_url": info["auth_url"],
            "user": f"{user['account']}:{user['user']}",
            "key": user["key"],
        }

    def make(self, bucket: str, **options: Any) -> SwiftProvider:
        return SwiftProvider.from_settings(
            ProviderSettings.from_options(
                (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS),
                {**self.options, **options},
                bucket=bucket,
            ),
            logger=logging.getLogger("test"),
        )

    def raw(
        self, method: str, path: str, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask as any other client would, without our code."""
        connection = http.client.HTTPConnection(
            self.info["host"], self.info["port"], timeout=10
        )
        with contextlib.closing(connection):
            connection.request(
                "GET",
                "/auth/v1.0",
                headers={
                    "X-Auth-User": self.options["user"],
                    "X-Auth-Key": self.options["key"],
                },
            )
            answer = connection.getresponse()
            answer.read()
            token = answer.headers["X-Auth-Token"]
            connection.request(
                method,
                f"/v1/{self.account}/{path}",
                headers={"X-Auth-Token": token, **headers},
            )
            answer = connection.getresponse()
            found = {
                name.lower(): value for name, value in answer.getheaders()
            }
            return answer.status, found, answer.read()


@pytest.fixture(scope="module", name="swift")
def swift_fixture(standalone: Any) -> Swift:
    return Swift(standalone.info)


@pytest.fixture(name="provider")
def provider_fixture(
    swift: Swift, unique_name: str
) -> Iterator[SwiftProvider]:
    provider = swift.make(unique_name)
    provider.create_bucket()
    yield provider
    while objects := provider.list_objects().objects:
        for info in objects:
            provider.delete_object(info.key)
    provider.delete_bucket()
    provider.close()


class CountingProxy(ThreadingHTTPServer):
    """A forward proxy that notes what passes it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.seen: list[tuple[str, str]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, *args: Any) -> None:
        self.connections += 1
        super().process_request(*args)


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingProxy

    def _forward(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        self.server.seen.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        with contextlib.closing(connection):
            target = self.path.partition(parts.netloc)[2]
            connection.putrequest(
                self.command, target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            data = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    # Names that http.server looks for.
    do_GET = _forward  # noqa: N815
    do_HEAD = _forward  # noqa: N815
    do_PUT = _forward  # noqa: N815
    do_POST = _forward  # noqa: N815
    do_DELETE = _forward  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(name="proxy")
def proxy_fixture() -> Iterator[CountingProxy]:
    with CountingProxy() as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join()
