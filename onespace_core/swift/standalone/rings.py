# SPDX-License-Identifier: Apache-2.0
"""The rings of a standalone: one device that holds every partition."""

from __future__ import annotations

import array
from collections.abc import Mapping

from swift.common.ring import RingData

from onespace_core.swift.standalone.conf import BACKENDS
from onespace_core.swift.standalone.folder import Layout

#: Data is placed by it: another value and every object is lost. A crawler
#: visits each partition, so few.
PART_POWER = 4


def write_rings(layout: Layout, ports: Mapping[str, int]) -> None:
    """Write the account, container and object rings.

    The same ports give the same bytes; only the ports differ from start to
    start, so data stays where it is.

    :param ports: of each of ``BACKENDS``, on the loopback address.
    """
    for kind in BACKENDS:
        device = {
            "id": 0,
            "region": 1,
            "zone": 1,
            "weight": 1.0,
            "ip": "127.0.0.1",
            "port": ports[kind],
            "replication_ip": "127.0.0.1",
            "replication_port": ports[kind],
            "device": layout.device,
            "meta": "",
        }
        partitions = array.array("H", [0] * 2**PART_POWER)
        ring = RingData([partitions], [device], 32 - PART_POWER)
        ring.save(str(layout.etc / f"{kind}.ring.gz"))
