# SPDX-License-Identifier: Apache-2.0
"""The shunt in a proxy of a cluster with two storage policies."""

from __future__ import annotations

import contextlib
import pathlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from servers.cluster import SwiftCluster
from servers.rig import Rig

from .test_restore import RESTORE, becomes

#: More than the buffers of all connections on the way hold.
LONG = b"x" * (20 << 20)

Get = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def world(
    swift_1x1: SwiftCluster, moto_server: Any, tmp_path: pathlib.Path
) -> Any:
    """A rig of lifecycle in the second policy, and how to GET from it.

    One object may be restored at a time.
    """
    rig = Rig(
        tmp_path,
        swift_1x1.info,
        "s3-compatible",
        moto_server.options(),
        mapping={
            "mode": "lifecycle",
            "propagate_delete": "false",
            "merge_namespaces": "true",
            **RESTORE,
        },
    )
    # No object has been written yet: it may be made anew.
    rig.connection.delete_container(rig.container)
    rig.connection.put_container(
        rig.container, headers={"X-Storage-Policy": "silver"}
    )
    port, _ = swift_1x1.start_shunted_proxy(
        {"conf_file": str(rig.config), "restore_limit": "1"}
    )
    token = rig.connection.get_auth()[1]
    pool = urllib3.PoolManager(retries=False)

    def get(name: str, **options: Any) -> urllib3.BaseHTTPResponse:
        return pool.request(
            "GET",
            f"http://127.0.0.1:{port}/v1/{rig.account}"
            f"/{quote(rig.container)}/{quote(name)}",
            headers={"X-Auth-Token": token},
            timeout=60,
            **options,
        )

    yield rig, get
    pool.clear()
    rig.close()


def here(rig: Rig) -> list[str]:
    """Return what the local container lists, by a proxy without shunt."""
    return [
        row["name"] for row in rig.connection.get_container(rig.container)[1]
    ]


def test_an_object_comes_back_into_the_policy_of_its_container(
    world: tuple[Rig, Get],
) -> None:
    rig, get = world
    rig.put("name", b"some bytes", colour="red")
    rig.once()
    assert here(rig) == []
    assert get("name").data == b"some bytes"
    becomes(["name"], lambda: here(rig))
    headers, data = rig.connection.get_object(rig.container, "name")
    assert data == b"some bytes"
    assert headers["x-object-meta-colour"] == "red"
    found = rig.connection.head_container(rig.container)
    assert found["x-storage-policy"] == "silver"


def test_who_may_not_restore_still_reads(world: tuple[Rig, Get]) -> None:
    """A client that stalls holds the only restore that is allowed."""
    rig, get = world
    rig.put("long", LONG)
    rig.put("name", b"0123456789")
    rig.once()
    assert here(rig) == []
    with contextlib.closing(get("long", preload_content=False)) as slow:
        assert slow.read(1000) == LONG[:1000]
        assert get("name").data == b"0123456789"
        time.sleep(0.5)
        assert here(rig) == []
        # What is read to its end is restored, and makes room.
        while slow.read(1 << 20):
            pass
    becomes(["long"], lambda: here(rig))
    assert get("name").data == b"0123456789"
    becomes(["long", "name"], lambda: here(rig))
