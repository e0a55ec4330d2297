# SPDX-License-Identifier: Apache-2.0
"""The local Swift, through its InternalClient.

InternalClient is Swift's proxy as a library: it finds replicas and handoffs,
joins EC fragments and, with the cluster's own filters in its pipeline,
decrypts.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from swift.common.internal_client import InternalClient, UnexpectedResponse
from swift.common.swob import bytes_to_wsgi, wsgi_to_str
from swift.common.utils import close_if_possible, drain_and_close
from swift.common.wsgi import ConfigString

from onespace_core.concurrency import Timeout
from onespace_core.provider import (
    CHUNK_SIZE,
    SYSTEM_HEADERS,
    ChunkStream,
    ConfigError,
    Stream,
)
from onespace_core.swift.source import LocalKind, LocalObject, SourceError

#: Swift's own way of naming what is not a user's, such as the containers of
#: object versions; listings of an operator's client can include them.
RESERVED = "\x00"

_PIPELINE = """
[DEFAULT]
swift_dir = {swift_dir}
[pipeline:main]
pipeline = catch_errors local_cache proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:local_cache]
use = egg:onespace#local_cache
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""
_META = "x-object-meta-"
_OK_OR_MISSING = (2, 404)
_LISTING_LIMIT = 10000


def load_internal_client(swift_dir: str, path: str | None) -> InternalClient:
    """Build the client of this process; one serves all greenthreads.

    :param path: a paste file with the cluster's own pipeline, needed where
        objects are encrypted at rest; None means the shortest pipeline that
        reads everything else. (The one that Swift's daemons use often logs
        each request, which costs a third of an object's CPU time.)
    :raises ConfigError: the file cannot be used.
    """
    conf = path or ConfigString(_PIPELINE.format(swift_dir=swift_dir))
    try:
        return InternalClient(conf, "onespace-sync", 1)
    except Exception as exc:
        # paste raises LookupError, OSError, ValueError, SyntaxError ...
        raise ConfigError(
            f"cannot load the internal client: {type(exc).__name__}: "
            + (str(exc).splitlines() or [""])[0],
            section="DEFAULT",
            option="internal_client_path",
            path=path,
            hint="it must be a proxy pipeline without gatekeeper, slo, dlo",
        ) from exc


class LocalSwift:
    """The accounts of the local cluster.

    :param client: see :func:`load_internal_client`.
    """

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    def containers(self, account: str) -> Iterator[str]:
        """List an account's containers, without reserved names.

        :raises SourceError: the listing could not be completed.
        """
        marker = ""
        while True:
            page = self._listing(account, marker)
            for entry in page:
                if not entry["name"].startswith(RESERVED):
                    yield entry["name"]
            if not page:
                return
            marker = page[-1]["name"]

    def _listing(self, account: str, marker: str) -> list[dict[str, Any]]:
        params = {"format": "json", "limit": str(_LISTING_LIMIT)}
        if marker:
            params["marker"] = bytes_to_wsgi(marker.encode())
        response = self.request("GET", _path(account), {}, params)
        with _Closing(response):
            if response.status_int in (404, 204):
                return []
            try:
                entries: list[dict[str, Any]] = json.loads(response.body)
            except (Exception, Timeout) as exc:
                message = f"local listing broke off: {exc!r}"
                raise SourceError(message) from exc
            return entries

    def container(self, account: str, container: str) -> ContainerSource:
        """Return one container as a source of the sync engine."""
        return ContainerSource(self, account, container)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Any:  # a swob Response; Swift has no types
        """Make a request; the caller closes the response.

        :raises SourceError: an answer that is neither success nor 404, or
            none.
        """
        try:
            return self._client.make_request(
                method, path, headers, _OK_OR_MISSING, params=params
            )
        except UnexpectedResponse as exc:
            _let_go(exc.resp)
            message = f"local {method} answered {exc.resp.status}"
            raise SourceError(message) from exc
        except (Exception, Timeout) as exc:
            message = f"local {method} failed: {exc!r}"
            raise SourceError(message) from exc


class ContainerSource:
    """The objects of one container; see :class:`onespace_core.swift.source`.

    :param swift: where to ask.
    """

    def __init__(
        self, swift: LocalSwift, account: str, container: str
    ) -> None:
        self._swift = swift
        self._root = _path(account, container)

    def head(
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> LocalObject | None:
        """See :meth:`onespace_core.swift.source.Source.head`."""
        response = self._ask("HEAD", name, policy_index, newest=newest)
        with _Closing(response):
            if response.status_int == 404:
                return None
            return local_object(name, response.headers)

    def open(
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> SwiftReader | None:
        """See :meth:`onespace_core.swift.source.Source.open`."""
        response = self._ask("GET", name, policy_index, newest=newest)
        if response.status_int == 404:
            _let_go(response)
            return None
        try:
            info = local_object(name, response.headers)
        except Exception:
            _let_go(response)
            raise
        return SwiftReader(info, response.app_iter)

    def _ask(
        self, method: str, name: str, policy_index: int | None, *, newest: bool
    ) -> Any:
        headers = {}
        if policy_index is not None:
            headers["X-Backend-Storage-Policy-Index"] = str(policy_index)
        if newest:
            headers["X-Newest"] = "true"
        path = f"{self._root}/{quote(name, safe='/')}"
        return self._swift.request(method, path, headers)


class SwiftReader:
    """A local object that is open."""

    def __init__(self, info: LocalObject, app_iter: Any) -> None:
        self.info = info
        self._source = _SourceStream(app_iter, info)
        self.stream: Stream = self._source

    def close(self) -> None:
        """Close it; twice is fine."""
        self._source.finish()


class _SourceStream:
    """The bytes of a response; what goes wrong is a SourceError."""

    def __init__(self, app_iter: Any, info: LocalObject) -> None:
        self._iterator = iter(app_iter)
        self._chunks = ChunkStream(
            _Both(self._iterator, app_iter), size=info.size
        )
        self._name = info.name
        self._left = info.size
        self._finished = False

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._chunks.read(size)
            self._left -= len(data)
            if data and not self._left and next(self._iterator, b""):
                # Asking once more also lets Swift see a clean end.
                message = "it is longer than it says"
                raise ValueError(message)
        except (Exception, Timeout) as exc:
            message = f"reading {self._name} broke off: {exc}"
            raise SourceError(message) from exc
        return data

    def close(self) -> None:
        """Close nothing: the reader owns the response."""

    def finish(self) -> None:
        """Close it, read or not."""
        if not self._finished:
            self._finished = True
            # Swift closes what is behind a response from inside its
            # iterator, so one that was never begun would stay open.
            with contextlib.suppress(Exception, Timeout):
                next(self._iterator, None)
            self._chunks.close()


class _Both:
    """An iterator that closes the iterable behind it too."""

    def __init__(self, iterator: Any, iterable: Any) -> None:
        self._iterator = iterator
        self._iterable = iterable

    def __iter__(self) -> Any:
        return self._iterator

    def close(self) -> None:
        close_if_possible(self._iterable)


def local_object(name: str, headers: Mapping[str, str]) -> LocalObject:
    """Return an object of the headers that InternalClient answers.

    :param headers: WSGI strings; names in any case.
    """
    plain = {
        wsgi_to_str(key).lower(): wsgi_to_str(value)
        for key, value in headers.items()
    }
    return LocalObject(
        name=name,
        timestamp=_internal(plain),
        size=int(plain["content-length"]),
        etag=plain.get("etag", "").strip('"').lower(),
        content_type=plain.get("content-type", "application/octet-stream"),
        metadata={
            key[len(_META) :]: value
            for key, value in plain.items()
            if key.startswith(_META)
        },
        system={
            key: value for key, value in plain.items() if key in SYSTEM_HEADERS
        },
        kind=_kind(plain),
    )


def _internal(headers: Mapping[str, str]) -> str:
    """Return the newest timestamp with its offset, which X-Timestamp cuts."""
    return headers.get("x-backend-timestamp") or headers["x-timestamp"]


def _kind(headers: Mapping[str, str]) -> LocalKind:
    if headers.get("x-static-large-object", "").lower() == "true":
        return LocalKind.SLO
    if "x-object-manifest" in headers:
        return LocalKind.DLO
    if (
        "x-object-sysmeta-symlink-target" in headers
        or "x-symlink-target" in headers
    ):
        return LocalKind.SYMLINK
    if "x-object-sysmeta-crypto-body-meta" in headers:
        return LocalKind.ENCRYPTED
    return LocalKind.PLAIN


class _Closing:
    """Close a response at the end of a block."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        _let_go(self._response)


def _let_go(response: Any) -> None:
    """Close a response whose rest nobody wants, whatever happens.

    Swift's timeouts are no ``Exception``; one that came from here would pass
    all that handles errors and end a greenthread, or the daemon.
    """
    with contextlib.suppress(Exception, Timeout):
        drain_and_close(response, read_limit=CHUNK_SIZE)


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
