# SPDX-License-Identifier: Apache-2.0
"""Rows of results, and the tables made of them."""

from __future__ import annotations

import collections
import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: What the ratios compare with.
PEER = "rclone tuned"


@dataclasses.dataclass(frozen=True)
class Result:
    """One run of one contender.

    :param case: of a scenario that has several, such as "nothing changed".
    :param objects: what a rate or a request count is divided by.
    """

    scenario: str
    contender: str
    round: int
    values: Mapping[str, Any]
    case: str = ""
    objects: int = 1


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: a figure of each run, shown as median [least-most].

    :param figure: a number, or numbers by name, whose medians are listed.
    """

    title: str
    figure: Callable[[Result], Any]
    digits: int = 2


def requests(
    key: str, *, per_object: bool
) -> Callable[[Result], Mapping[str, float]]:
    """Return a figure: counts by method."""

    def figure(result: Result) -> Mapping[str, float]:
        divisor = result.objects if per_object else 1
        counts: Mapping[str, int] = result.values[key]
        return {what: count / divisor for what, count in counts.items()}

    return figure


def per_thousand(*keys: str) -> Callable[[Result], float]:
    """Return a figure: the sum of some values for 1000 objects."""

    def figure(result: Result) -> float:
        return 1000 * sum(result.values[k] for k in keys) / result.objects

    return figure


def value(key: str) -> Callable[[Result], float]:
    """Return a figure that is one value as it is."""
    return lambda result: float(result.values[key])


def rate(result: Result) -> float:
    """Objects per second."""
    return result.objects / float(result.values["wall"])


def table(
    results: Sequence[Result],
    columns: Sequence[Column],
    *,
    ratios: Sequence[Column] = (),
) -> str:
    """Return a table in reStructuredText, a line for each contender.

    :param ratios: figures to divide by the peer's of the same round.
    """
    groups: dict[tuple[str, str], list[Result]] = collections.defaultdict(list)
    for result in results:
        groups[result.case, result.contender].append(result)
    head = ["contender", *(column.title for column in columns)]
    head += [f"{column.title} / {PEER}" for column in ratios]
    rows = []
    for (case, contender), group in groups.items():
        cells = [f"{contender}, {case}" if case else contender]
        cells += [_cell(column, group) for column in columns]
        cells += [_ratio(column, group, results) for column in ratios]
        rows.append(cells)
    return _simple_table([head, *rows])


def _cell(column: Column, group: Sequence[Result]) -> str:
    figures = [column.figure(result) for result in group]
    if isinstance(figures[0], Mapping):
        return _listed(figures)
    return _spread(figures, column.digits)


def _listed(figures: Sequence[Mapping[str, float]]) -> str:
    names = dict.fromkeys(name for figure in figures for name in figure)
    medians = {
        name: statistics.median(figure.get(name, 0) for figure in figures)
        for name in names
    }
    most = sorted(medians, key=lambda name: -medians[name])
    listed = [f"{medians[name]:.4g} {name}" for name in most if medians[name]]
    return ", ".join(listed) or "none"


def _spread(figures: Sequence[float], digits: int) -> str:
    middle = f"{statistics.median(figures):.{digits}f}"
    if len(figures) == 1:
        return middle
    return f"{middle} [{min(figures):.{digits}f}-{max(figures):.{digits}f}]"


def _ratio(
    column: Column, group: Sequence[Result], results: Sequence[Result]
) -> str:
    peers = {
        (result.case, result.round): float(column.figure(result))
        for result in results
        if result.contender == PEER
    }
    found = [
        float(column.figure(result)) / peers[result.case, result.round]
        for result in group
        if (result.case, result.round) in peers
    ]
    return _spread(found, 2) if found else "-"


def _simple_table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def conditions(peers: Mapping[str, str], storage: str) -> dict[str, str]:
    """Return what the figures depend on."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {
        "cores": str(os.cpu_count()),
        "CPU": model[1] if model else platform.machine(),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        **{
            name: importlib.metadata.version(name)
            for name in ("onespace", "swift", "eventlet", "botocore")
        },
        **peers,
        "Swift's data on": storage,
        "load average": load(),
    }


def load() -> str:
    """Return the load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg())
