# SPDX-License-Identifier: Apache-2.0
"""Put rows into a container database, as a lagging replica may have them.

Run as a program of its own, because Swift reads its folder at import.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

_PROGRAM = """
import json, sys
swift_dir, devices, account, container, rows = json.loads(sys.argv[1])
from onespace_core.swift.environment import use_swift_dir
use_swift_dir(swift_dir)
import logging
from swift.container.backend import ContainerBroker
from onespace_core.crawler.database import Locator
found = Locator(swift_dir, devices, bind_ip="127.0.0.1").locate(
    account, container
)
broker = ContainerBroker(
    found.path, account=account, container=container,
    logger=logging.getLogger(),
)
for row in rows:
    broker.put_object(
        row["name"], row["timestamp"], row.get("size", 1), "text/plain",
        row.get("etag", "0" * 32), deleted=int(row.get("deleted", False)),
    )
broker.get_items_since(-1, 1)
print(found.path)
"""


def add_rows(
    swift: Mapping[str, Any],
    account: str,
    container: str,
    *rows: Mapping[str, Any],
) -> str:
    """Add rows (name, timestamp, ...); return the database's path."""
    what = [swift["swift_dir"], swift["devices"], account, container, rows]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(what)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
