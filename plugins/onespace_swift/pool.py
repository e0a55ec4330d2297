# SPDX-License-Identifier: Apache-2.0
"""HTTP to the servers: pooled connections, used by one call at a time.

Why not ``swiftclient``: its requests go through a layer that resolves dots
in paths, so that ``PUT c/a/../b`` overwrites ``c/b``; it takes ``%41`` in a
metadata value for ``A``; and it follows redirects with our token. Nor does
its connection say more headers than Swift may send (90 of metadata alone
are more than ``http.client`` allows), and a metadata name that is not ASCII
makes ``http.client`` lose all headers after it (CPython issue 81274).
urllib3's pools, below it, need help with the last two only.
"""

from __future__ import annotations

import http.client
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from onespace_core.provider import StreamClosed

#: The header lines that are kept from ``http.client``.
_METADATA = re.compile(rb"(?i)(x-(?:object|container|account)-meta-[^:]*):")
#: Bytes of an error page that are read; a longer one costs its connection.
MAX_ERROR = 65536
#: Header lines of one answer: Swift's own limit is far lower.
_MAX_LINES = 10_000


class _Lines:
    """Gives lines of an answer's head, and keeps those of user metadata."""

    def __init__(self, fp: Any) -> None:
        self._fp = fp
        self._count = 0
        self.metadata: list[tuple[str, str]] = []

    def readline(self, limit: int = -1) -> bytes:
        while True:
            line: bytes = self._fp.readline(limit)
            match = _METADATA.match(line)
            if match is None or not line.endswith(b"\n"):
                return line
            self._count += 1
            if self._count > _MAX_LINES:
                raise http.client.HTTPException("too many header lines")
            name = urllib.parse.quote_from_bytes(match[1], safe="!#$&'*+^`|~")
            value = line[match.end() :].strip(b" \t\r\n").decode("latin-1")
            self.metadata.append((name, value))

    def close(self) -> None:
        self._fp.close()


class _Response(http.client.HTTPResponse):
    """An answer whose metadata may have any number and names.

    Names come with percent escapes (:func:`onespace_swift.headers.decode`
    undoes them), so that those that are not ASCII fit where they are kept.
    """

    def begin(self) -> None:
        if self.headers is not None:
            return
        fp = self.fp
        lines = _Lines(fp)
        self.fp = lines
        try:
            super().begin()
        finally:
            if self.fp is lines:
                self.fp = fp
        for name, value in lines.metadata:
            self.headers[name] = value


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Transport:
    """Sends requests; keeps up to ``concurrency`` idle connections a host.

    A connection belongs to one request until its answer was read to the
    end; one whose answer was not is dropped. Nobody waits for another's:
    beyond ``concurrency``, connections are opened and not kept. Nothing is
    retried, no redirect is followed, nothing is decompressed, and the
    environment's proxies are not used.

    :param settings: values of the plugin's ``OPTS``.
    :param concurrency: connections kept for each host.
    """

    def __init__(
        self, settings: Mapping[str, Any], *, concurrency: int
    ) -> None:
        options: dict[str, Any] = {
            "maxsize": concurrency,
            "retries": False,
            "timeout": urllib3.Timeout(
                connect=settings["connect_timeout"],
                read=settings["read_timeout"],
            ),
            "ca_certs": settings["ca_bundle"] or None,
        }
        if settings["insecure"]:
            options["cert_reqs"] = "CERT_NONE"
            options["assert_hostname"] = False
        else:
            options["cert_reqs"] = "CERT_REQUIRED"
        proxy = settings["proxy"]
        self._manager = _proxied(proxy, options) if proxy else _direct(options)
        self._absolute = bool(proxy)
        self._closed = False

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str | bytes, str | bytes],
        body: Iterable[bytes] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and return its answer, of any status.

        :param url: whole and escaped; sent as it is.
        :param body: chunks; with a ``content-length`` in ``headers`` exactly
            so many bytes, else sent in chunks. An error it raises comes out
            unchanged, and the server sees the connection break.
        :returns: an answer that is not read yet: read it, then close it.
        :raises urllib3.exceptions.HTTPError: no answer.
        :raises StreamClosed: after :meth:`close`.
        """
        if self._closed:
            raise StreamClosed("the provider is closed")
        parts = urllib.parse.urlsplit(url)
        pool = self._manager.connection_from_url(
            f"{parts.scheme}://{parts.netloc}"
        )
        target = url[len(parts.scheme) + len("://") + len(parts.netloc) :]
        if self._absolute and parts.scheme == "http":
            target = url
        return pool.urlopen(
            method,
            target,
            body=body,
            headers=dict(headers),  # type: ignore[arg-type]  # bytes are fine
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def close(self) -> None:
        """Close idle connections; those in use when they come back."""
        self._closed = True
        self._manager.clear()


def _direct(options: Mapping[str, Any]) -> urllib3.PoolManager:
    return _with_pools(urllib3.PoolManager(**options))


def _proxied(proxy: str, options: Mapping[str, Any]) -> urllib3.PoolManager:
    parts = urllib.parse.urlsplit(proxy)
    headers = None
    if parts.username is not None:
        user = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
        headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
    where = parts.netloc.rpartition("@")[2]
    return _with_pools(
        urllib3.ProxyManager(
            f"{parts.scheme}://{where}", proxy_headers=headers, **options
        )
    )


def _with_pools(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
