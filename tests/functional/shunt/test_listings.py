# SPDX-License-Identifier: Apache-2.0
"""Listings of containers of which a part is only at the remote."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from servers.rig import Rig

STORES = ("moto_server", "minio", "radosgw", "s3api", "swift", "file")
ARCHIVED = ("a/1", "a/2", "both", "unicod\u00e9", "z/1", "zzzzz")


@pytest.fixture(params=STORES)
def rig(request: Any, archive: Any) -> Rig:
    """A rig with objects that are there, some of them here as well."""
    rig = archive(request.param)
    for name in ARCHIVED:
        rig.put(name, b"there")
    rig.once()
    rig.put("a", b"here alone")
    rig.put("both", b"a newer one")
    return rig


def test_case_S01_D05_entries_say_where_they_are(
    shunted: Any, rig: Rig
) -> None:
    answer = shunted.ask("GET", rig.container, query="format=json")
    entries = {each["name"]: each for each in json.loads(answer.data)}
    assert list(entries) == sorted({*ARCHIVED, "a"})
    assert answer.headers["X-Container-Object-Count"] == "2"
    assert "content_location" not in entries["a"]
    (place,) = entries["zzzzz"]["content_location"]
    assert place.endswith(f";{rig.layout.bucket}")
    assert entries["both"]["content_location"] == [place, "swift"]
    assert entries["both"]["bytes"] == len(b"a newer one")
    for name, entry in entries.items():
        head = shunted.ask("HEAD", rig.container, name)
        assert (head.status, head.headers["Content-Length"]) == (
            200,
            str(entry["bytes"]),
        )
        assert head.headers["Etag"] == entry["hash"]


def test_case_S19_a_page_with_a_delimiter(shunted: Any, rig: Rig) -> None:
    assert shunted.names(rig.container, "delimiter=/&limit=4") == [
        "a",
        "a/",
        "both",
        "unicod\u00e9",
    ]
    assert shunted.names(rig.container, "delimiter=/&marker=both") == [
        "unicod\u00e9",
        "z/",
        "zzzzz",
    ]
    assert shunted.names(rig.container, "prefix=a/") == ["a/1", "a/2"]
    assert shunted.names(rig.container, "reverse=on&limit=2") == [
        "zzzzz",
        "z/1",
    ]
    assert shunted.names(rig.container, "end_marker=b") == ["a", "a/1", "a/2"]


def test_case_S20_H11_every_format_has_each_name_once(
    shunted: Any, rig: Rig
) -> None:
    wanted = sorted({*ARCHIVED, "a"})
    assert shunted.names(rig.container) == wanted
    got = shunted.ask(
        "GET", rig.container, headers={"Accept": "application/xml"}
    )
    tree = ElementTree.fromstring(got.data)
    assert [each.text for each in tree.iter("name")] == wanted
    got = shunted.ask("GET", rig.container, headers={"Accept": "image/png"})
    assert got.status == 406


def test_case_S21_pages_end_with_all_names(shunted: Any, rig: Rig) -> None:
    for limit in (1, 2, 3):
        found: list[str] = []
        marker = ""
        while page := shunted.listing(
            rig.container, f"limit={limit}&marker={marker}"
        ):
            assert len(page) <= limit
            found += [each["name"] for each in page]
            marker = found[-1].encode().decode("latin-1")
            marker = "".join(f"%{byte:02X}" for byte in found[-1].encode())
        assert found == sorted({*ARCHIVED, "a"})
