# SPDX-License-Identifier: Apache-2.0
"""Objects, and parts of objects, being written to S3."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from onespace_core.provider import (
    CHUNK_SIZE,
    Body,
    IntegrityError,
    NotSupported,
    PutResult,
    ServiceUnavailable,
    Stream,
)
from onespace_s3 import info


class SizedStream:
    """A body's stream, held to the body's size.

    The SDK cannot rewind it, so that it never sends it again by itself. The
    last bytes are given only when the stream has proved to end there: a
    store that has all promised bytes makes an object of them.

    :param stream: the body's stream, which is not closed here.
    :param size: bytes the body promises; 1 or more.
    :ivar failure: what ``read`` raised, which the SDK hides.
    """

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._left = size
        self.failure: Exception | None = None

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next bytes, at most a chunk, empty at the end.

        The size that the SDK asks for is not kept: it is smaller than what
        is good for throughput, and any length is sent on as it is.

        :raises IntegrityError: the stream is shorter or longer than the
            body's size.
        """
        if not self._left:
            return b""
        try:
            return self._next()
        except Exception as exc:
            self.failure = exc
            raise

    def _next(self) -> bytes:
        chunk = self._stream.read(min(CHUNK_SIZE, self._left))
        if not chunk:
            raise IntegrityError(f"the body ended {self._left} bytes early")
        self._left -= len(chunk)
        if self._left < 0 or (not self._left and self._stream.read(1)):
            raise IntegrityError("the body is longer than its size")
        return chunk


class RewindableStream(SizedStream):
    """A sized stream that is read once to sign it and once to send it."""

    def __init__(self, body: Body, size: int) -> None:
        super().__init__(body.open(), size)
        self._body = body
        self._size = size

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._size - self._left

    def seek(self, position: int, _whence: int = 0, /) -> int:
        """Go back to the first byte, the only place one can go to."""
        if position:
            raise ValueError(position)
        self.close()
        self._stream = self._body.open()
        self._left = self._size
        return 0

    def close(self) -> None:
        """Close the body's stream."""
        self._stream.close()


#: A method of the SDK's client: ``put_object`` or ``upload_part``.
_Call = Callable[..., Mapping[str, Any]]


def send(
    call: _Call,
    body: Body,
    parameters: Mapping[str, Any],
    *,
    etag_is_md5: bool,
    sign_payload: bool,
) -> PutResult:
    """Send a body with one PUT, as an object or as a part of one.

    Holds one chunk of :data:`CHUNK_SIZE` bytes. A body that is not larger
    is read before the request is made.

    :param call: a method of the SDK's client.
    :param parameters: of the call, without the body and its length.
    :param etag_is_md5: compare the ETag that comes back.
    :param sign_payload: the SDK will read the body twice.
    :raises NotSupported: the size is unknown, or the body would have to be
        read twice but cannot be.
    :raises IntegrityError: the body is short or long, or the store has
        other bytes than were sent. (A store that ignores ``Content-MD5``
        has replaced the old object or part by then.)
    :raises ServiceUnavailable: the answer has no ETag, so that it is not
        an S3 store's.
    """
    size = body.size
    if size is None:
        raise NotSupported("S3 needs to know the size of a body")
    if sign_payload and size > CHUNK_SIZE:
        return _send_signed(call, body, size, parameters, etag_is_md5)
    stream = body.open()
    try:
        if size <= CHUNK_SIZE:
            answer = call(
                Body=_read_all(stream, size),
                ContentLength=size,
                **_with_md5(parameters, body),
            )
        else:
            answer = _stream(call, SizedStream(stream, size), body, parameters)
    finally:
        stream.close()
    return _result(answer, body, etag_is_md5)


def _send_signed(
    call: _Call,
    body: Body,
    size: int,
    parameters: Mapping[str, Any],
    etag_is_md5: bool,
) -> PutResult:
    if not body.replayable:
        raise NotSupported(
            "a body that can be read only once cannot be signed",
            hint="set payload_signing to false",
        )
    stream = RewindableStream(body, size)
    try:
        answer = _stream(call, stream, body, parameters)
    finally:
        stream.close()
    return _result(answer, body, etag_is_md5)


def _stream(
    call: _Call, stream: SizedStream, body: Body, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        return call(
            Body=stream,
            ContentLength=body.size,
            **_with_md5(parameters, body),
        )
    except Exception as exc:
        if stream.failure is not None:
            raise stream.failure from exc
        raise


def _read_all(stream: Stream, size: int) -> bytes:
    chunks = []
    left = size
    while left and (chunk := stream.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    if left > 0:
        raise IntegrityError(f"the body ended {left} bytes early")
    if left < 0 or stream.read(1):
        raise IntegrityError("the body is longer than its size")
    return b"".join(chunks)


def _with_md5(parameters: Mapping[str, Any], body: Body) -> dict[str, Any]:
    if body.md5 is None:
        return dict(parameters)
    digest = base64.b64encode(bytes.fromhex(body.md5)).decode("ascii")
    return {**parameters, "ContentMD5": digest}


def _result(
    answer: Mapping[str, Any], body: Body, etag_is_md5: bool
) -> PutResult:
    etag = info.unquoted(answer.get("ETag"))
    if not etag:
        raise ServiceUnavailable(
            "the store did not confirm the bytes",
            hint="check that endpoint is an S3 endpoint",
        )
    # A bucket may encrypt by default with keys that change the ETag.
    by_kms = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if etag_is_md5 and body.md5 and not by_kms and etag != body.md5:
        raise IntegrityError(
            f"the store has {etag}, but the MD5 of the body is {body.md5}",
            hint="if the bucket encrypts by default, set etag_is_md5 to false",
        )
    return PutResult(etag=etag, version=answer.get("VersionId"))
