# SPDX-License-Identifier: Apache-2.0
"""Strange requests to a real Swift, past the shunt and through it."""

from __future__ import annotations

import collections
import http.client
import random
from typing import Any
from urllib.parse import urlsplit

from property.shunt_requests import Sent, request

from .conftest import KEY

REQUESTS = 1000
SEED = 20
#: Of each answer and each connection another one.
_OWN = frozenset(
    {"date", "x-trans-id", "x-openstack-request-id", "x-timestamp"}
)
_READ = {200, 206, 304, 400, 404, 409, 412, 416, 501}


def ask(url: Any, sent: Sent, token: str, **more: str) -> Any:
    """Send a request as it is; return status, headers and body."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    try:
        connection.putrequest(
            sent.method, url.path + sent.target, skip_accept_encoding=True
        )
        headers = {**sent.headers, "X-Auth-Token": token, **more}
        if sent.body or sent.method in ("PUT", "POST"):
            headers["Content-Length"] = str(len(sent.body))
        for name, value in headers.items():
            connection.putheader(
                name.encode("latin-1"), value.encode("latin-1")
            )
        connection.endheaders(sent.body or None)
        got = connection.getresponse()
        # Raises IncompleteRead if the length is not that of the body.
        body = got.read()
        names = [name.lower() for name, _ in got.getheaders()]
        assert len(names) == len(set(names)), names
        return got.status, dict(got.getheaders()), body
    finally:
        connection.close()


def test_strange_requests_are_answered_as_by_swift_alone(
    shunted: Any, archive: Any
) -> None:
    rig = archive("moto_server")
    for name in ("a/b", "z", "d/", "\u00e9", *(f"s{n}" for n in range(30))):
        rig.put(name, b"hello")
    rig.once()
    rig.put("a0", b"hello")
    rig.put("z", b"hello")
    rng = random.Random(SEED)
    url = urlsplit(shunted.info["url"])
    counts: collections.Counter[Any] = collections.Counter()
    for number in range(REQUESTS):
        sent = request(
            rng,
            accounts=("AUTH_test",) * 4 + ("AUTH_none",),
            containers=(rig.container,) * 4 + ("missing",),
            wild=False,
        )
        changes = sent.method not in ("GET", "HEAD", "OPTIONS")
        if changes:
            # These change what the next ones find; the in-memory fuzz
            # compares them.
            status, _, _ = ask(url, sent, shunted.token)
            assert status in (501, *range(500)), (number, sent, status)
            continue
        alone = ask(url, sent, shunted.token, **{"X-Onespace-Bypass": KEY})
        got = ask(url, sent, shunted.token)
        assert got[0] in (501, alone[0], *range(500)), (
            number,
            sent,
            got,
        )
        kind = kind_of(sent, alone[0], rig.container)
        counts[kind] += 1
        counts[kind, got[0]] += 1
        if kind == "same":
            assert steady(got) == steady(alone), (number, sent)
        elif kind == "object":
            assert got[0] in _READ, (number, sent, got)
            if got[0] == 200 and sent.method == "GET":
                assert got[2] == b"hello"
        else:
            assert got[0] in (200, 204), (number, sent, got)
            assert len(got[2]) >= len(alone[2])
    print(counts)
    log = shunted.log()
    assert "the shunt failed" not in log
    assert counts["object", 200]
    assert counts["listing", 200]


def test_a_listing_is_whole_whatever_else_is_asked(
    shunted: Any, archive: Any
) -> None:
    rig = archive("moto_server")
    rig.put("there", b"hello")
    rig.once()
    rig.put("here", b"hello")
    for query in ("version-id=null", "version-id=", "states=x"):
        assert shunted.names(rig.container, query) == ["here", "there"]


def test_versions_are_those_of_a_container_that_keeps_them(
    shunted: Any, archive: Any
) -> None:
    rig = archive("moto_server")
    rig.put("there", b"hello")
    rig.once()
    rig.put("here", b"hello")
    found = shunted.listing(rig.container, "versions")
    assert [each["name"] for each in found] == ["here", "there"]
    got = shunted.ask(
        "POST", rig.container, headers={"X-Versions-Enabled": "true"}
    )
    assert got.status == 204
    rig.put("here", b"again")
    found = shunted.listing(rig.container, "versions")
    assert [each["name"] for each in found] == ["here", "here"]
    assert shunted.names(rig.container) == ["here", "there"]


def test_a_part_of_what_is_nowhere_is_a_404(
    shunted: Any, archive: Any
) -> None:
    rig = archive("moto_server")
    rig.put("there", b"hello")
    rig.once()
    for method in ("GET", "HEAD"):
        for name, status in (("there", 501), ("nowhere", 404)):
            got = shunted.ask(
                method, rig.container, name, query="part-number=1"
            )
            assert got.status == status


def kind_of(sent: Sent, status: int, container: str) -> str:
    """Return what may differ from Swift alone."""
    parts = sent.path.split(b"/", 4)
    if len(parts) < 4 or parts[2:4] != [b"AUTH_test", container.encode()]:
        return "same"
    if len(parts) > 4 and parts[4]:
        read = sent.method in ("GET", "HEAD") and status == 404
        return "object" if read else "same"
    listed = sent.method == "GET" and status in (200, 204)
    return "listing" if listed else "same"


def steady(answer: Any) -> Any:
    """Return an answer without what is new each time."""
    status, headers, body = answer
    if "boundary=" in headers.get("Content-Type", ""):
        return status
    kept = {n: v for n, v in headers.items() if n.lower() not in _OWN}
    if status >= 400:
        # Some texts have the transaction's id.
        kept.pop("Content-Length", None)
        return status, kept
    return status, kept, body
