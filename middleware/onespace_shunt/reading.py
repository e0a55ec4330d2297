# SPDX-License-Identifier: Apache-2.0
"""GET and HEAD of an object that is not here but in a mapping's store.

The answer is made by Swift's own rules for conditions, from what the store
says of the object; a range is left to the store. So is an ETag in a GET's
condition, which spares the bytes.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from swift.common.swob import Request, Response, str_to_wsgi

from onespace_core.provider import (
    CHUNK_SIZE,
    ByteRange,
    Conditions,
    InvalidRequest,
    NotModified,
    ObjectInfo,
    ObjectNotFound,
    ObjectReader,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from onespace_core.swift.manifests import md5
from onespace_shunt.headers import Described, describe, http_date, is_large
from onespace_shunt.manifests import NoManifest, read_manifest
from onespace_shunt.stores import Place

LOCATION = "X-Onespace-Location"

_RANGE = re.compile(r"bytes=(?:(\d{1,19})-(\d{0,19})|-(\d{1,19}))", re.ASCII)
_ETAG = re.compile(r'\s*(?:"([^",*]+)"|([^",*\s]+))\s*')


class Restorer(Protocol):
    """Writes back what a client reads."""

    def restoring(
        self,
        reader: ObjectReader,
        body: Iterator[bytes],
        close: Callable[[], None],
    ) -> Any:
        """Return a body for the client: the same bytes, with a ``close``.

        None: it cannot be written back; the client gets the body as it is.
        """
        ...


class Reading:
    """One client's request for one object.

    :param request: as it was before the local cluster saw it.
    :param names: container and object, decoded.
    :param restorer: None writes nothing back.
    """

    def __init__(
        self,
        request: Request,
        place: Place,
        names: tuple[str, str],
        *,
        expose_location: bool,
        logger: logging.Logger,
        restorer: Restorer | None = None,
    ) -> None:
        self._request = request
        self._place = place
        self._layout = place.layout(names[0])
        self._name = names[1]
        self._key = self._layout.key(names[1])
        self._expose = expose_location
        self._logger = logger
        self._restorer = restorer

    def answer(self) -> Response | None:
        """Return what the store has; None: it is certainly not there.

        :raises OnespaceError: nobody knows.
        """
        longest = self._place.provider.capabilities.max_key_bytes
        if longest is not None and len(self._key.encode()) > longest:
            return None
        try:
            return self._ask()
        except ObjectNotFound:
            self._place.check_bucket(self._layout.bucket)
        return None

    def _ask(self) -> Response | None:
        if self._request.params.get("multipart-manifest") == "get":
            info = self._head()
            if is_large(info):
                return self._manifest(info)
        if self._request.method == "HEAD":
            return self._respond(self._head(), None)
        capabilities = self._place.provider.capabilities
        try:
            reader = self._place.provider.get_object(
                self._key,
                byte_range=(
                    byte_range(self._request.headers.get("Range"))
                    if capabilities.range_get
                    and "If-Range" not in self._request.headers
                    else None
                ),
                conditions=(
                    etag_conditions(self._request.headers)
                    if capabilities.conditional_get
                    else None
                ),
                bucket=self._layout.bucket,
            )
        except (NotModified, PreconditionFailed, RangeNotSatisfiable) as exc:
            return self._refused(exc.http_status)
        except InvalidRequest:
            if self._head().archived:
                return self._archived()
            raise
        return self._respond(reader.info, reader)

    def _head(self) -> ObjectInfo:
        return self._place.provider.head_object(
            self._key, bucket=self._layout.bucket
        )

    def _described(self, info: ObjectInfo) -> Described | None:
        """Return what to say of it; None: it has expired."""
        described = describe(info, self._place.mapping)
        if described.expires is not None and described.expires <= time.time():
            return None
        if self._expose:
            described.headers[LOCATION] = self._place.provider.location
        return described

    def _respond(
        self, info: ObjectInfo, reader: ObjectReader | None
    ) -> Response | None:
        """Answer with an object; without a reader it is a HEAD."""
        described = self._described(info)
        if described is None:
            if reader is not None:
                reader.close()
            return None
        response = self._response(200, described)
        if reader is None:
            response.content_length = info.size
            return response
        if reader.content_range is not None:
            response.status = reader.status
            response.headers["Content-Range"] = reader.content_range
        response.app_iter = self._body(reader)
        # After the body, which makes it unknown.
        response.content_length = reader.length
        return response

    def _body(self, reader: ObjectReader) -> Any:
        body = Bytes(reader, self._logger)
        body.begin()
        whole = reader.length == reader.info.size
        if self._restorer is None or not whole:
            return body
        return self._restorer.restoring(reader, iter(body), body.close) or body

    def _response(self, status: int, described: Described) -> Response:
        response = Response(
            request=self._request,
            status=status,
            headers={
                str_to_wsgi(name): str_to_wsgi(value)
                for name, value in described.headers.items()
            },
            conditional_response=True,
        )
        if described.last_modified is not None:
            response.headers["Last-Modified"] = http_date(
                described.last_modified
            )
        return response

    def _refused(self, status: int) -> Response | None:
        """Answer as the store did, with what a HEAD says of the object."""
        info = self._head()
        described = self._described(info)
        if described is None:
            return None
        response = self._response(status, described)
        # It is settled; the conditions are not looked at again.
        response.conditional_response = False
        if status == RangeNotSatisfiable.http_status:
            response.headers["Content-Range"] = f"bytes */{info.size}"
            response.headers["Content-Type"] = "text/html; charset=UTF-8"
        else:
            response.body = b""
        return response

    def _archived(self) -> Response:
        return self._conflict(
            "The store has to fetch this object from its archive."
        )

    def _conflict(self, why: str) -> Response:
        return Response(
            request=self._request,
            status=409,
            body=f"{why}\n".encode(),
            content_type="text/plain",
        )

    def _manifest(self, info: ObjectInfo) -> Response | None:
        """Answer with the manifest of a large object, as Swift does.

        In the form of a PUT it has the object's own type, so that a copy of
        it has that too.
        """
        described = self._described(info)
        if described is None:
            return None
        try:
            raw, _ = read_manifest(
                self._place.provider, self._layout, self._name, info
            )
        except NoManifest as exc:
            return self._conflict(
                f"There is no manifest of this large object: {exc}."
            )
        if self._request.params.get("format") == "raw":
            raw = raw_form(raw)
        else:
            kind = "application/json; charset=utf-8"
            described.headers["Content-Type"] = kind
        described.headers["Etag"] = md5(raw)
        response = self._response(200, described)
        response.body = raw
        return response


class Bytes:
    """A response's body: an object being read, closed with the response."""

    def __init__(self, reader: ObjectReader, logger: logging.Logger) -> None:
        self._reader = reader
        self._logger = logger
        self._chunks = iter(reader)
        self._first = b""

    def begin(self) -> None:
        """Read the first bytes, while there can still be another answer.

        So many that a server sends them, and the headers, at once.

        :raises ProviderError: there are none; the connection is dropped.
        """
        try:
            enough = min(self._reader.length, CHUNK_SIZE)
            while len(self._first) < enough:
                self._first += next(self._chunks)
        except BaseException:
            self._reader.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Return the bytes.

        What fails goes through: the server then breaks the connection, and
        the client knows that it has not got everything.
        """
        try:
            if self._first:
                first, self._first = self._first, b""
                yield first
            yield from self._chunks
        except Exception as exc:
            self._logger.warning("an object was not read to its end: %s", exc)
            raise
        finally:
            self._reader.close()

    def close(self) -> None:
        """Give the connection to the store back, or drop it."""
        self._reader.close()


def byte_range(value: str | None) -> ByteRange | None:
    """Return the range that a client asks for, if it is a single one.

    Any other form is ignored, as RFC 9110 section 14.2 allows: the client
    gets the whole object.
    """
    found = _RANGE.fullmatch((value or "").strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return ByteRange(first=-int(suffix)) if int(suffix) else None
    if last and int(last) < int(first):
        return None
    return ByteRange(first=int(first), last=int(last) if last else None)


def etag_conditions(headers: Mapping[str, str]) -> Conditions | None:
    """Return those conditions that a store can be asked for.

    One ETag; several, and ``*``, are looked at here.
    """
    conditions = Conditions(
        if_match=_single(headers.get("If-Match")),
        if_none_match=_single(headers.get("If-None-Match")),
    )
    return None if conditions == Conditions() else conditions


def _single(value: str | None) -> str | None:
    found = _ETAG.fullmatch(value or "")
    return (found[1] or found[2]) if found else None


def raw_form(manifest: bytes) -> bytes:
    """Return a stored manifest in the form of a PUT (``format=raw``)."""
    entries = []
    for entry in json.loads(manifest):
        if "data" in entry:
            entries.append({"data": entry["data"]})
            continue
        made = {
            "path": entry["name"],
            "etag": entry["hash"],
            "size_bytes": entry["bytes"],
        }
        if "range" in entry:
            made["range"] = entry["range"]
        entries.append(made)
    return json.dumps(entries).encode()
