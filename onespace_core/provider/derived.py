# SPDX-License-Identifier: Apache-2.0
"""The five methods that are written once, from the nine."""

from __future__ import annotations

import datetime
import email.utils
import http
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from onespace_core.provider.body import Body, ObjectReader, Stream
from onespace_core.provider.errors import (
    NotModified,
    ObjectNotFound,
    ProviderError,
)
from onespace_core.provider.types import (
    ByteRange,
    Conditions,
    ObjectInfo,
    ShuntRequest,
    ShuntResponse,
    SourceObject,
    Upload,
)

if TYPE_CHECKING:
    from onespace_core.provider.base import Progress, Provider

_META = "x-object-meta-"

#: A store may hold values that would be header lines of their own here; RFC
#: 9110 section 5.5 has these replaced by a space.
_NO_LINES = str.maketrans("\r\n\0", "   ")


def update_metadata(
    provider: Provider,
    key: str,
    metadata: Mapping[str, str],
    remote: ObjectInfo | None,
    bucket: str | None,
) -> bool:
    """See :meth:`Provider.update_metadata`."""
    remote = remote or provider.head_object(key, bucket=bucket)
    wanted = {**remote.metadata, **metadata}
    if wanted == dict(remote.metadata):
        return False
    provider.post_object(
        key,
        wanted,
        content_type=remote.content_type,
        system=remote.system,
        bucket=bucket,
    )
    return True


def upload_object(
    provider: Provider,
    source: SourceObject,
    bucket: str | None,
    on_progress: Progress | None,
) -> Upload:
    """See :meth:`Provider.upload_object`."""
    info = source.info
    try:
        remote = provider.head_object(info.key, bucket=bucket)
    except ObjectNotFound:
        remote = None
    if remote is not None and _same_bytes(provider, source, remote):
        if _same_metadata(info, remote):
            return Upload.NOOP
        if not remote.archived:
            provider.post_object(
                info.key,
                info.metadata,
                content_type=info.content_type,
                system=info.system,
                bucket=bucket,
            )
            return Upload.POST
    body = source.body
    provider.put_object(
        info.key,
        body if on_progress is None else _ReportingBody(body, on_progress),
        metadata=info.metadata,
        content_type=info.content_type,
        system=info.system,
        bucket=bucket,
    )
    return Upload.PUT


def _same_bytes(
    provider: Provider, source: SourceObject, remote: ObjectInfo
) -> bool:
    md5 = source.body.md5 or source.info.etag
    return (
        provider.capabilities.etag_is_md5
        and md5 is not None
        and md5 == remote.etag
        and source.info.size == remote.size
    )


def _same_metadata(wanted: ObjectInfo, there: ObjectInfo) -> bool:
    return (
        dict(wanted.metadata) == dict(there.metadata)
        and dict(wanted.system) == dict(there.system)
        and (wanted.content_type or "application/octet-stream")
        == there.content_type
    )


class _ReportingBody:
    """A body that reports each chunk that is read from it."""

    def __init__(self, body: Body, on_progress: Progress) -> None:
        self._body = body
        self._on_progress = on_progress
        self.size = body.size
        self.md5 = body.md5
        self.replayable = body.replayable

    def open(self) -> Stream:
        return _ReportingStream(self._body.open(), self._on_progress)


class _ReportingStream:
    def __init__(self, stream: Stream, on_progress: Progress) -> None:
        self._stream = stream
        self._on_progress = on_progress
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        if data:
            self._count += len(data)
            self._on_progress(self._count)
        return data

    def close(self) -> None:
        self._stream.close()


def shunt_object(
    provider: Provider, request: ShuntRequest, key: str, bucket: str | None
) -> ShuntResponse:
    """See :meth:`Provider.shunt_object`."""

    def answer() -> ShuntResponse:
        conditions = _conditions(request.headers)
        if request.method == "HEAD":
            info = provider.head_object(
                key, conditions=conditions, bucket=bucket
            )
            return ShuntResponse(
                status=200, headers=_headers(info, info.size, None)
            )
        reader = provider.get_object(
            key,
            byte_range=_byte_range(request.headers),
            conditions=conditions,
            bucket=bucket,
        )
        return ShuntResponse(
            status=reader.status,
            headers=_headers(reader.info, reader.length, reader.content_range),
            body=_ReaderBody(reader),
        )

    return _guard(request, answer)


def shunt_post(
    provider: Provider, request: ShuntRequest, key: str, bucket: str | None
) -> ShuntResponse:
    """See :meth:`Provider.shunt_post`."""

    def answer() -> ShuntResponse:
        metadata = {
            name[len(_META) :]: value
            for name, value in request.headers.items()
            if name.startswith(_META) and value
        }
        provider.post_object(
            key,
            metadata,
            content_type=request.headers.get("content-type") or None,
            bucket=bucket,
        )
        return ShuntResponse(status=202)

    return _guard(request, answer)


def shunt_delete(
    provider: Provider, request: ShuntRequest, key: str, bucket: str | None
) -> ShuntResponse:
    """See :meth:`Provider.shunt_delete`."""

    def answer() -> ShuntResponse:
        existed = provider.delete_object(key, bucket=bucket)
        return ShuntResponse(status=404 if existed is False else 204)

    return _guard(request, answer)


def _guard(
    request: ShuntRequest, answer: Callable[[], ShuntResponse]
) -> ShuntResponse:
    try:
        return answer()
    except NotModified:
        return ShuntResponse(status=304)
    except ProviderError as exc:
        text = http.HTTPStatus(exc.http_status).phrase.encode()
        headers = [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(text))),
        ]
        retry_after = getattr(exc, "retry_after", None)
        if retry_after is not None:
            headers.append(("Retry-After", str(round(retry_after))))
        return ShuntResponse(
            status=exc.http_status,
            headers=headers,
            body=[] if request.method == "HEAD" else [text],
        )


class _ReaderBody:
    """A response body that owns a reader, as WSGI wants it."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reader)

    def close(self) -> None:
        self._reader.close()


def _headers(
    info: ObjectInfo, length: int, content_range: str | None
) -> list[tuple[str, str]]:
    headers = [("Content-Length", str(length))]
    headers.append(
        ("Content-Type", info.content_type or "application/octet-stream")
    )
    if content_range is not None:
        headers.append(("Content-Range", content_range))
    if info.etag is not None:
        headers.append(("Etag", info.etag))
    if info.last_modified is not None:
        headers.append(
            (
                "Last-Modified",
                email.utils.format_datetime(info.last_modified, usegmt=True),
            )
        )
    headers += [(name.title(), value) for name, value in info.system.items()]
    headers += [
        (f"X-Object-Meta-{name.title()}", value)
        for name, value in info.metadata.items()
    ]
    return [(name, value.translate(_NO_LINES)) for name, value in headers]


def _conditions(headers: Mapping[str, str]) -> Conditions | None:
    conditions = Conditions(
        if_match=_etag(headers.get("if-match")),
        # Compared weakly (RFC 9110 13.1.2), so the mark of a weak one goes.
        if_none_match=_etag(
            headers.get("if-none-match", "").removeprefix("W/")
        ),
        if_modified_since=_time(headers.get("if-modified-since")),
        if_unmodified_since=_time(headers.get("if-unmodified-since")),
    )
    return None if conditions == Conditions() else conditions


def _etag(value: str | None) -> str | None:
    return value.strip().strip('"') if value else None


def _time(value: str | None) -> datetime.datetime | None:
    """Parse an HTTP date; RFC 9110 says to ignore an invalid one."""
    if not value:
        return None
    try:
        parsed = email.utils.parsedate_to_datetime(value)
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=datetime.UTC)
        return parsed.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _byte_range(headers: Mapping[str, str]) -> ByteRange | None:
    """Parse one byte range; RFC 9110 14.2 lets us ignore any other form.

    With ``If-Range`` (13.1.5) the range is ignored as well: who asks that
    way gets the whole object, rather than a part of another version.
    """
    value = headers.get("range")
    if not value or not value.startswith("bytes=") or "," in value:
        return None
    if "if-range" in headers:
        return None
    first, dash, last = value[len("bytes=") :].strip().partition("-")
    digits = first + last
    if not dash or not (digits.isascii() and digits.isdigit()):
        return None
    if not first:
        return ByteRange(first=-int(last)) if int(last) else None
    byte_range = ByteRange(first=int(first), last=int(last) if last else None)
    if byte_range.last is not None and byte_range.last < byte_range.first:
        return None
    return byte_range
