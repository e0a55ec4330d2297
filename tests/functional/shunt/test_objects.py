# SPDX-License-Identifier: Apache-2.0
"""Objects that are only at the remote, read through the proxy."""

from __future__ import annotations

from typing import Any

import pytest
from servers.rig import Rig

STORES = ("moto_server", "minio", "radosgw", "s3api", "swift", "file")

#: Headers that no round trip can keep.
_OWN = ("date", "x-trans-id", "x-openstack-request-id", "connection")


def _shown(answer: Any) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() not in (*_OWN, "x-onespace-location")
    }


@pytest.fixture(params=STORES)
def rig(request: Any, archive: Any) -> Rig:
    """A rig to each kind of store in turn."""
    return archive(request.param)


def _put(shunted: Any, rig: Rig, name: str, body: bytes) -> None:
    answer = shunted.ask(
        "PUT",
        rig.container,
        name,
        body=body,
        headers={
            "Content-Type": "text/x-notes; charset=utf-8",
            "Content-Encoding": "x-none",
            "Content-Disposition": 'attachment; filename="a"',
            "X-Object-Meta-Colour": "r\u00f6t".encode().decode("latin-1"),
            "X-Delete-At": "4102444800",
        },
    )
    assert answer.status == 201


def test_case_S06_S33_headers_are_those_the_local_object_had(
    shunted: Any, rig: Rig
) -> None:
    name = "unicod\u00e9/%41 b?c"
    _put(shunted, rig, name, b"some bytes")
    before = _shown(shunted.ask("HEAD", rig.container, name))
    rig.once()
    assert shunted.here(rig.container) == []
    head = shunted.ask("HEAD", rig.container, name)
    got = shunted.ask("GET", rig.container, name)
    assert (head.status, got.status) == (200, 200)
    assert head.data == b""
    assert got.data == b"some bytes"
    assert _shown(head) == before
    assert _shown(got) == before
    assert head.headers["X-Onespace-Location"]
    (entry,) = shunted.listing(rig.container)
    assert (entry["name"], entry["bytes"], entry["hash"]) == (
        name,
        10,
        before["etag"],
    )


def test_case_S04_a_range_is_served(shunted: Any, rig: Rig) -> None:
    _put(shunted, rig, "name", b"0123456789")
    etag = shunted.ask("HEAD", rig.container, "name").headers["Etag"]
    rig.once()
    for value, data, content_range in (
        ("bytes=0-5", b"012345", "bytes 0-5/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
    ):
        got = shunted.ask(
            "GET", rig.container, "name", headers={"Range": value}
        )
        assert (got.status, got.data) == (206, data)
        assert got.headers["Etag"] == etag
        assert got.headers["Content-Range"] == content_range
    got = shunted.ask(
        "GET", rig.container, "name", headers={"Range": "bytes=10-"}
    )
    assert got.status == 416
    assert got.headers["Content-Range"] == "bytes */10"
    assert int(got.headers["Content-Length"]) == len(got.data)


def test_case_S25_conditions_are_those_of_a_local_object(
    shunted: Any, rig: Rig
) -> None:
    _put(shunted, rig, "name", b"0123456789")
    there = shunted.ask("HEAD", rig.container, "name").headers
    etag, since = there["Etag"], there["Last-Modified"]
    old = "Mon, 01 Jan 2001 00:00:00 GMT"
    conditions = [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"other", "{etag}"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": "other"}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Match": "other"}, 412),
        ({"If-Modified-Since": since}, 304),
        ({"If-Modified-Since": old}, 200),
        ({"If-Unmodified-Since": since}, 200),
        ({"If-Unmodified-Since": old}, 412),
    ]

    def answers() -> list[tuple[int, bytes, str | None]]:
        found = []
        for headers, _ in conditions:
            for method in ("GET", "HEAD"):
                got = shunted.ask(
                    method, rig.container, "name", headers=headers
                )
                found.append(
                    (got.status, got.data, got.headers.get("Content-Length"))
                )
        return found

    local = answers()
    assert [status for status, _, _ in local[::2]] == [
        status for _, status in conditions
    ]
    rig.once()
    assert shunted.here(rig.container) == []
    assert answers() == local


def test_an_empty_object(shunted: Any, rig: Rig) -> None:
    _put(shunted, rig, "empty", b"")
    rig.once()
    got = shunted.ask("GET", rig.container, "empty")
    assert (got.status, got.data) == (200, b"")
    assert got.headers["Content-Length"] == "0"
    assert got.headers["Etag"] == "d41d8cd98f00b204e9800998ecf8427e"
