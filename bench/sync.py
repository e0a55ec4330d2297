# SPDX-License-Identifier: Apache-2.0
"""Benchmark onespace-sync beside other ways to do its job.

A Swift with one node and one replica and an S3 sink in memory are started,
and everything is ended and removed at the end. Contenders take turns within
each round; a figure is the median of the rounds, [least-most] beside it.
Nothing is asserted about times, but a contender that did not copy what it
should is an error.

Needs what the tests need (``pip install -e '.[testing]'``, memcached,
rsync); rclone and s5cmd take part where they are installed. See
docs/benchmarks.rst.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from collections.abc import Sequence

import contenders
import pytest
import report
import scenarios
import world
from report import Column, Result

_ALL_CPU = Column("all CPU s/1000", report.per_thousand("cpu", "swift_cpu"))
_COSTS = (
    Column("client CPU s/1000", report.per_thousand("cpu")),
    Column("proxy CPU s/1000", report.per_thousand("proxy_cpu")),
    Column("storage CPU s/1000", report.per_thousand("storage_cpu")),
    _ALL_CPU,
    Column("RSS MiB", report.value("rss"), 0),
)
_RATE = Column("objects/s", report.rate, 0)
_EACH = (
    Column(
        "at the source, per object", report.requests("source", per_object=True)
    ),
    Column(
        "at the sink, per object", report.requests("sink", per_object=True)
    ),
)
_TOTALS = (
    Column("at the source", report.requests("source", per_object=False)),
    Column("at the sink", report.requests("sink", per_object=False)),
)


def _mib(result: Result) -> float:
    return float(result.values["mib"] / result.values["wall"])


def _tables(name: str, results: Sequence[Result]) -> list[str]:
    """Return the tables of a scenario."""
    make = {
        "small": _copies,
        "large": _copies,
        "changes": _changes,
        "idle": _idle,
        "latency": _latency,
        "rows": _rows,
    }[name]
    return make(results)


def _copies(results: Sequence[Result]) -> list[str]:
    speed = (_RATE, Column("MiB/s", _mib, 0))
    return [
        report.table(results, speed, ratios=(_RATE, _ALL_CPU)),
        report.table(results, _COSTS),
        report.table(results, _EACH),
    ]


def _changes(results: Sequence[Result]) -> list[str]:
    initial = [result for result in results if result.case == "initial"]
    passes = [result for result in results if result.case != "initial"]
    wall = Column("wall s", report.value("wall"))
    cost = (
        wall,
        Column("client CPU s", report.value("cpu")),
        Column("Swift CPU s", report.value("swift_cpu")),
    )
    return [
        report.table(initial, (_RATE, *_COSTS), ratios=(_RATE,)),
        report.table(passes, cost, ratios=(wall,)),
        report.table(passes, _TOTALS),
    ]


def _idle(results: Sequence[Result]) -> list[str]:
    percent = Column("% of a core", report.value("percent"))
    return [report.table(results, (percent, *_TOTALS))]


def _latency(results: Sequence[Result]) -> list[str]:
    columns = [
        Column(f"{name} s", report.value(name))
        for name in ("min", "p50", "p90", "max")
    ]
    columns += [
        Column("CPU s", report.value("window_cpu")),
        Column("% of a core", report.value("percent"), 1),
        Column("CPU s with start", report.value("cpu")),
        Column("RSS MiB", report.value("rss"), 0),
    ]
    return [report.table(results, columns)]


def _rows(results: Sequence[Result]) -> list[str]:
    return [
        report.table(results, (_RATE, *_COSTS)),
        report.table(results, _EACH),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="scenarios: "
        + "; ".join(
            f"{name}: {run.__doc__.splitlines()[0]}"
            + ("" if name in scenarios.DEFAULT else " (only if named)")
            for name, run in scenarios.ALL.items()
        ),
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=scenarios.ALL,
        help="run this scenario; may be given more than once",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="default: %(default)s"
    )
    parser.add_argument("--json", metavar="FILE", help="write every run")
    parser.add_argument(
        "--folder",
        default=world.default_folder(),
        help="where Swift keeps its data meanwhile (default: %(default)s)",
    )
    return parser


def _run(args: argparse.Namespace, raw: dict[str, object]) -> None:
    conditions = report.conditions(contenders.peer_versions(), args.folder)
    raw["conditions"] = conditions
    for name, text in conditions.items():
        print(f"{name}: {text}")
    kept: list[object] = []
    raw["results"] = kept
    with world.running_world(args.folder) as started:
        for name in args.only or scenarios.DEFAULT:
            results = []
            for result in scenarios.ALL[name](started, args.rounds):
                results.append(result)
                kept.append(dataclasses.asdict(result))
                print(
                    f"{name}: {result.contender} {result.case}".strip(),
                    f"round {result.round + 1}, load {report.load()}",
                    file=sys.stderr,
                )
            print(f"\n{name}: {scenarios.ALL[name].__doc__}")
            print(f"(load average at the end: {report.load()})\n")
            print("\n\n".join(_tables(name, results)), flush=True)


def _end(signum: int, _frame: object) -> None:
    sys.exit(128 + signum)


def main() -> int:
    args = _parser().parse_args()
    signal.signal(signal.SIGTERM, _end)
    raw: dict[str, object] = {}
    try:
        _run(args, raw)
    except pytest.skip.Exception as exc:
        print(f"cannot run here: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        if args.json and raw:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump(raw, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
