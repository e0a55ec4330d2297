# SPDX-License-Identifier: Apache-2.0
"""Tokens: one for each provider, fetched once, shared by all its calls."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Protocol

from onespace_swift import errors, headers
from onespace_swift.pool import MAX_ERROR, Transport

#: Seconds before its end at which a token is not used any more, so that a
#: body that can be read only once is not sent with one that just ended.
_MARGIN = 30.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What a login gave.

    :param storage_url: where the account is; without a slash at its end.
    :param token: sent with each request; a secret.
    :param lifetime: seconds that the token lasts; None if nobody says.
    """

    storage_url: str
    token: str = dataclasses.field(repr=False)
    lifetime: float | None = None


class Authenticator(Protocol):
    """A way to log in."""

    def login(self) -> Login:
        """Log in with user and key; each call is a new token.

        :raises errors.Refused: the answer was no success.
        """
        ...


class V1Authenticator:
    """Swift's own way: one GET with user and key in headers.

    :param transport: sends the request.
    :param url: the option ``auth_url``.
    """

    def __init__(
        self, transport: Transport, *, url: str, user: str, key: str
    ) -> None:
        self._transport = transport
        self._url = url
        self._user = user
        self._key = key

    def login(self) -> Login:
        """See :meth:`Authenticator.login`."""
        answer = self._transport.send(
            "GET",
            self._url,
            headers={
                "x-auth-user": self._user.encode(),
                "x-auth-key": self._key.encode(),
            },
        )
        try:
            body = answer.read(MAX_ERROR, decode_content=False)
        finally:
            answer.close()
        given = headers.decode(answer.headers.items())
        url = given.get("x-storage-url")
        token = given.get("x-storage-token") or given.get("x-auth-token")
        if not 200 <= answer.status < 300:
            text = errors.plain_text(body, (self._key,))
            raise errors.Refused(answer.status, given, text, login=True)
        if not url or not token:
            raise errors.Refused(200, given, login=True)
        return Login(
            storage_url=url.rstrip("/"),
            token=token,
            lifetime=headers.number(given, "x-auth-token-expires"),
        )


class Credential:
    """The token of one provider; any number of calls may ask at once.

    While one fetches a token the others wait for it rather than fetch one
    of their own.

    :param account: account that replaces the login's; None keeps it.
    :param clock: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        logger: logging.Logger,
        account: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._logger = logger
        self._account = account
        self._clock = clock
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._ends = float("inf")

    def current(self) -> Login:
        """Return the token there is; fetch one if it is the first or old."""
        login = self._login
        if login is None or self._clock() >= self._ends:
            return self._fetch(login)
        return login

    def renew(self, refused: Login) -> Login:
        """Return a token that is not the refused one."""
        return self._fetch(refused)

    def _fetch(self, old: Login | None) -> Login:
        with self._lock:
            if self._login is not None and self._login is not old:
                return self._login
            login = self._authenticator.login()
            if self._account is not None:
                login = dataclasses.replace(
                    login,
                    storage_url=with_account(login.storage_url, self._account),
                )
            lifetime = login.lifetime
            self._ends = float("inf")
            if lifetime is not None:
                margin = min(_MARGIN, lifetime / 10)
                self._ends = self._clock() + lifetime - margin
            self._login = login
        self._logger.debug("got a token for %s", login.storage_url)
        return login


def with_account(storage_url: str, account: str) -> str:
    """Return a storage URL with another account."""
    base, _slash, _name = storage_url.rpartition("/")
    return f"{base}/{urllib.parse.quote(account, safe='')}"
