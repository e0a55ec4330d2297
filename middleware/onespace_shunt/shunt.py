# SPDX-License-Identifier: Apache-2.0
"""The filter: which requests are looked at, and what is made of them.

The local cluster is always asked first, with the request as it is. Only its
404 for an object, and its 200 for a listing of a container, are looked at
again; both come after Swift has found that the caller may read.
"""

from __future__ import annotations

import collections
import hmac
import logging
from collections.abc import Callable, Iterable
from typing import Any

from swift.common import constraints
from swift.common.swob import HTTPNotImplemented, Request, wsgi_to_str
from swift.common.utils import (
    Timestamp,
    cache_from_env,
    register_swift_info,
)
from swift.common.wsgi import WSGIContext
from swift.proxy.controllers.base import get_container_info

from onespace_core.namespace.query import QueryError, parse_query
from onespace_core.provider import OnespaceError
from onespace_shunt import listing
from onespace_shunt.answers import failure, is_operators
from onespace_shunt.conf import Watched
from onespace_shunt.missing import Missing
from onespace_shunt.options import Options
from onespace_shunt.reading import Reading
from onespace_shunt.restoring import Restores
from onespace_shunt.stores import Place

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_BYPASS = ("HTTP_X_ONESPACE_BYPASS", "HTTP_X_CLOUD_SYNC_SHUNT_BYPASS")
#: Container metadata that says where its versions are.
_VERSIONS = "versions-container"
_NOT_FOUND, _OK = 404, 200


class Shunt:
    """A WSGI app before another one.

    :param app: the rest of the pipeline.
    """

    def __init__(
        self,
        app: App,
        options: Options,
        logger: logging.Logger,
    ) -> None:
        self.app = app
        self.logger = logger
        #: What was done since the start, by what it was.
        self.counts: collections.Counter[str] = collections.Counter()
        self._options = options
        self._restores = Restores(
            app,
            logger,
            self._count,
            limit=options.restore_limit,
            wait=options.restore_wait,
        )
        self._missing = Missing(options.negative_ttl)
        self._watched = Watched(options, logger, on_change=_tell_info)

    def __call__(
        self, env: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request."""
        found = self._find(env)
        if found is None:
            return self.app(env, start_response)
        place, container, name = found
        method = env["REQUEST_METHOD"]
        context = WSGIContext(self.app)
        if name is None:
            if method != "GET":
                return self.app(env, start_response)
            return self._list(context, env, start_response, place, container)
        if method in ("GET", "HEAD"):
            return self._read(
                context, env, start_response, place, (container, name)
            )
        if method in ("PUT", "POST", "DELETE"):
            return self._change(
                context, env, start_response, place, (container, name)
            )
        return self.app(env, start_response)

    def _find(self, env: Environ) -> tuple[Place, str, str | None] | None:
        """Return mapping, container and object; None: not our affair."""
        places = self._watched.places_now()
        if not places:
            return None
        # /v1/account/container[/object]
        parts = env["PATH_INFO"].split("/", 4)
        if (
            len(parts) < 4
            or not constraints.valid_api_version(parts[1])
            or not parts[3]
        ):
            return None
        account, container = wsgi_to_str(parts[2]), wsgi_to_str(parts[3])
        place = places.find(account, container)
        if place is None or self._is_bypassed(env):
            return None
        name = wsgi_to_str(parts[4]) if len(parts) > 4 else ""
        if not constraints.check_utf8(container + name):
            # Swift keeps names with a NUL for itself, and takes no others.
            return None
        return place, container, name or None

    def _is_bypassed(self, env: Environ) -> bool:
        key = self._options.bypass_key
        return key is not None and any(
            hmac.compare_digest(
                env.get(header, "").encode("latin-1"), key.encode()
            )
            for header in _BYPASS
        )

    # -- objects ----------------------------------------------------------

    def _read(
        self,
        context: WSGIContext,
        env: Environ,
        start_response: StartResponse,
        place: Place,
        names: tuple[str, str],
    ) -> Iterable[bytes]:
        # Filters below change what they need in it: SLO drops conditions.
        request = Request(dict(env))
        restores = self._restores.wanted(env, place)
        asked = Timestamp.now().internal if restores else None
        local = context._app_call(env)
        if context._get_status_int() == _NOT_FOUND and (
            restores and self._restores.await_other(place, names)
        ):
            # It was brought back meanwhile, or could not be.
            _drained(local)
            env = dict(request.environ)
            asked = Timestamp.now().internal
            local = context._app_call(env)
        if context._get_status_int() != _NOT_FOUND:
            _start(context, start_response)
            return local
        kept = _drained(local)
        answer = self._guarded(
            request,
            place,
            lambda: self._remote(env, request, place, names, asked),
        )
        if answer is None:
            _start(context, start_response)
            return [kept]
        return answer(env, start_response)

    def _remote(
        self,
        env: Environ,
        request: Request,
        place: Place,
        names: tuple[str, str],
        restore_at: str | None,
    ) -> Any:
        """Return the store's answer; None: the local 404 is the truth.

        :param restore_at: time of what is written back; None: nothing is.
        """
        if request.params.get("version-id"):
            # Only the local cluster keeps versions.
            return None
        info = get_container_info(env, self.app, swift_source="ON")
        if info["status"] == _NOT_FOUND:
            # No container, no objects: its listing says so as well.
            return None
        in_parts = "part-number" in request.params
        if in_parts:
            # What is nowhere is a 404 all the same.
            request = Request({**request.environ, "REQUEST_METHOD": "HEAD"})
        cache = cache_from_env(env)
        known = place.mapping.name, place.mapping.account, *names
        if self._missing.knows(cache, *known):
            self._count(place, "known_missing")
            return None
        restore = None
        if restore_at is not None and not in_parts:
            restore = self._restores.begin(
                request.environ, place, names, restore_at
            )
        try:
            answer = Reading(
                request,
                place,
                names,
                expose_location=self._options.expose_location,
                logger=self.logger,
                restorer=restore,
            ).answer()
        finally:
            if restore is not None:
                restore.settle()
        if answer is None:
            self._missing.remember(cache, *known)
            self._count(place, "missing")
        elif in_parts:
            self._count(place, "in_parts")
            return HTTPNotImplemented(request=request)
        else:
            self._count(place, "shunted")
        return answer

    def _change(
        self,
        context: WSGIContext,
        env: Environ,
        start_response: StartResponse,
        place: Place,
        names: tuple[str, str],
    ) -> Iterable[bytes]:
        body = context._app_call(env)
        if context._get_status_int() // 100 == 2:
            self._missing.forget(
                cache_from_env(env),
                *(place.mapping.name, place.mapping.account, *names),
            )
        _start(context, start_response)
        return body

    # -- listings ---------------------------------------------------------

    def _list(
        self,
        context: WSGIContext,
        env: Environ,
        start_response: StartResponse,
        place: Place,
        container: str,
    ) -> Iterable[bytes]:
        request = Request(env)
        params = request.params
        if "versions" in params and self._keeps_versions(env):
            return self.app(env, start_response)
        try:
            query = parse_query(
                params, maximum=constraints.CONTAINER_LISTING_LIMIT
            )
        except QueryError:
            # Swift says the same, in its own words.
            return self.app(env, start_response)
        # A filter above that renders listings has asked for it already.
        request.params = {**params, "format": "json"}
        local = context._app_call(env)
        if context._get_status_int() != _OK:
            _start(context, start_response)
            return local
        kept = _drained(local)
        headers = context._response_headers or []

        def answer() -> Any:
            return self._merged(
                request, place, container, query, headers, kept
            )

        made = self._guarded(request, place, answer)
        return made(env, start_response)

    def _keeps_versions(self, env: Environ) -> bool:
        """Return whether a listing of versions is one.

        Without versions in the container Swift lists it as ever.
        """
        info = get_container_info(env, self.app, swift_source="ON")
        return bool(info.get("sysmeta", {}).get(_VERSIONS))

    def _merged(
        self,
        request: Request,
        place: Place,
        container: str,
        query: Any,
        headers: Any,
        body: bytes,
    ) -> Any:
        local = listing.local_page(body)
        more = {}
        try:
            entries = listing.merged(
                local,
                place,
                container,
                query,
                expose_location=self._options.expose_location,
            )
            self._count(place, "listed")
        except OnespaceError as exc:
            if place.mapping.listing_on_remote_error != "partial":
                raise
            self._failed(place, exc)
            entries = local
            more[listing.PARTIAL] = place.mapping.name
            self._count(place, "listed_partly")
        return listing.response(request, headers, entries, **more)

    # -- failures ---------------------------------------------------------

    def _guarded(
        self, request: Request, place: Place, answer: Callable[[], Any]
    ) -> Any:
        """Return an answer, or one that says that there is none."""
        try:
            return answer()
        except OnespaceError as exc:
            self._failed(place, exc)
            return failure(request, exc)
        except Exception as exc:
            # A fault of ours is no 500 to a client, who can try again.
            self.logger.exception(
                "mapping %s: the shunt failed", place.mapping.name
            )
            self._count(place, "faults")
            return failure(request, exc)

    def _failed(self, place: Place, error: OnespaceError) -> None:
        kind = type(error).__name__
        self._count(place, f"failed.{kind}")
        log = self.logger.error if is_operators(error) else self.logger.warning
        log("mapping %s: %s: %s", place.mapping.name, kind, error)

    def _count(self, place: Place, what: str) -> None:
        self.counts[what] += 1
        if place.meter is not None:
            place.meter.incr(f"shunt.{place.mapping.name}.{what}", 1)


def _start(context: WSGIContext, start_response: StartResponse) -> None:
    start_response(
        context._response_status,
        context._response_headers,
        context._response_exc_info,
    )


def _drained(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _tell_info(state: str) -> None:
    """Show in /info that the shunt is there, and whether its file is good."""
    register_swift_info("onespace", merge_namespaces=True, config=state)
