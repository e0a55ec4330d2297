# SPDX-License-Identifier: Apache-2.0
"""A container that a real sharder has spread, as the engine asks for it."""

from __future__ import annotations

import subprocess
import uuid

import pytest
import swiftclient
from servers.local_swift import local_swift
from servers.rows import add_rows

SEGMENTS = [f"p{number:03}" for number in range(30)]


def shard(cluster, account, container, rows_per_shard):
    """Spread a container over shards that have so many rows."""
    conf = cluster.layout.server_conf("container", cluster.layout.nodes[0])
    database = add_rows(cluster.info, account, container)
    subprocess.run(
        [
            *cluster._command("swift.cli.manage_shard_ranges", database),
            *("find_and_replace", str(rows_per_shard), "--enable"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    # One pass cleaves all of them: the cluster does a hundred at a time. The
    # next ones would merge again what is so small.
    own = conf.with_name(f"{container}.conf")
    own.write_text(
        conf.read_text().replace("auto_shard = true", "auto_shard = false")
    )
    for _ in range(3):
        subprocess.run(
            [
                *cluster._command("swift.container.sharder", own),
                *("once", "-v"),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def sharded(swift_1x1):
    """Connection, account, name of a sharded container, and the client."""
    user = swift_1x1.info["users"][0]
    account = f"AUTH_{user['account']}"
    swift = swiftclient.Connection(
        swift_1x1.info["auth_url"],
        f"{user['account']}:{user['user']}",
        user["key"],
        retries=0,
    )
    container = f"sharded-{uuid.uuid4().hex[:8]}"
    swift.put_container(container)
    for name in SEGMENTS:
        swift.put_object(container, name, f"<{name}>")
    shard(swift_1x1, account, container, 10)
    with local_swift(swift_1x1.info) as local:
        yield swift, account, container, local


def test_shards_of_a_container_are_told_in_order(sharded):
    _, account, container, local = sharded
    shards = local.call("shard_ranges", account, container)
    bounds = [(shard.lower, shard.upper) for shard in shards]
    assert bounds == [("", "p009"), ("p009", "p019"), ("p019", "")]
    assert {shard.state for shard in shards} == {"active"}
    assert {shard.account for shard in shards} == {f".shards_{account}"}
    assert len({shard.container for shard in shards}) == 3
    for shard in shards:
        assert local.call("container_headers", shard.account, shard.container)


def test_dynamic_large_object_over_all_shards(sharded):
    swift, account, container, local = sharded
    swift.put_container(f"{container}-manifests")
    swift.put_object(
        f"{container}-manifests",
        "o",
        b"",
        headers={"X-Object-Manifest": f"{container}/p"},
    )
    source = local.container(account, f"{container}-manifests")
    manifest = source.manifest("o")
    assert [piece.name for piece in manifest.pieces] == SEGMENTS
    served = swift.get_object(f"{container}-manifests", "o")[1]
    assert source.content(manifest) == served
