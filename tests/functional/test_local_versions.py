# SPDX-License-Identifier: Apache-2.0
"""Containers that keep versions, as the engine sees them."""

from __future__ import annotations

import json
import uuid

import pytest
import swiftclient
from servers.local_swift import local_swift

from onespace_core.swift.source import LocalKind


@pytest.fixture(scope="module")
def standalone_local(standalone):
    with local_swift(standalone.info) as local:
        yield local


@pytest.fixture
def world(standalone, standalone_local):
    return _World(standalone.info, standalone_local)


class _World:
    def __init__(self, info, local):
        user = info["users"][0]
        self.account = f"AUTH_{user['account']}"
        self.swift = swiftclient.Connection(
            info["auth_url"],
            f"{user['account']}:{user['user']}",
            user["key"],
            retries=0,
        )
        self.container = f"versioned ö {uuid.uuid4().hex[:8]}"
        self.swift.put_container(
            self.container, headers={"X-Versions-Enabled": "true"}
        )
        self.source = local.container(self.account, self.container)
        self.rows = lambda: local.call(
            "rows", self.account, self.container, (info["devices"],)
        )

    def put(self, name, data, **headers):
        self.swift.put_object(self.container, name, data, headers=headers)


def test_the_current_version_is_the_object(world):
    world.put("ö/o", b"first")
    world.put("ö/o", b"second", **{"X-Object-Meta-Größe": "Zwölf ☃"})
    found = world.source.head("ö/o")
    assert (found.kind, found.versioned) == (LocalKind.PLAIN, True)
    assert (found.name, found.size) == ("ö/o", 6)
    assert found.metadata == {"größe": "Zwölf ☃"}
    info, data = world.source.read("ö/o")
    assert (info, data) == (found, b"second")
    assert world.source.read("ö/o", span=(1, 3)) == (found, b"eco")


def test_its_time_is_that_of_the_row(world):
    world.put("o", b"data")
    found = world.source.head("o")
    assert (found.name, found.timestamp, 0) in world.rows()


def test_a_post_reaches_it(world):
    world.put("o", b"data", **{"X-Object-Meta-A": "1"})
    before = world.source.head("o")
    world.swift.post_object(
        world.container, "o", headers={"X-Object-Meta-A": "2"}
    )
    found = world.source.head("o")
    assert found.metadata == {"a": "2"}
    assert found.timestamp > before.timestamp


def test_a_large_object_with_versions_has_its_manifest(world):
    segments = f"{world.container}-segments"
    world.swift.put_container(segments)
    world.swift.put_object(segments, "1", b"abc")
    world.swift.put_object(
        world.container,
        "large",
        json.dumps([{"path": f"/{segments}/1"}]),
        query_string="multipart-manifest=put",
    )
    found = world.source.head("large")
    assert (found.kind, found.versioned) == (LocalKind.SLO, True)
    manifest = world.source.manifest("large")
    assert world.source.content(manifest) == b"abc"


def test_a_deleted_object_is_gone(world):
    world.put("o", b"data")
    world.swift.delete_object(world.container, "o")
    assert world.source.head("o") is None
    assert world.source.read("o") is None


def test_a_users_link_stays_a_link(world):
    world.put("target", b"data")
    link = swiftclient.client.quote(f"{world.container}/target")
    plain = f"{world.container}-plain"
    world.swift.put_container(plain)
    world.swift.put_object(
        plain, "link", b"", headers={"X-Symlink-Target": link}
    )
    assert world.source.head("target").kind is LocalKind.PLAIN
    world.put("link", b"", **{"X-Symlink-Target": link})
    assert world.source.head("link").kind is LocalKind.SYMLINK
