# SPDX-License-Identifier: Apache-2.0
"""Objects as InternalClient answers them: headers as values, bodies."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from swift.common.swob import wsgi_to_str
from swift.common.utils import close_if_possible, drain_and_close

from onespace_core.concurrency import Timeout
from onespace_core.provider import (
    CHUNK_SIZE,
    SYSTEM_HEADERS,
    ChunkStream,
    Stream,
)
from onespace_core.swift.source import (
    LocalKind,
    LocalObject,
    SourceChangedError,
    SourceError,
)

_META = "x-object-meta-"
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
#: What is left of an object whose keys the pipeline lacks. One without bytes
#: has no key of its own, but its metadata is encrypted all the same.
_ENCRYPTED = ("x-object-sysmeta-crypto-", "x-object-transient-sysmeta-crypto-")


def local_object(
    name: str, headers: Mapping[str, str], *, size: int | None = None
) -> LocalObject:
    """Return an object of the headers that InternalClient answers.

    :param headers: WSGI strings; names in any case.
    :param size: bytes of the whole object, where the answer has a part.
    """
    plain = decoded(headers)
    delete_at = plain.get("x-delete-at", "")
    return LocalObject(
        name=name,
        timestamp=_internal(plain),
        size=int(plain["content-length"]) if size is None else size,
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
        delete_at=int(delete_at) if delete_at.isdecimal() else None,
        headers=plain,
    )


def decoded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return WSGI headers as text, names in lower case."""
    return {
        wsgi_to_str(key).lower(): wsgi_to_str(value)
        for key, value in headers.items()
    }


def _internal(headers: Mapping[str, str]) -> str:
    """Return the newest timestamp with its offset, which X-Timestamp cuts."""
    return headers.get("x-backend-timestamp") or headers["x-timestamp"]


def _kind(headers: Mapping[str, str]) -> LocalKind:
    if any(name.startswith(_ENCRYPTED) for name in headers):
        return LocalKind.ENCRYPTED
    if headers.get("x-static-large-object", "").lower() == "true":
        return LocalKind.SLO
    if "x-object-manifest" in headers:
        return LocalKind.DLO
    if (
        "x-object-sysmeta-symlink-target" in headers
        or "x-symlink-target" in headers
    ):
        return LocalKind.SYMLINK
    return LocalKind.PLAIN


def open_reader(
    name: str, response: Any, span: tuple[int, int] | None
) -> SwiftReader:
    """Return the object of a GET's answer, open.

    :param response: a swob Response; on an error the caller closes it.
    :param span: first and last byte that were asked for.
    :raises SourceChangedError: the object does not have these bytes.
    :raises SourceError: the answer is not what was asked for.
    """
    if span is None:
        return SwiftReader(
            local_object(name, response.headers), response.app_iter
        )
    given = _CONTENT_RANGE.fullmatch(
        response.headers.get("Content-Range") or ""
    )
    first, last = span
    if response.status_int == 206 and given is not None:
        size = int(given[3])
        if (int(given[1]), int(given[2])) == span:
            info = local_object(name, response.headers, size=size)
            return SwiftReader(info, response.app_iter, last - first + 1)
    elif response.status_int != 416:
        message = (
            f"local GET of bytes {first}-{last} of {name} answered "
            f"{response.status}"
        )
        raise SourceError(message)
    message = f"{name} has no bytes {first}-{last} any more"
    raise SourceChangedError(message)


class SwiftReader:
    """A local object that is open.

    :param length: bytes that its stream has; None means all.
    """

    def __init__(
        self, info: LocalObject, app_iter: Any, length: int | None = None
    ) -> None:
        self.info = info
        self._source = _SourceStream(
            app_iter, info.name, info.size if length is None else length
        )
        self.stream: Stream = self._source

    def close(self) -> None:
        """Close it; twice is fine."""
        self._source.finish()


class _SourceStream:
    """The bytes of a response; what goes wrong is a SourceError."""

    def __init__(self, app_iter: Any, name: str, length: int) -> None:
        self._iterator = iter(app_iter)
        self._chunks = ChunkStream(
            _Both(self._iterator, app_iter), size=length
        )
        self._name = name
        self._left = length
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


class Closing:
    """Close a response at the end of a block."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        let_go(self._response)


def let_go(response: Any) -> None:
    """Close a response whose rest nobody wants, whatever happens.

    Swift's timeouts are no ``Exception``; one that came from here would pass
    all that handles errors and end a greenthread, or the daemon.
    """
    with contextlib.suppress(Exception, Timeout):
        drain_and_close(response, read_limit=CHUNK_SIZE)
