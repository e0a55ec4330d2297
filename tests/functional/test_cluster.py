# SPDX-License-Identifier: Apache-2.0
"""The clusters of the tests do what a cluster of Swift does."""

from __future__ import annotations

import pathlib
import sqlite3

import swiftclient
from servers.cluster import SwiftCluster


def connect(cluster: SwiftCluster) -> swiftclient.Connection:
    return swiftclient.Connection(
        cluster.info["auth_url"], "test:tester", "testing", retries=0
    )


def object_files(cluster: SwiftCluster, container: str) -> list[int]:
    """Count a container's data files on each node, by their sizes.

    A body has a size that no other test uses.
    """
    return [
        sum(
            path.stat().st_size == len(container) * 1000
            for path in cluster.layout.devices(node).glob(
                "*/objects/**/*.data"
            )
        )
        for node in cluster.layout.nodes
    ]


def rows(cluster: SwiftCluster, container: str) -> list[set[str]]:
    """Return the names in each node's database of a container."""
    found = []
    for node in cluster.layout.nodes:
        names: set[str] = set()
        for path in cluster.layout.devices(node).glob("*/containers/**/*.db"):
            names |= _names(path, container)
        found.append(names)
    return found


def _names(path: pathlib.Path, container: str) -> set[str]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        (name,) = database.execute(
            "SELECT container FROM container_info"
        ).fetchone()
        if name != container:
            return set()
        return {
            row[0]
            for row in database.execute(
                "SELECT name FROM object WHERE deleted = 0"
            )
        }
    finally:
        database.close()


def test_one_node_serves(swift_1x1, unique_name):
    swift = connect(swift_1x1)
    swift.put_container(unique_name)
    swift.put_object(unique_name, "o", b"body")
    assert swift.get_object(unique_name, "o")[1] == b"body"


def test_one_node_has_a_second_policy(swift_1x1, unique_name):
    swift = connect(swift_1x1)
    swift.put_container(unique_name, {"X-Storage-Policy": "silver"})
    swift.put_object(unique_name, "o", b"body")
    headers = swift.head_container(unique_name)
    assert headers["x-storage-policy"] == "silver"


def test_an_updater_run_once_counts_the_account(swift_1x1, unique_name):
    swift = connect(swift_1x1)
    swift.put_container(unique_name)
    swift.put_object(unique_name, "o", b"12345")
    swift_1x1.once("container-updater")
    listed = {row["name"]: row for row in swift.get_account()[1]}
    assert listed[unique_name]["bytes"] == 5


def test_three_nodes_hold_a_copy_each(swift_3x3, unique_name):
    swift = connect(swift_3x3)
    swift.put_container(unique_name)
    swift.put_object(unique_name, "o", b"x" * len(unique_name) * 1000)
    assert object_files(swift_3x3, unique_name).count(0) == 0


def test_replicators_bring_back_what_a_dead_node_missed(swift_3x3):
    container = "missed-by-a-dead-node"
    body = b"x" * len(container) * 1000
    names = {f"o{number:02}" for number in range(20)}
    swift = connect(swift_3x3)
    with swift_3x3.node_down(3):
        swift.put_container(container)
        for name in sorted(names):
            swift.put_object(container, name, body)
    assert rows(swift_3x3, container)[2] == set()
    assert object_files(swift_3x3, container) == [20, 20, 0]

    swift_3x3.once(
        "container-replicator",  # brings the whole database
        "object-updater",
        "object-replicator",
        "container-replicator",  # and the updates to all copies
    )

    assert rows(swift_3x3, container) == [names] * 3
    assert object_files(swift_3x3, container) == [20, 20, 20]
    listed = swift.get_container(container)[1]
    assert {row["name"] for row in listed} == names
    assert swift.get_object(container, "o00")[1] == body


def test_a_killed_node_comes_back_with_its_data(swift_3x3, unique_name):
    swift = connect(swift_3x3)
    swift.put_container(unique_name)
    swift.put_object(unique_name, "o", b"body")
    swift_3x3.kill_node(1)
    try:
        assert swift.get_object(unique_name, "o")[1] == b"body"
    finally:
        swift_3x3.start_node(1)
    assert swift.get_object(unique_name, "o")[1] == b"body"
