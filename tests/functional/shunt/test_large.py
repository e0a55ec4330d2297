# SPDX-License-Identifier: Apache-2.0
"""Large objects of a store, and their manifests, as clients see them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import pytest
from servers.rig import Rig, make_provider

from onespace_core.provider import BytesBody

from .conftest import Shunted
from .test_restore import RESTORE, becomes

#: Bytes of each segment; a store of the tests takes parts from 5 MiB on.
PARTS = (b"a" * (5 << 20), b"b" * 1000, b"c" * 2000)
DATA = b"".join(PARTS)
FORMS = {
    "stored": "multipart-manifest=get",
    "raw": "multipart-manifest=get&format=raw",
}


@pytest.fixture(params=["moto_server", "minio", "swift"])
def rig(request: Any, archive: Any) -> Rig:
    """A rig to each kind of store that keeps large objects in its own way."""
    return archive(request.param)


def segments_of(rig: Rig) -> str:
    """Return the container of the segments."""
    return f"{rig.container} ü%41?"


def write_large(rig: Rig, name: str, *more: dict[str, str]) -> None:
    """Write a static large object of :data:`PARTS`, and more entries."""
    container = segments_of(rig)
    rig.connection.put_container(container)
    manifest: list[dict[str, str]] = []
    for number, data in enumerate(PARTS):
        segment = f"ü {name}%41?/{number}"
        rig.connection.put_object(container, segment, data)
        manifest.append({"path": f"/{container}/{segment}"})
    rig.connection.put_object(
        rig.container,
        name,
        json.dumps([*manifest, *more]),
        content_type="video/x",
        query_string="multipart-manifest=put",
        headers={"X-Object-Meta-Colour": "red"},
    )


def shown(entries: list[Any]) -> list[Any]:
    """Return what of a manifest travels to a Swift and back."""
    kept = ("name", "hash", "bytes", "range")
    return [{k: e[k] for k in kept if k in e} for e in entries]


def test_the_manifest_of_a_large_object_is_shown(
    shunted: Shunted, rig: Rig
) -> None:
    write_large(rig, "film")
    get = {
        form: shunted.ask("GET", rig.container, "film", query=query)
        for form, query in FORMS.items()
    }
    rig.once()
    assert shunted.here(rig.container) == []
    for form, query in FORMS.items():
        got = shunted.ask("GET", rig.container, "film", query=query)
        assert got.status == 200
        assert shown(got.json()) == shown(get[form].json())
        for header in (
            "Content-Type",
            "X-Static-Large-Object",
            "X-Object-Meta-Colour",
        ):
            assert got.headers[header] == get[form].headers[header]
        md5 = hashlib.md5(got.data, usedforsecurity=False).hexdigest()
        assert got.headers["Etag"] == md5
        head = shunted.ask("HEAD", rig.container, "film", query=query)
        assert (head.status, head.data) == (200, b"")
        assert head.headers["Etag"] == md5
        assert head.headers["Content-Length"] == str(len(got.data))
    raw = shunted.ask("GET", rig.container, "film", query=FORMS["raw"])
    assert raw.json() == get["raw"].json()


def test_a_plain_object_is_what_it_is_for_whoever_wants_a_manifest(
    shunted: Shunted, rig: Rig
) -> None:
    rig.put("plain", b"0123456789")
    rig.once()
    for query in FORMS.values():
        got = shunted.ask("GET", rig.container, "plain", query=query)
        assert (got.status, got.data) == (200, b"0123456789")
        assert "X-Static-Large-Object" not in got.headers
        head = shunted.ask("HEAD", rig.container, "plain", query=query)
        assert head.headers["Content-Length"] == "10"


def test_head_and_range_of_a_large_object_are_those_of_its_bytes(
    shunted: Shunted, rig: Rig
) -> None:
    write_large(rig, "film")
    rig.once()
    head = shunted.ask("HEAD", rig.container, "film")
    assert head.headers["Content-Length"] == str(len(DATA))
    assert head.headers["X-Static-Large-Object"] == "True"
    assert head.headers["Etag"].startswith('"')
    got = shunted.ask(
        "GET",
        rig.container,
        "film",
        headers={"Range": "bytes=5242879-5242881"},
    )
    assert (got.status, got.data) == (206, b"abb")


def test_a_dynamic_one_of_the_store_has_no_manifest_to_show(
    shunted: Shunted, archive: Any
) -> None:
    """Somebody else wrote it there: our copies are static."""
    rig = archive("swift", mapping=RESTORE)
    rig.put("name")
    rig.once()
    there = make_provider("swift", "parts", **rig.options)
    there.create_bucket()
    for number in range(2):
        there.put_object(f"p/{number}", BytesBody(str(number)))
    there.put_dynamic_manifest(
        "dynamic", "p/", segments_bucket="parts", bucket=rig.bucket
    )
    there.close()
    got = shunted.ask("GET", rig.container, "dynamic")
    assert (got.status, got.data) == (200, b"01")
    assert "X-Static-Large-Object" not in got.headers
    assert "X-Object-Manifest" not in got.headers
    for method in ("GET", "HEAD"):
        got = shunted.ask(
            method, rig.container, "dynamic", query=FORMS["stored"]
        )
        assert got.status == 409
    time.sleep(0.5)
    assert shunted.here(rig.container) == []
    assert "it is dynamic at the store" in shunted.log()


def test_segments_that_were_joined_come_back_joined(
    shunted: Shunted, archive: Any
) -> None:
    """They cannot be told apart any more; the bytes are what they were."""
    rig = archive("swift", mapping={**RESTORE, "min_segment_size": "10000000"})
    write_large(rig, "film")
    rig.once()
    container = segments_of(rig)
    before = shunted.here(container)
    got = shunted.ask("GET", rig.container, "film")
    assert (got.status, got.data) == (200, DATA)
    becomes(["film"], lambda: shunted.here(rig.container))
    new = sorted(set(shunted.here(container)) - set(before))
    assert len(new) == 1
    assert new[0].startswith(".joined/")
    again = shunted.ask("GET", rig.container, "film")
    assert (again.status, again.data) == (200, DATA)
    assert again.headers["Etag"] == got.headers["Etag"]
    assert again.headers["X-Object-Meta-Colour"] == "red"
    # And it can go again.
    rig.once()
    assert shunted.here(rig.container) == []
    assert shunted.ask("GET", rig.container, "film").data == DATA


def test_bytes_that_a_manifest_held_itself_are_read_and_not_restored(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("swift", mapping=RESTORE)
    inline = {"data": base64.b64encode(b"inline").decode()}
    write_large(rig, "film", inline)
    rig.once()
    got = shunted.ask("GET", rig.container, "film")
    assert (got.status, got.data) == (200, DATA + b"inline")
    time.sleep(0.5)
    assert shunted.here(rig.container) == []
    assert "a manifest here held some of its bytes itself" in shunted.log()
    got = shunted.ask("GET", rig.container, "film", query=FORMS["stored"])
    assert got.status == 409
