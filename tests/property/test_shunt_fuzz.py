# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked, the shunt answers as Swift does, or better.

Each request goes to a pipeline with the shunt and to the same without it.
``ONESPACE_FUZZ_REQUESTS`` says how many there are.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import functools
import json
import os
import random

from property.shunt_requests import request
from property.shunt_world import (
    ACCOUNT,
    FREE,
    KEY,
    OFF,
    ONE,
    PARTIAL,
    WHOLE,
    World,
    environ,
    serve,
)
from servers.listing_model import model
from swift.common.middleware.listing_formats import ListingFilter
from swift.common.swob import Request

from onespace_core.namespace.query import parse_query
from onespace_core.provider import (
    BucketNotFound,
    ConnectionFailed,
    IntegrityError,
    ObjectInfo,
    OperationTimeout,
    PermissionDenied,
    RateLimited,
    ServiceUnavailable,
    Unauthenticated,
    UnknownProviderError,
)
from onespace_core.sync.beside import SLO_MARK
from onespace_core.sync.stamp import STAMP
from onespace_core.sync.travel import DELETE_AT
from onespace_core.testing.faulty import Fault

REQUESTS = int(os.environ.get("ONESPACE_FUZZ_REQUESTS", "3000"))
#: Requests after which the world is made anew.
AGE = 500
ACCOUNTS = (ACCOUNT, ACCOUNT, ACCOUNT, WHOLE, "AUTH_none")
CONTAINERS = (ONE, ONE, ONE, PARTIAL, OFF, FREE, "missing")
NAMES = ("a", "a/b", "a/b/c", "a0", "b", "\u00e9", "d/", "z", "\U0001f600")
ERRORS = (
    *(ConnectionFailed, OperationTimeout, ServiceUnavailable, RateLimited),
    *(Unauthenticated, PermissionDenied, BucketNotFound),
    *(IntegrityError, UnknownProviderError),
)
BYPASSES = ("X-Onespace-Bypass", "X-Cloud-Sync-Shunt-Bypass")
#: What an object can be that is not here.
READ = {200, 206, 304, 404, 409, 412, 416, 501}
FAILED = {502, 503}


#: What others may have written beside the bytes of a remote object.
STRANGE = (
    {"content_type": "a/b\r\nX-Injected: yes"},
    {"content_type": "\u20ac/\u00e9; charset=\udcff"},
    {"content_type": ""},
    {"etag": None},
    {"etag": 'a"b\n'},
    {"etag": "\u20ac"},
    {"last_modified": None},
    {"last_modified": datetime.datetime.max.replace(tzinfo=datetime.UTC)},
    {"last_modified": datetime.datetime.min.replace(tzinfo=datetime.UTC)},
    {"metadata": {"a": "b\r\nX-Injected: yes", "\u20ac": "\u20ac\udcff"}},
    {"metadata": {"a b:\r\nX-Injected": "yes", "": "empty"}},
    {"metadata": {STAMP: f"9999999999.99999 {'0' * 32}"}},
    {"metadata": {STAMP: "junk"}},
    {"metadata": {STAMP: f"1700000000.00000_ffffffffffffffff {'a' * 32}"}},
    {"metadata": {DELETE_AT: "9" * 400}},
    {"metadata": {DELETE_AT: "junk"}},
    {"metadata": {DELETE_AT: "9999999999"}},
    {"metadata": {DELETE_AT: "1"}},
    {"metadata": {SLO_MARK[0]: "True"}},
    {"metadata": {SLO_MARK[0]: "\u20ac"}},
    {"system": {"cache-control": "a\r\nX-Injected: yes", "x-junk": "1"}},
    {"system": {"content-encoding": "\u20ac"}},
    {"size": 6},
    {"size": 4},
    {"archived": True},
)
#: The name of the one that has expired.
EXPIRED = b"s%d" % STRANGE.index({"metadata": {DELETE_AT: "1"}})
MANIFESTS = (b"", b"junk", b"{}", b"[1]", b"[{}]", b"null", b"\xff", b"[]")


def strange(world: World, rng: random.Random) -> None:
    """Put remote objects there that onespace never wrote."""
    objects = world.store.buckets["bucket"].objects
    layout = world.place("one").layout(ONE)
    for number, changes in enumerate(STRANGE):
        name = f"s{number}"
        key = layout.key(name)
        info = ObjectInfo(
            key=key, size=5, etag="0" * 32, last_modified=world.store.now()
        )
        objects[key] = dataclasses.replace(info, **changes), b"hello"
        key, data = layout.manifest_key(name), rng.choice(MANIFESTS)
        info = ObjectInfo(key=key, size=len(data), etag="0" * 32)
        objects[key] = info, data


class Faults:
    """Goes wrong now and then, and says so."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.share = 0.0
        self.struck = 0

    def __call__(self, op: str, _key: str | None) -> Fault | None:
        if self._rng.random() >= self.share:
            return None
        self.struck += 1
        if op == "get_object" and self._rng.random() < 0.5:
            return Fault(
                truncate=self._rng.randrange(4),
                error=self._rng.choice((None, ConnectionFailed)),
            )
        return Fault(error=self._rng.choice(ERRORS))


def fill(world: World, rng: random.Random) -> None:
    """Make containers, some objects here and some there."""
    for account, container, mapping in (
        (ACCOUNT, ONE, "one"),
        (ACCOUNT, PARTIAL, "partly"),
        (ACCOUNT, OFF, None),
        (ACCOUNT, FREE, None),
        (WHOLE, ONE, "whole"),
        (WHOLE, FREE, "whole"),
    ):
        world.local.containers[account, container] = {}
        for name in NAMES:
            where = rng.choice(("here", "there", "both", "nowhere"))
            if where == "nowhere":
                continue
            world.local.put(
                account, container, name, b"hello", content_type="a/b"
            )
            if where == "here" or mapping is None:
                continue
            world.copy(mapping, container, name)
            if where == "there":
                del world.local.containers[account, container][name]


class Pair:
    """A pipeline with the shunt, and one without."""

    def __init__(self, folder, rng: random.Random) -> None:
        self.faults = Faults(rng)
        self.rng = rng
        self.world = World(folder, fault=self.faults)
        self.counts: collections.Counter[str] = collections.Counter()

    def __enter__(self):
        world = self.world.__enter__()
        self.shunt = world.shunt()
        fill(world, self.rng)
        strange(world, self.rng)
        self.alone = copy.deepcopy(world.local)
        self.stock = ListingFilter(self.alone, {})
        return self

    def __exit__(self, *exc):
        return self.world.__exit__(*exc)

    def ask(self, number: int) -> None:
        """Make one request, and say what is wrong with the answer."""
        rng, world = self.rng, self.world
        sent = request(rng, accounts=ACCOUNTS, containers=CONTAINERS)
        self.faults.share = rng.choice((0, 0, 0, 0.3))
        self.faults.struck = 0
        world.now += rng.random()
        pieces = 1 if rng.random() < 0.05 else -1
        made = functools.partial(
            environ, sent.method, sent.path, sent.query, sent.headers
        )
        want = serve(self.stock, made(body=sent.body), pieces=pieces)
        env = made(body=sent.body, cache=world.cache)
        got = serve(self.shunt, env, pieces=pieces)
        assert world.faults == 0, (number, sent)
        world.leaks.check()
        kind = self.kind(sent, want)
        self.counts[kind] += 1
        if kind == "same":
            assert steady(got) == steady(want), (number, sent)
        elif kind == "object":
            self.check_object(sent, got, want, pieces)
        elif kind == "nonsense":
            # Or passed on, where what is asked of it is nonsense as well.
            assert got.status == 502 or steady(got) == steady(want), sent
        elif pieces < 0:
            self.check_listing(sent, got, want)
        assert world.local.containers == self.alone.containers, sent

    def kind(self, sent, want) -> str:
        """Return what the shunt may make of an answer."""
        parts = sent.path.split(b"/", 4)
        if len(parts) < 4 or parts[1] not in (b"v1", b"v1.0"):
            return "same"
        account, container = (
            parts[2].decode("latin-1"),
            parts[3].decode("latin-1"),
        )
        mapped = account == WHOLE or (
            account == ACCOUNT and container in (ONE, PARTIAL)
        )
        bypassed = any(sent.headers.get(name) == KEY for name in BYPASSES)
        if not mapped or bypassed:
            return "same"
        if len(parts) > 4 and parts[4]:
            found = sent.method in ("GET", "HEAD") and want.status == 404
            return "object" if found else "same"
        if sent.method != "GET" or want.status not in (200, 204):
            return "same"
        # A 200 by force has no listing for a body.
        return "nonsense" if "X-Test-Status" in sent.headers else "listing"

    def mapping(self, sent) -> str:
        if sent.path.split(b"/")[2].decode() == WHOLE:
            return "whole"
        return "one" if sent.path.split(b"/")[3] == b"c" else "partly"

    def check_object(self, sent, got, want, pieces) -> None:
        failed = (
            self.faults.struck
            or self.world.place(self.mapping(sent)).breaker.is_open
        )
        assert got.status in READ | (FAILED if failed else set()), (sent, got)
        self.counts[f"object {got.status}"] += 1
        if got.status == 404:
            assert (got.headers, got.body) == (want.headers, want.body)
        if got.status == 503:
            assert int(got.headers["Retry-After"]) > 0
        if got.broken is not None:
            assert self.faults.struck
        elif (got.status, sent.method, pieces) == (200, "GET", -1):
            assert got.body == b"hello" or "manifest" in sent.query, got
        assert "X-Injected" not in got.headers
        if self.faults.struck == 0 and not failed:
            parts = sent.path.split(b"/", 4)
            key = self.key(sent, parts[3].decode(), parts[4])
            there = key in self.world.store.buckets["bucket"].objects
            env = environ("GET", sent.path, sent.query)
            local = Request(env).params.get("version-id")
            if got.status in (200, 206, 501):
                assert there, sent
            where = parts[2].decode(), parts[3].decode()
            here = where in self.world.local.containers
            expired = parts[4] == EXPIRED
            if there and here and not local and not expired:
                assert got.status != 404, sent

    def key(self, sent, container: str, name: bytes) -> str:
        layout = self.world.place(self.mapping(sent)).layout(container)
        return layout.key(name.decode(errors="surrogateescape"))

    def check_listing(self, sent, got, want) -> None:
        container = sent.path.split(b"/")[3].decode()
        place = self.world.place(self.mapping(sent))
        failed = self.faults.struck or place.breaker.is_open
        self.counts[f"listing {got.status}"] += 1
        if got.status in FAILED:
            assert failed, (sent, got)
            assert place.mapping.name != "partly"
            return
        if "X-Onespace-Partial" in got.headers:
            assert failed, (sent, got)
            assert place.mapping.name == "partly"
            assert got.body == want.body
            return
        assert got.status in (200, 204), (sent, got)
        assert got.headers.get("X-Container-Object-Count") == (
            want.headers.get("X-Container-Object-Count")
        )
        listed = self.wanted(sent, place, container)
        kind = got.headers["Content-Type"].partition(";")[0]
        if kind == "application/json":
            found = [
                e.get("name", e.get("subdir")) for e in json.loads(got.body)
            ]
            assert found == listed, sent
        elif kind == "text/plain":
            text = "".join(f"{name}\n" for name in listed)
            assert got.body == text.encode(), sent
        else:
            assert got.body.count(b"<name>") == len(listed), sent

    def wanted(self, sent, place, container):
        env = environ("GET", sent.path, sent.query)
        params = Request(env).params
        query = parse_query(params, maximum=10000)
        where = place.mapping.account, container
        names = dict(self.world.local.containers[where])
        layout = place.layout(container)
        for key in self.world.store.buckets[layout.bucket].objects:
            name = layout.name(key)
            if name is not None:
                names.setdefault(name, None)
        return [name for name, _ in model(names, query)]


def steady(answer):
    """Return an answer without the random text between its ranges."""
    kind = answer.headers.get("Content-Type", "")
    _, found, boundary = kind.partition("boundary=")
    if not found:
        return answer
    return dataclasses.replace(
        answer,
        headers={**answer.headers, "Content-Type": "ranges"},
        body=answer.body.replace(boundary.encode(), b""),
    )


def test_whatever_is_asked(tmp_path, record_property):
    counts = collections.Counter()
    for begin in range(0, REQUESTS, AGE):
        rng = random.Random(begin)
        folder = tmp_path / str(begin)
        folder.mkdir()
        with Pair(folder, rng) as pair:
            for number in range(begin, min(begin + AGE, REQUESTS)):
                try:
                    pair.ask(number)
                except Exception as exc:
                    exc.add_note(f"request {number}, seed {begin}")
                    raise
            counts += pair.counts
    print(counts)
    record_property("counts", dict(counts))
    # It looked at what it is about.
    assert counts["object"] > REQUESTS / 20
    assert counts["listing"] > REQUESTS / 40
    assert counts["same"] > REQUESTS / 4
    assert {"object 200", "listing 200"} <= set(counts)
