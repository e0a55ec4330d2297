# SPDX-License-Identifier: Apache-2.0
"""A proxy that stands between a client and a server and makes trouble.

::

    with FaultProxy("127.0.0.1", port) as proxy:
        proxy.fail(2, 503, match="PUT ")
        client(proxy.url)
        assert len(proxy.requests) == 3

It understands as much of HTTP/1.1 as is needed to tell requests apart: a
head, then a body by ``Content-Length`` or in chunks. Bytes are passed on as
they are; the server sees the proxy's own address as the client's, but the
``Host`` header (and so a signature over it) as the client sent it.

A fault is used up by the requests that match it, one after another; the
first fault that matches a request is the one that happens.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from .http_wire import (
    BLOCK,
    Dropped,
    read_body,
    read_final_head,
    read_head,
    read_headers,
)


@dataclasses.dataclass(frozen=True)
class Request:
    """A request that came by.

    :param method: such as ``PUT``.
    :param path: with the query, as it was sent.
    :param headers: names in lower case.
    """

    method: str
    path: str
    headers: dict[str, str]

    def __iter__(self) -> Iterator[Any]:
        """Unpack as method, path, headers."""
        return iter((self.method, self.path, self.headers))


@dataclasses.dataclass
class _Fault:
    act: Callable[[_Exchange], None]
    match: re.Pattern[str]
    left: int


class FaultProxy:
    """A proxy in threads of this process; a context manager.

    :param upstream_host: of the server.
    :param upstream_port: likewise.
    """

    def __init__(self, upstream_host: str, upstream_port: int) -> None:
        self.upstream = (upstream_host, upstream_port)
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._faults: list[_Fault] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def port(self) -> int:
        """The port that clients use."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address that clients use."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """What came by so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def count(self, method: str = "", path: str = "") -> int:
        """Return how many requests came by.

        :param method: only these; empty counts all.
        :param path: regular expression that is found in the path.
        """
        return sum(
            method in ("", request.method)
            and re.search(path, request.path) is not None
            for request in self.requests
        )

    def reset(self) -> None:
        """Forget all requests and all faults."""
        with self._lock:
            self._requests.clear()
            self._faults.clear()

    # -- faults -----------------------------------------------------------

    def fail(
        self,
        times: int,
        status: int,
        *,
        match: str = "",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer some requests ourselves; the server never sees them.

        :param times: how many.
        :param status: of the answer.
        :param match: regular expression that is found in ``METHOD path``.
        :param body: of the answer.
        :param headers: of the answer, beside its length.
        """
        head = [f"HTTP/1.1 {status} Fault"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if status != 304:
            head.append(f"Content-Length: {len(body)}")
        answer = "\r\n".join([*head, "", ""]).encode()
        self._add(times, match, lambda exchange: exchange.answer(answer, body))

    def garbage(
        self, times: int, *, match: str = "", data: bytes = b"\x00garbage\r\n"
    ) -> None:
        """Answer some requests with bytes that are no HTTP."""
        self._add(times, match, lambda exchange: exchange.answer(data, b""))

    def cut_request(
        self, after: int, times: int = 1, *, match: str = ""
    ) -> None:
        """Pass on so many bytes of the request's body, then drop both sides.

        A shorter body passes whole, and the answer is never read.
        """
        self._add(times, match, lambda exchange: exchange.cut_request(after))

    def cut_response(
        self, after: int, times: int = 1, *, match: str = ""
    ) -> None:
        """Pass on so many bytes of the answer's body, then drop both sides.

        A shorter body passes whole and the connection is dropped behind it.
        """
        self._add(times, match, lambda exchange: exchange.cut_response(after))

    def lose_response(self, times: int = 1, *, match: str = "") -> None:
        """Let the server do it, and drop the client without a word."""
        self._add(times, match, lambda exchange: exchange.lose_response())

    def delay(
        self, seconds: float, times: int = 1, *, match: str = ""
    ) -> None:
        """Wait before the request is passed on."""

        def act(exchange: _Exchange) -> None:
            time.sleep(seconds)
            exchange.relay()

        self._add(times, match, act)

    def meanwhile(
        self, action: Callable[[], object], times: int = 1, *, match: str = ""
    ) -> None:
        """Do something else while the request waits, then pass it on."""

        def act(exchange: _Exchange) -> None:
            action()
            exchange.relay()

        self._add(times, match, act)

    def _add(
        self, times: int, match: str, act: Callable[[_Exchange], None]
    ) -> None:
        with self._lock:
            self._faults.append(_Fault(act, re.compile(match), times))

    def _next(self, request: Request) -> Callable[[_Exchange], None]:
        """Note a request and return what happens to it."""
        with self._lock:
            self._requests.append(request)
            for fault in self._faults:
                line = f"{request.method} {request.path}"
                if fault.left and fault.match.search(line):
                    fault.left -= 1
                    return fault.act
        return _Exchange.relay

    # -- life -------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    proxy: FaultProxy


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Serve one client connection, over one to the server."""
        proxy = self.server.proxy
        client: socket.socket = self.request
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with (
            contextlib.suppress(OSError, Dropped),
            contextlib.ExitStack() as s,
        ):
            source = s.enter_context(client.makefile("rb"))
            upstream = _Upstream(proxy.upstream)
            s.callback(upstream.close)
            while (head := read_head(source)) is not None:
                request = _parse(head)
                act = proxy._next(request)
                act(_Exchange(client, source, upstream, request, head))


class _Upstream:
    """The connection to the server, opened when it is needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._sock: socket.socket | None = None

    def open(self) -> tuple[socket.socket, Any]:
        if self._sock is None:
            self._sock = socket.create_connection(self._address)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._source = self._sock.makefile("rb")
        return self._sock, self._source

    def close(self) -> None:
        if self._sock is not None:
            self._source.close()
            self._sock.close()


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        client: socket.socket,
        source: Any,
        upstream: _Upstream,
        request: Request,
        head: bytes,
    ) -> None:
        self._client = client
        self._source = source
        self._upstream = upstream
        self._request = request
        self._head = head

    def relay(self) -> None:
        """Pass the request on and the answer back."""
        self._send_request(None)
        self._send_response(None)

    def answer(self, head: bytes, body: bytes) -> None:
        """Answer without the server, after the request was read."""
        for _ in read_body(self._source, self._request.headers):
            pass
        self._client.sendall(
            head + (b"" if self._request.method == "HEAD" else body)
        )
        if not head.startswith(b"HTTP/"):
            raise Dropped

    def cut_request(self, after: int) -> None:
        """Pass on the beginning of the request's body."""
        self._send_request(after)
        raise Dropped

    def cut_response(self, after: int) -> None:
        """Pass on the beginning of the answer's body."""
        self._send_request(None)
        self._send_response(after)
        raise Dropped

    def lose_response(self) -> None:
        """Wait for the answer, and drop it."""
        self._send_request(None)
        _, source = self._upstream.open()
        read_final_head(source)
        raise Dropped

    def _send_request(self, most: int | None) -> None:
        sock, source = self._upstream.open()
        sock.sendall(self._head)
        expects = self._request.headers.get("expect", "").lower()
        if expects == "100-continue":
            # The server's own word, so that an early refusal is seen early.
            head = read_head(source)
            if head is None:
                raise Dropped
            self._client.sendall(head)
            if b" 100 " not in head.split(b"\r\n", 1)[0]:
                self._pass_body(source, head, None)
                raise Dropped
        chunks = read_body(self._source, self._request.headers)
        _pass(chunks, sock, most)

    def _send_response(self, most: int | None) -> None:
        _, source = self._upstream.open()
        head = read_final_head(source)
        self._client.sendall(head)
        self._pass_body(source, head, most)

    def _pass_body(self, source: Any, head: bytes, most: int | None) -> None:
        status = int(head.split(None, 2)[1])
        if self._request.method == "HEAD" or status in (204, 304):
            return
        headers = read_headers(head)
        ends = {"content-length", "transfer-encoding"} & headers.keys()
        chunks = (
            read_body(source, headers)
            if ends
            else iter(lambda: source.read1(BLOCK), b"")
        )
        _pass(chunks, self._client, most)
        if not ends or headers.get("connection", "").lower() == "close":
            raise Dropped


def _pass(
    chunks: Iterator[bytes], sock: socket.socket, most: int | None
) -> None:
    left = most
    for chunk in chunks:
        if left is None:
            sock.sendall(chunk)
            continue
        sock.sendall(chunk[:left])
        left -= len(chunk[:left])
        if not left:
            return


def _parse(head: bytes) -> Request:
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    return Request(method, path, read_headers(head))
