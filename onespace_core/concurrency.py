# SPDX-License-Identifier: Apache-2.0
"""The one door to eventlet.

Swift's libraries need eventlet; nothing else in onespace imports it, so that
what replaces it one day is written here.
"""

from __future__ import annotations

import socket as _socket
import warnings as _warnings

with _warnings.catch_warnings():
    # It warns whoever imports it that it is in bugfix mode. Swift needs it,
    # and an operator can do nothing about it.
    _warnings.simplefilter("ignore")
    from eventlet import GreenPool, Timeout, sleep, spawn, tpool, wsgi
    from eventlet import listen as _eventlet_listen
    from eventlet.event import Event
    from eventlet.greenthread import GreenThread, kill
    from eventlet.hubs import trampoline
    from eventlet.patcher import monkey_patch as _monkey_patch
    from eventlet.queue import Empty, Full, Queue
    from eventlet.semaphore import Semaphore
    from eventlet.support.greenlets import GreenletExit

__all__ = [
    "Empty",
    "Event",
    "Full",
    "GreenPool",
    "GreenThread",
    "GreenletExit",
    "Queue",
    "Semaphore",
    "Timeout",
    "kill",
    "listen",
    "patch",
    "sleep",
    "spawn",
    "tpool",
    "trampoline",
    "wsgi",
]


def patch() -> None:
    """Make blocking sockets, selects and locks cooperative.

    The same three modules as Swift patches, and no others: files, time and
    processes stay as they are. Call it before anything that keeps a lock or
    imports Swift; a second call does nothing.
    """
    _monkey_patch(all=False, socket=True, select=True, thread=True)


def listen(host: str, port: int, *, backlog: int = 4096) -> _socket.socket:
    """Return a listening socket that blocks only its greenthread.

    :param host: address or name to bind; IPv4 or IPv6.
    :param port: 0 takes a free one.
    :raises OSError: the port is in use, or the address is not ours.
    """
    family = _socket.getaddrinfo(host, port, type=_socket.SOCK_STREAM)[0][0]
    # eventlet would set SO_REUSEPORT for a given port: a second process of
    # the same user could then bind it too and take half of the requests.
    listener: _socket.socket = _eventlet_listen(
        (host, port), family=family, backlog=backlog, reuse_port=False
    )
    return listener
