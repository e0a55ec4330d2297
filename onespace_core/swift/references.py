# SPDX-License-Identifier: Apache-2.0
"""Which objects others of an account refer to.

Everything in the account is looked at, also containers with reserved names,
in which Swift keeps former versions: static large objects and dynamic ones,
and symlinks. A listing says little of this for sure, so each object is asked
for its headers. Any doubt is an error: who asks wants to delete.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from typing import Any, Protocol
from urllib.parse import quote, unquote

from onespace_core.concurrency import GreenPool
from onespace_core.provider import OnespaceError
from onespace_core.swift.manifests import dynamic_target, md5, parse_static
from onespace_core.swift.objects import (
    Closing,
    let_go,
    local_object,
    open_reader,
)
from onespace_core.swift.source import LocalKind, LocalObject, SourceError

#: Container and name of an object.
Place = tuple[str, str]

#: Bytes of one manifest; it is in memory.
MAX_BYTES = 64 * 2**20
#: Objects that are asked for side by side, and listed before that.
_WORKERS, _BATCH = 4, 200
#: Looks at an object that changes meanwhile.
_ROUNDS = 3
#: Seconds by which two times of the same version may differ, as numbers.
_SAME = 1e-4
#: An expired object may still be there, and be refreshed.
_EVEN_EXPIRED = {
    "X-Backend-Open-Expired": "true",
    "X-Backend-Replication": "true",
}
_TARGETS = ("x-object-sysmeta-symlink-target", "x-symlink-target")


class Account(Protocol):
    """What is needed of :class:`onespace_core.swift.internal.LocalSwift`."""

    def containers(
        self, account: str, *, reserved: bool = False
    ) -> Iterable[str]:
        """List containers."""
        ...

    def listing(
        self, account: str, container: str, prefix: str
    ) -> Iterable[dict[str, Any]] | None:
        """List objects."""
        ...

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """Make a request; only 2xx and 404 are answers."""
        ...


class ReferenceScan:
    """Looks for references to some objects of one account.

    Memory: the objects that are looked for, and one page of a listing.

    :param wanted: the objects, and for each the time and MD5 of the version
        that is known to be no manifest.
    :param go_on: asked now and then; False ends the scan with an error.
    """

    def __init__(
        self,
        swift: Account,
        account: str,
        wanted: Mapping[Place, tuple[str, str]],
        go_on: Callable[[], bool],
    ) -> None:
        self._swift = swift
        self._account = account
        self._wanted = wanted
        self._go_on = go_on
        self._names: dict[str, list[str]] = {}
        for container, name in wanted:
            self._names.setdefault(container, []).append(name)
        self._found: set[Place] = set()

    def find(self, *, since: float = 0.0) -> set[Place]:
        """Return which of the objects something refers to.

        :param since: seconds since the epoch; what a listing says was
            changed before is not asked for.
        :raises SourceError: something could not be listed, read or
            understood.
        """
        self._found = set()
        for container in self._swift.containers(self._account, reserved=True):
            rows = self._swift.listing(self._account, container, "")
            if rows is None:
                message = f"container {container} is listed, but not there"
                raise SourceError(message)
            self._scan(
                container,
                (
                    row
                    for row in rows
                    if _changed(row) >= since
                    and not self._known(container, row)
                ),
            )
        return self._found

    def _scan(self, container: str, rows: Iterable[dict[str, Any]]) -> None:
        pool = GreenPool(_WORKERS)
        left = iter(rows)
        while batch := list(itertools.islice(left, _BATCH)):
            if not self._go_on():
                message = "it was stopped"
                raise SourceError(message)

            def look(
                row: Mapping[str, Any],
            ) -> Collection[Place] | SourceError:
                # A pool would print what is raised in it.
                try:
                    return self._targets(container, row)
                except SourceError as exc:
                    return exc

            for targets in pool.imap(look, batch):
                if isinstance(targets, SourceError):
                    raise targets
                self._found.update(targets)

    def _known(self, container: str, row: Mapping[str, Any]) -> bool:
        """Return whether a row is of a version that is no manifest."""
        known = self._wanted.get((container, row["name"]))
        if known is None:
            return False
        return (
            abs(_changed(row) - _seconds(known[0])) < _SAME
            and row["hash"] == known[1]
        )

    def _targets(
        self, container: str, row: Mapping[str, Any]
    ) -> Collection[Place]:
        """Return which of the objects this one refers to."""
        name = row["name"]
        try:
            for _ in range(_ROUNDS):
                found = self._head(container, name, _changed(row))
                if found is None:
                    self._require_gone(container, name)
                    return ()
                if found.kind is LocalKind.PLAIN:
                    return ()
                if found.kind is not LocalKind.SLO:
                    return self._others(found)
                raw = self._manifest(container, name)
                if raw is not None:
                    entries = parse_static(name, raw).entries
                    return [
                        e.place for e in entries if e.place in self._wanted
                    ]
        except OnespaceError as exc:
            message = f"{container}/{name}: {exc}"
            raise SourceError(message) from exc
        message = f"{container}/{name} keeps changing"
        raise SourceError(message)

    def _require_gone(self, container: str, name: str) -> None:
        """Raise an error unless an object was deleted since it was listed."""
        rows = self._swift.listing(self._account, container, name) or ()
        if any(row["name"] == name for row in itertools.islice(rows, 1)):
            message = "it is listed, but no replica has it"
            raise SourceError(message)

    def _others(self, found: LocalObject) -> Collection[Place]:
        if found.kind is LocalKind.DLO:
            place, prefix = dynamic_target(
                found.name, found.headers["x-object-manifest"]
            )
            return [
                (place, name)
                for name in self._names.get(place, ())
                if name.startswith(prefix)
            ]
        if found.kind is LocalKind.SYMLINK:
            targets = [found.headers.get(each, "") for each in _TARGETS]
            places = [_place(t) for t in targets]
            places += [_place(unquote(t)) for t in targets]
            return [place for place in places if place in self._wanted]
        message = f"it is an {found.kind.value}"
        raise SourceError(message)

    def _manifest(self, container: str, name: str) -> bytes | None:
        """Return a stored manifest; None if it is none any more."""
        response = self._request("GET", container, name, newest=True)
        if response.status_int == 404:
            let_go(response)
            return None
        try:
            reader = open_reader(name, response, None)
        except BaseException:
            let_go(response)
            raise
        with closing(reader):
            if reader.info.kind is not LocalKind.SLO:
                return None
            if reader.info.size > MAX_BYTES:
                message = f"its manifest is above {MAX_BYTES} bytes"
                raise SourceError(message)
            raw = reader.stream.read()
        if md5(raw) != reader.info.etag:
            message = "its manifest was not read as it was stored"
            raise SourceError(message)
        return raw

    def _head(
        self, container: str, name: str, changed: float
    ) -> LocalObject | None:
        """Return an object that is no older than the listing says."""
        for newest in (False, True):
            response = self._request("HEAD", container, name, newest=newest)
            with Closing(response):
                if response.status_int == 404:
                    continue
                found = local_object(name, response.headers)
            if newest or _seconds(found.timestamp) >= changed - _SAME:
                return found
        return None

    def _request(
        self, method: str, container: str, name: str, *, newest: bool
    ) -> Any:
        parts = (self._account, container)
        path = "/".join(quote(part, safe="") for part in parts)
        headers = dict(_EVEN_EXPIRED)
        if newest:
            headers["X-Newest"] = "true"
        return self._swift.request(
            method,
            f"/v1/{path}/{quote(name, safe='/')}",
            headers,
            {"symlink": "get", "multipart-manifest": "get"},
        )


def _place(target: str) -> Place:
    container, _slash, name = target.lstrip("/").partition("/")
    return container, name


def _changed(row: Mapping[str, Any]) -> float:
    """Return when a listing says that an object was changed."""
    when = datetime.datetime.fromisoformat(row["last_modified"])
    return when.replace(tzinfo=datetime.UTC).timestamp()


def _seconds(timestamp: str) -> float:
    return float(timestamp.partition("_")[0])
