# SPDX-License-Identifier: Apache-2.0
"""Requests with a token: what lies between the contract and HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import urllib3

from onespace_core.provider import (
    CHUNK_SIZE,
    Body,
    IntegrityError,
    ServiceUnavailable,
)
from onespace_swift import errors, headers
from onespace_swift.auth import Credential, Login
from onespace_swift.headers import Sent
from onespace_swift.pool import MAX_ERROR, Transport
from onespace_swift.sender import Sender

_UNAUTHORIZED = 401


class Answer:
    """A success of the store, with its bytes still to be read.

    :ivar status: HTTP status, 200 to 299.
    :ivar headers: decoded, names in lower case.
    """

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self._raw = raw
        self.status = raw.status
        self.headers = headers.decode(raw.headers.items())

    def chunks(self) -> Iterator[bytes]:
        """Return the bytes; read to their end, the connection is free."""
        while chunk := self._raw.read(CHUNK_SIZE, decode_content=False):
            yield chunk

    def read(self) -> bytes:
        """Return all bytes and close."""
        try:
            return self._raw.read(decode_content=False)
        finally:
            self.close()

    def close(self) -> None:
        """Let go; a connection with bytes left to read is dropped."""
        self._raw.close()


class Client:
    """One account of a Swift, as one user.

    :param transport: sends requests.
    :param credential: knows the token and the account's URL.
    :param secrets: texts that no error may show.
    """

    def __init__(
        self,
        transport: Transport,
        credential: Credential,
        *,
        secrets: tuple[str, ...],
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._secrets = secrets

    def open(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Sent | None = None,
    ) -> Answer:
        """Send a request without a body; read and close what comes back.

        A token that is refused is renewed, once.

        :param path: below the account, escaped, empty or from a slash on.
        :param query: escaped, without the question mark.
        :raises Refused: any status that is no success.
        :raises urllib3.exceptions.HTTPError: no answer.
        """
        login = self._credential.current()
        answer = self._send(login, method, path, query, headers or {})
        if answer.status == _UNAUTHORIZED:
            answer.close()
            login = self._credential.renew(login)
            answer = self._send(login, method, path, query, headers or {})
        return self._success(answer, login)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Sent | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        """Send a request without a body; return headers and bytes.

        See :meth:`open`.
        """
        answer = self.open(method, path, query=query, headers=headers)
        return answer.headers, answer.read()

    def put(
        self,
        path: str,
        body: Body,
        *,
        headers: Sent,
        query: str = "",
        etag_is_md5: bool = True,
    ) -> Mapping[str, str]:
        """Send a body; return the answer's headers.

        :param query: see :meth:`open`.
        :param etag_is_md5: whether the ETag of what the store makes is to
            be the MD5 of the body.
        :raises Refused: any status that is no success.
        :raises SourceFailed: the body is short, long or could not be read;
            the store saw the connection break.
        :raises IntegrityError: the store's MD5 is not that of the bytes.
        :raises ServiceUnavailable: the token was refused, and the body can
            be read only once.
        """
        login = self._credential.current()
        target = path + (f"?{query}" if query else "")
        with contextlib.closing(Sender(body)) as sender:
            answer = self._put(login, target, sender, body.size, headers)
            started = sender.started
        if answer.status == _UNAUTHORIZED:
            answer.close()
            login = self._credential.renew(login)
            if started and not body.replayable:
                reason = "the token had ended, and the body was read already"
                raise ServiceUnavailable(reason)
            with contextlib.closing(Sender(body)) as sender:
                answer = self._put(login, target, sender, body.size, headers)
        success = self._success(answer, login)
        success.read()
        _check_stored(success.headers, sender, etag_is_md5=etag_is_md5)
        return success.headers

    def _put(
        self,
        login: Login,
        path: str,
        sender: Sender,
        size: int | None,
        headers: Sent,
    ) -> urllib3.BaseHTTPResponse:
        more = dict(headers)
        if size is not None:
            more["content-length"] = str(size)
        if size == 0:
            # The store makes the object as soon as it has the headers.
            sender.check_empty()
        return self._transport.send(
            "PUT",
            login.storage_url + path,
            headers={**more, "x-auth-token": login.token},
            body=sender if size != 0 else None,
        )

    def _send(
        self,
        login: Login,
        method: str,
        path: str,
        query: str,
        headers: Sent,
    ) -> urllib3.BaseHTTPResponse:
        more: Sent = {}
        if method in ("PUT", "POST"):
            more["content-length"] = "0"
        url = login.storage_url + path + (f"?{query}" if query else "")
        return self._transport.send(
            method,
            url,
            headers={**more, **headers, "x-auth-token": login.token},
        )

    def _success(
        self, answer: urllib3.BaseHTTPResponse, login: Login
    ) -> Answer:
        if 200 <= answer.status < 300:
            return Answer(answer)
        try:
            page = answer.read(MAX_ERROR, decode_content=False)
        finally:
            answer.close()
        raise errors.Refused(
            answer.status,
            headers.decode(answer.headers.items()),
            errors.plain_text(page, (*self._secrets, login.token)),
        )

    def close(self) -> None:
        """Close idle connections; calls after it fail."""
        self._transport.close()


def _check_stored(
    answered: Mapping[str, str], sender: Sender, *, etag_is_md5: bool
) -> None:
    if not sender.finished:
        reason = "the store answered before it had the whole body"
        raise IntegrityError(reason)
    etag = headers.unquote_etag(answered.get("etag"))
    if etag_is_md5 and etag is not None and etag != sender.md5:
        reason = f"the store has MD5 {etag}, the bytes have {sender.md5}"
        raise IntegrityError(reason)
