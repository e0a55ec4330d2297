# SPDX-License-Identifier: Apache-2.0
"""``onespace plan``: what the next pass would do, without doing it."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onespace_core.cli.arguments import add_config, object_count
from onespace_core.cli.sync import export_proxies, require_devices
from onespace_core.provider.errors import ConfigError

if TYPE_CHECKING:
    from onespace_core.config import Config
    from onespace_core.sync.planning_run import MappingPlan
    from onespace_core.sync.planning_state import Owed

#: Names that are kept of each kind where -v does not say how many.
_NAMES = 20
#: Ways to settle a row that the table has a column for.
_IN_TABLE = ("post", "archived")


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command."""
    parser = subparsers.add_parser(
        "plan",
        help="what the next pass would do, without doing it",
        description="Show what 'onespace-sync --once' would do now, for each "
        "mapping: objects and bytes to copy, requests, deletions here and at "
        "the store, and rows that would wait, fail or be skipped. Reads only: "
        "nothing is written to the local Swift, to a store or to the state; "
        "works beside a running daemon.",
        epilog="A plan knows the rows of this node as they are now: not what "
        "is written after it, not other nodes' shares, and not whether a "
        "store lets us write.",
    )
    parser.add_argument(
        "mappings",
        nargs="*",
        metavar="MAPPING",
        help="plan these alone (default: all)",
    )
    add_config(parser)
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="name the first objects of each kind",
    )
    parser.add_argument(
        "--objects",
        type=object_count,
        default=_NAMES,
        metavar="N",
        help="with -v and --json: name at most N objects of each kind "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON, for programs",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan.

    :returns: 0; 1 if a mapping could not be planned (the others are); 2 if
        the configuration of one is wrong.
    :raises ConfigError: the configuration, or what it names, is of no use;
        a mapping is named that is not in it.
    :raises StateError: the state cannot be read.
    """
    from onespace_core import concurrency

    # Before Swift is imported.
    concurrency.patch()
    from onespace_core import config as configuration

    config = configuration.load(args.config)
    problems = list(config.problems)
    if not config.fatal:
        config, problems = chosen(config, args.mappings)
    for problem in problems:
        print(f"configuration: {problem}", file=sys.stderr)
    if config.fatal or not config.mappings:
        if not problems:
            raise ConfigError(
                "there is no mapping", hint="add a [mapping:NAME] section"
            )
        return 2
    export_proxies(config)
    require_devices(config.settings.devices)
    from onespace_core.sync.planning_run import plan

    names = args.objects if args.verbose or args.json else 0
    plans = plan(config, _logger(), names)
    if args.json:
        print(json.dumps(as_json(plans), indent=2))
    else:
        print_plans(plans)
    if problems:
        return 2
    return int(any(each.problem for each in plans))


def chosen(
    config: Config, names: Sequence[str]
) -> tuple[Config, list[ConfigError]]:
    """Return the configuration of some mappings, and what is wrong with it.

    :param names: empty means all.
    :raises ConfigError: there is no such mapping.
    """
    for name in names:
        if name not in config.names:
            raise ConfigError(
                f"there is no [mapping:{name}]",
                path=config.path,
                hint=f"there are: {', '.join(sorted(config.names)) or 'none'}",
            )
    if not names:
        return config, list(config.problems)
    mappings = tuple(m for m in config.mappings if m.name in names)
    whole = {mapping.name for mapping in mappings} == set(names)
    problems = [
        problem
        for problem in config.problems
        if not whole
        and (problem.section or "").removeprefix("mapping:") in names
    ]
    if not whole and not problems:
        # It is in a section that the mapping uses.
        problems = list(config.problems)
    return dataclasses.replace(config, mappings=mappings), problems


def _logger() -> logging.Logger:
    """Return a logger that writes nowhere: the daemon's log is not ours."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    return logging.getLogger("onespace")


def as_json(plans: Sequence[MappingPlan]) -> dict[str, Any]:
    """Return what ``--json`` prints: an object with one for each mapping."""
    return {
        "mappings": {
            each.name: {
                "planned": each.problem is None,
                **dataclasses.asdict(each),
            }
            for each in plans
        }
    }


def print_plans(plans: Sequence[MappingPlan]) -> None:
    """Print a table, then what has to be said of each mapping."""
    print(
        f"{'mapping':20} {'copy':>9} {'bytes':>14} {'relabel':>7} "
        f"{'delete':>7} {'local delete':>12} {'waiting':>7} {'skipped':>7} "
        f"{'failed':>7}"
    )
    for each in plans:
        owed: collections.Counter[str] = collections.Counter()
        for group in each.owed:
            owed[group.kind] += group.count
        waiting = owed["waiting"] + owed["scheduled"]
        print(
            f"{each.name:20} {each.copied:>9} {each.bytes:>14} "
            f"{each.settled.get('post', 0):>7} {each.deleted:>7} "
            f"{each.deleted_here:>12} {waiting:>7} {owed['skipped']:>7} "
            f"{owed['failed']:>7}"
        )
    for each in plans:
        for line in _details(each):
            print(f"mapping {each.name}: {line}")
        for kind, names in each.names.items():
            if names:
                _print_names(f"mapping {each.name}: {kind}:", names)
        for group in each.owed:
            _print_names(f"mapping {each.name}: {_of(group)}", group.names)


def _details(plan: MappingPlan) -> Iterator[str]:
    if plan.problem is not None:
        yield f"cannot be planned: {plan.problem}"
    if plan.requests:
        yield f"requests: {_counts(plan.requests)}"
    others = {
        what: count
        for what, count in plan.settled.items()
        if what not in _IN_TABLE
    }
    if others:
        yield f"nothing to write: {_counts(others)}"
    if plan.deleted_here:
        yield f"{plan.bytes_here} bytes would be free here"
    if plan.paused is not None:
        yield f"deletions would be paused: {plan.paused}"
    yield from plan.remarks


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {n}" for what, n in sorted(counts.items()))


def _print_names(title: str, names: Sequence[str]) -> None:
    print(title)
    for name in names:
        print(f"  {name.encode('unicode_escape').decode()}")


def _of(owed: Owed) -> str:
    text = f"{owed.kind} {owed.count}: {owed.reason}"
    if owed.kind == "skipped":
        return text
    first = "the first " if owed.count > 1 else ""
    return f"{text} ({first}at {_when(owed.due)})"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
