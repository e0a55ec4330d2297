# SPDX-License-Identifier: Apache-2.0
"""``onespace status``: what is owed, and why."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from onespace_core.cli.arguments import add_config, object_count
from onespace_core.cli.sync import works_in
from onespace_core.provider.errors import OnespaceError
from onespace_core.state import StateStore, Summary

if TYPE_CHECKING:
    from onespace_core.config import Config

#: What to do about a container task that fails; it is tried again by itself.
_TO_DO = {
    "age-rules": (
        "copies do not expire or move by age meanwhile: let the key read "
        "and write the bucket's lifecycle configuration, or take "
        "remote_delete_after and storage_class_after out of the mapping"
    ),
    "container-metadata": (
        "the remote container's metadata and access lists may be old: let "
        "the account change them, or take sync_container_metadata out of "
        "the mapping"
    ),
}
_ELSE = "see whether the local cluster answers"


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command."""
    parser = subparsers.add_parser(
        "status",
        help="what the sync daemon still owes, and why",
        description="Show the progress of onespace-sync on this node, the "
        "rows it still owes, and mappings whose store is in trouble. Reads "
        "only; works beside a running daemon.",
    )
    add_config(parser)
    parser.add_argument(
        "--objects",
        type=object_count,
        default=20,
        metavar="N",
        help="list at most N objects that are owed (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status.

    :returns: 0, also if something is owed; 2 if ``[DEFAULT]`` is wrong, so
        that it is not known where the state is.
    :raises OnespaceError: there is no state, or it cannot be read.
    :raises ConfigError: the configuration file cannot be read.
    """
    from onespace_core import config as configuration
    from onespace_core.sync.ways import STATE_FILE

    config = configuration.load(args.config)
    for problem in config.problems:
        print(f"configuration: {problem}", file=sys.stderr)
    if config.fatal:
        return 2
    state_dir = config.settings.state_dir
    path = os.path.join(state_dir, STATE_FILE)
    if not os.path.exists(path):
        raise OnespaceError(_no_state(state_dir))
    store = StateStore(path, logging.getLogger("onespace"), read_only=True)
    try:
        summaries = store.summaries()
        _print_health(store)
        _print_paused(store)
        _print_tasks(store, config)
        _print_segments(store)
        _print_unread(config, summaries)
        _print_containers(summaries)
        _print_objects(store, summaries, args.objects)
    finally:
        store.close()
    return 0


def _no_state(state_dir: str) -> str:
    owner = works_in(state_dir)
    if owner is None:
        return (
            f"there is no state in {state_dir}; has onespace-sync run on "
            "this node, with this configuration?"
        )
    return (
        f"onespace-sync (pid {owner}) runs, but its state file in "
        f"{state_dir} was deleted; restart onespace-sync, which then "
        "compares everything again from the first row"
    )


def _print_health(store: StateStore) -> None:
    for name, (reason, since, retry_at) in sorted(store.health().items()):
        wait = max(0, round(retry_at - time.time()))
        print(
            f"mapping {name} is in trouble since {_when(since)}: {reason}; "
            f"next try in {wait} s"
        )


def _print_paused(store: StateStore) -> None:
    for name, (reason, since) in sorted(store.breaker_tripped().items()):
        print(
            f"mapping {name}: deletions are paused since {_when(since)}: "
            f"{reason}; {store.waiting_deletions(name)} wait; "
            f"'onespace-sync --resume-deletes {name}' lets them go through"
        )


def _print_tasks(store: StateStore, config: Config) -> None:
    """Say what could not be done for containers as a whole."""
    from onespace_core.sync.task_failures import failures

    for failure in failures(store):
        key = failure.key
        # Notes outlive a mapping.
        if key.mapping in config.names:
            print(
                f"mapping {key.mapping}, {key.account}/{key.container}: "
                f"{failure.task} failed since {_when(failure.since)}: "
                f"{failure.reason}; {_TO_DO.get(failure.task, _ELSE)}"
            )


def _print_segments(store: StateStore) -> None:
    """Say what becomes of segments that perhaps nothing needs."""
    noted, sweeps = store.garbage_noted(), store.sweeps()
    for mapping, side in sorted(
        {*noted, *sweeps}, key=lambda each: (each[0], each[1].value)
    ):
        line = (
            f"mapping {mapping}, {side.value} segments that may go: "
            f"{noted.get((mapping, side), 0)}"
        )
        last = sweeps.get((mapping, side))
        if last is not None:
            line += (
                f"; looked for at {_when(last.ended)}: {last.deleted} "
                f"deleted, {last.needed} still needed, {last.kept} kept"
            )
            line += f" ({last.reason})" if last.reason else ""
        print(line)


def _print_unread(config: Config, summaries: list[Summary]) -> None:
    read = {summary.key.mapping for summary in summaries}
    for mapping in config.mappings:
        if mapping.name not in read:
            print(
                f"mapping {mapping.name}: nothing has been read on this node "
                "yet (no container of it is here, or none has an object)"
            )


def _print_containers(summaries: list[Summary]) -> None:
    if not summaries:
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
    for summary in summaries:
        if summary.next_due is not None:
            key = summary.key
            print(
                f"mapping {key.mapping}, {key.account}/{key.container}: "
                f"scheduled: {summary.scheduled} "
                f"(next at {_when(summary.next_due)})"
            )


def _print_objects(
    store: StateStore, summaries: list[Summary], limit: int
) -> None:
    entries = store.entries(limit=limit)
    for key, entry in entries:
        name = entry.name.encode("unicode_escape").decode()
        line = (
            f"{entry.kind.value}: {key.account}/{key.container}/{name} "
            f"since {_when(entry.first)}: {entry.reason}"
        )
        if entry.kind.value != "skipped":
            wait = max(0, round(entry.due - time.time()))
            line += f" (tried {entry.attempts} times, next in {wait} s)"
        print(line)
    owed = sum(s.failed + s.waiting + s.skipped for s in summaries)
    if owed > len(entries):
        print(f"... and {owed - len(entries)} more (--objects N lists N)")


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
