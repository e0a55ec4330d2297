# SPDX-License-Identifier: Apache-2.0
"""A small Swift proxy in memory: what the shunt stands before.

It answers by Swift's rules, with Swift's own classes for requests, answers
and the parameters of listings. What it lists is the model that equals
Swift's databases (``servers/listing_model.py``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from typing import Any

from servers.listing_model import model
from swift.common import constraints
from swift.common.request_helpers import validate_container_params
from swift.common.swob import (
    HTTPException,
    Request,
    Response,
    str_to_wsgi,
    wsgi_to_str,
)
from swift.common.utils import Timestamp

from onespace_core.namespace.query import parse_query

#: What makes the proxy answer with a status, whatever is asked.
FORCED = "HTTP_X_TEST_STATUS"
_REFUSED = {"wrong": 401, "another": 403}
_KEPT = ("X-Object-Meta-", "Content-Encoding", "X-Delete-At")


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """An object in the local cluster.

    :param stamp: its time, in Swift's internal form.
    :param headers: native text, of those that a client sees again.
    """

    data: bytes
    stamp: str
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def etag(self) -> str:
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


class LocalSwift:
    """A WSGI app.

    :param accounts: accounts that there are.
    :param begin: seconds since the epoch; each write is a second later.

    :ivar containers: objects by account and container, then by name.
    """

    def __init__(self, *accounts: str, begin: float = 1_700_000_000.0):
        self.accounts = accounts
        self.containers: dict[tuple[str, str], dict[str, Stored]] = {}
        self.now = begin

    def put(
        self, account: str, container: str, name: str, data: bytes, **more: Any
    ) -> Stored:
        """Write an object, as a PUT does."""
        self.now += 1
        stored = Stored(data, Timestamp(self.now).internal, **more)
        self.containers[account, container][name] = stored
        return stored

    def __call__(self, env: dict[str, Any], start_response: Any) -> Any:
        request = Request(env)
        try:
            answer = self._answer(request)
        except HTTPException as exc:
            answer = exc
        except Exception:  # noqa: BLE001 - as catch_errors does
            answer = Response(status=500, request=request, body=b"broken")
        return answer(env, start_response)

    def _answer(self, request: Request) -> Response:
        env = request.environ
        if FORCED in env and "swift.authorize_override" not in env:
            return self._plain(request, int(env[FORCED]))
        refused = _REFUSED.get(env.get("HTTP_X_AUTH_TOKEN", ""))
        if refused and "swift.authorize_override" not in env:
            return self._plain(request, refused)
        if not constraints.check_utf8(wsgi_to_str(env["PATH_INFO"])):
            return self._plain(request, 412)
        try:
            version, account, container, name = request.split_path(1, 4, True)
        except ValueError:
            return self._plain(request, 404)
        if account and not constraints.valid_api_version(version):
            return self._plain(request, 400)
        if account is None or wsgi_to_str(account) not in self.accounts:
            return self._plain(request, 404)
        if container is None:
            return self._plain(request, 204)
        where = wsgi_to_str(account), wsgi_to_str(container)
        if name:
            return self._object(request, where, wsgi_to_str(name))
        return self._container(request, where)

    @staticmethod
    def _plain(request: Request, status: int, **headers: str) -> Response:
        return Response(request=request, status=status, headers=headers)

    # -- containers -------------------------------------------------------

    def _container(self, request: Request, where: tuple[str, str]) -> Response:
        if request.method == "PUT":
            if len(where[1]) > constraints.MAX_CONTAINER_NAME_LENGTH:
                return self._plain(request, 400)
            new = where not in self.containers
            self.containers.setdefault(where, {})
            return self._plain(request, 201 if new else 202)
        objects = self.containers.get(where)
        if objects is None:
            return self._plain(request, 404)
        if request.method == "DELETE":
            if objects:
                return self._plain(request, 409)
            del self.containers[where]
            return self._plain(request, 204)
        if request.method == "POST":
            return self._plain(request, 204)
        if request.method not in ("GET", "HEAD"):
            return self._plain(request, 405, Allow="GET, HEAD, PUT")
        return self._listed(request, objects)

    def _listed(
        self, request: Request, objects: dict[str, Stored]
    ) -> Response:
        validate_container_params(request)
        query = parse_query(
            request.params, maximum=constraints.CONTAINER_LISTING_LIMIT
        )
        records = [
            {"subdir": name} if is_subdir else record(name, objects[name])
            for name, is_subdir in model(objects, query)
        ]
        response = Response(
            request=request,
            headers={
                "X-Container-Object-Count": str(len(objects)),
                "X-Container-Bytes-Used": str(
                    sum(len(each.data) for each in objects.values())
                ),
                "X-Timestamp": "1700000000.00000",
                "Content-Type": "application/json; charset=utf-8",
            },
        )
        if request.method == "GET":
            response.body = json.dumps(records).encode("ascii")
        return response

    # -- objects ----------------------------------------------------------

    def _object(
        self, request: Request, where: tuple[str, str], name: str
    ) -> Response:
        if request.method not in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            return self._plain(request, 405, Allow="GET, HEAD, PUT")
        objects = self.containers.get(where)
        if objects is None:
            return self._plain(request, 404)
        if request.method == "PUT":
            return self._put(request, where, name)
        stored = objects.get(name)
        if stored is None:
            return self._plain(request, 404)
        if request.method == "DELETE":
            self.now += 1
            del objects[name]
            return self._plain(request, 204)
        if request.method == "POST":
            self.now += 1
            objects[name] = dataclasses.replace(
                stored,
                stamp=Timestamp(self.now).internal,
                headers=_kept(request),
            )
            return self._plain(request, 202)
        return self._read(request, stored)

    def _put(
        self, request: Request, where: tuple[str, str], name: str
    ) -> Response:
        if len(name.encode()) > constraints.MAX_OBJECT_NAME_LENGTH:
            return self._plain(request, 400)
        if request.content_length is None and (
            request.headers.get("Transfer-Encoding") != "chunked"
        ):
            return self._plain(request, 411)
        if request.if_none_match and name in self.containers[where]:
            return self._plain(request, 412)
        self.put(
            *where,
            name,
            request.body,
            content_type=wsgi_to_str(request.headers.get("Content-Type"))
            or "application/octet-stream",
            headers=_kept(request),
        )
        return self._plain(request, 201)

    def _read(self, request: Request, stored: Stored) -> Response:
        response = Response(
            request=request,
            conditional_response=True,
            headers={
                str_to_wsgi(name): str_to_wsgi(value)
                for name, value in stored.headers.items()
            },
        )
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Type"] = str_to_wsgi(stored.content_type)
        response.headers["X-Timestamp"] = stored.stamp
        response.etag = stored.etag
        response.last_modified = math.ceil(float(stored.stamp))
        if request.method == "HEAD":
            response.content_length = len(stored.data)
        else:
            response.body = stored.data
        return response


def record(name: str, stored: Stored) -> dict[str, Any]:
    """Return what Swift's JSON says of an object."""
    return {
        "bytes": len(stored.data),
        "hash": stored.etag,
        "name": name,
        "content_type": stored.content_type,
        "last_modified": Timestamp(stored.stamp).isoformat,
    }


def _kept(request: Request) -> dict[str, str]:
    return {
        wsgi_to_str(name): wsgi_to_str(value)
        for name, value in request.headers.items()
        if name.title().startswith(_KEPT)
    }
