# SPDX-License-Identifier: Apache-2.0
"""``onespace providers``: which providers are installed, and do they work."""

from __future__ import annotations

import argparse
from typing import Any

from onespace_core.provider.registry import Registry

_TITLES = ("NAME", "DISTRIBUTION", "CLASS", "STATE")


def add_parser(subparsers: Any) -> None:
    """Add the command to ``onespace``.

    :param subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = subparsers.add_parser(
        "providers",
        help="list the installed providers",
        description="List the installed providers. One that cannot be used"
        " is listed with the reason.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, registry: Registry | None = None) -> int:
    """Print the table.

    :param args: the parsed command line; nothing of it is used.
    :param registry: what to list; the installed providers if None.
    :returns: 0 if there is a provider and all can be used, else 1.
    """
    del args
    plugins = (registry or Registry()).describe()
    rows = [
        (each.name, each.distribution, each.target, each.problem or "ok")
        for each in plugins
    ]
    columns = zip(_TITLES, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    for row in (_TITLES, *rows):
        cells = [
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
    return int(not plugins or any(each.problem for each in plugins))
