# SPDX-License-Identifier: Apache-2.0
"""The local Swift, through its InternalClient.

InternalClient is Swift's proxy as a library: it finds replicas and handoffs,
joins EC fragments and, with the cluster's own filters in its pipeline,
decrypts.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from swift.common.internal_client import InternalClient, UnexpectedResponse
from swift.common.swob import bytes_to_wsgi
from swift.common.utils import ShardRange
from swift.common.wsgi import ConfigString

from onespace_core.concurrency import Timeout
from onespace_core.provider import ConfigError
from onespace_core.swift.large import read_manifest
from onespace_core.swift.objects import (
    Closing,
    SwiftReader,
    decoded,
    let_go,
    local_object,
    open_reader,
)
from onespace_core.swift.source import LocalManifest, LocalObject, SourceError
from onespace_core.swift.versions import current_version, seen_through

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
_OK_OR_MISSING: tuple[int, ...] = (2, 404)
#: A pipeline with Swift's filter for symlinks would follow them.
_THE_LINK_ITSELF = {"symlink": "get"}


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
        client = InternalClient(conf, "onespace-sync", 1)
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
    client.app = _as_owner(client.app)
    return client


def _as_owner(app: Callable[..., Any]) -> Callable[..., Any]:
    """Ask as the account's owner: else Swift hides who may read and write."""

    def ask(environ: dict[str, Any], start_response: Any) -> Any:
        environ["swift_owner"] = True
        return app(environ, start_response)

    return ask


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LocalShard:
    """A part of a sharded container, as its root names it.

    :param lower: names are greater than this; empty means from the first.
    :param upper: and not greater than this; empty means to the last.
    :param state: Swift's word for it, such as ``active`` or ``cleaved``.
    """

    account: str
    container: str
    lower: str
    upper: str
    state: str


class LocalSwift:
    """The accounts of the local cluster.

    :param client: see :func:`load_internal_client`.
    """

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    def containers(
        self, account: str, *, reserved: bool = False
    ) -> Iterator[str]:
        """List an account's containers.

        :param reserved: whether those with reserved names count too; then
            an account that is not there is an error.
        :raises SourceError: the listing could not be completed.
        """
        rows = self._rows(_path(account), {})
        if rows is None and reserved:
            message = f"account {account} is not there"
            raise SourceError(message)
        for entry in rows or ():
            if reserved or not entry["name"].startswith(RESERVED):
                yield entry["name"]

    def listing(
        self, account: str, container: str, prefix: str
    ) -> Iterator[dict[str, Any]] | None:
        """List a container's objects under a prefix, in order of bytes.

        :returns: rows of Swift's JSON, read page by page; None if there is
            no such container.
        :raises SourceError: the listing could not be completed; also while
            its rows are read.
        """
        params = {"prefix": bytes_to_wsgi(prefix.encode())} if prefix else {}
        return self._rows(_path(account, container), params)

    def _rows(
        self, path: str, params: Mapping[str, str]
    ) -> Iterator[dict[str, Any]] | None:
        first = self._page(path, {}, params)
        return None if first is None else self._pages(path, params, first)

    def _pages(
        self,
        path: str,
        params: Mapping[str, str],
        page: list[dict[str, Any]] | None,
    ) -> Iterator[dict[str, Any]]:
        while page:
            yield from page
            marker = bytes_to_wsgi(page[-1]["name"].encode())
            page = self._page(path, {}, {**params, "marker": marker})
            if page is None:
                message = "what was being listed is gone"
                raise SourceError(message)

    def _page(
        self, path: str, headers: Mapping[str, str], params: Mapping[str, str]
    ) -> list[dict[str, Any]] | None:
        response = self.request(
            "GET", path, headers, {"format": "json", **params}
        )
        with Closing(response):
            if response.status_int == 404:
                return None
            if response.status_int == 204:
                return []
            try:
                entries: list[dict[str, Any]] = json.loads(response.body)
            except (Exception, Timeout) as exc:
                message = f"local listing broke off: {exc!r}"
                raise SourceError(message) from exc
            return entries

    def container_headers(
        self, account: str, container: str
    ) -> dict[str, str] | None:
        """Return what a HEAD of a container answers, or None without one.

        :returns: values as text, names in lower case; with who may read and
            write (``x-container-read``, ``x-container-write``).
        :raises SourceError: the cluster does not answer.
        """
        response = self.request("HEAD", _path(account, container), {})
        with Closing(response):
            if response.status_int == 404:
                return None
            return decoded(response.headers)

    def shard_ranges(self, account: str, container: str) -> list[LocalShard]:
        """Return the shards of a container, by their lower bounds.

        :returns: none if it is not sharded, or not there.
        :raises SourceError: the cluster does not answer.
        """
        wanted = {"X-Backend-Record-Type": "shard"}
        rows = self._page(_path(account, container), wanted, {}) or ()
        try:
            found = [ShardRange.from_dict(row) for row in rows]
        except (KeyError, TypeError, ValueError) as exc:
            message = f"local listing of shards is of something else: {exc!r}"
            raise SourceError(message) from exc
        return [
            LocalShard(
                account=shard.account,
                container=shard.container,
                lower=shard.lower_str,
                upper=shard.upper_str,
                state=shard.state_text,
            )
            for shard in found
        ]

    def container(self, account: str, container: str) -> ContainerSource:
        """Return one container as a source of the sync engine."""
        return ContainerSource(self, account, container)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        *,
        acceptable: Collection[int] = _OK_OR_MISSING,
    ) -> Any:  # a swob Response; Swift has no types
        """Make a request; the caller closes the response.

        :param acceptable: codes, or their first digits.
        :raises SourceError: another answer, or none.
        """
        try:
            return self._client.make_request(
                method, path, headers, acceptable, params=params
            )
        except UnexpectedResponse as exc:
            let_go(exc.resp)
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
        self._account = account
        self._container = container
        self._root = _path(account, container)

    def head(
        self, name: str, *, policy_index: int | None = None, newest: bool
    ) -> LocalObject | None:
        """See :meth:`onespace_core.swift.source.Source.head`."""
        headers = _headers(policy_index, newest=newest)
        response = self._swift.request(
            "HEAD", self._path(name), headers, _THE_LINK_ITSELF
        )
        with Closing(response):
            if response.status_int == 404:
                return None
            found = local_object(name, response.headers)
        place = current_version(found)
        if place is None:
            return found
        version = self.sibling(place[0]).head(place[1], newest=newest)
        return None if version is None else seen_through(found, version)

    def open(
        self,
        name: str,
        *,
        policy_index: int | None = None,
        newest: bool,
        span: tuple[int, int] | None = None,
    ) -> SwiftReader | None:
        """See :meth:`onespace_core.swift.source.Source.open`.

        :raises SourceChangedError: the object ends before the span does.
        """
        headers = _headers(policy_index, newest=newest)
        acceptable = _OK_OR_MISSING
        if span is not None:
            headers["Range"] = _range(span)
            acceptable = (*_OK_OR_MISSING, 416)
        response = self._swift.request(
            "GET",
            self._path(name),
            headers,
            _THE_LINK_ITSELF,
            acceptable=acceptable,
        )
        if response.status_int == 404:
            let_go(response)
            return None
        # A link to a version has no bytes of its own.
        link = local_object(name, response.headers, size=0)
        place = current_version(link)
        if place is not None:
            let_go(response)
            version = self.sibling(place[0]).open(
                place[1], newest=newest, span=span
            )
            if version is not None:
                version.info = seen_through(link, version.info)
            return version
        try:
            return open_reader(name, response, span)
        except Exception:
            let_go(response)
            raise

    def manifest(
        self, local: LocalObject, *, policy_index: int | None = None
    ) -> LocalManifest:
        """See :meth:`onespace_core.swift.source.Source.manifest`."""
        return read_manifest(
            self, self._container, local, policy_index, self._listing
        )

    def _listing(
        self, container: str, prefix: str
    ) -> Iterable[Mapping[str, Any]] | None:
        return self._swift.listing(self._account, container, prefix)

    def sibling(self, container: str) -> ContainerSource:
        """See :meth:`onespace_core.swift.source.Source.sibling`."""
        return ContainerSource(self._swift, self._account, container)

    def delete(
        self, name: str, *, timestamp: str, policy_index: int | None = None
    ) -> bool:
        """See :meth:`onespace_core.swift.source.Source.delete`.

        Swift compares the time of a deletion with that of the bytes alone.
        So every replica is asked for newer metadata first; a POST between
        that look and the deletion is lost with the object.
        """
        found = self.head(name, policy_index=policy_index, newest=True)
        if found is not None and found.timestamp >= timestamp:
            return False
        response = self._swift.request(
            "DELETE",
            self._path(name),
            {"X-Timestamp": timestamp, **_headers(policy_index)},
            acceptable=(2, 404, 409),
        )
        with Closing(response):
            return bool(response.status_int // 100 == 2)

    def _path(self, name: str) -> str:
        return f"{self._root}/{quote(name, safe='/')}"


def _headers(
    policy_index: int | None, *, newest: bool = False
) -> dict[str, str]:
    headers = {}
    if policy_index is not None:
        headers["X-Backend-Storage-Policy-Index"] = str(policy_index)
    if newest:
        headers["X-Newest"] = "true"
    return headers


def _range(span: tuple[int, int]) -> str:
    first, last = span
    if not 0 <= first <= last:
        message = f"no bytes are from {first} to {last}"
        raise ValueError(message)
    return f"bytes={first}-{last}"


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
