# SPDX-License-Identifier: Apache-2.0
"""A server that answers what a test says, for what no Swift does on order."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

# From the module: eventlet puts servers of its own at http.server.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from onespace_swift import SwiftProvider

from onespace_core.provider import ProviderSettings

KEY = "very-secret-key"
TOKEN = "AUTH_tk-very-secret-token"


class Script:
    """Answers to give, in order, and the requests that came.

    Each answer is the raw bytes after the login; logins are answered on
    their own and counted.
    """

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.login: bytes | None = None
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.logins = 0
        self.url = ""

    def answer(
        self, status: str, body: bytes = b"", *headers: str, length: int = -1
    ) -> None:
        """Add an answer; ``length`` replaces the true Content-Length."""
        count = len(body) if length < 0 else length
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {count}",
            *headers,
            *(["Connection: close"] if length >= 0 else []),
            "",
            "",
        ]
        self.answers.append("\r\n".join(lines).encode("latin-1") + body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _serve(self) -> None:
        script = self.script
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == "/auth/v1.0":
            script.logins += 1
            self._send(script.login or self._login())
            return
        body = self._body(headers)
        script.requests.append((self.command, self.path, headers, body))
        self._send(script.answers.pop(0))

    def _body(self, headers: dict[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length", "0")))

    def _login(self) -> bytes:
        number = self.script.logins
        return (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
            f"X-Storage-Url: {self.script.url}/v1/AUTH_a\r\n"
            f"X-Auth-Token: {TOKEN}-{number}\r\n\r\n"
        ).encode()

    def _send(self, raw: bytes) -> None:
        self.wfile.write(raw)
        self.wfile.flush()
        if b"Connection: close" in raw:
            self.close_connection = True

    # Names that http.server looks for.
    do_GET = _serve  # noqa: N815
    do_HEAD = _serve  # noqa: N815
    do_PUT = _serve  # noqa: N815
    do_POST = _serve  # noqa: N815
    do_DELETE = _serve  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def scripted_server() -> Iterator[Script]:
    """Give a script whose server runs until the block ends."""
    script = Script()
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}
    )
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def provider_of(url: str, **options: Any) -> SwiftProvider:
    """Return a provider that logs in at a server."""
    return make(
        **{
            "auth_url": f"{url}/auth/v1.0",
            "user": "a:u",
            "key": KEY,
            **options,
        }
    )


def make(bucket: str | None = "b", **options: Any) -> SwiftProvider:
    """Return a provider with these options."""
    return SwiftProvider.from_settings(
        ProviderSettings.from_options(
            (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS),
            options,
            bucket=bucket,
        ),
        logger=logging.getLogger("test"),
    )
