# SPDX-License-Identifier: Apache-2.0
"""The four servers of Swift in this process.

Import it only after :func:`onespace_core.concurrency.patch`. Swift reads
``swift.conf`` when its modules are imported, so one process serves one
folder, once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import ipaddress
import logging
import os
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from onespace_core.concurrency import (
    Event,
    GreenPool,
    GreenThread,
    Timeout,
    kill,
    listen,
    spawn,
    trampoline,
    wsgi,
)
from onespace_core.swift.standalone.conf import BACKENDS, User, write_all
from onespace_core.swift.standalone.folder import (
    Layout,
    StandaloneError,
    write_info,
)
from onespace_core.swift.standalone.logs import use_stderr

#: Seconds that requests under way may take to end after a stop.
_GRACE = 1.0
_CLIENT_TIMEOUT = 60.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How to serve.

    :param port: of the proxy; 0 takes a free one.
    :param users: at least one.
    :param verbose: log every request.
    :param shunt: its options; see :func:`~.conf.write_all`.
    :param until_stdin_closes: stop when standard input ends, which it does
        when the process that started us dies.
    """

    host: str
    port: int
    users: tuple[User, ...]
    verbose: bool = False
    shunt: tuple[tuple[str, str], ...] = ()
    until_stdin_closes: bool = False

    @property
    def log_level(self) -> str:
        """The least severe level that is shown."""
        return "INFO" if self.verbose else "WARNING"


@dataclasses.dataclass(frozen=True, slots=True)
class _Server:
    """A server that accepts connections."""

    listener: socket.socket
    pool: GreenPool
    acceptor: GreenThread


def serve(
    layout: Layout,
    options: Options,
    on_ready: Callable[[dict[str, Any]], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then end what is under way.

    :param layout: a folder that :func:`~.folder.claim` gave.
    :param on_ready: called once, with what ``standalone.json`` holds.
    :raises StandaloneError: the address cannot be used.
    """
    stop = Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stop_on_signal(stop))
        if options.until_stdin_closes:
            spawn(_send_at_end_of_stdin, stop)
        proxy = _public_listener(options)
        listeners = {kind: listen("127.0.0.1", 0) for kind in BACKENDS}
        try:
            swift = _load(layout, options, listeners)
        except OSError as exc:
            raise StandaloneError(f"cannot set up Swift: {exc}") from exc
        stack.callback(swift.background.stop)
        running = [
            _accept(listeners[kind], swift.apps[kind]) for kind in BACKENDS
        ]
        # The proxy ends before what it needs.
        running.insert(0, _accept(proxy, swift.apps["proxy"]))
        stack.callback(_end, running)
        swift.background.start()
        info = describe(layout, options, proxy.getsockname()[1])
        stack.callback(layout.info.unlink, missing_ok=True)
        write_info(layout, info)
        on_ready(info)
        stop.wait()


def describe(layout: Layout, options: Options, port: int) -> dict[str, Any]:
    """Return what others need to know of a running standalone."""
    url = f"http://{_reachable(options.host)}:{port}"
    return {
        "pid": os.getpid(),
        "host": options.host,
        "port": port,
        "url": url,
        "auth_url": f"{url}/auth/v1.0",
        "s3_endpoint": url,
        "swift_dir": str(layout.etc),
        "devices": str(layout.devices),
        "internal_client_path": str(layout.internal_client_conf),
        "users": [dataclasses.asdict(user) for user in options.users],
    }


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a name
    if isinstance(address, ipaddress.IPv4Address):
        return "127.0.0.1" if address.is_unspecified else host
    return "[::1]" if address.is_unspecified else f"[{host}]"


def _public_listener(options: Options) -> socket.socket:
    place = f"{options.host}:{options.port}"
    try:
        return listen(options.host, options.port)
    except (OSError, OverflowError) as exc:
        if getattr(exc, "errno", None) == errno.EADDRINUSE:
            raise StandaloneError(
                f"{place} is in use: choose another --port (0 takes a free "
                "one), or stop what listens there"
            ) from None
        reason = getattr(exc, "strerror", None) or exc
        raise StandaloneError(f"cannot listen on {place}: {reason}") from exc


@dataclasses.dataclass(frozen=True, slots=True)
class _Swift:
    apps: dict[str, Any]
    background: Any


def _load(
    layout: Layout, options: Options, listeners: dict[str, socket.socket]
) -> _Swift:
    # Before any other import of Swift: see the module's text.
    from swift.common import utils

    utils.set_swift_dir(str(layout.etc))
    os.environ["TZ"] = "UTC+0"  # as Swift's servers do: logs are in UTC
    time.tzset()
    from swift.common.wsgi import loadapp

    from onespace_core.swift.standalone.background import Background, chores
    from onespace_core.swift.standalone.rings import write_rings

    utils.logging_monkey_patch()
    ports = {kind: sock.getsockname()[1] for kind, sock in listeners.items()}
    write_rings(layout, ports)
    write_all(layout, options.users, options.log_level, options.shunt)
    apps = {
        kind: loadapp(
            str(layout.server_conf(kind)), {"log_name": f"{kind}-server"}
        )
        for kind in (*BACKENDS, "proxy")
    }
    # This one logger passes log_custom_handlers by.
    use_stderr(logging.getLogger("proxy-access"))
    return _Swift(apps, Background(chores(layout, options.log_level)))


def _accept(listener: socket.socket, app: Any) -> _Server:
    from swift.common.constraints import MAX_REQUEST_LINE
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.utils import NullLogger

    # The SDKs for S3 want "ETag", not "Etag"; eventlet warns of that choice.
    warnings.filterwarnings(
        "ignore", message="capitalize_response_headers is disabled"
    )
    pool = GreenPool(1024)
    acceptor = spawn(
        wsgi.server,
        listener,
        app,
        NullLogger(),
        custom_pool=pool,
        protocol=SwiftHttpProtocol,
        socket_timeout=_CLIENT_TIMEOUT,
        capitalize_response_headers=False,
        # Or a client would be sent our tracebacks.
        debug=False,
        url_length_limit=MAX_REQUEST_LINE,
    )
    return _Server(listener, pool, acceptor)


def _end(servers: Sequence[_Server]) -> None:
    """Accept no more, close idle connections, wait a moment for the rest."""
    with Timeout(_GRACE, False):
        for server in servers:
            kill(server.acceptor)
            server.listener.close()
            server.pool.waitall()


def _send_at_end_of_stdin(stop: Event) -> None:
    while True:
        # A regular file cannot be waited for: it is always ready.
        with contextlib.suppress(PermissionError):
            trampoline(0, read=True)
        if not os.read(0, 1024):
            break
    if not stop.ready():
        stop.send()


@contextlib.contextmanager
def _stop_on_signal(stop: Event) -> Iterator[None]:
    """Send ``stop`` on SIGTERM and SIGINT.

    A Python handler alone would not wake a hub that waits in poll(2), so
    the signal also writes to a socket on which a greenthread waits.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def watch() -> None:
        reader.recv(1)
        if not stop.ready():
            stop.send()

    watcher = spawn(watch)
    before = {
        number: signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    descriptor = signal.set_wakeup_fd(writer.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        kill(watcher)
        reader.close()
        writer.close()
