# SPDX-License-Identifier: Apache-2.0
"""A machine that moves objects between two stores, and breaks one of them.

After every step a client lists, and asks for an object. It gets what a
single container with the objects of both would give, or is told that nobody
knows: never a 404 for what is there, and no listing that is short and does
not say so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from property.shunt_world import (
    ACCOUNT,
    ONE,
    PARTIAL,
    World,
    environ,
    serve,
)
from servers.listing_model import model

from onespace_core.layers.base import Layer
from onespace_core.namespace.query import ListingQuery
from onespace_core.provider import (
    ConnectionFailed,
    ObjectNotFound,
    ObjectPage,
    OperationTimeout,
    ServiceUnavailable,
    UnknownProviderError,
)
from onespace_core.testing.faulty import Fault

NAMES = ("a", "a/b", "a/b/c", "a/d", "a0", "b", "\u00e9", "d/", "z")
TTL = 5.0
FAILED = {502, 503}
#: How a store fails.
TROUBLES = (
    *("none", "none", "none", "down", "timeouts", "garbage"),
    *("page", "repeats", "now and then", "cut", "cut quietly"),
)
_ERRORS = {
    "down": ServiceUnavailable,
    "timeouts": OperationTimeout,
    "garbage": UnknownProviderError,
    "page": ConnectionFailed,
    "now and then": ConnectionFailed,
}

marks = st.sampled_from(["", "", "a", "a/", "a/b", "a0", "b", "\u00e9", "zz"])
queries = st.builds(
    ListingQuery,
    limit=st.sampled_from([10000, 10000, 1, 2, 3, 4]),
    marker=marks,
    end_marker=marks,
    prefix=st.sampled_from(["", "", "a", "a/", "d/", "y"]),
    delimiter=st.sampled_from(["", "", "/", "b", "//"]),
    reverse=st.booleans(),
)
steps = st.tuples(
    st.sampled_from(
        [
            *("put", "put", "delete", "archive", "archive", "copy"),
            *("remote delete", "trouble", "wait", "ask", "put and archive"),
            "race",
        ]
    ),
    st.sampled_from(NAMES),
    st.integers(0, 1),
    st.sampled_from(TROUBLES),
    st.sampled_from([0.0, 0.0, 0.1, 1.0, 6.0, 70.0]),
    st.integers(0, 4),
)
looks = st.tuples(
    st.sampled_from(NAMES), st.integers(0, 1), queries, st.booleans()
)


class Lies(Layer):
    """A store that may answer the first page again and again.

    :ivar meanwhile: happens while a "there is none" is on its way.
    """

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        self.on = False
        self.meanwhile: Callable[[], None] | None = None

    def around(self, method: Any, /, *args: Any, **named: Any) -> Any:
        """Make one request."""
        try:
            return method(*args, **named)
        except ObjectNotFound:
            happens, self.meanwhile = self.meanwhile, None
            if happens is not None:
                happens()
            raise

    def list_objects(self, **asked: Any) -> ObjectPage:
        """See :meth:`Provider.list_objects`."""
        page = super().list_objects(**asked)
        if self.on and asked.get("marker"):
            return super().list_objects(**{**asked, "marker": ""})
        return page


class ShuntMachine(RuleBasedStateMachine):
    """See the module."""

    @initialize(
        cached=st.booleans(),
        proxies=st.integers(1, 2),
        partial=st.booleans(),
        rolls_up=st.booleans(),
    )
    def begin(
        self, cached: bool, proxies: int, partial: bool, rolls_up: bool
    ) -> None:
        self.stack = contextlib.ExitStack()
        folder = pathlib.Path(tempfile.mkdtemp(prefix="onespace-shunt-"))
        self.stack.callback(shutil.rmtree, folder)
        self.trouble, self.after, self.calls = "none", 0, 0
        self.world = World(
            folder,
            fault=self.fault,
            wrap=Lies,
            cached=cached,
            list_delimiter=rolls_up,
        )
        self.stack.enter_context(self.world)
        self.proxies = [
            self.world.shunt(negative_ttl=TTL) for _ in range(proxies)
        ]
        self.mapping = "partly" if partial else "one"
        self.container = PARTIAL if partial else ONE
        self.here: dict[str, bytes] = {}
        self.there: dict[str, bytes] = {}
        # When what a proxy remembers as missing ends; with memcache there
        # is one memory for all.
        self.remembered: dict[tuple[int, str], float] = {}
        self.world.local.containers[ACCOUNT, self.container] = {}
        self.version = 0

    def teardown(self) -> None:
        self.stack.close()

    # -- what goes wrong --------------------------------------------------

    def fault(self, op: str, _key: str | None) -> Fault | None:
        self.calls += 1
        if self.trouble.startswith("cut") and op == "get_object":
            quiet = self.trouble == "cut quietly"
            return Fault(truncate=1, error=None if quiet else ConnectionFailed)
        error = _ERRORS.get(self.trouble)
        if error is None:
            return None
        if self.trouble == "page" and (
            op != "list_objects" or self.calls <= self.after
        ):
            return None
        if self.trouble == "now and then" and self.calls % 3:
            return None
        return Fault(error=error)

    @property
    def healthy(self) -> bool:
        """Whether a client may expect an answer."""
        return self.trouble == "none" and not any(
            self.world.place(self.mapping, number).breaker.is_open
            for number in range(len(self.proxies))
        )

    # -- what happens -----------------------------------------------------

    @rule(step=steps, look=looks)
    def something_happens(self, step: Any, look: Any) -> None:
        what, name, proxy, trouble, seconds, after = step
        proxy %= len(self.proxies)
        if what in ("put", "put and archive"):
            self.put(proxy, name)
        if what == "delete":
            self.delete(proxy, name)
        elif what == "copy" and name in self.here:
            self.copy(name)
        elif what in ("archive", "put and archive") and name in self.here:
            self.archive(name)
        elif what == "remote delete":
            self.remote_delete(name)
        elif what == "trouble":
            self.trouble, self.after, self.calls = trouble, after, 0
            self.world.wrapped.on = trouble == "repeats"
        elif what == "race" and name not in {**self.here, **self.there}:
            self.race(proxy, name, after % len(self.proxies))
        elif what == "wait":
            self.world.now += seconds
        self.look(*look)

    @property
    def objects(self) -> Any:
        return self.world.local.containers[ACCOUNT, self.container]

    def ask(
        self,
        proxy: int,
        method: str,
        name: str | None,
        query: str = "",
        body: bytes = b"",
    ) -> Any:
        path = f"/v1/{ACCOUNT}/{self.container}"
        if name is not None:
            path += f"/{name}"
        answer = serve(
            self.proxies[proxy],
            environ(
                method,
                path.encode(),
                query,
                body=body,
                cache=self.world.cache,
            ),
        )
        assert self.world.faults == 0
        self.world.leaks.check()
        return answer

    def put(self, proxy: int, name: str) -> None:
        self.version += 1
        data = b"version %d" % self.version
        assert self.ask(proxy, "PUT", name, body=data).status == 201
        self.here[name] = data
        self.remembered.pop(self.memory(proxy, name), None)

    def delete(self, proxy: int, name: str) -> None:
        wanted = 204 if name in self.here else 404
        assert self.ask(proxy, "DELETE", name).status == wanted
        self.here.pop(name, None)

    def copy(self, name: str) -> None:
        self.world.copy(self.mapping, self.container, name)
        self.there[name] = self.here[name]

    def archive(self, name: str) -> None:
        self.copy(name)
        del self.here[name]
        del self.objects[name]

    def race(self, proxy: int, name: str, other: int) -> None:
        """Write and archive it while a client is told that there is none."""

        def meanwhile() -> None:
            self.put(other, name)
            self.archive(name)

        self.world.wrapped.meanwhile = meanwhile
        got = self.ask(proxy, "GET", name)
        happened = self.world.wrapped.meanwhile is None
        self.world.wrapped.meanwhile = None
        assert got.status in ({404} if self.healthy else {404, *FAILED})
        if happened and self.world.cache is None and other != proxy:
            self.remembered[proxy, name] = self.world.now + TTL

    def remote_delete(self, name: str) -> None:
        layout = self.world.place(self.mapping).layout(self.container)
        self.world.memory.delete_object(layout.key(name), bucket=layout.bucket)
        self.there.pop(name, None)

    def memory(self, proxy: int, name: str) -> tuple[int, str]:
        return (0 if self.world.cache else proxy), name

    # -- what clients see -------------------------------------------------

    def look(
        self, name: str, proxy: int, query: ListingQuery, every: bool
    ) -> None:
        proxy %= len(self.proxies)
        self.list(proxy, query)
        for method in ("HEAD", "GET"):
            self.read(proxy, method, name)
        if every:
            shown = self.list(proxy, ListingQuery(limit=10000))
            for one in NAMES:
                found = self.read(proxy, "HEAD", one)
                if shown is not None and found is not None:
                    assert found == (one in shown) or self.forgets(proxy, one)

    def forgets(self, proxy: int, name: str) -> bool:
        """Return whether a proxy may not know yet that it is there.

        Only without memcache, of what went through another proxy.
        """
        until = self.remembered.get(self.memory(proxy, name), 0.0)
        return until > self.world.now

    def read(self, proxy: int, method: str, name: str) -> bool | None:
        """Look at an object; return whether it is there, None: unknown."""
        healthy = self.healthy
        got = self.ask(proxy, method, name)
        wanted = self.here.get(name, self.there.get(name))
        if name in self.here:
            assert (got.status, got.broken) == (200, None)
        if got.status in FAILED:
            assert not healthy, got
            return None
        if got.status == 404:
            if wanted is None:
                self.remember(proxy, name)
            else:
                assert self.forgets(proxy, name), (name, got)
            return False
        assert got.status == 200, got
        assert wanted is not None, (name, got)
        assert int(got.headers["Content-Length"]) == len(wanted)
        assert got.headers["Etag"].strip('"') == md5(wanted)
        if got.broken is not None:
            assert not healthy, got
        elif method == "GET":
            assert got.body == wanted
        return True

    def remember(self, proxy: int, name: str) -> None:
        if name not in self.here and not self.forgets(proxy, name):
            until = self.world.now + TTL
            self.remembered[self.memory(proxy, name)] = until

    def list(self, proxy: int, query: ListingQuery) -> set[str] | None:
        """List; return the names, None for an answer that is not all."""
        healthy = self.healthy
        got = self.ask(proxy, "GET", None, query_of(query))
        if got.status in FAILED:
            assert not healthy, got
            assert self.mapping == "one"
            return None
        assert got.status == 200, got
        entries = json.loads(got.body)
        stored = {**self.there, **self.here}
        whole = "X-Onespace-Partial" not in got.headers
        if not whole:
            assert not healthy, got
            assert self.mapping == "partly"
            assert got.headers["X-Onespace-Partial"] == "partly"
            stored = self.here
        assert [shown(each) for each in entries] == [
            (name, None if is_subdir else md5(stored[name]))
            for name, is_subdir in model(stored, query)
        ]
        if not whole:
            return None
        return {each["name"] for each in entries if "name" in each}


def shown(entry: Any) -> tuple[str, str | None]:
    if "subdir" in entry:
        return entry["subdir"], None
    return entry["name"], entry["hash"]


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def query_of(query: ListingQuery) -> str:
    """Return a query as a client writes it."""
    given = {
        "limit": query.limit,
        "marker": query.marker,
        "end_marker": query.end_marker,
        "prefix": query.prefix,
        "delimiter": query.delimiter,
        "reverse": "on" if query.reverse else "",
        "format": "json",
    }
    return urlencode(
        {name: value for name, value in given.items() if value},
        quote_via=quote,
    )
