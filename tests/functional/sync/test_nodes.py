# SPDX-License-Identifier: Apache-2.0
"""Three nodes, three replicas, a daemon on each: who does what."""

import contextlib
import re

import pytest
from servers.rig import eventually

from onespace_core.crawler.rows import share

NAMES = [f"ö{number}" for number in range(60)]


def copied(done):
    return int(re.search(r"copied (\d+) objects", done.stderr).group(1))


@pytest.fixture(params=["radosgw", "swift"])
def rig(request, make_rig, swift_3x3):
    """A rig on the cluster; its replicas are made equal first."""
    return make_rig(request.param, swift=swift_3x3.info)


def settle(cluster):
    """Bring rows to every replica, as replicators do all the time."""
    cluster.once("object-updater", "container-replicator")


def test_case_80_three_nodes_share_the_work_and_do_none_twice(rig, swift_3x3):
    for name in NAMES:
        rig.put(name, f"body of {name}")
    settle(swift_3x3)
    counts = []
    for number in (1, 2, 3):
        rig.on_node(swift_3x3, number)
        counts.append(copied(rig.once()))
    shares = [share(name, 3) for name in NAMES]
    assert sorted(counts) == sorted(shares.count(n) for n in range(3))
    assert sum(counts) == len(NAMES)
    rig.assert_equal()


def test_case_81_share_of_a_dead_node_is_copied_by_the_others(rig, swift_3x3):
    rig.default["verification_slack"] = 0
    for name in NAMES:
        rig.put(name, f"body of {name}")
    settle(swift_3x3)
    with swift_3x3.node_down(3):
        for number in (1, 2):
            rig.on_node(swift_3x3, number)
            rig.once()
        rig.assert_equal()
    # The node that was dead finds everything done.
    rig.on_node(swift_3x3, 3)
    assert copied(rig.once()) == 0
    rig.assert_equal()


def test_case_82_others_rows_are_left_to_them_within_the_slack(rig, swift_3x3):
    rig.default["verification_slack"] = 3600
    for name in NAMES:
        rig.put(name, b"data")
    settle(swift_3x3)
    rig.on_node(swift_3x3, 1)
    first = copied(rig.once())
    assert 0 < first < len(NAMES)
    assert copied(rig.once()) == 0
    rig.default["verification_slack"] = 0
    rig.on_node(swift_3x3, 1)
    assert first + copied(rig.once()) == len(NAMES)
    rig.assert_equal()


def test_change_while_a_node_is_down_is_carried_once_it_is_back(
    rig, swift_3x3
):
    rig.default["verification_slack"] = 0
    for name in NAMES[:20]:
        rig.put(name, b"old")
    settle(swift_3x3)
    run_everywhere(rig, swift_3x3)
    with swift_3x3.node_down(2):
        for name in NAMES[:10]:
            rig.put(name, b"new", about="changed")
        rig.local.delete_object(NAMES[10])
    wanted = dict.fromkeys(NAMES[:10], b"new") | dict.fromkeys(
        NAMES[11:20], b"old"
    )
    # Node 2 has old rows and old bytes; its daemon must not bring them back,
    # neither before nor after the others have done their work.
    for number in (2, 1, 3, 2):
        rig.on_node(swift_3x3, number)
        rig.once()
    assert bytes_of(rig.there()) == wanted
    settle(swift_3x3)
    swift_3x3.once("object-replicator")
    run_everywhere(rig, swift_3x3)
    assert bytes_of(rig.there()) == wanted
    rig.assert_equal()


def test_three_daemons_at_once_leave_both_sides_equal(rig, swift_3x3):
    rig.default.update(verification_slack=1, poll_interval=0.1)
    wanted = {}
    with contextlib.ExitStack() as stack:
        for number in (1, 2, 3):
            rig.on_node(swift_3x3, number)
            stack.enter_context(rig.daemon())
        for name in NAMES[:30]:
            rig.put(name, b"first")
            wanted[name] = b"first"
        for name in NAMES[:30:2]:
            rig.put(name, b"second", about="x")
            wanted[name] = b"second"
        for name in NAMES[:30:3]:
            rig.local.delete_object(name)
            del wanted[name]
        eventually(lambda: bytes_of(rig.there()) == wanted, 90)
    settle(swift_3x3)
    rig.assert_equal()
    assert "Traceback" not in rig.log()


def run_everywhere(rig, cluster):
    for number in (1, 2, 3):
        rig.on_node(cluster, number)
        rig.once()


def bytes_of(held):
    """Return the bytes alone: a listing of ours may lag behind them."""
    return {name: each.data for name, each in held.items()}
