# SPDX-License-Identifier: Apache-2.0
"""``onespace status``: what is owed, and why."""

from __future__ import annotations

import argparse
import logging
import os
import time
from typing import Any

from onespace_core.cli.sync import DEFAULT_CONFIG
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import StateStore, Summary


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command."""
    parser = subparsers.add_parser(
        "status",
        help="what the sync daemon still owes, and why",
        description="Show the progress of onespace-sync on this node, the "
        "rows it still owes, and mappings whose store is in trouble. Reads "
        "only; works beside a running daemon.",
    )
    parser.add_argument(
        "--config",
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help="configuration file (default: %(default)s)",
    )
    parser.add_argument(
        "--objects",
        type=int,
        default=20,
        metavar="N",
        help="list at most N objects that are owed (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status; 0 also if something is owed, 1 without state."""
    from onespace_core import config as configuration
    from onespace_core.sync.daemon import STATE_FILE

    settings = configuration.load(args.config).settings
    path = os.path.join(settings.state_dir, STATE_FILE)
    if not os.path.exists(path):
        message = (
            f"there is no state in {settings.state_dir}; has onespace-sync "
            "run on this node, with this configuration?"
        )
        raise OnespaceError(message)
    store = StateStore(path, logging.getLogger("onespace"), read_only=True)
    try:
        _print_health(store)
        _print_containers(store.summaries())
        _print_objects(store, args.objects)
    finally:
        store.close()
    return 0


def _print_health(store: StateStore) -> None:
    for name, (reason, since, retry_at) in sorted(store.health().items()):
        wait = max(0, round(retry_at - time.time()))
        print(
            f"mapping {name} is in trouble since {_when(since)}: {reason}; "
            f"next try in {wait} s"
        )


def _print_containers(summaries: list[Summary]) -> None:
    if not summaries:
        print("no container has been read yet")
        return
    print(
        f"{'mapping':20} {'container':40} {'row':>10} {'failed':>7} "
        f"{'waiting':>7} {'skipped':>7}"
    )
    for summary in summaries:
        key = summary.key
        row = summary.cursor.scanned if summary.cursor else 0
        print(
            f"{key.mapping:20} {key.account + '/' + key.container:40} "
            f"{row:>10} {summary.failed:>7} {summary.waiting:>7} "
            f"{summary.skipped:>7}"
        )


def _print_objects(store: StateStore, limit: int) -> None:
    for key, entry in store.entries(limit=limit):
        name = entry.name.encode("unicode_escape").decode()
        line = (
            f"{entry.kind.value}: {key.account}/{key.container}/{name} "
            f"since {_when(entry.first)}: {entry.reason}"
        )
        if entry.kind.value != "skipped":
            wait = max(0, round(entry.due - time.time()))
            line += f" (tried {entry.attempts} times, next in {wait} s)"
        print(line)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
