# SPDX-License-Identifier: Apache-2.0
"""Writing back what was read from a remote store.

While a client gets an object, the same bytes go into the local cluster. The
write is an ordinary PUT below the shunt, so that Swift's own quotas, checks
and large objects apply. It is made at the time when the local cluster was
asked, which was before it said that it has nothing: whatever a client wrote
or deleted since is newer, and wins.

An object with a manifest comes back as it was: segments under their names,
then the manifest. A segment that is here already is left alone; one whose
name is taken by other bytes ends the restore.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from swift.common.exceptions import ChunkReadError
from swift.common.swob import Request
from swift.common.wsgi import make_pre_authed_request

from onespace_core.swift.manifests import StaticManifest
from onespace_core.swift.timestamps import tombstone_after
from onespace_shunt.tee import Feed, Part, Tee

#: Marks our requests in the logs of Swift's proxy.
SOURCE = "ON"

_Environ = dict[str, Any]
_App = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]


class RestoreError(Exception):
    """An object was not written back; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What is to be written back.

    :param account: of the object, decoded; likewise the other names.
    :param size: bytes of the whole body.
    :param etag: MD5 of a plain object, for Swift to check; None: unknown.
    :param headers: what the local object had beside its bytes.
    :param manifest: segments of a static large object; None: a plain one.
    :param timestamp: in Swift's form; when the local cluster was asked.
    """

    account: str
    container: str
    name: str
    size: int
    etag: str | None
    headers: Mapping[str, str]
    manifest: StaticManifest | None
    timestamp: str


class Writer:
    """Writes one object back, in requests of its own.

    :param app: what is below the shunt.
    :param environ: of the client's request; only what Swift passes on to
        requests of its own is taken of it.
    :param done: told the outcome: ``restored`` or what went wrong.
    """

    def __init__(
        self,
        app: _App,
        environ: _Environ,
        restored: Restored,
        logger: logging.Logger,
        done: Callable[[bool], None],
    ) -> None:
        self._app = app
        self._environ = environ
        self._restored = restored
        self._logger = logger
        self._done = done
        # Segments that were not here before.
        self._made: list[tuple[str, str]] = []

    def tee(self, body: Iterator[bytes], close: Callable[[], None]) -> Tee:
        """Return the body for the client; the copy is made of it."""
        return Tee(body, close, self._restored.size, self)

    def __call__(self, feed: Feed) -> None:
        """Write what the feed gives; never raises."""
        restored = self._restored
        path = "/".join(("", restored.account, restored.container))
        try:
            if restored.manifest is None:
                self._plain(feed)
            else:
                self._static(feed, restored.manifest)
        except (RestoreError, ChunkReadError) as exc:
            self._logger.warning(
                "%s/%s was read from the remote store, and not written "
                "back: %s",
                path,
                restored.name,
                exc,
            )
            self._give_up()
        except Exception:
            self._logger.exception(
                "%s/%s was not written back", path, restored.name
            )
            self._give_up()
        else:
            self._done(True)

    def _give_up(self) -> None:
        # Newer than what we wrote, older than what anybody writes now.
        later = {"X-Timestamp": tombstone_after(self._restored.timestamp)}
        for container, name in self._made:
            self._ask("DELETE", container, name, later)
        self._done(False)

    def _plain(self, feed: Feed) -> None:
        headers = {**self._restored.headers, "If-None-Match": "*"}
        if self._restored.etag is not None:
            headers["ETag"] = self._restored.etag
        self._put(
            self._restored.container,
            self._restored.name,
            headers,
            Part(feed, self._restored.size),
            self._restored.size,
        )

    def _static(self, feed: Feed, manifest: StaticManifest) -> None:
        entries = manifest.entries
        if any(e.nested or e.data is not None for e in entries) or any(
            e.length != e.size for e in entries
        ):
            message = "its manifest has ranges, inline data or manifests"
            raise RestoreError(message)
        for container in sorted({entry.container for entry in entries}):
            self._check(self._ask("PUT", container, None, {}), container)
        for entry in entries:
            self._segment(feed, entry.container, entry.name, entry)
        body = json.dumps(
            [
                {
                    "path": f"/{entry.container}/{entry.name}",
                    "etag": entry.etag,
                    "size_bytes": entry.size,
                }
                for entry in entries
            ]
        ).encode()
        self._put(
            self._restored.container,
            self._restored.name,
            {**self._restored.headers, "If-None-Match": "*"},
            None,
            len(body),
            query="multipart-manifest=put",
            body=body,
        )

    def _segment(
        self, feed: Feed, container: str, name: str, entry: Any
    ) -> None:
        there = self._ask("HEAD", container, name, {})
        if there.status_int == 200:
            same = (there.headers.get("Etag", "").strip('"'), entry.size) == (
                entry.etag,
                there.content_length,
            )
            if not same:
                message = f"/{container}/{name} is another object here"
                raise RestoreError(message)
            feed.skip(entry.size)
            return
        self._put(
            container,
            name,
            {"If-None-Match": "*", "ETag": entry.etag},
            Part(feed, entry.size),
            entry.size,
        )
        self._made.append((container, name))

    def _put(
        self,
        container: str,
        name: str,
        headers: Mapping[str, str],
        part: Part | None,
        size: int,
        *,
        query: str = "",
        body: bytes | None = None,
    ) -> None:
        answer = self._ask(
            "PUT",
            container,
            name,
            {**self._timed(headers), "Content-Length": str(size)},
            part=part,
            query=query,
            body=body,
        )
        self._check(answer, f"{container}/{name}")
        if answer.status_int == 202:
            message = f"/{container}/{name} has been written or deleted since"
            raise RestoreError(message)

    def _timed(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "X-Timestamp": self._restored.timestamp}

    def _check(self, answer: Any, where: str) -> None:
        if answer.status_int // 100 != 2:
            text = answer.body[:200].decode(errors="replace")
            message = f"PUT of /{where}: {answer.status} {text}".strip()
            raise RestoreError(message)

    def _ask(
        self,
        method: str,
        container: str,
        name: str | None,
        headers: Mapping[str, str],
        *,
        part: Part | None = None,
        query: str = "",
        body: bytes | None = None,
    ) -> Any:
        names = [self._restored.account, container]
        if name is not None:
            names.append(name)
        # Quoted once, here: "%41" and "?" are letters of a name.
        path = "/v1/" + "/".join(quote(each) for each in names)
        request: Request = make_pre_authed_request(
            self._environ,
            method=method,
            path=f"{path}?{query}" if query else path,
            body=body,
            headers=dict(headers),
            agent="%(orig)s onespace",
            swift_source=SOURCE,
        )
        # Whose request this is decides what it may do, not this one.
        request.environ["swift_owner"] = True
        if part is not None:
            request.environ["wsgi.input"] = part
        answer = request.get_response(self._app)
        if method != "HEAD":
            answer.body  # noqa: B018 - reads and closes it
        return answer
